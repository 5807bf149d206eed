//! OpenSC and OpenSSL as peers, over a PC/SC service of the test's own.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use der::{EncodePem, pem::LineEnding};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_simulator::{SimulatorConnection, vpcd};

#[path = "../../../card/tests/common/reader.rs"]
mod reader;
#[allow(unused_imports, reason = "each test uses a part of it")]
pub use reader::{inside, with_pcscd};

/// Attaches a card and waits until OpenSC sees it in the reader.
pub fn attach(card: &SimulatorConnection, address: std::net::SocketAddr) -> vpcd::Attached {
    let attached = vpcd::Attached::new(card, address).unwrap();
    while !run("opensc-tool", &["--atr"]).status.success() {
        std::thread::sleep(Duration::from_millis(20));
    }
    attached
}

/// Takes a card out and waits until pcscd has noticed, lest the next one is taken for it.
pub fn detach(attached: vpcd::Attached) {
    attached.detach();
    while run("opensc-tool", &["--atr"]).status.success() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Runs a program that must succeed, and returns what it said.
#[track_caller]
pub fn ok(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}\n{}", text(&output));
    text(&output)
}

/// Runs a program that must fail, and returns what it said.
#[track_caller]
pub fn fails(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(!output.status.success(), "{program} {arguments:?} should fail\n{}", text(&output));
    text(&output)
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A directory with a CA of OpenSSL's in it, gone at the end.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let (key, ca) = (desk.path("ca.key"), desk.path("ca.pem"));
        ok(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-keyout",
                &key,
                "-out",
                &ca,
                "-subj",
                "/CN=Test CA",
            ],
        );
        desk
    }

    pub fn path(&self, name: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// A certificate for a key that is on a card.
    pub fn issue(&self, subject: &str, key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
        let public = self.write("subject.pub", key.to_pem(LineEnding::LF).unwrap().as_bytes());
        let (ca, ca_key, out) = (self.path("ca.pem"), self.path("ca.key"), self.path("issued.der"));
        ok(
            "openssl",
            &[
                "x509",
                "-new",
                "-force_pubkey",
                &public,
                "-subj",
                &format!("/CN={subject}"),
                "-CA",
                &ca,
                "-CAkey",
                &ca_key,
                "-days",
                "20",
                "-outform",
                "DER",
                "-out",
                &out,
            ],
        );
        self.read("issued.der")
    }
}
