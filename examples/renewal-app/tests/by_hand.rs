#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder renews by hand, against a CA that its operator runs with `obnova-ca`.

mod support;

use std::fs;

use support::{Desk, ca::House};

/// PINs that occur nowhere by chance.
const PINS: [&str; 3] = ["80214957", "73159264", "90417358"];
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN_FILES: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

/// A desk with a card of the CA's in a file, and the holder's PINs in others.
fn set_up<'a>(desk: &'a Desk) -> House<'a> {
    let house = House::open(desk);
    let [pin, signature_pin, puk] = PINS;
    desk.write("pin", &format!("{pin}\n"));
    desk.write("pin2", &format!("{signature_pin}\n"));
    desk.write("puk", &format!("{puk}\n"));
    let card = ["simulator", "new", "card.state", "--house", "ca", "--puk-file", "puk"];
    desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
    house
}

#[test]
fn order_wait_approve_resume_install_clean_and_export() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.run([&["doctor"], &CARD[..], &house.options()].concat()).ends_with(0).says(&["Everything is ready"]);

    let renew = [&["renew", "--yes", "--trace", "trace"], &CARD[..], &PIN_FILES, &house.options()].concat();
    desk.run(&renew).ends_with(8).says(&["The plan", "Accepted, pending"]);
    let trace = fs::read_to_string(desk.file("trace")).unwrap();
    assert!(trace.lines().filter(|line| line.starts_with("> 00 20 00 01")).count() >= 2, "VERIFY is in the trace");
    desk.run(["status"]).ends_with(0).says(&["renewal-1", "Accepted", "The old pair ends on", "obnova doctor"]);
    assert!(desk.run(&renew[..]).ends_with(3).err.contains("under way"));
    desk.run(["renew", "--resume"]).ends_with(8);

    house.approve();
    // Picked up with neither card nor PIN; the card is needed for what follows.
    desk.run(["renew", "--resume"]).ends_with(5).says(&["picked up without card or PIN"]);
    let resume = [&["renew", "--resume"], &CARD[..], &PIN_FILES].concat();
    desk.run(&resume).ends_with(0).says(&["read back", "TLS login", "signature key was made and verified", "Renewed"]);
    desk.run(["status"]).ends_with(0).says(&["Done", "2027"]);
    assert!(desk.run(["renew", "--resume"]).ends_with(3).err.contains("no renewal"));

    let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0);
    listed.says(&["superseded", "superseded", "valid", "valid", "4 slots are free"]);
    let clean = [&["card", "clean"], &CARD[..], &PIN_FILES[..2]].concat();
    desk.run([&clean[..], &["--confirm", "Somebody else's"]].concat()).ends_with(9);
    let said = desk.run(&clean).ends_with(2);
    assert!(said.err.contains("--confirm NAME"), "nobody is there to type a name: {}", said.err);
    said.says(&["If all of this goes, the keys in slots 1, 2 go too, and cannot be brought back"]);
    let clean = [&clean[..], &["--confirm", "Authentication", "--confirm", "Signature"]].concat();
    let told = ["With what was named the keys in slots 1, 2 go", "2 slots were emptied", "6 slots are free"];
    desk.run(clean).ends_with(0).says(&told);

    desk.run([&["export", "--to", "bank"], &CARD[..]].concat()).ends_with(0);
    let mut kinds: Vec<_> = fs::read_dir(desk.file("bank"))
        .unwrap()
        .map(|entry| entry.unwrap().path().extension().unwrap().to_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    assert_eq!(kinds, ["der", "der", "pem", "pem", "txt", "txt"]);
    no_secret_anywhere(&desk);
}

