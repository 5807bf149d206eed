use std::sync::{Mutex, PoisonError};

use obnova_card::{KeyRole, PasswordKind, Pin, SlotId};

/// Who is asked for the PIN when the key has to sign.
///
/// It is called in the middle of a handshake, and a server waits for an answer only so long: where a person is asked, ask
/// before connecting and hand over a [`HeldPin`]. A closure works too.
pub trait PinSource: Send + Sync {
    /// The PIN for this one use. It is wiped when the signature is made.
    ///
    /// # Errors
    /// [`PinUnavailable`]; the handshake then ends without a signature and no try was spent.
    fn pin(&self, r#use: &PinUse) -> Result<Pin, PinUnavailable>;
}

impl<F: Fn(&PinUse) -> Result<Pin, PinUnavailable> + Send + Sync> PinSource for F {
    fn pin(&self, r#use: &PinUse) -> Result<Pin, PinUnavailable> {
        self(r#use)
    }
}

/// What a PIN is about to be used for: one signature, in one TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinUse {
    /// Which one is needed.
    pub password: PasswordKind,
    /// Slot of the key.
    pub slot: SlotId,
    /// What the key is for.
    pub role: KeyRole,
}

/// A PIN that was asked for before, for a number of handshakes. It is wiped with the last one, and like a PIN it has no `Debug`.
pub struct HeldPin(Mutex<Option<(Pin, u32)>>);

impl HeldPin {
    /// For one login.
    #[must_use]
    pub fn once(pin: Pin) -> Self {
        Self::for_uses(pin, 1)
    }

    /// For so many logins as its owner was told; for none it is wiped at once.
    #[must_use]
    pub fn for_uses(pin: Pin, uses: u32) -> Self {
        Self(Mutex::new((uses > 0).then_some((pin, uses))))
    }
}

impl PinSource for HeldPin {
    fn pin(&self, _: &PinUse) -> Result<Pin, PinUnavailable> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.take() {
            None => Err(PinUnavailable::UsedUp),
            Some((pin, 1)) => Ok(pin),
            Some((pin, uses)) => {
                *held = Some((pin.clone(), uses - 1));
                Ok(pin)
            }
        }
    }
}

/// No PIN was given for a login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinUnavailable {
    /// The holder did not want to.
    #[error("the PIN was not entered, so nothing was signed")]
    Cancelled,
    /// It was given for fewer uses than were needed.
    #[error("the PIN was given for fewer logins than were tried: ask for it again")]
    UsedUp,
    /// Anything else, in words.
    #[error("the PIN could not be asked for: {0}")]
    Other(String),
}

#[cfg(test)]
mod tests {
    use obnova_card::Secret;

    use super::*;

    const USE: PinUse =
        PinUse { password: PasswordKind::AuthenticationPin, slot: SlotId(1), role: KeyRole::Authentication };

    static_assertions::assert_not_impl_any!(HeldPin: std::fmt::Debug, std::fmt::Display, PartialEq, Clone);

    #[test]
    fn a_held_pin_serves_its_uses_and_no_more() {
        let pin = || Pin::new(Secret::from("1234"));
        let held = HeldPin::for_uses(pin(), 2);
        for _ in 0..2 {
            assert_eq!(held.pin(&USE).unwrap().secret.expose(), b"1234");
        }
        assert_eq!(held.pin(&USE).err(), Some(PinUnavailable::UsedUp));
        assert!(held.0.lock().unwrap().is_none(), "wiped with its last use");
        assert_eq!(HeldPin::for_uses(pin(), 0).pin(&USE).err(), Some(PinUnavailable::UsedUp));
    }
}
