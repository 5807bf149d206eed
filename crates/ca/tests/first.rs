//! Somebody without a certificate gets the first ones by a user id and a one-time password; and whoever only says so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    DAY, Draft, EMAIL, HOLDER, Pair, RequestDraft, World,
    first::{First, USER, automatic, issue, one_certificate, subject},
    issued, now, rule, token,
};
use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_ca::{
    AuditEvent, AuditLog, AuditRecord, CaError, CredentialSecret, English, FirstDesk, FirstError, MailKind, Outbox,
    Outcome, Policy, Profile, Refusal, Subject, Transaction,
    store::{OrderState, WriteObserver},
};
use obnova_enroll::{
    Secret,
    cmc::{Answer, Asked, TransactionId, UserId},
};
use obnova_status::RevocationReason;
use x509_cert::{
    Certificate,
    der::Encode as _,
    ext::pkix::{KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
};

fn assert_jana(certificate: &Certificate) {
    let tbs = certificate.tbs_certificate();
    assert_eq!(tbs.subject().to_string(), HOLDER);
    let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
    assert!(matches!(&names.0[..], [GeneralName::Rfc822Name(email)] if email.as_str() == EMAIL));
}

#[test]
fn a_password_brings_both_certificates_at_once_and_they_renew() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let message = first.message();
    let ask = || world.ask(&message, &first.transaction, Asked::Certificates, now());
    let certificates = issued(ask());
    let keys: Vec<_> = certificates.iter().map(|one| one.tbs_certificate().subject_public_key_info()).collect();
    let wanted: Vec<_> = first.requests.iter().map(|one| one.key.public_key()).collect();
    assert_eq!(keys, wanted);
    certificates.iter().for_each(assert_jana);
    assert_eq!(issued(ask()), certificates, "the same message is the same order");
    assert_eq!(world.confirm(&first.transaction, None, &certificates), Answer::Confirmed);
    assert_eq!(rule(&ask()), "token-spent");

    // From here on the certificates speak for her.
    let issued_one = |index: usize| {
        let serial = certificates[index].tbs_certificate().serial_number().as_bytes();
        let kept = world.ca.certificate(serial).unwrap().unwrap();
        obnova_ca::IssuedCertificate::from_der(&kept.der).unwrap()
    };
    let pair = Pair {
        keys: [first.requests[0].key.clone(), first.requests[1].key.clone()],
        certificates: [issued_one(0), issued_one(1)],
    };
    let renewal = Draft::renewing(&pair, 2);
    let answer = world.ask(&renewal.message(), &renewal.transaction, Asked::Certificates, now() + 350 * DAY);
    assert_eq!(issued(answer).len(), 2);
}

#[test]
fn an_order_that_waits_is_approved_and_picked_up_and_its_password_is_used_up() {
    let world = World::new();
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let message = first.message();
    let ask = || world.ask(&message, &first.transaction, Asked::Certificates, now());
    let token = token(&ask());
    assert!(common::token(&ask()) == token, "the same message is the same order, and has the same token");
    let another = First { transaction: TransactionId::from_random([2; 16]), ..first.clone() };
    assert_eq!(rule(&world.first(&another)), "password-used");
    let order = &world.ca.list(Some(OrderState::Pending), 10).unwrap()[..];
    assert_eq!((order.len(), order[0].holder.as_str()), (1, HOLDER));
    world.approve(&first.transaction);
    let certificates = issued(world.query(&first.transaction, &token));
    certificates.iter().for_each(assert_jana);
    assert_eq!(world.confirm(&first.transaction, Some(&token), &certificates), Answer::Confirmed);
    assert_eq!(rule(&world.query(&first.transaction, &token)), "token-spent");
    assert_eq!(rule(&world.first(&another)), "password-used");
}

#[test]
fn what_the_ca_knows_is_certified_whatever_the_request_leaves_out() {
    for digest in Digest::ALL {
        let world = World::with(&automatic(), KeyAlgorithm::P256);
        let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
        first.digest = digest;
        for request in &mut first.requests {
            (request.subject, request.email) = (String::new(), None);
        }
        issued(world.first(&first)).iter().for_each(assert_jana);
    }
}

/// Other programs write the same name otherwise (RFC 5280 §7.1).
#[test]
fn what_the_ca_knows_is_certified_however_the_request_writes_it() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    first.requests[0].subject = HOLDER.to_uppercase();
    first.requests[1].subject = HOLDER.replace(' ', "  ");
    first.requests[1].email = Some("jana@EXAMPLE.cz".into());
    issued(world.first(&first)).iter().for_each(assert_jana);
}

#[test]
fn a_turned_down_order_leaves_its_password_used() {
    let world = World::new();
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    world.first(&first);
    let name = Transaction::new(first.transaction.as_bytes()).unwrap();
    world.ca.reject(&name, "the contract is not signed", now()).unwrap();
    let another = First { transaction: TransactionId::from_random([2; 16]), ..first.clone() };
    assert_eq!(rule(&world.first(&another)), "password-used");
    // Another password, and the same keys.
    let again = issue(&world.ca, USER, "main", now());
    token(&world.first(&First { password: again.password.secret(), ..another }));
}

