use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_transport::CardConnection;

use super::{
    conversation::Conversation,
    directory,
    listing::{self, KnownKeys},
    operations, passwords,
    repair::{self, Repair},
    signing,
};
use crate::{
    Capabilities, GenerateKey, Identity, InstallCertificate, Overview, PasswordKind, PasswordStatus, Pin, Removal,
    Secret, SignDigest, Slot, SlotId, Token, TokenError,
};

/// A card of the Obnova profile, in a reader, in a simulator, or in a recorded conversation.
///
/// Making keys, writing and removing take the *authentication PIN*, also for signature keys; the signature PIN only signs.
pub struct ProfileToken<C> {
    connection: C,
    known: KnownKeys,
    short_only: bool,
}

impl<C: CardConnection> ProfileToken<C> {
    /// Drives the card behind `connection`. Nothing is sent yet.
    pub fn new(connection: C) -> Self {
        Self { connection, known: KnownKeys::default(), short_only: false }
    }

    /// Uses short APDUs only, whatever the card says: for readers that do not pass extended ones.
    #[must_use]
    pub fn short_only(self) -> Self {
        Self { short_only: true, ..self }
    }

    /// The connection.
    pub fn into_connection(self) -> C {
        self.connection
    }

    /// Brings the directory into line with what is in the slots, after something tore: enters keys that are not entered,
    /// drops entries for nothing, and writes a directory anew that cannot be read (labels and marks are lost with it).
    /// Returns what was done; when nothing is to be done, no PIN is sent.
    ///
    /// # Errors
    /// As [`Token::install`].
    pub fn repair(&mut self, pin: &Pin) -> Result<Vec<Repair>, TokenError> {
        let (mut card, known) = self.begin()?;
        repair::repair(&mut card, known, pin)
    }

    fn begin(&mut self) -> Result<(Conversation<'_>, &mut KnownKeys), TokenError> {
        let card = Conversation::begin(&mut self.connection, self.short_only)?;
        self.known.meet(&card);
        Ok((card, &mut self.known))
    }
}

impl<C: CardConnection> Token for ProfileToken<C> {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        let place = self.connection.description();
        let (card, _) = self.begin()?;
        Ok(identity(&card, place))
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let (card, _) = self.begin()?;
        Ok(capabilities(&card))
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        let (card, _) = self.begin()?;
        Ok(passwords::list(&card))
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let (mut card, known) = self.begin()?;
        slots(&mut card, known)
    }

    /// The SELECT that begins every conversation answers three of the four questions.
    fn overview(&mut self) -> Result<Overview, TokenError> {
        let place = self.connection.description();
        let (mut card, known) = self.begin()?;
        Ok(Overview {
            identity: identity(&card, place),
            capabilities: capabilities(&card),
            passwords: passwords::list(&card),
            slots: slots(&mut card, known)?,
        })
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        let (mut card, known) = self.begin()?;
        operations::generate(&mut card, known, request, pin)
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        let (mut card, known) = self.begin()?;
        signing::sign(&mut card, known, jobs, pin)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        let (mut card, known) = self.begin()?;
        operations::install(&mut card, known, jobs, superseded, pin)
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        let (mut card, known) = self.begin()?;
        operations::remove(&mut card, known, what, pin)
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        let (mut card, _) = self.begin()?;
        passwords::change(&mut card, kind, old, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError> {
        let (mut card, _) = self.begin()?;
        passwords::unblock(&mut card, kind, puk, new)
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        let (mut card, _) = self.begin()?;
        passwords::activate(&mut card, transport, new)
    }
}

fn identity(card: &Conversation<'_>, place: String) -> Identity {
    Identity {
        kind: format!("Obnova profile {}", card.status.version.major),
        label: card.status.label.clone(),
        serial: card.status.serial.clone(),
        place,
    }
}

fn capabilities(card: &Conversation<'_>) -> Capabilities {
    Capabilities {
        generate: card.status.algorithms.clone(),
        in_place_only: false,
        atomic_install: true,
        slots: Some(card.status.slots.len()),
        max_certificate: card.status.limits.certificate.into(),
        marks_superseded: true,
    }
}

fn slots(card: &mut Conversation<'_>, known: &mut KnownKeys) -> Result<Vec<Slot>, TokenError> {
    let directory = directory::read(card)?;
    let records = card.status.slots.clone();
    records.iter().map(|record| listing::slot(card, record, &directory, known)).collect()
}
