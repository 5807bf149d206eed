use std::{fs, io, path::Path};

use aws_lc_rs::{
    digest as lc,
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair as _, RSA_PKCS1_SHA256,
    },
};
use der::Decode;
use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

/// A private key of the CA, in memory: RSA or on a NIST curve, kept by aws-lc-rs, which wipes what it gives back. It cannot be
/// shown: there is no `Debug`.
///
/// Signs by RSA PKCS#1 v1.5 with SHA-256 or ECDSA with the digest of the curve's size.
pub struct CaKey {
    pair: Pair,
    algorithm: SignatureAlgorithm,
    public_key: SubjectPublicKeyInfoOwned,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// The longest key file that is read, in bytes; RSA 4096 takes about 2,400.
const MAX_KEY_FILE: u64 = 16 * 1024;

impl CaKey {
    /// Makes a new key. RSA takes tens of milliseconds (2048) to a second (4096).
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`] when the random source fails.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyFileError> {
        let size = match algorithm {
            KeyAlgorithm::P256 => return Self::from_ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
            KeyAlgorithm::P384 => return Self::from_ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?),
            KeyAlgorithm::Rsa2048 => KeySize::Rsa2048,
            KeyAlgorithm::Rsa3072 => KeySize::Rsa3072,
            KeyAlgorithm::Rsa4096 => KeySize::Rsa4096,
        };
        Self::from_rsa(RsaKeyPair::generate(size)?)
    }

    /// Reads a PKCS#8 PrivateKeyInfo (RFC 5208).
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] when it is none, or of a kind that [`KeyAlgorithm`] does not have.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFileError> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::from_rsa(pair);
        }
        let curve = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(algorithm, der);
        let pair = curve(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .or_else(|_| curve(&ECDSA_P384_SHA384_ASN1_SIGNING))
            .map_err(|_| KeyFileError::NotAKey)?;
        Self::from_ecdsa(pair)
    }

    /// The key as PKCS#8, zeroized when dropped.
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        Ok(Zeroizing::new(match &self.pair {
            Pair::Rsa(pair) => pair.as_der()?.as_ref().to_vec(),
            Pair::Ecdsa(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        }))
    }

    /// Reads a key from a file that only its owner can read.
    ///
    /// # Errors
    /// [`KeyFileError`]: among them [`KeyFileError::Readable`] when others could have read the file.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let metadata = fs::metadata(path)?;
        if metadata.len() > MAX_KEY_FILE {
            return Err(KeyFileError::NotAKey);
        }
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyFileError::Readable { mode });
            }
        }
        Self::from_pkcs8(&Zeroizing::new(fs::read(path)?))
    }

    /// Writes the key to a new file with mode 0600, flushed to disk. A file that exists is left alone.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also when the file exists.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        Ok(write_secret(path, &self.to_pkcs8()?)?)
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.public_key
    }

    /// How [`sign`](Self::sign) signs.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Signs `message`, which is hashed here.
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFileError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// Signs what was hashed before, by the digest of [`algorithm`](Self::algorithm).
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`], also for a digest by another function.
    pub fn sign_digest(&self, digest: &DigestValue) -> Result<Vec<u8>, KeyFileError> {
        let hash = match digest.digest() {
            Digest::Sha256 => &lc::SHA256,
            Digest::Sha384 => &lc::SHA384,
            Digest::Sha512 => &lc::SHA512,
        };
        let digest = lc::Digest::import_less_safe(digest.as_bytes(), hash)?;
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign_digest(&digest)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature)?;
                Ok(signature)
            }
        }
    }

    fn from_rsa(pair: RsaKeyPair) -> Result<Self, KeyFileError> {
        let spki = pair.public_key().as_der()?;
        Self::new(Pair::Rsa(pair), spki.as_ref())
    }

    fn from_ecdsa(pair: EcdsaKeyPair) -> Result<Self, KeyFileError> {
        let spki = pair.public_key().as_der()?;
        Self::new(Pair::Ecdsa(pair), spki.as_ref())
    }

    fn new(pair: Pair, spki: &[u8]) -> Result<Self, KeyFileError> {
        let public_key = SubjectPublicKeyInfoOwned::from_der(spki).map_err(|_| KeyFileError::NotAKey)?;
        let kind = KeyAlgorithm::try_from(&public_key).map_err(|_| KeyFileError::NotAKey)?;
        Ok(Self { pair, algorithm: SignatureAlgorithm::default_for(kind), public_key })
    }
}

