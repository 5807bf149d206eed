use std::{
    fmt,
    io::{Read, Write},
};

use ureq::{
    Error,
    unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport, TransportAdapter},
};

use super::bounded::Bounded;

/// One connection for `ureq`, and what is carried over it.
pub(super) struct Carried<S> {
    pub(super) buffers: LazyBuffers,
    pub(super) stream: S,
}

/// Something that is read and written over a connection whose bytes are counted.
pub(super) trait Stream: Read + Write + Send + Sync + 'static {
    const IS_TLS: bool;

    fn below(&mut self) -> &mut Bounded<TransportAdapter>;
}

impl<S: Stream> Transport for Carried<S> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.below().stream.set_timeout(timeout);
        self.stream.below().begin();
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(self.stream.flush()?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.below().stream.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.below().stream.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        S::IS_TLS
    }
}

impl<S> fmt::Debug for Carried<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried")
    }
}
