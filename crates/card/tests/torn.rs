//! The card is torn out at every command of every operation, before, inside and after it. What was there works on, nothing
//! is half visible, and the operation succeeds when it is repeated.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{AUTHENTICATION, SIGNATURE, Setup, certificate, digest, installation, order, pin};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{
    InstallCertificate, KeyRole, PasswordKind, Pin, Removal, Repair, Secret, SignDigest, Slot, SlotId, Token,
    TokenError,
};
use obnova_profile::SlotNumber;
use obnova_simulator::{Fault, FaultPlan};
use obnova_transport::TransportError;

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

/// Runs `act` on a fresh card of `make` with each fault at each of its commands, then `check`. Returns how many tears that
/// were.
fn torn_everywhere<T>(
    make: impl Fn() -> (Setup, T),
    act: impl Fn(&mut Setup, &T) -> Result<(), TokenError>,
    check: impl Fn(&mut Setup, &T),
) -> u32 {
    let mut tears = 0;
    for fault in [Fault::TearBefore, Fault::TearInside, Fault::TearAfter] {
        for command in 1.. {
            let (mut card, prepared) = make();
            card.simulator.with_card(|card| card.set_faults(FaultPlan::new().at(command, fault.clone())));
            let result = act(&mut card, &prepared);
            if card.simulator.with_card(|card| card.faults().waiting()) == 1 {
                result.unwrap();
                break;
            }
            let error = result.unwrap_err();
            assert!(
                matches!(error, TokenError::Transport(TransportError::CardRemoved)),
                "{fault:?} {command}: {error}"
            );
            no_entry_for_nothing(&card);
            check(&mut card, &prepared);
            no_entry_for_nothing(&card);
            tears += 1;
        }
    }
    tears
}

/// Whatever stands in the directory is there.
fn no_entry_for_nothing(card: &Setup) {
    card.simulator.with_card(|card| {
        let (directory, status) = (card.directory().unwrap(), card.status());
        let key = |slot: SlotNumber| status.slot(slot).unwrap().key.is_some();
        assert!(directory.private_keys.iter().all(|entry| key(entry.slot)));
        assert!(directory.public_keys.iter().all(|entry| key(entry.slot)));
        let files: Vec<_> = status.slots.iter().flat_map(|slot| &slot.certificates).map(|file| file.file).collect();
        assert!(directory.certificates.iter().all(|entry| files.contains(&entry.file)));
    });
}

/// The old pair is what it was, and signs.
fn old_pair_works(card: &mut Setup, old: &[Slot]) {
    let slots = card.again().slots().unwrap();
    for (before, after) in old.iter().zip(&slots) {
        assert_eq!(before.key, after.key);
        assert_eq!(before.certificates[0].der, after.certificates[0].der);
    }
    for (slot, secret) in [(1, AUTHENTICATION), (2, SIGNATURE)] {
        let job = SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") };
        card.again().sign(&[job], &Pin::with_last_try(Secret::from(secret))).unwrap();
    }
}

#[test]
fn a_key_pair_is_made_or_not_or_found_again() {
    let make = || {
        let mut card = Setup::with_pairs(&[1, 2]);
        let old = card.token.slots().unwrap()[..2].to_vec();
        (card, old)
    };
    let request = order(3, KeyRole::Authentication, KeyAlgorithm::P256);
    let tears = torn_everywhere(
        make,
        |card, _| card.token.generate(&request, &pin()).map(drop),
        |card, old| {
            old_pair_works(card, old);
            let slot = card.again().slots().unwrap().remove(2);
            assert!(slot.certificates.is_empty());
            let key = match slot.key {
                // An orphan, or whole: its public key is known, and it is completed by its certificate.
                Some(key) => key.public_key.unwrap(),
                None => card.again().generate(&request, &pin()).unwrap(),
            };
            let certificate = certificate("Jana", 3, &key, 100);
            card.again().install(&[installation(3, certificate.clone())], &[], &pin()).unwrap();
            let slot = card.again().slots().unwrap().remove(2);
            assert_eq!(slot.certificates[0].der, certificate);
            let directory = card.simulator.with_card(|card| card.directory().unwrap());
            assert_eq!(directory.private_keys.len(), 3);
            assert_eq!(directory.public_keys.len(), 3);
        },
    );
    assert_eq!(tears, 3 * 5);
}

