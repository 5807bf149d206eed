//! First certificates: nothing is renewed, the new keys speak for the order, and the holder sees what came before it is put on the card.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use der::Encode;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{InstallCertificate, KeyRole, PasswordKind, Pin, ProfileToken, SlotId, Token};
use obnova_profile::{Label, SlotNumber};
use obnova_renewal::{
    Action, Answer, ByRole, CardView, CertificateRules, Diagnosis, Event, Expected, Failure, Order, Phase, PinUse,
    Plan, Policy, Prepared, Process, ProcessError, Question, Reason, Refusal, Stage, ToSign, check_certificates,
};
use obnova_simulator::{Card, SimulatorConnection};
use support::{
    Draft, Holder, House, name, now, pin_for,
    play::{Play, new_certificates},
    view,
};

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

fn token(card: Card) -> Box<dyn Token> {
    Box::new(ProfileToken::new(SimulatorConnection::new(card)))
}

fn plan(card: &CardView) -> Plan {
    Plan::first(card, &Policy { confirm_first: true, ..Policy::twins() }, now()).unwrap()
}

/// An order of a card that nothing is on.
fn ordered() -> Play {
    let mut token = token(Holder::empty_card());
    let plan = plan(&view(token.as_mut()));
    Play::of(House::new("CN=Root"), token, plan)
}

/// What the CA wants signed: the whole order, by the key of each role.
fn by_each_key(order: &Order) -> Prepared {
    let all: Vec<_> = order.requests.iter().flat_map(|request| request.der.clone()).collect();
    let sign = |request: &obnova_renewal::OrderedRequest| ToSign {
        voucher: request.role,
        algorithm: P256,
        digest: Digest::Sha256.of(&all),
    };
    Prepared { context: b"planted".to_vec(), to_sign: order.requests.iter().map(sign).collect() }
}

/// Goes on up to an action of this name.
fn until(play: &mut Play, wanted: &str) {
    while play.next().name() != wanted {
        let action = play.next();
        let event = match &action {
            Action::Prepare(order) => {
                play.actions.push(action.name());
                Event::Prepared(by_each_key(order))
            }
            _ => play.perform(&action).unwrap_or_else(|| panic!("{wanted} never came: {:?}", play.actions)),
        };
        play.take(event);
    }
}

fn public_keys(play: &mut Play) -> Vec<SubjectPublicKeyInfoOwned> {
    let slots = play.token.slots().unwrap();
    slots.into_iter().filter_map(|slot| slot.key.and_then(|key| key.public_key)).collect()
}

#[test]
fn the_new_keys_sign_the_order_and_nobody_is_asked_about_old_ones() {
    let mut play = ordered();
    assert!(play.process.plan().is_first());
    until(&mut play, "prepare");
    let Action::Prepare(order) = play.next() else { panic!() };
    for role in [KeyRole::Authentication, KeyRole::Signature] {
        assert_eq!(order.request(role).unwrap().role, role);
        assert_eq!(order.voucher(role), None, "there is no old key");
    }
    until(&mut play, "vouch");
    for role in [KeyRole::Authentication, KeyRole::Signature] {
        let Action::Sign { jobs, pin } = play.next() else { panic!("{:?}", play.next()) };
        let new = play.process.plan().new.get(role).unwrap().clone();
        assert_eq!((jobs.len(), jobs[0].slot, pin.password), (1, new.slot, new.password));
        assert_eq!(pin.uses, [PinUse::SignOrder(role)]);
        assert_eq!(play.process.uses_ahead(Phase::Requests, new.password), pin.uses);
        let wrong = play.process.handle(Event::Signed(vec![vec![0; 70]]), now());
        assert!(matches!(wrong, Err(ProcessError::Signature(_))), "{wrong:?}");
        assert!(play.step().is_none());
    }
    until(&mut play, "send");
    assert!(matches!(play.next(), Action::Send(message) if Some(&message) == play.process.message()));
    until(&mut play, "done");
    assert_eq!(
        play.actions,
        [
            "ask",
            "terms",
            "generate",
            "generate",
            "request",
            "request",
            "prepare",
            "vouch",
            "vouch",
            "seal",
            "send",
            "pick-up",
            "pick-up",
            "ask",
            "install",
            "look",
            "acknowledge",
            "prove-login",
            "prove-signature"
        ]
    );
    let plan = play.process.plan().clone();
    let new = new_certificates(play.token.as_mut(), &plan);
    assert_eq!((new.authentication, new.signature), (1, 1));
}

