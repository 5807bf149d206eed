//! `obnova-ca` tells who is revoked: the operator's commands, and OpenSSL and curl as those who ask.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/ordered.rs"]
mod ordered;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64ct::{Base64, Encoding as _};
use common::{World, first_pair, new_keys, order};
use obnova_ca::{IssuedCertificate, MailKind, Policy};
use obnova_enroll::{
    Secret,
    cmc::{
        Answer, Asked, CertificateId, Nonce as CmcNonce, Revocation, RevocationRequestBuilder, SealedPassphrase,
        SealedPassword, TransactionId,
    },
    est::{self, HttpRequest},
};
use obnova_reference_ca::{Server, ServerConfig};
use obnova_status::{
    Authority, RevocationReason, Rules, Status,
    crl::Crl,
    ocsp::{Nonce, Question, http},
};
use ordered::{cmc, with_password};
use x509_cert::{
    Certificate,
    der::{Decode, EncodePem, pem::LineEnding},
    ext::pkix::CrlReason,
};

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
    let url = pem_files(&world);
    (world, url)
}

/// Certificates as OpenSSL wants to have them; where the CA tells who is revoked.
fn pem_files(world: &World) -> String {
    let pem = |name: &str, certificate: &IssuedCertificate| {
        let text = certificate.certificate.to_pem(LineEnding::LF).unwrap();
        fs::write(world.directory.path().join(name), text).unwrap();
    };
    let chain: Vec<_> = world.house.ca().certificates().cloned().collect();
    pem("issuing.pem", &chain[0]);
    pem("root.pem", &chain[1]);
    pem("one.pem", &world.old.certificates[0]);
    pem("other.pem", &world.old.certificates[1]);
    world.server.status_url().unwrap()
}

/// What the responder says of both certificates, as OpenSSL takes it.
fn ocsp(directory: &Path, url: &str) -> String {
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
}

/// Whether OpenSSL takes a certificate with the list that is served.
fn verified(directory: &Path, url: &str, who: &str) -> bool {
    let crl = run("curl", directory, &["--silent", "--show-error", "--fail", "-o", "list.crl", &format!("{url}/crl")]);
    assert!(crl.status.success(), "{}", text(&crl));
    let pem = run("openssl", directory, &["crl", "-inform", "DER", "-in", "list.crl", "-out", "list.pem"]);
    assert!(pem.status.success(), "{}", text(&pem));
    let arguments =
        ["verify", "-crl_check", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "list.pem", who];
    run("openssl", directory, &arguments).status.success()
}

#[test]
fn an_operator_revokes_and_openssl_sees_it_at_once() {
    let (world, url) = world();
    let directory = world.directory.path();
    let asked = || ocsp(directory, &url);
    let verified = |who: &str| verified(directory, &url, who);
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
    assert_eq!((code, said.as_str()), (Some(0), "revoked: keyCompromise; so is what else is on its key\n"));
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
    let with_prefix = format!("0x{}", serials[1]);
    assert_eq!(obnova_ca(&world, &["release", "ca", &with_prefix]), (Some(0), "released\n".into()));
    assert!(asked().contains("other.pem: good"));
    assert!(verified("other.pem") && !verified("one.pem"));

    let authority = Authority::from_der(&world.house.ca().certificates().next().unwrap().der).unwrap();
    let der = fs::read(out).unwrap();
    let list = Crl::parse(&der).unwrap().verify(&authority, SystemTime::now(), &Rules::default()).unwrap();
    assert_eq!(list.entries().count(), 1);
}

/// Who has a list takes another one with a smaller number for an older one.
#[test]
fn no_list_is_given_out_that_is_older_than_the_one_in_the_operators_file() {
    let (world, url) = world();
    let authority = Authority::from_der(&world.house.ca().certificates().next().unwrap().der).unwrap();
    let number = |der: &[u8]| {
        let list = Crl::parse(der).unwrap().verify(&authority, SystemTime::now(), &Rules::default()).unwrap();
        list.number().unwrap()
    };
    let served = || {
        let plain = run("curl", world.directory.path(), &["--silent", "--fail", &format!("{url}/crl")]).stdout;
        [number(&plain), number(&world.get("/crl", None, &[]).body)]
    };
    let [plain, tls] = served();
    assert_eq!(plain, tls, "one list for both ports");
    assert_eq!(obnova_ca(&world, &["crl", "ca", "--out", "file.crl"]), (Some(0), "CRL 2 is in file.crl\n".into()));
    let file = number(&fs::read(world.directory.path().join("file.crl")).unwrap());
    let after = served();
    assert!(after.iter().all(|number| *number > file), "{after:?} after {file}");
    assert_eq!(served(), after, "another one was made though nothing changed");
}

