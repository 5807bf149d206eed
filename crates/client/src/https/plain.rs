use obnova_enroll::est::{HttpRequest, HttpResponse};
use ureq::{
    Agent, Error,
    unversioned::{
        resolver::DefaultResolver,
        transport::{ConnectionDetails, Connector, LazyBuffers, TcpConnector, Transport, TransportAdapter},
    },
};

use super::{
    Https, Patience,
    bounded::Bounded,
    carried::{Carried, Stream},
    config,
};
use crate::{CaError, StatusExchange};

/// Plain HTTP to whatever server an address in a certificate names, for what is signed and public: with the same bounds as [`Https`],
/// and without redirects and proxies.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainHttp {
    /// How long a server may take.
    pub patience: Patience,
}

impl StatusExchange for PlainHttp {
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        let connector = ().chain(TcpConnector::default()).chain(PlainConnector);
        let agent = Agent::with_parts(config(self.patience, false), connector, DefaultResolver::default());
        Https { agent, server: server.to_owned(), site: None, short: self.patience }.exchange(request)
    }
}

/// Counts what comes over a connection.
#[derive(Debug)]
struct PlainConnector;

impl<In: Transport> Connector<In> for PlainConnector {
    type Out = Carried<Bounded<TransportAdapter>>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(plain) = chained else { return Ok(None) };
        let mut adapter = TransportAdapter::new(plain.boxed(), details.current_time.clone());
        adapter.set_timeout(details.timeout);
        let stream = Bounded::new(adapter, Https::MAX_WIRE);
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Carried { buffers, stream }))
    }
}

impl Stream for Bounded<TransportAdapter> {
    const IS_TLS: bool = false;

    fn below(&mut self) -> &mut Self {
        self
    }
}
