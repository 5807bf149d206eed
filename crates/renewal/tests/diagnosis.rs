//! A diagnosis helps a help desk and gives nothing away.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_renewal::{Diagnosis, ProcessError, Refusal};
use support::{Holder, House, now, play::Play};

#[test]
fn it_tells_the_way_and_no_secret() {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    let mut play = Play::new(house, token);
    while play.next().name() != "install" {
        play.step();
    }
    let error = ProcessError::Refused(Refusal::Swapped);
    let text = Diagnosis::of(&play.process, Some(&error), now()).to_string();
    for wanted in [
        "stage                    install",
        "Obnova",
        "slot 1, P-256",
        "CN=Root",
        "the certificates are swapped",
        "2026-11-21 12:00:00 UTC  pending",
        "key-made",
    ] {
        assert!(text.contains(wanted), "no \"{wanted}\" in\n{text}");
    }
    for secret in [support::AUTHENTICATION_PIN, support::SIGNATURE_PIN, "token", "OBN00000001"] {
        assert!(!text.contains(secret), "\"{secret}\" in\n{text}");
    }
    assert!(!text.contains(support::EMAIL));
    assert!(text.lines().all(|line| line.len() < 400));
}
