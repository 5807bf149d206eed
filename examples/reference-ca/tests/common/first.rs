//! What is needed for first certificates: the operator's commands, a policy, requests.

use std::{path::Path, process::Command, time::Duration};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, Policy, store::OrderState};
use obnova_enroll::OneTimePassword;
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use super::World;

pub const HOLDER: &str = "CN=Jana Nováková,C=CZ";

/// The operator's command, which succeeds.
pub fn obnova_ca(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn failing(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What the operator hands over.
pub fn password(home: &Path, more: &[&str]) -> OneTimePassword {
    let home = home.to_str().unwrap();
    let said = obnova_ca(&[&["password", "issue", home, "--user", "jana"], more].concat());
    let line = said.lines().find(|line| line.starts_with("one-time password")).unwrap();
    OneTimePassword::typed(line.trim_start_matches("one-time password")).unwrap()
}

pub const JANA: [&str; 4] = ["--name", HOLDER, "--email", "jana@example.cz"];

pub fn one_certificate(approval: &str) -> String {
    let policy =
        Policy::TEMPLATE.replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]");
    let policy = policy.replace("same_key = false", "same_key = true").replace("window_days = 30", "window_days = 365");
    policy.replace("approval = \"manual\"", &format!("approval = \"{approval}\""))
}

/// The service `partner` as it is, but that nobody waits for a minute.
pub fn partner() -> String {
    let file = include_str!("../../../../policies/partner.toml");
    let policy = file.replace("retry_after_seconds = 60", "retry_after_seconds = 1");
    assert_ne!(policy, file);
    policy
}

pub fn request(subject: &str, key: &CaKey, usage: KeyUsages) -> CertificationRequest {
    let builder = RequestBuilder::new(subject.parse().unwrap(), key.public_key().clone(), key.algorithm());
    let to_sign = builder.key_usage(KeyUsage(usage.into())).key_identifier().finalize().unwrap();
    to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap()
}

pub fn key() -> CaKey {
    CaKey::generate(KeyAlgorithm::P256).unwrap()
}

impl World {
    /// A client that is done once the operator has approved what it asked for; what it comes to, also when it never asked.
    pub fn approving<T: Send>(&self, client: impl FnOnce() -> T + Send) -> T {
        let ca = self.house.ca();
        std::thread::scope(|scope| {
            let client = scope.spawn(client);
            while !client.is_finished() {
                for order in ca.list(Some(OrderState::Pending), 1).unwrap() {
                    ca.approve(&order.transaction, self.now()).unwrap();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            client.join().unwrap()
        })
    }
}
