#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Commands with nobody at the keyboard: each says which option answers the question that it meets, and with that one it goes on
//! to the next, until nothing is missing.

mod support;

use std::collections::BTreeSet;

use support::{Desk, Said, ca::House};

const CARD: [&str; 2] = ["--token", "sim:card.state"];
/// What there is to give; and who gives it is asked no more.
const ANSWERS: [(&str, &str); 10] = [
    ("--yes", ""),
    ("--user", "jana"),
    ("--pin-file", "pin"),
    ("--signature-pin-file", "pin2"),
    ("--puk-file", "puk"),
    ("--new-pin-file", "new"),
    ("--transport-pin-file", "transport"),
    ("--one-time-password-file", "once"),
    ("--revocation-password-file", "revocation"),
    ("--confirm", "Authentication"),
];

fn desk() -> Desk {
    let desk = Desk::new();
    for (file, secret) in [
        ("pin", "80214957"),
        ("pin2", "73159264"),
        ("puk", "90417358"),
        ("new", "61840372"),
        ("transport", "135790"),
        ("revocation", "Q7vkSvestkyW2xNaPudeT9"),
    ] {
        desk.write(file, secret);
    }
    desk
}

/// Gives what is asked for, one after the other, and says what that was and how it ended. What was begun by then is gone on with.
fn given(desk: &Desk, command: &[&str], resume: &[&str]) -> (BTreeSet<&'static str>, Said) {
    let mut given = BTreeSet::new();
    loop {
        let answers = |command: &[&str]| {
            let answers = ANSWERS.iter().filter(|(option, _)| given.contains(option));
            let answers = answers.flat_map(|(option, value)| [*option, *value]).filter(|word| !word.is_empty());
            let card = CARD.iter().copied().filter(|_| !command.contains(&"--without-card"));
            desk.run(command.iter().copied().chain(card).chain(answers).collect::<Vec<_>>())
        };
        let mut said = answers(command);
        if said.code == 3 && said.err.contains("under way") {
            said = answers(resume);
        }
        if !said.err.contains("There is no terminal") {
            return (given, said);
        }
        assert_eq!(said.code, 2, "{}", said.err);
        let (_, named) = said.err.split_once("beforehand:").unwrap_or_else(|| panic!("{command:?}: {}", said.err));
        // A terminal is narrow, and nobody is at one: words are words.
        let named = named.split_whitespace().next().unwrap().trim_end_matches(',');
        let known = ANSWERS.iter().find(|(option, _)| *option == named);
        let (option, _) = known.unwrap_or_else(|| panic!("{command:?} names {named}: {}", said.err));
        assert!(given.insert(*option), "{command:?} asks again for {option}: {}", said.err);
    }
}

#[track_caller]
fn asks(desk: &Desk, command: &[&str], resume: &[&str], wanted: &[&str], code: i32) -> Said {
    let (asked, said) = given(desk, command, resume);
    assert_eq!(asked, wanted.iter().copied().collect(), "{command:?}: {} {}", said.out, said.err);
    said.ends_with(code)
}

#[test]
fn what_a_card_is_asked_about_its_passwords() {
    let desk = desk();
    let model = ["--inactive", "separate", "--transport-pin-file", "transport"];
    desk.run([&["simulator", "new", "card.state"], &model[..]].concat()).ends_with(0);
    let activation = ["--transport-pin-file", "--pin-file", "--signature-pin-file", "--puk-file"];
    asks(&desk, &["card", "activate"], &[], &activation, 0);
    asks(&desk, &["pin", "change", "authentication"], &[], &["--pin-file", "--new-pin-file"], 0);
    asks(&desk, &["pin", "change", "signature"], &[], &["--signature-pin-file", "--new-pin-file"], 0);
    asks(&desk, &["pin", "unblock", "signature"], &[], &["--puk-file", "--new-pin-file"], 0);
    asks(&desk, &["pin", "change", "puk"], &[], &["--puk-file", "--new-pin-file"], 0);
}

const NEW_CARD: [&str; 10] = [
    "simulator",
    "new",
    "card.state",
    "--empty",
    "--pin-file",
    "pin",
    "--signature-pin-file",
    "pin2",
    "--puk-file",
    "puk",
];

#[test]
fn what_an_order_its_certificates_and_their_end_take() {
    let desk = desk();
    let house = House::open(&desk);
    desk.run(NEW_CARD).ends_with(0);
    desk.write("once", &house.hand_out("jana"));
    let ca = house.options();
    let pins = ["--pin-file", "--signature-pin-file"];
    let order = [&["--yes", "--user", "--one-time-password-file", "--revocation-password-file"], &pins[..]].concat();
    let resume = [&["first", "--resume"], &ca[..]].concat();
    asks(&desk, &[&["first"], &ca[..]].concat(), &resume, &order, 8);
    let order = house.approve();
    // The link, where the journal is not.
    let said = house.operator(&["link", "ca", &order, "--base", &house.url]).ends_with(0);
    let link = said.out.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    let install = ["install", link, "--trust", "ca/root.pem", "--journal", "elsewhere"];
    let (asked, said) = given(&desk, &install, &[]);
    assert_eq!(asked, ["--yes", "--pin-file", "--signature-pin-file"].into(), "{}", said.err);
    // What was missing last was for the test signature. By then everything is on the card, and the link is open still.
    said.ends_with(0).says(&["TLS login", "was made and verified", "the link opens nothing any more"]);
    desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["valid", "valid"]);

    let list = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let serial = list[0]["certificates"][0]["serial"].as_str().unwrap();
    let revoke = [&["revoke", serial], &ca[..]].concat();
    asks(&desk, &[&revoke[..], &["--without-card"]].concat(), &[], &["--yes", "--revocation-password-file"], 6);
    let (asked, said) = given(&desk, &revoke, &[]);
    said.ends_with(0);
    assert!(asked.contains("--yes") && asked.len() == 2, "{asked:?}");
}

#[test]
fn what_a_renewal_takes() {
    let desk = desk();
    let house = House::open(&desk);
    let card = ["simulator", "new", "card.state", "--house", "ca"];
    desk.run([&card[..], &NEW_CARD[4..]].concat()).ends_with(0);
    let renew = [&["renew"], &house.options()[..]].concat();
    asks(&desk, &renew, &["renew", "--resume"], &["--yes", "--pin-file", "--signature-pin-file"], 8);
}

#[test]
fn what_plain_est_asks_for_each_time_is_named_by_the_command_that_takes_it() {
    let desk = desk();
    let mut house = House::open(&desk);
    house.change_policy(|policy| {
        policy.replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]")
    });
    desk.run(NEW_CARD).ends_with(0);
    desk.write("once", &house.hand_out("jana"));
    let plain = [&["first", "--plain", "--service", "partner"], &house.options()[..]].concat();
    let who = ["--user", "--one-time-password-file"];
    asks(&desk, &plain, &["first", "--resume"], &[&["--yes", "--pin-file"], &who[..]].concat(), 8);
    // As whom it was begun is written down, the password is not.
    asks(&desk, &["first", "--resume"], &[], &who[1..], 8);
    // The other command goes on with whatever is under way, and has no place for them.
    let said = desk.run([&["renew", "--resume"], &CARD[..]].concat()).ends_with(2);
    assert!(said.err.contains("obnova first --resume") && said.err.contains("--user"), "{}", said.err);
}
