//! A first order, stopped at each point at which it can be: before and after each command to the card and each message to the CA,
//! before, inside and after each record of the journal. Then gone on with the journal; and without it, with the one-time
//! password where nothing was ordered yet, or else with what the CA mails.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use obnova_algorithm::verify;
use obnova_card::{KeyRole, Pin, ProfileToken, SignDigest};
use obnova_client::{
    CaError, EstConnection, FileJournal, HttpExchange, RunError, Runner, Seams, Turn,
    enroll::est::{HttpRequest, HttpResponse},
    install_completion, share,
};
use obnova_renewal::{Completion, Policy, Terms, Vouching};
use obnova_transport::Decorated;
use x509_cert::der::Encode as _;

use super::{
    BOTH, Place,
    apdus::Apdus,
    common::{Door, Face, contains, everything_below, support::pin_for},
    desk::{Desk, ONE_TIME_PASSWORD, REVOCATION_PASSWORD},
    journal::MortalJournal,
    mortal::Mortal,
    typed,
};

#[test]
fn with_two_keys_stopped_anywhere_it_comes_to_its_end() {
    stopped(Policy::twins, &BOTH);
}

#[test]
fn with_one_key_stopped_anywhere_it_comes_to_its_end() {
    stopped(Policy::partner, &BOTH[..1]);
}

fn stopped(policy: fn() -> Policy, roles: &[KeyRole]) {
    let (life, place) = (Mortal::forever(), Place::new(policy()));
    assert!(matches!(place.live(&life), Ok(Turn::Done(_))));
    let points = life.points();
    let mut by_mail = 0;
    for at in 0..points.len() {
        for keeps_journal in [true, false] {
            let told = format!("stopped {} (point {at}), {keeps_journal}", points[at]);
            let mut place = Place::new(policy());
            let life = Mortal::until(at);
            let ended = place.live(&life);
            assert!(life.is_dead() && (ended.is_err() || at + 2 >= points.len()), "{told}: {ended:?}");
            place.assert_nothing_told(&told);
            let keys = place.card().slots.iter().filter(|slot| slot.key.is_some()).count();
            assert!(keys <= roles.len(), "{told}");

            place.connection.with_card(|card| card.reset());
            if !keeps_journal {
                let _ = fs::remove_dir_all(place.folder.path().join("journals"));
            }
            if !keeps_journal && place.desk.orders() > 0 {
                by_mail += 1;
                place.install_what_is_mailed();
            } else if place.is_over() {
                assert_eq!(at + 1, points.len(), "{told}");
            } else {
                let ended = place.live(&Mortal::forever());
                assert!(matches!(ended, Ok(Turn::Done(_))), "{told}: {ended:?}");
            }
            place.assert_certified(roles);
            place.assert_signs(&told);
            assert_eq!(place.desk.orders(), 1, "{told}: ordered once");
            place.assert_nothing_told(&told);
        }
    }
    println!("{} stops of a first order with {} keys, {by_mail} ended by mail", points.len(), roles.len());
    assert!(points.len() > 60 && by_mail > 20, "{} {by_mail}", points.len());
}

impl Place {
    /// One life of the holder's program, that begins or resumes, with a holder who types everything when he is asked.
    fn live(&self, life: &Mortal) -> Result<Turn, RunError> {
        let journals = self.folder.path().join("journals");
        let connection = Decorated::new(self.connection.clone(), Apdus(life.clone()));
        let token = share(ProfileToken::new(connection));
        let begun = FileJournal::unfinished(&journals, SystemTime::now())?.pop().is_some();
        let plan = match begun {
            true => None,
            false => {
                let card = obnova_client::look(token.lock().unwrap().as_mut())?;
                Some(obnova_renewal::Plan::first(&card, &self.policy, SystemTime::now()).unwrap())
            }
        };
        let inner = match begun {
            true => FileJournal::open(&journals, "first")?,
            // What was begun in the moment of the stop, and has no record, is none.
            false => {
                let _ = fs::remove_dir_all(&journals);
                FileJournal::create(&journals, "first")?
            }
        };
        let mut ca = EstConnection::new(Wire { desk: &self.desk, life: life.clone() }, self.desk.anchors())?;
        let mut face = Face { credentials: typed(), ..Face::default() };
        let mut journal = MortalJournal { inner, life: life.clone() };
        let clock = || SystemTime::now() + Duration::from_secs(5);
        let seams = Seams {
            token: Some(token),
            ca: &mut ca,
            prompt: &mut face,
            journal: &mut journal,
            login: Some(&mut Door),
            clock: &clock,
        };
        let mut runner = match plan {
            Some(plan) => Runner::begin(seams, "first", plan)?,
            None => Runner::resume(seams)?,
        };
        runner.run()
    }

    /// The journal says that nothing more will happen.
    fn is_over(&self) -> bool {
        let journals = self.folder.path().join("journals");
        let unfinished = FileJournal::unfinished(&journals, SystemTime::now()).unwrap();
        unfinished.is_empty() && !FileJournal::list(&journals).unwrap().is_empty()
    }

    fn install_what_is_mailed(&mut self) {
        let came: Vec<_> = self.desk.certificates().iter().map(|one| one.to_der().unwrap()).collect();
        let terms = Terms { anchors: self.desk.anchors(), intermediates: Vec::new(), vouching: Vouching::Elsewhere };
        let completion = Completion::make(&self.card(), &came, &self.policy, &terms, SystemTime::now()).unwrap();
        install_completion(&self.token, &mut self.face, &completion).unwrap();
    }

    fn assert_signs(&self, told: &str) {
        for slot in self.card().slots.iter().filter(|slot| slot.key.is_some()) {
            let (key, certificate) = (slot.key.as_ref().unwrap(), slot.certificates[0].certificate.as_ref().unwrap());
            let algorithm = key.signs[0];
            let job = SignDigest { slot: slot.id, algorithm, digest: algorithm.digest().of(told.as_bytes()) };
            let signature = self.token.lock().unwrap().sign(&[job], &Pin::new(pin_for(key.password))).unwrap();
            verify(certificate.public_key(), algorithm, told.as_bytes(), &signature[0]).unwrap();
        }
    }

    /// No password is in what was written.
    fn assert_nothing_told(&self, told: &str) {
        let written = everything_below(self.folder.path());
        for secret in [ONE_TIME_PASSWORD, REVOCATION_PASSWORD] {
            assert!(!contains(&written, secret.as_bytes()), "{told}");
        }
    }
}

/// The network between a process of the holder and the CA.
struct Wire<'d> {
    desk: &'d Desk,
    life: Mortal,
}

impl HttpExchange for Wire<'_> {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        let name = format!("HTTP {} {}", request.method.as_str(), request.path);
        let ended = |_| CaError::Unreachable { server: "desk".into(), problem: "the program ended".into() };
        self.life.effect(&name, || self.desk.exchange(request)).map_err(ended)?
    }
}
