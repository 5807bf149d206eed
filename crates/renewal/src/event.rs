use obnova_algorithm::SubjectPublicKeyInfoOwned;

use crate::{Answer, ByRole, LinkAnswer, Message, Prepared, Standing, Terms, view::SlotView};

/// What came of an [`Action`](crate::Action), or in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What is told of the certificates that are to be renewed.
    Standing(ByRole<Standing>),
    /// The holder said yes; also who [said no](crate::Process::declined) to certificates before.
    Agreed,
    /// The holder said no.
    Declined,
    /// What the CA said to the link.
    Link(LinkAnswer),
    /// The CA told its terms.
    Terms(Terms),
    /// The slots, as they are now. After a refusal they say whether what was ordered came on another way.
    Looked(Vec<SlotView>),
    /// A key was made.
    KeyMade(SubjectPublicKeyInfoOwned),
    /// The signatures, one for each job.
    Signed(Vec<Vec<u8>>),
    /// The order was made ready.
    Prepared(Prepared),
    /// The order is ready to go.
    Sealed(Message),
    /// The CA answered.
    Answered(Answer),
    /// Certificates arrived on another way: files that were mailed. Accepted at any time after the keys were made.
    Files(Vec<Vec<u8>>),
    /// The certificates were written.
    Installed,
    /// The CA knows that everything arrived.
    Acknowledged,
    /// The login was seen by the server as this person's.
    LoggedIn(String),
    /// A writing action failed in a way that leaves open whether it was done: the card will be looked at.
    Uncertain,
}

impl Event {
    /// Its name, for errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Standing(_) => "standing",
            Self::Agreed => "agreed",
            Self::Declined => "declined",
            Self::Link(_) => "link",
            Self::Terms(_) => "terms",
            Self::Looked(_) => "looked",
            Self::KeyMade(_) => "key-made",
            Self::Signed(_) => "signed",
            Self::Prepared(_) => "prepared",
            Self::Sealed(_) => "sealed",
            Self::Answered(_) => "answered",
            Self::Files(_) => "files",
            Self::Installed => "installed",
            Self::Acknowledged => "acknowledged",
            Self::LoggedIn(_) => "logged-in",
            Self::Uncertain => "uncertain",
        }
    }
}
