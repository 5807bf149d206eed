//! What is asked of every token's answers, and of every order before it goes to a token.

use der::Decode;
use obnova_algorithm::{
    Digest, DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify_digest,
};
use x509_cert::Certificate;

use crate::{InstallCertificate, SignDigest, Slot, SlotId, TokenError};

/// The public key in a certificate; `None` where there is no certificate.
pub(crate) fn certified_key(certificate: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let certificate = Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate().subject_public_key_info().clone())
}

/// Whether two encodings hold one key. Parameters of the algorithm are not compared byte by byte: RSA has them absent or NULL.
pub(crate) fn same_key(one: &SubjectPublicKeyInfoOwned, other: &SubjectPublicKeyInfoOwned) -> bool {
    let kinds = (KeyAlgorithm::try_from(one), KeyAlgorithm::try_from(other));
    matches!(kinds, (Ok(one), Ok(other)) if one == other) && one.subject_public_key == other.subject_public_key
}

/// Every signature algorithm that fits a key; the one to take when nothing else is asked for comes first.
pub(crate) fn algorithms(key: KeyAlgorithm) -> Vec<SignatureAlgorithm> {
    let families = [SignatureAlgorithm::RsaPkcs1, SignatureAlgorithm::RsaPss, SignatureAlgorithm::Ecdsa];
    let all = families.into_iter().flat_map(|family| Digest::ALL.map(family));
    let mut algorithms: Vec<_> = all.filter(|algorithm| algorithm.fits(key)).collect();
    algorithms.sort_by_key(|algorithm| *algorithm != SignatureAlgorithm::default_for(key));
    algorithms
}

/// A new public key must be well-formed and of the kind that was asked for. (That a point is on its curve is not checked
/// here: no signature verifies under one that is not.)
pub(crate) fn check_generated(
    command: &'static str,
    key: &SubjectPublicKeyInfoOwned,
    asked: KeyAlgorithm,
) -> Result<(), TokenError> {
    let found =
        KeyAlgorithm::try_from(key).map_err(|error| TokenError::PublicKey { command, problem: error.into() })?;
    if found == asked { Ok(()) } else { Err(TokenError::OtherKind { command, wanted: asked, found }) }
}

/// A signature is handed out only when it verifies under the slot's public key: a faulty card must not make its holder sign
/// something else, and a faulty RSA signature can give the key away.
pub(crate) fn check_signature(
    command: &'static str,
    key: &SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    digest: &DigestValue,
    signature: &[u8],
) -> Result<(), TokenError> {
    verify_digest(key, algorithm, digest, signature).map_err(|_| TokenError::WrongSignature { command })
}

pub(crate) fn slot(slots: &[Slot], id: SlotId) -> Result<&Slot, TokenError> {
    slots
        .iter()
        .find(|slot| slot.id == id)
        .ok_or(TokenError::Slot { slot: id, problem: "there is no such slot: take one that Token::slots names" })
}

/// A job fits its slot: there is a key, and it can do that.
#[cfg(feature = "pkcs11")]
pub(crate) fn check_job(slots: &[Slot], job: &SignDigest) -> Result<(), TokenError> {
    let key = slot(slots, job.slot)?.key.as_ref();
    let key =
        key.ok_or(TokenError::Slot { slot: job.slot, problem: "there is no key in it: take a slot with a key" })?;
    check_algorithm(job, key.algorithm, key.signs.contains(&job.algorithm))
}

/// A job is one that its key can do, given whether the key signs by the algorithm.
pub(crate) fn check_algorithm(job: &SignDigest, key: KeyAlgorithm, signs: bool) -> Result<(), TokenError> {
    if !signs || job.digest.digest() != job.algorithm.digest() {
        return Err(TokenError::Unsupported {
            what: format!("sign by {} with the {key} key in slot {}", job.algorithm, job.slot),
        });
    }
    Ok(())
}

/// Each certificate is one, fits into the token, and is for the key in its slot; what it supersedes exists.
pub(crate) fn check_install(
    slots: &[Slot],
    jobs: &[InstallCertificate],
    superseded: &[SlotId],
    longest: usize,
) -> Result<(), TokenError> {
    for job in jobs {
        let wrong = |problem| Err(TokenError::Slot { slot: job.slot, problem });
        if job.certificate.len() > longest {
            return wrong("the certificate is longer than the token takes: ask the CA for a shorter one");
        }
        let Some(certified) = certified_key(&job.certificate) else {
            return wrong("what is to be installed is no X.509 certificate: give the DER of one");
        };
        let Some(key) = &slot(slots, job.slot)?.key else {
            return wrong("there is no key in it, so no certificate belongs there: take the slot of its key");
        };
        match &key.public_key {
            Some(public) if same_key(public, &certified) => {}
            Some(_) => return wrong("the certificate is for another key: take the slot of its key"),
            None => {
                return wrong(
                    "the token does not tell its public key, so the certificate cannot be checked: put it there with the token's own software",
                );
            }
        }
    }
    for &id in superseded {
        if slot(slots, id)?.key.is_none() {
            return Err(TokenError::Slot { slot: id, problem: "there is nothing in it that could be superseded" });
        }
    }
    Ok(())
}
