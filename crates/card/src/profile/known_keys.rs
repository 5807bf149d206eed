//! Public keys of the card, so that they are read once.

use std::collections::BTreeMap;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, Verifier, key_id};
use obnova_profile::{Directory, KeyRecord, PublicKeyTemplate, SlotNumber, command};

use super::{
    conversation::{Conversation, name},
    listing::entered_id,
};
use crate::{SignDigest, TokenError, check::check_generated};

/// Public keys that were read. They belong to one card, and are taken only as long as the directory has their identifier.
#[derive(Default)]
pub(super) struct KnownKeys {
    serial: String,
    keys: BTreeMap<SlotNumber, KnownKey>,
}

struct KnownKey {
    public: SubjectPublicKeyInfoOwned,
    algorithm: Option<KeyAlgorithm>,
    /// For the algorithm that it signed by last.
    verifier: Option<Verifier>,
}

impl KnownKeys {
    /// Forgets the keys of another card, and of slots that are empty or hold another kind of key by now.
    pub(super) fn meet(&mut self, card: &Conversation<'_>) {
        if self.serial != card.status.serial {
            self.serial.clone_from(&card.status.serial);
            self.keys.clear();
        }
        self.keys.retain(|slot, key| {
            let record = card.status.slot(*slot).and_then(|record| record.key);
            record.is_some_and(|record| key.algorithm == Some(record.algorithm))
        });
    }

    pub(super) fn get(&self, slot: SlotNumber) -> Option<&SubjectPublicKeyInfoOwned> {
        self.keys.get(&slot).map(|known| &known.public)
    }

    pub(super) fn learn(&mut self, slot: SlotNumber, key: SubjectPublicKeyInfoOwned) {
        if self.get(slot) != Some(&key) {
            let algorithm = KeyAlgorithm::try_from(&key).ok();
            self.keys.insert(slot, KnownKey { public: key, algorithm, verifier: None });
        }
    }

    pub(super) fn forget(&mut self, slot: SlotNumber) {
        self.keys.remove(&slot);
    }

    /// Whether the key of the slot made this signature; `false` also when no key of it is known.
    pub(super) fn verify(&mut self, order: &SignDigest, slot: SlotNumber, signature: &[u8]) -> bool {
        let Some(known) = self.keys.get_mut(&slot) else {
            return false;
        };
        if known.verifier.as_ref().is_none_or(|verifier| verifier.algorithm() != order.algorithm) {
            known.verifier = Verifier::new(&known.public, order.algorithm).ok();
        }
        known.verifier.as_ref().is_some_and(|verifier| verifier.verify_digest(&order.digest, signature).is_ok())
    }

    /// The key of a slot: from before when the directory has its identifier, or else from the card.
    pub(super) fn of_slot(
        &mut self,
        card: &mut Conversation<'_>,
        slot: SlotNumber,
        record: KeyRecord,
        directory: &Directory,
    ) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        match self.get(slot) {
            Some(key) if entered_id(directory, slot) == key_id(key).ok().as_ref().map(|id| id.as_slice()) => {
                Ok(key.clone())
            }
            _ => self.read(card, slot, record),
        }
    }

    /// The key of a slot as the card tells it now.
    pub(super) fn read(
        &mut self,
        card: &mut Conversation<'_>,
        slot: SlotNumber,
        record: KeyRecord,
    ) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        let read = command::read_public_key(slot);
        let answer = card.ask(&read)?;
        let key = PublicKeyTemplate::decode(&answer).and_then(|template| template.to_spki());
        let key = key.map_err(|problem| TokenError::PublicKey { command: name(&read), problem })?;
        check_generated(name(&read), &key, record.algorithm)?;
        self.learn(slot, key.clone());
        Ok(key)
    }
}
