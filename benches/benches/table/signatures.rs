//! Signatures through the whole stack (token, driver, exchange, the card in software, and the check of what the card signed),
//! beside the bare primitive and OpenSSL.

use std::{env, process::Command};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_benches::{Figure, Report, Row, Sides};

use crate::{bare::BareKey, card::Card, openssl::OpensslKey};

const GROUP: &str = "signatures through the stack";
const ROUNDS: usize = 301;

/// By what factor the stack may be slower than the bare RSA-2048 signature: 5 percent.
const OVERHEAD: f64 = 1.0 / 1.05;

/// This program once more, as on a processor without AVX-512 IFMA.
pub const WITHOUT_IFMA: &str = "signatures-without-ifma";

pub fn measure(report: &mut Report) {
    use Digest::{Sha256, Sha384};
    for (key, algorithm) in [
        (KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPkcs1(Sha256)),
        (KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPss(Sha256)),
        (KeyAlgorithm::Rsa3072, SignatureAlgorithm::RsaPkcs1(Sha256)),
        (KeyAlgorithm::Rsa3072, SignatureAlgorithm::RsaPss(Sha256)),
        (KeyAlgorithm::P256, SignatureAlgorithm::Ecdsa(Sha256)),
        (KeyAlgorithm::P384, SignatureAlgorithm::Ecdsa(Sha384)),
    ] {
        let (apdus, times) = times(key, algorithm);
        report.add(row(key, format!("{key}, {algorithm} ({apdus} APDUs)"), &times));
    }
    if has_ifma() {
        for (algorithm, times) in times_without_ifma() {
            let key = KeyAlgorithm::Rsa2048;
            report.add(row(key, format!("{key}, {algorithm}, without AVX-512 IFMA"), &times));
        }
    }
}

/// Measures in the process that [`WITHOUT_IFMA`] names, and tells the other one: a line a figure.
pub fn tell() {
    for algorithm in [SignatureAlgorithm::RsaPkcs1(Digest::Sha256), SignatureAlgorithm::RsaPss(Digest::Sha256)] {
        for figure in times(KeyAlgorithm::Rsa2048, algorithm).1 {
            let [least, most] = figure.ahead.unwrap();
            println!("{algorithm}\t{}\t{}\t{least}\t{most}", figure.side, figure.time);
        }
    }
}

fn has_ifma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// The instructions make RSA signatures quick and their checks not, and many processors have none: aws-lc and OpenSSL both
/// leave out what this variable names (OPENSSL_ia32cap(3): bit 21 of EBX of leaf 7).
fn times_without_ifma() -> Vec<(String, Vec<Figure>)> {
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.arg(WITHOUT_IFMA).env("OPENSSL_ia32cap", ":~0x200000").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let mut tasks: Vec<(String, Vec<Figure>)> = Vec::new();
    for line in told.lines() {
        let [task, side, figures @ ..] = &line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let [time, least, most] = figures.iter().map(|figure| figure.parse().unwrap()).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if tasks.last().is_none_or(|(last, _)| last != task) {
            tasks.push(((*task).to_owned(), Vec::new()));
        }
        let (_, sides) = tasks.last_mut().unwrap();
        sides.push(Figure { side: (*side).to_owned(), time, ahead: Some([least, most]) });
    }
    tasks
}

/// How many APDUs a signature is, and how long it takes each side.
fn times(key: KeyAlgorithm, algorithm: SignatureAlgorithm) -> (u64, Vec<Figure>) {
    let mut card = Card::with_key(key);
    let bare = BareKey::generate(key);
    let openssl = OpensslKey::generate(key);
    let digest = algorithm.digest().of(b"two certificates or none");
    card.check(algorithm, &digest);
    openssl.check(algorithm, &digest);
    let apdus = card.apdus_of(|card| drop(card.sign(algorithm, &digest)));
    let verifier = bare.verifier(algorithm);
    let sides = Sides::new()
        .side("obnova", || card.sign(algorithm, &digest))
        .side("aws-lc-rs", || bare.sign(algorithm, &digest))
        .side("aws-lc-rs, and its check", || {
            let made = bare.sign(algorithm, &digest);
            verifier.verify_digest(&digest, &made).unwrap();
            made
        })
        .side("OpenSSL", || openssl.sign(algorithm, &digest));
    (apdus, sides.quartiles(ROUNDS))
}

fn row(key: KeyAlgorithm, task: String, times: &[Figure]) -> Row {
    let row = Row::times(GROUP, task, times);
    if key == KeyAlgorithm::Rsa2048 {
        row.target("aws-lc-rs", OVERHEAD).target("aws-lc-rs, and its check", OVERHEAD)
    } else {
        row
    }
}
