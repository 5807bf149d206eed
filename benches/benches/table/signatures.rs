//! Signatures through the whole stack (token, driver, exchange, the card in software, and the check of what the card signed),
//! beside the bare primitive and OpenSSL.

use std::hint::black_box;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, Verifier};
use obnova_benches::{Report, Row, Sides};

use crate::{bare::BareKey, card::Card, openssl::OpensslKey};

const GROUP: &str = "signatures through the stack";
const ROUNDS: usize = 61;

/// By what factor the stack may be slower than the bare RSA-2048 signature: 5 percent.
const OVERHEAD: f64 = 1.0 / 1.05;

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
        report.add(row(key, algorithm));
    }
}

fn row(key: KeyAlgorithm, algorithm: SignatureAlgorithm) -> Row {
    let mut card = Card::with_key(key);
    let bare = BareKey::generate(key);
    let openssl = OpensslKey::generate(key);
    let digest = algorithm.digest().of(b"two certificates or none");
    card.check(algorithm, &digest);
    openssl.check(algorithm, &digest);
    let apdus = card.apdus_of(|card| drop(card.sign(algorithm, &digest)));
    let verifier = Verifier::new(&card.public_key(), algorithm).unwrap();
    let signature = card.sign(algorithm, &digest);
    let sides = Sides::new()
        .side("obnova", || card.sign(algorithm, &digest))
        .side("aws-lc-rs", || bare.sign(algorithm, &digest))
        .side("aws-lc-rs, and its check", || {
            let made = bare.sign(algorithm, &digest);
            verifier.verify_digest(&digest, black_box(&signature)).unwrap();
            made
        })
        .side("OpenSSL", || openssl.sign(algorithm, &digest));
    let row = Row::times(GROUP, format!("{key}, {algorithm} ({apdus} APDUs)"), &sides.medians(ROUNDS));
    if key == KeyAlgorithm::Rsa2048 {
        row.target("aws-lc-rs", OVERHEAD).target("aws-lc-rs, and its check", OVERHEAD)
    } else {
        row
    }
}
