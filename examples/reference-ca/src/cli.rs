mod audit;
mod backup;
mod password;
mod revocation_password;

use std::{convert::Infallible, net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Transaction, store::OrderState};
use obnova_reference_ca::Serial;
use obnova_status::RevocationReason;

use crate::commands::{ApplicantCommand, MailCommand};

pub use audit::{Audit, Moment};
pub use backup::{Backup, Restore};
pub use password::{Password, user};
pub use revocation_password::RevocationPassword;

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 there is no such order, certificate, mail, user or applicant, 4 the order is \
decided already, it is not the turn of the step, the data were corrected meanwhile, the transport PIN is gone, the link in the mail is over, the certificate is \
revoked or on hold already or not on hold, there is no password to revoke or no place for one, or a user id stands for somebody \
else, 5 somebody changed the audit log or the certificates that it speaks of.

A first day:
  obnova-ca init /srv/ca --name \"Example\" --host ca.example
  obnova-ca serve /srv/ca --listen 0.0.0.0:8443   (with base in /srv/ca/mail.toml: what links in mails begin with)
  obnova-ca list /srv/ca --state pending
  obnova-ca approve /srv/ca 4f3e...   (while the server runs)
";

/// The Obnova reference CA: first certificates, renewals and their end, as its policy says; an operator approves.
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
        /// Tell who is revoked there: /ocsp and /crl over plain HTTP, for both are signed; 127.0.0.1:8080 when no address follows
        #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8080")]
        status: Option<SocketAddr>,
    },
    /// List orders, the newest first
    List {
        /// The CA's directory
        directory: PathBuf,
        /// Only those in this state
        #[arg(long)]
        state: Option<State>,
        /// Only what was ordered with the key of this certificate, or with a key that came so: after it was revoked as compromised, what
        /// others may have ordered. With the certificates
        #[arg(long, value_name = "SERIAL")]
        key_of: Option<Serial>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        /// As JSON: a list of objects, with the certificates
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
    /// Revoke a certificate for good
    ///
    /// OCSP says so from the next answer on; the next CRL too. It neither renews nor logs in from then on. Its holder gets a mail, and an order that
    /// waits to replace it is turned down, with another mail. One that was issued after the backup that the CA was restored from is named by its
    /// file: the CA does not have it any more, and takes it in with this. With key-compromise all certificates on its key end; that is also
    /// taken of one that was revoked for another reason, and then keeps its date. What was ordered with the key and has another one does not
    /// end: `list --key-of` names it.
    Revoke {
        /// The CA's directory
        directory: PathBuf,
        /// Its serial number in hexadecimal digits, as `list --json` and `openssl x509 -serial` show it (`0x` and colons may be in it), or its file
        #[arg(value_name = "SERIAL|FILE", value_parser = ending)]
        certificate: Ending,
        /// Why
        #[arg(long, default_value = "unspecified")]
        reason: Reason,
    },
    /// Put a certificate on hold: not valid until it is released
    ///
    /// Nobody gets a mail, and an order that waits to replace it waits on; it cannot be approved meanwhile.
    Hold {
        /// The CA's directory
        directory: PathBuf,
        /// Its serial number in hexadecimal digits
        serial: Serial,
    },
    /// Take a certificate off hold
    Release {
        /// The CA's directory
        directory: PathBuf,
        /// Its serial number in hexadecimal digits
        serial: Serial,
    },
    /// Make a CRL now; the server gives out none that is older from then on
    Crl {
        /// The CA's directory
        directory: PathBuf,
        /// Where to write it, as DER
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// People who apply for a card, from the form to the hand-over
    ///
    /// Each step in its turn: the address confirmed by the applicant, then identity, contract, payment, personalise, hand-over; or enter, for a one-time
    /// password in place of a card.
    Applicant {
        /// The CA's directory
        directory: PathBuf,
        #[command(subcommand)]
        command: ApplicantCommand,
    },
    /// Write to the holders whose certificates end soon, as policy says
    ///
    /// Orders that wait for what cannot be, since the certificates that they would replace are over, and first orders on which nobody decided in
    /// time, as policy says, are turned down before. For cron,
    /// once a day; a server that runs does it by itself. Nobody is told twice.
    Notices {
        /// The CA's directory
        directory: PathBuf,
    },
    /// Mails of the CA: send them, list them
    Mail {
        /// The CA's directory
        directory: PathBuf,
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Look through the whole database for damage; the server may run meanwhile
    ///
    /// Whether somebody changed what it says of certificates: `audit verify`.
    Check {
        /// The CA's directory
        directory: PathBuf,
    },
    /// Write everything that makes the CA to one new file, while the server runs
    Backup(Backup),
    /// Bring a CA back from a backup
    ///
    /// What came after the backup is lost; numbers of CRLs that may have been given since are passed over.
    Restore(Restore),
    /// Forget personal data that was kept as long as policy.toml says; a server that runs does it once a day
    Retention {
        /// The CA's directory
        directory: PathBuf,
        /// Only tell how much is due
        #[arg(long)]
        dry_run: bool,
    },
    /// What happened: show the audit log, or see whether anybody changed it
    #[command(subcommand)]
    Audit(Audit),
    /// One-time passwords, which bring first certificates
    #[command(subcommand)]
    Password(Password),
    /// Replace the revocation password of certificates whose holder forgot it or never set one, and print the new one, this once
    ///
    /// Hand it over on paper to who showed who he is; a mail tells the holder. The one before is dead, for all certificates that were
    /// issued with this one, and for those that renew them and set none of their own. It is typed like a one-time password, in any case,
    /// with or without hyphens.
    RevocationPassword(RevocationPassword),
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

/// A certificate that is to end, as it is named on the command line.
#[derive(Clone, Debug)]
pub enum Ending {
    Serial(Vec<u8>),
    File(PathBuf),
}

/// What is no serial number is a file.
fn ending(text: &str) -> Result<Ending, Infallible> {
    Ok(text.parse().map_or_else(|_| Ending::File(text.into()), |Serial(serial)| Ending::Serial(serial)))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::Unspecified,
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
            Reason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
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

    #[test]
    fn every_command_and_option_says_what_it_is() {
        let mut waiting = vec![super::Cli::command()];
        while let Some(command) = waiting.pop() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            let mut silent = command.get_arguments().filter(|argument| argument.get_help().is_none());
            assert_eq!(silent.next().map(clap::Arg::get_id), None, "{name}");
            waiting.extend(command.get_subcommands().cloned());
        }
    }
}
