//! A real PC/SC service with a virtual reader.

use std::{net::SocketAddr, path::Path, process::Command};

/// Runs `test` where a pcscd of its own is, with the address of its reader.
pub fn inside(name: &str, test: impl FnOnce(SocketAddr)) {
    if let Ok(address) = std::env::var("OBNOVA_VPCD") {
        return test(address.parse().unwrap());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-pcscd");
    let run = Command::new(&script)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let text = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(run.status.success() && text.contains("1 passed"), "{}: {text}", run.status);
}
