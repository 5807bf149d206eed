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
        transport_pin_length: None,
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

/// A card that was not activated, as one of minor version 0 tells it: the transport PIN's length is not there.
fn inactive(model: TransportPinModel) -> CardStatus {
    let mut status = status();
    (status.life_cycle, status.transport_pin) = (LifeCycle::Inactive, model);
    let (state, transport) = match model.stands_in_place() {
        true => (PasswordState::Transport { left: 3 }, PasswordState::Unset),
        false => (PasswordState::Unset, PasswordState::Active { left: 1 }),
    };
    status.passwords = PasswordReference::LASTING.map(|reference| password(reference, state)).to_vec();
    if model.is_own_password() {
        status.passwords.push(password(PasswordReference::TransportPin, transport));
    }
    status
}

fn read(status: &CardStatus) -> Result<CardStatus, StatusError> {
    CardStatus::from_fci(&status.to_fci())
}

#[test]
fn a_transport_pin_that_goes_before_a_new_value_has_one_length_or_the_card_is_refused() {
    use TransportPinModel::{Empty, FiveDigits, InPlace, MustChange, Null, Separate, SingleUse};
    for model in [InPlace, MustChange] {
        let mut status = inactive(model);
        assert_eq!(read(&status), Err(StatusError::TransportPinLength), "{model:?}");
        for length in 6..=8 {
            status.transport_pin_length = Some(length);
            assert_eq!(read(&status).unwrap().transport_pin_lengths(), (length, length), "{model:?}");
        }
        for length in [0, 5, 9] {
            status.transport_pin_length = Some(length);
            assert_eq!(read(&status), Err(StatusError::Malformed { tag: TRANSPORT_PIN_LENGTH }), "{model:?} {length}");
        }
    }
    let mut once = inactive(SingleUse);
    assert_eq!(read(&once), Err(StatusError::TransportPinLength));
    (once.passwords[3].minimum, once.passwords[3].maximum) = (7, 7);
    assert_eq!(read(&once).unwrap().transport_pin_lengths(), (7, 7));
    // What each of the others has is known of all of them, or goes alone.
    for (model, lengths) in [(Null, (6, 6)), (FiveDigits, (5, 5)), (Empty, (0, 0)), (Separate, (5, 8))] {
        let mut status = inactive(model);
        assert_eq!(read(&status).unwrap().transport_pin_lengths(), lengths, "{model:?}");
        status.transport_pin_length = Some(7);
        assert_eq!(read(&status), Err(StatusError::Malformed { tag: TRANSPORT_PIN_LENGTH }), "{model:?}");
    }
}

/// A card of minor version 0 whose transport PIN is sent no more is read as before.
#[test]
fn a_card_that_does_not_tell_the_length_of_a_transport_pin_that_is_used_up_is_read() {
    for model in TransportPinModel::ALL {
        let mut active = inactive(model);
        active.life_cycle = LifeCycle::Active;
        read(&active).unwrap_or_else(|error| panic!("{model:?}: {error}"));
        let mut used_up = inactive(model);
        for record in &mut used_up.passwords {
            record.state = PasswordState::Active { left: 3 };
        }
        if let Some(transport) = used_up.passwords.get_mut(3) {
            transport.state = PasswordState::Blocked;
        }
        read(&used_up).unwrap_or_else(|error| panic!("{model:?}: {error}"));
    }
}

#[test]
fn the_length_of_a_transport_pin_is_one_byte_and_there_once() {
    let mut status = inactive(TransportPinModel::InPlace);
    status.transport_pin_length = Some(6);
    let template = status.to_template();
    assert_eq!(template[1], 0x81, "the length takes two bytes");
    let at = template.windows(3).position(|window| window == [0x88, 1, 6]).unwrap();
    let instead = |object: &[u8]| {
        let mut bent = [&template[..at], object, &template[at + 3..]].concat();
        bent[2] = (bent.len() - 3) as u8;
        CardStatus::from_template(&bent)
    };
    assert_eq!(instead(&[0x88, 1, 6]).unwrap(), status);
    for malformed in [&[0x88, 0][..], &[0x88, 2, 6, 6]] {
        assert_eq!(instead(malformed), Err(StatusError::Malformed { tag: TRANSPORT_PIN_LENGTH }));
    }
    assert_eq!(instead(&[0x88, 1, 6, 0x88, 1, 6]), Err(StatusError::Repeated { tag: TRANSPORT_PIN_LENGTH }));
}

#[test]
fn a_transport_pin_that_has_no_try_left_is_told_apart_from_what_was_set_in_its_place() {
    let mut status = inactive(TransportPinModel::InPlace);
    status.transport_pin_length = Some(6);
    status.passwords[1].state = PasswordState::TransportBlocked;
    status.passwords[2].state = PasswordState::TransportBlocked;
    assert_eq!(read(&status).unwrap(), status);
    let template = status.to_template();
    assert_eq!(template[1], 0x81, "the length takes two bytes");
    let at = template.windows(4).position(|window| window == [0x89, 2, 2, 3]).unwrap();
    let instead = |object: &[u8]| {
        let mut bent = [&template[..at], object, &template[at + 4..]].concat();
        bent[2] = (bent.len() - 3) as u8;
        CardStatus::from_template(&bent)
    };
    // A card that does not tell, and one that tells it of one of them.
    let states = |status: CardStatus| status.passwords.iter().map(|it| it.state).collect::<Vec<_>>();
    let first = PasswordState::Transport { left: 3 };
    let (blocked, transport) = (PasswordState::Blocked, PasswordState::TransportBlocked);
    assert_eq!(states(instead(&[]).unwrap()), [first, blocked, blocked]);
    assert_eq!(states(instead(&[0x89, 1, 3]).unwrap()), [first, blocked, transport]);
    // Nothing, one that is not blocked, one that there is not, the same twice.
    for malformed in [&[0x89, 0][..], &[0x89, 1, 1], &[0x89, 1, 4], &[0x89, 1, 9], &[0x89, 2, 2, 2]] {
        assert_eq!(instead(malformed), Err(StatusError::Malformed { tag: TRANSPORT_PIN_BLOCKED }), "{malformed:02X?}");
    }
    assert_eq!(instead(&[0x89, 1, 2, 0x89, 1, 3]), Err(StatusError::Repeated { tag: TRANSPORT_PIN_BLOCKED }));
    // Where none stands in the place of another.
    for model in TransportPinModel::ALL.into_iter().filter(|model| !model.stands_in_place()) {
        let mut status = inactive(model);
        (status.passwords[0].state, status.life_cycle) = (PasswordState::TransportBlocked, LifeCycle::Active);
        assert_eq!(read(&status), Err(StatusError::Malformed { tag: TRANSPORT_PIN_BLOCKED }), "{model:?}");
    }
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
