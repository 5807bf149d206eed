use std::path::PathBuf;

use clap::Subcommand;
use obnova_ca::Subject;
use obnova_enroll::cmc::UserId;

/// One-time passwords, which bring first certificates.
#[derive(Debug, Subcommand)]
pub enum Password {
    /// Issue a one-time password and print it, this once; any other one of the same user is dead from here on
    ///
    /// What is printed goes to the user on paper, and does not say whose it is: the user id goes by mail. What will stand in the certificates is what the CA knows of the user: say it the first
    /// time, or when it has changed: taken once no password, waiting order or live certificate of the user says otherwise. What
    /// `applicant enter` took down was checked, and stays: leave them out.
    Issue {
        /// The CA's directory
        directory: PathBuf,
        /// Whose: the user id, no secret
        #[arg(long, value_name = "ID", value_parser = user)]
        user: UserId,
        /// For which module of the service: the label in EST's paths
        #[arg(long, default_value = Subject::MODULE)]
        module: String,
        /// The distinguished name, as CN=Jana Nováková,C=CZ (RFC 4514)
        #[arg(long, value_name = "NAME", requires = "email")]
        name: Option<String>,
        /// The e-mail address, which stands in the certificates
        #[arg(long, requires = "name")]
        email: Option<String>,
    },
    /// List the newest one-time passwords: whose they are and what became of them
    ///
    /// The holder is the one that it was issued for. Of a password that has ended, or that was used long ago, that is forgotten: there stands the
    /// user id alone.
    List {
        /// The CA's directory
        directory: PathBuf,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// End a one-time password
    Revoke {
        /// The CA's directory
        directory: PathBuf,
        /// Whose
        #[arg(long, value_name = "ID", value_parser = user)]
        user: UserId,
        /// Of which module
        #[arg(long, default_value = Subject::MODULE)]
        module: String,
    },
}

pub fn user(text: &str) -> Result<UserId, String> {
    let user = UserId::new(text).map_err(|error| error.to_string())?;
    if text.contains(':') { Err("a user id has no colon in it (RFC 7617)".into()) } else { Ok(user) }
}
