//! Somebody without a certificate, the server, and the operator's commands: from the password on paper to the certificate.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::SystemTime,
};

use common::{
    World,
    first::{HOLDER, JANA, failing, key, obnova_ca, one_certificate, password, request},
};
use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_ca::{CaKey, Transaction};
use obnova_enroll::{
    Secret,
    cmc::{
        Answer, Asked, Expected, FirstRequestBuilder, FollowUp, FullResponse, Nonce, ProofKey, SealedPassword,
        TransactionId, UserId,
    },
    est::{self, Credentials, EnrollReply, HttpResponse, Site},
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use obnova_reference_ca::mail::Postman;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{KeyUsage, KeyUsages},
};

/// All of what a holder of two certificates does, over HTTPS.
#[test]
fn from_a_password_to_two_certificates_that_can_be_revoked_by_another_one() {
    let world = World::new();
    let home = world.home();
    let one_time = password(&home, &JANA);
    let user = UserId::new("jana").unwrap();

    // Where the CA wants revocation passwords sealed for, and that it is the CA that says so.
    let fetched = world.get("/encryption.cer", None, &[]);
    assert_eq!((fetched.status, fetched.headers.get("Content-Type")), (200, Some("application/pkix-cert")));
    let encryption = Certificate::from_der(&fetched.body).unwrap();
    assert_eq!(encryption.tbs_certificate().issuer(), world.ca()[0].tbs_certificate().subject());

    let keys = [key(), key()];
    let (transaction, nonce) = (TransactionId::from_random([1; 16]), Nonce::from_random([2; 16]));
    let message_with = |revocation_password: &str| {
        let revocation_password = Secret::from_bytes(revocation_password.as_bytes()).unwrap();
        let builder = FirstRequestBuilder::new(transaction.clone(), nonce.clone())
            .request(request(HOLDER, &keys[0], KeyUsages::DigitalSignature))
            .request(request(HOLDER, &keys[1], KeyUsages::NonRepudiation))
            .revocation_password(SealedPassword::seal(&revocation_password, &encryption).unwrap());
        let proof = ProofKey::derive(Digest::Sha256, &one_time.secret(), &user);
        let to_sign = builder.finalize(&user, &proof).unwrap();
        to_sign.sign_with(|to_sign| keys[to_sign.signer].sign(&to_sign.bytes)).unwrap()
    };
    let ca = world.ca();
    let ask = |message: &[u8], asked| {
        let answer = world.send(&est::Client::new().label("main").fullcmc_request(message), None);
        let est::FullCmcReply::Cmc(answer) = est::Client::new().fullcmc_response(&answer).unwrap() else { panic!() };
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked };
        FullResponse::parse(&answer, &expected).unwrap().answer
    };
    // A program that lets its holder take anything is told what policy wants, and the one-time password is as good as before.
    for (weak, rule) in [("kůň", "short-password"), ("kůňkůňkůňkůň", "plain-password")] {
        let Answer::Refused { text, .. } = ask(&message_with(weak), Asked::Certificates) else { panic!("{rule}") };
        assert!(text.starts_with(&format!("{rule}: ")), "{text}");
    }
    let message = message_with("kůň baterie");
    let Answer::Pending { token, .. } = ask(&message, Asked::Certificates) else { panic!("not pending") };
    let name = Transaction::new(transaction.as_bytes()).unwrap().to_string();
    obnova_ca(&["approve", home.to_str().unwrap(), &name]);
    let query = FollowUp::new(transaction.clone(), nonce.clone()).query_pending(&token).unwrap();
    let Answer::Issued { certificates, .. } = ask(&query, Asked::Certificates) else { panic!("not issued") };
    let receipt = FollowUp::new(transaction.clone(), nonce.clone());
    let receipt = receipt.confirm_acceptance(Some(&token), &certificates).unwrap();
    assert_eq!(ask(&receipt, Asked::Confirmation), Answer::Confirmed);
    assert_eq!(certificates.len(), 2);

    let passwords = world.house.ca().first().unwrap().revocation_passwords();
    for certificate in &certificates {
        let serial = certificate.tbs_certificate().serial_number().as_bytes();
        let typed = Secret::from_bytes("kůň baterie".as_bytes()).unwrap();
        passwords.check(serial, &typed, SystemTime::now()).unwrap();
    }
    let listed = obnova_ca(&["password", "list", home.to_str().unwrap(), "--json"]);
    assert!(listed.contains("\"state\": \"used\"") && listed.contains(&name), "{listed}");

    // She forgets the password: the operator has another one for her, and it ends both.
    let hexadecimal = |serial: &[u8]| serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let serials = [0, 1].map(|index: usize| certificates[index].tbs_certificate().serial_number().as_bytes());
    let said = obnova_ca(&["revocation-password", home.to_str().unwrap(), &hexadecimal(serials[0])]);
    let typed = said.lines().find_map(|line| line.strip_prefix("revocation password")).unwrap().trim();
    for serial in serials {
        assert!(said.contains(&format!("for certificate      {}\n", hexadecimal(serial))), "{said}");
        let check =
            |text: &str| passwords.check(serial, &Secret::from_bytes(text.as_bytes()).unwrap(), SystemTime::now());
        check(typed).unwrap();
        check("kůň baterie").unwrap_err();
    }
    let (code, said) = failing(&["revocation-password", home.to_str().unwrap(), "0badcafe"]);
    assert!(code == 3 && said.contains("no certificate with this serial number"), "{said}");
    let mails = || obnova_ca(&["mail", home.to_str().unwrap(), "list"]).matches("revocation-password").count();
    assert_eq!(mails(), 1);
    // What is on hold may be ended for good by a password; what is revoked needs none, and nobody is written to.
    let [held, revoked] = serials.map(hexadecimal);
    obnova_ca(&["hold", home.to_str().unwrap(), &held]);
    obnova_ca(&["revoke", home.to_str().unwrap(), &revoked, "--reason", "superseded"]);
    let (code, said) = failing(&["revocation-password", home.to_str().unwrap(), &revoked]);
    assert!(code == 4 && said.contains("revoked already"), "{code} {said}");
    assert_eq!(mails(), 1);
    obnova_ca(&["revocation-password", home.to_str().unwrap(), &held]);
    assert_eq!(mails(), 2);
}

