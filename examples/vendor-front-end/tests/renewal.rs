//! A renewal at the vendor's front end, from the first window to the last.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, SystemTime};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use obnova_card::{KeyRole, PasswordKind, Pin, Secret, SignDigest};
use obnova_client::{
    FileJournal, PromptError, RunError, Runner, Turn, look,
    renewal::{Plan, Reason},
};
use obnova_vendor_front_end::{Holder, Screens, Trouble, demo, demo::Pocket, house_policy};
use support::{Play, files};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

#[test]
fn two_new_certificates_sign_and_the_old_pair_stays_superseded() {
    let mut play = Play::set();
    demo::play(&play.scene, &mut play.shown).unwrap();

    let slots = play.slots();
    let roles: Vec<_> = slots.iter().map(|slot| slot.key.as_ref().unwrap().role).collect();
    assert_eq!(roles, [KeyRole::Authentication, KeyRole::Signature].repeat(2));
    for (index, slot) in slots.iter().enumerate() {
        let (key, [entry]) = (slot.key.as_ref().unwrap(), slot.certificates.as_slice()) else { panic!("{slot:?}") };
        assert!(entry.fits_key);
        assert_eq!(entry.superseded, index < 2, "{entry:?}");
        assert_eq!(key.algorithm, if index < 2 { KeyAlgorithm::Rsa2048 } else { KeyAlgorithm::P256 });
    }
    assert_eq!(slots[2].certificates[0].label.split(' ').next(), Some("Přihlášení"));

    let digest = Digest::Sha256.of(b"a letter");
    for slot in &slots[2..] {
        let pin = match slot.key.as_ref().unwrap().password {
            PasswordKind::SignaturePin => "567890",
            _ => "1234",
        };
        let job = SignDigest { slot: slot.id, algorithm: ECDSA, digest };
        let signed = play.scene.token.lock().unwrap().sign(&[job], &Pin::new(Secret::from(pin))).unwrap();
        let certificate = slot.certificates[0].certificate.as_ref().unwrap();
        assert_eq!(certificate.issuer(), play.scene.office.root().subject());
        assert!(certificate.is_signed_by(play.scene.office.root().public_key()));
        verify_digest(certificate.public_key(), ECDSA, &digest, &signed[0]).unwrap();
    }
}

#[test]
fn no_pin_is_written_anywhere_or_shown() {
    let mut play = Play::set();
    demo::play(&play.scene, &mut play.shown).unwrap();
    let mut written: Vec<_> = files(play.directory.path()).iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(written.len() > 10);
    written.push(play.shown.clone());
    // The other PIN has four digits, which a serial number may have as well.
    assert!(written.iter().all(|bytes| !bytes.windows(6).any(|window| window == b"567890")));
    assert!(play.text().contains("PIN pro podpis » ••••••\n"));
}

#[test]
fn a_slip_of_the_finger_is_told_and_forgiven() {
    let mut play = Play::set();
    let mut ca = play.scene.connection();
    assert!(matches!(play.renew_with(&mut ca, &["9999"]).unwrap(), Turn::Waits(_)));
    assert!(play.text().contains("PIN pro přihlašování nebyl správný; zbývající pokusy: 2."), "{}", play.text());
}

#[test]
fn who_comes_too_early_is_told_when_to_come() {
    let mut play = Play::set();
    demo::play(&play.scene, &mut play.shown).unwrap();
    let Err(Trouble::NotEligible(refused)) = play.renew() else { panic!("it was renewed twice") };
    assert!(matches!(refused.reasons.as_slice(), [Reason::NotDue { .. }]), "{refused}");
    assert!(play.text().contains("Na obnovení je ještě čas: začít se dá od"));
}

/// A person who types one PIN and goes home.
struct GoesHome(Option<Secret>);

impl Holder for GoesHome {
    fn types(&mut self, _password: PasswordKind) -> Option<Secret> {
        self.0.take()
    }
    fn agrees(&mut self) -> bool {
        true
    }
}

