//! Many holders with old pairs, and their orders for new ones as they go over the wire.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::holder::{self, Holder, new_house, new_keys};
use obnova_ca::store::OrderState;
use obnova_enroll::est;
use obnova_reference_ca::House;
use x509_cert::Certificate;

/// A CA in a directory of its own, and holders whose pairs end in 20 days.
pub struct Holders {
    _directory: tempfile::TempDir,
    home: PathBuf,
    house: House,
    holders: Vec<Holder>,
    chain: Vec<Certificate>,
}

/// The old and the new keys of all holders, made once for all rounds.
pub struct Keys(Vec<holder::Keys>);

impl Keys {
    /// Keys of one kind, also the CA's, for so many holders.
    pub fn generate(algorithm: KeyAlgorithm, holders: usize) -> Self {
        let some = |count: usize| (0..count).map(|_| new_keys(algorithm)).collect::<Vec<_>>();
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
    order: holder::Order,
    /// The HTTP request that carries it, head and body.
    pub request: Vec<u8>,
    address: SocketAddr,
}

impl Holders {
    pub fn new(keys: &Keys) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let home = directory.path().join("ca");
        let house = new_house(&home, keys.algorithm());
        let chain = house.ca().certificates().map(|one| one.certificate.clone()).collect();
        let ca = house.ca();
        // Many at once, so that they share commits.
        let numbered: Vec<_> = keys.0.iter().enumerate().collect();
        let holders = std::thread::scope(|scope| {
            let certified = |part: &[(usize, &holder::Keys)]| {
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
        let order = |(number, holder): (usize, &Holder)| {
            let order = holder.order(number);
            Order { request: http(address, &order.message), order, address }
        };
        self.holders.iter().enumerate().map(order).collect()
    }

    /// The certificates in an answer.
    pub fn read(&self, order: &Order, message: &[u8]) -> Vec<Certificate> {
        order.order.read(&self.chain, message)
    }

    /// Whether everybody has his certificates.
    pub fn check(&self, count: usize) {
        let confirmed = self.house.ca().list(Some(OrderState::Confirmed), u32::MAX).unwrap();
        assert_eq!(confirmed.len(), count);
        assert!(confirmed.iter().all(|order| order.certificates.len() == 2));
    }
}

impl Order {
    /// The request that says that the certificates arrived.
    pub fn receipt(&self, certificates: &[Certificate]) -> Vec<u8> {
        http(self.address, &self.order.receipt(certificates))
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
