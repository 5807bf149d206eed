//! Holders are told once for each time that policy names, whatever happens between.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{
    DAY, Draft, EMAIL, HOLDER, Pair, World, first::one_certificate, first_pair, issued, issued_pair, now, rule, token,
};
use obnova_ca::{
    English, LinkDesk, LinkPurpose, LinkToken, NotDue, Notice, NoticeDesk, NoticesDone, Outbox, Outcome, PickUpSecret,
    Policy, SqliteStore,
    store::{MailRecord, MailState, QueuedLink, QueuedMail, Retried},
};
use obnova_enroll::cmc::Asked;
use obnova_status::RevocationReason;

fn store(world: &World) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(&world.directory.path().join("ca.db")).unwrap())
}

fn desk(world: &World) -> NoticeDesk {
    NoticeDesk::new(store(world), Arc::new(English))
}

fn mails(world: &World) -> Vec<MailRecord> {
    Outbox::new(store(world)).list(None, 1000).unwrap()
}

fn posted(world: &World, at: SystemTime) -> usize {
    desk(world).send(&world.ca, at).unwrap().posted
}

#[test]
fn each_day_of_a_year_somebody_is_told_twice_and_no_more() {
    // 20 days are left.
    let world = World::new();
    first_pair(&world.ca, "CN=Petr,C=CZ", "petr@example.cz", 100);
    let told: Vec<_> = (0..120).map(|day| posted(&world, now() + day * DAY)).collect();
    let days: Vec<_> = told.iter().enumerate().filter(|(_, count)| **count > 0).map(|(day, _)| day).collect();
    // Days before the end: 20 (it began there), 7, and for the other one 21, 7; those that end at the very moment are not due yet.
    assert_eq!(days, [0, 14, 80, 94]);
    let mails = mails(&world);
    assert_eq!(mails.len(), 4);
    assert!(mails[3].to == EMAIL && mails[3].subject.contains("in 20 days"), "{:?}", mails[3]);
    assert!(mails[2].to == EMAIL && mails[2].subject.contains("in 6 days"), "{:?}", mails[2]);
    assert!(mails[0].to == "petr@example.cz" && mails[0].key.starts_with("notice/7/"));
}

#[test]
fn who_was_not_told_in_time_is_told_once() {
    let world = World::new();
    assert_eq!(posted(&world, now() + 16 * DAY), 1);
    assert_eq!(posted(&world, now() + 17 * DAY), 0);
    assert!(mails(&world)[0].key.starts_with("notice/7/"));
    let over = desk(&world).send(&world.ca, now() + 21 * DAY).unwrap();
    assert_eq!(over, NoticesDone::default(), "what has ended ends no more");
}

#[test]
fn renewed_revoked_and_held_ones_are_left_in_peace() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    token(&world.send(&draft));
    assert_eq!(posted(&world, now()), 0);
    let world = World::new();
    for (index, reason) in [RevocationReason::KeyCompromise, RevocationReason::CertificateHold].into_iter().enumerate()
    {
        world.revoke(world.old.certificates[index].serial(), reason);
    }
    assert_eq!(posted(&world, now()), 0);
    // Half a pair is not renewed; when it is one again its holder is told, once.
    let other = first_pair(&world.ca, "CN=Eva,C=CZ", "eva@example.cz", 20);
    for certificate in &other.certificates {
        world.revoke(certificate.serial(), RevocationReason::CertificateHold);
        let done = desk(&world).send(&world.ca, now()).unwrap();
        assert_eq!(done, NoticesDone::default(), "nobody was told before either");
        assert_eq!(world.ca.notices(now(), now() + 30 * DAY, 100).unwrap(), []);
        world.desk().release(certificate.serial()).unwrap();
    }
    assert_eq!((posted(&world, now()), posted(&world, now())), (1, 0));
    assert_eq!(posted(&world, now() + 14 * DAY), 1);
}