#[test]
fn who_comes_back_after_the_end_is_not_held_by_what_was_begun() {
    let play = Play::set();
    let (mut ca, mut shown) = (play.scene.connection(), Vec::new());
    let mut visit = |pin: Option<&str>, clock: &'static dyn Fn() -> SystemTime| {
        let mut holder = GoesHome(pin.map(Secret::from));
        play.scene.at_the_window(&mut ca, &mut holder, &mut shown, |front_end| {
            front_end.clock = clock;
            front_end.renew()
        })
    };
    let cancelled = visit(Some("1234"), &SystemTime::now);
    assert!(matches!(cancelled, Err(Trouble::Run(RunError::Prompt(PromptError::Cancelled)))), "{cancelled:?}");
    // Still in time: it goes on with what was begun, and needs the next PIN.
    assert!(matches!(visit(None, &SystemTime::now), Err(Trouble::Run(RunError::Prompt(PromptError::Cancelled)))));
    let late = visit(Some("1234"), &|| SystemTime::now() + Duration::from_secs(21 * 24 * 3600));
    let Err(Trouble::NotEligible(refused)) = late else { panic!("{late:?}") };
    assert!(refused.reasons.iter().any(|reason| matches!(reason, Reason::Expired { .. })), "{refused}");
    assert!(String::from_utf8(shown).unwrap().contains("přijďte prosím na registrační místo"));
}

#[test]
fn a_window_can_be_closed_after_any_step() {
    let mut steps = 0;
    while !closed_after(steps) {
        steps += 1;
    }
    assert!(steps > 15, "{steps}");
}

/// Renews with one window that is closed after so many steps, and another one later; says whether the first was enough.
fn closed_after(steps: usize) -> bool {
    let mut play = Play::set();
    let enough = first_window(&mut play, steps);
    let mut turn = play.renew();
    for _ in 0..2 {
        if matches!(turn, Ok(Turn::Waits(_))) {
            play.office_day();
            turn = play.renew();
        }
    }
    match turn {
        Ok(Turn::Done(_)) if !enough => {}
        // What was done is not done again.
        Err(Trouble::NotEligible(_)) if enough => {}
        other => panic!("after {steps} steps: {other:?}"),
    }
    let slots = play.slots();
    assert_eq!(slots.len(), 4, "after {steps} steps");
    assert!(slots.iter().enumerate().all(|(index, slot)| slot.certificates[0].superseded == (index < 2)));
    assert_eq!(play.scene.office.issued().unwrap(), 2, "after {steps} steps");
    enough
}

/// As the front end does it, one step at a time; the office answers whenever it is waited for.
fn first_window(play: &mut Play, steps: usize) -> bool {
    let journals = play.directory.path().join("journals");
    let mut journal = FileJournal::create(&journals, "renewal-0").unwrap();
    let card = look(play.scene.token.lock().unwrap().as_mut()).unwrap();
    let plan = house_policy::named(Plan::make(&card, &house_policy::policy(), SystemTime::now()).unwrap());
    let (mut ca, mut holder, mut shown) = (play.scene.connection(), Pocket::default(), Vec::new());
    let mut begun = Some(plan);
    let mut taken = 0;
    loop {
        let mut screens = Screens::new(&mut shown, &mut holder);
        let seams = obnova_client::Seams {
            token: Some(play.scene.token.clone()),
            ca: &mut ca,
            prompt: &mut screens,
            journal: &mut journal,
            login: None,
            clock: &SystemTime::now,
        };
        let mut runner = match begun.take() {
            Some(plan) => Runner::begin(seams, "renewal-0", plan).unwrap(),
            None => Runner::resume(seams).unwrap(),
        };
        while taken < steps {
            match runner.step().unwrap() {
                Turn::Went => taken += 1,
                Turn::Waits(_) => break,
                Turn::Done(_) => return true,
                Turn::Failed(failure) => panic!("{failure}"),
            }
        }
        if taken == steps {
            return runner.process().stage().is_end();
        }
        drop(runner);
        play.office_day();
    }
}
