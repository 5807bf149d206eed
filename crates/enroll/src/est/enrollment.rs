use std::time::{Duration, SystemTime};

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_pkcs10::CertificationRequest;
use x509_cert::Certificate;

use super::{
    Client, EnrollReply, EstError, HttpRequest, HttpResponse, RedirectError, ReenrollError, Reenrollment, RetryAfter,
    Site, reenrollment,
};
use crate::certs_only;

/// A simple enrollment from the request to the certificate, however long the CA takes: the same request is sent again each
/// time it asks for that (RFC 7030 §4.2.3).
///
/// [`next`](Self::next) says what to do, [`receive`](Self::receive) takes what came. To go on another day, keep the
/// certification request and begin again: the CA knows the same request for the same.
#[derive(Clone, Debug)]
pub struct Enrollment {
    client: Client,
    site: Site,
    key: SubjectPublicKeyInfoOwned,
    /// Where each new try begins.
    first: HttpRequest,
    /// Where this try has been sent on to.
    request: HttpRequest,
    state: State,
    redirects: usize,
}

#[derive(Clone, Debug)]
enum State {
    /// Not before then.
    Ask(Option<SystemTime>),
    Done(Box<Certificate>),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and hand what comes back to [`Enrollment::receive`].
    Send(HttpRequest),
    /// Nothing before this moment.
    Wait(SystemTime),
    /// The certificate for the request's key is there.
    Done(Box<Certificate>),
}

/// The shortest wait between two times the same is asked, whatever the server says.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Enrollment {
    /// For a first certificate.
    ///
    /// # Errors
    /// [`EnrollError::OtherSite`] when the password of `client` is for another site.
    pub fn enroll(client: Client, site: Site, request: &CertificationRequest) -> Result<Self, EnrollError> {
        let http = client.simpleenroll_request(request);
        Self::new(client, site, request, http)
    }

    /// For a certificate in place of `old`, with which the TLS client logs in; and whether it keeps the key.
    ///
    /// # Errors
    /// [`EnrollError::Reenroll`] when the CA would have to refuse the request; [`EnrollError::OtherSite`].
    pub fn reenroll(
        client: Client,
        site: Site,
        old: &Certificate,
        request: &CertificationRequest,
    ) -> Result<(Self, Reenrollment), EnrollError> {
        let kind = reenrollment(old, request)?;
        let http = client.simplereenroll_request(request);
        Ok((Self::new(client, site, request, http)?, kind))
    }

    fn new(client: Client, site: Site, request: &CertificationRequest, http: HttpRequest) -> Result<Self, EnrollError> {
        if !client.is_for(&site) {
            return Err(EnrollError::OtherSite);
        }
        let key = request.public_key().clone();
        Ok(Self { client, site, key, first: http.clone(), request: http, state: State::Ask(None), redirects: 0 })
    }

    /// What to do at `now`.
    #[must_use]
    pub fn next(&self, now: SystemTime) -> Step {
        match &self.state {
            State::Ask(Some(moment)) if *moment > now => Step::Wait(*moment),
            State::Ask(_) => Step::Send(self.request.clone()),
            State::Done(certificate) => Step::Done(certificate.clone()),
        }
    }

    /// Takes the answer that came at `now`. After an error the same request may be sent again, when what was wrong may have
    /// passed ([`EstError::Unavailable`], [`EstError::TooOften`]; not before the moment that the server names); the enrollment is where it was.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub fn receive(&mut self, response: &HttpResponse, now: SystemTime) -> Result<(), EnrollError> {
        if let Some(request) = self.site.redirect(&self.request, response)? {
            self.redirects += 1;
            if self.redirects > Site::MAX_REDIRECTS {
                return Err(RedirectError::Endless.into());
            }
            // A 308 is for good (RFC 9110 §15.4.9), but not when a 307 led to it, which is for this once.
            if response.status == 308 && self.request.path == self.first.path {
                self.first = request.clone();
            }
            self.request = request;
            self.state = State::Ask(None);
            return Ok(());
        }
        let reply = self.client.enroll_response(response);
        if let Err(
            EstError::Unavailable { retry_after: Some(later) } | EstError::TooOften { retry_after: Some(later), .. },
        ) = &reply
        {
            self.wait(*later, now);
        }
        match reply? {
            EnrollReply::RetryAfter(later) => self.wait(later, now),
            EnrollReply::Issued(certificates) => {
                let certificate = certs_only::find_by_key(&certificates, &self.key).ok_or(EnrollError::OtherKey)?;
                self.state = State::Done(Box::new(certificate.clone()));
            }
        }
        Ok(())
    }

    fn wait(&mut self, later: RetryAfter, now: SystemTime) {
        let soonest = now.checked_add(SHORTEST_WAIT).unwrap_or(now);
        self.state = State::Ask(Some(later.moment(now).max(soonest)));
        self.request = self.first.clone();
        self.redirects = 0;
    }
}

/// Why an answer does not bring an enrollment on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrollError {
    /// The answer is none that helps.
    #[error(transparent)]
    Est(#[from] EstError),
    /// The server sends the request somewhere where it does not go.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The password is for another site.
    #[error("the password is for another site than the request")]
    OtherSite,
    /// The request cannot take the place of the old certificate.
    #[error(transparent)]
    Reenroll(#[from] ReenrollError),
    /// Certificates came, and none is for the key that was in the request.
    #[error("the server sent certificates, and none is for the key that was asked for")]
    OtherKey,
}
