#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder gets and renews one certificate by plain EST, from `obnova-ca` as it is run.

mod support;

use std::{
    fs,
    net::{Shutdown, TcpListener, TcpStream},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use support::{Desk, Said, ca::House, planted::Search};

/// Secrets that occur nowhere by chance.
const PINS: [&str; 3] = ["80214957", "73159264", "90417358"];
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
/// Picked by the holder, and another one in its place.
const REVOCATION: &str = "Xylofon7Quaggy9Vrba";
const ANOTHER: &str = "Mlhovina4Zubr8Kapka";
const ONCE: [&str; 2] = ["--one-time-password-file", "once"];

/// A card with nothing on it, a CA of a service of one certificate, and the holder's secrets in files.
fn set_up(desk: &Desk) -> House<'_> {
    let mut house = House::open(desk);
    for (file, secret) in ["pin", "pin2", "puk"].into_iter().zip(PINS) {
        desk.write(file, &format!("{secret}\n"));
    }
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    house.change_policy(|policy| {
        let policy =
            policy.replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"authentication\"]");
        policy.replacen("validity_days = 365", "validity_days = 20", 1)
    });
    house
}

#[test]
fn one_certificate_comes_by_a_password_waits_and_is_renewed_by_the_card() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let [password, of_another] = ["jana", "petr"].map(|user| house.hand_out(user));
    desk.write("once", &password);
    let options = house.options();
    let first = [&["first", "--plain", "--user", "jana"], &CARD[..], &PIN_FILES, &ONCE, &options].concat();
    // A pair is more than plain EST carries.
    let said = desk.run([&first[..], &["--yes"]].concat()).ends_with(3);
    assert!(said.err.contains("one request"), "{}", said.err);
    assert!(!said.err.contains("extension"), "what is wanted of one certificate: {}", said.err);
    let plain = first;
    let first = [&plain[..], &["--service", "partner"]].concat();
    // A service that takes no order without a revocation password is one for another way: no key is made, nothing is sent.
    let strict = include_str!("../../../policies/partner.toml").replace("later = true", "later = false");
    desk.write("strict.toml", &strict);
    let before = std::fs::read(desk.file("card.state")).unwrap();
    let said = desk.run([&plain[..], &["--policy", "strict.toml", "--yes"]].concat()).ends_with(3);
    assert!(said.err.contains("no place for a revocation password"), "{}", said.err);
    assert_eq!(std::fs::read(desk.file("card.state")).unwrap(), before);
    let sent = desk.run([&first[..], &["--yes"]].concat()).ends_with(8);
    sent.says(&[
        &format!("Ask for the certificate at {}", house.url.trim_end_matches('/')),
        "one-time password go there beside it, inside TLS",
        "none is set with this order",
        "PKCS#10 request",
        "The order is that request.",
        "no proof of it either",
        "Accepted, pending",
        "types the one-time password again, and the user id if it was typed",
    ]);
    // What another protocol does is told of none of its orders: no message around the request, no proof, no second signature.
    let untrue = ["CMC", "not the password itself", "sign the order", "vouch", "certificates in one request", "pair"];
    let told_only_what_is = |said: &support::Said| {
        let told = untrue.iter().find(|text| said.out.contains(**text) || said.err.contains(**text));
        assert!(told.is_none(), "{told:?}: {}{}", said.out, said.err);
    };
    told_only_what_is(&sent);
    assert!(sent.err.contains("and the one-time password (and the user id, if you typed it)"), "{}", sent.err);

    // Who asks is said each time: without the password nothing is fetched, and with another one neither.
    let resume = [&["first", "--resume", "--yes", "--user", "jana"], &CARD[..], &PIN_FILES].concat();
    let said = desk.run(&resume).ends_with(2);
    assert!(said.err.contains("One-time password"), "{}", said.err);
    desk.write("other", &of_another);
    let said = desk.run([&resume[..], &["--one-time-password-file", "other"]].concat()).ends_with(6);
    assert!(said.err.contains("does not know"), "{}", said.err);
    desk.run([&resume[..], &ONCE].concat()).ends_with(8);
    // How it was begun is written down, and where that was lost options say it.
    let said = desk.run([&resume[..], &ONCE, &["--module", "other"]].concat()).ends_with(2);
    assert!(said.err.contains("begun in another way"), "{}", said.err);
    let remembered = desk.file("state/obnova/renewal-1.ca");
    let text = std::fs::read(&remembered).unwrap();
    std::fs::write(&remembered, "").unwrap();
    let said = desk.run([&resume[..], &ONCE, &options].concat());
    assert!(said.code != 0 && said.err.contains("by plain EST with --plain"), "{} {}", said.code, said.err);
    desk.run([&resume[..], &ONCE, &options, &["--plain"]].concat()).ends_with(8);
    std::fs::write(&remembered, text).unwrap();
    let order = house.approve();
    let done =
        ["Jana Nováková", "read back", "TLS login", "first certificate is", "Set one: obnova revocation-password"];
    let said = desk.run([&resume[..], &ONCE].concat()).ends_with(0);
    said.says(&["The certificate was picked up with your user id and one-time password"]);
    said.says(&done);
    told_only_what_is(&said);
    assert!(house.is_confirmed(&order), "the login is the receipt");
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["expires in 20 days", "7 slots are free"]);

    // Who is logged in sets the password that plain EST had no place for; the rules are those of the service.
    let mended = "no revocation password was set";
    let doctor = [&["doctor", "--service", "partner"], &CARD[..], &options].concat();
    desk.run(&doctor).ends_with(0).says(&[mended]);
    let set = ["revocation-password", "--service", "partner", "--revocation-password-file", "revocation"];
    let set = [&set[..], &CARD, &PIN_FILES[..2], &options].concat();
    let unsaid = [&set[..3], &CARD, &PIN_FILES[..2], &options].concat();
    let said = desk.run(&unsaid).ends_with(2);
    let option = "Give it beforehand: --revocation-password-file";
    assert!(said.err.contains(option) && !said.err.contains("under way"), "{}", said.err);
    desk.write("revocation", "short");
    assert!(desk.run(&set).ends_with(2).err.contains("8 characters"));
    desk.run(&doctor).ends_with(0).says(&[mended]);
    desk.write("revocation", REVOCATION);
    // What was done is done, also where it cannot be noted.
    let damaged = desk.write("state/obnova/renewal-9.journal", "damaged");
    desk.run(&set).ends_with(0).says(&["is set", "could not be noted here"]);
    fs::remove_file(damaged).unwrap();
    desk.run(&doctor).ends_with(0).says(&[mended]);
    // The same again is no other one, though a guess.
    let said = desk.run(&set).ends_with(0);
    said.says(&["log in, to set the revocation password", "is set", "It ends the certificate"]);
    // In the shape that is shown of it everywhere.
    let shown = desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0);
    let list: serde_json::Value =
        serde_json::from_str(&house.operator(&["list", "ca", "--json"]).ends_with(0).out).unwrap();
    let serial = list[0]["certificates"][0]["serial"].as_str().unwrap();
    assert!(said.out.contains(&format!("serial number {serial}.")), "{serial}: {}", said.out);
    shown.says(&[serial]);
    let said = desk.run(&doctor).ends_with(0);
    assert!(!said.out.contains(mended), "{}", said.out);
    // Another one takes the one that stands.
    desk.write("revocation", ANOTHER);
    let said = desk.run(&set).ends_with(2);
    assert!(said.err.contains("Revocation password that is set now"), "{}", said.err);
    desk.write("old", REVOCATION);
    let old = ["--old-revocation-password-file", "old"];
    desk.run([&set[..], &old].concat()).ends_with(0);
    desk.write("old", "something else entirely");
    desk.write("revocation", "neither of the two");
    let said = desk.run([&set[..], &old].concat()).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password"), "{}", said.err);
    // Who does not think of the one that stands is asked for it as often as he likes, and waits for none of that.
    for _ in 0..3 {
        let said = desk.run(&set).ends_with(2);
        assert!(said.err.contains("Revocation password that is set now"), "{}", said.err);
    }
    desk.write("old", ANOTHER);
    desk.write("revocation", REVOCATION);
    desk.run([&set[..], &old].concat()).ends_with(0).says(&["is set"]);

    // The card speaks for its holder, by the protocol that the service's file names.
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est);
    let renew = ["renew", "--yes", "--policy", "est.toml"];
    let renew = [&renew[..], &CARD, &PIN_FILES, &options].concat();
    let sent = desk.run(&renew).ends_with(8);
    sent.says(&[
        "over a login with the old certificate",
        "log in to the issuer with the old certificate",
        "The order is that request.",
        "Accepted, pending",
        "takes the card and its PIN",
    ]);
    told_only_what_is(&sent);
    let order = house.approve();
    let resume = [&["renew", "--resume", "--yes"], &CARD[..], &PIN_FILES].concat();
    let said = desk.run(&resume).ends_with(0);
    said.says(&["log in to the issuer", "picked up over a login with the old certificate", "TLS login", "Renewed"]);
    told_only_what_is(&said);
    assert!(house.is_confirmed(&order), "the login is the receipt");
    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["superseded", "6 slots are free"]);

    // What was set for the first one holds for what renews it; where nothing was, it is missed there too.
    assert!(!desk.run(&doctor).ends_with(0).out.contains(mended));
    let clean = [&["card", "clean"], &CARD[..], &PIN_FILES[..2]].concat();
    let shown = desk.run(&clean).out;
    let label = shown.lines().find_map(|line| line.split_once("· ")?.1.split(" (slot").next()).unwrap();
    desk.run([&clean[..], &["--confirm", label]].concat()).ends_with(0).says(&["7 slots are free"]);
    assert!(!desk.run(&doctor).ends_with(0).out.contains(mended));
    fs::remove_file(desk.file("state/obnova/renewal-1.password")).unwrap();
    desk.run(&doctor).ends_with(0).says(&[mended]);
    desk.run(&set).ends_with(0).says(&["is set"]);
    assert!(!desk.run(&doctor).ends_with(0).out.contains(mended));

    // The password was sent to the CA, and is nowhere.
    drop(house);
    let plain = password.replace('-', "");
    let secrets = Search::new([plain.as_str(), REVOCATION, ANOTHER]);
    for file in desk.files() {
        if !["once", "revocation", "old"].iter().any(|own| file.ends_with(own)) {
            let content = std::fs::read(desk.file(file.to_str().unwrap())).unwrap();
            let as_it_was_shown = content.windows(password.len()).any(|text| text == password.as_bytes());
            assert!(!as_it_was_shown, "in {}", file.display());
            secrets.assert_absent(&file.display().to_string(), content);
        }
    }
}

