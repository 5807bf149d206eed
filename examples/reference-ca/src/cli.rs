use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Transaction, store::OrderState};

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 there is no such order, 4 the order is decided already.

A first day:
  obnova-ca init /srv/ca --name \"Example\" --host ca.example
  obnova-ca serve /srv/ca --listen 0.0.0.0:8443
  obnova-ca list /srv/ca --state pending
  obnova-ca approve /srv/ca 4f3e...   (while the server runs)
";

/// The Obnova reference CA: twin certificates renewed in one order, approved by an operator.
#[derive(Debug, Parser)]
#[command(name = "obnova-ca", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new CA in a directory: keys, certificates, policy, database
    ///
    /// The directory must be empty or not exist. Afterwards edit policy.toml to your needs, and move root.key somewhere safe: the
    /// CA runs without it.
    Init(Init),
    /// Serve a CA over HTTPS until interrupted
    ///
    /// Prints its address when it is ready, and one line for each request to standard error.
    Serve {
        /// The CA's directory
        directory: PathBuf,
        /// Where to listen; loopback unless you say otherwise, port 0 for any that is free
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
        listen: SocketAddr,
    },
    /// List orders, the newest first
    List {
        /// The CA's directory
        directory: PathBuf,
        /// Only those in this state
        #[arg(long)]
        state: Option<State>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// Issue the certificates of pending orders
    Approve {
        /// The CA's directory
        directory: PathBuf,
        /// The orders, as `list` names them
        #[arg(required = true)]
        transaction: Vec<Transaction>,
    },
    /// Turn a pending order down
    Reject {
        /// The CA's directory
        directory: PathBuf,
        /// The order, as `list` names it
        transaction: Transaction,
        /// Why; the holder reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Print the pick-up link of an order, to be mailed to its holder and to nobody else
    Link {
        /// The CA's directory
        directory: PathBuf,
        /// The order, as `list` names it
        transaction: Transaction,
        /// Where holders reach the server; unless you say so, where the one that runs listens
        #[arg(long, value_name = "URL")]
        base: Option<String>,
    },
    /// List the holders whose certificates end soon and who have not renewed: whom to write to
    Due {
        /// The CA's directory
        directory: PathBuf,
        /// From so many days from now on
        #[arg(long, default_value_t = 0, value_name = "DAYS")]
        from: u32,
        /// Until so many days from now: for a daily notice three weeks ahead --from 20 --until 21
        #[arg(long, default_value_t = 21, value_name = "DAYS")]
        until: u32,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// Look through the whole database for damage; the server may run meanwhile
    Check {
        /// The CA's directory
        directory: PathBuf,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
pub struct Init {
    /// The new CA's directory
    pub directory: PathBuf,
    /// Its name, as certificates show it
    #[arg(long, default_value = "Obnova Reference")]
    pub name: String,
    /// Kind of its keys
    #[arg(long, default_value = "p-256")]
    pub key: Key,
    /// A policy file to start with, instead of the template
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Host names and addresses of the server, beside localhost
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Key {
    #[value(name = "p-256")]
    P256,
    #[value(name = "p-384")]
    P384,
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
}

impl From<Key> for KeyAlgorithm {
    fn from(key: Key) -> Self {
        match key {
            Key::P256 => Self::P256,
            Key::P384 => Self::P384,
            Key::Rsa2048 => Self::Rsa2048,
            Key::Rsa3072 => Self::Rsa3072,
            Key::Rsa4096 => Self::Rsa4096,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum State {
    Pending,
    Issued,
    Confirmed,
    Rejected,
}

impl From<State> for OrderState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Issued => Self::Issued,
            State::Confirmed => Self::Confirmed,
            State::Rejected => Self::Rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
