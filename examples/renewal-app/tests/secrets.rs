#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Secrets are planted, the real programs use them, and they are searched for in everything that was written or shown, and in
//! the programs' memory after their use.

mod support;

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use obnova_card::{PasswordKind, Pin, ProfileToken, Secret, Token as _, TokenError};
use obnova_profile::TransportPinModel;
use obnova_reference_ca::house::{self, Passphrase};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{CardTransport, Decorated, Decorator, Record, TransportError};
use support::{
    Desk, Said,
    ca::{self, House},
    dump,
    planted::{Search, random},
    terminal::{Terminal, seen_by_others},
};

/// As long as the profile takes them; new ones have digits only, as the rules want them.
const PIN: &str = "Zq7vkW2x";
const SIGNATURE_PIN: &str = "Jh4mXc9T";
const PUK: &str = "Ry6bDf3N";
const NEW_PIN: &str = "63917408";
const NEW_SIGNATURE_PIN: &str = "29580714";
const NEW_PUK: &str = "85043691";
const WRONG: &str = "Xa3rYj6P";

/// Where the holder keeps his passwords. The one place where they may be found.
const OWN: &str = "own";

/// `obnova`, run to its end and then searched from top to bottom.
struct Watched<'a> {
    desk: &'a Desk,
    search: Search,
    /// The card, and what else each command is told.
    card: Vec<String>,
}

impl<'a> Watched<'a> {
    fn new(desk: &'a Desk, card: &[&str]) -> Self {
        let secrets = [PIN, SIGNATURE_PIN, PUK, NEW_PIN, NEW_SIGNATURE_PIN, NEW_PUK, WRONG, LONG_PIN, NEW_LONG_PIN];
        Self { desk, search: Search::new(secrets), card: card.iter().map(|&word| word.to_owned()).collect() }
    }

    /// A command with every log that could be asked for.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.desk.command(arguments.iter().copied().chain(self.card.iter().map(String::as_str)));
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("OBNOVA_LOG", "trace");
        command
    }

    /// Runs a command, and finds no secret in what it printed and in what it leaves in its memory.
    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> Said {
        self.run_with(arguments, Stdio::null(), code)
    }

    #[track_caller]
    fn run_with(&self, arguments: &[&str], input: Stdio, code: i32) -> Said {
        self.check(dump::at_the_end(&self.command(arguments), input), arguments, code)
    }

    #[track_caller]
    fn check(&self, dumped: dump::Dumped, arguments: &[&str], code: i32) -> Said {
        let dump::Dumped { said, memory } = dumped;
        let said = said.ends_with(code);
        self.search.assert_absent(&format!("standard output of {arguments:?}"), &said.out);
        self.search.assert_absent(&format!("standard error of {arguments:?}"), &said.err);
        // What was no secret is there: this is the memory of that program, with what it had given back.
        for word in arguments.iter().chain(&["XDG_STATE_HOME"]) {
            assert!(contains(&memory, word), "{word} is not in the memory of {arguments:?}");
        }
        self.search.assert_absent(&format!("the memory of {arguments:?} after use"), &memory);
        said
    }

    /// Finds no secret in any file but the holder's own.
    fn search_files(&self, expected: &[&str]) {
        let files = self.desk.files();
        for wanted in expected {
            let there = files.iter().any(|file| file.to_str().is_some_and(|file| file.ends_with(wanted)));
            assert!(there, "there is no {wanted} to search: {files:#?}");
        }
        for file in files.iter().filter(|file| !file.starts_with(OWN)) {
            self.search.assert_absent(&file.display().to_string(), fs::read(self.desk.path().join(file)).unwrap());
        }
    }
}

fn contains(content: &[u8], text: &str) -> bool {
    aho_corasick::AhoCorasick::new([text]).unwrap().is_match(content)
}

