use alloc::vec::Vec;

use super::Tag;
use super::header::HeaderBytes;

/// Writes data objects into a vector, with lengths in their shortest form. Calls can be chained.
///
/// ```
/// use obnova_apdu::tlv::{Tag, VecWriter};
///
/// let mut writer = VecWriter::new();
/// writer.constructed(Tag::new(0x62), |fcp| {
///     fcp.primitive(Tag::new(0x82), &[0x01]).primitive(Tag::new(0x83), &[0x50, 0x31]);
/// });
/// assert_eq!(writer.into_vec(), [0x62, 0x07, 0x82, 0x01, 0x01, 0x83, 0x02, 0x50, 0x31]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct VecWriter {
    out: Vec<u8>,
}

impl VecWriter {
    /// A writer into a new vector.
    #[must_use]
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// Writes an object with this value.
    ///
    /// # Panics
    /// When the value is 4 GiB or longer.
    pub fn primitive(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        self.out.extend_from_slice(header(tag, value.len()).as_slice());
        self.raw(value)
    }

    /// Writes an object whose value is what `content` writes.
    ///
    /// # Panics
    /// When the value is 4 GiB or longer.
    pub fn constructed(&mut self, tag: Tag, content: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.out.len();
        content(self);
        let end = self.out.len();
        let header = header(tag, end - start);
        let header = header.as_slice();
        self.out.extend_from_slice(header);
        self.out.copy_within(start..end, start + header.len());
        self.out[start..start + header.len()].copy_from_slice(header);
        self
    }

    /// Writes bytes as they are, say an object that is encoded already.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// What is written so far.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.out
    }

    /// What was written.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.out
    }
}

#[expect(clippy::expect_used, reason = "a value of 4 GiB cannot come from a card, and memory ends first")]
fn header(tag: Tag, length: usize) -> HeaderBytes {
    HeaderBytes::new(tag, length).expect("value is shorter than 4 GiB")
}
