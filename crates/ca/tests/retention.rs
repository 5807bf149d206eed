//! What was kept long enough is gone, from the file too; what certificates need is there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    sync::{Arc, Mutex},
};

use common::{
    DAY, Draft, World,
    first::{First, issue},
    first_pair, issued, now, token,
};
use obnova_ca::{
    AuditFinding, AuditLog, Mail, MailAddress, MailKind, Outbox, RetentionDesk, Store, Text, Transaction,
    store::{Forgotten, MailState, OrderState, Retried, WriteObserver},
};
use obnova_status::RevocationReason;

fn name(draft: &Draft) -> Transaction {
    Transaction::new(draft.transaction.as_bytes()).unwrap()
}

fn mail(key: &str, address: &str, subject: &str) -> Mail {
    let text = Text { subject: subject.into(), body: "planted-body-of-a-mail".into() };
    Mail::new(key, MailKind::Revoked, MailAddress::new(address).unwrap(), text).unwrap()
}

/// What stands in the database and in the log beside it.
fn content(world: &World) -> Vec<u8> {
    let read = |name: &str| fs::read(world.directory.path().join(name)).unwrap_or_default();
    [read("ca.db"), read("ca.db-wal")].concat()
}

fn has(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_was_kept_long_enough_is_gone_and_what_certificates_need_is_there() {
    let world = World::new();
    // One of each: turned down, issued and fetched, issued and not, waiting.
    let drafts: Vec<_> = (1..=4)
        .map(|index| Draft::renewing(&first_pair(&world.ca, common::HOLDER, common::EMAIL, 20), index))
        .collect();
    let tokens: Vec<_> = drafts.iter().map(|draft| token(&world.send(draft))).collect();
    world.ca.reject(&name(&drafts[0]), "planted-reason-for-turning-down", now()).unwrap();
    world.approve(&drafts[1].transaction);
    world.approve(&drafts[2].transaction);
    let fetched = issued(world.query(&drafts[1].transaction, &tokens[1]));
    world.confirm(&drafts[1].transaction, None, &fetched);
    let outbox = Outbox::new(Arc::new(world.store()));
    outbox.post(&mail("one", "planted-sent@example.cz", "planted-subject-sent"), now()).unwrap();
    outbox.sent(&outbox.take(now(), 1).unwrap()[0], now()).unwrap();
    outbox.post(&mail("two", "planted-refused@example.cz", "planted-subject-refused"), now()).unwrap();
    outbox.failed(&outbox.take(now(), 1).unwrap()[0], "planted-problem", true, now()).unwrap();
    outbox.post(&mail("three", "planted-waiting@example.cz", "planted-subject-waiting"), now()).unwrap();
    let gone: [&[u8]; 6] = [
        b"planted-reason-for-turning-down",
        b"planted-sent@example.cz",
        b"planted-subject-sent",
        b"planted-refused@example.cz",
        b"planted-subject-refused",
        b"planted-problem",
    ];
    // In the midst of what was sent, where nothing else is like it: the signatures.
    let messages: Vec<_> = drafts.iter().map(Draft::message).collect();
    let kept: Vec<_> = drafts.iter().map(|draft| world.ca.order(&name(draft)).unwrap().unwrap().message).collect();
    let part = |index: usize| &kept[index][kept[index].len() - 64..];
    let before = content(&world);
    assert!(gone.iter().all(|part| has(&before, part)) && (0..4).all(|index| has(&before, part(index))));

    let store = Arc::new(world.store());
    let desk = RetentionDesk::new(store.clone(), world.ca.policy().retention.clone());
    assert_eq!(desk.forget(now() + 29 * DAY).unwrap(), Forgotten::default());
    let mails = Forgotten { mails: 2, ..Forgotten::default() };
    assert_eq!(desk.due(now() + 31 * DAY).unwrap(), mails);
    assert_eq!(desk.due(now() + 31 * DAY).unwrap(), mails, "to look changes nothing");
    assert_eq!(desk.forget(now() + 31 * DAY).unwrap(), mails);
    assert_eq!(desk.due(now() + 89 * DAY).unwrap(), Forgotten::default());
    let orders = Forgotten { orders: 3, ..Forgotten::default() };
    assert_eq!(desk.due(now() + 91 * DAY).unwrap(), orders);
    assert_eq!(desk.forget(now() + 91 * DAY).unwrap(), orders);
    assert_eq!(desk.forget(now() + 91 * DAY).unwrap(), Forgotten::default());

    assert!(desk.clear_log().unwrap());
    let after = content(&world);
    for part in gone {
        assert!(!has(&after, part), "{}", String::from_utf8_lossy(part));
    }
    for index in 0..3 {
        assert!(!has(&after, part(index)), "the message of order {index}");
    }
    assert!(has(&after, part(3)) && has(&after, b"planted-waiting@example.cz"), "what waits stays");

    // What is needed works.
    let order = |index: usize| world.ca.order(&name(&drafts[index])).unwrap().unwrap();
    assert_eq!(
        (order(0).state, order(0).holder.as_str(), order(0).reason.as_deref()),
        (OrderState::Rejected, "", Some(""))
    );
    assert_eq!(issued(world.query(&drafts[2].transaction, &tokens[2])).len(), 2, "a link that nobody used opens");
    world.ca.approve(&name(&drafts[3]), now()).unwrap();
    for index in [1, 2] {
        assert!(order(index).requests.iter().all(|request| store.key_is_taken(&request.key).unwrap()));
        assert!(order(index).certificates.iter().all(|one| world.ca.certificate(&one.serial).unwrap().is_some()));
    }
    // The names are taken for ever, also by the same message.
    let again = world.ca.answer(&messages[1], None, now()).unwrap();
    assert_eq!(again.refused, Some("transaction-taken"));
    assert_eq!(outbox.post(&mail("one", "other@example.cz", "other"), now()).unwrap(), obnova_ca::store::Posted::Known);
    assert_eq!(outbox.list(Some(MailState::Sent), 9).unwrap()[0].to, "");
    store.check().unwrap();
}

#[test]
fn the_audit_log_says_how_much_and_stays_sound() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    token(&world.send(&draft));
    world.ca.reject(&name(&draft), "no", now()).unwrap();
    let log = AuditLog::new(world.store());
    let before = log.head().unwrap();
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    desk.forget(now() + 100 * DAY).unwrap();
    desk.forget(now() + 100 * DAY).unwrap();
    // There are no anchors in this world, and nothing else is wrong.
    let check = log.verify(&[before]).unwrap();
    assert_eq!((check.records, check.findings), (before.number as u64 + 1, vec![AuditFinding::NoAnchors]));
    let mut last = None;
    log.read(check.head.number, |record| {
        last = Some((record.event, record.detail));
        true
    })
    .unwrap();
    assert_eq!(
        last,
        Some(("forgotten".into(), "1 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs".into()))
    );
}

