//! A CA that gives first certificates, inside the process: what it is asked comes as HTTP, what it answers goes as HTTP.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, SystemTime},
};

use const_oid::ObjectIdentifier;
use obnova_algorithm::{Digest, KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::{CaKey, Issuer};
use obnova_card::KeyRole;
use obnova_client::{
    CaError, HttpExchange,
    enroll::{
        Secret,
        cmc::{
            Answer, FailInfo, FirstRequest, FullRequest, FullResponseBuilder, Kind, Nonce, PendToken, ProofKey,
            Received, SealedPassword, Signer, UserId,
        },
        envelope::OpeningKey,
        est::{HttpRequest, HttpResponse, Operation, Server},
    },
};
use obnova_renewal::ParsedCertificate;
use x509_cert::{
    Certificate,
    der::flagset::FlagSet,
    ext::pkix::{KeyUsages, SubjectKeyIdentifier},
};

use super::common::support::{Draft, House, days, name};

pub const USER: &str = "jana.novakova";
pub const ONE_TIME_PASSWORD: &str = "MZXW6YTBOI5FA2LC";
pub const REVOCATION_PASSWORD: &str = "the plums are in the cellar";

/// Knows one user, and certifies what he asks for at the first pick-up.
pub struct Desk {
    house: House,
    encryption: (CaKey, Certificate),
    kept: ProofKey,
    down: Cell<bool>,
    order: RefCell<Option<Vec<SubjectPublicKeyInfoOwned>>>,
    sealed: RefCell<Option<SealedPassword>>,
    orders: Cell<usize>,
    confirmed: Cell<usize>,
}

impl Desk {
    pub fn new() -> Self {
        let (from, until) = (now() - days(400), now() + days(4_000));
        let issuer = Issuer::self_signed(CaKey::generate(KeyAlgorithm::P256).unwrap(), &name("CN=Root"), from, until);
        let issuer = issuer.unwrap();
        let root = ParsedCertificate::from_der(&issuer.certificate().der).unwrap();
        let house = House { key: CaKey::from_pkcs8(&issuer.key().to_pkcs8().unwrap()).unwrap(), root };
        let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let mut draft = Draft::new(KeyRole::Authentication, key.public_key().clone());
        (draft.from, draft.until, draft.subject) = (from, until, name("CN=For encryption"));
        draft.usage = Some(FlagSet::from(KeyUsages::KeyAgreement));
        draft.extended = vec![ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.27")];
        let encryption = (key, house.issue(&draft).certificate().clone());
        let password = Secret::from_bytes(ONE_TIME_PASSWORD.as_bytes()).unwrap();
        Self {
            house,
            encryption,
            kept: ProofKey::derive(Digest::Sha256, &password, &UserId::new(USER).unwrap()),
            down: Cell::new(false),
            order: RefCell::default(),
            sealed: RefCell::default(),
            orders: Cell::new(0),
            confirmed: Cell::new(0),
        }
    }

    pub fn anchors(&self) -> Vec<ParsedCertificate> {
        vec![self.house.root.clone()]
    }

    pub fn is_down(&self, down: bool) {
        self.down.set(down);
    }

    pub fn orders(&self) -> usize {
        self.orders.get()
    }

    pub fn confirmed(&self) -> usize {
        self.confirmed.get()
    }

    /// What the CA makes of the revocation password that came.
    pub fn revocation_password(&self) -> Option<Vec<u8>> {
        let sealed = self.sealed.borrow();
        let (key, certificate) = &self.encryption;
        let key = OpeningKey::from_pkcs8(&key.to_pkcs8().unwrap(), certificate.clone()).unwrap();
        sealed.as_ref().map(|sealed| sealed.open(&key).unwrap().as_bytes().to_vec())
    }

    fn first(&self, request: &FirstRequest) -> Answer {
        if request.user.as_str() != USER || request.proof.verify(&self.kept).is_err() {
            return Answer::Refused { reason: FailInfo::BadIdentity, text: "who are you?".into() };
        }
        for (_, one) in &request.requests {
            one.verify().unwrap();
            assert!(one.subject().is_empty(), "the CA knows who it is");
            assert!(one.extension::<SubjectKeyIdentifier>().unwrap().is_some());
        }
        self.orders.set(self.orders.get() + 1);
        let keys = request.requests.iter().map(|(_, one)| one.public_key().clone()).collect();
        self.order.replace(Some(keys));
        self.sealed.replace(request.revocation_password.clone());
        Answer::Pending { token: PendToken::from_bytes(&[7; 32]).unwrap(), check_at: now() }
    }

    fn known(&self, request: &FullRequest) -> Answer {
        match &request.kind {
            Kind::QueryPending(_) => {
                let order = self.order.borrow();
                let roles = [KeyRole::Authentication, KeyRole::Signature];
                let certificates = order.iter().flatten().zip(roles).map(|(key, role)| {
                    let mut draft = Draft::new(role, key.clone());
                    (draft.from, draft.until) = (now() - days(1), now() + days(364));
                    self.house.issue(&draft).certificate().clone()
                });
                let chain = vec![self.house.root.certificate().clone()];
                Answer::Issued { certificates: certificates.collect(), chain, confirm: true }
            }
            Kind::ConfirmAcceptance { .. } => {
                self.confirmed.set(self.confirmed.get() + 1);
                Answer::Confirmed
            }
            Kind::Enroll(_) => Answer::Refused { reason: FailInfo::BadRequest, text: "no renewals".into() },
        }
    }
}

impl HttpExchange for &Desk {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        if self.down.get() {
            return Err(CaError::Unreachable { server: "desk".into(), problem: "down".into() });
        }
        let server = Server::new();
        let Operation::FullCmc(message) = server.route(request).unwrap() else {
            let certificates = [self.house.root.certificate().clone(), self.encryption.1.clone()];
            return Ok(server.cacerts(&certificates).unwrap());
        };
        let received = Received::parse(&message).unwrap();
        let answer = match &received {
            Received::First(request) => self.first(request),
            Received::Known(request) => self.known(request),
            Received::Revocation(_) => unreachable!(),
        };
        let builder = FullResponseBuilder::reply_to_any(&received, fresh_nonce());
        let signer =
            Signer { certificate: self.house.root.certificate().clone(), algorithm: self.house.key.algorithm() };
        let signed = builder.finalize(&answer, &signer).unwrap();
        let signed = signed.sign_with(|to_sign| self.house.key.sign(&to_sign.bytes)).unwrap();
        Ok(server.fullcmc(&signed, false))
    }
}

fn fresh_nonce() -> Nonce {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    Nonce::from_random(random)
}

fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
