use std::time::SystemTime;

use const_oid::db::rfc6960::ID_PKIX_OCSP_EXTENDED_REVOKE;
use der::{
    Encode,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, Null, OctetString},
};
use obnova_algorithm::{DigestValue, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError, verify};

use super::{
    CertId, CertStatus, Nonce, Responder, response,
    syntax::{self, BasicResponse, ResponderId, ResponseData, RevokedInfo, SingleResponse},
};
use crate::{Revocation, RevocationReason, extensions::extension};

/// An OCSP response that waits for its signature (RFC 6960 §4.2.1): whoever has the key, a card or an HSM, signs the bytes.
#[derive(Clone, Debug)]
pub struct ResponseToSign {
    bytes: Vec<u8>,
    key: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    certificate: Option<Vec<u8>>,
}

impl ResponseToSign {
    /// The DER ResponseData: what is signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of [`bytes`](Self::bytes), for a card that signs digests.
    #[must_use]
    pub fn digest(&self) -> DigestValue {
        self.algorithm.digest().of(&self.bytes)
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

    /// Puts the signature in, and gives the whole OCSP response. The signature is checked first.
    ///
    /// # Errors
    /// [`AnswerError::Signature`] when it is not by the responder's key over these bytes.
    pub fn assemble(&self, signature: &[u8]) -> Result<Vec<u8>, AnswerError> {
        verify(&self.key, self.algorithm, &self.bytes, signature)?;
        let certificate = self.certificate.as_deref().map(AnyRef::try_from).transpose()?;
        let basic = BasicResponse {
            tbs_response_data: AnyRef::try_from(self.bytes.as_slice())?,
            signature_algorithm: self.algorithm.identifier(),
            signature: BitStringRef::from_bytes(signature)?,
            certs: certificate.map(|certificate| vec![certificate]),
        };
        Ok(response::wrap(&basic.to_der()?)?)
    }
}

/// Writes down what is known of each certificate at `now`.
pub(super) fn prepare(
    responder: &Responder,
    statuses: Vec<(CertId, CertStatus)>,
    nonce: Option<&Nonce>,
    now: SystemTime,
) -> Result<ResponseToSign, AnswerError> {
    let end = responder.delegate.as_ref().map(|delegate| delegate.not_after);
    let next = now.checked_add(responder.validity).unwrap_or(now);
    // No answer outlives the certificate that makes it believable.
    let next = GeneralizedTime::from_system_time(end.map_or(next, |end| next.min(end)))?;
    let now = GeneralizedTime::from_system_time(now)?;
    let mut extensions = nonce.map(Nonce::extension).transpose()?.map_or_else(Vec::new, |nonce| vec![nonce]);
    if statuses.iter().any(|(_, status)| *status == CertStatus::NeverIssued) {
        extensions.push(extension(ID_PKIX_OCSP_EXTENDED_REVOKE, false, &Null)?);
    }
    let single = |(cert_id, status): (CertId, CertStatus)| {
        let (cert_status, invalidity) = written(status)?;
        let single_extensions = invalidity.map(|date| vec![date]);
        Ok(SingleResponse { cert_id, cert_status, this_update: now, next_update: Some(next), single_extensions })
    };
    let data = ResponseData {
        version: 0,
        responder_id: ResponderId::ByKey(OctetString::new(responder.key_hash)?),
        produced_at: now,
        responses: statuses.into_iter().map(single).collect::<der::Result<_>>()?,
        response_extensions: (!extensions.is_empty()).then_some(extensions),
    };
    Ok(ResponseToSign {
        bytes: data.to_der()?,
        key: responder.key.clone(),
        algorithm: responder.algorithm,
        certificate: responder.delegate.as_ref().map(|delegate| delegate.certificate.clone()),
    })
}

fn written(status: CertStatus) -> der::Result<(syntax::CertStatus, Option<x509_cert::ext::Extension>)> {
    let revocation = match status {
        CertStatus::Good => return Ok((syntax::CertStatus::Good(Null), None)),
        CertStatus::Unknown => return Ok((syntax::CertStatus::Unknown(Null), None)),
        CertStatus::Revoked(revocation) => revocation,
        // RFC 6960 §2.2: on hold since 1970.
        CertStatus::NeverIssued => Revocation::new(SystemTime::UNIX_EPOCH, RevocationReason::CertificateHold),
    };
    let revoked = RevokedInfo {
        revocation_time: GeneralizedTime::from_system_time(revocation.at)?,
        revocation_reason: revocation.reason.code(),
    };
    Ok((syntax::CertStatus::Revoked(revoked), revocation.invalidity_extension()?))
}

/// Why an answer was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A date cannot be written.
    #[error("the OCSP response cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The signature is not by the responder's key over the answer.
    #[error("the OCSP response was not made: {0}")]
    Signature(#[from] VerifyError),
}
