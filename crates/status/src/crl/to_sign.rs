use std::{
    io::{self, Write},
    time::SystemTime,
};

use der::{Encode, Tag, asn1::BitStringRef};
use obnova_algorithm::{
    Digest, DigestValue, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError, verify_digest,
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::builder::{BuildError, Entry, header};

/// A CRL that waits for its signature: whoever has the CA's key, a card or an HSM, signs the digest. It knows what stands around the
/// entries and how long they are; the entries are asked for again when it is written.
pub struct CrlToSign<F> {
    pub(super) frame: Frame,
    pub(super) digest: DigestValue,
    pub(super) key: SubjectPublicKeyInfoOwned,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) source: F,
}

impl<F, I> CrlToSign<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item = io::Result<Entry>>,
{
    /// The digest of the TBSCertList: what is signed.
    #[must_use]
    pub const fn digest(&self) -> &DigestValue {
        &self.digest
    }

    /// How to sign.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public key whose private half signs.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.key
    }

    /// How many certificates are in the list.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.frame.entries
    }

    /// Writes the whole CRL as DER, and gives its length in bytes. The signature is checked first.
    ///
    /// # Errors
    /// [`WriteError`]. What was written until then is no CRL: publish a file after it is whole.
    pub fn write(&self, signature: &[u8], out: &mut impl Write) -> Result<u64, WriteError> {
        verify_digest(&self.key, self.algorithm, &self.digest, signature).map_err(BuildError::from)?;
        let mut after = self.algorithm.identifier().to_der()?;
        BitStringRef::from_bytes(signature)?.encode_to_vec(&mut after)?;
        let frame = &self.frame;
        let signed = frame.prefix.len() + frame.length + frame.suffix.len();
        let before = header(Tag::Sequence, signed + after.len())?.to_der()?;
        out.write_all(&before)?;

        let mut hasher = Hasher::new(self.algorithm.digest());
        let mut both = |bytes: &[u8]| {
            hasher.update(bytes);
            out.write_all(bytes)
        };
        both(&frame.prefix)?;
        let mut left = frame.length;
        frame.each(&self.source, |entry| {
            left = left.checked_sub(entry.len()).ok_or(WriteError::Changed)?;
            Ok::<_, WriteError>(both(entry)?)
        })?;
        both(&frame.suffix)?;
        if left != 0 || hasher.finish() != self.digest {
            return Err(WriteError::Changed);
        }
        out.write_all(&after)?;
        Ok((before.len() + signed + after.len()) as u64)
    }

    /// The whole CRL as DER, in memory.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn assemble(&self, signature: &[u8]) -> Result<Vec<u8>, WriteError> {
        let mut der = Vec::new();
        self.write(signature, &mut der)?;
        Ok(der)
    }
}

impl<F> std::fmt::Debug for CrlToSign<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { frame, digest, algorithm, .. } = self;
        f.debug_struct("CrlToSign")
            .field("entries", &frame.entries)
            .field("digest", digest)
            .field("algorithm", algorithm)
            .finish_non_exhaustive()
    }
}

/// The TBSCertList without its entries, and which of these are in it.
pub(super) struct Frame {
    /// From its first byte to the first entry.
    pub(super) prefix: Vec<u8>,
    /// What follows the last entry.
    pub(super) suffix: Vec<u8>,
    /// Certificates that expired before this are left out.
    pub(super) horizon: Option<SystemTime>,
    /// How many entries there are.
    pub(super) entries: usize,
    /// Bytes that they take.
    pub(super) length: usize,
}

impl Frame {
    /// Gives every entry of the list as DER, from one buffer.
    pub(super) fn each<F, I, E>(&self, source: &F, mut give: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E>
    where
        F: Fn() -> I,
        I: IntoIterator<Item = io::Result<Entry>>,
        E: From<BuildError>,
    {
        let mut buffer = Vec::new();
        for entry in source() {
            let entry = entry.map_err(BuildError::from)?;
            let gone = self.horizon.is_some_and(|horizon| entry.expires.is_some_and(|end| end < horizon));
            if !gone {
                entry.write(&mut buffer).map_err(BuildError::from)?;
                give(&buffer)?;
            }
        }
        Ok(())
    }
}

/// A digest over what comes in pieces.
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(super) fn new(digest: Digest) -> Self {
        match digest {
            Digest::Sha256 => Self::Sha256(Sha256::new()),
            Digest::Sha384 => Self::Sha384(Sha384::new()),
            Digest::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    #[allow(clippy::expect_used, reason = "a hash has the length of its function")]
    pub(super) fn finish(self) -> DigestValue {
        let value = match self {
            Self::Sha256(hasher) => DigestValue::from_bytes(Digest::Sha256, &hasher.finalize()),
            Self::Sha384(hasher) => DigestValue::from_bytes(Digest::Sha384, &hasher.finalize()),
            Self::Sha512(hasher) => DigestValue::from_bytes(Digest::Sha512, &hasher.finalize()),
        };
        value.expect("a hash has the length of its function")
    }
}

/// Why a CRL was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It cannot be made, or its entries cannot be read.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The entries were others when the list was prepared, so the signature is not over these.
    #[error("the entries of the CRL changed while it was made: take them from one snapshot, and begin again")]
    Changed,
    /// It could not be written.
    #[error("the CRL cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl From<der::Error> for WriteError {
    fn from(error: der::Error) -> Self {
        Self::Build(error.into())
    }
}

impl From<VerifyError> for WriteError {
    fn from(error: VerifyError) -> Self {
        Self::Build(error.into())
    }
}
