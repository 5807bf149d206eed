#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder who was told by mail that the certificates end begins the renewal with the link in it.

mod support;

use std::{fs, io::Write as _, process::Stdio, time::SystemTime};

use obnova_card::ProfileToken;
use obnova_client::{CaConnection as _, EstConnection, Https, RenewalLink, look, tls_config};
use obnova_enroll::est::{Headers, HttpRequest, Method};
use obnova_renewal::{LinkAnswer, ParsedCertificate, Plan, Policy};
use obnova_simulator::{Card, SimulatorConnection};
use support::{
    Desk, Said,
    ca::{House, mail_with, mails},
    terminal::Terminal,
};
use x509_cert::Certificate;

const PLAY: [&str; 6] = ["--pin-file", "pin", "--signature-pin-file", "pin2", "--trust", "ca/root.pem"];

/// A CA, a card whose certificates end in three weeks, and the link that its holder was mailed.
fn noticed(desk: &Desk) -> (House<'_>, String) {
    let house = House::open(desk);
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    // The server goes its rounds too.
    house.operator(&["notices", "ca"]).ends_with(0);
    while mails(desk).is_empty() {
        house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
    }
    let mail = mails(desk).remove(0);
    let link = mail.split_whitespace().find(|word| word.starts_with("https://")).unwrap().to_owned();
    assert!(link.starts_with(&house.url), "{mail}");
    (house, link)
}

#[test]
fn the_link_begins_the_renewal_once() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let renew = |card: &str, link: &str| {
        desk.run(
            [
                &["renew", "--yes", "--link", link, "--token", card, "--journal", &format!("{}.journal", &card[4..])],
                &PLAY[..],
            ]
            .concat(),
        )
    };
    // Another card's holder got hold of it: nothing is used up.
    desk.run(["simulator", "new", "other.state", "--house", "ca"]).ends_with(0);
    let other = renew("sim:other.state", &link).ends_with(3);
    assert!(other.err.contains("another card"), "{}", other.err);
    renew("sim:card.state", &format!("{}zzzz", &link[..link.len() - 4])).ends_with(6);
    renew("sim:card.state", &link).ends_with(8);
    house.approve();
    desk.run(
        [&["renew", "--resume", "--token", "sim:card.state", "--journal", "card.state.journal"], &PLAY[..4]].concat(),
    )
    .ends_with(0);
    // Nor does it begin anything with the journal of nobody: what it was for is over.
    desk.run(["simulator", "new", "third.state", "--house", "ca"]).ends_with(0);
    let over = renew("sim:third.state", &link).ends_with(6);
    assert!(over.err.contains("begins nothing any more"), "{}", over.err);
}

/// The link on standard input, where no list of programs shows it; the holder reads the plan and says no, and yes another day.
#[test]
fn who_says_no_may_say_yes_later() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let renew = [&["renew", "--link", "-", "--token", "sim:card.state"], &PLAY[..]].concat();
    let before = fs::read(desk.file("card.state")).unwrap();
    let answered = |answer: &str| {
        let mut terminal = Terminal::open(&desk.command(&renew));
        terminal.wait_for(&["Paste the link that was mailed:"]);
        terminal.type_line(&link);
        terminal.wait_for(&["Type \"yes\":"]);
        terminal.type_line(answer);
        terminal.end()
    };
    for _ in 0..2 {
        let (code, shown) = answered("no");
        assert!(code == 9 && shown.contains("Begin again when you agree"), "{code} {shown}");
        assert!(fs::read(desk.file("card.state")).unwrap() == before, "the card was touched");
    }
    let (code, shown) = answered("yes");
    assert!(code == 8 && shown.contains("The link in the mail begins this renewal"), "{code} {shown}");
    house.approve();
    // The same link goes on with what it has begun.
    desk.run([&["renew", "--link", &link, "--token", "sim:card.state"], &PLAY[..]].concat()).ends_with(0);
    for none in ["", "\n", "http://ca.example/renew/0"] {
        let mut renew = desk.command(&renew);
        let renew = renew.arg("--yes").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut renew = renew.spawn().unwrap();
        renew.stdin.take().unwrap().write_all(none.as_bytes()).unwrap();
        let said = Said::from(renew.wait_with_output().unwrap()).ends_with(2);
        assert!(said.err.contains("not a link"), "{}", said.err);
    }
}

