use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{
    Capabilities, GenerateKey, Identity, InstallCertificate, PasswordKind, PasswordState, PasswordStatus, Pin, Removal,
    Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
};

use crate::stage::{arrived::CHOSEN, trial};

/// A token that does not keep to the rules.
pub struct Careless {
    token: Box<dyn Token>,
    how: How,
    /// Whether somebody tried to activate it.
    tried: bool,
    /// Whether it was told that the PUK is blocked.
    told: bool,
}

#[derive(PartialEq)]
pub enum How {
    /// Installing removes the old pair.
    DropsOld,
    /// A torn installation leaves one of two.
    OneByOne,
    /// Nothing can be installed.
    Full,
    /// Removing takes any PIN.
    AnyPin,
    /// Tries are not told.
    HidesTries,
    /// Whatever PUK comes, it says that it is right.
    AnyPuk,
    /// A key in the next free slot too.
    MakesTwo,
    /// What the PIN is, whatever is given for the old one.
    AnyOld(&'static str),
    /// The right PUK is taken, and nothing is done.
    IdlePuk,
    /// The transport PIN and good passwords are sent before bad ones are found.
    ChecksLater,
    /// It can be activated at the first attempt, or never.
    OneAttempt,
    /// An active card is activated once more.
    ActivatesAgain,
    /// The transport PIN stays as the signature PIN.
    KeepsTransport,
    /// The transport PIN stays as the PUK.
    KeepsTransportAsPuk,
    /// It says that it was activated, and was not.
    IdleActivation,
    /// That the PUK is blocked is told once.
    ForgetsBlocked,
    /// An active card's PUK is blocked, as it says, and is not.
    DisownsPuk,
    /// It says nothing of itself.
    Mute,
}

impl Careless {
    pub fn boxed(token: Box<dyn Token>, how: How) -> Box<dyn Token> {
        Box::new(Self { token, how, tried: false, told: false })
    }
}

impl Token for Careless {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        self.token.identity()
    }
    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        if self.how == How::Mute {
            return Err(TokenError::Finished { password: PasswordKind::TransportPin });
        }
        self.token.capabilities()
    }
    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        let mut statuses = self.token.passwords()?;
        for status in statuses.iter_mut().filter(|_| self.how == How::HidesTries) {
            if let PasswordState::Active(_) = status.state {
                status.state = PasswordState::Active(Tries::Unknown);
            }
        }
        let puk = statuses.iter_mut().find(|status| status.kind == PasswordKind::Puk);
        if let Some(PasswordStatus { state, .. }) = puk {
            match (&self.how, *state) {
                (How::ForgetsBlocked, PasswordState::Blocked) if std::mem::replace(&mut self.told, true) => {
                    *state = PasswordState::Active(Tries::Known(3));
                }
                (How::DisownsPuk, PasswordState::Active(_)) => *state = PasswordState::Blocked,
                _ => {}
            }
        }
        Ok(statuses)
    }
    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        self.token.slots()
    }
    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        let made = self.token.generate(request, pin)?;
        if self.how == How::MakesTwo
            && let Some(free) =
                self.token.slots()?.iter().find(|slot| slot.key.is_none() && slot.certificates.is_empty())
        {
            self.token.generate(&GenerateKey { slot: free.id, ..request.clone() }, pin)?;
        }
        Ok(made)
    }
    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        self.token.sign(jobs, pin)
    }
    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        if self.how == How::Full {
            return Err(TokenError::Unsupported { what: "be written".to_owned() });
        }
        if self.how == How::OneByOne {
            for job in jobs {
                self.token.install(std::slice::from_ref(job), &[], pin)?;
            }
            return self.token.install(&[], superseded, pin);
        }
        self.token.install(jobs, superseded, pin)?;
        match self.how == How::DropsOld {
            true => self.token.remove(&superseded.iter().copied().map(Removal::Slot).collect::<Vec<_>>(), pin),
            false => Ok(()),
        }
    }
    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        match self.how == How::AnyPin {
            true => {
                let right = trial::pin(PasswordKind::AuthenticationPin);
                self.token.remove(what, &right).or_else(|_| self.token.remove(what, pin))
            }
            false => self.token.remove(what, pin),
        }
    }
    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        match self.how {
            How::AnyOld(right) => self.token.change_password(kind, &Pin::new(right.into()), new),
            _ => self.token.change_password(kind, old, new),
        }
    }
    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError> {
        if self.how == How::IdlePuk && puk.secret == CHOSEN[2].into() {
            return Ok(());
        }
        let outcome = self.token.unblock_password(kind, puk, new);
        if self.how == How::AnyPuk { Ok(()) } else { outcome }
    }
    fn compare_password(&mut self, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
        self.token.compare_password(kind, value)
    }
    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        let again = std::mem::replace(&mut self.tried, true);
        if self.how == How::OneAttempt && again {
            return Err(TokenError::Finished { password: PasswordKind::TransportPin });
        }
        let chosen = || {
            let kinds = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
            kinds.into_iter().zip(CHOSEN.map(Secret::from)).collect::<Vec<_>>()
        };
        match self.how {
            How::ChecksLater => self.token.activate(transport, new).inspect_err(|_| {
                let _ = self.token.activate(transport, &chosen());
            }),
            How::ActivatesAgain => {
                let active = self.token.capabilities()?.activation.is_none();
                if active { Ok(()) } else { self.token.activate(transport, new) }
            }
            How::IdleActivation => Ok(()),
            How::KeepsTransportAsPuk => {
                self.token.activate(transport, new)?;
                self.token.change_password(PasswordKind::Puk, &Pin::new(CHOSEN[2].into()), &transport.secret)
            }
            How::KeepsTransport => {
                self.token.activate(transport, new)?;
                let [_, signature_pin, _] = CHOSEN.map(|value| Pin::new(value.into()));
                self.token.change_password(PasswordKind::SignaturePin, &signature_pin, &transport.secret)
            }
            _ => self.token.activate(transport, new),
        }
    }
}