/// A service whose two certificates are valid for different times: the pair is due when the first of them is, and its holder is told of both
/// then, by a link that begins the renewal of both. With the other one alone nothing can be begun, so nobody is told of its end.
#[test]
fn a_pair_is_told_and_renewed_when_the_first_of_the_two_ends() {
    for (authentication, signature) in [(365, 730), (730, 365), (365, 370)] {
        let days = format!("validity_days = {authentication}\n# Of");
        let policy = Policy::TEMPLATE
            .replace("\"manual\"", "\"automatic\"")
            .replace("validity_days = 365\n# Of", &days)
            .replace("validity_days = 365\nkeys", &format!("validity_days = {signature}\nkeys"));
        let world = World::with(&policy, obnova_algorithm::KeyAlgorithm::P256);
        let draft = Draft::renewing(&world.old, 1);
        let pair = issued_pair(&draft, world.send(&draft));
        let told = (0..760).filter(|day| posted(&world, now() + DAY * *day) > 0).collect::<Vec<_>>();
        assert_eq!(told, [344, 358]);
        let mails = mails(&world);
        assert!(mails[1].subject == "The first of your certificates ends in 21 days", "{:?}", mails[1]);

        let mut serials = pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        serials.sort();
        let notice = world.ca.notices(now() + 344 * DAY, now() + 800 * DAY, 100).unwrap().remove(0);
        let mut about: Vec<_> = notice.certificates.iter().map(|one| one.serial.clone()).collect();
        about.sort();
        assert!(about == serials && !notice.ends_at_once());
        let links = LinkDesk::new(&PickUpSecret::load(&world.directory.path().join("secret")).unwrap(), store(&world));
        let mail = Outbox::new(store(&world)).take(now() + 344 * DAY, 1).unwrap().remove(0);
        let Some(QueuedLink::Signed(id)) = mail.link else { panic!("{mail:?}") };
        let path = links.path(id).unwrap();
        let token = LinkToken::from_link(path.strip_prefix("/renew/").unwrap()).unwrap();
        let open = links.look(&token, LinkPurpose::Renew, now() + 344 * DAY).unwrap();
        assert_eq!((open.serials(), open.expires), (serials.clone(), notice.ends));
        assert_eq!(desk(&world).not_due(&world.ca, &serials).unwrap(), None);

        let next = Draft::renewing(&pair, 2);
        let ask = |day: u32| world.ask(&next.message(), &next.transaction, Asked::Certificates, now() + DAY * day);
        assert_eq!((rule(&ask(330)), rule(&ask(366))), ("too-early", "expired"));
        issued_pair(&next, ask(344));
        assert_eq!(desk(&world).not_due(&world.ca, &serials).unwrap(), Some(NotDue::Ordered));
    }
}

/// Whichever of the two is on hold or revoked: nobody is told of the other one, when it ends sooner or later.
#[test]
fn half_a_pair_is_not_told_when_its_two_end_on_different_days() {
    let policy = Policy::TEMPLATE
        .replace("\"manual\"", "\"automatic\"")
        .replace("validity_days = 365\nkeys", "validity_days = 370\nkeys");
    for ended in 0..2 {
        let world = World::with(&policy, obnova_algorithm::KeyAlgorithm::P256);
        let draft = Draft::renewing(&world.old, 1);
        let pair = issued_pair(&draft, world.send(&draft));
        let serial = pair.certificates[ended].serial();
        world.revoke(serial, RevocationReason::CertificateHold);
        assert!((330..371).all(|day| posted(&world, now() + day * DAY) == 0));
        let other = pair.certificates[1 - ended].serial().to_vec();
        assert_eq!(desk(&world).not_due(&world.ca, std::slice::from_ref(&other)).unwrap(), Some(NotDue::OnHold));
        world.desk().release(serial).unwrap();
        assert_eq!(posted(&world, now() + 350 * DAY), 1);
        world.revoke(serial, RevocationReason::Superseded);
        assert_eq!(desk(&world).not_due(&world.ca, &[other]).unwrap(), Some(NotDue::Revoked));
        assert!((358..371).all(|day| posted(&world, now() + day * DAY) == 0));
    }
}

