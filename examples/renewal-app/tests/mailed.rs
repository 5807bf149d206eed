#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder installs certificates that came by mail.

mod support;

use std::fs;

use obnova_client::{Https, renewal::ParsedCertificate, tls_config};
use obnova_enroll::est::{Headers, HttpRequest, Method};
use support::{
    Desk, Said,
    ca::{House, mail_with},
    terminal::Terminal,
};
use x509_cert::Certificate;

const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PLAY: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

/// A renewal that was ordered.
fn ordered_only(desk: &Desk) -> House<'_> {
    let house = House::open(desk);
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    desk.run([&["renew", "--yes"], &CARD[..], &PLAY, &house.options()].concat()).ends_with(8);
    house
}

/// The link that the CA would mail.
fn link(house: &House<'_>, order: &str) -> String {
    let said = house.operator(&["link", "ca", order, "--base", &house.url]).ends_with(0);
    said.out.trim().to_owned()
}

/// A renewal that was ordered and approved, and the two certificates as the CA would mail them, in `mail/`.
fn ordered(desk: &Desk) -> House<'_> {
    let house = ordered_only(desk);
    let link = link(&house, &house.approve());
    fs::create_dir(desk.file("mail")).unwrap();
    for (number, pem) in fetch(desk, &house.url, link.strip_prefix(&house.url).unwrap()).iter().enumerate() {
        desk.write(&format!("mail/certificate{number}.pem"), pem);
    }
    house
}

/// Follows a link as a browser would.
fn fetch(desk: &Desk, server: &str, path: &str) -> Vec<String> {
    let root = Certificate::load_pem_chain(&fs::read(desk.file("ca/root.pem")).unwrap()).unwrap();
    let anchors: Vec<_> = root.iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect();
    let https = Https::new(server, tls_config(&anchors).unwrap()).unwrap();
    let headers = Headers::from_iter([("Accept", "application/x-pem-file")]);
    let answer =
        https.exchange(&HttpRequest { method: Method::Get, path: path.to_owned(), headers, body: Vec::new() }).unwrap();
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body).unwrap();
    text.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned).collect()
}

fn is_renewed(desk: &Desk) -> bool {
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    let (superseded, valid) = (listed.out.matches("superseded").count(), listed.out.matches("valid").count());
    assert!(matches!((superseded, valid), (2, 2) | (0, 0)), "half a renewal:\n{}", listed.out);
    superseded == 2
}

#[test]
fn either_of_a_pair_brings_the_other_that_lies_beside_it() {
    for named in ["mail/certificate0.pem", "mail/certificate1.pem"] {
        let desk = Desk::new();
        let _house = ordered(&desk);
        let told = ["Renewed", "a link that it mailed opens nothing any more"];
        desk.run([&["install", named], &CARD[..], &PLAY].concat()).ends_with(0).says(&told);
        assert!(is_renewed(&desk));
    }
}

/// A holder may save what a link shows many times, with all that is behind each certificate.
#[test]
fn all_files_of_one_mail_may_be_named() {
    let desk = Desk::new();
    let _house = ordered(&desk);
    let read = |name| fs::read_to_string(desk.file(name)).unwrap();
    let all = ["mail/certificate0.pem", "mail/certificate1.pem"].map(read).concat();
    let named: Vec<_> = (0..9).map(|number| format!("mail/saved{number}.pem")).collect();
    for name in &named {
        desk.write(name, &all);
    }
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    // Without the journal every certificate that came is looked at.
    let elsewhere = ["--journal", "elsewhere", "--trust", "ca/root.pem"];
    desk.run([&["install"], &named[..], &CARD[..], &PLAY, &elsewhere].concat()).ends_with(0);
    assert!(is_renewed(&desk));
}

#[test]
fn one_alone_is_refused_by_name_and_the_old_pair_stays() {
    let desk = Desk::new();
    let _house = ordered(&desk);
    fs::remove_file(desk.file("mail/certificate1.pem")).unwrap();
    let said = desk.run([&["install", "mail/certificate0.pem"], &CARD[..], &PLAY].concat()).ends_with(6);
    assert!(said.err.contains("is missing"), "{}", said.err);
    assert!(!is_renewed(&desk));
    // The renewal goes on as before.
    desk.run([&["renew", "--resume"], &CARD[..], &PLAY].concat()).ends_with(0);
    assert!(is_renewed(&desk));
}

