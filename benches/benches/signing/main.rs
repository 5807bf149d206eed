//! Signatures and key pairs through the whole stack, beside the bare primitive and OpenSSL, in one run.
//!
//! - *card*: `Token::sign` and `Token::generate` of the profile's driver: SELECT, VERIFY, the command itself, directory, through
//!   the exchange and the simulated card, which makes real keys.
//! - *aws-lc-rs*: the same operation called directly.
//! - *OpenSSL*: the `openssl` command, see [`openssl`].
//!
//! The three take turns in every round, so that what else the machine does hits all of them; a row shows medians over the
//! rounds and the ratios between them. `cargo bench -p obnova-benches --bench signing [-- ROUNDS]`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bare;
mod card;
mod openssl;

use std::time::{Duration, Instant};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};

use bare::BareKey;
use card::Card;

const SIGNATURES: [SignatureRow; 6] = [
    (KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPkcs1(Digest::Sha256)),
    (KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPss(Digest::Sha256)),
    (KeyAlgorithm::Rsa3072, SignatureAlgorithm::RsaPkcs1(Digest::Sha256)),
    (KeyAlgorithm::Rsa3072, SignatureAlgorithm::RsaPss(Digest::Sha256)),
    (KeyAlgorithm::P256, SignatureAlgorithm::Ecdsa(Digest::Sha256)),
    (KeyAlgorithm::P384, SignatureAlgorithm::Ecdsa(Digest::Sha384)),
];
/// Key pairs of each kind in one round: the time of an RSA key pair is a matter of luck, so the slow ones need many too.
const KEY_PAIRS: [(KeyAlgorithm, usize); 4] =
    [(KeyAlgorithm::Rsa2048, 7), (KeyAlgorithm::Rsa3072, 3), (KeyAlgorithm::P256, 7), (KeyAlgorithm::P384, 7)];

type SignatureRow = (KeyAlgorithm, SignatureAlgorithm);

fn main() {
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5);
    let version = openssl::version().unwrap_or_else(|problem| panic!("{problem}"));
    println!("{rounds} rounds, medians; beside aws-lc-rs and {version}\n");
    header("signature");
    for row in SIGNATURES {
        signatures(row, rounds);
    }
    println!();
    header("key pair");
    for (algorithm, count) in KEY_PAIRS {
        key_pairs(algorithm, rounds * count);
    }
}

fn signatures((key, algorithm): SignatureRow, rounds: usize) {
    let mut card = Card::with_key(key);
    let bare = BareKey::generate(key);
    let digest = algorithm.digest().of(b"two certificates or none");
    card.check(algorithm, &digest);
    let apdus = card.apdus_of(|card| drop(card.sign(algorithm, &digest)));
    let [mut ours, mut theirs, mut peers] = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        ours.push(mean(|| drop(card.sign(algorithm, &digest))));
        theirs.push(mean(|| drop(bare.sign(algorithm, &digest))));
        peers.push(openssl::signature(key, 1).unwrap());
    }
    row(&format!("{key}, {algorithm}"), apdus, ours, theirs, peers);
}

fn key_pairs(algorithm: KeyAlgorithm, count: usize) {
    let mut card = Card::empty();
    let start = median(&mut (0..21).map(|_| openssl::start().unwrap()).collect::<Vec<_>>());
    let apdus = card.apdus_of(|card| card.generate(algorithm));
    card.remove();
    let [mut ours, mut theirs, mut peers] = [const { Vec::new() }; 3];
    for _ in 0..count {
        ours.push(once(|| card.generate(algorithm)));
        card.remove();
        theirs.push(once(|| drop(BareKey::generate(algorithm))));
        peers.push(openssl::key_pair(algorithm, start).unwrap());
    }
    row(&format!("{algorithm} ({count} each)"), apdus, ours, theirs, peers);
}

/// Mean time of one call, over about a third of a second.
fn mean(mut call: impl FnMut()) -> Duration {
    let begin = Instant::now();
    let mut calls = 0;
    while begin.elapsed() < Duration::from_millis(300) {
        call();
        calls += 1;
    }
    begin.elapsed() / calls
}

fn once(call: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    call();
    begin.elapsed()
}

fn header(what: &str) {
    println!(
        "{what:<38} {:>6} {:>11} {:>11} {:>11} {:>15} {:>13}",
        "APDUs", "card us", "aws-lc us", "OpenSSL us", "card / aws-lc", "card / OpenSSL"
    );
}

fn row(name: &str, apdus: u64, mut ours: Vec<Duration>, mut theirs: Vec<Duration>, mut peers: Vec<Duration>) {
    let [ours, theirs, peers] = [&mut ours, &mut theirs, &mut peers].map(|times| median(times).as_secs_f64() * 1e6);
    let (beside_bare, beside_peer) = (ours / theirs, ours / peers);
    println!("{name:<38} {apdus:>6} {ours:>11.1} {theirs:>11.1} {peers:>11.1} {beside_bare:>15.2} {beside_peer:>13.2}");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
