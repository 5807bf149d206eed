//! What speaks against a renewal is said by name, all at once; and what will be done is said before it is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::slice::from_ref;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{Activation, InPlaceOnly, KeyRole, PasswordKind, PasswordState, SlotId, Tries};
use obnova_renewal::{
    ByRole, CardView, MANAGING_PASSWORD, Method, Oid, Pair, Phase, PinUse, Plan, Policy, QC_SSCD, Reason, Risk, Terms,
    chosen_pair, current_pair,
};
use support::{Holder, House, days, name, now, printable, view};

fn reasons(card: &CardView) -> Vec<Reason> {
    Plan::make(card, &Policy::twins(), now()).unwrap_err().reasons
}

#[test]
fn the_plan_says_slots_algorithms_labels_reasons_and_what_stays() {
    let house = House::new("CN=Root");
    let mut card = Holder::empty_card();
    let older = |_: KeyRole, draft: &mut support::Draft| draft.subject = name("CN=Somebody else");
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [1, 2], |role, draft| {
        older(role, draft);
        draft.until = now() - days(1);
    });
    Holder::personalise(&mut card, &house, KeyAlgorithm::Rsa2048, [3, 4], |_, _| {});
    let holder = view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card)));
    let plan = Plan::make(&holder, &Policy::twins(), now()).unwrap();
    assert_eq!(
        (plan.old.authentication.as_ref().unwrap().slot, plan.old.signature.as_ref().unwrap().slot),
        (SlotId(3), SlotId(4))
    );
    assert_eq!(
        (plan.new.authentication.as_ref().unwrap().slot, plan.new.signature.as_ref().unwrap().slot),
        (SlotId(5), SlotId(6))
    );
    assert_eq!(plan.new.signature.as_ref().unwrap().algorithm, KeyAlgorithm::Rsa2048, "the kind of the old key");
    assert_eq!(plan.new.authentication.as_ref().unwrap().label, "Authentication 2026-11");
    assert_eq!(plan.stays, [SlotId(1), SlotId(2)]);
    assert_eq!((plan.risk, plan.unfinished.len()), (None, 0));
    assert_eq!(plan.signatures(), 6, "two requests, two vouches, a login, a test");

    let asks: Vec<_> = plan.asks.iter().map(|ask| (ask.phase, ask.password, ask.uses.len())).collect();
    let (authentication, signature) = (PasswordKind::AuthenticationPin, PasswordKind::SignaturePin);
    let expected = [
        (Phase::NewKeys, authentication, 2),
        (Phase::Requests, authentication, 2),
        (Phase::Requests, signature, 2),
        (Phase::Finish, authentication, 2),
        (Phase::Finish, signature, 1),
    ];
    assert_eq!(asks, expected);
    assert_eq!(plan.password_for(PinUse::MakeKey(KeyRole::Signature)), Some(MANAGING_PASSWORD));
    assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn each_state_of_the_pair_has_its_reason() {
    let house = House::new("CN=Root");
    let with = |change: &dyn Fn(KeyRole, &mut support::Draft)| {
        reasons(&Holder::with(&house, KeyAlgorithm::P256, change).view())
    };
    let expired = with(&|role, draft| {
        if role == KeyRole::Signature {
            draft.until = now() - days(2);
        }
    });
    assert_eq!(expired, [Reason::Expired { role: KeyRole::Signature, since: now() - days(2) }]);
    let early = with(&|_, draft| draft.from = now() + days(1));
    let from = now() + days(1);
    let of = |role| Reason::NotYetValid { role, from };
    assert_eq!(early, [of(KeyRole::Authentication), of(KeyRole::Signature)], "all of them at once");
    let not_due = with(&|_, draft| draft.until = now() + days(31));
    assert_eq!(not_due, [Reason::NotDue { from: now() + days(1), until: now() + days(31) }]);
    let two_subjects = with(&|role, draft| {
        if role == KeyRole::Signature {
            draft.subject = name("CN=Another");
        }
    });
    assert!(matches!(two_subjects.as_slice(), [Reason::OnlyOneOfTwo { .. }]), "{two_subjects:?}");
    let empty =
        view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(Holder::empty_card())));
    assert_eq!(reasons(&empty), [Reason::NoCertificates]);
}

