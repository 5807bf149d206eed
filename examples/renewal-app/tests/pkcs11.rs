#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The scenario on a token behind a PKCS#11 module that nobody here wrote: SoftHSM.

mod support;

use std::{path::Path, process::Command};

use serde_json::Value;
use support::Desk;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";

#[test]
fn the_scenario_passes_on_softhsm() {
    assert!(Path::new(MODULE).exists(), "{MISSING}");
    let desk = Desk::new();
    std::fs::create_dir(desk.file("tokens")).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", desk.file("tokens").display());
    let configuration = desk.write("softhsm2.conf", &text);
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "holder", "--pin", "471147", "--so-pin", "5678"])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .expect(MISSING);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    desk.write("pin", "471147\n");
    let token = format!("pkcs11:token=holder?module-path={MODULE}");
    let run = |arguments: &[&str]| {
        let token = ["--token", token.as_str()];
        let mut command = desk.command([arguments, &token].concat());
        support::Said::from(command.env("SOFTHSM2_CONF", &configuration).output().unwrap())
    };
    let pins = ["--pin-file", "pin", "--signature-pin-file", "pin"];
    desk.write("pin", "471147\n471147\n");
    let said = run(&[&["scenario", "twins", "--json"], &pins[..]].concat()).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["certificates"].as_array().unwrap().len(), 2);
    let names: Vec<_> = report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    for step in ["list", "generate", "request", "vouch", "send", "pick-up", "install", "prove-login", "clean"] {
        assert!(names.contains(&step), "{names:?}");
    }
    run(&["card", "list"]).ends_with(0).says(&["authentication", "valid", "signature", "valid"]);
}
