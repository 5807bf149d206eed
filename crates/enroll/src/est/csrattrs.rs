//! CSR attributes (RFC 7030 §4.5, RFC 8951 §3.5): what a CA wants to find in a request, before it is built.
//!
//! The template of RFC 9908 §3.4 is not known here, and ignored: a CA that writes one puts the older form beside it.

use const_oid::{
    ObjectIdentifier,
    db::{
        rfc2985::PKCS_9_AT_CHALLENGE_PASSWORD,
        rfc5912::{ID_EC_PUBLIC_KEY, ID_EXTENSION_REQ, RSA_ENCRYPTION},
    },
};
use der::{
    Decode, Encode, Sequence, Tag, Tagged,
    asn1::{Any, SetOfVec},
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use x509_cert::ext::Extension;

/// `CsrAttrs`: a list of what the CA asks for, in its order. The empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsrAttributes(Vec<AttrOrOid>);

/// `AttrOrOID`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AttrOrOid {
    Oid(ObjectIdentifier),
    Attribute(Attribute),
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
struct Attribute {
    oid: ObjectIdentifier,
    values: SetOfVec<Any>,
}

impl CsrAttributes {
    /// Entries that are read.
    pub const MAX_ENTRIES: usize = 64;

    /// Asks for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a key of this kind, or of another that is asked for beside it.
    ///
    /// # Errors
    /// [`CsrAttrsError`], of the encoder.
    pub fn key(self, key: KeyAlgorithm) -> Result<Self, CsrAttrsError> {
        match key.curve() {
            Some(curve) => self.attribute(ID_EC_PUBLIC_KEY, Any::from(&curve)),
            None => self.attribute(RSA_ENCRYPTION, Any::encode_from(&key.bits())?),
        }
    }

    /// Asks for a signature of this kind on the request, or of another that is asked for beside it. PSS, whose name says
    /// nothing of its digest, is asked for with any.
    #[must_use]
    pub fn signature(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.0.push(AttrOrOid::Oid(algorithm.identifier().oid));
        self
    }

    /// Asks for these extensions, with these values. All in one call: an extensionRequest stands there once (RFC 9908 §3.3).
    ///
    /// # Errors
    /// [`CsrAttrsError`], of the encoder.
    pub fn extensions(self, extensions: &[Extension]) -> Result<Self, CsrAttrsError> {
        self.attribute(ID_EXTENSION_REQ, Any::encode_from(&extensions.to_vec())?)
    }

    /// Asks for a challengePassword, with which RFC 7030 §3.5 binds a request to its TLS connection.
    #[must_use]
    pub fn challenge_password(mut self) -> Self {
        self.0.push(AttrOrOid::Oid(PKCS_9_AT_CHALLENGE_PASSWORD));
        self
    }

    fn attribute(mut self, oid: ObjectIdentifier, value: Any) -> Result<Self, CsrAttrsError> {
        self.0.push(AttrOrOid::Attribute(Attribute { oid, values: SetOfVec::try_from([value])? }));
        Ok(self)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// DER.
    ///
    /// # Errors
    /// [`CsrAttrsError`], of the encoder.
    pub fn to_der(&self) -> Result<Vec<u8>, CsrAttrsError> {
        let entry = |entry: &AttrOrOid| match entry {
            AttrOrOid::Oid(oid) => Ok(Any::from(oid)),
            AttrOrOid::Attribute(attribute) => Any::encode_from(attribute),
        };
        Ok(self.0.iter().map(entry).collect::<der::Result<Vec<_>>>()?.to_der()?)
    }

    /// Reads DER. What stands in it and is not known is kept: a client ignores it (RFC 7030 §4.5.2).
    ///
    /// # Errors
    /// [`CsrAttrsError`] when it is no such list, or too long.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CsrAttrsError> {
        let list = Vec::<Any>::from_der(bytes)?;
        if list.len() > Self::MAX_ENTRIES {
            return Err(CsrAttrsError::TooMany);
        }
        let entry = |entry: &Any| match entry.tag() {
            Tag::ObjectIdentifier => Ok(AttrOrOid::Oid(entry.decode_as()?)),
            _ => Ok(AttrOrOid::Attribute(entry.decode_as()?)),
        };
        Ok(Self(list.iter().map(entry).collect::<Result<_, der::Error>>()?))
    }

    /// What this makes of a request.
    ///
    /// # Errors
    /// [`CsrAttrsError`] when something that is known cannot be read.
    pub fn shape(&self) -> Result<Shape, CsrAttrsError> {
        let mut shape = Shape::default();
        for entry in &self.0 {
            match entry {
                AttrOrOid::Oid(PKCS_9_AT_CHALLENGE_PASSWORD) => shape.challenge_password = true,
                AttrOrOid::Oid(RSA_ENCRYPTION) => shape.rsa.any = true,
                AttrOrOid::Oid(ID_EC_PUBLIC_KEY) => shape.curves.any = true,
                AttrOrOid::Oid(oid) => shape.signatures.extend(signatures(*oid)),
                AttrOrOid::Attribute(Attribute { oid: RSA_ENCRYPTION, values }) => {
                    shape.rsa.name(values, |value| Ok(rsa(value.decode_as()?)))?;
                }
                AttrOrOid::Attribute(Attribute { oid: ID_EC_PUBLIC_KEY, values }) => {
                    shape.curves.name(values, |value| Ok(curve(value.decode_as()?)))?;
                }
                AttrOrOid::Attribute(Attribute { oid: ID_EXTENSION_REQ, values }) => {
                    let [extensions] = values.as_slice() else { return Err(CsrAttrsError::Extensions) };
                    // The form of the example in RFC 7030 §4.5.2: a type, and nothing to put there.
                    if extensions.tag() == Tag::ObjectIdentifier {
                        continue;
                    }
                    let extensions = extensions.decode_as().map_err(|_| CsrAttrsError::Extensions)?;
                    if shape.extensions.replace(extensions).is_some() {
                        return Err(CsrAttrsError::Extensions);
                    }
                }
                AttrOrOid::Attribute(_) => {}
            }
        }
        Ok(shape)
    }
}

fn rsa(bits: u32) -> Option<KeyAlgorithm> {
    KeyAlgorithm::ALL.into_iter().find(|key| key.is_rsa() && key.bits() == bits)
}

fn curve(oid: ObjectIdentifier) -> Option<KeyAlgorithm> {
    KeyAlgorithm::ALL.into_iter().find(|key| key.curve() == Some(oid))
}

/// Every signature that an identifier can stand for.
fn signatures(oid: ObjectIdentifier) -> impl Iterator<Item = SignatureAlgorithm> {
    let kinds = [SignatureAlgorithm::RsaPkcs1, SignatureAlgorithm::RsaPss, SignatureAlgorithm::Ecdsa];
    let all = kinds.into_iter().flat_map(|kind| Digest::ALL.map(kind));
    all.filter(move |algorithm| algorithm.identifier().oid == oid)
}

/// What a request has to be like for a CA. The default is: like anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    rsa: Family,
    curves: Family,
    signatures: Vec<SignatureAlgorithm>,
    extensions: Option<Vec<Extension>>,
    challenge_password: bool,
}

