use std::{
    io::{Error, ErrorKind, Read, Result, Write},
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A TCP connection on which everything has its end: at a time, however busily the other side sends, and after so many bytes in
/// answer to what was sent last. What reads an answer bounds the answer; this bounds what it never sees: interim answers, frames of
/// chunks, records of TLS that hold nothing.
pub(super) struct Wire {
    stream: TcpStream,
    until: Instant,
    limit: usize,
    left: usize,
}

/// More bytes came in answer than are taken.
#[derive(Debug, thiserror::Error)]
#[error("more than {limit} bytes came in answer")]
pub(super) struct TooMuch {
    pub(super) limit: usize,
}

impl Wire {
    /// Connects to the first address of a host that takes it, each being given a fair part of the time.
    pub(super) fn connect(host: &str, port: u16, until: Instant, limit: usize) -> Result<Self> {
        let addresses = resolve(host, port, until)?;
        let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let share = left(until)? / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
                Ok(stream) => {
                    // It helps, it is not needed.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self { stream, until, limit, left: limit });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Something is asked, so something may come, until then.
    pub(super) const fn begin(&mut self, until: Instant) {
        (self.until, self.left) = (until, self.limit);
    }

    /// Whether the other side keeps it open and has said nothing unasked.
    pub(super) fn is_silent(&self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let seen = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            seen
        };
        peek().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        let read = self.stream.read(into).map_err(in_time)?;
        self.left = self.left.checked_sub(read).ok_or_else(|| Error::other(TooMuch { limit: self.limit }))?;
        Ok(read)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(bytes).map_err(in_time)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

/// The addresses of a host. The system may take its time to find them, so a thread waits for it that can be left.
fn resolve(host: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (found, addresses) = mpsc::channel();
    let name = (host.to_owned(), port);
    let look = move || drop(found.send(name.to_socket_addrs().map(Iterator::collect)));
    thread::Builder::new().name("resolve".into()).spawn(look)?;
    addresses.recv_timeout(left(until)?).map_err(|_| ErrorKind::TimedOut)?
}

/// What is left of the time.
fn left(until: Instant) -> Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Some systems say "would block" where a time limit has passed.
fn in_time(error: Error) -> Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}
