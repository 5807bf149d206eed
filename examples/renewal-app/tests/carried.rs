#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Passwords, transport PINs, tokens and links that go from one program to another: after their use they are in the memory of
//! neither, and in nothing that was written or shown.

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../reference-ca/tests/common/relay.rs"]
mod relay;
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use obnova_client::{
    Https,
    enroll::est::{Headers, HttpRequest, Method},
    renewal::ParsedCertificate,
    tls_config,
};
use relay::Relay;
use serde_json::{Value, json};
use support::{
    Desk, Said,
    ca::House,
    dump,
    planted::Search,
    terminal::{Terminal, seen_by_others},
};
use x509_cert::Certificate;

/// Secrets that occur nowhere by chance.
const PINS: [&str; 3] = ["Vd3kLq8Z", "Hn6wRb2X", "Cz9tMf4J"];
const REVOCATION: &str = "Xylofon7Quaggy9Vrba";
const GUESS: &str = "Kralik5Bodlak3Fjord";
const TRANSPORT: &str = "Qx7vT73p";
const OTHER_TRANSPORT: &str = "Wb3kT28q";
const WRONG_TOKEN: &str = "Wq8ePlantedToken3Zx5";
const PASSPHRASE: &str = "Svestka6Gejzir2Plaz";
const RELAY_PASSWORD: &str = "Jezevec6Mlha4Pampa";
const LAST_YEARS: &str = "Sojka3Ozvena8Tundra";
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

/// Where people keep them. The only places where they may be found.
const OWN: [&str; 7] = ["pin", "pin2", "puk", "once", "other", "revocation", "guess"];

/// A CA of one certificate by plain EST, whose server forgets nothing that it does not wipe.
fn set_up(desk: &Desk) -> House<'_> {
    let mut house = House::open(desk);
    for (file, secret) in OWN.into_iter().zip(PINS) {
        desk.write(file, secret);
    }
    for (file, secret) in [("revocation", REVOCATION), ("guess", GUESS)] {
        desk.write(file, secret);
    }
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    house.change_policy(|policy| {
        [
            ("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]"),
            ("password_alone = false", "password_alone = true"),
            ("open = false", "open = true"),
        ]
        .iter()
        .fold(policy, |policy, (from, to)| policy.replace(from, to))
    });
    house.forget_nothing();
    house
}

/// Whoever talks to the server without a program of ours.
struct Line {
    https: Https,
    token: String,
}

impl Line {
    fn new(desk: &Desk, house: &House<'_>) -> Self {
        let root = Certificate::load_pem_chain(&fs::read(desk.file("ca/root.pem")).unwrap()).unwrap();
        let anchors: Vec<_> = root.iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect();
        let https = Https::new(&house.url, tls_config(&anchors).unwrap()).unwrap();
        let token = fs::read_to_string(desk.file("ca/operator.token")).unwrap().trim().to_owned();
        Self { https, token }
    }