/// The link stands in a file, and the rest is asked at the terminal at which that was typed; without one, nothing is.
#[test]
fn who_gives_the_link_in_a_file_is_asked_at_the_terminal() {
    let desk = Desk::new();
    let (_house, link) = noticed(&desk);
    let file = desk.write("link.txt", &format!("{link}\n"));
    let renew = ["renew", "--link", "-", "--token", "sim:card.state", "--trust", "ca/root.pem"];
    let unasked = |more: &[&str], option: &str| {
        let said = desk.without_terminal(&[&renew[..], more].concat(), &file).ends_with(2);
        assert!(said.err.contains("no terminal") && said.err.contains(option), "{}", said.err);
    };
    unasked(&[], "--yes");
    unasked(&["--yes"], "--pin-file");

    let mut terminal = Terminal::open_reading(&file, &desk.command(renew));
    let answers = [("Type \"yes\":", "yes"), ("authentication PIN > ", "1234"), ("signature PIN > ", "567890")];
    terminal.answer(&answers, "The order was accepted");
    let (code, shown) = terminal.end();
    assert!(code == 8 && !shown.contains("1234") && !shown.contains("567890"), "{code} {shown}");
}

/// What cannot come to its end is told before the link is used up and before a key is made.
#[test]
fn no_key_is_made_and_no_link_used_up_for_what_is_missing_or_cannot_be_right() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    desk.write("short", "1");
    let card = || fs::read(desk.file("card.state")).unwrap();
    let before = card();
    let renew = |pins: &[&str]| {
        let renew = ["renew", "--yes", "--link", &link, "--token", "sim:card.state", "--trust", "ca/root.pem"];
        desk.run([&renew[..], pins].concat())
    };
    for (pins, code, told) in [
        (&["--pin-file", "pin"][..], 2, "--signature-pin-file"),
        (&["--signature-pin-file", "pin2"], 2, "--pin-file"),
        (&["--pin-file", "short", "--signature-pin-file", "pin2"], 4, "authentication PIN"),
        (&["--pin-file", "pin", "--signature-pin-file", "short"], 4, "signature PIN"),
    ] {
        let said = renew(pins).ends_with(code);
        assert!(said.err.contains(told), "{told}: {}", said.err);
        assert!(card() == before, "{told}: the card was touched");
        desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);
    }
    // Nothing has used it up: it opens for somebody else, once.
    assert_eq!(use_up(&desk, &house, &link), 200);
    let over = renew(&PLAY[..4]).ends_with(6);
    assert!(over.err.contains("begins nothing any more"), "{}", over.err);
    assert!(card() == before);
}

fn anchors(desk: &Desk) -> Vec<ParsedCertificate> {
    let root = Certificate::load_pem_chain(&fs::read(desk.file("ca/root.pem")).unwrap()).unwrap();
    root.iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect()
}

/// Uses a link up for nobody's card.
fn use_up(desk: &Desk, house: &House<'_>, link: &str) -> u16 {
    let https = Https::new(&house.url, tls_config(&anchors(desk)).unwrap()).unwrap();
    let kinds = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")];
    let path = link.strip_prefix(house.url.trim_end_matches('/')).unwrap().to_owned();
    let body = b"attempt=0123456789abcdef0123456789abcdef".to_vec();
    let request = HttpRequest { method: Method::Post, path, headers: Headers::from_iter(kinds), body };
    https.exchange(&request).unwrap().status
}

/// The program that used the link up was ended, and its journal is lost: the same card begins with it again, and no other.
#[test]
fn who_was_stopped_right_after_the_link_was_used_up_begins_with_it_again() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let mut token = ProfileToken::new(SimulatorConnection::new(Card::open(desk.file("card.state")).unwrap()));
    let plan = Plan::make(&look(&mut token).unwrap(), &Policy::twins(), SystemTime::now()).unwrap();
    drop(token);
    let notice = RenewalLink::new(&link, &anchors(&desk)).unwrap().plan(plan).unwrap().notice.unwrap();
    let https = Https::new(&house.url, tls_config(&anchors(&desk)).unwrap()).unwrap();
    let used = EstConnection::new(https, anchors(&desk)).unwrap().use_link(&notice).unwrap();
    assert_eq!(used, LinkAnswer::Begun);
    desk.run(["simulator", "new", "other.state", "--house", "ca"]).ends_with(0);
    let renew = ["renew", "--yes", "--link", &link, "--token"];
    desk.run([&renew[..], &["sim:other.state"], &PLAY].concat()).ends_with(6);
    desk.run([&renew[..], &["sim:card.state"], &PLAY].concat()).ends_with(8);
    house.approve();
}

