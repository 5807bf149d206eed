use std::io::Write;
use std::process::{Command, Stdio};

use crypto_bigint::U512;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;

use super::*;

#[test]
fn keys_of_our_primes_are_keys_to_aws_lc_and_to_openssl() {
    for (algorithm, private) in [(KeyAlgorithm::Rsa2048, rsa_2048()), (KeyAlgorithm::Rsa3072, rsa_3072())] {
        let private = private.unwrap();
        let answer = openssl_check(&private);
        assert!(answer.contains("RSA key ok"), "{answer}");
        check_conditions(&private, algorithm.bits());
        let key = crate::key_pair::KeyPair::from_pkcs8(algorithm, private).unwrap();
        let hash = Digest::Sha256.of(b"message");
        let signature = key.sign_pkcs1(&hash).unwrap();
        let spki = key.public().to_spki().unwrap();
        verify_digest(&spki, SignatureAlgorithm::RsaPkcs1(Digest::Sha256), &hash, &signature).unwrap();
    }
}

/// Of the shortest size that OpenSSL takes without a word, since there are many.
#[test]
fn many_keys_fulfil_the_conditions() {
    for _ in 0..24 {
        let private = from_primes(pair::pair::<{ U512::LIMBS }>(7).unwrap()).unwrap();
        check_conditions(&private, 1024);
        let answer = openssl_check(&private);
        assert!(answer.contains("RSA key ok"), "{answer}");
    }
}

/// By the words of FIPS 186-5 A.1.1 and A.1.3, with another arithmetic than that of the search.
fn check_conditions(private: &[u8], bits: u32) {
    let key = RsaPrivateKey::from_pkcs8_der(private).unwrap();
    key.validate().unwrap();
    let [p, q] = key.primes() else { panic!("two primes") };
    let number = |value: &BoxedUint| num_bigint::BigUint::from_bytes_be(&value.to_be_bytes());
    let (n, d, p, q) = (number(key.n().as_ref()), number(key.d()), number(p), number(q));
    assert_eq!((n.bits(), &p * &q), (u64::from(bits), n));
    let half = bits / 2;
    let one = num_bigint::BigUint::from(1_u8);
    let e = num_bigint::BigUint::from(EXPONENT);
    assert!([&p, &q].into_iter().all(|prime| prime.bits() == u64::from(half) && prime * prime >= &one << (bits - 1)));
    assert!([&p, &q].into_iter().all(|prime| (prime - &one) % &e != num_bigint::BigUint::ZERO));
    assert!(if p > q { &p - &q } else { &q - &p } > &one << (half - 100));
    assert!(d > &one << half);
}

/// Checks the primes too, and that the parts belong together.
fn openssl_check(private: &[u8]) -> String {
    let mut openssl = Command::new("openssl")
        .args(["rsa", "-inform", "DER", "-check", "-noout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("openssl cannot be run ({error}): apt-get install openssl"));
    openssl.stdin.take().unwrap().write_all(private).unwrap();
    let output = openssl.wait_with_output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn primes_that_would_make_a_weak_key_are_refused() {
    let key = |p, q| from_primes([p, q].map(|prime| Zeroizing::new(U512::from_be_hex(prime))));
    assert!(key(P, Q).is_ok(), "all is well with these");
    for (q, what) in [
        (NEAR, "the next prime behind the other"),
        (NOT_FAR, "2^412 from the other, but for a few bits"),
        (SHORT, "its second bit is not set"),
        (ONE, "1 modulo the exponent"),
        (P, "the other once more"),
    ] {
        assert_eq!(key(P, q), Err(KeyFailure), "{what}");
        assert_eq!(key(q, P), Err(KeyFailure), "{what}");
    }
    // p - 1 and q - 1 have nearly all in common, so that d is the inverse modulo a short number, and came out at 512 bits.
    assert_eq!(key(COMMON.0, COMMON.1), Err(KeyFailure), "the private exponent is short");
}

const P: &str = concat!(
    "f6f675cc81e74ef5e8e25d940ed904759531985d5d9dc9f81818e811892f902b",
    "d23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b7a7"
);
const Q: &str = concat!(
    "dbf4a8b2b0c4312d20203626f3fe39c0519088f590fbbd119c1caaf75e8766ed",
    "88daf4016b4013ef254b0c4e010c4759482c9cbc43435cc52eae05cf96d0ce71"
);
const NEAR: &str = concat!(
    "f6f675cc81e74ef5e8e25d940ed904759531985d5d9dc9f81818e811892f902b",
    "d23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b8e7"
);
const NOT_FAR: &str = concat!(
    "f6f675cc81e74ef5e8e25d93fed904759531985d5d9dc9f81818e811892f902b",
    "d23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b8cd"
);
const SHORT: &str = concat!(
    "be23b784aba8b9b38185797cdedb9109618177ffd75d6769aa4c5c6015a0cce6",
    "0e2ec40a29ca862d6e4505f5416e99b0e13e213ebdaaea00a01d616f121ae41d"
);
const ONE: &str = concat!(
    "c1393290757f1cba4a227f39047b2c107912ef4aefae5d4e15fa8b65fa6672cd",
    "4fc9e91833020ccd8c90473ee4c717fdfe48ef631e563408c4653cde7c1054e3"
);
const COMMON: (&str, &str) = (
    concat!(
        "cb923f58088c8729718a80c53ad6ef82883f5a6f23af3470653fc94591e4ee30",
        "898c0bf421054631f62dbe338e9dda2a9047fc7d5c572d05c40df35994d06c89"
    ),
    concat!(
        "fe76cf2e0aafa8f3cded20f6898cab632a4f310aec9b018c7e8fbb96f65e29bc",
        "abef0ef1294697be73b92dc0724550b53459fb9cb36cf8473511702ffa0487ab"
    ),
);
