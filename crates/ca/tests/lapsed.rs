//! Orders that wait for certificates to replace others, and those others end: the order is turned down with them, by name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{
    DAY, Draft, EMAIL, World,
    first::{First, USER, automatic, issue, one_certificate},
    first_pair, issued,
    life::Life,
    now, rule, token,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AuditFinding, AuditLog, CaError, English, Lapse, MailKind, NoticeDesk, Outbox, Outcome, Policy, Profile, Refusal,
    RetentionDesk, RevocationDesk, SqliteStore, Store as _, StoreError,
    store::{MailRecord, OrderRecord, OrderState},
};
use obnova_enroll::cmc::{Asked, TransactionId};
use obnova_status::RevocationReason;

fn desk_of(world: &World, store: SqliteStore) -> RevocationDesk {
    RevocationDesk::new(world.ca.policy().revocation.clone(), Arc::new(store), Arc::new(English))
}

/// The order that the world's holder has placed, which waits.
fn waits(world: &World) -> Draft {
    let draft = Draft::renewing(&world.old, 1);
    token(&world.send(&draft));
    draft
}

fn only_order(world: &World) -> OrderRecord {
    let mut orders = world.ca.list(None, 9).unwrap();
    assert_eq!(orders.len(), 1);
    orders.remove(0)
}

fn mails(world: &World) -> Vec<MailRecord> {
    Outbox::new(Arc::new(world.store())).list(None, 99).unwrap()
}

/// What the log says of orders that were turned down: about which, what, and who did it. The log is whole.
fn turned_down(world: &World) -> Vec<(String, String, String)> {
    let (mut records, log) = (Vec::new(), AuditLog::new(world.store()));
    let each = |record: obnova_ca::AuditRecord| {
        if record.event == "order-rejected" {
            records.push((record.about, record.detail, record.actor));
        }
        true
    };
    log.read(1, each).unwrap();
    assert_eq!(log.verify(&[]).unwrap().findings, [AuditFinding::NoAnchors]);
    records
}

#[test]
fn an_order_is_turned_down_with_the_revocation_of_what_it_would_replace() {
    for profile in Profile::ALL {
        let world = World::new();
        let draft = waits(&world);
        let waiting = only_order(&world);
        assert_eq!((waiting.state, waiting.why()), (OrderState::Pending, None));
        let later = now() + DAY;
        let serial = world.old.certificates[profile as usize].serial();
        world.revocations().by_operator(serial, RevocationReason::Superseded, later).unwrap();

        let order = only_order(&world);
        assert_eq!(
            (order.state, order.lapse, order.decided),
            (OrderState::Rejected, Some(Lapse::Revoked(profile)), Some(later))
        );
        assert_eq!(order.why().unwrap(), format!("the old {profile} certificate was revoked while the order waited"));
        assert!(order.requests.iter().all(|request| world.store().key_is_taken(&request.key) == Ok(false)));
        // Whoever asks hears it by name: by the token, by the same message, by the link.
        assert_eq!(rule(&world.query(&draft.transaction, &pend_token(&world, &waiting))), "revoked");
        let picked_up = world.ca.pick_up(&world.ca.token(&order));
        assert!(matches!(picked_up, Err(CaError::Refused(Refusal::Lapsed(lapse))) if lapse == Lapse::Revoked(profile)));
        let approved = world.ca.approve(&order.transaction, later);
        assert!(matches!(approved, Err(CaError::Decided { state: OrderState::Rejected })), "{approved:?}");

        // One mail says that the certificate ended, and one that the order did; and so does the log, with who did it.
        let mut told: Vec<_> = mails(&world).into_iter().map(|mail| (mail.kind, mail.to, mail.key)).collect();
        told.sort_by_key(|(kind, ..)| *kind == MailKind::TurnedDown);
        let key = format!("turned-down/{}", order.transaction);
        assert!(
            told[0].0 == MailKind::Revoked && told[1] == (MailKind::TurnedDown, EMAIL.into(), key) && told.len() == 2
        );
        let records = turned_down(&world);
        assert_eq!((records[0].0.as_str(), records[0].1.as_str()), (order.transaction.to_string().as_str(), "revoked"));
        assert!(records.len() == 1 && records[0].2.starts_with("user "), "{records:?}");

        // Its twin is still there, and its holder is not told when it ends: it is not renewed without the other one.
        let notices = NoticeDesk::new(Arc::new(world.store()), Arc::new(English));
        assert_eq!(notices.send(&world.ca, now()).unwrap().posted, 0);
        // What came with the order is forgotten as with every one that was turned down; why stays.
        let retention = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
        assert_eq!(retention.forget(later + 89 * DAY).unwrap().orders, 0);
        assert_eq!(retention.forget(later + 91 * DAY).unwrap().orders, 1);
        let kept = only_order(&world);
        assert_eq!((kept.holder.as_str(), kept.message.len(), kept.lapse), ("", 0, Some(Lapse::Revoked(profile))));
    }
}

