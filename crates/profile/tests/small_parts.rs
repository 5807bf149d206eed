//! Names, numbers and edges of the profile, as PROFILE.md has them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::tlv::{Tag, Tlv, TlvError, VecWriter};
use obnova_profile::{
    CardStatus, Directory, DirectoryError, DirectoryLayout, FileId, KeyRole, Label, LifeCycle, Limits, PasswordRecord,
    PasswordReference, PasswordState, ProfileVersion, PublicKeyTemplate, ShortFileId, SlotNumber, SlotRecord,
    StatusError, TemplateError, TransportPinModel, application, command,
    pkcs15::{CertificateEntry, EntryError, KeyUsage, PinEntry, PrivateKeyEntry, PublicKeyEntry, ef_dir},
};

fn slot(number: u8) -> SlotNumber {
    SlotNumber::new(number).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

#[test]
fn what_a_reader_sees_is_what_the_document_says() {
    assert_eq!(format!("{} {:?}", FileId::DIRECTORY, FileId::DIRECTORY), "4402 FileId(4402)");
    assert_eq!(slot(12).to_string(), "12");
    assert_eq!(
        [KeyRole::Authentication, KeyRole::Signature].map(|role| role.to_string()),
        ["authentication", "signature"]
    );
    let names = PasswordReference::ALL.map(|password| password.to_string());
    assert_eq!(names, ["authentication PIN", "signature PIN", "PUK", "transport PIN"]);
    assert_eq!(PasswordReference::ALL.map(PasswordReference::minimum), [4, 4, 6, 5]);
    assert_eq!(PasswordReference::ALL.map(PasswordReference::is_pin), [true, true, false, false]);
    assert_eq!(TransportPinModel::ALL.map(TransportPinModel::code), [1, 2, 3, 4, 5, 6, 7]);
    for code in 0..=u8::MAX {
        assert_eq!(
            TransportPinModel::from_code(code).map(TransportPinModel::code),
            (1..=7).contains(&code).then_some(code)
        );
    }
    let text = label("Signature 2026");
    assert_eq!((text.to_string(), text.as_ref()), ("Signature 2026".to_owned(), "Signature 2026"));
}

#[test]
fn files_and_templates_have_their_numbers() {
    assert_eq!(
        (FileId::key(slot(3)).0, FileId::public_key(slot(3)).0, FileId::certificate(slot(3)).0),
        (0x4B03, 0x4D03, 0x4303)
    );
    assert_eq!(ShortFileId::certificate(slot(2)).p1(), 0x92);
    assert_eq!(ShortFileId::DIRECTORY.p1(), 0x81);
    for role in [KeyRole::Authentication, KeyRole::Signature] {
        assert_eq!(KeyRole::from_template(role.template()), Some(role));
    }
    assert_eq!(KeyRole::from_template(0xB8), None);
    assert_eq!(PasswordState::from_code([1, 0]), None);
    assert_eq!(PasswordState::from_code([2, 0]), None);
    assert_eq!(PasswordState::from_code([3, 1]), None);
}

#[test]
fn other_middleware_gets_what_it_asks_for() {
    let info = application::myeid_info("OBN00000001", 0x0102);
    assert_eq!(info[5..8], application::MYEID_VERSION);
    assert_eq!((&info[8..18], &info[18..]), (&b"OBN0000000"[..], &[1, 2][..]));
    let directory = ef_dir("Jana");
    let template = Tlv::parse(&directory).unwrap();
    let parts: Vec<_> = template.children().map(|part| part.map(|part| (part.tag.number(), part.value))).collect();
    let path = &[0x3F, 0x00, 0x50, 0x15][..];
    assert_eq!(parts, [Ok((0x4F, &application::PKCS15_AID[..])), Ok((0x50, b"Jana")), Ok((0x51, path))]);
    let puk = PinEntry::of(PasswordReference::Puk, TransportPinModel::Separate).encode();
    let pin = PinEntry::of(PasswordReference::SignaturePin, TransportPinModel::Separate).encode();
    // unblockingPin (6) stands beside case-sensitive (0), local (1) and initialized (4).
    let flags = |entry: &[u8], bits: &[u8]| entry.windows(bits.len()).any(|window| window == bits);
    assert!(flags(&puk, &[0x03, 0x02, 0x01, 0xCA]) && !flags(&pin, &[0x03, 0x02, 0x01, 0xCA]), "{puk:02X?} {pin:02X?}");
    assert!(flags(&pin, &[0x03, 0x02, 0x03, 0xC8]), "{pin:02X?}");
}

#[test]
fn an_offset_takes_fifteen_bits() {
    let read = command::read_selected(0xFFFF, 1);
    assert_eq!((read.p1, read.p2), (0x7F, 0xFF));
    let read = command::read_selected(0x0102, 1);
    assert_eq!((read.p1, read.p2), (0x01, 0x02));
}

#[test]
fn a_directory_has_room_for_its_slots_and_no_more() {
    let most = usize::from(SlotNumber::MOST);
    for (asked, given) in [(6, 6), (13, 13), (14, 14), (15, 14), (255, 14)] {
        let length = DirectoryLayout::for_slots(asked).length();
        assert_eq!(length, 3 * DirectoryLayout::PER_SLOT * given, "{asked} slots");
    }
    // Entries that fill a region to its last byte are taken, one byte more is not.
    let layout = DirectoryLayout::for_slots(6);
    let room = usize::from(layout.private_keys().length);
    let entry = |length: usize| {
        PrivateKeyEntry::new(label(&"x".repeat(length)), KeyRole::Signature, KeyAlgorithm::P256, slot(1), &[1])
    };
    let size = |length: usize| entry(length).encode().len();
    let count = room / size(20);
    let mut private_keys: Vec<_> = (0..count).map(|_| entry(20)).collect();
    let free = room - count * size(20);
    let last = (1..=Label::MAX).find(|length| size(*length) == size(20) + free).unwrap();
    *private_keys.last_mut().unwrap() = entry(last);
    let mut directory = Directory { private_keys, ..Directory::default() };
    assert!(count < most && directory.encode(layout).is_ok());
    *directory.private_keys.last_mut().unwrap() = entry(last + 1);
    assert_eq!(directory.encode(layout), Err(DirectoryError::Full { directory: "private keys" }));
}

#[test]
fn usage_says_what_a_key_is_for() {
    assert_eq!((KeyUsage::SIGN.0, KeyUsage::VERIFY.0, KeyUsage::NON_REPUDIATION.0), (0x004, 0x040, 0x200));
    let signature = KeyUsage::private(KeyRole::Signature);
    assert_eq!(signature.0, 0x204);
    assert!(signature.contains(KeyUsage::SIGN) && signature.contains(KeyUsage::NON_REPUDIATION));
    assert!(!signature.contains(KeyUsage::VERIFY) && !signature.contains(KeyUsage(0x044)));
    assert!(!KeyUsage::private(KeyRole::Authentication).contains(KeyUsage::NON_REPUDIATION));
    assert!(KeyUsage(0).contains(KeyUsage(0)) && !KeyUsage(0).contains(KeyUsage::SIGN));
    assert_eq!(CertificateEntry::new(label("x"), slot(5), &[1]).slot(), Some(slot(5)));
}

#[test]
fn a_template_of_other_objects_is_none() {
    let written = |objects: &[(u32, &[u8])]| {
        let mut writer = VecWriter::new();
        writer.constructed(Tag::new(0x7F49), |key| {
            for (tag, value) in objects {
                key.primitive(Tag::new(*tag), value);
            }
        });
        PublicKeyTemplate::decode(&writer.into_vec())
    };
    let (modulus, point) = ([0xC1; 256], [&[4][..], &[7; 64]].concat());
    assert!(written(&[(0x81, &modulus), (0x82, &[1, 0, 1])]).is_ok());
    assert_eq!(written(&[(0x82, &modulus), (0x81, &[1, 0, 1])]), Err(TemplateError::Unexpected));
    assert_eq!(written(&[(0x81, &modulus), (0x83, &[1, 0, 1])]), Err(TemplateError::Unexpected));
    assert!(written(&[(0x86, &point)]).is_ok());
    assert_eq!(written(&[(0x87, &point)]), Err(TemplateError::Unexpected));
}

fn status() -> CardStatus {
    let record = |reference| PasswordRecord {
        reference,
        state: PasswordState::Active { left: 3 },
        tries: 3,
        minimum: 4,
        maximum: 8,
    };
    CardStatus {
        version: ProfileVersion::CURRENT,
        life_cycle: LifeCycle::Active,
        serial: "OBN1".into(),
        label: "Jana".into(),
        limits: Limits::EXTENDED,
        transport_pin: TransportPinModel::Separate,
        transport_pin_length: None,
        algorithms: vec![KeyAlgorithm::P256],
        passwords: PasswordReference::LASTING.map(record).to_vec(),
        slots: SlotNumber::first(6).map(SlotRecord::empty).collect(),
    }
}

/// Writes the status with one byte changed after the bytes before it, and reads it.
fn changed(before: &[u8], to: &[u8]) -> Result<CardStatus, StatusError> {
    let mut bytes = status().to_template();
    let at = bytes.windows(before.len()).position(|window| window == before).expect("it stands there");
    bytes[at..at + to.len()].copy_from_slice(to);
    CardStatus::from_template(&bytes)
}

/// Reads the status with another record of the first slot, which is empty.
fn first_slot(record: &[u8]) -> Result<CardStatus, StatusError> {
    let bytes = status().to_template();
    let template = Tlv::parse(&bytes).unwrap();
    let mut writer = VecWriter::new();
    writer.constructed(template.tag, |status| {
        for object in template.children().map(Result::unwrap) {
            status.primitive(object.tag, if object.value == [1, 0, 0] { record } else { object.value });
        }
    });
    CardStatus::from_template(&writer.into_vec())
}

#[test]
fn what_a_status_says_is_found_by_number() {
    let status = status();
    assert_eq!(status.slot(slot(4)).map(|record| record.slot), Some(slot(4)));
    assert_eq!(status.slot(slot(7)), None);
    let puk = status.password(PasswordReference::Puk).map(|record| record.reference);
    assert_eq!((puk, status.password(PasswordReference::TransportPin)), (Some(PasswordReference::Puk), None));
}

#[test]
fn numbers_that_no_card_can_mean_are_refused() {
    let limits = |command: u32, response: u32, certificate: u16| {
        let mut status = status();
        status.limits = Limits { command, response, certificate, ..Limits::EXTENDED };
        CardStatus::from_template(&status.to_template()).is_ok()
    };
    assert!(limits(255, 256, 1));
    assert!(!limits(254, 256, 1) && !limits(255, 255, 1) && !limits(255, 256, 0));
    // Reference, state, tries left, tries, shortest, longest.
    assert!(changed(&[1, 2, 3, 3, 4, 8], &[1, 2, 3, 3, 4, 4]).is_ok());
    assert!(changed(&[1, 2, 3, 3, 4, 8], &[1, 3, 0, 0, 4, 8]).is_err(), "blocked, and no tries ever");
    assert!(changed(&[1, 2, 3, 3, 4, 8], &[1, 2, 4, 3, 4, 8]).is_err(), "more left than there are");
    assert!(changed(&[1, 2, 3, 3, 4, 8], &[1, 2, 3, 3, 0, 8]).is_err(), "nothing is a password");
    assert!(changed(&[1, 2, 3, 3, 4, 8], &[1, 2, 3, 3, 9, 8]).is_err());
    let mut extra = status();
    extra.slots[0] = SlotRecord::empty(slot(1));
    extra.slots[0].certificates.push(obnova_profile::CertificateFile { file: FileId(0x4301), length: 9 });
    assert!(CardStatus::from_template(&extra.to_template()).is_err(), "a certificate without a key");
    let record = |certificates: &[u8]| {
        // Slot 1, P-256, for authentication.
        let status = first_slot(&[&[1, 0x11, 1], certificates].concat());
        status.map(|status| status.slots[0].certificates.len()).ok()
    };
    // Its file and length.
    let certificate = [0x43, 1, 0, 9];
    assert_eq!([record(&[]), record(&certificate), record(&certificate.repeat(8))], [Some(0), Some(1), Some(8)]);
    assert_eq!([record(&certificate[1..]), record(&certificate.repeat(9))], [None, None]);
    let flags = |extended_length, chaining| {
        let mut status = status();
        status.limits = Limits { extended_length, chaining, ..Limits::EXTENDED };
        let read = CardStatus::from_template(&status.to_template()).unwrap().limits;
        (read.extended_length, read.chaining)
    };
    assert_eq!([flags(true, false), flags(false, true)], [(true, false), (false, true)]);
}

/// An entry whose common attributes, class attributes and key attributes are these objects.
fn entry(common: &[u8], class: &[u8]) -> Vec<u8> {
    let honest =
        PublicKeyEntry { label: label("x"), id: vec![1], algorithm: KeyAlgorithm::P256, slot: slot(1) }.encode();
    let object = Tlv::parse(&honest).unwrap();
    let parts: Vec<_> = object.children().map(Result::unwrap).collect();
    let mut writer = VecWriter::new();
    writer.constructed(object.tag, |entry| {
        entry.primitive(parts[0].tag, &[parts[0].value, common].concat());
        entry.primitive(parts[1].tag, &[parts[1].value, class].concat());
        for part in &parts[2..] {
            entry.raw(part.encoded());
        }
    });
    writer.into_vec()
}

#[test]
fn what_is_not_used_in_an_entry_must_still_be_well_formed() {
    assert!(PublicKeyEntry::decode(&entry(&[], &[])).is_ok());
    assert!(PublicKeyEntry::decode(&entry(&[], &[0xC5, 0x01, 0x00])).is_ok(), "more than is used");
    for broken in [&[0xC5, 0x05, 0x00][..], &[0xC5], &[0xC5, 0x01, 0x00, 0xC6, 0x80]] {
        assert!(matches!(PublicKeyEntry::decode(&entry(&[], broken)), Err(EntryError::Tlv(_))), "{broken:02X?}");
    }
}

#[test]
fn bits_may_be_none_and_say_how_many_are_unused() {
    let honest =
        PublicKeyEntry { label: label("x"), id: vec![1], algorithm: KeyAlgorithm::P256, slot: slot(1) }.encode();
    let flags = |to: &[u8]| {
        let object = Tlv::parse(&honest).unwrap();
        let mut writer = VecWriter::new();
        writer.constructed(object.tag, |entry| {
            for (index, part) in object.children().map(Result::unwrap).enumerate() {
                if index > 0 {
                    entry.raw(part.encoded());
                    continue;
                }
                entry.constructed(part.tag, |common| {
                    for field in part.children().map(Result::unwrap) {
                        common.primitive(field.tag, if field.tag.number() == 3 { to } else { field.value });
                    }
                });
            }
        });
        PublicKeyEntry::decode(&writer.into_vec()).is_ok()
    };
    for sound in [&[0][..], &[6, 0x40], &[7, 0x40, 0x80]] {
        assert!(flags(sound), "{sound:02X?}");
    }
    for broken in [&[][..], &[1], &[8, 0x40], &[0, 0, 0, 0]] {
        assert!(!flags(broken), "{broken:02X?}");
    }
}

#[test]
fn consent_is_asked_for_when_the_number_of_uses_is_not_zero() {
    let honest = PrivateKeyEntry::new(label("x"), KeyRole::Signature, KeyAlgorithm::P256, slot(1), &[1]);
    let mut bytes = honest.encode();
    let at = bytes.windows(3).position(|window| window == [0x02, 0x01, 0x01]).expect("userConsent stands there");
    assert!(PrivateKeyEntry::decode(&bytes).unwrap().user_consent);
    bytes[at + 2] = 0;
    assert!(!PrivateKeyEntry::decode(&bytes).unwrap().user_consent);
}

#[test]
fn the_regions_of_the_directory_are_written_as_shortest_numbers() {
    // 0 takes one byte, 960 (03C0) and 1920 (0780) two; 128 to 255 would need a leading zero.
    let odf = obnova_profile::pkcs15::odf(DirectoryLayout::for_slots(6));
    for number in [&[0x02, 0x01, 0x00][..], &[0x02, 0x02, 0x03, 0xC0], &[0x02, 0x02, 0x07, 0x80]] {
        assert!(odf.windows(number.len()).any(|window| window == number), "{number:02X?} in {odf:02X?}");
    }
}

#[test]
fn a_password_is_verified_for_its_new_value_under_a_number_of_its_own() {
    for password in PasswordReference::ALL {
        let [alone, for_new_value] =
            [command::verify, command::verify_for_new_value].map(|verify| verify(password, b"1"));
        assert_eq!(for_new_value.p2, alone.p2 + 0x80, "{password}");
        assert_eq!(for_new_value.data(), alone.data());
    }
}

#[test]
fn a_key_has_one_certificate_or_eight() {
    let one = Limits { several_certificates: false, ..Limits::EXTENDED };
    assert_eq!([one, Limits::EXTENDED].map(|limits| limits.certificates_per_key()), [1, FileId::MOST_CERTIFICATES]);
    assert_eq!(FileId::MOST_CERTIFICATES, 8);
}

#[test]
fn nesting_without_end_is_named() {
    // Eight objects, each in the one before it, are what may be; here is one more.
    let mut nested = Vec::new();
    for _ in 0..9 {
        nested = [&[0x30, u8::try_from(nested.len()).unwrap()], &nested[..]].concat();
    }
    let refused = CardStatus::from_template(&nested);
    assert!(matches!(refused, Err(StatusError::Tlv(TlvError::TooDeep { limit: 8, .. }))), "{refused:?}");
    assert!(matches!(CardStatus::from_template(&nested[2..]), Err(error) if !matches!(error, StatusError::Tlv(_))));
}

#[test]
fn the_longest_data_of_a_command_is_the_largest_certificate_as_it_is_put() {
    let largest = vec![0x30; usize::from(Limits::LARGEST_CERTIFICATE)];
    assert_eq!(command::put_certificate(slot(1), &largest).data().len(), Limits::COMMAND_IN_CHAIN);
}

/// Code, own password, in place, joined with a new value, secret, ends by itself, opener, lengths of transport PIN and of authentication
/// PIN.
#[test]
fn each_transport_pin_model_is_what_the_table_of_the_document_says() {
    use TransportPinModel as Model;
    let row = |model: Model| {
        let [authentication, signature, puk, transport] =
            PasswordReference::ALL.map(|password| model.lengths(password));
        assert_eq!(authentication, signature);
        assert_eq!(puk, (PasswordReference::Puk.minimum(), PasswordReference::Puk.maximum()));
        (
            (model.code(), model.is_own_password(), model.stands_in_place(), model.is_joined()),
            (model.is_secret(), model.ends_by_itself(), model.opener()),
            (transport, authentication),
        )
    };
    let rows = [
        ((1, true, false, false), (true, false, Some(PasswordReference::TransportPin)), ((5, 8), (4, 8))),
        ((2, false, true, true), (true, true, None), ((6, 8), (4, 8))),
        ((3, false, false, false), (false, true, None), ((0, 0), (4, 8))),
        ((4, false, true, true), (false, true, None), ((6, 6), (4, 8))),
        ((5, false, true, true), (true, true, None), ((6, 8), (4, 8))),
        ((6, true, false, true), (true, false, Some(PasswordReference::AuthenticationPin)), ((5, 8), (4, 8))),
        ((7, false, true, true), (true, true, None), ((5, 5), (6, 6))),
    ];
    assert_eq!(Model::ALL.map(row), rows);
    assert_eq!((Model::from_code(0), Model::from_code(8)), (None, None));
}
