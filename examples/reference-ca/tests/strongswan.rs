//! A client of others, with a TLS stack of its own: strongSwan's `pki`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    process::{Command, Output},
    sync::atomic::Ordering::SeqCst,
};

use common::{
    World,
    first::{HOLDER, JANA, key, one_certificate, partner, password},
};
use obnova_ca::CaKey;
use obnova_pkcs10::RequestBuilder;
use x509_cert::{Certificate, der::DecodePem};

fn pki(world: &World, arguments: &[&str]) -> Output {
    let root = world.home().join("root.pem");
    Command::new("pki")
        .args(arguments)
        .args(["--url", &world.server.url(), "--outform", "pem", "--cacert", root.to_str().unwrap()])
        .current_dir(world.directory.path())
        .output()
        .expect("pki is missing: apt-get install strongswan-pki libstrongswan-standard-plugins")
}

#[test]
fn strongswan_fetches_the_ca_certificates_and_trusts_them() {
    let world = World::new();
    let out = world.directory.path().join("got.pem");
    let output = pki(&world, &["--estca", "--caout", out.to_str().unwrap()]);
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

/// Its request says nothing of what it is for, and nothing but the name of whom it is about.
fn prepare(world: &World, subject: &str, key: &CaKey) {
    let builder = RequestBuilder::new(subject.parse().unwrap(), key.public_key().clone(), key.algorithm());
    let to_sign = builder.finalize().unwrap();
    let request = to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap();
    std::fs::write(world.directory.path().join("request.der"), request.der()).unwrap();
}

fn certificate_in(output: &Output) -> Certificate {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Certificate::from_pem(&output.stdout).unwrap()
}

#[test]
fn strongswan_enrolls_with_a_password_waits_and_re_enrolls_with_its_certificate() {
    let world = World::with(&partner(), |config| config);
    let typed = password(&world.home(), &JANA);
    let user = format!("jana:{}", typed.to_text().as_str());
    let key = key();
    prepare(&world, HOLDER, &key);
    let enroll = ["--est", "--in", "request.der", "--interval", "1", "--userpass", &user];
    let certificate = certificate_in(&world.approving(|| pki(&world, &enroll)));
    let tbs = certificate.tbs_certificate();
    assert_eq!(tbs.subject().to_string(), HOLDER);
    assert_eq!(tbs.subject_public_key_info(), key.public_key());
    let statuses = |path: &str| {
        let log = world.log.lock().unwrap();
        let path = format!("/.well-known/est/{path}");
        log.iter().filter(|access| access.path == path).map(|access| access.status).collect::<Vec<_>>()
    };
    let enrolled = statuses("simpleenroll");
    assert!(enrolled.contains(&202) && enrolled.last() == Some(&200), "{enrolled:?}");
    // The same again is the same; another request, of another key, is refused: the password was used.
    assert_eq!(certificate_in(&pki(&world, &enroll)), certificate);
    let other = common::first::key();
    prepare(&world, HOLDER, &other);
    assert!(!pki(&world, &enroll).status.success());
    assert_eq!(statuses("simpleenroll").last(), Some(&403));

    // Its certificate logs in, and is re-keyed a fortnight before its end.
    world.ahead.store(351, SeqCst);
    let directory = world.directory.path();
    std::fs::write(directory.join("old.p8"), key.to_pkcs8().unwrap().as_slice()).unwrap();
    let converted = Command::new("openssl")
        .args(["ec", "-inform", "DER", "-in", "old.p8", "-outform", "DER", "-out", "old.key"])
        .current_dir(directory)
        .output()
        .expect("openssl is missing: apt-get install openssl");
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let kept = world.house.ca().certificate(tbs.serial_number().as_bytes()).unwrap().unwrap();
    std::fs::write(directory.join("old.der"), kept.der).unwrap();
    let to_sign = RequestBuilder::new(HOLDER.parse().unwrap(), other.public_key().clone(), other.algorithm());
    let (_, names) = tbs.get_extension::<x509_cert::ext::pkix::SubjectAltName>().unwrap().unwrap();
    let to_sign = to_sign.subject_alt_name(names.0).finalize().unwrap();
    let request = to_sign.assemble(&other.sign(to_sign.bytes()).unwrap()).unwrap();
    std::fs::write(directory.join("request.der"), request.der()).unwrap();
    let arguments = ["--est", "--in", "request.der", "--interval", "1", "--cert", "old.der", "--key", "old.key"];
    let renewed = certificate_in(&world.approving(|| pki(&world, &arguments)));
    assert_eq!(renewed.tbs_certificate().subject_public_key_info(), other.public_key());
    let re_enrolled = statuses("simplereenroll");
    assert!(re_enrolled.contains(&202) && re_enrolled.last() == Some(&200), "{re_enrolled:?}");
}

#[test]
fn strongswan_with_another_password_or_another_name_gets_nothing() {
    let world = World::with(&one_certificate("automatic"), |config| config);
    let typed = password(&world.home(), &JANA);
    let key = key();
    prepare(&world, HOLDER, &key);
    let enroll = |user: &str| pki(&world, &["--est", "--in", "request.der", "--interval", "1", "--userpass", user]);
    assert!(!enroll("jana:K7QWM-2F9TD-0XYHR-4CBBT").status.success());
    prepare(&world, &HOLDER.replace("Jana", "Petra"), &key);
    assert!(!enroll(&format!("jana:{}", typed.to_text().as_str())).status.success());
    let log = world.log.lock().unwrap();
    let refused: Vec<_> = log.iter().filter_map(|access| access.refused).collect();
    assert!(refused.contains(&"wrong-password") && refused.contains(&"other-subject"), "{refused:?}");
    assert!(world.house.ca().list(None, 10).unwrap().is_empty());
}