#[test]
fn two_certificates_are_both_visible_or_neither() {
    let make = || {
        let mut card = Setup::with_pairs(&[1, 2]);
        let jobs: Vec<InstallCertificate> = [(3, KeyRole::Authentication), (4, KeyRole::Signature)]
            .into_iter()
            .map(|(slot, role)| {
                let key = card.token.generate(&order(slot, role, KeyAlgorithm::P256), &pin()).unwrap();
                installation(slot, certificate("Jana", slot as u8, &key, 500))
            })
            .collect();
        let old = card.token.slots().unwrap()[..2].to_vec();
        (card, (jobs, old))
    };
    let superseded = [SlotId(1), SlotId(2)];
    let tears = torn_everywhere(
        make,
        |card, (jobs, _)| card.token.install(jobs, &superseded, &pin()),
        |card, (jobs, old)| {
            old_pair_works(card, old);
            let slots = card.again().slots().unwrap();
            let visible = slots[2..4].iter().filter(|slot| !slot.certificates.is_empty()).count();
            let marked = slots[..2].iter().filter(|slot| slot.certificates[0].superseded).count();
            assert!((visible, marked) == (0, 0) || (visible, marked) == (2, 2), "{visible} visible, {marked} marked");
            card.again().install(jobs, &superseded, &pin()).unwrap();
            let slots = card.again().slots().unwrap();
            for (slot, job) in slots[2..4].iter().zip(jobs) {
                assert_eq!(slot.certificates[0].der, job.certificate);
            }
            assert!(slots[..2].iter().all(|slot| slot.certificates[0].superseded));
        },
    );
    assert_eq!(tears, 3 * 6);
}

#[test]
fn a_removal_leaves_orphans_at_worst_and_is_repeated() {
    let make = || {
        let mut card = Setup::with_pairs(&[1, 2, 3, 4]);
        let old = card.token.slots().unwrap()[..2].to_vec();
        (card, old)
    };
    let what = [Removal::Slot(SlotId(3)), Removal::Slot(SlotId(4))];
    let tears = torn_everywhere(
        make,
        |card, _| card.token.remove(&what, &pin()),
        |card, old| {
            old_pair_works(card, old);
            let left: Vec<_> = card.again().slots().unwrap()[2..4]
                .iter()
                .filter(|slot| slot.key.is_some())
                .map(|slot| Removal::Slot(slot.id))
                .collect();
            card.again().remove(&left, &pin()).unwrap();
            let slots = card.again().slots().unwrap();
            assert!(slots[2..].iter().all(|slot| slot.key.is_none() && slot.certificates.is_empty()));
        },
    );
    assert_eq!(tears, 3 * 6);
}

#[test]
fn a_certificate_removed_alone_can_be_removed_again() {
    let make = || {
        let mut card = Setup::with_pairs(&[1, 2, 3]);
        let old = card.token.slots().unwrap()[..2].to_vec();
        (card, old)
    };
    torn_everywhere(
        make,
        |card, _| card.token.remove(&[Removal::Certificate(SlotId(3), 0)], &pin()),
        |card, old| {
            old_pair_works(card, old);
            let slot = card.again().slots().unwrap().remove(2);
            if !slot.certificates.is_empty() {
                card.again().remove(&[Removal::Certificate(SlotId(3), 0)], &pin()).unwrap();
            }
            let slot = card.again().slots().unwrap().remove(2);
            assert!(slot.key.is_some() && slot.certificates.is_empty());
            // What is left of it, if anything, is written over.
            let again = certificate("Jana", 7, &slot.key.unwrap().public_key.unwrap(), 50);
            card.again().install(&[installation(3, again.clone())], &[], &pin()).unwrap();
            assert_eq!(card.again().slots().unwrap()[2].certificates[0].der, again);
        },
    );
}

