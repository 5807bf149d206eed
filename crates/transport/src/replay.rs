use crate::{CardConnection, CardTransport, Redactor, TraceFile, TransportError, trace_file::Exchange};

/// Plays a recorded card: the same commands get the same answers, anything else is a
/// [`TransportError::ReplayMismatch`]. Redacted data matches any data.
///
/// ```
/// use obnova_transport::{CardConnection, Replay, TraceFile};
///
/// let trace: TraceFile = "# obnova trace 1\n@ begin\n> 00 20 00 01 [redacted]\n< 63 C2\n@ end\n".parse()?;
/// let mut replay = Replay::new(trace);
/// let mut answer = Vec::new();
/// replay.begin()?.transmit(b"\x00\x20\x00\x01\x041234", &mut answer)?;
/// assert_eq!(answer, [0x63, 0xC2]);
/// replay.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    trace: TraceFile,
    /// Conversations that were begun.
    begun: usize,
    /// Exchanges played in the last of them.
    played: usize,
}

impl Replay {
    /// Plays `trace` from its start.
    #[must_use]
    pub const fn new(trace: TraceFile) -> Self {
        Self { trace, begun: 0, played: 0 }
    }

    /// Whether everything that was recorded was played.
    ///
    /// # Errors
    /// [`TransportError::ReplayMismatch`] with the first command that was not sent.
    pub fn finish(&self) -> Result<(), TransportError> {
        self.conversation_is_played("the end of the program")?;
        match self.trace.conversations.get(self.begun) {
            Some(next) => Err(mismatch(next.line, "the beginning of a conversation", "the end of the program")),
            None => Ok(()),
        }
    }

    fn conversation_is_played(&self, got: &str) -> Result<(), TransportError> {
        let Some(current) = self.begun.checked_sub(1).and_then(|index| self.trace.conversations.get(index)) else {
            return Ok(());
        };
        match current.exchanges.get(self.played) {
            Some(next) => Err(mismatch(next.line, next.command.show(), got)),
            None => Ok(()),
        }
    }

    fn end_line(&self) -> usize {
        let last = self.trace.conversations.last();
        last.map_or(1, |last| last.exchanges.last().map_or(last.line, |exchange| exchange.line))
    }
}

fn mismatch(line: usize, expected: impl Into<String>, got: impl Into<String>) -> TransportError {
    TransportError::ReplayMismatch { line, expected: expected.into(), got: got.into() }
}

impl CardConnection for Replay {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        const BEGIN: &str = "the beginning of a conversation";
        self.conversation_is_played(BEGIN)?;
        let end = self.end_line();
        let conversation =
            self.trace.conversations.get(self.begun).ok_or_else(|| mismatch(end, "the end of the trace", BEGIN))?;
        self.begun += 1;
        self.played = 0;
        Ok(Box::new(Player {
            line: conversation.line,
            exchanges: &conversation.exchanges,
            played: &mut self.played,
            redactor: Redactor::new(),
        }))
    }

    fn description(&self) -> String {
        self.trace.reader.clone()
    }

    fn atr(&self) -> Vec<u8> {
        self.trace.atr.clone()
    }
}

struct Player<'a> {
    line: usize,
    exchanges: &'a [Exchange],
    played: &'a mut usize,
    redactor: Redactor,
}

impl CardTransport for Player<'_> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        response.clear();
        let shown = self.redactor.show(command);
        let Some(exchange) = self.exchanges.get(*self.played) else {
            let line = self.exchanges.last().map_or(self.line, |last| last.line);
            return Err(mismatch(line, "the end of the conversation", shown.to_string()));
        };
        if !exchange.command.matches(shown) {
            return Err(mismatch(exchange.line, exchange.command.show(), shown.to_string()));
        }
        *self.played += 1;
        response.extend_from_slice(exchange.answer.as_ref().map_err(Clone::clone)?);
        Ok(())
    }
}
