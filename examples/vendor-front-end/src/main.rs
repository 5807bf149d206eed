//! Plays a renewal at a vendor's front end, from the first window to the last, without a terminal.

use std::{error::Error, io};

fn main() -> Result<(), Box<dyn Error>> {
    obnova_vendor_front_end::demo::run(&mut io::stdout().lock())
}