#[test]
fn a_wrong_pin_never_spends_the_last_try() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.write("wrong", "11112222\n");
    let renew = |more: &[&str]| {
        let wrong = ["--pin-file", "wrong", "--signature-pin-file", "pin2"];
        desk.run([&["renew", "--yes"], &CARD[..], &wrong, &house.options(), more].concat())
    };
    let tries = || desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0);
    assert!(renew(&[]).ends_with(4).err.contains("2 tries are left"));
    let resume = |pin: &str, more: &[&str]| {
        let pins = ["--pin-file", pin, "--signature-pin-file", "pin2"];
        desk.run([&["renew", "--resume"], &CARD[..], &pins, more].concat())
    };
    resume("wrong", &[]).ends_with(4);
    tries().says(&["authentication PIN: 1 try left"]);
    // Not even the right one is sent without a clear yes; the card cannot know that it is right.
    for pin in ["wrong", "pin"] {
        assert!(resume(pin, &[]).ends_with(4).err.contains("--spend-last-try"));
        tries().says(&["authentication PIN: 1 try left"]);
    }
    resume("pin", &["--spend-last-try"]).ends_with(8);
    tries().says(&["authentication PIN: 3 tries left"]);
}

#[test]
fn a_blocked_pin_is_unblocked_and_a_pin_is_changed() {
    let desk = Desk::new();
    let _house = set_up(&desk);
    desk.write("wrong", "11112222\n");
    desk.write("new", "33334444\n");
    let change = |old: &str, more: &[&str]| {
        let pins = ["--signature-pin-file", old, "--new-pin-file", "new"];
        desk.run([&["pin", "change", "signature"], &CARD[..], &pins, more].concat())
    };
    change("wrong", &[]).ends_with(4);
    change("wrong", &[]).ends_with(4);
    assert!(change("wrong", &["--spend-last-try"]).ends_with(4).err.contains("blocked"));
    assert!(change("pin2", &[]).ends_with(4).err.contains("blocked"));
    let unblock = ["pin", "unblock", "signature", "--puk-file", "puk", "--new-pin-file", "pin2"];
    desk.run([&unblock[..], &CARD].concat()).ends_with(0);
    change("pin2", &[]).ends_with(0);
    let back = ["--signature-pin-file", "new", "--new-pin-file", "pin2"];
    desk.run([&["pin", "change", "signature"], &CARD[..], &back].concat()).ends_with(0);
    // A form that the card does not take is told before anything is sent.
    desk.write("short", "12\n");
    let pins = ["--signature-pin-file", "pin2", "--new-pin-file", "short"];
    assert!(desk.run([&["pin", "change", "signature"], &CARD[..], &pins].concat()).ends_with(4).err.contains("4 to 8"));
    desk.run([&["card", "show"], &CARD[..]].concat()).ends_with(0).says(&["signature PIN: 3 tries left"]);
}

/// What the journal has need not be named again: the CA's address where only its certificates are named, and the other way round.
#[test]
fn who_goes_on_names_of_the_ca_what_is_to_be_another() {
    let desk = Desk::new();
    let house = set_up(&desk);
    desk.run([&["renew", "--yes"], &CARD[..], &PIN_FILES, &house.options()].concat()).ends_with(8);
    let resume = |more: &[&str]| desk.run([&["renew", "--resume"], more].concat());
    resume(&["--trust", "ca/root.pem"]).ends_with(8);
    house.operator(&["init", "other-ca"]).ends_with(0);
    assert!(resume(&["--trust", "other-ca/root.pem"]).ends_with(7).err.contains("trust"));
    assert!(resume(&["--ca", "http://127.0.0.1:9"]).ends_with(2).err.contains("https://"));
    assert!(resume(&["--ca", "https://127.0.0.1:9"]).ends_with(7).err.contains("127.0.0.1:9"));
    house.approve();
    resume(&[&["--ca", house.url.as_str()], &CARD[..], &PIN_FILES].concat()).ends_with(0).says(&["Renewed"]);
}

