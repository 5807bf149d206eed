//! Who asks for a first certificate: a name that the CA gave out, and a proof that its one-time password is known.

use aws_lc_rs::hmac;
use const_oid::{
    ObjectIdentifier,
    db::rfc6268::{ID_HMAC_WITH_SHA_256, ID_HMAC_WITH_SHA_384, ID_HMAC_WITH_SHA_512},
};
use der::asn1::OctetString;
use obnova_algorithm::{Digest, UnknownAlgorithm, text};
use spki::AlgorithmIdentifierOwned;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{IdError, ids::check_size, syntax::IdentityProofV2};
use crate::Secret;

/// The name under which the CA knows the requester (identification, RFC 5272 §6.2.3). No secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// The longest that is read, in bytes of UTF-8.
    pub const MAX_SIZE: usize = 128;

    /// A name that ends in logs and on terminals: nothing in it is a control character, or one that turns the direction of
    /// writing or begins a line.
    ///
    /// # Errors
    /// [`UserIdError`].
    pub fn new(name: &str) -> Result<Self, UserIdError> {
        check_size(name.as_bytes(), Self::MAX_SIZE)?;
        if name.chars().any(text::is_unseen) {
            return Err(UserIdError::ControlCharacter);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is no [`UserId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserIdError {
    /// Empty or too long.
    #[error("the user id: {0}")]
    Size(#[from] IdError),
    /// A control character is in it, or one that turns the direction of writing or begins a line.
    #[error("the user id has a control character in it")]
    ControlCharacter,
}

/// What proofs of one user are made and checked with: the hash of the one-time password and the user id, one after the
/// other (RFC 5272 §6.2.1, §6.2.3). A CA keeps it, encrypted, in place of the password: it is as good as the password
/// here, so it is a secret without `Debug`, compared in constant time, and wiped when dropped.
///
/// Whoever sees a proof can try passwords on it for as long as he likes, so one-time passwords have at least 80 random
/// bits; they are not what people think up.
#[derive(Clone)]
pub struct ProofKey {
    digest: Digest,
    bytes: Zeroizing<Vec<u8>>,
}

impl ProofKey {
    /// Hashes the password that was handed over.
    #[must_use]
    pub fn derive(digest: Digest, password: &Secret, user: &UserId) -> Self {
        let text = Zeroizing::new([password.as_bytes(), user.0.as_bytes()].concat());
        Self { digest, bytes: digest.of_secret(&text) }
    }

    /// From the bytes of [`as_bytes`](Self::as_bytes), that were kept.
    ///
    /// # Errors
    /// [`ProofError::KeySize`] when they are not as many as the hash has.
    pub fn from_bytes(digest: Digest, bytes: &[u8]) -> Result<Self, ProofError> {
        match bytes.len() {
            size if size == digest.size() => Ok(Self { digest, bytes: Zeroizing::new(bytes.to_vec()) }),
            size => Err(ProofError::KeySize { size, wanted: digest.size() }),
        }
    }

    /// The hash that made it.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The control over a reqSequence, as DER with tag and length.
    pub(super) fn prove(&self, requests: &[u8]) -> der::Result<IdentityProofV2> {
        let (oid, algorithm) = mac(self.digest);
        let witness = hmac::sign(&hmac::Key::new(algorithm, &self.bytes), requests);
        Ok(IdentityProofV2 {
            hash: self.digest.identifier(),
            mac: AlgorithmIdentifierOwned { oid, parameters: None },
            witness: OctetString::new(witness.as_ref())?,
        })
    }
}

impl PartialEq for ProofKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for ProofKey {}

impl ZeroizeOnDrop for ProofKey {}

/// identityProofV2 (RFC 5272 §6.2.1) as received, with the requests that it is about. Nothing is believed before
/// [`verify`](Self::verify) passed.
///
/// The proof covers the certification requests and nothing else, not the transaction and not the nonce: sent again it is as
/// good as the first time. That a password works once, and for one set of keys, is the caller's to see to.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityProof {
    hash: Digest,
    mac: Digest,
    witness: Vec<u8>,
    /// The reqSequence as received, with tag and length.
    requests: Vec<u8>,
}

impl IdentityProof {
    pub(super) fn new(control: &IdentityProofV2, requests: &[u8]) -> Result<Self, UnknownAlgorithm> {
        let mac = Digest::ALL.into_iter().find(|digest| {
            let absent = control.mac.parameters.as_ref().is_none_or(der::asn1::Any::is_null);
            mac(*digest).0 == control.mac.oid && absent
        });
        Ok(Self {
            hash: Digest::try_from(&control.hash)?,
            mac: mac.ok_or(UnknownAlgorithm { oid: control.mac.oid })?,
            witness: control.witness.as_bytes().to_vec(),
            requests: requests.to_vec(),
        })
    }

    /// The hash that the requester made its key with: one that was kept has to be of the same.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// Whether `key` made this proof, over the requests as they were received; compared in constant time.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, key: &ProofKey) -> Result<(), ProofError> {
        if self.hash != key.digest {
            return Err(ProofError::OtherHash { proof: self.hash, key: key.digest });
        }
        let key = hmac::Key::new(mac(self.mac).1, &key.bytes);
        hmac::verify(&key, &self.requests, &self.witness).map_err(|_| ProofError::Wrong)
    }
}

/// Leaves the witness out: passwords can be tried on it.
impl std::fmt::Debug for IdentityProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProof").field("hash", &self.hash).field("mac", &self.mac).finish_non_exhaustive()
    }
}

/// Why an identity is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Another password, another user, or other requests than were proved.
    #[error("the proof of identity is wrong: check the user id and the one-time password")]
    Wrong,
    /// The proof asks for a key that was made with another hash than the one that was kept.
    #[error("the proof of identity is made with {proof:?}, the CA keeps {key:?}")]
    OtherHash {
        /// What the requester used.
        proof: Digest,
        /// What was kept.
        key: Digest,
    },
    /// A kept key of another length than its hash has.
    #[error("a proof key of {size} bytes: it has {wanted}")]
    KeySize {
        /// Bytes it has.
        size: usize,
        /// Bytes it should have.
        wanted: usize,
    },
}

/// HMAC (RFC 2104) over this hash: its name (RFC 4231 §3.1) and what computes it.
const fn mac(digest: Digest) -> (ObjectIdentifier, hmac::Algorithm) {
    match digest {
        Digest::Sha256 => (ID_HMAC_WITH_SHA_256, hmac::HMAC_SHA256),
        Digest::Sha384 => (ID_HMAC_WITH_SHA_384, hmac::HMAC_SHA384),
        Digest::Sha512 => (ID_HMAC_WITH_SHA_512, hmac::HMAC_SHA512),
    }
}

/// The reqSequence of a PKIData as it stands there, with tag and length: what a proof is about.
pub(super) fn request_sequence(pki_data: &[u8]) -> der::Result<&[u8]> {
    use der::{Reader, SliceReader};
    SliceReader::new(pki_data)?.sequence(|fields| {
        fields.tlv_bytes()?;
        let requests = fields.tlv_bytes()?;
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok(requests)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_held_in_what_wipes_them() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&ProofKey::from_bytes(Digest::Sha256, &[1; 32]).unwrap().bytes);
    }
}
