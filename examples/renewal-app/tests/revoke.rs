#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder ends certificates by hand: with the card, and without it.

mod support;

use std::{path::Path, process::Stdio};

use support::{
    Desk, Said,
    ca::{House, mail_with},
    dump,
    planted::Search,
    terminal::Terminal,
};

/// Secrets that occur nowhere by chance.
const PINS: [&str; 3] = ["Qn4vHs8L", "Tb7kXd2W", "Zf9mRc5J"];
const REVOCATION_PASSWORD: &str = "Q7vkSvestkyW2xNaPudeT9";
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN: [&str; 2] = ["--pin-file", "pin"];

/// A card with two certificates out of a first order, whose revocation password the holder has in a file.
fn set_up<'a>(desk: &'a Desk) -> House<'a> {
    let house = open(desk);
    arrive(desk, &house, "jana", "card.state", "revocation");
    house
}

/// A CA, and secrets in files.
fn open<'a>(desk: &'a Desk) -> House<'a> {
    let house = House::open(desk);
    for (file, secret) in ["pin", "pin2", "puk"].into_iter().zip(PINS) {
        desk.write(file, &format!("{secret}\n"));
    }
    desk.write("revocation", &format!("{REVOCATION_PASSWORD}\n"));
    desk.write("guess", "a guess of mine\n");
    desk.write("other", "of the other card\n");
    house
}

/// Somebody of her name gets a card with two certificates.
fn arrive(desk: &Desk, house: &House<'_>, user: &str, card: &str, revocation: &str) {
    let both = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
    desk.run([&["simulator", "new", card, "--empty", "--puk-file", "puk"][..], &both].concat()).ends_with(0);
    desk.write("once", &house.hand_out(user));
    let token = format!("sim:{card}");
    let secrets = ["--one-time-password-file", "once", "--revocation-password-file", revocation, "--token", &token];
    let first = |more: &[&str]| {
        let all = [&["first", "--user", user], more, &both[..], &secrets, &house.options()].concat();
        desk.run(all)
    };
    first(&["--yes"]).ends_with(8);
    house.approve();
    first(&["--resume", "--yes"]).ends_with(0);
}

/// Serial numbers of the certificates of an order, from the newest on, the authentication certificate's first.
fn serials_of(house: &House<'_>, order: usize) -> [String; 2] {
    let list = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let certificates = list[order]["certificates"].as_array().unwrap();
    let of = |profile: &str| {
        let one = certificates.iter().find(|one| one["profile"] == profile).unwrap();
        one["serial"].as_str().unwrap().to_owned()
    };
    ["authentication", "signature"].map(of)
}

fn actors(house: &House<'_>) -> Vec<String> {
    let shown = house.operator(&["audit", "show", "ca", "--json"]).ends_with(0);
    let records: Vec<serde_json::Value> = serde_json::from_str(&shown.out).unwrap();
    let revoked = records.iter().filter(|record| record["event"] == "revoked");
    revoked.map(|record| record["actor"].as_str().unwrap().to_owned()).collect()
}

/// How many were written that a certificate ended.
fn mails(house: &House<'_>) -> usize {
    let list = house.operator(&["mail", "ca", "list", "--json"]).ends_with(0);
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    list.as_array().unwrap().iter().filter(|mail| mail["kind"] == "revoked").count()
}

