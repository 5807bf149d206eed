use std::time::SystemTime;

use obnova_enroll::{
    cmc::FailInfo,
    est::{Client, Credentials as Basic, EnrollError, Enrollment, EstError, HttpRequest, HttpResponse, Site, Step},
};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{
    Answer, Asked, LinkAnswer, Message, NoticeLink, Order, ParsedCertificate, PickUp, Prepared, Receipt, Standing,
    Terms, Vouching, Wishes,
};
use x509_cert::der::Encode as _;

use super::{attributes, certificates, est_error};
use crate::{
    CaConnection, CaError, Credentials, HttpExchange, Https, Login, LoginExchange, TlsLogin,
    link::renewal,
    standing::{Asking, standing},
};

/// A CA that takes plain EST (RFC 7030 §4.2), for a service of one certificate: `/simpleenroll` with user id and one-time
/// password (HTTP Basic inside TLS) for the first one, `/simplereenroll` over a TLS login with the old one for the next.
/// `/csrattrs` is asked before an order is planned, and shapes it ([`wishes`](CaConnection::wishes)).
///
/// An order is its request, and the same request is sent again until the certificate is there (§4.2.3), also after a crash: who
/// asks has to be said each time. The password is in memory only, so that a program that was stopped asks for it again; it
/// is sent once for each time that the CA is asked, and forgotten when the CA does not take it. A renewal asks with the card. There is no
/// receipt, and no place for a revocation password. A refusal whose text begins with the name of a rule about the key, as our CAs write it
/// (`key-taken: ...`), has the reason noKeyReuse, as by CMC.
#[derive(Debug)]
pub struct SimpleEstConnection<H = Https, L = TlsLogin> {
    https: H,
    login: L,
    site: Site,
    client: Client,
    anchors: Vec<ParsedCertificate>,
    /// What the server gave as its certificates, once it was asked.
    certificates: Option<Vec<ParsedCertificate>>,
    /// Who asks for a first certificate: the client that says so.
    who: Option<Client>,
    /// Servers that did not say whether a certificate is revoked.
    silent: Vec<String>,
}

impl SimpleEstConnection {
    /// At this server, trusting these anchors for TLS and for what the CA issues.
    ///
    /// # Errors
    /// [`CaError::Order`] without an anchor, or when the address is not one.
    pub fn at(server: &str, anchors: Vec<ParsedCertificate>) -> Result<Self, CaError> {
        let https = Https::new(server, crate::tls_config(&anchors)?)?;
        let site = Site::parse(server.trim_end_matches('/')).map_err(|error| CaError::Order(error.to_string()))?;
        let login = TlsLogin::new(server, "/login", anchors.clone());
        Self::new(https, login, site, anchors)
    }
}

impl<H: HttpExchange, L: LoginExchange> SimpleEstConnection<H, L> {
    /// Over these connections to one server, `site`.
    ///
    /// # Errors
    /// [`CaError::Order`] without an anchor.
    pub fn new(https: H, login: L, site: Site, anchors: Vec<ParsedCertificate>) -> Result<Self, CaError> {
        if anchors.is_empty() {
            return Err(CaError::Order("no certificate to trust the issuer by".into()));
        }
        Ok(Self {
            https,
            login,
            site,
            client: Client::new(),
            anchors,
            certificates: None,
            who: None,
            silent: Vec::new(),
        })
    }