/// Writes a new file that only its owner can read, and flushes it to disk.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()
}

/// Reads a secret of 32 bytes to where it will stay: a buffer that grows, and a value that is moved, would leave copies behind.
pub(crate) fn read_secret(path: &Path, secret: &mut [u8; 32]) -> io::Result<()> {
    let mut file = fs::File::open(path)?;
    let read = io::Read::read_exact(&mut file, secret).and_then(|()| io::Read::read(&mut file, &mut [0]));
    match read {
        Ok(0) => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Err(io::Error::other("a secret has 32 bytes")),
    }
}

/// Why a key cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file cannot be used: {0}")]
    Io(#[from] io::Error),
    /// Others than the owner may read the file, so the key may be known.
    #[error(
        "the key file has mode {mode:o}, others may have read it: make new keys, or chmod 600 if you know that nobody did"
    )]
    Readable {
        /// Permission bits.
        mode: u32,
    },
    /// Not a PKCS#8 key of a kind that is supported.
    #[error("not a PKCS#8 private key (RSA 2048 to 4096, P-256 or P-384)")]
    NotAKey,
    /// The cryptographic library refused.
    #[error("the cryptographic library failed to use the key")]
    Crypto,
}

impl From<aws_lc_rs::error::Unspecified> for KeyFileError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_the_file_is_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
            let path = directory.path().join(format!("{}.key", algorithm.bits()));
            let key = CaKey::generate(algorithm).unwrap();
            key.save(&path).unwrap();
            assert!(key.save(&path).is_err(), "an existing key file must not be overwritten");
            let loaded = CaKey::load(&path).unwrap();
            assert_eq!(loaded.public_key(), key.public_key());
            let signature = loaded.sign(b"message").unwrap();
            obnova_algorithm::verify(key.public_key(), key.algorithm(), b"message", &signature).unwrap();
            let signature = loaded.sign_digest(&key.algorithm().digest().of(b"message")).unwrap();
            obnova_algorithm::verify(key.public_key(), key.algorithm(), b"message", &signature).unwrap();
            assert!(loaded.sign_digest(&Digest::Sha512.of(b"message")).is_err());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
                fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
                assert!(matches!(CaKey::load(&path), Err(KeyFileError::Readable { mode: 0o640 })));
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = CaKey::generate(KeyAlgorithm::P256).unwrap().to_pkcs8().unwrap();
        for length in 0..good.len() {
            assert!(matches!(CaKey::from_pkcs8(&good[..length]), Err(KeyFileError::NotAKey)));
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endless");
        write_secret(&path, &vec![0x30; MAX_KEY_FILE as usize + 1]).unwrap();
        assert!(matches!(CaKey::load(&path), Err(KeyFileError::NotAKey)));
    }

    #[test]
    fn a_key_cannot_be_shown_copied_or_compared_and_leaves_wiped() {
        static_assertions::assert_not_impl_any!(CaKey: std::fmt::Debug, std::fmt::Display, Clone, PartialEq);
        static_assertions::assert_not_impl_any!(Pair: std::fmt::Debug, Clone, PartialEq);
        fn wiped(_: &impl zeroize::ZeroizeOnDrop) {}
        wiped(&CaKey::generate(KeyAlgorithm::P256).unwrap().to_pkcs8().unwrap());
    }
}
