//! What fuzz targets share: the forms of their inputs, and what they compare with.
//!
//! Inputs have structure, by `arbitrary`. Each form reads its bytes from front to back, and can be written: that is how
//! recorded conversations become seeds (`examples/record_seeds.rs`), and why a seed may be read and made by hand.
//!
//! - [`form`]: how fields are read and written.
//! - [`cards`]: the cards that conversations begin with, made once, and the secrets that are planted in them.
//! - [`entries`]: directories with any entries that can be made, for `directory`.
//! - [`json`]: values within values, for files that are bent.
//! - [`script`]: a sequence of commands for a card, with what goes wrong on their way.
//! - [`model`]: what a card must do, said once more and shorter; `simulator` holds the card against it.
//! - [`play`]: what a holder's program does with a card, and [`liar`]: the lies that it is told meanwhile, for `driver`.

#![cfg(feature = "all")]

pub mod cards;
pub mod entries;
pub mod form;
pub mod json;
pub mod liar;
pub mod model;
pub mod play;
pub mod script;
