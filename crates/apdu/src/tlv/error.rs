use thiserror::Error;

/// Why bytes are no BER-TLV data object, or why one cannot be written. Offsets count from the start of the bytes that were
/// given to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TlvError {
    /// The bytes end inside a tag.
    #[error("data object at offset {offset}: tag is cut short")]
    TagTruncated {
        /// Where the object starts.
        offset: usize,
    },
    /// The tag has more than four bytes.
    #[error("data object at offset {offset}: tag is longer than 4 bytes")]
    TagTooLong {
        /// Where the object starts.
        offset: usize,
    },
    /// A tag cannot start with `00`, which is padding in some files: see [`Reader::padded`](super::Reader::padded).
    #[error("data object at offset {offset}: tag 00 is no tag")]
    ZeroTag {
        /// Where the byte stands.
        offset: usize,
    },
    /// The bytes end inside a length.
    #[error("data object at offset {offset}: length is cut short")]
    LengthTruncated {
        /// Where the object starts.
        offset: usize,
    },
    /// The length has the indefinite form, `80`.
    #[error("data object at offset {offset}: indefinite length is not supported")]
    IndefiniteLength {
        /// Where the object starts.
        offset: usize,
    },
    /// The length has more than four bytes.
    #[error("data object at offset {offset}: length field is longer than 4 bytes")]
    LengthTooLong {
        /// Where the object starts.
        offset: usize,
    },
    /// The bytes, or the object around, end inside the value.
    #[error("data object at offset {offset}: length says {length}, only {available} bytes remain")]
    ValueTruncated {
        /// Where the object starts.
        offset: usize,
        /// Length of the value as announced.
        length: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// Bytes follow the one object that was expected.
    #[error("bytes at offset {offset} follow the data object")]
    TrailingBytes {
        /// Where the first of them stands.
        offset: usize,
    },
    /// Objects are nested more deeply than the walk allows.
    #[error("data object at offset {offset}: nested more than {limit} deep")]
    TooDeep {
        /// Where the object starts.
        offset: usize,
        /// The depth that is allowed.
        limit: usize,
    },
    /// The buffer cannot hold what is to be written.
    #[error("buffer of {available} bytes is too small, {needed} are needed")]
    BufferTooSmall {
        /// Bytes needed so far.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// A value is longer than four length bytes can say.
    #[error("value of {length} bytes is too long for a data object")]
    ValueTooLong {
        /// Length of the value.
        length: usize,
    },
}