/// Nothing ends that a first order would replace: it waits as long as policy has it, and no longer.
#[test]
fn a_first_order_on_which_nobody_decides_is_turned_down_with_a_mail() {
    let policy = Policy::TEMPLATE.replace("decision_days = 90", "decision_days = 5");
    let world = World::with(&policy, KeyAlgorithm::P256);
    let ca = world.remembering(world.store()).with_letters(Arc::new(English));
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let message = first.message();
    let ask = || world.ask(&message, &first.transaction, Asked::Certificates, now());
    token(&ask());
    let approved = First::of(&issue(&world.ca, "petr", "main", now()), 2);
    token(&world.first(&approved));
    world.approve(&approved.transaction);
    let renewal = Draft::renewing(&world.old, 3);
    token(&world.send(&renewal));
    let outbox = Outbox::new(Arc::new(world.store()));
    let mails = || outbox.list(None, 9).unwrap().into_iter().map(|mail| (mail.kind, mail.to)).collect::<Vec<_>>();
    assert_eq!(ca.turn_down_undecided(now() + 5 * DAY - Duration::from_secs(2)).unwrap(), 0);
    assert_eq!(mails(), []);
    let late = now() + 6 * DAY;
    assert_eq!([0, 1].map(|_| ca.turn_down_undecided(late).unwrap()), [1, 0], "once");
    assert_eq!(mails(), [(MailKind::TurnedDown, EMAIL.into())]);
    let state = |draft: &TransactionId| {
        let order = ca.order(&Transaction::new(draft.as_bytes()).unwrap()).unwrap().unwrap();
        (order.state, order.reason)
    };
    // A renewal ends with what it would replace, and what is approved stands.
    assert_eq!(state(&renewal.transaction), (OrderState::Pending, None));
    assert_eq!(state(&approved.transaction), (OrderState::Issued, None));
    let (turned_down, reason) = state(&first.transaction);
    assert_eq!(turned_down, OrderState::Rejected);
    assert!(reason.unwrap().contains("nobody decided on it within 5 days"));
    let mut records = Vec::new();
    AuditLog::new(world.store())
        .read(1, |record| {
            records.push((record.event, record.about));
            true
        })
        .unwrap();
    let name = Transaction::new(first.transaction.as_bytes()).unwrap().to_string();
    assert_eq!(records.last().unwrap(), &("order-rejected".to_owned(), name));
    assert_eq!(rule(&ask()), "rejected");
    // The keys are free, for who gets another password.
    let again = issue(&world.ca, USER, "main", now());
    token(&world.first(&First {
        password: again.password.secret(),
        transaction: TransactionId::from_random([4; 16]),
        ..first
    }));
}

/// Who has lost the paper, or what was written down of the order, is given another password, and has the keys.
#[test]
fn a_later_password_of_the_same_person_is_about_the_order_that_stands() {
    let world = World::new();
    let lost = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let picked = token(&world.first(&lost));
    let later = issue(&world.ca, USER, "main", now());
    let again = First { password: later.password.secret(), transaction: TransactionId::from_random([2; 16]), ..lost };
    let mut swapped = again.clone();
    swapped.requests.reverse();
    let message = swapped.message();
    let ask = || world.ask(&message, &again.transaction, Asked::Certificates, now());
    assert!(token(&ask()) == picked, "the same keys are the same order");
    assert!(token(&ask()) == picked, "and the same message is no other one");
    assert_eq!(rule(&world.first(&again)), "transaction-taken", "another message of that name");
    let third = First { transaction: TransactionId::from_random([3; 16]), ..again.clone() };
    assert_eq!(rule(&world.first(&third)), "password-used");
    let order = world.ca.list(None, 9).unwrap().remove(0);
    assert_eq!(world.ca.list(None, 9).unwrap().len(), 1);
    let passwords = world.ca.first().unwrap().list(9).unwrap();
    let of: Vec<_> = passwords.iter().map(|one| (one.order.clone(), one.ended.is_some())).collect();
    assert_eq!(of, [(Some(order.transaction), false), (None, true)], "the one before is worth nothing any more");

    world.approve(&again.transaction);
    let certificates = issued(ask());
    assert_eq!(issued(world.query(&again.transaction, &picked)).len(), 2);
    certificates.iter().for_each(assert_jana);
    assert_eq!(world.confirm(&again.transaction, None, &certificates), Answer::Confirmed);
    assert_eq!(rule(&ask()), "token-spent");
}

/// What is issued is given to whom it was issued; what is over helps nobody, and needs another key.
#[test]
fn a_later_password_brings_what_was_issued_for_the_keys_as_long_as_that_is_good() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let certificates = issued(world.first(&first));
    let mut count = 1;
    let mut ask = |user: &str, moment, bend: &dyn Fn(&mut First)| {
        let password = issue(&world.ca, user, "main", moment);
        count += 1;
        let mut again = First { requests: first.requests.clone(), ..First::of(&password, count) };
        again.requests.iter_mut().for_each(|request| request.subject.clear());
        bend(&mut again);
        world.ca.answer(&again.message(), None, moment).unwrap().refused
    };
    let same: &dyn Fn(&mut First) = &|_| {};
    assert_eq!(ask(USER, now(), same), None);
    assert_eq!(ask("petra", now(), same), Some("key-taken"), "somebody else");
    let one_other: &dyn Fn(&mut First) = &|first| first.requests[1] = RequestDraft::of(KeyUsages::NonRepudiation);
    assert_eq!(ask(USER, now(), one_other), Some("key-taken"), "not both keys");
    assert_eq!(world.ca.list(None, 9).unwrap().len(), 1);
    assert_eq!(ask(USER, now() + 3650 * DAY, same), Some("key-taken"), "ended");
    let serial = certificates[1].tbs_certificate().serial_number().as_bytes();
    world.revoke(serial, RevocationReason::CertificateHold);
    assert_eq!(ask(USER, now(), same), Some("key-taken"), "half of it is on hold");
}

/// As [`a_later_password_of_the_same_person_is_about_the_order_that_stands`], where the password is sent with each question.
#[test]
fn who_waits_by_plain_est_may_go_on_with_a_later_password() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let lost = issue(&world.ca, USER, "main", now());
    let user = UserId::new(USER).unwrap();
    let first = First::of(&lost, 1);
    let request = first.request(0);
    let ask = |request, password: &Secret| match world.ca.enroll(request, (&user, password), None, now()) {
        Ok(Outcome::Pending { .. }) => "pending",
        Ok(Outcome::Issued(_)) => "issued",
        Err(CaError::Refused(refusal)) => refusal.name(),
        Err(other) => panic!("{other}"),
    };
    let lost = lost.password.secret();
    assert_eq!(ask(&request, &lost), "pending");
    let later = issue(&world.ca, USER, "main", now()).password.secret();
    assert_eq!(ask(&request, &lost), "pending", "as long as the later one was not used");
    for _ in 0..2 {
        assert_eq!(ask(&request, &later), "pending", "the same request");
    }
    for _ in 0..20 {
        assert_eq!(ask(&request, &lost), "wrong-password");
    }
    let guesses = |at: usize| world.ca.first().unwrap().list(9).unwrap()[at].guesses;
    assert_eq!((guesses(0), guesses(1)), (0, 0), "who waits guesses nothing");
    let last = issue(&world.ca, USER, "main", now()).password.secret();
    let order = world.ca.list(None, 9).unwrap().remove(0).transaction;
    world.ca.approve(&order, now()).unwrap();
    assert_eq!((ask(&request, &later), ask(&request, &last)), ("issued", "issued"));
    let anew = first.request(0);
    let ask_in = |module: &str| {
        let password = issue(&world.ca, USER, module, now()).password.secret();
        match world.ca.enroll(&anew, (&user, &password), Some(module), now()) {
            Err(CaError::Refused(refusal)) => refusal.name(),
            outcome => outcome.map(|_| "issued").unwrap(),
        }
    };
    assert_eq!(ask_in("invoices"), "key-taken", "of another module");
    assert_eq!(ask_in("main"), "issued", "written anew for the same key, it is about the same");
    assert_eq!(world.ca.list(None, 9).unwrap().len(), 1);
}