#[test]
fn a_connection_cannot_have_new_keys_sign_in_a_way_that_was_not_planned() {
    let mut play = ordered();
    until(&mut play, "prepare");
    let Action::Prepare(order) = play.next() else { panic!() };
    let mut other = by_each_key(&order);
    (other.to_sign[1].algorithm, other.to_sign[1].digest) =
        (SignatureAlgorithm::Ecdsa(Digest::Sha384), Digest::Sha384.of(b"x"));
    let refused = play.process.handle(Event::Prepared(other), now());
    assert!(matches!(refused, Err(ProcessError::Unvouchable { voucher: KeyRole::Signature })), "{refused:?}");
    let shown = format!("{:?}", by_each_key(&order));
    assert!(shown.starts_with("Prepared(7 bytes") && !shown.contains("planted"), "{shown}");
}

#[test]
fn certificates_that_were_said_no_to_are_kept_off_the_card_until_the_no_is_taken_back() {
    let mut play = ordered();
    until(&mut play, "pick-up");
    until(&mut play, "ask");
    let Action::Ask(Question::Certificates(shown)) = play.next() else { panic!("{:?}", play.next()) };
    assert_eq!(play.process.certificates(), Some(&*shown));
    assert_eq!((play.process.declined(), play.process.spent_keys().count()), (None, 0));
    play.take(Event::Declined);

    play.forget();
    assert_eq!(play.next(), Action::Failed(Failure::CertificatesDeclined));
    assert!(play.process.stage().is_end());
    assert_eq!(play.process.declined(), Some(&*shown));
    let diagnosis = Diagnosis::of(&play.process, None, now()).to_string();
    assert!(diagnosis.contains("ended") && diagnosis.contains("you did not agree to the certificates"), "{diagnosis}");
    assert!(play.token.slots().unwrap().iter().all(|slot| slot.certificates.is_empty()));

    // Another order is for other keys.
    let spent: Vec<_> = play.process.spent_keys().cloned().collect();
    assert_eq!(spent, public_keys(&mut play));
    let card = view(play.token.as_mut());
    let slots = |plan: &Plan| plan.new.iter().map(|(_, new)| new.slot).collect::<Vec<_>>();
    assert_eq!(slots(&plan(&card)), slots(play.process.plan()), "keys that wait are gone on with");
    let beside = Plan::first_beside(&card, &Policy::twins(), &spent, now()).unwrap();
    assert_eq!(slots(&beside), [SlotId(3), SlotId(4)]);

    play.take(Event::Agreed);
    play.forget();
    assert_eq!((play.process.stage(), play.process.declined()), (Stage::Install, None));
    until(&mut play, "done");
}

#[test]
fn keys_are_spent_when_the_ca_certifies_them_no_more_and_not_when_it_refuses_for_another_reason() {
    for (reason, spent) in [("noKeyReuse", 2), ("badRequest", 0)] {
        let mut play = ordered();
        until(&mut play, "send");
        play.take(Event::Answered(Answer::Refused { reason: reason.into(), text: "no".into() }));
        play.forget();
        assert_eq!(play.process.spent_keys().count(), spent, "{reason}");
        assert_eq!(play.process.declined(), None, "{reason}");
    }
}

#[test]
fn a_card_without_free_slots_says_how_many_are_needed() {
    let mut card = Holder::empty_card();
    let house = House::new("CN=Root");
    for slot in [1, 3, 5] {
        Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [slot, slot + 1], |_, _| {});
    }
    let seventh = SlotNumber::new(7).unwrap();
    let (role, label) = (obnova_profile::KeyRole::Authentication, Label::new("Other").unwrap());
    card.personalise_key(seventh, role, KeyAlgorithm::P384, &label).unwrap();
    let refused = Plan::first(&view(token(card).as_mut()), &Policy::twins(), now()).unwrap_err();
    assert_eq!(refused.reasons, [Reason::NoFreeSlot { needed: 2, free: 1 }]);
}

