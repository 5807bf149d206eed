use obnova_algorithm::VerifyError;
use obnova_card::KeyRole;
use obnova_pkcs10::BuildError;

use crate::{ByRole, Refusal, Stage, Standing, standing::Unfit};

/// An event or a record that does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It does not belong here.
    #[error("{what} does not follow at the stage \"{stage}\"")]
    Unexpected {
        /// Name of the event or record.
        what: &'static str,
        /// Where the process is.
        stage: Stage,
    },
    /// There are more or fewer than were asked for.
    #[error("{expected} signatures were asked for and {got} came")]
    Count {
        /// How many were asked for.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// The CA's terms name nobody to trust.
    #[error("the issuer's terms hold no certificate to trust: check the configuration")]
    NoAnchors,
    /// The key is not the one that was ordered.
    #[error("the card made another kind of {role} key than was ordered, or gave back the old one")]
    WrongKey {
        /// Which one.
        role: KeyRole,
    },
    /// A signature is wrong.
    #[error("a signature by the card is wrong: {0}; try again, and if it stays, do not use this card")]
    Signature(#[from] VerifyError),
    /// The request cannot be made.
    #[error("the request cannot be made: {0}")]
    Request(#[from] BuildError),
    /// A request in the journal is not for the key and the subject of this process.
    #[error("the {role} request is not one of this process")]
    ForeignRequest {
        /// Which one.
        role: KeyRole,
    },
    /// The CA connection asks for signatures that the old keys cannot give.
    #[error(
        "the connection to the issuer asks the old {voucher} key for a signature that it cannot or should not give"
    )]
    Unvouchable {
        /// Which key.
        voucher: KeyRole,
    },
    /// The CA accepted the order and gave nothing to fetch it with.
    #[error("the issuer accepted the order and gave nothing to fetch it with: ask the issuer")]
    NoPickUp,
    /// Nobody says whether these are revoked, and the policy wants that known. The process goes on as before when it is asked again:
    /// what was agreed to and made is not thrown away for a server that is silent now.
    #[error("{}", Unfit(.0))]
    NotKnown(Box<ByRole<Standing>>),
    /// Files were not taken. The process goes on as before.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A journal that is none.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is nothing in it.
    #[error("the journal is empty: the process was not begun")]
    Empty,
    /// It does not begin at the beginning.
    #[error(
        "the journal does not begin with the plan: its beginning is lost; look for keys without certificates instead"
    )]
    NotStarted,
    /// A record does not follow from those before it.
    #[error("record {index} of the journal ({fact}) is wrong: {problem}; look for keys without certificates instead")]
    Record {
        /// Which one, from 0.
        index: usize,
        /// Its name.
        fact: &'static str,
        /// Why.
        #[source]
        problem: ProcessError,
    },
}