/// Whoever waits sends the same request each time. Somebody else's password says nothing of the order, and is good for another one.
#[test]
fn the_request_of_an_order_that_stands_is_of_nobody_else() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let password = |user: &str, module: &str| issue(&world.ca, user, module, now()).password.secret();
    let [first, of_petra, elsewhere] = [password(USER, "main"), password("petra", "main"), password(USER, "invoices")];
    let draft = First::of(&issue(&world.ca, USER, "other", now()), 1);
    let request = draft.request(0);
    let ask_with = |request, user: &str, password: &Secret, module: &str| {
        let user = UserId::new(user).unwrap();
        match world.ca.enroll(request, (&user, password), Some(module), now()) {
            Ok(Outcome::Pending { .. }) => "pending",
            Ok(Outcome::Issued(_)) => "issued",
            Err(CaError::Refused(refusal)) => refusal.name(),
            Err(other) => panic!("{other}"),
        }
    };
    let ask = |user, password, module| ask_with(&request, user, password, module);
    assert_eq!(ask(USER, &first, "main"), "pending");
    let of_others = || [ask("petra", &of_petra, "main"), ask(USER, &elsewhere, "invoices")];
    assert_eq!(of_others(), ["other-user"; 2]);
    // Nor is it when it was written anew, and is about the same.
    let (anew, later) = (draft.request(0), password(USER, "main"));
    assert_eq!(ask_with(&anew, USER, &later, "main"), "pending");
    assert_eq!(ask_with(&anew, "petra", &of_petra, "main"), "other-user");
    let third = draft.request(0);
    assert_eq!(ask_with(&third, "petra", &of_petra, "main"), "key-taken", "that one nobody ordered");
    let orders = world.ca.list(None, 9).unwrap();
    assert_eq!((orders.len(), orders[0].state), (1, OrderState::Pending));
    world.ca.approve(&orders[0].transaction, now()).unwrap();
    assert_eq!(of_others(), ["other-user"; 2]);
    assert_eq!(ask_with(&anew, USER, &later, "main"), "issued");
    let other = First::of(&issue(&world.ca, USER, "other", now()), 2).request(0);
    assert_eq!(ask_with(&other, "petra", &of_petra, "main"), "pending", "it was used for nothing");
}

/// What holds of an order was looked at when it came: who waits for it and needs another password goes on by no rule that came since.
#[test]
fn a_later_password_brings_an_order_on_that_policy_would_not_take_now() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let request = First::of(&issue(&world.ca, USER, "other", now()), 1).request(0);
    let user = UserId::new(USER).unwrap();
    let lost = issue(&world.ca, USER, "main", now()).password.secret();
    assert!(matches!(world.ca.enroll(&request, (&user, &lost), None, now()), Ok(Outcome::Pending { .. })));
    let keys = r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#;
    let policy = one_certificate(Policy::TEMPLATE);
    assert!(policy.contains(keys));
    let strict = world.under(&policy.replace(keys, r#"keys = ["p-384"]"#));
    let later = issue(&strict, USER, "main", now()).password.secret();
    let other = First::of(&issue(&strict, USER, "other", now()), 2).request(0);
    let refused = strict.enroll(&other, (&user, &later), None, now());
    assert!(matches!(&refused, Err(CaError::Refused(Refusal::KeyKind { .. }))), "{refused:?}");
    assert!(matches!(strict.enroll(&request, (&user, &later), None, now()), Ok(Outcome::Pending { .. })));
    assert_eq!(world.ca.list(None, 9).unwrap().len(), 1);
}

/// What a client may lie about, and the name of the rule that says so.
#[test]
fn whoever_lies_is_refused_by_the_rule_that_he_breaks() {
    type Bend = fn(&mut First, &World);
    let lies: [(&str, Bend); 18] = [
        ("wrong-password", |first, _| first.password = Secret::from_bytes(b"K7QWM-2F9TD-0XYHR-4CBBT").unwrap()),
        ("wrong-password", |first, _| first.user = UserId::new("petra").unwrap()),
        ("wrong-password", |first, _| first.user = UserId::new("Jana").unwrap()),
        ("wrong-password", |first, world| {
            first.user = UserId::new(&issue(&world.ca, "petra", "main", now()).subject.user).unwrap();
        }),
        ("other-subject", |first, _| first.requests[1].subject = HOLDER.replace("Jana", "Petra")),
        ("other-subject", |first, _| first.requests[0].subject = HOLDER.replace("Jana", "Jan")),
        ("other-names", |first, _| first.requests[0].email = Some("petra@example.cz".into())),
        ("other-names", |first, _| first.requests[1].email = Some("Jana@example.cz".into())),
        ("request-count", |first, _| drop(first.requests.pop())),
        ("request-count", |first, _| first.requests.push(RequestDraft::of(KeyUsages::DigitalSignature))),
        ("not-twins", |first, _| first.requests[1].usage = Some(KeyUsage(KeyUsages::DigitalSignature.into()))),
        ("key-usage", |first, _| first.requests[1].usage = Some(KeyUsage(KeyUsages::KeyCertSign.into()))),
        ("key-usage", |first, _| first.requests[1].usage = None),
        ("key-taken", |first, world| first.requests[0].key = world.old.keys[0].clone()),
        ("short-password", |first, world| first.revocation_password = Some(world.sealed("žluťouč"))),
        ("plain-password", |first, world| first.revocation_password = Some(world.sealed("žlutžlutžlut"))),
        ("plain-password", |first, world| first.revocation_password = Some(world.sealed(&"a".repeat(64)))),
        ("sealed-password", |first, world| {
            first.revocation_password = Some(world.impostor().sealed("a good password"))
        }),
    ];
    for (wanted, bend) in lies {
        let world = World::with(&automatic(), KeyAlgorithm::P256);
        let honest = First::of(&issue(&world.ca, USER, "main", now()), 1);
        let mut lie = honest.clone();
        bend(&mut lie, &world);
        assert_eq!(rule(&world.first(&lie)), wanted);
        assert!(world.ca.list(None, 10).unwrap().is_empty(), "{wanted}: nothing is kept of it");
        assert_eq!(issued(world.first(&honest)).len(), 2, "{wanted}: the password is as good as before");
    }
}

/// The proof is over the requests, and all new keys sign the message: nothing of it serves beside something else.
#[test]
fn what_is_altered_on_the_way_is_refused() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let honest = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let message = honest.message();
    // Every byte once is much; the proof, the requests and the signatures are all met.
    for position in (0..message.len()).step_by(41) {
        let mut bent = message.clone();
        bent[position] ^= 0x20;
        if let Ok(response) = world.ca.answer(&bent, None, now()) {
            assert!(response.refused.is_some(), "{position}");
        }
    }
    assert!(world.ca.list(None, 10).unwrap().is_empty());
    // The bent proofs among them were guesses.
    assert_eq!(issued(world.first_at(&honest, now() + DAY)).len(), 2);
}

