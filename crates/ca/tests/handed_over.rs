//! The transport PIN is shown once, also where the CA is killed: before and after each of its writes from the form to the PIN.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{DAY, Draft, Pair, World, first_pair, issued, life::Life, now, token};
use obnova_ca::{
    ApplicantData, ApplicantDesk, ApplicantError, ApplicantId, English, IssuedCertificate, LinkDesk, LinkError,
    LinkToken, MailKind, Outbox, Personalised, PickUpSecret, Policy, RegistrationPolicy, SqliteStore, Stage, Step,
    StoreError, Transaction, TransportPin,
    store::{KeptStatus, MailState, QueuedLink},
};
use obnova_enroll::cmc::Asked;
use obnova_status::RevocationReason;
use x509_cert::der::Encode as _;

const NAME: &str = "Eva Dvořáková";
const HOUR: Duration = Duration::from_secs(3600);
const PIN: &str = "5b1fPL_t";

/// A CA that certified the keys on cards, and its desk in a process that may be killed.
struct Place {
    world: World,
    pairs: [Pair; 2],
}

/// A process with the desk.
struct Running {
    desk: ApplicantDesk,
    outbox: Outbox,
    links: LinkDesk,
    /// How often mails were looked at. Who takes one has it for ten minutes.
    looks: Cell<u32>,
}

impl Place {
    fn new() -> Self {
        Self::with([300, 300])
    }

    /// The pairs have so many days left.
    fn with(days: [u32; 2]) -> Self {
        let world = World::new();
        let pairs = days.map(|days| first_pair(&world.ca, &subject(), "eva@example.cz", days));
        Self { pairs, world }
    }

    /// The holder renews both certificates of a pair.
    fn renew(&self, pair: &Pair, number: u8, now: SystemTime) -> Pair {
        let mut draft = Draft::renewing(pair, number);
        for request in &mut draft.requests {
            (request.subject, request.email) = (subject(), Some("eva@example.cz".into()));
        }
        let message = draft.message();
        token(&self.world.ask(&message, &draft.transaction, Asked::Certificates, now));
        self.world.ca.approve(&Transaction::new(draft.transaction.as_bytes()).unwrap(), now).unwrap();
        let renewed = issued(self.world.ask(&message, &draft.transaction, Asked::Certificates, now));
        let read = |index: usize| IssuedCertificate::from_der(&renewed[index].to_der().unwrap()).unwrap();
        let keys = [0, 1].map(|index: usize| draft.requests[index].key.clone());
        Pair { certificates: [read(0), read(1)], keys }
    }

    fn start(&self, life: &Arc<Life>) -> Running {
        let folder = self.world.directory.path();
        let store = Arc::new(SqliteStore::open(&folder.join("ca.db")).unwrap().observed(life.clone()));
        let secret = PickUpSecret::load(&folder.join("secret")).unwrap();
        let policy = RegistrationPolicy { open: true, ..Policy::from_toml(Policy::TEMPLATE).unwrap().registration };
        let desk = ApplicantDesk::new(policy, &secret, store.clone(), Arc::new(English)).unwrap();
        Running {
            desk,
            outbox: Outbox::new(self.unobserved()),
            links: LinkDesk::new(&secret, self.unobserved()),
            looks: Cell::default(),
        }
    }

    fn unobserved(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(&self.world.directory.path().join("ca.db")).unwrap())
    }

    fn card(&self, number: usize) -> Personalised {
        let certificates = self.pairs[number].certificates.each_ref().map(|one| one.serial().to_vec()).to_vec();
        let transport_pin = TransportPin::new(PIN).unwrap();
        Personalised { card: format!("OBN{number}"), certificates, transport_pin }
    }

    /// Whether the transport PIN is in the database or its log, as it is typed.
    fn keeps_the_pin(&self) -> bool {
        let files = std::fs::read_dir(self.world.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut contents = files.map(|file| std::fs::read(file).unwrap());
        contents.any(|content| content.windows(PIN.len()).any(|window| window == PIN.as_bytes()))
    }
}

