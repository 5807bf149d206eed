use super::{Tag, TlvError};

/// An object cut off the front of some bytes, and what stands behind it.
#[derive(Clone, Copy)]
pub(super) struct Split<'a> {
    pub(super) tag: Tag,
    pub(super) value: &'a [u8],
    pub(super) encoded: &'a [u8],
    pub(super) rest: &'a [u8],
}

impl<'a> Split<'a> {
    /// Cuts off an object with one tag byte and one length byte, as nearly every object has. `None` when it has others, or
    /// when something is wrong: [`long`](Self::long) knows.
    #[inline(always)]
    pub(super) fn short(bytes: &'a [u8]) -> Option<Self> {
        let header = u16::from_le_bytes(*bytes.first_chunk()?);
        let (tag, length) = (header & 0xFF, header >> 8);
        // At once: the tag does not end in five ones, and the length is below 80.
        if header & 0x801F >= 0x1F || tag == 0 {
            return None;
        }
        let (encoded, rest) = bytes.split_at_checked(2 + usize::from(length))?;
        Some(Self { tag: Tag::from_read(u32::from(tag)), value: &encoded[2..], encoded, rest })
    }

    /// Cuts off any object, or says what is wrong with it. `offset` is where `bytes` start, for errors.
    #[cold]
    #[inline(never)]
    pub(super) fn long(bytes: &'a [u8], offset: usize) -> Result<Self, TlvError> {
        let (tag, tag_len) = read_tag(bytes, offset)?;
        let (length, length_len) = read_length(&bytes[tag_len..], offset)?;
        let header_len = tag_len + length_len;
        let available = bytes.len() - header_len;
        if length > available {
            return Err(TlvError::ValueTruncated { offset, length, available });
        }
        let (encoded, rest) = bytes.split_at(header_len + length);
        Ok(Self { tag, value: &encoded[header_len..], encoded, rest })
    }
}

fn read_tag(bytes: &[u8], offset: usize) -> Result<(Tag, usize), TlvError> {
    let first = *bytes.first().ok_or(TlvError::TagTruncated { offset })?;
    if first == 0 {
        return Err(TlvError::ZeroTag { offset });
    }
    let mut number = u32::from(first);
    if first & 0x1F != 0x1F {
        return Ok((Tag::from_read(number), 1));
    }
    for len in 2..=4 {
        let byte = *bytes.get(len - 1).ok_or(TlvError::TagTruncated { offset })?;
        number = number << 8 | u32::from(byte);
        if byte & 0x80 == 0 {
            return Ok((Tag::from_read(number), len));
        }
    }
    Err(TlvError::TagTooLong { offset })
}

fn read_length(bytes: &[u8], offset: usize) -> Result<(usize, usize), TlvError> {
    let first = *bytes.first().ok_or(TlvError::LengthTruncated { offset })?;
    let count = usize::from(first & 0x7F);
    if first < 0x80 {
        return Ok((count, 1));
    }
    match count {
        0 => return Err(TlvError::IndefiniteLength { offset }),
        1..=4 => {}
        _ => return Err(TlvError::LengthTooLong { offset }),
    }
    let field = bytes.get(1..=count).ok_or(TlvError::LengthTruncated { offset })?;
    let length = field.iter().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    // Where `usize` is shorter than the field, no value can be that long; the comparison that follows will say so.
    Ok((usize::try_from(length).unwrap_or(usize::MAX), 1 + count))
}

/// Tag and length as they are written: at most four and five bytes.
pub(super) struct HeaderBytes {
    bytes: [u8; 9],
    len: usize,
}

impl HeaderBytes {
    /// The header of an object whose value has `length` bytes; the length in its shortest form.
    pub(super) fn new(tag: Tag, length: usize) -> Result<Self, TlvError> {
        let mut header = Self { bytes: [0; 9], len: 0 };
        header.push(&tag.number().to_be_bytes()[4 - tag.encoded_len()..]);
        let length = u32::try_from(length).map_err(|_| TlvError::ValueTooLong { length })?;
        let field = length.to_be_bytes();
        let significant = &field[length.leading_zeros() as usize / 8..];
        match length {
            0..=0x7F => header.push(&[length as u8]),
            _ => {
                header.push(&[0x80 | significant.len() as u8]);
                header.push(significant);
            }
        }
        Ok(header)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}
