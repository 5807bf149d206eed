#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A sixth service is a new file: a CA made from it and a holder who names it, both as programs, do what it says.

mod support;

use std::{fs, process::Command, thread, time::Duration};

use support::{
    Desk, Said,
    ca::{House, program},
};

const FILE: &str = include_str!("sixth.toml");
/// Long enough for the services that exist, and not for this one.
const SHORT: &str = "Skřítek9xy";
const REVOCATION_PASSWORD: &str = "Skřítek9xyzLoukaVrba";
const CARD: [&str; 6] = ["--token", "sim:card.state", "--pin-file", "pin", "--signature-pin-file", "pin2"];
const SECRETS: [&str; 4] = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];

fn set_up<'a>(desk: &'a Desk, file: &str) -> House<'a> {
    desk.write("sixth.toml", file);
    for (name, secret) in [("pin", "80214957"), ("pin2", "73159264"), ("puk", "90417358")] {
        desk.write(name, secret);
    }
    desk.write("revocation", REVOCATION_PASSWORD);
    let house = House::of(desk, "sixth.toml");
    desk.run([&["simulator", "new", "card.state", "--empty", "--puk-file", "puk"], &CARD[2..]].concat()).ends_with(0);
    let name = ["--name", "CN=Jana Nováková,C=CZ", "--email", "jana@example.cz"];
    let said = house.operator(&[&["password", "issue", "ca", "--user", "jana"], &name[..]].concat()).ends_with(0);
    let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
    desk.write("once", line.split_whitespace().last().unwrap());
    house
}

fn first(house: &House<'_>, more: &[&str]) -> Vec<String> {
    let all = [&["first", "--user", "jana", "--yes"], more, &CARD[..], &SECRETS, &house.options()].concat();
    all.into_iter().map(str::to_owned).collect()
}

#[test]
fn it_lives_from_the_first_certificate_to_the_renewal() {
    let desk = Desk::new();
    let house = set_up(&desk, FILE);
    // The rules for the revocation password are those of the file.
    desk.write("revocation", SHORT);
    let said = desk.run(first(&house, &["--policy", "sixth.toml"])).ends_with(2);
    assert!(said.err.contains("12 characters"), "{}", said.err);
    desk.write("revocation", REVOCATION_PASSWORD);
    desk.run(first(&house, &["--policy", "sixth.toml"])).ends_with(8).says(&["Accepted, pending"]);

    // What was begun goes on as it was planned, without the file and without its name.
    fs::rename(desk.file("sixth.toml"), desk.file("away.toml")).unwrap();
    desk.run(first(&house, &["--resume"])).ends_with(8);
    let named = desk.run(first(&house, &["--resume", "--policy", "away.toml"])).ends_with(2);
    assert!(named.err.contains("--resume"), "{}", named.err);
    house.approve();
    let said = desk.run(first(&house, &["--resume"])).ends_with(0);
    assert!(!said.out.contains("TLS login"), "{}", said.out);
    said.says(&["read back", "signature", "first certificate is"]);
    let listed = desk.run([&["card", "list"], &CARD[..2]].concat()).ends_with(0);
    listed.says(&["expires in 25 days", "7 slots are free"]);

    // A new certificate has to end later than the old one, and times in certificates are whole seconds.
    thread::sleep(Duration::from_secs(1));
    let renew = [&["renew", "--yes", "--wait", "--policy", "away.toml"], &CARD[..], &house.options()].concat();
    desk.run(&renew).ends_with(0).says(&["Keep the", "signature", "Renewed"]);
    let listed = desk.run([&["card", "list"], &CARD[..2]].concat()).ends_with(0);
    listed.says(&["superseded", "expires in 25 days", "7 slots are free"]);
    let orders = house.operator(&["list", "ca", "--state", "confirmed"]).ends_with(0);
    assert_eq!(orders.out.matches("Nováková").count(), 2, "{}", orders.out);
}

#[test]
fn another_service_finds_nothing_on_its_card() {
    let desk = Desk::new();
    let house = set_up(&desk, FILE);
    // A pair is no order of this CA.
    let said = desk.run(first(&house, &[])).ends_with(6);
    assert!(said.err.contains("refused"), "{}", said.err);
}

