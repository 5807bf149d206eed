//! Whom to believe: what was configured, or what the holder compared a fingerprint of; and the next root by word of the old.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Key, World, certificate};
use obnova_enroll::est::{AnchorError, Client, Server, TrustAnchors, Unconfirmed};
use x509_cert::Certificate;

const OLD: &str = "CN=Root 2020";
const NEW: &str = "CN=Root 2026";

struct Roots {
    old_key: Key,
    old: Certificate,
    new_key: Key,
    new: Certificate,
    /// The new key, by word of the old one.
    new_with_old: Certificate,
}

impl Roots {
    fn new() -> Self {
        let (old_key, new_key) = (Key::p256(), Key::p384());
        let old = certificate(OLD, &old_key, OLD, &old_key, 1, true);
        let new = certificate(NEW, &new_key, NEW, &new_key, 2, true);
        let new_with_old = certificate(NEW, &new_key, OLD, &old_key, 3, true);
        Self { old_key, old, new_key, new, new_with_old }
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::explicit(vec![self.old.clone()]).unwrap()
    }
}

/// As `/cacerts` would bring them.
fn fetched(certificates: &[Certificate]) -> Vec<Certificate> {
    Client::new().cacerts_response(&Server::new().cacerts(certificates).unwrap()).unwrap()
}

#[test]
fn anchors_that_were_configured_are_cas() {
    let world = World::new();
    let anchors = TrustAnchors::explicit(vec![world.ca.clone()]).unwrap();
    assert_eq!(anchors.certificates(), std::slice::from_ref(&world.ca));
    assert_eq!(TrustAnchors::explicit(Vec::new()), Err(AnchorError::None));
    assert_eq!(TrustAnchors::explicit(vec![world.ca.clone(), world.old[0].clone()]), Err(AnchorError::NotACa));
}

#[test]
fn it_begins_with_a_fingerprint_that_the_holder_has_from_elsewhere() {
    let roots = Roots::new();
    let world = World::new();
    let received = fetched(&[roots.old.clone(), roots.new_with_old.clone(), roots.new.clone(), world.old[0].clone()]);
    let unconfirmed = Unconfirmed::new(received).unwrap();
    let fingerprints = unconfirmed.fingerprints().unwrap();
    assert_eq!(fingerprints.len(), 2, "roots, and nothing else");
    let (_, known) = fingerprints.iter().find(|(root, _)| **root == roots.new).unwrap();
    let known = *known;
    let anchors = unconfirmed.clone().confirm(&known).unwrap();
    assert_eq!(anchors.certificates(), std::slice::from_ref(&roots.new), "that one alone");
    for bit in 0..256 {
        let mut mistyped = known;
        mistyped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(unconfirmed.clone().confirm(&mistyped), Err(AnchorError::OtherFingerprint));
    }
    // OpenSSL computes the same.
    use der::{EncodePem, pem::LineEnding};
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("root.pem"), roots.new.to_pem(LineEnding::LF).unwrap()).unwrap();
    let shown = ["x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256"];
    let shown = String::from_utf8(common::openssl::openssl(directory.path(), &shown)).unwrap();
    let ours = known.map(|byte| format!("{byte:02X}")).join(":");
    assert!(shown.contains(&ours), "{shown}");
}

#[test]
fn who_signed_nothing_himself_is_no_root() {
    let (roots, other) = (Roots::new(), Key::p256());
    // Says that it issued itself, and another key signed it.
    let forged = certificate(OLD, &roots.old_key, OLD, &other, 1, true);
    let none = [roots.new_with_old.clone(), forged, certificate(OLD, &other, OLD, &other, 1, false)];
    assert_eq!(Unconfirmed::new(fetched(&none)), Err(AnchorError::None));
}

#[test]
fn a_new_root_is_believed_by_word_of_the_old_one() {
    let roots = Roots::new();
    let anchors = roots.anchors();
    let after = anchors.follow(&fetched(&[roots.old.clone(), roots.new.clone(), roots.new_with_old.clone()]));
    assert_eq!(after.certificates(), [roots.old.clone(), roots.new.clone()]);
    assert_eq!(after.follow(&fetched(&[roots.new.clone(), roots.new_with_old.clone()])), after, "and not twice");
    // An old one is not lost by being left out.
    assert_eq!(anchors.follow(std::slice::from_ref(&roots.new_with_old)), anchors);
    assert_eq!(anchors.follow(&[]), anchors);
}

#[test]
fn a_root_that_nobody_vouches_for_is_not() {
    let roots = Roots::new();
    let anchors = roots.anchors();
    let impostor = Key::p256();
    let stays = |received: &[Certificate]| assert_eq!(anchors.follow(received), anchors);
    stays(std::slice::from_ref(&roots.new));
    // A word of somebody who calls himself the old root.
    stays(&[roots.new.clone(), certificate(NEW, &roots.new_key, OLD, &impostor, 3, true)]);
    // A word for another key, for another name, and one that makes no CA of it.
    stays(&[roots.new.clone(), certificate(NEW, &impostor, OLD, &roots.old_key, 3, true)]);
    stays(&[roots.new.clone(), certificate("CN=Another", &roots.new_key, OLD, &roots.old_key, 3, true)]);
    stays(&[roots.new.clone(), certificate(NEW, &roots.new_key, OLD, &roots.old_key, 3, false)]);
    // A root that does not speak for itself, or is no CA.
    stays(&[certificate(NEW, &roots.new_key, NEW, &impostor, 2, true), roots.new_with_old.clone()]);
    stays(&[certificate(NEW, &roots.new_key, NEW, &roots.new_key, 2, false), roots.new_with_old.clone()]);
    // The word of a root that is believed only after this.
    let third = Key::p256();
    let next = certificate("CN=Root 2032", &third, "CN=Root 2032", &third, 4, true);
    let next_with_new = certificate("CN=Root 2032", &third, NEW, &roots.new_key, 5, true);
    stays(&[next, next_with_new]);
}
