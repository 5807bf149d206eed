use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_status::{
    Authority, AuthorityError, Revocation, SerialNumber,
    crl::{BuildError, CrlBuilder, CrlNumber, Entry, WriteError},
    ocsp::{Answer, AnswerError, CertStatus, ErrorStatus, Responder, ResponderError, Unavailable},
};

use crate::{
    CaKey, IssueError, Issuer, KeyFileError, SqliteStore, StoreError,
    store::{KeptStatus, PageAfter, RevocationRecord, StatusChange},
};

/// What a CA says of its certificates: answers OCSP requests, makes CRLs, out of its store. Every call says what time it is, and may
/// come from any thread. Certificates are ended, and put on hold, by a [`RevocationDesk`](crate::RevocationDesk).
///
/// OCSP answers are signed by a delegated responder (RFC 6960 §4.2.2.2), whose key is made here and never leaves memory, with
/// certificates of a week.
pub struct StatusDesk {
    issuer: Issuer,
    authority: Authority,
    store: SqliteStore,
    on_duty: Mutex<Option<Arc<OnDuty>>>,
}

/// What a desk answers to an OCSP request.
#[derive(Debug)]
pub struct OcspResponse {
    /// The OCSPResponse.
    pub der: Vec<u8>,
    /// It says something of certificates, and is signed; else it is an error, which nobody signs (RFC 6960 §2.3) and no cache may
    /// keep.
    pub is_signed: bool,
    /// What the operator must know: why the desk could not answer.
    pub failure: Option<StatusError>,
}

/// The responder of this week.
struct OnDuty {
    responder: Responder,
    key: CaKey,
    /// When its certificate begins.
    begin: SystemTime,
    relief: SystemTime,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a responder's certificate lives, and when the next one is made.
const DUTY: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a CRL lasts; the next one should be there before.
const CRL_VALIDITY: Duration = DAY;

impl StatusDesk {
    /// A desk for the certificates that `issuer` signed and `store` has.
    ///
    /// # Errors
    /// [`StatusError::Authority`].
    pub fn new(issuer: Issuer, store: SqliteStore) -> Result<Self, StatusError> {
        let authority = Authority::from_der(&issuer.certificate().der)?;
        Ok(Self { issuer, authority, store, on_duty: Mutex::new(None) })
    }

    /// Takes a certificate off hold.
    ///
    /// # Errors
    /// [`StatusError::Unknown`], [`StatusError::NotOnHold`], [`StatusError::Revoked`], [`StatusError::Store`]: nothing
    /// changed.
    pub fn release(&self, serial: &[u8]) -> Result<(), StatusError> {
        changed(self.store.release(serial)?)
    }

    /// The OCSP response to a request, as it came. There always is one for the client; what failed is told beside it.
    pub fn ocsp(&self, request: &[u8], now: SystemTime) -> OcspResponse {
        let refusal = |error: ErrorStatus, failure| OcspResponse {
            der: error.to_der(),
            is_signed: false,
            failure: Some(failure),
        };
        match self.answer(request, now) {
            Ok(response) => response,
            Err(error @ StatusError::Store(_)) => refusal(ErrorStatus::TryLater, error),
            Err(error) => refusal(ErrorStatus::InternalError, error),
        }
    }

    fn answer(&self, request: &[u8], now: SystemTime) -> Result<OcspResponse, StatusError> {
        let on_duty = self.on_duty(now)?;
        let mut failure = None;
        let status = |serial: &SerialNumber| match self.store.status(serial.as_bytes()) {
            Ok(KeptStatus::Good) => Ok(CertStatus::Good),
            Ok(KeptStatus::Revoked(revocation)) => Ok(CertStatus::Revoked(revocation)),
            // The store has holders' certificates and not those of the CA's own servers: nobody is called a forger.
            Ok(KeptStatus::Unknown) => Ok(CertStatus::Unknown),
            Err(error) => {
                failure = Some(error);
                Err(Unavailable)
            }
        };
        let answer = on_duty.responder.answer(request, now, status)?;
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        match answer {
            Answer::ToSign(answer) => {
                let der = answer.assemble(&on_duty.key.sign(answer.bytes())?)?;
                Ok(OcspResponse { der, is_signed: true, failure: None })
            }
            Answer::Error(ErrorStatus::InternalError) => Err(StatusError::OutOfTime),
            Answer::Error(error) => Ok(OcspResponse { der: error.to_der(), is_signed: false, failure: None }),
        }
    }

    /// Makes a CRL and writes it as DER; its number is greater than that of every one that says less, also of those that
    /// other processes make. It is good for a day.
    ///
    /// # Errors
    /// [`StatusError`]. What was written until then is no CRL.
    pub fn crl(&self, now: SystemTime, out: &mut impl Write) -> Result<u64, StatusError> {
        self.store.with_crl(now, |number, page| {
            let builder = CrlBuilder::new(&self.authority, CrlNumber::from(number), now, now + CRL_VALIDITY)
                .algorithm(self.issuer.key().algorithm());
            let to_sign = builder.finalize(|| entries(page))?;
            let signature = self.issuer.key().sign_digest(to_sign.digest())?;
            to_sign.write(&signature, out)?;
            Ok(number)
        })?
    }