#[test]
fn a_password_ends_after_three_weeks() {
    let world = World::new();
    let password = issue(&world.ca, USER, "main", now());
    assert_eq!(password.expires, now() + 21 * DAY);
    let (late, in_time) = (First::of(&password, 1), First::of(&password, 2));
    assert_eq!(rule(&world.first_at(&late, now() + 21 * DAY)), "password-expired");
    token(&world.first_at(&in_time, now() + 21 * DAY - Duration::from_secs(1)));
}

#[test]
fn another_password_kills_the_one_before_and_frees_from_a_lock() {
    let world = World::new();
    let old = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let wrong = First { password: Secret::from_bytes(b"AAAAA-AAAAA-AAAAA-AAAQE").unwrap(), ..old.clone() };
    let mut moment = now();
    for _ in 0..10 {
        assert_eq!(rule(&world.first_at(&wrong, moment)), "wrong-password");
        moment += DAY;
    }
    assert_eq!(rule(&world.first_at(&wrong, moment)), "password-locked");
    assert_eq!(rule(&world.first_at(&old, moment)), "password-locked", "nor is the right one looked at");
    let new = First::of(&issue(&world.ca, USER, "main", moment), 2);
    assert_eq!(rule(&world.first_at(&old, moment)), "wrong-password");
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let kept = "SELECT count(*) FROM credentials WHERE proof_keys IS NOT NULL OR hash IS NOT NULL";
    let kept: i64 = database.query_row(kept, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1, "nothing is left of the dead one to try passwords on");
    token(&world.first_at(&new, moment));
}

#[test]
fn guesses_are_slowed_and_counted_across_processes_and_the_right_one_begins_anew() {
    let world = World::new();
    let right = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let wrong = First { password: Secret::from_bytes(b"AAAAA-AAAAA-AAAAA-AAAQE").unwrap(), ..right.clone() };
    let other_process = world.another();
    let refused = |first: &First, moment| {
        let response = other_process.answer(&first.message(), None, moment).unwrap();
        response.refused.unwrap()
    };
    assert_eq!(rule(&world.first(&wrong)), "wrong-password");
    assert_eq!(refused(&wrong, now()), "wrong-password");
    assert_eq!(rule(&world.first(&wrong)), "wrong-password");
    assert_eq!(refused(&right, now() + Duration::from_secs(29)), "password-slowed");
    assert_eq!(refused(&wrong, now() + Duration::from_secs(30)), "wrong-password");
    assert_eq!(refused(&right, now() + Duration::from_secs(89)), "password-slowed");
    // The rule comes after the password: it was the right one.
    let mut bent = right.clone();
    bent.requests.pop();
    assert_eq!(refused(&bent, now() + Duration::from_secs(90)), "request-count");
    for _ in 0..3 {
        assert_eq!(refused(&wrong, now() + Duration::from_secs(90)), "wrong-password");
    }
    assert_eq!(refused(&right, now() + Duration::from_secs(90)), "password-slowed");
}

#[test]
fn a_password_is_one_modules() {
    let world = World::with(&one_certificate(&automatic()), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "invoices", now());
    let request = First::of(&password, 1).request(0);
    let user = UserId::new(USER).unwrap();
    let ask = |module| world.ca.enroll(&request, (&user, &password.password.secret()), module, now());
    let refused = |module| match ask(module).unwrap_err() {
        CaError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    };
    assert_eq!(refused(Some("archive")), Refusal::OtherModule);
    assert_eq!(refused(None), Refusal::OtherModule, "without a label it is the main one");
    let other = issue(&world.ca, USER, "archive", now());
    assert_eq!(refused(Some("archive")), Refusal::WrongPassword, "that module has a password of its own");
    assert_eq!(refused(None), Refusal::WrongPassword, "nor is it said which of two is meant");
    ask(Some("invoices")).unwrap();
    let another = First::of(&other, 2).request(0);
    world.ca.enroll(&another, (&user, &other.password.secret()), Some("archive"), now()).unwrap();
}

