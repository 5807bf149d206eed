use obnova_client::PinRequest;
use obnova_renewal::{Action, CardView, Fact, Plan, Removable};

use super::Report;
use crate::checks::Check;

/// Something that is seen while a scenario is played.
pub enum Scene<'a> {
    /// The card, at one moment.
    Card { moment: Moment, card: &'a CardView },
    /// The letter that the CA sent.
    Notice { days: i64, until: String, link: &'a str },
    /// The computer check.
    Check(&'a [Check]),
    /// The plan, to be agreed to.
    Plan(&'a Plan),
    /// A password was asked for, and was given.
    Pin(&'a PinRequest),
    /// This begins.
    Begins(&'a Action),
    /// This is known from here on.
    Fact(&'a Fact),
    /// What began is over.
    Ends,
    /// The process was dropped.
    Closed,
    /// The CA's operator said yes.
    Approved,
    /// The process was read back.
    Resumed { records: usize },
    /// The old pair is removed, after the name of each was given.
    Clean { offered: &'a [Removable] },
    /// It is over.
    Report(&'a Report),
}

/// When the card is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    Renewed,
    Cleaned,
}

/// Who watches.
pub trait Audience {
    fn see(&mut self, scene: &Scene<'_>);
}
