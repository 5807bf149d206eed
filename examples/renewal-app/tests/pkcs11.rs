#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Tokens behind a PKCS#11 module that nobody here wrote: SoftHSM.

#[path = "../../../crates/card/tests/common/apart.rs"]
mod apart;
mod support;

use std::{
    ffi::OsStr,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use apart::{ADDRESS, Apart};
use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, Pin, Pkcs11Call, Pkcs11Observer, Pkcs11Token, Removal, Secret,
    SignDigest, SlotId, Token, TokenError,
};
use obnova_reference_ca::house::{Holder, House as Files};
use obnova_transport::TransportError;
use serde_json::Value;
use support::{
    Desk, Running, Said,
    ca::House,
    killing::{Target, chance::Chance, patiently, rounds},
    report::report,
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
const CONFIGURATION: &str = "SOFTHSM2_CONF";
const PIN: &str = "471147";
/// What OpenSC lists of a token, logged in.
const LIST: [&str; 8] = ["--module", MODULE, "--token-label", "holder", "--login", "--pin", PIN, "--list-objects"];

/// Makes a token in a folder of the desk; returns SoftHSM's configuration, which is in the environment by this name.
fn make_token(desk: &Desk) -> std::path::PathBuf {
    assert!(Path::new(MODULE).exists(), "{MISSING}");
    std::fs::create_dir(desk.file("tokens")).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", desk.file("tokens").display());
    let configuration = desk.write("softhsm2.conf", &text);
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "holder", "--pin", PIN, "--so-pin", "5678"])
        .env(CONFIGURATION, &configuration)
        .output()
        .expect(MISSING);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    configuration
}

/// The test once more, in a process of our own: where a token is asked for is in the environment.
fn again(test: &str, variable: &str, value: &OsStr) {
    let arguments = ["--exact", test, "--nocapture", "--test-threads=1"];
    let run = Command::new(std::env::current_exe().unwrap()).args(arguments).env(variable, value).output().unwrap();
    let said = Said::from(run).ends_with(0);
    assert!(said.out.contains("1 passed"), "{}", said.out);
    let told = said.out.lines().filter_map(|line| line.find("PKCS#11: ").map(|at| &line[at..]));
    told.for_each(|line| println!("{line}"));
}

fn uri(module: &Path) -> String {
    format!("pkcs11:token=holder?module-path={}", module.display())
}

#[test]
fn the_scenario_passes_on_softhsm() {
    let desk = Desk::new();
    let configuration = make_token(&desk);
    let token = uri(Path::new(MODULE));
    let run = |arguments: &[&str]| {
        let token = ["--token", token.as_str()];
        let mut command = desk.command([arguments, &token].concat());
        Said::from(command.env(CONFIGURATION, &configuration).output().unwrap())
    };
    let pins = ["--pin-file", "pin", "--signature-pin-file", "pin"];
    desk.write("pin", &format!("{PIN}\n{PIN}\n"));
    let said = run(&[&["scenario", "twins", "--json"], &pins[..]].concat()).ends_with(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["certificates"].as_array().unwrap().len(), 2);
    let names: Vec<_> = report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    for step in ["list", "generate", "request", "vouch", "send", "pick-up", "install", "prove-login", "clean"] {
        assert!(names.contains(&step), "{names:?}");
    }
    run(&["card", "list"]).ends_with(0).says(&["authentication", "valid", "signature", "valid"]);
}

