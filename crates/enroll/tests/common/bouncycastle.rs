//! Bouncy Castle's program, for whichever test talks to it.

use std::{path::Path, process::Command};

const JARS: &str = "/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar:/usr/share/java/bcpkix.jar";
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/enroll/tests/data/bouncycastle/Peer.java");

/// Runs the program with arguments that are files in `directory`, or words; fails when it is not satisfied.
pub fn bouncycastle(directory: &Path, arguments: &[&str]) {
    let missing = "apt-get install -y --no-install-recommends default-jdk-headless libbcpkix-java";
    assert!(JARS.split(':').all(|jar| Path::new(jar).exists()), "Bouncy Castle is missing: {missing}");
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", JARS, PEER])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap_or_else(|error| panic!("java: {error}: {missing}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}