    /// For one of several CAs of a server (RFC 7030 §3.2.2).
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.client = self.client.label(label);
        self
    }

    /// The CA's certificates, asked for once.
    fn certificates(&mut self) -> Result<Vec<ParsedCertificate>, CaError> {
        if let Some(known) = &self.certificates {
            return Ok(known.clone());
        }
        let fetched = certificates::fetch(&self.https, &self.client, &self.anchors)?;
        Ok(self.certificates.insert(fetched).clone())
    }

    /// Asks with who asks in the request.
    fn enroll(&mut self, asked: &Asked) -> Result<Answer, CaError> {
        let request = request_of(asked)?;
        let client = self.who.clone().ok_or(CaError::WhoAsks)?;
        let enrollment = Enrollment::enroll(client, self.site.clone(), &request).map_err(enroll_error)?;
        carry_on(enrollment, asked, |http| self.https.exchange(http)).map_err(|error| match error {
            CaError::Server(EstError::Unauthorized) => {
                self.who = None;
                CaError::WrongPassword
            }
            // Whoever this is has nothing to do with the order; another may be asked for.
            CaError::Server(EstError::Forbidden { .. }) => {
                self.who = None;
                error
            }
            error => error,
        })
    }
}

impl<H: HttpExchange, L: LoginExchange> CaConnection for SimpleEstConnection<H, L> {
    fn wishes(&mut self) -> Result<Wishes, CaError> {
        let shape = attributes::shape(&self.https, &self.client)?;
        shape.check_demands().map_err(|error| CaError::Order(error.to_string()))?;
        Ok(attributes::of_keys(Wishes::one_request().over_login(), &shape)
            .with_extensions(shape.extensions().iter().cloned()))
    }

    fn standing(&mut self, certificate: &ParsedCertificate, now: SystemTime) -> Result<Standing, CaError> {
        let given = self.certificates()?;
        let issuers = certificates::issuers(&self.anchors, &given, SystemTime::now());
        let issuer = certificates::issuer_of(certificate, &issuers);
        Ok(standing(certificate, issuer, &Asking::new(&self.https, &mut self.silent), now))
    }

    fn use_link(&mut self, link: &NoticeLink) -> Result<LinkAnswer, CaError> {
        renewal::use_up(&self.https, link)
    }

    fn terms(&mut self) -> Result<Terms, CaError> {
        let intermediates = self.certificates()?;
        Ok(Terms { anchors: self.anchors.clone(), intermediates, vouching: Vouching::Login })
    }

    fn prepare(&mut self, order: &Order) -> Result<Prepared, CaError> {
        match order.requests.as_slice() {
            [_] => Ok(Prepared { context: vec![MARK], to_sign: Vec::new() }),
            _ => Err(CaError::Order("plain EST carries one request, for one certificate".into())),
        }
    }

    fn prepare_first(&mut self, order: &Order, credentials: &Credentials) -> Result<Prepared, CaError> {
        if credentials.revocation_password.is_some() {
            return Err(CaError::Order("plain EST has no place for a revocation password".into()));
        }
        let prepared = self.prepare(order)?;
        self.is_told_who(credentials)?;
        Ok(prepared)
    }

    fn seal(&mut self, order: &Order, prepared: &Prepared, signatures: &[Vec<u8>]) -> Result<Message, CaError> {
        match order.requests.as_slice() {
            [request] if prepared.context == [MARK] && signatures.is_empty() => {
                Ok(Message([&[MARK], request.der.as_slice()].concat()))
            }
            _ => Err(FOREIGN),
        }
    }

    fn send(&mut self, message: &Message) -> Result<Answer, CaError> {
        self.enroll(&Asked::Order(message.clone()))
    }

    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError> {
        self.enroll(&Asked::PickUp(pick_up.clone()))
    }

    fn ask_over_login(&mut self, asked: &Asked, login: &Login<'_>) -> Result<Answer, CaError> {
        let (client, old) = (self.client.clone(), login.certificate.certificate());
        let enrollment = Enrollment::reenroll(client, self.site.clone(), old, &request_of(asked)?);
        let (enrollment, _) = enrollment.map_err(enroll_error)?;
        carry_on(enrollment, asked, |http| self.login.exchange_as(login, http))
    }

    fn asks_who(&self) -> bool {
        self.who.is_none()
    }

