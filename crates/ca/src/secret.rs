use std::path::Path;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::{
    KeyFileError,
    key::{read_secret, write_secret},
};

/// 256 random bits in a file of their own, beside the database and not in it.
pub(crate) struct Secret(Box<Zeroizing<[u8; 32]>>);

impl Secret {
    pub fn generate() -> Result<Self, KeyFileError> {
        let mut secret = Self(Box::default());
        aws_lc_rs::rand::fill(secret.0.as_mut_slice())?;
        Ok(secret)
    }

    /// Reads it from its file, which has 32 bytes.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let mut secret = Self(Box::default());
        read_secret(path, &mut secret.0)?;
        Ok(secret)
    }

    /// Writes it to a new file with mode 0600.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        Ok(write_secret(path, self.0.as_slice())?)
    }

    /// What only who has it can compute of `message`.
    pub fn hmac(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()), message)
    }

    /// A secret for one purpose, which says nothing of the others.
    pub fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(self.hmac(purpose).as_ref());
        derived
    }
}

impl zeroize::ZeroizeOnDrop for Secret {}

/// A type of its own for the secret of one purpose, in a file of its own.
macro_rules! in_a_file {
    ($name:ident) => {
        impl $name {
            /// Makes a new one.
            ///
            /// # Errors
            /// [`KeyFileError::Crypto`](crate::KeyFileError::Crypto) when the random source fails.
            pub fn generate() -> Result<Self, $crate::KeyFileError> {
                $crate::secret::Secret::generate().map(Self)
            }

            /// Reads it from its file.
            ///
            /// # Errors
            /// [`KeyFileError::Io`](crate::KeyFileError::Io), also when the file does not have its 32 bytes.
            pub fn load(path: &std::path::Path) -> Result<Self, $crate::KeyFileError> {
                $crate::secret::Secret::load(path).map(Self)
            }

            /// Writes it to a new file with mode 0600.
            ///
            /// # Errors
            /// [`KeyFileError::Io`](crate::KeyFileError::Io), also when the file exists.
            pub fn save(&self, path: &std::path::Path) -> Result<(), $crate::KeyFileError> {
                self.0.save(path)
            }
        }

        impl zeroize::ZeroizeOnDrop for $name {}
    };
}
pub(crate) use in_a_file;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let secret = Secret::generate().unwrap();
        secret.save(&path).unwrap();
        assert!(secret.save(&path).is_err());
        assert_eq!(Secret::load(&path).unwrap().0, secret.0);
        for length in [0, 31, 33] {
            std::fs::write(&path, vec![0; length]).unwrap();
            assert!(Secret::load(&path).is_err(), "{length}");
        }
        assert!(Secret::load(Path::new("/dev/zero")).is_err());
    }

    #[test]
    fn what_is_derived_is_of_its_secret_and_its_purpose_and_wiped() {
        fn wiped(_: &impl zeroize::ZeroizeOnDrop) {}
        let [one, two] = [(), ()].map(|()| Secret::generate().unwrap());
        assert_eq!(one.derive(b"this"), one.derive(b"this"));
        assert_ne!(one.derive(b"this"), one.derive(b"that"));
        assert_ne!(one.derive(b"this"), two.derive(b"this"));
        wiped(&one.derive(b"this"));
        wiped(&*one.0);
        static_assertions::assert_not_impl_any!(Secret: std::fmt::Debug, std::fmt::Display, PartialEq, Clone);
    }
}
