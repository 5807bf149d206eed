//! Passwords are planted, and everything that was written or said is looked through for them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use common::{
    World,
    first::{HOLDER, JANA, failing, key, obnova_ca, one_certificate, password, request},
};
use obnova_algorithm::Digest;
use obnova_enroll::{
    Secret,
    cmc::{FirstRequestBuilder, Nonce, ProofKey, SealedPassword, TransactionId, UserId},
    est::{self, Credentials, HttpResponse, Site},
};
use x509_cert::{Certificate, der::Decode, ext::pkix::KeyUsages};

const REVOCATION: &str = "kůň baterie sponka 7f3a91";

/// All ways in which a password could stand somewhere.
fn forms(text: &str, user: &UserId) -> Vec<(String, Vec<u8>)> {
    let secret = Secret::from_bytes(text.as_bytes()).unwrap();
    let plain = text.replace('-', "");
    let mut forms: Vec<_> = [text, &text.to_lowercase(), &plain, &plain.to_lowercase()]
        .iter()
        .map(|form| (format!("{form} as text"), form.as_bytes().to_vec()))
        .collect();
    let basic = est_header(&secret, user);
    forms.push((format!("{text} in HTTP Basic"), basic.into_bytes()));
    for digest in Digest::ALL {
        // As good as the password, for a proof.
        let key = ProofKey::derive(digest, &secret, user);
        forms.push((format!("{text} by {digest:?}"), key.as_bytes().to_vec()));
        forms.push((format!("{text} alone by {digest:?}"), digest.of(text.as_bytes()).as_bytes().to_vec()));
    }
    forms
}

/// What HTTP Basic makes of it.
fn est_header(password: &Secret, user: &UserId) -> String {
    let site = Site::parse("https://ca.example").unwrap();
    let client = est::Client::new().basic(&site, Credentials::new(user.clone(), password.clone()).unwrap());
    let header = client.csrattrs_request().headers.get("Authorization").unwrap().to_owned();
    header.strip_prefix("Basic ").unwrap().to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn found(place: &str, bytes: &[u8], planted: &[(String, Vec<u8>)]) -> Vec<String> {
    let here = planted.iter().filter(|(_, form)| bytes.windows(form.len()).any(|part| part == form));
    here.map(|(what, _)| format!("{what} in {place}")).collect()
}

#[test]
fn a_password_is_in_no_file_no_log_and_no_answer() {
    let policy = one_certificate("manual");
    let world = World::with(&policy, |config| config);
    let (home, user) = (world.home(), UserId::new("jana").unwrap());
    let replaced = password(&home, &JANA);
    let last = password(&home, &[]);
    let mut planted: Vec<_> = [&replaced, &last].iter().flat_map(|one| forms(one.to_text(), &user)).collect();
    planted.extend(forms(REVOCATION, &user));
    let mut said: Vec<u8> = Vec::new();
    let mut answered = |answer: HttpResponse| {
        said.extend(format!("{answer:?}").into_bytes());
        said.extend(answer.body);
    };
    let plain = |text: &str, key| {
        let site = Site::parse(&world.server.url()).unwrap();
        let who = Credentials::new(user.clone(), Secret::from_bytes(text.as_bytes()).unwrap()).unwrap();
        let client = est::Client::new().basic(&site, who);
        world.send(&client.simpleenroll_request(&request(HOLDER, key, KeyUsages::DigitalSignature)), None)
    };
    // A dead one, a right one, a used one; and a message with a proof and a revocation password, twice.
    let keys = [key(), key(), key()];
    answered(plain(replaced.to_text(), &keys[0]));
    answered(plain(last.to_text(), &keys[0]));
    answered(plain(last.to_text(), &keys[1]));
    let another = password(&home, &[]);
    planted.extend(forms(another.to_text(), &user));
    let encryption = Certificate::from_der(&world.get("/encryption.cer", None, &[]).body).unwrap();
    for transaction in [1, 2] {
        let revocation = Secret::from_bytes(REVOCATION.as_bytes()).unwrap();
        let builder =
            FirstRequestBuilder::new(TransactionId::from_random([transaction; 16]), Nonce::from_random([1; 16]))
                .request(request(HOLDER, &keys[2], KeyUsages::DigitalSignature))
                .revocation_password(SealedPassword::seal(&revocation, &encryption).unwrap());
        let to_sign = builder.finalize(&user, &ProofKey::derive(Digest::Sha256, &another.secret(), &user)).unwrap();
        let message = to_sign.sign_with(|one| keys[2].sign(&one.bytes)).unwrap();
        answered(world.send(&est::Client::new().fullcmc_request(&message), None));
    }
    let orders = world.house.ca().list(None, 10).unwrap();
    assert_eq!(orders.len(), 2, "both passwords were right");
    let passwords = world.house.ca().first().unwrap().revocation_passwords();
    for order in &orders {
        let issued = world.house.ca().approve(&order.transaction, SystemTime::now()).unwrap();
        let typed = Secret::from_bytes(REVOCATION.as_bytes()).unwrap();
        for certificate in &issued.certificates {
            let refused = passwords.check(&certificate.serial, &typed, SystemTime::now());
            said.extend(refused.err().map(|error| format!("{error} {error:?}")).unwrap_or_default().into_bytes());
        }
    }
    let at = home.to_str().unwrap();
    for arguments in [&["password", "list", at, "--json"][..], &["audit", "show", at], &["list", at, "--json"]] {
        said.extend(obnova_ca(arguments).into_bytes());
    }
    said.extend(failing(&["password", "issue", at, "--user", "nobody"]).1.into_bytes());
    said.extend(format!("{:?} {:?}", world.house, world.house.ca().first().unwrap()).into_bytes());
    said.extend(format!("{:?}", world.house.ca().first().unwrap().list(10).unwrap()).into_bytes());
    for access in world.log.lock().unwrap().iter() {
        said.extend(format!("{access} {access:?}\n").into_bytes());
    }

    let look = || files(&home).into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap()));
    // With the write-ahead log beside the database, and after it was closed.
    let mut places: Vec<_> = look().collect();
    assert!(places.iter().any(|(name, bytes)| name.ends_with("ca.db-wal") && !bytes.is_empty()));
    drop(world.server);
    drop(world.house);
    places.extend(look());
    places.push(("what was said".into(), said));
    let leaks: Vec<_> = places.iter().flat_map(|(place, bytes)| found(place, bytes, &planted)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    // What is looked for would be found: the planted user id is everywhere.
    let user = [("the user id".to_owned(), b"jana".to_vec())];
    assert!(places.iter().any(|(place, bytes)| place.ends_with("ca.db") && !found(place, bytes, &user).is_empty()));
    assert!(places.iter().any(|(place, bytes)| place == "what was said" && !found(place, bytes, &user).is_empty()));
}