impl Running {
    /// The links in the mails of one kind, the oldest first.
    fn links(&self, kind: MailKind) -> Vec<LinkToken> {
        self.looks.set(self.looks.get() + 1);
        let mut mails = self.outbox.take(now() + 3 * DAY + self.looks.get() * HOUR, 100).unwrap();
        mails.retain(|mail| mail.kind == kind);
        mails.sort_by_key(|mail| mail.id);
        let token = |link: &QueuedLink| {
            let QueuedLink::Signed(id) = link else { panic!("{link:?}") };
            LinkToken::from_link(self.links.path(*id).unwrap().rsplit('/').next().unwrap()).unwrap()
        };
        mails.iter().map(|mail| token(mail.link.as_ref().unwrap())).collect()
    }

    /// What is still to be done up to the hand-over of this card, by everybody who has to do with it.
    fn hand_over(&self, id: ApplicantId, card: &Personalised) -> Result<(), ApplicantError> {
        let (desk, now) = (&self.desk, now());
        loop {
            let record = desk.get(id)?;
            match record.stage {
                Stage::Registered => desk.confirm(&self.links(MailKind::Confirm).pop().unwrap(), now)?,
                Stage::Confirmed => desk.identify(id, "op", &record.data.fingerprint(), now)?,
                Stage::Identified => desk.contract(id, "op", "C-1", now)?,
                Stage::Contracted => desk.pay(id, "op", "P-1", now)?,
                Stage::Paid | Stage::Admitted => desk.personalise(id, "op", card, now)?,
                Stage::Personalised => desk.hand_over(id, "op", now)?,
                Stage::HandedOver => return Ok(()),
            };
        }
    }
}

fn subject() -> String {
    format!("CN={NAME},C=CZ")
}

fn eva() -> ApplicantData {
    ApplicantData::new(NAME, "eva@example.cz", "CZ", None).unwrap()
}

/// From the form to the PIN, in one process.
fn live(running: &Running, card: &Personalised) -> Result<TransportPin, ApplicantError> {
    let id = match running.desk.list(None, 10)?.first() {
        Some(known) => known.id,
        None => running.desk.register(&eva(), now())?.id,
    };
    running.hand_over(id, card)?;
    running.desk.show_transport_pin(&running.links(MailKind::TransportPin).pop().unwrap(), now())
}

#[test]
fn killed_at_each_write_the_pin_is_shown_once_or_the_operator_hears_that_it_was_and_makes_another_card() {
    let (place, life) = (Place::new(), Life::forever());
    assert_eq!(live(&place.start(&life), &place.card(0)).unwrap().reveal(), PIN);
    let points = life.passed();
    let mut lost = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let place = Place::new();
        let mortal = Life::until(at);
        let died = live(&place.start(&mortal), &place.card(0));
        assert!(matches!(died, Err(ApplicantError::Store(StoreError::Stopped))), "{told}: {:?}", died.err());
        assert_eq!(mortal.passed().last(), Some(point), "{told}");

        let again = place.start(&Life::forever());
        // Later than whoever took them before.
        again.looks.set(50);
        assert!(!place.keeps_the_pin(), "{told}");
        let record = again.desk.list(None, 10).unwrap();
        let shown = record.first().is_some_and(|record| record.pin_shown.is_some());
        let pin = live(&again, &place.card(0));
        let record = &again.desk.list(None, 10).unwrap()[0];
        assert_eq!(record.steps.iter().filter(|step| step.step == Step::ShowPin).count(), 1, "{told}");
        assert!(record.pin_shown.is_some() && !record.has_transport_pin, "{told}");
        match pin {
            Ok(pin) => assert_eq!((pin.reveal(), shown), (PIN, false), "{told}"),
            // It was on its way out when the CA died: who asks again is told that it was shown, and so is the operator.
            Err(ApplicantError::Link(LinkError::Used)) => {
                assert!(shown, "{told}");
                lost.push(point.clone());
                let id = record.id;
                let error = again.desk.hand_over(id, "op", now()).unwrap_err();
                assert!(matches!(error, ApplicantError::PinGone { shown: true }), "{told}: {error}");
                // He makes another card.
                again.desk.personalise(id, "op", &place.card(1), now()).unwrap();
                again.hand_over(id, &place.card(1)).unwrap();
                let link = again.links(MailKind::TransportPin).pop().unwrap();
                assert_eq!(again.desk.show_transport_pin(&link, now()).unwrap().reveal(), PIN, "{told}");
            }
            Err(error) => panic!("{told}: {error}"),
        }
        let link = again.links(MailKind::TransportPin).pop().unwrap();
        let twice = again.desk.show_transport_pin(&link, now()).err();
        assert!(matches!(twice, Some(ApplicantError::Link(LinkError::Used))), "{told}: {twice:?}");
    }
    println!("{} stops of a CA from the form to the PIN; it was on its way out at: {}", points.len(), lost.join(", "));
    assert_eq!((points.len(), lost.len()), (16, 1), "{points:?}, {lost:?}");
}

