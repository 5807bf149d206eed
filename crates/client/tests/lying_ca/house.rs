//! The CA, honest as long as nothing else is asked of it: it certifies whatever is ordered, at the first pick-up.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, Issuer};
use obnova_card::KeyRole;
use obnova_client::enroll::{
    cmc::{Answer, FailInfo, FullRequest, FullResponseBuilder, Kind, Nonce, PendToken, Signer, TransactionId},
    est::{HttpResponse, Server},
};
use obnova_renewal::{Pair, ParsedCertificate};
use x509_cert::{Certificate, ext::pkix::name::GeneralName};

use super::common::support::{Draft, House, days, name};

/// A key, its certificate, and what stands above it.
pub struct Identity {
    pub key: CaKey,
    pub chain: Vec<ParsedCertificate>,
}

pub struct Ca {
    /// The issuing CA.
    pub house: House,
    pub root: ParsedCertificate,
    pub server: Identity,
    /// A holder whose keys are on no card.
    pub other_holder: Identity,
    issuer: Issuer,
    /// What was ordered: the transaction, and the new keys in the order of the requests.
    orders: Mutex<Vec<(TransactionId, Ordered)>>,
}

pub type Ordered = Pair<x509_cert::spki::SubjectPublicKeyInfoOwned>;

impl Ca {
    pub fn new(root: &str) -> Self {
        let (from, until) = (now() - days(400), now() + days(4_000));
        let key = || CaKey::generate(KeyAlgorithm::P256).unwrap();
        let above = Issuer::self_signed(key(), &name(root), from, until).unwrap();
        let issuer = above.issuing(key(), &name("CN=Issuing"), from, until).unwrap();
        let parsed = |der: &[u8]| ParsedCertificate::from_der(der).unwrap();
        let house = House { key: copy(issuer.key()), root: parsed(&issuer.certificate().der) };
        let server = identity(&issuer, address(), from, until);
        let theirs = key();
        let mut draft = Draft::new(KeyRole::Authentication, theirs.public_key().clone());
        (draft.from, draft.until) = (from, until);
        let other_holder = Identity { chain: vec![house.issue(&draft), house.root.clone()], key: theirs };
        let root = parsed(&above.certificate().der);
        Self { house, root, server, other_holder, issuer, orders: Mutex::default() }
    }

    /// What a holder trusts.
    pub fn anchors(&self) -> Vec<ParsedCertificate> {
        vec![self.root.clone()]
    }

    /// A server's certificate for another name, or another time.
    pub fn server_for(&self, name: GeneralName, until: SystemTime) -> Identity {
        identity(&self.issuer, name, now() - days(300), until)
    }

    /// As policy has it, by the clock of today.
    pub fn draft(&self, role: KeyRole, ordered: &Ordered) -> Draft {
        let mut draft = Draft::new(role, ordered.get(role).clone());
        (draft.from, draft.until) = (now() - days(1), now() + days(364));
        draft
    }

    /// The pair that was ordered, perhaps with a change.
    pub fn pair(&self, ordered: &Ordered, change: impl Fn(KeyRole, &mut Draft)) -> Vec<Certificate> {
        let issue = |role| {
            let mut draft = self.draft(role, ordered);
            change(role, &mut draft);
            self.house.issue(&draft).certificate().clone()
        };
        Pair::ROLES.map(issue).to_vec()
    }

    pub fn issued(&self, certificates: Vec<Certificate>) -> Answer {
        let chain = [&self.house.root, &self.root].map(|one| one.certificate().clone());
        Answer::Issued { certificates, chain: chain.to_vec(), confirm: true }
    }

    /// The keys of the order that a message belongs to.
    pub fn ordered(&self, request: &FullRequest) -> Ordered {
        let orders = self.orders.lock().unwrap();
        orders.iter().find(|(known, _)| *known == request.transaction).unwrap().1.clone()
    }

    /// The keys of somebody else's order.
    pub fn ordered_by_another(&self, request: &FullRequest) -> Ordered {
        let orders = self.orders.lock().unwrap();
        orders.iter().find(|(known, _)| *known != request.transaction).unwrap().1.clone()
    }

    /// Takes an order down.
    pub fn note(&self, request: &FullRequest) {
        let Kind::Enroll(requests) = &request.kind else { return };
        let [first, second] = requests.as_slice() else { panic!("not a pair") };
        let key = |(_, request): &(u32, obnova_pkcs10::CertificationRequest)| request.public_key().clone();
        let ordered = Pair { authentication: key(first), signature: key(second) };
        let mut orders = self.orders.lock().unwrap();
        if orders.iter().all(|(known, _)| *known != request.transaction) {
            orders.push((request.transaction.clone(), ordered));
        }
    }

    /// What is true.
    pub fn answer(&self, request: &FullRequest) -> Answer {
        match &request.kind {
            Kind::Enroll(_) => Answer::Pending { token: token(), check_at: now() },
            Kind::QueryPending(_) => self.issued(self.pair(&self.ordered(request), |_, _| {})),
            Kind::ConfirmAcceptance { .. } => Answer::Confirmed,
        }
    }

    /// An answer to a message, signed as it should be.
    pub fn reply(&self, request: &FullRequest, answer: &Answer) -> Vec<u8> {
        self.say(FullResponseBuilder::reply_to(request, fresh_nonce()), answer)
    }

    pub fn say(&self, builder: FullResponseBuilder, answer: &Answer) -> Vec<u8> {
        say_as(builder, answer, self.house.root.certificate(), &self.house.key)
    }

    pub fn cacerts(&self) -> HttpResponse {
        let certificates = [&self.house.root, &self.root].map(|one| one.certificate().clone());
        Server::new().cacerts(&certificates).unwrap()
    }
}

/// An answer that somebody signs.
pub fn say_as(builder: FullResponseBuilder, answer: &Answer, certificate: &Certificate, key: &CaKey) -> Vec<u8> {
    let signer = Signer { certificate: certificate.clone(), algorithm: key.algorithm() };
    builder.finalize(answer, &signer).unwrap().sign_with(|to_sign| key.sign(&to_sign.bytes)).unwrap()
}

pub fn refusal() -> Answer {
    Answer::Refused { reason: FailInfo::BadRequest, text: "no".into() }
}

pub fn token() -> PendToken {
    PendToken::from_bytes(&[7; 32]).unwrap()
}

pub fn fresh_nonce() -> Nonce {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    Nonce::from_random(random)
}

pub fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

impl Identity {
    pub fn copy(&self) -> Self {
        Self { key: copy(&self.key), chain: self.chain.clone() }
    }

    pub fn certificate(&self) -> &Certificate {
        self.chain[0].certificate()
    }
}

pub fn copy(key: &CaKey) -> CaKey {
    CaKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap()
}

pub fn address() -> GeneralName {
    std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST).into()
}

fn identity(issuer: &Issuer, name: GeneralName, from: SystemTime, until: SystemTime) -> Identity {
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let own = issuer
        .server_certificate(&super::common::support::name("CN=Server"), key.public_key(), vec![name], from, until)
        .unwrap();
    let chain = std::iter::once(&own).chain(issuer.chain());
    Identity { chain: chain.map(|one| ParsedCertificate::from_der(&one.der).unwrap()).collect(), key }
}
