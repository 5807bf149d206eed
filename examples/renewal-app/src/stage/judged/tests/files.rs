//! Files of services by other plays than they were written for: what they have otherwise is no rule of theirs, and all others hold.

use std::time::SystemTime;

use super::super::*;
use crate::{
    cli::Scenario,
    service::Service,
    stage::{PlayPins, Setting},
};

/// A file that knows no play.
const SIXTH: &str = include_str!("../../../../tests/sixth.toml");
const TWINS: &str = obnova_renewal::Service::TWINS;
const ACTIVATION: &str = obnova_renewal::Service::ACTIVATION;
const PARTNER: &str = obnova_renewal::Service::PARTNER;

/// Plays it, and sees every rule hold but those that are none of it: these.
fn green(text: &str, scenario: Scenario, left_out: &[&str]) {
    let service = Service::played_by(text, scenario);
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let ((report, failure), all): (_, Vec<_>) = match scenario {
        Scenario::Twins => (twins(&stage), of_twins::rules().iter().map(|rule| rule.id).collect()),
        Scenario::Activation => {
            (super::super::activation(&stage), activation::rules().iter().map(|rule| rule.id).collect())
        }
        Scenario::Partner => (super::super::partner(&stage), partner::ids().collect()),
    };
    assert!(failure.is_none(), "{:?}", failure.map(|failure| failure.message().to_owned()));
    super::assert_red(&report.rules, &[]);
    let name = |id: &str| id.split_once('/').unwrap().1.to_owned();
    let looked_at: Vec<_> = report.rules.iter().map(|one| name(&one.id)).collect();
    let without: Vec<_> = all.into_iter().map(name).filter(|id| !looked_at.contains(id)).collect();
    assert_eq!(without, left_out);
    assert_eq!(report.certificates.len(), partner::Expects::of(&stage.service.told).days.len());
}

/// What is about orders by plain EST, which are for one certificate.
const OF_ONE: [&str; 7] = [
    "plain-est",
    "plain-est-renewal",
    "plain-est-renewal/ca",
    "revocation-password-own",
    "revocation-password-later",
    "revocation-password-at-once/client",
    "revocation-password-at-once/ca",
];

#[test]
fn twins_whose_card_arrives_inactive() {
    green(TWINS, Scenario::Activation, &["registration"]);
}

#[test]
fn twins_by_a_one_time_password() {
    green(TWINS, Scenario::Partner, &[&OF_ONE[..], &["revoked-by-password"]].concat());
}

#[test]
fn a_card_that_arrived_and_is_renewed() {
    green(ACTIVATION, Scenario::Twins, &[]);
}

#[test]
fn a_card_that_arrives_for_a_one_time_password() {
    green(ACTIVATION, Scenario::Partner, &[&OF_ONE[..], &["revoked-by-password"]].concat());
}

#[test]
fn a_partner_whose_card_arrives_inactive() {
    green(PARTNER, Scenario::Activation, &["registration"]);
}

#[test]
fn the_sixth_by_a_one_time_password() {
    let without = ["login", "early/client", "early/ca", "revoked-by-holder", "revoked-by-key", "revoked-by-password"];
    green(SIXTH, Scenario::Partner, &[&OF_ONE[..], &without].concat());
}

#[test]
fn the_sixth_whose_card_arrives_inactive() {
    green(SIXTH, Scenario::Activation, &["registration"]);
}

/// With a second certificate, which lives longer.
#[test]
fn the_sixth_as_a_pair() {
    let pair = SIXTH.replace("[\"signature\"]", "[\"authentication\", \"signature\"]");
    let pair = pair.replacen("validity_days = 25", "validity_days = 40", 1);
    let at_once = ["accepted", "resume-link", "resume-files", "waiting", "single-use", "one-brings-other"];
    let without = [&["pin-new-keys"], &at_once[..], &["login"]].concat();
    green(&pair, Scenario::Twins, &without);
}

/// One certificate is no pair, which is said before anything is made.
#[test]
fn one_certificate_is_nothing_for_a_play_of_two() {
    for text in [SIXTH, PARTNER] {
        let mut file: toml::Table = text.parse().unwrap();
        file["service"].as_table_mut().unwrap().insert("plays".into(), "twins".into());
        let text = file.to_string();
        let of_holder = obnova_renewal::Service::from_toml(&text).unwrap_err().to_string();
        let of_ca = obnova_ca::Policy::from_toml(&text).unwrap_err().to_string();
        for said in [of_holder, of_ca] {
            assert!(said.contains("service.plays") && said.contains("line ") && said.contains("a pair"), "{said}");
        }
    }
}
