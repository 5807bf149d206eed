//! Certificates up to the largest that the profile knows, with extended lengths and with short ones.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_benches::Growth;
use obnova_ca::{CaKey, Issuer};
use obnova_card::{InstallCertificate, Removal, SlotId, Token};
use obnova_profile::Limits;
use obnova_simulator::{Personalisation, SimulatorConnection};
use x509_cert::{der::asn1::Ia5String, ext::pkix::name::GeneralName};

use crate::{
    card::{Card, pin},
    told::Told,
};

const RUNS: usize = 15;
const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub fn measure(bytes: usize, _: &Path, told: &mut Told) {
    let card = Personalisation::new("BENCH").largest_certificate(Limits::LARGEST_CERTIFICATE);
    let card = Card(SimulatorConnection::new(card.active(b"1234", b"567890", b"12345678").finish().unwrap()));
    let key = card.generate(1);
    let certificate = certified(&key, bytes);
    for (lengths, short) in [("extended", false), ("short", true)] {
        let token = |card: &Card| if short { card.token().short_only() } else { card.token() };
        let job = InstallCertificate { slot: SlotId(1), certificate: certificate.clone(), label: "Login".into() };
        let install = |card: &Card| {
            token(card).install(std::slice::from_ref(&job), &[], &pin()).unwrap();
        };
        card.cost_once(told, &format!("install, {lengths} lengths"), (Growth::Linear, Growth::Linear), install);
        install(&card);
        card.cost(told, &format!("list, {lengths} lengths"), Growth::Linear, RUNS, || {
            let slots = token(&card).slots().unwrap();
            assert_eq!(slots[0].certificates[0].der, certificate);
        });
        if !short {
            token(&card).remove(&[Removal::Certificate(SlotId(1), 0)], &pin()).unwrap();
        }
    }
    told.memory(Growth::Linear);
}

/// A certificate of exactly so many bytes for a key: it has a name as long as it takes.
pub fn certified(key: &SubjectPublicKeyInfoOwned, bytes: usize) -> Vec<u8> {
    let (begin, end) = (SystemTime::now(), SystemTime::now() + YEAR);
    let ca = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let ca = Issuer::self_signed(ca, &"CN=CA".parse().unwrap(), begin, end + YEAR).unwrap();
    let mut name = bytes - 600;
    loop {
        let names = vec![GeneralName::DnsName(Ia5String::new(&"n".repeat(name)).unwrap())];
        let made = ca.server_certificate(&"CN=Jana".parse().unwrap(), key, names, begin, end).unwrap().der;
        if made.len() == bytes {
            return made;
        }
        // Signatures of ECDSA differ in their length, so the next may fit where this one does not.
        name = name + bytes - made.len();
    }
}