#[test]
fn one_certificate_is_a_service_too_and_is_renewed_alone() {
    let world = World::with(&one_certificate(&automatic()), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let mut first = First::of(&password, 1);
    let twins = First { transaction: TransactionId::from_random([2; 16]), ..first.clone() };
    assert_eq!(rule(&world.first(&twins)), "request-count");
    first.requests.remove(0);
    assert_eq!(rule(&world.first(&first)), "not-of-this-service");
    first.requests = vec![twins.requests[0].clone()];
    first.requests[0].usage = None;
    let [certificate] = &issued(world.first(&first))[..] else { panic!("not one certificate") };

    let serial = certificate.tbs_certificate().serial_number().as_bytes();
    let kept = world.ca.certificate(serial).unwrap().unwrap();
    assert_eq!(kept.profile, Profile::Authentication);
    let mut renewal = Draft::renewing(&world.old, 3);
    renewal.requests.truncate(1);
    renewal.signers = vec![(certificate.clone(), first.requests[0].key.clone())];
    let renew = |draft: &Draft| world.ask(&draft.message(), &draft.transaction, Asked::Certificates, now() + 350 * DAY);
    let mut both = renewal.clone();
    both.signers.push((world.old.certificates[1].certificate.clone(), world.old.keys[1].clone()));
    assert_eq!(rule(&renew(&both)), "signer-count");
    let [renewed] = &issued(renew(&renewal))[..] else { panic!("not one certificate") };
    assert_jana(renewed);
}

#[test]
fn a_revocation_password_is_kept_with_the_order_and_guesses_of_it_wait() {
    let policy = automatic().replace("required = false", "required = true");
    let world = World::with(&policy, KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    assert_eq!(rule(&world.first(&first)), "no-revocation-password");
    first.revocation_password = Some(world.sealed("kůň baterie sponka"));
    let certificates = issued(world.first(&first));
    let passwords = world.ca.first().unwrap().revocation_passwords();
    let check = |serial: &[u8], password: &str, moment| match passwords.check(
        serial,
        &Secret::from_bytes(password.as_bytes()).unwrap(),
        moment,
    ) {
        Ok(()) => "right",
        Err(CaError::Refused(refusal)) => refusal.name(),
        Err(other) => panic!("{other}"),
    };
    for certificate in &certificates {
        assert_eq!(
            check(certificate.tbs_certificate().serial_number().as_bytes(), "kůň baterie sponka", now()),
            "right"
        );
    }
    let old = world.old.certificates[0].serial().to_vec();
    assert_eq!(check(&old, "kůň baterie sponka", now()), "wrong-revocation-password", "it has none");
    let serial = certificates[0].tbs_certificate().serial_number().as_bytes();
    let mut moment = now();
    for _ in 0..10 {
        assert_eq!(check(serial, "kůň baterie sponk", moment), "wrong-revocation-password");
        moment += DAY;
    }
    moment -= DAY - Duration::from_secs(3599);
    let other = certificates[1].tbs_certificate().serial_number().as_bytes();
    assert_eq!(check(other, "kůň baterie sponka", moment), "password-slowed", "one password, one count");
    assert_eq!(check(other, "kůň baterie sponka", moment + Duration::from_secs(1)), "right", "it is never locked");
}

/// The operator has it replaced while a guess of it is compared.
struct Replaces {
    world: World,
    serial: Vec<u8>,
}

impl WriteObserver for Replaces {
    fn before(&self, change: &str) -> bool {
        if change == "guessed_revocation_password" {
            let operator = self.world.another();
            operator.first().unwrap().revocation_passwords().replace(&self.serial, &English, now()).unwrap();
        }
        true
    }

    fn after(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn a_revocation_password_that_is_replaced_while_it_is_compared_proves_nothing() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message_with(Some(world.sealed("dlouhé heslo")));
    let certificates = issued(world.ask(&message, &draft.transaction, Asked::Certificates, now()));
    let serial = certificates[0].tbs_certificate().serial_number().as_bytes().to_vec();
    let guess = Secret::from_bytes("dlouhé heslo".as_bytes()).unwrap();
    world.ca.first().unwrap().revocation_passwords().check(&serial, &guess, now()).unwrap();
    let secret = CredentialSecret::load(&world.directory.path().join("credentials")).unwrap();
    let (policy, store) = (world.ca.policy().first.clone(), world.store());
    let desk = FirstDesk::new(policy, store.observed(Arc::new(Replaces { world, serial: serial.clone() })), secret);
    for _ in 0..2 {
        let refused = desk.revocation_passwords().check(&serial, &guess, now()).unwrap_err();
        assert!(matches!(refused, CaError::Refused(Refusal::WrongRevocationPassword)), "{refused}");
    }
}

/// Plain EST has no place for a revocation password, and is no way around it.
#[test]
fn plain_est_gets_nothing_where_a_revocation_password_is_demanded() {
    let policy = automatic().replace("required = false", "required = true");
    let world = World::with(&one_certificate(&policy), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let (user, request) = (UserId::new(USER).unwrap(), First::of(&password, 1).request(0));
    let refused = world.ca.enroll(&request, (&user, &password.password.secret()), None, now()).unwrap_err();
    assert!(matches!(refused, CaError::Refused(Refusal::NoRevocationPassword)), "{refused}");
}

/// Where policy says so it comes from the operator afterwards; an order that has a place for it is not let off.
#[test]
fn plain_est_is_taken_without_a_revocation_password_where_it_may_come_later() {
    let policy = automatic().replace("required = false", "required = true").replace("later = false", "later = true");
    let world = World::with(&one_certificate(&policy), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let mut first = First::of(&password, 1);
    first.requests.truncate(1);
    assert_eq!(rule(&world.first(&first)), "no-revocation-password");
    let (user, request) = (UserId::new(USER).unwrap(), first.request(0));
    let outcome = world.ca.enroll(&request, (&user, &password.password.secret()), None, now()).unwrap();
    let Outcome::Issued(certificates) = outcome else { panic!("not issued") };
    let serial = certificates[0].certificate.tbs_certificate().serial_number().as_bytes();
    let passwords = world.ca.first().unwrap().revocation_passwords();
    let replaced = passwords.replace(serial, &English, now()).unwrap();
    passwords.check(serial, &replaced.password.secret(), now()).unwrap();
}

#[test]
fn a_renewal_sets_a_revocation_password_too() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message_with(Some(world.sealed("dlouhé heslo")));
    let certificates = issued(world.ask(&message, &draft.transaction, Asked::Certificates, now()));
    let serial = certificates[0].tbs_certificate().serial_number().as_bytes();
    let passwords = world.ca.first().unwrap().revocation_passwords();
    passwords.check(serial, &Secret::from_bytes("dlouhé heslo".as_bytes()).unwrap(), now()).unwrap();
    // The same old and new keys in another message are told of the same certificates, which keep theirs: nobody would hear of another.
    let again = Draft { transaction: TransactionId::from_random([2; 16]), ..draft };
    let message = again.message_with(Some(world.sealed("jiné heslo")));
    assert_eq!(issued(world.ask(&message, &again.transaction, Asked::Certificates, now())), certificates);
    passwords.check(serial, &Secret::from_bytes("dlouhé heslo".as_bytes()).unwrap(), now()).unwrap();
    let other = passwords.check(serial, &Secret::from_bytes("jiné heslo".as_bytes()).unwrap(), now());
    assert!(matches!(other, Err(CaError::Refused(Refusal::WrongRevocationPassword))), "{other:?}");
    let short = Draft::renewing(&world.old, 3);
    let message = short.message_with(Some(world.sealed("krátké")));
    assert_eq!(rule(&world.ask(&message, &short.transaction, Asked::Certificates, now())), "short-password");
}

/// While the order waits nobody has certificates, and the holder may think again.
#[test]
fn a_repeat_of_an_order_that_waits_sets_another_revocation_password() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let ask = |draft: &Draft, password| {
        let message = draft.message_with(Some(world.sealed(password)));
        token(&world.ask(&message, &draft.transaction, Asked::Certificates, now()))
    };
    ask(&draft, "dlouhé heslo");
    let again = Draft { transaction: TransactionId::from_random([2; 16]), ..draft };
    let picked = ask(&again, "jiné heslo");
    world.approve(&again.transaction);
    let certificates = issued(world.query(&again.transaction, &picked));
    let serial = certificates[0].tbs_certificate().serial_number().as_bytes();
    let passwords = world.ca.first().unwrap().revocation_passwords();
    passwords.check(serial, &Secret::from_bytes("jiné heslo".as_bytes()).unwrap(), now()).unwrap();
}

/// An operator approves what the list shows, whatever was entered since.
#[test]
fn an_order_is_certified_in_the_name_that_its_password_was_issued_for() {
    let world = World::new();
    let desk = world.ca.first().unwrap();
    let mut other = subject(USER, "main");
    other.name = HOLDER.replace("Nováková", "Dvořáková").parse().unwrap();
    other.email = "other@holder.example".into();
    let refused = |what: &str, moment| {
        let refused = desk.enter(&other, moment);
        assert!(matches!(refused, Err(FirstError::Bound)), "{what}: {refused:?}");
        let stands = desk.subject(&other.user, "main").unwrap();
        assert_eq!(
            desk.enter(&subject(USER, "main"), moment).unwrap(),
            stands,
            "{what}: what stands may be said again"
        );
    };
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    refused("a password", now() + 30 * DAY);
    first.requests.iter_mut().for_each(|request| request.subject.clear());
    let picked = token(&world.first(&first));
    refused("an order", now());
    // Were it to happen nevertheless, it would change nothing.
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let overwrite = |with: &Subject| {
        let row = (with.name.to_der().unwrap(), &with.email);
        database.execute("UPDATE subjects SET name = ?1, email = ?2", row).unwrap();
    };
    overwrite(&other);
    world.approve(&first.transaction);
    let certificates = issued(world.query(&first.transaction, &picked));
    certificates.iter().for_each(assert_jana);
    overwrite(&subject(USER, "main"));
    refused("certificates", now());
    let not_after = certificates[0].tbs_certificate().validity().not_after.to_system_time();
    refused("certificates on their last day", not_after);
    assert!(desk.enter(&other, not_after + DAY).is_ok(), "they are past their end");
}

#[test]
fn other_data_is_taken_once_nothing_hangs_on_what_was_there() {
    let world = World::new();
    let desk = world.ca.first().unwrap();
    let mut corrected = subject(USER, "main");
    corrected.name = HOLDER.replace("Nováková", "Dvořáková").parse().unwrap();
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    token(&world.first(&first));
    world.ca.reject(&Transaction::new(first.transaction.as_bytes()).unwrap(), "a mistake", now()).unwrap();
    issue(&world.ca, USER, "main", now());
    desk.revoke(&desk.subject(&corrected.user, "main").unwrap(), now()).unwrap();
    let mut first = First::of(&desk.issue(desk.enter(&corrected, now()).unwrap(), now()).unwrap(), 2);
    first.requests.iter_mut().for_each(|request| request.subject.clear());
    let picked = token(&world.first(&first));
    world.approve(&first.transaction);
    for certificate in issued(world.query(&first.transaction, &picked)) {
        assert_eq!(*certificate.tbs_certificate().subject(), corrected.name);
    }
    let mut details = Vec::new();
    let entered = |record: AuditRecord| {
        if record.event == AuditEvent::Entered.name() {
            details.push(record.detail);
        }
        true
    };
    AuditLog::new(world.store()).read(1, entered).unwrap();
    assert_eq!(details, ["", "in place of other data"]);
}

/// The newest one is the last that was issued, whatever the clock said.
#[test]
fn a_clock_that_was_set_back_kills_no_fresh_password() {
    let world = World::new();
    issue(&world.ca, USER, "main", now() + DAY);
    token(&world.first(&First::of(&issue(&world.ca, USER, "main", now()), 1)));
}

#[test]
fn a_ca_without_a_desk_offers_no_first_certificates() {
    let world = World::new();
    let first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let answer = world.without_desk().answer(&first.message(), None, now()).unwrap();
    assert_eq!(answer.refused, Some("message"));
    assert!(Policy::from_toml(Policy::TEMPLATE).is_ok());
}

#[test]
fn plain_est_gets_the_same_answer_for_the_same_request_only() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let user = UserId::new(USER).unwrap();
    let [one, two] = [1, 2].map(|number| First::of(&password, number).request(0));
    let ask = |request, text: &str| {
        let typed = Secret::from_bytes(text.as_bytes()).unwrap();
        world.ca.enroll(request, (&user, &typed), None, now())
    };
    let text = password.password.to_text().as_str();
    let pending = |outcome| matches!(outcome, Ok(obnova_ca::Outcome::Pending { .. }));
    assert!(pending(ask(&one, &text.to_lowercase().replace('-', ""))), "however it is typed");
    assert!(pending(ask(&one, text)));
    assert!(matches!(ask(&two, text), Err(CaError::Refused(Refusal::PasswordUsed))));
    // What stands on no paper is right for nobody: no guess of anybody's, and not even that the order is there is told.
    let (first, cut) = text.split_at(text.len() - 1);
    for odd in ["another", first, cut, &text[6..], &format!("{text}0"), &text.replacen('-', "U", 1), &"0".repeat(19)] {
        let refused = ask(&one, odd);
        assert!(matches!(refused, Err(CaError::Refused(Refusal::WrongPassword))), "{odd}: {refused:?}");
        let refused = ask(&two, odd);
        assert!(matches!(refused, Err(CaError::Refused(Refusal::WrongPassword))), "{odd}: {refused:?}");
    }
    assert_eq!(world.ca.first().unwrap().list(9).unwrap()[0].guesses, 0);
    let order = world.ca.list(None, 10).unwrap().remove(0);
    world.ca.approve(&order.transaction, now()).unwrap();
    for _ in 0..2 {
        let Ok(obnova_ca::Outcome::Issued(certificates)) = ask(&one, text) else { panic!("not issued") };
        let [certificate] = &certificates[..] else { panic!("not one certificate") };
        assert_jana(&certificate.certificate);
    }
    // The old certificate re-enrolls, with its own key only where policy allows it.
    let Ok(obnova_ca::Outcome::Issued(certificates)) = ask(&one, text) else { panic!("not issued") };
    let old = &certificates[0].certificate;
    let again = world.ca.reenroll(&one, old, now() + 350 * DAY);
    assert!(matches!(again, Err(CaError::Refused(Refusal::OldKey(Profile::Authentication)))), "{again:?}");
    assert!(matches!(world.ca.reenroll(&two, old, now()), Err(CaError::Refused(Refusal::TooEarly { .. }))));
    assert!(pending(world.ca.reenroll(&two, old, now() + 350 * DAY)));
    let stranger = &world.impostor().old.certificates[0].certificate;
    assert!(matches!(world.ca.reenroll(&two, stranger, now()), Err(CaError::Refused(Refusal::UnknownPeer))));
}

/// He ordered while it was good, and it vouches for nothing else any more.
#[test]
fn who_waits_for_a_re_enrolment_is_told_what_came_of_it_after_the_old_certificate_ended() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let old = &world.old.certificates[0].certificate;
    let [ordered, another] = [(); 2].map(|()| RequestDraft::of(KeyUsages::DigitalSignature).request());
    let ask = |request, peer, moment| match world.ca.reenroll(request, peer, moment) {
        Ok(obnova_ca::Outcome::Pending { .. }) => "pending",
        Ok(obnova_ca::Outcome::Issued(_)) => "issued",
        Err(CaError::Refused(refusal)) => refusal.name(),
        Err(other) => panic!("{other}"),
    };
    let ended = now() + 21 * DAY;
    assert_eq!((ask(&ordered, old, now()), ask(&ordered, old, ended)), ("pending", "pending"));
    let order = world.ca.list(None, 9).unwrap().remove(0);
    world.ca.approve(&order.transaction, now() + DAY).unwrap();
    assert_eq!(ask(&ordered, old, ended), "issued");
    assert_eq!(ask(&another, old, ended), "peer-expired", "nothing is ordered with it");
    let stranger = &world.impostor().old.certificates[0].certificate;
    assert_eq!(ask(&ordered, stranger, ended), "unknown-peer");
}

/// RSA PKCS #1 v1.5 signs the same request the same way: there is no other one to ask again with.
#[test]
fn a_re_enrolment_that_was_turned_down_is_asked_for_again_by_the_same_request_a_day_later() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let old = &world.old.certificates[0].certificate;
    let request = RequestDraft::of(KeyUsages::DigitalSignature).request();
    let ask = |moment| match world.ca.reenroll(&request, old, moment) {
        Ok(obnova_ca::Outcome::Pending { .. }) => "pending",
        Ok(obnova_ca::Outcome::Issued(_)) => "issued",
        Err(CaError::Refused(refusal)) => refusal.name(),
        Err(other) => panic!("{other}"),
    };
    let second = Duration::from_secs(1);
    let mut asked = now();
    for turned_down in 1..=3 {
        assert_eq!((ask(asked), ask(asked + DAY)), ("pending", "pending"), "while it waits it is one order");
        let orders = world.ca.list(None, 9).unwrap();
        assert_eq!(orders.len(), turned_down);
        let decided = asked + DAY;
        world.ca.reject(&orders[0].transaction, "the address changed", decided).unwrap();
        // Whoever polls is told, more than once: the first answer may be lost.
        assert_eq!((ask(decided), ask(decided + DAY - second)), ("rejected", "rejected"));
        assert_eq!(world.ca.list(None, 9).unwrap().len(), turned_down, "nobody orders by polling");
        asked = decided + DAY;
    }
    assert_eq!(ask(asked), "pending");
    let last = world.ca.list(Some(OrderState::Pending), 9).unwrap().remove(0);
    world.ca.approve(&last.transaction, asked).unwrap();
    assert_eq!((ask(asked), ask(asked + 9 * DAY)), ("issued", "issued"));
}

