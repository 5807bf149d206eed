//! A client of others, with a TLS stack of its own: strongSwan's `pki`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    process::{Command, Output},
    sync::atomic::Ordering::SeqCst,
};

use common::{
    World,
    first::{HOLDER, one_certificate, partner, password},
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{
    Certificate,
    der::{DecodePem, Encode},
    ext::pkix::SubjectAltName,
};

fn pki(world: &World, arguments: &[&str]) -> Output {
    Command::new("pki")
        .args(arguments)
        .current_dir(world.directory.path())
        .output()
        .expect("pki is missing: apt-get install strongswan-pki libstrongswan-standard-plugins")
}

/// What it asks the CA.
fn ask(world: &World, arguments: &[&str]) -> Output {
    let root = world.home().join("root.pem");
    let server = ["--url", &world.server.url(), "--outform", "pem", "--cacert", root.to_str().unwrap()];
    pki(world, &[arguments, &server].concat())
}

#[test]
fn strongswan_fetches_the_ca_certificates_and_trusts_them() {
    let world = World::new();
    let out = world.directory.path().join("got.pem");
    let output = ask(&world, &["--estca", "--caout", out.to_str().unwrap()]);
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

/// Makes a key and a request for it, which says nothing of what it is for.
fn prepare(world: &World, key: &str, names: &[&str]) -> CertificationRequest {
    let made = |name: &str, arguments: &[&str]| {
        let output = pki(world, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(world.directory.path().join(name), &output.stdout).unwrap();
        output.stdout
    };
    made(key, &["--gen", "--type", "ecdsa", "--size", "256"]);
    let made = made("request.der", &[&["--req", "--in", key, "--type", "ecdsa"], names].concat());
    CertificationRequest::from_der(&made).unwrap()
}

fn certificate_in(output: &Output) -> Certificate {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Certificate::from_pem(&output.stdout).unwrap()
}

/// What a certificate says of its holder.
fn about(certificate: &Certificate) -> (Vec<u8>, Vec<u8>) {
    let tbs = certificate.tbs_certificate();
    let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
    (tbs.subject().to_der().unwrap(), names.to_der().unwrap())
}

/// strongSwan writes a name in ASCII as another string type than the CA has it; what is certified is the CA's.
#[test]
fn strongswan_enrolls_with_a_password_waits_and_re_enrolls_with_its_certificate() {
    for (holder, dn) in [("CN=Petr Novak,C=CZ", "C=CZ, CN=Petr Novak"), (HOLDER, "C=CZ, CN=Jana Nováková")] {
        let world = World::with(&partner(), |config| config);
        let typed = password(&world.home(), &["--name", holder, "--email", "holder@example.cz"]);
        let user = format!("jana:{}", typed.to_text().as_str());
        let names = ["--dn", dn, "--san", "holder@EXAMPLE.cz"];
        let request = prepare(&world, "old.key", &names);
        let enroll = ["--est", "--in", "request.der", "--interval", "1", "--userpass", &user];
        let certificate = certificate_in(&world.approving(|| ask(&world, &enroll)));
        let tbs = certificate.tbs_certificate();
        assert_eq!(*tbs.subject(), holder.parse().unwrap());
        assert_eq!(tbs.subject_public_key_info(), request.public_key());
        let statuses = |path: &str| {
            let log = world.log.lock().unwrap();
            let path = format!("/.well-known/est/{path}");
            log.iter().filter(|access| access.path == path).map(|access| access.status).collect::<Vec<_>>()
        };
        let enrolled = statuses("simpleenroll");
        assert!(enrolled.contains(&202) && enrolled.last() == Some(&200), "{enrolled:?}");
        // The same again is the same; another request, of another key, is refused: the password was used.
        assert_eq!(certificate_in(&ask(&world, &enroll)), certificate);
        let request = prepare(&world, "new.key", &names);
        assert!(!ask(&world, &enroll).status.success());
        assert_eq!(statuses("simpleenroll").last(), Some(&403));

        // Its certificate logs in, and is re-keyed a fortnight before its end.
        world.ahead.store(351, SeqCst);
        let kept = world.house.ca().certificate(tbs.serial_number().as_bytes()).unwrap().unwrap();
        std::fs::write(world.directory.path().join("old.der"), kept.der).unwrap();
        let arguments = ["--est", "--in", "request.der", "--interval", "1", "--cert", "old.der", "--key", "old.key"];
        let renewed = certificate_in(&world.approving(|| ask(&world, &arguments)));
        assert_eq!(renewed.tbs_certificate().subject_public_key_info(), request.public_key());
        assert_eq!(about(&renewed), about(&certificate));
        let re_enrolled = statuses("simplereenroll");
        assert!(re_enrolled.contains(&202) && re_enrolled.last() == Some(&200), "{re_enrolled:?}");
    }
}

#[test]
fn strongswan_with_another_password_or_another_name_gets_nothing() {
    let world = World::with(&one_certificate("automatic"), |config| config);
    let typed = password(&world.home(), &["--name", "CN=Petr Novak,C=CZ", "--email", "petr@example.cz"]);
    let enroll = |user: &str| ask(&world, &["--est", "--in", "request.der", "--interval", "1", "--userpass", user]);
    prepare(&world, "key", &["--dn", "C=CZ, CN=Petr Novak"]);
    assert!(!enroll("jana:K7QWM-2F9TD-0XYHR-4CBBT").status.success());
    let names = [["C=CZ, CN=Petr Nowak", "petr@example.cz"], ["C=CZ, CN=Petr Novak", "peter@example.cz"]];
    for [dn, address] in names {
        prepare(&world, "key", &["--dn", dn, "--san", address]);
        assert!(!enroll(&format!("jana:{}", typed.to_text().as_str())).status.success());
    }
    let log = world.log.lock().unwrap();
    let refused: Vec<_> = log.iter().filter_map(|access| access.refused).collect();
    let each_has_its_rule =
        ["wrong-password", "other-subject", "other-names"].iter().all(|rule| refused.contains(rule));
    assert!(each_has_its_rule, "{refused:?}");
    assert!(world.house.ca().list(None, 10).unwrap().is_empty());
}