/// The rounds of a day find the order that nobody decides on; by hand, and by the server.
#[test]
fn an_order_on_which_nobody_decides_is_turned_down_by_the_rounds_of_a_day() {
    let world = World::with(&one_certificate("manual"), |config| config);
    let home = world.home();
    let home = home.to_str().unwrap();
    let long_ago = || {
        let database = rusqlite::Connection::open(world.home().join("ca.db")).unwrap();
        database.execute("UPDATE orders SET received = received - 91 * 86400 WHERE state = 'pending'", []).unwrap();
    };
    let wait = || {
        let typed = password(&world.home(), &JANA);
        let typed = typed.to_text();
        let request = request(HOLDER, &key(), KeyUsages::DigitalSignature);
        assert_eq!(Plain::new(&world, None, typed).enroll(&request).status, 202);
    };
    let rejected =
        || obnova_ca(&["list", home, "--state", "rejected"]).matches("nobody decided on it within 90 days").count();
    wait();
    assert!(!obnova_ca(&["notices", home]).contains("turned down"), "it came today");
    long_ago();
    assert!(obnova_ca(&["notices", home]).starts_with("1 orders turned down, on which nobody decided in time\n"));
    assert_eq!(rejected(), 1);
    assert!(obnova_ca(&["mail", home, "list"]).contains("turned-down"));

    wait();
    long_ago();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = lines.clone();
    let log = Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
    drop(Postman::new(world.house.clone()).unwrap().start(Arc::new(SystemTime::now), log).unwrap());
    let told =
        lines.lock().unwrap().iter().any(|line| line == "orders: 1 turned down, on which nobody decided in time");
    assert!(told && rejected() == 2, "{lines:?}");
}

/// A plain EST client of this project, with the password as it was typed.
struct Plain<'a> {
    world: &'a World,
    client: est::Client,
}

impl<'a> Plain<'a> {
    fn new(world: &'a World, label: Option<&str>, typed: &str) -> Self {
        let site = Site::parse(&world.server.url()).unwrap();
        let typed = Secret::from_bytes(typed.as_bytes()).unwrap();
        let who = Credentials::new(UserId::new("jana").unwrap(), typed).unwrap();
        let client = label.map_or_else(est::Client::new, |label| est::Client::new().label(label));
        Self { world, client: client.basic(&site, who) }
    }

    fn enroll(&self, request: &CertificationRequest) -> HttpResponse {
        self.world.send(&self.client.simpleenroll_request(request), None)
    }
}

