use std::time::SystemTime;

use obnova_ca::{FirstDesk, FirstError, Subject};
use obnova_reference_ca::{House, house::HouseError};

use super::{CommandError, open, print};
use crate::{cli::Password, show};

/// Does what was asked of one-time passwords.
pub fn run(command: Password) -> Result<(), CommandError> {
    let now = SystemTime::now();
    match command {
        Password::Issue { directory, user, module, name, email } => {
            let house = open(&directory)?;
            let desk = desk(&house)?;
            let subject = match (name, email) {
                (Some(name), Some(email)) => {
                    let name = name.parse().map_err(|_| HouseError::Name { text: name })?;
                    desk.enter(&Subject { user, module, name, email }, now)?
                }
                _ => desk.subject(&user, &module)?,
            };
            print(&house.hand_over(subject, now)?.paper)
        }
        Password::List { directory, limit, json } => {
            let house = open(&directory)?;
            let desk = desk(&house)?;
            let all = desk.list(limit)?;
            print(&if json { show::passwords_json(&all, desk, now) } else { show::passwords(&all, desk, now) })
        }
        Password::Revoke { directory, user, module } => {
            let house = open(&directory)?;
            let desk = desk(&house)?;
            desk.revoke(&desk.subject(&user, &module)?, now)?;
            print("revoked\n")
        }
    }
}

fn desk(house: &House) -> Result<&FirstDesk, CommandError> {
    // A house has one.
    Ok(house.ca().first().ok_or(FirstError::NoPassword)?)
}