    fn ask(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut headers = Headers::from_iter([("Content-Type", "application/json"), ("Accept", "application/json")]);
        if let Some(token) = token {
            headers.set("Authorization", &format!("Bearer {token}"));
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.https.exchange(&HttpRequest { method, path: path.into(), headers, body }).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    fn step(&self, id: &str, step: &str, body: &Value, status: u16) -> Value {
        let path = format!("/api/operator/applicants/{id}/{step}");
        let (found, answer) = self.ask(Method::Post, &path, Some(&self.token), body);
        assert_eq!(found, status, "{step}: {answer}");
        answer
    }
}

/// The link of this kind in a mail of the CA.
fn mailed(desk: &Desk, house: &House<'_>, kind: &str) -> String {
    loop {
        let mails = fs::read_dir(desk.file("ca/mail")).into_iter().flatten();
        let texts = mails.map(|mail| fs::read_to_string(mail.unwrap().path()).unwrap().replace("=\r\n", ""));
        let link = texts.into_iter().find_map(|text| {
            let at = text.find(&format!("/{kind}/"))?;
            Some(text[at..].split_whitespace().next().unwrap().to_owned())
        });
        if let Some(link) = link {
            return link;
        }
        house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
    }
}

/// What was no secret is there: this is the memory of that program, with what it had given back.
#[track_caller]
fn assert_is_of(memory: &[u8], text: &str) {
    assert!(aho_corasick::AhoCorasick::new([text]).unwrap().is_match(memory), "{text} is not in the memory");
}

/// Runs a command, and finds no secret in what it printed and in what it leaves in its memory.
#[track_caller]
fn run(desk: &Desk, search: &Search, arguments: &[&str], code: i32) -> Said {
    let dump::Dumped { said, memory } = dump::at_the_end(&desk.command(arguments), Stdio::null());
    let said = said.ends_with(code);
    search.assert_absent(&format!("what {arguments:?} printed"), format!("{}{}", said.out, said.err));
    assert_is_of(&memory, "XDG_STATE_HOME");
    search.assert_absent(&format!("the memory of {arguments:?}"), memory);
    said
}

#[test]
fn what_is_sent_is_left_in_no_memory_of_either_side() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let [once, other] = ["jana", "petr"].map(|user| house.hand_out(user));
    for (file, password) in [("once", &once), ("other", &other)] {
        desk.write(file, password);
    }
    let line = Line::new(&desk, &house);
    // As they are shown, and as they are hashed.
    let as_typed = [&once, &other].map(|password| password.replace('-', ""));
    let fixed = PINS.into_iter().chain([REVOCATION, GUESS, TRANSPORT, OTHER_TRANSPORT, &line.token, WRONG_TOKEN]);
    let search = Search::new(fixed.chain([once.as_str(), &other]).chain(as_typed.iter().map(String::as_str)));

    // The holder's program, by plain EST, with the password of somebody else first.
    let options = house.options();
    let card = [&CARD[..], &PIN_FILES, &options].concat();
    let first = ["first", "--plain", "--service", "partner", "--user", "jana", "--yes", "--one-time-password-file"];
    run(&desk, &search, &[&first[..], &["other"], &card].concat(), 6);
    let resume = ["first", "--resume", "--yes", "--user", "jana", "--one-time-password-file", "once"];
    let resume = [&resume[..], &CARD, &PIN_FILES].concat();
    run(&desk, &search, &resume, 8);
    house.approve();
    run(&desk, &search, &resume, 0).says(&["first certificate is"]);
    let set = ["revocation-password", "--service", "partner", "--revocation-password-file"];
    let set = [&set[..], &["revocation"], &CARD, &PIN_FILES[..2], &options].concat();
    run(&desk, &search, &set, 0).says(&["is set"]);
    let list = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let list: Value = serde_json::from_str(&list.out).unwrap();
    let serial = list[0]["certificates"][0]["serial"].as_str().unwrap();

    // An applicant's card, with a transport PIN and the certificate of somebody else first.
    let jana = json!({ "name": "Jana Nováková", "email": "jana@example.cz", "country": "CZ" });
    let (status, registered) = line.ask(Method::Post, "/api/applicants", None, &jana);
    assert_eq!(status, 201, "{registered}");
    let id = registered["id"].as_str().unwrap();
    let confirm = mailed(&desk, &house, "confirm");
    assert_eq!(line.ask(Method::Post, &confirm, None, &Value::Null).0, 200);
    let shown = line.ask(Method::Get, &format!("/api/operator/applicants/{id}"), Some(&line.token), &Value::Null).1;
    line.step(id, "identity", &json!({ "operator": "Jan", "fingerprint": shown["fingerprint"] }), 200);
    for step in ["contract", "payment"] {
        line.step(id, step, &json!({ "operator": "Jan", "reference": "2026/7" }), 200);
    }
    let made = |serial: &str, pin: &str| json!({ "operator": "Jan", "card": "0042", "certificates": [serial], "transport_pin": pin });
    line.step(id, "card", &made("00ff", OTHER_TRANSPORT), 400);
    line.step(id, "card", &made(serial, TRANSPORT), 200);
    assert_eq!(line.ask(Method::Get, "/api/operator/applicants", Some(WRONG_TOKEN), &Value::Null).0, 401);

    // The page that revokes, with a wrong password first.
    let end = |password: &str| json!({ "serial": serial, "reason": "superseded", "password": password });
    assert_eq!(line.ask(Method::Post, "/revoke", None, &end(GUESS)).0, 403);
    assert_eq!(line.ask(Method::Post, "/revoke", None, &end(REVOCATION)).0, 200);

    // The connection of who asked last is open still, unless the server ended it.
    let memory = house.memory();
    assert_is_of(&memory, "keep_everything");
    search.assert_absent("the memory of the server", &memory);
    Search::new([confirm.rsplit('/').next().unwrap()]).assert_absent("the memory of the server", &memory);
    seen_by_others(house.server_process()).into_iter().for_each(|(place, seen)| search.assert_absent(&place, seen));
    drop(line);
    drop(house);
    for file in desk.files() {
        let name = file.to_str().unwrap();
        if !OWN.contains(&name) && name != "ca/operator.token" {
            search.assert_absent(name, fs::read(desk.file(name)).unwrap());
        }
    }
}

/// While it waits for the CA it needs neither password any more, and other programs see them at no time.
#[test]
fn who_waits_for_a_first_certificate_has_no_password_to_show() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let once = house.hand_out("jana");
    let plain = once.replace('-', "");
    let search = Search::new(PINS.into_iter().chain([REVOCATION, once.as_str(), &plain]));
    let first = ["first", "--wait", "--yes", "--service", "partner", "--user", "jana"];
    let mut command = desk.command([&first[..], &CARD, &house.options()].concat());
    command.env("LD_PRELOAD", dump::keep_everything());
    let mut terminal = Terminal::open(&command);
    let asked =
        ["One-time password", "Revocation password", "authentication PIN > ", "signature PIN > ", "Waiting for the CA"];
    let answers = [once.as_str(), REVOCATION, PINS[0], PINS[1]];
    let mut typed = [0; 4];
    loop {
        let which = terminal.wait_for(&asked);
        let Some(text) = answers.get(which) else { break };
        terminal.type_line(text);
        typed[which] += 1;
    }
    assert!(typed[0] == 1 && typed[1] == 2, "{typed:?}");
    for (place, seen) in seen_by_others(terminal.process()) {
        search.assert_absent(&place, seen);
    }
    let memory = dump::of(terminal.process());
    assert_is_of(&memory, "keep_everything");
    search.assert_absent("the memory of a program that waits", memory);
    search.assert_absent("the terminal", &terminal.shown);
    search.assert_absent("the memory of the server", house.memory());
}

