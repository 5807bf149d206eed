use core::fmt;
use core::iter::FusedIterator;

use super::header::Split;
use super::{Tag, TlvError};

/// One data object, borrowed from the bytes it was read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag.
    pub tag: Tag,
    /// Value: for a constructed object the encodings of those inside.
    pub value: &'a [u8],
    encoded: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The whole object, tag and length included, exactly as it was read.
    #[inline]
    #[must_use]
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// Reads one object that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`TlvError`]; [`TlvError::TrailingBytes`] when the object is shorter than `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TlvError> {
        let split = Split::short(bytes).map_or_else(|| Split::long(bytes, 0), Ok)?;
        if !split.rest.is_empty() {
            return Err(TlvError::TrailingBytes { offset: split.encoded.len() });
        }
        Ok(split.into())
    }

    /// The objects inside. Meaningful for a constructed tag; some cards put objects into primitive ones too.
    #[must_use]
    pub const fn children(&self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// The value as an unsigned big-endian number; `None` when it is empty or does not fit.
    #[must_use]
    pub fn as_u32(&self) -> Option<u32> {
        let significant = self.value.iter().skip_while(|byte| **byte == 0);
        if self.value.is_empty() || significant.clone().count() > 4 {
            return None;
        }
        Some(significant.fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }
}

impl<'a> From<Split<'a>> for Tlv<'a> {
    #[inline(always)]
    fn from(split: Split<'a>) -> Self {
        let Split { tag, value, encoded, .. } = split;
        Self { tag, value, encoded }
    }
}

impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlv({}, {} bytes)", self.tag, self.value.len())
    }
}

/// Iterates over the data objects that stand one after the other on one level.
///
/// After an error the iterator ends: what follows a broken object means nothing.
///
/// ```
/// use obnova_apdu::tlv::{Reader, Tag, TlvError};
///
/// let mut reader = Reader::new(&[0x80, 0x01, 0xFF, 0x81, 0x02, 0x00]);
/// assert_eq!(reader.next().unwrap()?.tag, Tag::new(0x80));
/// assert_eq!(reader.next(), Some(Err(TlvError::ValueTruncated { offset: 3, length: 2, available: 1 })));
/// assert_eq!(reader.next(), None);
/// # Ok::<(), TlvError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// Where they end, counted from the start of the bytes that were given, for the offsets in errors.
    end: usize,
    padded: bool,
}

impl<'a> Reader<'a> {
    /// A reader of objects that fill `bytes` completely.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, end: bytes.len(), padded: false }
    }

    /// A reader that skips `00` and `FF` before, between and after objects, as elementary files that are larger than their
    /// content hold them.
    #[must_use]
    pub const fn padded(bytes: &'a [u8]) -> Self {
        Self { bytes, end: bytes.len(), padded: true }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next object with this tag on this level, skipping others.
    ///
    /// # Errors
    /// [`TlvError`] of the first broken object on the way.
    pub fn find_tag(&mut self, tag: Tag) -> Result<Option<Tlv<'a>>, TlvError> {
        for object in self {
            let object = object?;
            if object.tag == tag {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    fn skip_padding(&mut self) {
        let padding = self.bytes.iter().take_while(|byte| matches!(byte, 0x00 | 0xFF)).count();
        self.bytes = &self.bytes[padding..];
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.padded {
            self.skip_padding();
        }
        if self.bytes.is_empty() {
            return None;
        }
        // State goes to the cold side by value: a reference would keep it in memory on the hot side too.
        let split = match Split::short(self.bytes) {
            Some(split) => split,
            None => match Split::long(self.bytes, self.end - self.bytes.len()) {
                Ok(split) => split,
                Err(error) => {
                    self.bytes = &[];
                    return Some(Err(error));
                }
            },
        };
        self.bytes = split.rest;
        Some(Ok(split.into()))
    }
}

impl FusedIterator for Reader<'_> {}

/// Follows a path of tags from the top level inwards, taking the first object with each tag, and returns the last one.
/// `None` when one is missing, or when the path is empty.
///
/// Only what has to be read is: bytes behind the object, and inside others, are not checked.
///
/// # Errors
/// [`TlvError`] of the first broken object on the way; its offset counts from the start of the object around it.
pub fn find<'a>(bytes: &'a [u8], path: &[Tag]) -> Result<Option<Tlv<'a>>, TlvError> {
    let mut found = None;
    let mut level = bytes;
    for tag in path {
        let Some(object) = Reader::new(level).find_tag(*tag)? else {
            return Ok(None);
        };
        level = object.value;
        found = Some(object);
    }
    Ok(found)
}
