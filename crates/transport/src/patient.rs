use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use crate::{CardConnection, CardTransport, TransportError};

/// A connection that tells when a conversation does not begin because another program has the card.
///
/// PC/SC lets whoever comes second wait without a word for as long as the other's transaction lasts, already when the card is
/// opened. Once that has taken longer than is usual, somebody is told the place of the card, once for each conversation; the
/// waiting goes on.
///
/// ```
/// use std::time::Duration;
/// use obnova_transport::{CardConnection, Patient, Replay, TraceFile, TransportError};
///
/// let card = Replay::new("# obnova trace 1\n@ begin\n@ end".parse::<TraceFile>()?);
/// let tell = |place: &str| eprintln!("another program uses the card in {place}");
/// let mut card = Patient::open("the reader", Duration::from_secs(2), tell, || Ok::<_, TransportError>(card))?;
/// card.begin()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Patient<C> {
    connection: C,
    watch: Watch,
}

struct Watch {
    usual: Duration,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl<C: CardConnection> Patient<C> {
    /// Opens a connection to the card in `place`. Calls `tell`, on a thread of its own, when that, or later the beginning of
    /// a conversation, takes longer than the `usual` time.
    ///
    /// # Errors
    /// As `open`.
    pub fn open<E>(
        place: &str,
        usual: Duration,
        tell: impl Fn(&str) + Send + Sync + 'static,
        open: impl FnOnce() -> Result<C, E>,
    ) -> Result<Self, E> {
        let watch = Watch { usual, tell: Arc::new(tell) };
        let connection = watch.over(place.to_owned(), open)?;
        Ok(Self { connection, watch })
    }
}

impl Watch {
    fn over<T>(&self, place: String, act: impl FnOnce() -> T) -> T {
        let (done, wait) = mpsc::channel::<()>();
        let (tell, usual) = (self.tell.clone(), self.usual);
        let watch = move || {
            if wait.recv_timeout(usual) == Err(RecvTimeoutError::Timeout) {
                tell(&place);
            }
        };
        // Where no thread can be started nobody is told; the waiting is the same.
        let watcher = thread::Builder::new().name("patient".to_owned()).spawn(watch);
        let outcome = act();
        drop(done);
        drop(watcher);
        outcome
    }
}

impl<C: CardConnection> CardConnection for Patient<C> {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        let place = self.connection.description();
        let Self { connection, watch } = self;
        watch.over(place, || connection.begin())
    }

    fn description(&self) -> String {
        self.connection.description()
    }

    fn atr(&self) -> Vec<u8> {
        self.connection.atr()
    }
}
