//! What an operator does for a holder, and how a holder ends a certificate without CMC, where the CA is killed: before and after each of
//! its writes. Then the same is asked again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use common::{
    World,
    first::{First, USER, automatic, issue, subject},
    issued,
    life::Life,
    now,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AskedRevocation, AuditFinding, AuditLog, AuditRecord, Ca, CaError, English, FirstError, IssuedCertificate,
    MailKind, Outbox, Refusal, StatusError, StoreError, store::KeptStatus,
};
use obnova_enroll::Secret;
use obnova_status::RevocationReason;
use x509_cert::der::Encode;

const PASSWORD: &str = "planted revocation password";

/// Jana has a pair, and a revocation password for it.
struct Place {
    world: World,
    login: IssuedCertificate,
    signature: IssuedCertificate,
}

/// Who ends the certificate for signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    Operator,
    LoggedIn,
    PasswordAlone,
}

/// What was asked for, and the CA lived.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Now,
    Already,
}

impl Place {
    fn new() -> Self {
        let world =
            World::with(&automatic().replace("password_alone = false", "password_alone = true"), KeyAlgorithm::P256);
        let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
        first.revocation_password = Some(world.sealed(PASSWORD));
        let certificates = issued(world.first(&first));
        let [login, signature] =
            [0, 1].map(|index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap());
        Self { world, login, signature }
    }

    /// `None`: the CA died.
    fn end(&self, ca: &Ca, road: Road, told: &str) -> Option<Ended> {
        let (serial, reason) = (self.signature.serial(), RevocationReason::KeyCompromise);
        if road == Road::Operator {
            return match ca.revocations().unwrap().by_operator(serial, reason, now()) {
                Ok(()) => Some(Ended::Now),
                Err(StatusError::Revoked(_)) => Some(Ended::Already),
                Err(StatusError::Store(StoreError::Stopped)) => None,
                Err(error) => panic!("{told}: {error}"),
            };
        }
        let asked = AskedRevocation { serial, reason, password: &secret(PASSWORD) };
        let peer = (road == Road::LoggedIn).then_some(&self.login.certificate);
        match ca.revoke(&asked, peer, now()) {
            Ok(()) => Some(Ended::Now),
            Err(CaError::Refused(Refusal::RevokedAlready { .. })) => Some(Ended::Already),
            Err(CaError::Store(StoreError::Stopped)) => None,
            Err(error) => panic!("{told}: {error}"),
        }
    }

    fn is_ended(&self) -> bool {
        let status = |one: &IssuedCertificate| self.world.store().status(one.serial()).unwrap();
        assert_eq!(status(&self.login), KeptStatus::Good);
        matches!(status(&self.signature), KeptStatus::Revoked(_))
    }

    /// Who did this, as the audit log has it, which is whole.
    fn actors(&self, event: &str, told: &str) -> Vec<String> {
        let (mut actors, log) = (Vec::new(), AuditLog::new(self.world.store()));
        let each = |record: AuditRecord| {
            if record.event == event {
                actors.push(record.actor);
            }
            true
        };
        log.read(1, each).unwrap();
        // This CA keeps no anchors beside its database.
        assert_eq!(log.verify(&[]).unwrap().findings, [AuditFinding::NoAnchors], "{told}");
        actors
    }

    fn mails(&self, kind: MailKind) -> usize {
        let mails = Outbox::new(Arc::new(self.world.store())).list(None, 100).unwrap();
        mails.iter().filter(|mail| mail.kind == kind).count()
    }

    /// Whether it opens both certificates of the order; one does whenever the other does.
    fn opens(&self, password: &Secret) -> bool {
        let first = self.world.ca.first().unwrap();
        let opens = |one: &IssuedCertificate| {
            let checked = first.revocation_passwords().check_logged_in(one.serial(), password, now());
            assert!(matches!(checked, Ok(()) | Err(CaError::Refused(Refusal::WrongRevocationPassword))), "{checked:?}");
            checked.is_ok()
        };
        let opens = [opens(&self.login), opens(&self.signature)];
        assert_eq!(opens[0], opens[1]);
        opens[0]
    }

    /// How many wrong passwords are compared before the next one has to wait.
    fn guesses(&self, road: Road) -> usize {
        let (first, serial, wrong) =
            (self.world.ca.first().unwrap(), self.signature.serial(), secret("something else entirely"));
        let passwords = first.revocation_passwords();
        let guess = |_: &usize| {
            let refused = match road {
                Road::LoggedIn => passwords.check_logged_in(serial, &wrong, now()),
                _ => passwords.check(serial, &wrong, now()),
            };
            match refused {
                Err(CaError::Refused(Refusal::WrongRevocationPassword)) => true,
                Err(CaError::Refused(Refusal::PasswordSlowed { .. })) => false,
                other => panic!("{other:?}"),
            }
        };
        (0..100).take_while(guess).count()
    }
}

fn secret(text: &str) -> Secret {
    Secret::from_bytes(text.as_bytes()).unwrap()
}

