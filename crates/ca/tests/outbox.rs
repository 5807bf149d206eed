//! Mails are posted once, are one sender's at a time, and go until they are out; links in them open what they were signed for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{DAY, now};
use obnova_ca::{
    LinkDesk, LinkError, LinkPurpose, LinkToken, Mail, MailKind, MailLink, Outbox, PickUpSecret, SqliteStore, Text,
    store::{MailState, Posted, QueuedLink, QueuedMail, Retried},
};

struct Desk {
    directory: tempfile::TempDir,
    outbox: Outbox,
    secret: PickUpSecret,
    links: LinkDesk,
}

fn desk() -> Desk {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&directory.path().join("ca.db")).unwrap());
    let secret = PickUpSecret::generate().unwrap();
    let links = LinkDesk::new(&secret, store.clone());
    Desk { directory, outbox: Outbox::new(store), secret, links }
}

fn mail(key: &str) -> Mail {
    mail_for(key, MailKind::Notice, LinkPurpose::Renew)
}

fn mail_for(key: &str, kind: MailKind, purpose: LinkPurpose) -> Mail {
    let text = Text { subject: "S".into(), body: "a long text that nobody else has\n{link}\n".into() };
    let link = MailLink::Signed { purpose, about: vec![1, 2], expires: now() + 7 * DAY };
    Mail::new(key, kind, "jana@example.cz".parse().unwrap(), text).unwrap().with_link(link)
}

#[test]
fn one_of_many_who_take_has_each_mail_and_who_dies_with_it_leaves_it() {
    let desk = desk();
    for key in 0..40 {
        assert_eq!(desk.outbox.post(&mail(&key.to_string()), now()).unwrap(), Posted::Queued);
    }
    let taken = std::thread::scope(|scope| {
        let taker = || scope.spawn(|| (0..10).flat_map(|_| desk.outbox.take(now(), 3).unwrap()).collect::<Vec<_>>());
        let takers = [taker(), taker(), taker(), taker()];
        takers.into_iter().flat_map(|taker| taker.join().unwrap()).map(|mail| mail.id).collect::<Vec<_>>()
    });
    let mut once = taken.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((taken.len(), once.len()), (40, 40));
    let lease = Duration::from_secs(600);
    assert!(desk.outbox.take(now() + lease - Duration::from_secs(1), 50).unwrap().is_empty());
    let again = desk.outbox.take(now() + lease, 50).unwrap();
    assert!(again.len() == 40 && again.iter().all(|mail| mail.tries == 2));
}

#[test]
fn what_was_sent_is_neither_sent_nor_posted_again_and_its_text_is_gone() {
    let desk = desk();
    desk.outbox.post(&mail("a"), now()).unwrap();
    let taken = desk.outbox.take(now(), 1).unwrap().remove(0);
    desk.outbox.sent(&taken, now()).unwrap();
    // The other sender had it too, and is told no.
    desk.outbox.failed(&taken, "late", false, now()).unwrap();
    assert_eq!(desk.outbox.retry(taken.id, now()).unwrap(), Retried::None);
    assert_eq!(desk.outbox.post(&mail("a"), now()).unwrap(), Posted::Known);
    assert!(desk.outbox.take(now() + 100 * DAY, 9).unwrap().is_empty());
    let record = desk.outbox.list(Some(MailState::Sent), 9).unwrap().remove(0);
    assert!(record.problem.is_none() && record.sent == Some(now()));
    let connection = rusqlite::Connection::open(desk.directory.path().join("ca.db")).unwrap();
    let body: String = connection.query_row("SELECT body FROM mails", [], |row| row.get(0)).unwrap();
    assert_eq!(body, "");
}

#[test]
fn it_is_tried_later_each_time_and_for_five_days() {
    let desk = desk();
    desk.outbox.post(&mail("a"), now()).unwrap();
    let (mut at, mut waits) = (now(), Vec::new());
    loop {
        let taken = desk.outbox.take(at, 1).unwrap().remove(0);
        let state = desk.outbox.failed(&taken, "busy", false, at).unwrap();
        let record = desk.outbox.list(None, 1).unwrap().remove(0);
        assert_eq!(record.state, state);
        let Some(due) = record.due else { break };
        waits.push(due.duration_since(at).unwrap().as_secs() / 60);
        at = due;
    }
    assert_eq!(&waits[..6], [1, 5, 15, 60, 240, 240]);
    assert!(at < now() + 5 * DAY && at + 4 * Duration::from_secs(3600) >= now() + 5 * DAY);
    assert_eq!(desk.outbox.list(Some(MailState::GivenUp), 9).unwrap().len(), 1);
    assert_eq!(desk.outbox.retry(1, at).unwrap(), Retried::Again);
    assert_eq!(desk.outbox.take(at, 1).unwrap()[0].tries, 1);
}

