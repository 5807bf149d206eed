#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder gets first certificates by hand, with what the operator of `obnova-ca` handed out.

mod support;

use std::{fs, process::Command};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, ProfileToken, Secret, Slot, SlotId, Token as _,
};
use obnova_profile::TransportPinModel;
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use support::{
    Desk,
    ca::{House, mails},
    planted::Search,
    terminal::Terminal,
};

/// Secrets that occur nowhere by chance.
const PINS: [&str; 3] = ["80214957", "73159264", "90417358"];
const REVOCATION_PASSWORD: &str = "Q7vkSvestkyW2xNaPudeT9";
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
const SECRETS: [&str; 4] = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];

/// A card with nothing on it, a CA, and the holder's secrets in files.
fn set_up<'a>(desk: &'a Desk) -> House<'a> {
    let house = House::open(desk);
    for (file, secret) in ["pin", "pin2", "puk"].into_iter().zip(PINS) {
        desk.write(file, &format!("{secret}\n"));
    }
    desk.write("revocation", &format!("{REVOCATION_PASSWORD}\n"));
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    house
}

fn first(house: &House<'_>, more: &[&str]) -> Vec<String> {
    let all = [&["first", "--user", "jana"], more, &CARD[..], &PIN_FILES, &SECRETS, &house.options()].concat();
    all.into_iter().map(str::to_owned).collect()
}

/// Who is in two modules says which one is meant, once: the rest of the order goes there too.
#[test]
fn a_password_of_a_module_is_used_in_that_module() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let name = ["--name", "CN=Jana Nováková,C=CZ", "--email", "jana@example.cz"];
    let [_, password] = ["main", "invoices"].map(|module| {
        let issue = ["password", "issue", "ca", "--user", "jana", "--module", module];
        let said = house.operator(&[&issue[..], &name].concat()).ends_with(0);
        let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    });
    desk.write("once", &password);
    desk.run(first(&house, &["--yes", "--module", "../invoices"])).ends_with(2);
    desk.run(first(&house, &["--yes", "--module", "invoices"])).ends_with(8).says(&["Accepted, pending"]);
    house.approve();
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(0).says(&["first certificates"]);
}

#[test]
fn a_pair_comes_onto_an_empty_card_by_a_one_time_password() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let password = house.hand_out("jana");
    // Mistyped, it is noticed here; nothing was sent, and nothing begun.
    let mut mistyped: Vec<_> = password.bytes().collect();
    mistyped[0] = if mistyped[0] == b'A' { b'B' } else { b'A' };
    desk.write("once", std::str::from_utf8(&mistyped).unwrap());
    let said = desk.run(first(&house, &["--yes"])).ends_with(2);
    assert!(said.err.contains("mistyped"), "{}", said.err);
    desk.write("once", &password.to_lowercase().replace('-', ""));
    desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);
    let begun = desk.run(first(&house, &["--yes"])).ends_with(8);
    begun.says(&[
        "You will be asked for",
        "the one-time password that you were given",
        "a revocation password that you pick, twice",
    ]);
    // As they are asked.
    let at = |text: &str| begun.out.find(text).unwrap_or_else(|| panic!("{text}: {}", begun.out));
    let order =
        ["to put new keys", "to sign and send", "the one-time password that you were given", "to install what is new"];
    assert!(order.map(at).is_sorted(), "{}", begun.out);
    begun.says(&["not the password itself", "Accepted, pending"]);
    assert!(!begun.out.contains("your user id\n"), "it was given: {}", begun.out);
    desk.run(["status"]).ends_with(0).says(&["renewal-1", "Accepted"]);
    assert!(
        desk.run(first(&house, &["--yes"]))
            .ends_with(3)
            .err
            .contains("under way: go on with it (obnova first --resume)")
    );

    house.approve();
    // Nobody is there to look at the name, so nothing is installed.
    desk.run(["first", "--resume"]).ends_with(2).says(&[
        "picked up without card or PIN",
        "Jana Nováková",
        "jana@example.cz",
    ]);
    let done = ["Jana Nováková", "read back", "TLS login", "signature key was made and verified", "first certificates"];
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(0).says(&done);
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["valid", "valid", "6 slots are free"]);

    // It worked once.
    let another = ["simulator", "new", "another.state", "--empty", "--serial", "OBN00000002", "--puk-file", "puk"];
    desk.run([&another[..], &PIN_FILES].concat()).ends_with(0);
    let again =
        first(&house, &["--yes"]).iter().map(|one| one.replace("card.state", "another.state")).collect::<Vec<_>>();
    let said = desk.run(again).ends_with(6);
    assert!(
        said.err.contains("refused")
            && said.err.contains("This order is over")
            && said.err.contains("goes on with the keys"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("old pair"), "{}", said.err);

    // And neither it nor what the holder picked is anywhere, on either side.
    drop(house);
    let plain = password.replace('-', "");
    let secrets = Search::new([plain.as_str(), REVOCATION_PASSWORD]);
    let given = ["once", "revocation"];
    let files: Vec<_> = desk.files().into_iter().filter(|file| !given.iter().any(|one| file.ends_with(one))).collect();
    assert!(files.iter().any(|file| file.ends_with("renewal-1.journal")), "{files:?}");
    for file in files {
        let content = fs::read(desk.file(file.to_str().unwrap())).unwrap();
        let as_it_was_shown = content.windows(password.len()).any(|text| text == password.as_bytes());
        assert!(!as_it_was_shown, "in {}", file.display());
        secrets.assert_absent(&file.display().to_string(), content);
    }
}

