#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Somebody measures the scenario.

mod support;

use serde_json::Value;
use support::Desk;

/// Commands to the card that a whole renewal may take: both lists, resume, login and tidying up included.
const MOST: u64 = 70;

#[test]
fn the_report_has_every_field_and_the_figures_hold() {
    let desk = Desk::new();
    let said = desk.run(["scenario", "twins", "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["scenario"], "twins");
    assert_eq!(report["ok"], true);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert!(report["apdus"].as_u64().unwrap() <= MOST, "{report:#}");

    let steps = report["steps"].as_array().unwrap();
    for step in steps {
        assert!(step["name"].is_string() && step["seconds"].as_f64().unwrap() >= 0.0, "{step}");
        let figure = |name: &str| step[name].as_u64().unwrap();
        assert_eq!(figure("apdus") == 0, figure("bytes_out") == 0, "{step}");
        assert_eq!(figure("apdus") == 0, figure("bytes_in") == 0, "{step}");
    }
    let of = |name: &str| -> u64 {
        let named: Vec<_> = steps.iter().filter(|step| step["name"] == name).collect();
        assert!(!named.is_empty(), "no step {name}");
        named.iter().map(|step| step["apdus"].as_u64().unwrap()).max().unwrap()
    };
    // Each figure with the card's own question who it is and how its PINs stand, where the step begins with it.
    for (name, most) in [
        ("list", 4),
        ("generate", 2 * 5 + 2),
        ("request", 2 * 4),
        ("vouch", 2 * 4),
        ("install", 2 * 5),
        ("read-back", 6),
        ("prove-login", 4),
        ("prove-signature", 4),
        ("clean", 6),
        ("terms", 0),
        ("send", 0),
        ("pick-up", 0),
        ("acknowledge", 0),
    ] {
        assert!(of(name) <= most, "{name} takes {} commands, {most} are allowed", of(name));
    }
    let sum: u64 = steps.iter().map(|step| step["apdus"].as_u64().unwrap()).sum();
    assert_eq!(report["apdus"].as_u64().unwrap(), sum);

    brought(&report, &["authentication", "signature"]);
    let rules = report["rules"].as_array().unwrap();
    assert!(rules.len() > 25);
    for rule in rules {
        let (id, ok) = (rule["id"].as_str().unwrap(), &rule["ok"]);
        assert!(id.starts_with("twins/") && !rule["rule"].as_str().unwrap().starts_with("rule-"), "{rule}");
        assert!(!rule["seen"].as_str().unwrap().is_empty(), "{rule}");
        assert!(ok == true, "{rule}: apt-get install opensc-pkcs11 libnss3-tools");
    }
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new(), "nothing is left behind");
}

#[test]
fn without_json_there_is_a_table() {
    let said = Desk::new().run(["scenario", "twins", "--token", "profile"]).ends_with(0);
    said.says(&["STEP", "APDUS", "list", "generate", "clean", "all steps"]);
    said.says(&["✓ twins/one-year", "✓ twins/requested/client", "✓ twins/requested/ca", "twins/registered"]);
}

#[test]
fn what_is_not_there_is_told_by_the_exit_code() {
    let desk = Desk::new();
    desk.run(["scenario", "no-such-service"]).ends_with(2);
    desk.run(["scenario", "twins", "--token", "nonsense"]).ends_with(2);
    desk.run(["scenario", "twins", "--token", "sim:nowhere.state"]).ends_with(5);
}

#[test]
fn a_card_that_arrives_inactive_is_held_against_its_rules() {
    let desk = Desk::new();
    let said = desk.run(["scenario", "activation", "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["scenario"], &report["ok"]), (&"activation".into(), &true.into()));
    let rules = report["rules"].as_array().unwrap();
    let holds = |id: &str| rules.iter().any(|rule| rule["id"] == id && rule["ok"] == true);
    assert!(rules.iter().all(|rule| rule["ok"] == true), "{rules:#?}");
    for id in [
        "activation/transport-pin-page",
        "activation/unused/client",
        "activation/unused/card",
        "activation/activated",
        "activation/last-try",
    ] {
        assert!(holds(id), "{id}");
    }
    brought(&report, &["authentication", "signature"]);
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new(), "nothing is left behind");
}

/// What the play brought on the card, whole.
#[track_caller]
fn brought(report: &Value, roles: &[&str]) {
    let certificates = report["certificates"].as_array().unwrap();
    let named: Vec<_> = certificates.iter().map(|one| one["role"].as_str().unwrap()).collect();
    assert_eq!(named, roles);
    for certificate in certificates {
        assert!(certificate["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(certificate["subject"].as_str().unwrap().contains("CN="));
        assert!(certificate["slot"].as_u64().is_some_and(|slot| slot > 0), "{certificate}");
        for text in ["serial", "not_after"] {
            assert!(!certificate[text].as_str().unwrap().is_empty(), "{certificate}");
        }
    }
}

/// The service that no code knows names a play.
#[test]
fn a_sixth_service_is_held_against_the_rules_of_the_play_that_it_names() {
    let desk = Desk::new();
    let text = include_str!("sixth.toml").replace("name = \"seals\"", "name = \"my-sixth\"\nplays = \"partner\"");
    std::fs::write(desk.file("my-sixth.toml"), text).unwrap();
    let said = desk.run(["scenario", "--policy", "my-sixth.toml", "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["scenario"], &report["ok"]), (&"my-sixth".into(), &true.into()));
    let rules = report["rules"].as_array().unwrap();
    let steps = rules.iter().find(|rule| rule["id"] == "my-sixth/renewal-steps").unwrap();
    assert!(steps["seen"].as_str().unwrap().contains("not in a renewal: [\"generate\", \"pick-up\"]"), "{steps}");
    brought(&report, &["signature"]);
}

/// A service that nobody has heard of is a file, and no new code.
#[test]
fn a_service_of_ones_own_is_a_file() {
    let desk = Desk::new();
    let known = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/twins.toml");
    let text = std::fs::read_to_string(known).unwrap();
    let own =
        text.replace("name = \"twins\"", "name = \"quarterly\"").replace("validity_days = 365", "validity_days = 90");
    let own = own.replace("days = [21, 7]", "days = [14, 3]");
    std::fs::write(desk.file("quarterly.toml"), &own).unwrap();
    let said = desk.run(["scenario", "--policy", "quarterly.toml", "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["scenario"], &report["ok"]), (&"quarterly".into(), &true.into()));
    let seen = |id: &str| {
        let rule = report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).unwrap();
        assert_eq!(rule["ok"], true, "{rule}");
        rule["seen"].as_str().unwrap().to_owned()
    };
    assert!(seen("quarterly/one-year").contains("90 days"));
    assert!(seen("quarterly/notice-three-weeks").contains("[335, 71]"));

    std::fs::write(desk.file("bad.toml"), own.replace("prove_login", "prove_logins")).unwrap();
    desk.run(["scenario", "--policy", "bad.toml"]).ends_with(2);
    std::fs::write(desk.file("worse.toml"), own.replace("validity_days = 90", "validity_days = 0")).unwrap();
    desk.run(["scenario", "--policy", "worse.toml"]).ends_with(2);
    desk.run(["scenario"]).ends_with(2);
}

#[test]
fn a_first_certificate_is_held_against_its_rules() {
    let desk = Desk::new();
    let said = desk.run(["scenario", "partner", "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["scenario"], &report["ok"]), (&"partner".into(), &true.into()));
    let rules = report["rules"].as_array().unwrap();
    let holds = |id: &str| rules.iter().any(|rule| rule["id"] == id && rule["ok"] == true);
    for id in ["password-once/ca", "revocation-password-sealed", "waits", "renewal", "revoked-by-password"] {
        assert!(holds(&format!("partner/{id}")), "{id}");
    }
    brought(&report, &["authentication"]);
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new(), "nothing is left behind");
}
