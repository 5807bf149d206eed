use std::str::FromStr;

use crate::{Pkcs11Uri, Pkcs11UriError};

/// Where a token is, as a person writes it: `pcsc:READER` or a PKCS#11 URI.
///
/// ```
/// use obnova_card::Location;
///
/// assert_eq!("pcsc:".parse(), Ok(Location::Pcsc(None)));
/// assert_eq!("pcsc:Virtual PCD".parse(), Ok(Location::Pcsc(Some("Virtual PCD".to_owned()))));
/// assert!(matches!("pkcs11:token=t1".parse(), Ok(Location::Pkcs11(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A card in a reader: the one with this name, or whose name contains it; `None` is the only one with a card.
    Pcsc(Option<String>),
    /// A token behind a PKCS#11 module.
    Pkcs11(Pkcs11Uri),
}

/// A location that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Neither kind.
    #[error("a token is at pcsc:READER, at pcsc: for the only card, or at a PKCS#11 URI (pkcs11:token=NAME)")]
    Kind,
    /// A PKCS#11 URI that cannot be read.
    #[error(transparent)]
    Uri(#[from] Pkcs11UriError),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "pcsc" => {
                let reader = rest.trim();
                Ok(Self::Pcsc((!reader.is_empty()).then(|| reader.to_owned())))
            }
            "pkcs11" => Ok(Self::Pkcs11(text.parse()?)),
            _ => Err(LocationError::Kind),
        }
    }
}

#[cfg(feature = "pkcs11")]
impl Location {
    /// Opens the token behind a PKCS#11 module.
    ///
    /// # Errors
    /// As [`Pkcs11Token::open`](crate::Pkcs11Token::open); `None` when the location is of another kind.
    pub fn open_pkcs11(&self) -> Option<Result<crate::Pkcs11Token, crate::TokenError>> {
        match self {
            Self::Pkcs11(uri) => Some(crate::Pkcs11Token::open(uri)),
            Self::Pcsc(_) => None,
        }
    }
}

#[cfg(feature = "pcsc")]
impl Location {
    /// Opens the card in a reader; put decorators around the connection before a driver takes it.
    ///
    /// # Errors
    /// As [`PcscConnection::open`](obnova_transport::pcsc::PcscConnection::open); `None` when the location is of another
    /// kind.
    pub fn open_pcsc(
        &self,
    ) -> Option<Result<obnova_transport::pcsc::PcscConnection, obnova_transport::TransportError>> {
        use obnova_transport::pcsc::{PcscConnection, ReaderChoice};
        match self {
            Self::Pcsc(None) => Some(PcscConnection::open(&ReaderChoice::Only)),
            Self::Pcsc(Some(reader)) => Some(PcscConnection::open(&ReaderChoice::Containing(reader.clone()))),
            Self::Pkcs11(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_places_are_told_apart() {
        for text in ["", "reader", "http://x", "é", ":"] {
            assert_eq!(text.parse::<Location>(), Err(LocationError::Kind));
        }
        let error = "pkcs11:object=x".parse::<Location>();
        assert_eq!(error, Err(LocationError::Uri(Pkcs11UriError::Unsupported("object".to_owned()))));
        assert_eq!("PCSC: A: b ".parse(), Ok(Location::Pcsc(Some("A: b".to_owned()))));
    }
}
