#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Tokens behind a PKCS#11 module that nobody here wrote: SoftHSM.

#[path = "../../../crates/card/tests/common/apart.rs"]
mod apart;
mod support;

use std::{path::Path, process::Command, time::SystemTime};

use apart::{ADDRESS, Apart};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{GenerateKey, InstallCertificate, KeyRole, Pin, Pkcs11Token, Removal, Secret, SlotId, Token};
use obnova_reference_ca::house::{Holder, House as Files};
use serde_json::Value;
use support::{
    Desk,
    ca::House,
    killing::{Target, rounds},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
const CONFIGURATION: &str = "SOFTHSM2_CONF";
const PIN: &str = "471147";

/// Makes a token in a folder of the desk; returns SoftHSM's configuration, which is in the environment by this name.
fn make_token(desk: &Desk) -> std::path::PathBuf {
    assert!(Path::new(MODULE).exists(), "{MISSING}");
    std::fs::create_dir(desk.file("tokens")).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", desk.file("tokens").display());
    let configuration = desk.write("softhsm2.conf", &text);
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "holder", "--pin", PIN, "--so-pin", "5678"])
        .env(CONFIGURATION, &configuration)
        .output()
        .expect(MISSING);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    configuration
}

fn uri(module: &Path) -> String {
    format!("pkcs11:token=holder?module-path={}", module.display())
}

#[test]
fn the_scenario_passes_on_softhsm() {
    let desk = Desk::new();
    let configuration = make_token(&desk);
    let token = uri(Path::new(MODULE));
    let run = |arguments: &[&str]| {
        let token = ["--token", token.as_str()];
        let mut command = desk.command([arguments, &token].concat());
        support::Said::from(command.env(CONFIGURATION, &configuration).output().unwrap())
    };
    let pins = ["--pin-file", "pin", "--signature-pin-file", "pin"];
    desk.write("pin", &format!("{PIN}\n{PIN}\n"));
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

/// SoftHSM is in a process of its own: who is killed while he asks it for something does not tear the files in which it keeps
/// its objects.
#[test]
fn a_renewal_on_softhsm_comes_to_its_end_however_often_its_programs_are_killed() {
    let desk = Desk::in_memory();
    if std::env::var_os(ADDRESS).is_none() {
        // Where the token is asked for is in the environment: in a process of our own.
        let configuration = make_token(&desk);
        let (_apart, address) = Apart::serve(desk.path(), &configuration, "holder");
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_renewal_on_softhsm_comes_to_its_end_however_often_its_programs_are_killed"])
            .args(["--nocapture", "--test-threads=1"])
            .env(ADDRESS, address)
            .output()
            .unwrap();
        let said = support::Said::from(run).ends_with(0);
        assert!(said.out.contains("1 passed"), "{}", said.out);
        let told = said.out.lines().filter_map(|line| line.find("PKCS#11: ").map(|at| &line[at..]));
        told.for_each(|line| println!("{line}"));
        return;
    }
    for name in ["pin", "pin2"] {
        desk.write(name, &format!("{PIN}\n{PIN}\n"));
    }
    let mut house = House::open(&desk);
    let token = uri(&Apart::client());
    let open = || Pkcs11Token::open(&token.parse().unwrap()).unwrap();
    let mut target = Target {
        name: "PKCS#11",
        token: &token,
        pins: [PIN; 2],
        renew_card: &mut |_| personalise(&mut open(), &desk.file("ca")),
        open: &mut || Box::new(open()),
        journals_are_lost: true,
    };
    rounds(&desk, &mut house, &mut target, 12);
}

/// Removes what is there, and puts on a pair that ends soon.
fn personalise(token: &mut Pkcs11Token, ca: &Path) {
    let pin = Pin::new(Secret::from(PIN));
    let slots = token.slots().unwrap().into_iter().filter(|slot| slot.key.is_some());
    token.remove(&slots.map(|slot| Removal::Slot(slot.id)).collect::<Vec<_>>(), &pin).unwrap();
    let places = [(SlotId(1), KeyRole::Authentication), (SlotId(2), KeyRole::Signature)];
    let keys = places.map(|(slot, role)| {
        let order = GenerateKey { slot, role, algorithm: KeyAlgorithm::P256, label: role.to_string() };
        token.generate(&order, &pin).unwrap()
    });
    let holder = Holder { name: "CN=Jana Nováková,C=CZ".to_owned(), email: "jana@example.cz".to_owned() };
    let issued = Files::open(ca).unwrap().first_pair(&holder, &keys[0], &keys[1], 20, SystemTime::now()).unwrap();
    let jobs = [issued.authentication.der, issued.signature.der].into_iter().zip(places);
    let jobs =
        jobs.map(|(certificate, (slot, role))| InstallCertificate { slot, certificate, label: role.to_string() });
    token.install(&jobs.collect::<Vec<_>>(), &[], &pin).unwrap();
}