#[test]
fn what_seals_a_backup_is_left_in_no_memory_and_shown_to_nobody() {
    let desk = Desk::new();
    let house = House::open(&desk);
    let file = desk.write("passphrase", PASSPHRASE);
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    desk.write("wrong", GUESS);
    fs::set_permissions(desk.file("wrong"), fs::Permissions::from_mode(0o600)).unwrap();
    let search = Search::new([PASSPHRASE, GUESS]);
    for (arguments, code) in [
        (["backup", "ca", "sealed", "--passphrase-file", "passphrase"], 0),
        (["restore", "sealed", "again", "--passphrase-file", "wrong"], 1),
        (["restore", "sealed", "again", "--passphrase-file", "passphrase"], 0),
    ] {
        let dump::Dumped { said, memory } = dump::at_the_end(&house.operators_command(&arguments), Stdio::null());
        assert_eq!((said.code, said.code == 0), (code, code == 0), "{}{}", said.out, said.err);
        search.assert_absent(&format!("what {arguments:?} printed"), format!("{}{}", said.out, said.err));
        assert_is_of(&memory, "--passphrase-file");
        search.assert_absent(&format!("the memory of {arguments:?}"), memory);
    }

    // While a backup is waited for that comes by a pipe: the program has what opens it, and other programs do not see it.
    let pipe = desk.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let restore = ["restore", "pipe", "third", "--passphrase-file", "passphrase"];
    let mut waits = house.operators_command(&restore);
    let waits = waits.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever writes waits for who reads.
    let backup = fs::File::options().write(true).open(&pipe).unwrap();
    let memory = dump::of(waits.id());
    assert!(search.found(memory).iter().any(|found| found.contains(PASSPHRASE)), "it does not have it now");
    seen_by_others(waits.id()).into_iter().for_each(|(place, seen)| search.assert_absent(&place, seen));
    drop(backup);
    let said = Said::from(waits.wait_with_output().unwrap()).ends_with(1);
    search.assert_absent("what it printed", format!("{}{}", said.out, said.err));
}