/// The order is out and the journal is lost: the link begins nothing any more, and without it the order is found again.
#[test]
fn who_lost_the_journal_of_an_order_that_is_out_is_told_what_finds_it_again() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let card = ["renew", "--yes", "--token", "sim:card.state"];
    desk.run([&card[..], &["--link", &link], &PLAY].concat()).ends_with(8);
    fs::remove_dir_all(desk.file("state")).unwrap();
    let said = desk.run([&card[..], &["--link", &link], &PLAY].concat()).ends_with(6);
    assert!(said.err.contains("this one or another") && said.err.contains("Begin with --ca"), "{}", said.err);
    desk.run([&card[..], &["--ca", &house.url], &PLAY].concat()).ends_with(8);
    let orders = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let orders: serde_json::Value = serde_json::from_str(&orders.out).unwrap();
    assert_eq!(orders.as_array().unwrap().len(), 1, "{orders}");
    house.approve();
    desk.run([&["renew", "--resume", "--token", "sim:card.state"], &PLAY[..4]].concat()).ends_with(0);
}

#[test]
fn the_link_of_what_was_revoked_begins_nothing_and_no_pin_is_asked_for() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let card = || fs::read(desk.file("card.state")).unwrap();
    let before = card();
    let due = house.operator(&["due", "ca", "--json"]).ends_with(0);
    let due: serde_json::Value = serde_json::from_str(&due.out).unwrap();
    let serial = due[0]["certificates"][1]["serial"].as_str().unwrap();
    house.operator(&["revoke", "ca", serial, "--reason", "superseded"]).ends_with(0);
    let renew = ["renew", "--yes", "--link", &link, "--token", "sim:card.state"];
    // With PINs, and without any: it does not come to them.
    for pins in [&PLAY[..], &PLAY[4..]] {
        let said = desk.run([&renew[..], pins].concat());
        assert!(matches!(said.code, 3 | 6), "{} {}", said.code, said.err);
        assert!(said.err.contains("is revoked") && !said.err.contains("--ca"), "{}", said.err);
        assert!(!said.out.contains("PIN is needed") && !said.err.contains("PIN"), "{} {}", said.out, said.err);
        assert!(card() == before, "the card was touched");
    }
    assert_eq!(house.operator(&["list", "ca", "--json"]).ends_with(0).out.trim(), "[]");
}

/// On hold the link waits too: what is said is what helps, and after the release the same link renews.
#[test]
fn the_link_of_what_is_on_hold_begins_the_renewal_after_the_release() {
    let desk = Desk::new();
    let (house, link) = noticed(&desk);
    let due = house.operator(&["due", "ca", "--json"]).ends_with(0);
    let due: serde_json::Value = serde_json::from_str(&due.out).unwrap();
    let serial = due[0]["certificates"][1]["serial"].as_str().unwrap();
    house.operator(&["hold", "ca", serial]).ends_with(0);
    let renew = [&["renew", "--yes", "--link", &link, "--token", "sim:card.state"], &PLAY[..]].concat();
    let said = desk.run(&renew).ends_with(6);
    assert!(said.err.contains("on hold") && said.err.contains("same link"), "{}", said.err);
    assert!(!said.err.contains("any more") && !said.err.contains("--ca"), "{}", said.err);
    house.operator(&["release", "ca", serial]).ends_with(0);
    desk.run(&renew).ends_with(8);
    house.approve();
}

/// Nobody is asked for a link that cannot be followed: what is missing is whom to trust, for the link.
#[test]
fn a_link_is_followed_only_to_who_is_recognised() {
    let desk = Desk::new();
    let file = desk.write("link.txt", "https://ca.example/renew/0\n");
    let renew = ["renew", "--link", "-", "--service", "twins", "--token", "sim:card.state"];
    let said = desk.without_terminal(&renew, &file).ends_with(2);
    assert!(said.err.contains("To follow the link") && said.err.contains("--trust"), "{}", said.err);
}

