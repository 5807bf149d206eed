//! Everything that is logged below the client, at every level, and all that is said by errors and panics, while planted
//! passwords are used with both drivers. None is in it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../examples/renewal-app/tests/support/planted.rs"]
mod planted;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../examples/reference-ca/tests/common/relay.rs"]
mod relay;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use common::{Face, Seat, clock_now};
use log::{LevelFilter, Log, Metadata, Record};
use obnova_ca::{Mail, MailKind, Text, store::OrderState};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, Pkcs11Token, ProfileToken, Secret, SlotId, Token,
};
use obnova_client::{
    CaError, EstConnection, FileJournal, HttpExchange, Https, Login, LoginError, LoginProof, PickUpLink, PlainHttp,
    Revocation, RevocationReason, SharedToken, TlsLogin, Turn,
    enroll::{
        self,
        cmc::UserId,
        est::{self, Credentials, Headers, HttpRequest, HttpResponse, Method, Site},
    },
    follow_link, look, revoke_by_password, share, tls_config,
};
use obnova_reference_ca::{Running, Server, ServerConfig, house, house::House, mail::Postman};
use obnova_renewal::{Pair, ParsedCertificate, Plan, Policy};
use obnova_simulator::{Personalisation, SimulatorConnection};
use planted::Search;
use relay::Relay;

/// As long as the profile takes them.
const PIN: &str = "Zq7vkW2x";
const OLD_PIN: &str = "Jh4mXc9T";
const PUK: &str = "Ry6bDf3N";
const WRONG: &str = "Xa3rYj6P";
const ONE_TIME: &str = "XK7QM-4TRWZ-9HVBC-2PLDN";
const REVOCATION: &str = "Xylofon7Quaggy9Vrba";
const RELAY_PASSWORD: &str = "Jezevec6Mlha4Pampa";
const LAST_YEARS: &str = "Sojka3Ozvena8Tundra";
/// What a mailed link ends with.
const LINK: &str = "5e1f9c07d3a84b62f0b7a91c6d2e8345f7c0190b";
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
    for said in [" rustls::client", " rustls::server", " cryptoki", "TRACE ", "DEBUG ", MARKER] {
        assert!(log.contains(said), "{said} is not in the log:\n{log}");
    }
    let bytes = undumped(&log);
    assert!(!Search::new([MARKER_OF_BYTES]).found(&bytes).is_empty(), "bytes in rows are not put together");
    assert_eq!(out.matches("is wrong (tries left").count(), 4, "{out}");
    assert_eq!(err.matches("the door is broken").count(), 2, "{err}");
    assert_eq!(err.matches("the line is broken").count(), 3, "{err}");
    assert!(err.contains("obnova_client::runner"), "no backtrace: {err}");
    println!("searched {} lines of log", log.lines().count());

    let plain = ONE_TIME.replace('-', "");
    let secrets = [PIN, OLD_PIN, PUK, WRONG, ONE_TIME, &plain, REVOCATION, LINK, RELAY_PASSWORD, LAST_YEARS];
    let search = Search::new(secrets);
    search.assert_absent("the log", &log);
    search.assert_absent("bytes in the log", &bytes);
    search.assert_absent("what was printed", &out);
    search.assert_absent("the panics", &err);
}

/// The program inside: everything that takes a password, with a card of the profile and one behind a PKCS#11 module.
fn live(folder: &Path) {
    log::set_logger(&PAPER).unwrap();
    log::set_max_level(LevelFilter::max());
    assert_eq!(log::STATIC_MAX_LEVEL, LevelFilter::Trace, "no level is compiled out");
    log::trace!("{MARKER}");
    MARKER_OF_BYTES.as_bytes().chunks(16).for_each(|row| log::trace!("{}", rows(row)));

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
    send(&house, &server);
    mail(&house, folder);
    fs::write(folder.join("log"), &*PAPER.0.lock().unwrap()).unwrap();
}