    fn is_told_who(&mut self, credentials: &Credentials) -> Result<(), CaError> {
        let basic = Basic::new(credentials.user.clone(), credentials.one_time_password.clone());
        let basic = basic.map_err(|error| CaError::Order(error.to_string()))?;
        self.who = Some(self.client.clone().basic(&self.site, basic));
        Ok(())
    }

    fn acknowledge(&mut self, _: &Receipt) -> Result<(), CaError> {
        Err(FOREIGN)
    }
}

/// Asks until there is an answer, which is at once but for redirects.
fn carry_on(
    mut enrollment: Enrollment,
    asked: &Asked,
    ask: impl Fn(&HttpRequest) -> Result<HttpResponse, CaError>,
) -> Result<Answer, CaError> {
    loop {
        match enrollment.next(SystemTime::now()) {
            Step::Send(http) => {
                let response = ask(&http)?;
                match (enrollment.receive(&response, SystemTime::now()), asked) {
                    // To who asks what came of an order it says that he may not ask, and nothing of the order.
                    (Err(EnrollError::Est(EstError::Forbidden { text })), Asked::Order(_)) => {
                        return Ok(refused(403, text));
                    }
                    (Err(EnrollError::Est(EstError::Refused { status: status @ (400 | 422), text })), _) => {
                        return Ok(refused(status, text));
                    }
                    // Nothing came of it yet, and the moment to ask again is known.
                    (
                        Err(EnrollError::Est(
                            EstError::Unavailable { retry_after: Some(_) }
                            | EstError::TooOften { retry_after: Some(_), .. },
                        )),
                        Asked::PickUp(_),
                    ) => {}
                    (outcome, _) => outcome.map_err(enroll_error)?,
                }
            }
            Step::Wait(until) => {
                // What is fetched by is the request itself, so that nothing takes its place.
                let pick_ups = match asked {
                    Asked::Order(message) => vec![PickUp(message.0.clone())],
                    Asked::PickUp(_) => Vec::new(),
                };
                let retry_after = until.duration_since(SystemTime::now()).unwrap_or_default();
                return Ok(Answer::Pending { pick_ups, retry_after });
            }
            Step::Done(certificate) => {
                let der = certificate.to_der().map_err(|error| CaError::Protocol(error.to_string()))?;
                return Ok(Answer::Issued { certificates: vec![der], receipt: None });
            }
        }
    }
}

/// A rule that the CA holds to, in its words. The same request would be refused again; where the rule is one of its key, so would any
/// other request for that, which is told as CMC tells it.
fn refused(status: u16, text: String) -> Answer {
    let of_key = text.split_once(": ").is_some_and(|(rule, _)| RULES_OF_KEYS.contains(&rule));
    let reason = if of_key { FailInfo::NoKeyReuse.name() } else { format!("HTTP {status}") };
    Answer::Refused { reason, text }
}

/// How our CAs call it that a key is not certified, whatever else is asked for: plain EST has no failInfo.
const RULES_OF_KEYS: [&str; 5] = ["shared-key", "old-key", "key-taken", "key-compromised", "other-user"];

fn request_of(asked: &Asked) -> Result<CertificationRequest, CaError> {
    let bytes = match asked {
        Asked::Order(message) => &message.0,
        Asked::PickUp(pick_up) => &pick_up.0,
    };
    let der = bytes.strip_prefix(&[MARK]).ok_or(FOREIGN)?;
    CertificationRequest::from_der(der).map_err(|_| FOREIGN)
}

/// In front of what this connection writes into the journal.
const MARK: u8 = b'E';
const FOREIGN: CaError = CaError::Foreign("not written by a connection for plain EST");

fn enroll_error(error: EnrollError) -> CaError {
    match error {
        EnrollError::Est(error) => est_error(error),
        EnrollError::Redirect(error) => error.into(),
        EnrollError::OtherKey => CaError::Unvouched,
        error => CaError::Order(error.to_string()),
    }
}
