//! A CA that gives first certificates, inside the process: what it is asked comes as HTTP, what it answers goes as HTTP.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, SystemTime},
};

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
        est::{Headers, HttpRequest, HttpResponse, Operation, Server},
    },
};
use obnova_renewal::ParsedCertificate;
use x509_cert::{
    Certificate,
    der::{Encode as _, flagset::FlagSet},
    ext::pkix::{KeyUsages, SubjectKeyIdentifier},
};

use super::common::support::{Draft, House, days, name};

pub const USER: &str = "jana.novakova";
pub const ONE_TIME_PASSWORD: &str = "MZXW6-YTB05-FA2RC-9QDSZ";
pub const REVOCATION_PASSWORD: &str = "the plums are in the cellar";

/// What a desk says that is not true.
#[derive(Clone, Copy)]
pub enum Lie {
    /// Of a certificate.
    Draft(fn(KeyRole, &mut Draft)),
    /// This one does not come.
    Missing(KeyRole),
    /// Somebody else issued it.
    Stranger,
    /// About whom to encrypt to.
    Encryption(fn(&mut Draft)),
}

/// Knows one user, and certifies what he asks for at the first pick-up. The same message again is the same order; the password
/// is good for one.
pub struct Desk {
    house: House,
    encryption: (CaKey, Certificate),
    kept: ProofKey,
    down: Cell<bool>,
    pub lie: Cell<Option<Lie>>,
    message: RefCell<Vec<u8>>,
    stranger: House,
    order: RefCell<Option<Vec<SubjectPublicKeyInfoOwned>>>,
    sealed: RefCell<Option<SealedPassword>>,
    issued: RefCell<Vec<Certificate>>,
    orders: Cell<usize>,
    confirmed: Cell<usize>,
    guesses: Cell<usize>,
}

impl Desk {
    pub fn new() -> Self {
        Self::that_handed_out(ONE_TIME_PASSWORD)
    }

    pub fn that_handed_out(one_time: &str) -> Self {
        let (from, until) = (now() - days(400), now() + days(4_000));
        let issuer = Issuer::self_signed(CaKey::generate(KeyAlgorithm::P256).unwrap(), &name("CN=Root"), from, until);
        let issuer = issuer.unwrap();
        let root = ParsedCertificate::from_der(&issuer.certificate().der).unwrap();
        let house = House { key: CaKey::from_pkcs8(&issuer.key().to_pkcs8().unwrap()).unwrap(), root };
        let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let draft = Self::for_encryption(&key);
        let encryption = (key, house.issue(&draft).certificate().clone());
        let password = Secret::from_bytes(one_time.as_bytes()).unwrap();
        Self {
            house,
            encryption,
            kept: ProofKey::derive(Digest::Sha256, &password, &UserId::new(USER).unwrap()),
            down: Cell::new(false),
            lie: Cell::new(None),
            message: RefCell::default(),
            stranger: House::new("CN=Stranger"),
            order: RefCell::default(),
            sealed: RefCell::default(),
            issued: RefCell::default(),
            orders: Cell::new(0),
            confirmed: Cell::new(0),
            guesses: Cell::new(0),
        }
    }

    fn for_encryption(key: &CaKey) -> Draft {
        let mut draft = Draft::new(KeyRole::Authentication, key.public_key().clone());
        (draft.from, draft.until, draft.subject) = (now() - days(400), now() + days(4_000), name("CN=For encryption"));
        draft.usage = Some(FlagSet::from(KeyUsages::KeyAgreement));
        draft.extended = Vec::new();
        draft
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

    /// Orders of somebody who did not know the password.
    pub fn guesses(&self) -> usize {
        self.guesses.get()
    }

    /// What the CA makes of the revocation password that came.
    pub fn revocation_password(&self) -> Option<Vec<u8>> {
        let sealed = self.sealed.borrow();
        let (key, certificate) = &self.encryption;
        let key = OpeningKey::from_pkcs8(&key.to_pkcs8().unwrap(), certificate.clone()).unwrap();
        sealed.as_ref().map(|sealed| sealed.open(&key).unwrap().as_bytes().to_vec())
    }

    fn first(&self, message: &[u8], request: &FirstRequest) -> Answer {
        let pending = Answer::Pending { token: PendToken::from_bytes(&[7; 32]).unwrap(), check_at: now() };
        if *self.message.borrow() == message {
            return pending;
        }
        if request.user.as_str() != USER || request.proof.verify(&self.kept).is_err() {
            self.guesses.set(self.guesses.get() + 1);
            return Answer::Refused { reason: FailInfo::BadIdentity, text: "who are you?".into() };
        }
        if self.orders.get() > 0 {
            return Answer::Refused { reason: FailInfo::BadIdentity, text: "the password was used".into() };
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
        self.message.replace(message.to_vec());
        pending
    }

    /// What came of the order: what the link opens that is mailed, too.
    pub fn certificates(&self) -> Vec<Certificate> {
        let order = self.order.borrow();
        let roles = [KeyRole::Authentication, KeyRole::Signature];
        let ordered = order.iter().flatten().zip(roles);
        let certificates = ordered.filter_map(|(key, role)| {
            let mut draft = Draft::new(role, key.clone());
            (draft.from, draft.until) = (now() - days(1), now() + days(364));
            let house = match self.lie.get() {
                Some(Lie::Missing(missing)) if missing == role => return None,
                Some(Lie::Stranger) => &self.stranger,
                _ => &self.house,
            };
            if let Some(Lie::Draft(lie)) = self.lie.get() {
                lie(role, &mut draft);
            }
            Some(house.issue(&draft).certificate().clone())
        });
        let mut issued = self.issued.borrow_mut();
        if issued.is_empty() {
            issued.extend(certificates);
        }
        issued.clone()
    }

    fn known(&self, request: &FullRequest) -> Answer {
        match &request.kind {
            Kind::QueryPending(_) => {
                let chain = vec![self.house.root.certificate().clone()];
                Answer::Issued { certificates: self.certificates(), chain, confirm: true }
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
        if request.path == "/encryption.cer" {
            let body = match self.lie.get() {
                Some(Lie::Encryption(lie)) => {
                    let mut draft = Desk::for_encryption(&self.encryption.0);
                    lie(&mut draft);
                    self.house.issue(&draft).der().to_vec()
                }
                Some(Lie::Stranger) => self.stranger.issue(&Desk::for_encryption(&self.encryption.0)).der().to_vec(),
                _ => self.encryption.1.to_der().unwrap(),
            };
            return Ok(HttpResponse { status: 200, headers: Headers::default(), body });
        }
        let Operation::FullCmc(message) = server.route(request).unwrap() else {
            return Ok(server.cacerts(&[self.house.root.certificate().clone()]).unwrap());
        };
        let received = Received::parse(&message).unwrap();
        let answer = match &received {
            Received::First(request) => self.first(&message, request),
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