/// The one-time password is used up by then, and an order that was lost by one key would be lost for good.
#[test]
fn a_slip_at_the_question_whose_certificates_came_loses_nothing() {
    const QUESTION: &str = "Is this you? Type \"yes\":";
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8);
    house.approve();
    let resume = [&["first", "--resume"], &CARD[..], &PIN_FILES].concat();
    let answered = |answers: &[&str]| {
        let mut terminal = Terminal::open(&desk.command(&resume));
        for (at, answer) in answers.iter().enumerate() {
            if at > 0 {
                terminal.wait_for(&["neither a yes nor a no"]);
            }
            terminal.wait_for(&[QUESTION]);
            terminal.type_line(answer);
        }
        terminal.end()
    };
    let (code, shown) = answered(&["", "yes, it is", "?"]);
    assert!(code == 2 && shown.contains("There was no yes and no no"), "{code}: {shown}");
    desk.run(["status"]).ends_with(0).says(&["look whether they are yours"]);
    for no in ["no", "N"] {
        let (code, shown) = answered(&["", no]);
        assert!(code == 9 && shown.contains("asks you once more"), "{code}: {shown}");
    }
    let told = desk.run(["status"]).ends_with(0).out;
    let doctor = |token| {
        let said = desk.run(["doctor", "--token", token]).out;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let declined = "First order: You did not agree to the certificates, so they were not put on the card. They are kept, \
                    and \"obnova first --resume\" shows them and asks you once more.";
    // Nor does it take the card; with another one there is nothing to tell.
    let other = ["simulator", "new", "other.state", "--empty", "--serial", "OBN00000002"];
    desk.run([&other[..], &PIN_FILES].concat()).ends_with(0);
    let told_with =
        ["sim:card.state", "sim:nowhere.state", "sim:other.state"].map(|token| doctor(token).contains(declined));
    assert_eq!(told_with, [true, true, false], "{}", doctor("sim:card.state"));
    // While another order is open, that one is gone on with.
    desk.write("once", &house.hand_out("jana"));
    let there =
        |more: &[&str]| first(&house, more).iter().map(|one| one.replace("card.", "other.")).collect::<Vec<_>>();
    desk.run(there(&["--yes"])).ends_with(8);
    assert!(!doctor("sim:card.state").contains("First order"), "{}", doctor("sim:card.state"));
    house.approve();
    desk.run(there(&["--resume", "--yes"])).ends_with(0);
    assert!(doctor("sim:card.state").contains(declined));
    let named = told.split("obnova revoke ").skip(1);
    let named: Vec<_> = named.map(|rest| rest.split([' ', ';', ')', '\n']).next().unwrap()).collect();
    let (code, shown) = answered(&["y"]);
    assert!(code == 0 && shown.contains("first certificates are on the card"), "{code}: {shown}");
    assert_eq!(named.len(), 2, "{told}");
    desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0).says(&named);
    // It is over now.
    assert!(!doctor("sim:card.state").contains("First order"));
    let said = desk.run(&resume).ends_with(3);
    assert!(said.err.contains("Begin one with \"obnova first\""), "{}", said.err);
}

/// What is advised to who says no does what it should.
#[test]
fn certificates_that_were_declined_are_revoked_by_the_command_that_is_named() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8);
    house.approve();
    let mut terminal = Terminal::open(&desk.command([&["first", "--resume"], &CARD[..], &PIN_FILES].concat()));
    terminal.wait_for(&["Is this you?"]);
    terminal.type_line("n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 9, "{shown}");
    let told = desk.run(["status"]).ends_with(0).out;
    let options = [&["--yes", "--revocation-password-file", "revocation"], &CARD[..], &PIN_FILES, &house.options()];
    for rest in told.split("obnova revoke ").skip(1) {
        let serial = rest.split([' ', ';', ')', '\n']).next().unwrap();
        desk.run([&["revoke", serial], &options.concat()[..]].concat()).ends_with(0).says(&["is revoked"]);
    }
}

