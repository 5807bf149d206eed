//! Plain EST: one certificate by a one-time password, its renewal over the card's login; lies of the CA, and stops.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "stops/apdus.rs"]
mod apdus;
mod common;
#[path = "stops/journal.rs"]
mod journal;
#[path = "plain/lies.rs"]
mod lies;
#[path = "stops/mortal.rs"]
mod mortal;
#[path = "plain/office.rs"]
mod office;
#[path = "plain/stops.rs"]
mod stops;

use std::time::Duration;

use common::{
    Door, Face, contains, everything_below,
    support::{Holder, now},
};
use mortal::Mortal;
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{KeyRole, ProfileToken};
use obnova_client::{
    CaConnection, Credential, FileJournal, RunError, Runner, Seams, SharedToken, SimpleEstConnection, Turn,
    enroll::est::{Headers, HttpResponse, Site},
    look, share,
};
use obnova_renewal::{ByRole, CardView, CertificateRules, NotEligible, Plan, Policy, Reason};
use obnova_simulator::SimulatorConnection;
use obnova_transport::Decorated;
use office::{Lie, ONE_TIME_PASSWORD, Office, USER};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    First,
    Renewal,
}

/// A holder with a card, and an office that knows both.
struct Place {
    order: Order,
    card: SimulatorConnection,
    office: Office,
    face: Face,
    folder: tempfile::TempDir,
    later: Duration,
    policy: Policy,
}

impl Place {
    fn new(order: Order) -> Self {
        let office = Office::new();
        let mut card = Holder::empty_card();
        if order == Order::Renewal {
            Holder::personalise(&mut card, &office.house, KeyAlgorithm::P256, [1, 2], |_, draft| {
                draft.until = now() + common::support::days(20);
            });
        }
        let card = SimulatorConnection::new(card);
        Self {
            order,
            card,
            office,
            face: Face { credentials: typed(), ..Face::default() },
            folder: tempfile::tempdir().unwrap(),
            later: Duration::ZERO,
            policy: Policy::partner(),
        }
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        share(ProfileToken::new(Decorated::new(self.card.clone(), apdus::Apdus(life.clone()))))
    }

    fn card(&self) -> CardView {
        look(self.token(&Mortal::forever()).lock().unwrap().as_mut()).unwrap()
    }

    fn connection(&self) -> SimpleEstConnection<&Office, &Office> {
        let site = Site::parse("https://ca.example").unwrap();
        SimpleEstConnection::new(&self.office, &self.office, site, self.office.anchors()).unwrap()
    }

    fn plan(&self, card: &CardView) -> Result<Plan, PlanError> {
        self.plan_by(&mut self.connection(), card)
    }

    fn plan_by(&self, ca: &mut dyn CaConnection, card: &CardView) -> Result<Plan, PlanError> {
        let wishes = ca.wishes().map_err(PlanError::Ca)?;
        let plan = wishes.plan(card, &self.policy, |policy| match self.order {
            Order::First => Plan::first(card, policy, now()),
            Order::Renewal => Plan::make(card, policy, now()),
        });
        plan.map_err(PlanError::Plan)
    }

    /// A program of this life: begins or goes on, as far as it comes.
    fn live(&mut self, life: &Mortal) -> Result<Turn, RunError> {
        // What it is planned by is asked before anything is begun.
        self.office.life.replace(Mortal::forever());
        let begun = !FileJournal::list(self.folder.path()).unwrap().is_empty();
        let token = self.token(life);
        let plan = match begun && !FileJournal::peek(self.folder.path(), "one").is_ok_and(|known| known.is_empty()) {
            true => None,
            false => Some(self.plan(&self.card()).unwrap()),
        };
        let inner = match begun {
            true => FileJournal::open(self.folder.path(), "one")?,
            false => FileJournal::create(self.folder.path(), "one")?,
        };
        let mut journal = journal::MortalJournal { inner, life: life.clone() };
        self.office.life.replace(life.clone());
        let mut face = std::mem::take(&mut self.face);
        let later = self.later;
        let clock = move || now() + later;
        let mut ca = self.connection();
        let seams = Seams {
            token: Some(token),
            ca: &mut ca,
            prompt: &mut face,
            journal: &mut journal,
            login: Some(&mut Door),
            clock: &clock,
        };
        let outcome = match plan {
            Some(plan) => Runner::begin(seams, "one", plan),
            None => Runner::resume(seams),
        };
        let turn = outcome.and_then(|mut runner| runner.run());
        drop((ca, journal));
        self.face = face;
        turn
    }

    /// Comes back as long as it has to wait.
    fn finish(&mut self) -> Turn {
        for _ in 0..4 {
            self.face.credentials = typed();
            match self.live(&Mortal::forever()).unwrap() {
                Turn::Waits(_) => self.later += Duration::from_secs(5),
                turn => return turn,
            }
        }
        panic!("it waits and waits");
    }

    /// One new certificate on one new key, whatever was there before it.
    fn assert_certified(&self, told: &str) {
        let (card, before) = (self.card(), if self.order == Order::First { 0 } else { 2 });
        let keys = card.slots.iter().filter(|slot| slot.key.is_some()).count();
        assert_eq!(keys, before + 1, "{told}");
        let new = &card.slots[before];
        assert!(new.certificates.len() == 1 && new.certificates[0].fits_key, "{told}: {new:?}");
        assert_eq!(self.office.orders(), 1, "{told}: nothing is issued twice");
        assert!(!contains(&everything_below(self.folder.path()), ONE_TIME_PASSWORD.as_bytes()), "{told}");
    }
}

