#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder who waits for the CA's answer while its server is away: the program waits on, and whoever ends it goes on later.

mod support;

use std::fs;

use support::{Desk, ca::House, terminal::Terminal};

const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
const CTRL_C: u8 = 3;

/// What is shown once, however often the server is asked in vain.
const AWAY: &str = "The CA gives no answer now";

fn desk() -> Desk {
    let desk = Desk::new();
    for (file, secret) in [("pin", "80214957"), ("pin2", "73159264"), ("puk", "90417358")] {
        desk.write(file, secret);
    }
    desk
}

/// Orders and waits; the server goes away and the holder too; comes back, waits, and then the server comes back.
fn waited_for(desk: &Desk, house: &mut House<'_>, order: &[&str], resume: &[&str], at_hand: &str) {
    let mut terminal = Terminal::open(&desk.command(order));
    terminal.wait_for(&["Waiting for the CA"]);
    house.kill();
    terminal.wait_for(&[AWAY]);
    terminal.wait_for(&["Waiting for the CA"]);
    terminal.type_key(CTRL_C);
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");

    let mut terminal = Terminal::open(&desk.command(resume));
    terminal.wait_for(&[AWAY]);
    terminal.wait_for(&["Waiting for the CA"]);
    // Whatever is asked for from here on would be asked for again.
    fs::remove_file(desk.file(at_hand)).unwrap();
    house.serve_again();
    house.approve();
    let (code, shown) = terminal.end();
    assert!(code == 0 && shown.matches(AWAY).count() == 1, "{code} {shown}");
    assert!(shown.contains("read back") && shown.contains("--resume"), "{shown}");
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let desk = desk();
    let mut house = House::open(&desk);
    house.change_policy(|policy| policy.replace("retry_after_seconds = 60", "retry_after_seconds = 1"));
    desk.run([&["simulator", "new", "card.state", "--house", "ca", "--puk-file", "puk"][..], &PIN_FILES].concat())
        .ends_with(0);
    let url = house.url.clone();
    let order = [&["renew", "--yes", "--wait"][..], &CARD, &PIN_FILES, &["--ca", &url, "--trust", "ca/root.pem"]];
    let resume = [&["renew", "--resume", "--wait"][..], &CARD, &PIN_FILES];
    waited_for(&desk, &mut house, &order.concat(), &resume.concat(), "puk");
}

/// Who asks is said each time, and is not asked for again.
#[test]
fn a_server_of_plain_est_that_is_away_is_waited_for() {
    let desk = desk();
    let mut house = House::open(&desk);
    house.change_policy(|policy| {
        policy
            .replace("retry_after_seconds = 60", "retry_after_seconds = 1")
            .replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]")
    });
    desk.run([&["simulator", "new", "card.state", "--empty", "--puk-file", "puk"][..], &PIN_FILES].concat())
        .ends_with(0);
    let hand_out =
        ["password", "issue", "ca", "--user", "jana", "--name", "CN=Jana Nováková,C=CZ", "--email", "j@x.cz"];
    let said = house.operator(&hand_out).ends_with(0);
    let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
    desk.write("once", line.split_whitespace().last().unwrap());
    let url = house.url.clone();
    let who = ["--user", "jana", "--one-time-password-file", "once"];
    let order = [&["first", "--plain", "--service", "partner", "--yes", "--wait"][..], &who, &CARD, &PIN_FILES];
    let order = [order.concat(), vec!["--ca", &url, "--trust", "ca/root.pem"]];
    let resume = [&["first", "--resume", "--yes", "--wait"][..], &who, &CARD, &PIN_FILES];
    waited_for(&desk, &mut house, &order.concat(), &resume.concat(), "once");
}
