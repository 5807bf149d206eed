//! OpenSSL asks and we answer, OpenSSL answers and we ask; each verifies the other's CRLs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use common::{DAY, JANA, PETR, World, nonce};
use der::pem::{LineEnding, encode_string};
use obnova_algorithm::KeyAlgorithm;
use obnova_status::{
    Revocation, RevocationReason, Rules, SerialNumber, Status,
    crl::{Crl, CrlNumber, Entry},
    ocsp::{Answer, CertStatus, DelegateError, ErrorStatus, IdDigest, OcspError, Question, Request, http},
};

/// Exit and words of `openssl`; panics when it is not there.
fn try_openssl(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("openssl is needed for this test: apt-get install -y --no-install-recommends openssl");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn openssl(directory: &Path, arguments: &[&str]) -> String {
    let (success, said) = try_openssl(directory, arguments);
    assert!(success, "openssl {arguments:?}: {said}");
    said
}

/// A folder with what OpenSSL wants to have of a world.
fn folder(world: &World) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, label: &'static str, der: &[u8]| {
        fs::write(directory.path().join(name), encode_string(label, LineEnding::LF, der).unwrap()).unwrap();
    };
    write("ca.pem", "CERTIFICATE", &world.ca);
    write("ca.key", "PRIVATE KEY", &world.ca_key.pkcs8());
    write("jana.pem", "CERTIFICATE", &world.jana);
    write("petr.pem", "CERTIFICATE", &world.petr);
    write("holder.key", "PRIVATE KEY", &world.holder_key.pkcs8());
    write("responder.pem", "CERTIFICATE", &world.responder);
    write("responder.key", "PRIVATE KEY", &world.responder_key.pkcs8());
    directory
}

fn worlds() -> [World; 2] {
    [World::new(), World::with(KeyAlgorithm::Rsa2048, KeyAlgorithm::P384)]
}

/// OpenSSL looks at the clock, so what it is shown is made now, to the second.
fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Answers requests on a port of its own, until it is dropped.
struct Server(SocketAddr);

impl Server {
    fn start<'a>(scope: &'a thread::Scope<'a, '_>, mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'a) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        scope.spawn(move || while answered(&listener.accept().unwrap().0, &mut answer).is_some() {});
        Self(address)
    }

    fn url(&self) -> String {
        format!("http://{}/ocsp", self.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Somebody who says nothing: also when a test fails.
        drop(TcpStream::connect(self.0));
    }
}

/// One request and its answer; `None` when nothing was asked.
fn answered(mut stream: &TcpStream, answer: &mut impl FnMut(&[u8]) -> Vec<u8>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut kind, mut line) = (0, String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        let lower = line.to_ascii_lowercase();
        match lower.trim().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("content-type", value)) => kind = value.to_owned(),
            _ => (),
        }
        line.clear();
    }
    if length == 0 {
        return None;
    }
    assert_eq!(kind, http::REQUEST_TYPE);
    let mut request = vec![0; length];
    reader.read_exact(&mut request).unwrap();
    let response = answer(&request);
    let (kind, length) = (http::RESPONSE_TYPE, response.len());
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &response].concat()).unwrap();
    Some(())
}

#[test]
fn openssl_asks_over_http_and_believes_the_answer() {
    for world in worlds() {
        let directory = folder(&world);
        let revocation = Revocation::new(now() - DAY, RevocationReason::KeyCompromise);
        let table = |serial: &SerialNumber| match () {
            () if *serial == SerialNumber::from(JANA) => Ok(CertStatus::Good),
            () if *serial == SerialNumber::from(PETR) => Ok(CertStatus::Revoked(revocation)),
            () if *serial == SerialNumber::from(5_u8) => Ok(CertStatus::NeverIssued),
            () => Ok(CertStatus::Unknown),
        };
        thread::scope(|scope| {
            let server = Server::start(scope, |request| {
                assert!(Request::parse(request).unwrap().nonce.is_some());
                match world.delegated().answer(request, now(), table).unwrap() {
                    Answer::ToSign(answer) => answer.assemble(&world.responder_key.sign(&answer.digest())).unwrap(),
                    Answer::Error(error) => error.to_der(),
                }
            });
            let asked = |more: &[&str]| {
                let common = ["ocsp", "-issuer", "ca.pem", "-CAfile", "ca.pem", "-url", &server.url()];
                openssl(directory.path(), &[&common[..], more].concat())
            };
            let said = asked(&["-cert", "jana.pem", "-cert", "petr.pem", "-text"]);
            for part in
                ["Response verify OK", "jana.pem: good", "petr.pem: revoked", "Reason: keyCompromise", "Next Update"]
            {
                assert!(said.contains(part), "no {part} in {said}");
            }
            assert!(!said.contains("WARNING"), "the nonce: {said}");
            let said = asked(&["-sha256", "-cert", "jana.pem"]);
            assert!(said.contains("Response verify OK") && said.contains("jana.pem: good"), "{said}");
            let said = asked(&["-serial", "5", "-serial", "6", "-text"]);
            assert!(said.contains("5: revoked") && said.contains("6: unknown"), "{said}");
            assert!(said.contains("1970") && said.contains("certificateHold"), "{said}");
        });
    }
}

