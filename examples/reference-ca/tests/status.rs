//! `obnova-ca` tells who is revoked: the operator's commands, and OpenSSL and curl as those who ask.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{World, first_pair};
use obnova_ca::{IssuedCertificate, Policy};
use obnova_reference_ca::{Server, ServerConfig};
use obnova_status::{
    Authority, RevocationReason, Rules, Status,
    crl::Crl,
    ocsp::{Nonce, Question, http},
};
use x509_cert::der::{EncodePem, pem::LineEnding};

fn run(program: &str, directory: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).current_dir(directory).output();
    output.unwrap_or_else(|_| panic!("{program} is missing: apt-get install {program}"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn obnova_ca(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(env!("CARGO_BIN_EXE_obnova-ca"), world.directory.path(), arguments);
    (output.status.code(), text(&output))
}

fn hexadecimal(certificate: &IssuedCertificate) -> String {
    certificate.serial().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A CA that tells who is revoked, and a folder with what OpenSSL wants to have.
fn world() -> (World, String) {
    let anywhere = |config| ServerConfig { status: Some(([127, 0, 0, 1], 0).into()), ..config };
    let world = World::with(Policy::TEMPLATE, anywhere);
    let pem = |name: &str, certificate: &IssuedCertificate| {
        let text = certificate.certificate.to_pem(LineEnding::LF).unwrap();
        fs::write(world.directory.path().join(name), text).unwrap();
    };
    let chain: Vec<_> = world.house.ca().certificates().cloned().collect();
    pem("issuing.pem", &chain[0]);
    pem("root.pem", &chain[1]);
    pem("one.pem", &world.old.certificates[0]);
    pem("other.pem", &world.old.certificates[1]);
    let url = world.server.status_url().unwrap();
    (world, url)
}

#[test]
fn an_operator_revokes_and_openssl_sees_it_at_once() {
    let (world, url) = world();
    let directory = world.directory.path();
    let asked = || {
        let ocsp = format!("{url}/ocsp");
        let arguments = [
            "ocsp",
            "-issuer",
            "issuing.pem",
            "-CAfile",
            "root.pem",
            "-url",
            &ocsp,
            "-cert",
            "one.pem",
            "-cert",
            "other.pem",
        ];
        let said = text(&run("openssl", directory, &arguments));
        assert!(said.contains("Response verify OK") && !said.contains("WARNING"), "{said}");
        said
    };
    let verified = |who: &str| {
        let crl =
            run("curl", directory, &["--silent", "--show-error", "--fail", "-o", "list.crl", &format!("{url}/crl")]);
        assert!(crl.status.success(), "{}", text(&crl));
        let pem = run("openssl", directory, &["crl", "-inform", "DER", "-in", "list.crl", "-out", "list.pem"]);
        assert!(pem.status.success(), "{}", text(&pem));
        let arguments =
            ["verify", "-crl_check", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "list.pem", who];
        run("openssl", directory, &arguments).status.success()
    };
    let serials = world.old.certificates.each_ref().map(hexadecimal);
    let out = directory.join("now.crl");
    let out = out.to_str().unwrap();
    let crl = || {
        let (code, said) = obnova_ca(&world, &["crl", "ca", "--out", out]);
        assert_eq!(code, Some(0), "{said}");
    };
    assert!(asked().contains("one.pem: good"));
    assert!(verified("one.pem") && verified("other.pem"));

    let (code, said) = obnova_ca(&world, &["revoke", "ca", &serials[0], "--reason", "key-compromise"]);
    assert_eq!((code, said.as_str()), (Some(0), "revoked: keyCompromise\n"));
    let said = asked();
    assert!(said.contains("one.pem: revoked") && said.contains("keyCompromise"), "{said}");
    assert!(said.contains("other.pem: good"), "{said}");
    assert!(!verified("one.pem") && verified("other.pem"), "the list of before does not say it");
    crl();
    assert!(!verified("one.pem") && verified("other.pem"), "another list of the same changes nothing");

    let with_colons =
        serials[1].as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two)).collect::<Vec<_>>().join(":");
    assert_eq!(obnova_ca(&world, &["hold", "ca", &with_colons]), (Some(0), "on hold\n".into()));
    assert!(asked().contains("certificateHold"));
    assert!(!verified("other.pem"));
    assert_eq!(obnova_ca(&world, &["release", "ca", &serials[1]]), (Some(0), "released\n".into()));
    assert!(asked().contains("other.pem: good"));
    assert!(verified("other.pem") && !verified("one.pem"));

    let authority = Authority::from_der(&world.house.ca().certificates().next().unwrap().der).unwrap();
    let der = fs::read(out).unwrap();
    let list = Crl::parse(&der).unwrap().verify(&authority, SystemTime::now(), &Rules::default()).unwrap();
    assert_eq!(list.entries().count(), 1);
}

#[test]
fn commands_say_what_cannot_be_done() {
    let (world, _) = world();
    let serial = hexadecimal(&world.old.certificates[0]);
    let said = |arguments: &[&str], code: i32, part: &str| {
        let (found, text) = obnova_ca(&world, arguments);
        assert!(found == Some(code) && text.contains(part), "{arguments:?}: {found:?} {text}");
    };
    said(&["release", "ca", &serial], 4, "not on hold");
    said(&["revoke", "ca", &serial], 0, "revoked: unspecified");
    said(&["revoke", "ca", &serial], 4, "revoked already");
    said(&["hold", "ca", &serial], 4, "revoked already");
    said(&["release", "ca", &serial], 4, "revoked already");
    said(&["revoke", "ca", "1234"], 3, "no certificate with this serial number");
    for wrong in ["xyz", "", &"1".repeat(42), "ž1"] {
        said(&["revoke", "ca", wrong], 2, "hexadecimal");
    }
    said(&["revoke", "ca", &serial, "--reason", "certificate-hold"], 2, "possible values");
    said(&["crl", "ca", "--out", "missing/list.crl"], 1, "");
}

#[test]
fn requests_come_as_a_body_or_in_the_path() {
    let (world, url) = world();
    let authority = Authority::from_der(&world.house.ca().certificates().next().unwrap().der).unwrap();
    world
        .house
        .status_desk()
        .unwrap()
        .revoke(world.old.certificates[0].serial(), RevocationReason::Superseded, SystemTime::now())
        .unwrap();
    let question = Question::about(&world.old.certificates[0].der, &authority).unwrap();
    let request = question.to_der().unwrap();
    fs::write(world.directory.path().join("request.der"), &request).unwrap();
    let path = format!("{url}/ocsp/{}", http::get_path(&request).unwrap());
    let kind = format!("Content-Type: {}", http::REQUEST_TYPE);
    let post = ["-H", &kind, "--data-binary", "@request.der", &format!("{url}/ocsp")];
    for arguments in [&[path.as_str()][..], &post] {
        let common = ["--silent", "--show-error", "--fail", "--write-out", "%{stderr}%{content_type}"];
        let output = run("curl", world.directory.path(), &[&common[..], arguments].concat());
        assert_eq!(String::from_utf8_lossy(&output.stderr), http::RESPONSE_TYPE);
        let verdict = question.check(&output.stdout, SystemTime::now(), &Rules::default()).unwrap();
        assert!(
            matches!(verdict.status, Status::Revoked(revocation) if revocation.reason == RevocationReason::Superseded)
        );
    }
    let status = |arguments: &[&str]| {
        let common = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
        text(&run("curl", world.directory.path(), &[&common[..], arguments].concat()))
    };
    assert_eq!(status(&[&format!("{url}/ocsp/garbage!")]), "400");
    assert_eq!(status(&[&format!("{url}/login")]), "404");
    assert_eq!(status(&[&format!("{url}/ocsp")]), "405");
    fs::write(world.directory.path().join("long"), vec![0x30; 20_000]).unwrap();
    assert_eq!(status(&["--data-binary", "@long", &format!("{url}/ocsp")]), "413");
    let paths: Vec<_> = world.log.lock().unwrap().iter().map(|access| access.path.clone()).collect();
    assert!(paths.contains(&"/ocsp/...".into()) && paths.iter().all(|path| path.len() < 20), "{paths:?}");
}

#[test]
fn what_is_signed_may_be_cached_for_a_minute_and_nothing_else() {
    let (world, url) = world();
    let authority = Authority::from_der(&world.house.ca().certificates().next().unwrap().der).unwrap();
    let question = |nonce| {
        let question = Question::about(&world.old.certificates[0].der, &authority).unwrap();
        let question = if nonce { question.nonce(Nonce::from_random([7; 32])) } else { question };
        format!("{url}/ocsp/{}", http::get_path(&question.to_der().unwrap()).unwrap())
    };
    let caching = |url: &str| {
        let output =
            run("curl", world.directory.path(), &["--silent", "--output", "/dev/null", "--dump-header", "-", url]);
        let headers = text(&output).to_ascii_lowercase();
        let mut said = headers.lines().filter_map(|line| line.strip_prefix("cache-control: "));
        let first = said.next().unwrap_or_default().to_owned();
        assert_eq!(said.next(), None);
        first
    };
    let minute = "max-age=60, public, no-transform, must-revalidate";
    for signed in [question(false), question(true), format!("{url}/crl")] {
        assert_eq!(caching(&signed), minute, "{signed}");
    }
    let garbage = format!("{url}/ocsp/{}", http::get_path(b"garbage").unwrap());
    for unsigned in [garbage, format!("{url}/ocsp/garbage!"), format!("{url}/ocsp"), format!("{url}/other")] {
        assert_eq!(caching(&unsigned), "no-store", "{unsigned}");
    }
}

#[test]
fn the_list_is_made_anew_when_it_is_an_hour_old_and_when_something_changed() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("ca");
    let options = obnova_reference_ca::house::InitOptions { backdate_days: 400, ..Default::default() };
    obnova_reference_ca::house::init(&home, &options, SystemTime::now()).unwrap();
    let house = Arc::new(obnova_reference_ca::House::open(&home).unwrap());
    let pair = first_pair(&house, 20);
    let begin = SystemTime::now();
    let later = Arc::new(std::sync::Mutex::new(Duration::ZERO));
    let clock = {
        let later = later.clone();
        Arc::new(move || begin + *later.lock().unwrap())
    };
    let status = Some(([127, 0, 0, 1], 0).into());
    let server = Server::start(ServerConfig { status, clock, ..ServerConfig::new(house.clone()) }).unwrap();
    let url = format!("{}/crl", server.status_url().unwrap());
    let authority = Authority::from_der(&house.ca().certificates().next().unwrap().der).unwrap();
    let list = |after: u64| {
        *later.lock().unwrap() = Duration::from_secs(after);
        let output = run("curl", directory.path(), &["--silent", "--fail", &url]);
        let now = begin + Duration::from_secs(after);
        let list = Crl::parse(&output.stdout).unwrap().verify(&authority, now, &Rules::default()).unwrap();
        (list.number().unwrap().to_string(), list.entries().count())
    };
    assert_eq!(list(0), ("0x01".into(), 0));
    assert_eq!(list(3599), ("0x01".into(), 0));
    assert_eq!(list(3600), ("0x02".into(), 0));
    house.status_desk().unwrap().revoke(pair.certificates[0].serial(), RevocationReason::Superseded, begin).unwrap();
    assert_eq!(list(3601), ("0x03".into(), 1));
    // Whoever makes one beside it takes a number, and changes nothing.
    house.status_desk().unwrap().crl(begin, &mut Vec::new()).unwrap();
    assert_eq!(list(7200), ("0x03".into(), 1));
    assert_eq!(list(7201), ("0x05".into(), 1));
}