#[test]
fn a_revocation_password_that_is_typed_differently_the_second_time_is_asked_for_again_on_the_spot() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    let given = ["--yes", "--one-time-password-file", "once"];
    let command = [&["first"], &given[..], &CARD, &PIN_FILES, &house.options()].concat();
    let mut terminal = Terminal::open(&desk.command(&command));
    for told in ["You will be asked for", "your user id", "a revocation password that you pick, twice", "User id:"] {
        terminal.wait_for(&[told]);
    }
    terminal.type_line("jana");
    // Of a service that nobody named it is not known whether its CA takes an order without one.
    terminal.wait_for(&["Revocation password > "]);
    terminal.type_line("");
    terminal.wait_for(&["take at least 8 characters"]);
    // More often than the rules of a password may be broken.
    for again in ["a slip", "another slip", "", "a third", REVOCATION_PASSWORD] {
        terminal.wait_for(&["Revocation password > "]);
        terminal.type_line(REVOCATION_PASSWORD);
        terminal.wait_for(&["Revocation password, once more > "]);
        terminal.type_line(again);
        if again != REVOCATION_PASSWORD {
            terminal.wait_for(&["the two typings are not the same"]);
        }
    }
    terminal.wait_for(&["Accepted, pending"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 8, "{shown}");
    assert!(!shown.contains("leaves it out"), "{shown}");
}

/// At a terminal by nothing but Enter, and where nobody is there by no option; it is said what that means, and one can be set afterwards.
#[test]
fn a_revocation_password_that_the_service_does_not_require_may_be_left_out() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let another = ["simulator", "new", "another.state", "--empty", "--serial", "OBN00000002", "--puk-file", "puk"];
    desk.run([&another[..], &PIN_FILES].concat()).ends_with(0);
    let options = house.options();
    let first = |more: &[&str]| {
        let given = ["first", "--user", "jana", "--yes", "--one-time-password-file", "once"];
        [&given[..], more, &PIN_FILES, &options].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let without = "No revocation password goes with this order";
    desk.write("once", &house.hand_out("jana"));
    let mut terminal = Terminal::open(&desk.command(first(&[&["--service", "activation"], &CARD[..]].concat())));
    for told in ["that you pick, twice, or none", "Enter alone leaves it out", "Revocation password > "] {
        terminal.wait_for(&[told]);
    }
    terminal.type_line("");
    assert_eq!(terminal.wait_for(&["Accepted, pending", "Revocation password > "]), 0, "{}", terminal.shown);
    assert!(terminal.shown.contains(without), "{}", terminal.shown);
    let (code, shown) = terminal.end();
    assert_eq!(code, 8, "{shown}");
    assert!(!shown.contains("once more"), "{shown}");
    house.approve();
    desk.run([&["first", "--resume", "--yes"], &CARD[..], &PIN_FILES].concat()).ends_with(0);
    let set = ["revocation-password", "--service", "activation", "--revocation-password-file", "revocation"];
    desk.run([&set[..], &CARD, &PIN_FILES[..2], &options].concat()).ends_with(0).says(&["is set"]);

    desk.write("once", &house.hand_out("jana"));
    let other = ["--token", "sim:another.state"];
    let untouched = fs::read(desk.file("another.state")).unwrap();
    for needed in [&["--service", "partner"][..], &[]] {
        let said = desk.run(first(&[needed, &other].concat())).ends_with(2);
        assert!(said.err.contains("--revocation-password-file"), "{needed:?}: {}", said.err);
        assert!(fs::read(desk.file("another.state")).unwrap() == untouched, "{needed:?}");
    }
    desk.run(first(&[&["--service", "activation"], &other[..]].concat())).ends_with(8).says(&["or none", without]);
}

/// Nobody agrees to what was not shown yet, and no try is spent by what was typed for nothing.
#[test]
fn what_is_typed_while_the_ca_is_waited_for_answers_no_question() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    house.change_policy(|policy| policy.replace("retry_after_seconds = 60", "retry_after_seconds = 1"));
    desk.write("once", &house.hand_out("jana"));
    let order = [&["first", "--wait", "--user", "jana"], &CARD[..], &SECRETS, &house.options()].concat();
    let mut terminal = Terminal::open(&desk.command(order));
    let pins = [("authentication PIN > ", PINS[0]), ("signature PIN > ", PINS[1])];
    terminal.answer(&[&[("Go ahead? Type \"yes\":", "yes")], &pins[..]].concat(), "Waiting for the CA");
    terminal.type_ahead(&["yes", "55555555", "55555556", "yes", "55555557", "55555558"]);
    house.approve();
    let asked = [&[("Is this you? Type \"yes\":", "yes")], &pins[..]].concat();
    terminal.answer(&asked, "first certificates are on the card");
    let (code, shown) = terminal.end();
    assert!(code == 0 && !shown.contains("wrong"), "{code}: {shown}");
}

