//! strongSwan's EST client, with a TLS stack of its own, enrolls and re-enrolls with the server's side of this crate.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/tls.rs"]
mod tls;

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use common::{CA, HOLDER, Key, World, certificate, openssl::openssl};
use der::{DecodePem, Encode};
use obnova_enroll::{
    certs_only,
    est::{
        BasicError, Channel, Credentials, HttpRequest, HttpResponse, Reenrollment, Server, SimpleOperation,
        reenrollment,
    },
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::Certificate;

fn pki(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("pki")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("pki is missing: apt-get install strongswan-pki libstrongswan-standard-plugins")
}

fn est(directory: &Path, url: &str, more: &[&str]) -> Output {
    let enroll = ["--est", "--url", url, "--in", "request.der", "--cacert", "ca.der", "--interval", "1"];
    pki(directory, &[&enroll[..], &["--outform", "pem"], more].concat())
}

fn certificate_in(output: &Output) -> Certificate {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Certificate::from_pem(&output.stdout).unwrap()
}

/// [`HOLDER`], as strongSwan lists names: from the country on. What is ASCII it writes as PrintableString, and this workspace as
/// UTF8String.
const JANA: &str = "C=CZ, O=Vzor, CN=Jana Novakova";

/// Where strongSwan has its own request for a key, and the CA's certificate.
fn prepared(world: &World, name: &str, key: &Key) -> (tempfile::TempDir, CertificationRequest) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    std::fs::write(path("ca.der"), world.ca.to_der().unwrap()).unwrap();
    std::fs::write(path("new.p8"), key.pkcs8()).unwrap();
    let made = pki(directory.path(), &["--req", "--in", "new.p8", "--dn", name]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(path("request.der"), &made.stdout).unwrap();
    (directory, CertificationRequest::from_der(&made.stdout).unwrap())
}

/// The CA's certificates, which it asks for first, or what `enroll` says.
fn answer(world: &World, http: &HttpRequest, enroll: impl FnOnce(SimpleOperation) -> HttpResponse) -> HttpResponse {
    let server = Server::new();
    match server.route_simple(http) {
        Ok(operation) => enroll(operation),
        Err(_) => match server.route(http) {
            Ok(_) => server.cacerts(std::slice::from_ref(&world.ca)).unwrap(),
            Err(error) => error.response(),
        },
    }
}

#[test]
fn strongswan_enrolls_with_a_password_and_waits_with_the_same_request() {
    for key in [Key::p256(), Key::rsa()] {
        let world = World::new();
        let (directory, request) = prepared(&world, JANA, &key);
        let issued = certificate(HOLDER, &key, CA, &world.ca_key, 20, false);
        let mut asked = Vec::new();
        let server = |http: HttpRequest, peer: Option<Certificate>| {
            assert_eq!(peer, None);
            answer(&world, &http, |operation| {
                let who = match Credentials::of(&http, Channel::Tls) {
                    Ok(who) => who,
                    Err(error) => return error.response("EST"),
                };
                if (who.user().as_str(), who.password().as_bytes()) != ("jana", b"MZXW6YTBOI5FA2LC") {
                    return BasicError::Absent.response("EST");
                }
                let SimpleOperation::Enroll(came) = operation else { panic!("{operation:?}") };
                assert_eq!(came.verify().map_err(|error| error.to_string()).err(), None);
                asked.push(came);
                match asked.len() {
                    1 | 2 => Server::new().retry_after(Duration::from_secs(1)),
                    _ => Server::new().issued(&issued).unwrap(),
                }
            })
        };
        let enrolled =
            tls::serve(&world, server, |url| est(directory.path(), url, &["--userpass", "jana:MZXW6YTBOI5FA2LC"]));
        assert_eq!(certificate_in(&enrolled), issued);
        assert_eq!(asked, [request.clone(), request.clone(), request]);
    }
}

#[test]
fn strongswan_with_another_password_gets_nothing() {
    let world = World::new();
    let (directory, _) = prepared(&world, JANA, &Key::p256());
    let mut refused = 0;
    let server = |http: HttpRequest, _: Option<Certificate>| {
        answer(&world, &http, |_| match Credentials::of(&http, Channel::Tls) {
            Ok(who) if who.password().as_bytes() == b"MZXW6YTBOI5FA2LC" => panic!("it did not know it"),
            _ => {
                refused += 1;
                BasicError::Absent.response("EST")
            }
        })
    };
    let output = tls::serve(&world, server, |url| est(directory.path(), url, &["--userpass", "jana:MZXW6YTBOI5FA2LD"]));
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(refused > 0, "{}", String::from_utf8_lossy(&output.stderr));
}

/// The old certificate logs in; the key is a new one, or the same again.
#[test]
fn strongswan_re_enrolls_with_its_certificate() {
    let world = World::new();
    let [old_key, new_key] = [Key::p256(), Key::p256()];
    let old = certificate(HOLDER, &old_key, CA, &world.ca_key, 30, false);
    for (key, kind) in [(&new_key, Reenrollment::Rekey), (&old_key, Reenrollment::Renewal)] {
        let (directory, request) = prepared(&world, JANA, key);
        assert_ne!(request.subject(), old.tbs_certificate().subject());
        std::fs::write(directory.path().join("old.der"), old.to_der().unwrap()).unwrap();
        std::fs::write(directory.path().join("old.p8"), old_key.pkcs8()).unwrap();
        openssl(directory.path(), &["ec", "-inform", "DER", "-in", "old.p8", "-outform", "DER", "-out", "old.key"]);
        let issued = certificate(HOLDER, key, CA, &world.ca_key, 31, false);
        let mut done = Vec::new();
        let server = |http: HttpRequest, peer: Option<Certificate>| {
            answer(&world, &http, |operation| {
                let SimpleOperation::Reenroll(request) = operation else { panic!("{operation:?}") };
                let peer = peer.expect("it logs in");
                assert_eq!(peer, old);
                match reenrollment(&peer, &request) {
                    Ok(kind) => done.push(kind),
                    Err(error) => return Server::new().refused(false, &error.to_string()),
                }
                Server::new().issued(&issued).unwrap()
            })
        };
        let re_enrolled =
            tls::serve(&world, server, |url| est(directory.path(), url, &["--cert", "old.der", "--key", "old.key"]));
        assert_eq!(certificate_in(&re_enrolled), issued);
        assert_eq!(done, [kind]);
    }
}

/// Its request is for somebody else, by one letter: refused by the check that the client of this crate makes before it sends.
#[test]
fn strongswan_with_another_name_in_its_request_gets_nothing() {
    let world = World::new();
    let old_key = Key::p256();
    let old = certificate(HOLDER, &old_key, CA, &world.ca_key, 30, false);
    let (directory, _) = prepared(&world, &JANA.replace("Jana", "Hana"), &old_key);
    std::fs::write(directory.path().join("old.der"), old.to_der().unwrap()).unwrap();
    std::fs::write(directory.path().join("old.p8"), old_key.pkcs8()).unwrap();
    openssl(directory.path(), &["ec", "-inform", "DER", "-in", "old.p8", "-outform", "DER", "-out", "old.key"]);
    let mut refused = 0;
    let server = |http: HttpRequest, peer: Option<Certificate>| {
        answer(&world, &http, |operation| {
            let SimpleOperation::Reenroll(request) = operation else { panic!("{operation:?}") };
            let error = reenrollment(&peer.unwrap(), &request).unwrap_err();
            refused += 1;
            Server::new().refused(false, &error.to_string())
        })
    };
    let output =
        tls::serve(&world, server, |url| est(directory.path(), url, &["--cert", "old.der", "--key", "old.key"]));
    assert!(!output.status.success() && certs_only::read_file(&output.stdout).is_err());
    assert_eq!(refused, 1, "{}", String::from_utf8_lossy(&output.stderr));
}
