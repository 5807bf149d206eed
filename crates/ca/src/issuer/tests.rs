use std::time::Duration;

use obnova_algorithm::KeyAlgorithm;

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn root(algorithm: KeyAlgorithm) -> Issuer {
    let key = CaKey::generate(algorithm).unwrap();
    Issuer::self_signed(key, &name("CN=Root,O=Test,C=CZ"), now(), now() + 10 * YEAR).unwrap()
}

fn issuing(root: &Issuer) -> Issuer {
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    root.issuing(key, &name("CN=Issuing,O=Test,C=CZ"), now(), now() + 5 * YEAR).unwrap()
}

fn reload(issuer: &Issuer, chain: Vec<IssuedCertificate>) -> Result<Issuer, IssuerError> {
    let key = CaKey::from_pkcs8(&issuer.key().to_pkcs8().unwrap()).unwrap();
    let mut chain = chain.into_iter();
    Issuer::new(key, chain.next().unwrap(), chain.collect())
}

#[test]
fn a_chain_can_be_kept_and_loaded() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let root = root(algorithm);
        let issuing = issuing(&root);
        assert!(root.made(&issuing.certificate().certificate));
        assert!(!issuing.made(&root.certificate().certificate));
        let chain: Vec<_> = issuing.chain().cloned().collect();
        assert_eq!(chain.len(), 2);
        assert_eq!(reload(&issuing, chain).unwrap().root(), root.certificate());
    }
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let root_one = root(KeyAlgorithm::P256);
    let root_two = root(KeyAlgorithm::P256);
    let issuing = issuing(&root_one);
    let own = issuing.certificate().clone();
    let first = root_one.certificate().clone();
    assert!(matches!(reload(&issuing, vec![first.clone()]), Err(IssuerError::OtherKey)));
    assert!(matches!(reload(&issuing, vec![own.clone()]), Err(IssuerError::Chain { .. })));
    let same_name = root_two.certificate().clone();
    assert!(matches!(reload(&issuing, vec![own.clone(), same_name]), Err(IssuerError::Signature { .. })));
    assert!(reload(&issuing, vec![own.clone(), first]).is_ok());

    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let names = vec![GeneralName::from(std::net::IpAddr::from([127, 0, 0, 1]))];
    let server =
        root_one.server_certificate(&name("CN=localhost"), key.public_key(), names, now(), now() + YEAR).unwrap();
    let refused = Issuer::new(key, server, vec![root_one.certificate().clone()]);
    assert!(matches!(refused, Err(IssuerError::NotACa { .. })));
}

#[test]
fn nothing_outlives_its_issuer_or_ends_before_it_begins() {
    let root = root(KeyAlgorithm::P256);
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let certify = |from, until| root.certify(&name("CN=x").to_der().unwrap(), key.public_key(), (from, until), &[]);
    assert!(matches!(certify(now(), now() + 11 * YEAR), Err(IssueError::IssuerEnds { .. })));
    assert!(matches!(certify(now() + YEAR, now()), Err(IssueError::Validity)));
    assert!(certify(now(), now() + YEAR).is_ok());
}

#[test]
fn serial_numbers_are_long_positive_and_differ() {
    let root = root(KeyAlgorithm::P256);
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let mut serials = std::collections::BTreeSet::new();
    for _ in 0..64 {
        let subject = name("CN=x").to_der().unwrap();
        let made = root.certify(&subject, key.public_key(), (now(), now() + YEAR), &[]).unwrap();
        let serial = made.serial.clone();
        assert_eq!(made.read().unwrap().serial(), serial);
        assert!(serials.last() < Some(&serial), "they grow");
        assert!(serial.len() == 20 && (1..0x80).contains(&serial[0]), "{serial:02x?}");
        assert!(serials.insert(serial));
    }
}
