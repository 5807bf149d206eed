//! What every task costs in command APDUs and bytes: our driver beside unmodified, unconfigured OpenSC, on cards that are alike,
//! counted by the card itself.
//!
//! OpenSC talks to the simulated card through a real PC/SC service, for which the program starts itself again inside
//! `scripts/with-pcscd`. A task that OpenSC cannot do on this card is tried all the same: it must fail, and shows as a dash.

mod ours;
mod reader;
mod theirs;

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::{Report, Row, Unit};
use obnova_simulator::SimulatorConnection;
use obnova_transport::Counts;

pub use theirs::serve;

/// The argument that makes this program the one inside, where a PC/SC service listens.
pub const INSIDE: &str = "opensc-inside";

pub fn measure(report: &mut Report) {
    let theirs = reader::inside();
    assert_eq!(theirs.len(), Task::ALL.len());
    for (task, theirs) in Task::ALL.into_iter().zip(theirs) {
        let ours = ours::cost(task);
        let figures = |counts: Counts| [counts.apdus, counts.bytes_out, counts.bytes_in].map(|count| count as f64);
        for (index, unit) in ["APDUs", "bytes out", "bytes in"].into_iter().enumerate() {
            let theirs = theirs.map(|theirs| theirs[index]);
            let row = Row::new("tasks on a card", task.name(), Unit::Spent(unit), figures(ours)[index]);
            report.add(row.beside(if theirs.is_some() { "OpenSC" } else { "OpenSC, needs a new file" }, theirs));
        }
    }
}

/// What a card has counted.
fn counts(card: &SimulatorConnection) -> Counts {
    card.with_card(|card| card.counts())
}

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
