use super::header::HeaderBytes;
use super::{Tag, TlvError};

/// Writes data objects into a buffer, with lengths in their shortest form.
///
/// After an error the buffer holds an unfinished object: drop the writer.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    /// A writer into the front of `out`.
    #[must_use]
    pub const fn new(out: &'b mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Writes an object with this value.
    ///
    /// # Errors
    /// [`TlvError::BufferTooSmall`], [`TlvError::ValueTooLong`].
    pub fn primitive(&mut self, tag: Tag, value: &[u8]) -> Result<(), TlvError> {
        self.raw(HeaderBytes::new(tag, value.len())?.as_slice())?;
        self.raw(value)
    }

    /// Writes an object whose value is what `content` writes.
    ///
    /// # Errors
    /// As [`primitive`](Self::primitive), and what `content` returns.
    pub fn constructed(
        &mut self,
        tag: Tag,
        content: impl FnOnce(&mut Self) -> Result<(), TlvError>,
    ) -> Result<(), TlvError> {
        let start = self.len;
        content(self)?;
        let header = HeaderBytes::new(tag, self.len - start)?;
        let header = header.as_slice();
        let content = start..self.len;
        self.reserve(header.len())?;
        self.out.copy_within(content, start + header.len());
        self.out[start..start + header.len()].copy_from_slice(header);
        Ok(())
    }

    /// Writes bytes as they are, say an object that is encoded already.
    ///
    /// # Errors
    /// [`TlvError::BufferTooSmall`].
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), TlvError> {
        let start = self.len;
        self.reserve(bytes.len())?;
        self.out[start..self.len].copy_from_slice(bytes);
        Ok(())
    }

    /// How many bytes are written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> &'b [u8] {
        &self.out[..self.len]
    }

    fn reserve(&mut self, count: usize) -> Result<(), TlvError> {
        let needed = self.len.saturating_add(count);
        let available = self.out.len();
        if needed > available {
            return Err(TlvError::BufferTooSmall { needed, available });
        }
        self.len = needed;
        Ok(())
    }
}