#[test]
fn killed_at_each_write_of_a_revocation_it_ends_once_and_no_guess_is_lost() {
    for (road, actor, writes) in [
        (Road::Operator, "user ", 1),
        (Road::LoggedIn, "holder, logged in, by password", 3),
        (Road::PasswordAlone, "holder, by password alone", 3),
    ] {
        let (place, life) = (Place::new(), Life::forever());
        assert_eq!(place.end(&place.world.observed(&life), road, "unharmed"), Some(Ended::Now));
        let (points, guesses) = (life.passed(), place.guesses(road));
        assert_eq!((points.len(), guesses > 0), (2 * writes, true), "{points:?}");
        for (at, point) in points.iter().enumerate() {
            let told = format!("{road:?}: killed {point} (point {at})");
            let (place, life) = (Place::new(), Life::until(at));
            assert_eq!(place.end(&place.world.observed(&life), road, &told), None, "{told}");
            assert_eq!(life.passed().last(), Some(point), "{told}");

            let was_ended = place.is_ended();
            assert_eq!(was_ended, at == points.len() - 1, "{told}");
            let heard = (place.actors("revoked", &told).len(), place.mails(MailKind::Revoked));
            assert_eq!(heard, if was_ended { (1, 1) } else { (0, 0) }, "{told}");
            let again = if was_ended { Ended::Already } else { Ended::Now };
            assert_eq!(place.end(&place.world.observed(&Life::forever()), road, &told), Some(again), "{told}");
            assert!(place.is_ended(), "{told}");
            let actors = place.actors("revoked", &told);
            assert!(actors.len() == 1 && actors[0].starts_with(actor), "{told}: {actors:?}");
            assert_eq!(place.mails(MailKind::Revoked), 1, "{told}");
            assert_eq!(place.guesses(road), guesses, "{told}");
        }
    }
}

/// Its paper may never have been printed: then the one before is dead too, the holder hears so by mail, and the operator makes another.
#[test]
fn killed_at_each_write_of_another_revocation_password_the_old_one_opens_or_the_operator_makes_one_that_does() {
    let replace = |place: &Place, life: &Arc<Life>| {
        let ca = place.world.observed(life);
        let replaced = ca.first().unwrap().revocation_passwords().replace(place.signature.serial(), &English, now());
        replaced.map(|replaced| replaced.password.secret())
    };
    let event = "revocation-password-replaced";
    let (place, life) = (Place::new(), Life::forever());
    assert!(place.opens(&replace(&place, &life).unwrap()) && !place.opens(&secret(PASSWORD)));
    let points = life.passed();
    assert_eq!(points.len(), 2, "{points:?}");
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let place = Place::new();
        let died = replace(&place, &Life::until(at)).err();
        assert!(matches!(died, Some(FirstError::Store(StoreError::Stopped))), "{told}: {died:?}");

        let was_replaced = usize::from(at == points.len() - 1);
        assert_eq!(place.opens(&secret(PASSWORD)), was_replaced == 0, "{told}");
        let heard = (place.actors(event, &told).len(), place.mails(MailKind::RevocationPassword));
        assert_eq!(heard, (was_replaced, was_replaced), "{told}");
        let password = replace(&place, &Life::forever()).unwrap();
        assert!(place.opens(&password) && !place.opens(&secret(PASSWORD)), "{told}");
        let heard = (place.actors(event, &told).len(), place.mails(MailKind::RevocationPassword));
        assert_eq!(heard, (was_replaced + 1, was_replaced + 1), "{told}");
    }
}

/// A password that nobody saw orders nothing: the next one does, and it alone.
#[test]
fn killed_at_each_write_of_a_one_time_password_the_operator_issues_another_and_that_one_orders() {
    let hand_over = |world: &World, life: &Arc<Life>| {
        let ca = world.observed(life);
        let desk = ca.first().unwrap();
        desk.hand_over(desk.enter(&subject(USER, "main"), now())?, &English, now())
    };
    let life = Life::forever();
    hand_over(&World::automatic(), &life).unwrap();
    let points = life.passed();
    assert_eq!(points.len(), 6, "{points:?}");
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let world = World::automatic();
        let died = hand_over(&world, &Life::until(at)).err();
        assert!(matches!(died, Some(FirstError::Store(StoreError::Stopped))), "{told}: {died:?}");
        let password = hand_over(&world, &Life::forever()).unwrap();
        let of_jana = world.ca.first().unwrap().list(10).unwrap();
        // The one that nobody saw is ended, where it came to be.
        assert_eq!(of_jana.len(), if at < 3 { 1 } else { 2 }, "{told}");
        assert_eq!(issued(world.first(&First::of(&password, 1))).len(), 2, "{told}");
        let mails = Outbox::new(Arc::new(world.store())).list(None, 10).unwrap();
        assert!(mails.iter().all(|mail| mail.kind == MailKind::UserId), "{told}");
        assert_eq!(mails.len(), if at < 5 { 1 } else { 2 }, "{told}");
    }
}
