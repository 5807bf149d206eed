use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::{
    Ca, CaError as CaFailure, CaKey, English, FirstPair, IssuedCertificate, Issuer, LinkDesk, LinkError, LinkPurpose,
    LinkToken, NoticeDesk, Outbox, PickUpSecret, Policy, RevocationDesk, SqliteStore, StatusDesk, StoreError,
    store::{OrderRecord, OrderState, QueuedLink, WriteObserver},
};
use obnova_client::{CaError, HttpExchange, StatusExchange};
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Operation, Server};
use obnova_renewal::{Pair, ParsedCertificate};

use crate::{desk, link, mortal::Mortal, notice, own_password, page, plain};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A CA that is running, or was killed. What it knows is in files; started again it has a new life.
pub struct Authority {
    pub folder: PathBuf,
    running: Mutex<Option<Running>>,
}

struct Running {
    ca: Ca,
    status: StatusDesk,
    links: LinkDesk,
    notices: NoticeDesk,
    life: Mortal,
}

impl Authority {
    /// Makes the CA's files: keys, certificates, secrets, this policy, and an empty store.
    pub fn found(folder: &Path, policy: &str) {
        let now = SystemTime::now();
        let (begin, key) = (now - DAY * 400, || CaKey::generate(KeyAlgorithm::P256).unwrap());
        let root = Issuer::self_signed(key(), &"CN=Root,O=Test".parse().unwrap(), begin, now + DAY * 7300).unwrap();
        let issuing_key = key();
        std::fs::write(folder.join("ca.key"), issuing_key.to_pkcs8().unwrap().as_slice()).unwrap();
        let name = "CN=Issuing,O=Test".parse().unwrap();
        let issuing = root.issuing(issuing_key, &name, begin, now + DAY * 3650).unwrap();
        for (name, certificate) in ["issuing.cer", "root.cer"].iter().zip(issuing.chain()) {
            std::fs::write(folder.join(name), &certificate.der).unwrap();
        }
        PickUpSecret::generate().unwrap().save(&folder.join("ca.secret")).unwrap();
        std::fs::write(folder.join("policy.toml"), policy).unwrap();
        desk::found(folder, &issuing);
    }

    /// Starts the CA in a folder.
    pub fn start(folder: &Path, life: Mortal) -> Self {
        let authority = Self { folder: folder.to_owned(), running: Mutex::new(None) };
        authority.restart(life);
        authority
    }

    /// Starts it again, with another life; what ran before is gone.
    pub fn restart(&self, life: Mortal) {
        let mut running = self.running.lock().unwrap();
        *running = None;
        let read = |name: &str| std::fs::read(self.folder.join(name)).unwrap();
        let certificate = |name: &str| IssuedCertificate::from_der(&read(name)).unwrap();
        let key = || CaKey::from_pkcs8(&read("ca.key")).unwrap();
        let issuer = || Issuer::new(key(), certificate("issuing.cer"), vec![certificate("root.cer")]).unwrap();
        let secret = PickUpSecret::load(&self.folder.join("ca.secret")).unwrap();
        let store = || self.store().observed(Arc::new(life.clone()));
        let policy = Policy::from_toml(&String::from_utf8(read("policy.toml")).unwrap()).unwrap();
        let (first, revocation) = (policy.first.clone(), policy.revocation.clone());
        let status = StatusDesk::new(issuer(), self.store()).unwrap();
        let links = LinkDesk::new(&secret, Arc::new(store()));
        let notices = NoticeDesk::new(Arc::new(store()), Arc::new(English));
        let mut ca = Ca::new(policy, issuer(), secret, Box::new(store())).with_letters(Arc::new(English));
        let revocations = RevocationDesk::new(revocation, Arc::new(store()), Arc::new(English));
        ca = ca.with_first(desk::open(&self.folder, first, store())).with_revocations(revocations);
        *running = Some(Running { ca, status, links, notices, life });
    }