/// A client that waits sends the password that it used: that is no guess of the next one, and the next one brings another order.
#[test]
fn who_waits_with_a_used_password_guesses_no_other_one() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let old = issue(&world.ca, USER, "main", now());
    let (user, request) = (UserId::new(USER).unwrap(), First::of(&old, 1).request(0));
    let ask = |password: &Secret| world.ca.enroll(&request, (&user, password), None, now());
    let pending = |outcome| matches!(outcome, Ok(obnova_ca::Outcome::Pending { .. }));
    assert!(pending(ask(&old.password.secret())));
    let new = issue(&world.ca, USER, "main", now());
    for poll in 0..12 {
        assert!(pending(ask(&old.password.secret())), "{poll}");
    }
    let passwords = world.ca.first().unwrap().list(9).unwrap();
    assert_eq!(passwords.iter().map(|one| one.guesses).collect::<Vec<_>>(), [0, 0]);
    // Another request is about the newest one.
    let other = First::of(&old, 2).request(0);
    let refused = world.ca.enroll(&other, (&user, &old.password.secret()), None, now()).unwrap_err();
    assert!(matches!(refused, CaError::Refused(Refusal::WrongPassword)), "{refused}");

    let first = world.ca.list(None, 9).unwrap().remove(0).transaction;
    world.ca.reject(&first, "who are you?", now()).unwrap();
    assert!(pending(ask(&new.password.secret())), "a new password is a new order");
    assert!(!pending(ask(&old.password.secret())), "the old one is decided");
    assert_eq!(world.ca.list(None, 9).unwrap().len(), 2);
}