/// While the mail of a notice waits, the pair is put on hold, or is ordered anew, and the mail is withdrawn: when it is due again, its holder
/// is told, by the one mail of that day, with what is true now, and once.
#[test]
fn who_was_not_told_for_the_mail_was_withdrawn_is_told_when_it_is_due_again() {
    for again in ["released", "turned down"] {
        let world = World::new();
        let (outbox, serial) = (Outbox::new(store(&world)), world.old.certificates[0].serial());
        assert_eq!(posted(&world, now()), 1);
        let mail = outbox.take(now(), 1).unwrap().remove(0);
        assert!(!desk(&world).withdraw_late(&world.ca, &mail).unwrap(), "it is due");
        let stop = |transaction| match again {
            "released" => world.revoke(serial, RevocationReason::CertificateHold),
            _ => drop(token(&world.send(&Draft::renewing(&world.old, transaction)))),
        };
        let resume = || match again {
            "released" => world.desk().release(serial).unwrap(),
            _ => drop(world.ca.reject(&world.ca.list(None, 1).unwrap()[0].transaction, "not paid", now()).unwrap()),
        };
        stop(1);
        assert!(desk(&world).withdraw_late(&world.ca, &mail).unwrap());
        assert_eq!((posted(&world, now()), mails(&world)[0].state), (0, MailState::GivenUp));
        resume();
        let later = now() + 2 * DAY;
        assert_eq!((posted(&world, later), posted(&world, later)), (1, 0));
        let told = mails(&world);
        assert_eq!((told.len(), told[0].state, told[0].tries), (1, MailState::Waiting, 0));
        assert_eq!((told[0].queued, told[0].subject.as_str()), (later, "Your certificates end in 18 days"));
        assert!(told[0].to == EMAIL && told[0].problem.is_none(), "{told:?}");
        let mail = outbox.take(later, 1).unwrap().remove(0);
        assert!(!desk(&world).withdraw_late(&world.ca, &mail).unwrap());
        outbox.sent(&mail, later).unwrap();
        // What was told once is not told again, whatever happens.
        stop(2);
        resume();
        assert_eq!(posted(&world, later), 0);
        assert_eq!(posted(&world, now() + 14 * DAY), 1);
    }
}

/// An operator has a withdrawn mail tried again after the hold: it goes, and none after it.
#[test]
fn a_withdrawn_mail_that_an_operator_tries_again_is_the_only_one() {
    let world = World::new();
    let (outbox, serial) = (Outbox::new(store(&world)), world.old.certificates[0].serial());
    assert_eq!(posted(&world, now()), 1);
    let mail = outbox.take(now(), 1).unwrap().remove(0);
    world.revoke(serial, RevocationReason::CertificateHold);
    assert!(desk(&world).withdraw_late(&world.ca, &mail).unwrap());
    world.desk().release(serial).unwrap();
    assert_eq!(outbox.retry(mail.id, now()).unwrap(), Retried::Again);
    let mail = outbox.take(now(), 1).unwrap().remove(0);
    assert!(!desk(&world).withdraw_late(&world.ca, &mail).unwrap());
    outbox.sent(&mail, now()).unwrap();
    assert_eq!((posted(&world, now()), mails(&world).len()), (0, 1));
    assert_eq!(mails(&world)[0].state, MailState::Sent);
}

/// The link that somebody was mailed, or was about to be, is dead where the CA came back from a backup: another mail brings another one, by
/// itself. Who had begun the renewal by it needs none.
#[test]
fn whose_link_was_ended_by_a_backup_is_told_anew_and_once() {
    let secret = |world: &World| PickUpSecret::load(&world.directory.path().join("secret")).unwrap();
    for (sent, used) in [(false, false), (true, false), (true, true)] {
        let world = World::new();
        let (outbox, links) = (Outbox::new(store(&world)), LinkDesk::new(&secret(&world), store(&world)));
        let token = |mail: &QueuedMail| {
            let Some(QueuedLink::Signed(id)) = mail.link else { panic!("{mail:?}") };
            LinkToken::from_link(links.path(id).unwrap().strip_prefix("/renew/").unwrap()).unwrap()
        };
        assert_eq!(posted(&world, now()), 1);
        let mail = outbox.take(now(), 1).unwrap().remove(0);
        let link = token(&mail);
        if sent {
            outbox.sent(&mail, now()).unwrap();
        }
        if used {
            links.use_up(&link, LinkPurpose::Renew, b"mine", now()).unwrap();
        }
        let later = now() + 2 * DAY;
        let gone_on = store(&world).go_on_from_copy(now() + DAY, "", later).unwrap();
        assert_eq!((gone_on.links, gone_on.mails), (u64::from(!used), vec![]));
        assert_eq!(outbox.retry(mail.id, later).unwrap(), Retried::None, "the mail with the dead link");
        assert_eq!(outbox.retry_all(later).unwrap(), 0);
        if used {
            assert!(links.look_as(&link, LinkPurpose::Renew, b"mine", later).is_ok(), "who began goes on");
            assert_eq!((posted(&world, later), mails(&world).len()), (0, 1));
            continue;
        }
        assert_eq!(links.look(&link, LinkPurpose::Renew, later).unwrap_err().name(), "ended-link");
        assert_eq!((posted(&world, later), posted(&world, later)), (1, 0));
        let again = outbox.take(later, 9).unwrap();
        assert_eq!((again.len(), again[0].subject.as_str()), (1, "Your certificates end in 18 days"));
        assert_ne!(again[0].message_id(), mail.message_id(), "no mail program takes it for the one before");
        assert_eq!(links.look(&token(&again[0]), LinkPurpose::Renew, later).unwrap().expires, now() + 20 * DAY);
        assert_eq!(posted(&world, now() + 14 * DAY), 1, "the next time before the end is told as ever");
    }
}