/// What keeps a card from taking certificates is told by name before anything is asked, sent or written: the one-time password is as good as
/// before, and so is the card.
#[test]
fn a_card_that_cannot_take_certificates_is_told_so_before_anything_is_touched() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let password = house.hand_out("jana");
    desk.write("once", &password);
    let [pin, signature_pin, puk] = PINS.map(str::as_bytes);
    let active = |serial: &str| Personalisation::new(serial).active(pin, signature_pin, puk);

    let inactive = Personalisation::new("OBN00000003").inactive(TransportPinModel::Separate, b"135790");
    inactive.create(desk.file("inactive.state")).unwrap();

    // Keys of another kind are none that an order could go on with.
    let card = active("OBN00000004").slots(6).create(desk.file("full.state")).unwrap();
    let mut token = ProfileToken::new(SimulatorConnection::new(card));
    for slot in 1..=6 {
        let label = format!("key {slot}");
        let order = GenerateKey { slot: SlotId(slot), role: KeyRole::Signature, algorithm: KeyAlgorithm::P384, label };
        token.generate(&order, &Pin::new(Secret::from(PINS[0]))).unwrap();
    }
    drop(token);

    let card = active("OBN00000005").create(desk.file("dead.state")).unwrap();
    let mut token = ProfileToken::new(SimulatorConnection::new(card));
    let (wrong, new) = (Pin::with_last_try(Secret::from("00000000")), Secret::from(PINS[1]));
    for _ in 0..5 {
        token.unblock_password(PasswordKind::SignaturePin, &wrong, &new).unwrap_err();
    }
    for _ in 0..3 {
        token.change_password(PasswordKind::SignaturePin, &wrong, &new).unwrap_err();
    }
    drop(token);

    for (card, service, told) in [
        ("inactive.state", "twins", "The card is not active: activate it first (obnova card activate)."),
        ("full.state", "twins", "New keys need 2 free slots, and none is free"),
        ("full.state", "partner", "A new key needs a free slot, and none is free"),
        (
            "dead.state",
            "twins",
            "The signature PIN is blocked, and no PUK unblocks it any more. Ask the issuer for a new card.",
        ),
    ] {
        let before = fs::read(desk.file(card)).unwrap();
        let command: Vec<_> =
            first(&house, &["--yes", "--service", service]).iter().map(|one| one.replace("card.state", card)).collect();
        let said = desk.run(command).ends_with(3);
        assert!(said.err.contains(told), "{card}: {}", said.err);
        assert_eq!(fs::read(desk.file(card)).unwrap(), before, "{card}: no key, no try, nothing");
        let journals = desk.files().into_iter().filter(|file| file.extension().is_some_and(|end| end == "journal"));
        assert_eq!(journals.count(), 0, "{card}: nothing is begun");
    }
    let orders = house.operator(&["list", "ca", "--json"]).ends_with(0);
    assert_eq!(orders.out.trim(), "[]");
    let passwords = house.operator(&["password", "list", "ca", "--json"]).ends_with(0);
    passwords.says(&["\"state\": \"open\"", "\"wrong_guesses\": 0"]);
    // The card that can takes them.
    desk.run(first(&house, &["--yes"])).ends_with(8).says(&["Accepted, pending"]);
}

#[test]
fn who_left_and_lost_his_journal_needs_the_card_and_the_link_that_was_mailed() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8);
    fs::remove_dir_all(desk.file("state")).unwrap();
    let order = house.approve();
    let said = house.operator(&["link", "ca", &order, "--base", &house.url]).ends_with(0);
    let link = said.out.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    let install = ["install", link, "--trust", "ca/root.pem"];
    let install = [&install[..], &CARD, &PIN_FILES].concat();
    // Nobody is there to look at the name, so nothing is installed.
    let before = fs::read(desk.file("card.state")).unwrap();
    desk.run(&install).ends_with(2).says(&["Jana Nováková", "jana@example.cz"]);
    assert_eq!(fs::read(desk.file("card.state")).unwrap(), before);
    let told =
        ["Jana Nováková", "were checked", "What is new is on the card", "TLS login", "the link opens nothing any more"];
    let said = desk.run([&install[..], &["--yes"]].concat()).ends_with(0);
    assert!(!said.out.contains("superseded"), "{}", said.out);
    assert!(!said.out.contains("revocation password"), "this service requires none: {}", said.out);
    said.says(&told);
    assert!(house.is_confirmed(&order));
    assert!(desk.run([&install[..], &["--yes"]].concat()).ends_with(6).err.contains("used up"));
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["valid", "valid", "6 slots are free"]);
}

/// What was written down of the order is gone, and so is the paper: the keys wait on the card, and the order for them at the CA.
#[test]
fn who_lost_his_journal_goes_on_with_another_password() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8);
    let order = house.pending();
    fs::remove_dir_all(desk.file("state")).unwrap();
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8).says(&["Go on with the", "Accepted, pending"]);
    assert_eq!(house.approve(), order, "it is the same order");
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(0).says(&["first certificates are on the card"]);
    assert!(house.is_confirmed(&order));
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["valid", "valid", "6 slots are free"]);
}

