//! The CA behind HTTPS.

mod applicant_pages;
mod applicants;
mod connection;
mod est;
mod html;
mod links;
mod pages;
mod peers;
mod pick_up;
mod revocation_password;
mod revoke;
mod simple;
mod status;
mod tls;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use obnova_ca::{AuditEvent, AuditLog, Ca};
use tokio::sync::{oneshot, watch};
use x509_cert::Certificate;

use crate::{House, house::HouseError};

/// Threads that read the database for pages. Orders need none of them.
const READERS: usize = 4;

/// What a server is to be like.
#[derive(Clone)]
pub struct ServerConfig {
    /// The CA.
    pub house: Arc<House>,
    /// Where to listen: loopback, and a port that is free, unless set.
    pub listen: SocketAddr,
    /// Where to tell who is revoked over plain HTTP too: OCSP and CRLs are signed, and their clients could not check a TLS
    /// certificate without them. Nowhere, unless set; `/ocsp` and `/crl` beside everything else are there in any case, for those who
    /// know the CA's server.
    pub status: Option<SocketAddr>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// Is told of every request that was answered.
    pub log: Arc<dyn Fn(&Access) + Send + Sync>,
    /// How long a client may take.
    pub patience: Patience,
}

/// How long a client may take before it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the TLS handshake, and for the head of a request: 10 seconds.
    pub hello: Duration,
    /// For the rest of a request, and its answer by the CA: 30 seconds.
    pub request: Duration,
    /// For all requests of one connection: five minutes.
    pub connection: Duration,
    /// For what is being answered when the server is stopped: 5 seconds.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            request: Duration::from_secs(30),
            connection: Duration::from_secs(300),
            farewell: Duration::from_secs(5),
        }
    }
}

impl ServerConfig {
    /// A server on a free port of 127.0.0.1, with the system's clock and no log.
    #[must_use]
    pub fn new(house: Arc<House>) -> Self {
        Self {
            house,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            status: None,
            clock: Arc::new(SystemTime::now),
            log: Arc::new(|_| {}),
            patience: Patience::default(),
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").field("house", &self.house).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// One request, as a log has it: no token, no certificate, no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who asked.
    pub from: SocketAddr,
    /// `POST`.
    pub method: String,
    /// `/.well-known/est/fullcmc`; what follows `/pickup/` or `/ocsp/` is left out.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The rule that was broken, when the CA refused.
    pub refused: Option<&'static str>,
    /// What failed, when the CA could not answer: for its operator, the client is only told to try again.
    pub failure: Option<String>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?} {}", self.from, self.method, self.path, self.status)?;
        self.refused.map_or(Ok(()), |rule| write!(f, " {rule}"))?;
        self.failure.as_ref().map_or(Ok(()), |failure| write!(f, " {failure:?}"))
    }
}

/// What every connection shares.
struct Shared {
    ca: Arc<Ca>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    log: Arc<dyn Fn(&Access) + Send + Sync>,
    patience: Patience,
    /// Who registers.
    registrations: peers::Peers,
    /// What the links in mails open.
    desks: links::Desks,
}

