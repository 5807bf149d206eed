//! What a CA wants of an order before it is planned, and orders that go over a login with the old key.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use const_oid::{ObjectIdentifier, db::rfc5280};
use der::{Encode, asn1::OctetString};
use obnova_algorithm::{
    Digest,
    KeyAlgorithm::{self, P256, P384, Rsa2048},
    SignatureAlgorithm,
};
use obnova_card::{KeyRole, SlotId};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{
    Action, Asked, ByRole, CertificateRules, Method, NotEligible, Oid, Pair, PinNeed, PinUse, Plan, Policy, Process,
    Reason, Vouching, Wanted, Wishes,
};
use support::{Holder, House, now, play::Play, view};
use x509_cert::ext::{
    Extension,
    pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
};

/// Plans a first certificate on a card with nothing on it.
fn first(wishes: &Wishes, policy: &Policy) -> Result<Plan, NotEligible> {
    let card = Holder::empty_card();
    let view = view(&mut obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card)));
    wishes.plan(&view, policy, |policy| Plan::first(&view, policy, now()))
}

fn renewal(wishes: &Wishes, policy: &Policy) -> Result<Plan, NotEligible> {
    let card = Holder::new(&House::new("CN=Root")).view();
    wishes.plan(&card, policy, |policy| Plan::make(&card, policy, now()))
}

fn only(keys: &'static [KeyAlgorithm]) -> Wishes {
    Wishes::default().of_keys(|key, _| keys.contains(&key))
}

fn kind(plan: &Plan) -> KeyAlgorithm {
    plan.new.authentication.as_ref().unwrap().algorithm
}

#[test]
fn a_key_is_of_a_kind_that_the_issuer_takes_and_the_card_makes() {
    // Whose file leaves it to the issuer.
    let partner = Policy { keys: ByRole::default(), ..Policy::partner() };
    assert_eq!(kind(&first(&Wishes::default(), &partner).unwrap()), P256);
    for (taken, made) in [(&[P384, P256][..], P256), (&[P384], P384), (&[Rsa2048, P384], Rsa2048)] {
        assert_eq!(kind(&first(&only(taken), &partner).unwrap()), made, "of {taken:?}");
    }
    assert_eq!(kind(&renewal(&Wishes::default(), &partner).unwrap()), P256);
    assert_eq!(kind(&renewal(&only(&[Rsa2048]), &partner).unwrap()), Rsa2048);

    // What cannot be met is told, and no other key is made instead.
    let not_taken = |algorithm| vec![Reason::AlgorithmNotTaken { role: KeyRole::Authentication, algorithm }];
    assert_eq!(first(&only(&[KeyAlgorithm::Rsa4096]), &partner).unwrap_err().reasons, not_taken(P256));
    assert_eq!(first(&only(&[]), &partner).unwrap_err().reasons, not_taken(P256));
    let fixed = Policy { algorithms: Pair { authentication: Some(P384), signature: None }, ..partner.clone() };
    assert_eq!(kind(&first(&only(&[P256, P384]), &fixed).unwrap()), P384);
    assert_eq!(first(&only(&[P256]), &fixed).unwrap_err().reasons, not_taken(P384));
    let same_key = Policy { method: Method::SameKey, ..partner.clone() };
    // The same key is not taken: new ones are, where the card makes and the service certifies what the issuer takes.
    let kept = [Reason::KeptKeyNotTaken { role: KeyRole::Authentication, kept: P256 }];
    assert_eq!(renewal(&only(&[P384]), &same_key).unwrap_err().reasons, kept);
    assert!(renewal(&only(&[P384]), &partner).is_ok(), "as it says");
    assert_eq!(renewal(&only(&[KeyAlgorithm::Rsa4096]), &same_key).unwrap_err().reasons, not_taken(P256));
    let fixed_too = Policy { method: Method::SameKey, ..fixed };
    assert_eq!(renewal(&only(&[Rsa2048]), &fixed_too).unwrap_err().reasons, not_taken(P256));
    let sha512 = |_, signature| signature == SignatureAlgorithm::Ecdsa(Digest::Sha512);
    let wishes = Wishes::default().of_keys(sha512);
    assert_eq!(first(&wishes, &partner).unwrap_err().reasons, not_taken(P256), "no card is asked to sign with it");
}