/// The service's file certifies keys that the CA does not take, or that the card does not make: whose list lacks what is told while the
/// card is as it was, and nobody is asked for a PIN or a password. Where something is in common, that is made.
#[test]
fn a_key_is_made_that_service_issuer_and_card_have_in_common_or_none() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let keys = r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#;
    house.change_policy(|policy| policy.replace(keys, r#"keys = ["rsa-3072", "p-384"]"#));
    let once = house.hand_out("jana");
    desk.write("once", &once);
    desk.write("revocation", REVOCATION);
    let est = ("protocol = \"cmc\"", "protocol = \"est\"");
    let file = |name: &str, protocol: (&str, &str), certified: &str| {
        let partner = include_str!("../../../policies/partner.toml");
        assert!(partner.contains(protocol.0) && partner.contains(keys));
        desk.write(name, &partner.replace(protocol.0, protocol.1).replacen(keys, certified, 1));
    };
    let options = house.options();
    let set = ["--revocation-password-file", "revocation"];
    let first = |file: &str, secrets: &[&str]| {
        let order = ["first", "--yes", "--user", "jana", "--policy", file];
        desk.run([&order[..], &CARD, secrets, &options].concat())
    };
    let card = || fs::read(desk.file("card.state")).unwrap();
    let empty = card();
    for protocol in [("protocol = \"cmc\"", "protocol = \"cmc\""), est] {
        file("theirs.toml", protocol, r#"keys = ["rsa-2048", "p-256"]"#);
        let said = first("theirs.toml", &[]).ends_with(3);
        assert!(
            said.err.contains("certifies RSA 2048, P-256 keys") && said.err.contains("takes RSA 3072, P-384: none"),
            "{}",
            said.err
        );
        file("strong.toml", protocol, r#"keys = ["rsa-4096"]"#);
        let said = first("strong.toml", &[]).ends_with(3);
        let offers = "this card offers is P-256, RSA 2048, P-384, RSA 3072: ask the issuer";
        assert!(said.err.contains("certifies RSA 4096 keys") && said.err.contains(offers), "{}", said.err);
    }
    assert!(card() == empty, "the card is not what it was");
    desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);
    // Of what the CA takes the card would make P-384 first; the service certifies the other one.
    file("good.toml", est, r#"keys = ["rsa-3072", "p-256"]"#);
    let said = first("good.toml", &[&PIN_FILES[..], &ONCE, &set].concat()).ends_with(8);
    said.says(&["RSA 3072", "Accepted, pending"]);
    house.approve();
}

/// Before there is a key the password is asked for once; where the order was made it is asked for again, and why is said.
#[test]
fn what_is_asked_for_again_says_why_and_nothing_is_made_without_it() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est);
    let once = house.hand_out("jana");
    let card = || fs::read(desk.file("card.state")).unwrap();
    let (empty, options) = (card(), house.options().map(str::to_owned));
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let run = |how: &[&str], user: &[&str], once: &[&str]| {
        let policy = if how.contains(&"--resume") { &[][..] } else { &["--policy", "est.toml"] };
        desk.run([&["first", "--yes"], how, user, once, policy, &CARD, &PIN_FILES, &options].concat())
    };
    let (user, why) = (["--user", "jana"], "is told each time who asks");
    let told_why = |said: &Said| said.out.contains(why);
    // Nothing is begun without it, or with what cannot be it.
    desk.write("once", &once[1..]);
    run(&[], &user, &ONCE).ends_with(2);
    assert!(!told_why(&run(&[], &user, &[]).ends_with(2)));
    desk.write("once", &once);
    assert!(card() == empty);
    desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);
    // Begun, and no key is there yet.
    desk.write("pin", "99887766");
    run(&[], &user, &ONCE).ends_with(4);
    desk.write("pin", PINS[0]);
    let without_key = card();
    // As whom it was begun is known, here and below.
    let lacks_password = |is_told_why: bool| {
        for user in [&[][..], &user] {
            let said = run(&["--resume"], user, &[]).ends_with(2);
            let is_named = said.err.contains("--one-time-password-file") && !said.err.contains("--user");
            assert!(is_named && told_why(&said) == is_told_why, "{} {}", said.out, said.err);
        }
    };
    lacks_password(false);
    assert!(card() == without_key, "a key was made");
    // The key is made, the CA is gone before it knows of the order.
    house.kill();
    run(&["--resume"], &user, &ONCE).ends_with(7);
    assert!(card() != without_key, "a key was to be made");
    house.serve_again();
    // To be sent, and then accepted: who asks is said each time.
    lacks_password(true);
    run(&["--resume"], &[], &ONCE).ends_with(8);
    lacks_password(true);
    assert!(!told_why(&run(&["--resume"], &[], &ONCE).ends_with(8)), "what was given is not asked for");
    house.approve();
    run(&["--resume"], &[], &ONCE).ends_with(0);
}