/// What the holder renewed onto the card that he has no more ends with what came on it, also where that is over.
#[test]
fn another_card_ends_what_was_renewed_onto_the_one_before() {
    for years in [0, 1] {
        let place = Place::with([20, if years == 0 { 300 } else { 600 }]);
        let running = place.start(&Life::forever());
        live(&running, &place.card(0)).unwrap();
        let mut pairs = vec![place.renew(&place.pairs[0], 1, now())];
        let mut moment = now();
        if years == 1 {
            let validity = pairs[0].certificates[0].certificate.tbs_certificate().validity();
            moment = validity.not_after.to_system_time() - 5 * DAY;
            pairs.push(place.renew(&pairs[0], 2, moment));
        }
        let id = running.desk.list(None, 10).unwrap()[0].id;
        running.desk.personalise(id, "op", &place.card(1), moment).unwrap();

        let store = place.unobserved();
        let status = |pair: &Pair| pair.certificates.each_ref().map(|one| store.status(one.serial()).unwrap());
        let superseded =
            |status| matches!(status, KeptStatus::Revoked(revoked) if revoked.reason == RevocationReason::Superseded);
        for pair in &pairs {
            assert!(status(pair).into_iter().all(superseded), "renewed, {years} years on: {:?}", status(pair));
        }
        // What is over needs no more, and nobody else is touched.
        assert!(status(&place.pairs[0]).into_iter().all(|one| superseded(one) == (years == 0)));
        for other in [&place.pairs[1], &place.world.old] {
            assert_eq!(status(other), [KeptStatus::Good; 2]);
        }
        let mails = running.outbox.list(None, 100).unwrap();
        let told = mails.iter().filter(|mail| mail.kind == MailKind::Revoked && mail.to == "eva@example.cz").count();
        assert_eq!(told, 4);
    }
}

/// Who mistyped his address corrects it, asks for the link again, and confirms.
fn correct(running: &Running, (id, secret): (ApplicantId, &str), right: &ApplicantData) -> Result<(), ApplicantError> {
    let (desk, now) = (&running.desk, now());
    if desk.own(id, secret)?.data != *right {
        desk.correct(id, secret, right, now)?;
    }
    desk.correct(id, secret, right, now)?;
    desk.confirm(&running.links(MailKind::Confirm).pop().unwrap(), now).map(drop)
}

