//! `twins` over a real TLS socket with the reference CA, and with servers that are not what they should be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    time::SystemTime,
};

use common::{Face, Seat, contains, everything_below, support::Holder};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;
use obnova_client::{
    CaConnection, CaError, EstConnection, FileJournal, Https, LoginError, RunError, Runner, SharedToken, TlsLogin,
    Turn, look, share, tls_config,
};
use obnova_profile::{Label, SlotNumber};
use obnova_reference_ca::{Running, Server, ServerConfig, house, house::House};
use obnova_renewal::{Failure, Method, ParsedCertificate, Plan, Policy, Reason, Stage};
use obnova_simulator::SimulatorConnection;

/// A house with its server, and a card with a first pair of it.
struct World {
    house: Arc<House>,
    server: Running,
    connection: SimulatorConnection,
    token: SharedToken,
    folder: tempfile::TempDir,
    face: Face,
    policy: Policy,
}

impl World {
    fn new(algorithm: KeyAlgorithm) -> Self {
        Self::under(algorithm, obnova_ca::Policy::TEMPLATE.into())
    }

    /// With this policy of the CA.
    fn under(algorithm: KeyAlgorithm, policy: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        let now = SystemTime::now();
        let options =
            house::InitOptions { key: algorithm, backdate_days: 366, policy, ..house::InitOptions::default() };
        house::init(&ca, &options, now).unwrap();
        let house = Arc::new(House::open(&ca).unwrap());
        let server = Server::start(ServerConfig::new(house.clone())).unwrap();
        let mut card = Holder::empty_card();
        let (authentication, signature) = (Label::new("Authentication").unwrap(), Label::new("Signature").unwrap());
        let slot = |number| SlotNumber::new(number).unwrap();
        let role = obnova_profile::KeyRole::Authentication;
        let first = card.personalise_key(slot(1), role, algorithm, &authentication).unwrap();
        let role = obnova_profile::KeyRole::Signature;
        let second = card.personalise_key(slot(2), role, algorithm, &signature).unwrap();
        let name = "CN=Jana Nováková,SERIALNUMBER=PNOCZ-0001,C=CZ".to_owned();
        let holder = house::Holder { name, email: "jana@example.cz".into() };
        let pair = house.first_pair(&holder, &first, &second, 20, now).unwrap();
        card.personalise_certificate(slot(1), &pair.authentication.der, &authentication).unwrap();
        card.personalise_certificate(slot(2), &pair.signature.der, &signature).unwrap();
        let connection = SimulatorConnection::new(card);
        let token = share(obnova_card::ProfileToken::new(connection.clone()));
        Self { house, server, connection, token, folder, face: Face::default(), policy: Policy::twins() }
    }

    fn anchors(&self) -> Vec<ParsedCertificate> {
        self.house.trust_anchors().iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect()
    }

    fn ca(&self) -> EstConnection {
        let https = Https::new(&self.server.url(), tls_config(&self.anchors()).unwrap()).unwrap();
        EstConnection::new(https, self.anchors()).unwrap()
    }

    fn journals(&self) -> std::path::PathBuf {
        self.folder.path().join("journals")
    }

