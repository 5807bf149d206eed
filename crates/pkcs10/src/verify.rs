use std::collections::BTreeSet;

use const_oid::{ObjectIdentifier, db::rfc5912::ID_EXTENSION_REQ};
use der::{Decode, Sequence, asn1::UintRef};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};

use crate::{CertificationRequest, Rejected, request::Attribute};

impl CertificationRequest {
    /// What a CA checks before it reads a request (RFC 2986 §3, ETSI EN 319 411-1 REG-6.3.1-01): the version, a supported
    /// key of sufficient strength, an algorithm that fits it, the signature by that key over the bytes received, no
    /// attribute and no extension twice, and no password in the clear. Returns the kind of key.
    ///
    /// Whether subject and extensions may be granted is the CA's policy, not looked at here.
    ///
    /// # Errors
    /// [`Rejected`]: the first of these that fails.
    pub fn verify(&self) -> Result<KeyAlgorithm, Rejected> {
        let version = self.contents.version;
        if version != 0 {
            return Err(Rejected::Version { version });
        }
        let key = KeyAlgorithm::try_from(self.public_key())?;
        if key.is_rsa() && !exponent_is_large(self.public_key()) {
            return Err(Rejected::SmallExponent);
        }
        obnova_algorithm::verify(self.public_key(), self.signature_algorithm()?, self.signed(), self.signature())
            .map_err(Rejected::Signature)?;
        self.check_attributes()?;
        match repeated(self.extensions().iter().map(|extension| extension.extn_id)) {
            Some(oid) => Err(Rejected::DuplicateExtension { oid }),
            None => Ok(key),
        }
    }

    fn check_attributes(&self) -> Result<(), Rejected> {
        if let Some(oid) = repeated(self.attribute_types()) {
            return Err(Rejected::DuplicateAttribute { oid });
        }
        if self.has_challenge_password() {
            return Err(Rejected::ChallengePassword);
        }
        for &Attribute { oid, values: count } in &self.contents.attributes {
            let single = oid == ID_EXTENSION_REQ;
            if count == 0 || (single && count != 1) {
                return Err(Rejected::AttributeValues { oid, count });
            }
        }
        Ok(())
    }
}

fn repeated(oids: impl Iterator<Item = ObjectIdentifier>) -> Option<ObjectIdentifier> {
    let mut seen = BTreeSet::new();
    oids.into_iter().find(|oid| !seen.insert(*oid))
}

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// At least 65537: more than two bytes, since `KeyAlgorithm` has seen that it is odd and 65536 is not.
fn exponent_is_large(key: &SubjectPublicKeyInfoOwned) -> bool {
    let key = key.subject_public_key.as_bytes().and_then(|key| RsaPublicKey::from_der(key).ok());
    key.is_some_and(|key| key.exponent.as_bytes().len() > 2)
}

#[cfg(test)]
mod tests {
    use der::Encode;

    use super::*;

    #[test]
    fn an_exponent_of_two_bytes_is_small() {
        let der = include_bytes!("../tests/data/rsa-pkcs1-sha256.der");
        let mut key = CertificationRequest::from_der(der).unwrap().public_key().clone();
        assert!(exponent_is_large(&key));
        for (exponent, large) in [(&[0x01, 0x01][..], false), (&[0xFF, 0xFF], false), (&[0x01, 0x00, 0x01], true)] {
            let bytes = key.subject_public_key.as_bytes().unwrap().to_vec();
            let modulus = RsaPublicKey::from_der(&bytes).unwrap().modulus;
            let changed = RsaPublicKey { modulus, exponent: UintRef::new(exponent).unwrap() }.to_der().unwrap();
            key.subject_public_key = der::asn1::BitString::from_bytes(&changed).unwrap();
            assert_eq!(exponent_is_large(&key), large, "{exponent:02X?}");
        }
    }
}
