//! Whoever hears no answer asks again, and the CA may come to the first time meanwhile: at each write of the second one the very same thing
//! is asked for and done by another process. Both are told the same, and it is done once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use common::{
    Draft, Pair, RequestDraft, World,
    first::{First, USER, automatic, issue, one_certificate},
    issued,
    life::Life,
    now,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AskedPassword, AskedRevocation, Ca, CaError, IssuedCertificate, Outcome, Policy, Refusal, store::WriteObserver,
};
use obnova_enroll::{
    Secret,
    cmc::{Answer, Asked, CertificateId, SealedPassphrase, TransactionId, UserId},
};
use obnova_status::RevocationReason;
use x509_cert::{
    Certificate,
    der::{Decode as _, Encode as _},
    ext::pkix::KeyUsages,
};

const PASSWORD: &str = "kůň baterie sponka";

/// What is done at one of the points before and after writes.
struct Meanwhile {
    at: usize,
    passed: AtomicUsize,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meanwhile {
    fn pass(&self) -> bool {
        let point = self.passed.fetch_add(1, Ordering::Relaxed);
        if point == self.at
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
        true
    }
}

impl WriteObserver for Meanwhile {
    fn before(&self, _: &str) -> bool {
        self.pass()
    }

    fn after(&self, _: &str) -> bool {
        self.pass()
    }
}

/// Who asks for what; what comes of it, in words.
type Ask = Box<dyn Fn(&World, &Ca) -> String + Send + Sync>;

/// A CA, and something that is asked of it.
type Scene = fn() -> (World, Ask);

fn policy(automatically: bool) -> String {
    if automatically { automatic() } else { Policy::TEMPLATE.to_owned() }
}

fn told_of(answer: &Answer) -> String {
    match answer {
        Answer::Issued { certificates, .. } => serials(certificates),
        Answer::Pending { .. } => format!("waits: {:?}", common::token(answer).as_bytes()),
        other => format!("refused: {other:?}"),
    }
}

fn told(outcome: Result<Outcome, CaError>) -> String {
    match outcome {
        Ok(Outcome::Issued(issued)) => serials(issued.iter().map(|one| &one.certificate)),
        Ok(Outcome::Pending { token, .. }) => format!("waits: {:?}", token.as_bytes()),
        Err(error) => refused(&error),
    }
}

fn refused(error: &CaError) -> String {
    match error {
        CaError::Refused(refusal) => format!("refused: {}", refusal.name()),
        error => panic!("{error}"),
    }
}

fn serials<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    let serials: Vec<_> =
        certificates.into_iter().map(|one| one.tbs_certificate().serial_number().to_string()).collect();
    serials.join(", ")
}

fn message(world: World, message: Vec<u8>, transaction: TransactionId) -> (World, Ask) {
    let ask = move |world: &World, ca: &Ca| {
        let response = ca.answer(&message, None, now()).unwrap();
        told_of(&world.read(&response.message, &transaction, Asked::Certificates))
    };
    (world, Box::new(ask))
}

