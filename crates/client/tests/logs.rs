//! Everything that is logged below the client, at every level, and all that is said by errors and panics, while planted
//! passwords are used with both drivers. None is in it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../examples/renewal-app/tests/support/planted.rs"]
mod planted;

use std::{
    fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use common::{Face, Seat, clock_now};
use log::{LevelFilter, Log, Metadata, Record};
use obnova_ca::store::OrderState;
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, Pkcs11Token, ProfileToken, Secret, SlotId, Token,
    TokenError,
};
use obnova_client::{
    EstConnection, FileJournal, Https, Login, LoginError, LoginProof, SharedToken, TlsLogin, Turn, look, share,
    tls_config,
};
use obnova_reference_ca::{Running, Server, ServerConfig, house, house::House};
use obnova_renewal::{Pair, ParsedCertificate, Plan, Policy};
use obnova_simulator::{Personalisation, SimulatorConnection};
use planted::Search;

/// As long as the profile takes them.
const PIN: &str = "Zq7vkW2x";
const OLD_PIN: &str = "Jh4mXc9T";
const PUK: &str = "Ry6bDf3N";
const WRONG: &str = "Xa3rYj6P";
/// No secret: what is logged is found.
const MARKER: &str = "Gw8sLp5V";

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
const INSIDE: &str = "OBNOVA_TEST_LOGS";
const HOLDER: &str = "CN=Jana Nováková,SERIALNUMBER=PNOCZ-0001,C=CZ";

/// Takes down everything.
struct Paper(Mutex<Vec<u8>>);

impl Log for Paper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut paper = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(paper, "{} {} {}", record.level(), record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

static PAPER: Paper = Paper(Mutex::new(Vec::new()));

#[test]
fn no_log_no_error_and_no_panic_has_a_secret() {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return live(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tokens")).unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens").display().to_string();
    fs::write(&configuration, format!("directories.tokendir = {tokens}\nobjectstore.backend = file\n")).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "holder", "--pin", OLD_PIN, "--so-pin", "56785678"])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .expect(MISSING);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_log_no_error_and_no_panic_has_a_secret", "--nocapture", "--test-threads=1"])
        .env("SOFTHSM2_CONF", &configuration)
        .env(INSIDE, folder.path())
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let [out, err] = [&child.stdout, &child.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();

    // There was something to search: both sides of the TLS connections, the HTTP client with its addresses, errors, panics.
    for said in [" rustls::client", " rustls::server", " ureq", "TRACE ", "DEBUG ", "/.well-known/est/fullcmc", MARKER]
    {
        assert!(log.contains(said), "{said} is not in the log:\n{log}");
    }
    assert_eq!(out.matches("is wrong (tries left").count(), 4, "{out}");
    assert_eq!(err.matches("the door is broken").count(), 2, "{err}");
    assert!(err.contains("obnova_client::runner"), "no backtrace: {err}");
    println!("searched {} lines of log", log.lines().count());

    let search = Search::new([PIN, OLD_PIN, PUK, WRONG]);
    search.assert_absent("the log", &log);
    search.assert_absent("what was printed", &out);
    search.assert_absent("the panics", &err);
}

/// The program inside: everything that takes a password, with a card of the profile and one behind a PKCS#11 module.
fn live(folder: &Path) {
    log::set_logger(&PAPER).unwrap();
    log::set_max_level(LevelFilter::max());
    assert_eq!(log::STATIC_MAX_LEVEL, LevelFilter::Trace, "no level is compiled out");
    log::trace!("{MARKER}");

    house::init(
        &folder.join("ca"),
        &house::InitOptions { backdate_days: 366, ..Default::default() },
        SystemTime::now(),
    )
    .unwrap();
    let house = Arc::new(House::open(&folder.join("ca")).unwrap());
    let server = Server::start(ServerConfig::new(house.clone())).unwrap();

    let active = [OLD_PIN, PIN, PUK].map(str::as_bytes);
    let card = Personalisation::new("OBN1").active(active[0], active[1], active[2]).finish().unwrap();
    let mut profile = ProfileToken::new(SimulatorConnection::new(card));
    for _ in 0..2 {
        told(profile.unblock_password(PasswordKind::SignaturePin, &pin(WRONG), &Secret::from(PIN)).unwrap_err());
    }
    profile.unblock_password(PasswordKind::SignaturePin, &pin(PUK), &Secret::from(PIN)).unwrap();
    let uri = format!("pkcs11:token=holder?module-path={MODULE}").parse().unwrap();
    renew(&house, &server, profile, &folder.join("profile"));
    renew(&house, &server, Pkcs11Token::open(&uri).unwrap(), &folder.join("pkcs11"));
    fs::write(folder.join("log"), &*PAPER.0.lock().unwrap()).unwrap();
}

