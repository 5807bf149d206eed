use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{
    Capabilities, GenerateKey, Identity, InstallCertificate, PasswordKind, PasswordState, PasswordStatus, Pin, Removal,
    Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
};

use crate::stage::trial;

/// A token that does not keep to the rules.
pub struct Careless {
    pub token: Box<dyn Token>,
    pub how: How,
}

#[derive(PartialEq)]
pub enum How {
    DropsOld,
    OneByOne,
    AnyPin,
    HidesTries,
    AnyPuk,
    /// A key in the next free slot too.
    MakesTwo,
    /// What the PIN is, whatever is given for the old one.
    AnyOld(&'static str),
}

impl Token for Careless {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        self.token.identity()
    }
    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        self.token.capabilities()
    }
    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        let mut statuses = self.token.passwords()?;
        for status in statuses.iter_mut().filter(|_| self.how == How::HidesTries) {
            if let PasswordState::Active(_) = status.state {
                status.state = PasswordState::Active(Tries::Unknown);
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
        let outcome = self.token.unblock_password(kind, puk, new);
        if self.how == How::AnyPuk { Ok(()) } else { outcome }
    }
    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        self.token.activate(transport, new)
    }
}
