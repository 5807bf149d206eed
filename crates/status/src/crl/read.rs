use std::time::SystemTime;

use const_oid::{
    ObjectIdentifier,
    db::rfc5280::{
        ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS,
        ID_CE_DELTA_CRL_INDICATOR, ID_CE_INVALIDITY_DATE, ID_CE_ISSUING_DISTRIBUTION_POINT,
    },
};
use der::{
    Decode, Header, Reader, SliceReader, Tag, TagNumber,
    asn1::{ContextSpecific, GeneralizedTime, UintRef},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, CrlReason},
    },
    name::Name,
    serial_number::SerialNumber,
    time::Time,
};

use super::{CrlNumber, Entry};
use crate::{
    ExtensionError, Revocation, RevocationReason, extensions,
    limits::{MAX_CRL, MAX_CRL_PART},
    signed::Signed,
};

/// A CRL as received, read where it lies: nothing in it is believed before [`verify`](Self::verify) passed.
#[derive(Clone, Debug)]
pub struct Crl<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) issuer: Name,
    pub(super) this_update: SystemTime,
    pub(super) next_update: Option<SystemTime>,
    pub(super) key_identifier: Option<Vec<u8>>,
    number: Option<CrlNumber>,
    pub(super) entries: Entries<'a>,
}

impl<'a> Crl<'a> {
    /// Reads a CRL as DER, and looks at every entry once: a critical extension in one of them makes the whole list unusable
    /// (RFC 5280 §5.3).
    ///
    /// # Errors
    /// [`ParseError`]: not a CRL, or not a complete one that is understood.
    pub fn parse(der: &'a [u8]) -> Result<Self, ParseError> {
        if der.len() > MAX_CRL {
            return Err(ParseError::TooLong { size: der.len() });
        }
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(Signed::read)?;
        reader.finish()?;
        let list = List::read(signed.bytes)?;
        if list.signature != signed.algorithm {
            return Err(ParseError::MixedAlgorithms);
        }
        if list.version.is_none() && !list.extensions.is_empty() || list.version.is_some_and(|version| version != 1) {
            return Err(ParseError::Version);
        }
        for (oid, part) in PARTIAL {
            if list.extensions.iter().any(|extension| extension.extn_id == oid) {
                return Err(ParseError::Partial(part));
            }
        }
        extensions::check(&list.extensions, &KNOWN)?;
        let identifier: Option<AuthorityKeyIdentifier> =
            extensions::value(&list.extensions, ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
        let number: Option<UintRef<'_>> = extensions::value(&list.extensions, ID_CE_CRL_NUMBER)?;
        let malformed = ExtensionError::Malformed { oid: ID_CE_CRL_NUMBER };
        let number = number.map(|number| CrlNumber::from_uint(number).ok_or(malformed)).transpose()?;
        let mut rest = list.entries.clone();
        while let Some(entry) = rest.read_next()? {
            entry.revocation()?;
        }
        Ok(Self {
            issuer: list.issuer,
            this_update: list.this_update.to_system_time(),
            next_update: list.next_update.map(|time| time.to_system_time()),
            key_identifier: identifier.and_then(|id| id.key_identifier).map(|id| id.as_bytes().to_vec()),
            number,
            entries: list.entries,
            signed,
        })
    }

    /// Who is said to have issued it.
    #[must_use]
    pub const fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    #[must_use]
    pub const fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// When a newer one will be there; RFC 5280 §5.1.2.5 wants CAs to say so.
    #[must_use]
    pub const fn next_update(&self) -> Option<SystemTime> {
        self.next_update
    }

    /// Its number. A client that has seen a greater one of this CA is being shown an old list.
    #[must_use]
    pub const fn number(&self) -> Option<CrlNumber> {
        self.number
    }
}

const KNOWN: [ObjectIdentifier; 2] = [ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER];
/// Extensions of lists that do not have all that is revoked, critical or not.
const PARTIAL: [(ObjectIdentifier, &str); 2] = [
    (ID_CE_ISSUING_DISTRIBUTION_POINT, "it is for one distribution point (issuingDistributionPoint)"),
    (ID_CE_DELTA_CRL_INDICATOR, "it is a delta CRL"),
];
const KNOWN_IN_ENTRY: [ObjectIdentifier; 2] = [ID_CE_CRL_REASONS, ID_CE_INVALIDITY_DATE];

/// TBSCertList (RFC 5280 §5.1), its entries still as bytes.
struct List<'a> {
    version: Option<u8>,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    entries: Entries<'a>,
    extensions: Vec<Extension>,
}

impl<'a> List<'a> {
    fn read(der: &'a [u8]) -> Result<Self, ParseError> {
        let mut reader = SliceReader::new(der)?;
        let list = reader.sequence(|fields| {
            let version = fields.decode()?;
            let signature = AlgorithmIdentifierOwned::from_der(short("signature algorithm", fields)?)?;
            let issuer = Name::from_der(short("issuer", fields)?)?;
            let (this_update, next_update) = (fields.decode()?, fields.decode()?);
            let entries = if !fields.is_finished() && Tag::peek(fields)? == Tag::Sequence {
                let header = Header::decode(fields)?;
                fields.read_slice(header.length())?
            } else {
                &[]
            };
            let extensions = if fields.is_finished() { None } else { Some(short("crlExtensions", fields)?) };
            let extensions = extensions.map(explicit_extensions).transpose()?;
            Ok::<_, ParseError>(Self {
                version,
                signature,
                issuer,
                this_update,
                next_update,
                entries: Entries { reader: SliceReader::new(entries)? },
                extensions: extensions.unwrap_or_default(),
            })
        })?;
        reader.finish()?;
        Ok(list)
    }
}

