//! A client of others, with a TLS stack of its own: strongSwan's `pki --estca`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::process::Command;

use common::World;
use x509_cert::{Certificate, der::DecodePem};

#[test]
fn strongswan_fetches_the_ca_certificates_and_trusts_them() {
    let world = World::new();
    let home = world.home();
    let (root, out) = (home.join("root.pem"), world.directory.path().join("got.pem"));
    let output = Command::new("pki")
        .args(["--estca", "--url", &world.server.url(), "--outform", "pem"])
        .args(["--cacert", root.to_str().unwrap(), "--caout", out.to_str().unwrap()])
        .output()
        .expect("pki is missing: apt-get install strongswan-pki libstrongswan-standard-plugins");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Root CA cert is trusted") && said.contains("Sub CA cert is trusted"), "{said}");
    let read = |name: &str| {
        let text = std::fs::read(world.directory.path().join(name)).unwrap();
        Certificate::from_pem(text).unwrap()
    };
    let expected = world.ca();
    assert_eq!([read("got-1.pem"), read("got.pem")].as_slice(), expected);
    let log = world.log.lock().unwrap();
    assert!(log.iter().any(|access| access.path == "/.well-known/est/cacerts" && access.status == 200));
}
