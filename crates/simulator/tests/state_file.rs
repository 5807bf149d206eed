//! The state file: survives restarts, is replaced whole, and is not trusted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use obnova_profile::{KeyRole, Label, LifeCycle, PasswordReference, PasswordState, TransportPinModel, command};
use obnova_simulator::{Card, Fault, FaultPlan, Personalisation, PersonalisationError, StateFileError, Torn};
use support::{AUTHENTICATION, Host, personalisation, slot};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("card.json")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn label() -> Label {
    Label::new("Key").unwrap()
}

#[test]
fn a_card_is_after_a_restart_what_it_was_before() {
    let place = Place::new();
    let mut card = personalisation().create(place.file()).unwrap();
    let key = card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::Rsa2048, &label()).unwrap();
    let other = card.personalise_key(slot(2), KeyRole::Signature, KeyAlgorithm::P384, &label()).unwrap();
    card.personalise_certificate(slot(1), &[0x30, 1, 5], &label()).unwrap();
    card.refused(command::verify(PasswordReference::SignaturePin, b"0000"), 0x63C2);
    let (status, directory) = (card.status(), card.directory().unwrap());
    drop(card);

    let mut card = Card::open(place.file()).unwrap();
    assert_eq!((card.status(), card.directory().unwrap()), (status, directory));
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    let hash = Digest::Sha256.of(b"message");
    card.ok(command::set_signature(slot(1), SignatureAlgorithm::RsaPss(Digest::Sha256)));
    let signature = card.ok(command::sign(hash.as_bytes()));
    verify_digest(&key, SignatureAlgorithm::RsaPss(Digest::Sha256), &hash, &signature).unwrap();
    let template = obnova_profile::PublicKeyTemplate::decode(&card.ok(command::read_public_key(slot(2)))).unwrap();
    assert_eq!(template.to_spki().unwrap(), other);
    card.ok(command::delete_key(slot(1)));
    drop(card);
    assert_eq!(Card::open(place.file()).unwrap().status().slots[0].key, None);
    assert_eq!(place.names(), ["card.json"], "no temporary file is left");
}

#[test]
fn what_is_torn_is_in_the_file_as_in_the_card() {
    let place = Place::new();
    let mut card = personalisation().create(place.file()).unwrap();
    card.set_faults(FaultPlan::new().at(1, Fault::TearInside));
    assert_eq!(card.try_send(command::verify(PasswordReference::CONTENT, AUTHENTICATION)), Err(Torn));
    drop(card);
    let status = Card::open(place.file()).unwrap().status();
    assert_eq!(status.password(PasswordReference::CONTENT).unwrap().state, PasswordState::Active { left: 2 });
}

#[test]
fn a_card_is_in_one_place_at_a_time() {
    let place = Place::new();
    let mut card = personalisation().create(place.file()).unwrap();
    let in_use = Card::open(place.file()).unwrap_err();
    assert!(matches!(in_use, StateFileError::InUse { .. }));
    if cfg!(target_os = "linux") {
        assert!(in_use.to_string().contains(&format!("(process {})", std::process::id())), "{in_use}");
    }
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    assert!(
        matches!(Card::open(place.file()), Err(StateFileError::InUse { .. })),
        "the file was replaced, the lock stays"
    );
    drop(card);
    let card = Card::open(place.file()).unwrap();
    assert!(matches!(Card::open(place.file()), Err(StateFileError::InUse { .. })));
    drop(card);
    assert!(Card::open(place.file()).is_ok());
}

#[test]
fn an_activation_goes_on_after_a_restart() {
    use PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
    let values = [(AuthenticationPin, &b"1111"[..]), (SignaturePin, b"2222"), (Puk, b"333333")];
    for model in [TransportPinModel::Separate, TransportPinModel::InPlace] {
        let place = Place::new();
        drop(Personalisation::new("OBN1").inactive(model, b"700700").create(place.file()).unwrap());
        for (password, value) in values {
            let mut card = Card::open(place.file()).unwrap();
            assert_eq!(card.status().life_cycle, LifeCycle::Inactive);
            if model == TransportPinModel::Separate {
                card.ok(command::verify(TransportPin, b"700700"));
                card.ok(command::set_password(password, value));
            } else {
                card.ok(command::change_password(password, b"700700", value));
            }
        }
        let mut card = Card::open(place.file()).unwrap();
        if model == TransportPinModel::Separate {
            card.ok(command::verify(TransportPin, b"700700"));
            card.ok(command::activate());
        }
        drop(card);
        let mut card = Card::open(place.file()).unwrap();
        assert_eq!(card.status().life_cycle, LifeCycle::Active);
        card.ok(command::verify(AuthenticationPin, b"1111"));
        card.ok(command::unblock_password(SignaturePin, b"333333", b"4444"));
    }
}