#[test]
fn a_holder_ends_certificates_with_the_card_and_by_the_password_alone_where_that_is_enough() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let [login, signature] = serials_of(&house, 0);
    let revoke = |house: &House<'_>, serial: &str, password: &str, more: &[&str]| {
        let password = ["--revocation-password-file", password];
        desk.run([&["revoke", serial, "--yes"], more, &password, &house.options()].concat())
    };
    let with_card = [&CARD[..], &PIN].concat();

    // Nobody is there to say yes, nothing is said of the CA, and no number is one.
    let options = house.options();
    desk.run([&["revoke", &signature][..], &with_card, &options].concat()).ends_with(2);
    desk.run(["revoke", &signature, "--yes"]).ends_with(2);
    desk.run([&["revoke", "xyz", "--yes"][..], &options].concat()).ends_with(2);

    // Without the card only the password is there, and this CA wants more than that.
    let said = revoke(&house, &signature, "revocation", &["--without-card"]).ends_with(6);
    assert!(said.err.contains("password-alone"), "{}", said.err);
    // Its key signs: not with a wrong PIN.
    let both = [&with_card[..], &["--signature-pin-file", "pin2", "--why", "superseded"]].concat();
    let wrong = [&CARD[..], &["--pin-file", "pin2", "--signature-pin-file", "pin"]].concat();
    revoke(&house, &signature, "revocation", &wrong).ends_with(4);
    assert!(actors(&house).is_empty());
    let said = desk.run([&["revoke", &signature, "--yes"], &both[..], &house.options()].concat()).ends_with(0);
    said.says(&["never again", "Its own key", "is revoked", "OCSP", "superseded"]);
    // Its number is shown in one shape, whatever shape it is given in: as it stands on the card, in the CA's list and in its mail.
    let shown = desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0);
    shown.says(&[&login, &signature]);
    assert!(mail_with(&desk, &house, "was revoked").contains(&signature));
    let capitals = signature.to_uppercase();
    let pairs: Vec<_> = capitals.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    for written in [capitals.trim_start_matches('0'), &pairs.join(":"), &format!("serial={capitals}"), &signature] {
        let said = desk.run([&["revoke", written, "--yes"], &both[..], &house.options()].concat()).ends_with(0);
        said.says(&[&signature, "already revoked", "Nothing was changed", "superseded"]);
        assert!(written == signature || !said.out.contains(written), "{}", said.out);
    }
    assert_eq!(actors(&house), ["holder, by the certificate's own key"]);

    // On her other card its key is not: that card speaks for her, and the password of the certificate that ends.
    arrive(&desk, &house, "jana2", "card2.state", "other");
    let other_card = [&["--token", "sim:card2.state"][..], &PIN].concat();
    for wrong in ["guess", "other"] {
        let said = revoke(&house, &login, wrong, &other_card).ends_with(6);
        assert!(said.err.contains("wrong-revocation-password"), "{}", said.err);
    }
    // Of what the CA does not know it says what it says of a wrong password; everybody may ask it which.
    let not_known = |said: &Said| said.err.contains("It does not know the certificate") && said.err.contains("/ocsp");
    let said = revoke(&house, "00c0ffee", "other", &other_card).ends_with(6);
    assert!(not_known(&said), "{}", said.err);
    desk.run([&["revoke", &login, "--yes"], &other_card[..], &house.options()].concat()).ends_with(2);
    let said = revoke(&house, &login, "revocation", &other_card).ends_with(0);
    said.says(&["another certificate of yours", "is revoked", "OCSP", "unspecified"]);
    assert_eq!(actors(&house), ["holder, by the certificate's own key", "holder, logged in, by password"]);
    assert_eq!(mails(&house), 2);

    let [login, _] = serials_of(&house, 0);
    house.change_policy(|policy| policy.replace("password_alone = false", "password_alone = true"));
    let said = revoke(&house, &login, "guess", &["--without-card"]).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password") && !not_known(&said), "{}", said.err);
    let said = revoke(&house, "00c0ffee", "other", &["--without-card"]).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password") && not_known(&said), "{}", said.err);
    let said = revoke(&house, &login, "other", &["--without-card", "--why", "key-compromise"]).ends_with(0);
    said.says(&["is revoked", "OCSP", "keyCompromise"]);
    assert_eq!(actors(&house)[2..], ["holder, by password alone"]);
    let said = revoke(&house, &login, "other", &["--without-card"]).ends_with(0);
    said.says(&["already revoked"]);
    let said = revoke(&house, &login, "other", &other_card).ends_with(0);
    said.says(&["Its own key", "already revoked"]);
    assert_eq!((actors(&house).len(), mails(&house)), (3, 3));

    // Where the issuer wants both, who has the card and its PIN needs the password too.
    let [_, signature] = serials_of(&house, 0);
    house.change_policy(|policy| policy.replace("own_key_alone = true", "own_key_alone = false"));
    let own_card =
        [&["--token", "sim:card2.state"][..], &["--pin-file", "pin", "--signature-pin-file", "pin2"]].concat();
    let said = desk.run([&["revoke", &signature, "--yes"], &own_card[..], &house.options()].concat()).ends_with(2);
    said.says(&["Its own key", "wants the revocation password too"]);
    let said = revoke(&house, &signature, "guess", &own_card).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password"), "{}", said.err);
    assert_eq!(actors(&house).len(), 3);
    revoke(&house, &signature, "other", &own_card).ends_with(0).says(&["Its own key", "is revoked", "OCSP"]);
    assert_eq!(actors(&house)[3..], ["holder, by the certificate's own key and by password"]);

    drop(house);
    search(&desk);
}

