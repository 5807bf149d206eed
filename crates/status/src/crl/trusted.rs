use std::time::SystemTime;

use der::Encode;
use x509_cert::serial_number::SerialNumber;

use super::{Crl, CrlNumber, Entries, ParseError};
use crate::{
    Authority, CertificateError, NotIssued, Revocation, Rules, SignatureError, Status, TimeError,
    certificate::Certificate,
};

impl<'a> Crl<'a> {
    /// Whether the list is this CA's and counts at `now` (RFC 5280 §6.3.3).
    ///
    /// # Errors
    /// [`CrlError`]: one for each way in which it may not be believed.
    pub fn verify(self, authority: &Authority, now: SystemTime, rules: &Rules) -> Result<TrustedCrl<'a>, CrlError> {
        if self.issuer != authority.name {
            return Err(CrlError::OtherIssuer { issuer: self.issuer.to_string(), wanted: authority.name.to_string() });
        }
        if !authority.may_sign_crls {
            return Err(CrlError::KeyUsage);
        }
        if let (Some(said), Some(own)) = (&self.key_identifier, &authority.key_identifier)
            && said != own
        {
            return Err(CrlError::OtherKey);
        }
        self.signed.verify(&authority.key)?;
        rules.fresh(self.this_update, self.next_update, now)?;
        Ok(TrustedCrl { crl: self, authority: authority.clone() })
    }
}

/// A CRL that may be believed.
#[derive(Clone, Debug)]
pub struct TrustedCrl<'a> {
    crl: Crl<'a>,
    authority: Authority,
}

impl<'a> TrustedCrl<'a> {
    /// What the list says of a certificate, given as DER.
    ///
    /// # Errors
    /// [`NotListed`]: not a certificate, or not one of this CA's, so that the list says nothing of it.
    pub fn status(&self, certificate: &[u8]) -> Result<Status, NotListed> {
        let certificate = Certificate::read(certificate)?;
        self.authority.issued(&certificate)?;
        let found = self.find(certificate.content.serial_number())?;
        Ok(found.map_or(Status::Good, Status::Revoked))
    }

    /// The entry with this number; reads through the list, without copying any of it. For many numbers go through
    /// [`entries`](Self::entries) once.
    ///
    /// # Errors
    /// None that [`Crl::parse`] did not find.
    pub fn find(&self, serial: &SerialNumber) -> Result<Option<Revocation>, ParseError> {
        let wanted = serial.to_der()?;
        let mut rest = self.crl.entries.clone();
        while let Some(entry) = rest.read_next()? {
            if entry.serial == wanted {
                return entry.revocation().map(Some);
            }
        }
        Ok(None)
    }

    /// Every entry.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        self.crl.entries.clone()
    }

    /// See [`Crl::number`].
    #[must_use]
    pub const fn number(&self) -> Option<CrlNumber> {
        self.crl.number()
    }

    /// See [`Crl::this_update`].
    #[must_use]
    pub const fn this_update(&self) -> SystemTime {
        self.crl.this_update()
    }

    /// See [`Crl::next_update`].
    #[must_use]
    pub const fn next_update(&self) -> Option<SystemTime> {
        self.crl.next_update()
    }
}

/// Why a CRL may not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Another CA's.
    #[error("the CRL was issued by {issuer}, and not by {wanted}")]
    OtherIssuer {
        /// The issuer that stands in it.
        issuer: String,
        /// The CA whose list is wanted.
        wanted: String,
    },
    /// The CA's certificate does not let its key sign CRLs (RFC 5280 §6.3.3 (f)).
    #[error("the CA's key may not sign CRLs (key usage)")]
    KeyUsage,
    /// Of the same name, and signed with another key than is known.
    #[error("the CRL is for another key of the CA: fetch the one for this key")]
    OtherKey,
    /// The CA did not sign it.
    #[error("the CRL is not signed by the CA: {0}")]
    Signature(#[from] SignatureError),
    /// Too old, or from the future.
    #[error("the CRL does not count: {0}")]
    Time(#[from] TimeError),
}

/// Why a CRL says nothing of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotListed {
    /// Not a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Not one of this CA's.
    #[error(transparent)]
    Issuer(#[from] NotIssued),
    /// An entry cannot be read, which [`Crl::parse`] would have found.
    #[error(transparent)]
    Crl(#[from] ParseError),
}