/// The directory file is the host's: whatever a host has written, the card is still a card.
#[test]
fn a_card_with_a_spoiled_directory_can_be_opened() {
    let place = Place::new();
    let mut card = personalisation().create(place.file()).unwrap();
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.ok(command::update_directory(vec![0x5A; 100]));
    assert!(card.directory().is_err());
    drop(card);
    assert!(Card::open(place.file()).unwrap().directory().is_err());
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mode = || fs::metadata(place.file()).unwrap().permissions().mode() & 0o777;
    let mut card = personalisation().create(place.file()).unwrap();
    assert_eq!(mode(), 0o600);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    assert_eq!(mode(), 0o600);
}

#[test]
fn no_password_stands_in_the_file() {
    let place = Place::new();
    drop(Personalisation::new("OBN1").active(b"48151623", b"42481516", b"23424815").create(place.file()).unwrap());
    let text = fs::read_to_string(place.file()).unwrap();
    for secret in ["48151623", "42481516", "23424815"] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(secret) && !text.contains(&hex));
    }
}

#[test]
fn a_card_that_is_there_is_not_made_again() {
    let place = Place::new();
    drop(personalisation().create(place.file()).unwrap());
    let before = fs::read(place.file()).unwrap();
    let again = personalisation().create(place.file());
    assert!(
        matches!(again, Err(PersonalisationError::File(StateFileError::Io { error, .. })) if error.kind() == std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

/// A card that could not write its counter would compare for nothing.
#[test]
fn a_card_that_cannot_write_neither_compares_nor_changes() {
    let place = Place::new();
    let inside = place.0.path().join("gone");
    fs::create_dir(&inside).unwrap();
    let mut card = personalisation().create(inside.join("card.json")).unwrap();
    fs::remove_dir_all(&inside).unwrap();
    let before = card.status();
    card.refused(command::verify(PasswordReference::CONTENT, AUTHENTICATION), 0x6581);
    card.refused(command::generate(slot(1), KeyRole::Signature, KeyAlgorithm::P256).unwrap(), 0x6982);
    card.refused(command::change_password(PasswordReference::CONTENT, AUTHENTICATION, b"9999"), 0x6581);
    assert_eq!(card.status(), before);
}

fn open(path: &Path, content: &[u8]) -> Result<Card, StateFileError> {
    fs::write(path, content).unwrap();
    Card::open(path)
}

#[test]
fn a_file_cut_anywhere_is_no_card() {
    let place = Place::new();
    let mut card = personalisation().slots(6).create(place.file()).unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label()).unwrap();
    drop(card);
    let whole = fs::read(place.file()).unwrap();
    let copy = place.0.path().join("copy");
    for end in (0..whole.len()).step_by(7) {
        assert!(matches!(open(&copy, &whole[..end]), Err(StateFileError::Malformed { .. })), "{end}");
    }
    assert!(matches!(open(&copy, &[&whole[..], b"x"].concat()), Err(StateFileError::Malformed { .. })));
    assert!(open(&copy, &whole).is_ok());
}

#[test]
fn a_bent_file_is_no_card_or_a_sound_one() {
    let place = Place::new();
    let mut card = personalisation().slots(6).create(place.file()).unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label()).unwrap();
    drop(card);
    let whole = fs::read(place.file()).unwrap();
    let copy = place.0.path().join("copy");
    let mut refused = 0;
    // Every place but the long run of zeros in the directory.
    let zeros = whole.windows(64).position(|window| window == [b'0'; 64]).unwrap();
    for at in (0..zeros).chain(whole.len() - 300..whole.len()) {
        let mut bent = whole.clone();
        bent[at] = [b'9', b'}', b'"', 0xFF][at % 4];
        match open(&copy, &bent) {
            Ok(mut card) => _ = card.select(),
            Err(StateFileError::Malformed { .. } | StateFileError::Version { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn what_is_no_card_is_named() {
    let place = Place::new();
    let copy = place.0.path().join("copy");
    let detail = |content: &[u8]| match open(&copy, content) {
        Err(StateFileError::Malformed { detail, .. }) => detail,
        other => panic!("{other:?}"),
    };
    assert!(detail(br#"{"format":"passwords","version":1}"#).contains("another program"));
    assert!(detail(&vec![b' '; (4 << 20) + 1]).contains("too large"));
    detail(b"");
    detail(&[0xFF; 1000]);
    detail(&b"[".repeat(100_000));
    detail(br#"{"format":"obnova simulated card","version":1,"card":{}}"#);
    let later = open(&copy, br#"{"format":"obnova simulated card","version":2,"card":{}}"#);
    assert!(matches!(later, Err(StateFileError::Version { version: 2, .. })));
    assert!(matches!(Card::open(place.0.path().join("none")), Err(StateFileError::Io { .. })));
}

/// A card that told of it would not be understood: nobody knew how long the transport PIN is.
#[test]
fn a_transport_pin_in_the_place_of_a_password_has_a_value() {
    let place = Place::new();
    drop(Personalisation::new("1").inactive(TransportPinModel::InPlace, b"700700").create(place.file()).unwrap());
    let file: serde_json::Value = serde_json::from_slice(&fs::read(place.file()).unwrap()).unwrap();
    let copy = place.0.path().join("copy");
    assert!(open(&copy, file.to_string().as_bytes()).is_ok());
    for password in 0..3 {
        let mut without = file.clone();
        without["card"]["passwords"][password]["value"] = serde_json::Value::Null;
        let opened = open(&copy, without.to_string().as_bytes());
        assert!(matches!(opened, Err(StateFileError::Malformed { .. })), "{password}: {opened:?}");
    }
}

/// A key in the wrong place is wrong, and stays a key.
#[test]
fn what_is_wrong_with_a_file_is_told_without_what_stands_in_it() {
    let place = Place::new();
    let mut card = personalisation().create(place.file()).unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label()).unwrap();
    drop(card);
    let mut file: serde_json::Value = serde_json::from_slice(&fs::read(place.file()).unwrap()).unwrap();
    let private = file["card"]["slots"][0]["key"]["private"].clone();
    let key = private.as_str().unwrap().to_owned();
    let copy = place.0.path().join("copy");
    let is_hidden = |file: &serde_json::Value| {
        let error = open(&copy, file.to_string().as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&key[..16]), "{error}");
    };
    file["card"]["slots"][0]["key"] = private.clone();
    is_hidden(&file);
    file["card"]["slots"][0]["key"] = serde_json::json!({ key.as_str(): 1 });
    is_hidden(&file);
    file["version"] = private;
    is_hidden(&file);
}

#[test]
fn values_that_do_not_follow_the_profile_are_refused() {
    let new = Personalisation::new;
    let refused = |personalisation: Personalisation| personalisation.finish().unwrap_err();
    assert!(matches!(refused(new("").active(b"1234", b"1234", b"123456")), PersonalisationError::Serial));
    assert!(matches!(refused(new("12345678901234567")), PersonalisationError::Serial));
    assert!(matches!(refused(personalisation().label("x".repeat(33))), PersonalisationError::Label));
    assert!(matches!(refused(personalisation().slots(5)), PersonalisationError::Slots { slots: 5 }));
    assert!(matches!(refused(personalisation().slots(15)), PersonalisationError::Slots { slots: 15 }));
    assert!(matches!(refused(personalisation().tries(PasswordReference::Puk, 0)), PersonalisationError::Tries));
    let reference = |error| match error {
        PersonalisationError::Password { reference, .. } => reference,
        other => panic!("{other}"),
    };
    assert_eq!(reference(refused(new("1").active(b"123", b"1234", b"123456"))), PasswordReference::AuthenticationPin);
    assert_eq!(reference(refused(new("1").active(b"1234", b"123456789", b"123456"))), PasswordReference::SignaturePin);
    assert_eq!(reference(refused(new("1").active(b"1234", b"1234", b"12345"))), PasswordReference::Puk);
    assert_eq!(reference(refused(new("1"))), PasswordReference::TransportPin);
    for (model, value) in [
        (TransportPinModel::InPlace, &b"12345"[..]),
        (TransportPinModel::MustChange, b"12345"),
        (TransportPinModel::FiveDigits, b"123456"),
        (TransportPinModel::SingleUse, b"1234"),
        (TransportPinModel::Empty, b"12345"),
        (TransportPinModel::Null, &TransportPinModel::NULL_PIN),
    ] {
        assert_eq!(reference(refused(new("1").inactive(model, value))), PasswordReference::TransportPin, "{model:?}");
    }
}