/// One of two certificates was installed before the program was stopped, and the journal is lost: the next order is for both keys. But not
/// where that certificate has its twin, and the key that waits is of something else.
#[test]
fn half_of_an_order_is_gone_on_with_unless_it_is_whole() {
    let mut play = ordered();
    until(&mut play, "install");
    let Action::Install { jobs, .. } = play.next() else { panic!("{:?}", play.next()) };
    let first: Vec<InstallCertificate> = jobs.into_iter().take(1).collect();
    let pin = || Pin::new(pin_for(PasswordKind::AuthenticationPin));
    play.token.install(&first, &[], &pin()).unwrap();
    let planned = plan(&view(play.token.as_mut()));
    let waiting = |plan: &Plan| plan.new.iter().map(|(_, new)| (new.slot, new.waiting.is_some())).collect::<Vec<_>>();
    assert_eq!(waiting(&planned), [(SlotId(1), true), (SlotId(2), true)]);

    // Its twin, in a slot of its own.
    let order = obnova_card::GenerateKey {
        slot: SlotId(3),
        role: KeyRole::Signature,
        algorithm: KeyAlgorithm::P256,
        label: "Signature".into(),
    };
    let key = play.token.generate(&order, &pin()).unwrap();
    let certificate = play.house.issue(&Draft::new(KeyRole::Signature, key)).der().to_vec();
    let twin = InstallCertificate { slot: SlotId(3), certificate, label: "Signature".into() };
    play.token.install(&[twin], &[], &pin()).unwrap();
    let planned = plan(&view(play.token.as_mut()));
    assert_eq!(waiting(&planned), [(SlotId(4), false), (SlotId(2), true)]);
}

#[test]
fn room_is_looked_for_on_the_card_of_the_plan_until_the_certificates_are_there() {
    let mut play = ordered();
    until(&mut play, "generate");
    let empty = view(play.token.as_mut());
    assert_eq!(play.process.check_room(&empty), Ok(()));
    let full = |mut card: CardView| {
        card.capabilities.directory.as_mut().unwrap().length = 1;
        card
    };
    assert_eq!(play.process.check_room(&full(empty.clone())), Err(Refusal::CardFull));
    let mut other = full(empty);
    other.identity.serial = "another".into();
    assert_eq!(play.process.check_room(&other), Ok(()), "another card is told when it is needed");
    until(&mut play, "acknowledge");
    let mut removed = full(view(play.token.as_mut()));
    removed.slots.iter_mut().for_each(|slot| slot.certificates.clear());
    assert_eq!(play.process.plan().check_room(&removed), Err(Refusal::CardFull));
    assert_eq!(play.process.check_room(&removed), Ok(()), "they were put there, and are not a second time");
}

#[test]
fn whose_name_stands_in_first_certificates_is_the_issuers_affair_but_somebodys_it_is() {
    let house = House::new("CN=Root");
    let mut play = ordered();
    until(&mut play, "send");
    let keys = play.process.keys().unwrap();
    let (authentication, signature) = (CertificateRules::authentication(), CertificateRules::qualified_signature());
    let rules = ByRole { authentication: Some(&authentication), signature: Some(&signature) };
    let terms = house.terms();
    let check = |subject: x509_cert::name::Name| {
        let issue = |(role, key): (KeyRole, &&SubjectPublicKeyInfoOwned)| {
            let draft = Draft { subject: subject.clone(), ..Draft::new(role, (**key).clone()) };
            house.issue(&draft).certificate().to_der().unwrap()
        };
        let came: Vec<_> = keys.iter().map(|(role, key)| issue((role, key))).collect();
        let expected = Expected { keys, old: ByRole::default(), rules, terms: &terms };
        check_certificates(&came, &expected, now())
    };
    assert!(check(name("CN=Somebody new")).is_ok());
    assert_eq!(check(x509_cert::name::Name::default()), Err(Refusal::NoSubject { role: KeyRole::Authentication }));
}

#[test]
fn a_journal_of_before_a_field_was_part_of_the_plan_means_what_it_meant() {
    let play = ordered();
    let mut written = serde_json::to_value(play.process.plan()).unwrap();
    for field in ["one_time_password", "clock_tolerance", "ask_status"] {
        written.as_object_mut().unwrap().remove(field).unwrap_or_else(|| panic!("no {field}"));
    }
    let read: Plan = serde_json::from_value(written).unwrap();
    assert_eq!(read.one_time_password, obnova_renewal::OneTimePasswords::Any);
    assert_eq!(read.clock_tolerance, std::time::Duration::from_secs(300));
    assert_eq!(read.ask_status, obnova_renewal::AskStatus::Never);
    let (process, _) = Process::start("old", read, now());
    assert_eq!(process.stage(), Stage::AskPlan);
}
