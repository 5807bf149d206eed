//! What the card writes, the host reads; what the host did not read, it refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use obnova_algorithm::KeyAlgorithm;
use obnova_profile::{
    CardStatus, CertificateFile, Directory, DirectoryLayout, FileId, KeyRecord, KeyRole, Label, LifeCycle, Limits,
    PasswordRecord, PasswordReference, PasswordState, ProfileVersion, SlotNumber, SlotRecord, TransportPinModel,
    pkcs15::{CertificateEntry, PrivateKeyEntry, PublicKeyEntry, TokenInfo},
    reference::KEY_ALGORITHMS,
};
use proptest::{collection::vec, prelude::*, sample::select};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_status_is_read_as_it_was_written(status in status()) {
        prop_assert_eq!(&CardStatus::from_fci(&status.to_fci()).unwrap(), &status);
        prop_assert_eq!(&CardStatus::from_template(&status.to_template()).unwrap(), &status);
    }

    #[test]
    fn a_status_that_was_cut_or_changed_is_refused_or_within_its_bounds(
        status in status(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = status.to_fci();
        let at = at.index(bytes.len());
        prop_assert!(CardStatus::from_fci(&bytes[..at]).is_err());
        bytes[at] = byte;
        if let Ok(read) = CardStatus::from_fci(&bytes) {
            prop_assert_eq!(&CardStatus::from_fci(&read.to_fci()).unwrap(), &read);
            prop_assert!(read.slots.len() <= usize::from(SlotNumber::MOST));
            prop_assert!(read.passwords.iter().all(|one| one.tries > 0 && one.minimum <= one.maximum));
        }
    }

    #[test]
    fn a_directory_is_read_as_it_was_written(directory in directory(), slots in 6..=14_u8) {
        let layout = DirectoryLayout::for_slots(slots);
        let file = directory.encode(layout).unwrap();
        prop_assert_eq!(file.len(), usize::from(layout.length()));
        prop_assert_eq!(&Directory::decode(&file, layout).unwrap(), &directory);
        let regions = [layout.private_keys(), layout.public_keys(), layout.certificates()];
        for (region, next) in regions.iter().zip(&regions[1..]) {
            prop_assert_eq!(region.offset + region.length, next.offset);
        }
        prop_assert!(Directory::decode(&file[1..], layout).is_err());
    }

    #[test]
    fn entries_are_read_as_they_were_written(
        private in private_key(),
        public in public_key(),
        certificate in certificate(),
        info in token_info(),
        cut in any::<prop::sample::Index>(),
    ) {
        prop_assert_eq!(&PrivateKeyEntry::decode(&private.encode()).unwrap(), &private);
        prop_assert_eq!(&PublicKeyEntry::decode(&public.encode()).unwrap(), &public);
        prop_assert_eq!(&CertificateEntry::decode(&certificate.encode()).unwrap(), &certificate);
        prop_assert_eq!(&TokenInfo::decode(&info.encode()).unwrap(), &info);
        let cut = |bytes: Vec<u8>| bytes[..cut.index(bytes.len())].to_vec();
        prop_assert!(PrivateKeyEntry::decode(&cut(private.encode())).is_err());
        prop_assert!(PublicKeyEntry::decode(&cut(public.encode())).is_err());
        prop_assert!(CertificateEntry::decode(&cut(certificate.encode())).is_err());
        prop_assert!(TokenInfo::decode(&cut(info.encode())).is_err());
    }

    #[test]
    fn every_text_fits_as_a_label_and_the_mark_comes_off_again(text in "\\PC{0,80}|.{0,80}") {
        let label = Label::fitting(&text);
        prop_assert!(Label::new(label.as_str()).is_ok());
        prop_assert!(label.as_str().len() <= Label::MAX_UNMARKED);
        let marked = label.superseded();
        prop_assert!(marked.is_superseded() && marked.as_str().len() <= Label::MAX);
        prop_assert_eq!(&marked.superseded(), &marked);
        if !label.is_superseded() {
            prop_assert_eq!(marked.unmarked(), label.as_str());
        }
    }

    #[test]
    fn codes_of_password_states_have_one_meaning(code in any::<[u8; 2]>()) {
        if let Some(state) = PasswordState::from_code(code) {
            prop_assert_eq!(state.code(), code);
        }
    }
}

fn algorithm() -> impl Strategy<Value = KeyAlgorithm> {
    select(&KEY_ALGORITHMS)
}

fn role() -> impl Strategy<Value = KeyRole> {
    prop_oneof![Just(KeyRole::Authentication), Just(KeyRole::Signature)]
}

fn slot() -> impl Strategy<Value = SlotNumber> {
    select(SlotNumber::all().collect::<Vec<_>>())
}

fn label() -> impl Strategy<Value = Label> {
    "[ -~À-ž]{1,30}".prop_map(|text| Label::new(text).unwrap())
}

fn id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 1..4), vec(any::<u8>(), 20)]
}