/// Whoever waits may show another user's password: that ends no order. Nor does a rule that came since, for who has a later one of his own.
#[test]
fn an_order_that_waits_outlives_the_password_of_another_user_id() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let options = house.options().map(str::to_owned);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let order = |how: &[&str], user: &str| {
        let said = ["first", "--yes", "--user", user];
        desk.run([&said[..], how, &CARD, &PIN_FILES, &ONCE, &options].concat())
    };
    desk.write("once", &house.hand_out("jana"));
    order(&["--plain", "--service", "partner"], "jana").ends_with(8);
    let of_another = house.hand_out("petr");
    desk.write("once", &of_another);
    let said = order(&["--resume"], "petr").ends_with(7);
    assert!(said.err.contains("other-user") && said.err.contains("What was begun is kept."), "{}", said.err);

    let keys = r#"keys = ["rsa-2048", "rsa-3072", "p-256", "p-384"]"#;
    house.change_policy(|policy| policy.replace(keys, r#"keys = ["rsa-3072", "p-384"]"#));
    desk.write("once", &house.hand_out("jana"));
    order(&["--resume"], "jana").ends_with(8);
    house.approve();
    order(&["--resume"], "jana").ends_with(0);

    // It was used for nothing.
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    fs::remove_file(desk.file("card.state")).unwrap();
    desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    desk.write("once", &of_another);
    order(&["--plain", "--service", "partner"], "petr").ends_with(8);
}

/// Where what was written down is lost, the CA's refusal is enough to know: the next order is made with another key.
#[test]
fn a_key_that_the_ca_certifies_no_more_is_not_ordered_once_more() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let options = house.options();
    let order = |how: &[&str]| {
        let said = ["first", "--yes", "--user", "jana"];
        desk.run([&said[..], how, &CARD, &PIN_FILES, &ONCE, &options].concat())
    };
    let begin = ["--plain", "--service", "partner"];
    desk.write("once", &house.hand_out("jana"));
    order(&begin).ends_with(8);
    house.approve();
    fs::remove_dir_all(desk.file("state")).unwrap();
    let list: serde_json::Value =
        serde_json::from_str(&house.operator(&["list", "ca", "--json"]).ends_with(0).out).unwrap();
    let serial = list[0]["certificates"][0]["serial"].as_str().unwrap();
    house.operator(&["revoke", "ca", serial, "--reason", "superseded"]).ends_with(0);

    desk.write("once", &house.hand_out("jana"));
    let said = order(&begin).ends_with(6);
    said.says(&["Go on with the", "slot 1"]);
    assert!(said.err.contains("key-taken") && said.err.contains("is made with new keys"), "{}", said.err);
    order(&begin).ends_with(8).says(&["in slot 2"]);
    house.approve();
    order(&["--resume"]).ends_with(0);
    desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["6 slots are free"]);
}