/// The holder's passwords, each in a file.
fn write_passwords(desk: &Desk) {
    fs::create_dir(desk.file(OWN)).unwrap();
    for (name, secret) in [
        ("pin", PIN),
        ("signature", SIGNATURE_PIN),
        ("puk", PUK),
        ("new-pin", NEW_PIN),
        ("new-signature", NEW_SIGNATURE_PIN),
        ("new-puk", NEW_PUK),
        ("wrong", WRONG),
    ] {
        desk.write(&format!("{OWN}/{name}"), &format!("{secret}\n"));
    }
}

const PINS: [&str; 4] = ["--pin-file", "own/pin", "--signature-pin-file", "own/signature"];

/// Makes a card of the house, with the planted passwords.
fn new_card(watched: &Watched<'_>, more: &[&str]) {
    let card = ["simulator", "new", "card.state", "--puk-file", "own/puk"];
    watched.run(&[&card[..], &PINS, more].concat(), 0);
}

/// Everything that a holder does with passwords.
fn live(watched: &Watched<'_>, house: &House<'_>) {
    let ca = house.options();
    let change = |what: &str, old: &str, new: &str, code: i32| {
        let option = match what {
            "puk" => "--puk-file",
            "signature" => "--signature-pin-file",
            _ => "--pin-file",
        };
        watched.run(&["pin", "change", what, option, old, "--new-pin-file", new], code)
    };
    change("authentication", "own/wrong", "own/new-pin", 4);
    change("authentication", "own/pin", "own/new-pin", 0);
    change("puk", "own/puk", "own/new-puk", 0);
    for last in [false, false, true] {
        let spend: &[&str] = if last { &["--spend-last-try"] } else { &[] };
        let wrong =
            ["pin", "change", "signature", "--signature-pin-file", "own/wrong", "--new-pin-file", "own/new-signature"];
        watched.run(&[&wrong[..], spend].concat(), 4);
    }
    let unblock = ["pin", "unblock", "signature", "--puk-file", "own/new-puk", "--new-pin-file", "own/new-signature"];
    watched.run(&unblock, 0);

    // From a pipe, in a renewal that is told wrong first, and whose card is then asked again.
    let trace = ["--trace", "trace"];
    let wrong = ["renew", "--yes", "--pin-file", "own/wrong", "--signature-pin-file", "own/new-signature"];
    watched.run(&[&wrong[..], &ca, &["--trace", "wrong.trace"]].concat(), 4);
    watched.desk.write("own/both", &format!("{NEW_PIN}\n{NEW_SIGNATURE_PIN}\n"));
    let piped = || Stdio::from(File::open(watched.desk.file("own/both")).unwrap());
    let resume = ["renew", "--resume", "--pin-fd", "0", "--signature-pin-fd", "0"];
    watched.run_with(&[&resume[..], &trace].concat(), piped(), 8).says(&["Accepted, pending"]);
    house.approve();
    let said = watched.run_with(&[&resume[..], &["--trace", "resume.trace"]].concat(), piped(), 0);
    said.says(&["TLS login", "signature key was made and verified", "Renewed"]);
    let clean = ["card", "clean", "--pin-file", "own/new-pin", "--confirm", "Authentication", "--confirm", "Signature"];
    watched.run(&clean, 0).says(&["2 slots were emptied"]);
    let sent = fs::read_to_string(watched.desk.file("trace")).unwrap();
    assert!(sent.matches("> 00 20 00 01 [redacted]").count() >= 2, "VERIFY is in the trace:\n{sent}");
}

#[test]
fn no_secret_is_written_shown_or_left_in_memory() {
    let desk = Desk::new();
    let house = House::open(&desk);
    write_passwords(&desk);
    let card = Watched::new(&desk, &["--token", "sim:card.state"]);
    new_card(&Watched::new(&desk, &[]), &["--house", "ca"]);
    live(&card, &house);

    // A renewal that fails, of a card whose order is turned down, leaves a diagnosis.
    let another =
        ["simulator", "new", "other.state", "--house", "ca", "--serial", "OBN00000002", "--puk-file", "own/puk"];
    Watched::new(&desk, &[]).run(&[&another[..], &PINS].concat(), 0);
    let other = Watched::new(&desk, &["--token", "sim:other.state"]);
    other.run(&[&["renew", "--yes"], &PINS[..], &house.options()].concat(), 8);
    house.operator(&["reject", "ca", &house.pending(), "--reason", "the contract has ended"]).ends_with(0);
    let refused = other.run(&[&["renew", "--resume"], &PINS[..]].concat(), 6);
    assert!(refused.err.contains("the contract has ended"), "{}", refused.err);

    // The card's own file has what it needs to tell a right password from a wrong one, and no password.
    let files = [
        "renewal-1.journal",
        "renewal-2.diagnosis",
        "trace",
        "resume.trace",
        "ca.db",
        "ca.db-wal",
        "ca.log",
        "card.state",
    ];
    card.search_files(&files);
}

