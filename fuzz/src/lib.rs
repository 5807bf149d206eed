//! What fuzz targets share: the forms of their inputs, and what they compare with.
//!
//! Inputs have structure, by `arbitrary`. Each form reads its bytes from front to back, and can be written: that is how
//! recorded conversations become seeds (`examples/record_seeds.rs`), and why a seed may be read and made by hand.
//!
//! - [`form`]: how fields are read and written.
//! - [`cards`]: the cards that conversations begin with, made once, and the secrets that are planted in them.
//! - [`script`]: a sequence of commands for a card, with what goes wrong on their way.
//! - [`model`]: what a card must do, said once more and shorter; `simulator` holds the card against it.

pub mod cards;
pub mod form;
pub mod model;
pub mod script;
