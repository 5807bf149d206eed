use obnova_algorithm::SubjectPublicKeyInfoOwned;

use crate::{
    Capabilities, GenerateKey, Identity, InstallCertificate, PasswordKind, PasswordStatus, Pin, Removal, Repair,
    Secret, SignDigest, Slot, SlotId, Token, TokenError,
};

/// Makes a token behave like those that have one place for each role, PIV for instance: a new key takes the place of the old
/// one, which is gone from that moment, certificate and all. For tests of what a plan says about such tokens.
///
/// The places are those slots of the token that are named; the others are not shown. A new key is a removal and a generation
/// on the token behind it, where a PIV card has one command: torn between the two the place is empty.
#[derive(Debug)]
pub struct InPlaceOnly<T> {
    token: T,
    places: Vec<SlotId>,
}

impl<T: Token> InPlaceOnly<T> {
    /// Shows nothing of `token` but `places`, and lets keys be replaced there.
    pub fn new(token: T, places: &[SlotId]) -> Self {
        Self { token, places: places.to_vec() }
    }

    /// The token behind it.
    pub fn into_inner(self) -> T {
        self.token
    }

    fn place(&self, slot: SlotId) -> Result<(), TokenError> {
        let known = self.places.contains(&slot);
        if known {
            Ok(())
        } else {
            Err(TokenError::Slot { slot, problem: "there is no such slot: take one that Token::slots names" })
        }
    }
}

impl<T: Token> Token for InPlaceOnly<T> {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        let identity = self.token.identity()?;
        Ok(Identity { kind: format!("{} (in place only)", identity.kind), ..identity })
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let capabilities = self.token.capabilities()?;
        let slots = Some(self.places.len());
        Ok(Capabilities {
            in_place_only: true,
            certificates_per_key: Some(1),
            // What is new stands where the old one stood.
            directory: None,
            marks_superseded: false,
            slots,
            ..capabilities
        })
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        self.token.passwords()
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let mut slots = self.token.slots()?;
        slots.retain(|slot| self.places.contains(&slot.id));
        Ok(slots)
    }

    fn slots_with_pin(&mut self, pin: &Pin) -> Result<Vec<Slot>, TokenError> {
        let mut slots = self.token.slots_with_pin(pin)?;
        slots.retain(|slot| self.places.contains(&slot.id));
        Ok(slots)
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        self.place(request.slot)?;
        if self.token.slots()?.iter().any(|slot| slot.id == request.slot && slot.key.is_some()) {
            self.token.remove(&[Removal::Slot(request.slot)], pin)?;
        }
        self.token.generate(request, pin)
    }

    fn repairs(&mut self) -> Result<Vec<Repair>, TokenError> {
        self.token.repairs()
    }

    fn repair(&mut self, pin: &Pin) -> Result<Vec<Repair>, TokenError> {
        self.token.repair(pin)
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        jobs.iter().try_for_each(|job| self.place(job.slot))?;
        self.token.sign(jobs, pin)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        jobs.iter().try_for_each(|job| self.place(job.slot))?;
        if !superseded.is_empty() {
            return Err(TokenError::Unsupported { what: "mark certificates as superseded".to_owned() });
        }
        self.token.install(jobs, superseded, pin)
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        what.iter().try_for_each(|removal| match removal {
            Removal::Slot(slot) | Removal::Certificate(slot, _) => self.place(*slot),
        })?;
        self.token.remove(what, pin)
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        self.token.change_password(kind, old, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError> {
        self.token.unblock_password(kind, puk, new)
    }

    fn compare_password(&mut self, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
        self.token.compare_password(kind, value)
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        self.token.activate(transport, new)
    }
}
