#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Two programs want the same thing at the same time: nothing is spoilt, and who has to wait is told for whom.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use support::{
    Desk, Running, Said,
    ca::{self, House},
};

const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PINS: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

fn set_up(desk: &Desk) -> House<'_> {
    let house = House::open(desk);
    desk.write("pin", "1234\n");
    desk.write("pin2", "567890\n");
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    house
}

/// Runs commands at the same time.
fn at_once<const N: usize>(desk: &Desk, commands: [Vec<&str>; N]) -> [Said; N] {
    let started =
        commands.map(|command| desk.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    started.map(|child| Said::from(child.wait_with_output().unwrap()))
}

fn orders(house: &House<'_>) -> Vec<serde_json::Value> {
    house.operator(&["check", "ca"]).ends_with(0);
    let list = house.operator(&["list", "ca", "--json"]).ends_with(0);
    serde_json::from_str(&list.out).unwrap()
}

#[test]
fn who_finds_journal_or_card_taken_is_told_by_whom() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let renew = [&["renew", "--yes", "--wait", "--journal", "j"], &CARD[..], &PINS, &house.options()].concat();
    let first = Running::until(&desk, &renew, "Accepted, pending");
    let journal = fs::read(desk.file("j/renewal-1.journal")).unwrap();

    // The same journal: the process that has it is named. Looking does not need it.
    let second = desk.run(["renew", "--resume", "--journal", "j"]).ends_with(3);
    assert!(second.err.contains(&format!("(process {})", first.0.id())), "{}", second.err);
    desk.run(["status", "--journal", "j"]).ends_with(0).says(&["renewal-1", "Accepted"]);
    // The same card, with a journal of its own.
    let ca = house.options();
    let order = [&["renew", "--yes", "--journal", "other"], &PINS[..], &ca].concat();
    for command in [vec!["card", "list"], order] {
        let second = desk.run([&command[..], &CARD].concat()).ends_with(5);
        let holder = format!("in use by another program (process {})", first.0.id());
        assert!(second.err.contains(&holder) && !second.err.contains("simulator new"), "{}", second.err);
    }
    assert_eq!(fs::read(desk.file("j/renewal-1.journal")).unwrap(), journal);

    // Killed in the middle of its waiting it holds neither any more.
    drop(first);
    house.approve();
    let resume = [&["renew", "--resume", "--journal", "j"], &CARD[..], &PINS].concat();
    desk.run(resume).ends_with(0).says(&["Renewed"]);
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["superseded", "superseded", "valid", "valid"]);
    assert_eq!(orders(&house).len(), 1);
}

#[test]
fn one_journal_resumed_by_two_at_once_is_resumed_once() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.run([&["renew", "--yes"], &CARD[..], &PINS, &house.options()].concat()).ends_with(8);
    house.approve();
    let resume = || [&["renew", "--resume"], &CARD[..], &PINS].concat();
    let said = at_once(&desk, [resume(), resume(), resume()]);
    let done = said.iter().filter(|said| said.code == 0).count();
    for other in said.iter().filter(|said| said.code != 0) {
        let told = ["(process ", "in use by another program", "no renewal"].iter().any(|text| other.err.contains(text));
        assert!(told, "{}: {}", other.code, other.err);
    }
    assert_eq!(done, 1, "{:?}", said.map(|said| said.err));
    desk.run(["status"]).ends_with(0).says(&["Done"]);
}

#[test]
fn one_pair_ordered_for_by_two_at_once_is_ordered_once() {
    let desk = Desk::new();
    let house = set_up(&desk);
    // The same card twice: no two programs can have it at once, and the CA cannot rely on that.
    fs::copy(desk.file("card.state"), desk.file("copy.state")).unwrap();
    let ca = house.options();
    let renew = |card: &'static str, journal: &'static str| {
        [&["renew", "--yes", "--token", card, "--journal", journal], &PINS[..], &ca].concat()
    };
    let said = at_once(&desk, [renew("sim:card.state", "a"), renew("sim:copy.state", "b")]);
    let mut codes = said.each_ref().map(|said| said.code);
    codes.sort_unstable();
    assert_eq!(codes, [6, 8], "{:?}", said.map(|said| said.err));
    let orders = orders(&house);
    assert_eq!(orders.len(), 1, "{orders:#?}");
    // The second is told which order it is that renews the pair.
    let refused = said.iter().find(|said| said.code == 6).unwrap();
    let order = house.pending();
    assert!(refused.err.contains(&order), "{order} is not in: {}", refused.err);
    for card in ["sim:card.state", "sim:copy.state"] {
        desk.run(["card", "list", "--token", card]).ends_with(0).says(&["expires in 20 days", "expires in 20 days"]);
    }
}

