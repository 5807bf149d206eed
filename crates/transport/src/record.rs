use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{CardTransport, Decorator, Redactor, TransportError, redact::Hex, trace_file};

/// Writes a [trace file](crate::TraceFile): readable, and good to be [replayed](crate::Replay). Secrets are left out,
/// always, as [`Redactor`] says. Clones write to the same file, so keep one for notes and for [`finish`](Self::finish).
#[derive(Clone)]
pub struct Record(Arc<Mutex<Recorder>>);

struct Recorder {
    writer: Box<dyn Write + Send>,
    redactor: Redactor,
    /// Place and answer to reset are written when they change.
    card: Option<(String, Vec<u8>)>,
    failure: Option<io::Error>,
}

impl Record {
    /// Begins a trace file on `writer`.
    pub fn to_writer(writer: impl Write + Send + 'static) -> Self {
        let mut recorder = Recorder { writer: Box::new(writer), redactor: Redactor::new(), card: None, failure: None };
        recorder.line(trace_file::FIRST_LINE);
        Self(Arc::new(Mutex::new(recorder)))
    }

    /// Adds a comment, for instance the name of the step that begins.
    pub fn note(&self, text: &str) {
        let mut recorder = self.recorder();
        for line in text.lines() {
            recorder.line(&format!("# {line}"));
        }
    }

    /// Whether everything was written.
    ///
    /// # Errors
    /// The first failure. A conversation goes on when its record cannot be written.
    pub fn finish(&self) -> io::Result<()> {
        let mut recorder = self.recorder();
        match recorder.failure.take() {
            Some(failure) => Err(failure),
            None => recorder.writer.flush(),
        }
    }

    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        // Nothing is left half done by a panic of another holder but perhaps a line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    fn line(&mut self, line: &str) {
        if self.failure.is_none() {
            self.failure = writeln!(self.writer, "{line}").err();
        }
    }
}

impl Decorator for Record {
    fn began(&mut self, place: &str, atr: &[u8]) {
        let mut recorder = self.recorder();
        recorder.redactor = Redactor::new();
        if recorder.card.as_ref().is_none_or(|card| (card.0.as_str(), card.1.as_slice()) != (place, atr)) {
            let readable = place.replace(obnova_algorithm::text::is_unseen, " ");
            recorder.line(&format!("@ reader {}", readable.trim()));
            recorder.line(&format!("@ atr {}", Hex(atr)));
            recorder.card = Some((place.to_owned(), atr.to_vec()));
        }
        recorder.line("@ begin");
    }

    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        let shown = self.recorder().redactor.show(command).to_string();
        let result = card.transmit(command, response);
        let mut recorder = self.recorder();
        recorder.line(&format!("> {shown}"));
        match &result {
            Ok(()) => recorder.line(&format!("< {}", Hex(response))),
            Err(error) => recorder.line(&format!("! {}", trace_file::error_line(error))),
        }
        result
    }

    fn ended(&mut self) {
        self.recorder().line("@ end");
    }
}
