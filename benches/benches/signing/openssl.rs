//! The `openssl` command as a peer: its own speed test for signatures, one process a key for key pairs.
//!
//! The command, and not the crate of that name: a library to link would be one more thing that every build of the workspace
//! needs. `openssl speed` loops inside one process; the start of a process is measured and taken off where each run makes one
//! key.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use obnova_algorithm::KeyAlgorithm;

/// The version, or why there is none.
pub fn version() -> Result<String, String> {
    run(&["version"])
}

/// Mean time of one signature over the given number of whole seconds.
pub fn signature(algorithm: KeyAlgorithm, seconds: u32) -> Result<Duration, String> {
    let name = match algorithm {
        KeyAlgorithm::Rsa2048 => "rsa2048",
        KeyAlgorithm::Rsa3072 => "rsa3072",
        KeyAlgorithm::Rsa4096 => "rsa4096",
        KeyAlgorithm::P256 => "ecdsap256",
        KeyAlgorithm::P384 => "ecdsap384",
    };
    let output = run(&["speed", "-seconds", &seconds.to_string(), "-mr", name])?;
    // Machine-readable lines: +F2 (RSA) and +F4 (ECDSA) : number : bits : signatures a second : checks a second.
    let result = output.lines().find(|line| line.starts_with("+F2:") || line.starts_with("+F4:"));
    let rate = result.and_then(|line| line.split(':').nth(3)).and_then(|field| field.parse::<f64>().ok());
    match rate {
        Some(rate) if rate > 0.0 => Ok(Duration::from_secs_f64(1.0 / rate)),
        _ => Err(format!("openssl speed {name} gave no rate: {output}")),
    }
}

/// Time to make one key pair, without the start of the process (`start`).
pub fn key_pair(algorithm: KeyAlgorithm, start: Duration) -> Result<Duration, String> {
    let bits = format!("rsa_keygen_bits:{}", algorithm.bits());
    let curve = format!("ec_paramgen_curve:P-{}", algorithm.bits());
    let arguments = if algorithm.is_rsa() {
        ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", &bits]
    } else {
        ["genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", &curve]
    };
    let begin = Instant::now();
    run(&arguments)?;
    Ok(begin.elapsed().saturating_sub(start))
}

/// Time in which the command starts and does nothing.
pub fn start() -> Result<Duration, String> {
    let begin = Instant::now();
    run(&["version"])?;
    Ok(begin.elapsed())
}

fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("openssl cannot be run ({error}): apt-get install openssl"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(format!("openssl {}: {errors}", arguments.join(" "))) }
}