/// Where the service has one certificate, it matters to nobody what becomes of another one on the card.
#[test]
fn the_other_certificate_of_a_card_is_no_matter_to_a_service_of_one() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), obnova_algorithm::KeyAlgorithm::P256);
    let [own, other] = world.old.certificates.each_ref().map(|one| one.serial().to_vec());
    world.revoke(&other, RevocationReason::CertificateHold);
    assert_eq!(posted(&world, now()), 1);
    assert_eq!(desk(&world).not_due(&world.ca, &[own.clone(), other]).unwrap(), None);
    world.revoke(&own, RevocationReason::CertificateHold);
    assert_eq!(desk(&world).not_due(&world.ca, &[own]).unwrap(), Some(NotDue::OnHold));
    assert_eq!(posted(&world, now() + 14 * DAY), 0);
}

/// Of two cards of one holder that end together the one that is whole is renewed; what ends another day is another notice.
#[test]
fn a_whole_pair_is_told_beside_half_of_one() {
    let world = World::new();
    world.revoke(world.old.certificates[0].serial(), RevocationReason::Superseded);
    let again = first_pair(&world.ca, "CN=Eva,C=CZ", "eva@example.cz", 20);
    let third = first_pair(&world.ca, "CN=Eva,C=CZ", "eva@example.cz", 20);
    world.revoke(third.certificates[1].serial(), RevocationReason::CertificateHold);
    for days in [30, 31] {
        first_pair(&world.ca, "CN=Eva,C=CZ", "eva@example.cz", days);
    }
    let notices = world.ca.notices(now(), now() + 40 * DAY, 100).unwrap();
    let told: Vec<_> = notices.iter().map(|notice| (notice.holder.as_str(), notice.certificates.len())).collect();
    assert_eq!(told, [("CN=Eva,C=CZ", 2); 3]);
    let serials = again.certificates.each_ref().map(|certificate| certificate.serial().to_vec());
    assert_eq!(desk(&world).not_due(&world.ca, &serials).unwrap(), None);
}

