use std::time::SystemTime;

use obnova_ca::{English, FirstError, to_hex};
use zeroize::Zeroizing;

use super::{CommandError, open, print};
use crate::cli::RevocationPassword;

/// Gives certificates another revocation password, and shows it.
pub fn run(command: &RevocationPassword) -> Result<(), CommandError> {
    let RevocationPassword { directory, serial } = command;
    let house = open(directory)?;
    // A house has one.
    let passwords = house.ca().first().ok_or(FirstError::NoPassword)?.revocation_passwords();
    let replaced = passwords.replace(&serial.0, &English, SystemTime::now())?;
    let text = replaced.password.to_text();
    print(&Zeroizing::new(format!("revocation password  {}\n", text.as_str())))?;
    let serials = replaced.serials.iter().map(|serial| format!("for certificate      {}\n", to_hex(serial)));
    print(&serials.collect::<String>())
}
