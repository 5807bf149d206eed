//! What can be typed. The words of the help are in `i18n/`, like everything else that is read.

mod options;

#[cfg(test)]
use std::collections::BTreeSet;
use std::{ffi::OsString, path::PathBuf};

use clap::{Command as Clap, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use options::{
    ActivateOptions, CredentialOptions, Ending, FirstOptions, Global, Model, NewCard, NewPasswordOptions, PinOptions,
    PukOptions, RegisterOptions, RenewOptions, RevocationPasswordOptions, RevokeOptions, ServiceOptions,
    TransportOptions, Why,
};

use crate::texts;

#[derive(Parser)]
#[command(name = "obnova", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Demo {
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    Scenario {
        #[arg(required_unless_present = "policy", conflicts_with = "policy")]
        scenario: Option<Scenario>,
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        pins: PinOptions,
    },
    Doctor(ServiceOptions),
    #[command(subcommand)]
    Card(CardCommand),
    #[command(subcommand)]
    Pin(PinCommand),
    Renew(RenewOptions),
    First(Box<FirstOptions>),
    Status,
    Install {
        #[arg(required = true, value_name = "FILE|LINK|-")]
        certificates: Vec<PathBuf>,
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        service: ServiceOptions,
        #[command(flatten)]
        pins: PinOptions,
    },
    Export {
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
        #[arg(long = "slot", value_name = "N")]
        slots: Vec<u32>,
    },
    Register(RegisterOptions),
    Revoke(RevokeOptions),
    RevocationPassword(Box<RevocationPasswordOptions>),
    #[command(subcommand)]
    Simulator(SimulatorCommand),
    Completions {
        shell: Shell,
    },
}

/// The services that are built in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    #[default]
    Twins,
    Activation,
    Partner,
}

#[derive(Subcommand)]
pub enum CardCommand {
    List,
    Show,
    Activate(ActivateOptions),
    Clean {
        #[arg(long, value_name = "NAME")]
        confirm: Vec<String>,
        #[command(flatten)]
        pins: PinOptions,
    },
    Repair {
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        pins: PinOptions,
    },
}

#[derive(Subcommand)]
pub enum PinCommand {
    Change {
        changed: Password,
        #[command(flatten)]
        pins: PinOptions,
        #[command(flatten)]
        passwords: NewPasswordOptions,
    },
    Unblock {
        unblocked: Unblockable,
        #[command(flatten)]
        passwords: NewPasswordOptions,
        #[arg(long)]
        spend_last_try: bool,
    },
}

/// A password, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Password {
    Authentication,
    Signature,
    Puk,
}

/// A password that the PUK can set anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unblockable {
    Authentication,
    Signature,
}

impl From<Unblockable> for Password {
    fn from(which: Unblockable) -> Self {
        match which {
            Unblockable::Authentication => Self::Authentication,
            Unblockable::Signature => Self::Signature,
        }
    }
}

/// When the power is lost, seen from the command that is torn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tear {
    Before,
    #[default]
    Inside,
    After,
}

#[derive(Subcommand)]
pub enum SimulatorCommand {
    New(Box<NewCard>),
    Serve {
        #[arg(value_name = "FILE")]
        served: PathBuf,
        #[arg(long, default_value_t = 35963)]
        port: u16,
    },
    Tear {
        #[arg(value_name = "FILE")]
        torn: PathBuf,
        #[arg(long, value_name = "N")]
        at: u64,
        #[arg(long, value_enum, default_value_t)]
        how: Tear,
    },
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// The commands with their help in the holder's language.
pub fn command() -> Clap {
    with_help(Cli::command(), "")
}

/// Ids of every help text there is room for: `help-PATH` says what a command does, `help-PATH-more` tells more,
/// `help-PATH-after` has examples, `help-arg-ID` is about an option.
#[cfg(test)]
pub fn help_ids(command: &Clap, into: &mut BTreeSet<String>) {
    collect_ids(command, "", into);
}

#[cfg(test)]
fn collect_ids(command: &Clap, parent: &str, into: &mut BTreeSet<String>) {
    let id = id_of(command, parent);
    into.extend([id.clone(), format!("{id}-more"), format!("{id}-after")]);
    into.extend(own_arguments(command).map(|argument| format!("help-arg-{argument}")));
    for child in command.get_subcommands() {
        collect_ids(child, &id, into);
    }
}

fn with_help(mut command: Clap, parent: &str) -> Clap {
    let id = id_of(&command, parent);
    if let Some(text) = texts::find(&id) {
        command = command.about(text);
    }
    // Not as clap's long help: that would also spread every option over three lines.
    let after: Vec<_> = ["more", "after"].iter().filter_map(|part| texts::find(&format!("{id}-{part}"))).collect();
    if !after.is_empty() {
        command = command.after_help(after.join("\n\n"));
    }
    for argument in own_arguments(&command).collect::<Vec<_>>() {
        if let Some(text) = texts::find(&format!("help-arg-{argument}")) {
            command = command.mut_arg(argument, |known| known.help(text));
        }
    }
    let children: Vec<_> = command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for child in children {
        command = command.mut_subcommand(child, |child| with_help(child, &id));
    }
    command
}

fn id_of(command: &Clap, parent: &str) -> String {
    match parent {
        "" => "help-obnova".to_owned(),
        "help-obnova" => format!("help-{}", command.get_name()),
        parent => format!("{parent}-{}", command.get_name()),
    }
}

/// The arguments a command has of its own; `--help` and `--version` are clap's.
fn own_arguments(command: &Clap) -> impl Iterator<Item = String> {
    command.get_arguments().map(|argument| argument.get_id().to_string()).filter(|id| id != "help" && id != "version")
}

#[cfg(test)]
mod tests;