/// The CA has forgotten that it issued them, and issues the order once more: nothing was renewed, and what is said speaks of what is there.
#[test]
fn what_a_ca_that_came_back_issues_once_more_is_told_as_what_it_is() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    desk.run(first(&house, &["--yes"])).ends_with(8);
    house.kill();
    let copied = Command::new("cp").args(["-r", "ca", "before"]).current_dir(desk.path()).status().unwrap();
    assert!(copied.success());
    house.serve_again();
    house.approve();
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(0);
    house.kill();
    fs::rename(desk.file("ca"), desk.file("after")).unwrap();
    fs::rename(desk.file("before"), desk.file("ca")).unwrap();
    house.serve_again();
    let order = house.approve();
    let said = house.operator(&["link", "ca", &order, "--base", &house.url]).ends_with(0);
    let link = said.out.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    let install = ["install", link, "--yes", "--trust", "ca/root.pem"];
    let said = desk.run([&install[..], &CARD, &PIN_FILES].concat()).ends_with(6);
    let told = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("than the one for the same key that is on the card") && !told.contains("renewed"), "{told}");
}

/// Other data need other certificates, and these other keys: as the journal knows, or where that is lost the CA's refusal.
#[test]
fn who_said_no_orders_anew_with_other_keys() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let hand_out = |name: &str| {
        let issue = ["password", "issue", "ca", "--user", "jana", "--name", name, "--email", "jana@example.cz"];
        let said = house.operator(&issue).ends_with(0);
        let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
        desk.write("once", line.split_whitespace().last().unwrap());
    };
    let declined = || {
        house.approve();
        let mut terminal = Terminal::open(&desk.command([&["first", "--resume"], &CARD[..], &PIN_FILES].concat()));
        terminal.wait_for(&["Is this you?"]);
        terminal.type_line("n");
        assert_eq!(terminal.end().0, 9);
        let told = desk.run(["status"]).ends_with(0).out;
        for rest in told.rsplit("renewal-").next().unwrap().split("obnova revoke ").skip(1) {
            let serial = rest.split([' ', ';', ')', '\n']).next().unwrap();
            house.operator(&["revoke", "ca", serial, "--reason", "superseded"]).ends_with(0);
        }
    };
    hand_out("CN=Jana Nováková,C=CZ");
    desk.run(first(&house, &["--yes"])).ends_with(8);
    declined();
    hand_out("CN=Jana Dvořáková,C=CZ");
    desk.run(first(&house, &["--yes"])).ends_with(8).says(&["in slot 3", "in slot 4"]);
    // Those that a later order has not come to its end for are asked about no more, nor are those of an earlier one.
    let offers = || desk.run(["status"]).ends_with(0).out.matches("asks you once more").count();
    assert_eq!(offers(), 0);
    declined();
    assert_eq!(offers(), 1);

    fs::remove_dir_all(desk.file("state")).unwrap();
    hand_out("CN=Jana Veselá,C=CZ");
    for slot in ["slot 1", "slot 3"] {
        let said = desk.run(first(&house, &["--yes"])).ends_with(6);
        said.says(&["Go on with the", slot]);
        assert!(said.err.contains("key-taken") && said.err.contains("is made with new keys"), "{}", said.err);
    }
    desk.run(first(&house, &["--yes"])).ends_with(8).says(&["in slot 5", "in slot 6"]);
    house.approve();
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(0).says(&["Jana Veselá"]);
    desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["2 slots are free"]);
}

/// Before the order is ready only the passwords are missing; and one that the CA does not know ends the order, not the keys.
#[test]
fn what_an_order_lacks_is_told_and_a_wrong_password_leaves_its_keys() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let order =
        [&["first", "--yes", "--user", "jana"], &CARD[..], &PIN_FILES, &SECRETS[2..], &house.options()].concat();
    let mut terminal = Terminal::open(&desk.command(order));
    terminal.wait_for(&["One-time password"]);
    terminal.type_key(3);
    assert_eq!(terminal.end().0, 130);
    let said = desk.run(["status"]).ends_with(0);
    said.says(&["The requests are signed. Next: make them an order", "obnova first --resume"]);

    let password = house.hand_out("jana");
    desk.write("once", &house.hand_out("petr"));
    let said = desk.run(first(&house, &["--resume", "--yes"])).ends_with(6);
    assert!(said.err.contains("wrong-password") && said.err.contains("This order is over"), "{}", said.err);
    assert!(said.err.contains("The next order (obnova first) goes on with the keys"), "{}", said.err);
    assert!(!said.err.contains("used up"), "nobody knows its one-time password: {}", said.err);
    desk.run(first(&house, &["--resume", "--yes"])).ends_with(3);
    desk.write("once", &password);
    desk.run(first(&house, &["--yes"])).ends_with(8).says(&["Go on with the"]);
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["6 slots are free"]);
}

/// A service of one certificate, with the same key again or another one: decided at once, and due at once, for it is valid so many days.
fn one_certificate_at_once(house: &mut House<'_>, days: u32) {
    house.change_policy(|policy| {
        let policy =
            policy.replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]");
        let policy = policy.replace("same_key = false", "same_key = true");
        let policy = policy.replace("approval = \"manual\"", "approval = \"automatic\"");
        policy.replacen("validity_days = 365", &format!("validity_days = {days}"), 1)
    });
}

