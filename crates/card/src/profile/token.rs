use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_profile::pkcs15::SUPERSEDED_SUFFIX;
use obnova_transport::CardConnection;

use super::{
    activation,
    conversation::{Conversation, Pad},
    directory,
    known_keys::KnownKeys,
    listing, operations, passwords,
    repair::{self, Repair},
    signing,
};
use crate::{
    Capabilities, CertificateDirectory, GenerateKey, Identity, InstallCertificate, Overview, PasswordKind,
    PasswordStatus, Pin, Removal, Secret, SignDigest, Slot, SlotId, Token, TokenError,
};

/// A card of the Obnova profile, in a reader, in a simulator, or in a recorded conversation.
///
/// It stays with the card that it met: where another one answers in its place, nothing is sent to that one, and no secret
/// ([`TokenError::OtherCard`]), until [`identity`](Token::identity) or [`overview`](Token::overview) asks who is there now.
///
/// Making keys, writing and removing take the *authentication PIN*, also for signature keys; the signature PIN only signs.
pub struct ProfileToken<C> {
    connection: C,
    known: KnownKeys,
    /// Serial number of the card that was asked who it is, or that was spoken to first.
    met: Option<String>,
    short_only: bool,
    pad: Pad,
}

impl<C: CardConnection> ProfileToken<C> {
    /// Drives the card behind `connection`. Nothing is sent yet.
    pub fn new(connection: C) -> Self {
        Self { connection, known: KnownKeys::default(), met: None, short_only: false, pad: Pad::default() }
    }

    /// Uses short APDUs only, whatever the card says: for readers that do not pass extended ones.
    #[must_use]
    pub fn short_only(self) -> Self {
        Self { short_only: true, ..self }
    }

    /// Does without the reader's pad, whatever the reader says: some say that they have one and do not.
    #[must_use]
    pub fn without_pin_pad(self) -> Self {
        Self { pad: Pad::Off, ..self }
    }

    /// The connection.
    pub fn into_connection(self) -> C {
        self.connection
    }

    /// With whatever card is there now.
    fn meet(&mut self) -> Result<(Conversation<'_>, &mut KnownKeys), TokenError> {
        self.met = None;
        self.resume()
    }

    /// With the card that was met before.
    fn resume(&mut self) -> Result<(Conversation<'_>, &mut KnownKeys), TokenError> {
        let card = Conversation::begin(&mut self.connection, self.short_only, &mut self.pad)?;
        let found = &card.status.serial;
        match &self.met {
            Some(wanted) if wanted != found => {
                return Err(TokenError::OtherCard { wanted: wanted.clone(), found: found.clone() });
            }
            _ => self.met = Some(found.clone()),
        }
        self.known.meet(&card);
        Ok((card, &mut self.known))
    }
}

impl<C: CardConnection> Token for ProfileToken<C> {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        let place = self.connection.description();
        let (card, _) = self.meet()?;
        Ok(identity(&card, place))
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let (mut card, _) = self.resume()?;
        capabilities(&mut card)
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        let (card, _) = self.resume()?;
        Ok(passwords::list(&card))
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let (mut card, known) = self.resume()?;
        slots(&mut card, known)
    }

    fn repairs(&mut self) -> Result<Vec<Repair>, TokenError> {
        let (mut card, known) = self.resume()?;
        Ok(repair::survey(&mut card, known)?.1)
    }

    fn repair(&mut self, pin: &Pin) -> Result<Vec<Repair>, TokenError> {
        let (mut card, known) = self.resume()?;
        repair::repair(&mut card, known, pin)
    }

    /// The SELECT that begins every conversation answers three of the four questions.
    fn overview(&mut self) -> Result<Overview, TokenError> {
        let place = self.connection.description();
        let (mut card, known) = self.meet()?;
        Ok(Overview {
            identity: identity(&card, place),
            capabilities: capabilities(&mut card)?,
            passwords: passwords::list(&card),
            slots: slots(&mut card, known)?,
        })
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        let (mut card, known) = self.resume()?;
        operations::generate(&mut card, known, request, pin)
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        let (mut card, known) = self.resume()?;
        signing::sign(&mut card, known, jobs, pin)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        let (mut card, known) = self.resume()?;
        operations::install(&mut card, known, jobs, superseded, pin)
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        let (mut card, known) = self.resume()?;
        operations::remove(&mut card, known, what, pin)
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        let (mut card, _) = self.resume()?;
        passwords::change(&mut card, kind, old, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError> {
        let (mut card, _) = self.resume()?;
        passwords::unblock(&mut card, kind, puk, new)
    }

    fn compare_password(&mut self, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
        let (mut card, _) = self.resume()?;
        passwords::compare(&mut card, kind, value)
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        let (mut card, _) = self.resume()?;
        activation::activate(&mut card, transport, new)
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

fn capabilities(card: &mut Conversation<'_>) -> Result<Capabilities, TokenError> {
    let pin_pad = card.pad()?.is_some();
    Ok(Capabilities {
        pin_pad,
        generate: card.status.algorithms.clone(),
        in_place_only: false,
        atomic_install: true,
        slots: Some(card.status.slots.len()),
        max_certificate: card.status.limits.certificate.into(),
        certificates_per_key: Some(card.status.limits.certificates_per_key().into()),
        directory: Some(CertificateDirectory {
            length: card.status.directory().certificates().length.into(),
            entry: directory::entry_without_label(),
            mark: SUPERSEDED_SUFFIX.len(),
        }),
        marks_superseded: true,
        takes_puk: pin_pad || card.compares_what_opens_nothing(),
        hides: false,
        activation: activation::state(card),
    })
}

fn slots(card: &mut Conversation<'_>, known: &mut KnownKeys) -> Result<Vec<Slot>, TokenError> {
    let directory = directory::read(card)?;
    let records = card.status.slots.clone();
    records.iter().map(|record| listing::slot(card, record, &directory, known)).collect()
}