fn certificate_in(answer: &HttpResponse) -> Certificate {
    match est::Client::new().enroll_response(answer).unwrap() {
        EnrollReply::Issued(certificates) => certificates[0].clone(),
        EnrollReply::RetryAfter(_) => panic!("not issued"),
    }
}

fn text(answer: &HttpResponse) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[test]
fn plain_est_waits_with_the_same_request_and_re_enrolls_with_the_card_s_key() {
    let world = World::with(&one_certificate("manual"), |config| config);
    let home = world.home();
    let typed = password(&home, &JANA).to_text().to_lowercase();
    let key = key();
    let request = request(HOLDER, &key, KeyUsages::DigitalSignature);
    let plain = Plain::new(&world, None, &typed);
    for _ in 0..2 {
        let waits = plain.enroll(&request);
        assert_eq!((waits.status, waits.headers.get("Retry-After")), (202, Some("60")));
    }
    let order = world.house.ca().list(None, 10).unwrap().remove(0).transaction.to_string();
    obnova_ca(&["approve", home.to_str().unwrap(), &order]);
    let first = certificate_in(&plain.enroll(&request));
    assert_eq!(certificate_in(&plain.enroll(&request)), first, "the answer was lost, and comes again");
    assert_eq!(first.tbs_certificate().subject().to_string(), HOLDER);

    // The names stand in the certificate, so that they stand in the next request.
    let issued = world.house.ca().certificate(first.tbs_certificate().serial_number().as_bytes()).unwrap().unwrap();
    let issued = obnova_ca::IssuedCertificate::from_der(&issued.der).unwrap();
    let again = |key: &CaKey| {
        let (_, names) =
            first.tbs_certificate().get_extension::<x509_cert::ext::pkix::SubjectAltName>().unwrap().unwrap();
        let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public_key().clone(), key.algorithm());
        let to_sign = builder.subject_alt_name(names.0).finalize().unwrap();
        to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap()
    };
    let client = est::Client::new();
    let same = client.simplereenroll_request(&again(&key));
    assert_eq!(world.send(&same, None).status, 403, "nobody logged in");
    let waits = world.send(&same, Some((&key, &issued)));
    assert_eq!(waits.status, 202, "{}", text(&waits));
    let order = world.house.ca().list(None, 10).unwrap().remove(0).transaction.to_string();
    obnova_ca(&["approve", home.to_str().unwrap(), &order]);
    let renewed = certificate_in(&world.send(&same, Some((&key, &issued))));
    let spki = |one: &Certificate| one.tbs_certificate().subject_public_key_info().clone();
    assert!(spki(&renewed) == spki(&first) && renewed != first, "the same key, another certificate");
    let rekeyed = client.simplereenroll_request(&again(&CaKey::generate(KeyAlgorithm::P384).unwrap()));
    let refused = world.send(&rekeyed, Some((&key, &issued)));
    assert!(refused.status == 400 && text(&refused).starts_with("already-ordered: "), "{}", text(&refused));
}

/// 403 is for who asks; this is for the order.
#[test]
fn who_asks_by_plain_est_for_an_order_that_was_turned_down_is_told_so() {
    let world = World::with(&one_certificate("manual"), |config| config);
    let typed = password(&world.home(), &JANA);
    let plain = Plain::new(&world, None, typed.to_text());
    let request = request(HOLDER, &key(), KeyUsages::DigitalSignature);
    assert_eq!(plain.enroll(&request).status, 202);
    let order = world.house.ca().list(None, 10).unwrap().remove(0).transaction;
    world.house.ca().reject(&order, "come in person", SystemTime::now()).unwrap();
    let told = plain.enroll(&request);
    assert_eq!((told.status, text(&told)), (400, "rejected: the CA turned the order down: come in person\n".into()));
}