#[test]
fn a_pin_comes_from_a_pipe_too() {
    use std::{io::Write as _, process::Stdio};
    let desk = Desk::new();
    let _house = set_up(&desk);
    let change = ["pin", "change", "authentication", "--pin-fd", "0", "--new-pin-fd", "0"];
    let mut child = desk
        .command([&change[..], &CARD].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    write!(child.stdin.take().unwrap(), "{}\n55556666\n", PINS[0]).unwrap();
    support::Said::from(child.wait_with_output().unwrap()).ends_with(0).says(&["was changed"]);
}

#[test]
fn a_card_that_is_torn_out_works_and_the_renewal_resumes() {
    let desk = Desk::new();
    let house = set_up(&desk);
    for (round, at) in [2, 5, 9, 14, 21].into_iter().enumerate() {
        // A new card of the same kind each time: its old pair may be renewed once.
        fs::remove_file(desk.file("card.state")).unwrap();
        let serial = format!("OBN1000000{round}");
        let card = ["simulator", "new", "card.state", "--house", "ca", "--puk-file", "puk", "--serial", &serial];
        desk.run([&card[..], &PIN_FILES].concat()).ends_with(0);
        desk.run(["simulator", "tear", "card.state", "--at", &at.to_string()]).ends_with(0);
        let renew = [&["renew", "--yes"], &CARD[..], &PIN_FILES, &house.options()].concat();
        let said = desk.run(&renew);
        assert_eq!(said.code, 5, "torn at {at}: {}{}", said.out, said.err);
        desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).says(&["expires in 20 days"]);
        // Torn before anything was written down: begun anew. After: resumed, and agreed to where that was not written down yet.
        let begun = desk.run(["status"]).out.contains(&serial);
        let again = if begun { [&["renew", "--resume", "--yes"], &CARD[..], &PIN_FILES].concat() } else { renew };
        desk.run(&again).ends_with(8);
        house.approve();
        // Once more while the new pair is put on the card: the old one is there, or both are, and never a half.
        desk.run(["simulator", "tear", "card.state", "--at", &[5, 7, 9, 12, 14][round].to_string()]).ends_with(0);
        let resume = [&["renew", "--resume"], &CARD[..], &PIN_FILES].concat();
        assert_ne!(desk.run(&resume).code, 0, "torn at the end, round {round}");
        let listed = desk.run([&["card", "list"], &CARD[..]].concat()).ends_with(0).out;
        let pairs = (listed.matches("expires in 20 days").count(), listed.matches("superseded").count());
        assert!(matches!(pairs, (2, 0) | (0, 2)), "half a renewal:\n{listed}");
        desk.run(&resume).ends_with(0).says(&["Renewed"]);
    }
}

#[test]
fn what_is_wrong_with_the_road_has_its_own_exit_code() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let renew = ["renew", "--yes", "--pin-file", "pin", "--signature-pin-file", "pin2"];
    desk.run([&renew[..], &CARD].concat()).ends_with(2);
    // With readers, no token means the card in one of them, and tests leave that card alone.
    #[cfg(not(feature = "pcsc"))]
    desk.run([&renew[..], &house.options()].concat()).ends_with(2);
    desk.run([&renew[..], &["--token", "sim:nowhere"], &house.options()].concat()).ends_with(5);
    // Nobody is there to agree to the plan: told before anything is begun, so that it can be done as told.
    let unasked = ["renew", "--pin-file", "pin", "--signature-pin-file", "pin2"];
    let said = desk.run([&unasked[..], &CARD, &house.options()].concat()).ends_with(2);
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert!(desk.run(["status"]).ends_with(0).out.lines().all(|line| !line.contains("renewal-")));
    // What was named cannot be: each line says what would be right.
    for (wrong, code, advice) in [
        (&["--ca", &house.url, "--trust", "nowhere.pem"][..], 2, "--trust"),
        (&["--ca", "http://127.0.0.1:9", "--trust", "ca/root.pem"], 2, "https://"),
        (&["--journal", "pin"], 3, "--journal"),
    ] {
        let said = desk.run([&["doctor"], &CARD[..], wrong].concat()).ends_with(code);
        assert!(said.out.lines().any(|line| line.contains('✗') && line.contains(advice)), "{}", said.out);
    }
    // What was named is not asked for, and what is missing once.
    for (named, missing) in [(["--ca", &house.url], "--trust"), (["--trust", "ca/root.pem"], "--ca")] {
        let said = desk.run([&["doctor"], &CARD[..], &named].concat()).ends_with(2);
        let line = said.out.lines().find(|line| line.contains('✗')).unwrap();
        let times = line.matches(missing).count();
        assert!(times == 1 && !line.contains(named[0]) && !line.contains(".."), "{line}");
    }
    let anew = [&["doctor", "--journal", "new/journals"], &CARD[..]].concat();
    desk.run(&anew).says(&["new/journals can be written"]);
    assert!(!desk.file("new").exists());
    // Nobody listens there.
    let nobody = ["--ca", "https://127.0.0.1:9", "--trust", "ca/root.pem"];
    desk.run([&["doctor"], &CARD[..], &nobody].concat()).ends_with(7).says(&["✗", "127.0.0.1:9"]);
    // Somebody listens who is not the one that is trusted.
    desk.run(["simulator", "new", "other.state"]).ends_with(0);
    desk.run(["export", "--to", "other", "--token", "sim:other.state"]).ends_with(0);
    let other = fs::read_dir(desk.file("other")).unwrap().map(|entry| entry.unwrap().path());
    let other = other.filter(|path| path.extension().is_some_and(|kind| kind == "pem")).min().unwrap();
    let stranger = ["--ca", &house.url, "--trust", other.to_str().unwrap()];
    desk.run([&["doctor"], &CARD[..], &stranger].concat()).ends_with(7);
    // This card's pair is of another CA: told before anything is asked or begun.
    let foreign = ["--token", "sim:other.state", "--pin-fd", "0", "--signature-pin-fd", "0"];
    desk.write("play", "1234\n567890\n");
    let mut refused = desk.command([&["renew", "--yes"], &foreign[..], &house.options()].concat());
    let refused = refused.stdin(fs::File::open(desk.file("play")).unwrap()).output().unwrap();
    let refused = support::Said::from(refused).ends_with(3);
    assert!(refused.err.contains("No certificate on the card was issued by this CA"), "{}", refused.err);
    desk.run(["card", "list", "--token", "sim:other.state"]).ends_with(0).says(&["expires in 20 days"]);
    assert!(desk.run(["status"]).ends_with(0).out.lines().all(|line| !line.contains("renewal-")));
}