/// What the file of the service rules out is refused by the CA's own name for it, before a PIN or a password is asked for or sent.
#[test]
fn what_the_service_takes_no_revocation_for_is_refused_before_anybody_is_asked() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let [login, signature] = serials_of(&house, 0);
    let twins = include_str!("../../../policies/twins.toml");
    desk.write("hr.toml", &format!("{twins}\n[revocation]\nholder_reasons = [\"key-compromise\", \"unspecified\"]\n"));
    let holders = "version = 1\n[service]\nname = \"hr\"\n";
    desk.write("holders.toml", &format!("{holders}[revocation]\npassword_alone = true\n"));
    desk.write("silent.toml", holders);
    let requests = || {
        let log = std::fs::read_to_string(desk.file("ca.log")).unwrap();
        log.lines().filter(|line| line.contains("/fullcmc")).count()
    };
    let before = requests();
    // Nobody could answer: who is asked ends with another code.
    let options = house.options();
    let revoke = |more: &[&str]| desk.run([&["revoke", &signature, "--yes"], more, &options[..]].concat());
    let hr = ["--policy", "hr.toml", "--why"];
    let said = revoke(&[&hr[..], &["superseded"], &CARD].concat()).ends_with(3);
    for part in ["superseded", "(revocation-reason)", "--why", "key-compromise, unspecified", "was not asked"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let password = ["--without-card", "--revocation-password-file", "revocation"];
    for service in [&["--service", "twins"][..], &["--service", "activation"], &hr[..2]] {
        let said = revoke(&[service, &password].concat()).ends_with(3);
        for part in ["(password-alone)", "--without-card", "was not asked"] {
            assert!(said.err.contains(part), "{part}: {}", said.err);
        }
    }
    assert_eq!((requests(), actors(&house).len()), (before, 0), "nothing was sent");
    // Where the file says nothing of it, or that it is enough, the CA is asked.
    for file in ["holders.toml", "silent.toml"] {
        let said = revoke(&[&["--policy", file][..], &password].concat()).ends_with(6);
        assert!(said.err.contains("password-alone"), "{}", said.err);
    }
    let with_card = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let said = desk.run([&["revoke", &login, "--yes"], &hr[..], &["unspecified"], &with_card, &options[..]].concat());
    said.ends_with(0).says(&["is revoked", "unspecified"]);
    assert_eq!(requests(), before + 3);
    drop(house);
    search(&desk);
}

/// A year before its end: the age is not what keeps it from being renewed.
#[test]
fn who_ended_one_of_a_pair_is_told_what_that_means_for_the_other_and_not_to_come_again() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let [login, signature] = serials_of(&house, 0);
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let run = |command: &[&str]| desk.run([command, &both, &house.options()].concat());
    let renew = || run(&["renew", "--yes"]).ends_with(3).err;
    assert!(renew().contains("come again then"));
    run(&["revoke", &signature]).ends_with(2).says(&["With it goes the renewal of", &login, "stays valid until"]);
    run(&["revoke", &signature, "--yes"]).ends_with(0).says(&["With it goes the renewal of", &login]);
    let said = renew();
    assert!(said.contains("The signature certificate was revoked on") && !said.contains("come again"), "{said}");
    // The last of the two takes nothing with it that is not gone.
    let said = run(&["revoke", &login, "--yes"]).ends_with(0);
    assert!(!said.out.contains("With it goes") && !said.out.contains("stays valid"), "{}", said.out);
    let said = renew();
    for role in ["authentication", "signature"] {
        assert!(said.contains(&format!("The {role} certificate was revoked on")), "{said}");
    }
    drop(house);
    search(&desk);
}

