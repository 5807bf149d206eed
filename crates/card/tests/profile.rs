//! The profile driver on the simulated card: what a holder's card goes through, and how much is said for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    AUTHENTICATION, PUK, SIGNATURE, Setup, certificate, digest, installation, liar::of_version_1_0, order, pin,
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, key_id, verify};
use obnova_card::{
    KeyRole, PasswordKind, PasswordState, PasswordStep, PasswordSteps, Pin, ProfileToken, Removal, Secret, SignDigest,
    SlotId, Token, TokenError, Tries,
};
use obnova_profile::PasswordReference;
use obnova_simulator::{Personalisation, SimulatorConnection};

#[test]
fn a_card_says_who_it_is_and_what_it_can_do() {
    let mut card = Setup::new();
    let identity = card.token.identity().unwrap();
    assert_eq!(identity.kind, "Obnova profile 1");
    assert_eq!((identity.label.as_str(), identity.serial.as_str()), ("Jana Nováková", "OBN1"));
    assert_eq!(identity.place, "in process");
    let capabilities = card.token.capabilities().unwrap();
    assert!(capabilities.atomic_install && capabilities.marks_superseded && !capabilities.in_place_only);
    assert_eq!(capabilities.slots, Some(8));
    assert!(capabilities.generate.contains(&KeyAlgorithm::P256) && capabilities.max_certificate >= 8_192);
    let passwords = card.token.passwords().unwrap();
    let states: Vec<_> = passwords.iter().map(|password| (password.kind, password.state)).collect();
    assert_eq!(
        states,
        [
            (PasswordKind::AuthenticationPin, PasswordState::Active(Tries::Known(3))),
            (PasswordKind::SignaturePin, PasswordState::Active(Tries::Known(3))),
            (PasswordKind::Puk, PasswordState::Active(Tries::Known(5))),
        ]
    );
    assert_eq!(card.spent(|token| drop(token.identity().unwrap())), 1);
    assert_eq!(card.spent(|token| drop(token.capabilities().unwrap())), 1);
    assert_eq!(card.spent(|token| drop(token.passwords().unwrap())), 1);
}

#[test]
fn listing_a_card_of_four_certificates_takes_six_apdus() {
    let card = Setup::with_pairs(&[1, 2, 3, 4]);
    for mut token in [card.again(), card.token] {
        let before = card.count.counts();
        let slots = token.slots().unwrap();
        assert_eq!(slots.len(), 8);
        assert_eq!(slots.iter().filter(|slot| slot.certificates.len() == 1).count(), 4);
        assert_eq!((card.count.counts() - before).apdus, 6, "the figure asked for is 10 at most");
        for slot in &slots[..4] {
            let key = slot.key.as_ref().unwrap();
            assert_eq!(key.id, key_id(key.public_key.as_ref().unwrap()).unwrap());
        }
    }
}

