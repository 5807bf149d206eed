//! A token with one PIN for everything, as behind PKCS#11: it is asked for twice before the order goes out, for two reasons.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    World,
    support::{AUTHENTICATION_PIN, pin_for},
};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{
    Capabilities, GenerateKey, Identity, InstallCertificate, KeyRole, PasswordKind, PasswordStatus, Pin, Removal,
    Secret, SignDigest, Slot, SlotId, Token, TokenError,
};
use obnova_client::{Turn, share};
use obnova_renewal::{Phase, PinUse};

/// Hides the signature PIN of the card behind it.
struct OnePin<T>(T);

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
        self.0.generate(request, pin)
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
    world.token = share(OnePin(world.holder.token()));
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
