use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_card::KeyRole;
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FailInfo, FullResponse, FullResponseBuilder, Nonce, Signer, TransactionId,
};

use super::*;

#[path = "../../../../renewal/tests/support/mod.rs"]
mod support;

use support::{Draft, House, now};

/// A root, a CA below it that signs its answers itself, and a key with a certificate of that CA.
struct World {
    root: House,
    issuing: House,
    key: CaKey,
}

impl World {
    fn new() -> Self {
        let root = House::new("CN=Root");
        let both = KeyUsages::KeyCertSign | KeyUsages::DigitalSignature;
        let issuing = root.below("CN=Issuing", |draft| draft.usage = Some(both));
        Self { root, issuing, key: CaKey::generate(KeyAlgorithm::P256).unwrap() }
    }

    fn certified(&self, change: impl FnOnce(&mut Draft)) -> ParsedCertificate {
        let mut draft = Draft::new(KeyRole::Authentication, self.key.public_key().clone());
        change(&mut draft);
        self.issuing.issue(&draft)
    }

    fn signers(&self, given: &ParsedCertificate) -> Vec<Certificate> {
        let given = [given.clone(), self.issuing.root.clone()];
        signers(std::slice::from_ref(&self.root.root), &given, now())
    }

    /// Whether an answer that is signed by this key is taken, where the server gave this certificate among its own.
    fn is_taken(&self, key: &CaKey, certificate: &ParsedCertificate) -> bool {
        let (transaction, nonce) = (TransactionId::from_random([1; 16]), Nonce::from_random([2; 16]));
        let refused = Answer::Refused { reason: FailInfo::BadIdentity, text: "no".into() };
        let signer = Signer { certificate: certificate.certificate().clone(), algorithm: key.algorithm() };
        let response = FullResponseBuilder::to_address(transaction.clone(), nonce.clone(), Nonce::from_random([3; 16]));
        let to_sign = response.finalize(&refused, &signer).unwrap();
        let message = to_sign.sign_with(|to_sign| key.sign(&to_sign.bytes)).unwrap();
        let ca = self.signers(certificate);
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Certificates };
        FullResponse::parse(&message, &expected).is_ok_and(|response| response.answer == refused)
    }
}

#[test]
fn a_ca_of_the_chain_may_sign_answers() {
    let world = World::new();
    assert!(world.is_taken(&world.issuing.key, &world.issuing.root));
}

#[test]
fn who_was_certified_for_it_may_sign_answers() {
    let world = World::new();
    let delegate = world.certified(|draft| draft.extended = vec![CMC_CA]);
    assert!(world.is_taken(&world.key, &delegate));
    let not_for_signatures = world.certified(|draft| {
        draft.extended = vec![CMC_CA];
        draft.usage = Some(KeyUsages::KeyAgreement.into());
    });
    assert!(!world.is_taken(&world.key, &not_for_signatures));
}

#[test]
fn nobody_else_under_the_root_may_sign_answers() {
    let world = World::new();
    for extended in [vec![ID_KP_SERVER_AUTH], vec![ID_KP_CLIENT_AUTH], Vec::new()] {
        let end_entity = world.certified(|draft| draft.extended = extended);
        assert!(!world.is_taken(&world.key, &end_entity));
        assert_eq!(world.signers(&end_entity), [world.issuing.root.certificate().clone()], "the CA still may");
    }
    let without_usage = world.certified(|draft| {
        draft.extended = vec![ID_KP_SERVER_AUTH];
        draft.usage = None;
    });
    assert!(!world.is_taken(&world.key, &without_usage));
}

#[test]
fn a_ca_whose_key_is_for_certificates_only_may_not_sign_answers() {
    let world = World::new();
    let only_certificates = world.root.below("CN=Issuing two", |_| {});
    assert!(!world.is_taken(&only_certificates.key, &only_certificates.root));
}

#[test]
fn a_ca_of_another_root_may_not_sign_answers() {
    let (ours, theirs) = (World::new(), World::new());
    assert!(!ours.is_taken(&theirs.issuing.key, &theirs.issuing.root));
}
