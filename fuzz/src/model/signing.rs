//! Signatures (PROFILE.md §5.7, §7): only what was prepared, only under its PIN, and only what verifies.

use obnova_algorithm::{Digest, DigestValue, SignatureAlgorithm, verify_digest};
use obnova_apdu::StatusWord;
use obnova_apdu::tlv::Reader;
use obnova_profile::reference;

use super::{Command, Key, Model, refused};

/// What signatures are made with.
#[derive(Clone, Copy)]
pub(super) struct Environment {
    slot: u8,
    algorithm: u8,
    /// The key was named by its file: the algorithm is one of MyEID's.
    by_file: bool,
}

impl Model {
    pub(super) fn prepare(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if (command.p1, command.p2) == (0x41, 0xB6) {
            self.environment = None;
        }
        if !status.is_success() {
            return refused(data, status);
        }
        assert!(self.active && data.is_empty(), "a key was chosen before activation");
        let objects: Vec<_> = Reader::new(&command.data).map(|object| object.expect("the card took it")).collect();
        let named = |tag| objects.iter().rev().find(|object| object.tag.number() == tag).map(|object| object.value);
        let Some(&[algorithm]) = named(0x80) else { panic!("no algorithm") };
        let (slot, by_file) = match (named(0x81), named(0x84)) {
            (Some(&[0x4B, slot]), _) => (slot, true),
            (None, Some(&[slot])) => (slot, false),
            _ => panic!("no key"),
        };
        assert!(self.keys.contains_key(&slot), "a key that is not there");
        self.environment = Some(Environment { slot, algorithm, by_file });
    }

    pub(super) fn sign(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        let chosen = self.environment.filter(|_| (command.p1, command.p2) == (0x9E, 0x9A));
        let Some(environment) = chosen else { return refused(data, status) };
        let key = self.keys.get(&environment.slot).expect("it was chosen, and not removed").clone();
        let pin = usize::from(key.signs);
        if !self.verified[pin] {
            return assert_eq!(
                (data, status),
                (&[][..], StatusWord::SECURITY_STATUS_NOT_SATISFIED),
                "signed without a PIN"
            );
        }
        // It is asked for at every signature.
        self.verified[pin] = !key.signs;
        if !status.is_success() {
            return assert_eq!((data, status), (&[][..], StatusWord::INCORRECT_DATA));
        }
        verifies(&environment, &key, &command.data, data);
    }
}

fn verifies(environment: &Environment, key: &Key, signed: &[u8], signature: &[u8]) {
    let (algorithm, hash) = match (environment.by_file, reference::signature_from(environment.algorithm)) {
        (false, Some(algorithm)) => (algorithm, signed.to_vec()),
        (true, None) if environment.algorithm == reference::MYEID_ECDSA => {
            // The leftmost bits of a hash of any length are a number as long as the order.
            let (digest, length) = if key.algorithm == 0x12 { (Digest::Sha384, 48) } else { (Digest::Sha256, 32) };
            let leftmost = &signed[..signed.len().min(length)];
            (SignatureAlgorithm::Ecdsa(digest), [&vec![0; length - leftmost.len()], leftmost].concat())
        }
        (true, None) => return assert_eq!(signature.len(), 256),
        _ => panic!("signed by algorithm {:02X}", environment.algorithm),
    };
    let hash = DigestValue::from_bytes(algorithm.digest(), &hash).expect("the card took it");
    verify_digest(&key.public, algorithm, &hash, signature).expect("the signature verifies");
}
