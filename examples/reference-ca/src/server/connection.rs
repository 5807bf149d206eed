use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum::{Extension, Router, body::Body, extract::State, response::Response};
use hyper::{
    Request,
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use x509_cert::{Certificate, der::Decode};

use super::{Patience, Shared, est, pages, status};

/// The most connections at once; others wait.
const CONNECTIONS: usize = 512;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub address: SocketAddr,
    /// The TLS client certificate; its key signed the handshake, and nothing else is known of it.
    pub certificate: Option<Arc<Certificate>>,
}

/// Takes connections until `stopped`, then waits a while for those that are open.
///
/// # Errors
/// The system does not let anybody listen any more.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    desk: Arc<status::Desk>,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    // Once for all connections: putting the many routes together costs more than the signature of a handshake.
    let pages = pages::router(desk, shared.clone());
    let patience = shared.patience;
    let talk = move |stream, address, stopped| {
        converse(stream, address, acceptor.clone(), pages.clone(), shared.clone(), stopped)
    };
    accept(listener, patience, stopped, talk).await
}

/// The same, whatever is spoken over the connections. A panic ends the connection that it is about, and no other.
pub(super) async fn accept<T>(
    listener: TcpListener,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
    talk: impl Fn(TcpStream, SocketAddr, watch::Receiver<bool>) -> T + Send + Sync + 'static,
) -> io::Result<()>
where
    T: Future<Output = ()> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (room, talk) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::new(talk));
    let stop = stopped.clone();
    loop {
        let accepted = tokio::select! {
            () = end(&mut stopped) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file descriptors, most likely: let some connections end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = room.clone().acquire_owned().await else { break };
        let (talk, stop) = (talk.clone(), stop.clone());
        tokio::spawn(async move {
            // The time is up, the client is gone, or all is said: in each case the connection ends here.
            let _ = timeout(patience.connection, talk(stream, address, stop)).await;
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    // Either they have ended, or their time is up and the runtime drops them.
    let _ = timeout(patience.farewell, room.acquire_many(all)).await;
    Ok(())
}

async fn converse(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    pages: Router,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it an answer in two packets waits for the client's acknowledgement of the first. It helps, it is not needed.
    let _ = stream.set_nodelay(true);
    let handshake = tokio::select! {
        () = end(&mut stopped) => return,
        handshake = timeout(shared.patience.hello, acceptor.accept(stream)) => handshake,
    };
    let Ok(Ok(stream)) = handshake else { return };
    let sent = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    // The handshake's signature was verified with it: that it cannot be read here is very unlikely, and then it is nobody's.
    let certificate = sent.and_then(|der| Certificate::from_der(der).ok()).map(Arc::new);
    let peer = Peer { address, certificate };
    let pages = TowerToHyperService::new(pages);
    let whole = shared.clone();
    let answer = service_fn(move |request| answer(whole.clone(), peer.clone(), pages.clone(), request));
    speak(stream, answer, &shared, stopped).await;
}

/// Orders do not go through the routes: to find and call one of them costs as much as to read an order.
async fn answer(
    shared: Arc<Shared>,
    peer: Peer,
    pages: TowerToHyperService<Router>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if request.uri().path().starts_with(est::WELL_KNOWN) {
        let answer = |request| est::answer(State(shared.clone()), Extension(peer.clone()), request);
        return Ok(pages::watch(&shared, &peer, request.map(Body::new), answer).await);
    }
    request.extensions_mut().insert(peer);
    pages.call(request).await
}

/// HTTP over a connection that stands.
pub(super) async fn speak<S>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: S,
    shared: &Shared,
    mut stopped: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send,
{
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.patience.hello)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        () = end(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
        _ = connection.as_mut() => {}
    }
}

/// Waits for the server's end.
async fn end(stopped: &mut watch::Receiver<bool>) {
    // An error says that whoever could stop the server is gone, which is the end too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read as _,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn a_panic_ends_the_connection_that_it_is_about_and_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let came = AtomicBool::new(false);
        let talk = move |stream: TcpStream, _, _| {
            assert!(came.swap(true, Ordering::SeqCst), "a fault of this program");
            async move {
                stream.writable().await.unwrap();
                assert_eq!(stream.try_write(b"hello").unwrap(), 5);
            }
        };
        let serving = runtime.spawn(accept(listener, Patience::default(), stopped, talk));
        let heard = || {
            let mut heard = String::new();
            // The one that it is about is closed, or torn.
            let _ = std::net::TcpStream::connect(address).unwrap().read_to_string(&mut heard);
            heard
        };
        assert_eq!([heard(), heard()], ["", "hello"]);
        stop.send(true).unwrap();
        runtime.block_on(serving).unwrap().unwrap();
    }
}