#[test]
fn one_certificate_for_logging_in_and_its_renewal_with_the_same_key_and_with_another() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    one_certificate_at_once(&mut house, 20);
    desk.write("once", &house.hand_out("jana"));
    let done = ["read back", "TLS login", "first certificate is"];
    desk.run(first(&house, &["--yes", "--service", "partner", "--wait"])).ends_with(0).says(&done);
    // A new certificate on the same key has to end later than the old one.
    house.change_policy(|policy| policy.replacen("validity_days = 20", "validity_days = 25", 1));
    let renew = ["renew", "--yes", "--service", "partner", "--wait"];
    let renew = [&renew[..], &CARD, &PIN_FILES, &house.options()].concat();
    // As the file is that is built in, the CA takes no order for the old key: nothing is asked, signed or sent.
    let before = fs::read(desk.file("card.state")).unwrap();
    let said = desk.run([&renew[..], &["--same-key"]].concat()).ends_with(3);
    assert!(said.err.contains("certifies no key again"), "{}", said.err);
    assert_eq!(fs::read(desk.file("card.state")).unwrap(), before);
    let other = include_str!("../../../policies/partner.toml").replace("same_key = false", "same_key = true");
    desk.write("other.toml", &other);
    let mut same_key = renew.clone();
    same_key[2..4].copy_from_slice(&["--policy", "other.toml"]);
    desk.run([&same_key[..], &["--same-key"]].concat()).ends_with(0).says(&["Keep the", "TLS login", "Renewed"]);
    // The old certificate can go, and only that.
    let clean = |name| [&["card", "clean", "--confirm", name], &CARD[..], &PIN_FILES[..2]].concat();
    let offered = desk.run(clean("Somebody else's")).ends_with(9).out;
    assert!(offered.contains("its key stays") && !offered.contains("cannot be brought back"), "{offered}");
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["superseded", "expires in 25 days", "7 slots are free"]);
    let name = offered.lines().find_map(|line| line.split_once("· ")?.1.split_once(" (slot")).unwrap().0;
    let cleaned = desk.run(clean(name)).ends_with(0);
    cleaned.says(&["1 certificate was removed; its key stays", "expires in 25 days", "7 slots are free"]);
    desk.run(&renew).ends_with(0).says(&["in slot 2", "TLS login", "Renewed"]);
    desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["6 slots are free"]);
}

/// Whose certificates are meant is told by who signed them, for two CAs may have one name.
#[test]
fn of_two_services_on_a_card_each_renews_what_it_issued() {
    for named in [&[][..], &["--name", "Insurance"]] {
        let desk = Desk::new();
        let mut house = set_up(&desk);
        one_certificate_at_once(&mut house, 20);
        house.operator(&[&["init", "insurance"], named].concat()).ends_with(0);
        let card = ["simulator", "new", "both.state", "--house", "insurance", "--days", "6", "--puk-file", "puk"];
        desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
        let both = |all: Vec<&str>| all.iter().map(|one| one.replace("card.state", "both.state")).collect::<Vec<_>>();
        let at = ["--service", "partner", "--wait"];
        let renew = both([&["renew", "--yes"], &at[..], &CARD, &PIN_FILES, &house.options()].concat());
        let before = fs::read(desk.file("both.state")).unwrap();
        let said = desk.run(&renew).ends_with(3);
        assert!(said.err.contains("No certificate on the card was issued by this CA"), "{}", said.err);
        assert!(fs::read(desk.file("both.state")).unwrap() == before, "the card was touched");
        let doctor = [&["doctor"], &at[..2], &CARD].concat();
        let at_the_bank = both([&doctor[..], &house.options()].concat());
        desk.run(&at_the_bank).ends_with(3).says(&["No certificate on the card was issued by this CA"]);

        desk.write("once", &house.hand_out("jana"));
        let order = [&["first", "--user", "jana", "--yes"], &at[..], &CARD, &PIN_FILES, &SECRETS, &house.options()];
        desk.run(both(order.concat())).ends_with(0);
        if !named.is_empty() {
            let unclear = desk.run(both(doctor)).ends_with(3).out;
            assert!(unclear.contains("--trust") && !unclear.contains("card clean"), "{unclear}");
        }
        desk.run(&at_the_bank).ends_with(0);
        desk.run(&renew).ends_with(0).says(&["TLS login", "Renewed"]);
        desk.run(&at_the_bank).ends_with(0);
    }
}