/// Whoever is told to come again on a day does not learn on that day what could be mended before.
#[test]
fn what_else_is_wrong_is_told_while_it_is_too_early() {
    let house = House::new("CN=Root");
    let mut early = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now() + days(40)).view();
    let not_due = Reason::NotDue { from: now() + days(10), until: now() + days(40) };
    let refused = |card: &CardView, policy: &Policy| Plan::make(card, policy, now()).unwrap_err().reasons;
    let of = |method, keys: KeyAlgorithm| Policy {
        method,
        keys: ByRole { authentication: Some(vec![keys]), signature: Some(vec![keys]) },
        ..Policy::twins()
    };
    assert_eq!(refused(&early, &Policy::twins()), from_ref(&not_due));
    let kept = Pair::ROLES.map(|role| Reason::KeptKeyNotOfService {
        role,
        certified: vec![KeyAlgorithm::P384],
        kept: KeyAlgorithm::P256,
    });
    assert_eq!(refused(&early, &of(Method::SameKey, KeyAlgorithm::P384)), [from_ref(&not_due), &kept].concat());

    early.slots.retain(|slot| !slot.is_empty());
    let no_room = Reason::NoFreeSlot { needed: 2, free: 0 };
    assert_eq!(refused(&early, &Policy::twins()), [not_due.clone(), no_room.clone()], "each once");
    early.capabilities.generate.clear();
    let not_made = Pair::ROLES.map(|role| Reason::AlgorithmNotOffered { role, algorithm: KeyAlgorithm::P256 });
    assert_eq!(refused(&early, &Policy::twins()), [&[not_due, no_room][..], &not_made].concat());
}

#[test]
fn the_last_moment_is_still_in_time() {
    let house = House::new("CN=Root");
    let card = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now()).view();
    Plan::make(&card, &Policy::twins(), now()).unwrap();
    let second = std::time::Duration::from_secs(1);
    assert!(Plan::make(&card, &Policy::twins(), now() + second).is_err());
    let due = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now() + days(30)).view();
    Plan::make(&due, &Policy::twins(), now()).unwrap();
    assert!(Plan::make(&due, &Policy::twins(), now() - second).is_err());
}

#[test]
fn each_state_of_the_card_has_its_reason() {
    let house = House::new("CN=Root");
    let good = Holder::new(&house).view();
    let changed = |change: &dyn Fn(&mut CardView)| {
        let mut card = good.clone();
        change(&mut card);
        reasons(&card)
    };
    let set = |kind: PasswordKind, state: PasswordState| {
        changed(&|card| {
            card.passwords.iter_mut().filter(|one| one.kind == kind).for_each(|one| one.state = state);
        })
    };
    let (auth, sign) = (PasswordKind::AuthenticationPin, PasswordKind::SignaturePin);
    assert_eq!(set(auth, PasswordState::Blocked), [Reason::PinBlocked { password: auth }]);
    assert_eq!(set(sign, PasswordState::Blocked), [Reason::PinBlocked { password: sign }]);
    assert_eq!(set(sign, PasswordState::Empty), [Reason::PinNotSet { password: sign }]);
    assert_eq!(set(auth, PasswordState::Transport), [Reason::NotActive]);
    // Every password was set, and then it was torn.
    assert_eq!(changed(&|card| card.capabilities.activation = Some(Activation::Nothing)), [Reason::NotActive]);
    let finished = Activation::Finished { password: PasswordKind::TransportPin };
    assert_eq!(
        changed(&|card| card.capabilities.activation = Some(finished)),
        [Reason::CardFinished { password: PasswordKind::TransportPin }]
    );
    let without_puk = changed(&|card| {
        card.passwords.iter_mut().filter(|one| one.kind != sign).for_each(|one| one.state = PasswordState::Blocked);
    });
    assert_eq!(without_puk, [Reason::PinDead { password: auth }]);
    // Nobody is sent to a PUK that the card takes from others only.
    let untaken_puk = changed(&|card| {
        card.capabilities.takes_puk = false;
        card.passwords.iter_mut().filter(|one| one.kind == auth).for_each(|one| one.state = PasswordState::Blocked);
    });
    assert_eq!(untaken_puk, [Reason::PukNotTaken { password: auth }]);
    let arrived = changed(&|card| {
        card.capabilities.activation = Some(Activation::Nothing);
        card.passwords.iter_mut().for_each(|one| one.state = PasswordState::Empty);
    });
    assert_eq!(arrived, [Reason::NotActive]);
    let last = PasswordState::Active(Tries::Known(1));
    let mut one_try = good.clone();
    one_try.passwords.iter_mut().for_each(|one| one.state = last);
    Plan::make(&one_try, &Policy::twins(), now()).unwrap();

    let full = changed(&|card| card.slots.truncate(3));
    assert_eq!(full, [Reason::NoFreeSlot { needed: 2, free: 1 }]);
    let only_rsa = changed(&|card| card.capabilities.generate = vec![KeyAlgorithm::Rsa2048]);
    assert_eq!(only_rsa.len(), 2);
    let of = |role| Reason::AlgorithmNotOffered { role, algorithm: KeyAlgorithm::P256 };
    assert_eq!(only_rsa, [of(KeyRole::Authentication), of(KeyRole::Signature)]);
    let mute = changed(&|card| card.slots[1].key.as_mut().unwrap().signs.clear());
    assert_eq!(mute, [Reason::KeyCannotSign { role: KeyRole::Signature }]);
    let garbage = changed(&|card| {
        for slot in &mut card.slots {
            slot.certificates.iter_mut().for_each(|entry| (entry.certificate, entry.fits_key) = (None, false));
        }
    });
    assert_eq!(garbage, [Reason::BrokenCertificate { slot: SlotId(1) }]);
    let both = changed(&|card| {
        card.slots.truncate(3);
        card.passwords.iter_mut().for_each(|one| one.state = PasswordState::Blocked);
    });
    assert_eq!(both.len(), 3, "both PINs and the room: {both:?}");
}