#[test]
fn whoever_lies_to_plain_est_is_refused_by_name() {
    let world = World::with(&one_certificate("automatic"), |config| config);
    let home = world.home();
    let one_time = password(&home, &[&JANA[..], &["--module", "invoices"]].concat());
    let typed = one_time.to_text().as_str();
    let [one, two] = [key(), key()];
    let honest = request(HOLDER, &one, KeyUsages::DigitalSignature);

    let nobody = world.send(&est::Client::new().simpleenroll_request(&honest), None);
    assert_eq!((nobody.status, nobody.body.len()), (401, 0));
    assert_eq!(nobody.headers.get("WWW-Authenticate"), Some("Basic realm=\"first certificates\", charset=\"UTF-8\""));
    let wrong = Plain::new(&world, None, "K7QWM-2F9TD-0XYHR-4CBBT").enroll(&honest);
    assert_eq!((wrong.status, wrong.headers.get("WWW-Authenticate").is_some()), (401, true));
    let plain = Plain::new(&world, Some("invoices"), typed);
    let refused = |answer: HttpResponse| (answer.status, text(&answer).split(':').next().unwrap().to_owned());
    for (status, name, subject, usage) in [
        (400, "other-subject", "CN=Petra Nováková,C=CZ", KeyUsages::DigitalSignature),
        (400, "not-of-this-service", HOLDER, KeyUsages::NonRepudiation),
        (400, "key-usage", HOLDER, KeyUsages::KeyCertSign),
    ] {
        assert_eq!(refused(plain.enroll(&request(subject, &one, usage))), (status, name.into()));
    }
    assert_eq!(refused(Plain::new(&world, Some("archive"), typed).enroll(&honest)), (403, "other-module".into()));
    let certificate = certificate_in(&plain.enroll(&honest));
    assert_eq!(certificate_in(&plain.enroll(&honest)), certificate);
    let other = request(HOLDER, &two, KeyUsages::DigitalSignature);
    assert_eq!(refused(plain.enroll(&other)), (403, "password-used".into()));
    // Another password, and the key that is certified already: it brings what was issued, in the module that it was issued in.
    let another = password(&home, &["--module", "invoices"]);
    let taken = request("CN=Jana Nováková,C=CZ", &one, KeyUsages::DigitalSignature);
    let unlabelled = Plain::new(&world, None, another.to_text());
    assert_eq!(refused(unlabelled.enroll(&taken)), (403, "other-module".into()));
    let plain = Plain::new(&world, Some("invoices"), another.to_text());
    assert_eq!(certificate_in(&plain.enroll(&taken)), certificate);
    let elsewhere = password(&home, &[&JANA[..], &["--module", "archive"]].concat());
    let archive = Plain::new(&world, Some("archive"), elsewhere.to_text());
    // What this very request brought is the other module's; another one for the key that is certified brings nothing to anybody else.
    assert_eq!(refused(archive.enroll(&taken)), (403, "other-user".into()));
    let anew = request(HOLDER, &one, KeyUsages::DigitalSignature);
    assert_eq!(refused(archive.enroll(&anew)), (400, "key-taken".into()));
    // Wrong ones are slowed, and the server says for how long.
    let guess = || Plain::new(&world, Some("invoices"), "AAAAA-AAAAA-AAAAA-AAAQE").enroll(&other);
    assert_eq!([guess().status, guess().status, guess().status], [401; 3]);
    let slowed = guess();
    let wait: u32 = slowed.headers.get("Retry-After").unwrap().parse().unwrap();
    assert!(slowed.status == 429 && (1..=30).contains(&wait), "{}", text(&slowed));
    // Then locked. That says nothing of what was ordered before.
    let mut last = slowed;
    for day in 1..=20 {
        world.ahead.store(day, SeqCst);
        last = guess();
    }
    assert_eq!(refused(last), (429, "password-locked".into()));
    let log: Vec<_> = world.log.lock().unwrap().iter().filter_map(|access| access.refused).collect();
    let names = ["other-subject", "other-module", "wrong-password", "password-used", "password-slowed"];
    assert!(names.iter().all(|name| log.contains(name)), "{log:?}");
}

/// What is served in the clear takes no password; nor does the port of TLS without it.
#[test]
fn no_password_is_taken_in_the_clear() {
    let status = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let world = World::with(&one_certificate("automatic"), |mut config| {
        config.status = Some(status);
        config
    });
    let typed = password(&world.home(), &JANA);
    let key = key();
    let plain = Plain::new(&world, None, typed.to_text());
    let http = plain.client.simpleenroll_request(&request(HOLDER, &key, KeyUsages::DigitalSignature));
    for address in [world.server.status.unwrap(), world.server.address] {
        let answer = common::in_the_clear(address, &http);
        assert!(answer.is_none_or(|answer| answer.status == 404), "{address}");
    }
    assert!(world.house.ca().list(None, 10).unwrap().is_empty());
    certificate_in(&plain.enroll(&request(HOLDER, &key, KeyUsages::DigitalSignature)));
}

