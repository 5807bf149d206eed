use std::path::Path;

use obnova_profile::{Limits, PasswordReference, SlotNumber, TransportPinModel};
use zeroize::Zeroizing;

use crate::card::Card;
use crate::state::State;
use crate::store::{self, StateFileError, Store};

/// Makes a card: what its maker writes before it is handed over.
///
/// ```
/// use obnova_simulator::Personalisation;
///
/// let card = Personalisation::new("OBN00000001").label("Jana Nováková").active(b"1234", b"567890", b"12345678").finish()?;
/// assert_eq!(card.status().slots.len(), 8);
/// # Ok::<(), obnova_simulator::PersonalisationError>(())
/// ```
#[derive(Clone)]
pub struct Personalisation {
    serial: String,
    label: String,
    slots: u8,
    largest_certificate: u16,
    tries: [u8; 4],
    passwords: Passwords,
}

type Secret = Zeroizing<Vec<u8>>;

#[derive(Clone)]
enum Passwords {
    Transport(TransportPinModel, Secret),
    Active([Secret; 3]),
}

impl Personalisation {
    /// A card with this serial number (1 to 16 printable ASCII characters), 8 slots, 3 tries for each PIN and the transport
    /// PIN and 5 for the PUK. It is inactive and has no transport PIN yet: see [`active`](Self::active) and
    /// [`inactive`](Self::inactive), one of which must follow.
    #[must_use]
    pub fn new(serial: impl Into<String>) -> Self {
        Self {
            serial: serial.into(),
            label: "Obnova".to_owned(),
            slots: 8,
            largest_certificate: Limits::CERTIFICATE,
            tries: [3, 3, 5, 3],
            passwords: Passwords::Transport(TransportPinModel::Separate, Zeroizing::default()),
        }
    }

    /// Sets the label, 1 to 32 bytes of UTF-8.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets the number of slots, 6 to 14.
    #[must_use]
    pub fn slots(mut self, slots: u8) -> Self {
        self.slots = slots;
        self
    }

    /// Sets the largest certificate that the card takes, in bytes: at least [`Limits::CERTIFICATE`], which it is unless said
    /// otherwise, and at most [`Limits::LARGEST_CERTIFICATE`].
    #[must_use]
    pub fn largest_certificate(mut self, bytes: u16) -> Self {
        self.largest_certificate = bytes;
        self
    }

    /// Sets the tries of a password, 1 to 15.
    #[must_use]
    pub fn tries(mut self, password: PasswordReference, tries: u8) -> Self {
        self.tries[usize::from(password.code()) - 1] = tries;
        self
    }

    /// An active card with these values of authentication PIN, signature PIN and PUK.
    #[must_use]
    pub fn active(mut self, authentication: &[u8], signature: &[u8], puk: &[u8]) -> Self {
        self.passwords =
            Passwords::Active([authentication, signature, puk].map(|value| Zeroizing::new(value.to_vec())));
        self
    }

    /// An inactive card of this model with this transport PIN, as long as the model [says](TransportPinModel::lengths), and
    /// empty where the holder gets none ([`Empty`](TransportPinModel::Empty), [`Null`](TransportPinModel::Null)). One of
    /// [`SingleUse`](TransportPinModel::SingleUse) has one try, whatever [`tries`](Self::tries) says.
    #[must_use]
    pub fn inactive(mut self, model: TransportPinModel, transport_pin: &[u8]) -> Self {
        self.passwords = Passwords::Transport(model, Zeroizing::new(transport_pin.to_vec()));
        self
    }

    /// The card, in memory only.
    ///
    /// # Errors
    /// [`PersonalisationError`] says which value does not follow the profile.
    pub fn finish(self) -> Result<Card, PersonalisationError> {
        Ok(Card::new(self.state()?, Store::Memory))
    }

    /// The card, in a new state file that only its owner may read. An existing file is left alone.
    ///
    /// # Errors
    /// [`PersonalisationError`]: a value does not follow the profile, or the file cannot be made.
    pub fn create(self, path: impl AsRef<Path>) -> Result<Card, PersonalisationError> {
        let state = self.state()?;
        let store = store::create(path.as_ref(), &state)?;
        Ok(Card::new(state, store))
    }

