use std::time::SystemTime;

use const_oid::db::rfc5280::ID_KP_CLIENT_AUTH;
use der::Encode;
use obnova_status::{Revocation, RevocationReason};
use x509_cert::{
    Certificate,
    ext::pkix::{ExtendedKeyUsage, KeyUsage},
};

use super::RevocationDesk;
use crate::{
    Ca, KeyHash, Profile, StatusError,
    issuer::check_signature,
    store::{CertificateRecord, StatusChange},
};

impl RevocationDesk {
    /// An operator ends a certificate that he has as a file. One that `ca` signed for a holder and that its store does not have, as when it was
    /// brought back from a copy, is taken in first, in the same transaction: else no answer and no list could ever name it. Tells whether
    /// it was.
    ///
    /// # Errors
    /// [`StatusError::NotIssuedHere`], and as [`by_operator`](Self::by_operator): nothing changed, and nothing was taken in.
    pub fn certificate_by_operator(
        &self,
        ca: &Ca,
        certificate: &Certificate,
        reason: RevocationReason,
        now: SystemTime,
    ) -> Result<bool, StatusError> {
        let issuer = ca.certificates().next().map(|own| &own.certificate);
        let record = issuer.and_then(|issuer| issued(certificate, issuer)).ok_or(StatusError::NotIssuedHere)?;
        let (store, revocation) = (&self.store, Revocation::new(now, reason));
        match store.revoke_taking_in(record, revocation, self.letters(), now)? {
            (_, StatusChange::Revoked(revocation)) => Err(StatusError::Revoked(revocation)),
            (taken_in, _) => Ok(taken_in),
        }
    }
}

/// A holder's certificate that this issuer signed, as it is kept. Those of its own servers and of its OCSP responder are none.
fn issued(certificate: &Certificate, issuer: &Certificate) -> Option<CertificateRecord> {
    let (tbs, signer) = (certificate.tbs_certificate(), issuer.tbs_certificate());
    if tbs.issuer() != signer.subject() || check_signature(certificate, signer.subject_public_key_info()).is_err() {
        return None;
    }
    let (_, usage) = tbs.get_extension::<KeyUsage>().ok()??;
    let profile = Profile::of(usage)?;
    let extended = tbs.get_extension::<ExtendedKeyUsage>().ok()?.map(|(_, ExtendedKeyUsage(extended))| extended);
    let is_holders = match profile {
        Profile::Authentication => extended.as_deref() == Some(&[ID_KP_CLIENT_AUTH]),
        Profile::Signature => extended.is_none(),
    };
    is_holders.then_some(())?;
    Some(CertificateRecord {
        serial: tbs.serial_number().as_bytes().to_vec(),
        profile,
        key: KeyHash::of(tbs.subject_public_key_info()).ok()?,
        subject: tbs.subject().to_string(),
        not_after: tbs.validity().not_after.to_system_time(),
        der: certificate.to_der().ok()?,
        revoked: false,
    })
}