#[test]
fn killed_at_each_write_of_a_correction_each_has_its_link_and_none_to_the_old_address_confirms() {
    let (mistyped, right) = (ApplicantData::new(NAME, "ewa@example.cz", "CZ", None).unwrap(), eva());
    let registered = |place: &Place| place.start(&Life::forever()).desk.register(&mistyped, now()).unwrap();
    let (place, life) = (Place::new(), Life::forever());
    let eva = registered(&place);
    correct(&place.start(&life), (eva.id, eva.secret.as_str()), &right).unwrap();
    let points = life.passed();
    assert_eq!(points.len(), 6, "{points:?}");
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let place = Place::new();
        let eva = registered(&place);
        let own = (eva.id, eva.secret.as_str());
        let died = correct(&place.start(&Life::until(at)), own, &right).err();
        assert!(matches!(died, Some(ApplicantError::Store(StoreError::Stopped))), "{told}: {died:?}");

        let again = place.start(&Life::forever());
        // Later than whoever took them before.
        again.looks.set(50);
        let record = again.desk.get(eva.id).unwrap();
        let is_corrected = record.data == right;
        assert_eq!((is_corrected, record.data == mistyped), (at > 0, at == 0), "{told}");
        if record.stage == Stage::Registered {
            correct(&again, own, &right).unwrap();
        }
        let record = again.desk.get(eva.id).unwrap();
        let count = |step| record.steps.iter().filter(|done| done.step == step).count();
        assert_eq!((record.stage, &record.data, count(Step::Confirm)), (Stage::Confirmed, &right, 1), "{told}");
        let mails = again.outbox.list(None, 100).unwrap();
        let to = |address: &str| mails.iter().filter(|mail| mail.to == address).count();
        assert_eq!(
            (to("ewa@example.cz"), to("eva@example.cz")),
            (1, count(Step::Correct) + count(Step::Remind)),
            "{told}: each has its mail"
        );
        // Used, or dead.
        for link in again.links(MailKind::Confirm) {
            assert!(again.desk.confirm(&link, now()).is_err(), "{told}");
        }
    }
}

/// A mail as it went out: what mail programs know it by, what it is about, and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Letter {
    message_id: String,
    kind: MailKind,
    link: String,
}

/// The CA's process with its postman, all of whose writes can be the last: it does what is still to be done from the form to the PIN,
/// by the links that were carried out.
fn live_with_the_postman(
    place: &Place,
    life: &Arc<Life>,
    carried: &mut Vec<Letter>,
    now: SystemTime,
) -> Result<TransportPin, ApplicantError> {
    let folder = place.world.directory.path();
    let store = Arc::new(SqliteStore::open(&folder.join("ca.db")).unwrap().observed(life.clone()));
    let secret = PickUpSecret::load(&folder.join("secret")).unwrap();
    let policy = RegistrationPolicy { open: true, ..Policy::from_toml(Policy::TEMPLATE).unwrap().registration };
    let desk = ApplicantDesk::new(policy, &secret, store.clone(), Arc::new(English)).unwrap();
    let (outbox, links) = (Outbox::new(store.clone()), LinkDesk::new(&secret, store));
    let id = match desk.list(None, 10)?.first() {
        Some(known) => known.id,
        None => desk.register(&eva(), now)?.id,
    };
    let mut deliver = |kind| {
        while let Some(mail) = outbox.take_next(now, now)? {
            let Some(QueuedLink::Signed(link)) = &mail.link else { panic!("{:?}", mail.link) };
            let link = links.path(*link).unwrap().rsplit('/').next().unwrap().to_owned();
            carried.push(Letter { message_id: mail.message_id(), kind: mail.kind, link });
            outbox.sent(&mail, now)?;
        }
        let letter = carried.iter().rev().find(|letter| letter.kind == kind).unwrap();
        Ok::<_, StoreError>(LinkToken::from_link(&letter.link).unwrap())
    };
    loop {
        let record = desk.get(id)?;
        match record.stage {
            Stage::Registered => desk.confirm(&deliver(MailKind::Confirm)?, now)?,
            Stage::Confirmed => desk.identify(id, "op", &record.data.fingerprint(), now)?,
            Stage::Identified => desk.contract(id, "op", "C-1", now)?,
            Stage::Contracted => desk.pay(id, "op", "P-1", now)?,
            Stage::Paid | Stage::Admitted => desk.personalise(id, "op", &place.card(0), now)?,
            Stage::Personalised => desk.hand_over(id, "op", now)?,
            Stage::HandedOver => return desk.show_transport_pin(&deliver(MailKind::TransportPin)?, now),
        };
    }
}