#[test]
fn a_torn_verify_costs_a_try_at_most_and_never_the_last_but_one_unasked() {
    let make = || (Setup::with_pairs(&[1, 2]), ());
    torn_everywhere(
        make,
        |card, ()| {
            let job = SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"x") };
            card.token.sign(&[job, job_again()], &Pin::new(Secret::from(SIGNATURE))).map(drop)
        },
        |card, ()| {
            let tries = card.tries(PasswordKind::SignaturePin);
            assert!(matches!(tries, obnova_card::Tries::Known(2 | 3)), "{tries}");
            card.again().sign(&[job_again()], &Pin::new(Secret::from(SIGNATURE))).unwrap();
            assert_eq!(card.tries(PasswordKind::SignaturePin), obnova_card::Tries::Known(3));
        },
    );
}

fn job_again() -> SignDigest {
    SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"y") }
}

#[test]
fn what_a_tear_or_another_program_left_is_repaired() {
    let mut card = Setup::with_pairs(&[1, 2]);
    assert_eq!(card.token.repair(&Pin::new(Secret::from("0000"))).unwrap(), [], "no PIN is sent for nothing");
    // An orphan: torn right after the key was made.
    card.simulator.with_card(|card| card.set_faults(FaultPlan::new().at(4, Fault::TearAfter)));
    let request = order(3, KeyRole::Signature, KeyAlgorithm::P256);
    assert!(card.token.generate(&request, &pin()).is_err());
    assert_eq!(card.again().repair(&pin()).unwrap(), [Repair::KeyEntered(SlotId(3))]);
    let directory = |card: &Setup| card.simulator.with_card(|card| card.directory().unwrap());
    assert_eq!(directory(&card).private_keys.len(), 3);
    let before = directory(&card);

    // A program without care: a directory of nonsense, then one with entries for nothing.
    write_directory(
        &card,
        vec![0x31; before.encode(card.simulator.with_card(|card| card.status().directory())).unwrap().len()],
    );
    assert!(matches!(card.again().slots(), Err(TokenError::Directory(_))));
    let repairs = card.again().repair(&pin()).unwrap();
    assert_eq!(repairs[0], Repair::DirectoryRebuilt);
    assert!(
        repairs.contains(&Repair::CertificateEntered(SlotId(2))) && repairs.contains(&Repair::KeyEntered(SlotId(3)))
    );
    let slots = card.again().slots().unwrap();
    assert!(slots[..2].iter().all(|slot| slot.certificates.len() == 1) && slots[2].certificates.is_empty());

    card.again().remove(&[Removal::Slot(SlotId(3))], &pin()).unwrap();
    let stale = before.encode(card.simulator.with_card(|card| card.status().directory())).unwrap();
    write_directory(&card, stale);
    assert_eq!(card.again().slots().unwrap()[2].key, None, "an entry for nothing is not shown");
    assert_eq!(card.again().repair(&pin()).unwrap(), [Repair::EntriesDropped(SlotId(3))]);
    no_entry_for_nothing(&card);
    assert_eq!(card.again().repair(&pin()).unwrap(), []);
}

fn write_directory(card: &Setup, content: Vec<u8>) {
    use obnova_profile::{PasswordReference, command};
    use obnova_transport::CardConnection;
    let mut connection = card.simulator.clone();
    let mut conversation = connection.begin().unwrap();
    let verify = command::verify(PasswordReference::CONTENT, AUTHENTICATION.as_bytes());
    for command in [command::select(), verify, command::update_directory(content)] {
        let apdu = command.encode(obnova_apdu::LengthForm::Extended).unwrap();
        let mut answer = Vec::new();
        conversation.transmit(&apdu, &mut answer).unwrap();
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00]);
    }
}
