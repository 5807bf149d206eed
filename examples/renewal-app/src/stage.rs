//! What `demo` and `scenario` play on, and the play itself. Two presentations watch one engine: each is an [`Audience`]; and
//! the rules of a service are held against what was seen, and tried out on more holders of the same CA.

mod actor;
mod arrived;
mod held;
mod judged;
mod keep;
mod liar;
mod mails;
mod meter;
mod newcomer;
mod personalise;
mod play;
mod rules;
mod scene;
mod set;
mod trial;
mod witness;

pub use arrived::Arrived;
pub use judged::{activation, partner, twins};
pub use liar::{Liar, Lie};
pub use meter::{Figure, Report};
pub use newcomer::Newcomer;
pub use personalise::{FirstPair, personalise, personalise_inactive};
pub use play::play;
pub use scene::{Audience, Moment, Scene};
#[cfg(test)]
pub use set::Through;
pub use set::{PlayPins, Setting, Stage};
pub use trial::Trial;
pub use witness::{Event, Witness};