/// The service's file says for each of the two what is certified; what the issuer says of both together is not enough.
#[test]
fn a_key_is_of_a_kind_that_the_service_certifies_for_it() {
    let of = |authentication: &[KeyAlgorithm], signature: &[KeyAlgorithm]| Policy {
        keys: ByRole { authentication: Some(authentication.to_vec()), signature: Some(signature.to_vec()) },
        ..Policy::twins()
    };
    let kinds = |plan: Plan| Pair::ROLES.map(|role| plan.new.get(role).unwrap().algorithm);
    let both = of(&[P384, P256], &[P384, Rsa2048]);
    for (wishes, made) in [
        (Wishes::default(), [P256, Rsa2048]),
        (only(&[P256, P384, Rsa2048]), [P256, Rsa2048]),
        (only(&[P256, P384]), [P256, P384]),
        (only(&[P384]), [P384, P384]),
    ] {
        assert_eq!(kinds(first(&wishes, &both).unwrap()), made);
        assert_eq!(kinds(renewal(&wishes, &both).unwrap()), made);
    }

    // What the card has, what the service certifies and what the issuer takes: whose list lacks what is told, and for which of the two.
    let card = [P256, Rsa2048, P384, KeyAlgorithm::Rsa3072];
    let (role, known) = (KeyRole::Signature, &[P256, P384][..]);
    let not_of_service = |certified: &[KeyAlgorithm], offered: &[KeyAlgorithm]| {
        vec![Reason::KeyNotOfService { role, certified: certified.to_vec(), offered: offered.to_vec() }]
    };
    let against = |taken: &[KeyAlgorithm]| {
        vec![Reason::IssuerAgainstService { role, certified: known.to_vec(), taken: taken.to_vec() }]
    };
    let rsa_4096 = [KeyAlgorithm::Rsa4096];
    let fixed = Policy { algorithms: Pair { authentication: None, signature: Some(Rsa2048) }, ..of(&[P256], known) };
    let kept = Policy { method: Method::SameKey, ..of(&[P256], &[P384]) };
    for (wishes, policy, reasons) in [
        (Wishes::default(), of(&[P256], &rsa_4096), not_of_service(&rsa_4096, &card)),
        (Wishes::default(), fixed, not_of_service(known, &[Rsa2048])),
        (Wishes::default(), kept, vec![Reason::KeptKeyNotOfService { role, certified: vec![P384], kept: P256 }]),
        // And no new one either.
        (Wishes::default(), Policy { method: Method::SameKey, ..of(&[P256], &rsa_4096) }, {
            not_of_service(&rsa_4096, &card)
        }),
        // One that is weaker than what the service certifies, and one that nobody has.
        (Wishes::default().of_keys(|key, _| key == Rsa2048), of(&[Rsa2048], known), against(&[Rsa2048])),
        (Wishes::default().of_keys(|_, _| false), of(&[P256], known), {
            let other = Reason::IssuerAgainstService {
                role: KeyRole::Authentication,
                certified: vec![P256],
                taken: Vec::new(),
            };
            [vec![other], against(&[])].concat()
        }),
        // In both lists, and not on this card.
        (
            Wishes::default().of_keys(|key, _| !matches!(key, P384 | Rsa2048)),
            of(&[P256], &[P384, KeyAlgorithm::Rsa4096]),
            vec![Reason::AlgorithmNotTaken { role, algorithm: P384 }],
        ),
    ] {
        assert_eq!(renewal(&wishes, &policy).unwrap_err().reasons, reasons);
        if policy.method == Method::ReKey {
            assert_eq!(first(&wishes, &policy).unwrap_err().reasons, reasons);
        }
    }
    let text = NotEligible { reasons: against(&[]) }.to_string();
    assert!(text.contains("certifies P-256, P-384 keys") && text.contains("none that is known here"), "{text}");
}

/// The signature key makes no login.
#[test]
fn what_is_renewed_over_a_login_is_the_certificate_for_it() {
    let wishes = Wishes::one_request().over_login();
    let signs = Policy { rules: ByRole::one(KeyRole::Signature, CertificateRules::signature()), ..Policy::partner() };
    let reasons = [Reason::NotForLogin { role: KeyRole::Signature }];
    assert_eq!(renewal(&wishes, &signs).unwrap_err().reasons, reasons);
    assert!(renewal(&Wishes::one_request(), &signs).is_ok());
    assert!(first(&wishes, &signs).is_ok(), "there is nothing to log in with");
    assert!(renewal(&wishes, &Policy::partner()).is_ok());
}

