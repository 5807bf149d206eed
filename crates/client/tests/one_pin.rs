//! A token with one PIN for everything, as behind PKCS#11: it is asked for twice before the order goes out, for two reasons.
//! And one that does not tell how many tries are left.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    Face, World,
    support::{AUTHENTICATION_PIN, pin_for},
};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{
    Capabilities, GenerateKey, Identity, InstallCertificate, KeyRole, PasswordKind, PasswordState, PasswordStatus, Pin,
    Removal, Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
};
use obnova_client::{RunError, Turn, share};
use obnova_renewal::{Phase, PinUse};

/// Hides the signature PIN of the card behind it, and how many tries are left, which it knows but does not tell.
struct OnePin<T>(T, Option<Tries>);

impl<T> OnePin<T> {
    fn told(&self, tries: Tries) -> Tries {
        self.1.filter(|_| tries != Tries::Known(3) || self.1 == Some(Tries::Unknown)).unwrap_or(tries)
    }

    /// As sent to a card whose tries nobody can read before.
    fn sent(&self, pin: &Pin) -> Pin {
        if self.1.is_some() { Pin::with_last_try(pin.secret.clone()) } else { pin.clone() }
    }

    fn said(&self, error: TokenError) -> TokenError {
        match error {
            TokenError::WrongSecret { password, tries } if tries != Tries::Known(0) => {
                TokenError::WrongSecret { password, tries: self.told(tries) }
            }
            error => error,
        }
    }
}

impl<T: Token> Token for OnePin<T> {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        self.0.identity()
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let capabilities = self.0.capabilities()?;
        Ok(Capabilities { atomic_install: false, marks_superseded: false, ..capabilities })
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        let mut passwords = self.0.passwords()?;
        passwords.retain(|status| status.kind == PasswordKind::AuthenticationPin);
        for status in &mut passwords {
            if let PasswordState::Active(tries) = status.state {
                status.state = PasswordState::Active(self.told(tries));
            }
        }
        Ok(passwords)
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let mut slots = self.0.slots()?;
        for key in slots.iter_mut().filter_map(|slot| slot.key.as_mut()) {
            key.password = PasswordKind::AuthenticationPin;
        }
        Ok(slots)
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        self.0.generate(request, &self.sent(pin)).map_err(|error| self.said(error))
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        assert!(pin.secret == Secret::from(AUTHENTICATION_PIN), "there is no other");
        let slots = self.0.slots()?;
        let password = |id: SlotId| slots.iter().find(|slot| slot.id == id).and_then(|slot| slot.key.as_ref()).unwrap();
        let mut signatures = Vec::new();
        for job in jobs {
            let pin = Pin::new(pin_for(password(job.slot).password));
            signatures.extend(self.0.sign(std::slice::from_ref(job), &pin)?);
        }
        Ok(signatures)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        assert!(superseded.is_empty(), "it cannot mark");
        self.0.install(jobs, superseded, pin)
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        self.0.remove(what, pin)
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        self.0.change_password(kind, old, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError> {
        self.0.unblock_password(kind, puk, new)
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        self.0.activate(transport, new)
    }
}

#[test]
fn the_pin_is_asked_for_once_for_each_reason() {
    let mut world = World::new();
    world.token = share(OnePin(world.holder.token(), None));
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    let phases: Vec<_> = world.face.asked.iter().filter_map(|one| one.phase).collect();
    assert_eq!(phases, [Phase::NewKeys, Phase::Requests, Phase::Finish]);
    let (authentication, signature) = (KeyRole::Authentication, KeyRole::Signature);
    let of_requests = [
        PinUse::SignRequest(authentication),
        PinUse::SignRequest(signature),
        PinUse::Vouch(authentication),
        PinUse::Vouch(signature),
    ];
    assert_eq!(world.face.asked[1].uses, of_requests);
    let requests = world.face.progress.iter().filter(|name| *name == "request").count();
    assert_eq!(requests, 1, "both keys sign in one conversation");
    for (role, old) in world.holder.old.iter() {
        assert!(world.holder.view().slots.iter().any(|slot| slot.holds(old)), "the old {role} certificate stays");
    }
}

#[test]
fn a_token_that_does_not_tell_its_tries_keeps_one_without_a_yes() {
    let world_that_says = |tries| {
        let mut world = World::new();
        world.token = share(OnePin(world.holder.token(), Some(tries)));
        world.face.wrong = vec!["0000"; 3];
        world
    };
    let left = |world: &World| world.holder.view().passwords[0].state;
    for (told, without_a_yes) in [(Tries::Unknown, 2), (Tries::Low, 1)] {
        let mut world = world_that_says(told);
        world.face.keeps_last_try = true;
        let error = world.run().unwrap_err();
        assert!(matches!(error, RunError::LastTryKept { password: PasswordKind::AuthenticationPin, .. }), "{error}");
        assert_eq!(world.face.asked.len(), without_a_yes);
        assert_eq!(world.face.last_tries, [(told, true)]);
        assert!(error.to_string().starts_with("what was given was wrong and cost a try"), "{error}");
        assert_eq!(left(&world), PasswordState::Active(Tries::Known(3 - without_a_yes as u8)));
        world.face = Face::default();
        assert!(matches!(world.run().unwrap(), Turn::Done(_)), "the right one is still taken");

        let mut world = world_that_says(told);
        let error = world.run().unwrap_err();
        assert!(
            matches!(error, RunError::Token(TokenError::WrongSecret { .. } | TokenError::Blocked { .. })),
            "{error}"
        );
        let asked_for_a_yes = world.face.questions.iter().filter(|name| *name == "last-try").count();
        assert_eq!(asked_for_a_yes, 3 - without_a_yes, "one for each that may have been the last");
        assert_eq!(left(&world), PasswordState::Blocked);
    }
}
