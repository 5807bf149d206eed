use core::iter::FusedIterator;

use super::header::Header;
use super::{Tag, TlvError};

/// Iterates over all data objects of all levels, each before those inside it, without recursion and without allocation.
///
/// `DEPTH` is how many levels there may be, the top one included; the 17th, by default, is [`TlvError::TooDeep`]. After an
/// error the iterator ends.
///
/// ```
/// use obnova_apdu::tlv::{TlvError, Walk};
///
/// let fci = [0x6F, 0x07, 0x84, 0x01, 0xA0, 0xA5, 0x02, 0x88, 0x00];
/// let seen = Walk::<4>::new(&fci)
///     .map(|node| node.map(|node| (node.depth, node.tag.number())))
///     .collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(seen, [(0, 0x6F), (1, 0x84), (1, 0xA5), (2, 0x88)]);
///
/// let too_deep = Walk::<2>::new(&fci).last();
/// assert_eq!(too_deep, Some(Err(TlvError::TooDeep { offset: 7, limit: 2 })));
/// # Ok::<(), TlvError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Walk<'a, const DEPTH: usize = 16> {
    bytes: &'a [u8],
    at: usize,
    /// Where the objects around the current position end, outermost first.
    ends: [usize; DEPTH],
    /// How many objects are around the current position; `DEPTH` when that is one too many.
    depth: usize,
}

/// A data object met on a [`Walk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// How many objects are around this one.
    pub depth: usize,
    /// Where the object starts.
    pub offset: usize,
    /// Tag.
    pub tag: Tag,
    /// Value: for a constructed object the encodings of those inside, which the walk visits next.
    pub value: &'a [u8],
}

impl<'a, const DEPTH: usize> Walk<'a, DEPTH> {
    /// A walk over objects that fill `bytes` completely.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        const { assert!(DEPTH > 0, "a walk needs at least one level") };
        let mut ends = [0; DEPTH];
        ends[0] = bytes.len();
        Self { bytes, at: 0, ends, depth: 0 }
    }

    fn fail(&mut self, error: TlvError) -> Option<Result<Node<'a>, TlvError>> {
        self.at = self.bytes.len();
        self.depth = 0;
        Some(Err(error))
    }
}

impl<'a, const DEPTH: usize> Iterator for Walk<'a, DEPTH> {
    type Item = Result<Node<'a>, TlvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.ends.get(self.depth) {
                None => return self.fail(TlvError::TooDeep { offset: self.at, limit: DEPTH }),
                Some(end) if *end != self.at => break,
                Some(_) if self.depth == 0 => return None,
                Some(_) => self.depth -= 1,
            }
        }
        let (offset, depth) = (self.at, self.depth);
        let level = &self.bytes[offset..self.ends[depth]];
        let header = match Header::read(level, offset) {
            Ok(header) => header,
            Err(error) => return self.fail(error),
        };
        let value = &level[header.header_len..header.header_len + header.length];
        self.at += header.header_len;
        if header.tag.is_constructed() {
            // One level too many is no level: `next` stops there, after this object was handed out.
            if let Some(end) = self.ends.get_mut(depth + 1) {
                *end = self.at + header.length;
                self.depth += 1;
            } else if header.length > 0 {
                self.depth = DEPTH;
            }
        } else {
            self.at += header.length;
        }
        Some(Ok(Node { depth, offset, tag: header.tag, value }))
    }
}

impl<const DEPTH: usize> FusedIterator for Walk<'_, DEPTH> {}
