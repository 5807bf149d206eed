//! Who is revoked, who says so, and what the revoked may not do any more.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{DAY, Draft, World, first_pair, now, rule, token};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    CaError, CaKey, FirstPair, KeyHash, MailKind, OcspResponse, Outbox, Policy, Profile, Refusal, StatusDesk,
    StatusError, Store, StoreError, Transaction,
    store::{CertificateRecord, KeptStatus, NewOrder, OrderState, RequestRecord, Submission},
};
use obnova_enroll::cmc::{Answer, Asked};
use obnova_status::{
    Authority, Revocation, RevocationReason, Rules, SerialNumber, Status,
    crl::Crl,
    ocsp::{ErrorStatus, Nonce, OcspError, Question},
};
use x509_cert::der::DateTime;

fn authority(world: &World) -> Authority {
    Authority::from_der(&world.ca.certificates().next().unwrap().der).unwrap()
}

/// What a client is told by OCSP.
fn told(desk: &StatusDesk, world: &World, certificate: &[u8], now: SystemTime) -> Result<Status, OcspError> {
    let question = Question::about(certificate, &authority(world)).unwrap().nonce(Nonce::from_random([7; 32]));
    let OcspResponse { der, is_signed, failure } = desk.ocsp(&question.to_der().unwrap(), now);
    assert!(is_signed && failure.is_none(), "{failure:?}");
    question.check(&der, now, &Rules::default()).map(|verdict| verdict.status)
}

/// What a client reads in a new CRL.
fn listed(desk: &StatusDesk, world: &World, certificate: &[u8], now: SystemTime) -> Status {
    let mut der = Vec::new();
    desk.crl(now, &mut der).unwrap();
    let list = Crl::parse(&der).unwrap().verify(&authority(world), now, &Rules::default()).unwrap();
    list.status(certificate).unwrap()
}

#[test]
fn a_revocation_is_told_at_once_by_ocsp_and_by_the_next_list() {
    for kind in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
        let world = World::with(Policy::TEMPLATE, kind);
        let desk = world.desk();
        let [jana, other] = world.old.certificates.each_ref();
        let all = |status: [Status; 2]| {
            for (certificate, status) in [jana, other].into_iter().zip(status) {
                assert_eq!(told(&desk, &world, &certificate.der, now()), Ok(status));
                assert_eq!(listed(&desk, &world, &certificate.der, now()), status);
            }
        };
        all([Status::Good, Status::Good]);
        // In another process.
        world.revoke(jana.serial(), RevocationReason::KeyCompromise);
        let revoked = Status::Revoked(Revocation::new(now(), RevocationReason::KeyCompromise));
        all([revoked, Status::Good]);
        world.revoke(other.serial(), RevocationReason::CertificateHold);
        let held = Status::Revoked(Revocation::new(now(), RevocationReason::CertificateHold));
        all([revoked, held]);
        world.desk().release(other.serial()).unwrap();
        all([revoked, Status::Good]);
    }
}

#[test]
fn what_is_revoked_stays_so_and_a_hold_can_end_both_ways() {
    let world = World::new();
    let (desk, revocations) = (world.desk(), world.revocations());
    let [one, other] = world.old.certificates.each_ref().map(|certificate| certificate.serial());
    let later = now() + DAY;
    assert!(matches!(desk.release(one), Err(StatusError::NotOnHold)));
    revocations.by_operator(one, RevocationReason::Superseded, now()).unwrap();
    let first = Revocation::new(now(), RevocationReason::Superseded);
    for reason in [RevocationReason::Unspecified, RevocationReason::CertificateHold, RevocationReason::Superseded] {
        assert!(
            matches!(revocations.by_operator(one, reason, later), Err(StatusError::Revoked(kept)) if kept == first)
        );
    }
    assert!(matches!(desk.release(one), Err(StatusError::Revoked(kept)) if kept == first));
    assert_eq!(world.store().status(one), Ok(KeptStatus::Revoked(first)));

    revocations.by_operator(other, RevocationReason::CertificateHold, now()).unwrap();
    let again = revocations.by_operator(other, RevocationReason::CertificateHold, later).unwrap_err();
    assert_eq!(again.to_string(), "the certificate is on hold already");
    let told = || Outbox::new(Arc::new(world.store())).take(later + DAY, 9).unwrap();
    let before: Vec<_> = told().into_iter().map(|mail| mail.kind).collect();
    assert_eq!(before, [MailKind::Revoked], "about the other one, and of the hold nothing");
    revocations.by_operator(other, RevocationReason::KeyCompromise, later).unwrap();
    let since_hold = Revocation::new(now(), RevocationReason::KeyCompromise);
    assert_eq!(world.store().status(other), Ok(KeptStatus::Revoked(since_hold)), "it was not valid on hold");
    let [mail] = told().try_into().unwrap();
    let since = DateTime::from_system_time(now()).unwrap().to_string().replace('T', " ").replace('Z', " UTC");
    assert!(mail.body.contains(&format!("Since: {since}\nReason: keyCompromise")), "{}", mail.body);

    assert!(matches!(
        revocations.by_operator(&[9; 20], RevocationReason::Superseded, now()),
        Err(StatusError::Unknown)
    ));
    assert!(matches!(desk.release(&[9; 20]), Err(StatusError::Unknown)));
    assert_eq!(world.store().status(&[9; 20]), Ok(KeptStatus::Unknown));
}