#[test]
fn a_secret_is_found_in_the_memory_of_a_program_that_uses_it() {
    let desk = Desk::new();
    write_passwords(&desk);
    let card = Watched::new(&desk, &["--token", "sim:card.state"]);
    new_card(&Watched::new(&desk, &[]), &["--empty"]);
    // The card writes into its file in the middle of the command that brings both.
    let change = ["pin", "change", "authentication", "--pin-file", "own/pin", "--new-pin-file", "own/new-pin"];
    let dump::Dumped { said, memory } = dump::at(&card.command(&change), Stdio::null(), "fsync");
    said.ends_with(0);
    let found = card.search.found(&memory).join("\n");
    assert!(found.contains(PIN) && found.contains(NEW_PIN) && !found.contains(PUK), "{found}");
}

#[test]
fn what_is_typed_is_neither_shown_nor_kept_while_the_ca_is_waited_for() {
    let desk = Desk::new();
    let house = House::open(&desk);
    write_passwords(&desk);
    new_card(&Watched::new(&desk, &[]), &["--house", "ca"]);
    let card = Watched::new(&desk, &["--token", "sim:card.state"]);
    let mut command = card.command(&[&["renew", "--wait"], &house.options()[..]].concat());
    command.env("LD_PRELOAD", dump::keep_everything());
    let mut terminal = Terminal::open(&command);
    terminal.wait_for(&["Type \"yes\":"]);
    terminal.type_line("yes");
    let mut typed = [0; 2];
    loop {
        let which = terminal.wait_for(&["authentication PIN > ", "signature PIN > ", "Waiting for the CA"]);
        match which {
            0 => terminal.type_line(PIN),
            1 => terminal.type_line(SIGNATURE_PIN),
            _ => break,
        }
        typed[which] += 1;
    }
    assert_eq!(typed, [2, 1], "asked for by reason: the keys, and the order");
    let process = terminal.process();
    for (place, content) in seen_by_others(process) {
        card.search.assert_absent(&place, content);
    }
    let memory = dump::of(process);
    assert!(contains(&memory, "card.state") && contains(&memory, "keep_everything"));
    card.search.assert_absent("the memory of a program that waits", memory);
    card.search.assert_absent("the terminal", &terminal.shown);
    drop(terminal);
    card.search_files(&["renewal-1.journal", "typescript", "ca.db-wal"]);
}

/// First PINs and a PUK of a card that arrives inactive: digits, since a pad has no others.
const FIRST: [&str; 3] = ["84062973", "59318460", "27940635"];
const TRANSPORT: &str = "Tp6rVz9K";
const OTHER_TRANSPORT: &str = "Bn3mYc7H";

/// A card that arrives inactive, and what its holder got with it.
fn arrived<'a>(desk: &'a Desk, card: &str, model: &str) -> Watched<'a> {
    let search = || Search::new(FIRST.into_iter().chain([TRANSPORT, OTHER_TRANSPORT]));
    let maker = Watched { search: search(), ..Watched::new(desk, &[]) };
    let transport = ["--transport-pin-file", "own/transport"];
    maker.run(&[&["simulator", "new", card, "--inactive", model], &transport[..]].concat(), 0);
    Watched { search: search(), ..Watched::new(desk, &["--token", &format!("sim:{card}")]) }
}