/// One family of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Family {
    /// All of it is asked for.
    any: bool,
    /// Members are asked for by name, known here or not.
    named: bool,
    /// Those that are known.
    members: Vec<KeyAlgorithm>,
}

impl Family {
    const fn is_asked_for(&self) -> bool {
        self.any || self.named
    }

    fn name(
        &mut self,
        values: &SetOfVec<Any>,
        member: impl Fn(&Any) -> der::Result<Option<KeyAlgorithm>>,
    ) -> Result<(), CsrAttrsError> {
        for value in values.iter() {
            self.named = true;
            self.members.extend(member(value).map_err(|_| CsrAttrsError::Key)?);
        }
        Ok(())
    }
}

impl Shape {
    /// Whether a key of this kind is what the CA asks for. It may ask for a family, or for members of it; what it asks for
    /// and is not known here is not offered either.
    #[must_use]
    pub fn takes_key(&self, key: KeyAlgorithm) -> bool {
        let family = if key.is_rsa() { &self.rsa } else { &self.curves };
        let anything = !self.rsa.is_asked_for() && !self.curves.is_asked_for();
        anything || family.any || family.members.contains(&key)
    }

    /// Whether a request signed like this is what the CA asks for.
    #[must_use]
    pub fn takes_signature(&self, algorithm: SignatureAlgorithm) -> bool {
        self.signatures.is_empty() || self.signatures.contains(&algorithm)
    }

