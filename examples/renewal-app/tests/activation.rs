#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A card arrives inactive: its holder activates it, with files and at a terminal; and what a card is offered when PINs or the
//! PUK are lost.

mod support;

use obnova_client::{
    Https,
    enroll::est::{Headers, HttpRequest, Method},
    renewal::ParsedCertificate,
    tls_config,
};
use support::{
    Desk, Said,
    ca::{House, mail_with},
    terminal::Terminal,
};
use x509_cert::Certificate;

const NEW: &str = "482915\n730264\n91827364\n";
/// Each transport PIN model, and what its cards are activated with.
const MODELS: [(&str, &str); 7] = [
    ("separate", "135790"),
    ("in-place", "135790"),
    ("empty", ""),
    ("null", ""),
    ("must-change", "135790"),
    ("single-use", "135790"),
    ("five-digits", "13579"),
];
const CARD: [&str; 2] = ["--token", "sim:card.state"];

fn arrived(model: &str, transport: &str) -> Desk {
    let desk = Desk::in_memory();
    desk.write("transport", transport);
    desk.write("new", NEW);
    let mut command = vec!["simulator", "new", "card.state", "--inactive", model, "--signature-key", "p-256"];
    command.extend(["--authentication-key", "p-256"]);
    if !transport.is_empty() {
        command.extend(["--transport-pin-file", "transport"]);
    }
    desk.run(command).ends_with(0).says(&["It is inactive."]);
    desk
}

/// What gives it the transport PIN of such a card, where there is one.
fn given(transport: &str) -> &'static [&'static str] {
    match transport {
        "" => &[],
        _ => &["--transport-pin-file", "transport", "--spend-last-try"],
    }
}

fn run(desk: &Desk, command: &[&str]) -> Said {
    desk.run(command.iter().chain(&CARD))
}

const ACTIVATE: [&str; 8] =
    ["card", "activate", "--pin-file", "new", "--signature-pin-file", "new", "--puk-file", "new"];

fn activate(desk: &Desk, more: &[&str]) -> Said {
    run(desk, &[&ACTIVATE[..], more].concat())
}

#[test]
fn a_card_of_each_model_is_activated_from_files_and_changes_its_pin_then() {
    for (model, transport) in MODELS {
        let desk = arrived(model, transport);
        run(&desk, &["card", "show"]).ends_with(0).says(&["Activate the card: obnova card activate"]);
        // Nothing else is offered, and nothing else is asked for.
        for other in [&["pin", "change", "signature"][..], &["pin", "unblock", "signature"]] {
            assert!(run(&desk, other).ends_with(3).err.contains("obnova card activate"), "{model}");
        }
        let given = given(transport);
        let shown = run(&desk, &["card", "show"]).ends_with(0);
        let said = activate(&desk, given).ends_with(0);
        said.says(&["The card is active.", "authentication PIN: 3 tries left"]);
        // Nothing is told of a transport PIN that the model does not have, but that it has none.
        let told = format!("{}{}", shown.out, said.out).replace("has no transport PIN", "");
        assert_eq!(told.contains("transport PIN"), !transport.is_empty(), "{model}: {told}");
        activate(&desk, given).ends_with(0).says(&["It was activated with these PINs"]);
        desk.write("change", "730264\n551177\n");
        let change = ["pin", "change", "signature", "--signature-pin-file", "change", "--new-pin-file", "change"];
        run(&desk, &change).ends_with(0).says(&["was changed"]);
    }
}

#[test]
fn what_breaks_a_rule_never_reaches_the_card() {
    let desk = arrived("single-use", "135790");
    let before = std::fs::read(desk.file("card.state")).unwrap();
    for (new, problem) in [
        ("482915\n730264\n123\n", "6 to 8 characters"),
        ("48291x\n730264\n91827364\n", "digits only"),
        ("123456\n730264\n91827364\n", "too easy"),
        ("482915\n482915\n91827364\n", "the same as the authentication PIN"),
        ("482915\n730264\n482915\n", "the same as the authentication PIN"),
        ("482915\n730264\n730264\n", "the same as the signature PIN"),
    ] {
        desk.write("new", new);
        let said = activate(&desk, &["--transport-pin-file", "transport", "--spend-last-try"]).ends_with(4);
        assert!(said.err.contains(problem) && said.err.contains("nothing was sent"), "{}", said.err);
    }
    let five = arrived("five-digits", "13579");
    five.write("new", "482915\n73026\n91827364\n");
    let said = activate(&five, &["--transport-pin-file", "transport", "--spend-last-try"]).ends_with(4);
    assert!(said.err.contains("new signature PIN") && said.err.contains("must have 6 characters"), "{}", said.err);
    // Nor does a transport PIN that works once, without a yes.
    desk.write("new", NEW);
    activate(&desk, &["--transport-pin-file", "transport"]).ends_with(4);
    assert_eq!(std::fs::read(desk.file("card.state")).unwrap(), before);
    activate(&desk, &["--transport-pin-file", "transport", "--spend-last-try"]).ends_with(0);
}

