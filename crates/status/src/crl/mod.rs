//! Certificate revocation lists (RFC 5280 §5), complete ones.
//!
//! - A CA writes one with a [`CrlBuilder`], from an iterator and into a stream, however long it is: [`CrlToSign`] holds none of its
//!   entries.
//! - A client reads one with [`Crl::parse`], in place. What it says can only be asked of a [`TrustedCrl`], that is after
//!   [`Crl::verify`].
//!
//! Lists that are a part of what is revoked (delta CRLs, issuing distribution points, indirect CRLs) are neither written nor
//! believed: they are refused by name.

mod builder;
mod number;
mod read;
mod to_sign;
mod trusted;

pub use builder::{BuildError, CrlBuilder, Entry};
pub use number::CrlNumber;
pub use read::{Crl, Entries, ParseError};
pub use to_sign::{CrlToSign, WriteError};
pub use trusted::{CrlError, NotListed, TrustedCrl};
