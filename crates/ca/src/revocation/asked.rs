use std::time::SystemTime;

use der::Encode;
use obnova_enroll::{
    Secret as Password,
    cmc::{self, RevocationRequest, SealedPassphrase},
};
use obnova_status::RevocationReason;
use x509_cert::{Certificate, ext::pkix::CrlReason};

use super::RevocationDesk;
use crate::{
    Ca, CaError, FirstDesk, ReceivedCertificate, Refusal, RevocationPasswords, StoreError,
    order::{alt_name, issued_here},
    store::{CertificateRecord, StatusChange},
};

/// That a holder wants a certificate of his to end.
pub struct AskedRevocation<'a> {
    /// The content of its serial number.
    pub serial: &'a [u8],
    /// Why.
    pub reason: RevocationReason,
    /// The revocation password, which he set when he ordered it.
    pub password: &'a Password,
}

/// For the audit log: how it was known who asks.
const LOGGED_IN: &str = "holder, logged in, by password";
const BY_PASSWORD: &str = "holder, by password alone";
const BY_KEY: &str = "holder, by the certificate's own key";
const BY_KEY_AND_PASSWORD: &str = "holder, by the certificate's own key and by password";

impl Ca {
    /// Ends a certificate, because its holder says so: who is logged in by a TLS client certificate (`peer`, whose signature was
    /// checked) and has the revocation password; or the password alone, where policy says so: then whatever certificate came with
    /// it does no harm.
    ///
    /// # Errors
    /// [`CaError::Refused`] with the rule that is broken: nothing changed.
    pub fn revoke(
        &self,
        asked: &AskedRevocation<'_>,
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<(), CaError> {
        let desk = self.revocations().ok_or(Refusal::NoRevocation)?;
        let logged_in = peer.map_or(Err(Refusal::PasswordAlone.into()), |peer| self.check_own(asked.serial, peer, now));
        let actor = match logged_in {
            Ok(()) => LOGGED_IN,
            // A certificate that says nothing for him takes nothing from him either.
            Err(CaError::Refused(_)) if desk.policy.password_alone => BY_PASSWORD,
            Err(error) => return Err(error),
        };
        desk.allows(asked.reason)?;
        let passwords = self.first().ok_or(Refusal::NoRevocation)?.revocation_passwords();
        match actor {
            LOGGED_IN => passwords.check_logged_in(asked.serial, asked.password, now)?,
            _ => passwords.check(asked.serial, asked.password, now)?,
        }
        let kept = self.certificate(asked.serial)?.ok_or(Refusal::WrongRevocationPassword)?;
        ended(desk.end(&[(kept, asked.reason, actor)], now)?)
    }

    /// Who is logged in by this certificate is the holder of that with this number.
    fn check_own(&self, serial: &[u8], peer: &Certificate, now: SystemTime) -> Result<(), CaError> {
        self.login(peer, now)?;
        let kept = self.certificate(serial)?;
        let own = kept.map(|kept| is_of(&kept, peer)).transpose()?;
        if own == Some(true) { Ok(()) } else { Err(Refusal::NotYours.into()) }
    }

    /// Ends what a CMC message asks for (RFC 5272 §6.11), all of it or nothing. For each certificate its own key has signed, or its
    /// revocation password is there; with that, a key of the same holder has signed too, unless policy lets the password alone
    /// speak. Where policy does not let the own key alone speak, the password has to be right too, of each certificate that has one.
    ///
    /// Since when it should not have been trusted is not taken from a holder, who could deny his signatures by it.
    pub(crate) fn revoke_by_message(&self, request: &RevocationRequest, now: SystemTime) -> Result<(), CaError> {
        let desk = self.revocations().ok_or(Refusal::NoRevocation)?;
        let issuer = self.certificates().next().map(|own| own.certificate.tbs_certificate().subject());
        let mut ending = Vec::with_capacity(request.revocations.len());
        for wanted in &request.revocations {
            let reason = reason_of(wanted.reason).ok_or(Refusal::RevocationReason)?;
            desk.allows(reason)?;
            let kept = self.certificate(wanted.certificate.serial.as_bytes())?;
            let kept = kept.filter(|_| issuer == Some(&wanted.certificate.issuer));
            let own = request.by_holder(wanted).and_then(|own| own.to_der().ok());
            let signed = own.zip(kept.as_ref()).is_some_and(|(own, kept)| issued_here(&own, kept));
            let actor = match signed {
                true if desk.own_key_is_enough(wanted)? => BY_KEY,
                true => self.check_passphrase_too(wanted, now)?,
                false => self.check_passphrase(desk, request, wanted, kept.as_ref(), now)?,
            };
            ending.push((kept.ok_or(Refusal::WrongRevocationPassword)?, reason, actor));
        }
        ended(desk.end(&ending, now)?)
    }

    /// Whether the password speaks for a certificate whose key has not signed.
    fn check_passphrase(
        &self,
        desk: &RevocationDesk,
        request: &RevocationRequest,
        wanted: &cmc::Revocation,
        kept: Option<&CertificateRecord>,
        now: SystemTime,
    ) -> Result<&'static str, CaError> {
        let sealed = wanted.passphrase.as_ref().ok_or(Refusal::NotYours)?;
        let mut same_holder = false;
        for signer in &request.signers {
            let of = kept.map(|kept| is_of(kept, signer)).transpose()?;
            same_holder |= of == Some(true) && self.is_valid(signer, now)?;
        }
        let actor = match same_holder {
            true => LOGGED_IN,
            false if desk.policy.password_alone => BY_PASSWORD,
            false => return Err(Refusal::PasswordAlone.into()),
        };
        let (passwords, password) = self.open_password(sealed, wanted)?;
        let serial = wanted.certificate.serial.as_bytes();
        match same_holder {
            true => passwords.check_logged_in(serial, &password, now)?,
            false => passwords.check(serial, &password, now)?,
        }
        Ok(actor)
    }

