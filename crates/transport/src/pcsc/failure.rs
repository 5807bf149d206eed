use ::pcsc::Error;

use crate::TransportError;

/// What a PC/SC error means for one who wants to talk to the card in `reader`.
pub(super) fn meaning(error: Error, reader: &str) -> TransportError {
    match error {
        Error::NoReadersAvailable => TransportError::NoReader,
        Error::UnknownReader | Error::ReaderUnavailable | Error::ReaderUnsupported => {
            TransportError::ReaderNotFound { wanted: reader.to_owned(), present: Vec::new() }
        }
        Error::NoSmartcard => TransportError::NoCard { reader: reader.to_owned() },
        Error::RemovedCard => TransportError::CardRemoved,
        Error::ResetCard => TransportError::CardReset,
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::UnsupportedCard | Error::ProtoMismatch => {
            TransportError::CardMute
        }
        Error::SharingViolation => TransportError::Sharing,
        Error::Timeout | Error::WaitedTooLong => TransportError::Timeout,
        error if service_is_gone(error) => TransportError::ServiceStopped,
        error => TransportError::Io(format!("PC/SC: {error}")),
    }
}

/// Whether the handles are of a service that is no longer there. pcsclite says so in all of these ways: by the name, by a
/// socket that broke or was closed from the other side ("security violation", which means what it says only to one who has
/// no context yet), and by not knowing a handle that its predecessor gave out.
pub(super) const fn service_is_gone(error: Error) -> bool {
    matches!(
        error,
        Error::NoService
            | Error::ServiceStopped
            | Error::InvalidHandle
            | Error::CommError
            | Error::Shutdown
            | Error::SystemCancelled
            | Error::SecurityViolation
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_holder_mends_differently_is_told_apart() {
        let meaning = |error| meaning(error, "reader");
        assert!(matches!(meaning(Error::NoReadersAvailable), TransportError::NoReader));
        assert!(matches!(meaning(Error::NoSmartcard), TransportError::NoCard { reader } if reader == "reader"));
        assert!(matches!(meaning(Error::RemovedCard), TransportError::CardRemoved));
        assert!(matches!(meaning(Error::ResetCard), TransportError::CardReset));
        assert!(matches!(meaning(Error::SharingViolation), TransportError::Sharing));
        assert!(matches!(meaning(Error::Timeout), TransportError::Timeout));
        for gone in [Error::NoService, Error::ServiceStopped, Error::InvalidHandle, Error::SecurityViolation] {
            assert!(matches!(meaning(gone), TransportError::ServiceStopped), "{gone:?}");
        }
    }
}