/// SoftHSM is in a process of its own: who is killed while he asks it for something does not tear the files in which it keeps
/// its objects.
#[test]
fn a_renewal_on_softhsm_comes_to_its_end_however_often_its_programs_are_killed() {
    let desk = Desk::in_memory();
    if std::env::var_os(ADDRESS).is_none() {
        let configuration = make_token(&desk);
        let (_apart, address) = Apart::serve(desk.path(), &configuration, "holder");
        let name = "a_renewal_on_softhsm_comes_to_its_end_however_often_its_programs_are_killed";
        return again(name, ADDRESS, address.as_ref());
    }
    for name in ["pin", "pin2"] {
        desk.write(name, &format!("{PIN}\n{PIN}\n"));
    }
    let mut house = House::open(&desk);
    let token = uri(&Apart::client());
    let open = || patiently(|| Pkcs11Token::open(&token.parse().unwrap())).unwrap();
    let mut target = Target {
        name: "PKCS#11",
        token: &token,
        pins: [PIN; 2],
        renew_card: &mut |_| personalise(&mut open(), &desk.file("ca")),
        open: &mut || Box::new(open()),
        // It counts no tries.
        copy: &mut || Box::new(open()),
        journals_are_lost: true,
    };
    rounds(&desk, &mut house, &mut target, 12);
}

/// A turn of two programs that want one token at the same time.
struct Turn<'t> {
    desk: &'t Desk,
    token: String,
    seed: u64,
    number: usize,
}

