//! A TLS server on loopback that answers what it is told to, and counts what it was able to send.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

use obnova_client::enroll::est::{Headers, HttpRequest, HttpResponse};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::house::Identity;

/// What goes over the wire in place of an answer.
pub enum Wire {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// The first bytes, and the second ones for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// The first bytes, and then one now and then, for ever.
    Drip(Vec<u8>),
    /// Nothing, and the connection stays open.
    Silence,
}

impl Wire {
    pub fn http(response: &HttpResponse) -> Self {
        let mut bytes = format!("HTTP/1.1 {} Said\r\n", response.status).into_bytes();
        for (name, value) in response.headers.iter() {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", response.body.len()).into_bytes());
        bytes.extend(&response.body);
        Self::Bytes(bytes)
    }

    /// A head, as it stands, without a body.
    pub fn head(lines: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 {lines}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes())
    }
}

/// Who answers. Connections come one after the other, or a few at once.
pub trait Host: Send + Sync {
    /// Whose certificate is shown; `None`: what is said is said without TLS.
    fn identity(&self) -> Option<Arc<ServerConfig>>;
    /// What is said before anything was asked.
    fn greet(&self) -> Option<Wire>;
    /// What is said to a request.
    fn answer(&self, request: &HttpRequest) -> Wire;
}

pub struct Server {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    told: Arc<AtomicUsize>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Server {
    pub fn start(host: Arc<dyn Host>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (ends, told, connections) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default(), Arc::default());
        let mut server = Self { address, ends, thread: None, told, connections };
        let (ends, told, connections) = (server.ends.clone(), server.told.clone(), server.connections.clone());
        let accept = move || {
            for stream in listener.incoming() {
                if ends.load(SeqCst) {
                    return;
                }
                let (host, told, stream) = (host.clone(), told.clone(), stream.unwrap());
                let spoken = std::thread::spawn(move || drop(speak(host.as_ref(), stream, &told)));
                connections.lock().unwrap().push(spoken);
            }
        };
        server.thread = Some(std::thread::spawn(accept));
        server
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Bytes that were sent since this was asked last. Waits until every connection is over.
    pub fn told(&self) -> usize {
        let connections = std::mem::take(&mut *self.connections.lock().unwrap());
        connections.into_iter().for_each(|one| one.join().unwrap());
        self.told.swap(0, SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One connection and one request; the client may go at any moment.
fn speak(host: &dyn Host, stream: TcpStream, told: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    if let Some(greeting) = host.greet() {
        return say(stream, greeting, told);
    }
    let Some(config) = host.identity() else {
        let mut stream = stream;
        let mut first = [0; 1];
        stream.read_exact(&mut first)?;
        // Who begins a handshake is told what he does not expect.
        if first == [0x16] {
            let _ = stream.read(&mut [0; 512])?;
            return say(stream, Wire::head("200 OK"), told);
        }
        let request = receive(&mut first.chain(&mut stream))?;
        return say(stream, host.answer(&request), told);
    };
    let mut tls = StreamOwned::new(ServerConnection::new(config).map_err(std::io::Error::other)?, stream);
    let request = receive(&mut tls)?;
    let answer = host.answer(&request);
    if matches!(answer, Wire::Bytes(_)) {
        say(&mut tls, answer, told)?;
        tls.conn.send_close_notify();
        return tls.flush();
    }
    say(tls, answer, told)
}

fn say(mut to: impl Read + Write, what: Wire, told: &AtomicUsize) -> std::io::Result<()> {
    let mut send = |bytes: &[u8]| {
        to.write_all(bytes)?;
        to.flush()?;
        told.fetch_add(bytes.len(), SeqCst);
        Ok::<_, std::io::Error>(())
    };
    match what {
        Wire::Bytes(bytes) => send(&bytes),
        Wire::Endless(first, more) => {
            send(&first)?;
            loop {
                send(&more)?;
            }
        }
        Wire::Drip(first) => {
            send(&first)?;
            loop {
                std::thread::sleep(Duration::from_millis(20));
                send(b"A")?;
            }
        }
        // Until the other side has gone.
        Wire::Silence => {
            while to.read(&mut [0; 512])? > 0 {}
            Ok(())
        }
    }
}

fn receive(from: &mut impl Read) -> std::io::Result<HttpRequest> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(from, &mut bytes)?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default().to_owned());
    let headers: Headers = lines.filter_map(|line| line.split_once(": ")).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        more(from, &mut bytes)?;
    }
    Ok(HttpRequest { method: method.into(), path, headers, body: bytes[head + 4..].to_vec() })
}

fn more(from: &mut impl Read, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut part = [0; 4096];
    match from.read(&mut part)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend(&part[..count]);
            Ok(())
        }
    }
}

/// A TLS server that asks nobody who he is.
pub fn tls(identity: &Identity) -> Arc<ServerConfig> {
    let chain = identity.chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect();
    let key = PrivateKeyDer::Pkcs8(identity.key.to_pkcs8().unwrap().to_vec().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
}
