//! `obnova-ca` as its operator runs it: init, serve, list, approve while it serves, reject, stop; with the clients that
//! everybody has, openssl and curl.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Barrier},
    time::{Duration, SystemTime},
};

use common::{exchange, first_pair, new_keys, order};
use obnova_ca::{Mail, MailKind, Text, store::MailState};
use obnova_enroll::{
    cmc::{Answer, Asked, Expected, FullResponse, Nonce, TransactionId},
    est::{self, FullCmcReply, HttpRequest},
};
use obnova_reference_ca::House;
use x509_cert::der::{EncodePem, pem::LineEnding};

fn obnova_ca(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(arguments).output().unwrap()
}

fn done(arguments: &[&str]) -> String {
    let output = obnova_ca(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn failed(arguments: &[&str], code: i32) -> String {
    let output = obnova_ca(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

/// A server process that does not outlive its test.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(home: &str) -> Self {
        Self::with_log(home, Stdio::piped())
    }

    fn with_log(home: &str, log: Stdio) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_obnova-ca"))
            .args(["serve", home, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Self { process, url }
    }

    fn address(&self) -> std::net::SocketAddr {
        self.url.strip_prefix("https://").unwrap().parse().unwrap()
    }

    /// Ends it as a service manager does; its log.
    fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        self.process.stderr.take().map_or_else(String::new, |log| std::io::read_to_string(log).unwrap())
    }

    /// Whether the thread is there that takes mails out.
    fn mails(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        threads.map(|thread| name(thread.unwrap())).any(|name| name == "ca-mail\n")
    }
}

/// Where nothing can be written: to a full disk, to a program that is gone.
fn unwritable() -> [Stdio; 2] {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let (_, nobody) = std::io::pipe().unwrap();
    [full.into(), nobody.into()]
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn home(directory: &Path) -> String {
    directory.join("ca").to_str().unwrap().to_owned()
}

#[test]
fn damage_that_nobody_has_come_across_is_found_when_it_is_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let database = Path::new(&home).join("ca.db");
    let mut content = std::fs::read(&database).unwrap();
    content[4 * 4096..5 * 4096].fill(0x5a);
    std::fs::write(&database, content).unwrap();
    assert!(failed(&["check", &home], 1).contains("the database is damaged"));
}

#[test]
fn an_operators_day() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    let home = home.as_str();
    assert!(done(&["init", home, "--name", "Test House"]).contains("root.key"));
    assert!(failed(&["init", home], 1).contains("not empty"));
    assert_eq!(done(&["list", home]), "No orders.\n");
    assert_eq!(done(&["list", home, "--json"]), "[]\n");

    let house = House::open(Path::new(home)).unwrap();
    let server = Served::start(home);
    let send = |number: u8| {
        let (transaction, nonce) = (TransactionId::from_random([number; 16]), Nonce::from_random([1; 16]));
        let old = first_pair(&house, 20);
        let request = est::Client::new().fullcmc_request(&order(&old, &new_keys(), &transaction, &nonce));
        let response = exchange(server.address(), &house.trust_anchors(), &request, None);
        let FullCmcReply::Cmc(message) = est::Client::new().fullcmc_response(&response).unwrap() else { panic!() };
        let ca: Vec<_> = house.ca().certificates().map(|one| one.certificate.clone()).collect();
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Certificates };
        let answer = FullResponse::parse(&message, &expected).unwrap().answer;
        assert!(matches!(answer, Answer::Pending { .. }), "{answer:?}");
        transaction.to_string()
    };
    let (first, second) = (send(1), send(2));
    let table = done(&["list", home, "--state", "pending"]);
    assert!(table.contains(&first) && table.contains(&second) && table.contains("Jana"), "{table}");

    assert_eq!(done(&["check", home]), "the database is sound\n");
    assert!(done(&["approve", home, &first]).contains("issued, 2 certificates"));
    assert!(failed(&["approve", home, &first], 4).contains("issued already"));
    assert!(done(&["reject", home, &second, "--reason", "not paid"]).contains("rejected"));
    assert!(failed(&["reject", home, &second, "--reason", "again"], 4).contains("rejected already"));
    assert!(failed(&["approve", home, "00ff"], 3).contains("no order 00ff"));
    failed(&["approve", home, "not hex"], 2);
    failed(&["approve", home], 2);

    let list: serde_json::Value = serde_json::from_str(&done(&["list", home, "--json"])).unwrap();
    let state = |name: &str| list.as_array().unwrap().iter().find(|one| one["transaction"] == name).unwrap().clone();
    assert_eq!(state(&first)["state"], "issued");
    assert_eq!(state(&first)["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(state(&second)["reason"], "not paid");

    // Whoever has an order that was not turned down is left in peace; the second holder still is to be written to.
    let due: serde_json::Value = serde_json::from_str(&done(&["due", home, "--json"])).unwrap();
    assert_eq!(due.as_array().unwrap().len(), 1, "{due}");
    assert_eq!(due[0]["email"], "jana@example.cz");
    assert!(done(&["due", home]).contains("jana@example.cz"));
    assert_eq!(done(&["due", home, "--until", "10"]), "Nobody.\n");

    // The link in the mail, opened by the first tool at hand.
    let link = done(&["link", home, &first]);
    assert!(link.starts_with(&format!("{}/pickup/", server.url)), "where the server listens: {link}");
    let elsewhere = done(&["link", home, &first, "--base", "https://ca.example/"]);
    assert_eq!(elsewhere, link.replace(&server.url, "https://ca.example"));
    let root = Path::new(home).join("root.pem");
    let pem = curl(&["--cacert", root.to_str().unwrap(), "-H", "Accept: application/x-pem-file", link.trim()]);
    assert_eq!(String::from_utf8(pem).unwrap().matches("BEGIN CERTIFICATE").count(), 3);
    let server_url = server.url.clone();
    let log = server.stop();
    assert!(log.contains("\"/.well-known/est/fullcmc\" 200") && log.contains("\"/pickup/...\" 200"), "{log}");
    assert!(!log.contains(link.trim().rsplit('/').next().unwrap()), "no token in the log");

    // What a server said that is gone is not believed.
    let output = obnova_ca(&["link", home, &first]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), link.replace(&server_url, "https://127.0.0.1:8443"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--base"));
}

#[test]
fn a_server_whose_log_cannot_be_written_answers_and_mails_on() {
    let directory = tempfile::tempdir().unwrap();
    let places = ["full", "gone"].map(|name| directory.path().join(name));
    let houses = places.each_ref().map(|home| {
        done(&["init", home.to_str().unwrap()]);
        House::open(home).unwrap()
    });
    let mut logs = unwritable().into_iter();
    let servers = places.each_ref().map(|home| Served::with_log(home.to_str().unwrap(), logs.next().unwrap()));
    for (server, house) in servers.iter().zip(&houses) {
        for path in ["/.well-known/est/cacerts", "/crl"] {
            let (headers, body) = (est::Headers::default(), Vec::new());
            let request = HttpRequest { method: "GET".into(), path: path.into(), headers, body };
            assert_eq!(exchange(server.address(), &house.trust_anchors(), &request, None).status, 200, "{path}");
        }
    }
    // Each mail is a line of the log, and each is of another round.
    for number in 1..=2 {
        for house in &houses {
            let text = Text { subject: "Hello".into(), body: "Hello.\n".into() };
            let mail = Mail::new(number.to_string(), MailKind::Confirm, "jana@example.cz".parse().unwrap(), text);
            house.outbox().unwrap().post(&mail.unwrap(), SystemTime::now()).unwrap();
        }
        for (server, house) in servers.iter().zip(&houses) {
            while house.outbox().unwrap().list(Some(MailState::Sent), 10).unwrap().len() < number {
                assert!(server.mails(), "nobody takes mails out any more");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    servers.into_iter().for_each(|server| assert_eq!(server.stop(), ""));
}

/// Nobody follows a link to every address of a machine.
#[test]
fn a_server_for_every_address_needs_to_be_told_what_links_begin_with() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let said = failed(&["serve", &home, "--listen", listen], 1);
        assert!(said.contains(listen) && said.contains("mail.toml, as base"), "{said}");
    }
}

/// A pipe takes 64 KiB, and then its writer waits for the reader.
#[test]
fn a_server_whose_log_nobody_reads_answers_on_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let server = Served::with_log(&home, Stdio::piped());
    let anchors = House::open(home.as_ref()).unwrap().trust_anchors();
    // A line has no more of a path than its beginning.
    let asked = 400;
    for number in 0..asked {
        let path = format!("/{number}/{}", "a".repeat(200));
        let request = HttpRequest { method: "GET".into(), path, headers: est::Headers::default(), body: Vec::new() };
        assert_eq!(exchange(server.address(), &anchors, &request, None).status, 404, "{number}");
    }
    let log = server.stop();
    let lines = log.lines().filter(|line| line.ends_with(" 404")).count();
    assert!((1..asked).contains(&lines), "{lines}");
}

#[test]
fn what_cannot_be_told_changes_no_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let run = |arguments: &[&str], out: Stdio, error: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obnova-ca"));
        command.args(arguments).stdout(out).stderr(error).status().unwrap().code()
    };
    for error in unwritable() {
        assert_eq!(run(&["approve", &home, "00ff"], Stdio::null(), error), Some(3));
    }
    // Who reads only the first lines has them; what a full disk has not is missing.
    for arguments in [&["completions", "bash"][..], &["list", &home], &["audit", "show", &home]] {
        let codes = unwritable().map(|out| run(arguments, out, Stdio::null()));
        assert_eq!(codes, [Some(1), Some(0)], "{arguments:?}");
    }
}

/// The operator is asked which certificates whoever had the key may have ordered.
#[test]
fn what_was_ordered_with_a_compromised_key_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    let home = home.as_str();
    done(&["init", home]);
    let house = House::open(Path::new(home)).unwrap();
    let server = Served::start(home);
    let [old, other] = [1, 2].map(|number| {
        let (transaction, nonce) = (TransactionId::from_random([number; 16]), Nonce::from_random([1; 16]));
        let old = first_pair(&house, 20);
        let request = est::Client::new().fullcmc_request(&order(&old, &new_keys(), &transaction, &nonce));
        exchange(server.address(), &house.trust_anchors(), &request, None);
        done(&["approve", home, &transaction.to_string()]);
        (transaction.to_string(), obnova_ca::to_hex(old.certificates[0].serial()))
    });
    let of = |serial: &str, more: &[&str]| done(&[&["list", home, "--key-of", serial], more].concat());
    let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let said = done(&["revoke", home, &old.1, "--reason", "key-compromise"]);
    assert!(said.contains(&format!("list {home} --key-of {}", old.1)), "{said}");

    let list = json(of(&old.1, &["--json"]));
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list[0]["transaction"], old.0);
    let serials = [0, 1].map(|index| list[0]["certificates"][index]["serial"].as_str().unwrap().to_owned());
    let table = of(&old.1, &[]);
    assert!(table.contains(&old.0) && !table.contains(&other.0), "{table}");
    assert!(serials.iter().all(|serial| table.contains(serial)) && !table.contains("revoked"), "{table}");
    // They are ended one by one, and are seen as ended then.
    let last = done(&["revoke", home, &serials[0], "--reason", "key-compromise"]);
    assert_eq!(last, "revoked: keyCompromise; so is what else is on its key\n", "nothing was ordered with it");
    assert!(of(&old.1, &[]).lines().any(|line| line.contains(&serials[0]) && line.contains("revoked")));
    let certificates = &json(of(&old.1, &["--json"]))[0]["certificates"];
    assert!(certificates[0]["revoked"] == true && certificates[1]["revoked"] == false, "{certificates}");

    // What was turned down, then or with the certificate, does not live.
    for (number, rejects) in [(3, true), (4, false)] {
        let (transaction, nonce) = (TransactionId::from_random([number; 16]), Nonce::from_random([1; 16]));
        let old = first_pair(&house, 20);
        let request = est::Client::new().fullcmc_request(&order(&old, &new_keys(), &transaction, &nonce));
        exchange(server.address(), &house.trust_anchors(), &request, None);
        if rejects {
            done(&["reject", home, &transaction.to_string(), "--reason", "not today"]);
        }
        let serial = obnova_ca::to_hex(old.certificates[0].serial());
        let said = done(&["revoke", home, &serial, "--reason", "key-compromise"]);
        assert_eq!(said, "revoked: keyCompromise; so is what else is on its key\n", "rejected: {rejects}");
        assert!(of(&serial, &["--state", "rejected"]).contains(&transaction.to_string()));
    }

    assert_eq!(of(&old.1, &["--state", "pending"]), "No orders.\n");
    assert_eq!(of(&serials[1], &[]), "No orders.\n");
    assert_eq!(json(of(&other.1, &["--json", "--state", "issued"]))[0]["transaction"], other.0);
    assert_eq!(of(&other.1, &["--limit", "0"]), "No orders.\n");
    failed(&["list", home, "--key-of", "00ff"], 3);
    failed(&["list", home, "--key-of", "no number"], 2);
    drop(server.stop());
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output();
    let output = output.expect("curl is missing: apt-get install curl");
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A holder's authentication key and certificate as files, for programs that want files.
fn client_files(directory: &Path, house: &House) -> (PathBuf, PathBuf) {
    let pair = first_pair(house, 20);
    let (key, certificate) = (directory.join("client.key.der"), directory.join("client.pem"));
    pair.keys[0].save(&key).unwrap();
    std::fs::write(&certificate, pair.certificates[0].certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
    let pem = directory.join("client.key");
    let arguments = ["pkey", "-inform", "DER", "-in", key.to_str().unwrap(), "-out", pem.to_str().unwrap()];
    let status = Command::new("openssl").args(arguments).status();
    assert!(status.expect("openssl is missing: apt-get install openssl").success());
    (pem, certificate)
}

#[test]
fn curl_fetches_the_ca_certificates_and_logs_in() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home, "--key", "rsa-2048"]);
    let house = House::open(Path::new(&home)).unwrap();
    let (key, certificate) = client_files(directory.path(), &house);
    let server = Served::start(&home);
    let root = Path::new(&home).join("root.pem");
    let trust = ["--cacert", root.to_str().unwrap()];

    let cacerts = curl(&[&trust[..], &[&format!("{}/.well-known/est/cacerts", server.url)]].concat());
    let file = directory.path().join("cacerts.b64");
    std::fs::write(&file, [cacerts.as_slice(), b"\n"].concat()).unwrap();
    let arguments = format!("base64 -d {0} | openssl pkcs7 -inform DER -print_certs -noout", file.display());
    let listed = Command::new("sh").args(["-c", &arguments]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("Root CA") && listed.contains("Issuing CA"), "{listed}");

    let login = format!("{}/login", server.url);
    for version in ["1.2", "1.3"] {
        let tls = [format!("--tlsv{version}"), "--tls-max".into(), version.into()];
        let tls: Vec<_> = tls.iter().map(String::as_str).collect();
        let files = ["--key", key.to_str().unwrap(), "--cert", certificate.to_str().unwrap(), &login];
        let who: serde_json::Value = serde_json::from_slice(&curl(&[&trust[..], &tls, &files].concat())).unwrap();
        assert_eq!(who["profile"], "authentication", "{who}");
    }
    let nobody = curl(&[&trust[..], &["--output", "/dev/null", "--write-out", "%{http_code}", &login]].concat());
    assert_eq!(nobody, b"401");
    let plain = Command::new("curl").args(["--silent", &login.replace("https", "http")]).output().unwrap();
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("nobody"), "plain HTTP is not served");
}