#[test]
fn on_another_computer_the_card_the_link_and_the_file_are_enough() {
    let desk = Desk::new();
    let house = set_up(&desk, FILE);
    desk.run(first(&house, &["--policy", "sixth.toml"])).ends_with(8);
    fs::remove_dir_all(desk.file("state")).unwrap();
    let order = house.approve();
    let said = house.operator(&["link", "ca", &order, "--base", &house.url]).ends_with(0);
    let link = said.out.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    let install = [&["install", "--yes", link, "--trust", "ca/root.pem"], &CARD[..]].concat();
    // A link opens more than once, and a service that wants a pair takes no half of one.
    let said = desk.run(&install).ends_with(6);
    assert!(said.err.contains("--policy FILE"), "{}", said.err);
    assert!(!house.is_confirmed(&order));
    // The one key that there is signs the receipt; there is none to log in with.
    let told =
        ["were checked", "What is new is on the card", "this service asks for none", "the link opens nothing any more"];
    let said = desk.run([&install[..], &["--policy", "sixth.toml"]].concat()).ends_with(0);
    assert!(!said.out.contains("TLS login") && !said.out.contains("Both"), "{}", said.out);
    said.says(&told);
    assert!(house.is_confirmed(&order));
    desk.run([&["card", "list"], &CARD[..2]].concat()).ends_with(0).says(&["expires in 25 days", "7 slots are free"]);
}

