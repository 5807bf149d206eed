//! Every rule of a renewal, tried both ways: the honest order passes, a bent one is refused by the rule's name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{DAY, Draft, HOLDER, World, first_pair, issued, key, now, rule, token};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaError, CaKey, Policy, Refusal};
use obnova_enroll::cmc::{Answer, Asked, FailInfo};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{
    Certificate,
    der::Encode,
    ext::pkix::{KeyUsage, KeyUsages, SubjectAltName},
};

/// Bends an honest order, and says by which rule it is refused.
fn refused(world: &World, bend: impl FnOnce(&mut Draft)) -> String {
    let mut draft = Draft::renewing(&world.old, 1);
    bend(&mut draft);
    let answer = world.send(&draft);
    assert!(world.ca.list(None, 10).unwrap().is_empty(), "a refused order is not kept");
    rule(&answer).to_owned()
}

#[test]
fn an_honest_order_passes() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let certificates = issued(world.send(&draft));
    for (certificate, request) in certificates.iter().zip(&draft.requests) {
        assert_eq!(certificate.tbs_certificate().subject_public_key_info(), request.key.public_key());
    }
    assert_eq!(certificates.len(), 2);
}

#[test]
fn certificates_are_backdated_for_clocks_that_are_behind_and_valid_as_long_as_policy_says() {
    let automatic = Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"");
    for backdate in [0, 300, 86_400] {
        let policy = automatic.replace("backdate_seconds = 300", &format!("backdate_seconds = {backdate}"));
        let world = World::with(&policy, KeyAlgorithm::P256);
        for certificate in issued(world.send(&Draft::renewing(&world.old, 1))) {
            let validity = certificate.tbs_certificate().validity();
            let (from, until) = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
            assert_eq!(from, now() - Duration::from_secs(backdate));
            assert_eq!(until, from + 365 * DAY - Duration::from_secs(1), "the last second counts");
        }
    }
}

#[test]
fn either_order_of_requests_and_signers_will_do() {
    let world = World::automatic();
    let mut draft = Draft::renewing(&world.old, 1);
    draft.requests.reverse();
    draft.signers.reverse();
    let certificates = issued(world.send(&draft));
    let usage = |index: usize| certificates[index].tbs_certificate().get_extension::<KeyUsage>().unwrap().unwrap().1;
    let of_key = |index: usize| {
        let key = draft.requests[index].key.public_key();
        certificates.iter().position(|one| one.tbs_certificate().subject_public_key_info() == key).unwrap()
    };
    assert!(usage(of_key(0)).non_repudiation() && !usage(of_key(0)).digital_signature());
    assert!(usage(of_key(1)).digital_signature() && !usage(of_key(1)).non_repudiation());
}

#[test]
fn both_are_asked_for_or_neither() {
    let world = World::new();
    assert_eq!(refused(&world, |draft| drop(draft.requests.pop())), "request-count");
    assert_eq!(refused(&world, |draft| draft.requests.push(draft.requests[0].clone())), "request-count");
    assert_eq!(refused(&world, |draft| draft.requests[1].usage = draft.requests[0].usage), "not-twins");
    assert_eq!(refused(&world, |draft| draft.requests[0].usage = None), "key-usage");
    let both = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
    assert_eq!(refused(&world, |draft| draft.requests[0].usage = Some(both)), "key-usage");
    let ca = KeyUsage(KeyUsages::KeyCertSign.into());
    assert_eq!(refused(&world, |draft| draft.requests[1].usage = Some(ca)), "key-usage");
}

#[test]
fn both_old_keys_vouch_and_nobody_else() {
    let world = World::new();
    assert_eq!(refused(&world, |draft| drop(draft.signers.pop())), "signer-count");
    let third = first_pair(&world.ca, "CN=Petr", "petr@example.cz", 20);
    let (other, key_of_other) = (third.certificates[0].certificate.clone(), third.keys[0].clone());
    assert_eq!(refused(&world, |draft| draft.signers.push((other.clone(), key_of_other.clone()))), "signer-count");
    // Somebody else's authentication certificate beside the holder's signature certificate.
    assert_eq!(refused(&world, |draft| draft.signers[0] = (other, key_of_other)), "signers-not-a-pair");
    // Two authentication certificates of one holder are no pair.
    let again = first_pair(&world.ca, HOLDER, common::EMAIL, 20);
    let second = (again.certificates[0].certificate.clone(), again.keys[0].clone());
    assert_eq!(refused(&world, |draft| draft.signers[1] = second), "signers-not-a-pair");
    // The same holder with another e-mail address: not the pair that was issued together.
    let moved = first_pair(&world.ca, HOLDER, "new@example.cz", 20);
    let second = (moved.certificates[1].certificate.clone(), moved.keys[1].clone());
    assert_eq!(refused(&world, |draft| draft.signers[1] = second), "signers-not-a-pair");
}

