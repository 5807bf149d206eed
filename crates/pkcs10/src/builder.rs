use const_oid::{AssociatedOid, ObjectIdentifier, db::rfc5912::ID_EXTENSION_REQ};
use der::{Encode, asn1::OctetString};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError};
use x509_cert::{
    ext::{
        Extension,
        pkix::{ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier, name::GeneralName},
    },
    name::Name,
};

use crate::{
    BuildError, CertificationRequest, RequestToSign,
    backwards::{Backwards, SEQUENCE, SET},
    request::{Attribute, Contents},
};

/// Collects what a certification request says (RFC 2986 §4.1), until [`finalize`](Self::finalize) makes the bytes to sign.
///
/// Errors of the single calls are kept and reported by `finalize`, so that calls can be chained.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    extensions: Vec<Extension>,
    failure: Option<BuildError>,
}

impl RequestBuilder {
    /// A request of `subject` for a certificate over `key`, to be signed by that key with `algorithm`.
    #[must_use]
    pub const fn new(subject: Name, key: SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Self {
        Self { subject, key, algorithm, extensions: Vec::new(), failure: None }
    }

    /// Asks for an extension in the certificate (extensionRequest, RFC 2985 §5.4.2). Each may be asked for once.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Asks for an extension, in place of one of the same type that was asked for before.
    #[must_use]
    pub fn replace_extension(mut self, extension: Extension) -> Self {
        self.extensions.retain(|earlier| earlier.extn_id != extension.extn_id);
        self.extension(extension)
    }

    /// Asks for a subjectAltName (RFC 5280 §4.2.1.6); critical when the subject is empty, as that clause says.
    #[must_use]
    pub fn subject_alt_name(self, names: Vec<GeneralName>) -> Self {
        let critical = self.subject.is_empty();
        let empty = names.is_empty();
        self.encoded(&SubjectAltName(names), critical, empty)
    }

    /// Asks for a keyUsage (RFC 5280 §4.2.1.3), critical.
    #[must_use]
    pub fn key_usage(self, usage: KeyUsage) -> Self {
        self.encoded(&usage, true, usage.0.is_empty())
    }

    /// Asks for an extendedKeyUsage (RFC 5280 §4.2.1.12), not critical.
    #[must_use]
    pub fn extended_key_usage(self, purposes: Vec<ObjectIdentifier>) -> Self {
        let empty = purposes.is_empty();
        self.encoded(&ExtendedKeyUsage(purposes), false, empty)
    }

    /// Asks for a subjectKeyIdentifier (RFC 5280 §4.2.1.2): the first 160 bits of SHA-256 of the key (RFC 7093 §2, 1). A key
    /// that signs before it has a certificate is named by it (RFC 5272 §3.2).
    #[must_use]
    pub fn key_identifier(self) -> Self {
        let hash = Digest::Sha256.of(self.key.subject_public_key.raw_bytes());
        let identifier = OctetString::new(&hash.as_bytes()[..20]);
        let value = identifier.and_then(|identifier| SubjectKeyIdentifier(identifier).to_der());
        self.asked(SubjectKeyIdentifier::OID, value, false, false)
    }

    /// Ends the request: from here on it is a string of bytes that the key's holder signs.
    ///
    /// # Errors
    /// [`BuildError`] when the algorithm does not fit the key, an extension is empty or there twice, or the request
    /// would be too long.
    pub fn finalize(self) -> Result<RequestToSign, BuildError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let key = KeyAlgorithm::try_from(&self.key).map_err(VerifyError::from)?;
        if !self.algorithm.fits(key) {
            return Err(VerifyError::WrongKind { algorithm: self.algorithm, key }.into());
        }
        for (index, extension) in self.extensions.iter().enumerate() {
            if self.extensions[..index].iter().any(|earlier| earlier.extn_id == extension.extn_id) {
                return Err(BuildError::DuplicateExtension { oid: extension.extn_id });
            }
        }
        let bytes = self.info()?;
        if bytes.len() > CertificationRequest::MAX_SIZE - SIGNATURE_ROOM {
            return Err(BuildError::TooLong { size: bytes.len() + SIGNATURE_ROOM });
        }
        let attributes = (!self.extensions.is_empty()).then_some(Attribute { oid: ID_EXTENSION_REQ, values: 1 });
        let contents = Contents {
            version: 0,
            subject: self.subject,
            public_key: self.key,
            attributes: attributes.into_iter().collect(),
            extensions: self.extensions,
        };
        Ok(RequestToSign::new(bytes, contents, self.algorithm))
    }

    /// The CertificationRequestInfo. `attributes [0]` stands there also when it is empty (RFC 2986 §4.1).
    fn info(&self) -> der::Result<Vec<u8>> {
        let mut info = Backwards::new();
        info.inside(SEQUENCE, |fields| {
            fields.inside(ATTRIBUTES, |attributes| match &self.extensions[..] {
                [] => Ok(()),
                extensions => attributes.inside(SEQUENCE, |attribute| {
                    attribute.inside(SET, |values| {
                        values.inside(SEQUENCE, |list| {
                            extensions.iter().rev().try_for_each(|extension| list.extension(extension))
                        })
                    })?;
                    attribute.oid(ID_EXTENSION_REQ);
                    Ok(())
                }),
            })?;
            fields.public_key(&self.key)?;
            fields.name(&self.subject)?;
            fields.put(&VERSION_1);
            Ok(())
        })?;
        Ok(info.finish())
    }

    fn encoded<T: AssociatedOid + Encode>(self, value: &T, critical: bool, empty: bool) -> Self {
        self.asked(T::OID, value.to_der(), critical, empty)
    }

    fn asked(mut self, oid: ObjectIdentifier, value: der::Result<Vec<u8>>, critical: bool, empty: bool) -> Self {
        match value.and_then(OctetString::new) {
            _ if empty => self.failure = self.failure.or(Some(BuildError::EmptyExtension { oid })),
            Ok(extn_value) => self.extensions.push(Extension { extn_id: oid, critical, extn_value }),
            Err(error) => self.failure = self.failure.or(Some(error.into())),
        }
        self
    }
}

/// `attributes [0] IMPLICIT`.
const ATTRIBUTES: u8 = 0xA0;
/// `version INTEGER { v1(0) }`.
const VERSION_1: [u8; 3] = [0x02, 0x01, 0x00];
/// What the outer sequence, the algorithm and the longest signature (RSA 4096) add to the signed bytes.
const SIGNATURE_ROOM: usize = 640;