/// The next field, still as bytes and not too many: what is decoded takes many times its size in memory.
fn short<'a>(part: &'static str, fields: &mut impl Reader<'a>) -> Result<&'a [u8], ParseError> {
    not_long(part, fields.tlv_bytes()?)
}

const fn not_long<'a>(part: &'static str, der: &'a [u8]) -> Result<&'a [u8], ParseError> {
    if der.len() > MAX_CRL_PART { Err(ParseError::TooLarge { part, size: der.len() }) } else { Ok(der) }
}

fn explicit_extensions(der: &[u8]) -> der::Result<Vec<Extension>> {
    let mut reader = SliceReader::new(der)?;
    let field = ContextSpecific::<Vec<Extension>>::decode_explicit(&mut reader, TagNumber(0))?;
    reader.finish()?;
    Ok(field.map_or_else(Vec::new, |field| field.value))
}

/// The entries of a CRL, in their order, each read when it is its turn.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    reader: SliceReader<'a>,
}

impl<'a> Entries<'a> {
    pub(super) fn read_next(&mut self) -> der::Result<Option<RawEntry<'a>>> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let entry = self.reader.sequence(|fields| {
            let serial = fields.tlv_bytes()?;
            let date = fields.decode()?;
            let extensions = if fields.is_finished() { None } else { Some(fields.tlv_bytes()?) };
            Ok::<_, der::Error>(RawEntry { serial, date, extensions })
        })?;
        Ok(Some(entry))
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, ParseError>;

    /// No error is known that [`Crl::parse`] did not find.
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.read_next().transpose()?;
        let whole = |entry: RawEntry<'_>| Ok(Entry::new(SerialNumber::from_der(entry.serial)?, entry.revocation()?));
        Some(entry.map_err(ParseError::from).and_then(whole))
    }
}

/// An entry of which only the frame was looked at: that is all that looking for one certificate in a long list needs.
pub(super) struct RawEntry<'a> {
    /// DER of the serial number.
    pub(super) serial: &'a [u8],
    date: Time,
    extensions: Option<&'a [u8]>,
}

impl RawEntry<'_> {
    pub(super) fn revocation(&self) -> Result<Revocation, ParseError> {
        SerialNumber::<x509_cert::certificate::Rfc5280>::from_der(self.serial)?;
        let Some(extensions) = self.extensions else {
            return Ok(Revocation::new(self.date.to_system_time(), RevocationReason::Unspecified));
        };
        let extensions = Vec::<Extension>::from_der(not_long("extensions of one entry", extensions)?)?;
        if extensions.iter().any(|extension| extension.extn_id == ID_CE_CERTIFICATE_ISSUER) {
            return Err(ParseError::Partial("it is an indirect CRL (certificateIssuer)"));
        }
        extensions::check(&extensions, &KNOWN_IN_ENTRY)?;
        let code: Option<CrlReason> = extensions::value(&extensions, ID_CE_CRL_REASONS)?;
        let reason = code.map_or(Some(RevocationReason::Unspecified), RevocationReason::from_code);
        let invalid_since: Option<GeneralizedTime> = extensions::value(&extensions, ID_CE_INVALIDITY_DATE)?;
        Ok(Revocation {
            at: self.date.to_system_time(),
            reason: reason.ok_or(ParseError::RemoveFromCrl)?,
            invalid_since: invalid_since.map(|time| time.to_system_time()),
        })
    }
}

/// Why bytes are not a CRL that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More than [`MAX_CRL`]; not looked at any further.
    #[error("the CRL has {size} bytes, at most {MAX_CRL} are read")]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// Not DER, or not a CRL (RFC 5280 §5.1).
    #[error("not a CRL: {0}; DER is wanted, decode PEM first")]
    Malformed(#[from] der::Error),
    /// More than [`MAX_CRL_PART`] in one place; not looked at any further.
    #[error("the {part} of the CRL has {size} bytes, at most {MAX_CRL_PART} are read")]
    TooLarge {
        /// Where.
        part: &'static str,
        /// Bytes there are.
        size: usize,
    },
    /// A version that does not exist, or extensions in a list of version 1.
    #[error("the CRL has a version that does not fit: only v1 without and v2 with extensions are known")]
    Version,
    /// Signed otherwise than it says inside (RFC 5280 §5.1.1.2).
    #[error("the CRL names two signature algorithms")]
    MixedAlgorithms,
    /// Not a complete list: what is not in it may be revoked all the same.
    #[error("the CRL does not have all that is revoked: {0}; use the complete CRL, or OCSP")]
    Partial(&'static str),
    /// A reason that only delta CRLs have (RFC 5280 §5.3.1).
    #[error("the CRL has an entry to remove from it, which only a delta CRL can have")]
    RemoveFromCrl,
    /// An extension that cannot be read, stands there twice, or has to be understood and is not.
    #[error("the CRL is refused: {0}")]
    Extension(#[from] ExtensionError),
}