#[test]
fn certificates_of_another_ca_vouch_for_nothing() {
    let world = World::new();
    let impostor = world.impostor();
    let forged =
        |index: usize| (impostor.old.certificates[index].certificate.clone(), impostor.old.keys[index].clone());
    assert_eq!(refused(&world, |draft| draft.signers = vec![forged(0), forged(1)]), "unknown-signer");
    assert_eq!(refused(&world, |draft| draft.signers[1] = forged(1)), "unknown-signer");
}

#[test]
fn a_certificate_that_the_ca_does_not_remember_vouches_for_nothing() {
    let world = World::new();
    // A new database under the same CA keys: the certificates are genuine, and nobody knows of them.
    let home = world.directory.path();
    for file in ["ca.db", "ca.db-wal", "ca.db-shm"] {
        let _ = std::fs::rename(home.join(file), home.join(format!("old-{file}")));
    }
    let forgetful = world.another();
    let draft = Draft::renewing(&world.old, 1);
    let response = forgetful.answer(&draft.message(), None, now()).unwrap();
    assert_eq!(rule(&world.read(&response.message, &draft.transaction, Asked::Certificates)), "unknown-signer");
}

#[test]
fn the_old_certificates_are_valid_and_near_their_end() {
    let world = World::new();
    let at = |when: SystemTime, transaction: u8| {
        let draft = Draft::renewing(&world.old, transaction);
        world.ask(&draft.message(), &draft.transaction, Asked::Certificates, when)
    };
    let end = now() + 20 * DAY;
    let second = std::time::Duration::from_secs(1);
    assert_eq!(rule(&at(end + second, 1)), "expired");
    assert_eq!(rule(&at(end + 100 * DAY, 2)), "expired");
    assert_eq!(rule(&at(end - 30 * DAY - second, 3)), "too-early");
    assert_eq!(rule(&at(end - 366 * DAY, 4)), "not-yet-valid");
    token(&at(end - 30 * DAY, 5));
    let other = World::new();
    let draft = Draft::renewing(&other.old, 6);
    token(&other.ask(&draft.message(), &draft.transaction, Asked::Certificates, end));
}

#[test]
fn a_renewal_changes_no_data() {
    let world = World::new();
    for index in [0, 1] {
        for (own, other) in
            [("Nováková", "Dvořáková"), ("Jana", "Jan"), ("á", "a"), ("-123456", "-123457"), ("=CZ", "=SK")]
        {
            let subject = HOLDER.replacen(own, other, 1);
            assert_ne!(subject, HOLDER);
            assert_eq!(refused(&world, |draft| draft.requests[index].subject = subject), "subject-changed");
        }
        for email in [Some("j@example.cz"), Some("Jana@example.cz"), Some("jana@example.cy"), None] {
            let email = email.map(str::to_owned);
            assert_eq!(refused(&world, |draft| draft.requests[index].email = email), "names-changed");
        }
    }
}

/// Other programs write the same name otherwise (RFC 5280 §7.1).
#[test]
fn a_name_that_is_written_otherwise_is_the_same_and_stays_as_it_was_certified() {
    let world = World::automatic();
    let mut draft = Draft::renewing(&world.old, 1);
    draft.requests[0].subject = HOLDER.to_uppercase();
    draft.requests[1].subject = HOLDER.replace(' ', "  ");
    draft.requests[1].email = Some("jana@EXAMPLE.cz".into());
    let renewed = issued(world.send(&draft));
    let says = |certificate: &Certificate| {
        let tbs = certificate.tbs_certificate();
        let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
        (tbs.subject().to_der().unwrap(), names.to_der().unwrap())
    };
    for (new, old) in renewed.iter().zip(&world.old.certificates) {
        assert_eq!(says(new), says(&old.certificate));
    }
}

