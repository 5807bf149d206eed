//! RSASP1 (RFC 8017 §5.2.1) over blocks that the host has padded: PSS as OpenSC's MyEID driver sends it, old hashes. The
//! fast library refuses raw blocks; this one takes them, and is used for nothing else.

use aws_lc_rs::rand;
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPrivateKey};

use crate::key_pair::KeyFailure;

/// Signs a block of the modulus's length with a key in PKCS#8.
pub(crate) fn sign(private: &[u8], block: &[u8]) -> Result<Vec<u8>, KeyFailure> {
    let key = RsaPrivateKey::from_pkcs8_der(private).map_err(|_| KeyFailure)?;
    let block = BoxedUint::from_be_slice(block, key.n_bits_precision()).map_err(|_| KeyFailure)?;
    let signature = rsa_decrypt_and_check(&key, Some(&mut Random), &block).map_err(|_| KeyFailure)?;
    let bytes = signature.to_be_bytes();
    let start = bytes.len().checked_sub(key.size()).ok_or(KeyFailure)?;
    Ok(bytes[start..].to_vec())
}

/// The random numbers that blind the computation.
struct Random;

impl TryRng for Random {
    type Error = RandomFailed;

    fn try_next_u32(&mut self) -> Result<u32, RandomFailed> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomFailed> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomFailed> {
        rand::fill(bytes).map_err(|_| RandomFailed)
    }
}

impl TryCryptoRng for Random {}

#[derive(Debug, thiserror::Error)]
#[error("no random numbers")]
struct RandomFailed;