#[test]
fn openssl_s_client_logs_in_and_sees_the_chain() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let house = Arc::new(House::open(Path::new(&home)).unwrap());
    let (key, certificate) = client_files(directory.path(), &house);
    let server = Served::start(&home);
    let root = Path::new(&home).join("root.pem");
    let address = server.address().to_string();
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1"])
        .args([
            "-CAfile",
            root.to_str().unwrap(),
            "-key",
            key.to_str().unwrap(),
            "-cert",
            certificate.to_str().unwrap(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is missing: apt-get install openssl");
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let output = client.wait_with_output().unwrap();
    drop(input);
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"profile\":\"authentication\""), "{answer}");
}

#[test]
fn a_killed_server_keeps_what_it_answered() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let house = House::open(Path::new(&home)).unwrap();
    let old = first_pair(&house, 20);
    let (transaction, nonce) = (TransactionId::from_random([5; 16]), Nonce::from_random([6; 16]));
    let request = est::Client::new().fullcmc_request(&order(&old, &new_keys(), &transaction, &nonce));
    let ca: Vec<_> = house.ca().certificates().map(|one| one.certificate.clone()).collect();
    let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Certificates };
    let ask = |server: &Served| {
        let response = exchange(server.address(), &house.trust_anchors(), &request, None);
        let FullCmcReply::Cmc(message) = est::Client::new().fullcmc_response(&response).unwrap() else { panic!() };
        match FullResponse::parse(&message, &expected).unwrap().answer {
            Answer::Pending { token, .. } => token,
            other => panic!("{other:?}"),
        }
    };
    let mut server = Served::start(&home);
    let token = ask(&server);
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    let server = Served::start(&home);
    assert!(ask(&server) == token, "the same token");
    assert_eq!(house.ca().list(None, 10).unwrap().len(), 1);
    house.ca().approve(&transaction.to_string().parse().unwrap(), SystemTime::now()).unwrap();
}