    /// Begins or resumes, with a connection of its own each time.
    fn with_runner<T>(&mut self, act: impl FnOnce(&mut Runner<'_>) -> T) -> T {
        let mut ca = self.ca();
        let mut login = TlsLogin::new(&self.server.url(), "/login", self.anchors());
        let plan = FileJournal::list(&self.journals()).unwrap().is_empty().then(|| {
            let card = look(self.token.lock().unwrap().as_mut()).unwrap();
            let plan = |policy: &Policy| Plan::make(&card, policy, SystemTime::now());
            ca.wishes().unwrap().plan(&card, &self.policy, plan).unwrap()
        });
        let seat = Seat { token: self.token.clone(), journals: self.journals(), clock: &common::clock_now };
        seat.with_runner(&mut ca, &mut self.face, &mut login, plan, act).unwrap()
    }

    fn run(&mut self) -> Result<Turn, RunError> {
        self.with_runner(|runner| runner.run())
    }

    fn approve(&self) {
        let orders = self.house.ca().list(None, 10).unwrap();
        assert_eq!(orders.len(), 1, "ordered once");
        self.house.ca().approve(&orders[0].transaction, SystemTime::now()).unwrap();
    }

    fn assert_renewed(&self) {
        let card = look(self.token.lock().unwrap().as_mut()).unwrap();
        assert_eq!(card.slots.iter().filter(|slot| slot.key.is_some()).count(), 4);
        assert!(card.slots[..2].iter().all(|slot| slot.certificates[0].superseded));
        assert!(card.slots[2..4].iter().all(|slot| slot.certificates[0].fits_key));
    }
}

#[test]
fn twins_with_the_window_closed_while_it_is_pending() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let mut world = World::new(algorithm);
        assert!(matches!(world.run().unwrap(), Turn::Waits(_)), "accepted, pending");
        let prompts = world.face.asked.len();
        world.approve();
        let turn = world.run().unwrap();
        let Turn::Done(summary) = turn else { panic!("{turn:?}") };
        assert!(summary.logged_in_as.as_deref().unwrap().contains("Jana Nov"), "{:?}", summary.logged_in_as);
        assert_eq!((prompts, world.face.asked.len()), (3, 5));
        world.assert_renewed();
    }
}

#[test]
fn the_keys_are_certified_again_where_both_policies_say_so() {
    let allowed = obnova_ca::Policy::TEMPLATE.replace("same_key = false", "same_key = true");
    assert_ne!(allowed, obnova_ca::Policy::TEMPLATE);
    let mut world = World::under(KeyAlgorithm::P256, allowed);
    world.policy.method = Method::SameKey;
    assert!(matches!(world.run().unwrap(), Turn::Waits(_)));
    world.approve();
    let turn = world.run().unwrap();
    assert!(matches!(turn, Turn::Done(_)), "{turn:?}");
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    assert_eq!(card.slots.iter().filter(|slot| slot.key.is_some()).count(), 2, "no key was made");
    for slot in &card.slots[..2] {
        let [before, after] = &slot.certificates[..] else { panic!("{slot:?}") };
        assert!(before.superseded && after.fits_key && !after.superseded, "slot {}", slot.id);
    }

    // The CA keeps its own rule: a client that asks nevertheless is refused by it.
    let mut world = World::new(KeyAlgorithm::P256);
    world.policy.method = Method::SameKey;
    let turn = world.run().unwrap();
    assert!(matches!(turn, Turn::Failed(Failure::Refused { .. })), "{turn:?}");
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    assert!(card.slots[..2].iter().all(|slot| slot.certificates.len() == 1 && !slot.certificates[0].superseded));
}

