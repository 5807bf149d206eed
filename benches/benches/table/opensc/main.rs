//! What every task costs in command APDUs and bytes: our driver beside unmodified, unconfigured OpenSC, on cards that are alike,
//! counted by the card itself.
//!
//! OpenSC talks to the simulated card through a real PC/SC service, for which the program starts itself again inside
//! `scripts/with-pcscd`. A task that OpenSC cannot do on this card is tried all the same: it must fail, and shows as a dash.
//!
//! `cargo bench -p obnova-benches --bench opensc`

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ours;
mod reader;
mod theirs;

use obnova_algorithm::KeyAlgorithm;
use obnova_simulator::SimulatorConnection;
use obnova_transport::Counts;

/// What people do with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    List,
    ReadCertificate,
    Sign(KeyAlgorithm),
    KeyPair(KeyAlgorithm),
    WriteCertificate,
    ChangePin,
    Unblock,
}

impl Task {
    const ALL: [Self; 9] = [
        Self::List,
        Self::ReadCertificate,
        Self::Sign(KeyAlgorithm::Rsa2048),
        Self::Sign(KeyAlgorithm::P256),
        Self::KeyPair(KeyAlgorithm::Rsa2048),
        Self::KeyPair(KeyAlgorithm::P256),
        Self::WriteCertificate,
        Self::ChangePin,
        Self::Unblock,
    ];

    fn name(self) -> String {
        match self {
            Self::List => "list a card of two pairs".into(),
            Self::ReadCertificate => "read one certificate".into(),
            Self::Sign(key) => format!("PIN and {key} signature"),
            Self::KeyPair(key) => format!("{key} key pair"),
            Self::WriteCertificate => "write a certificate".into(),
            Self::ChangePin => "change a PIN".into(),
            Self::Unblock => "unblock a PIN".into(),
        }
    }

    /// Of the keys on the card.
    fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Sign(key) | Self::KeyPair(key) => key,
            _ => KeyAlgorithm::Rsa2048,
        }
    }
}

fn main() {
    let Some(address) = reader::inside() else { return };
    println!(
        "{:<28} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "task", "APDUs", "out", "in", "OpenSC", "out", "in", "ratio"
    );
    for task in Task::ALL {
        let ours = ours::cost(task);
        let theirs = theirs::cost(task, address);
        let ratio = theirs.map_or("-".into(), |theirs| format!("{:.1}", theirs.apdus as f64 / ours.apdus as f64));
        let theirs = theirs.map_or([const { String::new() }; 3].map(|_| "-".into()), numbers);
        let [apdus, out, inward] = numbers(ours);
        let [their_apdus, their_out, their_in] = theirs;
        println!(
            "{:<28} {apdus:>7} {out:>7} {inward:>7} {their_apdus:>7} {their_out:>7} {their_in:>7} {ratio:>7}",
            task.name()
        );
    }
}

fn numbers(counts: Counts) -> [String; 3] {
    [counts.apdus, counts.bytes_out, counts.bytes_in].map(|count| count.to_string())
}

/// What a card has counted.
fn counts(card: &SimulatorConnection) -> Counts {
    card.with_card(|card| card.counts())
}
