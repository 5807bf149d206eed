use der::Sequence;
use subtle::ConstantTimeEq;
use x509_cert::{Certificate, name::Name, serial_number::SerialNumber};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Names one business of a client with a CA across all its messages (RFC 5272 §6.6): an INTEGER, chosen by the client.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(Vec<u8>);

impl TransactionId {
    /// The longest that is read, in bytes.
    pub const MAX_SIZE: usize = 32;

    /// From fresh random bytes. A CA accepts a confirmation from whoever knows the number, so it is not to be guessed.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(minimal(&random))
    }

    /// From the bytes of [`as_bytes`](Self::as_bytes), or a number of one's own in big-endian bytes.
    ///
    /// # Errors
    /// [`IdError`] when it is empty or longer than [`MAX_SIZE`](Self::MAX_SIZE).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        check_size(bytes, Self::MAX_SIZE)?;
        Ok(Self(minimal(bytes)))
    }

    /// The number in big-endian bytes without leading zeros; zero is one byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn minimal(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros.min(bytes.len().saturating_sub(1))..].to_vec()
}

/// In hexadecimal digits.
impl std::fmt::Display for TransactionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TransactionId({self})")
    }
}

/// A number used once, that ties an answer to its question (RFC 5272 §6.6).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// The longest that is read, in bytes.
    pub const MAX_SIZE: usize = 64;

    /// From fresh random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(random.to_vec())
    }

    /// From bytes that were kept.
    ///
    /// # Errors
    /// [`IdError`] when it is empty or longer than [`MAX_SIZE`](Self::MAX_SIZE).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        check_size(bytes, Self::MAX_SIZE)?;
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a pending request is picked up with (`pendToken`, RFC 5272 §6.13). Whoever has it gets the certificates, so it is a
/// secret: there is no `Debug`, it is compared in constant time, and wiped when dropped.
#[derive(Clone)]
pub struct PendToken(Zeroizing<Vec<u8>>);

impl PendToken {
    /// The longest that is read, in bytes.
    pub const MAX_SIZE: usize = 256;

    /// From bytes that were kept, or, at the CA, from at least 16 fresh random ones.
    ///
    /// # Errors
    /// [`IdError`] when it is empty or longer than [`MAX_SIZE`](Self::MAX_SIZE).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        check_size(bytes, Self::MAX_SIZE)?;
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// The secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for PendToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PendToken {}

impl ZeroizeOnDrop for PendToken {}

/// Numbers the parts of one message (`BodyPartID`, RFC 5272 §3.2.2); 0 is the message itself.
pub type BodyPartId = u32;

/// Names a certificate by its issuer and serial number (`CMCCertId`, RFC 5272 §6.14).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertificateId {
    /// Who issued it.
    pub issuer: Name,
    /// Its number there.
    pub serial: SerialNumber,
}

impl From<&Certificate> for CertificateId {
    fn from(certificate: &Certificate) -> Self {
        let certificate = certificate.tbs_certificate();
        Self { issuer: certificate.issuer().clone(), serial: certificate.serial_number().clone() }
    }
}

pub(crate) fn check_size(bytes: &[u8], most: usize) -> Result<(), IdError> {
    let size = bytes.len();
    if size == 0 || size > most { Err(IdError { size, most }) } else { Ok(()) }
}

/// An identifier that is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier of {size} bytes: it has 1 to {most}")]
pub struct IdError {
    /// Bytes it has.
    pub size: usize,
    /// Bytes it may have.
    pub most: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_held_in_what_wipes_it() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&PendToken::from_bytes(&[1]).unwrap().0);
    }
}
