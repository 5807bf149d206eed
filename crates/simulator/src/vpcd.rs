//! The card in a virtual reader of the real PC/SC service: a client of vpcd (Debian package `vsmartcard-vpcd`), to which the
//! card connects as over a wire.
//!
//! vpcd speaks in messages, both ways: a length of two bytes, big-endian, and as many bytes. From vpcd one byte alone is a
//! control: `00` power off, `01` power on, `02` reset, none of which is answered, and `04`, answered with the ATR. Longer ones
//! are command APDUs. Closing the connection takes the card out of the reader.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{SimulatorConnection, VirtualCard};

/// Where vpcd listens for the card in its first reader, unless it is configured otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 35_963);

/// Between two attempts to reach vpcd, and before a torn card is put back.
const PAUSE: Duration = Duration::from_millis(200);
/// One attempt to reach it.
const CONNECT: Duration = Duration::from_secs(2);

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// A card that is attached to vpcd by a thread of its own. While vpcd is away it is waited for. Dropping this detaches the
/// card.
///
/// ```no_run
/// use obnova_simulator::{Card, SimulatorConnection, vpcd};
///
/// let card = SimulatorConnection::new(Card::open("card.json")?);
/// let attached = vpcd::Attached::new(&card, vpcd::DEFAULT_ADDRESS)?;
/// println!("the card is in the reader as soon as pcscd runs; press Enter to take it out");
/// std::io::stdin().read_line(&mut String::new())?;
/// attached.detach();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Attached {
    link: Arc<Link>,
    thread: Option<JoinHandle<()>>,
}

impl Attached {
    /// Attaches the card.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new<C: VirtualCard + 'static>(card: &SimulatorConnection<C>, address: SocketAddr) -> io::Result<Self> {
        let link = Arc::new(Link::default());
        let (card, shared) = (card.clone(), link.clone());
        let run = move || shared.run(&card, address);
        let thread = std::thread::Builder::new().name("vpcd".to_owned()).spawn(run)?;
        Ok(Self { link, thread: Some(thread) })
    }

    /// Whether the card is in the reader now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.stream().is_some()
    }

    /// Takes the card out, and waits until the thread has ended.
    pub fn detach(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.link.stop();
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell: a panic in it has been reported where it happened.
            _ = thread.join();
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread and its owner share.
#[derive(Debug, Default)]
struct Link {
    stopped: AtomicBool,
    /// The connection, so that whoever stops can wake the thread that reads from it.
    stream: Mutex<Option<TcpStream>>,
    wake: Condvar,
}

impl Link {
    fn stream(&self) -> MutexGuard<'_, Option<TcpStream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn stop(&self) {
        let stream = self.stream();
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(stream) = &*stream {
            // When it is closed already there is nobody to wake.
            _ = stream.shutdown(Shutdown::Both);
        }
        self.wake.notify_all();
    }

    fn run<C: VirtualCard>(&self, card: &SimulatorConnection<C>, address: SocketAddr) {
        while !self.is_stopped() {
            // That vpcd is away, or goes away, is what the loop is for.
            _ = self.connect(card, address);
            *self.stream() = None;
            card.with_card(C::reset);
            self.pause();
        }
    }

    fn pause(&self) {
        let stream = self.stream();
        let until_stopped = |_: &mut Option<TcpStream>| !self.is_stopped();
        drop(self.wake.wait_timeout_while(stream, PAUSE, until_stopped).unwrap_or_else(PoisonError::into_inner));
    }

    fn connect<C: VirtualCard>(&self, card: &SimulatorConnection<C>, address: SocketAddr) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
        stream.set_nodelay(true)?;
        {
            let mut shared = self.stream();
            if self.is_stopped() {
                return Ok(());
            }
            *shared = Some(stream.try_clone()?);
        }
        serve(card, &mut stream)
    }
}

/// Answers until the connection ends, or the card loses power.
fn serve<C: VirtualCard>(card: &SimulatorConnection<C>, stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let message = receive(stream)?;
        match **message {
            [] => {}
            [POWER_OFF | POWER_ON | RESET] => card.with_card(C::reset),
            [GET_ATR] => send(stream, &card.with_card(|card| card.atr()))?,
            _ => match card.with_card(|card| card.process(&message)) {
                Ok(response) => send(stream, &response)?,
                Err(crate::Torn) => return Ok(()),
            },
        }
    }
}

/// Reads one message. It may hold a PIN.
fn receive(stream: &mut TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    acknowledge_at_once(stream)?;
    stream.read_exact(&mut length)?;
    let mut message = Zeroizing::new(vec![0; u16::from_be_bytes(length).into()]);
    acknowledge_at_once(stream)?;
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

/// vpcd sends length and content apart, and its second packet waits for the first one's acknowledgement, which would come
/// some 40 ms late. The option does not last, so it is set before each read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_quickack(stream, true)?)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