#[test]
fn csrattrs_shape_the_request() {
    let world = World::with(&one_certificate("automatic"), |config| config);
    let client = est::Client::new();
    let attributes = client.csrattrs_response(&world.send(&client.csrattrs_request(), None)).unwrap();
    let shape = attributes.shape().unwrap();
    assert!(shape.takes_key(KeyAlgorithm::P256) && shape.takes_key(KeyAlgorithm::Rsa2048));
    assert!(!shape.takes_key(KeyAlgorithm::Rsa4096));
    let key = key();
    let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public_key().clone(), key.algorithm());
    let to_sign = shape.apply(builder).unwrap().finalize().unwrap();
    let request = to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap();
    shape.check(&request).unwrap();
    let typed = password(&world.home(), &JANA);
    let issued = certificate_in(&Plain::new(&world, None, typed.to_text()).enroll(&request));
    let (_, usage) = issued.tbs_certificate().get_extension::<KeyUsage>().unwrap().unwrap();
    assert_eq!(usage, KeyUsage(KeyUsages::DigitalSignature.into()));
}

#[test]
fn the_operator_issues_lists_and_revokes() {
    let world = World::with(&one_certificate("automatic"), |config| config);
    let home = world.home();
    let at = home.to_str().unwrap();
    assert_eq!(obnova_ca(&["password", "list", at]), "No passwords.\n");
    let (code, said) = failing(&["password", "issue", at, "--user", "jana"]);
    assert!(code == 3 && said.contains("nobody of this user id"), "{said}");
    let (code, said) = failing(&["password", "issue", at, "--user", "ja:na", "--name", HOLDER, "--email", "j@x.cz"]);
    assert!(code == 2 && said.contains("no colon"), "{said}");
    let (code, said) = failing(&["password", "issue", at, "--user", "jana", "--name", HOLDER, "--email", "nobody"]);
    assert!(code == 1 && said.contains("e-mail address"), "{said}");
    let old = password(&home, &JANA);
    let new = password(&home, &[]);
    let listed = obnova_ca(&["password", "list", at]);
    let states: Vec<_> = listed.lines().skip(1).map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(states, ["open", "ended"], "{listed}");
    for secret in [&old, &new] {
        assert!(!listed.contains(secret.to_text().as_str()));
    }
    let request = request(HOLDER, &key(), KeyUsages::DigitalSignature);
    assert_eq!(Plain::new(&world, None, old.to_text()).enroll(&request).status, 401);
    assert_eq!(obnova_ca(&["password", "revoke", at, "--user", "jana"]), "revoked\n");
    assert_eq!(Plain::new(&world, None, new.to_text()).enroll(&request).status, 401);
    assert_eq!(failing(&["password", "revoke", at, "--user", "jana"]).0, 4);
    // Whose they were is forgotten, and who has the user id now never had them.
    let eva = ["--name", "CN=Eva Malá,C=CZ", "--email", "eva@example.cz"];
    obnova_ca(&[&["password", "issue", at, "--user", "jana"], &eva[..]].concat());
    let listed = obnova_ca(&["password", "list", at]);
    let holders: Vec<_> = listed.lines().skip(1).map(|line| line.split("  ").last().unwrap().trim()).collect();
    assert_eq!(holders, ["CN=Eva Malá,C=CZ", "-", "-"], "{listed}");
    let listed = obnova_ca(&["password", "list", at, "--json"]);
    let all: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let seen = |field: &str| all.as_array().unwrap().iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    let gone = serde_json::Value::Null;
    assert_eq!(seen("user"), ["jana"; 3]);
    assert_eq!(seen("holder"), ["CN=Eva Malá,C=CZ".into(), gone.clone(), gone.clone()], "{listed}");
    assert_eq!(seen("email"), ["eva@example.cz".into(), gone.clone(), gone], "{listed}");
    let log = obnova_ca(&["audit", "show", at]);
    for event in ["password-issued", "password-ended"] {
        assert!(log.contains(event), "{log}");
    }
}

