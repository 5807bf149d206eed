//! A CRL with more and more entries: written to a file, read and looked into.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::Path,
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::Growth;
use obnova_ca::{CaKey, Issuer};
use obnova_status::{
    Authority, Revocation, RevocationReason, Rules, SerialNumber,
    crl::{Crl, CrlBuilder, CrlNumber, Entry},
};

use crate::told::Told;

const RUNS: usize = 5;
const DAY: Duration = Duration::from_secs(86_400);

pub fn measure(entries: usize, folder: &Path, told: &mut Told) {
    let now = SystemTime::now();
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let ca = Issuer::self_signed(key, &"CN=CA".parse().unwrap(), now - DAY, now + DAY).unwrap();
    let authority = Authority::from_der(&ca.certificate().der).unwrap();
    let path = folder.join("list.crl");
    told.time("write it", Growth::Linear, RUNS, || {
        let builder = CrlBuilder::new(&authority, CrlNumber::from(1), now, now + DAY);
        let to_sign = builder.finalize(|| (0..entries).map(|index| io::Result::Ok(entry(index, now)))).unwrap();
        let signature = ca.key().sign_digest(to_sign.digest()).unwrap();
        to_sign.write(&signature, &mut BufWriter::new(File::create(&path).unwrap())).unwrap()
    });
    // Before the file is read, which takes its length.
    told.memory(Growth::Flat);
    let der = fs::read(&path).unwrap();
    let read = || Crl::parse(&der).unwrap().verify(&authority, now, &Rules::default()).unwrap();
    let list = told.time("read and verify it", Growth::Linear, RUNS, read);
    let last = entry(entries - 1, now).serial;
    let found = told.time("look for its last entry", Growth::Linear, RUNS, || list.find(&last).unwrap());
    assert!(found.is_some());
}

/// As a CA has it: a serial number of 20 bytes, a reason.
fn entry(index: usize, now: SystemTime) -> Entry {
    let mut serial = [0x5a; 20];
    serial[12..].copy_from_slice(&index.to_be_bytes());
    let reason = RevocationReason::ALL[index % RevocationReason::ALL.len()];
    Entry::new(SerialNumber::new(&serial).unwrap(), Revocation::new(now, reason))
}
