use std::io::Write;

use crate::{CardTransport, Decorator, Redactor, TransportError, redact::Hex};

/// Tells a sink what is said, a line each: `> ` command, `< ` answer, `! ` error. Secrets are left out, always, as
/// [`Redactor`] says.
///
/// ```
/// # use obnova_transport::{Around, CardTransport, Trace, TransportError};
/// # struct Card;
/// # impl CardTransport for Card {
/// #     fn transmit(&mut self, _: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
/// #         *response = vec![0x90, 0x00];
/// #         Ok(())
/// #     }
/// # }
/// let mut lines = Vec::new();
/// {
///     let mut card = Around::new(Card, Trace::new(|line: &str| lines.push(line.to_owned())));
///     card.transmit(b"\x00\x20\x00\x01\x041234", &mut Vec::new())?;
/// }
/// assert_eq!(lines, ["> 00 20 00 01 [redacted]", "< 90 00"]);
/// # Ok::<(), TransportError>(())
/// ```
pub struct Trace<S> {
    sink: S,
    redactor: Redactor,
}

impl<S: FnMut(&str) + Send> Trace<S> {
    /// Tells `sink` each line, without its end.
    pub const fn new(sink: S) -> Self {
        Self { sink, redactor: Redactor::new() }
    }
}

impl Trace<()> {
    /// Writes the lines to `writer`. What cannot be written is lost: a full disk must not break a conversation.
    pub fn to_writer(mut writer: impl Write + Send) -> Trace<impl FnMut(&str) + Send> {
        Trace::new(move |line: &str| {
            let _ = writeln!(writer, "{line}");
        })
    }
}

impl<S: FnMut(&str) + Send> Decorator for Trace<S> {
    fn began(&mut self, _place: &str, _atr: &[u8]) {
        self.redactor = Redactor::new();
    }

    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        (self.sink)(&format!("> {}", self.redactor.show(command)));
        let result = card.transmit(command, response);
        match &result {
            Ok(()) => (self.sink)(&format!("< {}", Hex(response))),
            Err(error) => (self.sink)(&format!("! {error}")),
        }
        result
    }
}