#[test]
fn keys_are_new_and_each_has_its_own() {
    let world = World::new();
    assert_eq!(refused(&world, |draft| draft.requests[1].key = draft.requests[0].key.clone()), "shared-key");
    let old = world.old.clone();
    assert_eq!(refused(&world, |draft| draft.requests[0].key = old.keys[0].clone()), "old-key");
    assert_eq!(refused(&world, |draft| draft.requests[0].key = old.keys[1].clone()), "key-taken");
    let other = first_pair(&world.ca, "CN=Petr", "petr@example.cz", 20);
    assert_eq!(refused(&world, |draft| draft.requests[1].key = other.keys[1].clone()), "key-taken");
    let big = Arc::new(CaKey::generate(KeyAlgorithm::Rsa4096).unwrap());
    assert_eq!(refused(&world, |draft| draft.requests[0].key = big), "key-kind");
}

#[test]
fn where_policy_allows_it_the_old_key_is_certified_again_for_its_own_use() {
    let policy = Policy::TEMPLATE.replace("same_key = false", "same_key = true").replace("manual", "automatic");
    let world = World::with(&policy, KeyAlgorithm::P256);
    let mut swapped = Draft::renewing(&world.old, 1);
    swapped.requests[0].key = world.old.keys[1].clone();
    swapped.requests[1].key = world.old.keys[0].clone();
    assert_eq!(rule(&world.send(&swapped)), "key-taken");
    let mut draft = Draft::renewing(&world.old, 2);
    draft.requests[0].key = world.old.keys[0].clone();
    draft.requests[1].key = world.old.keys[1].clone();
    assert_eq!(issued(world.send(&draft)).len(), 2);
}

/// Clients tell a new certificate on an old key by its end: also of two orders in one second.
#[test]
fn what_is_issued_on_the_same_key_ends_later_than_what_it_replaces() {
    let policy = Policy::TEMPLATE.replace("same_key = false", "same_key = true").replace("manual", "automatic");
    let world = World::with(&policy.replace("window_days = 30", "window_days = 365"), KeyAlgorithm::P256);
    let ends = |certificate: &x509_cert::Certificate| {
        certificate.tbs_certificate().validity().not_after.to_system_time().duration_since(now()).unwrap().as_secs()
    };
    let renew = |old: &common::Pair, transaction: u8, same_key: bool, at| {
        let mut draft = Draft::renewing(old, transaction);
        for (request, key) in draft.requests.iter_mut().zip(&old.keys).filter(|_| same_key) {
            request.key = key.clone();
        }
        let new = issued(world.ask(&draft.message(), &draft.transaction, Asked::Certificates, at));
        let kept = |index: usize| {
            let serial = new[index].tbs_certificate().serial_number().as_bytes();
            obnova_ca::IssuedCertificate::from_der(&world.ca.certificate(serial).unwrap().unwrap().der).unwrap()
        };
        let keys = [0, 1].map(|index| draft.requests[index].key.clone());
        (common::Pair { keys, certificates: [kept(0), kept(1)] }, new.iter().map(ends).collect::<Vec<_>>())
    };
    let (mut pair, first) = renew(&world.old, 1, true, now());
    for number in 1..4 {
        let (next, end) = renew(&pair, 1 + number, true, now());
        assert_eq!(end, first.iter().map(|first| first + u64::from(number)).collect::<Vec<_>>());
        pair = next;
    }
    // As policy says otherwise: a day later, and with new keys at once.
    let (next_day, end) = renew(&pair, 8, true, now() + common::DAY);
    assert_eq!(end, first.iter().map(|first| first + 86_400).collect::<Vec<_>>());
    assert_eq!(renew(&next_day, 9, false, now() + common::DAY).1, end);
}

#[test]
fn a_key_in_an_open_order_is_taken_until_the_order_is_turned_down() {
    let world = World::new();
    let other = first_pair(&world.ca, HOLDER, common::EMAIL, 20);
    let first = Draft::renewing(&world.old, 1);
    let message = first.message();
    let send_first = || world.ask(&message, &first.transaction, Asked::Certificates, now());
    token(&send_first());
    let mut second = Draft::renewing(&other, 2);
    second.requests[0].key = first.requests[0].key.clone();
    assert_eq!(rule(&world.send(&second)), "key-taken");
    let transaction = obnova_ca::Transaction::new(first.transaction.as_bytes()).unwrap();
    world.ca.reject(&transaction, "the invoice was not paid", now()).unwrap();
    token(&world.send(&second));
    let Answer::Refused { text, .. } = send_first() else { panic!("a rejected order was answered otherwise") };
    assert!(text.starts_with("rejected: ") && text.contains("invoice"), "{text}");
}