#[test]
fn a_list_grows_by_one_apdu_a_certificate_and_a_signature_does_not_grow() {
    let mut card = Setup::new();
    for pairs in 1..=8 {
        let role = if pairs % 2 == 1 { KeyRole::Authentication } else { KeyRole::Signature };
        let key = card.token.generate(&order(pairs, role, KeyAlgorithm::P256), &pin()).unwrap();
        let job = [installation(pairs, certificate("Jana", pairs as u8, &key, 200))];
        // To a card that is full nothing else is said than to one that is empty.
        assert_eq!(card.spent(|token| token.install(&job, &[], &pin()).unwrap()), 5, "{pairs}");
        let (mut fresh, before) = (card.again(), card.count.counts());
        assert_eq!(fresh.slots().unwrap().len(), 8);
        assert_eq!((card.count.counts() - before).apdus, 2 + u64::from(pairs));
        let jobs = [SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") }];
        let (mut fresh, before) = (card.again(), card.count.counts());
        fresh.sign(&jobs, &pin()).unwrap();
        assert_eq!((card.count.counts() - before).apdus, 5, "{pairs}");
    }
}

#[test]
fn a_key_pair_with_its_entries_takes_five_apdus() {
    let mut card = Setup::new();
    for (slot, role, algorithm) in [
        (1, KeyRole::Authentication, KeyAlgorithm::P256),
        (2, KeyRole::Signature, KeyAlgorithm::P384),
        (3, KeyRole::Signature, KeyAlgorithm::Rsa2048),
    ] {
        let mut key = None;
        let apdus = card.spent(|token| key = Some(token.generate(&order(slot, role, algorithm), &pin()).unwrap()));
        assert_eq!(apdus, 5);
        let key = key.unwrap();
        assert_eq!(KeyAlgorithm::try_from(&key).unwrap(), algorithm);
        let entry = card.again().slots().unwrap()[slot as usize - 1].key.clone().unwrap();
        assert_eq!((entry.role, entry.algorithm, entry.public_key.as_ref()), (role, algorithm, Some(&key)));
    }
    let taken = card.token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap_err();
    assert!(matches!(taken, TokenError::Slot { slot: SlotId(1), .. }));
    for slot in [0, 9, 300] {
        let none = card.token.generate(&order(slot, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap_err();
        assert!(matches!(none, TokenError::Slot { slot: SlotId(it), .. } if it == slot));
    }
    let unsupported = card.token.generate(&order(5, KeyRole::Signature, KeyAlgorithm::Rsa4096), &pin()).unwrap_err();
    assert!(matches!(unsupported, TokenError::Unsupported { .. }));
}

#[test]
fn pin_and_signature_take_at_most_four_apdus_from_a_selected_application() {
    let mut card = Setup::with_pairs(&[1, 2]);
    for (slot, secret) in [(1, AUTHENTICATION), (2, SIGNATURE)] {
        let pin = Pin::new(Secret::from(secret));
        let jobs = [SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") }];
        let mut fresh = card.again();
        let before = card.count.counts();
        fresh.sign(&jobs, &pin).unwrap();
        // SELECT is one of them; a token that knows the public key already reads it no more.
        assert_eq!((card.count.counts() - before).apdus, 1 + 4);
        assert_eq!(card.spent(|token| drop(token.sign(&jobs, &pin).unwrap())), 1 + 3);
    }
}

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

#[test]
fn a_certificate_written_and_entered_takes_five_apdus() {
    let mut card = Setup::new();
    let key = card.token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    let jobs = [installation(1, certificate("Jana", 1, &key, 1_500))];
    assert_eq!(card.spent(|token| token.install(&jobs, &[], &pin()).unwrap()), 5);
    // Two at once, and two superseded, cost one command more.
    let jobs = [3, 4].map(|slot| {
        let role = if slot == 3 { KeyRole::Authentication } else { KeyRole::Signature };
        let key = card.token.generate(&order(slot, role, KeyAlgorithm::P256), &pin()).unwrap();
        installation(slot, certificate("Jana", slot as u8, &key, 1_500))
    });
    assert_eq!(card.spent(|token| token.install(&jobs, &[SlotId(1)], &pin()).unwrap()), 6);
    let slots = card.again().slots().unwrap();
    assert!(slots[0].certificates[0].superseded && !slots[2].certificates[0].superseded);
    assert_eq!(slots[0].certificates[0].label, "Jana Nováková");
    assert_eq!(slots[3].certificates[0].der, jobs[1].certificate);
    // A program that never saw the card: one more for the public key of each slot that takes a certificate.
    let key = card.token.generate(&order(5, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    let fresh_job = [installation(5, certificate("Jana", 5, &key, 10))];
    let (mut fresh, before) = (card.again(), card.count.counts());
    fresh.install(&fresh_job, &[SlotId(4)], &pin()).unwrap();
    assert_eq!((card.count.counts() - before).apdus, 6);
    card.token.remove(&[Removal::Slot(SlotId(5))], &pin()).unwrap();
    let slots = card.again().slots().unwrap();
    assert!(slots[3].certificates[0].superseded);
    let jobs = &jobs[..1];
    // Once more: nothing is written but the directory, and it is all the same.
    card.again().install(jobs, &[SlotId(1)], &pin()).unwrap();
    assert_eq!(card.again().slots().unwrap(), slots);
}

#[test]
fn every_key_signs_by_every_algorithm_that_it_offers() {
    let mut card = Setup::new();
    let kinds = [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::P256, KeyAlgorithm::P384];
    for (slot, algorithm) in (1..).zip(kinds) {
        let key = card.token.generate(&order(slot, KeyRole::Signature, algorithm), &pin()).unwrap();
        let entry = card.token.slots().unwrap()[slot as usize - 1].key.clone().unwrap();
        assert_eq!(entry.password, PasswordKind::SignaturePin);
        let job = |&algorithm: &SignatureAlgorithm| SignDigest {
            slot: SlotId(slot),
            algorithm,
            digest: algorithm.digest().of(b"x"),
        };
        let jobs: Vec<_> = entry.signs.iter().map(job).collect();
        assert_eq!(jobs.len(), if algorithm.is_rsa() { 6 } else { 3 });
        let signatures = card.token.sign(&jobs, &Pin::new(Secret::from(SIGNATURE))).unwrap();
        for (job, signature) in jobs.iter().zip(&signatures) {
            verify(&key, job.algorithm, b"x", signature).unwrap();
        }
    }
}

#[test]
fn jobs_that_do_not_fit_are_refused_before_a_pin_is_sent() {
    let mut card = Setup::with_pairs(&[1, 2]);
    let job = |slot, algorithm| SignDigest { slot: SlotId(slot), algorithm, digest: digest(b"x") };
    let wrong_pin = Pin::new(Secret::from("0000"));
    let pss = SignatureAlgorithm::RsaPss(Digest::Sha256);
    let longer = SignatureAlgorithm::Ecdsa(Digest::Sha384);
    let other_password = [job(1, P256), job(2, P256)];
    assert!(matches!(card.token.sign(&other_password, &wrong_pin), Err(TokenError::Slot { slot: SlotId(2), .. })));
    assert!(matches!(card.token.sign(&[job(3, P256)], &wrong_pin), Err(TokenError::Slot { slot: SlotId(3), .. })));
    assert!(matches!(card.token.sign(&[job(1, pss)], &wrong_pin), Err(TokenError::Unsupported { .. })));
    assert!(matches!(card.token.sign(&[job(1, longer)], &wrong_pin), Err(TokenError::Unsupported { .. })));
    assert_eq!(card.tries(PasswordKind::AuthenticationPin), Tries::Known(3));
    assert_eq!(card.token.sign(&[], &wrong_pin).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn certificates_that_do_not_fit_are_refused_and_nothing_is_written() {
    let mut card = Setup::with_pairs(&[1, 2]);
    let first = card.token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    let second = card.token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    let before = card.token.slots().unwrap();
    let right = installation(3, certificate("Jana", 3, &first, 10));
    let broken = certificate("Jana", 4, &second, 10);
    for (job, slot) in [
        (installation(4, certificate("Jana", 4, &first, 10)), 4),
        (installation(4, broken[..broken.len() - 1].to_vec()), 4),
        (installation(4, certificate("Jana", 4, &second, 9_000)), 4),
        (installation(5, certificate("Jana", 4, &second, 10)), 5),
        (installation(99, certificate("Jana", 4, &second, 10)), 99),
        (installation(3, certificate("Jana", 9, &first, 10)), 3),
    ] {
        let error = card.token.install(&[right.clone(), job], &[SlotId(1), SlotId(2)], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(it), .. } if it == slot), "{slot}: {error}");
    }
    for superseded in [5, 99] {
        let error = card.token.install(std::slice::from_ref(&right), &[SlotId(superseded)], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(it), .. } if it == superseded), "{error}");
    }
    assert_eq!(card.again().slots().unwrap(), before);
}

#[test]
fn what_is_removed_is_gone_and_the_rest_stays() {
    let mut card = Setup::with_pairs(&[1, 2, 3, 4]);
    let before = card.token.slots().unwrap();
    let apdus =
        card.spent(|token| token.remove(&[Removal::Slot(SlotId(1)), Removal::Slot(SlotId(2))], &pin()).unwrap());
    assert_eq!(apdus, 6);
    card.token.remove(&[Removal::Certificate(SlotId(3), 0)], &pin()).unwrap();
    let after = card.again().slots().unwrap();
    assert!(after[..2].iter().all(|slot| slot.key.is_none() && slot.certificates.is_empty()));
    assert_eq!((&after[2].key, after[2].certificates.len()), (&before[2].key, 0));
    assert_eq!(after[3..], before[3..]);
    for (removal, slot) in [
        (Removal::Slot(SlotId(1)), 1),
        (Removal::Certificate(SlotId(3), 0), 3),
        (Removal::Certificate(SlotId(4), 1), 4),
        (Removal::Slot(SlotId(77)), 77),
    ] {
        let error = card.token.remove(&[removal], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(it), .. } if it == slot));
    }
}

#[test]
fn a_try_is_never_spent_below_what_the_caller_keeps() {
    let mut card = Setup::with_pairs(&[1]);
    let wrong = Pin::new(Secret::from("9999"));
    let jobs = [SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") }];
    for left in [2, 1] {
        let error = card.token.sign(&jobs, &wrong).unwrap_err();
        let (password, tries) = (PasswordKind::AuthenticationPin, Tries::Known(left));
        assert!(matches!(error, TokenError::WrongSecret { password: p, tries: t } if (p, t) == (password, tries)));
    }
    // One is left. Nothing spends it, not even the right PIN, without a yes.
    for pin in [&wrong, &pin()] {
        assert!(matches!(card.token.sign(&jobs, pin), Err(TokenError::TooFewTries { tries: Tries::Known(1), .. })));
        let make = order(2, KeyRole::Signature, KeyAlgorithm::P256);
        assert!(matches!(card.token.generate(&make, pin), Err(TokenError::TooFewTries { .. })));
        let change = card.token.change_password(PasswordKind::AuthenticationPin, pin, &Secret::from("4321"));
        assert!(matches!(change, Err(TokenError::TooFewTries { .. })));
    }
    assert_eq!(card.tries(PasswordKind::AuthenticationPin), Tries::Known(1));
    let error = card.token.sign(&jobs, &Pin::with_last_try(Secret::from("9999"))).unwrap_err();
    assert!(matches!(error, TokenError::Blocked { password: PasswordKind::AuthenticationPin }));
    // Blocked: said before it is sent, and the PUK helps.
    let spent = card.spent(|token| assert!(matches!(token.sign(&jobs, &pin()), Err(TokenError::Blocked { .. }))));
    assert_eq!(spent, 1);
    let puk = Pin::new(Secret::from(PUK));
    card.token.unblock_password(PasswordKind::AuthenticationPin, &puk, &Secret::from("4321")).unwrap();
    card.token.sign(&jobs, &Pin::new(Secret::from("4321"))).unwrap();
}

#[test]
fn the_wrong_form_is_told_before_anything_is_sent() {
    let mut card = Setup::with_pairs(&[1]);
    let kind = PasswordKind::AuthenticationPin;
    let short = Secret::from("123");
    let long = Secret::from("123456789");
    for bad in [&short, &long] {
        let form = |result: Result<(), TokenError>| {
            let error = result.unwrap_err();
            assert!(
                matches!(error, TokenError::SecretForm { password, maximum: 8, .. } if password == kind),
                "{error}"
            );
        };
        form(card.token.change_password(kind, &Pin::new(bad.clone()), &Secret::from("4321")));
        form(card.token.change_password(kind, &pin(), bad));
        form(card.token.unblock_password(kind, &Pin::new(Secret::from(PUK)), bad));
        let jobs = [SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") }];
        form(card.token.sign(&jobs, &Pin::new(bad.clone())).map(drop));
    }
    assert_eq!(card.tries(kind), Tries::Known(3));
    assert_eq!(card.tries(PasswordKind::Puk), Tries::Known(5));
}

#[test]
fn passwords_are_changed_and_unblocked() {
    let mut card = Setup::with_pairs(&[1, 2]);
    let (old, new) = (Pin::new(Secret::from(SIGNATURE)), Secret::from("24680"));
    let kind = PasswordKind::SignaturePin;
    assert_eq!(card.spent(|token| token.change_password(kind, &old, &new).unwrap()), 3);
    let jobs = [SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"x") }];
    assert!(matches!(
        card.token.sign(&jobs, &old),
        Err(TokenError::WrongSecret { password: PasswordKind::SignaturePin, tries: Tries::Known(2) })
    ));
    card.token.sign(&jobs, &Pin::new(new)).unwrap();
    let wrong = Pin::new(Secret::from("00000000"));
    let error = card.token.unblock_password(kind, &wrong, &Secret::from("11111")).unwrap_err();
    assert!(matches!(error, TokenError::WrongSecret { password: PasswordKind::Puk, tries: Tries::Known(4) }));
    let puk = PasswordKind::Puk;
    card.token.change_password(puk, &Pin::new(Secret::from(PUK)), &Secret::from("87654321")).unwrap();
    card.token.unblock_password(kind, &Pin::new(Secret::from("87654321")), &Secret::from("11111")).unwrap();
    card.token.sign(&jobs, &Pin::new(Secret::from("11111"))).unwrap();
    let refused = card.token.unblock_password(puk, &pin(), &Secret::from("11111111"));
    assert!(matches!(refused, Err(TokenError::Unsupported { .. })));
    let refused = card.token.change_password(PasswordKind::TransportPin, &pin(), &Secret::from("11111111"));
    assert!(matches!(refused, Err(TokenError::Unsupported { .. })));
}

#[test]
fn a_password_is_compared_and_nothing_else_happens() {
    let mut card = Setup::with_pairs(&[1]);
    let before = card.simulator.with_card(|card| card.status());
    for (kind, right, all) in [
        (PasswordKind::AuthenticationPin, AUTHENTICATION, 3),
        (PasswordKind::SignaturePin, SIGNATURE, 3),
        (PasswordKind::Puk, PUK, 5),
    ] {
        let (wrong, right) = (Pin::new(Secret::from("000000")), Pin::new(Secret::from(right)));
        let refused = card.token.compare_password(kind, &wrong);
        let Err(TokenError::WrongSecret { password, tries }) = refused else { panic!("{kind}: {refused:?}") };
        assert_eq!((password, tries), (kind, Tries::Known(all - 1)));
        assert_eq!(card.spent(|token| token.compare_password(kind, &right).unwrap()), 2);
        assert_eq!(card.simulator.with_card(|card| card.status()), before);
        for _ in 1..all {
            card.token.compare_password(kind, &wrong).unwrap_err();
        }
        let kept = card.token.compare_password(kind, &right);
        assert!(matches!(kept, Err(TokenError::TooFewTries { password, .. }) if password == kind), "{kind}: {kept:?}");
        card.token.compare_password(kind, &Pin { keep_tries: 0, ..right }).unwrap();
    }
    let transport = card.token.compare_password(PasswordKind::TransportPin, &pin());
    assert!(matches!(transport, Err(TokenError::Unsupported { .. })));
}

/// Old and new value go in one data field, which the card cuts by the length that it keeps: a digit too many of the old one would be the
/// first one of a value that nobody chose.
#[test]
fn an_old_value_with_a_digit_too_many_sets_none_that_nobody_chose() {
    let (sixth, seventh) = (Secret::from("654321"), Secret::from("6543215"));
    let mut card = Setup::with_pairs(&[1, 2]);
    card.token.change_password(PasswordKind::Puk, &Pin::new(Secret::from(PUK)), &sixth).unwrap();
    let before = card.simulator.with_card(|card| card.status());
    for (kind, right, new) in [
        (PasswordKind::AuthenticationPin, Secret::from(AUTHENTICATION), Secret::from("2468")),
        (PasswordKind::SignaturePin, Secret::from(SIGNATURE), Secret::from("2468")),
        (PasswordKind::Puk, sixth.clone(), Secret::from("246824")),
    ] {
        let slip = Pin::new(Secret::new([right.expose(), b"5"].concat()));
        let Tries::Known(most) = card.tries(kind) else { panic!("the card tells them") };
        let refused = card.token.change_password(kind, &slip, &new);
        let Err(TokenError::WrongSecret { password, tries }) = refused else { panic!("{kind}: {refused:?}") };
        assert_eq!((password, tries), (kind, Tries::Known(most - 1)));
        // The right one is the card's as before, and gives the tries back.
        card.token.change_password(kind, &Pin::new(right.clone()), &right).unwrap();
        assert_eq!(card.simulator.with_card(|card| card.status()), before);
    }
    for (kind, right) in [(PasswordKind::AuthenticationPin, AUTHENTICATION), (PasswordKind::SignaturePin, SIGNATURE)] {
        let refused = card.token.unblock_password(kind, &Pin::new(seventh.clone()), &Secret::from("2468"));
        let Err(TokenError::WrongSecret { password, tries }) = refused else { panic!("{kind}: {refused:?}") };
        assert_eq!((password, tries), (PasswordKind::Puk, Tries::Known(4)));
        let right = Secret::from(right);
        card.token.unblock_password(kind, &Pin::new(sixth.clone()), &right).unwrap();
        card.token.change_password(kind, &Pin::new(right.clone()), &right).unwrap();
        assert_eq!(card.simulator.with_card(|card| card.status()), before);
    }
}

/// It compares the PUK in front of a new value only, where a digit too many is not noticed.
#[test]
fn a_card_of_version_1_0_is_sent_no_puk_and_nothing_is_offered_that_takes_it() {
    let card = Setup::with_pairs(&[1]);
    let older = of_version_1_0();
    let (log, mut token) = (older.log(), older.between(&card.simulator));
    let before = card.simulator.with_card(|card| card.status());
    let (puk, new) = (Pin::new(Secret::from(PUK)), Secret::from("246824"));
    for refused in [
        token.change_password(PasswordKind::Puk, &puk, &new),
        token.compare_password(PasswordKind::Puk, &puk),
        token.unblock_password(PasswordKind::AuthenticationPin, &puk, &new),
        token.unblock_password(PasswordKind::SignaturePin, &puk, &new),
    ] {
        let Err(error @ TokenError::Unsupported { .. }) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("have its PUK compared by itself: it follows version 1.0"), "{error}");
    }
    assert!(log.lock().unwrap().after.is_empty(), "nothing was sent");
    assert_eq!(card.simulator.with_card(|card| card.status()), before);
    let seen = token.overview().unwrap();
    let steps = PasswordSteps::of(&seen.capabilities, &seen.passwords);
    let offered: Vec<_> = steps.offers.iter().map(|offer| offer.step).collect();
    let pins = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin].map(PasswordStep::Change);
    assert_eq!((offered, steps.dead), (pins.to_vec(), vec![]));
    // A PIN it compares.
    token.change_password(PasswordKind::AuthenticationPin, &pin(), &new).unwrap();
}

