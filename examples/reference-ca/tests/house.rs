//! A CA in a directory: made, opened, and the first pair of a new card.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_reference_ca::house::{self, Holder, House, HouseError, InitOptions};
use x509_cert::der::{EncodePem, pem::LineEnding};

fn jana() -> Holder {
    Holder { name: "CN=Jana Nováková,SERIALNUMBER=IDCCZ-123456,C=CZ".into(), email: "jana@example.cz".into() }
}

fn openssl(arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).output().expect("openssl is missing: apt-get install openssl");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "openssl {arguments:?}: {text}{}", String::from_utf8_lossy(&run.stderr));
    text
}

#[test]
fn a_new_ca_issues_a_first_pair_that_openssl_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    for key in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let home = directory.path().join(key.bits().to_string());
        house::init(&home, &InitOptions { key, backdate_days: 366, ..InitOptions::default() }, now).unwrap();
        let house = House::open(&home).unwrap();
        let (one, two) = (CaKey::generate(KeyAlgorithm::P256).unwrap(), CaKey::generate(KeyAlgorithm::P384).unwrap());
        let pair = house.first_pair(&jana(), one.public_key(), two.public_key(), 20, now).unwrap();
        for certificate in [&pair.authentication, &pair.signature] {
            let validity = *certificate.certificate.tbs_certificate().validity();
            let left = validity.not_after.to_system_time().duration_since(now).unwrap();
            assert_eq!(left.as_secs() / 86_400, 19, "20 days, less the fraction of a second that is cut off");
            assert!(validity.not_before.to_system_time() < now - Duration::from_secs(340 * 86_400));
            let file = home.join("one.pem");
            std::fs::write(&file, certificate.certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
            let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
            let (root, issuing) = (path("root.pem"), path("issuing.pem"));
            let text =
                openssl(&["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &issuing, file.to_str().unwrap()]);
            assert!(text.contains(": OK"), "{text}");
        }
        let server = home.join("server.pem").to_str().unwrap().to_owned();
        let (root, issuing) = (home.join("root.pem"), home.join("issuing.pem"));
        let (root, issuing) = (root.to_str().unwrap(), issuing.to_str().unwrap());
        openssl(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_ip",
            "127.0.0.1",
            "-CAfile",
            root,
            "-untrusted",
            issuing,
            &server,
        ]);
    }
}

#[test]
fn what_is_kept_is_found_again_and_keys_are_not_certified_twice() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("ca");
    let now = SystemTime::now();
    house::init(&home, &InitOptions::default(), now).unwrap();
    let (one, two) = (CaKey::generate(KeyAlgorithm::P256).unwrap(), CaKey::generate(KeyAlgorithm::P256).unwrap());
    let first = House::open(&home).unwrap().first_pair(&jana(), one.public_key(), two.public_key(), 20, now).unwrap();
    let house = House::open(&home).unwrap();
    let kept = house.ca().certificate(first.signature.serial()).unwrap().unwrap();
    assert_eq!(kept.der, first.signature.der);
    let again = house.first_pair(&jana(), one.public_key(), two.public_key(), 20, now).unwrap_err();
    assert!(again.to_string().contains("certified already"), "{again}");
    let shared = CaKey::generate(KeyAlgorithm::P256).unwrap();
    assert!(house.first_pair(&jana(), shared.public_key(), shared.public_key(), 20, now).is_err());
    let big = CaKey::generate(KeyAlgorithm::Rsa4096).unwrap();
    let refused = house.first_pair(&jana(), shared.public_key(), big.public_key(), 20, now).unwrap_err();
    assert!(refused.to_string().contains("RSA 4096"), "{refused}");
}

#[test]
fn a_directory_in_use_is_left_alone_and_a_broken_one_says_which_file() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("deep/ca");
    let now = SystemTime::now();
    house::init(&home, &InitOptions::default(), now).unwrap();
    assert!(matches!(house::init(&home, &InitOptions::default(), now), Err(HouseError::NotEmpty { .. })));
    let bad = InitOptions { policy: "version = 7".into(), ..InitOptions::default() };
    assert!(matches!(house::init(&directory.path().join("new"), &bad, now), Err(HouseError::Policy(_))));
    let bad = InitOptions { hosts: vec!["a b".into()], ..InitOptions::default() };
    assert!(matches!(house::init(&directory.path().join("new"), &bad, now), Err(HouseError::Host { .. })));
    assert!(!directory.path().join("new").exists());
    assert_eq!(names(directory.path()), ["deep"], "nothing half made is left behind");

    for file in ["policy.toml", "issuing.key", "issuing.pem", "root.pem", "pick-up.secret"] {
        let hidden = directory.path().join("hidden");
        std::fs::rename(home.join(file), &hidden).unwrap();
        let error = House::open(&home).unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
        std::fs::rename(&hidden, home.join(file)).unwrap();
    }
    // The root's key is for somewhere safe.
    std::fs::remove_file(home.join("root.key")).unwrap();
    House::open(&home).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
