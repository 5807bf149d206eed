use std::sync::Arc;

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::StatusWord;
use obnova_apdu::tlv::{Reader, Tag, Tlv};
use obnova_profile::{KeyRole, PublicKeyTemplate, SlotNumber, command, reference};

use super::{Card, Outcome, Refusal, Request, answer};
use crate::key_pair::KeyPair;
use crate::state::StoredKey;

pub(super) const ALGORITHM: Tag = Tag::new(0x80);
pub(super) const FILE: Tag = Tag::new(0x81);
pub(super) const KEY: Tag = Tag::new(0x84);

impl Card {
    /// GENERATE ASYMMETRIC KEY PAIR (§5.6).
    pub(super) fn key_pair(&mut self, request: &Request<'_>) -> Outcome {
        let malformed = || Refusal::from(StatusWord::INCORRECT_DATA);
        let template = Tlv::parse(request.data).map_err(|_| malformed())?;
        let role = u8::try_from(template.tag.number()).ok().and_then(KeyRole::from_template).ok_or_else(malformed)?;
        let reference = Reference::read(template.value)?;
        let slot = reference.slot.ok_or_else(malformed)?;
        match (request.p1, request.p2) {
            (command::GENERATE, 0x00) => {
                self.content_access()?;
                let algorithm = reference.algorithm.and_then(reference::key_from).ok_or_else(malformed)?;
                answer(self.generate(slot, role, algorithm)?.encode())
            }
            (command::READ_PUBLIC_KEY, 0x00) => {
                answer(self.key(slot).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?.public().encode())
            }
            _ => Err(StatusWord::INCORRECT_P1_P2.into()),
        }
    }

    /// Makes a key in an empty slot.
    pub(super) fn generate(
        &mut self,
        slot: SlotNumber,
        role: KeyRole,
        algorithm: KeyAlgorithm,
    ) -> Result<PublicKeyTemplate, Refusal> {
        match self.state.slot(slot) {
            None => return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into()),
            Some(stored) if stored.key.is_some() => return Err(StatusWord::FILE_EXISTS.into()),
            Some(_) => {}
        }
        let key = KeyPair::generate(algorithm).map_err(|_| StatusWord::EXECUTION_ERROR)?;
        let stored = StoredKey::new(&key, role).ok_or(StatusWord::INCORRECT_DATA)?;
        if let Some(slot) = self.state.slot_mut(slot) {
            slot.key = Some(stored);
        }
        self.changed()?;
        let public = key.public();
        self.keys[usize::from(slot.get()) - 1] = Some(Arc::new(key));
        Ok(public)
    }

    pub(super) fn key(&self, slot: SlotNumber) -> Option<&KeyPair> {
        self.keys.get(usize::from(slot.get()) - 1)?.as_deref()
    }
}

/// What a control reference template names.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) algorithm: Option<u8>,
    pub(super) slot: Option<SlotNumber>,
    pub(super) file: Option<obnova_profile::FileId>,
}

impl Reference {
    pub(super) fn read(template: &[u8]) -> Result<Self, Refusal> {
        let mut reference = Self::default();
        for object in Reader::new(template) {
            let object = object.map_err(|_| StatusWord::INCORRECT_DATA)?;
            match (object.tag, object.value) {
                (ALGORITHM, [algorithm]) => reference.algorithm = Some(*algorithm),
                (KEY, [slot]) => reference.slot = SlotNumber::new(*slot),
                (FILE, [high, low]) => reference.file = Some(obnova_profile::FileId(u16::from_be_bytes([*high, *low]))),
                _ => return Err(StatusWord::INCORRECT_DATA.into()),
            }
        }
        Ok(reference)
    }
}