#[test]
fn each_change_of_a_status_and_each_list_for_others_is_counted_whoever_makes_it_and_nothing_else_is() {
    let world = World::new();
    let desk = world.desk();
    let [one, other] = world.old.certificates.each_ref().map(|certificate| certificate.serial());
    let revocations = world.revocations();
    let hold = || revocations.by_operator(one, RevocationReason::CertificateHold, now()).is_ok();
    let revoke = || revocations.by_operator(one, RevocationReason::Superseded, now()).is_ok();
    let release = || world.desk().release(one).is_ok();
    let order = || matches!(world.send(&Draft::renewing(&world.old, 1)), Answer::Pending { .. });
    let list = || desk.crl(now(), &mut Vec::new()).is_ok();
    let given_away = || desk.crl_to_give_away(now(), &mut Vec::new()).is_ok();
    let steps: [(&str, &dyn Fn() -> bool, bool); 9] = [
        ("not on hold", &|| !release(), false),
        ("hold", &hold, true),
        ("hold again", &|| !hold(), false),
        ("release", &release, true),
        ("order", &order, false),
        ("revoke", &revoke, true),
        ("a list", &list, false),
        ("a list for others", &given_away, true),
        ("another", &|| revocations.by_operator(other, RevocationReason::CertificateHold, now()).is_ok(), true),
    ];
    for (name, step, counts) in steps {
        let before = desk.changes().unwrap();
        assert!(step(), "{name}");
        assert_eq!(desk.changes().unwrap() - before, counts.into(), "{name}");
    }
    // From hold to the end there is no release between.
    let before = desk.changes().unwrap();
    world.revoke(other, RevocationReason::KeyCompromise);
    assert!(desk.changes().unwrap() > before);
}

#[test]
fn the_revoked_neither_renew_nor_log_in() {
    for index in [0, 1] {
        let world = World::automatic();
        let desk = world.desk();
        let serial = world.old.certificates[index].serial();
        world.revoke(serial, RevocationReason::CertificateHold);
        assert_eq!(rule(&world.send(&Draft::renewing(&world.old, 1))), "revoked");
        let login = world.ca.login(&world.old.certificates[0].certificate, now());
        assert_eq!(matches!(login, Err(CaError::Refused(Refusal::PeerRevoked))), index == 0);
        desk.release(serial).unwrap();
        assert!(world.ca.login(&world.old.certificates[0].certificate, now()).is_ok());
        assert!(matches!(world.send(&Draft::renewing(&world.old, 3)), Answer::Issued { .. }));
    }
}

#[test]
fn the_revoked_send_no_orders_of_others() {
    let world = World::automatic();
    let peer = first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
    let send = |transaction| {
        let draft = Draft::renewing(&world.old, transaction);
        let response = world.ca.answer(&draft.message(), Some(&peer.certificates[0].certificate), now()).unwrap();
        world.read(&response.message, &draft.transaction, Asked::Certificates)
    };
    world.revoke(peer.certificates[0].serial(), RevocationReason::Superseded);
    assert_eq!(rule(&send(1)), "peer-revoked");
}

#[test]
fn an_order_that_waits_is_not_issued_to_the_revoked() {
    let world = World::new();
    token(&world.send(&Draft::renewing(&world.old, 1)));
    let order = world.ca.list(None, 10).unwrap().remove(0).transaction;
    world.revoke(world.old.certificates[1].serial(), RevocationReason::KeyCompromise);
    let refused = world.ca.approve(&order, now()).unwrap_err();
    assert!(matches!(refused, CaError::Decided { state: OrderState::Rejected }), "{refused}");
    assert!(world.ca.list(Some(OrderState::Pending), 10).unwrap().is_empty());
}