/// User ids are no secret: who guesses at somebody's password locks it, and keeps him from nothing that he ordered by it before.
#[test]
fn a_lock_on_a_used_password_keeps_nobody_from_what_he_ordered_by_it() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let own = issue(&world.ca, USER, "main", now());
    let user = UserId::new(USER).unwrap();
    let [mine, other] = [1, 2].map(|number| First::of(&own, number).request(0));
    let ask = |request, password: &Secret, moment| match world.ca.enroll(request, (&user, password), None, moment) {
        Ok(obnova_ca::Outcome::Pending { .. }) => "pending",
        Ok(obnova_ca::Outcome::Issued(_)) => "issued",
        Err(CaError::Refused(refusal)) => refusal.name(),
        Err(other) => panic!("{other}"),
    };
    let (right, wrong) = (own.password.secret(), Secret::from_bytes(b"AAAAA-AAAAA-AAAAA-AAAQE").unwrap());
    assert_eq!(ask(&mine, &right, now()), "pending");
    let mut moment = now();
    for _ in 0..10 {
        assert_eq!(ask(&other, &wrong, moment), "wrong-password");
        assert_eq!(ask(&mine, &right, moment), "pending", "however many are wrong");
        moment += DAY;
    }
    assert_eq!(ask(&other, &wrong, moment), "password-locked");
    assert_eq!(ask(&other, &right, moment), "password-locked", "another request by it is a guess");
    // Mistyped by who waits: told so, and told again what came of it.
    let guesses = || world.ca.first().unwrap().list(1).unwrap()[0].guesses;
    let before = guesses();
    for _ in 0..5 {
        assert_eq!(ask(&mine, &wrong, moment), "wrong-password");
    }
    assert_eq!((before, guesses()), (10, 10));
    let order = world.ca.list(None, 9).unwrap().remove(0);
    world.ca.approve(&order.transaction, moment).unwrap();
    assert_eq!(ask(&mine, &right, moment), "issued");
    // Another user's password opens nothing here, and neither does another module.
    let eva = issue(&world.ca, "eva", "main", now());
    assert_eq!(ask(&mine, &eva.password.secret(), moment), "wrong-password");
    let there = world.ca.enroll(&mine, (&user, &right), Some("archive"), moment);
    assert!(matches!(there, Err(CaError::Refused(Refusal::OtherModule))), "{there:?}");
}