/// Cards of one holder whose certificates end in the same second, personalised or renewed: each has its notice and its link, and what becomes
/// of one is no matter to the others.
#[test]
fn cards_that_end_in_the_same_second_are_told_each_by_a_link_of_its_own() {
    let world = World::automatic();
    let first = |_| first_pair(&world.ca, HOLDER, EMAIL, 365);
    let mut cards: Vec<_> = (0..2).map(first).collect();
    for transaction in 1..=2 {
        let draft = Draft::renewing(&first_pair(&world.ca, HOLDER, EMAIL, 20), transaction);
        cards.push(issued_pair(&draft, world.send(&draft)));
    }
    cards.extend((2..4).map(first));
    let serials = |pair: &Pair| {
        let mut serials = pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        serials.sort();
        serials
    };
    let about = || {
        let notices = world.ca.notices(now() + 350 * DAY, now() + 366 * DAY, 100).unwrap();
        let sorted = |notice: Notice| {
            let mut serials: Vec<_> = notice.certificates.into_iter().map(|one| one.serial).collect();
            serials.sort();
            serials
        };
        notices.into_iter().map(sorted).collect::<BTreeSet<_>>()
    };
    assert_eq!(about(), cards.iter().map(serials).collect());
    let at = now() + 350 * DAY;
    assert_eq!(posted(&world, at), 6);

    // While the mails wait the first is ordered anew, the second loses one of its two.
    let draft = Draft::renewing(&cards[0], 9);
    issued(world.ask(&draft.message(), &draft.transaction, Asked::Certificates, at));
    world.revoke(cards[1].certificates[0].serial(), RevocationReason::CertificateHold);
    assert_eq!(about(), cards[2..].iter().map(serials).collect());
    let late = |mail: &QueuedMail| desk(&world).withdraw_late(&world.ca, mail).unwrap();
    let mails = Outbox::new(store(&world)).take(at, 9).unwrap();
    assert_eq!((mails.len(), mails.iter().filter(|mail| late(mail)).count()), (6, 2));
    let not_due = |serial: &[u8]| desk(&world).not_due(&world.ca, &[serial.to_vec()]).unwrap();
    assert_eq!(not_due(cards[1].certificates[1].serial()), Some(NotDue::OnHold));
    for card in &cards[2..] {
        assert_eq!(card.certificates.each_ref().map(|one| not_due(one.serial())), [None; 2]);
    }
}

/// Whatever becomes of a renewal: while it waits, and when it is issued and not fetched, nobody is asked to order what he has ordered.
#[test]
fn who_has_ordered_is_told_only_when_the_order_was_turned_down() {
    for ends in ["rejected", "approved"] {
        let world = World::new();
        let draft = Draft::renewing(&world.old, 1);
        token(&world.send(&draft));
        assert_eq!(posted(&world, now()), 0);
        match ends {
            "approved" => {
                world.approve(&draft.transaction);
                assert_eq!((posted(&world, now()), posted(&world, now() + 14 * DAY)), (0, 0));
            }
            _ => {
                let order = world.ca.list(None, 1).unwrap().remove(0).transaction;
                world.ca.reject(&order, "not paid", now()).unwrap();
                assert_eq!((posted(&world, now()), posted(&world, now())), (1, 0));
                // Who orders again, while the mail waits, gets none.
                let again = Draft::renewing(&world.old, 2);
                token(&world.send(&again));
                let serials = world.old.certificates.each_ref().map(|one| one.serial().to_vec());
                assert_eq!(desk(&world).not_due(&world.ca, &serials).unwrap(), Some(NotDue::Ordered));
                assert_eq!(posted(&world, now() + 14 * DAY), 0);
            }
        }
    }
}

/// The second certificate of a card that this service does not renew: who has ordered the first is not told to order what he cannot.
#[test]
fn nobody_is_told_to_renew_what_the_service_has_not() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), obnova_algorithm::KeyAlgorithm::P256);
    for number in 0..3 {
        first_pair(&world.ca, &format!("CN=Holder {number},C=CZ"), &format!("h{number}@example.cz"), 15);
    }
    let request = Draft::renewing(&world.old, 1).requests[0].request();
    let ordered = world.ca.reenroll(&request, &world.old.certificates[0].certificate, now());
    assert!(matches!(ordered, Ok(Outcome::Pending { .. })), "{ordered:?}");
    assert_eq!(posted(&world, now()), 3);
    assert!(mails(&world).iter().all(|mail| mail.to != EMAIL));
    let due = world.ca.notices(now(), now() + 30 * DAY, 100).unwrap();
    assert!(
        due.iter().all(|notice| notice.certificates.len() == 1 && notice.email.as_deref() != Some(EMAIL)),
        "{due:?}"
    );
    world.ca.reject(&world.ca.list(None, 1).unwrap()[0].transaction, "not paid", now()).unwrap();
    assert_eq!(posted(&world, now()), 1);
}

#[test]
fn whoever_asks_at_the_same_moment_tells_once() {
    let world = World::new();
    for number in 0..20 {
        first_pair(&world.ca, &format!("CN=Holder {number},C=CZ"), &format!("h{number}@example.cz"), 15);
    }
    let posted = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..4).map(|_| scope.spawn(|| desk(&world).send(&world.ca, now()).unwrap().posted)).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).sum::<usize>()
    });
    assert_eq!(posted, 21);
    assert_eq!(mails(&world).len(), 21);
}