/// A card with two certificates on each of its keys, the old ones superseded.
fn renewed_with_the_same_keys(desk: &Desk) -> House<'_> {
    let mut house = open(desk);
    // Due at once; and a new certificate on the same key ends later than the old one.
    house.change_policy(|policy| {
        policy.replace("same_key = false", "same_key = true").replace("validity_days = 365", "validity_days = 20")
    });
    arrive(desk, &house, "jana", "card.state", "revocation");
    house.change_policy(|policy| {
        let policy = policy.replace("approval = \"manual\"", "approval = \"automatic\"");
        policy.replace("validity_days = 20", "validity_days = 25")
    });
    let twins = include_str!("../../../policies/twins.toml");
    desk.write("twins.toml", &twins.replace("same_key = false", "same_key = true"));
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let renew = ["renew", "--yes", "--wait", "--policy", "twins.toml", "--same-key"];
    desk.run([&renew[..], &both, &house.options()].concat()).ends_with(0);
    house
}

#[test]
fn a_key_that_others_may_have_ends_with_every_certificate_of_it_and_each_on_the_card_is_named() {
    let desk = Desk::new();
    let house = renewed_with_the_same_keys(&desk);
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let ([login, signature], [old_login, old_signature]) = (serials_of(&house, 0), serials_of(&house, 1));
    let revoke = |house: &House<'_>, serial: &str, more: &[&str]| {
        desk.run([&["revoke", serial], more, &both, &house.options()].concat())
    };

    // For another reason only the one that is named ends.
    let said = revoke(&house, &old_signature, &["--yes", "--why", "superseded"]).ends_with(0);
    let of_the_key = ["same key", "does not end", &signature];
    assert!(of_the_key.iter().all(|word| !said.out.contains(word)), "{}", said.out);
    assert_eq!(actors(&house).len(), 1);
    // That others may have its key is another matter: it ends what lives on that.
    let said = revoke(&house, &old_signature, &["--why", "key-compromise"]).ends_with(2);
    said.says(&[&format!("With it ends {signature}"), "Every other certificate with the same key ends too"]);
    let said = revoke(&house, &old_signature, &["--yes", "--why", "key-compromise"]).ends_with(0);
    let too = format!("{signature}, which has the same key, is revoked too");
    said.says(&[&format!("{old_signature} is revoked"), "OCSP", "keyCompromise", &too, "OCSP", "keyCompromise"]);
    let done = (actors(&house).len(), mails(&house));

    // Before the yes each is named, and nothing was done.
    let compromised = ["--why", "key-compromise"];
    let said = revoke(&house, &old_login, &compromised).ends_with(2);
    said.says(&[&old_login, &format!("With it ends {login}"), "Every other certificate with the same key ends too"]);
    said.says(&["If anything was ordered with this key", "it does not end", "that are not yours"]);
    assert_eq!(actors(&house).len(), done.0);
    let said = revoke(&house, &old_login, &[&["--yes"][..], &compromised].concat()).ends_with(0);
    let too = format!("{login}, which has the same key, is revoked too");
    said.says(&[&format!("With it ends {login}"), &format!("{old_login} is revoked"), "keyCompromise", &too, "OCSP"]);
    assert!(!said.out.contains(&signature), "{}", said.out);
    assert_eq!((actors(&house).len(), mails(&house)), (done.0 + 2, done.1 + 2));
    // The other of the two was named: the same is told of this one.
    let said = revoke(&house, &login, &[&["--yes"][..], &compromised].concat()).ends_with(0);
    said.says(&[
        &format!("{login} was already revoked"),
        &format!("{old_login}, which has the same key, is revoked too"),
    ]);

    // Without the card nobody knows which they are, and that they end is said.
    let alone = [&["revoke", &signature, "--without-card"], &compromised[..], &house.options()].concat();
    let said = desk.run(alone).ends_with(2);
    said.says(&["Every other certificate with the same key ends too", "If anything was ordered with this key"]);
    drop(house);
    search(&desk);
}

