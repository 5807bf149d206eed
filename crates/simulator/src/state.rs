use std::collections::BTreeMap;

use obnova_algorithm::KeyAlgorithm;
use obnova_profile::{
    DirectoryLayout, FileId, KeyRole, LifeCycle, Limits, PasswordReference, SlotNumber, TransportPinModel, reference,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::hex::Hex;
use crate::key_pair::KeyPair;
use crate::password::StoredPassword;

/// What the card keeps without power.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) serial: String,
    pub(crate) label: String,
    /// Codes as in the status template.
    life_cycle: u8,
    transport_pin: u8,
    /// Counts every change of content; OpenSC's caches go by it.
    pub(crate) changes: u16,
    /// In bytes; a state file that does not say so is of a card that takes what every card takes.
    #[serde(default = "usual_certificate", skip_serializing_if = "is_usual_certificate")]
    pub(crate) largest_certificate: u16,
    /// In the order of their references. The transport PIN is there until the card is active.
    passwords: Vec<StoredPassword>,
    pub(crate) slots: Vec<StoredSlot>,
    directory: Hex,
}

/// A slot as the card keeps it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredSlot {
    pub(crate) key: Option<StoredKey>,
    pub(crate) certificate: Option<Hex>,
    /// Further certificates on the same key, by their place, from 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    beside: BTreeMap<u8, Hex>,
}

/// A key as the card keeps it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredKey {
    algorithm: u8,
    role: u8,
    /// PKCS#8.
    private: Hex,
}

impl State {
    pub(crate) fn new(serial: String, label: String, model: TransportPinModel, slots: u8, tries: [u8; 4]) -> Self {
        let layout = DirectoryLayout::for_slots(slots);
        Self {
            serial,
            label,
            life_cycle: LifeCycle::Inactive.code(),
            transport_pin: model.code(),
            changes: 0,
            largest_certificate: Limits::CERTIFICATE,
            passwords: tries.into_iter().map(StoredPassword::unset).collect(),
            slots: vec![StoredSlot::default(); slots.into()],
            directory: vec![0; layout.length().into()].into(),
        }
    }

    pub(crate) fn life_cycle(&self) -> LifeCycle {
        LifeCycle::from_code(self.life_cycle).unwrap_or(LifeCycle::Inactive)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.life_cycle() == LifeCycle::Active
    }

    /// Makes the card active, and the transport PIN worthless.
    pub(crate) fn activate(&mut self) {
        self.life_cycle = LifeCycle::Active.code();
        self.passwords.truncate(PasswordReference::LASTING.len());
    }

    pub(crate) fn model(&self) -> TransportPinModel {
        TransportPinModel::from_code(self.transport_pin).unwrap_or(TransportPinModel::Separate)
    }

    /// Bytes of the transport PIN, its own or in the place of passwords, while there is one.
    pub(crate) fn transport_pin_length(&self) -> Option<u8> {
        let in_place = self.passwords.iter().find(|password| password.is_transport());
        let transport = in_place.or(self.password(PasswordReference::TransportPin))?;
        u8::try_from(transport.length()).ok().filter(|length| *length > 0)
    }

    /// Shortest and longest value of a password. A transport PIN that is there is as long as it is.
    pub(crate) fn lengths(&self, reference: PasswordReference) -> (u8, u8) {
        match self.transport_pin_length() {
            Some(length) if reference == PasswordReference::TransportPin => (length, length),
            _ => self.model().lengths(reference),
        }
    }

    fn has_sound_passwords(&self) -> bool {
        let (shortest, longest) = self.model().lengths(PasswordReference::TransportPin);
        let transport = self.transport_pin_length().is_none_or(|length| (shortest..=longest).contains(&length));
        let may_stand_in_place = self.model().stands_in_place() && !self.is_active();
        let is_single_use = self.model() == TransportPinModel::SingleUse;
        transport
            && self
                .passwords
                .iter()
                .all(|password| password.is_sound() && (may_stand_in_place || !password.is_transport()))
            && self.password(PasswordReference::TransportPin).is_none_or(|pin| !is_single_use || pin.tries() == 1)
    }

    pub(crate) fn password(&self, reference: PasswordReference) -> Option<&StoredPassword> {
        self.passwords.get(index(reference))
    }

    pub(crate) fn password_mut(&mut self, reference: PasswordReference) -> Option<&mut StoredPassword> {
        self.passwords.get_mut(index(reference))
    }

    pub(crate) fn layout(&self) -> DirectoryLayout {
        DirectoryLayout::for_slots(self.slots.len() as u8)
    }

