use std::str::FromStr;

use crate::{Redactor, Shown, TransportError};

/// What [`Record`](crate::Record) writes, as data. The format is text, a line for each thing, made to be read and to be
/// written by hand:
///
/// ```text
/// # obnova trace 1                      a comment; this one comes first
/// @ reader Virtual PCD 00 00            where the card was
/// @ atr 3B 85 01 4F 73 45 49 44 F0      its answer to reset
/// @ begin                               a conversation begins
/// > 00 A4 04 00 02 3F 00                a command
/// < 6F 00 90 00                         its answer, data and status word
/// > 00 20 00 01 [redacted]              a command whose data was left out: the header stays
/// ! card-removed                        there was no answer, but an error: its name, then perhaps words
/// @ end                                 the conversation is over
/// ```
///
/// White space between bytes and around lines, and empty lines, mean nothing. A file that ends within a conversation (the
/// program died) is complete up to there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFile {
    /// Where the card was; the last one that is named.
    pub reader: String,
    /// Its answer to reset; the last one that is given.
    pub atr: Vec<u8>,
    /// What was said.
    pub conversations: Vec<Conversation>,
}

/// What was said from `@ begin` to `@ end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Line of its `@ begin`, from 1.
    pub line: usize,
    /// Commands with their answers.
    pub exchanges: Vec<Exchange>,
}

/// A command and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Line of the command, from 1.
    pub line: usize,
    /// The command.
    pub command: RecordedCommand,
    /// The answer, data and status word, or why there was none.
    pub answer: Result<Vec<u8>, TransportError>,
}

/// A command, as far as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCommand {
    /// All of it, or its header.
    pub bytes: Vec<u8>,
    /// Whether data was left out.
    pub redacted: bool,
}

impl RecordedCommand {
    /// Whether `shown` would have been recorded like this.
    #[must_use]
    pub fn matches(&self, shown: Shown<'_>) -> bool {
        (self.bytes.as_slice(), self.redacted) == (shown.bytes, shown.redacted)
    }

    /// What may be shown of it; nothing that is secret, also when the file was written by hand and holds a secret.
    pub(crate) fn show(&self) -> String {
        let shown = Redactor::new().show(&self.bytes);
        Shown { redacted: shown.redacted || self.redacted, ..shown }.to_string()
    }
}

/// A trace file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trace: {problem}")]
pub struct TraceFileError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: TraceProblem,
}

/// What is wrong with a line of a trace file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceProblem {
    /// The line begins with none of `#`, `@`, `>`, `<`, `!`.
    #[error("a line begins with one of # @ > < !")]
    UnknownLine,
    /// The first line does not name the format and a version that is known here.
    #[error("the first line is \"{FIRST_LINE}\"")]
    UnknownFormat,
    /// `@` with a word that is not known.
    #[error("@ is followed by reader, atr, begin or end")]
    UnknownAnnotation,
    /// Not pairs of hexadecimal digits.
    #[error("bytes are written as pairs of hexadecimal digits")]
    Hex,
    /// More bytes than an APDU has.
    #[error("an APDU has at most {LONGEST_APDU} bytes")]
    TooLong,
    /// A command without header, or an answer without status word.
    #[error("a command has at least 4 bytes, an answer at least 2")]
    TooShort,
    /// `!` with a name that is not known.
    #[error("no error has this name")]
    UnknownError,
    /// A line that cannot stand here: an answer without command, a command outside a conversation or before its answer.
    #[error("this line cannot stand here: commands stand between @ begin and @ end, each followed by its answer")]
    OutOfPlace,
}

pub(crate) const FIRST_LINE: &str = "# obnova trace 1";
/// Header, extended Lc, 65,535 bytes of data, extended Le; an answer is shorter.
const LONGEST_APDU: usize = 4 + 3 + 65_535 + 2;
/// Some cards answer less than a status word when they are broken; a trace of that can be replayed.
const SHORTEST_COMMAND: usize = 4;

impl FromStr for TraceFile {
    type Err = TraceFileError;

    fn from_str(text: &str) -> Result<Self, TraceFileError> {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            if index == 0 && line.trim() != FIRST_LINE {
                return Err(TraceFileError { line: 1, problem: TraceProblem::UnknownFormat });
            }
            reader.line(line_number, line.trim()).map_err(|problem| TraceFileError { line: line_number, problem })?;
        }
        if text.is_empty() {
            return Err(TraceFileError { line: 1, problem: TraceProblem::UnknownFormat });
        }
        Ok(reader.file)
    }
}

