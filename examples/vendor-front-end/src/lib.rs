#![doc = include_str!("../README.md")]
//!
//! What a vendor writes:
//! - [`Screens`]: an `impl Prompt`, with [`texts`] in his language; [`Holder`] is whoever sits in front of them.
//! - [`house_policy`]: what his house asks of a renewal, as data.
//! - [`HouseConnection`]: an `impl CaConnection` for a protocol of his own: [`Order`]s in an [`OrderFolder`].
//! - [`FrontEnd`]: the program between them; it decides nothing.
//!
//! What stands on the other side, here in the same program: [`HouseCa`], the registration office. [`demo`] plays both.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod demo;
mod front_end;
mod house_ca;
mod house_connection;
pub mod house_policy;
mod order;
mod order_folder;
mod screens;
pub mod texts;

pub use front_end::{FrontEnd, Trouble};
pub use house_ca::{Done, HouseCa, HouseError, Objection};
pub use house_connection::HouseConnection;
pub use order::{Order, OrderError, Statement, signed_by};
pub use order_folder::{OrderFolder, OrderNumber, Parcel, Tray};
pub use screens::{Holder, Screens};
