//! The end of a certificate (RFC 5272 §6.11).

use obnova_card::Secret;
use obnova_enroll::{
    Secret as Password,
    cmc::{
        self, Answer, Asked, CertificateId, FailInfo, FullResponse, Nonce, Revocation, RevocationRequestBuilder,
        SealedPassphrase, SignWithError, Signer, ToSign, TransactionId,
    },
};
use obnova_renewal::ParsedCertificate;
use x509_cert::ext::pkix::CrlReason;

use super::{EstConnection, Reply, Thread, certificates, random};
use crate::{CaError, HttpExchange, RevocationError};

/// What the CA says of it, with its signature.
pub(crate) enum Said {
    Done,
    No { reason: FailInfo, text: String },
    Undecided,
}

/// Whose signature speaks, and how it is made.
type Signing<'a> = (Signer, &'a mut dyn FnMut(&ToSign) -> Result<Vec<u8>, RevocationError>);

impl<H: HttpExchange> EstConnection<H> {
    /// The way to the CA's own server.
    pub(crate) const fn https(&self) -> &H {
        &self.https
    }

    /// The CA that issued this certificate, when it is this one.
    pub(crate) fn issuer_of(&mut self, certificate: &ParsedCertificate) -> Result<Option<ParsedCertificate>, CaError> {
        Ok(certificates::issuer_of(certificate, &self.issuers()?).cloned())
    }

    /// The CA that issues holders' certificates: it stands above no other one.
    pub(crate) fn only_issuer(&mut self) -> Result<ParsedCertificate, CaError> {
        let all = self.issuers()?;
        let is_above = |ca: &ParsedCertificate, other: &ParsedCertificate| {
            ca.subject() == other.issuer() && ca.subject() != other.subject()
        };
        let mut lowest = all.iter().filter(|ca| !all.iter().any(|other| is_above(ca, other)));
        match (lowest.next(), lowest.next()) {
            (Some(one), None) => Ok(one.clone()),
            _ => {
                Err(CaError::Order("it has several issuing certificates, and a number alone does not say whose".into()))
            }
        }
    }

    /// The CA's certificates that lead up to an anchor now, each once.
    fn issuers(&mut self) -> Result<Vec<ParsedCertificate>, CaError> {
        let given = self.certificates()?;
        Ok(certificates::issuers(&self.anchors, &given, std::time::SystemTime::now()))
    }

    /// Asks for the end of a certificate. The password travels in an envelope that only the CA opens.
    pub(crate) fn revoke(
        &mut self,
        certificate: &CertificateId,
        reason: CrlReason,
        password: Option<&Secret>,
        signing: Option<Signing<'_>>,
    ) -> Result<Said, RevocationError> {
        let order = |error: &dyn std::fmt::Display| CaError::Order(error.to_string());
        let mut wanted = Revocation::new(certificate.clone(), reason);
        if let Some(password) = password {
            let password = Password::from_bytes(password.expose()).map_err(|error| order(&error))?;
            let recipient = self.encryption_certificate()?;
            let sealed = SealedPassphrase::seal(&password, certificate, &recipient).map_err(|error| order(&error))?;
            wanted = wanted.passphrase(sealed);
        }
        let thread =
            Thread { transaction: TransactionId::from_random(random()?), nonce: Nonce::from_random(random()?) };
        let builder = RevocationRequestBuilder::new(thread.transaction.clone(), thread.nonce.clone()).revoke(wanted);
        let message = match signing {
            None => builder.finalize_unsigned().map_err(|error| order(&error))?,
            Some((signer, sign)) => {
                let to_sign = builder.finalize(&[signer]).map_err(|error| order(&error))?;
                to_sign.sign_with(sign).map_err(|error| match error {
                    SignWithError::Key(error) => error,
                    SignWithError::Build(error) => order(&error).into(),
                })?
            }
        };
        Ok(match self.ask(&message, &thread, Asked::Confirmation)? {
            Reply::Signed(FullResponse { answer: Answer::Confirmed, .. }) => Said::Done,
            Reply::Signed(FullResponse { answer: Answer::Refused { reason, text }, .. }) => Said::No { reason, text },
            Reply::Signed(FullResponse { answer: Answer::Pending { .. }, .. }) | Reply::Later(_) => Said::Undecided,
            Reply::Signed(FullResponse { answer: Answer::Issued { .. }, .. }) => {
                return Err(CaError::Protocol("certificates that were not asked for".into()).into());
            }
            Reply::Unsigned(_) => return Err(CaError::from(cmc::ResponseError::Unsigned).into()),
        })
    }
}