fn first_by_cmc(automatically: bool) -> (World, Ask) {
    let world = World::with(&policy(automatically), KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    first.revocation_password = Some(world.sealed(PASSWORD));
    message(world, first.message(), first.transaction)
}

fn renewal_by_cmc(automatically: bool) -> (World, Ask) {
    let world = World::with(&policy(automatically), KeyAlgorithm::P256);
    let draft = Draft::renewing(&world.old, 1);
    message(world, draft.message(), draft.transaction)
}

fn first_by_plain_est(automatically: bool) -> (World, Ask) {
    let policy = one_certificate(&policy(automatically)).replace("required = true", "required = false");
    let world = World::with(&policy, KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now()).password.secret();
    let (user, request) = (UserId::new(USER).unwrap(), RequestDraft::of(KeyUsages::DigitalSignature).request());
    (world, Box::new(move |_, ca| told(ca.enroll(&request, (&user, &password), None, now()))))
}

fn renewal_by_plain_est(automatically: bool) -> (World, Ask) {
    let world = World::with(&one_certificate(&policy(automatically)), KeyAlgorithm::P256);
    let request = RequestDraft::of(KeyUsages::DigitalSignature).request();
    let old = world.old.certificates[0].certificate.clone();
    (world, Box::new(move |_, ca| told(ca.reenroll(&request, &old, now()))))
}

/// A pair with this revocation password, or none.
fn with_a_pair(password: Option<&str>) -> (World, Pair) {
    let policy = automatic().replace("password_alone = false", "password_alone = true");
    let world = World::with(&policy.replace("required = true", "required = false"), KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    first.revocation_password = password.map(|password| world.sealed(password));
    let certificates = issued(world.first(&first));
    let certificates =
        [0, 1].map(|index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap());
    let keys = [0, 1].map(|index: usize| first.requests[index].key.clone());
    (world, Pair { keys, certificates })
}

fn revocation(logged_in: bool) -> (World, Ask) {
    let (world, pair) = with_a_pair(Some(PASSWORD));
    let [login, signature] = pair.certificates;
    let ask = move |_: &World, ca: &Ca| {
        let password = &Secret::from_bytes(PASSWORD.as_bytes()).unwrap();
        let asked = AskedRevocation { serial: signature.serial(), reason: RevocationReason::Superseded, password };
        match ca.revoke(&asked, logged_in.then_some(&login.certificate), now()) {
            Ok(()) | Err(CaError::Refused(Refusal::RevokedAlready { .. })) => "it is revoked".to_owned(),
            Err(error) => refused(&error),
        }
    };
    (world, Box::new(ask))
}

fn password(before: Option<&str>) -> (World, Ask) {
    let (world, pair) = with_a_pair(before);
    let login = Certificate::from_der(&pair.certificates[0].der).unwrap();
    let new = world.sealed("quite another pass phrase");
    let old = before.map(|before| {
        let id = CertificateId {
            issuer: login.tbs_certificate().issuer().clone(),
            serial: login.tbs_certificate().serial_number().clone(),
        };
        let ca = world.ca.first().unwrap().encryption_certificate().unwrap();
        SealedPassphrase::seal(&Secret::from_bytes(before.as_bytes()).unwrap(), &id, ca).unwrap()
    });
    let ask = move |_: &World, ca: &Ca| {
        let asked = AskedPassword { new: &new, old: old.as_ref() };
        match ca.set_revocation_password(&asked, &login, now()) {
            Ok(mut serials) => {
                serials.sort();
                format!("it is set: {serials:?}")
            }
            Err(error) => refused(&error),
        }
    };
    (world, Box::new(ask))
}

#[test]
fn what_is_done_while_it_is_asked_for_again_is_done_once_and_both_are_told_the_same() {
    let scenes: [(&str, Scene); 12] = [
        ("a first order by CMC, decided at once", || first_by_cmc(true)),
        ("a first order by CMC, which waits", || first_by_cmc(false)),
        ("a first order by plain EST, decided at once", || first_by_plain_est(true)),
        ("a first order by plain EST, which waits", || first_by_plain_est(false)),
        ("a renewal by CMC, decided at once", || renewal_by_cmc(true)),
        ("a renewal by CMC, which waits", || renewal_by_cmc(false)),
        ("a renewal by plain EST, decided at once", || renewal_by_plain_est(true)),
        ("a renewal by plain EST, which waits", || renewal_by_plain_est(false)),
        ("a revocation by password", || revocation(false)),
        ("a revocation by password, logged in", || revocation(true)),
        ("a revocation password", || password(None)),
        ("another revocation password", || password(Some(PASSWORD))),
    ];
    for (what, scene) in scenes {
        let (world, ask) = scene();
        let life = Life::forever();
        let alone = ask(&world, &world.observed(&life));
        let points = life.passed();
        assert!(points.len() >= 2, "{what}: {points:?}");
        assert!(!alone.starts_with("refused"), "{what}: {alone}");
        for (at, point) in points.iter().enumerate() {
            let (world, ask) = scene();
            let (world, ask) = (Arc::new(world), Arc::new(ask));
            let first = Arc::new(Mutex::new(None));
            let act = {
                let (world, ask, first) = (world.clone(), ask.clone(), first.clone());
                move || *first.lock().unwrap() = Some(ask(&world, &world.observed(&Life::forever())))
            };
            let meanwhile = Meanwhile { at, passed: AtomicUsize::new(0), act: Mutex::new(Some(Box::new(act))) };
            let second = ask(&world, &world.observed(&Arc::new(meanwhile)));
            let first = first.lock().unwrap().take().expect("it was asked");
            assert_eq!(first, second, "{what}, {point} (point {at})");
            let again = ask(&world, &world.observed(&Life::forever()));
            assert_eq!(again, second, "{what}, {point} (point {at}), once more");
            let orders = world.ca.list(None, 10).unwrap().len();
            assert_eq!(orders, 1, "{what}, {point} (point {at})");
        }
    }
}