#[test]
fn a_pair_is_renewed_once() {
    for world in [World::new(), World::automatic()] {
        let first = Draft::renewing(&world.old, 1);
        world.send(&first);
        let answer = world.send(&Draft::renewing(&world.old, 2));
        assert_eq!(rule(&answer), "already-ordered");
        let Answer::Refused { text, .. } = answer else { unreachable!() };
        assert!(text.contains(&first.transaction.to_string()), "{text} names the order to fetch");
    }
}

#[test]
fn who_does_not_have_the_key_gets_no_certificate_for_it() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let requests: Vec<_> = draft.requests.iter().map(|request| request.request()).collect();
    // The signature of the request belongs to the key that stands in it: flip a bit of it.
    let mut forged = requests[1].der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let forged = CertificationRequest::from_der(&forged).unwrap();
    let answer =
        world.ask(&draft.message_of(vec![requests[0].clone(), forged]), &draft.transaction, Asked::Certificates, now());
    assert!(matches!(answer, Answer::Refused { reason: FailInfo::PopFailed, .. }), "{answer:?}");
    assert_eq!(rule(&answer), "request");
}

#[test]
fn a_transaction_has_one_message() {
    let world = World::new();
    let first = Draft::renewing(&world.old, 1);
    token(&world.send(&first));
    let mut other = Draft::renewing(&world.old, 1);
    other.requests[0].key = key();
    assert_eq!(rule(&world.send(&other)), "transaction-taken");
    let foreign = first_pair(&world.ca, HOLDER, common::EMAIL, 20);
    assert_eq!(rule(&world.send(&Draft::renewing(&foreign, 1))), "transaction-taken");
}

#[test]
fn a_tls_peer_is_the_holder_or_nobody() {
    let world = World::new();
    let petr = first_pair(&world.ca, "CN=Petr", "petr@example.cz", 20);
    let late = first_pair(&world.ca, HOLDER, common::EMAIL, 0);
    let impostor = world.impostor();
    let with = |peer: &obnova_ca::IssuedCertificate, transaction: u8| {
        let draft = Draft::renewing(&world.old, transaction);
        let response = world.ca.answer(&draft.message(), Some(&peer.certificate), now() + DAY).unwrap();
        world.read(&response.message, &draft.transaction, Asked::Certificates)
    };
    assert_eq!(rule(&with(&petr.certificates[0], 1)), "other-peer");
    assert_eq!(rule(&with(&late.certificates[0], 2)), "peer-expired");
    assert_eq!(rule(&with(&impostor.old.certificates[0], 3)), "unknown-peer");
    let draft = Draft::renewing(&world.old, 4);
    let message = draft.message();
    let send = |peer: &obnova_ca::IssuedCertificate| {
        let response = world.ca.answer(&message, Some(&peer.certificate), now() + DAY).unwrap();
        world.read(&response.message, &draft.transaction, Asked::Certificates)
    };
    token(&send(&world.old.certificates[0]));
    assert_eq!(rule(&send(&petr.certificates[0])), "other-peer", "nor is the same message answered to somebody else");
    token(&send(&world.old.certificates[0]));
}

#[test]
fn an_order_that_waited_until_the_old_pair_expired_is_not_issued() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    token(&world.send(&draft));
    let order = world.ca.list(None, 10).unwrap().remove(0).transaction;
    let last_second = now() + 20 * DAY;
    let late = world.ca.approve(&order, last_second + Duration::from_secs(1)).unwrap_err();
    assert!(matches!(late, CaError::Refused(Refusal::Expired { .. })), "{late}");
    world.ca.approve(&order, last_second).unwrap();
}

#[test]
fn one_logs_in_with_a_valid_authentication_certificate() {
    let world = World::new();
    let login = |pair: &common::Pair, index: usize, when| world.ca.login(&pair.certificates[index].certificate, when);
    let who = login(&world.old, 0, now()).unwrap();
    assert_eq!(who.subject, world.old.certificates[0].certificate.tbs_certificate().subject().to_string());
    let name = |error: obnova_ca::CaError| match error {
        obnova_ca::CaError::Refused(refusal) => refusal.name(),
        other => panic!("{other}"),
    };
    assert_eq!(name(login(&world.old, 1, now()).unwrap_err()), "peer-not-for-login");
    assert_eq!(name(login(&world.old, 0, now() + 21 * DAY).unwrap_err()), "peer-expired");
    assert_eq!(name(login(&world.old, 0, now() - 350 * DAY).unwrap_err()), "peer-not-yet-valid");
    assert_eq!(name(login(&world.impostor().old, 0, now()).unwrap_err()), "unknown-peer");
}