#[test]
fn without_its_journal_the_card_is_enough() {
    let desk = Desk::new();
    let house = ordered(&desk);
    let elsewhere = ["--journal", "elsewhere"];
    let install = [&["install", "mail/certificate0.pem"], &CARD[..], &PLAY, &elsewhere].concat();
    assert!(desk.run(&install).ends_with(2).err.contains("--trust"));
    let trust = ["--trust", "ca/root.pem"];
    let said = desk.run([&install[..], &trust].concat()).ends_with(0);
    assert!(is_renewed(&desk));
    // Nobody is named who could be told.
    said.says(&["name the server with --ca", "a link that it mailed stays open", "--ca and --trust tells it"]);
    let confirmed = || house.operator(&["list", "ca", "--state", "confirmed"]).ends_with(0).out.contains("confirmed");
    assert!(!confirmed());
    let told = ["is on the card already", "TLS login", "a link that it mailed opens nothing any more"];
    desk.run([&install[..], &house.options()].concat()).ends_with(0).says(&told);
    assert!(confirmed());
}

/// Whose journal is on another computer than the one where the link was followed has nothing left to do, and whatever is asked says so.
#[test]
fn who_followed_the_link_elsewhere_is_done_here_too() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let link = link(&house, &house.approve());
    let trust = ["--trust", "ca/root.pem"];
    let elsewhere = ["--journal", "elsewhere"];
    desk.run([&["install", &link], &CARD[..], &PLAY, &elsewhere, &trust].concat()).ends_with(0);
    let card = || fs::read(desk.file("card.state")).unwrap();
    let before = card();
    let status = |told: &[&str], untold: &[&str]| {
        let said = desk.run(["status"]).ends_with(0);
        let untrue = untold.iter().find(|text| said.out.contains(**text));
        assert!(untrue.is_none(), "{untrue:?}: {}", said.out);
        said.says(told);
    };
    let (accepted, done) = (["renewal-1", "Accepted"], ["renewal-1", "Done.", "came on another way", "New signature"]);
    let refused = ["Ended without", "token-spent"];
    status(&accepted, &["Done.", refused[0], refused[1]]);
    let journal = fs::read(desk.file("state/obnova/renewal-1.journal")).unwrap();

    let resume = [&["renew", "--resume"], &CARD[..], &PLAY].concat();
    desk.run(&resume).ends_with(0).says(&["on the card already"]);
    assert_eq!(card(), before);
    status(&done, &refused);
    // Nothing is left, neither here nor to begin anew.
    desk.run(&resume).ends_with(3);
    desk.run(["renew", "--resume"]).ends_with(3);
    status(&done, &refused);

    // Who asks without the card is told what the CA says, and the rest as soon as the card is there; so is who was told that by a
    // program that did not look.
    fs::write(desk.file("state/obnova/renewal-1.journal"), journal).unwrap();
    fs::remove_file(desk.file("state/obnova/renewal-1.over")).unwrap();
    assert!(desk.run(["renew", "--resume"]).ends_with(6).err.contains("token-spent"));
    status(&refused, &["Done."]);
    desk.run(["renew", "--resume"]).ends_with(3);
    let other = ["renew", "--resume", "--token", "sim:other.state"];
    desk.run(["simulator", "new", "other.state", "--house", "ca"]).ends_with(0);
    desk.run(other).ends_with(3);
    status(&refused, &["Done."]);
    desk.run(&resume).ends_with(0).says(&["on the card already"]);
    assert_eq!(card(), before);
    status(&done, &refused);
    desk.run(&resume).ends_with(3);
}

#[test]
fn certificates_of_another_card_and_files_without_any_are_refused() {
    let desk = Desk::new();
    let _house = ordered(&desk);
    desk.run(["simulator", "new", "other.state"]).ends_with(0);
    desk.run(["export", "--to", "other", "--token", "sim:other.state"]).ends_with(0);
    let other = fs::read_dir(desk.file("other")).unwrap().map(|entry| entry.unwrap().path());
    let other = other.filter(|path| path.extension().is_some_and(|kind| kind == "pem")).min().unwrap();
    let trust = ["--trust", "ca/root.pem"];
    let install = |file: &str| desk.run([&["install", file], &CARD[..], &PLAY, &trust].concat());
    assert!(install(other.to_str().unwrap()).ends_with(6).err.contains("another card"));
    desk.write("letter.txt", "Dear holder, here are your certificates.");
    desk.write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    for file in ["letter.txt", "cut.pem", "nowhere.pem"] {
        assert!(install(file).ends_with(2).err.contains(file));
    }
    assert!(!is_renewed(&desk));
}

