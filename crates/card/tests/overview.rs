#![allow(clippy::unwrap_used, clippy::expect_used)]
//! One question in place of four.

use obnova_card::{ProfileToken, Token};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated};

#[test]
fn an_overview_says_what_the_four_questions_say_for_fewer_commands() {
    let card = Personalisation::new("OBN00000001").active(b"1234", b"567890", b"12345678").finish().unwrap();
    let count = Count::new();
    let mut token = ProfileToken::new(Decorated::new(SimulatorConnection::new(card), count.clone()));
    let overview = token.overview().unwrap();
    let at_once = count.counts().apdus;
    assert_eq!(overview.identity, token.identity().unwrap());
    assert_eq!(overview.capabilities, token.capabilities().unwrap());
    assert_eq!(overview.passwords, token.passwords().unwrap());
    assert_eq!(overview.slots, token.slots().unwrap());
    assert_eq!(at_once, 2, "SELECT and the directory");
    assert_eq!(count.counts().apdus - at_once, at_once + 3);
}