#[test]
fn a_wrong_transport_pin_that_works_once_finishes_the_card_and_that_is_said() {
    let desk = arrived("single-use", "135790");
    desk.write("wrong", "000000\n");
    let wrong = ["--transport-pin-file", "wrong", "--spend-last-try"];
    let said = activate(&desk, &wrong).ends_with(3);
    assert!(
        said.err.contains("The transport PIN was wrong") && said.err.contains("The card is finished"),
        "{}",
        said.err
    );
    for command in [&["card", "activate"][..], &["pin", "change", "puk"], &["pin", "unblock", "authentication"]] {
        assert!(run(&desk, command).ends_with(3).err.contains("The card is finished"), "{command:?}");
    }
    let shown = run(&desk, &["card", "show"]).ends_with(0);
    shown.says(&["The card is finished"]);
    assert!(!shown.out.contains("obnova card activate") && !shown.out.contains("obnova pin"), "{}", shown.out);
}

/// Where the transport PIN stands in the place of a PIN that was never chosen, nobody can have typed that one wrong.
#[test]
fn a_card_that_a_wrong_transport_pin_finished_is_told_so_whatever_the_model() {
    for (model, transport) in
        [("separate", "135790"), ("in-place", "135790"), ("must-change", "135790"), ("five-digits", "13579")]
    {
        let desk = arrived(model, transport);
        desk.write("wrong", &"0".repeat(transport.len()));
        let wrong = ["--transport-pin-file", "wrong", "--spend-last-try"];
        let said = loop {
            let said = activate(&desk, &wrong);
            if said.code != 4 {
                break said.ends_with(3);
            }
        };
        let told = "The transport PIN was wrong, and no try is left. The card is finished";
        assert!(said.err.contains(told), "{model}: {}", said.err);
        let checked = run(&desk, &["doctor"]).ends_with(3);
        assert!(!checked.out.contains("how the card is activated"), "{model}: {}", checked.out);
        assert_eq!(checked.out.matches("Ask the issuer for a new card").count(), 1, "{model}: {}", checked.out);
        // So it is whoever asks, and whenever: no PIN is called blocked that was never set.
        let asked =
            [&["card", "show"][..], &["card", "activate"], &["pin", "change", "puk"], &["pin", "unblock", "signature"]];
        let said = asked.map(|command| run(&desk, command)).map(|said| format!("{}{}", said.out, said.err));
        for said in said.into_iter().chain([checked.out]) {
            let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("its transport PIN has no try left"), "{model}: {words}");
            assert!(!words.contains("authentication PIN: blocked"), "{model}: {words}");
        }
    }
}

#[test]
fn a_card_without_a_transport_pin_is_not_said_to_have_one() {
    for model in ["empty", "null"] {
        let desk = arrived(model, "");
        let checked = run(&desk, &["doctor"]).ends_with(3);
        assert!(checked.out.contains("obnova card activate"), "{model}: {}", checked.out);
        assert!(!checked.out.contains("transport PIN first"), "{model}: {}", checked.out);
    }
}

#[test]
fn torn_at_any_command_the_same_line_activates_it() {
    for (model, commands) in [("separate", 10), ("in-place", 8), ("single-use", 10)] {
        let fresh = arrived(model, "135790");
        let card = std::fs::read(fresh.file("card.state")).unwrap();
        for at in 1..=commands {
            std::fs::write(fresh.file("card.state"), &card).unwrap();
            let at = at.to_string();
            fresh.run(["simulator", "tear", "card.state", "--at", &at, "--how", "after"]).ends_with(0);
            let given = ["--transport-pin-file", "transport", "--spend-last-try"];
            let torn = activate(&fresh, &given).ends_with(5);
            // No renewal is under way, and none is spoken of.
            assert!(torn.err.contains("do the same once more") && !torn.err.contains("kept"), "{}", torn.err);
            // After the last commands nothing is left to do, but to see that it has these PINs.
            let again = activate(&fresh, &given).ends_with(0);
            assert!(again.out.contains("The card is active"), "{model} {at}: {}", again.out);
            run(&fresh, &["card", "show"]).ends_with(0).says(&["signature PIN: 3 tries left"]);
        }
    }
}

/// Types each new password, and once more.
fn type_new(terminal: &mut Terminal, values: [&str; 3]) {
    for (name, value) in ["authentication PIN", "signature PIN", "PUK"].into_iter().zip(values) {
        for prompt in [&format!("New {name}"), "The same again"] {
            terminal.wait_for(&[prompt]);
            terminal.type_line(value);
        }
    }
}

fn left(tries: u8) -> String {
    format!("authentication PIN: {tries} tries left")
}

