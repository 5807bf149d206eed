use std::io::{Error, Read, Result, Write};

/// Lets so many bytes come in answer to what was sent last, whatever they are. What reads an answer bounds the answer; this
/// bounds what it never sees: interim answers, frames of chunks, records of TLS that hold nothing.
pub(super) struct Bounded<S> {
    pub(super) stream: S,
    limit: usize,
    left: usize,
}

impl<S> Bounded<S> {
    pub(super) const fn new(stream: S, limit: usize) -> Self {
        Self { stream, limit, left: limit }
    }

    /// Something is asked, so something may come.
    pub(super) const fn begin(&mut self) {
        self.left = self.limit;
    }
}

impl<S: Read> Read for Bounded<S> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = self.stream.read(into)?;
        let too_much = || Error::other(ureq::Error::BodyExceedsLimit(self.limit as u64));
        self.left = self.left.checked_sub(read).ok_or_else(too_much)?;
        Ok(read)
    }
}

impl<S: Write> Write for Bounded<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}