fn pend_token(world: &World, order: &OrderRecord) -> obnova_enroll::cmc::PendToken {
    obnova_enroll::cmc::PendToken::from_bytes(world.ca.token(order).as_bytes()).unwrap()
}

#[test]
fn the_same_message_and_its_repeats_are_told_too() {
    let world = World::new();
    let draft = waits(&world);
    let again = Draft { transaction: TransactionId::from_random([2; 16]), ..draft.clone() };
    let repeat = again.message();
    token(&world.ask(&repeat, &again.transaction, Asked::Certificates, now()));
    let serial = world.old.certificates[0].serial();
    world.revocations().by_operator(serial, RevocationReason::KeyCompromise, now()).unwrap();
    assert_eq!(rule(&world.ask(&repeat, &again.transaction, Asked::Certificates, now())), "revoked");
    // Another one is refused at the door.
    assert_eq!(rule(&world.send(&Draft::renewing(&world.old, 3))), "revoked");
    assert_eq!(mails(&world).len(), 2, "one about the certificate, one about the order");
}

#[test]
fn on_hold_an_order_waits_on_and_is_marked_and_goes_with_what_is_revoked_then() {
    let world = World::new();
    let draft = waits(&world);
    let hold = |index: usize| {
        let serial = world.old.certificates[index].serial();
        world.revoke(serial, RevocationReason::CertificateHold);
    };
    hold(1);
    let order = only_order(&world);
    assert_eq!((order.state, order.on_hold), (OrderState::Pending, Some(Profile::Signature)));
    assert_eq!(order.why().unwrap(), "the old signature certificate is on hold");
    let pend = pend_token(&world, &order);
    token(&world.query(&draft.transaction, &pend));
    assert!(matches!(
        world.ca.approve(&order.transaction, now()),
        Err(CaError::Refused(Refusal::Revoked(Profile::Signature)))
    ));
    assert_eq!(world.revocations().turn_down_lapsed(now()), Ok(0));
    world.desk().release(world.old.certificates[1].serial()).unwrap();
    assert_eq!((only_order(&world).on_hold, only_order(&world).why()), (None, None));
    assert!(mails(&world).is_empty() && turned_down(&world).is_empty());

    hold(0);
    assert_eq!(only_order(&world).on_hold, Some(Profile::Authentication));
    world.revoke(world.old.certificates[0].serial(), RevocationReason::Superseded);
    let order = only_order(&world);
    assert_eq!((order.lapse, order.on_hold), (Some(Lapse::Revoked(Profile::Authentication)), None));
    assert_eq!(rule(&world.query(&draft.transaction, &pend)), "revoked");
    let told: Vec<_> = mails(&world).into_iter().map(|mail| mail.kind).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&MailKind::Revoked) && told.contains(&MailKind::TurnedDown), "{told:?}");

    // Released before, it is issued, and what is issued stays.
    let world = World::new();
    let draft = waits(&world);
    let serial = world.old.certificates[0].serial();
    world.revoke(serial, RevocationReason::CertificateHold);
    world.desk().release(serial).unwrap();
    world.approve(&draft.transaction);
    world.revoke(serial, RevocationReason::Superseded);
    let order = only_order(&world);
    assert_eq!((order.state, order.lapse), (OrderState::Issued, None));
    assert_eq!(issued(world.query(&draft.transaction, &pend_token(&world, &order))).len(), 2);
}

