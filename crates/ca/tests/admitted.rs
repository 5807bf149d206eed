//! Applicants of a service that hands over a one-time password in place of a card: a step like the others, and what is kept of whom.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::SystemTime};

use common::{
    DAY, RequestDraft, World,
    first::{First, automatic},
    issued, now, token,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    ApplicantData, ApplicantDesk, ApplicantId, AuditLog, English, LinkDesk, LinkToken, Outbox, PickUpSecret, Policy,
    RetentionDesk, SqliteStore, Stage, Step, Subject, Transaction,
    store::{QueuedLink, SubjectRecord},
};
use obnova_enroll::cmc::{Asked, TransactionId, UserId};

const NAME: &str = "Eva Dvořáková";

struct Place {
    world: World,
    desk: ApplicantDesk,
    outbox: Outbox,
    links: LinkDesk,
}

fn place(policy: &str) -> Place {
    let world = World::with(policy, KeyAlgorithm::P256);
    let store = Arc::new(SqliteStore::open(&world.directory.path().join("ca.db")).unwrap());
    let secret = PickUpSecret::load(&world.directory.path().join("secret")).unwrap();
    let policy = Policy::from_toml(Policy::TEMPLATE).unwrap().registration;
    let desk = ApplicantDesk::new(policy, &secret, store.clone(), Arc::new(English)).unwrap();
    Place { outbox: Outbox::new(store.clone()), links: LinkDesk::new(&secret, store), desk, world }
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// Somebody of this name who has the user id `eva`, without an applicant.
fn eva(name: &str) -> Subject {
    let name = format!("CN={name},C=CZ").parse().unwrap();
    Subject { user: user("eva"), module: "main".into(), name, email: "eva@example.cz".into() }
}

impl Place {
    /// Somebody of this name who has paid.
    fn paid(&self, name: &str) -> ApplicantId {
        let data = ApplicantData::new(name, "eva@example.cz", "CZ", None).unwrap();
        let (desk, id) = (&self.desk, self.desk.register_by_operator(&data, now()).unwrap().id);
        let mails = self.outbox.take(now() + 3 * DAY, 100).unwrap();
        let Some(QueuedLink::Signed(link)) = mails.iter().max_by_key(|mail| mail.id).unwrap().link else { panic!() };
        let path = self.links.path(link).unwrap();
        desk.confirm(&LinkToken::from_link(path.rsplit('/').next().unwrap()).unwrap(), now()).unwrap();
        desk.identify(id, "op", &data.fingerprint(), now()).unwrap();
        desk.contract(id, "op", "C-1", now()).unwrap();
        desk.pay(id, "op", "P-1", now()).unwrap();
        id
    }

    fn subject(&self, name: &str, module: &str) -> SubjectRecord {
        self.world.ca.first().unwrap().subject(&user(name), module).unwrap()
    }

    /// An order by a one-time password of this user.
    fn order(&self, name: &str, of: &str, number: u8, at: SystemTime) -> First {
        let issued = self.world.ca.first().unwrap().issue(self.subject(name, "main"), at).unwrap();
        let mut first = First::of(&issued, number);
        for RequestDraft { subject, email, .. } in &mut first.requests {
            (*subject, *email) = (format!("CN={of},C=CZ"), Some("eva@example.cz".into()));
        }
        first
    }

    fn ask(&self, first: &First, at: SystemTime) -> obnova_enroll::cmc::Answer {
        self.world.ask(&first.message(), &first.transaction, Asked::Certificates, at)
    }

    /// Whether the applicant is there once everything was forgotten that is due on this day.
    fn is_kept(&self, id: ApplicantId, at: SystemTime) -> bool {
        let desk = RetentionDesk::new(Arc::new(self.world.store()), self.world.ca.policy().retention.clone());
        let before = self.desk.get(id).is_ok();
        let (due, forgotten) = (desk.due(at).unwrap(), desk.forget(at).unwrap());
        let after = self.desk.get(id).is_ok();
        assert_eq!((due, forgotten.applicants), (forgotten, u64::from(before && !after)));
        after
    }
}

#[test]
fn it_is_a_step_like_the_others_and_who_did_it_and_for_whom_is_kept() {
    let place = place(Policy::TEMPLATE);
    let id = place.paid(NAME);
    let enter = |name: &str, module: &str| place.desk.enter(id, "Jan", (&user(name), module), now());
    for (module, operator, rule) in [("", "Jan", "module"), ("a b", "Jan", "module"), ("main", "\n", "note")] {
        let refused = place.desk.enter(id, operator, (&user("eva"), module), now()).unwrap_err();
        assert_eq!((refused.name(), place.desk.get(id).unwrap().stage), (rule, Stage::Paid), "{module:?}");
    }
    // The user id is somebody's who has a password.
    common::first::issue(&place.world.ca, "taken", "main", now());
    assert_eq!(enter("taken", "main").unwrap_err().name(), "user-taken");
    assert_eq!(place.desk.get(id).unwrap().stage, Stage::Paid);

    let record = enter("eva", "main").unwrap();
    let last = record.steps.last().unwrap();
    assert_eq!((record.stage, last.step, last.at), (Stage::Admitted, Step::Enter, now()));
    assert_eq!((last.operator.as_deref(), last.reference.as_deref()), (Some("Jan"), Some("main/eva")));
    let subject = place.subject("eva", "main");
    assert_eq!(subject.email, "eva@example.cz");
    // Also for another module, and once more.
    assert_eq!(enter("eva", "hours").unwrap().stage, Stage::Admitted);
    assert_eq!(enter("eva", "main").unwrap().steps.last().unwrap().reference.as_deref(), Some("main/eva"));

    let mut told = Vec::new();
    AuditLog::new(place.world.store())
        .read(1, |record| {
            told.push(format!("{} {} {}", record.event, record.about, record.detail));
            true
        })
        .unwrap();
    let times = |line: &str| told.iter().filter(|told| *told == line).count();
    assert_eq!(times(&format!("applicant {id} enter")), 3, "{told:?}");
    assert_eq!(times(&format!("entered {} applicant {id}", subject.id)), 2, "{told:?}");
    assert!(!told.iter().any(|line| line.contains("Eva") || line.contains("Jan") || line.contains("eva@")));
}

/// Whoever types a name and an address beside the user id has looked at no papers.
#[test]
fn what_was_checked_gives_way_to_nothing_but_what_was_checked() {
    let place = place(&automatic());
    let id = place.paid(NAME);
    place.desk.enter(id, "op", (&user("eva"), "main"), now()).unwrap();
    let desk = place.world.ca.first().unwrap();
    let before = place.subject("eva", "main");
    let stands = |what: &str, at| {
        for typed in [eva("Podvod"), Subject { email: "podvod@example.cz".into(), ..eva(NAME) }] {
            let refused = desk.enter(&typed, at).unwrap_err();
            assert!(refused.name() == "user-taken" && refused.to_string().contains("papers"), "{what}: {refused}");
            assert_eq!(place.subject("eva", "main"), before, "{what}");
        }
        let database = rusqlite::Connection::open(place.world.directory.path().join("ca.db")).unwrap();
        let of = database.query_row("SELECT lower(hex(applicant)) FROM subjects", [], |row| row.get::<_, String>(0));
        assert_eq!(of.unwrap(), id.to_string(), "{what}: whose they are");
    };
    stands("nothing hangs on it", now());
    desk.issue(before.clone(), now()).unwrap();
    stands("a password", now());
    desk.revoke(&before, now()).unwrap();
    stands("a password that was ended", now());
    // The same again says nothing else, and passwords are issued for what stands.
    assert_eq!(desk.enter(&eva(NAME), now()).unwrap(), before);
    issued(place.ask(&place.order("eva", NAME, 1, now()), now()));
    let over = now() + 400 * DAY;
    stands("certificates that are over", over);
    // So it is corrected: by somebody who was looked at.
    let other = place.paid("Eva Jiná");
    place.desk.enter(other, "op", (&user("eva"), "main"), over).unwrap();
    assert_ne!(place.subject("eva", "main").name, before.name);
}

/// As one who has a card: who looked at the papers stays as long as the certificates are.
#[test]
fn who_got_certificates_is_kept_while_they_are_valid_and_afterwards() {
    let place = place(&automatic());
    let id = place.paid(NAME);
    place.desk.enter(id, "op", (&user("eva"), "main"), now()).unwrap();
    let first = place.order("eva", NAME, 1, now());
    let certificates = issued(place.ask(&first, now()));
    let mut serials: Vec<_> =
        certificates.iter().map(|one| one.tbs_certificate().serial_number().as_bytes().to_vec()).collect();
    let mut named = place.desk.get(id).unwrap().certificates;
    serials.sort();
    named.sort();
    assert_eq!((named.len(), named), (2, serials), "the record says which");
    for days in [91, 200, 364, 366, 460, 10_000] {
        assert!(place.is_kept(id, now() + days * DAY), "after {days} days");
    }
    let steps = place.desk.get(id).unwrap().steps;
    assert!(steps.iter().any(|step| step.step == Step::Identify && step.operator.as_deref() == Some("op")));
    // Others get the user id, when the certificates are over: nothing changes of whose they are.
    let other = place.paid("Eva Jiná");
    let later = now() + 400 * DAY;
    place.desk.enter(other, "op", (&user("eva"), "main"), later).unwrap();
    issued(place.ask(&place.order("eva", "Eva Jiná", 2, later), later));
    let latest = now() + 800 * DAY;
    let nobody = Subject { user: user("eva3"), ..eva("Eva Třetí") };
    place.world.ca.first().unwrap().enter(&nobody, latest).unwrap();
    issued(place.ask(&place.order("eva3", "Eva Třetí", 3, latest), latest));
    let database = rusqlite::Connection::open(place.world.directory.path().join("ca.db")).unwrap();
    let mut statement = database.prepare("SELECT lower(hex(applicant)) FROM credentials ORDER BY number").unwrap();
    let of = statement.query_map([], |row| row.get::<_, String>(0)).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(of, [id.to_string(), other.to_string(), String::new()]);
    assert_eq!([id, other].map(|one| place.desk.get(one).unwrap().certificates.len()), [2, 2], "each has his own");
    assert!([id, other].into_iter().all(|one| place.is_kept(one, now() + 20_000 * DAY)));
}

#[test]
fn who_got_none_is_forgotten_after_the_last_chance_was_over() {
    let kept_until = |work: &dyn Fn(&Place), last: u32| {
        let place = place(Policy::TEMPLATE);
        let id = place.paid(NAME);
        place.desk.enter(id, "op", (&user("eva"), "main"), now()).unwrap();
        work(&place);
        assert!(place.is_kept(id, now() + last * DAY), "until {last}");
        assert!(!place.is_kept(id, now() + (last + 1) * DAY), "after {last}");
        let database = rusqlite::Connection::open(place.world.directory.path().join("ca.db")).unwrap();
        let left = "SELECT (SELECT count(*) FROM applicant_steps) + (SELECT count(*) FROM credentials WHERE applicant IS NOT NULL)";
        assert_eq!(database.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    };
    // No password, one that nobody used, one that was ended, an order that was turned down.
    kept_until(&|_| {}, 90);
    kept_until(&|place| drop(place.order("eva", NAME, 1, now())), 21 + 90);
    kept_until(
        &|place| {
            place.order("eva", NAME, 1, now());
            place.world.ca.first().unwrap().revoke(&place.subject("eva", "main"), now() + 10 * DAY).unwrap();
        },
        10 + 90,
    );
    kept_until(
        &|place| {
            let first = place.order("eva", NAME, 1, now());
            token(&place.ask(&first, now()));
            let name = Transaction::new(first.transaction.as_bytes()).unwrap();
            place.world.ca.reject(&name, "no", now() + 30 * DAY).unwrap();
        },
        30 + 90,
    );
}

/// Whoever is entered once more may be given a password as long as the applicant is kept as one who may.
#[test]
fn who_is_entered_again_stays_as_long_as_the_applicant() {
    let place = place(Policy::TEMPLATE);
    let id = place.paid(NAME);
    let stands = || place.world.ca.first().unwrap().subject(&user("eva"), "main").is_ok();
    for day in [0, 85] {
        place.desk.enter(id, "op", (&user("eva"), "main"), now() + day * DAY).unwrap();
    }
    for (day, kept) in [(91, true), (85 + 90, true), (85 + 91, false)] {
        assert_eq!((place.is_kept(id, now() + day * DAY), stands()), (kept, kept), "after {day} days");
    }
}

#[test]
fn an_order_that_waits_keeps_its_applicant_and_so_does_a_password_that_was_there_before() {
    let place = place(Policy::TEMPLATE);
    let id = place.paid(NAME);
    // Taken down, and on the way to her, before the applicant was entered: with the same data it is hers.
    let desk = place.world.ca.first().unwrap();
    desk.enter(&eva(NAME), now()).unwrap();
    let first = place.order("eva", NAME, 1, now());
    place.desk.enter(id, "op", (&user("eva"), "main"), now()).unwrap();
    token(&place.ask(&first, now()));
    assert!(place.is_kept(id, now() + 5000 * DAY), "it waits");
    let transaction: TransactionId = first.transaction;
    place.world.ca.approve(&Transaction::new(transaction.as_bytes()).unwrap(), now()).unwrap();
    assert!(place.is_kept(id, now() + 9000 * DAY), "it is issued");
}