/// Activated up to the first password that was set.
fn torn_after_the_first(desk: &Desk, given: &[&str]) {
    let fresh = std::fs::read(desk.file("card.state")).unwrap();
    for at in 1.. {
        std::fs::write(desk.file("card.state"), &fresh).unwrap();
        desk.run(["simulator", "tear", "card.state", "--at", &at.to_string(), "--how", "after"]).ends_with(0);
        activate(desk, given).ends_with(5);
        if run(desk, &["card", "show"]).ends_with(0).out.contains(&left(3)) {
            break;
        }
    }
}

/// An activation that goes on compares what was set before it was torn, and a wrong one costs a try of that: these are told before
/// anything is sent, and those only.
#[test]
fn torn_it_tells_the_tries_of_what_it_goes_on_with() {
    for (model, transport) in MODELS {
        let desk = arrived(model, transport);
        let given = given(transport);
        torn_after_the_first(&desk, given);
        desk.write("new", "592816\n730264\n91827364\n");
        if model == "separate" {
            // All of them are set anew, and none is compared.
            let said = activate(&desk, given).ends_with(0);
            let (before, _) = said.out.split_once("The card is active.").unwrap();
            assert!(!before.contains(&left(3)) && !before.contains("the same PINs as then"), "{before}");
            continue;
        }
        for tries in [3, 2] {
            let said = activate(&desk, given).ends_with(4);
            said.says(&["Enter the same PINs as then", &left(tries)]);
            let told = if tries == 3 {
                "The authentication PIN is wrong. 2 tries"
            } else {
                "The last try for the authentication"
            };
            assert!(said.err.contains(told), "{model}: {}", said.err);
            assert!(!said.out.contains("signature PIN") && !said.out.contains("PUK:"), "{model}: {}", said.out);
        }
        desk.write("new", NEW);
        activate(&desk, &[given, &["--spend-last-try"][usize::from(!given.is_empty())..]].concat()).ends_with(0);
    }
}

