//! Applicants, from the form to the hand-over: each step in its turn, by whom it may be taken, and the transport PIN once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{DAY, Pair, World, first_pair, now};
use obnova_ca::{
    ApplicantData, ApplicantDesk, ApplicantError, ApplicantId, AuditLog, CardCertificateError, English, LinkDesk,
    LinkError, LinkToken, MailKind, Outbox, Personalised, PickUpSecret, Policy, Registered, RegistrationPolicy,
    RetentionDesk, SqliteStore, Stage, Step, StepRefused, TransportPin,
    store::{ApplicantRecord, QueuedLink},
};
use obnova_enroll::cmc::UserId;
use obnova_status::RevocationReason;
use proptest::prelude::*;

const NAME: &str = "Eva Dvořáková";
const PIN: &str = "5b1fPL_t";

struct Place {
    world: World,
    desk: ApplicantDesk,
    outbox: Outbox,
    links: LinkDesk,
    pair: Pair,
}

fn policy() -> RegistrationPolicy {
    RegistrationPolicy { open: true, ..Policy::from_toml(Policy::TEMPLATE).unwrap().registration }
}

fn place() -> Place {
    let world = World::new();
    let store = Arc::new(SqliteStore::open(&world.directory.path().join("ca.db")).unwrap());
    let secret = PickUpSecret::load(&world.directory.path().join("secret")).unwrap();
    let desk = ApplicantDesk::new(policy(), &secret, store.clone(), Arc::new(English)).unwrap();
    let pair = first_pair(&world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
    Place { outbox: Outbox::new(store.clone()), links: LinkDesk::new(&secret, store), desk, pair, world }
}

fn eva() -> ApplicantData {
    ApplicantData::new(NAME, "eva@example.cz", "CZ", None).unwrap()
}

fn pin(text: &str) -> TransportPin {
    TransportPin::new(text).unwrap()
}

impl Place {
    /// The links in the mails of one kind that wait, the oldest first.
    fn links(&self, kind: MailKind) -> Vec<LinkToken> {
        // Far enough ahead for whoever took them before.
        let mails = self.outbox.take(now() + 3 * DAY, 100).unwrap();
        let mut mails: Vec<_> = mails.into_iter().filter(|mail| mail.kind == kind).collect();
        mails.sort_by_key(|mail| mail.id);
        let token = |link: &QueuedLink| {
            let QueuedLink::Signed(id) = link else { panic!("{link:?}") };
            LinkToken::from_link(self.links.path(*id).unwrap().rsplit('/').next().unwrap()).unwrap()
        };
        mails.iter().map(|mail| token(mail.link.as_ref().unwrap())).collect()
    }

    fn card(&self) -> Personalised {
        let certificates = self.pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        Personalised { card: "0042".into(), certificates, transport_pin: pin(PIN) }
    }

    /// Takes one step as everybody should.
    fn step(&self, who: &Registered, step: Step, confirm: &LinkToken) -> Result<ApplicantRecord, ApplicantError> {
        let (desk, id) = (&self.desk, who.id);
        match step {
            Step::Confirm => desk.confirm(confirm, now()),
            Step::Correct => desk.correct(id, &who.secret, &eva(), now()),
            Step::Enter => desk.enter(id, "op", (&UserId::new("eva").unwrap(), "main"), now()),
            Step::Identify => self.identify(id),
            Step::Contract => desk.contract(id, "op", "C-1", now()),
            Step::Pay => desk.pay(id, "op", "P-1", now()),
            Step::Personalise => desk.personalise(id, "op", &self.card(), now()),
            Step::HandOver => desk.hand_over(id, "op", now()),
            Step::ShowPin | Step::Remind => panic!("no call of its own"),
        }
    }

    /// An operator looks, and says yes.
    fn identify(&self, id: ApplicantId) -> Result<ApplicantRecord, ApplicantError> {
        let seen = self.desk.get(id)?.data.fingerprint();
        self.desk.identify(id, "op", &seen, now())
    }

    /// An operator looks, and corrects what he sees.
    fn corrected(
        &self,
        id: ApplicantId,
        data: &ApplicantData,
        at: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let seen = self.desk.get(id)?.data.fingerprint();
        self.desk.correct_by_operator(id, "Jan", &seen, data, at)
    }

    fn at(&self, stage: Stage) -> (Registered, LinkToken) {
        let who = self.desk.register(&eva(), now()).unwrap();
        let confirm = self.links(MailKind::Confirm).pop().unwrap();
        let way =
            [Step::Confirm, Step::Identify, Step::Contract, Step::Pay, Step::Enter, Step::Personalise, Step::HandOver];
        // With a one-time password in place of a card, or with the card.
        let way = way.into_iter().take(stage as usize).filter(|step| *step != Step::Enter || stage == Stage::Admitted);
        for step in way {
            self.step(&who, step, &confirm).unwrap();
        }
        assert_eq!(self.desk.get(who.id).unwrap().stage, stage);
        (who, confirm)
    }
}

/// What may be done where, written out.
fn allowed(stage: Stage, step: Step) -> Option<Stage> {
    use Stage as S;
    Some(match (stage, step) {
        (S::Registered, Step::Confirm) => S::Confirmed,
        (S::Registered | S::Confirmed, Step::Correct) | (S::Registered, Step::Remind) => stage,
        (S::Confirmed, Step::Identify) => S::Identified,
        (S::Identified, Step::Contract) => S::Contracted,
        (S::Contracted, Step::Pay) => S::Paid,
        // After the hand-over the same card only where the transport PIN is gone, which the stage does not say.
        (S::Paid | S::Admitted | S::Personalised | S::HandedOver, Step::Personalise) => S::Personalised,
        (S::Paid | S::Admitted, Step::Enter) => S::Admitted,
        (S::Personalised, Step::HandOver) => S::HandedOver,
        (S::HandedOver, Step::HandOver | Step::ShowPin) => S::HandedOver,
        _ => return None,
    })
}

proptest! {
    #[test]
    fn whatever_is_tried_in_whatever_order_only_the_turn_of_a_step_moves(steps in prop::collection::vec(0..Step::ALL.len(), 0..60)) {
        let mut stage = Stage::Registered;
        for step in steps.into_iter().map(|index| Step::ALL[index]) {
            let after = stage.after(step);
            prop_assert_eq!(after.ok(), allowed(stage, step));
            match after {
                Ok(next) => stage = next,
                Err(StepRefused::TooEarly { .. }) => {
                    // It can still come: there is a way on which it does.
                    prop_assert!(Stage::ALL.into_iter().any(|later| later > stage && later.after(step).is_ok()));
                }
                Err(StepRefused::Done { .. }) => {
                    prop_assert!(Stage::ALL.into_iter().all(|later| later < stage || later.after(step).is_err()));
                }
            }
        }
    }
}

#[test]
fn each_step_out_of_its_turn_is_refused_by_name_and_changes_nothing() {
    for stage in Stage::ALL {
        let place = place();
        let (who, confirm) = place.at(stage);
        let before = place.desk.get(who.id).unwrap();
        let called = |step: &Step| !matches!(step, Step::ShowPin | Step::Remind);
        for step in Step::ALL.into_iter().filter(|step| called(step) && allowed(stage, *step).is_none()) {
            let refused = place.step(&who, step, &confirm).unwrap_err();
            let name = match step {
                // The link says it before anybody asks for the turn.
                Step::Confirm => "used-link",
                _ => stage.after(step).unwrap_err().name(),
            };
            assert_eq!(refused.name(), name, "{stage} {step}");
            assert_eq!(place.desk.get(who.id).unwrap(), before, "{stage} {step}");
        }
    }
}

#[test]
fn a_card_is_handed_over_and_its_pin_is_shown_once() {
    let place = place();
    let (who, _) = place.at(Stage::Personalised);
    assert!(place.links(MailKind::TransportPin).is_empty(), "nobody has a link before the card");
    let record = place.desk.hand_over(who.id, "Jan", now()).unwrap();
    assert!(record.has_transport_pin && record.card.as_deref() == Some("0042"));
    assert_eq!(record.certificates.len(), 2);
    let steps: Vec<_> =
        record.steps.iter().map(|step| (step.step, step.operator.as_deref(), step.reference.as_deref())).collect();
    assert_eq!(
        steps,
        [
            (Step::Confirm, None, None),
            (Step::Identify, Some("op"), None),
            (Step::Contract, Some("op"), Some("C-1")),
            (Step::Pay, Some("op"), Some("P-1")),
            (Step::Personalise, Some("op"), Some("0042")),
            (Step::HandOver, Some("Jan"), None),
        ]
    );
    let link = place.links(MailKind::TransportPin).remove(0);
    for _ in 0..3 {
        place.desk.look_at_transport_pin(&link, now()).unwrap();
    }
    let late = place.desk.show_transport_pin(&link, now() + 21 * DAY).map(|_| ()).unwrap_err();
    assert!(matches!(late, ApplicantError::Link(LinkError::Expired)));
    // Many ask at once: one sees it.
    let seen = std::thread::scope(|scope| {
        let ask =
            || scope.spawn(|| place.desk.show_transport_pin(&link, now()).ok().map(|pin| pin.reveal().to_owned()));
        let askers: Vec<_> = (0..6).map(|_| ask()).collect();
        askers.into_iter().filter_map(|asker| asker.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(seen, [PIN]);
    let again = place.desk.show_transport_pin(&link, now()).map(|_| ()).unwrap_err();
    assert_eq!(again.name(), "used-link");
    let record = place.desk.get(who.id).unwrap();
    assert!(!record.has_transport_pin && record.pin_shown == Some(now()));
    let connection = rusqlite::Connection::open(place.world.directory.path().join("ca.db")).unwrap();
    let kept: i64 = connection
        .query_row("SELECT count(*) FROM applicants WHERE transport_pin IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn neither_pin_nor_secret_nor_link_is_in_any_file_or_any_debug() {
    let place = place();
    let (who, _) = place.at(Stage::HandedOver);
    let files = || std::fs::read_dir(place.world.directory.path()).unwrap().map(|file| file.unwrap().path());
    let contains = |bytes: &[u8], secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
    let seen: Vec<u8> = files().flat_map(|path| std::fs::read(path).unwrap()).collect();
    assert!(contains(&seen, b"eva@example.cz"), "it is looked in the right place");
    assert!(!contains(&seen, PIN.as_bytes()) && !contains(&seen, who.secret.as_bytes()));
    let shown = format!("{:?} {:?}", place.desk, place.desk.get(who.id).unwrap());
    assert!(!shown.contains(NAME) && !shown.contains("eva@") && !shown.contains(PIN), "{shown}");
    static_assertions::assert_not_impl_any!(TransportPin: std::fmt::Debug, std::fmt::Display, PartialEq);
    static_assertions::assert_impl_all!(TransportPin: zeroize::ZeroizeOnDrop);
    static_assertions::assert_not_impl_any!(Registered: std::fmt::Debug);
    static_assertions::assert_not_impl_any!(Personalised: std::fmt::Debug);
}

#[test]
fn data_are_corrected_until_the_identity_check_and_another_address_is_confirmed_anew() {
    let place = place();
    let who = place.desk.register(&eva(), now()).unwrap();
    let first = place.links(MailKind::Confirm).remove(0);
    let other = ApplicantData::new("Eva Dvořáková", "e.d@example.cz", "CZ", Some("IDCCZ-7")).unwrap();
    place.desk.correct(who.id, &who.secret, &other, now()).unwrap();
    assert_eq!(
        place.desk.confirm(&first, now()).unwrap_err().name(),
        "address-corrected",
        "the old address confirms nothing, and the time of its link is not over"
    );
    let told = place.desk.look_at_confirmation(&first, now()).unwrap_err().to_string();
    assert!(told.contains("corrected") && !told.contains("time") && !told.contains('@'), "{told}");
    let second = place.links(MailKind::Confirm).remove(0);
    assert_eq!(place.desk.confirm(&second, now()).unwrap().stage, Stage::Confirmed);
    // The same address stays confirmed, another one does not.
    let name = ApplicantData::new("Eva Nová", "e.d@example.cz", "CZ", None).unwrap();
    assert_eq!(place.desk.correct(who.id, &who.secret, &name, now()).unwrap().stage, Stage::Confirmed);
    let back = place.desk.correct(who.id, &who.secret, &eva(), now()).unwrap();
    assert_eq!(back.stage, Stage::Registered);
    assert_eq!(place.identify(who.id).unwrap_err().name(), "too-early");
    // The very first link was for this address, and was never used.
    assert_eq!(place.desk.confirm(&first, now()).unwrap().stage, Stage::Confirmed);
    place.identify(who.id).unwrap();
    assert_eq!(place.desk.correct(who.id, &who.secret, &name, now()).unwrap_err().name(), "too-late");
}

#[test]
fn what_was_corrected_after_the_operator_looked_is_not_taken_for_what_was_seen() {
    let place = place();
    let (who, _) = place.at(Stage::Confirmed);
    let seen = place.desk.get(who.id).unwrap().data.fingerprint();
    for other in [("Somebody Else", "CZ", None), (NAME, "SK", None), (NAME, "CZ", Some("IDCCZ-9"))] {
        let (name, country, number) = other;
        let data = ApplicantData::new(name, "eva@example.cz", country, number).unwrap();
        place.desk.correct(who.id, &who.secret, &data, now()).unwrap();
        assert_eq!(place.desk.identify(who.id, "op", &seen, now()).unwrap_err().name(), "data-changed", "{other:?}");
        assert_eq!(place.desk.get(who.id).unwrap().stage, Stage::Confirmed);
    }
    place.desk.correct(who.id, &who.secret, &eva(), now()).unwrap();
    place.desk.identify(who.id, "op", &seen, now()).unwrap();
}

/// All four fields are replaced: those that the operator read before the applicant corrected them, too.
#[test]
fn an_operator_undoes_nothing_that_the_applicant_corrected_meanwhile() {
    let place = place();
    let (who, _) = place.at(Stage::Confirmed);
    let seen = place.desk.get(who.id).unwrap().data.fingerprint();
    let moved = ApplicantData::new(NAME, "new@example.cz", "CZ", None).unwrap();
    place.desk.correct(who.id, &who.secret, &moved, now()).unwrap();
    let before = place.desk.get(who.id).unwrap();
    let mended = ApplicantData::new("Eva Nová", "eva@example.cz", "CZ", None).unwrap();
    // Also where nothing would be changed: what was seen is not what is there.
    for data in [&mended, &moved] {
        let refused = place.desk.correct_by_operator(who.id, "Jan", &seen, data, now()).unwrap_err();
        assert_eq!(refused.name(), "data-changed");
        assert_eq!(place.desk.get(who.id).unwrap(), before);
    }
    // The link that the applicant was mailed is good.
    place.desk.confirm(&place.links(MailKind::Confirm).pop().unwrap(), now()).unwrap();
    let again = ApplicantData::new("Eva Nová", "new@example.cz", "CZ", None).unwrap();
    let record = place.corrected(who.id, &again, now()).unwrap();
    assert_eq!((record.stage, &record.data), (Stage::Confirmed, &again));
}

#[test]
fn a_lost_link_to_a_transport_pin_is_mailed_again_and_the_one_before_ends() {
    let place = place();
    let (who, _) = place.at(Stage::HandedOver);
    let lost = place.links(MailKind::TransportPin).remove(0);
    // The first one is still on its way: nobody mails a link that is dead.
    place.desk.hand_over(who.id, "op", now()).unwrap();
    let links = place.links(MailKind::TransportPin);
    assert_eq!(links.len(), 1);
    // Another one, when the time of that one is over.
    let late = now() + 30 * DAY;
    let error = place.desk.show_transport_pin(&links[0], late).map(|_| ()).unwrap_err();
    assert_eq!(error.name(), "expired-link");
    assert_eq!(place.desk.hand_over(who.id, "op", late).unwrap().stage, Stage::HandedOver);
    let mails = place.outbox.take(late, 100).unwrap();
    let Some(QueuedLink::Signed(id)) = mails.iter().find(|mail| mail.kind == MailKind::TransportPin).unwrap().link
    else {
        panic!("no link")
    };
    let newest = LinkToken::from_link(place.links.path(id).unwrap().rsplit('/').next().unwrap()).unwrap();
    for before in [&lost, &links[0]] {
        let error = place.desk.show_transport_pin(before, now()).map(|_| ()).unwrap_err();
        assert_eq!(error.name(), "ended-link", "nobody used it");
    }
    assert_eq!(place.desk.show_transport_pin(&newest, late).unwrap().reveal(), PIN);
    let gone = place.desk.hand_over(who.id, "op", late).unwrap_err();
    assert!(matches!(gone, ApplicantError::PinGone { shown: true }), "{gone}");
}

/// Nobody looked at it, and its last link is over: it is not kept for somebody who may find it.
#[test]
fn a_transport_pin_that_nobody_looked_at_is_forgotten_after_its_last_link() {
    let place = place();
    let (who, _) = place.at(Stage::HandedOver);
    let link = place.links(MailKind::TransportPin).remove(0);
    let over = now() + policy().transport_pin;
    let retention = Policy::from_toml(Policy::TEMPLATE).unwrap().retention;
    let retention = RetentionDesk::new(Arc::new(place.world.store()), retention.clone());
    assert_eq!(retention.forget(over + 29 * DAY).unwrap().transport_pins, 0);
    assert!(place.desk.get(who.id).unwrap().has_transport_pin, "another link can be mailed for a while");
    assert_eq!(retention.forget(over + 31 * DAY).unwrap().transport_pins, 1);
    let record = place.desk.get(who.id).unwrap();
    assert_eq!((record.has_transport_pin, record.pin_shown), (false, None));
    let refused = place.desk.show_transport_pin(&link, now()).map(|_| ()).unwrap_err();
    assert_eq!(refused.name(), "unknown-link");
    let gone = place.desk.hand_over(who.id, "op", now()).unwrap_err();
    assert!(matches!(gone, ApplicantError::PinGone { shown: false }), "{gone}");
}

/// Who lost the transport PIN, or looked too late: the operator makes another card, and nothing of the one before is left.
#[test]
fn where_a_transport_pin_is_gone_another_card_takes_the_place_of_the_one_before() {
    for shown in [true, false] {
        let place = place();
        let (who, _) = place.at(Stage::HandedOver);
        let personalise = |made: &Personalised| place.desk.personalise(who.id, "op", made, now());
        let link = place.links(MailKind::TransportPin).remove(0);
        let other = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
        let serials = |pair: &Pair| pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        let [first, second] = [&place.pair, &other].map(serials);
        // One of them stays, as where a card gets another key beside what is on it. The other one of the new pair goes nowhere.
        let on_it = vec![first[1].clone(), second[0].clone()];
        place.world.revoke(&second[1], RevocationReason::Superseded);
        let made = Personalised { card: "0043".into(), certificates: on_it.clone(), transport_pin: pin("other_77") };
        let same = Personalised { card: "0042".into(), certificates: on_it.clone(), transport_pin: pin("other_77") };
        assert_eq!(personalise(&same).unwrap_err().name(), "too-late", "it is kept, and can be looked at");
        if shown {
            place.desk.show_transport_pin(&link, now()).unwrap();
        } else {
            let retention = Policy::from_toml(Policy::TEMPLATE).unwrap().retention;
            let retention = RetentionDesk::new(Arc::new(place.world.store()), retention);
            retention.forget(now() + policy().transport_pin + 31 * DAY).unwrap();
        }
        let record = personalise(&made).unwrap();
        assert_eq!((record.stage, record.card.as_deref()), (Stage::Personalised, Some("0043")));
        assert_eq!((record.has_transport_pin, record.pin_shown, &record.certificates), (true, None, &on_it));
        let revoked = |serial: &Vec<u8>| place.world.ca.certificate(serial).unwrap().unwrap().revoked;
        assert_eq!([&first[0], &first[1], &second[0]].map(revoked), [true, false, false]);
        let told: Vec<_> = place.outbox.list(None, 99).unwrap().into_iter().map(|mail| mail.kind).collect();
        assert_eq!(told.iter().filter(|kind| **kind == MailKind::Revoked).count(), 2, "with that which goes nowhere");
        // The card is not in her hands yet, and no link of the one before shows anything.
        assert!(place.desk.show_transport_pin(&link, now()).is_err());
        place.desk.hand_over(who.id, "op", now()).unwrap();
        assert_eq!(personalise(&made).unwrap_err().name(), "too-late");
        assert!(place.desk.show_transport_pin(&link, now()).is_err());
        let newest = place.links(MailKind::TransportPin).pop().unwrap();
        assert_eq!(place.desk.show_transport_pin(&newest, now()).unwrap().reveal(), "other_77");
        let steps = place.desk.get(who.id).unwrap().steps;
        let cards: Vec<_> = steps.iter().filter(|step| step.step == Step::Personalise).collect();
        assert_eq!(cards.iter().map(|step| step.reference.as_deref().unwrap()).collect::<Vec<_>>(), ["0042", "0043"]);
    }
}

/// A slip of whoever sits there: the PIN or a certificate of another pair. Nobody has the card yet, or a link.
#[test]
fn until_the_hand_over_the_same_card_is_taken_down_again() {
    let place = place();
    let (who, _) = place.at(Stage::Personalised);
    let other = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
    let right = other.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
    let slip = place.card();
    let again = Personalised { card: slip.card.clone(), certificates: right.clone(), transport_pin: pin("right77") };
    let record = place.desk.personalise(who.id, "op", &again, now()).unwrap();
    assert_eq!((record.stage, &record.card, &record.certificates), (Stage::Personalised, &Some(slip.card), &right));
    let revoked = |serial: &Vec<u8>| place.world.ca.certificate(serial).unwrap().unwrap().revoked;
    assert!(slip.certificates.iter().all(revoked) && !right.iter().any(revoked));
    place.desk.hand_over(who.id, "op", now()).unwrap();
    let link = place.links(MailKind::TransportPin).pop().unwrap();
    assert_eq!(place.desk.show_transport_pin(&link, now()).unwrap().reveal(), "right77");
}

/// What nobody names nobody would revoke when the card is lost.
#[test]
fn what_was_issued_together_is_taken_down_together() {
    let place = place();
    let (who, _) = place.at(Stage::Paid);
    let [first, second] = place.pair.certificates.each_ref().map(|one| one.serial().to_vec());
    let personalise = |certificates: &[&Vec<u8>], card: &str, at| {
        let certificates = certificates.iter().map(|serial| serial.to_vec()).collect();
        let made = Personalised { card: card.into(), certificates, transport_pin: pin(PIN) };
        place.desk.personalise(who.id, "op", &made, at)
    };
    let refused = |named: &Vec<u8>, missing: &Vec<u8>| {
        let error = personalise(&[named], "0042", now()).unwrap_err();
        let hex: String = missing.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(error.name() == "certificate-missing" && error.to_string().contains(&hex), "{error}");
        assert_eq!(place.desk.get(who.id).unwrap().stage, Stage::Paid);
    };
    refused(&first, &second);
    refused(&second, &first);
    // On hold it may come back.
    place.world.revoke(&second, RevocationReason::CertificateHold);
    refused(&first, &second);
    place.world.revoke(&second, RevocationReason::Superseded);
    personalise(&[&first], "0042", now()).unwrap();
    // What is left out of the card before ends with it.
    let other = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
    let [third, fourth] = other.certificates.each_ref().map(|one| one.serial().to_vec());
    personalise(&[&third, &fourth], "0043", now()).unwrap();
    personalise(&[&third], "0044", now()).unwrap();
    let revoked = |serial: &Vec<u8>| place.world.ca.certificate(serial).unwrap().unwrap().revoked;
    assert_eq!([&first, &third, &fourth].map(revoked), [true, false, true]);
}

/// The card was lost on the way, or spoilt: nobody has to look at its PIN first, or to wait until that is forgotten.
#[test]
fn another_card_takes_the_place_of_one_that_was_lost_before_anybody_looked_at_its_pin() {
    for stage in [Stage::Personalised, Stage::HandedOver] {
        let place = place();
        let (who, _) = place.at(stage);
        let other = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
        let certificates = other.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        let made = Personalised { card: "0043".into(), certificates, transport_pin: pin("other_77") };
        let record = place.desk.personalise(who.id, "op", &made, now()).unwrap();
        assert_eq!((record.stage, record.card.as_deref()), (Stage::Personalised, Some("0043")));
        let revoked =
            |one: &obnova_ca::IssuedCertificate| place.world.ca.certificate(one.serial()).unwrap().unwrap().revoked;
        assert!(place.pair.certificates.iter().all(revoked) && !other.certificates.iter().any(revoked));
        for link in place.links(MailKind::TransportPin) {
            assert!(place.desk.show_transport_pin(&link, now()).is_err(), "the link to the one before shows nothing");
        }
        place.desk.hand_over(who.id, "op", now()).unwrap();
        let newest = place.links(MailKind::TransportPin).pop().unwrap();
        assert_eq!(place.desk.show_transport_pin(&newest, now()).unwrap().reveal(), "other_77");
    }
}

#[test]
fn a_card_on_which_something_is_over_is_not_handed_over() {
    let place = place();
    let (who, _) = place.at(Stage::Personalised);
    let hand_over = |at| place.desk.hand_over(who.id, "op", at).map(|_| ()).unwrap_err().name();
    assert_eq!(hand_over(now() + 4000 * DAY), "card-over");
    place.world.revoke(place.pair.certificates[1].serial(), obnova_status::RevocationReason::CertificateHold);
    assert_eq!(hand_over(now()), "card-over");
    assert!(place.links(MailKind::TransportPin).is_empty());
    assert_eq!(place.desk.get(who.id).unwrap().stage, Stage::Personalised);
}

/// Its certificates ended before it was handed over, so that retention has wiped what would be shown.
#[test]
fn nobody_is_mailed_a_link_to_a_transport_pin_that_is_gone() {
    let place = place();
    let (who, _) = place.at(Stage::Personalised);
    for certificate in &place.pair.certificates {
        place.world.revoke(certificate.serial(), obnova_status::RevocationReason::Superseded);
    }
    let retention = Policy::from_toml(Policy::TEMPLATE).unwrap().retention;
    let retention = RetentionDesk::new(Arc::new(place.world.store()), retention);
    assert_eq!(retention.forget(now() + 31 * DAY).unwrap().transport_pins, 1);
    let gone = place.desk.hand_over(who.id, "op", now()).unwrap_err();
    assert!(matches!(gone, ApplicantError::PinGone { shown: false }), "{gone}");
    assert!(place.links(MailKind::TransportPin).is_empty());
}

#[test]
fn a_lost_mail_that_confirms_comes_again_within_limits() {
    let place = place();
    let who = place.desk.register(&eva(), now()).unwrap();
    let late = now() + 10 * DAY;
    let correct = |at| place.desk.correct(who.id, &who.secret, &eva(), at);
    assert_eq!(correct(late).unwrap().stage, Stage::Registered);
    let link = place.links(MailKind::Confirm).remove(0);
    assert_eq!(place.desk.confirm(&link, late).unwrap_err().name(), "expired-link");
    let mails = place.outbox.take(late, 100).unwrap();
    let Some(QueuedLink::Signed(id)) = mails.iter().max_by_key(|mail| mail.id).unwrap().link else { panic!("no link") };
    let fresh = LinkToken::from_link(place.links.path(id).unwrap().rsplit('/').next().unwrap()).unwrap();
    for _ in 1..policy().per_address {
        correct(late).unwrap();
    }
    assert_eq!(correct(late).unwrap_err().name(), "too-many");
    assert_eq!(place.desk.confirm(&fresh, late).unwrap().stage, Stage::Confirmed);
    // There is nothing more to be sent, and nothing was corrected.
    let before = place.desk.get(who.id).unwrap();
    let count = |step| before.steps.iter().filter(|done| done.step == step).count();
    assert_eq!((count(Step::Remind), count(Step::Correct)), (policy().per_address as usize, 0));
    assert_eq!(correct(late).unwrap(), before);
}

/// Who asks for the mail again and again takes no correction from himself, and is told what to do when it was enough.
#[test]
fn mails_that_are_asked_for_again_have_a_count_of_their_own_and_so_have_corrections() {
    let place = place();
    let who = place.desk.register(&eva(), now()).unwrap();
    let day = |number: u32| now() + number * DAY;
    for number in 1..=10 {
        place.desk.correct(who.id, &who.secret, &eva(), day(number)).unwrap();
    }
    let enough = place.desk.correct(who.id, &who.secret, &eva(), day(11)).unwrap_err();
    assert!(enough.name() == "too-many-mails" && enough.to_string().contains("register anew"), "{enough}");
    let named = |number: u32| ApplicantData::new(&format!("Eva {number}"), "eva@example.cz", "CZ", None).unwrap();
    // What an operator does counts for nobody, and mails nothing where the address is the same: the link that was mailed stays good.
    let mails = place.outbox.take(day(12), 100).unwrap().len();
    for number in 20..30 {
        place.corrected(who.id, &named(number), day(11)).unwrap();
    }
    assert_eq!(place.outbox.take(day(13), 100).unwrap().len(), mails);
    for number in 1..=5 {
        place.desk.correct(who.id, &who.secret, &named(number), day(11 + number)).unwrap();
    }
    let enough = place.desk.correct(who.id, &who.secret, &named(6), day(30)).unwrap_err();
    assert!(enough.name() == "too-many-corrections" && enough.to_string().contains("register anew"), "{enough}");
    assert_eq!(place.desk.get(who.id).unwrap().data, named(5));
    // An operator may.
    for number in 6..20 {
        let record = place.corrected(who.id, &named(number), day(30)).unwrap();
        let last = record.steps.last().unwrap();
        assert_eq!((last.step, last.operator.as_deref(), &record.data), (Step::Correct, Some("Jan"), &named(number)));
    }
    assert_eq!(place.desk.correct_by_operator(who.id, "\n", "", &eva(), day(30)).unwrap_err().name(), "note");
    let mails = place.outbox.take(day(31), 100).unwrap().len();
    place.corrected(who.id, &named(19), day(31)).unwrap();
    assert_eq!(place.outbox.take(day(40), 100).unwrap().len(), mails + 1, "the mail, once more");
}

/// A slip that is found at the papers.
#[test]
fn an_operator_corrects_until_the_identity_check_and_another_address_is_confirmed_anew() {
    let place = place();
    let (who, _) = place.at(Stage::Confirmed);
    let right = ApplicantData::new("Eva Dvořáková-Nová", "eva@example.cz", "CZ", Some("IDCCZ-9")).unwrap();
    let record = place.corrected(who.id, &right, now()).unwrap();
    assert_eq!((record.stage, &record.data), (Stage::Confirmed, &right));
    let moved = ApplicantData::new("Eva Dvořáková-Nová", "nova@example.cz", "CZ", Some("IDCCZ-9")).unwrap();
    assert_eq!(place.corrected(who.id, &moved, now()).unwrap().stage, Stage::Registered);
    assert_eq!(place.identify(who.id).unwrap_err().name(), "too-early");
    place.desk.confirm(&place.links(MailKind::Confirm).pop().unwrap(), now()).unwrap();
    place.identify(who.id).unwrap();
    assert_eq!(place.corrected(who.id, &right, now()).unwrap_err().name(), "too-late");
    let log = AuditLog::new(place.world.store());
    let mut seen = Vec::new();
    log.read(1, |record| {
        if record.event == "applicant" && record.detail == "correct" {
            seen.push((record.about, record.actor));
        }
        true
    })
    .unwrap();
    assert!(seen.len() == 2 && seen.iter().all(|(about, actor)| *about == who.id.to_string() && actor != "client"));
}

#[test]
fn corrections_are_no_way_to_mail_everybody() {
    let place = place();
    let other = |number: u32| ApplicantData::new(NAME, &format!("n{number}@example.cz"), "CZ", None).unwrap();
    let who = place.desk.register(&eva(), now()).unwrap();
    for number in 0..5 {
        place.desk.correct(who.id, &who.secret, &other(number), now()).unwrap();
    }
    let at = now() + 2 * DAY;
    assert_eq!(place.desk.correct(who.id, &who.secret, &other(5), at).unwrap_err().name(), "too-many-corrections");
    // Capital letters are no other mailbox.
    let register = |address: &str, at| {
        let data = ApplicantData::new(NAME, address, "CZ", None).unwrap();
        place.desk.register(&data, at).map_err(|error| error.name())
    };
    for address in ["a@example.cz", "A@example.cz", "a@EXAMPLE.cz"] {
        register(address, at).unwrap();
    }
    assert_eq!(register("A@Example.CZ", at).err(), Some("too-many"));
    // Nor do many who correct mail more in an hour than may register.
    let hour = now() + 4 * DAY;
    let early = hour - Duration::from_secs(3600);
    let half = policy().per_hour / 2;
    let many: Vec<_> = (0..half).map(|number| register(&format!("m{number}@example.cz"), early).unwrap()).collect();
    let mut mails = 0;
    for (number, one) in (100..).zip(many.iter().chain(&many).chain(&many)) {
        match place.desk.correct(one.id, &one.secret, &other(number), hour) {
            Ok(_) => mails += 1,
            Err(error) => assert_eq!(error.name(), "too-many"),
        }
    }
    assert_eq!(mails, policy().per_hour);
    assert_eq!(register("late@example.cz", hour).err(), Some("too-many"));
}

#[test]
fn who_lies_gets_nowhere() {
    let place = place();
    let (eva, eva_confirms) = place.at(Stage::Registered);
    let petr = ApplicantData::new("Petr", "petr@example.cz", "CZ", None).unwrap();
    let petr = place.desk.register(&petr, now()).unwrap();
    let petr_confirms = place.links(MailKind::Confirm).pop().unwrap();
    // Another's secret, none, another's link for something else, nobody's.
    for secret in [petr.secret.as_str(), "", &"0".repeat(40)] {
        assert_eq!(place.desk.own(eva.id, secret).unwrap_err().name(), "unknown-applicant");
        assert_eq!(place.desk.correct(eva.id, secret, &self::eva(), now()).unwrap_err().name(), "unknown-applicant");
    }
    assert_eq!(place.desk.show_transport_pin(&eva_confirms, now()).map(|_| ()).unwrap_err().name(), "unknown-link");
    assert_eq!(place.desk.confirm(&petr_confirms, now()).unwrap().id, petr.id);
    assert_eq!(place.desk.get(eva.id).unwrap().stage, Stage::Registered);
    let nobody: ApplicantId = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(place.desk.identify(nobody, "op", "", now()).unwrap_err().name(), "unknown-applicant");
    for bad in ["", "00", "zz112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff00"] {
        assert!(bad.parse::<ApplicantId>().is_err(), "{bad}");
    }
    // An operator's slips.
    for (operator, reference) in [("", "a"), ("op", ""), ("op\n", "a"), ("op", &"a".repeat(65))] {
        assert_eq!(place.desk.contract(petr.id, operator, reference, now()).unwrap_err().name(), "note");
    }
    for bad in ["", "1234", "123456789", "12 34 5", "žžžž"] {
        assert!(TransportPin::new(bad).is_none(), "{bad}");
    }
    assert!(["12345", "12345678"].map(TransportPin::new).iter().all(Option::is_some));
    let said = ApplicantError::TransportPin.to_string();
    assert!(said.starts_with("a transport PIN has 5 to 8 printable ASCII characters: "), "{said}");
}

#[test]
fn only_certificates_of_the_applicant_go_on_the_card() {
    let place = place();
    let (who, _) = place.at(Stage::Paid);
    let personalise = |card: &str, certificates: Vec<Vec<u8>>| {
        let made = Personalised { card: card.into(), certificates, transport_pin: pin(PIN) };
        place.desk.personalise(who.id, "op", &made, now())
    };
    let refused = |certificates: Vec<Vec<u8>>, why: CardCertificateError| {
        let error = personalise("0042", certificates).unwrap_err();
        assert_eq!(error.name(), why.name());
        assert_eq!(place.desk.get(who.id).unwrap().stage, Stage::Paid);
    };
    let serials = |pair: &Pair| pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
    let own = serials(&place.pair);
    refused(vec![], CardCertificateError::None);
    refused(vec![vec![1, 2, 3]], CardCertificateError::Unknown);
    refused(serials(&place.world.old), CardCertificateError::OtherHolder);
    let namesake = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "other@example.cz", 300);
    refused(serials(&namesake), CardCertificateError::OtherHolder);
    refused(vec![own[0].clone(), own[0].clone()], CardCertificateError::Taken);
    for subject in [format!("CN={NAME},C=SK"), format!("CN={NAME},SERIALNUMBER=IDCCZ-9,C=CZ"), format!("CN={NAME}")] {
        refused(
            serials(&first_pair(&place.world.ca, &subject, "eva@example.cz", 300)),
            CardCertificateError::OtherHolder,
        );
    }
    let over = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 0);
    refused(serials(&over), CardCertificateError::NotValid);
    let revoked = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
    place.world.revoke(revoked.certificates[1].serial(), RevocationReason::Superseded);
    refused(serials(&revoked), CardCertificateError::NotValid);
    personalise("0042", own.clone()).unwrap();
    // Another applicant of the same name and address, with the first one's card or certificates.
    let (second, _) = place.at(Stage::Paid);
    let fresh = first_pair(&place.world.ca, &format!("CN={NAME},C=CZ"), "eva@example.cz", 300);
    let made = |card: &str, certificates| Personalised { card: card.into(), certificates, transport_pin: pin(PIN) };
    let card = place.desk.personalise(second.id, "op", &made("0042", serials(&fresh)), now()).unwrap_err();
    assert_eq!(card.name(), "card-taken");
    let taken = place.desk.personalise(second.id, "op", &made("0043", own), now()).unwrap_err();
    assert_eq!(taken.name(), "certificate-taken");
    place.desk.personalise(second.id, "op", &made("0043", serials(&fresh)), now()).unwrap();
}

#[test]
fn a_number_that_was_checked_stands_in_the_certificates_on_the_card() {
    let place = place();
    let data = ApplicantData::new("Petr, \"P\"", "petr@example.cz", "CZ", Some("IDCCZ-7")).unwrap();
    let who = place.desk.register(&data, now()).unwrap();
    place.desk.confirm(&place.links(MailKind::Confirm).remove(0), now()).unwrap();
    place.identify(who.id).unwrap();
    place.desk.contract(who.id, "op", "C", now()).unwrap();
    place.desk.pay(who.id, "op", "P", now()).unwrap();
    let personalise = |subject: &str, address: &str| {
        let pair = first_pair(&place.world.ca, subject, address, 300);
        let certificates = pair.certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        let made = Personalised { card: "7".into(), certificates, transport_pin: pin(PIN) };
        place.desk.personalise(who.id, "op", &made, now()).map_err(|error| error.name())
    };
    let (name, address) = (r#"CN=Petr\, \"P\""#, "petr@example.cz");
    for (subject, address) in [
        (format!("{name},C=CZ"), address),
        (format!("{name},SERIALNUMBER=IDCCZ-8,C=CZ"), address),
        (format!("{name},SERIALNUMBER=IDCCZ-7,C=CZ,C=CZ"), address),
        (format!("{name},SERIALNUMBER=IDCCZ-7,C=CZ"), "Petr@example.cz"),
    ] {
        assert_eq!(personalise(&subject, address).err(), Some("certificate-of-another"), "{subject} {address}");
    }
    // However another program wrote them.
    personalise(&format!("C=CZ,SERIALNUMBER=idccz-7,{}", name.to_uppercase()), "petr@EXAMPLE.cz").unwrap();
}

#[test]
fn registrations_and_mails_to_one_address_are_bounded() {
    let place = place();
    let data = |number: u32, address: &str| ApplicantData::new(&format!("N {number}"), address, "CZ", None).unwrap();
    let register = |number: u32, address: &str, at: SystemTime| {
        place.desk.register(&data(number, address), at).map_err(|error| error.name())
    };
    for number in 0..3 {
        register(number, "a@example.cz", now()).unwrap();
    }
    assert_eq!(register(3, "a@example.cz", now()).err(), Some("too-many"));
    // Nor does whoever corrects get more out of it.
    let who = register(4, "b@example.cz", now()).unwrap();
    let error = place.desk.correct(who.id, &who.secret, &data(4, "a@example.cz"), now()).unwrap_err();
    assert_eq!(error.name(), "too-many");
    assert_eq!(place.desk.get(who.id).unwrap().data.email().as_str(), "b@example.cz");
    register(5, "a@example.cz", now() + DAY).unwrap();
    let hour = now() + 2 * DAY;
    for number in 0..policy().per_hour {
        register(number, &format!("n{number}@example.cz"), hour).unwrap();
    }
    assert_eq!(register(0, "late@example.cz", hour + Duration::from_secs(3599)).err(), Some("too-many"));
    // Whoever sits at the counter is not locked out by them.
    place.desk.register_by_operator(&data(0, "a@example.cz"), hour).unwrap();
    register(0, "late@example.cz", hour + Duration::from_secs(3600)).unwrap();
}

#[test]
fn what_is_kept_of_a_pin_opens_for_its_card_and_its_key_only() {
    let place = place();
    place.at(Stage::HandedOver);
    let link = place.links(MailKind::TransportPin).remove(0);
    let connection = rusqlite::Connection::open(place.world.directory.path().join("ca.db")).unwrap();
    let kept: Vec<u8> = connection.query_row("SELECT transport_pin FROM applicants", [], |row| row.get(0)).unwrap();
    let mut other = kept.clone();
    other[20] ^= 1;
    connection.execute("UPDATE applicants SET transport_pin = ?1", [other]).unwrap();
    let error = place.desk.show_transport_pin(&link, now()).map(|_| ()).unwrap_err();
    assert_eq!(error.name(), "sealed");
    connection.execute("UPDATE applicants SET transport_pin = ?1", [&kept]).unwrap();
    let is_kept = || {
        ["ca.db", "ca.db-wal"].into_iter().any(|file| {
            let bytes = std::fs::read(place.world.directory.path().join(file)).unwrap();
            bytes.windows(kept.len()).any(|part| part == kept)
        })
    };
    assert!(is_kept(), "it is looked in the right place");
    assert_eq!(place.desk.show_transport_pin(&link, now()).unwrap().reveal(), PIN, "and nothing was used up");
    assert!(!is_kept(), "what was shown is in no file, encrypted or not");
}