#[test]
fn every_reason_says_what_to_do_and_has_a_message_id() {
    let all = [
        Reason::NotActive,
        Reason::PinNotSet { password: PasswordKind::SignaturePin },
        Reason::PinBlocked { password: PasswordKind::SignaturePin },
        Reason::NoCertificates,
        Reason::BrokenCertificate { slot: SlotId(1) },
        Reason::OnlyOneOfTwo { missing: KeyRole::Signature },
        Reason::Expired { role: KeyRole::Signature, since: now() },
        Reason::NotYetValid { role: KeyRole::Signature, from: now() },
        Reason::NotDue { from: now(), until: now() },
        Reason::SeveralPairs { pairs: 2 },
        Reason::NoFreeSlot { needed: 2, free: 0 },
        Reason::AlgorithmNotOffered { role: KeyRole::Signature, algorithm: KeyAlgorithm::P384 },
        Reason::KeyCannotSign { role: KeyRole::Signature },
        Reason::KeptKeyNotOfService {
            role: KeyRole::Signature,
            certified: vec![KeyAlgorithm::P384],
            kept: KeyAlgorithm::P256,
        },
        Reason::KeptKeyNotTaken { role: KeyRole::Signature, kept: KeyAlgorithm::P256 },
        Reason::PukNotTaken { password: PasswordKind::SignaturePin },
        Reason::OfOtherIssuers,
        Reason::CardFinished { password: PasswordKind::TransportPin },
        Reason::PinDead { password: PasswordKind::SignaturePin },
        Reason::OneCertificateOnly,
        Reason::KeyFull { role: KeyRole::Signature, most: 8 },
        Reason::CardFull,
        Reason::AlgorithmNotTaken { role: KeyRole::Signature, algorithm: KeyAlgorithm::P384 },
        Reason::KeyNotOfService {
            role: KeyRole::Signature,
            certified: vec![KeyAlgorithm::P384],
            offered: vec![KeyAlgorithm::P256, KeyAlgorithm::Rsa2048],
        },
        Reason::IssuerAgainstService { role: KeyRole::Signature, certified: vec![KeyAlgorithm::P384], taken: vec![] },
        Reason::NotForLogin { role: KeyRole::Signature },
        Reason::ExtensionNotOurs { wanted: Oid(QC_SSCD) },
        Reason::OneRequestOnly { count: 2 },
        Reason::NoPlaceForPassword,
    ];
    let mut ids: Vec<_> = all.iter().map(Reason::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    for reason in &all {
        let text = reason.to_string();
        assert!(text.contains([':', ';', '?']), "no advice in \"{text}\"");
    }
    assert!(all[6].to_string().contains("2026-11-21"));
    let told = |text: &str| all.iter().any(|reason| reason.to_string().contains(text));
    assert!(told("what this card offers is P-256, RSA 2048") && told("that it takes none that is known here"));
}

/// What would be renewed is told though it cannot be now, so that it can be asked about; what is chosen is of the issuers that are meant.
#[test]
fn what_a_renewal_would_be_about_is_known_before_it_is_due() {
    let house = House::new("CN=Root");
    let holder = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now() + days(200));
    let (card, policy) = (holder.view(), Policy::twins());
    let issuers = house.terms().issuers();
    let refused = current_pair(&card, &policy, &issuers, now()).unwrap_err();
    assert!(matches!(refused.reasons[..], [Reason::NotDue { .. }]), "{refused}");
    assert_eq!(chosen_pair(&card, &policy, &issuers, now()), Some(holder.old.clone().into()));
    let later = now() + days(190);
    let current = current_pair(&card, &policy, &issuers, later).unwrap();
    assert_eq!(current.map(|_, old| old.certificate.clone()), holder.old.clone().into());

    let strangers = House::new("CN=Root").terms().issuers();
    assert_eq!(chosen_pair(&card, &policy, &strangers, later), None);
    assert_eq!(current_pair(&card, &policy, &strangers, later).unwrap_err().reasons, [Reason::OfOtherIssuers]);
    let below = house.below("CN=Below", |_| {});
    let terms = Terms { intermediates: vec![below.root.clone()], ..house.terms() };
    assert_eq!(terms.issuers(), [house.root.clone(), below.root], "what is below a root issues too");
}

