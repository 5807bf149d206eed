//! One who tells a lie now, or the truth, in the place of a CA.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use obnova_client::enroll::{
    cmc::{FullRequest, TransactionId},
    est::{HttpRequest, HttpResponse},
};

use super::{
    house::Ca,
    lies::{Lie, Scene},
    server::{self, Wire},
};

/// The lie that is told now, and how often it was; and what was answered truly.
pub struct Liar<L = Lie> {
    pub ca: Ca,
    /// Bears the same names, and is trusted by nobody here.
    pub impostor: Ca,
    lie: Mutex<Option<L>>,
    times: AtomicUsize,
    earlier: Mutex<Vec<(TransactionId, Vec<u8>)>>,
}

/// As every server is lied about.
pub trait OfServers {
    fn of_servers(&self) -> Option<&Lie>;
}

impl OfServers for Lie {
    fn of_servers(&self) -> Option<&Lie> {
        Some(self)
    }
}

impl<L: Clone + OfServers> Liar<L> {
    pub fn new() -> Self {
        let (ca, impostor) = (Ca::new("CN=Root"), Ca::new("CN=Root"));
        Self { ca, impostor, lie: Mutex::default(), times: AtomicUsize::new(0), earlier: Mutex::default() }
    }

    /// From now on.
    pub fn tells(&self, lie: L) {
        self.times.store(0, SeqCst);
        *self.lie.lock().unwrap() = Some(lie);
    }

    /// From now on. How often the lie was told.
    pub fn tells_the_truth(&self) -> usize {
        *self.lie.lock().unwrap() = None;
        self.times.load(SeqCst)
    }

    pub fn lie(&self) -> Option<L> {
        self.lie.lock().unwrap().clone()
    }

    /// The lie is told.
    pub fn tell<T>(&self, what: T) -> T {
        self.times.fetch_add(1, SeqCst);
        what
    }

    /// Where a lie is told to this message.
    pub fn tell_by(&self, lie: &dyn Fn(&Scene<'_>) -> HttpResponse, request: &FullRequest) -> Wire {
        let earlier = self.earlier.lock().unwrap().clone();
        let scene = Scene { ca: &self.ca, impostor: &self.impostor, request, earlier: &earlier };
        self.tell(Wire::http(&lie(&scene)))
    }

    /// This was the truth.
    pub fn has_answered(&self, transaction: TransactionId, answer: Vec<u8>) {
        self.earlier.lock().unwrap().push((transaction, answer));
    }

    /// Whose certificate is shown.
    pub fn identity(&self) -> Option<Arc<rustls::ServerConfig>> {
        match self.lie().as_ref().and_then(OfServers::of_servers) {
            Some(Lie::Plain) => self.tell(None),
            Some(Lie::Identity(lie)) => Some(self.tell(server::tls(&lie(&self.ca, &self.impostor)))),
            _ => Some(server::tls(&self.ca.server)),
        }
    }

    pub fn greet(&self) -> Option<Wire> {
        match self.lie().as_ref().and_then(OfServers::of_servers) {
            Some(Lie::Greeting(lie)) => Some(self.tell(lie())),
            _ => None,
        }
    }

    /// To a question that only who was sent on asks.
    pub fn answer_elsewhere(&self, request: &HttpRequest) -> Wire {
        match self.lie().as_ref().and_then(OfServers::of_servers) {
            Some(Lie::Http(lie)) => self.tell(lie(())),
            _ => panic!("nobody was sent to {}", request.path),
        }
    }
}