#[test]
fn an_order_for_what_is_on_hold_is_not_issued_and_its_operator_is_told_what_to_release() {
    let (world, _) = world();
    let transaction = TransactionId::from_random([7; 16]);
    let message = order(&world.old, &new_keys(), &transaction, &CmcNonce::from_random([8; 16]));
    world.house.ca().answer(&message, None, SystemTime::now()).unwrap();
    let name = world.house.ca().list(None, 1).unwrap().remove(0).transaction.to_string();
    let serial = hexadecimal(&world.old.certificates[1]).to_lowercase();
    assert_eq!(obnova_ca(&world, &["hold", "ca", &serial]).0, Some(0));
    let (code, text) = obnova_ca(&world, &["approve", "ca", &name]);
    assert_eq!(code, Some(4), "{text}");
    for told in [&*name, "signature", &serial, "on hold", "Release it", "approve"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("ask the CA"), "{text}");
    assert_eq!(obnova_ca(&world, &["release", "ca", &serial]).0, Some(0));
    assert_eq!(obnova_ca(&world, &["approve", "ca", &name]), (Some(0), format!("{name} issued, 2 certificates\n")));
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
    for wrong in ["xyz", "", "0x", "0x0x12", "+1", &"1".repeat(42), "ž1"] {
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
        .revocation_desk()
        .unwrap()
        .by_operator(world.old.certificates[0].serial(), RevocationReason::Superseded, SystemTime::now())
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
    house
        .revocation_desk()
        .unwrap()
        .by_operator(pair.certificates[0].serial(), RevocationReason::Superseded, begin)
        .unwrap();
    assert_eq!(list(3601), ("0x03".into(), 1));
    // Another server that makes one for itself takes a number, and changes nothing.
    house.status_desk().unwrap().crl(begin, &mut Vec::new()).unwrap();
    assert_eq!(list(7200), ("0x03".into(), 1));
    assert_eq!(list(7201), ("0x05".into(), 1));
}

#[test]
fn holders_end_their_certificates_and_openssl_sees_it_at_once() {
    const PASSWORD: &str = "planted & kůň 100 %";
    let policy = Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"");
    let anywhere = |config| ServerConfig { status: Some(([127, 0, 0, 1], 0).into()), ..config };
    let mut world = World::with(&policy, anywhere);
    world.old = with_password(&world, PASSWORD);
    let url = pem_files(&world);
    let (directory, jana) = (world.directory.path().to_owned(), &world.old);
    assert!(ocsp(&directory, &url).contains("one.pem: good") && verified(&directory, &url, "one.pem"));
    let login = Some((&jana.keys[0], &jana.certificates[0]));
    let post = |kind: &str, body: &str, client| {
        let headers = [("Content-Type", kind)].into_iter().collect();
        let request = HttpRequest { method: "POST".into(), path: "/revoke".into(), headers, body: body.into() };
        let answer = world.send(&request, client);
        assert_eq!(answer.headers.get("Cache-Control"), Some("no-store"));
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let json = |serial: &str, password: &str, client| {
        let body = serde_json::json!({ "serial": serial, "reason": "superseded", "password": password });
        post("application/json", &body.to_string(), client)
    };
    let serials = jana.certificates.each_ref().map(hexadecimal);

    // A page for who is logged in, with the number of his certificate in it.
    let page = String::from_utf8(world.get("/revoke", login, &[]).body).unwrap();
    assert!(page.contains("<form method=\"post\"") && page.contains(&serials[0].to_lowercase()), "{page}");
    // No reason is picked for him, least of all the one that ends more than he named.
    let first = page.split_once("<option").unwrap().1;
    assert!(first.starts_with(" value=\"\">") && page.contains("all certificates with its key end"), "{page}");
    let unread = format!("serial={}&reason=&password=any", serials[0]);
    assert_eq!(post("application/x-www-form-urlencoded", &unread, login).0, 400);

    // Without a login, with a wrong password, with nonsense.
    let (status, said) = json(&serials[1], PASSWORD, None);
    assert!(status == 403 && said.contains("\"password-alone\""), "{status} {said}");
    let (status, said) = json(&serials[1], "a guess of mine", login);
    assert!(status == 403 && said.contains("\"wrong-revocation-password\""), "{status} {said}");
    assert_eq!(post("application/json", "{}", login).0, 400);
    assert_eq!(post("application/json", &" ".repeat(5000), login).0, 413);
    assert!(ocsp(&directory, &url).contains("other.pem: good"));

    // By JSON; and by the form, as a browser sends it.
    let (status, said) = json(&serials[1], PASSWORD, login);
    assert!(status == 200 && said.contains("\"superseded\""), "{status} {said}");
    let (status, said) = json(&serials[1], PASSWORD, login);
    assert!(status == 409 && said.contains("\"revoked-already\""), "{status} {said}");
    let seen = ocsp(&directory, &url);
    assert!(seen.contains("other.pem: revoked") && seen.contains("superseded"), "{seen}");
    assert!(seen.contains("one.pem: good"), "{seen}");
    assert!(verified(&directory, &url, "one.pem") && !verified(&directory, &url, "other.pem"));
    let form = format!("serial={}&reason=key-compromise&password=planted+%26+k%C5%AF%C5%88+100+%25", serials[0]);
    let (status, said) = post("application/x-www-form-urlencoded", &form, login);
    assert!(status == 200 && said.contains("The certificate is revoked"), "{status} {said}");
    assert!(said.contains("Neither is any other certificate with its key"), "{said}");
    assert!(ocsp(&directory, &url).contains("one.pem: revoked") && !verified(&directory, &url, "one.pem"));
    assert_eq!(world.get("/login", login, &[]).status, 403, "it logs in no more");

    // Mails are on their way, the log knows who, and nobody has the password.
    let mails = world.house.outbox().unwrap().list(None, 9).unwrap();
    assert_eq!(
        mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect::<Vec<_>>(),
        [(MailKind::Revoked, "jana@example.cz"); 2]
    );
    let mut actors = Vec::new();
    let read = |record: obnova_ca::AuditRecord| {
        if record.event == "revoked" {
            actors.push(record.actor);
        }
        true
    };
    world.house.audit().unwrap().read(1, read).unwrap();
    assert_eq!(actors, ["holder, logged in, by password"; 2]);
    for entry in fs::read_dir(world.home()).unwrap() {
        let path = entry.unwrap().path();
        let content = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let found = content.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password stands in {}", path.display());
    }
    let log = world.log.lock().unwrap();
    assert!(log.iter().any(|access| access.refused == Some("wrong-revocation-password")));
    assert!(!format!("{log:?}").contains("planted"));
}

/// What a browser sends for a page of somebody else's, without a question before, is neither taken nor counted as a guess.
#[test]
fn no_foreign_page_sets_a_revocation_password_with_the_login_of_who_looks_at_it() {
    const PASSWORD: &str = "planted revocation password";
    let mut world = World::with(&Policy::TEMPLATE.replace("\"manual\"", "\"automatic\""), |config| config);
    world.old = with_password(&world, PASSWORD);
    let encryption = Certificate::from_der(&world.get("/encryption.cer", None, &[]).body).unwrap();
    let secret = |text: &str| Secret::from_bytes(text.as_bytes()).unwrap();
    let id = CertificateId::from(&world.old.certificates[0].certificate);
    let body = serde_json::json!({
        "password": Base64::encode_string(SealedPassword::seal(&secret("one of the page's"), &encryption).unwrap().der()),
        "old": Base64::encode_string(SealedPassphrase::seal(&secret(PASSWORD), &id, &encryption).unwrap().der()),
    });
    let login = Some((&world.old.keys[0], &world.old.certificates[0]));
    let post = |headers: est::Headers| {
        let body = body.to_string().into();
        let request = HttpRequest { method: "POST".into(), path: "/revocation-password".into(), headers, body };
        world.send(&request, login).status
    };
    let passwords = world.house.ca().first().unwrap().revocation_passwords();
    let check = |text: &str| {
        let serial = world.old.certificates[0].serial();
        passwords.check(serial, &secret(text), SystemTime::now()).is_ok()
    };
    for kind in
        ["text/plain", "text/plain;application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    {
        assert_eq!(post([("Content-Type", kind)].into_iter().collect()), 415, "{kind}");
    }
    assert_eq!(post(est::Headers::default()), 415);
    assert!(check(PASSWORD));
    assert_eq!(post([("Content-Type", "application/json; charset=utf-8")].into_iter().collect()), 200);
    assert!(check("one of the page's") && !check(PASSWORD));
}

#[test]
fn a_lost_card_is_ended_by_message_with_the_password_alone_where_policy_says_so() {
    const PASSWORD: &str = "planted revocation password";
    let policy = Policy::TEMPLATE
        .replace("\"manual\"", "\"automatic\"")
        .replace("password_alone = false", "password_alone = true");
    let anywhere = |config| ServerConfig { status: Some(([127, 0, 0, 1], 0).into()), ..config };
    let mut world = World::with(&policy, anywhere);
    world.old = with_password(&world, PASSWORD);
    let url = pem_files(&world);
    let directory = world.directory.path();
    let encryption = world.get("/encryption.cer", None, &[]).body;
    let encryption = Certificate::from_der(&encryption).unwrap();
    let (transaction, nonce) = (TransactionId::from_random([1; 16]), CmcNonce::from_random([2; 16]));
    let id = CertificateId::from(&world.old.certificates[0].certificate);
    let ask = |password: &str| {
        let secret = Secret::from_bytes(password.as_bytes()).unwrap();
        let sealed = SealedPassphrase::seal(&secret, &id, &encryption).unwrap();
        let wanted = Revocation::new(id.clone(), CrlReason::KeyCompromise).passphrase(sealed);
        let message = RevocationRequestBuilder::new(transaction.clone(), nonce.clone()).revoke(wanted);
        cmc(&world, &message.finalize_unsigned().unwrap(), &transaction, &nonce, Asked::Confirmation)
    };
    let refused = ask("a guess of mine");
    assert!(
        matches!(&refused, Answer::Refused { text, .. } if text.starts_with("wrong-revocation-password")),
        "{refused:?}"
    );
    assert!(ocsp(directory, &url).contains("one.pem: good"));
    assert_eq!(ask(PASSWORD), Answer::Confirmed);
    assert!(ocsp(directory, &url).contains("one.pem: revoked") && !verified(directory, &url, "one.pem"));
    assert!(verified(directory, &url, "other.pem"));
}