#[test]
fn short_apdus_do_all_of_it_too() {
    let mut card = Setup::with_pairs(&[1, 2]);
    let expected = card.token.slots().unwrap();
    let mut token = ProfileToken::new(card.connection()).short_only();
    assert_eq!(token.slots().unwrap(), expected);
    let key = token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::Rsa2048), &pin()).unwrap();
    token.install(&[installation(3, certificate("Jana", 3, &key, 1_500))], &[], &pin()).unwrap();
    let algorithm = SignatureAlgorithm::RsaPss(Digest::Sha512);
    let job = SignDigest { slot: SlotId(3), algorithm, digest: algorithm.digest().of(b"x") };
    let signature = token.sign(&[job], &pin()).unwrap().remove(0);
    verify(&key, algorithm, b"x", &signature).unwrap();
}

#[test]
fn another_program_that_changes_the_card_is_noticed() {
    let mut card = Setup::with_pairs(&[1, 2]);
    card.token.slots().unwrap();
    // The other program puts another key into slot 1.
    let mut other = card.again();
    other.remove(&[Removal::Slot(SlotId(1))], &pin()).unwrap();
    let key = other.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    let job = SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") };
    let signature = card.token.sign(&[job], &pin()).unwrap().remove(0);
    verify(&key, P256, b"x", &signature).unwrap();
    card.token.install(&[installation(1, certificate("Jana", 9, &key, 10))], &[], &pin()).unwrap();
    assert_eq!(card.token.slots().unwrap()[0].key.as_ref().unwrap().public_key.as_ref(), Some(&key));
}

#[test]
fn a_pin_with_tries_of_its_own_number_is_told_as_it_is() {
    let card = Personalisation::new("OBN3")
        .tries(PasswordReference::SignaturePin, 7)
        .active(AUTHENTICATION.as_bytes(), SIGNATURE.as_bytes(), PUK.as_bytes())
        .finish()
        .unwrap();
    let mut token = ProfileToken::new(SimulatorConnection::new(card));
    assert_eq!(token.passwords().unwrap()[1].state, PasswordState::Active(Tries::Known(7)));
}
