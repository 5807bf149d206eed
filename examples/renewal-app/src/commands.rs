//! One file a command.

mod card;
mod completions;
mod demo;
mod doctor;
mod export;
mod install;
mod pin;
mod renew;
mod scenario;
mod simulator;
mod status;

use crate::{
    cli::{CardCommand, Cli, Command},
    failure::Failure,
};

/// Does what was typed.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Demo { keep } => demo::run(keep.as_deref()),
        Command::Scenario { scenario, json, pins } => scenario::run(global, scenario, json, &pins),
        Command::Doctor => doctor::run(global),
        Command::Card(CardCommand::List) => card::list(global),
        Command::Card(CardCommand::Show) => card::show(global),
        Command::Card(CardCommand::Clean { confirm, pins }) => card::clean(global, &confirm, &pins),
        Command::Pin(command) => pin::run(global, command),
        Command::Renew(options) => renew::run(global, &options),
        Command::Status => status::run(global),
        Command::Install { certificates, pins } => install::run(global, &certificates, &pins),
        Command::Export { to, slots } => export::run(global, &to, &slots),
        Command::Simulator(command) => simulator::run(command),
        Command::Completions { shell } => completions::run(shell),
    }
}
