/// Why a card cannot be talked to, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No reader is connected.
    #[error("no card reader was found: connect one, and check that its driver is installed")]
    NoReader,
    /// Readers are there, but not the one that was asked for.
    #[error("no reader is called {wanted:?}: connect it, or choose one of: {}", .present.join(", "))]
    ReaderNotFound {
        /// The name, or the part of a name, that was asked for.
        wanted: String,
        /// Names of the readers that are there.
        present: Vec<String>,
    },
    /// Several readers fit, and none was named.
    #[error("several readers fit: choose one of: {}", .candidates.join(", "))]
    ReaderAmbiguous {
        /// Names of the readers that fit.
        candidates: Vec<String>,
    },
    /// The reader is empty.
    #[error("there is no card in the reader {reader}: insert the card")]
    NoCard {
        /// Name of the reader.
        reader: String,
    },
    /// The card was taken out during the conversation.
    #[error("the card was taken out: insert it again and try once more; a renewal that was begun is kept")]
    CardRemoved,
    /// Another program reset the card, or the reader did; every PIN entered before is forgotten by the card.
    #[error("the card was reset in the middle of the conversation: try again")]
    CardReset,
    /// The card is there and does not speak: upside down, dirty, broken.
    #[error(
        "the card does not answer: insert it the right way round; if that does not help, the card or its chip is broken"
    )]
    CardMute,
    /// Another program holds the card.
    #[error("another program is using the card: wait for it or close it, then try again")]
    Sharing,
    /// The PC/SC service does not run or was restarted.
    #[error("the smart card service (pcscd) does not answer: start it, then try again")]
    ServiceStopped,
    /// The PC/SC service does not let this user use readers.
    #[error(
        "the smart card service (pcscd) refuses this user: log in at the machine itself, or ask its administrator (polkit)"
    )]
    AccessDenied,
    /// The card did not answer in time.
    #[error("the card did not answer in time: take it out and insert it again")]
    Timeout,
    /// There is no channel to the reader itself.
    #[error("the reader cannot be spoken to, only the card in it: enter PINs at the keyboard")]
    NoControl,
    /// The channel failed in some other way.
    #[error("talking to the card failed: {0}")]
    Io(String),
    /// A replayed conversation went another way than the recorded one.
    #[error("the conversation differs from the trace at line {line}: recorded {expected}, now {got}")]
    ReplayMismatch {
        /// Line of the trace file, from 1.
        line: usize,
        /// What the trace has, redacted.
        expected: String,
        /// What was sent, redacted.
        got: String,
    },
}
