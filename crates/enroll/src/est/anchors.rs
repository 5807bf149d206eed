//! Whom an EST client believes (RFC 7030 §3.6): explicit trust anchors, of the CA itself. The hundred of the web are not
//! asked: one of them could speak for any CA.
//!
//! How it begins (§4.1.1): either the anchors come with the configuration ([`TrustAnchors::explicit`]), or the CA's
//! certificates are fetched once over a connection that proves nothing yet, and the holder compares a fingerprint with what
//! he got on paper ([`Unconfirmed`]). Until he has, no password and no request is sent: there is nothing to build a
//! connection on. From then on each `/cacerts` answer that came over a connection under the anchors may bring the next ones
//! ([`TrustAnchors::follow`]).

use der::Encode;
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use subtle::ConstantTimeEq;
use x509_cert::{Certificate, ext::pkix::BasicConstraints};

/// Certificates of CAs that are believed, for what carries requests to be set up with. At least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchors(Vec<Certificate>);

impl TrustAnchors {
    /// As they were configured.
    ///
    /// # Errors
    /// [`AnchorError`] when there is none, or one is no CA's.
    pub fn explicit(certificates: Vec<Certificate>) -> Result<Self, AnchorError> {
        if certificates.is_empty() {
            return Err(AnchorError::None);
        }
        if !certificates.iter().all(is_ca) {
            return Err(AnchorError::NotACa);
        }
        Ok(Self(certificates))
    }

    /// The anchors.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }

    /// The anchors after a `/cacerts` answer that came over a connection under these (RFC 7030 §4.1.3, RFC 9810 §4.4.1): the
    /// same, and each new root in it that an old one vouches for by a certificate over the new key ("new with old"). An old
    /// one stays until the configuration drops it; that it is in the answer no more takes nothing away.
    ///
    /// Validity is not looked at (there is no clock here).
    #[must_use]
    pub fn follow(&self, received: &[Certificate]) -> Self {
        let mut anchors = self.0.clone();
        for root in received.iter().filter(|one| is_ca(one) && is_self_issued(one)) {
            let key = root.tbs_certificate().subject_public_key_info();
            let new_with_old = |link: &Certificate| {
                let tbs = link.tbs_certificate();
                let about_it =
                    tbs.subject_public_key_info() == key && tbs.subject() == root.tbs_certificate().subject();
                about_it && is_ca(link) && self.0.iter().any(|old| is_issued_by(link, old))
            };
            if is_signed_by(root, key) && !anchors.contains(root) && received.iter().any(new_with_old) {
                anchors.push(root.clone());
            }
        }
        Self(anchors)
    }
}

/// What `/cacerts` brought over a connection that proves nothing (RFC 7030 §4.1.1). It is believed in nothing before the
/// holder has compared a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed(Vec<Certificate>);

impl Unconfirmed {
    /// The roots among what [`cacerts_response`](super::Client::cacerts_response) read.
    ///
    /// # Errors
    /// [`AnchorError::None`] when there is no root that signed itself.
    pub fn new(received: Vec<Certificate>) -> Result<Self, AnchorError> {
        let own = |one: &Certificate| is_signed_by(one, one.tbs_certificate().subject_public_key_info());
        let roots = received.into_iter().filter(|one| is_ca(one) && is_self_issued(one) && own(one));
        match roots.collect::<Vec<_>>() {
            roots if roots.is_empty() => Err(AnchorError::None),
            roots => Ok(Self(roots)),
        }
    }

    /// The roots with their fingerprints (SHA-256 of the certificate), to be shown.
    ///
    /// # Errors
    /// [`AnchorError::Encode`].
    pub fn fingerprints(&self) -> Result<Vec<(&Certificate, [u8; 32])>, AnchorError> {
        self.0.iter().map(|root| Ok((root, fingerprint(root)?))).collect()
    }

    /// The root whose fingerprint the holder has from elsewhere, as the one anchor.
    ///
    /// # Errors
    /// [`AnchorError::OtherFingerprint`] when there is none: whoever answered was not the CA.
    pub fn confirm(self, known: &[u8; 32]) -> Result<TrustAnchors, AnchorError> {
        for root in self.0 {
            if fingerprint(&root)?.ct_eq(known).into() {
                return Ok(TrustAnchors(vec![root]));
            }
        }
        Err(AnchorError::OtherFingerprint)
    }
}

fn fingerprint(certificate: &Certificate) -> Result<[u8; 32], AnchorError> {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(Digest::Sha256.of(&certificate.to_der()?).as_bytes());
    Ok(fingerprint)
}

fn is_ca(certificate: &Certificate) -> bool {
    let constraints = certificate.tbs_certificate().get_extension::<BasicConstraints>();
    matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
}

fn is_self_issued(certificate: &Certificate) -> bool {
    certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
}

fn is_issued_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let issuer = issuer.tbs_certificate();
    certificate.tbs_certificate().issuer() == issuer.subject()
        && is_signed_by(certificate, issuer.subject_public_key_info())
}

fn is_signed_by(certificate: &Certificate, key: &SubjectPublicKeyInfoOwned) -> bool {
    let tbs = certificate.tbs_certificate();
    let parts = (SignatureAlgorithm::try_from(tbs.signature()), tbs.to_der(), certificate.signature().as_bytes());
    let (Ok(algorithm), Ok(signed), Some(signature)) = parts else { return false };
    certificate.signature_algorithm() == tbs.signature()
        && obnova_algorithm::verify(key, algorithm, &signed, signature).is_ok()
}

/// Why certificates are no trust anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// There is none.
    #[error("there is no certificate to believe: name the CA's")]
    None,
    /// One is not a CA's.
    #[error("a certificate that should be believed is no CA's")]
    NotACa,
    /// None has the fingerprint that the holder has from elsewhere.
    #[error("no certificate that came has this fingerprint: whoever answered was not the CA, or it was mistyped")]
    OtherFingerprint,
    /// A certificate cannot be written as DER.
    #[error("a certificate cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}