#[test]
fn who_is_revoked_while_an_order_is_on_its_way_to_the_disk_gets_nothing() {
    let world = World::new();
    let store = world.store();
    let requests = [Profile::Authentication, Profile::Signature].map(|profile| RequestRecord {
        profile,
        request: Vec::new(),
        key: KeyHash::of(CaKey::generate(KeyAlgorithm::P256).unwrap().public_key()).unwrap(),
        same_key: false,
        replaces: Some(world.old.certificates[profile as usize].serial().to_vec()),
    });
    let order = |number: u8| NewOrder {
        transaction: Transaction::new(&[number; 16]).unwrap(),
        message: vec![number],
        holder: "CN=Jana".into(),
        requests: requests.to_vec(),
        token_salt: [number; 16],
        token_hash: [number; 32],
        received: now(),
        certificates: Vec::new(),
        credential: None,
        revocation_password: None,
    };
    let signature = world.old.certificates[1].serial().to_vec();
    world.revoke(&signature, RevocationReason::CertificateHold);
    assert_eq!(store.submit(order(1)), Ok(Submission::Revoked(Profile::Signature)));
    assert_eq!(store.order(&order(1).transaction), Ok(None));
    world.desk().release(&signature).unwrap();
    assert!(matches!(store.submit(order(1)), Ok(Submission::Accepted(_))));
}

#[test]
fn nobody_is_written_to_about_the_end_of_what_is_revoked() {
    let world = World::new();
    let notices = || world.ca.notices(now(), now() + 30 * DAY, 10).unwrap();
    assert_eq!(notices()[0].certificates.len(), 2);
    world.revoke(world.old.certificates[1].serial(), RevocationReason::Superseded);
    assert_eq!(notices(), [], "nor about the other half of a pair, which cannot be renewed alone");
}

#[test]
fn what_is_not_this_cas_is_not_answered_and_what_it_does_not_know_is_unknown() {
    let world = World::new();
    let desk = world.desk();
    let stranger = world.impostor();
    let question = Question::about(&stranger.old.certificates[0].der, &authority(&stranger)).unwrap();
    let refused = |request: &[u8]| {
        let OcspResponse { der, is_signed, failure } = desk.ocsp(request, now());
        assert!(!is_signed && failure.is_none(), "{failure:?}");
        der
    };
    assert_eq!(refused(&question.to_der().unwrap()), ErrorStatus::Unauthorized.to_der());
    assert_eq!(refused(b"garbage"), ErrorStatus::MalformedRequest.to_der());

    // Signed by the CA's key, and not in this store.
    let elsewhere = World::new();
    let same_ca = |world: &World| authority(world).name().to_string();
    assert_eq!(same_ca(&world), same_ca(&elsewhere));
    let keys = [(); 2].map(|()| CaKey::generate(KeyAlgorithm::P256).unwrap());
    let pair = FirstPair {
        subject: "CN=Eva".parse().unwrap(),
        email: "eva@example.cz".into(),
        authentication: keys[0].public_key().clone(),
        signature: keys[1].public_key().clone(),
        not_before: now(),
        not_after: now() + DAY,
    };
    let eva = world.ca.issue_first_pair(&pair).unwrap();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    database.execute("DELETE FROM certificates WHERE serial = ?1", [eva[0].serial()]).unwrap();
    assert_eq!(told(&desk, &world, &eva[0].der, now()), Err(OcspError::Unknown));
    assert_eq!(told(&desk, &world, &eva[1].der, now()), Ok(Status::Good));
}

#[test]
fn a_store_that_cannot_be_read_is_told_to_the_operator_and_the_client_tries_later() {
    let world = World::new();
    let desk = world.desk();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    database.execute_batch("DROP TABLE revocations").unwrap();
    let question = Question::about(&world.old.certificates[0].der, &authority(&world)).unwrap();
    let OcspResponse { der, is_signed, failure } = desk.ocsp(&question.to_der().unwrap(), now());
    assert_eq!((der, is_signed), (ErrorStatus::TryLater.to_der(), false));
    assert!(matches!(failure, Some(StatusError::Store(_))), "{failure:?}");
    assert!(matches!(desk.crl(now(), &mut Vec::new()), Err(StatusError::Store(_) | StatusError::Crl(_))));
}

#[test]
fn the_responder_is_relieved_before_its_certificate_ends_whatever_the_clock_does() {
    let world = World::new();
    let desk = world.desk();
    let half_a_week = Duration::from_secs(7 * 86_400 / 2);
    let responder = |when: SystemTime| {
        let question = Question::about(&world.old.certificates[0].der, &authority(&world)).unwrap();
        let OcspResponse { der: response, failure, .. } = desk.ocsp(&question.to_der().unwrap(), when);
        assert!(failure.is_none());
        assert!(question.check(&response, when, &Rules::default()).is_ok());
        // Its certificate is the end of the response.
        response[response.len() - 200..].to_vec()
    };
    let first = responder(now());
    assert_eq!(responder(now() + half_a_week - Duration::from_secs(1)), first);
    let second = responder(now() + half_a_week);
    assert_ne!(second, first);
    assert_eq!(responder(now() + 2 * half_a_week - Duration::from_secs(1)), second);
    let back = responder(now() + half_a_week - 2 * DAY);
    assert_ne!(back, second, "its certificate has not begun yet when the clock is set back by two days");
    assert_eq!(responder(now() + half_a_week - 3 * DAY), back, "by less than its certificate is backdated");
    assert_ne!(responder(now() - 20 * DAY), back, "the clock was set back");
}