/// Each renewal with the same key leaves a certificate on it, until no other one fits there.
#[test]
fn a_key_with_as_many_certificates_as_it_can_have_is_told_before_anything_is_asked() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    one_certificate_at_once(&mut house, 10);
    let partner = include_str!("../../../policies/partner.toml").replace("same_key = false", "same_key = true");
    desk.write("same-key.toml", &partner.replace("method = \"re-key\"", "method = \"same-key\""));
    desk.write("once", &house.hand_out("jana"));
    let service = ["--policy", "same-key.toml"];
    desk.run(first(&house, &[&["--yes", "--wait"], &service[..]].concat())).ends_with(0);
    let renew = [&["renew", "--yes", "--wait"], &service[..], &CARD, &PIN_FILES, &house.options()].concat();
    let renew: Vec<_> = renew.into_iter().map(str::to_owned).collect();
    let doctor = [&["doctor"], &service[..], &CARD].concat();
    for days in 10..17 {
        let checked = desk.run(&doctor).ends_with(0);
        checked.says(&["Room for the new certificate"]);
        assert!(!checked.out.contains("waits for its certificate"), "{}", checked.out);
        let (now, then) = (format!("validity_days = {days}\n"), format!("validity_days = {}\n", days + 1));
        house.change_policy(|policy| policy.replacen(&now, &then, 1));
        desk.run(&renew).ends_with(0).says(&["Renewed"]);
    }
    let before = fs::read(desk.file("card.state")).unwrap();
    let told = "The authentication key has 8 certificates, and no more fit on it";
    let told_in = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let checked = desk.run(&doctor).ends_with(3);
    assert!(told_in(&checked.out).contains(told) && checked.out.contains("obnova card clean"), "{}", checked.out);
    assert!(!checked.out.contains("Room for"), "{}", checked.out);
    let said = desk.run(&renew).ends_with(3);
    assert!(told_in(&said.err).contains(told) && said.err.contains("obnova card clean"), "{}", said.err);
    assert!(fs::read(desk.file("card.state")).unwrap() == before, "the card was touched");
    // What it says to do helps.
    let clean = |name| [&["card", "clean", "--confirm", name], &CARD[..], &PIN_FILES[..2]].concat();
    let offered = desk.run(clean("Somebody else's")).ends_with(9).out;
    let name = offered.lines().find_map(|line| line.split_once("· ")?.1.split_once(" (slot")).unwrap().0;
    let there = certificates(&desk);
    desk.run(clean(name)).ends_with(0).says(&["removed; its key stays"]);

    // While the order waits, what was removed comes back from another program, and there is no room again.
    house.change_policy(|policy| {
        let policy = policy.replacen("approval = \"automatic\"", "approval = \"manual\"", 1);
        policy.replacen("validity_days = 17\n", "validity_days = 18\n", 1)
    });
    let at_once: Vec<_> = renew.iter().filter(|one| *one != "--wait").collect();
    desk.run(at_once).ends_with(8);
    let left = certificates(&desk);
    let removed = there.into_iter().find(|(_, one)| left.iter().all(|(_, other)| other != one)).unwrap();
    let (slot, certificate) = removed;
    let label = "Old".to_owned();
    let old = InstallCertificate { slot, certificate, label };
    open_card(&desk).install(&[old], &[], &Pin::new(Secret::from(PINS[0]))).unwrap();
    house.approve();
    let link = || {
        mails(&desk)
            .iter()
            .find_map(|mail| mail.split_whitespace().find(|word| word.contains("/pickup/")).map(str::to_owned))
    };
    while link().is_none() {
        house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
    }
    let link = link().unwrap();
    let before = fs::read(desk.file("card.state")).unwrap();
    let trust = &house.options()[2..];
    let resume = [&["renew", "--resume"], &CARD[..], trust].concat();
    let install = [&["install", &link], &service[..], &CARD, trust].concat();
    let elsewhere = [&install[..], &["--journal", "elsewhere"]].concat();
    // Without a PIN: none is asked for.
    for command in [&resume, &install, &elsewhere] {
        let said = desk.run(command).ends_with(3);
        assert!(told_in(&said.err).contains(told) && said.err.contains("obnova card clean"), "{}", said.err);
        assert!(fs::read(desk.file("card.state")).unwrap() == before, "the card was touched");
    }
    let offered = desk.run(clean("Somebody else's")).ends_with(9).out;
    let name = offered.lines().find_map(|line| line.split_once("· ")?.1.split_once(" (slot")).unwrap().0;
    desk.run(clean(name)).ends_with(0).says(&["removed; its key stays"]);
    // It is full again, of what was ordered: whichever way is gone on with, there is nothing to make room for.
    desk.run([&elsewhere[..], &PIN_FILES].concat()).ends_with(0);
    desk.run([&resume[..], &PIN_FILES].concat()).ends_with(0);
}

fn open_card(desk: &Desk) -> ProfileToken<SimulatorConnection> {
    ProfileToken::new(SimulatorConnection::new(Card::open(desk.file("card.state")).unwrap()))
}

/// The certificates on the card, each with its slot.
fn certificates(desk: &Desk) -> Vec<(SlotId, Vec<u8>)> {
    let slots = open_card(desk).slots().unwrap();
    let of = |slot: &Slot| slot.certificates.iter().map(|one| (slot.id, one.der.clone())).collect::<Vec<_>>();
    slots.iter().flat_map(of).collect()
}