/// What it ended for first is not what is asked for now: a refusal of that is one, however long the certificate has been revoked.
#[test]
fn a_compromise_that_the_ca_refuses_is_not_told_as_done_since_the_certificate_had_ended() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let [_, signature] = serials_of(&house, 0);
    house.change_policy(|policy| policy.replace("own_key_alone = true", "own_key_alone = false"));
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let revoke = |more: &[&str]| desk.run([&["revoke", &signature, "--yes"], more, &both, &house.options()].concat());
    let password = |file| ["--revocation-password-file", file];
    let compromised = ["--why", "key-compromise"];
    revoke(&[&["--why", "superseded"][..], &password("revocation")].concat()).ends_with(0).says(&["superseded"]);
    // For another reason there is nothing left to say of it.
    revoke(&[]).ends_with(0).says(&["already revoked"]);
    revoke(&compromised).ends_with(2).says(&["wants the revocation password too"]);
    let said = revoke(&[&compromised[..], &password("guess")].concat()).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password"), "{}", said.err);
    let said = revoke(&[&compromised[..], &password("revocation")].concat()).ends_with(0);
    said.says(&[&format!("{signature} is revoked"), "OCSP", "keyCompromise"]);
    revoke(&compromised).ends_with(0).says(&["already revoked", "keyCompromise"]);
    drop(house);
    search(&desk);
}

/// The superseded certificate was removed from the card, and its key is there with the valid one: it is known by the certificate's
/// file, or by the journal of the renewal, and else nothing is said of the key.
#[test]
fn what_was_removed_from_the_card_ends_by_its_own_key_all_the_same() {
    let desk = Desk::new();
    let house = renewed_with_the_same_keys(&desk);
    let ([login, signature], [old_login, old_signature]) = (serials_of(&house, 0), serials_of(&house, 1));
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    desk.run([&["export", "--to", "exported"], &CARD[..]].concat()).ends_with(0);
    let exported = desk.files().into_iter().filter(|file| file.starts_with("exported"));
    let exported = exported.filter(|file| file.extension().is_some_and(|kind| kind == "pem"));
    let exported: Vec<_> = exported.map(|file| file.to_str().unwrap().to_owned()).collect();
    let file_of = |serial: &str| exported.iter().find(|file| file.contains(serial)).unwrap().clone();
    let (old_file, new_file) = (file_of(&old_login), file_of(&login));
    let clean = [&["card", "clean"], &CARD[..], &PIN].concat();
    let offered = desk.run(&clean).ends_with(2).out;
    let names = offered.lines().filter_map(|line| Some(line.split_once("· ")?.1.split_once(" (slot")?.0));
    let named = names.flat_map(|name| ["--confirm", name]);
    desk.run(clean.iter().copied().chain(named)).ends_with(0).says(&["2 certificates were removed; their keys stay"]);
    assert!(!desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0).out.contains(&old_login));
    let revoke = |named: &str, more: &[&str]| {
        desk.run([&["revoke", named, "--why", "key-compromise"], more, &both, &house.options()].concat())
    };

    // What ends with it is named before the yes, also where only the file knows of it.
    let elsewhere = ["--journal", "elsewhere"];
    let with_it = format!("With it ends {login}");
    revoke(&old_file, &elsewhere).ends_with(2).says(&[&old_login, &with_it]);
    // Without file and journal nobody knows its key, and it is not said that it is not there.
    let said = revoke(&old_login, &[&["--yes"], &elsewhere[..]].concat()).ends_with(2);
    said.says(&["It is not on this card", "name its file in place of its number"]);
    assert!(!said.out.contains("Its key is not on this card") && actors(&house).is_empty(), "{}", said.out);
    let two = [std::fs::read(desk.file(&old_file)).unwrap(), std::fs::read(desk.file(&new_file)).unwrap()].concat();
    std::fs::write(desk.file("two.pem"), two).unwrap();
    for (none, why) in [("two.pem", "2 certificates"), ("pin", "certificate"), ("nowhere.pem", "nowhere.pem")] {
        let said = revoke(none, &["--yes"]).ends_with(2);
        assert!(said.err.contains("neither a serial number") && said.err.contains(why), "{}", said.err);
    }

    let said = revoke(&old_file, &[&["--yes"], &elsewhere[..]].concat()).ends_with(0);
    let too = format!("{login}, which has the same key, is revoked too");
    said.says(&[&with_it, "Its own key", &format!("{old_login} is revoked"), "keyCompromise", &too]);
    let said = revoke(&old_signature, &["--yes"]).ends_with(0);
    let too = format!("{signature}, which has the same key, is revoked too");
    said.says(&[&format!("With it ends {signature}"), "Its own key", &format!("{old_signature} is revoked"), &too]);
    assert_eq!(actors(&house)[0], "holder, by the certificate's own key");
    drop(house);
    search(&desk);
}

