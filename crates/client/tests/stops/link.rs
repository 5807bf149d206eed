//! The link in the CA's mail, followed without a journal: the holder's program stopped at each point, the CA killed at each write. Then
//! the same link is followed again. At the end the certificates are on the card and work, and the link opens nothing any more: it is
//! never closed before they are there and were proven, so that nobody has to leave that out.

use std::{cell::Cell, time::SystemTime};

use obnova_ca::{AnswerError, AuditLog, Ca, CaError, Outcome, PickUpToken, Refusal, store::OrderState};
use obnova_client::{
    RunError,
    enroll::{
        certs_only,
        est::{Headers, HttpRequest, HttpResponse, Method, Server},
    },
};
use obnova_renewal::ParsedCertificate;

use crate::{
    first::{First, Partner},
    mortal::Mortal,
    profile::ProfileRig,
    report::report,
    rig::{Rig as _, Tear, Tearing},
    table,
    task::{Task, TwinRenewal},
    world::{World, no_try},
};

/// The commands that give a PIN to the card, and the signature PIN.
const VERIFY: &str = "00 20 00";
const SIGNATURE_PIN: &str = "00 20 00 02";
/// What makes a signature: our profile's command, and the call of a PKCS#11 module.
const SIGN: [&str; 2] = ["APDU 00 2A 9E 9A", "C_Sign "];

/// What the CA's server answers to the link; `None` when the CA dies of it.
pub fn answer(ca: &Ca, token: &str, request: &HttpRequest) -> Option<HttpResponse> {
    let token = PickUpToken::from_link(token).unwrap();
    let status = |status| Some(HttpResponse { status, headers: Headers::default(), body: Vec::new() });
    if request.method == Method::Get {
        return match ca.pick_up(&token) {
            Ok(Outcome::Issued(got)) => {
                let got: Vec<_> = got.iter().chain(ca.certificates()).map(|one| one.certificate.clone()).collect();
                let body = certs_only::encode(&got).unwrap();
                Some(HttpResponse { status: 200, headers: Headers::default(), body })
            }
            Err(CaError::Refused(Refusal::TokenSpent)) => status(410),
            other => panic!("{other:?}"),
        };
    }
    let message = Server::message(&request.headers, &request.body).unwrap();
    match ca.answer_receipt(&token, &message, None, SystemTime::now()) {
        Ok(response) => Some(Server::new().fullcmc(&response.message, response.refused.is_some())),
        Err(AnswerError::Ca(CaError::Refused(Refusal::TokenSpent))) => status(410),
        Err(AnswerError::Ca(CaError::Store(_))) => None,
        Err(error) => panic!("{error}"),
    }
}

impl<T: Task> World<T> {
    /// Whether the CA knows that the certificates arrived, by what is on its disk. They are on the card then, all of them.
    pub fn is_closed(&self, told: &str) -> bool {
        let Some(order) = obnova_ca::Store::orders(&self.authority.store(), None, 1).unwrap().pop() else {
            return false;
        };
        let closed = order.state == OrderState::Confirmed;
        let seen = obnova_client::look(self.rig().witness().lock().unwrap().as_mut()).unwrap();
        let issued = order.certificates.iter().map(|one| ParsedCertificate::from_der(&one.der).unwrap());
        let missing = issued.filter(|one| !seen.slots.iter().any(|slot| slot.holds(one))).count();
        assert!(!closed || missing == 0, "{told}: the link is closed, and {missing} certificates are not on the card");
        let mut records = 0;
        let count = |record: obnova_ca::AuditRecord| {
            records += usize::from(record.event == "order-confirmed");
            true
        };
        AuditLog::new(self.authority.store()).read(1, count).unwrap();
        assert_eq!(records, usize::from(closed), "{told}: the audit log");
        closed
    }
}

/// Stops the holder's program at each point.
pub fn stopped<T: Task>() {
    let ordered = table::ordered::<T>();
    let follow = |world: &World<T>, life: &Mortal| {
        world.lose_journals();
        let ended = world.follow(life);
        let closed = world.is_closed("stopped");
        assert!(!closed || has_proven::<T>(life), "closed before all was proven: {:#?}", life.points());
        ended
    };
    let closed_before = Cell::new(0);
    let again = |world: &World<T>| {
        closed_before.set(closed_before.get() + usize::from(world.is_closed("before it is followed again")));
        let ended = world.follow(&Mortal::forever());
        assert!(world.is_closed("at the end"), "the link is open still");
        ended
    };
    let (stops, _) = table::each_stop::<T>(&ordered, "a link followed without a journal", follow, &[("by it", &again)]);
    let (rig, what, closed) = (T::Rig::NAME, T::WHAT, closed_before.get());
    report(&format!("{rig}, {what}: the link was closed at {closed} of {stops} stops of one that follows it"));
    assert!((1..stops).contains(&closed_before.get()), "{} of {stops}", closed_before.get());
}