/// Who picked up by the mailed link elsewhere is done where he ordered too, by whatever protocol that was: status, and who goes on, say so.
#[test]
fn what_came_by_the_link_elsewhere_is_done_where_it_was_ordered() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let options = house.options();
    desk.write("revocation", REVOCATION);
    let cmc = include_str!("../../../policies/partner.toml");
    desk.write("cmc.toml", cmc);
    desk.write("est.toml", &cmc.replace("protocol = \"cmc\"", "protocol = \"est\""));
    for (user, policy) in [("jana", "cmc.toml"), ("petr", "est.toml")] {
        desk.write("once", &house.hand_out(user));
        fs::remove_file(desk.file("card.state")).unwrap();
        let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
        desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
        let journal = ["--journal", user];
        let who = ["--user", user, "--revocation-password-file", "revocation"];
        let who = [&who[..], &ONCE].concat();
        for (orders, (command, who)) in (1..).zip([("first", &who[..]), ("renew", &[])]) {
            let run =
                |how: &[&str]| desk.run([&[command, "--yes"], how, who, &CARD[..], &PIN_FILES, &journal].concat());
            run(&[&["--policy", policy], &options[..]].concat()).ends_with(8);
            let order = house.approve();
            let said = house.operator(&["link", "ca", &order, "--base", &house.url]).ends_with(0);
            let link = said.out.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
            let install = ["install", link, "--yes", "--policy", policy, "--trust", "ca/root.pem"];
            let said = desk.run([&install[..], &["--journal", "elsewhere"], &CARD, &PIN_FILES].concat()).ends_with(0);
            // By which protocol it was ordered is not known there. What renews has what was set for the old one.
            let told = said.out.contains("Set one: obnova revocation-password");
            assert_eq!(told, command == "first", "{command} {policy}: {}", said.out);
            let card = fs::read(desk.file("card.state")).unwrap();
            let said = desk.run([&["status"], &journal[..]].concat()).ends_with(0);
            said.says(&["Accepted"]);
            // One certificate is no pair, and who may have revoked it meanwhile is not told that it works.
            assert_eq!(said.out.contains("The old certificate ends on"), command == "renew", "{}", said.out);
            assert!(!said.out.contains("pair") && !said.out.contains("as before"), "{}", said.out);
            run(&["--resume"]).ends_with(0).says(&["on the card already"]);
            // A login with the old key spends a signature, and nothing else.
            let as_it_was = fs::read(desk.file("card.state")).unwrap() == card;
            assert!(
                as_it_was || (command, policy) == ("renew", "est.toml"),
                "{command} {policy}: the card was written"
            );
            let said = desk.run([&["status"], &journal[..]].concat()).ends_with(0);
            let done = said.out.matches("came on another way").count();
            assert_eq!((done, said.out.matches("Done.").count()), (orders, orders), "{command} {policy}: {}", said.out);
            assert!(!said.out.contains("Ended without"), "{command} {policy}: {}", said.out);
            // What is known of what came is known of what came elsewhere.
            let doctor =
                desk.run([&["doctor", "--policy", policy], &journal[..], &CARD, &options].concat()).ends_with(0);
            let without_password = doctor.out.contains("no revocation password was set");
            assert_eq!(without_password, policy == "est.toml", "{command} {policy}: {}", doctor.out);
            run(&["--resume"]).ends_with(3);
        }
    }
}