/// Between the relay's yes and the note that a mail is out nobody knows: then the same one goes out again, and in no other case.
#[test]
fn killed_at_each_write_of_the_desk_and_the_postman_each_mail_goes_out_once_or_again_as_the_same() {
    let (place, life) = (Place::new(), Life::forever());
    let mut carried = Vec::new();
    assert_eq!(live_with_the_postman(&place, &life, &mut carried, now()).unwrap().reveal(), PIN);
    assert_eq!(carried.len(), 2);
    let (points, mut twice) = (life.passed(), Vec::new());
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let (place, life, mut carried) = (Place::new(), Life::until(at), Vec::new());
        let died = live_with_the_postman(&place, &life, &mut carried, now());
        assert!(matches!(died, Err(ApplicantError::Store(StoreError::Stopped))), "{told}: {:?}", died.err());
        assert_eq!(life.passed().last(), Some(point), "{told}");

        // When nobody has the mails any more that were taken.
        let shown = live_with_the_postman(&place, &Life::forever(), &mut carried, now() + HOUR);
        // The last write of all is that it is shown, and on disk before anybody sees it.
        let is_last = at + 1 == points.len();
        match shown {
            Ok(pin) => assert_eq!((pin.reveal(), is_last), (PIN, false), "{told}"),
            Err(ApplicantError::Link(LinkError::Used)) => assert!(is_last, "{told}"),
            Err(error) => panic!("{told}: {error}"),
        }
        let mails = Outbox::new(place.unobserved()).list(None, 10).unwrap();
        let kinds: Vec<_> = mails.iter().rev().map(|mail| (mail.kind, mail.state)).collect();
        assert_eq!(kinds, [(MailKind::Confirm, MailState::Sent), (MailKind::TransportPin, MailState::Sent)], "{told}");
        let before = carried.len();
        carried.dedup();
        assert_eq!(
            carried.iter().map(|letter| letter.kind).collect::<Vec<_>>(),
            kinds.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            "{told}"
        );
        if before > carried.len() {
            twice.push(point.clone());
        }
    }
    println!("{} stops of a CA and its postman; a mail went out twice at: {}", points.len(), twice.join(", "));
    assert_eq!(points.len(), 16 + 2 * 4, "{points:?}");
    assert_eq!(twice, ["before mail_sent", "before mail_sent"]);
}

/// Whose mail was lost is handed over once more: the newest link shows the PIN, and it alone.
#[test]
fn killed_at_each_write_of_another_hand_over_one_link_shows_the_pin() {
    for (at, point) in ["before applicant_step", "after applicant_step"].into_iter().enumerate() {
        let told = format!("killed {point}");
        let place = Place::new();
        let running = place.start(&Life::forever());
        let id = running.desk.register(&eva(), now()).unwrap().id;
        running.hand_over(id, &place.card(0)).unwrap();
        let mut dead = running.links(MailKind::TransportPin);
        let life = Life::until(at);
        let died = place.start(&life).desk.hand_over(id, "op", now());
        assert!(matches!(died, Err(ApplicantError::Store(StoreError::Stopped))), "{told}: {:?}", died.err());
        assert_eq!(life.passed().last().map(String::as_str), Some(point));

        dead.extend(running.links(MailKind::TransportPin));
        running.desk.hand_over(id, "op", now()).unwrap();
        // What waits with a link that is dead does not go out.
        let mut newest = running.links(MailKind::TransportPin);
        assert_eq!((dead.len(), newest.len()), (2, 1), "{told}");
        for dead in dead {
            assert!(running.desk.show_transport_pin(&dead, now()).is_err(), "{told}: a link of before");
        }
        assert_eq!(running.desk.show_transport_pin(&newest.remove(0), now()).unwrap().reveal(), PIN, "{told}");
    }
}
