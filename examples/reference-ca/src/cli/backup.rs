use std::path::PathBuf;

/// Where a backup goes.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The CA's directory
    pub directory: PathBuf,
    /// The new file
    pub file: PathBuf,
    #[command(flatten)]
    pub seal: Seal,
}

/// How it is kept from others.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Seal {
    /// Seal it under the first line of this file, which only you can read; keep that elsewhere
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Leave it as it is: whoever reads the backup has the CA's keys
    #[arg(long)]
    pub unsealed: bool,
}

/// Where a backup comes back to.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The backup
    pub file: PathBuf,
    /// The CA's new directory, which must not exist or be empty
    pub directory: PathBuf,
    /// What it was sealed under
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Take its audit log and its certificates as they are, even if somebody changed them before the backup was made
    #[arg(long)]
    pub with_changed_audit: bool,
}
