//! Several certificates on one key: they come beside each other, one of them goes, and the key stays.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Setup, certificate, digest, installation, pin};
use obnova_algorithm::{Digest, SignatureAlgorithm};
use obnova_card::{Removal, SignDigest, SlotId, Token, TokenError};
use obnova_simulator::{Fault, FaultPlan};

const SLOT: SlotId = SlotId(1);

/// Serial number of each certificate on the key, as the test wrote them, and whether it is marked.
fn on_the_key(token: &mut dyn Token) -> Vec<(u8, bool)> {
    let slot = token.slots().unwrap().into_iter().find(|slot| slot.id == SLOT).unwrap();
    let key = slot.key.as_ref().unwrap().public_key.clone().unwrap();
    let which = |der: &[u8]| (0..=20).find(|serial| certificate("Jana", *serial, &key, 200) == der).unwrap();
    slot.certificates.iter().map(|entry| (which(&entry.der), entry.superseded)).collect()
}

fn next(token: &mut dyn Token, serial: u8) -> obnova_card::InstallCertificate {
    let slot = token.slots().unwrap().into_iter().find(|slot| slot.id == SLOT).unwrap();
    installation(SLOT.0, certificate("Jana", serial, &slot.key.unwrap().public_key.unwrap(), 200))
}

#[test]
fn a_certificate_comes_beside_the_one_that_is_there_which_is_marked_and_can_be_removed_alone() {
    let mut card = Setup::with_pairs(&[1, 2]);
    assert!(card.token.capabilities().unwrap().several_certificates());
    let second = next(&mut card.token, 7);
    card.token.install(std::slice::from_ref(&second), &[SLOT], &pin()).unwrap();
    assert_eq!(on_the_key(&mut card.again()), [(1, true), (7, false)]);
    // Once more, as after a crash: nothing changes.
    card.token.install(&[second], &[SLOT], &pin()).unwrap();
    assert_eq!(on_the_key(&mut card.again()), [(1, true), (7, false)]);

    let job =
        SignDigest { slot: SLOT, algorithm: SignatureAlgorithm::Ecdsa(Digest::Sha256), digest: digest(b"it works") };
    assert_eq!(card.token.sign(std::slice::from_ref(&job), &pin()).unwrap().len(), 1);
    card.token.remove(&[Removal::Certificate(SLOT, 0)], &pin()).unwrap();
    assert_eq!(on_the_key(&mut card.again()), [(7, false)], "the key and its new certificate stay");
    card.token.sign(&[job], &pin()).unwrap();
    let third = next(&mut card.token, 9);
    card.token.install(&[third], &[SLOT], &pin()).unwrap();
    assert_eq!(on_the_key(&mut card.again()), [(9, false), (7, true)], "the place that became free is taken");
    let wrong = card.token.remove(&[Removal::Certificate(SLOT, 2)], &pin());
    assert!(matches!(wrong, Err(TokenError::Slot { slot: SLOT, .. })));
    card.token.remove(&[Removal::Slot(SLOT)], &pin()).unwrap();
    let slots = card.again().slots().unwrap();
    assert!(slots[0].key.is_none() && slots[0].certificates.is_empty(), "the key goes with all of them");
}

#[test]
fn a_key_has_eight_certificates_at_most_and_the_directory_says_before_when_it_is_full() {
    let mut card = Setup::with_pairs(&[1]);
    for serial in 2..=20 {
        let before = on_the_key(&mut card.again());
        let job = next(&mut card.token, serial);
        match card.token.install(&[job], &[], &pin()) {
            Ok(()) => assert_eq!(on_the_key(&mut card.again()).len(), before.len() + 1),
            Err(TokenError::Slot { problem, .. }) => {
                assert!(problem.contains("as many certificates"), "{problem}");
                assert_eq!((before.len(), on_the_key(&mut card.again())), (8, before));
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("there was room for ever");
}

#[test]
fn torn_at_any_command_the_old_certificate_is_there_and_the_same_installation_ends_well() {
    let whole = Setup::with_pairs(&[1, 2]);
    let fork = || whole.simulator.with_card(|card| card.fork());
    for at in 1.. {
        let simulator = obnova_simulator::SimulatorConnection::new(fork());
        let mut token = obnova_card::ProfileToken::new(simulator.clone());
        let job = next(&mut token, 7);
        simulator.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearInside)));
        let outcome = token.install(std::slice::from_ref(&job), &[SLOT], &pin());
        simulator.with_card(|card| {
            card.set_faults(FaultPlan::new());
            card.reset();
        });
        let mut again = obnova_card::ProfileToken::new(simulator);
        if outcome.is_ok() {
            assert!(at > 4, "nothing was torn");
            return;
        }
        let seen = on_the_key(&mut again);
        assert!(matches!(seen[..], [(1, false)] | [(1, true), (7, false)]), "torn at {at}: {seen:?}");
        again.install(&[job], &[SLOT], &pin()).unwrap();
        assert_eq!(on_the_key(&mut again), [(1, true), (7, false)], "torn at {at}");
    }
}
