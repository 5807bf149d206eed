use const_oid::ObjectIdentifier;
use der::{Decode, Encode, asn1::OctetString};
use x509_cert::ext::Extension;

/// Refuses extensions that stand there twice, and critical ones that are none of `known` (RFC 5280 §4.2, §5.2, §5.3;
/// RFC 6960 §4.4).
pub(crate) fn check(extensions: &[Extension], known: &[ObjectIdentifier]) -> Result<(), ExtensionError> {
    check_once(extensions)?;
    let unknown = extensions.iter().find(|extension| extension.critical && !known.contains(&extension.extn_id));
    unknown.map_or(Ok(()), |extension| Err(ExtensionError::Critical { oid: extension.extn_id }))
}

/// Refuses extensions that stand there twice. Sorted first: there may be thousands in what a stranger sends.
pub(crate) fn check_once(extensions: &[Extension]) -> Result<(), ExtensionError> {
    let mut oids: Vec<_> = extensions.iter().map(|extension| extension.extn_id).collect();
    oids.sort_unstable();
    let twice = oids.windows(2).find(|pair| pair[0] == pair[1]);
    twice.map_or(Ok(()), |pair| Err(ExtensionError::Twice { oid: pair[0] }))
}

/// The value of one extension, when it is there.
pub(crate) fn value<'a, T>(extensions: &'a [Extension], oid: ObjectIdentifier) -> Result<Option<T>, ExtensionError>
where
    T: Decode<'a>,
{
    let found = extensions.iter().find(|extension| extension.extn_id == oid);
    let value = found.map(|extension| T::from_der(extension.extn_value.as_bytes()));
    value.transpose().map_err(|_| ExtensionError::Malformed { oid })
}

/// An extension with `value` as its content.
pub(crate) fn extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// Why extensions make what they stand in unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionError {
    /// One that has to be understood, and is not.
    #[error("the critical extension {oid} is not understood, so nothing beside it may be believed")]
    Critical {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// One that stands there twice.
    #[error("the extension {oid} stands there twice")]
    Twice {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// One whose content is not what it should be.
    #[error("the extension {oid} is malformed")]
    Malformed {
        /// Which.
        oid: ObjectIdentifier,
    },
}
