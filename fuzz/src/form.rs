//! How the fields of an input are read and written: front to back, so that a form can be written by hand, too.

use arbitrary::{Arbitrary, Result, Unstructured};

/// Something that is read from an input and can be written as one. What is written is read as the same.
pub trait Form: Sized {
    /// Reads it. Where bytes run out they are zero.
    fn read(from: &mut Unstructured<'_>) -> Result<Self>;

    /// Writes it.
    fn write(&self, to: &mut Vec<u8>);
}

/// One byte.
pub fn byte(from: &mut Unstructured<'_>) -> Result<u8> {
    u8::arbitrary(from)
}

/// Two bytes, the higher one first.
pub fn word(from: &mut Unstructured<'_>) -> Result<u16> {
    Ok(u16::from_be_bytes([byte(from)?, byte(from)?]))
}

/// Four bytes, the highest one first.
pub fn double(from: &mut Unstructured<'_>) -> Result<u32> {
    Ok(u32::from(word(from)?) << 16 | u32::from(word(from)?))
}

/// Bytes with their number before them, in two bytes; as many as there are.
pub fn bytes(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = usize::from(word(from)?).min(from.len());
    Ok(from.bytes(length)?.to_vec())
}

/// Writes what [`bytes`] reads.
pub fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend((bytes.len() as u16).to_be_bytes());
    to.extend(bytes);
}

/// So many of them at most, to the end of the input.
pub fn all<T: Form>(from: &mut Unstructured<'_>, most: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    while !from.is_empty() && list.len() < most {
        list.push(T::read(from)?);
    }
    Ok(list)
}