#[test]
fn two_servers_given_one_order_at_the_same_moment_take_it_once() {
    let directory = tempfile::tempdir().unwrap();
    let home = home(directory.path());
    done(&["init", &home]);
    let house = House::open(Path::new(&home)).unwrap();
    let ca: Vec<_> = house.ca().certificates().map(|one| one.certificate.clone()).collect();
    let servers = [Served::start(&home), Served::start(&home)];
    for round in 1..=4 {
        let old = first_pair(&house, 20);
        let (transaction, nonce) = (TransactionId::from_random([round; 16]), Nonce::from_random([6; 16]));
        let request = est::Client::new().fullcmc_request(&order(&old, &new_keys(), &transaction, &nonce));
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Certificates };
        // At both, by two connections each, at once.
        let ask_all = || {
            let start = Barrier::new(4);
            let ask = |server: &Served| {
                start.wait();
                let response = exchange(server.address(), &house.trust_anchors(), &request, None);
                let FullCmcReply::Cmc(message) = est::Client::new().fullcmc_response(&response).unwrap() else {
                    panic!()
                };
                FullResponse::parse(&message, &expected).unwrap().answer
            };
            std::thread::scope(|scope| {
                let asking = [0, 1, 0, 1].map(|index: usize| {
                    scope.spawn({
                        let ask = &ask;
                        let server = &servers[index];
                        move || ask(server)
                    })
                });
                asking.map(|thread| thread.join().unwrap())
            })
        };
        let token = |answer: &Answer| match answer {
            Answer::Pending { token, .. } => token.clone(),
            other => panic!("{other:?}"),
        };
        let pending = ask_all();
        assert!(pending.iter().all(|answer| token(answer) == token(&pending[0])), "one order, one token");
        assert_eq!(house.ca().list(None, 10).unwrap().len(), usize::from(round));
        house.ca().approve(&transaction.to_string().parse().unwrap(), SystemTime::now()).unwrap();
        let issued = ask_all();
        assert!(matches!(&issued[0], Answer::Issued { certificates, .. } if certificates.len() == 2));
        assert!(issued.iter().all(|answer| *answer == issued[0]), "one pair");
    }
    servers.into_iter().for_each(|server| drop(server.stop()));
}

#[test]
fn help_says_what_there_is_and_completions_are_made() {
    let help = done(&["--help"]);
    for word in ["init", "serve", "list", "approve", "reject", "link", "due", "Exit codes: 0"] {
        assert!(help.contains(word), "{help}");
    }
    assert!(done(&["completions", "bash"]).contains("obnova-ca"));
    failed(&[], 2);
    failed(&["serve"], 2);
    assert!(failed(&["serve", "/nonexistent"], 1).contains("/nonexistent/policy.toml"));
}
