use std::{fmt, sync::Arc};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use ureq::{
    Error,
    unversioned::transport::{ConnectionDetails, Connector, LazyBuffers, Transport, TransportAdapter},
};

use super::{
    Https,
    bounded::Bounded,
    carried::{Carried, Stream},
};

/// TLS for `ureq` with a configuration that was made elsewhere: anchors, client certificate, versions.
pub(super) struct TlsConnector(Arc<ClientConfig>);

impl TlsConnector {
    pub(super) const fn new(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = TlsTransport;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<TlsTransport>, Error> {
        let Some(plain) = chained else { return Ok(None) };
        let host = details.uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::Tls("the server's name is not one"))?;
        let connection = ClientConnection::new(self.0.clone(), name).map_err(std::io::Error::other)?;
        let mut adapter = TransportAdapter::new(plain.boxed(), details.current_time.clone());
        adapter.set_timeout(details.timeout);
        let mut stream = StreamOwned::new(connection, Bounded::new(adapter, Https::MAX_WIRE));
        stream.conn.complete_io(&mut stream.sock)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Carried { buffers, stream }))
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

/// One TLS connection.
pub(super) type TlsTransport = Carried<StreamOwned<ClientConnection, Bounded<TransportAdapter>>>;

impl Stream for StreamOwned<ClientConnection, Bounded<TransportAdapter>> {
    const IS_TLS: bool = true;

    fn below(&mut self) -> &mut Bounded<TransportAdapter> {
        &mut self.sock
    }
}
