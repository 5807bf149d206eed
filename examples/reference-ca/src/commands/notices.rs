use std::{path::Path, time::SystemTime};

use obnova_ca::to_hex;

use super::{CommandError, open, print, say};

/// Turns down the orders that wait for nothing, and posts the notices that are due.
pub fn run(directory: &Path) -> Result<(), CommandError> {
    let (house, now) = (open(directory)?, SystemTime::now());
    let turned_down = house.revocation_desk()?.turn_down_lapsed(now)?;
    if turned_down > 0 {
        print(&format!("{turned_down} orders turned down, for what they would replace is over\n"))?;
    }
    let undecided = house.ca().turn_down_undecided(now)?;
    if undecided > 0 {
        print(&format!("{undecided} orders turned down, on which nobody decided in time\n"))?;
    }
    let done = house.notice_desk()?.send(house.ca(), now)?;
    for serial in &done.unreachable {
        say(format!("{}: there is no address in the certificate that can be written to", to_hex(serial)));
    }
    print(&format!("{} posted, {} told before\n", done.posted, done.known))
}