/// The PINs stand in no file but the holder's own, and in no form that the card is sent.
fn no_secret_anywhere(desk: &Desk) {
    for file in desk.files() {
        if ["pin", "pin2", "puk"].iter().any(|own| file.as_os_str() == *own) {
            continue;
        }
        let content = fs::read(desk.file(file.to_str().unwrap())).unwrap();
        let text = String::from_utf8_lossy(&content).to_lowercase();
        for pin in PINS {
            let hex: String = pin.bytes().map(|byte| format!("{byte:02x}")).collect();
            let spaced: Vec<_> = pin.bytes().map(|byte| format!("{byte:02x}")).collect();
            for form in [pin.to_owned(), hex, spaced.join(" ")] {
                assert!(!text.contains(&form), "{form} is in {}", file.display());
            }
        }
    }
}

#[test]
fn a_journal_without_a_record_is_no_renewal_and_a_broken_one_is_told() {
    let desk = Desk::new();
    let house = set_up(&desk);
    let renew = [&["renew", "--yes", "--journal", "j"], &CARD[..], &PIN_FILES, &house.options()].concat();
    desk.run(&renew[..]).ends_with(8);
    let journal = "j/renewal-1.journal";
    let whole = fs::read(desk.file(journal)).unwrap();
    for broken in [&b""[..], b"obnova-journal 1 9 00", &whole[..whole.len() / 2], b"Dear holder"] {
        fs::write(desk.file(journal), broken).unwrap();
        let said = desk.run(["status", "--journal", "j"]);
        assert!(said.code == 1 && said.err.contains("Journal"), "{} {}", said.code, said.err);
    }
    // It tells what to do instead, and that is so: nothing is ordered twice.
    let said = desk.run(&renew[..]).ends_with(1);
    assert!(said.err.contains("move it out of this folder and begin again"), "{}", said.err);
    fs::remove_file(desk.file(journal)).unwrap();
    desk.run(&renew[..]).ends_with(8);
    let orders = house.operator(&["list", "ca"]).ends_with(0);
    assert_eq!(orders.out.matches("pending").count(), 1, "{}", orders.out);
    // Mended from a copy it goes on too.
    fs::write(desk.file(journal), whole).unwrap();
    house.approve();
    desk.run([&["renew", "--resume", "--journal", "j"], &CARD[..], &PIN_FILES].concat()).ends_with(0);
}