#[test]
fn one_order_picked_up_by_two_at_once_is_one_pair() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let ca = house.options();
    desk.run([&["renew", "--yes", "--journal", "a"], &CARD[..], &PINS, &ca].concat()).ends_with(8);
    // The holder takes the journal to other computers, and has the card in each.
    for (card, journal) in [("copy.state", "b"), ("late.state", "c")] {
        fs::copy(desk.file("card.state"), desk.file(card)).unwrap();
        fs::create_dir(desk.file(journal)).unwrap();
        for name in ["renewal-1.journal", "renewal-1.ca"] {
            fs::copy(desk.file("a").join(name), desk.file(journal).join(name)).unwrap();
        }
    }
    house.approve();
    let resume = |card: &'static str, journal: &'static str| {
        [&["renew", "--resume", "--token", card, "--journal", journal], &PINS[..]].concat()
    };
    let list = |card| desk.run(["card", "list", "--token", card]).ends_with(0).out;
    let before = list("sim:card.state");
    let content = fs::read(desk.file("card.state")).unwrap();
    assert_eq!(before.matches("expires in 20 days").count(), 2, "{before}");
    let [first, second] = at_once(&desk, [resume("sim:card.state", "a"), resume("sim:copy.state", "b")]);
    assert!(first.code == 0 || second.code == 0, "{}{}", first.err, second.err);
    // Who comes now is too late for sure.
    let late = desk.run(resume("sim:late.state", "c")).ends_with(6);
    let orders = orders(&house);
    assert_eq!(orders.len(), 1);
    let issued = orders[0]["certificates"].as_array().unwrap();
    let issued: Vec<_> = issued.iter().map(|one| one["serial"].as_str().unwrap()).collect();
    assert_eq!(issued.len(), 2);
    for (said, card) in [(first, "sim:card.state"), (second, "sim:copy.state"), (late, "sim:late.state")] {
        let listed = list(card);
        if said.code == 0 {
            // The new pair works, and is the one that the CA has issued.
            said.says(&["TLS login with the new authentication certificate", "signature key was made and verified"]);
            let states: Vec<_> =
                listed.split_whitespace().filter(|word| ["superseded", "valid"].contains(word)).collect();
            assert_eq!(states, ["superseded", "superseded", "valid", "valid"], "{listed}");
            let folder = card.replace(':', "-");
            desk.run(["export", "--token", card, "--to", &folder]).ends_with(0);
            for (slot, serial) in [3, 4].iter().zip(&issued) {
                let file = desk.file(&folder).join(format!("slot{slot}-{serial}.der"));
                assert!(file.exists(), "no {} in {:#?}", file.display(), desk.files());
            }
        } else {
            // The receipt of the first has ended the token. The card is as it was.
            assert_eq!(said.code, 6, "{}", said.err);
            for words in ["confirmed, and the link is used up", "The old pair was not touched"] {
                assert!(said.err.contains(words), "{}", said.err);
            }
            assert_eq!(listed, before);
            assert!(fs::read(desk.file(&card[4..])).unwrap() == content, "{card} was touched");
        }
    }
}