/// Whoever tears a card out at the end of an activation, and does the same once more, reads whether it has these PINs; what that may cost is told
/// before.
#[test]
fn an_active_card_tells_whether_it_was_activated_with_these_pins() {
    let desk = arrived("empty", "");
    activate(&desk, &[]).ends_with(0);
    let nobody = run(&desk, &["card", "activate", "--pin-file", "new"]).ends_with(3);
    assert!(nobody.err.contains("active already"), "{}", nobody.err);
    let tries =
        |out: &str| [3, 2, 1].into_iter().find(|left| out.contains(&format!("signature PIN: {left} tr"))).unwrap();
    assert_eq!(tries(&run(&desk, &["card", "show"]).out), 3);
    desk.write("new", "482915\n551177\n91827364\n");
    for left in [3, 2] {
        let other = activate(&desk, &[]).ends_with(4);
        assert_eq!(tries(&other.out), left, "{}", other.out);
        let told = if left == 3 {
            "The signature PIN is wrong. 2 tries are left"
        } else {
            "The last try for the signature PIN"
        };
        assert!(other.err.contains(told), "{}", other.err);
    }
    // The last one is kept.
    let kept = activate(&desk, &[]).ends_with(4);
    assert!(kept.err.contains("was kept") && kept.err.contains("obnova pin unblock signature"), "{}", kept.err);
    assert_eq!(tries(&run(&desk, &["card", "show"]).out), 1);
    desk.write("new", NEW);
    activate(&desk, &["--spend-last-try"]).ends_with(0).says(&["It was activated with these PINs"]);
    assert_eq!(tries(&run(&desk, &["card", "show"]).out), 3);

    // At a terminal it is asked first, and a no costs nothing.
    let command = desk.command(["card", "activate", "--token", "sim:card.state"]);
    let mut terminal = Terminal::open(&command);
    terminal.wait_for(&["Compare them now?"]);
    terminal.type_line("no");
    let (code, shown) = terminal.end();
    assert_eq!(code, 3, "{shown}");
    let mut terminal = Terminal::open(&command);
    terminal.wait_for(&["signature PIN: 3 tries left"]);
    terminal.wait_for(&["Compare them now?"]);
    terminal.type_line("yes");
    for (name, value) in [("authentication PIN", "482915"), ("signature PIN", "730264"), ("PUK", "91827364")] {
        terminal.wait_for(&[&format!("{name} > ")]);
        terminal.type_line(value);
    }
    terminal.wait_for(&["It was activated with these PINs"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

/// What was typed of the others stays.
#[test]
fn at_a_terminal_the_one_that_was_set_before_a_tear_is_asked_for_again() {
    for (model, transport) in MODELS.into_iter().filter(|(model, _)| *model != "separate") {
        let desk = arrived(model, transport);
        torn_after_the_first(&desk, given(transport));
        let mut terminal = Terminal::open(&desk.command(["card", "activate", "--token", "sim:card.state"]));
        terminal.wait_for(&[&left(3)]);
        type_new(&mut terminal, ["592816", "730264", "91827364"]);
        if !transport.is_empty() && model != "single-use" {
            terminal.wait_for(&["transport PIN > "]);
            terminal.type_line(transport);
        }
        for (typed, tries) in [("640281", "2 tries left"), ("482915", "Only one try is left")] {
            terminal.wait_for(&["The authentication PIN was wrong."]);
            terminal.wait_for(&[tries]);
            if typed == "482915" {
                terminal.wait_for(&["to use the last try:"]);
                terminal.type_line("yes");
            }
            terminal.wait_for(&["authentication PIN > "]);
            terminal.type_line(typed);
        }
        terminal.wait_for(&["The card is active."]);
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{model}: {shown}");
        activate(&desk, given(transport)).ends_with(0).says(&["It was activated with these PINs"]);
    }
}

/// What was typed of the others stays.
#[test]
fn at_a_terminal_a_new_one_that_is_the_transport_pin_is_asked_for_again() {
    for model in ["separate", "in-place", "single-use"] {
        let desk = arrived(model, "135790");
        let fresh = std::fs::read(desk.file("card.state")).unwrap();
        let mut terminal = Terminal::open(&desk.command(["card", "activate", "--token", "sim:card.state"]));
        type_new(&mut terminal, ["482915", "135790", "91827364"]);
        let (question, prompt) = ("to use the last try:", "transport PIN > ");
        if terminal.wait_for(&[question, prompt]) == 0 {
            terminal.type_line("yes");
            terminal.wait_for(&[prompt]);
        }
        terminal.type_line("135790");
        terminal.wait_for(&["It must not be the same as the transport PIN. Once more:"]);
        terminal.wait_for(&["New signature PIN"]);
        assert!(std::fs::read(desk.file("card.state")).unwrap() == fresh, "{model}: the card was touched");
        // Nor is it one of the others.
        terminal.type_line("482915");
        terminal.wait_for(&["It must not be the same as the authentication PIN. Once more:"]);
        for prompt in ["New signature PIN", "The same again"] {
            terminal.wait_for(&[prompt]);
            terminal.type_line("730264");
        }
        if terminal.wait_for(&[question, prompt]) == 0 {
            terminal.type_line("yes");
            terminal.wait_for(&[prompt]);
        }
        terminal.type_line("135790");
        terminal.wait_for(&["The card is active."]);
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{model}: {shown}");
    }
    // From a file there is nobody to ask; and it is told by the new one's name.
    let desk = arrived("in-place", "135790");
    desk.write("new", "482915\n135790\n91827364\n");
    let said = activate(&desk, &["--transport-pin-file", "transport"]).ends_with(4);
    assert!(said.err.contains("The new signature PIN"), "{}", said.err);
}

#[test]
fn at_a_terminal_each_new_one_is_typed_twice_and_the_transport_pin_comes_last() {
    let desk = arrived("separate", "135790");
    let mut terminal = Terminal::open(&desk.command(["card", "activate", "--token", "sim:card.state"]));
    terminal.wait_for(&["New authentication PIN (4 to 8 characters)"]);
    terminal.type_line("4444");
    // Told before it is typed once more.
    terminal.wait_for(&["too easy to guess"]);
    terminal.wait_for(&["New authentication PIN"]);
    terminal.type_line("482915");
    terminal.wait_for(&["The same again"]);
    terminal.type_line("482951");
    terminal.wait_for(&["These were not the same. Once more:"]);
    type_new(&mut terminal, ["482915", "730264", "91827364"]);
    // What is typed before the prompt is there is seen.
    terminal.wait_for(&["3 tries left"]);
    terminal.wait_for(&["transport PIN > "]);
    terminal.type_line("064208");
    terminal.wait_for(&["The transport PIN was wrong."]);
    terminal.wait_for(&["2 tries left"]);
    terminal.wait_for(&["transport PIN > "]);
    terminal.type_line("135790");
    terminal.wait_for(&["The card is active."]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    for secret in ["4444", "482915", "482951", "730264", "91827364", "135790", "064208"] {
        assert!(!shown.contains(secret), "{secret} was shown");
    }
}

#[test]
fn a_pin_is_changed_and_unblocked_by_the_rules_of_an_activation() {
    let desk = made();
    let before = std::fs::read(desk.file("card.state")).unwrap();
    let given: [(&[&str], &str, &str); 3] = [
        (&["pin", "change", "authentication", "--pin-file", "old"], "1234", "authentication PIN"),
        (&["pin", "unblock", "signature", "--puk-file", "old"], "12345678", "signature PIN"),
        (&["pin", "change", "puk", "--puk-file", "old"], "12345678", "PUK"),
    ];
    for (command, old, name) in given {
        desk.write("old", old);
        let set = [command, &["--new-pin-file", "easy"]].concat();
        let all = [
            ("11111111", "too easy to guess"),
            ("12121212", "too easy to guess"),
            ("23456789", "too easy to guess"),
            ("abcdefgh", "digits only"),
            ("žšěč", "digits only"),
        ];
        for (new, problem) in all {
            desk.write("easy", new);
            let said = run(&desk, &set).ends_with(4);
            assert!(said.err.contains(&format!("The new {name} is not taken")), "{name}, {new}: {}", said.err);
            assert!(said.err.contains(problem), "{name}, {new}: {}", said.err);
            assert!(std::fs::read(desk.file("card.state")).unwrap() == before, "{name}, {new}: the card was touched");
        }
        let mut terminal = Terminal::open(&desk.command(command.iter().chain(&CARD)));
        terminal.wait_for(&[&format!("New {name}")]);
        terminal.type_line("44444444");
        // Told before it is typed once more.
        terminal.wait_for(&["too easy to guess"]);
        for prompt in [format!("New {name}"), "The same again".to_owned()] {
            terminal.wait_for(&[&prompt]);
            terminal.type_line("73028461");
        }
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{name}: {shown}");
        std::fs::write(desk.file("card.state"), &before).unwrap();
    }
}

/// Who learns a PIN does not know the PUK by it, nor the other PIN.
#[test]
fn a_new_one_that_is_another_password_of_the_card_is_not_taken() {
    let desk = arrived("empty", "");
    activate(&desk, &[]).ends_with(0);
    // Each twice, for it is read once as the one that is and once as the new one.
    for (name, value) in [("pin", "482915"), ("signature-pin", "730264"), ("puk", "91827364")] {
        desk.write(name, &format!("{value}\n{value}\n"));
    }
    let before = std::fs::read(desk.file("card.state")).unwrap();
    let given: [(&[&str], [&str; 2]); 4] = [
        (&["unblock", "signature", "--puk-file", "puk", "--new-pin-file", "puk"], ["signature PIN", "PUK"]),
        (
            &["change", "puk", "--puk-file", "puk", "--pin-file", "pin", "--new-pin-file", "pin"],
            ["PUK", "authentication PIN"],
        ),
        (
            &[
                "change",
                "puk",
                "--puk-file",
                "puk",
                "--signature-pin-file",
                "signature-pin",
                "--new-pin-file",
                "signature-pin",
            ],
            ["PUK", "signature PIN"],
        ),
        (
            &["change", "authentication", "--pin-file", "pin", "--puk-file", "puk", "--new-pin-file", "puk"],
            ["authentication PIN", "PUK"],
        ),
    ];
    for (command, [name, other]) in given {
        let said = run(&desk, &[&["pin"], command].concat()).ends_with(4);
        let told = [format!("The new {name} is not taken"), format!("must not be the same as the {other}.")];
        assert!(told.iter().all(|told| said.err.contains(told)), "{command:?}: {}", said.err);
        assert!(std::fs::read(desk.file("card.state")).unwrap() == before, "{command:?}: the card was touched");
    }
    // Chosen while another PUK was typed, which was wrong.
    let mut terminal = Terminal::open(&desk.command(["pin", "unblock", "signature"].iter().chain(&CARD)));
    terminal.wait_for(&["PUK > "]);
    terminal.type_line("64028173");
    for prompt in ["New signature PIN", "The same again"] {
        terminal.wait_for(&[prompt]);
        terminal.type_line("91827364");
    }
    terminal.wait_for(&["The PUK was wrong."]);
    terminal.wait_for(&["PUK > "]);
    terminal.type_line("91827364");
    terminal.wait_for(&["It must not be the same as the PUK. Once more:"]);
    for (value, prompt) in
        [("91827364", "New signature PIN"), ("551177", "New signature PIN"), ("551177", "The same again")]
    {
        terminal.wait_for(&[prompt]);
        terminal.type_line(value);
    }
    terminal.wait_for(&["has a new value"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    desk.write("changed", "551177\n640281\n");
    let change = ["pin", "change", "signature", "--signature-pin-file", "changed", "--new-pin-file", "changed"];
    run(&desk, &change).ends_with(0);
}

/// What cannot be it is not sent, and takes no try; what was handed over ends it by name.
#[test]
fn at_a_terminal_one_of_another_length_is_asked_for_again() {
    let activate = ["card", "activate", "--pin-file", "new", "--signature-pin-file", "new", "--puk-file", "new"];
    let change = |which| ["pin", "change", which, "--new-pin-file", "changed"].to_vec();
    for (desk, command, name, [short, long, right]) in [
        (made(), change("authentication"), "authentication PIN", ["123", "123456789", "1234"]),
        (made(), change("puk"), "PUK", ["12345", "123456789", "12345678"]),
        // Others have as many digits as these; this card's transport PIN has six.
        (arrived("single-use", "135790"), activate.to_vec(), "transport PIN", ["13579", "1357905", "135790"]),
        (arrived("in-place", "135790"), activate.to_vec(), "transport PIN", ["13579", "1357905", "135790"]),
        (arrived("separate", "135790"), activate.to_vec(), "transport PIN", ["13579", "1357905", "135790"]),
        (arrived("five-digits", "13579"), activate.to_vec(), "transport PIN", ["1357", "135790", "13579"]),
    ] {
        let before = std::fs::read(desk.file("card.state")).unwrap();
        let mut terminal = Terminal::open(&desk.command(command.iter().copied().chain(CARD)));
        let (question, prompt) = ("to use the last try:", format!("{name} > "));
        if terminal.wait_for(&[question, &prompt]) == 0 {
            terminal.type_line("yes");
            terminal.wait_for(&[&prompt]);
        }
        for other in [short, long, ""] {
            terminal.type_line(other);
            terminal.wait_for(&[&format!("The {name} has ")]);
            terminal.wait_for(&[&prompt]);
            let told = terminal.shown.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains("characters. Nothing was sent to the card, and no try was spent."), "{told}");
            assert!(std::fs::read(desk.file("card.state")).unwrap() == before, "{name}: the card was touched");
        }
        terminal.type_line(right);
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{name}: {shown}");
        assert!(!shown.contains("was wrong"), "{shown}");
        // Who was sure of the last try is not asked again.
        assert!(shown.matches(question).count() <= 1, "{name}: {shown}");
    }
}

/// Each role that a password can have: who typed a wrong one reads so before he is asked about the last try.
#[test]
fn at_a_terminal_a_wrong_one_is_called_wrong_before_the_last_try_is_asked_about() {
    let pin = |which: &'static str, name, right| (made(), vec!["pin", "change", which], name, right);
    let unactivated = |model| {
        let command = ["--pin-file", "new", "--signature-pin-file", "new", "--puk-file", "new"];
        (arrived(model, "135790"), [&["card", "activate"][..], &command].concat(), "transport PIN", "135790")
    };
    for (desk, command, name, right) in [
        pin("authentication", "authentication PIN", "1234"),
        pin("signature", "signature PIN", "5678"),
        pin("puk", "PUK", "12345678"),
        unactivated("separate"),
        unactivated("in-place"),
    ] {
        for says in ["no", "yes"] {
            let new: &[&str] = if command[0] == "pin" { &["--new-pin-file", "changed"] } else { &[] };
            let mut terminal = Terminal::open(&desk.command(command.iter().chain(new).chain(&CARD)));
            let question = "to use the last try:";
            let prompt = format!("{name} > ");
            let mut wrong = 0;
            while says == "no" && terminal.wait_for(&[prompt.as_str(), question]) == 0 {
                terminal.type_line(if name == "PUK" { "99999999" } else { "246802" });
                let told = terminal.wait_for(&[&format!("The {name} was wrong."), &prompt, question]);
                assert_eq!(told, 0, "it is asked on before the wrong one is called so: {}", terminal.shown);
                wrong += 1;
            }
            match says {
                "no" => {
                    assert!(wrong > 1, "{name}: {}", terminal.shown);
                    terminal.type_line("no");
                    let (code, shown) = terminal.end();
                    assert_eq!(code, 4, "{name}: {shown}");
                    let told = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                    let cost = format!("The {name} that was given was wrong, and cost a try: one is left.");
                    assert!(told.contains(&cost), "{told}");
                }
                yes => {
                    terminal.wait_for(&[question]);
                    terminal.type_line(yes);
                    terminal.wait_for(&[&prompt]);
                    terminal.type_line(right);
                    let (code, shown) = terminal.end();
                    assert_eq!(code, 0, "{name}: {shown}");
                    assert!(!shown.contains("was wrong"), "{name}: {shown}");
                }
            }
        }
    }
}

#[test]
fn a_dead_puk_is_said_and_nothing_is_offered_that_it_would_take() {
    let desk = Desk::in_memory();
    desk.run(["simulator", "new", "card.state", "--empty"]).ends_with(0);
    desk.write("wrong", "000000\n00000000\n5827\n");
    let unblock = ["pin", "unblock", "signature", "--puk-file", "puk", "--new-pin-file", "puk", "--spend-last-try"];
    desk.write("puk", "00000000\n5827\n");
    run(&desk, &["card", "show"]).ends_with(0).says(&["obnova pin unblock signature", "PUK: 5 tries left"]);
    for _ in 0..5 {
        run(&desk, &unblock).ends_with(4);
    }
    let shown = run(&desk, &["card", "show"]).ends_with(0);
    shown.says(&[
        "obnova pin change authentication",
        "The PUK is blocked: no PIN of this card can be unblocked any more.",
    ]);
    assert!(!shown.out.contains("pin unblock") && !shown.out.contains("pin change puk"), "{}", shown.out);
    // The PUK is not even read: nobody is there to be asked.
    assert!(run(&desk, &["pin", "unblock", "signature"]).ends_with(4).err.contains("The PUK is blocked"));
    assert!(run(&desk, &["pin", "change", "puk"]).ends_with(4).err.contains("The PUK is blocked"));

    desk.write("pins", "0000\n7391\n");
    let lost = "no PUK unblocks it any more";
    for left in [2, 1, 0] {
        let change = ["pin", "change", "authentication", "--pin-file", "pins", "--new-pin-file", "pins"];
        let said = run(&desk, &[&change[..], &["--spend-last-try"]].concat()).ends_with(4).err;
        assert!(said.contains(lost) == (left == 0) && !said.contains("Where the PUK sets"), "{said}");
    }
    for command in [&["pin", "change", "authentication"][..], &["pin", "unblock", "authentication"]] {
        assert!(run(&desk, command).ends_with(4).err.contains(lost));
    }
    let checked = run(&desk, &["doctor"]);
    assert!(checked.out.contains(lost) && !checked.out.contains("obnova pin unblock"), "{}", checked.out);
}

/// What is advised when the last try of a password is kept, done as it is written; and being sure of it.
#[test]
fn what_is_advised_instead_of_a_last_try_works() {
    let activate = [&ACTIVATE[..], &["--transport-pin-file", "given"]].concat();
    for (name, transport, wrong) in [
        ("separate", "135790", "246801"),
        ("in-place", "135790", "246801"),
        ("must-change", "135790", "246801"),
        ("single-use", "135790", "246801"),
        ("five-digits", "13579", "24680"),
    ] {
        let desk = arrived(name, transport);
        kept(&desk, &activate, ("given", wrong, transport), None);
    }
    let change = |which, option| ["pin", "change", which, option, "given", "--new-pin-file", "changed"];
    for (which, option, right) in
        [("authentication", "--pin-file", "1234"), ("signature", "--signature-pin-file", "5678")]
    {
        let unblock = format!("obnova pin unblock {which}");
        for blocked in [false, true] {
            let desk = made();
            if blocked {
                block_puk(&desk);
            }
            kept(&desk, &change(which, option), ("given", "999999", right), (!blocked).then_some(unblock.as_str()));
        }
    }
    kept(&made(), &change("puk", "--puk-file"), ("given", "99999999", "12345678"), None);
}

/// A card for play.
fn made() -> Desk {
    let desk = Desk::in_memory();
    desk.write("play", "1234\n5678\n12345678\n");
    let pins = ["--pin-file", "play", "--signature-pin-file", "play", "--puk-file", "play"];
    desk.run([&["simulator", "new", "card.state", "--empty"], &pins[..]].concat()).ends_with(0);
    desk.write("changed", "73028461");
    desk.write("puk", "12345678");
    desk
}

fn block_puk(desk: &Desk) {
    desk.write("wrong", "00000000");
    let unblock = ["pin", "unblock", "signature", "--puk-file", "wrong", "--new-pin-file", "changed"];
    while !run(desk, &[&unblock[..], &["--spend-last-try"]].concat()).err.contains("The PUK is blocked") {}
}

/// A command is given a wrong password until its last try is kept; then what it says is done.
fn kept(desk: &Desk, command: &[&str], (file, wrong, right): (&str, &str, &str), unblock: Option<&str>) {
    desk.write(file, wrong);
    let mut sent = false;
    let said = loop {
        let said = run(desk, command).ends_with(4);
        if said.err.contains("was kept") {
            break said;
        }
        assert!(said.out.contains(" was wrong."), "{command:?}: {}", said.out);
        sent = true;
    };
    // Whoever has more than one try from the beginning gave a wrong one now, too.
    assert_eq!(said.out.contains(" was wrong."), sent, "{command:?}: {}", said.out);
    // As it stands there, folded or not.
    let told = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(told.contains("obnova pin unblock"), unblock.is_some(), "{command:?}: {told}");
    assert!(told.contains("--spend-last-try"), "{told}");
    let cost = "that was given was wrong, and cost a try: one is left.";
    assert_eq!(told.contains(cost), sent, "{command:?}: {told}");
    let state = std::fs::read(desk.file("card.state")).unwrap();
    if let Some(unblock) = unblock {
        assert!(told.contains(unblock), "{told}");
        let words: Vec<_> =
            unblock.split(' ').skip(1).chain(["--puk-file", "puk", "--new-pin-file", "changed"]).collect();
        run(desk, &words).ends_with(0);
        std::fs::write(desk.file("card.state"), state).unwrap();
    }
    desk.write(file, right);
    let said = run(desk, command).ends_with(4);
    assert!(said.err.contains("was kept"), "without a yes the right one is not sent either");
    assert!(!said.err.contains("was wrong") && !said.out.contains("was wrong"), "{} {}", said.out, said.err);
    run(desk, &[command, &["--spend-last-try"]].concat()).ends_with(0);
}

/// Presses the button on the page behind the link of this kind that was mailed last, and tells what the page says then.
fn press(desk: &Desk, house: &House<'_>, kind: &str) -> String {
    let mail = mail_with(desk, house, &format!("/{kind}/"));
    let path = mail[mail.find(&format!("/{kind}/")).unwrap()..].split_whitespace().next().unwrap().to_owned();
    let root = Certificate::load_pem_chain(&std::fs::read(desk.file("ca/root.pem")).unwrap()).unwrap();
    let anchors: Vec<_> = root.iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect();
    let https = Https::new(&house.url, tls_config(&anchors).unwrap()).unwrap();
    let headers = Headers::from_iter([("Content-Type", "application/x-www-form-urlencoded")]);
    let answer = https.exchange(&HttpRequest { method: Method::Post, path, headers, body: Vec::new() }).unwrap();
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.body).unwrap()
}

/// From the form to a card that is ready: somebody applies and pays, a card is made in that name, handed over, and activated with the
/// transport PIN that the page showed.
#[test]
fn the_card_of_an_applicant_is_made_handed_over_and_activated() {
    let desk = Desk::new();
    let house = House::open(&desk);
    // A name is longer than what a card has room for, and may have what no terminal shows.
    let name = "Eva Maria Dvo\u{159}\u{e1}kov\u{e1}-Nov\u{e1}kov\u{e1}\u{200e} z Podlu\u{17e}\u{ed}";
    let operator = |step: &[&str]| house.operator(&[&["applicant", "ca"], step].concat());
    let register = ["register", "--name", name, "--email", "eva@example.cz", "--country", "CZ", "--number", "IDCCZ-7"];
    let said = operator(&register).ends_with(0).out;
    let id = said.lines().next().unwrap();
    let step = |step: &str, more: &[&str]| operator(&[&[step, id, "--operator", "jan"], more].concat()).ends_with(0);
    desk.write("transport", "135790\n");
    let make = |id: &str, more: &[&str]| {
        let new = ["simulator", "new", "card.state", "--applicant", id, "--transport-pin-file", "transport"];
        desk.run([&new[..], more].concat())
    };
    let of_the_ca = ["--house", "ca"];

    // Whose turn it is not gets no card, and no certificate is issued.
    make(id, &[]).ends_with(2);
    make(id, &["--house", "ca", "--empty"]).ends_with(2);
    make(id, &["--house", "nowhere"]).ends_with(2);
    for (wrong, problem) in [("4f3e", "no such applicant"), (&"0".repeat(32), "no such applicant"), (id, "too early")] {
        let said = make(wrong, &of_the_ca).ends_with(6);
        assert!(said.err.contains(problem), "{}", said.err);
    }
    press(&desk, &house, "confirm");
    let shown: serde_json::Value = serde_json::from_str(&operator(&["show", id]).ends_with(0).out).unwrap();
    step("identity", &["--fingerprint", shown["fingerprint"].as_str().unwrap()]);
    step("contract", &["--reference", "C-1"]);
    assert!(make(id, &of_the_ca).ends_with(6).err.contains("too early"));
    assert!(!desk.file("card.state").exists());
    let pairs = || house.operator(&["audit", "show", "ca"]).ends_with(0).out.matches("first-pair").count();
    assert_eq!(pairs(), 0);
    step("payment", &["--reference", "P-1"]);

    let made = make(id, &of_the_ca).ends_with(0);
    made.says(&["issued by Obnova Reference Issuing CA", "It is inactive."]);
    assert_eq!(pairs(), 1);
    let line = made.out.lines().find(|line| line.contains("--certificate")).unwrap();
    let serials: Vec<_> = line.split_whitespace().skip_while(|word| *word != "--certificate").collect();
    // Each card has a serial number of its own: the applicant's next one too.
    let card = |line: &str| line.split_whitespace().skip_while(|word| *word != "--card").nth(1).unwrap().to_owned();
    std::fs::rename(desk.file("card.state"), desk.file("first.state")).unwrap();
    let other = make(id, &of_the_ca).ends_with(0).out;
    let other = card(other.lines().find(|line| line.contains("--certificate")).unwrap());
    std::fs::rename(desk.file("first.state"), desk.file("card.state")).unwrap();
    let serial = card(line);
    assert!(serial != other && serial.starts_with("OBN"), "{serial} {other}");
    run(&desk, &["card", "show"]).ends_with(0).says(&[&serial]);
    let card = ["--card", &serial, "--transport-pin-file", "transport"];
    step("personalise", &[&card[..], &serials].concat()).says(&["personalised"]);
    step("hand-over", &[]).says(&["handed-over"]);
    let page = press(&desk, &house, "transport-pin");
    let pin = page.split_once("<pre id=\"pin\">").unwrap().1.split_once("</pre>").unwrap().0;
    desk.write("shown", pin);
    desk.write("new", NEW);

    run(&desk, &["card", "show"]).ends_with(0).says(&["Eva Maria", "Activate the card: obnova card activate"]);
    activate(&desk, &["--transport-pin-file", "shown"]).ends_with(0).says(&["The card is active."]);
    let checked = run(&desk, &[&["doctor"], &house.options()[..]].concat()).ends_with(0);
    // As long as policy lets them live.
    checked.says(&["Eva Maria", "nothing can be renewed yet"]);
}
