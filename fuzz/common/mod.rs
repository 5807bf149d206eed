//! What the targets of messages, certificates and policies share: a CA, keys that stay the same from run to run, and writers
//! that write what they are told, right or wrong.

#![allow(dead_code, reason = "each target uses its part")]

pub mod ca;
pub mod certificate;
pub mod keys;
pub mod message;
pub mod store;
pub mod tlv;

use std::time::{Duration, SystemTime};

pub const DAY: Duration = Duration::from_secs(86_400);
pub const HOLDER: &str = "CN=Jana Nováková,SERIALNUMBER=IDCCZ-123456,C=CZ";
pub const EMAIL: &str = "jana@example.cz";

/// The moment at which the targets play: 2027-01-15T08:00:00Z.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A moment so many days from the usual one, and not before 1970.
pub fn day(offset: i16) -> SystemTime {
    let offset = offset.max(-20_000);
    let span = DAY * u32::from(offset.unsigned_abs());
    if offset < 0 { now() - span } else { now() + span }
}