#[test]
fn a_key_that_others_may_have_takes_the_orders_of_all_its_certificates() {
    let world = World::new();
    let other = first_pair(&world.ca, "CN=Jana at work,C=CZ", "jana@work.example", 15);
    waits(&world);
    let named = other.certificates[0].serial();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let same_key = "UPDATE certificates SET key = (SELECT key FROM certificates WHERE serial = ?1) WHERE serial = ?2";
    assert_eq!(database.execute(same_key, [named, world.old.certificates[0].serial()]).unwrap(), 1);
    world.revocations().by_operator(named, RevocationReason::KeyCompromise, now()).unwrap();
    assert_eq!(only_order(&world).lapse, Some(Lapse::Revoked(Profile::Authentication)));
    let told: Vec<_> = mails(&world).into_iter().filter(|mail| mail.kind == MailKind::TurnedDown).collect();
    assert!(told.len() == 1 && told[0].to == EMAIL, "{told:?}");
}

#[test]
fn an_order_that_waits_longer_than_the_old_certificates_live_is_turned_down_as_expired() {
    let world = World::new();
    let draft = waits(&world);
    let pend = pend_token(&world, &only_order(&world));
    let ends = now() + 20 * DAY;
    // Valid through the second that stands in it.
    assert_eq!(world.revocations().turn_down_lapsed(ends), Ok(0));
    let over = ends + Duration::from_secs(1);
    let refused = world.ca.approve(&only_order(&world).transaction, over);
    assert!(matches!(refused, Err(CaError::Refused(Refusal::Expired { .. }))), "{refused:?}");
    assert_eq!(world.revocations().turn_down_lapsed(over), Ok(1));
    assert_eq!(world.revocations().turn_down_lapsed(over), Ok(0));
    let order = only_order(&world);
    assert_eq!((order.state, order.decided), (OrderState::Rejected, Some(over)));
    assert!(matches!(order.lapse, Some(Lapse::Expired(_))));
    assert_eq!(rule(&world.query(&draft.transaction, &pend)), "expired");
    let told = mails(&world);
    assert!(told.len() == 1 && told[0].kind == MailKind::TurnedDown && told[0].to == EMAIL, "{told:?}");
    assert_eq!(turned_down(&world)[0].1, "expired");
}

/// An older program revoked, and left the order.
#[test]
fn what_an_older_program_left_waiting_is_turned_down_with_the_next_round() {
    let world = World::new();
    waits(&world);
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let sql = "INSERT INTO revocations (serial, since, reason) VALUES (?1, 1, 'superseded')";
    database.execute(sql, [world.old.certificates[1].serial()]).unwrap();
    assert_eq!(only_order(&world).state, OrderState::Pending);
    assert_eq!(world.revocations().turn_down_lapsed(now()), Ok(1));
    assert_eq!(only_order(&world).lapse, Some(Lapse::Revoked(Profile::Signature)));
    assert_eq!(mails(&world).len(), 1);
}