/// The CA as a server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Starts listening, and answers from threads of its own until [`Running::stop`].
    ///
    /// # Errors
    /// [`ServerError`]: the address is taken, or the TLS key and certificate cannot be used.
    pub fn start(config: ServerConfig) -> Result<Running, ServerError> {
        let (listener, address) = listen(config.listen)?;
        let desk = config.house.status_desk()?;
        let plain = config.status.map(listen).transpose()?;
        let status = plain.as_ref().map(|(_, address)| *address);
        let acceptor = tls::acceptor(&config.house, config.clock.clone())?;
        let trust_anchors = config.house.trust_anchors();
        let shared = Arc::new(Shared {
            ca: config.house.ca().clone(),
            clock: config.clock,
            log: config.log,
            patience: config.patience,
            registrations: peers::Peers::new(config.house.ca().policy().registration.per_peer),
            desks: links::Desks::of(&config.house)?,
        });
        // They sign. More of them than processors would only take turns.
        let threads = std::thread::available_parallelism().map_or(2, |processors| processors.get().max(2));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(READERS)
            .thread_name("ca-server")
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let (stop, stopped) = watch::channel(false);
        // When the loop ends the runtime is dropped, which joins its threads.
        let desk = Arc::new(status::Desk::new(desk, shared.clone()));
        let plain = plain.map(|(listener, _)| status::serve(listener, desk.clone(), shared.clone(), stopped.clone()));
        let (tell, over) = oneshot::channel();
        let run = move || {
            let served = connection::serve(listener, acceptor, desk, shared, stopped);
            // Who stops it does not ask how it ended.
            let _ = tell.send(runtime.block_on(together(served, plain)));
        };
        let audit = config.house.audit()?;
        audit.note(AuditEvent::Started, "", config.house.loaded()).map_err(HouseError::from)?;
        let thread = std::thread::Builder::new().name("ca-server".into()).spawn(run).map_err(ServerError::Threads)?;
        Ok(Running { address, status, trust_anchors, stop, over, thread: Some(thread), audit })
    }
}

/// Listens until both have ended, as they do when they are stopped. A fault that ends one of them ends the other: what listens by half
/// looks like what listens.
async fn together(
    served: impl Future<Output = io::Result<()>> + Send + 'static,
    status: Option<impl Future<Output = io::Result<()>> + Send + 'static>,
) -> io::Result<()> {
    let (served, status) = (tokio::spawn(served), status.map(tokio::spawn));
    let status = async {
        match status {
            Some(status) => status.await?,
            None => Ok(()),
        }
    };
    tokio::try_join!(async { served.await? }, status).map(drop)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let listening = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listening)?;
    listener.set_nonblocking(true).map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    Ok((listener, address))
}

/// A server that runs. Dropping it stops it too.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it tells who is revoked.
    pub status: Option<SocketAddr>,
    /// What a client is to trust.
    pub trust_anchors: Vec<Certificate>,
    stop: watch::Sender<bool>,
    over: oneshot::Receiver<io::Result<()>>,
    thread: Option<JoinHandle<()>>,
    audit: AuditLog,
}

impl Running {
    /// `https://127.0.0.1:8443`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// `http://127.0.0.1:8080`, where it tells who is revoked.
    #[must_use]
    pub fn status_url(&self) -> Option<String> {
        self.status.map(|address| format!("http://{address}"))
    }

    /// Waits until nobody is listened to any more though nobody stopped it, which is a fault; and says what is known of it.
    pub async fn broken(&mut self) -> ServerError {
        let fault = || io::Error::other("a fault of this program, which was printed when it came");
        ServerError::Over((&mut self.over).await.ok().and_then(Result::err).unwrap_or_else(fault))
    }

    /// Takes no more connections, lets requests that are being answered end (see [`Patience::farewell`]), and joins the threads.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Who does not listen any more has stopped.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed there; it has stopped all the same.
            let _ = thread.join();
            // A log that says nothing of the end says that there was none as it should be.
            let _ = self.audit.note(AuditEvent::Stopped, "", "");
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}: {source}; is another server running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the server listens no more ({0}): start it again")]
    Over(io::Error),
    /// No threads.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
    /// Key and certificate of the TLS server.
    #[error(transparent)]
    House(#[from] HouseError),
    /// rustls does not take them.
    #[error("server.key and server.pem cannot be used for TLS: {0}")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::together;

    #[test]
    fn a_server_that_would_listen_by_half_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ended = |served: bool, status: bool| {
            let one = |ends: bool| async move {
                match ends {
                    true => panic!("a fault of this program"),
                    false => future::pending().await,
                }
            };
            runtime.block_on(together(one(served), Some(one(status)))).unwrap_err().to_string()
        };
        assert!(ended(true, false).contains("panic") && ended(false, true).contains("panic"));
        let none = None::<future::Ready<_>>;
        assert!(runtime.block_on(together(future::ready(Err(std::io::Error::other("no"))), none)).is_err());
        assert!(runtime.block_on(together(future::ready(Ok(())), Some(future::ready(Ok(()))))).is_ok());
    }
}
