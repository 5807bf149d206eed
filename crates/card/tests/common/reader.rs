//! A real PC/SC service with a virtual reader, for the tests of every crate.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

/// The address of a virtual reader, where a pcscd of the test's own is. Outside of that the test of this name is started once
/// more inside `scripts/with-pcscd`, and `None` returned when it has passed there.
pub fn inside(test: &str) -> Option<SocketAddr> {
    if let Ok(address) = std::env::var("OBNOVA_VPCD") {
        return Some(address.parse().unwrap());
    }
    let script = with_pcscd();
    let run = Command::new(&script)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let [said, errors] = [&run.stdout, &run.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(run.status.success(), "inside with-pcscd: {}\n{said}{errors}", run.status);
    assert!(said.contains("1 passed"), "no test of the name {test} ran inside:\n{said}{errors}");
    print!("{said}");
    None
}

/// The script that runs a command where a private pcscd listens.
pub fn with_pcscd() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-pcscd")
}