/// What is sent by all roads: a one-time password, a revocation password, links; and each with a panic in the middle.
fn send(house: &House, server: &Running) {
    let anchors: Vec<_> = house.trust_anchors().iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect();
    let https = || Https::new(&server.url(), tls_config(&anchors).unwrap()).unwrap();
    let site = Site::parse(server.url().trim_end_matches('/')).unwrap();
    let secret = |text: &str| enroll::Secret::from_bytes(text.as_bytes()).unwrap();
    let who = Credentials::new(UserId::new("jana").unwrap(), secret(ONE_TIME)).unwrap();
    let asking = est::Client::new().basic(&site, who).csrattrs_request();
    let body = format!("{{\"serial\": \"0a\", \"reason\": \"superseded\", \"password\": \"{REVOCATION}\"}}");
    let headers = Headers::from_iter([("Content-Type", "application/json")]);
    let ending = HttpRequest { method: Method::Post, path: "/revoke".into(), headers, body: body.into_bytes() };
    for request in [&asking, &ending] {
        let answer = https().exchange(request).unwrap();
        println!("{request:?} {answer:?} {:?}", https());
        assert!(catch_unwind(AssertUnwindSafe(|| Collapses.exchange(request))).is_err());
    }
    let password = Secret::from(REVOCATION);
    let reason = RevocationReason::Superseded;
    let wanted = Revocation { serial: "0a", reason, password: Some(&password) };
    let mut ca = EstConnection::new(https(), anchors.clone()).unwrap();
    told(revoke_by_password(&mut ca, &PlainHttp::default(), &wanted).unwrap_err());
    let link = |kind: &str| format!("{}/{kind}/{LINK}", server.url().trim_end_matches('/'));
    told(follow_link(&link("pickup"), &anchors).unwrap_err());
    told(follow_link(&link("renew"), &anchors).unwrap_err());
    let open = || PickUpLink::open_over(Collapses, &link("pickup"), &anchors);
    assert!(catch_unwind(AssertUnwindSafe(open)).is_err());
}

/// What the CA logs in with at its relay: one that is refused and repeated, then the right one.
fn mail(house: &Arc<House>, folder: &Path) {
    let home = folder.join("ca");
    let known = folder.join("known");
    fs::write(&known, RELAY_PASSWORD).unwrap();
    let arguments =
        [&relay::tls(&home)[..], &["--login", "obnova", known.to_str().unwrap()].map(str::to_owned)].concat();
    let relay = Relay::start(&folder.join("relay"), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let smtp = "tls = \"starttls\"\ntrust = \"root.pem\"\nuser = \"obnova\"\npassword_file = \"relay.password\"";
    let to = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\n{smtp}\n", relay.port);
    fs::write(home.join("mail.toml"), format!("version = 1\nfrom = \"ca@example.cz\"\n{to}")).unwrap();
    let (now, outbox) = (SystemTime::now(), house.outbox().unwrap());
    let text = Text { subject: "Relay".into(), body: "By a login.\n".into() };
    let mail = Mail::new("relay", MailKind::Notice, "jana@example.cz".parse().unwrap(), text).unwrap();
    outbox.post(&mail, now).unwrap();
    for password in [LAST_YEARS, RELAY_PASSWORD] {
        fs::write(home.join("relay.password"), password).unwrap();
        fs::set_permissions(home.join("relay.password"), fs::Permissions::from_mode(0o600)).unwrap();
        let postman = Postman::new(house.clone()).unwrap();
        postman.deliver(&|| now, &|delivery| println!("{delivery} {delivery:?}")).unwrap();
        println!("{postman:?} {:?}", outbox.list(None, 9).unwrap());
        let number = outbox.list(None, 9).unwrap().iter().find(|mail| mail.key == "relay").unwrap().id;
        outbox.retry(number, now).unwrap();
    }
    assert!(relay.taken().iter().any(|mail| mail.contains("By a login.")));
}

/// A network stack that panics with the request in its hands.
struct Collapses;

impl HttpExchange for Collapses {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        panic!("the line is broken at {request:?}")
    }
}

/// No secret, and logged in rows of bytes only.
const MARKER_OF_BYTES: &str = "Nosorozec4Bylina8Kvadr";

/// Sixteen bytes as some libraries log them.
fn rows(bytes: &[u8]) -> String {
    let pairs = bytes.chunks(2).map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    pairs.collect::<Vec<_>>().join(" ") + "  and what of it can be shown"
}

/// The bytes that stand in rows of hexadecimal digits, put together as they were before.
fn undumped(log: &str) -> Vec<u8> {
    let is_row = |word: &&str| word.len().is_multiple_of(2) && word.bytes().all(|digit| digit.is_ascii_hexdigit());
    // After the level and the target.
    let words = log.lines().flat_map(|line| line.split_whitespace().skip(2).take_while(is_row));
    let digits = words.flat_map(|word| word.as_bytes().chunks(2));
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn a_password_in_rows_of_bytes_is_found() {
    let encoded = b"Authorization: Basic amFuYTpYSzdRTS00VFJXWi05SFZCQy0yUExETg==";
    let log: String = encoded.chunks(16).map(|row| format!("TRACE http::util {}\n", rows(row))).collect();
    let search = Search::new([ONE_TIME]);
    assert!(search.found(&log).is_empty(), "it is found without that already");
    assert!(!search.found(undumped(&log)).is_empty());
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
fn told(error: impl std::error::Error) {
    println!("{error}\n{error:?}\n{error:#?}");
}
