use obnova_card::{Capabilities, Identity, KeyEntry, PasswordKind, PasswordState, PasswordStatus, Slot, SlotId};

use crate::ParsedCertificate;

/// A card as it was seen at one moment: everything that a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardView {
    /// Who it is.
    pub identity: Identity,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How its passwords stand.
    pub passwords: Vec<PasswordStatus>,
    /// Its slots, with the certificates read.
    pub slots: Vec<SlotView>,
}

/// A slot with its certificates read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Which one.
    pub id: SlotId,
    /// Its key, if any.
    pub key: Option<KeyEntry>,
    /// Its certificates.
    pub certificates: Vec<CertificateView>,
    /// What an interruption left of a key pair is in it, and nothing that can be used ([`Slot::left_over`]).
    pub left_over: bool,
}

/// A certificate on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateView {
    /// Its label.
    pub label: String,
    /// It was marked as superseded.
    pub superseded: bool,
    /// The certificate; `None` when what is there is not one.
    pub certificate: Option<ParsedCertificate>,
    /// The key in its slot is the one it certifies. True as well where the token cannot tell the key without it.
    pub fits_key: bool,
}

impl CardView {
    /// Reads what the four questions to a [`Token`](obnova_card::Token) brought.
    #[must_use]
    pub fn new(
        identity: Identity,
        capabilities: Capabilities,
        passwords: Vec<PasswordStatus>,
        slots: Vec<Slot>,
    ) -> Self {
        Self { identity, capabilities, passwords, slots: slots.into_iter().map(SlotView::from).collect() }
    }

    /// The slot with this number.
    #[must_use]
    pub fn slot(&self, id: SlotId) -> Option<&SlotView> {
        self.slots.iter().find(|slot| slot.id == id)
    }

    /// How a password stands; `None` when the card has no such password.
    #[must_use]
    pub fn password(&self, kind: PasswordKind) -> Option<PasswordState> {
        self.passwords.iter().find(|status| status.kind == kind).map(|status| status.state)
    }
}

impl SlotView {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.key.is_none() && self.certificates.is_empty()
    }

    /// Whether this very certificate is in it.
    #[must_use]
    pub fn holds(&self, certificate: &ParsedCertificate) -> bool {
        self.certificates.iter().any(|entry| entry.certificate.as_ref() == Some(certificate))
    }
}

impl From<Slot> for SlotView {
    fn from(slot: Slot) -> Self {
        let key = slot.key.as_ref().and_then(|key| key.public_key.as_ref());
        let certificates = slot.certificates.into_iter().map(|entry| {
            let certificate = ParsedCertificate::from_der(&entry.der).ok();
            let fits_key =
                certificate.as_ref().is_some_and(|certificate| key.is_none_or(|key| key == certificate.public_key()));
            CertificateView { label: entry.label, superseded: entry.superseded, certificate, fits_key }
        });
        Self { id: slot.id, certificates: certificates.collect(), key: slot.key.clone(), left_over: slot.left_over }
    }
}
