use std::{path::Path, time::SystemTime};

use super::{CommandError, open, print};

/// Posts the notices that are due.
pub fn run(directory: &Path) -> Result<(), CommandError> {
    let house = open(directory)?;
    let done = house.notice_desk()?.send(house.ca(), SystemTime::now())?;
    for serial in &done.unreachable {
        let serial: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{serial}: there is no address in the certificate that can be written to");
    }
    print(&format!("{} posted, {} told before\n", done.posted, done.known))
}