impl Turn<'_> {
    /// Runs two commands at once, of which the second begins a random moment later. Each of them either comes to its end, or
    /// changes nothing and says which process it is that has the token; who came when that one had ended already may be told
    /// `late`. Returns which of them came to their end, and how many were told.
    fn race(&self, commands: [Vec<String>; 2], late: &str) -> ([bool; 2], usize) {
        let Self { desk, token, seed, number } = self;
        let wait = Chance::of(*seed, *number, 0).below(120) as u64;
        let mut started = commands.into_iter().map(|command| {
            let mut command = desk.command(command);
            let child = command.args(["--token", token]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(wait));
            child
        });
        let children = [started.next().unwrap(), started.next().unwrap()];
        let [first, second] = children.each_ref().map(std::process::Child::id);
        let said = children.map(|child| Said::from(child.wait_with_output().unwrap()));
        let mut told = 0;
        for (said, other) in said.iter().zip([second, first]) {
            if said.code == 0 || !late.is_empty() && said.code == 3 && said.err.contains(late) {
                continue;
            }
            let named = format!("(process {other}) is using the token \"holder\"");
            assert!(
                said.code == 5 && said.err.contains(&named),
                "turn {number} of seed {seed}: {}, {}{}",
                said.code,
                said.out,
                said.err
            );
            told += 1;
        }
        (said.map(|said| said.code == 0), told)
    }

    /// So many pairs are there and signed with, each with a certificate that is there once, and nothing else.
    fn assert_sound(&self, pairs: usize) {
        let turn = format!("turn {} of seed {}", self.number, self.seed);
        let listed = support::peers::ok("pkcs11-tool", &LIST);
        for kind in ["Public Key Object", "Private Key Object", "Certificate Object"] {
            assert_eq!(listed.matches(kind).count(), pairs, "{turn}: {kind}, {listed}");
        }
        let mut token = open(&self.token);
        let slots: Vec<_> = token.slots().unwrap().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(slots.len(), pairs, "{turn}: {slots:#?}");
        for slot in slots {
            assert_eq!(slot.certificates.len(), 1, "{turn}: {slot:#?}");
            let job = SignDigest {
                slot: slot.id,
                algorithm: slot.key.unwrap().signs[0],
                digest: Digest::Sha256.of(turn.as_bytes()),
            };
            // The driver verifies what it gives.
            token.sign(&[job], &Pin::new(Secret::from(PIN))).unwrap();
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A CA that issues at once, and the holder's PINs.
fn set_up(desk: &Desk) -> House<'_> {
    for name in ["pin", "pin2"] {
        desk.write(name, &format!("{PIN}\n{PIN}\n"));
    }
    let mut house = House::open(desk);
    house.change_policy(|policy| policy.replace("approval = \"manual\"", "approval = \"automatic\""));
    house
}

const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
/// How often two programs want one token.
const TURNS: usize = 6;
/// A seed that is taken in place of a new one.
const SEED: &str = "OBNOVA_TOKEN_SEED";

/// Two programs, at random moments one after the other, so often; every time from the token that `prepare` leaves.
fn turns(desk: &Desk, what: &str, mut turn: impl FnMut(&Turn<'_>) -> usize) {
    let given = std::env::var(SEED).ok().map(|text| text.parse().expect("a number is the seed"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
    let token = uri(Path::new(MODULE));
    let told: usize = (0..TURNS).map(|number| turn(&Turn { desk, token: token.clone(), seed, number })).sum();
    report(&format!("PKCS#11: {TURNS} times {what}, {told} were told who has the token; the seed is {seed} ({SEED})"));
    assert!(told > 0, "they never met");
}

#[test]
fn two_renewals_on_one_token_leave_whole_pairs_and_one_is_told_who_has_it() {
    let desk = Desk::in_memory();
    if std::env::var_os(CONFIGURATION).is_none() {
        let name = "two_renewals_on_one_token_leave_whole_pairs_and_one_is_told_who_has_it";
        return again(name, CONFIGURATION, make_token(&desk).as_ref());
    }
    let house = set_up(&desk);
    turns(&desk, "two renewals at once", |turn| {
        personalise(&mut open(&turn.token), &desk.file("ca"));
        let renew = |name: &str| {
            let journal = format!("{name}{}", turn.number);
            words(&[&["renew", "--yes", "--journal", &journal], &PIN_FILES[..], &house.options()].concat())
        };
        // Who comes when the other is done finds a pair that need not be renewed.
        let (done, told) = turn.race([renew("a"), renew("b")], "They can be renewed from");
        assert_eq!(done.iter().filter(|done| **done).count(), 1);
        turn.assert_sound(4);
        told
    });
}

#[test]
fn two_first_orders_on_one_token_leave_whole_pairs_and_one_is_told_who_has_it() {
    let desk = Desk::in_memory();
    if std::env::var_os(CONFIGURATION).is_none() {
        let name = "two_first_orders_on_one_token_leave_whole_pairs_and_one_is_told_who_has_it";
        return again(name, CONFIGURATION, make_token(&desk).as_ref());
    }
    let house = set_up(&desk);
    desk.write("revocation", "Q7vkSvestkyW2xNaPudeT9\n");
    turns(&desk, "two first orders at once", |turn| {
        clear(&mut open(&turn.token));
        let first = |name: &str| {
            let user = format!("{name}{}", turn.number);
            let person = ["--name", &format!("CN={user},C=CZ"), "--email", "jana@example.cz"];
            let issue = [&["password", "issue", "ca", "--user", &user], &person[..]].concat();
            let issued = house.operator(&issue).ends_with(0).out;
            let line = issued.lines().find(|line| line.starts_with("one-time password")).unwrap();
            let once = format!("once-{user}");
            desk.write(&once, line.split_whitespace().last().unwrap());
            let secrets = ["--one-time-password-file", &once, "--revocation-password-file", "revocation"];
            let order = ["first", "--yes", "--user", &user, "--journal", &user];
            words(&[&order[..], &secrets, &PIN_FILES, &house.options()].concat())
        };
        let (done, told) = turn.race([first("a"), first("b")], "");
        turn.assert_sound(2 * done.iter().filter(|done| **done).count());
        told
    });
}

#[test]
fn who_finds_a_token_taken_is_told_by_whom_until_that_one_is_killed() {
    let desk = Desk::in_memory();
    if std::env::var_os(CONFIGURATION).is_none() {
        let name = "who_finds_a_token_taken_is_told_by_whom_until_that_one_is_killed";
        return again(name, CONFIGURATION, make_token(&desk).as_ref());
    }
    for name in ["pin", "pin2"] {
        desk.write(name, &format!("{PIN}\n"));
    }
    let house = House::open(&desk);
    let token = uri(Path::new(MODULE));
    let token = ["--token", token.as_str()];
    personalise(&mut open(token[1]), &desk.file("ca"));
    let options = house.options();
    let renew = |more: &[&'static str]| [&["renew"], more, &token[..], &PIN_FILES, &options].concat();
    let first = Running::until(&desk, &renew(&["--yes", "--wait", "--journal", "j"]), "Accepted, pending");
    let looks = [&["card", "list"][..], &["doctor"]].map(|look| [look, &token].concat());
    for command in looks.into_iter().chain([renew(&["--yes", "--journal", "other"])]) {
        let said = desk.run(command);
        let named = format!("(process {}) is using the token \"holder\"", first.0.id());
        // Lines are broken where they are long.
        let text = [&*said.out, &said.err].concat();
        let text: Vec<_> = text.split_whitespace().collect();
        assert!(text.join(" ").contains(&named), "{}{}", said.out, said.err);
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    }
    // Killed it has it no more. What it leaves stays on the desk, until the next one that has the token ends.
    let locks = || desk.files().iter().filter(|file| file.to_string_lossy().contains("obnova-token-")).count();
    drop(first);
    assert_eq!(locks(), 1);
    house.approve();
    desk.run(renew(&["--resume", "--journal", "j"])).ends_with(0).says(&["Renewed"]);
    assert_eq!(locks(), 0);
    let listed = desk.run([&["card", "list"], &token[..]].concat()).ends_with(0);
    listed.says(&["superseded", "superseded", "valid", "valid"]);
}

/// Ends a program between the halves of its work.
struct AfterGeneration;

impl Pkcs11Observer for AfterGeneration {
    fn after(&mut self, call: &Pkcs11Call<'_>, _: Result<(), &TokenError>) -> Result<(), TransportError> {
        if call.function == "C_GenerateKeyPair" { Err(TransportError::CardRemoved) } else { Ok(()) }
    }
}

#[test]
fn what_is_left_of_a_key_is_named_and_removed_when_the_holder_says_so() {
    let desk = Desk::in_memory();
    if std::env::var_os(CONFIGURATION).is_none() {
        let name = "what_is_left_of_a_key_is_named_and_removed_when_the_holder_says_so";
        return again(name, CONFIGURATION, make_token(&desk).as_ref());
    }
    let house = set_up(&desk);
    let token = uri(Path::new(MODULE));
    personalise(&mut open(&token), &desk.file("ca"));
    let mut torn = Pkcs11Token::open_observed(&token.parse().unwrap(), AfterGeneration).unwrap();
    let order = GenerateKey {
        slot: SlotId(3),
        role: KeyRole::Signature,
        algorithm: KeyAlgorithm::P256,
        label: "Signature".to_owned(),
    };
    torn.generate(&order, &Pin::new(Secret::from(PIN))).unwrap_err();
    drop(torn);
    drop(house);
    let run = |words: &[&str]| {
        let said = desk.run([words, &["--token", &token]].concat());
        // Lines are broken where they are long.
        (said.code, [&*said.out, &said.err].concat().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let objects = || support::peers::ok("pkcs11-tool", &LIST).matches("Private Key Object").count();
    assert_eq!(objects(), 3);
    let (_, list) = run(&["card", "list"]);
    assert!(list.contains("3 rest of a key, of no use"), "{list}");
    let (_, doctor) = run(&["doctor"]);
    assert!(doctor.contains("Slot 3 has the rest of a key") && doctor.contains("obnova card clean"), "{doctor}");
    let name = "rest of a key in slot 3";
    let clean = |name| run(&[&["card", "clean", "--confirm", name], &PIN_FILES[..]].concat());
    let (code, said) = clean("rest of a key in slot 4");
    assert!(code == 9 && said.contains(name), "{code}: {said}");
    assert_eq!(objects(), 3);
    let (code, said) = clean(name);
    assert_eq!(code, 0, "{said}");
    let (_, list) = run(&["card", "list"]);
    assert!(!list.contains("rest of"), "{list}");
    Turn { desk: &desk, token: token.clone(), seed: 0, number: 0 }.assert_sound(2);
}

#[test]
fn what_only_the_pin_shows_of_a_key_is_named_and_removed_when_the_holder_says_so() {
    let desk = Desk::in_memory();
    if std::env::var_os(CONFIGURATION).is_none() {
        let name = "what_only_the_pin_shows_of_a_key_is_named_and_removed_when_the_holder_says_so";
        return again(name, CONFIGURATION, make_token(&desk).as_ref());
    }
    let house = set_up(&desk);
    let token = uri(Path::new(MODULE));
    let mut holder = open(&token);
    personalise(&mut holder, &desk.file("ca"));
    let order = GenerateKey {
        slot: SlotId(3),
        role: KeyRole::Signature,
        algorithm: KeyAlgorithm::P256,
        label: "Signature".to_owned(),
    };
    holder.generate(&order, &Pin::new(Secret::from(PIN))).unwrap();
    drop((holder, house));
    let public = ["--delete-object", "--type", "pubkey", "--label", "Signature [signature 3]"];
    support::peers::ok("pkcs11-tool", &[&LIST[..LIST.len() - 1], &public].concat());
    let run = |words: &[&str]| {
        let said = desk.run([words, &["--token", &token], &PIN_FILES[..]].concat());
        // Lines are broken where they are long.
        (said.code, [&*said.out, &said.err].concat().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let objects = || support::peers::ok("pkcs11-tool", &LIST).matches("Private Key Object").count();
    let list = desk.run(["card", "list", "--token", &token]).ends_with(0).out;
    assert!(objects() == 3 && !list.contains("rest of"), "{list}");
    let name = "rest of a key in slot 3";
    let (code, said) = run(&["card", "clean", "--confirm", "rest of a key in slot 4"]);
    assert!(code == 9 && said.contains(name) && said.contains("see what interruptions left"), "{code}: {said}");
    assert_eq!(objects(), 3);
    let (code, said) = run(&["card", "clean", "--confirm", name]);
    assert_eq!((code, objects()), (0, 2), "{said}");
    let (code, said) = run(&["card", "clean"]);
    assert!(code == 0 && said.contains("There is nothing to remove"), "{said}");
    Turn { desk: &desk, token: token.clone(), seed: 0, number: 0 }.assert_sound(2);
}

fn open(token: &str) -> Pkcs11Token {
    Pkcs11Token::open(&token.parse().unwrap()).unwrap()
}

/// Removes what is there.
fn clear(token: &mut Pkcs11Token) {
    let slots = token.slots().unwrap().into_iter().filter(|slot| slot.key.is_some());
    let slots: Vec<_> = slots.map(|slot| Removal::Slot(slot.id)).collect();
    token.remove(&slots, &Pin::new(Secret::from(PIN))).unwrap();
}

/// Removes what is there, and puts on a pair that ends soon.
fn personalise(token: &mut Pkcs11Token, ca: &Path) {
    clear(token);
    let pin = Pin::new(Secret::from(PIN));
    let places = [(SlotId(1), KeyRole::Authentication), (SlotId(2), KeyRole::Signature)];
    let keys = places.map(|(slot, role)| {
        let order = GenerateKey { slot, role, algorithm: KeyAlgorithm::P256, label: role.to_string() };
        token.generate(&order, &pin).unwrap()
    });
    let holder = Holder { name: "CN=Jana Nováková,C=CZ".to_owned(), email: "jana@example.cz".to_owned() };
    let issued = Files::open(ca).unwrap().first_pair(&holder, &keys[0], &keys[1], 20, SystemTime::now()).unwrap();
    let jobs = [issued.authentication.der, issued.signature.der].into_iter().zip(places);
    let jobs =
        jobs.map(|(certificate, (slot, role))| InstallCertificate { slot, certificate, label: role.to_string() });
    token.install(&jobs.collect::<Vec<_>>(), &[], &pin).unwrap();
}