#[test]
fn one_request_is_one_certificate_and_carries_no_revocation_password() {
    let wishes = Wishes::one_request();
    let plan = first(&wishes, &Policy::partner()).unwrap();
    assert!(Policy::partner().revocation_password.is_some() && plan.revocation_password.is_none());
    assert!(plan.revocation_password_later, "it is told");
    let at_once = Policy { revocation_password_at_once: true, ..Policy::partner() };
    assert_eq!(first(&wishes, &at_once).unwrap_err().reasons, [Reason::NoPlaceForPassword]);
    let other_way = first(&Wishes::default(), &at_once).unwrap();
    assert!(other_way.revocation_password.is_some() && !other_way.revocation_password_later);
    let signs_order = |plan: &Plan| plan.has(PinUse::SignOrder(KeyRole::Authentication));
    let optional = Policy { revocation_password_optional: true, ..Policy::partner() };
    assert!(first(&Wishes::default(), &optional).unwrap().revocation_password_optional);
    assert!(!first(&wishes, &optional).unwrap().revocation_password_optional, "nothing is asked for");
    assert!(!renewal(&Wishes::default(), &optional).unwrap().revocation_password_optional, "a renewal sets none");
    let none = Policy { revocation_password: None, ..optional };
    assert!(!first(&Wishes::default(), &none).unwrap().revocation_password_optional, "there is none");
    assert!(signs_order(&other_way) && !signs_order(&plan), "no password is asked for a signature that is not made");
    assert!(renewal(&wishes, &at_once).is_ok_and(|plan| !plan.revocation_password_later), "a renewal sets none");
    assert_eq!(first(&wishes, &Policy::twins()).unwrap_err().reasons, [Reason::OneRequestOnly { count: 2 }]);
}

fn extension(extn_id: ObjectIdentifier, value: &impl Encode) -> Extension {
    Extension { extn_id, critical: false, extn_value: OctetString::new(value.to_der().unwrap()).unwrap() }
}

#[test]
fn what_the_issuer_wants_to_find_in_a_request_is_there_and_nothing_else_is_made_of_it() {
    let policies = extension(rfc5280::ID_CE_CERTIFICATE_POLICIES, &vec![vec![rfc5280::ANY_POLICY]]);
    let usage = extension(rfc5280::ID_CE_KEY_USAGE, &KeyUsage(KeyUsages::DigitalSignature.into()));
    let purposes = [rfc5280::ID_KP_CLIENT_AUTH, rfc5280::ID_KP_EMAIL_PROTECTION];
    let purposes = extension(rfc5280::ID_CE_EXT_KEY_USAGE, &ExtendedKeyUsage(purposes.to_vec()));
    let wanted = [policies, usage, purposes];
    let wishes = Wishes::one_request().with_extensions(wanted.clone());
    for renews in [false, true] {
        let house = House::new("CN=Root");
        let holder = Holder::new(&house);
        let plan = if renews { renewal(&wishes, &Policy::partner()) } else { first(&wishes, &Policy::partner()) };
        let plan = plan.unwrap();
        assert_eq!(plan.wanted, wanted.clone().map(Wanted));
        let token: Box<dyn obnova_card::Token> = match renews {
            true => Box::new(holder.token()),
            false => Box::new(obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(
                Holder::empty_card(),
            ))),
        };
        let mut play = Play::of(house, token, plan);
        while play.next().name() != "prepare" {
            play.step();
        }
        let requests: Vec<_> = play.process.requests().map(|(_, der)| der.to_vec()).collect();
        let [request] = &requests[..] else { panic!("{} requests", requests.len()) };
        let request = CertificationRequest::from_der(request).unwrap();
        for one in &wanted {
            let found: Vec<_> = request.extensions().iter().filter(|found| found.extn_id == one.extn_id).collect();
            assert_eq!(found, [one], "once, as it was wanted");
        }
        // It stands in the journal with the plan, and gives the same request after a crash.
        let text = serde_json::to_string(&play.records).unwrap();
        assert_eq!(serde_json::from_str::<Vec<obnova_renewal::Record>>(&text).unwrap(), play.records);
        assert_eq!(Process::replay(&play.records).unwrap().requests().count(), 1);
    }
}