/// The CA says what keys it takes, and the holder's side asks before it makes one: such an order is not refused.
#[test]
fn a_pair_is_made_of_keys_that_the_ca_takes() {
    let mut world = World::new(KeyAlgorithm::P256);
    let file = world.folder.path().join("ca").join("policy.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let taken = before.replace(r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#, r#"keys = ["p-384"]"#);
    assert_ne!(taken, before);
    std::fs::write(&file, taken).unwrap();
    world.house = Arc::new(House::open(&world.folder.path().join("ca")).unwrap());
    world.server = Server::start(ServerConfig::new(world.house.clone())).unwrap();
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let make = |policy: &Policy| Plan::make(&card, policy, SystemTime::now());
    let kinds = |plan: &Plan| plan.new.iter().map(|(_, new)| new.algorithm).collect::<Vec<_>>();
    assert_eq!(kinds(&make(&world.policy).unwrap()), [KeyAlgorithm::P256; 2], "as the old ones, if nobody is asked");
    let wishes = world.ca().wishes().unwrap();
    assert_eq!(kinds(&wishes.plan(&card, &world.policy, make).unwrap()), [KeyAlgorithm::P384; 2]);
    let same_keys = Policy { method: Method::SameKey, ..Policy::twins() };
    let not = wishes.plan(&card, &same_keys, make).unwrap_err();
    let not_taken = |role| Reason::KeptKeyNotTaken { role, kept: KeyAlgorithm::P256 };
    assert_eq!(not.reasons, [KeyRole::Authentication, KeyRole::Signature].map(not_taken));
    assert!(matches!(world.run().unwrap(), Turn::Waits(_)));
    world.approve();
    let turn = world.run().unwrap();
    assert!(matches!(turn, Turn::Done(_)), "{turn:?}");
    world.assert_renewed();
}

/// The CA says of all keys together which it takes (RFC 7030 §4.5 has one list for a server), and the service's file says it for each of
/// the two certificates: an order that goes by both is not refused, and one that goes by the CA's list alone would be.
#[test]
fn each_of_a_pair_has_a_key_that_is_certified_for_it() {
    let mut world = World::new(KeyAlgorithm::P256);
    let file = world.folder.path().join("ca").join("policy.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let (head, signature) = before.split_once("[signature]").unwrap();
    let keys = r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#;
    assert!(head.contains(keys) && signature.contains(keys));
    std::fs::write(&file, format!("{head}[signature]{}", signature.replacen(keys, r#"keys = ["p-384"]"#, 1))).unwrap();
    world.house = Arc::new(House::open(&world.folder.path().join("ca")).unwrap());
    world.server = Server::start(ServerConfig::new(world.house.clone())).unwrap();
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let make = |policy: &Policy| Plan::make(&card, policy, SystemTime::now());
    let kinds = |plan: &Plan| plan.new.iter().map(|(_, new)| new.algorithm).collect::<Vec<_>>();
    let wishes = world.ca().wishes().unwrap();
    assert_eq!(
        kinds(&wishes.plan(&card, &world.policy, make).unwrap()),
        [KeyAlgorithm::P256; 2],
        "by the CA's list alone"
    );
    world.policy.keys.signature = Some(vec![KeyAlgorithm::P384]);
    let planned = kinds(&wishes.plan(&card, &world.policy, make).unwrap());
    assert_eq!(planned, [KeyAlgorithm::P256, KeyAlgorithm::P384]);
    assert!(matches!(world.run().unwrap(), Turn::Waits(_)));
    world.approve();
    let turn = world.run().unwrap();
    assert!(matches!(turn, Turn::Done(_)), "{turn:?}");
    world.assert_renewed();
}

#[test]
fn picking_up_takes_neither_card_nor_pin() {
    let mut world = World::new(KeyAlgorithm::P256);
    world.run().unwrap();
    world.approve();
    world.face = Face::default();
    let apdus = world.connection.with_card(|card| card.counts());
    let stage = world.with_runner(|runner| {
        while runner.process().stage() == Stage::PickUp {
            runner.step().unwrap();
        }
        runner.process().stage()
    });
    assert_eq!(stage, Stage::Install);
    assert_eq!(world.connection.with_card(|card| card.counts()), apdus);
    assert!(world.face.asked.is_empty());
}

#[test]
fn a_rejected_order_tells_the_issuers_reason() {
    let mut world = World::new(KeyAlgorithm::P256);
    world.run().unwrap();
    let orders = world.house.ca().list(None, 10).unwrap();
    world.house.ca().reject(&orders[0].transaction, "the data in the register changed", SystemTime::now()).unwrap();
    let turn = world.run().unwrap();
    let Turn::Failed(Failure::Refused { text, .. }) = turn else { panic!("{turn:?}") };
    assert!(text.contains("the data in the register changed"), "{text}");
}

#[test]
fn the_same_message_twice_is_one_order() {
    let mut world = World::new(KeyAlgorithm::P256);
    let message = world.with_runner(|runner| {
        while runner.process().stage() != Stage::Send {
            runner.step().unwrap();
        }
        runner.process().message().unwrap().clone()
    });
    world.ca().send(&message).unwrap();
    assert!(matches!(world.run().unwrap(), Turn::Waits(_)), "its answer was lost, and it was sent again");
    world.approve();
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.assert_renewed();
}

#[test]
fn what_was_fetched_and_lost_on_the_wire_is_fetched_again() {
    let mut world = World::new(KeyAlgorithm::P256);
    world.run().unwrap();
    world.approve();
    let pick_up = world.with_runner(|runner| match runner.upcoming() {
        obnova_renewal::Action::PickUp(pick_up) => pick_up,
        other => panic!("{other:?}"),
    });
    for _ in 0..2 {
        let answer = world.ca().pick_up(&pick_up).unwrap();
        assert!(matches!(answer, obnova_renewal::Answer::Issued { receipt: Some(_), .. }));
    }
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    assert!(world.ca().pick_up(&pick_up).is_ok_and(|answer| matches!(answer, obnova_renewal::Answer::Refused { .. })));
}

#[test]
fn nothing_secret_is_written_down_on_either_side() {
    let mut world = World::new(KeyAlgorithm::P256);
    world.run().unwrap();
    world.approve();
    world.run().unwrap();
    let written = everything_below(world.folder.path());
    for secret in [common::support::AUTHENTICATION_PIN, common::support::SIGNATURE_PIN] {
        assert!(!contains(&written, secret.as_bytes()));
    }
}

#[test]
fn a_server_that_is_somebody_else_is_not_talked_to() {
    let (ours, theirs) = (World::new(KeyAlgorithm::P256), World::new(KeyAlgorithm::P256));
    let https = Https::new(&theirs.server.url(), tls_config(&ours.anchors()).unwrap()).unwrap();
    let error = EstConnection::new(https, ours.anchors()).unwrap().terms().unwrap_err();
    assert!(matches!(&error, CaError::Tls { problem, .. } if !problem.is_empty()), "{error}");
}

#[test]
fn answers_that_another_issuer_signed_are_not_taken() {
    let (mut ours, theirs) = (World::new(KeyAlgorithm::P256), World::new(KeyAlgorithm::P256));
    let message = ours.with_runner(|runner| {
        while runner.process().stage() != Stage::Send {
            runner.step().unwrap();
        }
        runner.process().message().unwrap().clone()
    });
    // The connection is theirs and trusted as such, but what is signed must lead up to our issuer.
    let https = Https::new(&theirs.server.url(), tls_config(&theirs.anchors()).unwrap()).unwrap();
    let error = EstConnection::new(https, ours.anchors()).unwrap().send(&message).unwrap_err();
    assert!(matches!(error, CaError::OtherIssuer), "{error}");
}

#[test]
fn addresses_that_are_none_and_servers_that_are_away_are_told() {
    let world = World::new(KeyAlgorithm::P256);
    let tls = || tls_config(&world.anchors()).unwrap();
    for address in
        ["", "http://127.0.0.1", "https://", "https://a b", "https://ca/path", "https://user@ca", "ca.example"]
    {
        assert!(matches!(Https::new(address, tls()), Err(CaError::Order(_))), "{address}");
    }
    assert!(matches!(tls_config(&[]), Err(CaError::Order(_))));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let https = Https::new(&format!("https://{free}"), tls()).unwrap();
    let error = EstConnection::new(https, world.anchors()).unwrap().terms().unwrap_err();
    assert!(matches!(error, CaError::Unreachable { .. }), "{error}");
}

#[test]
fn a_server_that_speaks_something_else_is_told() {
    let world = World::new(KeyAlgorithm::P256);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    });
    let https = Https::new(&format!("https://{address}"), tls_config(&world.anchors()).unwrap()).unwrap();
    let error = EstConnection::new(https, world.anchors()).unwrap().terms().unwrap_err();
    assert!(matches!(error, CaError::Tls { .. }), "{error}");
    plain.join().unwrap();
}

#[test]
fn a_foreign_journal_is_told() {
    let world = World::new(KeyAlgorithm::P256);
    let mut ca = world.ca();
    let foreign = obnova_renewal::Message(b"an order of another protocol".to_vec());
    assert!(matches!(ca.send(&foreign), Err(CaError::Foreign(_))));
    assert!(matches!(ca.pick_up(&obnova_renewal::PickUp(vec![1; 40])), Err(CaError::Foreign(_))));
    assert!(matches!(ca.acknowledge(&obnova_renewal::Receipt(vec![1; 40])), Err(CaError::Foreign(_))));
}

#[test]
fn a_login_with_the_old_pair_proves_who_it_is_and_nobody_is_nobody() {
    use obnova_client::{Login, LoginProof};

    let world = World::new(KeyAlgorithm::P256);
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let of =
        |role: KeyRole| card.slots.iter().find(|slot| slot.key.as_ref().is_some_and(|key| key.role == role)).unwrap();
    let slot = of(KeyRole::Authentication);
    let (key, certificate) = (slot.key.as_ref().unwrap(), slot.certificates[0].certificate.as_ref().unwrap());
    let pin = |text: &str| obnova_card::Pin::new(obnova_card::Secret::from(text));
    let login = |pin| Login { token: &world.token, slot: slot.id, key, certificate, pin };
    let right = || pin(common::support::AUTHENTICATION_PIN);
    let mut door = TlsLogin::new(&world.server.url(), "/login", world.anchors());
    assert!(door.login(&login(right())).unwrap().contains("Jana"));
    let wrong = door.login(&login(pin("0000"))).unwrap_err();
    assert!(matches!(wrong, LoginError::Token(obnova_card::TokenError::WrongSecret { .. })), "{wrong}");

    let mut elsewhere = TlsLogin::new(&world.server.url(), "/no-such-page", world.anchors());
    assert!(matches!(elsewhere.login(&login(right())), Err(LoginError::Refused { status: 404 })));
}

/// A TLS server of the house that asks nobody who he is, and answers each connection with the same bytes.
fn stubborn(
    world: &World,
    answer: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> (String, std::thread::JoinHandle<()>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let (key, chain) = world.house.tls_identity().unwrap();
    let chain = chain.iter().map(|one| CertificateDer::from(one.der.clone())).collect();
    let key = PrivateKeyDer::Pkcs8(key.to_pkcs8().unwrap().to_vec().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
        let _ = tls.read(&mut [0; 4096]);
        for part in answer {
            if tls.write_all(&part).is_err() {
                return;
            }
        }
        tls.conn.send_close_notify();
        let _ = tls.flush();
    });
    (format!("https://{address}"), thread)
}

#[test]
fn a_server_that_asks_for_no_certificate_proves_nothing() {
    use obnova_client::{Login, LoginProof};

    let world = World::new(KeyAlgorithm::P256);
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let slot = &card.slots[0];
    let friendly = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome".to_vec();
    let (url, thread) = stubborn(&world, std::iter::once(friendly));
    let login = Login {
        token: &world.token,
        slot: slot.id,
        key: slot.key.as_ref().unwrap(),
        certificate: slot.certificates[0].certificate.as_ref().unwrap(),
        pin: obnova_card::Pin::new(obnova_card::Secret::from(common::support::AUTHENTICATION_PIN)),
    };
    let error = TlsLogin::new(&url, "/login", world.anchors()).login(&login).unwrap_err();
    assert!(matches!(error, LoginError::Nobody(_)), "{error}");
    thread.join().unwrap();
}

#[test]
fn a_card_that_signs_by_pkcs1_only_is_not_let_in_as_nobody() {
    use obnova_algorithm::{Digest, SignatureAlgorithm};
    use obnova_client::{Login, LoginProof};

    let world = World::new(KeyAlgorithm::Rsa2048);
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let slot = &card.slots[0];
    let mut key = slot.key.clone().unwrap();
    key.signs = vec![SignatureAlgorithm::RsaPkcs1(Digest::Sha256)];
    let login = Login {
        token: &world.token,
        slot: slot.id,
        key: &key,
        certificate: slot.certificates[0].certificate.as_ref().unwrap(),
        pin: obnova_card::Pin::new(obnova_card::Secret::from(common::support::AUTHENTICATION_PIN)),
    };
    let seen = TlsLogin::new(&world.server.url(), "/login", world.anchors()).login(&login).unwrap();
    assert!(seen.contains("Jana"), "by TLS 1.2, since TLS 1.3 would have let nobody in: {seen}");
}