#[test]
fn without_its_journal_card_and_link_are_enough() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let order = house.pending();
    let link = link(&house, &order);
    let elsewhere = ["--journal", "elsewhere"];
    let trust = ["--trust", "ca/root.pem"];
    let bare = |link: &str| desk.run([&["install", link], &CARD[..], &PLAY, &elsewhere].concat());
    let install = |link: &str| desk.run([&["install", link], &CARD[..], &PLAY, &elsewhere, &trust].concat());

    assert!(bare(&link).ends_with(2).err.contains("--trust"));
    assert!(install(&link).ends_with(8).err.contains("not decided yet"));
    let last = if link.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{last}", &link[..link.len() - 1]);
    assert!(install(&mistyped).ends_with(6).err.contains("does not know this link"));
    assert!(install(&link.replace("https", "http")).ends_with(2).err.contains("not a link"));
    assert!(!is_renewed(&desk));

    house.approve();
    let told = [
        "were checked",
        "Both are on the card",
        "TLS login",
        "was made and verified",
        "the link opens nothing any more",
    ];
    install(&link).ends_with(0).says(&told);
    assert!(is_renewed(&desk));
    assert!(house.is_confirmed(&order));
    // Once more: it was used.
    let late = install(&link).ends_with(6);
    assert!(late.err.contains("used up") && late.err.contains("obnova card list"), "{}", late.err);
    assert!(is_renewed(&desk));
}

#[test]
fn of_two_links_each_is_told_as_what_became_of_it() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let order = house.approve();
    let own = link(&house, &order);
    desk.run(["simulator", "new", "other.state", "--house", "ca"]).ends_with(0);
    let other_card = [&["--token", "sim:other.state"], &PLAY[..]].concat();
    let elsewhere = ["--journal", "elsewhere", "--trust", "ca/root.pem"];
    let renew = ["renew", "--yes", "--journal", "of-the-other"];
    desk.run([&renew[..], &other_card, &house.options()].concat()).ends_with(8);
    let of_another = house.approve();
    let others = link(&house, &of_another);

    let both = ["install", &own, &others];
    let said = desk.run([&both[..], &CARD, &PLAY, &elsewhere].concat()).ends_with(0);
    said.says(&["the link opens nothing any more (number 1 of 2)", "Link number 2 of 2", "It was not used up"]);
    assert_eq!(said.out.matches("opens nothing any more").count(), 1, "{}", said.out);
    assert!(is_renewed(&desk) && house.is_confirmed(&order) && !house.is_confirmed(&of_another));
    // The first one is spent now; the second one is not held up by it.
    let said = desk.run([&both[..], &other_card, &elsewhere].concat()).ends_with(0);
    said.says(&["Link number 1 of 2 was used up", "the link opens nothing any more (number 2 of 2)"]);
    assert!(house.is_confirmed(&of_another));
    let late = desk.run([&both[..], &other_card, &elsewhere].concat()).ends_with(6);
    assert!(late.err.contains("used up"), "{}", late.err);
}

/// The mail of a service of one certificate says the command in full: done as it is written, on a computer that knows nothing of the
/// order, it ends with the certificate on the card and the link closed.
#[test]
fn the_command_in_the_mail_of_a_service_of_one_certificate_is_enough() {
    let desk = Desk::new();
    desk.write("partner.toml", include_str!("../../../policies/partner.toml"));
    let house = House::of(&desk, "partner.toml");
    for (file, secret) in [("pin", "1234"), ("pin2", "567890"), ("revocation", "Q7vkSvestkyW2xNaPudeT9")] {
        desk.write(file, secret);
    }
    desk.run([&["simulator", "new", "card.state", "--empty"], &PLAY[..]].concat()).ends_with(0);
    desk.write("once", &house.hand_out("jana"));
    let secrets = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];
    let first = ["first", "--user", "jana", "--yes", "--service", "partner"];
    desk.run([&first[..], &CARD, &PLAY, &secrets, &house.options()].concat()).ends_with(8);
    let order = house.approve();

    let mail = mail_with(&desk, &house, "are ready");
    let command = mail.lines().find(|line| line.starts_with("obnova install")).unwrap().to_owned();
    assert!(mail.contains("named with --token") && mail.contains("add --trust"), "{mail}");
    let words: Vec<_> = command.split_whitespace().skip(1).collect();
    let link = mail.lines().find(|line| line.starts_with(&house.url)).unwrap().trim();
    assert!(!command.contains(link) && mail.contains("paste the link when it asks for it"), "{mail}");
    let piped = |arguments: Vec<&str>| {
        let input = fs::File::open(desk.write("input", link)).unwrap();
        Said::from(desk.command(arguments).stdin(input).output().unwrap())
    };
    let elsewhere = ["--journal", "elsewhere", "--trust", "ca/root.pem", "--yes"];
    // Without the last two words nobody knows of which service it is, and that is said.
    let unnamed = piped([&words[..words.len() - 2], &CARD, &PLAY, &elsewhere].concat()).ends_with(6);
    let told = unnamed.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for named in ["by the service twins", "--service partner", "--policy FILE"] {
        assert!(told.contains(named), "{told}");
    }
    assert!(!house.is_confirmed(&order));
    let mut terminal = Terminal::open(&desk.command([&words, &CARD[..], &PLAY, &elsewhere].concat()));
    terminal.wait_for(&["Paste the link that was mailed:"]);
    terminal.type_line(link);
    let (code, shown) = terminal.end();
    let told = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        code == 0 && told.contains("TLS login") && told.contains("the link opens nothing any more"),
        "{code} {shown}"
    );
    assert!(house.is_confirmed(&order));
    desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["valid", "7 slots are free"]);
    // Who did name it is told of its rules and of no other service.
    let said = piped([&words, &CARD[..], &PLAY, &elsewhere].concat()).ends_with(6);
    assert!(said.err.contains("used up") && !said.err.contains("twins"), "{}", said.err);
}