/// What opens the passwords of a CA is made with it, and for one that is older; what is lost later is missed.
#[test]
fn an_older_ca_gets_its_keys_and_a_lost_one_is_missed() {
    let world = World::new();
    let home = world.home();
    let files = ["credentials.secret", "encryption.key", "encryption.pem"].map(|name| home.join(name));
    for file in &files[..2] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    obnova_ca(&["password", "list", home.to_str().unwrap()]);
    assert!(files.iter().all(|file| file.exists()));
    for file in &files[..2] {
        let kept = std::fs::read(file).unwrap();
        std::fs::remove_file(file).unwrap();
        let (code, said) = failing(&["password", "list", home.to_str().unwrap()]);
        assert!(code == 1 && said.contains(file.to_str().unwrap()), "{said}");
        std::fs::write(file, kept).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// What is in the CA's folder for mails.
fn mails(home: &std::path::Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(home.join("mail")).unwrap().map(|mail| mail.unwrap().path());
    files.map(|file| (file.display().to_string(), std::fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn the_paper_has_the_password_and_the_mail_has_the_user_id() {
    let world = World::with(&one_certificate("manual"), |config| config);
    let home = world.home();
    let at = home.to_str().unwrap();
    let issue = ["password", "issue", at, "--user", "j.novakova-7", "--name", HOLDER, "--email", "jana@example.cz"];
    let mut papers = Vec::new();
    for count in 1..=2 {
        let paper = obnova_ca(&issue);
        let line = paper.lines().find(|line| line.starts_with("one-time password")).unwrap();
        let password = line.split_whitespace().last().unwrap().to_owned();
        assert!(paper.contains("until") && !paper.contains("novakova") && !paper.contains("Jana"), "{paper}");
        papers.push(password);
        obnova_ca(&["mail", at, "send", "--once"]);
        let mails = mails(&home);
        assert_eq!(mails.len(), count, "each password has a mail of its own: {mails:?}");
        for (_, mail) in &mails {
            assert!(
                mail.contains("j.novakova-7") && mail.contains("To: ") && mail.contains("jana@example.cz"),
                "{mail}"
            );
            assert!(papers.iter().all(|password| !mail.contains(password.as_str())), "{mail}");
        }
    }
    // Nobody has a password whose user id cannot reach him.
    let nowhere = ["--name", HOLDER, "--email", "jana@exa_mple..cz"];
    let (code, said) = failing(&[&["password", "issue", at, "--user", "petr"][..], &nowhere].concat());
    assert!(code != 0 && said.contains("e-mail"), "{said}");
}

/// Who does not wait gets a mail when the operator has approved, and its link brings the certificates; both are kept, or neither.
#[test]
fn who_left_picks_up_by_the_link_that_is_mailed() {
    let world = World::with(&one_certificate("manual"), |config| config);
    let home = world.home();
    let at = home.to_str().unwrap();
    let typed = password(&home, &JANA);
    let key = key();
    let waits = Plain::new(&world, None, typed.to_text()).enroll(&request(HOLDER, &key, KeyUsages::DigitalSignature));
    assert_eq!(waits.status, 202);
    let order = world.house.ca().list(None, 10).unwrap().remove(0).transaction.to_string();
    let database = rusqlite::Connection::open(home.join("ca.db")).unwrap();
    database
        .execute_batch("CREATE TRIGGER broken BEFORE INSERT ON mails BEGIN SELECT raise(ABORT, 'gone'); END")
        .unwrap();
    assert_eq!(failing(&["approve", at, &order]).0, 1);
    database.execute_batch("DROP TRIGGER broken").unwrap();
    assert_eq!(world.house.ca().list(None, 10).unwrap()[0].state.name(), "pending");

    obnova_ca(&["approve", at, &order]);
    assert_eq!(failing(&["approve", at, &order]).0, 4, "and no second mail");
    obnova_ca(&["mail", at, "send", "--once"]);
    let mails: Vec<_> = mails(&home).into_iter().filter(|(name, _)| name.contains("pick-up")).collect();
    let [(_, mail)] = &mails[..] else { panic!("{mails:?}") };
    assert!(mail.contains("jana@example.cz"), "{mail}");
    let link = mail.split_whitespace().find_map(|word| word.find("/pickup/").map(|start| &word[start..])).unwrap();
    let answer = world.get(link, None, &[("Accept", "application/x-pem-file")]);
    assert_eq!(answer.status, 200);
    let certificates = obnova_enroll::certs_only::read_file(&answer.body).unwrap();
    assert!(obnova_enroll::certs_only::find_by_key(&certificates, key.public_key()).is_some());
}
