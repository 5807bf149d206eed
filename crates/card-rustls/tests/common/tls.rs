//! A TLS server in the same process, and a handshake with it.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, Error, ServerConfig, ServerConnection, SupportedProtocolVersion, crypto::aws_lc_rs,
    pki_types::CertificateDer, server::WebPkiClientVerifier,
};

use super::pki::Pki;

/// Whether the server wants a certificate.
#[derive(Clone, Copy, PartialEq)]
pub enum Wants {
    Nothing,
    IfThereIsOne,
    Certificate,
}

pub fn server(pki: &Pki, versions: &[&'static SupportedProtocolVersion], wants: Wants) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(pki.roots()), provider.clone());
    let verifier = match wants {
        Wants::Nothing => WebPkiClientVerifier::no_client_auth(),
        Wants::IfThereIsOne => verifier.allow_unauthenticated().build().unwrap(),
        Wants::Certificate => verifier.build().unwrap(),
    };
    let (certificate, key) = pki.server();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    builder.with_client_cert_verifier(verifier).with_single_cert(vec![certificate], key).unwrap().into()
}

/// Connects and lets the server greet, which it does only when it is content.
///
/// # Errors
/// What either side says when it breaks off, the client's own word first.
pub fn connect(client: ClientConfig, server: &Arc<ServerConfig>) -> Result<Peer, Error> {
    let mut client = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    let mut greeted = false;
    loop {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        if !server.is_handshaking() && !greeted {
            server.writer().write_all(b"welcome").unwrap();
            greeted = true;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        if wire.is_empty() && !client.wants_write() {
            break;
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
    }
    let mut greeting = [0; 7];
    client.reader().read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"welcome");
    let version = client.protocol_version().unwrap();
    let certificates =
        server.peer_certificates().map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect());
    Ok(Peer { certificates: certificates.unwrap_or_default(), version })
}

/// Whom the server sees.
#[derive(Debug)]
pub struct Peer {
    pub certificates: Vec<CertificateDer<'static>>,
    pub version: rustls::ProtocolVersion,
}