fn write_first_passwords(desk: &Desk) {
    fs::create_dir(desk.file(OWN)).unwrap();
    let [pin, signature, puk] = FIRST;
    desk.write(&format!("{OWN}/transport"), &format!("{TRANSPORT}\n"));
    desk.write(&format!("{OWN}/wrong"), &format!("{OTHER_TRANSPORT}\n"));
    desk.write(&format!("{OWN}/new"), &format!("{pin}\n{signature}\n{puk}\n"));
    desk.write(&format!("{OWN}/twice"), &format!("{pin}\n{pin}\n{puk}\n"));
}

#[test]
fn the_program_that_activates_a_card_leaves_no_secret() {
    let desk = Desk::new();
    write_first_passwords(&desk);
    let mut expected = Vec::new();
    for (model, wrong_ends_with) in [("separate", 4), ("must-change", 4), ("single-use", 3)] {
        let activate = |card: &Watched<'_>, new: &str, transport: &str, trace: &str, code: i32| {
            let new = ["--pin-file", new, "--signature-pin-file", new, "--puk-file", new];
            let transport = ["--transport-pin-file", transport, "--spend-last-try", "--trace", trace];
            card.run(&[&["card", "activate"], &new[..], &transport].concat(), code)
        };
        let [state, trace] = ["card", "trace"].map(|kind| format!("{model}.{kind}"));
        let card = arrived(&desk, &state, model);
        activate(&card, "own/twice", "own/transport", &format!("refused-{trace}"), 4);
        activate(&card, "own/new", "own/transport", &trace, 0).says(&["The card is active."]);
        activate(&card, "own/new", "own/transport", &format!("again-{trace}"), 0);
        // Another card, and the transport PIN of somebody else.
        let other = arrived(&desk, &format!("other-{state}"), model);
        activate(&other, "own/new", "own/wrong", &format!("wrong-{trace}"), wrong_ends_with);
        let sent = fs::read_to_string(desk.file(&trace)).unwrap();
        assert!(sent.matches("> 00 24 0").count() >= 3, "the new values went to the card:\n{sent}");
        expected.extend([state, trace.clone(), format!("wrong-{trace}"), format!("again-{trace}")]);
    }
    let card = Watched {
        search: Search::new(FIRST.into_iter().chain([TRANSPORT, OTHER_TRANSPORT])),
        ..Watched::new(&desk, &[])
    };
    card.search_files(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    // It is the right place to look: in the holder's own files they are.
    assert!(!card.search.found(fs::read(desk.file("own/new")).unwrap()).is_empty());
}

