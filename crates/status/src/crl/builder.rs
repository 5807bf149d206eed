use std::{
    io,
    time::{Duration, SystemTime},
};

use const_oid::db::rfc5280::{ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER};
use der::{Encode, Header, Length, Tag, TagNumber, asn1::OctetString};
use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm, VerifyError};
use x509_cert::{ext::pkix::AuthorityKeyIdentifier, serial_number::SerialNumber, time::Time};

use super::{
    CrlNumber, CrlToSign,
    to_sign::{Frame, Hasher},
};
use crate::{Authority, Revocation, authority::key_hash, extensions::extension};

/// One revoked certificate in a CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub serial: SerialNumber,
    /// Since when, and why.
    pub revocation: Revocation,
    /// When the certificate ends by itself, where that is known; not written: see [`CrlBuilder::drop_expired`].
    pub expires: Option<SystemTime>,
}

impl Entry {
    /// A certificate that stays in the list for good.
    #[must_use]
    pub const fn new(serial: SerialNumber, revocation: Revocation) -> Self {
        Self { serial, revocation, expires: None }
    }

    /// Replaces what is in `buffer` by the entry as DER (of `revokedCertificates`, RFC 5280 §5.1.2.6).
    pub(super) fn write(&self, buffer: &mut Vec<u8>) -> der::Result<()> {
        let date = Time::try_from(self.revocation.at)?;
        let reason = self.revocation.reason_extension()?;
        let extensions: Vec<_> = reason.into_iter().chain(self.revocation.invalidity_extension()?).collect();
        let extensions = (!extensions.is_empty()).then_some(extensions);
        let length = (self.serial.encoded_len()? + date.encoded_len()? + extensions.encoded_len()?)?;
        buffer.clear();
        Header::new(Tag::Sequence, length).encode_to_vec(buffer)?;
        self.serial.encode_to_vec(buffer)?;
        date.encode_to_vec(buffer)?;
        extensions.encode_to_vec(buffer).map(drop)
    }
}

/// Writes a complete CRL of one CA (RFC 5280 §5.1): version 2, with authorityKeyIdentifier and number.
///
/// A certificate on hold is an entry with [`RevocationReason::CertificateHold`](crate::RevocationReason); released is what is left
/// out of the next list.
#[derive(Clone, Debug)]
pub struct CrlBuilder {
    authority: Authority,
    algorithm: Option<SignatureAlgorithm>,
    number: CrlNumber,
    this_update: SystemTime,
    next_update: SystemTime,
    keep_expired: Option<Duration>,
}

impl CrlBuilder {
    /// A list of `authority`, made at `this_update`; a newer one will be there by `next_update`. Its number has to be greater than
    /// that of every list before.
    #[must_use]
    pub fn new(authority: &Authority, number: CrlNumber, this_update: SystemTime, next_update: SystemTime) -> Self {
        Self { authority: authority.clone(), algorithm: None, number, this_update, next_update, keep_expired: None }
    }

    /// Signs by another algorithm than [`SignatureAlgorithm::default_for`] the CA's key.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Leaves out certificates that expired more than `after` before this list. A certificate has to be in one list after it
    /// expired (RFC 5280 §3.3), so `after` should be at least the time between two lists. Unless told so, nothing is left out: who
    /// checks old signatures wants to know.
    #[must_use]
    pub const fn drop_expired(mut self, after: Duration) -> Self {
        self.keep_expired = Some(after);
        self
    }

