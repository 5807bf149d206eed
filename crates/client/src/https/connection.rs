use std::{
    io::{Error, Read, Result, Write},
    sync::Arc,
    time::Instant,
};

use obnova_enroll::est::{HttpRequest, HttpResponse, Site};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::{
    Https,
    message::{self, Failure},
    wire::Wire,
};

/// One connection to a server, on which one request follows the other.
pub(super) enum Connection {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

impl Connection {
    /// Connects to a host, with TLS where there is a configuration for it.
    pub(super) fn open(site: &Site, tls: Option<&Arc<ClientConfig>>, until: Instant) -> Result<Self> {
        let host = site.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let wire = Wire::connect(host, site.port(), until, Https::MAX_WIRE)?;
        let Some(tls) = tls else { return Ok(Self::Plain(wire)) };
        let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
        let connection = ClientConnection::new(tls.clone(), name).map_err(Error::other)?;
        let mut stream = StreamOwned::new(connection, wire);
        // Before anything is sent, so that nothing of it waits in a buffer that is not ours.
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Asks, and whether another request may follow.
    pub(super) fn exchange(
        &mut self,
        host: &str,
        request: &HttpRequest,
        until: Instant,
    ) -> std::result::Result<(HttpResponse, bool), Failure> {
        self.wire().begin(until);
        message::exchange(self, host, request)
    }

    /// Whether it can be used once more: the other side keeps it open, and said nothing that would be taken for the next answer. What
    /// came with the last one is inside TLS already.
    pub(super) fn is_open(&mut self) -> bool {
        let is_empty = match self {
            Self::Plain(_) => true,
            Self::Tls(stream) => stream
                .conn
                .process_new_packets()
                .is_ok_and(|state| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed()),
        };
        is_empty && self.is_silent()
    }

    /// Nothing is on the wire.
    pub(super) fn is_silent(&mut self) -> bool {
        self.wire().is_silent()
    }

    fn wire(&mut self) -> &mut Wire {
        match self {
            Self::Plain(wire) => wire,
            Self::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(wire) => wire.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(wire) => wire.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