    /// [`crl`](Self::crl) for whoever hands it to others himself: [`changes`](Self::changes) counts one more before it is there, so that who
    /// serves CRLs of this store gives out none that has a smaller number afterwards.
    ///
    /// # Errors
    /// [`StatusError`]. What was written until then is no CRL.
    pub fn crl_to_give_away(&self, now: SystemTime, out: &mut impl Write) -> Result<u64, StatusError> {
        let number = self.crl(now, out)?;
        self.store.outdate_crls()?;
        Ok(number)
    }

    /// How often the status of any certificate was changed, by any process, or a CRL was [given away](Self::crl_to_give_away). As long as it
    /// is the same, a CRL that was made since says all there is to say.
    ///
    /// # Errors
    /// [`StatusError::Store`].
    pub fn changes(&self) -> Result<u64, StatusError> {
        Ok(self.store.status_changes()?)
    }

    /// The greatest number that a CRL has; 0 before the first. Another process may have made it.
    ///
    /// # Errors
    /// [`StatusError::Store`].
    pub fn newest_crl(&self) -> Result<u64, StatusError> {
        Ok(self.store.newest_crl()?)
    }

    /// The responder whose certificate is good for some days yet, or a new one.
    fn on_duty(&self, now: SystemTime) -> Result<Arc<OnDuty>, StatusError> {
        let mut on_duty = self.on_duty.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(on_duty) = on_duty.as_ref().filter(|on_duty| (on_duty.begin..on_duty.relief).contains(&now)) {
            return Ok(on_duty.clone());
        }
        let key = CaKey::generate(KeyAlgorithm::P256)?;
        let own = self.issuer.certificate().certificate.tbs_certificate();
        let (begins, ends) = (own.validity().not_before.to_system_time(), own.validity().not_after.to_system_time());
        // For clients whose clocks are behind.
        let begin = (now - DAY).max(begins);
        let end = (now + DUTY).min(ends);
        let certificate = self.issuer.responder_certificate(&key, (begin, end))?;
        let responder = Responder::delegated(self.authority.clone(), &certificate.der)?;
        let fresh = Arc::new(OnDuty { responder, key, begin, relief: (now + DUTY / 2).min(end) });
        *on_duty = Some(fresh.clone());
        Ok(fresh)
    }
}

fn changed(change: StatusChange) -> Result<(), StatusError> {
    match change {
        StatusChange::Done => Ok(()),
        StatusChange::Revoked(revocation) => Err(StatusError::Revoked(revocation)),
        StatusChange::NotOnHold => Err(StatusError::NotOnHold),
        StatusChange::Unknown => Err(StatusError::Unknown),
    }
}

/// All that is revoked, one page after the other.
fn entries<'a>(page: &'a PageAfter<'a>) -> impl Iterator<Item = io::Result<Entry>> + 'a {
    let mut rest = Vec::new().into_iter();
    let mut last: Option<Vec<u8>> = None;
    let mut end = false;
    std::iter::from_fn(move || {
        if rest.len() == 0 && !end {
            match page(last.as_deref()) {
                Ok(records) => {
                    last = records.last().map(|record| record.serial.clone());
                    end = records.is_empty();
                    rest = records.into_iter();
                }
                Err(error) => {
                    end = true;
                    return Some(Err(io::Error::other(error)));
                }
            }
        }
        rest.next().map(entry)
    })
}

fn entry(record: RevocationRecord) -> io::Result<Entry> {
    let serial = SerialNumber::new(&record.serial).map_err(io::Error::other)?;
    Ok(Entry { serial, revocation: record.revocation, expires: Some(record.not_after) })
}

impl std::fmt::Debug for StatusDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusDesk").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why a certificate's status was not changed or not told.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// This CA issued no such certificate.
    #[error(
        "this CA has no certificate with this serial number: look at the number again. What it issued after the backup that it was restored \
         from is revoked by its file"
    )]
    Unknown,
    /// The certificate is none that this CA signed for a holder.
    #[error("this CA signed no such certificate for a holder: revoke it where it was issued")]
    NotIssuedHere,
    /// It is revoked already, or on hold.
    #[error("the certificate is {}", already(.0))]
    Revoked(Revocation),
    /// It is not on hold.
    #[error("the certificate is not on hold: there is nothing to release")]
    NotOnHold,
    /// The CA could not remember, or look.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CA's certificate cannot be used for this.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The responder's certificate was not made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// Nobody would believe the responder.
    #[error(transparent)]
    Responder(#[from] ResponderError),
    /// The clock is outside the validity of the CA's certificate, so that nobody would believe the responder.
    #[error("no certificate of the OCSP responder can be valid now: look at the clock, and at the CA's certificate")]
    OutOfTime,
    /// The answer was not made.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The CRL was not made.
    #[error(transparent)]
    Crl(#[from] WriteError),
    /// A key failed.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

fn already(revocation: &Revocation) -> String {
    match revocation.is_hold() {
        true => "on hold already".to_owned(),
        false => format!("revoked already: {}", revocation.reason),
    }
}

impl From<BuildError> for StatusError {
    fn from(error: BuildError) -> Self {
        Self::Crl(error.into())
    }
}