#[test]
fn openssl_believes_the_ca_itself_and_nobody_else() {
    let world = World::new();
    let directory = folder(&world);
    openssl(directory.path(), &["ocsp", "-issuer", "ca.pem", "-cert", "jana.pem", "-reqout", "request.der"]);
    let request = fs::read(directory.path().join("request.der")).unwrap();
    let Answer::ToSign(answer) = world.direct().answer(&request, now(), |_| Ok(CertStatus::Good)).unwrap() else {
        panic!("no answer")
    };
    let check = |response: &[u8]| {
        fs::write(directory.path().join("response.der"), response).unwrap();
        let arguments = [
            "ocsp",
            "-issuer",
            "ca.pem",
            "-cert",
            "jana.pem",
            "-CAfile",
            "ca.pem",
            "-no_nonce",
            "-reqin",
            "request.der",
            "-respin",
            "response.der",
        ];
        try_openssl(directory.path(), &arguments)
    };
    let honest = answer.assemble(&world.ca_key.sign(&answer.digest())).unwrap();
    let (success, said) = check(&honest);
    assert!(
        success && said.contains("Response verify OK") && said.contains("jana.pem: good") && !said.contains("WARNING"),
        "{said}"
    );
    let mut forged = honest;
    *forged.last_mut().unwrap() ^= 1;
    assert!(!check(&forged).1.contains("verify OK"));
    assert!(check(&ErrorStatus::TryLater.to_der()).1.contains("trylater"));
}

/// OpenSSL as the responder: what it knows is in an index.
fn answered_by_openssl(directory: &Path, request: &[u8], more: &[&str]) -> Vec<u8> {
    fs::write(directory.join("request.der"), request).unwrap();
    let common = [
        "ocsp",
        "-index",
        "index.txt",
        "-CA",
        "ca.pem",
        "-rsigner",
        "responder.pem",
        "-rkey",
        "responder.key",
        "-reqin",
        "request.der",
        "-respout",
        "response.der",
    ];
    openssl(directory, &[&common[..], more].concat());
    fs::read(directory.join("response.der")).unwrap()
}

#[test]
fn what_openssl_answers_is_read_and_checked() {
    for world in worlds() {
        let directory = folder(&world);
        let directory = directory.path();
        let index = format!(
            "V\t960102000000Z\t\t{JANA:X}\tunknown\t/CN=Jana/C=CZ\nR\t960102000000Z\t260102030405Z,keyCompromise\t{PETR:X}\tunknown\t/CN=Petr/C=CZ\n"
        );
        fs::write(directory.join("index.txt"), index).unwrap();
        let authority = world.authority();
        let rules = Rules::default();
        for (digest, more) in [
            (IdDigest::Sha1, &["-nmin", "5"][..]),
            (IdDigest::Sha256, &["-nmin", "5", "-resp_key_id"]),
            (IdDigest::Sha1, &["-ndays", "1", "-rmd", "sha512"]),
            (IdDigest::Sha1, &[]),
        ] {
            let ask = |certificate: &[u8]| {
                let question = Question::about_with(certificate, &authority, digest).unwrap().nonce(nonce(9));
                let response = answered_by_openssl(directory, &question.to_der().unwrap(), more);
                question.check(&response, SystemTime::now(), &rules)
            };
            let jana = ask(&world.jana).unwrap();
            assert_eq!(jana.status, Status::Good);
            assert_eq!(jana.next_update.is_some(), !more.is_empty());
            // 2026-01-02 03:04:05.
            let revocation = Revocation::new(common::at(1_767_323_045), RevocationReason::KeyCompromise);
            assert_eq!(ask(&world.petr).unwrap().status, Status::Revoked(revocation));
            assert_eq!(ask(&world.responder), Err(OcspError::Unknown), "it is not in the index");
        }

        let question = Question::about(&world.jana, &authority).unwrap().nonce(nonce(9));
        let request = question.to_der().unwrap();
        let stale = answered_by_openssl(directory, &request, &["-nmin", "5"]);
        let later = SystemTime::now() + Duration::from_secs(11 * 60);
        assert!(matches!(question.check(&stale, later, &rules), Err(OcspError::Time(_))));
        let without = answered_by_openssl(directory, &request, &["-nmin", "5", "-resp_no_certs"]);
        assert_eq!(question.check(&without, SystemTime::now(), &rules), Err(OcspError::UnknownResponder));
        let by_ca = ["-nmin", "5", "-rsigner", "ca.pem", "-rkey", "ca.key"];
        let by_ca = answered_by_openssl(directory, &request, &by_ca);
        assert_eq!(question.check(&by_ca, SystemTime::now(), &rules).unwrap().status, Status::Good);
        let by_holder = ["-nmin", "5", "-rsigner", "petr.pem", "-rkey", "holder.key"];
        let by_holder = answered_by_openssl(directory, &request, &by_holder);
        let said = question.check(&by_holder, SystemTime::now(), &rules);
        assert_eq!(said, Err(OcspError::Delegate(DelegateError::NoOcspSigning)));
        let sha1 = answered_by_openssl(directory, &request, &["-nmin", "5", "-rmd", "sha1"]);
        assert!(matches!(question.check(&sha1, SystemTime::now(), &rules), Err(OcspError::Signature(_))));
    }
}