/// What is the receipt where a login is made is one by signature where none is.
#[test]
fn a_service_without_a_login_tells_the_issuer_by_a_signature_that_all_arrived() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    house.change_policy(|policy| policy.replace("approval = \"manual\"", "approval = \"automatic\""));
    desk.write("once", &house.hand_out("jana"));
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est.replace("prove_login = true", "prove_login = false"));
    let order = ["first", "--yes", "--user", "jana", "--policy", "est.toml"];
    let order = [&order[..], &CARD, &PIN_FILES, &ONCE, &house.options()].concat();
    let said = desk.run(order).ends_with(0);
    assert!(!said.out.contains("TLS login"), "{}", said.out);
    said.says(&["sign for the CA that", "a link that it mailed opens nothing any more"]);
    house.operator(&["list", "ca", "--state", "confirmed"]).ends_with(0).says(&["confirmed"]);
}

/// The way to a server, on which so many connections are let through. Each one after them is answered by nobody, and told.
struct Way {
    address: String,
    left: Arc<AtomicUsize>,
    stuck: Receiver<TcpStream>,
}

impl Way {
    fn to(server: &str, left: usize) -> Self {
        let server = server.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}", door.local_addr().unwrap());
        let (tell, stuck) = channel();
        let left = Arc::new(AtomicUsize::new(left));
        let count = left.clone();
        thread::spawn(move || {
            for caller in door.incoming().map(Result::unwrap) {
                if count.load(Ordering::SeqCst) == 0 {
                    if tell.send(caller).is_err() {
                        return;
                    }
                    continue;
                }
                count.fetch_sub(1, Ordering::SeqCst);
                let called = TcpStream::connect(&server).unwrap();
                for (mut from, mut to) in [(caller.try_clone().unwrap(), called.try_clone().unwrap()), (called, caller)]
                {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self { address, left, stuck }
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

/// What a stop or the network kept from the CA is told when the order is gone on with.
#[test]
fn a_receipt_that_was_not_sent_is_sent_when_the_order_is_gone_on_with() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    house.change_policy(|policy| policy.replace("approval = \"manual\"", "approval = \"automatic\""));
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est.replace("prove_login = true", "prove_login = false"));
    let order = |user: &str, way: &Way| {
        desk.write("once", &house.hand_out(user));
        fs::remove_file(desk.file("card.state")).unwrap();
        let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
        desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
        let order = ["first", "--yes", "--user", user, "--policy", "est.toml", "--trust", "ca/root.pem", "--ca"];
        desk.command([&order[..], &[&way.address], &CARD, &PIN_FILES, &ONCE].concat())
    };
    let confirmed = || house.operator(&["list", "ca", "--state", "confirmed"]).out.matches("confirmed").count();
    const MANY: usize = 1000;
    let open = Way::to(&house.url, MANY);
    Said::from(order("jana", &open).output().unwrap()).ends_with(0).says(&["opens nothing any more"]);
    assert_eq!(confirmed(), 1);
    // The last of them carries the receipt.
    let before_the_last = MANY - open.left() - 1;

    let resume = [&["first", "--resume"], &CARD[..], &PIN_FILES].concat();
    let named = [&resume[..], &house.options()].concat();
    for (user, killed) in [("petr", true), ("eva", false)] {
        let done = confirmed();
        let way = Way::to(&house.url, before_the_last);
        let mut program = order(user, &way).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stuck = way.stuck.recv().unwrap();
        if killed {
            program.kill().unwrap();
        }
        // Whoever calls now finds nobody.
        drop((stuck, way));
        let said = Said::from(program.wait_with_output().unwrap());
        assert!(said.out.contains("first certificate is on the card"), "{}{}", said.out, said.err);
        if !killed {
            let said = said.ends_with(7);
            assert!(
                said.err.contains("obnova first --resume") && said.err.contains("obnova install LINK"),
                "{}",
                said.err
            );
        }
        assert_eq!(confirmed(), done, "nobody has told it");
        // Not before the CA is there.
        let said = desk.run(&resume).ends_with(7);
        assert!(said.err.contains("obnova first --resume"), "{}", said.err);
        desk.run(&named).ends_with(0).says(&["sign for the CA that", "opens nothing any more"]);
        assert_eq!(confirmed(), done + 1);
        desk.run(&named).ends_with(3);
    }
}

/// What a later order brought for the keys of a refused one is of the later one alone: the refused one stays refused, and is in the way of no
/// receipt.
#[test]
fn an_order_that_was_refused_stays_so_when_another_goes_on_with_its_keys() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est.replace("prove_login = true", "prove_login = false"));
    let first = |how: &[&str]| desk.run([&["first", "--yes"], how, &CARD, &PIN_FILES, &ONCE].concat());
    let order = [&["--user", "jana", "--policy", "est.toml"], &house.options()[..]].concat();
    desk.write("once", &house.hand_out("jana"));
    first(&order).ends_with(8);
    house.operator(&["reject", "ca", &house.pending(), "--reason", "another name"]).ends_with(0);
    let said = first(&["--resume"]).ends_with(6);
    assert!(said.err.contains("one-time password is used up: ask for another"), "{}", said.err);
    desk.write("once", &house.hand_out("jana"));
    first(&order).ends_with(8);
    house.approve();
    first(&["--resume"]).ends_with(0).says(&["first certificate is on the card", "opens nothing any more"]);
    let journals = ["renewal-1", "renewal-2"].map(|name| desk.file(&format!("state/obnova/{name}.journal")));
    let before = journals.clone().map(|journal| fs::read(journal).unwrap());
    // As a stop before the receipt leaves it.
    desk.write("state/obnova/renewal-2.receipt", "owed\n");
    first(&["--resume"]).ends_with(0).says(&["opens nothing any more"]);
    first(&["--resume"]).ends_with(3);
    assert!(journals.map(|journal| fs::read(journal).unwrap()) == before, "something else is told of them now");
    let said = desk.run(["status"]).ends_with(0);
    assert_eq!((said.out.matches("Ended without").count(), said.out.matches("Done.").count()), (1, 1), "{}", said.out);
}

/// By the file of the service, without an option. The password was read once, and is gone; and while the program waits somebody guesses at it.
#[test]
fn who_waits_is_asked_for_nothing_again_and_kept_from_nothing_by_anybodys_guesses() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    house.change_policy(|policy| policy.replace("retry_after_seconds = 60", "retry_after_seconds = 1"));
    let [password, of_another] = ["jana", "petr"].map(|user| house.hand_out(user));
    desk.write("once", &password);
    let est = include_str!("../../../policies/partner.toml").replace("protocol = \"cmc\"", "protocol = \"est\"");
    desk.write("est.toml", &est);
    let options = house.options();
    let order = ["first", "--yes", "--wait", "--user", "jana", "--policy", "est.toml"];
    let order = [&order[..], &CARD, &PIN_FILES, &ONCE, &options].concat();
    let mut waiting = desk.command(&order).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !house.operator(&["list", "ca", "--state", "pending"]).out.contains("pending") {
        assert_eq!(waiting.try_wait().unwrap(), None, "it ended before there was an order");
        thread::sleep(Duration::from_millis(50));
    }
    fs::remove_file(desk.file("once")).unwrap();