    fn state(self) -> Result<State, PersonalisationError> {
        if !is_serial(&self.serial) {
            return Err(PersonalisationError::Serial);
        }
        if !is_label(&self.label) {
            return Err(PersonalisationError::Label);
        }
        if !(SlotNumber::FEWEST..=SlotNumber::MOST).contains(&self.slots) {
            return Err(PersonalisationError::Slots { slots: self.slots });
        }
        if self.largest_certificate < Limits::CERTIFICATE {
            return Err(PersonalisationError::LargestCertificate { bytes: self.largest_certificate });
        }
        if !self.tries.iter().all(|tries| (1..=15).contains(tries)) {
            return Err(PersonalisationError::Tries);
        }
        let model = match &self.passwords {
            Passwords::Transport(model, _) => *model,
            Passwords::Active(_) => TransportPinModel::Separate,
        };
        let mut tries = self.tries;
        if model == TransportPinModel::SingleUse {
            tries[usize::from(PasswordReference::TransportPin.code()) - 1] = 1;
        }
        let mut state = State::new(self.serial, self.label, model, self.slots, tries);
        state.largest_certificate = self.largest_certificate;
        match self.passwords {
            Passwords::Active(values) => {
                for (reference, value) in PasswordReference::LASTING.into_iter().zip(values) {
                    set(&mut state, reference, &value)?;
                }
                state.activate();
            }
            Passwords::Transport(model, value) => hand_over(&mut state, model, &value)?,
        }
        Ok(state)
    }
}

/// Puts the transport PIN where the model has it.
fn hand_over(state: &mut State, model: TransportPinModel, value: &[u8]) -> Result<(), PersonalisationError> {
    let reference = PasswordReference::TransportPin;
    match model.is_secret() {
        true => check_length(model, reference, value)?,
        false if !value.is_empty() => {
            return Err(PersonalisationError::Password { reference, minimum: 0, maximum: 0 });
        }
        false => {}
    }
    let value = if model == TransportPinModel::Null { &TransportPinModel::NULL_PIN } else { value };
    for reference in PasswordReference::ALL {
        let is_own = reference == PasswordReference::TransportPin;
        let holds_it = if is_own { model.is_own_password() } else { model.stands_in_place() };
        if let Some(password) = state.password_mut(reference).filter(|_| holds_it) {
            password.set(value, !is_own);
        }
    }
    Ok(())
}

fn set(state: &mut State, reference: PasswordReference, value: &[u8]) -> Result<(), PersonalisationError> {
    check_length(state.model(), reference, value)?;
    if let Some(password) = state.password_mut(reference) {
        password.set(value, false);
    }
    Ok(())
}

fn check_length(
    model: TransportPinModel,
    reference: PasswordReference,
    value: &[u8],
) -> Result<(), PersonalisationError> {
    let (minimum, maximum) = model.lengths(reference);
    if (usize::from(minimum)..=usize::from(maximum)).contains(&value.len()) {
        return Ok(());
    }
    Err(PersonalisationError::Password { reference, minimum, maximum })
}

pub(crate) fn is_serial(serial: &str) -> bool {
    (1..=16).contains(&serial.len()) && serial.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(crate) fn is_label(label: &str) -> bool {
    (1..=32).contains(&label.len()) && !label.contains(obnova_algorithm::text::is_unseen)
}

/// Why a card cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonalisationError {
    /// The serial number.
    #[error("a serial number has 1 to 16 printable ASCII characters, without spaces")]
    Serial,
    /// The label.
    #[error("a card's label has 1 to 32 bytes and no control characters")]
    Label,
    /// The number of slots.
    #[error("a card has {} to {} slots, not {slots}", SlotNumber::FEWEST, SlotNumber::MOST)]
    Slots {
        /// What was asked for.
        slots: u8,
    },
    /// The largest certificate.
    #[error("a card takes certificates of at least {} bytes, not of {bytes} only", Limits::CERTIFICATE)]
    LargestCertificate {
        /// What was asked for.
        bytes: u16,
    },
    /// The number of tries.
    #[error("a password has 1 to 15 tries")]
    Tries,
    /// The length of a password.
    #[error("the {reference} must have {minimum} to {maximum} characters")]
    Password {
        /// Which one.
        reference: PasswordReference,
        /// Shortest length.
        minimum: u8,
        /// Longest length.
        maximum: u8,
    },
    /// The state file.
    #[error(transparent)]
    File(#[from] StateFileError),
}