    pub(crate) fn directory(&self) -> &[u8] {
        &self.directory
    }

    pub(crate) fn directory_mut(&mut self) -> &mut [u8] {
        self.directory.bytes_mut()
    }

    /// Slots that the card has.
    pub(crate) fn slot_numbers(&self) -> impl Iterator<Item = SlotNumber> + use<> {
        SlotNumber::first(self.slots.len() as u8)
    }

    pub(crate) fn slot(&self, slot: SlotNumber) -> Option<&StoredSlot> {
        self.slots.get(usize::from(slot.get()) - 1)
    }

    pub(crate) fn slot_mut(&mut self, slot: SlotNumber) -> Option<&mut StoredSlot> {
        self.slots.get_mut(usize::from(slot.get()) - 1)
    }

    /// The keys, ready to use, slot by slot; `None` when one of them, or anything else, cannot be true.
    pub(crate) fn load_keys(&self) -> Option<Vec<Option<KeyPair>>> {
        self.is_sound().then_some(())?;
        self.slots
            .iter()
            .map(|slot| match &slot.key {
                None => Some(None),
                Some(key) => Some(Some(KeyPair::from_pkcs8(key.algorithm()?, key.private()).ok()?)),
            })
            .collect()
    }

    fn is_sound(&self) -> bool {
        let slots =
            u8::try_from(self.slots.len()).is_ok_and(|count| (SlotNumber::FEWEST..=SlotNumber::MOST).contains(&count));
        let has_transport_pin = !self.is_active();
        slots
            && LifeCycle::from_code(self.life_cycle).is_some()
            && TransportPinModel::from_code(self.transport_pin).is_some()
            && self.passwords.len() == PasswordReference::LASTING.len() + usize::from(has_transport_pin)
            && self.has_sound_passwords()
            && self.directory.len() == usize::from(self.layout().length())
            && self.largest_certificate >= Limits::CERTIFICATE
            && self.slots.iter().all(|slot| slot.is_sound(self.largest_certificate))
            && crate::personalisation::is_serial(&self.serial)
            && crate::personalisation::is_label(&self.label)
    }
}

const fn usual_certificate() -> u16 {
    Limits::CERTIFICATE
}

const fn is_usual_certificate(length: &u16) -> bool {
    *length == Limits::CERTIFICATE
}

fn index(reference: PasswordReference) -> usize {
    usize::from(reference.code()) - 1
}

impl StoredSlot {
    /// Certificates with their places, in order.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (u8, &Hex)> {
        let first = self.certificate.iter().map(|certificate| (0, certificate));
        first.chain(self.beside.iter().map(|(place, certificate)| (*place, certificate)))
    }

    pub(crate) fn certificate_at(&self, place: u8) -> Option<&Hex> {
        if place == 0 { self.certificate.as_ref() } else { self.beside.get(&place) }
    }

    pub(crate) fn put_certificate(&mut self, place: u8, certificate: Hex) {
        match place {
            0 => self.certificate = Some(certificate),
            _ => drop(self.beside.insert(place, certificate)),
        }
    }

    /// Whether there was one.
    pub(crate) fn remove_certificate(&mut self, place: u8) -> bool {
        if place == 0 { self.certificate.take().is_some() } else { self.beside.remove(&place).is_some() }
    }

    /// Whether there was a key; its certificates go with it.
    pub(crate) fn remove_key(&mut self) -> bool {
        let there = self.key.is_some();
        if there {
            *self = Self::default();
        }
        there
    }

    fn is_sound(&self, largest_certificate: u16) -> bool {
        let key =
            self.key.as_ref().is_none_or(|key| key.algorithm().is_some() && KeyRole::from_code(key.role).is_some());
        let certificates = self
            .certificates()
            .all(|(_, certificate)| self.key.is_some() && certificate.len() <= largest_certificate.into());
        key && certificates && self.beside.keys().all(|place| (1..FileId::MOST_CERTIFICATES).contains(place))
    }
}

impl StoredKey {
    pub(crate) fn new(key: &KeyPair, role: KeyRole) -> Option<Self> {
        let algorithm = reference::key(key.algorithm())?;
        Some(Self { algorithm, role: role.code(), private: key.private().to_vec().into() })
    }

    pub(crate) fn algorithm(&self) -> Option<KeyAlgorithm> {
        reference::key_from(self.algorithm)
    }

    pub(crate) fn role(&self) -> KeyRole {
        KeyRole::from_code(self.role).unwrap_or(KeyRole::Signature)
    }

    fn private(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.private.to_vec())
    }
}