#[test]
fn two_servers_and_an_operator_share_one_database() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let mut second = Command::new(ca::program());
    second.args(["serve", "ca", "--listen", "127.0.0.1:0"]).current_dir(desk.path());
    let mut second = Running(second.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(second.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    fs::copy(desk.file("card.state"), desk.file("copy.state")).unwrap();
    // Ordered at both, at the same moment: as at one.
    let renew = |card: &'static str, journal: &'static str, url: &str| {
        let fixed = ["renew", "--yes", "--token", card, "--journal", journal, "--trust", "ca/root.pem", "--ca"];
        fixed.into_iter().chain([url]).chain(PINS).map(str::to_owned).collect::<Vec<_>>()
    };
    let commands = [renew("sim:card.state", "a", &house.url), renew("sim:copy.state", "b", url)];
    let said = at_once(&desk, commands.each_ref().map(|words| words.iter().map(String::as_str).collect()));
    let mut codes = said.each_ref().map(|said| said.code);
    codes.sort_unstable();
    assert_eq!(codes, [6, 8], "{:?}", said.map(|said| said.err));
    assert_eq!(orders(&house).len(), 1);
    // Two operators decide at once: one does, the other is told that it was decided.
    let order = house.pending();
    let approve = || {
        let mut command = Command::new(ca::program());
        command.args(["approve", "ca", &order]).current_dir(desk.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut decided = [approve(), approve()].map(|child| Said::from(child.wait_with_output().unwrap()));
    decided.sort_by_key(|said| said.code);
    assert_eq!(decided.each_ref().map(|said| said.code), [0, 4], "{:?}", decided.map(|said| said.err));
    assert!(decided[1].err.contains("issued already"), "{}", decided[1].err);
    // What one server took is fetched at the other.
    let (card, journal) = if said[0].code == 8 { ("sim:card.state", "a") } else { ("sim:copy.state", "b") };
    let other = if said[0].code == 8 { url } else { &house.url };
    let resume = ["renew", "--resume", "--token", card, "--journal", journal, "--ca", other, "--trust", "ca/root.pem"];
    desk.run([&resume[..], &PINS].concat()).ends_with(0).says(&["Renewed"]);
    orders(&house);
}

#[cfg(feature = "pcsc")]
#[test]
fn opensc_and_a_renewal_share_a_card_in_a_reader() {
    use std::{
        sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
        time::Duration,
    };
    use support::peers::{InReader, exported, inside, run};
    let Some(address) = inside("opensc_and_a_renewal_share_a_card_in_a_reader") else { return };
    let desk = Desk::new();
    let house = set_up(&desk);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let card = ["--token", "pcsc:Virtual"];
    let old = exported(&desk, card[1], 1);
    // OpenSC lists and signs, over and over, for as long as the renewal takes.
    let over = AtomicBool::new(false);
    let [lists, signatures] = [AtomicU32::new(0), AtomicU32::new(0)];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                lists.fetch_add(run("pkcs15-tool", &["--list-certificates"]).status.success().into(), Relaxed);
                // OpenSSL verifies a signature that is there: this fails otherwise.
                signatures.fetch_add(old.signs(&desk, "0", "1234").into(), Relaxed);
            }
        });
        let renewed = desk.run([&["renew", "--yes"], &card[..], &PINS, &house.options()].concat());
        house.approve();
        // So many looks, so that a renewal which keeps OpenSC from the card is found out, however slow the computer.
        let signed = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            signatures.load(Relaxed) > 0
        });
        let resumed = desk.run([&["renew", "--resume"], &card[..], &PINS].concat());
        over.store(true, Relaxed);
        renewed.ends_with(8);
        resumed.ends_with(0).says(&["Renewed"]);
        assert!(signed, "OpenSC did not sign before the certificates came");
    });
    println!("OpenSC listed {lists:?} times and signed {signatures:?} times meanwhile");
    assert!(lists.into_inner() > 0);
    desk.run([
        "card",
        "clean",
        card[0],
        card[1],
        PINS[0],
        PINS[1],
        "--confirm",
        "Authentication",
        "--confirm",
        "Signature",
    ])
    .ends_with(0);
    let new = exported(&desk, card[1], 3);
    assert!(new.signs(&desk, "0", "1234"));
    assert!(new.is_listed());
}

