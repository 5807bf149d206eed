use super::{Command, command, parse};

fn read(line: &str) -> Result<super::Cli, clap::Error> {
    parse(line.split_whitespace().map(Into::into))
}

#[test]
fn the_definition_holds_together() {
    command().debug_assert();
}

#[test]
fn global_options_may_stand_before_or_after_the_command() {
    for line in ["obnova --token sim:a card list", "obnova card list --token sim:a"] {
        assert_eq!(read(line).ok().and_then(|cli| cli.global.token).as_deref(), Some("sim:a"), "{line}");
    }
}

#[test]
fn a_password_cannot_come_from_two_places() {
    assert!(read("obnova renew --pin-fd 3 --pin-file p").is_err());
    assert!(matches!(read("obnova renew --pin-fd 3").map(|cli| cli.command), Ok(Command::Renew(_))));
}

/// A command that sets no password has no option for one, nor for the PUK, which it never asks for.
#[test]
fn a_command_lists_only_passwords_that_it_asks_for() {
    let mut program = command();
    program.build();
    let options = |path: &[&str]| {
        let found = path.iter().fold(&program, |found, name| found.find_subcommand(name).unwrap());
        let names = found.get_arguments().filter_map(|one| one.get_long()).map(str::to_owned);
        names.filter(|name| name.ends_with("-file") && name != "policy-file").collect::<Vec<_>>()
    };
    let pins = ["pin-file", "signature-pin-file"];
    for path in [&["renew"][..], &["install"], &["card", "clean"], &["card", "repair"], &["scenario"]] {
        assert_eq!(options(path), pins, "{path:?}");
    }
    let credentials = ["one-time-password-file", "revocation-password-file"];
    assert_eq!(options(&["first"]), [&credentials[..], &pins].concat());
    assert_eq!(options(&["revoke"]), [&pins[..], &["revocation-password-file"]].concat());
    let passwords = ["revocation-password-file", "old-revocation-password-file"];
    assert_eq!(options(&["revocation-password"]), [&passwords[..], &pins].concat());
    let card = [&["transport-pin-file"][..], &pins, &["puk-file"]].concat();
    assert_eq!(options(&["card", "activate"]), card);
    assert_eq!(options(&["simulator", "new"]), card);
    let new = ["puk-file", "new-pin-file"];
    assert_eq!(options(&["pin", "change"]), [&pins[..], &new].concat());
    assert_eq!(options(&["pin", "unblock"]), new, "the PUK allows it, and no PIN");
    assert!(read("obnova pin unblock signature --puk-fd 3 --new-pin-fd 3 --spend-last-try").is_ok());
}

#[test]
fn no_option_takes_a_password_itself() {
    for option in ["--pin", "--puk", "--new-pin", "--signature-pin"] {
        // clap accepts unambiguous beginnings only when told to; here nothing may be taken.
        assert!(read(&format!("obnova renew {option} 1234")).is_err(), "{option}");
    }
}