/// The record is of a guess that was wrong, not of the last one that was left.
#[test]
fn a_password_is_noted_as_locked_when_the_last_guess_is_wrong() {
    for last_is_right in [true, false] {
        let world = World::with(&one_certificate(&automatic()), KeyAlgorithm::P256);
        let password = issue(&world.ca, USER, "main", now());
        let (user, request) = (UserId::new(USER).unwrap(), First::of(&password, 1).request(0));
        let mut moment = now();
        for guess in 1..=10 {
            let wrong = Secret::from_bytes(b"AAAAA-AAAAA-AAAAA-AAAQE").unwrap();
            let typed = if guess == 10 && last_is_right { password.password.secret() } else { wrong };
            let right = world.ca.enroll(&request, (&user, &typed), None, moment).is_ok();
            assert_eq!(right, guess == 10 && last_is_right);
            moment += DAY;
        }
        let (mut locked, mut slowed) = (0, Vec::new());
        let count = |record: AuditRecord| {
            locked += u32::from(record.event == AuditEvent::PasswordLocked.name());
            if record.event == AuditEvent::PasswordSlowed.name() {
                slowed.push(record.detail);
            }
            true
        };
        AuditLog::new(world.store()).read(1, count).unwrap();
        assert_eq!(locked, u32::from(!last_is_right));
        assert_eq!(
            slowed,
            ["3 wrong guesses", "6 wrong guesses"],
            "when they begin to wait, and when there were twice as many"
        );
    }
}

/// The order and the use of its password are kept together or not at all, wherever it breaks.
#[test]
fn what_breaks_on_the_way_to_the_disk_uses_no_password_up() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    first.revocation_password = Some(world.sealed("kůň baterie sponka"));
    let message = first.message();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let breaks = [
        "INSERT ON orders",
        "INSERT ON messages",
        "INSERT ON requests",
        "INSERT ON certificates",
        "UPDATE OF order_id ON credentials",
        "INSERT ON revocation_passwords",
    ];
    for place in breaks {
        let sql = format!("CREATE TRIGGER broken AFTER {place} BEGIN SELECT raise(ABORT, 'the disk is gone'); END");
        database.execute_batch(&sql).unwrap();
        let broken = world.ca.answer(&message, None, now()).unwrap_err();
        assert!(broken.to_string().contains("the disk is gone"), "{place}: {broken}");
        database.execute_batch("DROP TRIGGER broken").unwrap();
        assert!(world.ca.list(None, 10).unwrap().is_empty(), "{place}");
        let [password] = &world.ca.first().unwrap().list(10).unwrap()[..] else { panic!("{place}") };
        assert_eq!((&password.order, password.ended), (&None, None), "{place}");
    }
    let answer = world.ask(&message, &first.transaction, Asked::Certificates, now());
    assert_eq!(issued(answer).len(), 2, "the same message, now that the disk is back");
    let [password] = &world.ca.first().unwrap().list(10).unwrap()[..] else { panic!() };
    assert_eq!(password.order, Transaction::new(first.transaction.as_bytes()));
}

/// Two at once with one password: one gets certificates, and the other one is told that it was used.
#[test]
fn of_two_messages_at_once_one_uses_the_password() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let messages = [1, 2].map(|number| First::of(&password, number).message());
    let other = world.another();
    let barrier = std::sync::Barrier::new(2);
    let ask = |ca: &obnova_ca::Ca, message: &[u8]| {
        barrier.wait();
        ca.answer(message, None, now()).unwrap().refused
    };
    let refused = std::thread::scope(|scope| {
        let one = scope.spawn(|| ask(&world.ca, &messages[0]));
        let two = scope.spawn(|| ask(&other, &messages[1]));
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert!(refused.contains(&None) && refused.contains(&Some("password-used")), "{refused:?}");
    assert_eq!(world.ca.list(None, 10).unwrap().len(), 1);
}

/// A proof covers the requests and nothing else, so what was seen on the way is tried beside something else.
#[test]
fn what_was_seen_of_another_s_message_serves_nobody_else() {
    let world = World::with(&automatic(), KeyAlgorithm::P256);
    let honest = First::of(&issue(&world.ca, USER, "main", now()), 1);
    let message = honest.message();
    let mut same_name = honest.clone();
    same_name.requests = [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation].map(RequestDraft::of).to_vec();
    same_name.password = Secret::from_bytes(b"guess").unwrap();
    assert_eq!(rule(&world.first(&same_name)), "wrong-password");
    assert_eq!(issued(world.ask(&message, &honest.transaction, Asked::Certificates, now())).len(), 2);
    // Somebody takes the name of the order, with a password of his own.
    let petra = issue(&world.ca, "petra", "main", now());
    let taken = First { user: UserId::new("petra").unwrap(), password: petra.password.secret(), ..same_name };
    assert_eq!(rule(&world.first(&taken)), "transaction-taken");
    // The very same bytes again, by whomever, say what they said; the keys are where they were.
    assert_eq!(issued(world.ask(&message, &honest.transaction, Asked::Certificates, now())).len(), 2);
    assert_eq!(world.ca.list(None, 10).unwrap().len(), 1);
}