#[test]
fn of_two_valid_pairs_the_holder_must_say_which() {
    let (ours, theirs) = (House::new("CN=Our Root"), House::new("CN=Their Root"));
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &ours, KeyAlgorithm::P256, [1, 2], |_, _| {});
    Holder::personalise(&mut card, &theirs, KeyAlgorithm::P256, [3, 4], |_, _| {});
    let card = view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card)));
    assert_eq!(reasons(&card), [Reason::SeveralPairs { pairs: 2 }]);
    let plan = Plan::make_for(&card, &Policy::twins(), from_ref(&theirs.root), now()).unwrap();
    assert_eq!(plan.old.authentication.as_ref().unwrap().slot, SlotId(3));
    assert_eq!(plan.stays, [SlotId(1), SlotId(2)]);
}

/// Nothing is made for certificates that the CA cannot know.
#[test]
fn what_another_ca_issued_is_not_renewed_though_that_has_the_same_name() {
    let [ours, theirs] = ["CN=Root"; 2].map(House::new);
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &ours, KeyAlgorithm::P256, [1, 2], |_, _| {});
    Holder::personalise(&mut card, &theirs, KeyAlgorithm::P256, [3, 4], |_, draft| draft.from = now() - days(200));
    let mut card = view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card)));
    let plan = |card: &CardView, issuers: &[_]| Plan::make_for(card, &Policy::twins(), issuers, now());
    let slot = |issuers: &[_]| plan(&card, issuers).unwrap().old.authentication.unwrap().slot;
    assert_eq!((slot(from_ref(&ours.root)), slot(from_ref(&theirs.root))), (SlotId(1), SlotId(3)));
    // Of one CA that changed its key the youngest counts.
    assert_eq!(slot(&[theirs.root.clone(), ours.root]), SlotId(3));
    card.slots.drain(2..4);
    for policy in [Policy::twins(), Policy::partner()] {
        let refused = Plan::make_for(&card, &policy, from_ref(&theirs.root), now()).unwrap_err();
        assert_eq!(refused.reasons, [Reason::OfOtherIssuers]);
    }
}

#[test]
fn twins_whose_name_is_written_as_different_string_types_are_one_pair() {
    let house = House::new("CN=Root");
    let holder = Holder::with(&house, KeyAlgorithm::P256, |role, draft| {
        draft.subject = if role == KeyRole::Signature { printable("Petr Novak") } else { name("CN=Petr Novak") };
    });
    let plan = Plan::make(&holder.view(), &Policy::twins(), now()).unwrap();
    assert!(plan.old.iter().all(|(role, old)| old.certificate == *holder.old.get(role)));
}

#[test]
fn of_a_renewed_pair_the_youngest_counts_and_the_superseded_never() {
    let house = House::new("CN=Root");
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [1, 2], |_, draft| draft.from = now() - days(300));
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [3, 4], |_, draft| draft.from = now() - days(200));
    let mut card = view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card)));
    let plan = |card: &CardView| Plan::make(card, &Policy::twins(), now()).unwrap();
    assert_eq!(plan(&card).old.authentication.as_ref().unwrap().slot, SlotId(3));
    card.slots[2].certificates[0].superseded = true;
    card.slots[3].certificates[0].superseded = true;
    assert_eq!(plan(&card).old.authentication.as_ref().unwrap().slot, SlotId(1));
}

#[test]
fn a_card_that_can_only_replace_keys_is_a_risk_that_is_told_first() {
    let house = House::new("CN=Root");
    let holder = Holder::new(&house);
    let card = view(&mut InPlaceOnly::new(holder.token(), &[SlotId(1), SlotId(2)]));
    let plan = Plan::make(&card, &Policy::twins(), now()).unwrap();
    assert_eq!(plan.risk, Some(Risk::InPlaceOnly));
    assert_eq!(
        (plan.new.authentication.as_ref().unwrap().slot, plan.new.signature.as_ref().unwrap().slot),
        (SlotId(1), SlotId(2))
    );
    assert!(!plan.has(PinUse::Vouch(KeyRole::Signature)), "the old keys are gone by then");
    assert!(Risk::InPlaceOnly.to_string().contains("destroyed before"));
}
