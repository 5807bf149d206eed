//! A CA that runs, a holder with soft keys, and an HTTPS client of a hundred lines.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod first;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, IssuedCertificate, Policy};
use obnova_enroll::{
    cmc::{FullRequestBuilder, Nonce, Signer, TransactionId},
    est::{Headers, HttpRequest, HttpResponse},
};
use obnova_pkcs10::RequestBuilder;
use obnova_reference_ca::{
    Access, House, Running, Server, ServerConfig,
    house::{self, Holder, InitOptions},
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    sign::{CertifiedKey, SingleCertAndKey},
};
use x509_cert::{
    Certificate,
    der::Encode,
    ext::pkix::{KeyUsage, KeyUsages, SubjectAltName},
};

pub struct World {
    pub directory: tempfile::TempDir,
    pub house: Arc<House>,
    pub server: Running,
    pub old: Pair,
    pub log: Arc<Mutex<Vec<Access>>>,
    /// Days by which the server's clock is ahead.
    pub ahead: Arc<AtomicU64>,
}

pub struct Pair {
    pub keys: [CaKey; 2],
    pub certificates: [IssuedCertificate; 2],
}

impl World {
    pub fn new() -> Self {
        Self::with(Policy::TEMPLATE, |config| config)
    }

    pub fn with(policy: &str, change: impl FnOnce(ServerConfig) -> ServerConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("ca");
        let options = InitOptions { backdate_days: 400, policy: policy.into(), ..InitOptions::default() };
        house::init(&home, &options, SystemTime::now()).unwrap();
        let house = Arc::new(House::open(&home).unwrap());
        let old = first_pair(&house, 20);
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        let mut config = ServerConfig::new(house.clone());
        config.log = Arc::new(move |access| kept.lock().unwrap().push(access.clone()));
        let ahead = Arc::<AtomicU64>::default();
        let days = ahead.clone();
        config.clock = Arc::new(move || later(&days));
        let server = Server::start(change(config)).unwrap();
        Self { directory, house, server, old, log, ahead }
    }

    /// What time it is for the server.
    pub fn now(&self) -> SystemTime {
        later(&self.ahead)
    }

    pub fn home(&self) -> PathBuf {
        self.directory.path().join("ca")
    }

    /// The CA's certificates that sign answers and holders' certificates.
    pub fn ca(&self) -> Vec<Certificate> {
        self.house.ca().certificates().map(|one| one.certificate.clone()).collect()
    }

    pub fn get(
        &self,
        path: &str,
        client: Option<(&CaKey, &IssuedCertificate)>,
        headers: &[(&str, &str)],
    ) -> HttpResponse {
        let headers = headers.iter().copied().collect();
        let request = HttpRequest { method: "GET".into(), path: path.into(), headers, body: Vec::new() };
        self.send(&request, client)
    }

    pub fn send(&self, request: &HttpRequest, client: Option<(&CaKey, &IssuedCertificate)>) -> HttpResponse {
        exchange(self.server.address, &self.server.trust_anchors, request, client)
    }
}

fn later(days: &AtomicU64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(days.load(Ordering::SeqCst) * 24 * 3600)
}

pub fn first_pair(house: &House, days_left: u32) -> Pair {
    let keys = [KeyAlgorithm::P256, KeyAlgorithm::P256].map(|algorithm| CaKey::generate(algorithm).unwrap());
    let holder = Holder { name: "CN=Jana Nováková,C=CZ".into(), email: "jana@example.cz".into() };
    let (one, two) = (keys[0].public_key(), keys[1].public_key());
    let first = house.first_pair(&holder, one, two, days_left, SystemTime::now()).unwrap();
    Pair { keys, certificates: [first.authentication, first.signature] }
}

/// An order for a new pair, as a card's holder sends it.
pub fn order(old: &Pair, new: &[CaKey; 2], transaction: &TransactionId, nonce: &Nonce) -> Vec<u8> {
    let mut builder = FullRequestBuilder::new(transaction.clone(), nonce.clone());
    for (index, usage) in [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation].into_iter().enumerate() {
        let tbs = old.certificates[index].certificate.tbs_certificate();
        let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
        let spki = new[index].public_key().clone();
        let to_sign = RequestBuilder::new(tbs.subject().clone(), spki, new[index].algorithm())
            .subject_alt_name(names.0)
            .key_usage(KeyUsage(usage.into()))
            .finalize()
            .unwrap();
        builder = builder.request(to_sign.assemble(&new[index].sign(to_sign.bytes()).unwrap()).unwrap());
    }
    let signer = |index: usize| Signer {
        certificate: old.certificates[index].certificate.clone(),
        algorithm: old.keys[index].algorithm(),
    };
    let to_sign = builder.finalize(&[signer(0), signer(1)]).unwrap();
    to_sign.sign_with(|to_sign| old.keys[to_sign.signer].sign(&to_sign.bytes)).unwrap()
}

pub fn new_keys() -> [CaKey; 2] {
    [KeyAlgorithm::P256, KeyAlgorithm::P384].map(|algorithm| CaKey::generate(algorithm).unwrap())
}

/// One request over a TLS connection of its own.
pub fn exchange(
    address: SocketAddr,
    trust: &[Certificate],
    request: &HttpRequest,
    client: Option<(&CaKey, &IssuedCertificate)>,
) -> HttpResponse {
    let mut stream = connect(address, trust, client);
    write_request(&mut stream, address, request);
    read_response(&mut stream)
}

/// One request without TLS; nothing when there was no HTTP answer to it.
pub fn in_the_clear(address: SocketAddr, request: &HttpRequest) -> Option<HttpResponse> {
    let mut stream = TcpStream::connect(address).unwrap();
    write_request(&mut stream, address, request);
    let mut bytes = Vec::new();
    // What speaks TLS only breaks off.
    let _ = stream.read_to_end(&mut bytes);
    bytes.starts_with(b"HTTP/").then(|| read_response(&mut bytes.as_slice()))
}

fn write_request(stream: &mut impl Write, address: SocketAddr, request: &HttpRequest) {
    let mut head =
        format!("{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n", request.method.as_str(), request.path);
    for (name, value) in request.headers.iter() {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", request.body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&request.body).unwrap();
}

pub fn connect(
    address: SocketAddr,
    trust: &[Certificate],
    client: Option<(&CaKey, &IssuedCertificate)>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    for root in trust {
        roots.add(CertificateDer::from(root.to_der().unwrap())).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        None => config.with_no_client_auth(),
        Some((key, certificate)) => {
            // Not `with_client_auth_cert`, which would not let a test lie about the key.
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap().to_vec()));
            let key = any_supported_type(&key).unwrap();
            let certified = CertifiedKey::new(vec![CertificateDer::from(certificate.der.clone())], key);
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
    };
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

pub fn read_response(stream: &mut impl Read) -> HttpResponse {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof && error.kind() != ErrorKind::ConnectionReset => {
            panic!("{error}")
        }
        _ => {}
    }
    let split = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("no answer");
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Headers = lines.filter_map(|line| line.split_once(": ")).collect();
    HttpResponse { status, headers, body: bytes[split + 4..].to_vec() }
}