/// What the issuer wants of the orders that this way carries says nothing of one that it does not.
#[test]
fn an_order_that_this_way_does_not_carry_is_refused_for_that_alone() {
    let usage = extension(rfc5280::ID_CE_KEY_USAGE, &KeyUsage(KeyUsages::DigitalSignature.into()));
    let wishes = Wishes::one_request().over_login().of_keys(|key, _| key == P384).with_extensions([usage]);
    let pair = [Reason::OneRequestOnly { count: 2 }];
    assert_eq!(first(&wishes, &Policy::twins()).unwrap_err().reasons, pair);
    let kept = Policy { method: Method::SameKey, ..Policy::twins() };
    assert_eq!(renewal(&wishes, &kept).unwrap_err().reasons, pair);
    let signs = Policy { rules: ByRole::one(KeyRole::Signature, CertificateRules::signature()), ..Policy::partner() };
    assert_eq!(renewal(&wishes, &signs).unwrap_err().reasons, [Reason::NotForLogin { role: KeyRole::Signature }]);
    // Of one that it carries all is told, how it is carried first.
    let at_once = Policy { revocation_password_at_once: true, ..signs };
    let ours = Reason::ExtensionNotOurs { wanted: Oid(rfc5280::ID_CE_KEY_USAGE) };
    assert_eq!(first(&wishes, &at_once).unwrap_err().reasons, [Reason::NoPlaceForPassword, ours]);
}

#[test]
fn a_request_for_another_certificate_than_was_planned_is_not_made() {
    let ca = BasicConstraints { ca: true, path_len_constraint: None };
    let email = GeneralName::Rfc822Name(der::asn1::Ia5String::new("somebody@else.example").unwrap());
    let all = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
    for (told, wanted) in [
        ("a CA's", extension(rfc5280::ID_CE_BASIC_CONSTRAINTS, &ca)),
        ("one that binds", extension(rfc5280::ID_CE_KEY_USAGE, &KeyUsage(all))),
        ("for nothing", extension(rfc5280::ID_CE_KEY_USAGE, &KeyUsage(KeyUsages::KeyAgreement.into()))),
        ("unreadable", extension(rfc5280::ID_CE_KEY_USAGE, &true)),
        ("a server's", extension(rfc5280::ID_CE_EXT_KEY_USAGE, &ExtendedKeyUsage(vec![rfc5280::ID_KP_SERVER_AUTH]))),
        ("somebody's", extension(rfc5280::ID_CE_SUBJECT_ALT_NAME, &SubjectAltName(vec![email]))),
    ] {
        let wishes = Wishes::default().with_extensions([wanted.clone()]);
        let reasons = [Reason::ExtensionNotOurs { wanted: Oid(wanted.extn_id) }];
        assert_eq!(renewal(&wishes, &Policy::partner()).unwrap_err().reasons, reasons, "{told}");
        assert_eq!(first(&wishes, &Policy::partner()).unwrap_err().reasons, reasons, "{told}");
    }
}

/// One certificate on a card, whose renewal goes over a login.
fn over_login() -> Play {
    let house = House::new("CN=Root");
    let holder = Holder::new(&house);
    let plan = Plan::make(&holder.view(), &Policy::partner(), now()).unwrap();
    let mut play = Play::of(house, Box::new(holder.token()), plan);
    play.vouching = Vouching::Login;
    play
}

#[test]
fn over_a_login_the_old_key_is_asked_for_each_time_and_signs_nothing_else() {
    let mut play = over_login();
    let old = play.process.plan().old.authentication.clone().unwrap();
    let mut asked = Vec::new();
    loop {
        let action = play.next();
        if let Action::OverLogin { asked: what, slot, certificate, pin } = &action {
            assert!(action.needs_card() && action.pin() == Some(pin));
            assert_eq!((*slot, certificate), (old.slot, &old.certificate));
            let PinNeed { uses, password } = pin;
            assert_eq!(
                (uses.as_slice(), *password),
                ([PinUse::Vouch(KeyRole::Authentication)].as_slice(), old.password)
            );
            asked.push(matches!(what, Asked::Order(_)));
        }
        if play.step().is_some() {
            break;
        }
    }
    assert!(matches!(play.run(), Action::Done(_)));
    assert_eq!(asked, [true, false, false], "the order, and twice what came of it");
    assert!(!play.actions.contains(&"vouch"), "{:?}", play.actions);
}

#[test]
fn what_goes_over_a_login_is_gone_on_with_after_each_stop() {
    let length = {
        let mut play = over_login();
        play.run();
        play.actions.len()
    };
    for stop in 0..length {
        let mut play = over_login();
        for _ in 0..stop {
            play.step();
        }
        let action = play.next();
        let _lost = play.perform(&action);
        play.forget();
        assert!(matches!(play.run(), Action::Done(_)), "dropped in {}", action.name());
        let slots = view(play.token.as_mut()).slots;
        let new = slots.iter().filter(|slot| slot.key.is_some()).count();
        assert_eq!((new, slots[0].id), (3, SlotId(1)), "dropped in {}", action.name());
    }
}
