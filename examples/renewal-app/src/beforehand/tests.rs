use clap::Command;

use super::Beforehand;
use crate::{cli, pins::Asked};

const PINS: [Asked; 2] = [Asked::AuthenticationPin, Asked::SignaturePin];
const OF_FIRST: [Asked; 2] = [Asked::OneTimePassword, Asked::RevocationPassword];

/// What each command may ask for. `install` and `renew` may meet a first order, which asks for more: they name the command that
/// takes it.
fn questions() -> Vec<(&'static str, Vec<Beforehand>)> {
    let passwords = |asked: &[Asked]| asked.iter().copied().map(Beforehand::Password).collect::<Vec<_>>();
    let with = |one: Beforehand, asked: &[Asked]| [vec![one], passwords(asked)].concat();
    let every = [Asked::TransportPin, Asked::AuthenticationPin, Asked::SignaturePin, Asked::Puk];
    let change = [Asked::AuthenticationPin, Asked::SignaturePin, Asked::Puk, Asked::NewPassword];
    vec![
        ("renew", with(Beforehand::Yes, &PINS)),
        ("first", [with(Beforehand::Yes, &PINS), vec![Beforehand::User], passwords(&OF_FIRST)].concat()),
        ("install", with(Beforehand::Yes, &PINS)),
        ("card activate", passwords(&every)),
        ("card clean", with(Beforehand::Name, &PINS)),
        ("card repair", with(Beforehand::Yes, &PINS)),
        ("pin change", passwords(&change)),
        ("pin unblock", passwords(&[Asked::Puk, Asked::NewPassword])),
        ("register", vec![Beforehand::Yes]),
        ("revoke", [with(Beforehand::Yes, &PINS), passwords(&OF_FIRST[1..])].concat()),
    ]
}

fn find(command: &str) -> Command {
    command.split(' ').fold(cli::command(), |within, name| within.find_subcommand(name).unwrap().clone())
}

#[test]
fn what_is_named_where_nobody_is_there_is_an_option_of_that_command() {
    for (command, questions) in questions() {
        let known = find(command);
        let known: Vec<_> =
            known.get_arguments().filter_map(|one| one.get_long()).map(|name| format!("--{name}")).collect();
        for question in questions {
            assert!(!question.options().is_empty(), "{question:?}");
            let text = question.nobody("What?").message().to_owned();
            for option in question.options() {
                assert!(known.contains(&(*option).to_owned()), "obnova {command} has no {option}: {known:?}");
                assert!(text.contains(option) && text.contains("What?"), "{text}");
            }
        }
    }
}

#[test]
fn who_cannot_say_it_beforehand_is_sent_to_where_he_can() {
    let text = Beforehand::Nothing.nobody("Really?").message().to_owned();
    assert!(text.contains("Really?") && !text.contains("--") && text.contains("terminal"), "{text}");
    for question in [Beforehand::User, Beforehand::Password(Asked::OneTimePassword)] {
        let text = question.nobody_but_in_first("User id").message().to_owned();
        assert!(text.contains("obnova first --resume") && text.contains(question.options()[0]), "{text}");
    }
}