fn private_key() -> impl Strategy<Value = PrivateKeyEntry> {
    (label(), role(), algorithm(), slot(), id())
        .prop_map(|(label, role, algorithm, slot, id)| PrivateKeyEntry::new(label, role, algorithm, slot, &id))
}

fn public_key() -> impl Strategy<Value = PublicKeyEntry> {
    (label(), algorithm(), slot(), id()).prop_map(|(label, algorithm, slot, id)| PublicKeyEntry {
        label,
        id,
        algorithm,
        slot,
    })
}

fn certificate() -> impl Strategy<Value = CertificateEntry> {
    (label(), slot(), id()).prop_map(|(label, slot, id)| CertificateEntry::new(label, slot, &id))
}

fn directory() -> impl Strategy<Value = Directory> {
    (vec(private_key(), 0..6), vec(public_key(), 0..6), vec(certificate(), 0..6))
        .prop_map(|(private_keys, public_keys, certificates)| Directory { private_keys, public_keys, certificates })
}

fn token_info() -> impl Strategy<Value = TokenInfo> {
    let text = proptest::option::of("[ -~À-ž]{1,20}");
    (vec(any::<u8>(), 1..16), text.clone(), text).prop_map(|(serial, manufacturer, label)| TokenInfo {
        serial,
        manufacturer,
        label,
    })
}

fn password(reference: PasswordReference) -> impl Strategy<Value = PasswordRecord> {
    let state = prop_oneof![
        Just(PasswordState::Unset),
        Just(PasswordState::Blocked),
        Just(PasswordState::TransportBlocked),
        (1..=3_u8).prop_map(|left| PasswordState::Transport { left }),
        (1..=3_u8).prop_map(|left| PasswordState::Active { left }),
    ];
    (state, 3..20_u8, 1..6_u8, 6..9_u8).prop_map(move |(state, tries, minimum, maximum)| PasswordRecord {
        reference,
        state,
        tries,
        minimum,
        maximum,
    })
}

fn slot_record(slot: SlotNumber) -> impl Strategy<Value = SlotRecord> {
    let certificate =
        (any::<u16>(), any::<u16>()).prop_map(|(file, length)| CertificateFile { file: FileId(file), length });
    let key = (algorithm(), role()).prop_map(|(algorithm, role)| KeyRecord { algorithm, role });
    let held = (key, vec(certificate, 0..=8));
    let held = held.prop_map(move |(key, certificates)| SlotRecord { slot, key: Some(key), certificates });
    prop_oneof![Just(SlotRecord::empty(slot)), held]
}

/// Tells how long the transport PIN is as the model has it: of one of its own in its record.
fn told(model: TransportPinModel, length: u8, passwords: &mut Vec<PasswordRecord>) -> Option<u8> {
    let (shortest, longest) = model.lengths(PasswordReference::TransportPin);
    for record in passwords.iter_mut().filter(|_| !model.stands_in_place()) {
        if record.state == PasswordState::TransportBlocked {
            record.state = PasswordState::Blocked;
        }
    }
    let own = passwords.iter_mut().find(|record| record.reference == PasswordReference::TransportPin);
    match own {
        Some(own) if model.is_own_password() => (own.minimum, own.maximum) = (length, length),
        Some(_) => passwords.truncate(PasswordReference::LASTING.len()),
        None => {}
    }
    model.stands_in_place().then(|| length.clamp(shortest, longest))
}

fn status() -> impl Strategy<Value = CardStatus> {
    let limits = (any::<[bool; 3]>(), 255..=0xFFFF_u32, 256..=0x1_0000_u32, 1..=u16::MAX);
    let limits =
        limits.prop_map(|([extended_length, chaining, several_certificates], command, response, certificate)| Limits {
            several_certificates,
            extended_length,
            chaining,
            command,
            response,
            certificate,
        });
    let life_cycle = prop_oneof![Just(LifeCycle::Inactive), Just(LifeCycle::Active)];
    let model = select(TransportPinModel::ALL.to_vec());
    let passwords = (3..=4_usize, PasswordReference::ALL.map(password)).prop_map(|(count, all)| all[..count].to_vec());
    let length = 5..=8_u8;
    let slots = (6..=14_u8).prop_flat_map(|count| SlotNumber::first(count).map(slot_record).collect::<Vec<_>>());
    let algorithms = proptest::sample::subsequence(KEY_ALGORITHMS.to_vec(), 0..=KEY_ALGORITHMS.len());
    let names = ("[!-~]{1,16}", "[ -~À-ž]{1,16}");
    let transport = (life_cycle, model, length);
    (any::<u8>(), transport, names, limits, algorithms, passwords, slots).prop_map(
        |(minor, (life_cycle, transport_pin, length), (serial, label), limits, algorithms, mut passwords, slots)| {
            CardStatus {
                version: ProfileVersion { major: ProfileVersion::CURRENT.major, minor },
                life_cycle,
                serial,
                label,
                limits,
                transport_pin,
                transport_pin_length: told(transport_pin, length, &mut passwords),
                algorithms,
                passwords,
                slots,
            }
        },
    )
}