#[test]
fn what_is_typed_to_activate_a_card_is_neither_shown_nor_kept() {
    let desk = Desk::new();
    write_first_passwords(&desk);
    let card = arrived(&desk, "card.state", "separate");
    let mut command = card.command(&["card", "activate", "--trace", "trace"]);
    command.env("LD_PRELOAD", dump::keep_everything());
    let mut terminal = Terminal::open(&command);
    for (name, value) in ["authentication PIN", "signature PIN", "PUK"].into_iter().zip(FIRST) {
        terminal.wait_for(&[&format!("New {name}")]);
        terminal.type_line(value);
        terminal.wait_for(&["The same again"]);
        terminal.type_line(value);
    }
    terminal.wait_for(&["transport PIN > "]);
    terminal.type_line(OTHER_TRANSPORT);
    terminal.wait_for(&["The transport PIN was wrong."]);
    terminal.wait_for(&["transport PIN > "]);
    for (place, content) in seen_by_others(terminal.process()) {
        card.search.assert_absent(&place, content);
    }
    terminal.type_line(TRANSPORT);
    terminal.wait_for(&["The card is active."]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    card.search.assert_absent("the terminal", &shown);
    card.search_files(&["card.state", "trace", "typescript"]);
}

/// The child of the test below: a program made of the libraries, whose secrets come from files.
fn activate_and_panic(desk: &Path) {
    let read = |name: &str| {
        let mut file = File::open(desk.join(OWN).join(name)).unwrap();
        let mut secret = vec![0; PIN.len()];
        file.read_exact(&mut secret).unwrap();
        Secret::new(secret)
    };
    let new = || {
        vec![
            (PasswordKind::AuthenticationPin, read("pin")),
            (PasswordKind::SignaturePin, read("signature")),
            (PasswordKind::Puk, read("puk")),
        ]
    };
    for (model, name) in [(TransportPinModel::Separate, "separate"), (TransportPinModel::InPlace, "in-place")] {
        let maker = Personalisation::new("OBN1").inactive(model, read("transport").expose());
        let card = SimulatorConnection::new(maker.create(desk.join(name)).unwrap());
        let recorded = Record::to_writer(File::create(desk.join(format!("{name}.trace"))).unwrap());
        let mut token = ProfileToken::new(Decorated::new(card.clone(), recorded));
        let told = |error: TokenError| println!("{error} {error:?}");
        told(token.activate(&Pin::new(read("wrong")), &new()).unwrap_err());
        token.activate(&Pin::new(read("transport")), &new()).unwrap();
        println!("activated");
        told(token.activate(&Pin::new(read("transport")), &new()).unwrap_err());
        drop(token);

        // A driver of a reader that panics with the PIN in its hands, and the PIN in those of everybody above it.
        let mut token = ProfileToken::new(Decorated::new(card, Panics));
        let change =
            || token.change_password(PasswordKind::AuthenticationPin, &Pin::new(read("pin")), &read("new-pin"));
        assert!(catch_unwind(AssertUnwindSafe(change)).is_err());
    }

    // What seals a backup, told wrong first, and in the hands of whoever panics.
    let (now, sealed) = (SystemTime::now(), desk.join("sealed"));
    house::init(&desk.join("house"), &house::InitOptions::default(), now).unwrap();
    let seals = |name: &str| Passphrase::load(&desk.join(OWN).join(name)).unwrap();
    let seal = || {
        let passphrase = seals("passphrase");
        house::House::open(&desk.join("house")).unwrap().back_up(&sealed, Some(&passphrase), now).unwrap();
        panic!("the safe is broken");
    };
    assert!(catch_unwind(AssertUnwindSafe(seal)).is_err());
    let restore = |passphrase: &Passphrase, to| house::restore(&sealed, &desk.join(to), Some(passphrase), false, now);
    let wrong = restore(&seals("other-passphrase"), "nowhere").unwrap_err();
    println!("{wrong} {wrong:?}");
    restore(&seals("passphrase"), "back").unwrap();
    println!("restored");
}

struct Panics;

impl Decorator for Panics {
    fn transmit(&mut self, card: &mut dyn CardTransport, sent: &[u8], got: &mut Vec<u8>) -> Result<(), TransportError> {
        const CHANGE_REFERENCE_DATA: u8 = 0x24;
        assert_ne!(sent[1], CHANGE_REFERENCE_DATA, "the driver of the reader is broken");
        card.transmit(sent, got)
    }
}

#[test]
fn an_activation_and_a_panic_leave_no_secret() {
    const THIS: &str = "an_activation_and_a_panic_leave_no_secret";
    const CHILD: &str = "OBNOVA_TEST_DESK";
    if let Some(desk) = std::env::var_os(CHILD) {
        return activate_and_panic(Path::new(&desk));
    }
    let desk = Desk::new();
    fs::create_dir(desk.file(OWN)).unwrap();
    // Those that are planted elsewhere stand in this very program.
    let names = ["pin", "signature", "puk", "new-pin", "wrong", "transport"];
    let planted = names.map(|name| {
        let secret = random();
        desk.write(&format!("{OWN}/{name}"), &secret);
        secret
    });
    let passphrases = ["passphrase", "other-passphrase"].map(|name| {
        let secret = random() + &random();
        let file = desk.write(&format!("{OWN}/{name}"), &secret);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        secret
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", THIS, "--nocapture", "--test-threads=1"]).current_dir(desk.path());
    command.env(CHILD, desk.path()).env("RUST_BACKTRACE", "full");
    let dump::Dumped { said, memory } = dump::at_the_end(&command, Stdio::null());
    let said = said.ends_with(0);
    said.says(&["activated", "activated", "restored", "1 passed"]);
    assert!(said.err.contains("the safe is broken"), "{}", said.err);
    assert_eq!(said.err.matches("the driver of the reader is broken").count(), 2, "{}", said.err);
    assert!(contains(&memory, "in-place.trace"));
    let search = Search::new(planted.iter().chain(&passphrases).map(String::as_str));
    let watched = Watched { search, ..Watched::new(&desk, &[]) };
    watched.search.assert_absent("standard output", &said.out);
    watched.search.assert_absent("the panics", &said.err);
    watched.search.assert_absent("the memory after a panic", &memory);
    watched.search_files(&["separate", "in-place", "separate.trace", "in-place.trace", "sealed", "house/ca.db"]);
}

#[test]
fn what_is_typed_can_be_mended_and_broken_off() {
    let desk = Desk::new();
    write_passwords(&desk);
    new_card(&Watched::new(&desk, &[]), &["--empty"]);
    let card = Watched::new(&desk, &["--token", "sim:card.state"]);
    let change = || Terminal::open(&card.command(&["pin", "change", "authentication"]));
    let mut terminal = change();
    terminal.wait_for(&["authentication PIN > "]);
    // Erases the character before it, as anywhere else on this terminal.
    terminal.type_line(&format!("{PIN}x\u{7f}"));
    terminal.wait_for(&["> "]);
    terminal.type_line(NEW_PIN);
    terminal.wait_for(&["> "]);
    terminal.type_line(NEW_PIN);
    terminal.wait_for(&["was changed"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0);
    card.search.assert_absent("the terminal", shown);

    for open in [Terminal::open, Terminal::open_deaf] {
        let mut terminal = open(&card.command(&["pin", "change", "authentication"]));
        terminal.wait_for(&["authentication PIN > "]);
        terminal.type_key(3);
        assert_eq!(terminal.end().0, 130, "128 and the number of the signal that Ctrl-C is");
    }
}

/// Longer than any PIN of the profile, so that buffers have to grow.
const LONG_PIN: &str = "Wc7yPf3kRn9tLb5mHx2vJd8s";
const NEW_LONG_PIN: &str = "Ve4gTq6zBs1wNh8rCk3xMy9u";
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[cfg(feature = "pkcs11")]
#[test]
fn no_secret_is_left_in_memory_behind_a_pkcs11_module() {
    const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
    assert!(fs::exists(MODULE).unwrap(), "{MISSING}");
    let desk = Desk::new();
    fs::create_dir(desk.file("tokens")).unwrap();
    fs::create_dir(desk.file(OWN)).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", desk.file("tokens").display());
    let configuration = desk.write("softhsm2.conf", &text);
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "holder", "--pin", LONG_PIN, "--so-pin", "56785678"])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .expect(MISSING);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    desk.write("own/pins", &format!("{LONG_PIN}\n{LONG_PIN}\n"));
    desk.write("own/new", &format!("{NEW_LONG_PIN}\n"));
    let token = format!("pkcs11:token=holder?module-path={MODULE}");
    let card = Watched::new(&desk, &["--token", &token]);
    let run = |arguments: &[&str], code| {
        let mut command = card.command(arguments);
        command.env("SOFTHSM2_CONF", &configuration);
        card.check(dump::at_the_end(&command, Stdio::null()), arguments, code)
    };
    run(&["scenario", "twins", "--json", "--pin-file", "own/pins", "--signature-pin-file", "own/pins"], 0);
    run(&["pin", "change", "authentication", "--pin-file", "own/new", "--new-pin-file", "own/pins"], 4);
    run(&["pin", "change", "authentication", "--pin-file", "own/pins", "--new-pin-file", "own/new"], 0);

    // Typed, a character at a time.
    let mut command = card.command(&["pin", "change", "authentication"]);
    command.env("SOFTHSM2_CONF", &configuration).env("LD_PRELOAD", dump::keep_everything());
    let mut terminal = Terminal::open(&command);
    terminal.wait_for(&["authentication PIN > "]);
    terminal.type_line(NEW_LONG_PIN);
    terminal.wait_for(&["> "]);
    card.search.assert_absent("the terminal", &terminal.shown);
    // It holds the first, and has read nothing of the second yet.
    terminal.type_line(LONG_PIN);
    terminal.wait_for(&["> "]);
    let memory = dump::of(terminal.process());
    // Whole, as the one string that is wiped after use; no piece of it elsewhere.
    for secret in [NEW_LONG_PIN, LONG_PIN] {
        let whole = occurrences(&memory, secret);
        assert!(whole >= 1, "{secret} is held while it is needed");
        assert_eq!(occurrences(&memory, &secret[..8]), whole, "a copy of the beginning of {secret}");
    }
}

fn occurrences(content: &[u8], text: &str) -> usize {
    aho_corasick::AhoCorasick::new([text]).unwrap().find_iter(content).count()
}

#[cfg(feature = "pcsc")]
#[test]
fn no_secret_is_left_in_memory_by_a_card_in_a_reader() {
    use support::peers::{InReader, inside};
    let Some(address) = inside("no_secret_is_left_in_memory_by_a_card_in_a_reader") else { return };
    let desk = Desk::new();
    let house = House::open(&desk);
    write_passwords(&desk);
    new_card(&Watched::new(&desk, &[]), &["--house", "ca"]);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let card = Watched::new(&desk, &["--token", "pcsc:Virtual"]);
    live(&card, &house);
    card.search_files(&["renewal-1.journal", "trace", "resume.trace", "ca.db", "ca.db-wal", "ca.log", "card.state"]);
}

#[test]
fn the_cas_own_secrets_are_in_no_log_no_database_and_not_in_memory_after_use() {
    let desk = Desk::new();
    let house = House::open(&desk);
    write_passwords(&desk);
    new_card(&Watched::new(&desk, &[]), &["--house", "ca"]);
    let card = Watched::new(&desk, &["--token", "sim:card.state"]);
    card.run(&[&["renew", "--yes"], &PINS[..], &house.options()].concat(), 8);
    let order = house.pending();
    let secret = |name: &str| fs::read(desk.file("ca").join(name)).unwrap();
    // The private value of a key of this kind stands in the PKCS#8 file behind the version of ECPrivateKey (RFC 5915).
    let private = |name: &str| {
        let file = secret(name);
        let at = file.windows(5).position(|bytes| bytes == [0x02, 0x01, 0x01, 0x04, 0x20]).unwrap() + 5;
        file[at..at + 32].to_vec()
    };
    let keys = [secret("pick-up.secret"), private("issuing.key")];
    let search = aho_corasick::AhoCorasick::new(&keys).unwrap();
    let mut link = String::new();
    for arguments in [&["link", "ca", &order][..], &["list", "ca"], &["approve", "ca", &order]] {
        let mut command = Command::new(ca::program());
        command.args(arguments).current_dir(desk.path());
        let dump::Dumped { said, memory } = dump::at_the_end(&command, Stdio::null());
        let said = said.ends_with(0);
        assert!(contains(&memory, "pick-up.secret"), "the memory of another program");
        assert!(!search.is_match(&memory), "a secret of the CA stayed in the memory of {arguments:?}");
        link += said.out.lines().find(|line| line.contains("/pickup/")).unwrap_or_default();
    }
    // What opens an order is not for logs, and the database has its hash only.
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(token.len(), 40, "{link}");
    card.run(&["renew", "--resume", PINS[0], PINS[1], PINS[2], PINS[3]], 0);
    let raw: Vec<u8> = token
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let secrets = [token.as_bytes().to_vec(), token.to_uppercase().into_bytes(), raw, keys[0].clone(), keys[1].clone()];
    let search = aho_corasick::AhoCorasick::new(&secrets).unwrap();
    for name in ["ca.log", "ca/ca.db", "ca/ca.db-wal", "ca/ca.db-shm"] {
        let content = fs::read(desk.file(name)).unwrap();
        assert!(!content.is_empty() && !search.is_match(&content), "a secret of the CA is in {name}");
    }
}
