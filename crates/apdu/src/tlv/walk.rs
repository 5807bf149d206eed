use core::iter::FusedIterator;

use super::header::Split;
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
    /// Where the walk began, for offsets.
    start: &'a [u8],
    /// What has not been read yet inside the innermost object.
    rest: &'a [u8],
    /// What stands behind each object around it, outermost first.
    behind: [&'a [u8]; DEPTH],
    /// How many objects are around it; `DEPTH` when that is one too many.
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
        Self { start: bytes, rest: bytes, behind: [&[]; DEPTH], depth: 0 }
    }

    fn offset(&self) -> usize {
        self.rest.as_ptr().addr() - self.start.as_ptr().addr()
    }

    #[inline(always)]
    fn fail(&mut self, error: TlvError) -> Option<Result<Node<'a>, TlvError>> {
        self.rest = &[];
        self.depth = 0;
        Some(Err(error))
    }
}

impl<'a, const DEPTH: usize> Iterator for Walk<'a, DEPTH> {
    type Item = Result<Node<'a>, TlvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.is_empty() {
            self.depth = self.depth.checked_sub(1)?;
            self.rest = self.behind[self.depth];
        }
        let depth = self.depth;
        if depth >= DEPTH {
            return self.fail(TlvError::TooDeep { offset: self.offset(), limit: DEPTH });
        }
        // State goes to the cold side by value: a reference would keep it in memory on the hot side too.
        let split = match Split::short(self.rest) {
            Some(split) => split,
            None => match Split::long(self.rest, self.offset()) {
                Ok(split) => split,
                Err(error) => return self.fail(error),
            },
        };
        let (Split { tag, value, rest, .. }, offset) = (split, self.offset());
        self.rest = rest;
        if tag.is_constructed() {
            self.behind[depth] = rest;
            self.depth = depth + 1;
            self.rest = value;
        }
        Some(Ok(Node { depth, offset, tag, value }))
    }
}

impl<const DEPTH: usize> FusedIterator for Walk<'_, DEPTH> {}