#[derive(Default)]
struct Reader {
    file: TraceFile,
    in_conversation: bool,
    /// A command that waits for its answer.
    command: Option<(usize, RecordedCommand)>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), TraceProblem> {
        let mut rest = line.chars();
        let kind = rest.next();
        let rest = rest.as_str().trim();
        match kind {
            None | Some('#') => Ok(()),
            Some('@') => self.annotation(number, rest),
            Some('>') => self.command(number, rest),
            Some('<') => self.answer(hex(rest).map(Ok)?),
            Some('!') => self.answer(Err(error_of_line(rest, &self.file.reader)?)),
            Some(_) => Err(TraceProblem::UnknownLine),
        }
    }

    fn annotation(&mut self, number: usize, text: &str) -> Result<(), TraceProblem> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match word {
            "reader" => rest.trim().clone_into(&mut self.file.reader),
            "atr" => self.file.atr = hex(rest)?,
            "begin" if !self.in_conversation => {
                self.in_conversation = true;
                self.file.conversations.push(Conversation { line: number, exchanges: Vec::new() });
            }
            "end" if self.in_conversation && self.command.is_none() => self.in_conversation = false,
            "begin" | "end" => return Err(TraceProblem::OutOfPlace),
            _ => return Err(TraceProblem::UnknownAnnotation),
        }
        Ok(())
    }

    fn command(&mut self, number: usize, text: &str) -> Result<(), TraceProblem> {
        if !self.in_conversation || self.command.is_some() {
            return Err(TraceProblem::OutOfPlace);
        }
        let (digits, redacted) = match text.strip_suffix("[redacted]") {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let bytes = hex(digits)?;
        if bytes.len() < SHORTEST_COMMAND {
            return Err(TraceProblem::TooShort);
        }
        self.command = Some((number, RecordedCommand { bytes, redacted }));
        Ok(())
    }

    fn answer(&mut self, answer: Result<Vec<u8>, TransportError>) -> Result<(), TraceProblem> {
        let (line, command) = self.command.take().ok_or(TraceProblem::OutOfPlace)?;
        let conversation = self.file.conversations.last_mut().ok_or(TraceProblem::OutOfPlace)?;
        conversation.exchanges.push(Exchange { line, command, answer });
        Ok(())
    }
}

fn hex(text: &str) -> Result<Vec<u8>, TraceProblem> {
    let mut bytes = Vec::new();
    let mut digits = text.chars().filter(|c| !c.is_whitespace());
    while let Some(high) = digits.next() {
        let digit = |c: char| c.to_digit(16).ok_or(TraceProblem::Hex);
        let low = digits.next().ok_or(TraceProblem::Hex)?;
        let byte = digit(high)? << 4 | digit(low)?;
        if bytes.len() == LONGEST_APDU {
            return Err(TraceProblem::TooLong);
        }
        bytes.push(byte as u8);
    }
    Ok(bytes)
}

/// The name of an error, and its words where the name does not say all.
pub(crate) fn error_line(error: &TransportError) -> String {
    match error {
        TransportError::NoReader | TransportError::ReaderNotFound { .. } | TransportError::ReaderAmbiguous { .. } => {
            "no-reader".to_owned()
        }
        TransportError::NoCard { .. } => "no-card".to_owned(),
        TransportError::CardRemoved => "card-removed".to_owned(),
        TransportError::CardReset => "card-reset".to_owned(),
        TransportError::CardMute => "card-mute".to_owned(),
        TransportError::Sharing => "sharing".to_owned(),
        TransportError::ServiceStopped => "service-stopped".to_owned(),
        TransportError::AccessDenied => "access-denied".to_owned(),
        TransportError::Timeout => "timeout".to_owned(),
        TransportError::Io(_) | TransportError::NoControl | TransportError::ReplayMismatch { .. } => {
            format!("io {}", error.to_string().replace(obnova_algorithm::text::is_unseen, " "))
        }
    }
}

fn error_of_line(text: &str, reader: &str) -> Result<TransportError, TraceProblem> {
    let (name, words) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Ok(match name {
        "no-reader" => TransportError::NoReader,
        "no-card" => TransportError::NoCard { reader: reader.to_owned() },
        "card-removed" => TransportError::CardRemoved,
        "card-reset" => TransportError::CardReset,
        "card-mute" => TransportError::CardMute,
        "sharing" => TransportError::Sharing,
        "service-stopped" => TransportError::ServiceStopped,
        "access-denied" => TransportError::AccessDenied,
        "timeout" => TransportError::Timeout,
        "io" => TransportError::Io(words.trim().to_owned()),
        _ => return Err(TraceProblem::UnknownError),
    })
}

#[cfg(test)]
mod tests;