#[derive(Debug)]
enum PlanError {
    Ca(obnova_client::CaError),
    Plan(NotEligible),
}

fn typed() -> Vec<(Credential, &'static str)> {
    vec![(Credential::UserId, USER), (Credential::OneTimePassword, ONE_TIME_PASSWORD)]
}

#[test]
fn the_first_certificate_takes_one_password_and_says_who_asks_each_time() {
    let mut place = Place::new(Order::First);
    assert!(matches!(place.live(&Mortal::forever()).unwrap(), Turn::Waits(_)));
    let once = [Credential::UserId, Credential::OneTimePassword].map(|what| (what, None));
    assert_eq!(place.face.asked_for, once, "and no revocation password");
    // Somebody else with the program asks for nothing without the password.
    place.later = Duration::from_secs(5);
    let error = place.live(&Mortal::forever()).unwrap_err();
    assert!(matches!(error, RunError::Prompt(_)), "{error}");
    assert!(matches!(place.finish(), Turn::Done(_)));
    place.assert_certified("");
    assert_eq!(place.office.passwords.get(), 2, "once for each time that it was asked");
}

#[test]
fn a_renewal_logs_in_each_time_and_sends_no_password() {
    let mut place = Place::new(Order::Renewal);
    place.face.credentials.clear();
    assert!(matches!(place.live(&Mortal::forever()).unwrap(), Turn::Waits(_)));
    assert!(place.face.asked_for.is_empty());
    assert!(matches!(place.finish(), Turn::Done(_)));
    place.assert_certified("");
    assert_eq!((place.office.passwords.get(), place.office.logins.get()), (0, 2));
}

#[test]
fn a_wrong_password_is_sent_once_and_asked_for_again() {
    let mut place = Place::new(Order::First);
    place.face.credentials[1].1 = "AAAAA-AAAAA-AAAAA-AAAQE";
    let error = place.live(&Mortal::forever()).unwrap_err();
    assert!(matches!(error, RunError::Ca(obnova_client::CaError::WrongPassword)), "{error}");
    assert_eq!((place.office.passwords.get(), place.office.orders()), (1, 0));
    assert!(matches!(place.finish(), Turn::Done(_)));
    place.assert_certified("");
}

/// A server that has no time says when: the same program asks again then and needs nothing more; the next one needs the password.
#[test]
fn a_server_that_has_no_time_costs_nobody_a_password_but_who_comes_back() {
    fn later(_: &Office, _: &obnova_pkcs10::CertificationRequest) -> HttpResponse {
        let headers = Headers::from_iter([("Retry-After", "3")]);
        HttpResponse { status: 429, headers, body: Vec::new() }
    }
    fn busy(_: &Office, _: &obnova_pkcs10::CertificationRequest) -> HttpResponse {
        let headers = Headers::from_iter([("Retry-After", "3")]);
        HttpResponse { status: 503, headers, body: Vec::new() }
    }
    for lie in [later, busy] {
        let mut place = Place::new(Order::First);
        let who = [Credential::UserId, Credential::OneTimePassword];
        // Before it was accepted nothing is known of the order: it is sent again.
        place.office.lie.replace(Some(Lie::Order(lie)));
        assert!(matches!(place.live(&Mortal::forever()), Err(RunError::Ca(_))));
        assert_eq!((place.face.asked_for.len(), place.face.asked_again.len()), (2, 0));
        place.office.lie.replace(None);
        place.face = Face { credentials: typed(), ..Face::default() };
        assert!(matches!(place.live(&Mortal::forever()).unwrap(), Turn::Waits(_)));
        assert_eq!(place.face.asked_again, who);
        // After it was, it waits as long as is said.
        place.office.lie.replace(Some(Lie::Order(lie)));
        place.later += Duration::from_secs(5);
        place.face = Face { credentials: typed(), ..Face::default() };
        assert!(matches!(place.live(&Mortal::forever()).unwrap(), Turn::Waits(_)));
        assert_eq!(place.face.asked_again, who);
        place.office.lie.replace(None);
        place.later += Duration::from_secs(5);
        assert!(matches!(place.finish(), Turn::Done(_)));
        place.assert_certified("");
    }
}

#[test]
fn a_pair_is_more_than_one_request() {
    let place = Place::new(Order::Renewal);
    let (card, wishes) = (place.card(), place.connection().wishes().unwrap());
    let pair = wishes.plan(&card, &Policy::twins(), |policy| Plan::make(&card, policy, now()));
    assert_eq!(pair.unwrap_err().reasons, [Reason::OneRequestOnly { count: 2 }]);
    // What is renewed logs in, which a key for signatures does not.
    let signs = Policy { rules: ByRole::one(KeyRole::Signature, CertificateRules::signature()), ..Policy::partner() };
    let signs = wishes.plan(&card, &signs, |policy| Plan::make(&card, policy, now()));
    assert_eq!(signs.unwrap_err().reasons, [Reason::NotForLogin { role: KeyRole::Signature }]);
}