    /// The first key and signature of `offered` that the CA takes.
    #[must_use]
    pub fn choose(&self, offered: &[(KeyAlgorithm, SignatureAlgorithm)]) -> Option<(KeyAlgorithm, SignatureAlgorithm)> {
        let taken = |(key, algorithm): &&(KeyAlgorithm, SignatureAlgorithm)| {
            algorithm.fits(*key) && self.takes_key(*key) && self.takes_signature(*algorithm)
        };
        offered.iter().find(taken).copied()
    }

    /// The extensions that the CA wants to find, with their values. Among them may be names, that the caller compares
    /// with those that he knows, or refuses.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.extensions.as_deref().unwrap_or_default()
    }

    /// Puts the extensions that the CA wants into a request, in place of the request's own of their types.
    ///
    /// # Errors
    /// [`ShapeError::ChallengePassword`].
    pub fn apply(&self, builder: RequestBuilder) -> Result<RequestBuilder, ShapeError> {
        self.check_demands()?;
        Ok(self.extensions().iter().cloned().fold(builder, RequestBuilder::replace_extension))
    }

    /// Whether a request is as the CA asked; for the client before it sends, and for the CA when it receives.
    ///
    /// # Errors
    /// [`ShapeError`], the first thing that is not.
    pub fn check(&self, request: &CertificationRequest) -> Result<(), ShapeError> {
        self.check_demands()?;
        match KeyAlgorithm::try_from(request.public_key()) {
            Ok(key) if self.takes_key(key) => {}
            _ => return Err(ShapeError::Key),
        }
        match request.signature_algorithm() {
            Ok(algorithm) if self.takes_signature(algorithm) => {}
            _ => return Err(ShapeError::Signature),
        }
        let missing = self.extensions().iter().find(|wanted| !request.extensions().contains(wanted));
        missing.map_or(Ok(()), |wanted| Err(ShapeError::Extension { oid: wanted.extn_id }))
    }

    /// Whether the CA demands nothing that no request here has.
    ///
    /// # Errors
    /// [`ShapeError::ChallengePassword`].
    pub const fn check_demands(&self) -> Result<(), ShapeError> {
        if self.challenge_password { Err(ShapeError::ChallengePassword) } else { Ok(()) }
    }
}

/// Why CSR attributes cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrAttrsError {
    /// Not the structure they should be.
    #[error("the CSR attributes are malformed: {0}")]
    Malformed(#[from] der::Error),
    /// More than [`CsrAttributes::MAX_ENTRIES`].
    #[error("there are more than {most} CSR attributes", most = CsrAttributes::MAX_ENTRIES)]
    TooMany,
    /// A key is asked for by a value that says neither size nor curve.
    #[error("the CSR attributes ask for a key in a way that cannot be read")]
    Key,
    /// Extensions are asked for twice, or in a way that cannot be read (RFC 9908 §3.3).
    #[error("the CSR attributes ask for extensions twice, or in a way that cannot be read")]
    Extensions,
}

/// Why a request is not as the CA asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The key is of another kind.
    #[error("the CA asks for a key of another kind")]
    Key,
    /// The signature is of another kind.
    #[error("the CA asks for a signature of another kind")]
    Signature,
    /// An extension is absent, or has another value.
    #[error("the CA asks for the extension {oid} with a value of its own")]
    Extension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The CA asks for a challengePassword. TLS 1.3 has nothing that RFC 7030 §3.5 could put there, and a request with a
    /// password in the clear is refused here.
    #[error("the CA asks for a challengePassword, which is not supported: log in with a password or a certificate")]
    ChallengePassword,
}
