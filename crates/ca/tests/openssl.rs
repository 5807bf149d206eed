//! A second opinion: OpenSSL reads and verifies what the CA makes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{path::PathBuf, process::Command};

use common::{Draft, World, issued, now};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::Policy;
use obnova_enroll::cmc::Asked;
use x509_cert::{
    Certificate,
    der::{EncodePem, pem::LineEnding},
};

fn openssl(arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).output().expect("openssl is missing: apt-get install openssl");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "openssl {arguments:?}: {out}{err}");
    format!("{out}{err}")
}

/// A renewed pair, its CA's chain, and a directory to put files into.
struct Files {
    world: World,
    pair: Vec<Certificate>,
}

impl Files {
    fn new(policy: &str, ca_key: KeyAlgorithm) -> Self {
        let world = World::with(&policy.replace("\"manual\"", "\"automatic\""), ca_key);
        let draft = Draft::renewing(&world.old, 1);
        let mut pair = issued(world.send(&draft));
        let is = |certificate: &Certificate, index: usize| {
            certificate.tbs_certificate().subject_public_key_info() == draft.requests[index].key.public_key()
        };
        pair.sort_by_key(|certificate| is(certificate, 1));
        Self { world, pair }
    }

    fn pem(&self, name: &str, certificate: &Certificate) -> PathBuf {
        let path = self.world.directory.path().join(name);
        std::fs::write(&path, certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
        path
    }

    fn chain(&self) -> (PathBuf, PathBuf) {
        let chain = self.world.ca_certificates();
        (self.pem("issuing.pem", &chain[0]), self.pem("root.pem", &chain[1]))
    }

    fn text(&self, index: usize) -> String {
        let path = self.pem("one.pem", &self.pair[index]);
        openssl(&["x509", "-in", path.to_str().unwrap(), "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"])
    }
}

#[test]
fn openssl_verifies_the_chain_strictly() {
    for key in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048, KeyAlgorithm::P384] {
        let files = Files::new(Policy::TEMPLATE, key);
        let (issuing, root) = files.chain();
        let at = now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().to_string();
        for (index, certificate) in files.pair.iter().enumerate() {
            let path = files.pem("one.pem", certificate);
            let purpose = ["sslclient", "any"][index];
            let verified = openssl(&[
                "verify",
                "-x509_strict",
                "-check_ss_sig",
                "-policy_check",
                "-attime",
                &at,
                "-purpose",
                purpose,
                "-CAfile",
                root.to_str().unwrap(),
                "-untrusted",
                issuing.to_str().unwrap(),
                path.to_str().unwrap(),
            ]);
            assert!(verified.contains(": OK"), "{verified}");
        }
    }
}

#[test]
fn openssl_sees_the_two_profiles() {
    // The addresses of the signature profile, which stand last.
    let (before, signature) = Policy::TEMPLATE.rsplit_once("[signature]").unwrap();
    let signature = ["ca_issuers", "ocsp", "crl"]
        .into_iter()
        .fold(signature.to_owned(), |text, field| text.replace(&format!("# {field} ="), &format!("{field} =")));
    let files = Files::new(&format!("{before}[signature]{signature}"), KeyAlgorithm::P256);
    let (authentication, signature) = (files.text(0), files.text(1));
    for text in [&authentication, &signature] {
        for what in [
            "Version: 3 (0x2)",
            "Subject: C=CZ,serialNumber=IDCCZ-123456,CN=Jana Nováková",
            "email:jana@example.cz",
            "X509v3 Basic Constraints: critical\n                CA:FALSE",
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
        ] {
            assert!(text.contains(what), "{what} is missing in {text}");
        }
    }
    let usage =
        |text: &str, usage: &str| text.contains(&format!("X509v3 Key Usage: critical\n                {usage}\n"));
    assert!(usage(&authentication, "Digital Signature"), "{authentication}");
    assert!(
        authentication.contains("TLS Web Client Authentication") && authentication.contains("Policy: 0.4.0.2042.1.2")
    );
    for what in ["qcStatements", "Authority Information Access", "CRL Distribution Points"] {
        assert!(!authentication.contains(what), "{authentication}");
    }
    assert!(usage(&signature, "Non Repudiation"), "{signature}");
    assert!(!signature.contains("Extended Key Usage") && signature.contains("Policy: 0.4.0.194112.1.2"));
    assert!(signature.contains("qcStatements") && signature.contains("CA Issuers - URI:http://ca.example/ca.der"));
    assert!(signature.contains("OCSP - URI:http://ca.example/ocsp"), "{signature}");
    assert!(signature.contains("CRL Distribution Points") && signature.contains("URI:http://ca.example/crl"));
}

#[test]
fn openssl_reads_the_statements_of_a_qualified_certificate() {
    let files = Files::new(&Policy::TEMPLATE.replace("# disclosure", "disclosure"), KeyAlgorithm::P256);
    let path = files.pem("one.pem", &files.pair[1]);
    let dump = openssl(&["asn1parse", "-in", path.to_str().unwrap()]);
    let line = dump.lines().position(|line| line.contains("qcStatements")).expect("no qcStatements");
    let offset = dump.lines().nth(line + 1).unwrap().split(':').next().unwrap().trim().to_owned();
    let statements = openssl(&["asn1parse", "-in", path.to_str().unwrap(), "-strparse", &offset]);
    let objects: Vec<_> = statements
        .lines()
        .filter(|line| line.contains("OBJECT"))
        .map(|line| line.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(
        objects,
        ["0.4.0.1862.1.1", "0.4.0.1862.1.4", "0.4.0.1862.1.6", "0.4.0.1862.1.6.1", "0.4.0.1862.1.5"],
        "{statements}"
    );
    assert!(statements.contains("IA5STRING         :https://ca.example/pds.pdf"), "{statements}");
    assert!(statements.contains("PRINTABLESTRING   :en"), "{statements}");
}

#[test]
fn openssl_verifies_the_signature_on_an_answer() {
    for key in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let world = World::with(Policy::TEMPLATE, key);
        let draft = Draft::renewing(&world.old, 1);
        let response = world.ca.answer(&draft.message(), None, now()).unwrap();
        world.read(&response.message, &draft.transaction, Asked::Certificates);
        let home = world.directory.path();
        let file = home.join("answer.der");
        std::fs::write(&file, &response.message).unwrap();
        let chain = world.ca_certificates();
        let root = home.join("root.pem");
        std::fs::write(&root, chain[1].to_pem(LineEnding::LF).unwrap()).unwrap();
        let issuing = home.join("issuing.pem");
        std::fs::write(&issuing, chain[0].to_pem(LineEnding::LF).unwrap()).unwrap();
        let at = now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().to_string();
        let content = home.join("content.der");
        let verified = openssl(&[
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-in",
            file.to_str().unwrap(),
            "-CAfile",
            root.to_str().unwrap(),
            "-certfile",
            issuing.to_str().unwrap(),
            "-purpose",
            "any",
            "-attime",
            &at,
            "-out",
            content.to_str().unwrap(),
        ]);
        assert!(verified.contains("successful"), "{verified}");
        let controls = openssl(&["asn1parse", "-inform", "DER", "-in", content.to_str().unwrap()]);
        assert!(controls.contains("id-cmc-transactionId") && controls.contains("id-cmc-recipientNonce"), "{controls}");
    }
}
