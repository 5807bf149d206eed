//! New RSA keys, as FIPS 186-5 wants them, from primes that two threads look for: that takes less than the library's own way.
//!
//! - [`pair`](pair::pair): the search.
//! - [`sieve`]: what has small divisors is not tested.
//! - [`miller_rabin`]: the test.
//! - [`conditions`]: what two primes and the private exponent must fulfil.

mod conditions;
mod miller_rabin;
mod pair;
mod sieve;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use crypto_bigint::{U1024, U1536, Uint};
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PrivateKeyParts;
use rsa::{BoxedUint, RsaPrivateKey};
use zeroize::Zeroizing;

use crate::key_pair::KeyFailure;

/// The public exponent of every key.
const EXPONENT: u32 = 65_537;

/// A new key in PKCS#8. Whoever loads it lets the library check it once more.
///
/// Arithmetic in Rust that is not optimised takes twenty times as long: then the library makes the key.
pub(crate) fn generate(size: KeySize) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    match size {
        KeySize::Rsa2048 if !cfg!(debug_assertions) => rsa_2048(),
        KeySize::Rsa3072 if !cfg!(debug_assertions) => rsa_3072(),
        size => {
            let pair = KeyPair::generate(size).map_err(|_| KeyFailure)?;
            Ok(Zeroizing::new(pair.as_der().map_err(|_| KeyFailure)?.as_ref().to_vec()))
        }
    }
}

fn rsa_2048() -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    // Rounds: table B.1.
    from_primes(pair::pair::<{ U1024::LIMBS }>(5)?)
}

fn rsa_3072() -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    from_primes(pair::pair::<{ U1536::LIMBS }>(4)?)
}

/// The key of two primes, unless it would be a weak one.
fn from_primes<const LIMBS: usize>([p, q]: [Zeroizing<Uint<LIMBS>>; 2]) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    if !(conditions::is_fit(&p) && conditions::is_fit(&q) && conditions::are_far_apart(&p, &q)) {
        return Err(KeyFailure);
    }
    let [p, q] = [BoxedUint::from(&*p), BoxedUint::from(&*q)];
    let key = RsaPrivateKey::from_p_q(p, q, BoxedUint::from(EXPONENT)).map_err(|_| KeyFailure)?;
    if !conditions::is_long::<LIMBS>(key.d().bits()) {
        return Err(KeyFailure);
    }
    let document = key.to_pkcs8_der().map_err(|_| KeyFailure)?;
    Ok(document.to_bytes())
}

#[cfg(test)]
mod tests;
