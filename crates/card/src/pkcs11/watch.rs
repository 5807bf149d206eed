//! Observers that are ready to be used.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use obnova_transport::TransportError;

use super::{Pkcs11Call, Pkcs11Observer};
use crate::TokenError;

/// Counts the calls of a module. Clones share one count, so keep one to read while the other works.
#[derive(Clone, Debug, Default)]
pub struct Pkcs11Count(Arc<AtomicU64>);

impl Pkcs11Count {
    /// A count at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls so far; subtract an earlier reading to learn what one step took.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Pkcs11Observer for Pkcs11Count {
    fn before(&mut self, _: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        self.0.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// Writes down what is asked of a module, a line each: `> ` call, `< ` that it was done, `! ` error. What cannot be written
/// is lost: a full disk must not break a conversation.
#[derive(Debug)]
pub struct Pkcs11Trace<W>(W);

impl<W: Write + Send> Pkcs11Trace<W> {
    /// Writes the lines to `writer`.
    pub const fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: Write + Send> Pkcs11Observer for Pkcs11Trace<W> {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        let line = format!("> {} {}", call.function, call.about);
        let _ = writeln!(self.0, "{}", line.trim_end());
        Ok(())
    }

    fn after(&mut self, call: &Pkcs11Call<'_>, outcome: Result<(), &TokenError>) -> Result<(), TransportError> {
        let _ = match outcome {
            Ok(()) => writeln!(self.0, "< {}", call.function),
            Err(error) => writeln!(self.0, "! {}: {error}", call.function),
        };
        Ok(())
    }
}