/// One renewal from the first pair on, told a wrong PIN first and with a panic in the middle.
fn renew(house: &House, server: &Running, mut token: impl Token + 'static, journals: &Path) {
    let kind = PasswordKind::AuthenticationPin;
    told(token.change_password(kind, &pin(WRONG), &Secret::from(PIN)).unwrap_err());
    token.change_password(kind, &pin(OLD_PIN), &Secret::from(PIN)).unwrap();
    personalise(&mut token, house);

    let place = Place { house, server, token: share(token), journals: journals.to_owned() };
    let mut face = Face { wrong: [vec![WRONG], vec![PIN; 20]].concat(), ..Face::default() };
    let mut login = TlsLogin::new(&server.url(), "/login", place.anchors());
    assert!(matches!(place.run(&mut face, &mut login), Turn::Waits(_)));
    for order in house.ca().list(Some(OrderState::Pending), 10).unwrap() {
        house.ca().approve(&order.transaction, SystemTime::now()).unwrap();
    }
    // Somebody else's code that panics with the PIN in its hands, and the PIN in those of everybody above it.
    assert!(catch_unwind(AssertUnwindSafe(|| place.run(&mut face, &mut Breaks))).is_err());
    let done = place.run(&mut face, &mut login);
    assert!(matches!(done, Turn::Done(_)), "{done:?}");
}

struct Place<'a> {
    house: &'a House,
    server: &'a Running,
    token: SharedToken,
    journals: PathBuf,
}

impl Place<'_> {
    fn anchors(&self) -> Vec<ParsedCertificate> {
        self.house.trust_anchors().iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect()
    }

    fn run(&self, face: &mut Face, login: &mut dyn LoginProof) -> Turn {
        let https = Https::new(&self.server.url(), tls_config(&self.anchors()).unwrap()).unwrap();
        let mut ca = EstConnection::new(https, self.anchors()).unwrap();
        let plan = FileJournal::list(&self.journals).unwrap().is_empty().then(|| {
            let card = look(self.token.lock().unwrap().as_mut()).unwrap();
            Plan::make(&card, &Policy::twins(), SystemTime::now()).unwrap()
        });
        let seat = Seat { token: self.token.clone(), journals: self.journals.clone(), clock: &clock_now };
        seat.with_runner(&mut ca, face, login, plan, |runner| runner.run()).unwrap().unwrap()
    }
}

struct Breaks;

impl LoginProof for Breaks {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginError> {
        assert!(login.pin.secret == Secret::from(PIN), "another PIN");
        panic!("the door is broken");
    }
}

/// The first pair of a holder, whatever the driver.
fn personalise(token: &mut dyn Token, house: &House) {
    let place = |role| match role {
        KeyRole::Authentication => (SlotId(1), "Authentication".to_owned()),
        KeyRole::Signature => (SlotId(2), "Signature".to_owned()),
    };
    let keys = Pair::from_fn(|role| {
        let (slot, label) = place(role);
        let algorithm = obnova_algorithm::KeyAlgorithm::P256;
        token.generate(&GenerateKey { slot, role, algorithm, label }, &pin(PIN)).unwrap()
    });
    let holder = house::Holder { name: HOLDER.into(), email: "jana@example.cz".into() };
    let [authentication, signature] = [KeyRole::Authentication, KeyRole::Signature].map(|role| keys.get(role));
    let first = house.first_pair(&holder, authentication, signature, 20, SystemTime::now()).unwrap();
    let jobs = [(KeyRole::Authentication, first.authentication), (KeyRole::Signature, first.signature)];
    let jobs = jobs.map(|(role, certificate)| {
        let (slot, label) = place(role);
        InstallCertificate { slot, certificate: certificate.der, label }
    });
    token.install(&jobs, &[], &pin(PIN)).unwrap();
}

fn pin(text: &str) -> Pin {
    Pin::new(Secret::from(text))
}

/// All that an error says.
fn told(error: TokenError) {
    println!("{error}\n{error:?}\n{error:#?}");
}
