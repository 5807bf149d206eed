use std::{cell::RefCell, time::SystemTime};

use obnova_enroll::est::{HttpRequest, HttpResponse};
use obnova_renewal::{ParsedCertificate, Standing};
use obnova_status::Status;

use super::{StatusExchange, first_believed};
use crate::{CaError, HttpExchange, revocation::Subject};

/// What everybody is told of a certificate that is to be renewed. `issuer` is the CA that issued it, where it is known.
pub(crate) fn standing<H: HttpExchange>(
    certificate: &ParsedCertificate,
    issuer: Option<&ParsedCertificate>,
    asking: &Asking<'_, H>,
    now: SystemTime,
) -> Standing {
    let unknown = |problems: String| Standing::Unknown { problems };
    let Some(issuer) = issuer else {
        return unknown("its issuer is none of those that the server names".into());
    };
    let subject = match Subject::new("", Some(certificate), issuer) {
        Ok(subject) => subject,
        Err(error) => return unknown(error.to_string()),
    };
    let told = first_believed(&subject, asking, asking, now, |place, by, status| {
        let place = place.name();
        Ok(match status {
            Status::Good => Standing::Good { by: by.to_string(), place },
            Status::NeverIssued => Standing::NeverIssued { place },
            Status::Revoked(revoked) if revoked.is_hold() => Standing::OnHold { since: revoked.at, place },
            Status::Revoked(revoked) => {
                Standing::Revoked { since: revoked.at, reason: revoked.reason.to_string(), place }
            }
        })
    });
    told.unwrap_or_else(|problems| unknown(problems.to_string()))
}

/// Who is asked, each as long as it answers: a server that was silent once is not waited for again, whatever else it could be asked.
pub(crate) struct Asking<'a, H> {
    own: &'a H,
    /// Servers that did not answer; the CA's own has no name here.
    silent: RefCell<&'a mut Vec<String>>,
}

impl<'a, H> Asking<'a, H> {
    /// The CA's own server and whom it reaches beside it, without those that were silent before.
    pub(crate) const fn new(own: &'a H, silent: &'a mut Vec<String>) -> Self {
        Self { own, silent: RefCell::new(silent) }
    }

    fn unless_silent(
        &self,
        server: &str,
        ask: impl FnOnce() -> Result<HttpResponse, CaError>,
    ) -> Result<HttpResponse, CaError> {
        if self.silent.borrow().iter().any(|one| one == server) {
            let problem = "it did not answer before".into();
            return Err(CaError::Unreachable { server: server.to_owned(), problem });
        }
        let answer = ask();
        if let Err(CaError::Timeout { .. } | CaError::Unreachable { .. }) = &answer {
            self.silent.borrow_mut().push(server.to_owned());
        }
        answer
    }
}

impl<H: HttpExchange> HttpExchange for Asking<'_, H> {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.unless_silent("", || self.own.exchange_shortly(request))
    }
}

impl<H: HttpExchange> StatusExchange for Asking<'_, H> {
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.unless_silent(server, || self.own.exchange_elsewhere(server, request))
    }
}

#[cfg(test)]
mod tests {
    use obnova_enroll::est::{Headers, Method};

    use super::*;

    /// A server that would be waited for as long as for an order.
    struct Slow;

    impl HttpExchange for Slow {
        fn exchange(&self, _: &HttpRequest) -> Result<HttpResponse, CaError> {
            panic!("it is waited for as long as for an order")
        }

        fn exchange_shortly(&self, _: &HttpRequest) -> Result<HttpResponse, CaError> {
            Err(CaError::Timeout { server: "https://ca.example".into() })
        }
    }

    #[test]
    fn the_cas_own_server_is_waited_for_no_longer_than_others_and_once() {
        let mut silent = Vec::new();
        let body = Vec::new();
        let request = HttpRequest { method: Method::Post, path: "/ocsp".into(), headers: Headers::default(), body };
        let asking = Asking::new(&Slow, &mut silent);
        assert!(matches!(HttpExchange::exchange(&asking, &request), Err(CaError::Timeout { .. })));
        assert!(matches!(HttpExchange::exchange(&asking, &request), Err(CaError::Unreachable { .. })));
    }
}
