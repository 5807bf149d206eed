//! One file a command.

mod activate;
mod card;
mod completions;
mod demo;
mod doctor;
mod export;
mod first;
mod foreseen;
mod install;
mod pin;
mod receipt;
mod register;
mod renew;
mod revocation_password;
mod revoke;
mod scenario;
mod simulator;
mod status;

pub use renew::Way;

use crate::{
    cli::{CardCommand, Cli, Command, Global},
    failure::{Failure, Kind},
    texts::t,
};

/// Does what was typed.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    if let Some(option) = unused(global, &cli.command) {
        return Err(Failure::new(Kind::Usage, t!("error-unused-option", option = option)));
    }
    match cli.command {
        Command::Demo { keep } => demo::run(keep.as_deref()),
        Command::Scenario { scenario, policy, json, pins } => {
            scenario::run(global, scenario, policy.as_deref(), json, &pins)
        }
        Command::Doctor(service) => doctor::run(global, &service),
        Command::Card(CardCommand::List) => card::list(global),
        Command::Card(CardCommand::Show) => card::show(global),
        Command::Card(CardCommand::Activate(options)) => activate::run(global, &options),
        Command::Card(CardCommand::Clean { confirm, pins }) => card::clean(global, &confirm, &pins),
        Command::Card(CardCommand::Repair { yes, pins }) => card::repair(global, yes, &pins),
        Command::Pin(command) => pin::run(global, command),
        Command::Renew(options) => renew::run(global, &options),
        Command::First(options) => first::run(global, &options),
        Command::Status => status::run(global),
        Command::Install { certificates, yes, service, pins } => {
            install::run(global, &certificates, yes, &service, &pins)
        }
        Command::Export { to, slots } => export::run(global, &to, &slots),
        Command::Register(options) => register::run(global, &options),
        Command::Revoke(options) => revoke::run(global, &options),
        Command::RevocationPassword(options) => revocation_password::run(global, &options),
        Command::Simulator(command) => simulator::run(command),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// A global option that was given and that the command has no use for: passed over in silence it would promise something.
fn unused(global: &Global, command: &Command) -> Option<&'static str> {
    let used: &[&str] = match command {
        Command::Demo { .. } | Command::Simulator(_) | Command::Completions { .. } => &[],
        Command::Scenario { .. } | Command::Card(_) | Command::Pin(_) | Command::Export { .. } => {
            &["--token", "--trace"]
        }
        Command::Register(_) => &["--token", "--ca", "--trust"],
        Command::Revoke(options) if options.without_card => &["--ca", "--trust"],
        Command::Status => &["--journal"],
        Command::Doctor(_)
        | Command::Renew(_)
        | Command::First(_)
        | Command::Install { .. }
        | Command::Revoke(_)
        | Command::RevocationPassword(_) => return None,
    };
    let given = [
        ("--token", global.token.is_some()),
        ("--ca", global.ca.is_some()),
        ("--trust", global.trust.is_some()),
        ("--journal", global.journal.is_some()),
        ("--trace", global.trace.is_some()),
        ("--no-pad", global.no_pad),
    ];
    // Who opens a token opens its reader.
    let is_used = |name: &str| used.contains(&if name == "--no-pad" { "--token" } else { name });
    given.into_iter().find(|(name, given)| *given && !is_used(name)).map(|(name, _)| name)
}
