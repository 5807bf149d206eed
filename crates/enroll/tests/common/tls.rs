//! A TLS server on loopback that hands each HTTP request to a test, and is gone when the client of the test is done.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use der::{Decode, Encode, asn1::OctetString};
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use x509_cert::{
    Certificate,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

use crate::common::{CA, Key, World, certificate_with, extension};

/// Serves `answer` while `client` runs, which gets the URL. Clients may log in with a certificate of the world's CA.
pub fn serve<T>(
    world: &World,
    answer: impl FnMut(HttpRequest, Option<Certificate>) -> HttpResponse + Send,
    client: impl FnOnce(&str) -> T,
) -> T {
    let config = config(world);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, over) = (Mutex::new(answer), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                // Whatever goes wrong with a connection, its client tells.
                let _ = exchange(&config, stream.unwrap(), &answer);
            }
        });
        // Also when the client of the test fails: else nobody would wake the server to end.
        let _end = End(&over, address);
        client(&format!("https://{address}"))
    })
}

struct End<'a>(&'a AtomicBool, SocketAddr);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.1));
    }
}

fn config(world: &World) -> Arc<ServerConfig> {
    let key = Key::p256();
    let name = GeneralName::IpAddress(OctetString::new([127, 0, 0, 1]).unwrap());
    let names = vec![extension(&SubjectAltName(vec![name]), false)];
    let own = certificate_with("CN=127.0.0.1", &key, CA, &world.ca_key, 50, names);
    let chain = vec![CertificateDer::from(own.to_der().unwrap())];
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(world.ca.to_der().unwrap())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = verifier.allow_unauthenticated().build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(verifier);
    Arc::new(config.with_single_cert(chain, PrivatePkcs8KeyDer::from(key.pkcs8()).into()).unwrap())
}

fn exchange(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
    answer: &Mutex<impl FnMut(HttpRequest, Option<Certificate>) -> HttpResponse>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config.clone()).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (Method::from(words.next().unwrap_or_default()), words.next().unwrap_or_default().to_owned());
    let mut headers = Headers::default();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.set(name, value.trim()),
            None => break,
        }
    }
    let length = headers.get("Content-Length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let peer = stream.get_ref().conn.peer_certificates().and_then(|chain| chain.first());
    let peer = peer.map(|der| Certificate::from_der(der).unwrap());
    let response = (answer.lock().unwrap())(HttpRequest { method, path, headers, body }, peer);

    // In one record: strongSwan looks for the whole head in what it reads first.
    let mut message = format!(
        "HTTP/1.1 {} Said\r\nConnection: close\r\nContent-Length: {}\r\n",
        response.status,
        response.body.len()
    );
    for (name, value) in response.headers.iter() {
        message += &format!("{name}: {value}\r\n");
    }
    let mut message = (message + "\r\n").into_bytes();
    message.extend_from_slice(&response.body);
    let stream = stream.get_mut();
    stream.write_all(&message)?;
    stream.conn.send_close_notify();
    stream.flush()
}