/// There while the relay takes its time, and gone with its answer.
#[test]
fn what_the_ca_logs_in_with_at_its_relay_is_kept_by_nobody() {
    let desk = Desk::new();
    let mut house = House::open(&desk);
    let home = desk.file("ca");
    let known = desk.write("known", RELAY_PASSWORD);
    let relay_arguments =
        [&relay::tls(&home)[..], &["--login", "obnova", known.to_str().unwrap()].map(str::to_owned)].concat();
    let relay = Relay::start(&desk.file("relay"), &relay_arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let at = |password: &str| {
        let file = desk.write("ca/relay.password", password);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    at(LAST_YEARS);
    let smtp = "tls = \"starttls\"\ntrust = \"root.pem\"\nuser = \"obnova\"\npassword_file = \"relay.password\"";
    let to = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\n{smtp}\n", relay.port);
    desk.write("ca/mail.toml", &format!("version = 1\nfrom = \"ca@example.cz\"\n{to}"));
    let search = Search::new([RELAY_PASSWORD, LAST_YEARS]);
    let absent = |place: &str, content: &[u8]| search.assert_absent(place, content);

    // The server, with one that the relay refuses and repeats.
    house.forget_nothing();
    let applies = ["applicant", "ca", "register", "--name", "Jana", "--email", "jana@example.cz", "--country", "CZ"];
    house.operator(&applies).ends_with(0);
    let listed = || house.operator(&["mail", "ca", "list", "--json"]).ends_with(0).out;
    while !listed().contains("535") {}
    absent("the list of mails", listed().as_bytes());
    absent("the memory of the server that was refused", &house.memory());
    house.kill();

    // The operator's program.
    let again = |house: &House<'_>| house.operator(&["mail", "ca", "retry", "1"]).ends_with(0);
    again(&house);
    let send = house.operators_command(&["mail", "ca", "send", "--once"]);
    let dump::Dumped { said, memory } = dump::at_the_end(&send, Stdio::null());
    let said = said.ends_with(1);
    said.says(&["0 sent, 1 not"]);
    absent("what it printed", format!("{}{}", said.out, said.err).as_bytes());
    assert_is_of(&memory, "relay.password");
    absent("the memory of who sends", &memory);

    // The right one, in a server that waits for the answer, and then has sent.
    at(RELAY_PASSWORD);
    again(&house);
    relay.hold();
    house.serve_again();
    while !relay.was_asked() {
        std::thread::yield_now();
    }
    seen_by_others(house.server_process()).into_iter().for_each(|(place, seen)| absent(&place, &seen));
    let memory = house.memory();
    relay.go_on();
    let found = search.found(memory).join("\n");
    assert!(found.contains(RELAY_PASSWORD) && !found.contains(LAST_YEARS), "it does not have it now: {found}");
    while relay.taken().is_empty() {
        std::thread::yield_now();
    }
    let memory = house.memory();
    assert_is_of(&memory, "keep_everything");
    assert_is_of(&memory, "relay.password");
    absent("the memory of the server that has sent", &memory);
    drop(house);
    let files = desk.files();
    assert!(["ca.log", "ca/ca.db", "ca/ca.db-wal"].iter().all(|name| files.contains(&name.into())), "{files:#?}");
    for file in files.iter().filter(|file| !["known", "ca/relay.password"].map(Path::new).contains(&file.as_path())) {
        absent(&file.display().to_string(), &fs::read(desk.file(file.to_str().unwrap())).unwrap());
    }
}
