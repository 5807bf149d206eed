use std::path::PathBuf;

use obnova_reference_ca::Serial;

/// What another revocation password is for.
#[derive(Debug, clap::Args)]
pub struct RevocationPassword {
    /// The CA's directory
    pub directory: PathBuf,
    /// Serial number of one of the certificates, in hexadecimal digits
    pub serial: Serial,
}
