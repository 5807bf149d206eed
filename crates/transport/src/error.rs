/// Why a card cannot be talked to, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No reader is connected.
    #[error("no card reader was found: connect one, and check that its driver is installed")]
    NoReader,
    /// The reader is empty.
    #[error("there is no card in the reader {reader}: insert the card")]
    NoCard {
        /// Name of the reader.
        reader: String,
    },
    /// The card was taken out during the conversation.
    #[error("the card was taken out: insert it again; what was begun can be resumed")]
    CardRemoved,
    /// Another program reset the card, or the reader did; every PIN entered before is forgotten by the card.
    #[error("the card was reset in the middle of the conversation: try again")]
    CardReset,
    /// Another program holds the card.
    #[error("another program is using the card: wait for it or close it, then try again")]
    Sharing,
    /// The PC/SC service does not run or was restarted.
    #[error("the smart card service (pcscd) does not answer: start it, then try again")]
    ServiceStopped,
    /// The card did not answer in time.
    #[error("the card did not answer in time: take it out and insert it again")]
    Timeout,
    /// The channel failed in some other way.
    #[error("talking to the card failed: {0}")]
    Io(String),
}