/// Whether in this life the CA was asked who logs in, and whether before the receipt a signature was made that is neither of the login nor of
/// the receipt, where there is something to sign with.
fn has_proven<T: Task>(life: &Mortal) -> bool {
    let points = life.points();
    let receipt = points.iter().position(|point| point.contains("HTTP POST /pickup/")).unwrap_or(points.len());
    let before = |what: &str| points[..receipt].iter().filter(|point| point.contains(what)).count();
    let signatures = SIGN.iter().map(|sign| before(&format!("before {sign}"))).sum::<usize>();
    before("HTTP GET /login") > 0 && (T::policy().rules.signature.is_none() || signatures == 3)
}

fn ca_killed<T: Task>() {
    let ordered = table::ordered::<T>();
    let life_of_ca = Mortal::forever();
    let world = World::<T>::new(&ordered, life_of_ca.clone());
    world.lose_journals();
    let begun = life_of_ca.points().len();
    world.follow(&Mortal::forever()).unwrap();
    let points = life_of_ca.points();
    drop(world);
    let mut closed = 0;
    for (at, point) in points.iter().enumerate().skip(begun) {
        let told = format!("{}: the CA killed {point}", T::Rig::NAME);
        let world = World::<T>::new(&ordered, Mortal::until(at));
        world.lose_journals();
        let ended = world.follow(&Mortal::forever());
        assert!(matches!(ended, Err(RunError::Ca(_) | RunError::Login(_))), "{told}: {ended:?}");
        closed += usize::from(world.is_closed(&told));
        world.authority.restart(Mortal::forever());
        let ended = table::well(world.follow(&Mortal::forever()), &told);
        assert!(world.is_closed(&told), "{told}: the link is open still");
        world.assert_whole(&told, &ended, &no_try);
    }
    let count = points.len() - begun;
    let (rig, what) = (T::Rig::NAME, T::WHAT);
    report(&format!("{rig}, {what}: the CA killed at {count} points of a link that is closed: it was at {closed}"));
    assert_eq!((count, closed), (2, 1), "{points:?}");
}

/// Takes the power from the card at each command. The link is closed when the card has done all, and so is open after each of them.
fn torn<T: Task<Rig: Tearing>>(tear: Tear) {
    let ordered = table::ordered::<T>();
    let follow = |world: &World<T>, life: &Mortal| {
        world.lose_journals();
        world.follow(life)
    };
    let commands = table::recorded::<T>(&ordered, "a link followed without a journal", follow).0.commands::<T::Rig>();
    for (at, command) in commands.iter().enumerate() {
        let told = format!("{}: torn {tear:?} {} (command {at})", T::Rig::NAME, command.name);
        let gone = |password| {
            let tries = T::Rig::tries_gone(&command.name, tear, password);
            tries..=tries
        };
        let mut world = World::<T>::new(&ordered, Mortal::forever());
        world.rig().tear(at, tear);
        let ended = follow(&world, &Mortal::forever());
        assert!(world.rig().is_torn() && ended.is_err(), "{told}: nothing was torn: {ended:?}");
        world.assert_sound(&told, &gone);
        assert!(!world.is_closed(&told), "{told}: the link is closed before the card has done all");
        world.reinsert();
        let ended = table::well(world.follow(&Mortal::forever()), &told);
        assert!(world.is_closed(&told), "{told}: the link is open still");
        world.assert_whole(&told, &ended, &gone);
    }
    let (rig, what, count) = (T::Rig::NAME, T::WHAT, commands.len());
    report(&format!("{rig}, {what}: {count} commands torn {tear:?}, the link was open after each"));
}

#[test]
fn a_pair_torn_inside_each_command() {
    torn::<TwinRenewal<ProfileRig>>(Tear::Inside);
}

#[test]
fn a_pair_torn_after_each_command() {
    torn::<TwinRenewal<ProfileRig>>(Tear::After);
}

#[test]
fn a_pair_stopped_anywhere_comes_to_its_end() {
    stopped::<TwinRenewal<ProfileRig>>();
}

#[test]
fn a_first_certificate_stopped_anywhere_comes_to_its_end() {
    stopped::<First<ProfileRig, Partner>>();
}

#[test]
fn a_pair_with_the_ca_killed_at_each_write() {
    ca_killed::<TwinRenewal<ProfileRig>>();
}

#[test]
fn a_first_certificate_with_the_ca_killed_at_each_write() {
    ca_killed::<First<ProfileRig, Partner>>();
}

/// By the key that can sign for it: that for logging in, where there is one.
#[test]
fn the_receipt_is_signed_by_the_key_for_logging_in() {
    let ordered = table::ordered::<TwinRenewal<ProfileRig>>();
    let world = World::<TwinRenewal<ProfileRig>>::new(&ordered, Mortal::forever());
    world.lose_journals();
    let life = Mortal::forever();
    world.follow(&life).unwrap();
    let points = life.points();
    let at = |what: &str| points.iter().position(|point| point.contains(what)).unwrap();
    let before = &points[at("HTTP GET /login")..at("HTTP POST /pickup/")];
    // The signature PIN is another one, and is given for the test signature, not for this.
    let given = before.iter().rfind(|point| point.contains(VERIFY)).unwrap();
    assert!(!given.contains(SIGNATURE_PIN), "{before:#?}");
}
