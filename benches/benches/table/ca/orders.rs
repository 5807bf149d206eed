//! Holders with old pairs, and their orders for new ones, all signed beforehand.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Ca, CaKey, FirstPair, IssuedCertificate, Policy, store::OrderState};
use obnova_enroll::{
    cmc::{Answer, Asked, Expected, FollowUp, FullRequestBuilder, FullResponse, Nonce, Signer, TransactionId},
    est,
};
use obnova_pkcs10::RequestBuilder;
use obnova_reference_ca::{
    House,
    house::{self, InitOptions},
};
use x509_cert::{
    Certificate,
    der::asn1::Ia5String,
    ext::pkix::{KeyUsage, KeyUsages, name::GeneralName},
};

const DAY: Duration = Duration::from_secs(86_400);
const EMAIL: &str = "jana@example.cz";

/// A CA in a directory of its own, and holders whose pairs end in 20 days.
pub struct Holders {
    _directory: tempfile::TempDir,
    home: PathBuf,
    house: House,
    holders: Vec<Holder>,
    chain: Vec<Certificate>,
}

struct Holder {
    subject: String,
    old: Vec<(Arc<CaKey>, IssuedCertificate)>,
    new: [Arc<CaKey>; 2],
}

/// The old and the new keys of all holders, made once for all rounds.
pub struct Keys(Vec<[Arc<CaKey>; 4]>);

impl Keys {
    /// Keys of one kind, also the CA's, for so many holders.
    pub fn generate(algorithm: KeyAlgorithm, holders: usize) -> Self {
        let one = || Arc::new(CaKey::generate(algorithm).unwrap());
        let some = |count: usize| (0..count).map(|_| std::array::from_fn(|_| one())).collect::<Vec<_>>();
        let half = holders / 2;
        let mut keys = Vec::new();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| some(half));
            keys = some(holders - half);
            keys.extend(other.join().unwrap());
        });
        Self(keys)
    }

    pub fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::try_from(self.0[0][0].public_key()).unwrap()
    }
}

/// An order on its way.
pub struct Order {
    transaction: TransactionId,
    /// The HTTP request that carries it, head and body.
    pub request: Vec<u8>,
    address: SocketAddr,
}

impl Holders {
    pub fn new(keys: &Keys) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let home = directory.path().join("ca");
        let policy = Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"");
        let options = InitOptions { backdate_days: 400, policy, key: keys.algorithm(), ..InitOptions::default() };
        house::init(&home, &options, SystemTime::now()).unwrap();
        let house = House::open(&home).unwrap();
        let chain = house.ca().certificates().map(|one| one.certificate.clone()).collect();
        let ca = house.ca();
        // Many at once, so that they share commits.
        let numbered: Vec<_> = keys.0.iter().enumerate().collect();
        let holders = std::thread::scope(|scope| {
            let certified = |part: &[(usize, &[Arc<CaKey>; 4])]| {
                part.iter().map(|(number, keys)| Holder::certified(ca, *number, keys)).collect::<Vec<_>>()
            };
            let parts = numbered.chunks(numbered.len().div_ceil(32));
            let threads = parts.map(|part| scope.spawn(move || certified(part)));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        Self { _directory: directory, home, house, holders, chain }
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn trust_anchors(&self) -> Vec<Certificate> {
        self.house.trust_anchors()
    }

    /// One order of each holder.
    pub fn orders(&self, address: SocketAddr) -> Vec<Order> {
        self.holders.iter().enumerate().map(|(number, holder)| holder.order(number, address)).collect()
    }

    /// The certificates in an answer.
    pub fn read(&self, order: &Order, message: &[u8]) -> Vec<Certificate> {
        let expected =
            Expected { transaction: &order.transaction, nonce: &nonce(), ca: &self.chain, asked: Asked::Certificates };
        match FullResponse::parse(message, &expected).unwrap().answer {
            Answer::Issued { certificates, .. } if certificates.len() == 2 => certificates,
            other => panic!("{other:?}"),
        }
    }

    /// Whether everybody has his certificates.
    pub fn check(&self, count: usize) {
        let confirmed = self.house.ca().list(Some(OrderState::Confirmed), u32::MAX).unwrap();
        assert_eq!(confirmed.len(), count);
        assert!(confirmed.iter().all(|order| order.certificates.len() == 2));
    }
}

impl Holder {
    fn certified(ca: &Ca, number: usize, keys: &[Arc<CaKey>; 4]) -> Self {
        let subject = format!("CN=Jana Nováková,SERIALNUMBER=IDCCZ-{number:08},C=CZ");
        let not_after = SystemTime::now() + 20 * DAY;
        let pair = FirstPair {
            subject: subject.parse().unwrap(),
            email: EMAIL.into(),
            authentication: keys[0].public_key().clone(),
            signature: keys[1].public_key().clone(),
            not_before: not_after - 365 * DAY,
            not_after,
        };
        let certificates = ca.issue_first_pair(&pair).unwrap();
        let [old_authentication, old_signature, authentication, signature] = keys.clone();
        let old = [old_authentication, old_signature].into_iter().zip(certificates).collect();
        Self { subject, old, new: [authentication, signature] }
    }

    fn order(&self, number: usize, address: SocketAddr) -> Order {
        let mut random = [1; 16];
        random[8..].copy_from_slice(&(number as u64).to_be_bytes());
        let transaction = TransactionId::from_random(random);
        let mut builder = FullRequestBuilder::new(transaction.clone(), nonce());
        for (key, usage) in self.new.iter().zip([KeyUsages::DigitalSignature, KeyUsages::NonRepudiation]) {
            let names = vec![GeneralName::Rfc822Name(Ia5String::new(EMAIL).unwrap())];
            let request = RequestBuilder::new(self.subject.parse().unwrap(), key.public_key().clone(), key.algorithm())
                .subject_alt_name(names)
                .key_usage(KeyUsage(usage.into()))
                .finalize()
                .unwrap();
            builder = builder.request(request.assemble(&key.sign(request.bytes()).unwrap()).unwrap());
        }
        let signers = self.old.iter().map(|(key, certificate)| Signer {
            certificate: certificate.certificate.clone(),
            algorithm: key.algorithm(),
        });
        let message = builder.finalize(&signers.collect::<Vec<_>>()).unwrap();
        let message = message.sign_with(|to_sign| self.old[to_sign.signer].0.sign(&to_sign.bytes)).unwrap();
        Order { request: http(address, &message), transaction, address }
    }
}

impl Order {
    /// The request that says that the certificates arrived.
    pub fn receipt(&self, certificates: &[Certificate]) -> Vec<u8> {
        let receipt = FollowUp::new(self.transaction.clone(), nonce()).confirm_acceptance(None, certificates);
        http(self.address, &receipt.unwrap())
    }
}

fn http(address: SocketAddr, message: &[u8]) -> Vec<u8> {
    let request = est::Client::new().fullcmc_request(message);
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {address}\r\n", request.method.as_str(), request.path);
    for (name, value) in request.headers.iter() {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", request.body.len());
    [head.as_bytes(), &request.body].concat()
}

fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}
