//! A holder who has a certificate without a revocation password, as out of plain EST, sets one when he is logged in with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{
    DAY, World,
    first::{First, USER, automatic, issue},
    issued,
    life::Life,
    now,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AskedPassword, AskedRevocation, AuditFinding, AuditLog, AuditRecord, Ca, CaError, IssuedCertificate, MailKind,
    Outbox, Refusal, StoreError,
};
use obnova_enroll::{
    Secret,
    cmc::{CertificateId, SealedPassphrase},
};
use obnova_status::RevocationReason;
use x509_cert::der::Encode;

const PASSWORD: &str = "planted revocation password";
const ANOTHER: &str = "quite another pass phrase";

/// Jana has a pair, and no revocation password.
struct Place {
    world: World,
    /// That holders end certificates with.
    ca: Ca,
    login: IssuedCertificate,
    signature: IssuedCertificate,
}

impl Place {
    fn new() -> Self {
        let world = World::with(&automatic(), KeyAlgorithm::P256);
        let certificates = issued(world.first(&First::of(&issue(&world.ca, USER, "main", now()), 1)));
        let [login, signature] =
            [0, 1].map(|index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap());
        let ca = world.observed(&Life::forever());
        Self { world, ca, login, signature }
    }

    fn set(&self, new: &str, old: Option<&str>) -> &'static str {
        self.set_at(&self.ca, new, old).expect("the CA lives")
    }

    /// At another time.
    fn set_when(&self, new: &str, old: Option<&str>, moment: SystemTime) -> &'static str {
        self.ask(&self.ca, new, old, moment).expect("the CA lives")
    }

    /// The name of the rule that is broken, or "done"; `None`: the CA died.
    fn set_at(&self, ca: &Ca, new: &str, old: Option<&str>) -> Option<&'static str> {
        self.ask(ca, new, old, now())
    }

    fn ask(&self, ca: &Ca, new: &str, old: Option<&str>, moment: SystemTime) -> Option<&'static str> {
        let old = old.map(|old| self.sealed_for(&self.login, old));
        let new = self.world.sealed(new);
        match ca.set_revocation_password(
            &AskedPassword { new: &new, old: old.as_ref() },
            &self.login.certificate,
            moment,
        ) {
            Ok(serials) => {
                assert!(serials.contains(&self.login.serial().to_vec()) && serials.len() >= 2, "{serials:?}");
                Some("done")
            }
            Err(CaError::Refused(refusal)) => Some(refusal.name()),
            Err(CaError::Store(StoreError::Stopped)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn sealed_for(&self, certificate: &IssuedCertificate, password: &str) -> SealedPassphrase {
        let subject = certificate.certificate.tbs_certificate();
        let id = CertificateId { issuer: subject.issuer().clone(), serial: subject.serial_number().clone() };
        let ca = self.world.ca.first().unwrap().encryption_certificate().unwrap();
        SealedPassphrase::seal(&secret(password), &id, ca).unwrap()
    }

    /// Who is logged in guesses the password, to revoke, and is wrong.
    fn guess(&self, moment: SystemTime) {
        let password = &secret("a guess at it");
        let asked = AskedRevocation { serial: self.signature.serial(), reason: RevocationReason::Superseded, password };
        let refused = self.ca.revoke(&asked, Some(&self.login.certificate), moment);
        assert!(matches!(refused, Err(CaError::Refused(Refusal::WrongRevocationPassword))), "{refused:?}");
    }

    /// Wrong guesses by who is logged in that are counted.
    fn guesses(&self) -> u32 {
        let database = rusqlite::Connection::open(self.world.directory.path().join("ca.db")).unwrap();
        database.query_row("SELECT login_guesses FROM revocation_passwords", [], |row| row.get(0)).unwrap()
    }

    /// Whether it opens both certificates of the order; one does whenever the other does.
    fn opens(&self, password: &str) -> bool {
        let passwords = self.world.ca.first().unwrap();
        let opens = [&self.login, &self.signature].map(|one| {
            // Anybody's guesses are counted apart from those of who is logged in.
            passwords.revocation_passwords().check(one.serial(), &secret(password), now() + DAY).is_ok()
        });
        assert_eq!(opens[0], opens[1]);
        opens[0]
    }

    fn records(&self) -> Vec<(String, String)> {
        self.records_of("revocation-password-set")
    }

    fn records_of(&self, event: &str) -> Vec<(String, String)> {
        let (mut records, log) = (Vec::new(), AuditLog::new(self.world.store()));
        let each = |record: AuditRecord| {
            if record.event == event {
                records.push((record.actor, record.detail));
            }
            true
        };
        log.read(1, each).unwrap();
        assert_eq!(log.verify(&[]).unwrap().findings, [AuditFinding::NoAnchors]);
        records
    }

    fn mails(&self) -> Vec<String> {
        let mails = Outbox::new(Arc::new(self.world.store())).list(None, 100).unwrap();
        let about = mails.into_iter().filter(|mail| mail.kind == MailKind::RevocationPassword);
        about.map(|mail| mail.subject).collect()
    }
}

fn secret(text: &str) -> Secret {
    Secret::from_bytes(text.as_bytes()).unwrap()
}

#[test]
fn he_sets_one_where_there_is_none_and_another_only_with_the_one_that_stands() {
    let place = Place::new();
    assert_eq!(place.set("short", None), "short-password");
    assert_eq!(place.set(&"ab".repeat(20), None), "plain-password");
    assert_eq!((place.opens(PASSWORD), place.records().len(), place.mails().len()), (false, 0, 0));
    assert_eq!(place.set(PASSWORD, None), "done");
    assert!(place.opens(PASSWORD));
    // The answer may have been lost.
    assert_eq!(place.set(PASSWORD, Some(ANOTHER)), "done");
    assert_eq!(place.records().len(), 1);

    assert_eq!(place.set(ANOTHER, Some(PASSWORD)), "done");
    assert_eq!((place.opens(PASSWORD), place.opens(ANOTHER)), (false, true));
    assert_eq!(place.set(PASSWORD, Some("a guess at it")), "wrong-revocation-password");
    assert_eq!((place.opens(PASSWORD), place.opens(ANOTHER)), (false, true));
    let records = [("holder, logged in", "there was none"), ("holder, logged in", "")];
    assert_eq!(place.records(), records.map(|(actor, detail)| (actor.to_owned(), detail.to_owned())));
    assert_eq!(place.mails().len(), 2);

    // It ends the other certificate of the order.
    let asked = AskedRevocation {
        serial: place.signature.serial(),
        reason: RevocationReason::Superseded,
        password: &secret(ANOTHER),
    };
    place.ca.revoke(&asked, Some(&place.login.certificate), now()).unwrap();
}

/// Whoever hears no answer asks again, and may have to wait, but never hears that anything is wrong. What was set opens, in the place of
/// the old one too.
#[test]
fn who_heard_no_answer_asks_again_until_he_does() {
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    let again = [(); 4].map(|()| place.set(ANOTHER, Some(PASSWORD)));
    assert_eq!(again, ["done", "done", "done", "password-slowed"]);
    assert!(place.opens(ANOTHER));
    let later = |times| now() + Duration::from_secs(2 * 3600) * times;
    for times in 1..20 {
        let told = place.set_when(ANOTHER, Some(PASSWORD), later(times));
        assert_eq!((told, place.guesses()), ("done", 4 + 2 * times));
    }
    // Who was told that one stands gives the one that he picked a moment before.
    assert_eq!(place.set_when(ANOTHER, Some(ANOTHER), later(20)), "done");
    assert!(place.opens(ANOTHER) && place.guesses() == 0);
    assert_eq!((place.records().len(), place.mails().len()), (2, 2), "each was set once, and told once");
}

/// As often as that: the same moment after the last guess as if one had come after the other, and a record where others begin to wait.
#[test]
fn two_that_are_compared_at_once_are_two_guesses() {
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    assert_eq!(place.set(ANOTHER, Some("a guess at it")), "wrong-revocation-password");
    assert_eq!(place.set(ANOTHER, Some("another guess")), "wrong-revocation-password");
    assert_eq!(place.guesses(), 4);
    // 30 seconds after the third, and 60 after the fourth.
    let at = |seconds| place.set_when(ANOTHER, Some(PASSWORD), now() + Duration::from_secs(seconds));
    assert_eq!([at(89), at(90)], ["password-slowed", "done"]);
    let slowed = ("client".to_owned(), "3 wrong guesses, by the holder, logged in".to_owned());
    assert_eq!(place.records_of("revocation-slowed"), [slowed]);
}

/// Each password that is compared is a guess by who is logged in, counted as any other of his, and nobody else waits for it.
#[test]
fn who_has_the_card_and_its_pin_guesses_no_password_by_setting_one() {
    let (wrong, stands, slowed) = ("wrong-revocation-password", "revocation-password-stands", "password-slowed");
    // Three comparisons are free: the new one is one, and the old one is one.
    let (with, without) = (Some("a guess at it"), None);
    for (olds, wanted) in [
        ([with, without, with, without, with], [wrong, stands, wrong, slowed, slowed]),
        ([without, with, without, with, without], [stands, wrong, slowed, slowed, slowed]),
        ([with; 5], [wrong, wrong, slowed, slowed, slowed]),
    ] {
        let place = Place::new();
        assert_eq!(place.set(PASSWORD, None), "done");
        assert_eq!(olds.map(|old| place.set(ANOTHER, old)), wanted, "{olds:?}");
        assert_eq!(place.set(PASSWORD, None), slowed, "the right one too");
        assert_eq!(place.set(ANOTHER, Some(PASSWORD)), slowed, "the right one too");
        assert!(place.opens(PASSWORD));
    }
}

/// Who does not give the old one need not know that there is one: whatever was guessed before, what he sends costs no wait, and is
/// compared no oftener than is free.
#[test]
fn who_does_not_give_the_old_one_waits_only_for_those_who_did() {
    let free = 3;
    for guessed in 0..=12_u32 {
        let place = Place::new();
        assert_eq!(place.set(PASSWORD, None), "done");
        let mut moment = now();
        for _ in 0..guessed {
            place.guess(moment);
            moment += Duration::from_secs(3600);
        }
        assert_eq!(place.guesses(), guessed);
        // Nobody waits any more. What he asks for is told at once, as often as he asks, and the count stops before the one that would
        // make him wait.
        let told = [(); 5].map(|()| place.set_when(ANOTHER, None, moment));
        assert_eq!(told, ["revocation-password-stands"; 5], "{guessed} wrong guesses");
        assert_eq!(place.guesses(), guessed.max(free - 1), "{guessed} wrong guesses");
        // That it is the one that stands is told only where a guess is left; by the old one it always is.
        assert_eq!(place.set_when(PASSWORD, None, moment), "revocation-password-stands", "{guessed} wrong guesses");
        assert_eq!(place.set_when(ANOTHER, Some(PASSWORD), moment), "done", "{guessed} wrong guesses");
        assert_eq!(place.guesses(), 0);
        // The answer was lost: the new one is the one that stands.
        assert_eq!(place.set_when(ANOTHER, None, moment), "done");
    }
    // While others' guesses, by who had the card too, have him wait, he is told until when, and types nothing for nothing.
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    (0..free).for_each(|_| place.guess(now()));
    assert_eq!([place.set(ANOTHER, None), place.set(ANOTHER, Some(PASSWORD))], ["password-slowed"; 2]);
    assert_eq!(place.guesses(), free);
}

/// Who asks many times at once gets no guess more than who asks one time after the other.
#[test]
fn of_many_at_once_without_the_old_one_no_more_are_compared_than_are_free() {
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    let place = &place;
    let told: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(move || place.set(ANOTHER, None))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!((told, place.guesses()), (vec!["revocation-password-stands"; 8], 2));
    assert_eq!(place.set(ANOTHER, Some(PASSWORD)), "done");
}

/// A CA that was away may come to what was asked before while it is asked again.
#[test]
fn what_is_asked_again_while_it_is_done_is_done() {
    let place = Place::new();
    for times in 0..10 {
        let (old, new) = if times % 2 == 0 { (PASSWORD, ANOTHER) } else { (ANOTHER, PASSWORD) };
        if times == 0 {
            assert_eq!(place.set(old, None), "done");
        }
        // That the last one who repeated it had to wait for is over.
        let moment = now() + Duration::from_secs(3600) * times;
        let told: Vec<_> = std::thread::scope(|scope| {
            let asked = [(); 3].map(|()| scope.spawn(|| place.set_when(new, Some(old), moment)));
            asked.map(|one| one.join().unwrap()).into()
        });
        assert!(told.iter().all(|told| ["done", "password-slowed"].contains(told)), "{told:?}");
        assert!(told.contains(&"done") && place.opens(new) && !place.opens(old), "{told:?}");
        assert_eq!(place.records().len(), 2 + usize::try_from(times).unwrap(), "set once each time");
    }
}

/// Whoever has the envelope that the holder sent once can send it again, and does not know what is in it.
#[test]
fn the_one_that_stands_sent_again_as_the_new_one_makes_no_guess_free() {
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    assert_eq!(place.set(ANOTHER, None), "revocation-password-stands");
    assert_eq!(place.set(PASSWORD, Some("a guess at it")), "done");
    let said = [place.set(ANOTHER, Some("another guess")), place.set(PASSWORD, None)];
    assert_eq!(said, ["password-slowed"; 2]);
    // Who knows the old one begins anew.
    let place = Place::new();
    assert_eq!(place.set(PASSWORD, None), "done");
    assert_eq!([place.set(ANOTHER, None), place.set(ANOTHER, None)], ["revocation-password-stands"; 2]);
    assert_eq!(place.set(ANOTHER, Some(PASSWORD)), "done");
    assert_eq!(place.set(PASSWORD, Some("a guess at it")), "wrong-revocation-password");
}

#[test]
fn only_who_is_logged_in_with_a_certificate_of_an_order_sets_one() {
    let place = Place::new();
    let (ca, new) = (&place.ca, place.world.sealed(PASSWORD));
    let ask = |peer: &IssuedCertificate, old: Option<&SealedPassphrase>, moment| {
        let asked = AskedPassword { new: &new, old };
        match ca.set_revocation_password(&asked, &peer.certificate, moment) {
            Err(CaError::Refused(refusal)) => refusal.name(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(&place.world.old.certificates[0], None, now()), "no-place-for-password");
    assert_eq!(ask(&place.signature, None, now()), "peer-not-for-login");
    assert_eq!(ask(&place.login, None, now() + 400 * DAY), "peer-expired");
    assert_eq!(ask(&place.world.impostor().old.certificates[0], None, now()), "unknown-peer");
    // An envelope for another certificate is none for this one.
    let other = place.sealed_for(&place.signature, PASSWORD);
    assert_eq!(ask(&place.login, Some(&other), now()), "sealed-password");
    let desks = place.world.without_desk();
    let refused =
        desks.set_revocation_password(&AskedPassword { new: &new, old: None }, &place.login.certificate, now());
    assert!(matches!(refused, Err(CaError::Refused(Refusal::NoRevocation))), "{refused:?}");
    assert!(!place.opens(PASSWORD));
    ca.revocations().unwrap().by_operator(place.login.serial(), RevocationReason::Superseded, now()).unwrap();
    assert_eq!(ask(&place.login, None, now()), "peer-revoked");
}

#[test]
fn killed_at_each_write_it_is_set_once_and_told_once() {
    let (place, life) = (Place::new(), Life::forever());
    assert_eq!(place.set(PASSWORD, None), "done");
    let observed = place.world.observed(&life);
    assert_eq!(place.set_at(&observed, ANOTHER, Some(PASSWORD)), Some("done"));
    let points = life.passed();
    assert_eq!(points.len(), 6, "{points:?}");
    for (at, point) in points.iter().enumerate() {
        let told = format!("killed {point} (point {at})");
        let place = Place::new();
        assert_eq!(place.set(PASSWORD, None), "done");
        let ca = place.world.observed(&Life::until(at));
        assert_eq!(place.set_at(&ca, ANOTHER, Some(PASSWORD)), None, "{told}");
        let was_set = usize::from(at == points.len() - 1);
        assert_eq!((place.opens(PASSWORD), place.opens(ANOTHER)), (was_set == 0, was_set == 1), "{told}");
        assert_eq!((place.records().len(), place.mails().len()), (1 + was_set, 1 + was_set), "{told}");
        // The same again, by a program that knows nothing of it.
        assert_eq!(place.set(ANOTHER, Some(PASSWORD)), "done", "{told}");
        assert!(place.opens(ANOTHER), "{told}");
        assert_eq!((place.records().len(), place.mails().len()), (2, 2), "{told}");
    }
}