/// What a run would miss, and the last try of a PIN, are told while there is still no key.
#[test]
fn no_key_is_made_before_every_password_can_be_had_and_spent() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("once", &house.hand_out("jana"));
    let card = || fs::read(desk.file("card.state")).unwrap();
    let (empty, all) = (card(), first(&house, &["--yes"]));
    for option in
        ["--pin-file", "--signature-pin-file", "--one-time-password-file", "--revocation-password-file", "--user"]
    {
        let mut less = all.clone();
        let at = less.iter().position(|one| one == option).unwrap();
        less.drain(at..at + 2);
        let said = desk.run(less).ends_with(2);
        assert!(said.err.contains(option), "{option}: {}", said.err);
        assert!(card() == empty, "{option}: the card was touched");
    }

    desk.write("wrong", "55550000\n");
    desk.write("new", "55551111\n");
    let wrong = ["pin", "change", "signature", "--signature-pin-file", "wrong", "--new-pin-file", "new"];
    for _ in 0..2 {
        desk.run([&wrong[..], &CARD].concat()).ends_with(4);
    }
    let tried = card();
    let said = desk.run(all.clone()).ends_with(4);
    assert!(said.out.contains("signature PIN") && said.err.contains("--spend-last-try"), "{} {}", said.out, said.err);
    assert!(card() == tried, "a key was made for a PIN that must not be spent");
    desk.run([all, vec!["--spend-last-try".to_owned()]].concat()).ends_with(8);
}

/// What was handed over and cannot be right is refused while there is still no key; and so it is where an order that has none is gone on
/// with.
#[test]
fn no_key_is_made_for_passwords_that_break_the_rules() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let once = house.hand_out("jana");
    desk.write("once", &once);
    let card = || fs::read(desk.file("card.state")).unwrap();
    let mut mistyped: Vec<_> = once.bytes().collect();
    mistyped[0] = if mistyped[0] == b'A' { b'B' } else { b'A' };
    let mistyped = String::from_utf8(mistyped).unwrap();
    let bad = [
        ("pin", "12", 4, "authentication PIN"),
        ("pin", "1234567890123456789", 4, "authentication PIN"),
        ("pin2", "12", 4, "signature PIN"),
        ("once", mistyped.as_str(), 2, "mistyped"),
        ("once", &once[1..], 2, "20 letters and digits"),
        ("once", "UUUUU-UUUUU-UUUUU-UUUUU", 2, "no U"),
        ("revocation", "short", 2, "at least"),
        ("revocation", "aaaaaaaaaaaaaaaa", 2, "different characters"),
        ("revocation", once.as_str(), 2, "another one than the one-time password"),
    ];
    let refused = |how: &[&str], bad: &[(&str, &str, i32, &str)]| {
        let before = card();
        for &(file, secret, code, told) in bad {
            let right = fs::read_to_string(desk.file(file)).unwrap();
            desk.write(file, secret);
            let said = desk.run(first(&house, how)).ends_with(code);
            assert!(said.err.contains(told), "{how:?} {told}: {}", said.err);
            assert!(card() == before, "{how:?} {told}: the card was touched");
            desk.write(file, &right);
        }
        let said = desk.run(first(&house, &[how, &["--user", "a\u{7}b"]].concat())).ends_with(2);
        assert!(said.err.contains("User id") || said.err.contains("--user"), "{}", said.err);
        assert!(card() == before);
    };
    refused(&["--yes"], &bad);
    desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);

    // Begun with a PIN that only the card knows to be wrong: no key is made.
    desk.write("pin", "99887766");
    desk.run(first(&house, &["--yes"])).ends_with(4);
    desk.write("pin", PINS[0]);
    desk.run(["status"]).ends_with(0).says(&["Next: make the new authentication key"]);
    refused(&["--resume", "--yes"], &[bad[2], bad[3], bad[7]]);
    let before = card();
    // Who it is was said when it was begun.
    let mut all = first(&house, &["--resume", "--yes"]);
    let user = all.iter().position(|one| one == "--user").unwrap();
    all.drain(user..user + 2);
    for option in ["--pin-file", "--signature-pin-file", "--one-time-password-file", "--revocation-password-file"] {
        let mut less = all.clone();
        let at = less.iter().position(|one| one == option).unwrap();
        less.drain(at..at + 2);
        let said = desk.run(less).ends_with(2);
        assert!(said.err.contains(option), "{option}: {}", said.err);
        assert!(card() == before, "{option}: the card was touched");
    }
    // The last try is asked about first too.
    desk.write("wrong", "55550000\n");
    desk.write("new", "55551111\n");
    let wrong = ["pin", "change", "signature", "--signature-pin-file", "wrong", "--new-pin-file", "new"];
    for _ in 0..2 {
        desk.run([&wrong[..], &CARD].concat()).ends_with(4);
    }
    let before = card();
    let said = desk.run(all.clone()).ends_with(4);
    assert!(said.err.contains("--spend-last-try"), "{} {}", said.out, said.err);
    assert!(card() == before, "a key was made for a PIN that must not be spent");
    desk.run([all, vec!["--spend-last-try".to_owned()]].concat()).ends_with(8);
}
