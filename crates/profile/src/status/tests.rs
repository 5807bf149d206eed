use super::*;

fn password(reference: PasswordReference, state: PasswordState) -> PasswordRecord {
    PasswordRecord { reference, state, tries: 3, minimum: reference.minimum(), maximum: reference.maximum() }
}

fn status() -> CardStatus {
    let mut slots: Vec<_> = SlotNumber::first(8).map(SlotRecord::empty).collect();
    slots[0].key = Some(KeyRecord { algorithm: KeyAlgorithm::Rsa2048, role: KeyRole::Authentication });
    slots[0].certificates = vec![CertificateFile { file: FileId(0x4301), length: 1234 }];
    slots[1].key = Some(KeyRecord { algorithm: KeyAlgorithm::P384, role: KeyRole::Signature });
    CardStatus {
        version: ProfileVersion::CURRENT,
        life_cycle: LifeCycle::Active,
        serial: "OBN0000000001".to_owned(),
        label: "Jana Nováková".to_owned(),
        limits: Limits::EXTENDED,
        transport_pin: TransportPinModel::Separate,
        algorithms: reference::KEY_ALGORITHMS.to_vec(),
        passwords: vec![
            password(PasswordReference::AuthenticationPin, PasswordState::Active { left: 2 }),
            password(PasswordReference::SignaturePin, PasswordState::Blocked),
            password(PasswordReference::Puk, PasswordState::Transport { left: 1 }),
            password(PasswordReference::TransportPin, PasswordState::Unset),
        ],
        slots,
    }
}

#[test]
fn the_status_round_trips_and_fits_a_short_answer() {
    let status = status();
    assert_eq!(CardStatus::from_fci(&status.to_fci()).unwrap(), status);
    assert_eq!(CardStatus::from_template(&status.to_template()).unwrap(), status);
    assert!(status.to_fci().len() <= 256, "{}", status.to_fci().len());
}

#[test]
fn every_truncation_and_every_longer_answer_is_refused() {
    let fci = status().to_fci();
    for end in 0..fci.len() {
        assert!(CardStatus::from_fci(&fci[..end]).is_err(), "{end}");
    }
    assert!(CardStatus::from_fci(&[&fci[..], &[0]].concat()).is_err());
    assert!(CardStatus::from_fci(&vec![0x6F; 100_000]).is_err());
}

#[test]
fn no_flipped_bit_panics_and_what_is_read_can_be_written() {
    let template = status().to_template();
    for at in 0..template.len() {
        for bit in 0..8 {
            let mut bent = template.clone();
            bent[at] ^= 1 << bit;
            if let Ok(status) = CardStatus::from_template(&bent) {
                assert_eq!(CardStatus::from_template(&status.to_template()).unwrap(), status);
            }
        }
    }
}

fn with(change: impl FnOnce(&mut CardStatus)) -> Result<CardStatus, StatusError> {
    let mut status = status();
    change(&mut status);
    CardStatus::from_fci(&status.to_fci())
}

#[test]
fn what_does_not_follow_the_profile_is_named() {
    let version = ProfileVersion { major: 2, minor: 0 };
    assert_eq!(with(|status| status.version = version), Err(StatusError::UnsupportedVersion { version }));
    assert_eq!(with(|status| status.serial.clear()), Err(StatusError::Malformed { tag: SERIAL }));
    assert_eq!(with(|status| status.serial = "a\nb".into()), Err(StatusError::Malformed { tag: SERIAL }));
    assert_eq!(with(|status| status.label = "x".repeat(33)), Err(StatusError::Malformed { tag: LABEL }));
    assert_eq!(with(|status| status.slots.clear()), Err(StatusError::Missing { what: "slots" }));
    assert_eq!(with(|status| status.slots.swap(0, 1)), Err(StatusError::OutOfOrder { tag: SLOT }));
    assert_eq!(with(|status| status.passwords.swap(0, 1)), Err(StatusError::OutOfOrder { tag: PASSWORD }));
    assert_eq!(
        with(|status| _ = status.passwords.remove(2)),
        Err(StatusError::Missing { what: "one of the passwords" })
    );
    assert_eq!(with(|status| status.passwords[0].tries = 1), Err(StatusError::Malformed { tag: PASSWORD }));
    assert_eq!(with(|status| status.slots[0].key = None), Err(StatusError::Malformed { tag: SLOT }));
    let twice = [&[0xA5, 0x08][..], &[0x80, 2, 1, 0, 0x80, 2, 1, 0]].concat();
    assert_eq!(CardStatus::from_template(&twice), Err(StatusError::Repeated { tag: VERSION }));
    assert_eq!(CardStatus::from_fci(&[0x62, 0]), Err(StatusError::NotFileControlInformation { tag: Tag::new(0x62) }));
}

#[test]
fn data_objects_of_a_later_minor_version_are_skipped() {
    let mut status = status();
    status.version.minor = 7;
    let mut template = status.to_template();
    template.extend([0x9F, 0x01, 0x01, 0x55]);
    let length = template.len() - 3;
    assert_eq!(template[1], 0x81, "the length takes two bytes");
    template[2] = length as u8;
    assert_eq!(CardStatus::from_template(&template).unwrap(), status);
}