#[test]
fn the_computer_check_goes_by_the_file() {
    let desk = Desk::new();
    desk.write("sixth.toml", FILE);
    desk.run(["simulator", "new", "card.state", "--days", "60"]).ends_with(0);
    let check = ["doctor", "--token", "sim:card.state", "--policy", "sixth.toml"];
    let said = |arguments: &[&str]| desk.run(arguments).ends_with(0).out;
    let due = said(&check);
    assert!(due.contains("are ready") && !due.contains("can be renewed from"), "{due}");
    // 30 days before the end, as the service has it that is built in: nothing has to be mended, and nobody is told that all is ready.
    let early = said(&check[..3]);
    let last = early.split_once("can be renewed from").unwrap().1;
    assert!(last.contains("nothing can be renewed yet") && last.contains("obnova renew"), "{early}");
    assert!(!early.contains("Everything is ready"), "{early}");
    // Nobody is told to come again on a day on which the card would not do.
    let kinds = r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#;
    desk.write("twins.toml", &include_str!("../../../policies/twins.toml").replace(kinds, r#"keys = ["rsa-4096"]"#));
    let unfit = desk.run([&check[..4], &["twins.toml"]].concat()).ends_with(3);
    assert!(unfit.out.contains("can be renewed from") && unfit.out.contains("certifies RSA 4096"), "{}", unfit.out);
    assert!(!unfit.out.contains("nothing can be renewed yet"), "{}", unfit.out);
    // Who looked has left nothing behind.
    assert!(!desk.file("state").exists());
}

#[test]
fn a_file_without_the_tables_of_its_ca_is_enough_for_a_holder() {
    let desk = Desk::new();
    let (holders, _) = FILE.split_once("[renewal]").unwrap();
    desk.write("holders.toml", holders);
    desk.run(["simulator", "new", "card.state", "--days", "60"]).ends_with(0);
    desk.run(["doctor", "--token", "sim:card.state", "--policy", "holders.toml"]).ends_with(0);
}

/// Each side's tables are sound, and a holder would be refused by a CA that goes by the same file.
#[test]
fn a_file_whose_two_sides_disagree_is_refused_by_either() {
    let desk = Desk::new();
    for (replaced, by, named) in [
        ("certificates = [\"signature\"]", "", ["holder.certificates (line 7)", "first.profiles"]),
        ("same_key = true", "same_key = false", ["holder.method (line 10)", "renewal.same_key"]),
        ("window_days = 70", "window_days = 69", ["holder.due_before_days (line 11)", "renewal.window_days"]),
        ("qualified = false", "qualified = true", ["holder.qualified (line 9)", "signature.qualified"]),
        ("[first]", "[notices]\ndays = [71]\n\n[first]", ["notices.days (line 37)", "holder.due_before_days"]),
    ] {
        assert!(FILE.contains(replaced), "{replaced}");
        desk.write("torn.toml", &FILE.replacen(replaced, by, 1));
        let of_holder = desk.run(["renew", "--policy", "torn.toml"]).ends_with(2).err;
        let of_ca = init(&desk, "torn.toml");
        assert_ne!(of_ca.code, 0, "{}", of_ca.out);
        assert!(!desk.file("ca").exists(), "nothing is left of a CA that was not made");
        for said in [&of_holder, &of_ca.err] {
            assert!(named.iter().all(|part| said.contains(part)), "{named:?}: {said}");
        }
    }
}

/// No CA is made of a file that every holder's program would refuse.
#[test]
fn what_the_holders_program_refuses_no_ca_is_made_of() {
    let desk = Desk::new();
    let name = "name = \"seals\"";
    for (replaced, by, named) in [
        ("qualified = false", "bogus = 1", ["line 9", "bogus"]),
        ("due_before_days = 70", "due_before_days = 0", ["line 11", "due_before_days"]),
        ("prove_login = false", "prove_login = 0", ["line 12", "prove_login"]),
        (name, "name = \"seals\"\nplays = \"chess\"", ["line 6", "plays"]),
        (name, "name = \"seals\"\ntransport_pin = \"null\"", ["line 6", "transport_pin"]),
        (name, "name = \"seals\"\nplays = \"twins\"", ["line 6", "service.plays"]),
        ("distinct = 8", "distinct = 13", ["line 17", "distinct"]),
    ] {
        assert!(FILE.contains(replaced), "{replaced}");
        desk.write("bad.toml", &FILE.replacen(replaced, by, 1));
        let of_holder = desk.run(["renew", "--policy", "bad.toml"]).ends_with(2).err;
        let of_ca = init(&desk, "bad.toml");
        assert_ne!(of_ca.code, 0, "{}", of_ca.out);
        assert!(!desk.file("ca").exists(), "nothing is left of a CA that was not made");
        for said in [&of_holder, &of_ca.err] {
            assert!(named.iter().all(|part| said.contains(part)), "{named:?}: {said}");
        }
    }
    desk.write("good.toml", FILE);
    assert_eq!(init(&desk, "good.toml").code, 0);
}

fn init(desk: &Desk, file: &str) -> Said {
    let made = Command::new(program()).args(["init", "ca", "--policy", file]).current_dir(desk.path()).output();
    Said::from(made.unwrap())
}

#[test]
fn a_bad_file_is_refused_with_line_and_name() {
    let desk = Desk::new();
    desk.run(["simulator", "new", "card.state"]).ends_with(0);
    for (replaced, by, named) in [
        ("due_before_days = 70", "due_before_day = 70", ["line 11", "due_before_days"]),
        ("due_before_days = 70", "due_before_days = 0", ["line 11", "1 to 3660"]),
        ("distinct = 8", "distinct = 13", ["line 17", "distinct"]),
        ("validity_days = 25", "validity_days = 0", ["authentication.validity_days (line 27)", "1 to 3660"]),
        ("window_days = 70", "window_day = 70", ["line 21", "window_days"]),
        ("version = 1", "version = 2", ["line 2", "version 1"]),
    ] {
        assert!(FILE.contains(replaced), "{replaced}");
        desk.write("bad.toml", &FILE.replacen(replaced, by, 1));
        for command in ["first", "renew"] {
            let arguments = [command, "--yes", "--policy", "bad.toml", "--ca", "https://127.0.0.1:1"];
            let said = desk.run(arguments).ends_with(2);
            for part in ["bad.toml", "Mend the file"].iter().chain(&named) {
                assert!(said.err.contains(part), "no {part}: {}", said.err);
            }
        }
    }
    let said = desk.run(["renew", "--policy", "nowhere.toml"]).ends_with(2);
    assert!(said.err.contains("nowhere.toml"), "{}", said.err);
    desk.run(["renew", "--policy", "bad.toml", "--service", "twins"]).ends_with(2);
}