/// What the page says that the link leads to is done as it is written; without the service that it names, the holder is told to name it.
#[test]
fn the_command_of_the_page_renews_the_one_certificate_of_another_service() {
    for service in ["partner", "guild"] {
        let desk = Desk::new();
        let policy =
            include_str!("../../../policies/partner.toml").replacen("validity_days = 365", "validity_days = 20", 1);
        desk.write("guild.toml", &policy.replace("name = \"partner\"", &format!("name = \"{service}\"")));
        let house = House::of(&desk, "guild.toml");
        for (file, secret) in [("pin", "1234"), ("pin2", "567890"), ("revocation", "Q7vkSvestkyW2xNaPudeT9")] {
            desk.write(file, secret);
        }
        desk.run([&["simulator", "new", "card.state", "--empty"], &PLAY[..4]].concat()).ends_with(0);
        desk.write("once", &house.hand_out("jana"));
        let secrets = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];
        let first = ["first", "--user", "jana", "--yes", "--policy", "guild.toml", "--token", "sim:card.state"];
        let first = [&first[..], &PLAY[..4], &house.options()].concat();
        desk.run([&first[..], &secrets].concat()).ends_with(8);
        house.approve();
        desk.run([&["first", "--resume", "--yes", "--token", "sim:card.state"], &PLAY[..4], &house.options()].concat())
            .ends_with(0);

        house.operator(&["notices", "ca"]).ends_with(0);
        let mail = mail_with(&desk, &house, "/renew/");
        let link = mail.split_whitespace().find(|word| word.contains("/renew/")).unwrap().to_owned();
        let page = page(&desk, &house, &link);
        let command = page.split_once("<pre>").unwrap().1.split_once("</pre>").unwrap().0;
        let words: Vec<_> = command.split_whitespace().skip(1).collect();
        let input = desk.write("link.txt", &link);
        let renew = |words: &[&str]| {
            let input = fs::File::open(&input).unwrap();
            let arguments = [words, &["--yes", "--token", "sim:card.state"], &PLAY].concat();
            Said::from(desk.command(arguments).stdin(input).output().unwrap())
        };
        let unnamed = renew(&words[..3]).ends_with(3);
        let told = unnamed.err.split_whitespace().collect::<Vec<_>>().join(" ");
        for way_out in ["--service partner", "--policy FILE"] {
            assert!(told.contains(way_out), "{told}");
        }
        renew(&words).ends_with(8);
    }
}

/// The two certificates of the service are valid for different times: one notice, when the first ends, begins the renewal of both.
#[test]
fn one_link_renews_a_pair_whose_certificates_end_on_different_days() {
    let desk = Desk::new();
    let of_days = |policy: &str, days| policy.replacen("validity_days = 365", &format!("validity_days = {days}"), 1);
    let policy = of_days(&of_days(include_str!("../../../policies/twins.toml"), 20), 60);
    desk.write("uneven.toml", &policy);
    let house = House::of(&desk, "uneven.toml");
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    let (card, options) = (["--token", "sim:card.state"], house.options());
    let renew = |begin: &[&str]| desk.run([&["renew", "--yes"], begin, &card, &PLAY].concat());
    let installed = || desk.run([&["renew", "--resume"][..], &card, &PLAY[..4]].concat()).ends_with(0);
    renew(&options[..2]).ends_with(8);
    house.approve();
    installed();

    house.operator(&["notices", "ca"]).ends_with(0);
    let told = || mails(&desk).into_iter().filter(|mail| mail.contains("/renew/")).collect::<Vec<_>>();
    // The server goes its rounds too.
    while told().is_empty() {
        house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
    }
    let told = told();
    let link = told[0].split_whitespace().find(|word| word.contains("/renew/")).unwrap();
    let due = house.operator(&["due", "ca", "--json"]).ends_with(0);
    let due: serde_json::Value = serde_json::from_str(&due.out).unwrap();
    assert!(told.len() == 1 && due.as_array().unwrap().len() == 1, "{told:?} {due}");
    assert!(told[0].contains("The first of your certificates ends in 20 days"), "{}", told[0]);
    assert_eq!(due[0]["certificates"].as_array().unwrap().len(), 2, "{due}");
    let input = desk.write("link.txt", link);
    let begin = [&["renew", "--yes", "--link", "-"], &card[..], &PLAY].concat();
    let begun = desk.command(&begin).stdin(fs::File::open(&input).unwrap()).output().unwrap();
    Said::from(begun).ends_with(8);
    house.approve();
    installed();
    let orders = house.operator(&["list", "ca", "--state", "confirmed", "--json"]).ends_with(0).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&orders).unwrap().as_array().unwrap().len(), 2, "{orders}");
}

/// What a browser shows of a link.
fn page(desk: &Desk, house: &House<'_>, link: &str) -> String {
    let https = Https::new(&house.url, tls_config(&anchors(desk)).unwrap()).unwrap();
    let path = link.strip_prefix(house.url.trim_end_matches('/')).unwrap().to_owned();
    let request = HttpRequest { method: Method::Get, path, headers: Headers::default(), body: Vec::new() };
    String::from_utf8(https.exchange(&request).unwrap().body).unwrap()
}
