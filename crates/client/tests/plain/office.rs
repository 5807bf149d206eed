//! A CA that takes plain EST, inside the process.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_card::KeyRole;
use obnova_client::{
    CaError, HttpExchange, Login, LoginExchange, LoginProof as _,
    enroll::est::{
        BasicError, Channel, Credentials, CsrAttributes, HttpRequest, HttpResponse, Server, SimpleOperation,
        reenrollment,
    },
};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::ParsedCertificate;

use super::{
    common::{
        Door,
        support::{Draft, House},
    },
    mortal::Mortal,
};

pub const USER: &str = "jana.novakova";
pub const ONE_TIME_PASSWORD: &str = "MZXW6-YTB05-FA2RC-9QDSZ";

/// What is answered in place of the truth.
pub enum Lie {
    /// To a request for what a request has to be like.
    Attributes(fn() -> HttpResponse),
    /// To an order.
    Order(fn(&Office, &CertificationRequest) -> HttpResponse),
}

/// Knows one user; certifies what is asked for at the second time that it is asked for. The same request again is the same
/// order, and the password is good for one.
pub struct Office {
    pub house: House,
    pub life: RefCell<Mortal>,
    pub lie: RefCell<Option<Lie>>,
    /// How often a password came, and how often a card logged in.
    pub passwords: Cell<usize>,
    pub logins: Cell<usize>,
    known: RefCell<Vec<(Vec<u8>, Option<ParsedCertificate>)>>,
}

impl Office {
    pub fn new() -> Self {
        Self {
            house: House::new("CN=Root"),
            life: RefCell::default(),
            lie: RefCell::default(),
            passwords: Cell::default(),
            logins: Cell::default(),
            known: RefCell::default(),
        }
    }

    pub fn anchors(&self) -> Vec<ParsedCertificate> {
        vec![self.house.root.clone()]
    }

    pub fn orders(&self) -> usize {
        self.known.borrow().len()
    }

    /// A certificate as it should be, but for this.
    pub fn issue(&self, request: &CertificationRequest, change: impl FnOnce(&mut Draft)) -> HttpResponse {
        let mut draft = Draft::new(KeyRole::Authentication, request.public_key().clone());
        change(&mut draft);
        Server::new().issued(self.house.issue(&draft).certificate()).unwrap()
    }

    fn place(&self, request: &CertificationRequest, once: bool) -> HttpResponse {
        if let Some(Lie::Order(lie)) = &*self.lie.borrow() {
            return lie(self, request);
        }
        let mut known = self.known.borrow_mut();
        let (server, is_used) = (Server::new(), once && !known.is_empty());
        match known.iter_mut().find(|(der, _)| der == request.der()) {
            Some((_, certificate)) => {
                let made = || self.house.issue(&Draft::new(KeyRole::Authentication, request.public_key().clone()));
                server.issued(certificate.get_or_insert_with(made).certificate()).unwrap()
            }
            None if is_used => server.refused(true, "password-used: it was used"),
            None => {
                request.verify().unwrap();
                known.push((request.der().to_vec(), None));
                server.retry_after(Duration::from_secs(1))
            }
        }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let server = Server::new();
        match server.route_simple(request) {
            Err(_) => server.cacerts(&[self.house.root.certificate().clone()]).unwrap(),
            Ok(SimpleOperation::CsrAttrs) => match &*self.lie.borrow() {
                Some(Lie::Attributes(lie)) => lie(),
                _ => {
                    let attributes = CsrAttributes::new().key(KeyAlgorithm::P256).unwrap();
                    let signature = SignatureAlgorithm::default_for(KeyAlgorithm::P256);
                    server.csrattrs(&attributes.signature(signature)).unwrap()
                }
            },
            Ok(SimpleOperation::Enroll(wanted)) => match Credentials::of(request, Channel::Tls) {
                Err(error) => error.response("here"),
                Ok(who) => {
                    self.passwords.set(self.passwords.get() + 1);
                    let right =
                        who.user().as_str() == USER && who.password().as_bytes() == ONE_TIME_PASSWORD.as_bytes();
                    if right { self.place(&wanted, true) } else { BasicError::Absent.response("here") }
                }
            },
            Ok(SimpleOperation::Reenroll(_)) => BasicError::Absent.response("here"),
        }
    }

    fn lives<T>(&self, request: &HttpRequest, act: impl FnOnce() -> T) -> Result<T, CaError> {
        let life = self.life.borrow().clone();
        let died = |_| CaError::Unreachable { server: "office".into(), problem: "the program ended".into() };
        life.effect(&format!("HTTP {}", request.path), act).map_err(died)
    }
}

impl HttpExchange for &Office {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.lives(request, || self.answer(request))
    }
}

impl LoginExchange for &Office {
    fn exchange_as(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        assert!(request.headers.get("Authorization").is_none(), "the card says who asks");
        self.lives(request, || {
            Door.login(login)?;
            self.logins.set(self.logins.get() + 1);
            let Ok(SimpleOperation::Reenroll(wanted)) = Server::new().route_simple(request) else {
                panic!("{} over a login", request.path);
            };
            reenrollment(login.certificate.certificate(), &wanted).unwrap();
            Ok(self.place(&wanted, false))
        })?
    }
}