#[test]
fn applicants_who_never_got_a_card_are_forgotten_and_others_are_not() {
    let world = World::new();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let day = |days: u32| {
        let at = now() + DAY * days;
        at.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
    };
    // Two who did nothing, one for whom something was done later, one with a card.
    for (id, step, card) in [(1_u8, 0, None), (2, 0, None), (3, 60, None), (4, 0, Some("OBN1"))] {
        let row = rusqlite::params![[id], format!("planted-name-{id}"), day(0), card];
        let sql = "INSERT INTO applicants (id, secret, stage, name, email, country, registered, card)
             VALUES (?1, x'00', 'registered', ?2, 'a@example.cz', 'CZ', ?3, ?4)";
        database.execute(sql, row).unwrap();
        let sql =
            "INSERT INTO applicant_steps (applicant, step, at, operator) VALUES (?1, 'registered', ?2, 'planted')";
        database.execute(sql, rusqlite::params![[id], day(step)]).unwrap();
    }
    let count = |table: &str| {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    let applicants = |applicants| Forgotten { applicants, ..Forgotten::default() };
    assert_eq!(desk.forget(now() + 90 * DAY).unwrap(), applicants(0));
    assert_eq!(desk.due(now() + 91 * DAY).unwrap(), applicants(2));
    assert_eq!(desk.forget(now() + 91 * DAY).unwrap(), applicants(2));
    assert!(desk.clear_log().unwrap());
    assert_eq!((count("applicants"), count("applicant_steps")), (2, 2));
    let content = content(&world);
    assert!(!has(&content, b"planted-name-1") && !has(&content, b"planted-name-2") && has(&content, b"planted-name-4"));
    assert_eq!(desk.forget(now() + 151 * DAY).unwrap(), applicants(1));
    assert_eq!(desk.forget(now() + 9999 * DAY).unwrap(), applicants(0), "who has a card stays");
}

/// Somebody who never got a certificate is somebody whom nobody has to know, be it that he never asked or that he was turned down.
#[test]
fn who_asked_for_first_certificates_and_was_turned_down_is_forgotten_and_others_are_not() {
    let world = World::new();
    let mut users = ["planted-down", "planted-down-and-asks-again", "planted-waits", "planted-got-them"].into_iter();
    let ask = |user: &str, transaction: u8| {
        let first = First::of(&issue(&world.ca, user, "main", now()), transaction);
        token(&world.first(&first));
        Transaction::new(first.transaction.as_bytes()).unwrap()
    };
    let orders = std::array::from_fn::<_, 4, _>(|index| ask(users.next().unwrap(), index as u8 + 1));
    world.ca.reject(&orders[0], "no", now()).unwrap();
    world.ca.reject(&orders[1], "no", now()).unwrap();
    ask("planted-down-and-asks-again", 9);
    world.ca.approve(&orders[3], now()).unwrap();

    let store = Arc::new(world.store());
    let desk = RetentionDesk::new(store.clone(), world.ca.policy().retention.clone());
    assert_eq!(desk.forget(now() + 89 * DAY).unwrap().subjects, 0);
    let late = now() + 91 * DAY;
    assert_eq!((desk.due(late).unwrap().subjects, desk.forget(late).unwrap().subjects), (1, 1));
    assert!(desk.clear_log().unwrap());
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let mut users = database.prepare("SELECT user FROM subjects ORDER BY user").unwrap();
    let users = users.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
    assert_eq!(users, ["planted-down-and-asks-again", "planted-got-them", "planted-waits"]);
    let passwords = "SELECT count(*) FROM credentials WHERE subject NOT IN (SELECT id FROM subjects)";
    assert_eq!(database.query_row(passwords, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    // The order stays as what it is, without a name; and the user id is free for somebody else.
    assert_eq!(world.ca.order(&orders[0]).unwrap().unwrap().state, OrderState::Rejected);
    store.check().unwrap();
    issue(&world.ca, "planted-down", "main", late);
    assert_eq!(desk.forget(now() + 3000 * DAY).unwrap().subjects, 1, "the new one, whose password is over");
}

#[test]
fn who_never_used_a_password_is_forgotten_and_so_are_links_that_are_over() {
    let world = World::new();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let day = |days: u32| {
        let at = now() + DAY * days;
        at.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
    };
    token(&world.send(&Draft::renewing(&world.old, 1)));
    let order: i64 = database.query_row("SELECT id FROM orders", [], |row| row.get(0)).unwrap();
    // Entered only; over; over and another one that is not; ended; used; entered later.
    type Password = (u32, Option<u32>, Option<i64>);
    let credentials: [(i64, &[Password]); 6] = [
        (1, &[]),
        (2, &[(1, None, None)]),
        (3, &[(1, None, None), (50, None, None)]),
        (4, &[(50, Some(1), None)]),
        (5, &[(1, None, Some(order))]),
        (6, &[]),
    ];
    for (id, of) in credentials {
        let sql = "INSERT INTO subjects (id, user, module, name, email, entered) VALUES (?1, ?2, '', x'00', ?2, ?3)";
        let entered = day(if id == 6 { 50 } else { 0 });
        database.execute(sql, rusqlite::params![id, format!("planted-subject-{id}"), entered]).unwrap();
        for (index, (expires, ended, order)) in of.iter().enumerate() {
            let sql = "INSERT INTO credentials (id, subject, issued, expires, ended, order_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let row = rusqlite::params![[id as u8, index as u8], id, day(0), day(*expires), ended.map(day), order];
            database.execute(sql, row).unwrap();
        }
    }
    let outbox = Outbox::new(Arc::new(world.store()));
    for (key, about, days) in [("over", "planted-over", 1), ("good", "planted-good", 70)] {
        let link = obnova_ca::MailLink::Signed {
            purpose: obnova_ca::LinkPurpose::Confirm,
            about: about.as_bytes().to_vec(),
            expires: now() + DAY * days,
        };
        outbox.post(&mail(key, "jana@example.cz", "s").with_link(link), now()).unwrap();
    }
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    let of = |subjects| Forgotten { subjects, ..Forgotten::default() };
    assert_eq!(desk.forget(now() + 90 * DAY).unwrap(), of(0));
    assert_eq!(desk.due(now() + 92 * DAY).unwrap(), of(3));
    assert_eq!(desk.forget(now() + 92 * DAY).unwrap(), of(3));
    assert_eq!(desk.forget(now() + 92 * DAY).unwrap(), of(0));
    assert!(desk.clear_log().unwrap());
    let content = content(&world);
    let kept: Vec<_> = (1..=6).filter(|id| has(&content, format!("planted-subject-{id}").as_bytes())).collect();
    assert_eq!(kept, [3, 5, 6]);
    assert!(!has(&content, b"planted-over") && has(&content, b"planted-good"));
}

#[test]
fn a_transport_pin_that_nobody_can_use_any_more_is_gone_and_others_are_not() {
    let world = World::new();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let day = |days: u32| {
        let at = now() + DAY * days;
        at.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
    };
    // Stage, the last day of each link, the last day of the certificate on the card, why it ended today if it did.
    type Card = (&'static str, &'static [u32], u32, Option<&'static str>);
    let cards: [(u8, Card); 7] = [
        (1, ("handed-over", &[10], 300, None)),
        (2, ("handed-over", &[10, 20], 300, None)),
        (3, ("personalised", &[], 300, None)),
        (4, ("personalised", &[], 5, None)),
        (5, ("personalised", &[], 300, Some("superseded"))),
        (6, ("personalised", &[], 300, Some("certificateHold"))),
        // Somebody else's link, of whose number this one's is the begin.
        (0x10, ("handed-over", &[300], 300, None)),
    ];
    for (id, (stage, links, ends, ended)) in cards {
        let sql = "INSERT INTO applicants (id, secret, stage, name, email, country, registered, card, transport_pin)
             VALUES (?1, x'00', ?2, 'planted', 'a@example.cz', 'CZ', ?3, ?4, CAST(?5 AS BLOB))";
        let row = rusqlite::params![[id], stage, day(0), format!("card-{id}"), format!("planted-sealed-pin-{id:02}")];
        database.execute(sql, row).unwrap();
        let sql = "INSERT INTO certificates (serial, profile, key, subject, not_after, der)
             VALUES (?1, 'signature', ?1, '', ?2, x'00')";
        database.execute(sql, rusqlite::params![[id], day(ends)]).unwrap();
        database.execute("INSERT INTO applicant_certificates VALUES (?1, ?1)", [[id]]).unwrap();
        if let Some(reason) = ended {
            let sql = "INSERT INTO revocations (serial, since, reason) VALUES (?1, ?2, ?3)";
            database.execute(sql, rusqlite::params![[id], day(0), reason]).unwrap();
        }
        for (index, expires) in links.iter().enumerate() {
            let link = [id, index as u8];
            let sql = "INSERT INTO links (id, purpose, about, expires) VALUES (?1, 'transport-pin', x'00', ?2)";
            database.execute(sql, rusqlite::params![link, day(*expires)]).unwrap();
            let sql = "INSERT INTO mails (key, kind, recipient, subject, body, link, queued, sent)
                 VALUES (?1, 'transport-pin', '', '', '', ?2, 0, 0)";
            database.execute(sql, rusqlite::params![format!("transport-pin/{id:02x}/{index}"), link]).unwrap();
        }
    }
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    let kept = || {
        let mut statement = database
            .prepare("SELECT id FROM applicants WHERE transport_pin IS NOT NULL ORDER BY registered, rowid")
            .unwrap();
        let ids = statement.query_map([], |row| row.get::<_, [u8; 1]>(0)).unwrap();
        ids.map(|id| id.unwrap()[0]).collect::<Vec<_>>()
    };
    for (at, left) in [
        (29, vec![1, 2, 3, 4, 5, 6, 0x10]),
        (31, vec![1, 2, 3, 4, 6, 0x10]),
        (36, vec![1, 2, 3, 6, 0x10]),
        (41, vec![2, 3, 6, 0x10]),
        (49, vec![2, 3, 6, 0x10]),
        (51, vec![3, 6, 0x10]),
    ] {
        let before = kept().len();
        let due = desk.due(now() + DAY * at).unwrap();
        assert_eq!((due.transport_pins, due), ((before - left.len()) as u64, desk.forget(now() + DAY * at).unwrap()));
        assert_eq!(kept(), left, "on day {at}");
    }
    assert!(desk.clear_log().unwrap());
    let content = content(&world);
    let stand: Vec<_> =
        cards.iter().filter(|(id, _)| has(&content, format!("planted-sealed-pin-{id:02}").as_bytes())).collect();
    assert_eq!(stand.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3, 6, 0x10], "it is overwritten");
    desk.forget(now() + 331 * DAY).unwrap();
    assert_eq!(kept(), [], "in the end nothing on the card is valid");
}

#[test]
fn what_checks_passwords_goes_when_they_are_good_for_nothing() {
    let world = World::automatic();
    let renewed = |transaction, password: &str| {
        let pair = first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
        let draft = Draft::renewing(&pair, transaction);
        let message = draft.message_with(Some(world.sealed(password)));
        issued(world.ask(&message, &draft.transaction, obnova_enroll::cmc::Asked::Certificates, now())).remove(0)
    };
    let certificate = renewed(1, "a good password");
    let serial = certificate.tbs_certificate().serial_number().as_bytes();
    let ends = certificate.tbs_certificate().validity().not_after.to_system_time();
    let passwords = world.ca.first().unwrap().revocation_passwords();
    let check = |moment| {
        passwords.check(serial, &obnova_enroll::Secret::from_bytes(b"a good password").unwrap(), moment).is_ok()
    };
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    assert_eq!(desk.forget(ends + 89 * DAY).unwrap().passwords, 0);
    assert!(check(now()));
    assert_eq!(desk.forget(ends + 91 * DAY).unwrap().passwords, 1);
    assert!(!check(now()), "there is none to guess at any more");
}

#[test]
fn a_revocation_password_goes_where_all_that_it_ended_is_revoked() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message_with(Some(world.sealed("a good password")));
    let both = issued(world.ask(&message, &draft.transaction, obnova_enroll::cmc::Asked::Certificates, now()));
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    let forgotten = |days: u32| {
        let (due, at) = (desk.due(now() + days * DAY).unwrap().passwords, desk.forget(now() + days * DAY).unwrap());
        assert_eq!(due, at.passwords);
        due
    };
    let end = |index: usize, reason, days: u32| {
        let serial = both[index].tbs_certificate().serial_number().as_bytes();
        world.revocations().by_operator(serial, reason, now() + days * DAY).unwrap();
    };
    end(0, RevocationReason::Superseded, 1);
    assert_eq!(forgotten(100), 0, "there is another one");
    end(1, RevocationReason::CertificateHold, 5);
    assert_eq!(forgotten(100), 0, "it may be released");
    world.desk().release(both[1].tbs_certificate().serial_number().as_bytes()).unwrap();
    end(1, RevocationReason::Superseded, 5);
    assert_eq!(forgotten(94), 0);
    assert_eq!(forgotten(96), 1);
}

/// Once, before the first change, when everything that is to be forgotten was found.
struct Between(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl WriteObserver for Between {
    fn before(&self, _: &str) -> bool {
        if let Some(work) = self.0.lock().unwrap().take() {
            work();
        }
        true
    }

    fn after(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn what_another_process_makes_meanwhile_stays() {
    let world = World::new();
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let day = |days: u32| {
        let at = now() + DAY * days;
        at.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
    };
    let subject = "INSERT INTO subjects (id, user, module, name, email, entered) VALUES (?1, ?1, '', x'00', '', ?2)";
    database.execute(subject, [1, day(0)]).unwrap();
    let add = move |database: &rusqlite::Connection, id: u8, expires| {
        let sql = "INSERT INTO credentials (id, subject, issued, expires, hash) VALUES (?1, 1, ?2, ?3, x'11')";
        database.execute(sql, rusqlite::params![[id; 16], day(0), day(expires)]).unwrap();
        database.last_insert_rowid()
    };
    let first = add(&database, 1, 1);
    let outbox = Outbox::new(Arc::new(world.store()));
    outbox.post(&mail("refused", "jana@example.cz", "again"), now()).unwrap();
    let refused = outbox.take(now(), 1).unwrap().remove(0);
    outbox.failed(&refused, "no", true, now()).unwrap();
    let other = Outbox::new(Arc::new(world.store()));
    let path = world.directory.path().join("ca.db");
    let work = move || {
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute("DELETE FROM credentials", []).unwrap();
        assert_eq!(add(&database, 2, 200), first, "the number of its row is given again");
        assert_eq!(other.retry(refused.id, now() + 92 * DAY).unwrap(), Retried::Again);
    };
    let between = Arc::new(Between(Mutex::new(Some(Box::new(work)))));
    let store = Arc::new(world.store().observed(between.clone()));
    RetentionDesk::new(store, world.ca.policy().retention.clone()).forget(now() + 92 * DAY).unwrap();
    assert!(between.0.lock().unwrap().is_none());
    let hash = "SELECT count(*) FROM credentials WHERE hash = x'11'";
    assert_eq!(database.query_row(hash, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    let again = outbox.take(now() + 92 * DAY, 1).unwrap().remove(0);
    assert_eq!((&*again.to, &*again.body), ("jana@example.cz", "planted-body-of-a-mail"));
}

#[test]
fn a_log_that_somebody_reads_is_told_to_stay() {
    let world = World::new();
    let desk = RetentionDesk::new(Arc::new(world.store()), world.ca.policy().retention.clone());
    assert!(desk.clear_log().unwrap());
    let reader = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM orders").unwrap();
    token(&world.send(&Draft::renewing(&world.old, 1)));
    assert!(!desk.clear_log().unwrap(), "somebody reads");
    reader.execute_batch("COMMIT").unwrap();
    assert!(desk.clear_log().unwrap());
}