/// Who names a service that wants the revocation password beside the own key is asked for each once.
#[test]
fn at_a_terminal_the_password_beside_the_own_key_is_asked_for_at_once() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let [_, signature] = serials_of(&house, 0);
    house.change_policy(|policy| policy.replace("own_key_alone = true", "own_key_alone = false"));
    let options = [&["--service", "partner"], &CARD[..], &house.options()].concat();
    let mut terminal = Terminal::open(&desk.command([&["revoke", &signature, "--yes"], &options[..]].concat()));
    for (at, typed) in [REVOCATION_PASSWORD, PINS[1]].into_iter().enumerate() {
        assert_eq!(terminal.wait_for(&["Revocation password > ", "signature PIN > "]), at, "{}", terminal.shown);
        terminal.type_line(typed);
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!((shown.matches("signature PIN > ").count(), shown.matches("password > ").count()), (1, 1), "{shown}");
    assert_eq!(actors(&house), ["holder, by the certificate's own key and by password"]);
    // Where nobody answers nothing was begun, and what is said is how it stands.
    let ca = house.options().map(str::to_owned);
    drop(house);
    let both = [&CARD[..], &PIN, &["--signature-pin-file", "pin2"]].concat();
    let said = desk.run(["revoke", &signature, "--yes"].into_iter().chain(both).chain(ca.iter().map(String::as_str)));
    let said = said.ends_with(7);
    assert!(said.err.contains("not known to be revoked: run the same command again"), "{}", said.err);
    assert!(!said.err.contains("What was begun"), "{}", said.err);
    search(&desk);
}

/// No secret is in what was written.
fn search(desk: &Desk) {
    let secrets = Search::new(PINS.into_iter().chain([REVOCATION_PASSWORD]));
    let own = ["pin", "pin2", "puk", "revocation"].map(Path::new);
    for file in desk.files().into_iter().filter(|file| !own.contains(&file.as_path())) {
        secrets.assert_absent(&file.display().to_string(), std::fs::read(desk.file(file.to_str().unwrap())).unwrap());
    }
    assert!(Path::new(&desk.file("ca.log")).exists());
}

#[test]
fn what_ends_a_certificate_leaves_no_secret_in_memory() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    house.change_policy(|policy| policy.replace("password_alone = false", "password_alone = true"));
    arrive(&desk, &house, "jana2", "card2.state", "other");
    let [login, signature] = serials_of(&house, 1);
    let secrets = Search::new(PINS.into_iter().chain([REVOCATION_PASSWORD]));
    let password = ["--revocation-password-file", "revocation"];
    let other_card = [&["--token", "sim:card2.state"][..], &PIN, &password].concat();
    let own_card = [&CARD[..], &PIN].concat();
    let alone = [&["--without-card"][..], &password].concat();
    for (serial, how) in [(&signature, &other_card), (&login, &own_card), (&login, &alone)] {
        let options = house.options();
        let arguments = [&["revoke", serial, "--yes"], how.as_slice(), &options].concat();
        let mut command = desk.command(&arguments);
        command.env("RUST_LOG", "trace").env("OBNOVA_LOG", "trace");
        let dumped = dump::at_the_end(&command, Stdio::null());
        let said = dumped.said.ends_with(0);
        secrets.assert_absent(&format!("output of {arguments:?}"), [said.out, said.err].concat());
        // What was no secret is there.
        assert!(dumped.memory.windows(serial.len()).any(|window| window == serial.as_bytes()), "{arguments:?}");
        secrets.assert_absent(&format!("memory of {arguments:?}"), dumped.memory);
    }
    drop(house);
    search(&desk);
}
