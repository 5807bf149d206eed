use super::{Tag, TlvError};

/// Tag, length and the size of the two as read from the front of an object.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) tag: Tag,
    pub(super) header_len: usize,
    pub(super) length: usize,
}

impl Header {
    /// Reads the header at the front of `bytes`, and checks that the value fits behind it.
    /// `offset` is where `bytes` start, for errors.
    #[inline(always)]
    pub(super) fn read(bytes: &[u8], offset: usize) -> Result<Self, TlvError> {
        // One tag byte and one length byte: nearly every object there is.
        if let [tag, length, ..] = *bytes
            && tag & 0x1F != 0x1F
            && tag != 0
            && length < 0x80
        {
            let header = Self { tag: Tag::from_read(u32::from(tag)), header_len: 2, length: usize::from(length) };
            if header.length <= bytes.len() - 2 {
                return Ok(header);
            }
        }
        Self::read_long(bytes, offset)
    }

    #[cold]
    fn read_long(bytes: &[u8], offset: usize) -> Result<Self, TlvError> {
        let (tag, tag_len) = read_tag(bytes, offset)?;
        let (length, length_len) = read_length(&bytes[tag_len..], offset)?;
        let header = Self { tag, header_len: tag_len + length_len, length };
        if length <= bytes.len() - header.header_len { Ok(header) } else { header.truncated(bytes, offset) }
    }

    fn truncated(self, bytes: &[u8], offset: usize) -> Result<Self, TlvError> {
        let available = bytes.len() - self.header_len;
        Err(TlvError::ValueTruncated { offset, length: self.length, available })
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