    /// Prepares the list for its signature. `entries` is called for the same entries in the same order three times: twice here, for
    /// how long they are and for their digest, and when the list is written. None of them is kept.
    ///
    /// # Errors
    /// [`BuildError`]: a key or date that cannot be used, a list that ends before it begins or is too long, or entries that
    /// could not be had.
    pub fn finalize<F, I>(&self, entries: F) -> Result<CrlToSign<F>, BuildError>
    where
        F: Fn() -> I,
        I: IntoIterator<Item = io::Result<Entry>>,
    {
        if self.next_update <= self.this_update {
            return Err(BuildError::Validity);
        }
        if !self.authority.may_sign_crls {
            return Err(BuildError::KeyUsage);
        }
        let kind = KeyAlgorithm::try_from(&self.authority.key).map_err(VerifyError::from)?;
        let algorithm = self.algorithm.unwrap_or_else(|| SignatureAlgorithm::default_for(kind));
        if !algorithm.fits(kind) {
            return Err(VerifyError::WrongKind { algorithm, key: kind }.into());
        }
        let horizon =
            self.keep_expired.map(|after| self.this_update.checked_sub(after).unwrap_or(SystemTime::UNIX_EPOCH));
        let mut frame = Frame { prefix: Vec::new(), suffix: self.extensions()?, horizon, entries: 0, length: 0 };
        let (mut length, mut count) = (0_usize, 0_usize);
        frame.each(&entries, |entry| {
            length += entry.len();
            count += 1;
            // What nobody reads is not written either.
            if length > crate::limits::MAX_CRL { Err(BuildError::TooLong) } else { Ok(()) }
        })?;
        (frame.entries, frame.length) = (count, length);
        frame.prefix = self.before_entries(algorithm, &frame)?;

        let mut hasher = Hasher::new(algorithm.digest());
        hasher.update(&frame.prefix);
        frame.each(&entries, |entry| {
            hasher.update(entry);
            Ok::<_, BuildError>(())
        })?;
        hasher.update(&frame.suffix);
        Ok(CrlToSign { frame, digest: hasher.finish(), key: self.authority.key.clone(), algorithm, source: entries })
    }

    /// The header of the TBSCertList and its fields up to the first entry.
    fn before_entries(&self, algorithm: SignatureAlgorithm, frame: &Frame) -> Result<Vec<u8>, BuildError> {
        let version = [0x02, 0x01, 0x01];
        let mut fields = version.to_vec();
        algorithm.identifier().encode_to_vec(&mut fields)?;
        fields.extend_from_slice(&self.authority.name_der);
        Time::try_from(self.this_update)?.encode_to_vec(&mut fields)?;
        Time::try_from(self.next_update)?.encode_to_vec(&mut fields)?;
        // "MUST be absent" where nothing is revoked (RFC 5280 §5.1.2.6).
        if frame.entries > 0 {
            header(Tag::Sequence, frame.length)?.encode_to_vec(&mut fields)?;
        }
        let mut prefix = header(Tag::Sequence, fields.len() + frame.length + frame.suffix.len())?.to_der()?;
        prefix.append(&mut fields);
        Ok(prefix)
    }

    /// crlExtensions, what follows the entries.
    fn extensions(&self) -> der::Result<Vec<u8>> {
        let own = self.authority.key_identifier.clone();
        let identifier = own.unwrap_or_else(|| key_hash(&self.authority.key).to_vec());
        let identifier = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(identifier)?),
            ..AuthorityKeyIdentifier::default()
        };
        let extensions = vec![
            extension(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &identifier)?,
            extension(ID_CE_CRL_NUMBER, false, &self.number.to_uint()?)?,
        ]
        .to_der()?;
        let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        let mut field = header(tag, extensions.len())?.to_der()?;
        field.extend_from_slice(&extensions);
        Ok(field)
    }
}

pub(super) fn header(tag: Tag, length: usize) -> der::Result<Header> {
    Ok(Header::new(tag, Length::try_from(length)?))
}

/// Why a CRL was not made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It would expire before it is made.
    #[error("the CRL would expire before it is made: check the dates")]
    Validity,
    /// The CA's certificate does not let it sign CRLs (RFC 5280 §4.2.1.3).
    #[error("the CA's key may not sign CRLs (key usage): its certificate needs cRLSign")]
    KeyUsage,
    /// The CA's key cannot be used, or not by this algorithm, or the signature is not by it.
    #[error("the CRL was not made: {0}")]
    Signature(#[from] VerifyError),
    /// Longer than [`MAX_CRL`](crate::limits::MAX_CRL).
    #[error("the CRL would be longer than {max} bytes: leave out what expired", max = crate::limits::MAX_CRL)]
    TooLong,
    /// A date cannot be written.
    #[error("the CRL cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The entries could not be had.
    #[error("the entries of the CRL cannot be read: {0}")]
    Entries(#[from] io::Error),
}
