use obnova_profile::TransportPinModel;

use super::{DataError, StepRefused};
use crate::{CardCertificateError, FirstError, KeyFileError, LinkError, MailError, StoreError, transaction::to_hex};

/// The longest name of an operator, of a contract, of a payment, of a card, in characters.
pub(super) const MAX_NOTE: usize = 64;

/// Why something was not done for an applicant.
#[derive(Debug, thiserror::Error)]
pub enum ApplicantError {
    /// There is none, or not for whoever asks.
    #[error("there is no such applicant")]
    Unknown,
    /// It is not the turn of this step.
    #[error(transparent)]
    Step(#[from] StepRefused),
    /// What they say of themselves.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Too many in an hour, or to one address in a day.
    #[error(
        "too many have registered or corrected their data, or too many mails went to this address: try again later"
    )]
    TooMany,
    /// All corrections of one applicant were made.
    #[error("these data were corrected as often as they may be: register anew, or have an operator correct them")]
    TooManyCorrections,
    /// The mail to confirm was sent once more as often as one applicant may ask for it.
    #[error(
        "the mail that asks to confirm this address was sent as often as it may be asked for: register anew, or have an operator send it"
    )]
    TooManyMails,
    /// They were corrected after somebody looked at them.
    #[error("the data were corrected meanwhile: look at them again")]
    Changed,
    /// A link that opens nothing.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The name of an operator, a contract, a payment or a card.
    #[error("operator, reference and card have 1 to {MAX_NOTE} characters and no control character")]
    Note,
    /// No transport PIN.
    #[error("a transport PIN has {shortest} to {longest} printable ASCII characters: look at the one that the card was made with",
        shortest = TransportPinModel::secret_lengths().0, longest = TransportPinModel::secret_lengths().1)]
    TransportPin,
    /// A certificate that cannot be on this applicant's card.
    #[error(transparent)]
    Certificate(CardCertificateError),
    /// What was issued together with a certificate of the card is valid, or on hold, and goes onto no card.
    #[error(
        "{} issued together with what is named, and {} not over: name all that is on the card, or revoke what is not",
        listed(serials),
        if serials.len() == 1 { "is" } else { "are" }
    )]
    CertificateMissing {
        /// Serial numbers of those that are not named.
        serials: Vec<Vec<u8>>,
    },
    /// Who cannot be taken down as somebody who asks for first certificates.
    #[error(transparent)]
    Entry(#[from] FirstError),
    /// A card that somebody else has.
    #[error("this card is another applicant's")]
    CardTaken,
    /// The transport PIN is not kept any more.
    #[error(
        "the transport PIN of this card {}, and no link can show it: personalise another card or this one again, and hand that over; what was on it and is not on that is revoked then",
        if *.shown { "was shown" } else { "was forgotten, since nobody looked at it in time or nothing on the card is valid" }
    )]
    PinGone {
        /// Somebody looked at it.
        shown: bool,
    },
    /// A certificate on the card is revoked, on hold or past its end.
    #[error("a certificate on this card is not valid any more: personalise another card, and hand that over")]
    CardOver,
    /// What was encrypted cannot be opened: the key is another one.
    #[error("the transport PIN cannot be read: the CA has lost its key, or somebody changed the database")]
    Sealed,
    /// A mail that cannot be written.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// There is no encryption, or there are no random numbers.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The CA could not remember, or look.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(serials: &[Vec<u8>]) -> String {
    let names: Vec<_> = serials.iter().map(|serial| to_hex(serial)).collect();
    match names.as_slice() {
        [one] => format!("certificate {one} was"),
        many => format!("certificates {} were", many.join(", ")),
    }
}

impl ApplicantError {
    /// Name for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown-applicant",
            Self::Step(refused) => refused.name(),
            Self::Data(error) => error.field(),
            Self::TooMany => "too-many",
            Self::TooManyCorrections => "too-many-corrections",
            Self::TooManyMails => "too-many-mails",
            Self::Changed => "data-changed",
            Self::Link(error) => error.name(),
            Self::Note => "note",
            Self::TransportPin => "transport-pin",
            Self::Certificate(error) => error.name(),
            Self::CertificateMissing { .. } => "certificate-missing",
            Self::Entry(error) => error.name(),
            Self::CardTaken => "card-taken",
            Self::PinGone { .. } => "transport-pin-gone",
            Self::CardOver => "card-over",
            Self::Sealed => "sealed",
            Self::Mail(_) => "mail",
            Self::Key(_) => "key",
            Self::Store(_) => "store",
        }
    }
}
