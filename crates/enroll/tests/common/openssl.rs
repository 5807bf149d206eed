//! The program `openssl`.

use std::{path::Path, process::Command};

/// What OpenSSL says; panics when it is not there or fails.
pub fn openssl(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let (success, said) = try_openssl(directory, arguments);
    assert!(success, "openssl {arguments:?}: {}", String::from_utf8_lossy(&said));
    said
}

pub fn try_openssl(directory: &Path, arguments: &[&str]) -> (bool, Vec<u8>) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("openssl is needed for this test: apt-get install -y --no-install-recommends openssl");
    (output.status.success(), [output.stdout, output.stderr].concat())
}