    // Somebody else with a card and the user id, which is no secret.
    let other = Desk::new();
    for (file, secret) in ["pin", "pin2", "puk"].into_iter().zip(PINS) {
        other.write(file, secret);
    }
    other.write("guess", &of_another);
    other.write("est.toml", &est);
    fs::create_dir(other.file("ca")).unwrap();
    fs::copy(desk.file("ca/root.pem"), other.file("ca/root.pem")).unwrap();
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    other.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    let guess = ["first", "--yes", "--user", "jana", "--policy", "est.toml", "--one-time-password-file", "guess"];
    let guess = [&guess[..], &CARD, &PIN_FILES, &options].concat();
    other.run(&guess).ends_with(6);
    let guess = ["first", "--resume", "--yes", "--user", "jana", "--one-time-password-file", "guess"];
    let guess = [&guess[..], &CARD, &PIN_FILES].concat();
    let mut said = other.run(&guess);
    while said.code == 6 {
        said = other.run(&guess);
    }
    let guessed = house.operator(&["password", "list", "ca", "--json"]).ends_with(0).out;
    assert!(guessed.contains("\"wrong_guesses\": 3"), "{} {}: {guessed}", said.code, said.err);

    house.approve();
    let done = Said::from(waiting.wait_with_output().unwrap()).ends_with(0);
    assert!(!done.err.contains("assword"), "{}", done.err);
    done.says(&["read back", "TLS login", "first certificate is"]);
}

/// The paper was lost, which is asked for at each question: the order goes on with the next one.
#[test]
fn who_waits_goes_on_with_another_password() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let lost = house.hand_out("jana");
    desk.write("once", &lost);
    let order = ["first", "--plain", "--yes", "--user", "jana", "--service", "partner"];
    desk.run([&order[..], &CARD, &PIN_FILES, &ONCE, &house.options()].concat()).ends_with(8);
    desk.write("once", &house.hand_out("jana"));
    let resume = [&["first", "--resume", "--yes"], &CARD[..], &PIN_FILES, &ONCE].concat();
    desk.run(&resume).ends_with(8);
    // The lost one is worth nothing from here on.
    desk.write("once", &lost);
    assert!(desk.run(&resume).ends_with(6).err.contains("does not know"));
    house.approve();
    desk.write("once", &house.hand_out("jana"));
    desk.run(&resume).ends_with(0).says(&["TLS login", "first certificate is on the card"]);
}