    /// Whether the password speaks for a certificate whose key has signed, too. Who has the key is as good as logged in.
    fn check_passphrase_too(&self, wanted: &cmc::Revocation, now: SystemTime) -> Result<&'static str, CaError> {
        let sealed = wanted.passphrase.as_ref().ok_or(Refusal::OwnKeyAlone)?;
        let (passwords, password) = self.open_password(sealed, wanted)?;
        passwords.check_logged_in(wanted.certificate.serial.as_bytes(), &password, now)?;
        Ok(BY_KEY_AND_PASSWORD)
    }

    fn open_password(
        &self,
        sealed: &SealedPassphrase,
        wanted: &cmc::Revocation,
    ) -> Result<(RevocationPasswords<'_>, Password), CaError> {
        let first: &FirstDesk = self.first().ok_or(Refusal::NoRevocation)?;
        Ok((first.revocation_passwords(), first.open_passphrase(sealed, &wanted.certificate)?))
    }

    /// Whether it is a certificate of this CA that speaks for its holder now.
    fn is_valid(&self, certificate: &Certificate, now: SystemTime) -> Result<bool, CaError> {
        match self.check_peer(certificate, now) {
            Ok(_) => Ok(true),
            Err(CaError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl RevocationDesk {
    /// Whether a certificate's own key ends it without a password: policy has it so, or there is none.
    fn own_key_is_enough(&self, wanted: &cmc::Revocation) -> Result<bool, StoreError> {
        Ok(self.policy.own_key_alone || !self.store.has_revocation_password(wanted.certificate.serial.as_bytes())?)
    }

    fn allows(&self, reason: RevocationReason) -> Result<(), Refusal> {
        if self.policy.holder_reasons.contains(&reason) { Ok(()) } else { Err(Refusal::RevocationReason) }
    }
}

/// Whether both are one holder's.
fn is_of(kept: &CertificateRecord, other: &Certificate) -> Result<bool, CaError> {
    let own = ReceivedCertificate::from_der(&kept.der).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let Ok(other) = ReceivedCertificate::try_from(other) else { return Ok(false) };
    Ok(own.subject() == other.subject() && alt_name(&own) == alt_name(&other))
}

fn ended(not: Option<(usize, StatusChange)>) -> Result<(), CaError> {
    match not {
        None => Ok(()),
        Some((_, StatusChange::Revoked(revocation))) => Err(Refusal::RevokedAlready { since: revocation.at }.into()),
        // It was there a moment ago, and nothing leaves.
        Some(_) => Err(Refusal::WrongRevocationPassword.into()),
    }
}

const fn reason_of(reason: CrlReason) -> Option<RevocationReason> {
    Some(match reason {
        CrlReason::Unspecified => RevocationReason::Unspecified,
        CrlReason::KeyCompromise => RevocationReason::KeyCompromise,
        CrlReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        CrlReason::Superseded => RevocationReason::Superseded,
        CrlReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        _ => return None,
    })
}
