//! Key pairs through the whole stack, beside the bare primitive and OpenSSL. How long an RSA key pair takes is a matter of
//! luck, so the row is the median of many.

use std::time::Instant;

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::{Report, Row, Sides};

use crate::{bare::BareKey, card::Card, openssl::OpensslKey};

const GROUP: &str = "key pairs through the stack";

pub fn measure(report: &mut Report) {
    for (algorithm, count) in [
        (KeyAlgorithm::Rsa2048, 121),
        (KeyAlgorithm::Rsa3072, 41),
        (KeyAlgorithm::P256, 301),
        (KeyAlgorithm::P384, 301),
    ] {
        report.add(row(algorithm, count));
    }
}

fn row(algorithm: KeyAlgorithm, count: usize) -> Row {
    let mut card = Card::empty();
    let apdus = card.apdus_of(|card| card.generate(algorithm));
    card.remove();
    let sides = Sides::new()
        .timed("obnova", |count| {
            assert_eq!(count, 1, "the slot is emptied after each");
            let begin = Instant::now();
            card.generate(algorithm);
            let took = begin.elapsed();
            card.remove();
            took
        })
        .side("aws-lc-rs", || BareKey::generate(algorithm))
        .side("OpenSSL", || OpensslKey::generate(algorithm));
    let task = format!("{algorithm}, median of {count} ({apdus} APDUs)");
    let row = Row::times(GROUP, task, &sides.medians_of_single_calls(count));
    if algorithm == KeyAlgorithm::Rsa2048 { row.target("aws-lc-rs", 1.0).target("OpenSSL", 1.0) } else { row }
}