    /// What it keeps, for somebody who does not take part.
    pub fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.join("ca.db")).unwrap()
    }

    /// Starts it again if it was killed, with a life that does not end.
    pub fn restart_if_dead(&self) {
        if self.with_ca(|_| ()).is_none() {
            self.restart(Mortal::forever());
        }
    }

    /// Does something with the CA; `None` when it is dead, or dies of it.
    pub fn with_ca<T>(&self, act: impl FnOnce(&Ca) -> T) -> Option<T> {
        let running = self.running.lock().unwrap();
        let Running { ca, life, .. } = running.as_ref()?;
        if life.is_dead() {
            return None;
        }
        let done = act(ca);
        (!life.is_dead()).then_some(done)
    }

    /// What everybody is told; `None` when it is dead.
    fn told(&self, what: impl FnOnce(&StatusDesk) -> Vec<u8>) -> Option<HttpResponse> {
        let running = self.running.lock().unwrap();
        let Running { status, life, .. } = running.as_ref()?;
        (!life.is_dead()).then(|| HttpResponse { status: 200, headers: Headers::default(), body: what(status) })
    }

    /// The first pair of a card, which ends in 20 days.
    pub fn certify(&self, keys: &Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>> {
        let now = SystemTime::now();
        let pair = FirstPair {
            subject: "CN=Jana Nováková,SERIALNUMBER=PNOCZ-0001,C=CZ".parse().unwrap(),
            email: "jana@example.cz".into(),
            authentication: keys.authentication.clone(),
            signature: keys.signature.clone(),
            not_before: now - DAY * 345,
            not_after: now + DAY * 20,
        };
        let [authentication, signature] = self.with_ca(|ca| ca.issue_first_pair(&pair)).unwrap().unwrap();
        Pair { authentication: authentication.der, signature: signature.der }
    }

    /// Whom to trust.
    pub fn anchors(&self) -> Vec<ParsedCertificate> {
        vec![ParsedCertificate::from_der(&std::fs::read(self.folder.join("root.cer")).unwrap()).unwrap()]
    }

    /// The link that it mails for its newest order.
    pub fn link(&self) -> String {
        let path = self.with_ca(|ca| ca.token(&ca.list(None, 1).unwrap()[0]).to_link().to_string());
        format!("https://ca.example/pickup/{}", path.expect("the CA is down"))
    }

    /// The link that it mails since certificates end.
    pub fn notice(&self) -> String {
        let running = self.running.lock().unwrap();
        let Running { ca, links, notices, .. } = running.as_ref().unwrap();
        assert_eq!(notices.send(ca, SystemTime::now()).unwrap().posted, 1);
        let mail = Outbox::new(Arc::new(self.store())).take(SystemTime::now(), 1).unwrap().remove(0);
        let Some(QueuedLink::Signed(link)) = mail.link else { panic!("{mail:?}") };
        format!("https://ca.example{}", *links.path(link).unwrap())
    }

    /// Whether the link of the notice in this folder is used up.
    pub fn link_is_used(folder: &Path) -> bool {
        let link = std::fs::read_to_string(folder.join("link")).unwrap();
        let secret = PickUpSecret::load(&folder.join("ca/ca.secret")).unwrap();
        let links = LinkDesk::new(&secret, Arc::new(SqliteStore::open(&folder.join("ca/ca.db")).unwrap()));
        let token = LinkToken::from_link(link.rsplit('/').next().unwrap()).unwrap();
        match links.look(&token, LinkPurpose::Renew, SystemTime::now()) {
            Ok(_) => false,
            Err(LinkError::Used) => true,
            Err(error) => panic!("{error}"),
        }
    }

    /// Every order.
    pub fn orders(&self) -> Vec<OrderRecord> {
        self.with_ca(|ca| ca.list(None, 100).unwrap()).expect("the CA is down")
    }

    /// The operator approves what waits. `false` when the CA died of it.
    pub fn approve(&self) -> bool {
        let approved = self.with_ca(|ca| {
            for order in ca.list(Some(OrderState::Pending), 100).ok()? {
                ca.approve(&order.transaction, SystemTime::now()).ok()?;
            }
            Some(())
        });
        approved.flatten().is_some()
    }

    /// Whose login that is; `None` when the CA is dead.
    pub fn login(&self, certificate: &ParsedCertificate) -> Option<String> {
        let who = self.with_ca(|ca| ca.login(certificate.certificate(), SystemTime::now()));
        match who? {
            Ok(known) => Some(known.subject),
            Err(CaFailure::Store(StoreError::Stopped)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// What it answers, to who logged in with this certificate; `None` when it is dead, or dies of it.
    fn answer(&self, request: &HttpRequest, peer: Option<&ParsedCertificate>) -> Option<HttpResponse> {
        match request.path.as_str() {
            "/ocsp" => return self.told(|status| status.ocsp(&request.body, SystemTime::now()).der),
            "/crl" => {
                return self.told(|status| {
                    let mut list = Vec::new();
                    status.crl(SystemTime::now(), &mut list).unwrap();
                    list
                });
            }
            _ => {}
        }
        if let Some(link) = request.path.strip_prefix("/renew/") {
            let running = self.running.lock().unwrap();
            let Running { ca, links, notices, life, .. } = running.as_ref()?;
            let answer = if life.is_dead() { None } else { notice::answer((ca, links, notices), link, request) };
            return answer.filter(|_| !life.is_dead());
        }
        self.with_ca(|ca| {
            let server = Server::new();
            if let Some(token) = request.path.strip_prefix("/pickup/") {
                return link::answer(ca, token, request);
            }
            if request.path == "/encryption.cer" {
                return desk::encryption_certificate(ca);
            }
            if request.path == page::PATH {
                return page::answer(ca, request, peer);
            }
            if request.path == own_password::PATH {
                return own_password::answer(ca, request, peer);
            }
            if let Ok(operation) = server.route_simple(request) {
                return plain::answer(ca, request, &operation, peer);
            }
            match server.route(request).unwrap() {
                Operation::CaCerts => {
                    let certificates: Vec<_> = ca.certificates().map(|one| one.certificate.clone()).collect();
                    Some(server.cacerts(&certificates).unwrap())
                }
                Operation::FullCmc(message) => {
                    let response = ca.answer(&message, None, SystemTime::now()).ok()?;
                    Some(server.fullcmc(&response.message, response.refused.is_some()))
                }
            }
        })?
    }
}

/// The network between a process of the holder and the CA.
#[derive(Clone)]
pub struct Wire<'a> {
    pub authority: &'a Authority,
    pub life: Mortal,
}

impl Wire<'_> {
    /// Asks over a connection whose client logged in with this certificate.
    pub fn exchange_from(
        &self,
        peer: Option<&ParsedCertificate>,
        request: &HttpRequest,
    ) -> Result<HttpResponse, CaError> {
        let down =
            |problem: &str| CaError::Unreachable { server: "https://ca.example".into(), problem: problem.into() };
        let name = format!("HTTP {} {}", request.method.as_str(), request.path);
        let answer = self.life.effect(&name, || self.authority.answer(request, peer));
        answer.map_err(|_| down("the program ended"))?.ok_or_else(|| down("the CA is down"))
    }
}

impl HttpExchange for Wire<'_> {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.exchange_from(None, request)
    }

    fn exchange_elsewhere(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        StatusExchange::exchange(self, server, request)
    }
}

/// Servers whose addresses stand in certificates are the CA's too.
impl StatusExchange for Wire<'_> {
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        assert_eq!(server, "http://status.example");
        HttpExchange::exchange(self, request)
    }
}

/// Stops the CA before and after each write to its store, whichever desk of it writes: what waits for the disk is told by the
/// thread that writes.
impl WriteObserver for Mortal {
    fn before(&self, change: &str) -> bool {
        self.pass(|| format!("before store {change}")).is_ok()
    }

    fn after(&self, change: &str) -> bool {
        self.pass(|| format!("after store {change}")).is_ok()
    }
}