#[test]
fn a_mail_is_not_tried_again_when_its_link_opens_nothing_any_more() {
    let desk = desk();
    let (used, used_link) = link(&desk, "used");
    let (late, _) = link(&desk, "late");
    let given_up = |mail| desk.outbox.failed(mail, "no such user", true, now()).unwrap();
    assert_eq!([&used, &late].map(given_up), [MailState::GivenUp; 2]);
    let used_link = LinkToken::from_link(&used_link).unwrap();
    desk.links.use_up(&used_link, LinkPurpose::Renew, b"mine", now()).unwrap();
    let over = now() + 7 * DAY;
    let retry = |mail: &QueuedMail, at| desk.outbox.retry(mail.id, at).unwrap();
    assert_eq!(retry(&used, now()), Retried::LinkOver(MailKind::Notice));
    assert_eq!(retry(&late, over), Retried::LinkOver(MailKind::Notice));
    assert_eq!(desk.outbox.retry_all(over).unwrap(), 0);
    assert_eq!(desk.outbox.list(Some(MailState::GivenUp), 9).unwrap().len(), 2, "they stay as they are");
    assert_eq!(desk.outbox.retry_all(over - Duration::from_secs(1)).unwrap(), 1);
    assert_eq!(retry(&late, over - Duration::from_secs(1)), Retried::Again);
    assert_eq!(desk.outbox.retry(99, now()).unwrap(), Retried::None);
}

/// The mail that waits, and the link that it goes out with.
fn link(desk: &Desk, key: &str) -> (QueuedMail, String) {
    desk.outbox.post(&mail(key), now()).unwrap();
    let taken = desk.outbox.take(now(), 1).unwrap().remove(0);
    let Some(QueuedLink::Signed(id)) = taken.link else { panic!("{taken:?}") };
    let path = desk.links.path(id).unwrap();
    (taken, path.strip_prefix("/renew/").unwrap().to_owned())
}

#[test]
fn a_link_opens_what_it_was_signed_for_and_once() {
    let desk = desk();
    let (_, link) = link(&desk, "a");
    let token = LinkToken::from_link(&link).unwrap();
    for _ in 0..3 {
        assert_eq!(desk.links.look(&token, LinkPurpose::Renew, now()).unwrap().about, [1, 2]);
    }
    let confirm = desk.links.look(&token, LinkPurpose::Confirm, now());
    assert!(matches!(confirm, Err(LinkError::Unknown)), "it is for something else");
    let late = desk.links.use_up(&token, LinkPurpose::Renew, b"one", now() + 7 * DAY);
    assert!(matches!(late, Err(LinkError::Expired)));
    desk.links.use_up(&token, LinkPurpose::Renew, b"one", now()).unwrap();
    desk.links.use_up(&token, LinkPurpose::Renew, b"one", now()).unwrap();
    assert!(matches!(desk.links.use_up(&token, LinkPurpose::Renew, b"two", now()), Err(LinkError::Used)));
    assert!(matches!(desk.links.look(&token, LinkPurpose::Renew, now()), Err(LinkError::Used)));
    for at in 0..link.len() {
        let digit = if &link[at..=at] == "0" { "1" } else { "0" };
        let other = LinkToken::from_link(&format!("{}{digit}{}", &link[..at], &link[at + 1..])).unwrap();
        assert!(matches!(desk.links.look(&other, LinkPurpose::Renew, now()), Err(LinkError::Unknown)), "{at}");
    }
    for bad in ["", &link[2..], &format!("{link}00"), &format!("{}zz", &link[2..])] {
        assert!(LinkToken::from_link(bad).is_none(), "{bad}");
    }
}

