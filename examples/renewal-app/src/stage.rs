//! What `demo` and `scenario` play on, and the play itself. Two presentations watch one engine: each is an [`Audience`].

mod actor;
mod keep;
mod meter;
mod personalise;
mod play;
mod scene;
mod set;

pub use meter::{Figure, Report};
pub use personalise::{FirstPair, personalise, personalise_inactive};
pub use play::play;
pub use scene::{Audience, Moment, Scene};
pub use set::{PlayPins, Stage};