#[test]
fn a_link_goes_on_with_the_renewal_whose_journal_is_here() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let order = house.approve();
    let link = link(&house, &order);
    let told = ["Renewed", "the link opens nothing any more"];
    desk.run([&["install", &link], &CARD[..], &PLAY].concat()).ends_with(0).says(&told);
    assert!(is_renewed(&desk));
    assert!(house.is_confirmed(&order));
}

#[test]
fn a_link_on_standard_input_is_in_no_list_of_programs() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let link = link(&house, &house.approve());
    let install = |text: &str| {
        let input = fs::File::open(desk.write("input", text)).unwrap();
        let mut command = desk.command([&["install", "-"], &CARD[..], &PLAY].concat());
        Said::from(command.stdin(input).output().unwrap())
    };
    for none in ["", " \n\n", "letter.txt\n"] {
        assert!(install(none).ends_with(2).err.contains("not a link"), "{none:?}");
    }
    assert!(!is_renewed(&desk));
    install(&format!("\n {link}\r\n")).ends_with(0).says(&["Renewed"]);
    assert!(is_renewed(&desk));
}

/// The link stands in a file, and the PINs are typed at the terminal at which that was typed; without one, they are not asked for.
#[test]
fn who_gives_the_link_in_a_file_is_asked_at_the_terminal() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let link = link(&house, &house.approve());
    let file = desk.write("link.txt", &format!("{link}\n"));
    let install = [&["install", "-", "--journal", "elsewhere", "--trust", "ca/root.pem"], &CARD[..]].concat();
    let said = desk.without_terminal(&install, &file).ends_with(2);
    assert!(said.err.contains("no terminal") && said.err.contains("--pin-file"), "{}", said.err);

    let mut terminal = Terminal::open_reading(&file, &desk.command(&install));
    let answers = [("authentication PIN > ", "1234"), ("signature PIN > ", "567890")];
    terminal.answer(&answers, "the link opens nothing any more");
    let (code, shown) = terminal.end();
    assert!(code == 0 && !shown.contains("567890"), "{code} {shown}");
    assert!(is_renewed(&desk));
}

#[test]
fn a_link_is_used_up_when_its_renewal_has_come_to_its_end() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let link = link(&house, &house.approve());
    desk.run([&["renew", "--resume"], &CARD[..], &PLAY].concat()).ends_with(0);
    let trust = ["--trust", "ca/root.pem"];
    let late = desk.run([&["install", &link], &CARD[..], &PLAY, &trust].concat()).ends_with(6);
    assert!(late.err.contains("used up"), "{}", late.err);
}

#[test]
fn a_server_that_is_not_trusted_is_told_no_link() {
    let desk = Desk::new();
    let house = ordered_only(&desk);
    let link = link(&house, &house.approve());
    house.operator(&["init", "other-ca"]).ends_with(0);
    let trust = ["--trust", "other-ca/root.pem"];
    let said = desk.run([&["install", &link], &CARD[..], &PLAY, &trust].concat()).ends_with(7);
    assert!(said.err.contains("trust"), "{}", said.err);
    assert!(!is_renewed(&desk));
}