#[test]
fn who_writes_the_database_turns_no_link_to_something_else() {
    let desk = desk();
    let (_, link) = link(&desk, "a");
    let token = LinkToken::from_link(&link).unwrap();
    let connection = rusqlite::Connection::open(desk.directory.path().join("ca.db")).unwrap();
    for change in ["about = x'0103'", "expires = expires + 1", "purpose = 'confirm'", "about = x'010200'"] {
        let before = "SELECT about, expires, purpose FROM links";
        let before: (Vec<u8>, i64, String) =
            connection.query_row(before, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        connection.execute(&format!("UPDATE links SET {change}"), []).unwrap();
        let purpose = if change.contains("confirm") { LinkPurpose::Confirm } else { LinkPurpose::Renew };
        assert!(matches!(desk.links.look(&token, purpose, now()), Err(LinkError::Unknown)), "{change}");
        connection.execute("UPDATE links SET about = ?1, expires = ?2, purpose = ?3", before).unwrap();
    }
    desk.links.look(&token, LinkPurpose::Renew, now()).unwrap();
    let other = PickUpSecret::generate().unwrap();
    let store = Arc::new(SqliteStore::open(&desk.directory.path().join("ca.db")).unwrap());
    let stranger = LinkDesk::new(&other, store).look(&token, LinkPurpose::Renew, now());
    assert!(matches!(stranger, Err(LinkError::Unknown)));
}

/// What a mail's link goes out as.
fn token(links: &LinkDesk, mail: &QueuedMail) -> LinkToken {
    let Some(QueuedLink::Signed(id)) = mail.link else { panic!("{mail:?}") };
    LinkToken::from_link(links.path(id).unwrap().rsplit('/').next().unwrap()).unwrap()
}

#[test]
fn who_goes_on_from_a_copy_sends_nothing_twice_and_revives_no_link() {
    let desk = desk();
    let store = SqliteStore::open(&desk.directory.path().join("ca.db")).unwrap();
    for key in ["used", "unused", "waiting"] {
        desk.outbox.post(&mail(key), now()).unwrap();
    }
    let taken = desk.outbox.take(now(), 2).unwrap();
    let links: Vec<_> = taken.iter().map(|mail| token(&desk.links, mail)).collect();
    taken.iter().for_each(|mail| desk.outbox.sent(mail, now()).unwrap());
    desk.links.use_up(&links[0], LinkPurpose::Renew, b"mine", now()).unwrap();
    store.copy_to(&desk.directory.path().join("copy.db")).unwrap();

    let copy = Arc::new(SqliteStore::open(&desk.directory.path().join("copy.db")).unwrap());
    let gone_on = copy.go_on_from_copy(now(), "", now() + DAY).unwrap();
    assert_eq!((gone_on.links, gone_on.mails), (2, vec![]));
    let (outbox, of_copy) = (Outbox::new(copy.clone()), LinkDesk::new(&desk.secret, copy));
    assert!(outbox.take(now() + 9 * DAY, 9).unwrap().is_empty());
    assert_eq!(outbox.list(Some(MailState::GivenUp), 9).unwrap()[0].id, 3);
    let ended = of_copy.use_up(&links[1], LinkPurpose::Renew, b"mine", now() + DAY).unwrap_err();
    assert_eq!(ended.name(), "ended-link", "nobody used it here");
    assert!(of_copy.use_up(&links[0], LinkPurpose::Renew, b"mine", now() + DAY).is_ok(), "who began goes on");
    assert!(desk.links.use_up(&links[1], LinkPurpose::Renew, b"mine", now() + DAY).is_ok(), "in the store itself");
}

/// Whether a mail waited or had been given up before: when it is tried again its link opens what it says, and no mail program takes it for the
/// one that may have gone, whose link is dead.
#[test]
fn a_mail_that_is_tried_again_after_a_backup_has_a_link_that_is_good() {
    let desk = desk();
    let store = SqliteStore::open(&desk.directory.path().join("ca.db")).unwrap();
    let kinds =
        [(MailKind::Confirm, LinkPurpose::Confirm), (MailKind::TransportPin, LinkPurpose::TransportPin)].repeat(2);
    for (index, (kind, purpose)) in kinds.iter().enumerate() {
        desk.outbox.post(&mail_for(&format!("{kind}/{index}"), *kind, *purpose), now()).unwrap();
    }
    desk.outbox.post(&mail_for("sent", MailKind::Confirm, LinkPurpose::Confirm), now()).unwrap();
    let taken = desk.outbox.take(now(), 9).unwrap();
    let before: Vec<_> = taken.iter().map(|mail| token(&desk.links, mail)).collect();
    for mail in &taken[..2] {
        desk.outbox.failed(mail, "no such user", true, now()).unwrap();
    }
    desk.outbox.sent(&taken[4], now()).unwrap();

    let gone_on = store.go_on_from_copy(now(), "", now() + DAY).unwrap();
    assert_eq!((gone_on.links, gone_on.mails), (5, vec![3, 4]));
    assert!(desk.outbox.take(now() + DAY, 9).unwrap().is_empty(), "an operator says which");
    assert_eq!(desk.outbox.retry(1, now() + DAY).unwrap(), Retried::Again);
    assert_eq!(desk.outbox.retry_all(now() + DAY).unwrap(), 3);
    let mut again = desk.outbox.take(now() + DAY, 9).unwrap();
    again.sort_by_key(|mail| mail.id);
    assert_eq!(again.iter().map(|mail| mail.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for ((mail, was), (_, purpose)) in again.iter().zip(&taken).zip(&kinds) {
        assert_eq!((&mail.to, &mail.body), (&was.to, &was.body));
        assert_ne!(mail.message_id(), was.message_id());
        let open = desk.links.look(&token(&desk.links, mail), *purpose, now() + DAY).unwrap();
        assert_eq!((open.about, open.expires), (vec![1, 2], now() + 7 * DAY));
    }
    for (link, purpose) in before.iter().zip(kinds.iter().map(|(_, purpose)| *purpose).chain([LinkPurpose::Confirm])) {
        assert_eq!(desk.links.look(link, purpose, now() + DAY).unwrap_err().name(), "ended-link");
    }
}