#[test]
fn a_clock_before_the_ca_itself_is_told_to_the_operator() {
    let world = World::new();
    let desk = world.desk();
    let begin = authority_begin(&world);
    let question = Question::about(&world.old.certificates[0].der, &authority(&world)).unwrap().to_der().unwrap();
    let OcspResponse { der, is_signed, failure } = desk.ocsp(&question, begin - DAY);
    assert_eq!((der, is_signed), (ErrorStatus::InternalError.to_der(), false));
    assert!(matches!(failure, Some(StatusError::OutOfTime)), "{failure:?}");
    assert!(desk.ocsp(&question, begin).failure.is_none(), "the clock is right again");
}

fn authority_begin(world: &World) -> SystemTime {
    let ca = world.ca.certificates().next().unwrap();
    ca.certificate.tbs_certificate().validity().not_before.to_system_time()
}

#[test]
fn a_long_list_is_whole_and_its_number_is_new() {
    let world = World::new();
    // Their holder has an address, and a mail for each.
    let der = &world.old.certificates[0].der;
    let certificates: Vec<_> =
        (0..1300_u32).map(|index| CertificateRecord { der: der.clone(), ..record(index) }).collect();
    world.store().add(certificates.clone()).unwrap();
    let (desk, revocations) = (world.desk(), world.revocations());
    let mut wanted = Vec::new();
    for (index, certificate) in certificates.iter().enumerate() {
        if index % 10 != 0 {
            let reason = RevocationReason::ALL[index % RevocationReason::ALL.len()];
            revocations.by_operator(&certificate.serial, reason, now()).unwrap();
            wanted.push(SerialNumber::new(&certificate.serial).unwrap());
        }
    }
    assert_eq!(desk.newest_crl().unwrap(), 0);
    for number in [1, 2, 3] {
        let mut der = Vec::new();
        // Each process has its turn.
        assert_eq!(world.desk().crl(now(), &mut der).unwrap(), number);
        assert_eq!(desk.newest_crl().unwrap(), number);
        let list = Crl::parse(&der).unwrap().verify(&authority(&world), now(), &Rules::default()).unwrap();
        let serials: Vec<_> = list.entries().map(|entry| entry.unwrap().serial).collect();
        assert_eq!(serials, wanted);
        assert_eq!(list.number(), Some(number.into()));
    }
}

#[test]
fn a_list_whose_number_was_passed_before_it_looked_gets_another_one() {
    let world = World::new();
    let desk = world.desk();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    // Another process takes the next number before this one looks who is revoked.
    let passing = |when: &str| {
        let sql = "AFTER INSERT ON crls WHEN {} BEGIN INSERT INTO crls (this_update) VALUES (0); END";
        let sql = format!("DROP TRIGGER IF EXISTS passing; CREATE TRIGGER passing {}", sql.replace("{}", when));
        database.execute_batch(&sql).unwrap();
    };
    passing("new.number = 1");
    let mut der = Vec::new();
    assert_eq!(desk.crl(now(), &mut der).unwrap(), 3);
    assert_eq!(desk.newest_crl().unwrap(), 3);
    let list = Crl::parse(&der).unwrap().verify(&authority(&world), now(), &Rules::default()).unwrap();
    assert_eq!(list.number(), Some(3.into()));

    passing("true");
    let mut der = Vec::new();
    assert!(matches!(desk.crl(now(), &mut der), Err(StatusError::Store(StoreError::Busy { .. }))));
    assert_eq!(der, b"", "nothing is written for a number that was passed");
}

/// A certificate that nobody looks into.
fn record(index: u32) -> CertificateRecord {
    let mut serial = [1; 20];
    serial[16..].copy_from_slice(&index.to_be_bytes());
    CertificateRecord {
        serial: serial.to_vec(),
        profile: Profile::Signature,
        key: KeyHash::of(CaKey::generate(KeyAlgorithm::P256).unwrap().public_key()).unwrap(),
        subject: format!("CN={index}"),
        not_after: now() + DAY,
        der: Vec::new(),
        revoked: false,
    }
}
