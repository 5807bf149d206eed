use core::fmt;

/// The tag of a data object: one to four bytes, as one number in the order they are written (`5F2F`, not `2F`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u32);

impl Tag {
    /// The tag written as this number, for constants.
    ///
    /// # Panics
    /// When the number is no well-formed tag. In a constant that is an error at compile time; for numbers that come from
    /// elsewhere see [`try_new`](Self::try_new).
    #[must_use]
    #[track_caller]
    pub const fn new(number: u32) -> Self {
        match Self::try_new(number) {
            Some(tag) => tag,
            None => panic!("not a well-formed BER tag"),
        }
    }

    /// The tag written as this number; `None` when it is not well formed: the first byte announces further ones by its
    /// lower five bits, each further one but the last by its highest bit, and none starts with `00`.
    #[must_use]
    pub const fn try_new(number: u32) -> Option<Self> {
        let bytes = number.to_be_bytes();
        let mut at = number.leading_zeros() as usize / 8;
        if at == 4 {
            return None;
        }
        let mut more = bytes[at] & 0x1F == 0x1F;
        at += 1;
        while at < 4 {
            if !more {
                return None;
            }
            more = bytes[at] & 0x80 != 0;
            at += 1;
        }
        if more { None } else { Some(Self(number)) }
    }

    /// A tag that the reader has just read, and found to be well formed.
    #[inline(always)]
    pub(super) const fn from_read(number: u32) -> Self {
        Self(number)
    }

    /// The tag as one number.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// How many bytes the tag takes, 1 to 4.
    #[inline]
    #[must_use]
    pub const fn encoded_len(self) -> usize {
        4 - self.0.leading_zeros() as usize / 8
    }

    /// Whether the value consists of data objects (bit 6 of the first byte).
    #[inline]
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        let first = if self.0 < 0x100 { self.0 as u8 } else { self.first_byte() };
        first & 0x20 != 0
    }

    /// Who gave the tag its meaning (bits 8 and 7 of the first byte).
    #[must_use]
    pub const fn class(self) -> TagClass {
        match self.first_byte() >> 6 {
            0 => TagClass::Universal,
            1 => TagClass::Application,
            2 => TagClass::ContextSpecific,
            _ => TagClass::Private,
        }
    }

    const fn first_byte(self) -> u8 {
        (self.0 >> (8 * (self.encoded_len() - 1))) as u8
    }
}

/// Who gave a tag its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagClass {
    /// ASN.1.
    Universal,
    /// The standard in use: ISO 7816 for `40` to `7F`.
    Application,
    /// The object around it.
    ContextSpecific,
    /// Anyone.
    Private,
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$X}", self.0, width = 2 * self.encoded_len())
    }
}