/// In plain EST the same request asks what became of it, over a login with a certificate that is not valid any more.
#[test]
fn who_asks_by_plain_est_is_told_by_name() {
    let manual = Policy::TEMPLATE;
    assert_ne!(manual, automatic());
    let world = World::with(&one_certificate(manual), KeyAlgorithm::P256);
    let old = &world.old.certificates[0];
    let request = Draft::renewing(&world.old, 1).requests[0].request();
    let ask = |at: SystemTime| world.ca.reenroll(&request, &old.certificate, at);
    assert!(matches!(ask(now()), Ok(Outcome::Pending { .. })));
    world.revoke(old.serial(), RevocationReason::CertificateHold);
    assert!(matches!(ask(now()), Ok(Outcome::Pending { .. })), "it may come back");
    world.revocations().by_operator(old.serial(), RevocationReason::Superseded, now()).unwrap();
    let lapsed = Lapse::Revoked(Profile::Authentication);
    for at in [now(), now() + DAY - Duration::from_secs(1)] {
        assert!(matches!(ask(at), Err(CaError::Refused(Refusal::Lapsed(lapse))) if lapse == lapsed), "{:?}", ask(at));
    }
    // From then on it is a new order, which he cannot place.
    assert!(matches!(ask(now() + DAY), Err(CaError::Refused(Refusal::PeerRevoked))));
    assert_eq!(only_order(&world).lapse, Some(lapsed));
}

#[test]
fn killed_at_each_write_the_certificate_ends_with_its_order_or_neither_does() {
    let end = |world: &World, life: &Arc<Life>| {
        let desk = desk_of(world, world.store().observed(life.clone()));
        desk.by_operator(world.old.certificates[0].serial(), RevocationReason::Superseded, now())
    };
    let round = |world: &World, life: &Arc<Life>| {
        desk_of(world, world.store().observed(life.clone())).turn_down_lapsed(now() + 21 * DAY)
    };
    let facts = |world: &World| {
        let kinds: Vec<_> = mails(world).into_iter().map(|mail| mail.kind.name()).collect();
        (only_order(world).state, turned_down(world).len(), kinds.contains(&"turned-down"), kinds.len())
    };
    for by_operator in [true, false] {
        let (world, life) = (World::new(), Life::forever());
        waits(&world);
        if by_operator {
            end(&world, &life).unwrap();
        } else {
            assert_eq!(round(&world, &life), Ok(1));
        }
        let points = life.passed();
        assert_eq!(points.len(), 2, "{points:?}");
        let done = (OrderState::Rejected, 1, true, if by_operator { 2 } else { 1 });
        assert_eq!(facts(&world), done);
        for (at, point) in points.iter().enumerate() {
            let told = format!("killed {point} (point {at}), by the operator: {by_operator}");
            let world = World::new();
            waits(&world);
            let life = Life::until(at);
            if by_operator {
                let died = end(&world, &life);
                assert!(matches!(died, Err(obnova_ca::StatusError::Store(StoreError::Stopped))), "{told}: {died:?}");
            } else {
                assert_eq!(round(&world, &life), Err(StoreError::Stopped), "{told}");
            }
            let was_done = at == 1;
            assert_eq!(facts(&world), if was_done { done } else { (OrderState::Pending, 0, false, 0) }, "{told}");
            // Then the same is asked again.
            if by_operator {
                assert_eq!(end(&world, &Life::forever()).is_err(), was_done, "{told}");
            } else {
                assert_eq!(round(&world, &Life::forever()), Ok(u64::from(!was_done)), "{told}");
            }
            assert_eq!(facts(&world), done, "{told}");
        }
    }
}

/// Who left waits for a mail, and does not wait for ever.
#[test]
fn who_is_turned_down_is_told_by_mail_once() {
    let world = World::new();
    let ca = world.another().with_letters(Arc::new(English));
    let first = First::of(&issue(&ca, USER, "main", now()), 1);
    token(&world.ask(&first.message(), &first.transaction, Asked::Certificates, now()));
    token(&world.send(&Draft::renewing(&world.old, 2)));
    for order in ca.list(None, 9).unwrap() {
        ca.reject(&order.transaction, "the invoice\nwas not paid", now()).unwrap();
        assert!(ca.reject(&order.transaction, "twice", now()).is_err());
    }
    let mails = Outbox::new(Arc::new(world.store())).take(now(), 9).unwrap();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert_eq!((mail.kind, mail.to.as_str(), mail.link.is_none()), (MailKind::TurnedDown, EMAIL, true));
        assert!(mail.body.contains("Reason: the invoice was not paid\n"), "{}", mail.body);
    }
}
