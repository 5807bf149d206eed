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

#[test]
fn no_option_takes_a_password_itself() {
    for option in ["--pin", "--puk", "--new-pin", "--signature-pin"] {
        // clap accepts unambiguous beginnings only when told to; here nothing may be taken.
        assert!(read(&format!("obnova renew {option} 1234")).is_err(), "{option}");
    }
}