#[test]
fn a_holder_who_cannot_be_written_to_is_named_by_serial_number() {
    let world = World::new();
    let pair = first_pair(&world.ca, "CN=Petr,C=CZ", "petr at example.cz", 20);
    let done = desk(&world).send(&world.ca, now()).unwrap();
    assert_eq!(done.posted, 1);
    let mut serials = pair.certificates.map(|certificate| certificate.serial().to_vec()).to_vec();
    serials.sort();
    assert_eq!(done.unreachable, serials);
}

#[test]
fn policy_says_when_and_how_often() {
    for (days, told) in [("[]", vec![]), ("[30]", vec![0]), ("[2, 10, 5]", vec![11, 16, 19])] {
        let policy = Policy::TEMPLATE.replace("[21, 7]\n\n", &format!("{days}\n\n"));
        let world = World::with(&policy, obnova_algorithm::KeyAlgorithm::P256);
        let days: Vec<_> = (0..25).filter(|day| posted(&world, now() + *day * DAY) > 0).collect();
        assert_eq!(days, told);
    }
    for (days, why) in [
        ("[0]", "range"),
        ("[366]", "range"),
        ("[7, 7]", "twice"),
        ("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "17"),
    ] {
        let error = Policy::from_toml(&Policy::TEMPLATE.replace("[21, 7]\n\n", &format!("{days}\n\n"))).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("notices.days") && error.contains(why), "{error}");
    }
    let old = Policy::TEMPLATE.replace("[notices]", "").replace("\ndays = [21, 7]\n", "\n");
    assert_eq!(Policy::from_toml(&old).unwrap().notices.days(), [7, 21]);
}

#[test]
fn a_page_ends_anywhere_and_nobody_is_missed_or_split() {
    let world = World::new();
    // More pairs that end at one moment than a page has certificates, and some before and after.
    for number in 0..505 {
        first_pair(&world.ca, &format!("CN=Same {number},C=CZ"), &format!("s{number}@example.cz"), 10);
    }
    for number in 0..4 {
        first_pair(&world.ca, &format!("CN=Other {number},C=CZ"), &format!("o{number}@example.cz"), 9 + number);
    }
    let done = desk(&world).send(&world.ca, now()).unwrap();
    assert_eq!((done.posted, done.known), (510, 0));
    assert_eq!(mails(&world).len(), 510);
}

#[test]
fn the_link_is_about_the_certificates_and_ends_with_them() {
    let world = World::new();
    let store = store(&world);
    let links = LinkDesk::new(&PickUpSecret::load(&world.directory.path().join("secret")).unwrap(), store.clone());
    assert_eq!(posted(&world, now()), 1);
    let mail = Outbox::new(store).take(now(), 1).unwrap().remove(0);
    let Some(QueuedLink::Signed(id)) = mail.link else { panic!("{mail:?}") };
    let path = links.path(id).unwrap();
    let token = LinkToken::from_link(path.strip_prefix("/renew/").unwrap()).unwrap();
    let mut serials = world.old.certificates.each_ref().map(|certificate| certificate.serial().to_vec()).to_vec();
    serials.sort();
    let open = links.look(&token, LinkPurpose::Renew, now()).unwrap();
    assert_eq!(open.serials(), serials);
    assert_eq!(open.expires, now() + 20 * DAY);
    assert!(links.look(&token, LinkPurpose::Renew, now() + 20 * DAY - Duration::from_secs(1)).is_ok());
    let not_due = |serials: &[Vec<u8>]| desk(&world).not_due(&world.ca, serials).unwrap();
    assert_eq!(not_due(&serials), None);
    // One of a pair is enough, also where the link that was mailed is about the other one only.
    world.revoke(&serials[0], RevocationReason::CertificateHold);
    assert_eq!([not_due(&serials), not_due(&serials[1..])], [Some(NotDue::OnHold); 2]);
    world.desk().release(&serials[0]).unwrap();
    assert_eq!([not_due(&serials), not_due(&serials[1..])], [None; 2]);
    for ended in &serials {
        world.revoke(ended, RevocationReason::Superseded);
        assert_eq!([not_due(&serials), not_due(&serials[1..])], [Some(NotDue::Revoked); 2]);
    }
}
