//! Clients: so many TLS connections, each with one transaction after the other.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
};

use obnova_enroll::est::{self, FullCmcReply, Headers, HttpResponse};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    client::Resumption,
    pki_types::{CertificateDer, ServerName},
};
use x509_cert::der::Encode;

use super::orders::{Holders, Order};

pub struct Load<'a> {
    holders: &'a Holders,
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl<'a> Load<'a> {
    pub fn new(holders: &'a Holders, address: SocketAddr) -> Self {
        let mut roots = RootCertStore::empty();
        for root in holders.trust_anchors() {
            roots.add(CertificateDer::from(root.to_der().unwrap())).unwrap();
        }
        let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Every connection is another holder's.
        tls.resumption = Resumption::disabled();
        Self { holders, address, tls: Arc::new(tls) }
    }

    /// Sends every order and its receipt; a connection is closed after `per_connection` of them.
    pub fn run(&self, orders: &[Order], connections: usize, per_connection: usize) {
        let parts = Mutex::new(orders.chunks(per_connection));
        let next = || parts.lock().unwrap().next();
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| {
                    while let Some(part) = next() {
                        let mut stream = self.connect();
                        part.iter().for_each(|order| self.transact(&mut stream, order));
                    }
                });
            }
        });
    }

    fn connect(&self) -> Stream {
        let connection = ClientConnection::new(self.tls.clone(), ServerName::from(self.address.ip())).unwrap();
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        StreamOwned::new(connection, stream)
    }

    fn transact(&self, stream: &mut Stream, order: &Order) {
        let answer = exchange(stream, &order.request);
        let certificates = self.holders.read(order, &answer);
        exchange(stream, &order.receipt(&certificates));
    }
}

/// Sends a request, reads the CMC message in its answer.
fn exchange(stream: &mut Stream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).unwrap();
    stream.flush().unwrap();
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut buffer = [0; 16 * 1024];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the server hung up");
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            if bytes.len() - end - 4 == content_length(&head) {
                break (head, bytes.split_off(end + 4));
            }
        }
    };
    let headers: Headers = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    match est::Client::new().fullcmc_response(&HttpResponse { status, headers, body }).unwrap() {
        FullCmcReply::Cmc(message) if status == 200 => message,
        other => panic!("{status}: {other:?}"),
    }
}

fn content_length(head: &str) -> usize {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length")).unwrap().1.parse().unwrap()
}
