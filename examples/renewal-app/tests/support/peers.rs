//! OpenSC and OpenSSL as peers, over a PC/SC service of the test's own.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use obnova_algorithm::key_id;
use x509_cert::{Certificate, der::DecodePem as _};

use super::Desk;

#[path = "../../../../crates/card/tests/common/reader.rs"]
mod reader;
#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub use reader::inside;

/// How often one looks for what a service is to come to.
const LOOKS: usize = 3000;

/// Waits until OpenSC sees no card any more.
pub fn until_no_card() {
    let is_there = |_| {
        std::thread::sleep(Duration::from_millis(20));
        run("opensc-tool", &["--atr"]).status.success()
    };
    assert!(!(0..LOOKS).all(is_there), "the card stays in its reader");
}

/// A simulated card in the virtual reader, until this is dropped.
pub struct InReader(Child);

impl InReader {
    /// `obnova simulator serve`; returns when OpenSC sees the card.
    pub fn serve(desk: &Desk, file: &str, address: SocketAddr) -> Self {
        let port = address.port().to_string();
        let mut command = desk.command(["simulator", "serve", file, "--port", &port]);
        let mut this = Self(command.stdout(Stdio::null()).spawn().unwrap());
        for _ in 0..LOOKS {
            if run("opensc-tool", &["--atr"]).status.success() {
                return this;
            }
            assert!(this.0.try_wait().unwrap().is_none(), "the simulator has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("OpenSC sees no card")
    }
}

impl Drop for InReader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate with its key on the card, as OpenSC should know it.
pub struct Known {
    pub id: String,
    pub is_rsa: bool,
    /// The certificate as PEM, and its public key.
    pub certificate: PathBuf,
    public: PathBuf,
}

/// The certificate that `obnova export` finds in a slot.
pub fn exported(desk: &Desk, token: &str, slot: u32) -> Known {
    let folder = format!("export{slot}");
    desk.run(["export", "--token", token, "--to", &folder, "--slot", &slot.to_string()]).ends_with(0);
    let files = fs::read_dir(desk.file(&folder)).unwrap().map(|entry| entry.unwrap().path());
    let certificate = files.filter(|path| path.extension().is_some_and(|kind| kind == "pem")).min().unwrap();
    let public = certificate.with_extension("public");
    let (pem, key) = (certificate.to_str().unwrap(), public.to_str().unwrap());
    ok("openssl", &["x509", "-in", pem, "-pubkey", "-noout", "-out", key]);
    let parsed = Certificate::from_pem(fs::read(&certificate).unwrap()).unwrap();
    let spki = parsed.tbs_certificate().subject_public_key_info();
    let id = key_id(spki).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let is_rsa = obnova_algorithm::KeyAlgorithm::try_from(spki).unwrap().is_rsa();
    Known { id, is_rsa, certificate, public }
}

impl Known {
    /// Certificate, public and private key are there under one identifier.
    pub fn is_listed(&self) -> bool {
        let dump = ok("pkcs15-tool", &["-D"]);
        let kind = if self.is_rsa { "RSA" } else { "EC" };
        let kinds = [format!("Private {kind} Key"), format!("Public {kind} Key"), "X.509 Certificate".to_owned()];
        let found = kinds.map(|kind| {
            dump.split("\n\n")
                .any(|entry| entry.contains(&kind) && entry.contains(&format!("ID             : {}", self.id)))
        });
        assert!(found == [true; 3] || found == [false; 3], "{found:?} of {}:\n{dump}", self.id);
        let objects = ok("pkcs11-tool", &["-O", "--slot", "0"]) + &ok("pkcs11-tool", &["-O", "--slot", "1"]);
        assert_eq!(objects.matches(&self.id).count(), if found[0] { 2 } else { 0 }, "{objects}");
        found[0]
    }

    /// OpenSC signs with it under this PIN, in the PKCS#11 slot of that PIN, and OpenSSL verifies.
    pub fn signs(&self, desk: &Desk, slot: &str, pin: &str) -> bool {
        let input = desk.write("message", "a message that is signed");
        let output = desk.file("signature");
        let (input, output) = (input.to_str().unwrap(), output.to_str().unwrap());
        let mechanism = if self.is_rsa { "SHA256-RSA-PKCS" } else { "ECDSA-SHA256" };
        let fixed = ["--slot", slot, "--login", "--pin", pin, "--sign", "--id", &self.id, "--mechanism", mechanism];
        let files = ["--input-file", input, "--output-file", output, "--signature-format", "openssl"];
        if !run("pkcs11-tool", &[&fixed[..], &files].concat()).status.success() {
            return false;
        }
        ok("openssl", &["dgst", "-sha256", "-verify", self.public.to_str().unwrap(), "-signature", output, input]);
        true
    }
}

/// Runs a program of others that is expected to be there.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Runs a program that must succeed, and returns what it said.
#[track_caller]
pub fn ok(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{}", output.status, text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