#[cfg(feature = "pcsc")]
#[test]
fn a_renewal_that_waits_for_its_holder_leaves_no_pin_open_to_others() {
    use support::{
        peers::{InReader, exported, inside, ok},
        terminal::Terminal,
    };
    let Some(address) = inside("a_renewal_that_waits_for_its_holder_leaves_no_pin_open_to_others") else { return };
    let desk = Desk::new();
    let house = set_up(&desk);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let card = ["--token", "pcsc:Virtual"];
    let old = exported(&desk, card[1], 1);
    // The keys are made under the authentication PIN; then the signature PIN is asked for, and nobody types it.
    let renew = [&["renew", "--yes"], &card[..], &PINS[..2], &house.options()].concat();
    let mut terminal = Terminal::open(&desk.command(renew));
    terminal.wait_for(&["signature PIN > "]);
    // Nothing is selected by name, which would take back what a PIN has opened. First: is a PIN open? Then: sign.
    let algorithm = if old.is_rsa { "41" } else { "61" };
    let prepare = format!("002241B6068001{algorithm}840101");
    let sign = format!("002A9E9A20{}00", "07".repeat(32));
    let commands = ["00200001", "00200002", &prepare, &sign].map(|command| ["--send-apdu", command]).concat();
    let said = ok("opensc-tool", &[&["--card-driver", "default"], &commands[..]].concat());
    let answers: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("Received ")).collect();
    let expected = ["63, SW2=0xC3", "63, SW2=0xC3", "90, SW2=0x00", "69, SW2=0x82"];
    assert_eq!(answers.len(), expected.len(), "{said}");
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.contains(expected), "no {expected} in:\n{said}");
    }
    assert!(fs::exists(format!("/proc/{}", terminal.process())).unwrap(), "it ended: {}", terminal.shown);
}

#[cfg(feature = "pcsc")]
#[test]
fn who_finds_the_card_in_a_reader_taken_waits_and_is_told_so() {
    use obnova_transport::{
        CardConnection as _,
        pcsc::{PcscConnection, ReaderChoice},
    };
    use support::peers::{InReader, inside};
    let Some(address) = inside("who_finds_the_card_in_a_reader_taken_waits_and_is_told_so") else { return };
    let desk = Desk::new();
    let _house = set_up(&desk);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    // Another program, in the middle of its conversation with the card.
    let mut other = PcscConnection::open(&ReaderChoice::Containing("Virtual".to_owned())).unwrap();
    let mut conversation = other.begin().unwrap();
    let mut answer = Vec::new();
    conversation.transmit(&[0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00], &mut answer).unwrap();

    let list = ["card", "list", "--token", "pcsc:Virtual"];
    let mut child = desk.command(list).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (tell, telling) = std::sync::mpsc::channel();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        tell.send(line).unwrap();
    });
    // Looked for so many times, so that a program which waits without a word is found out.
    let told = (0..600).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        telling.try_recv().ok()
    });
    let told = told.expect("it waits and says nothing");
    assert!(told.contains("another program is using the card in Virtual"), "{told}");
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    drop(conversation);
    Said::from(child.wait_with_output().unwrap()).ends_with(0).says(&["expires in 20 days"]);
    // Where nobody has the card nothing is told.
    let said = desk.run(list).ends_with(0);
    assert_eq!(said.err, "");
}

#[cfg(feature = "pcsc")]
#[test]
fn two_renewals_of_one_card_in_a_reader_leave_one_order_and_no_harm() {
    use support::peers::{InReader, exported, inside};
    let Some(address) = inside("two_renewals_of_one_card_in_a_reader_leave_one_order_and_no_harm") else { return };
    let desk = Desk::new();
    let house = set_up(&desk);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let card = ["--token", "pcsc:Virtual"];
    let old = exported(&desk, card[1], 1);
    let ca = house.options();
    let renew = |journal: &'static str| [&["renew", "--yes", "--journal", journal], &card[..], &PINS, &ca].concat();
    let said = at_once(&desk, [renew("a"), renew("b")]);
    // One ordered. The other was told of that order; or that the card is not as it was when it made its plan; or it made its
    // plan when the new keys were there, and asked for the same: that is the same order.
    let first = said.iter().position(|said| said.code == 8).expect("one order");
    let second = &said[1 - first];
    let told = second.code == 3 && second.err.contains("another program is using the card too");
    let refused = second.code == 6 && second.err.contains(&house.pending());
    assert!(told || refused || second.code == 8, "{}: {}", second.code, second.err);
    assert_eq!(orders(&house).len(), 1);
    assert!(old.signs(&desk, "0", "1234"), "the old pair works");
    house.approve();
    let journal = ["a", "b"][first];
    let resume = [&["renew", "--resume", "--journal", journal], &card[..], &PINS].concat();
    desk.run(resume).ends_with(0).says(&["Renewed"]);
    let listed = desk.run([&["card", "list"], &card[..]].concat()).ends_with(0);
    listed.says(&["superseded", "superseded", "valid"]);
    assert!(old.signs(&desk, "0", "1234"), "the old pair works still");
}
