use std::ops::Range;

use const_oid::{AssociatedOid, ObjectIdentifier};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged, asn1::AnyRef};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use x509_cert::{Certificate, ext::pkix::SubjectKeyIdentifier, time::Validity};

use super::MessageError;
use crate::limits::MAX_CERTIFICATE;

/// A certificate as it came with a request: its bytes, and where in them is what a CA asks of it.
///
/// It is read so far that its key can check a signature. A CA finds it among those it issued, byte for byte, and then knows
/// what it says; who wants to know without that reads all of it: [`read`](Self::read).
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedCertificate {
    der: Vec<u8>,
    /// With tag and length, except for the serial number.
    serial: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    /// Each of them, with tag and length.
    extensions: Vec<Range<usize>>,
    validity: Validity,
    key: SubjectPublicKeyInfoOwned,
}

/// An extension of a [`ReceivedCertificate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedExtension<'a> {
    /// The whole extension, DER.
    pub der: &'a [u8],
    /// What is in its extnValue.
    pub value: &'a [u8],
}

impl ReceivedCertificate {
    /// Finds the parts of a certificate.
    ///
    /// # Errors
    /// [`MessageError`]: the bytes are too long, or not those of a certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, MessageError> {
        Self::new(der.to_vec())
    }

    pub(super) fn new(der: Vec<u8>) -> Result<Self, MessageError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(MessageError::LongCertificate { size: der.len() });
        }
        Self::find(der).map_err(MessageError::Certificate)
    }

    fn find(der: Vec<u8>) -> der::Result<Self> {
        let place = |part: &[u8], end: der::Length| -> der::Result<Range<usize>> {
            let end = usize::try_from(end)?;
            Ok(end - part.len()..end)
        };
        let mut reader = SliceReader::new(&der)?;
        let found = reader.sequence(|certificate| {
            let found = certificate.sequence(|tbs| {
                if Tag::peek(tbs)? == context(0) {
                    tbs.tlv_bytes()?;
                }
                Tag::peek(tbs)?.assert_eq(Tag::Integer)?;
                let serial = AnyRef::decode(tbs)?;
                let serial = place(serial.value(), tbs.position())?;
                Tag::peek(tbs)?.assert_eq(Tag::Sequence)?;
                tbs.tlv_bytes()?;
                Tag::peek(tbs)?.assert_eq(Tag::Sequence)?;
                let issuer = tbs.tlv_bytes()?;
                let issuer = place(issuer, tbs.position())?;
                let validity = tbs.decode()?;
                Tag::peek(tbs)?.assert_eq(Tag::Sequence)?;
                let subject = tbs.tlv_bytes()?;
                let subject = place(subject, tbs.position())?;
                let key = tbs.decode()?;
                let mut extensions = Vec::new();
                while !tbs.is_finished() {
                    if Tag::peek(tbs)? != context(3) {
                        tbs.tlv_bytes()?;
                        continue;
                    }
                    let outer = AnyRef::decode(tbs)?;
                    let end = usize::try_from(tbs.position())?;
                    let list = AnyRef::from_der(outer.value())?;
                    list.tag().assert_eq(Tag::Sequence)?;
                    let mut list_reader = SliceReader::new(list.value())?;
                    while !list_reader.is_finished() {
                        let one = list_reader.tlv_bytes()?;
                        let before_end = usize::try_from(list_reader.remaining_len())?;
                        extensions.push(end - before_end - one.len()..end - before_end);
                    }
                }
                Ok::<_, der::Error>((serial, issuer, validity, subject, key, extensions))
            })?;
            Tag::peek(certificate)?.assert_eq(Tag::Sequence)?;
            certificate.tlv_bytes()?;
            Tag::peek(certificate)?.assert_eq(Tag::BitString)?;
            certificate.tlv_bytes()?;
            Ok::<_, der::Error>(found)
        })?;
        reader.finish()?;
        let (serial, issuer, validity, subject, key, extensions) = found;
        Ok(Self { der, serial, issuer, subject, extensions, validity, key })
    }

    /// The certificate, byte for byte as it came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Content of its serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.der[self.serial.clone()]
    }

    /// Who issued it, as it says: DER of the name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.der[self.issuer.clone()]
    }

    /// Whose it is, as it says: DER of the name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.der[self.subject.clone()]
    }

    /// From when until when it is valid.
    #[must_use]
    pub const fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Its key, which signed.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.key
    }

    /// Its extension of this type; the first, where it has several.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<ReceivedExtension<'_>> {
        let mut all = self.extensions.iter().map(|place| &self.der[place.clone()]);
        all.find_map(|der| extension(der, oid))
    }

    /// Everything that it says.
    ///
    /// # Errors
    /// [`MessageError`]: it is malformed, or is not DER, so that it would change when it is written again.
    pub fn read(&self) -> Result<Certificate, MessageError> {
        let certificate = Certificate::from_der(&self.der).map_err(MessageError::Certificate)?;
        match certificate.to_der() {
            Ok(again) if again == self.der => Ok(certificate),
            _ => Err(MessageError::CertificateNotDer),
        }
    }

    /// The identifier of its key, by what it says of it.
    pub(super) fn key_identifier(&self) -> Option<&[u8]> {
        let value = self.extension(SubjectKeyIdentifier::OID)?.value;
        let identifier = AnyRef::from_der(value).ok()?;
        (identifier.tag() == Tag::OctetString).then(|| identifier.value())
    }
}

impl TryFrom<&Certificate> for ReceivedCertificate {
    type Error = MessageError;

    /// As it would have come along.
    fn try_from(certificate: &Certificate) -> Result<Self, MessageError> {
        Self::new(certificate.to_der().map_err(MessageError::Certificate)?)
    }
}

/// The extension, where it is of this type and has a value.
fn extension(der: &[u8], oid: ObjectIdentifier) -> Option<ReceivedExtension<'_>> {
    let fields = AnyRef::from_der(der).ok().filter(|one| one.tag() == Tag::Sequence)?;
    let mut fields = SliceReader::new(fields.value()).ok()?;
    // Compared as it stands there: there are many, and each is asked for one or two types.
    let found = AnyRef::decode(&mut fields).ok()?;
    if found.tag() != Tag::ObjectIdentifier || found.value() != oid.as_bytes() {
        return None;
    }
    if Tag::peek(&fields).ok()? == Tag::Boolean {
        fields.tlv_bytes().ok()?;
    }
    let value = AnyRef::decode(&mut fields).ok().filter(|value| value.tag() == Tag::OctetString)?;
    Some(ReceivedExtension { der, value: value.value() })
}

const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// Says which one it is.
impl std::fmt::Debug for ReceivedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let serial: String = self.serial().iter().map(|byte| format!("{byte:02x}")).collect();
        f.debug_struct("ReceivedCertificate").field("serial", &serial).finish_non_exhaustive()
    }
}