fn entry(serial: u64, reason: RevocationReason) -> Entry {
    let mut entry = Entry::new(SerialNumber::from(serial), Revocation::new(now() - DAY, reason));
    entry.revocation.invalid_since = Some(now() - DAY * 2);
    entry
}

#[test]
fn openssl_verifies_certificates_against_our_list() {
    for world in worlds() {
        let directory = folder(&world);
        let directory = directory.path();
        let verify = |crl: &[u8], who: &str| {
            fs::write(directory.join("crl.pem"), encode_string("X509 CRL", LineEnding::LF, crl).unwrap()).unwrap();
            try_openssl(directory, &["verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", who])
        };
        let held = world.crl_at(now(), &[entry(PETR, RevocationReason::CertificateHold)]);
        let (success, said) = verify(&held, "petr.pem");
        assert!(!success && said.contains("certificate revoked"), "{said}");
        assert!(verify(&held, "jana.pem").0);
        let printed = openssl(directory, &["crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "ca.pem"]);
        for part in [
            "verify OK",
            "Version 2",
            "X509v3 CRL Number",
            "Authority Key Identifier",
            "Serial Number: 8002",
            "Certificate Hold",
            "Invalidity Date",
        ] {
            assert!(printed.contains(part), "no {part} in {printed}");
        }
        let released = world.crl_at(now(), &[]);
        assert!(verify(&released, "petr.pem").0, "released");
        let printed = openssl(directory, &["crl", "-in", "crl.pem", "-noout", "-text"]);
        assert!(printed.contains("No Revoked Certificates"), "{printed}");
        let old = world.crl_at(now() - DAY * 3, &[]);
        let (success, said) = verify(&old, "jana.pem");
        assert!(!success && said.contains("CRL has expired"), "{said}");
        let of_another = World::new().crl_at(now(), &[]);
        assert!(!verify(&of_another, "jana.pem").0);
    }
}

#[test]
fn a_list_of_openssl_is_read_and_checked() {
    for world in worlds() {
        let directory = folder(&world);
        let directory = directory.path();
        let config = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ncrlnumber = number\ndefault_md = sha256\n\
            default_crl_days = 3\ncrl_extensions = extensions\n[extensions]\nauthorityKeyIdentifier = keyid\n";
        fs::write(directory.join("ca.conf"), config).unwrap();
        fs::write(directory.join("number"), "ABCDEF0123456789AA\n").unwrap();
        let revoked = |date: &str, serial: u64| format!("R\t960102000000Z\t{date}\t{serial:04X}\tunknown\t/CN=Petr\n");
        let index = [
            revoked("260102030405Z,keyCompromise", PETR),
            revoked("260102030405Z", 3),
            revoked("260102030405Z,keyTime,20250601020304Z", 4),
            revoked("260102030405Z,holdInstruction,holdInstructionReject", 5),
        ];
        fs::write(directory.join("index.txt"), index.concat()).unwrap();
        let make = |more: &[&str]| {
            let common =
                ["ca", "-config", "ca.conf", "-gencrl", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "crl.pem"];
            openssl(directory, &[&common[..], more].concat());
            openssl(directory, &["crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der"]);
            fs::read(directory.join("crl.der")).unwrap()
        };
        let der = make(&[]);
        let list = Crl::parse(&der).unwrap().verify(&world.authority(), SystemTime::now(), &Rules::default()).unwrap();
        let at = common::at(1_767_323_045);
        let status = Status::Revoked(Revocation::new(at, RevocationReason::KeyCompromise));
        assert_eq!(list.status(&world.petr), Ok(status));
        assert_eq!(list.status(&world.jana), Ok(Status::Good));
        let find = |serial: u64| list.find(&SerialNumber::from(serial)).unwrap().unwrap();
        assert_eq!(find(3), Revocation::new(at, RevocationReason::Unspecified));
        let since = Some(common::at(1_748_743_384));
        let dated = Revocation { invalid_since: since, ..Revocation::new(at, RevocationReason::KeyCompromise) };
        assert_eq!(find(4), dated);
        assert!(find(5).is_hold());
        assert_eq!(list.number().unwrap().to_string(), "0xABCDEF0123456789AA");
        assert!(list.number().unwrap() > CrlNumber::from(u64::MAX));

        let stranger = World::new().authority();
        assert!(Crl::parse(&der).unwrap().verify(&stranger, SystemTime::now(), &Rules::default()).is_err());
        let later = SystemTime::now() + DAY * 4;
        assert!(Crl::parse(&der).unwrap().verify(&world.authority(), later, &Rules::default()).is_err());
        let sha1 = make(&["-md", "sha1"]);
        assert!(Crl::parse(&sha1).unwrap().verify(&world.authority(), SystemTime::now(), &Rules::default()).is_err());
    }
}
