//! Base64 as it is met in bodies and PEM files: with line ends, without, or with blanks.

use base64ct::{Base64, Encoding};

/// Line length of wrapped bodies and of PEM (RFC 7468 §2).
const LINE: usize = 64;

/// Reads Base64 (RFC 4648 §4, padded), whatever blanks and line ends are in it.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Most is one line, perhaps with an end.
    decode_line(text.trim_ascii()).or_else(|| {
        let compact = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
        if compact.len() < text.len() { decode_line(&compact) } else { None }
    })
}

/// Reads Base64 without blanks, as `base64ct` does: by neither tables nor branches that depend on what it says. All but the end
/// is read in blocks, which compilers make vectors of.
fn decode_line(text: &[u8]) -> Option<Vec<u8>> {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    // The last block may have padding.
    let (_, blocks) = blocks.split_last().unwrap_or((&[0; BLOCK], &[]));
    let end = std::str::from_utf8(&text[blocks.len() * BLOCK..]).ok()?;
    let mut bytes = vec![0; blocks.len() * BLOCK_BYTES];
    let mut foreign = [0; BLOCK];
    for (block, decoded) in blocks.iter().zip(bytes.as_chunks_mut::<BLOCK_BYTES>().0) {
        let digits = digits(block, &mut foreign);
        let ([first, last], []) = digits.as_chunks() else { return None };
        decoded[..BLOCK_BYTES / 2].copy_from_slice(&joined(*first));
        decoded[BLOCK_BYTES / 2..].copy_from_slice(&joined(*last));
    }
    if foreign != [0; BLOCK] {
        return None;
    }
    bytes.append(&mut Base64::decode_vec(end).ok()?);
    Some(bytes)
}

/// Characters in a block, and bytes in those.
const BLOCK: usize = 16;
const BLOCK_BYTES: usize = BLOCK / 4 * 3;

/// What each character stands for. Where one is none of the alphabet, `foreign` is not zero any more.
#[inline]
fn digits(text: &[u8; BLOCK], foreign: &mut [u8; BLOCK]) -> [u8; BLOCK] {
    let mut digits = [0; BLOCK];
    for (index, &character) in text.iter().enumerate() {
        let within = |first: u8, last: u8| if character >= first && character <= last { 0xff } else { 0 };
        let (upper, lower, number) = (within(b'A', b'Z'), within(b'a', b'z'), within(b'0', b'9'));
        let (plus, slash) = (within(b'+', b'+'), within(b'/', b'/'));
        let offset = upper & 0u8.wrapping_sub(b'A')
            | lower & 26u8.wrapping_sub(b'a')
            | number & 52u8.wrapping_sub(b'0')
            | plus & (62 - b'+')
            | slash & (63 - b'/');
        digits[index] = character.wrapping_add(offset);
        foreign[index] |= !(upper | lower | number | plus | slash);
    }
    digits
}

/// Eight digits of six bits each, as the bytes that they are: two, four and then all of them are moved together.
#[inline]
fn joined(digits: [u8; 8]) -> [u8; 6] {
    let bits = u64::from_be_bytes(digits);
    let bits = bits & 0x003f_003f_003f_003f | (bits & 0x3f00_3f00_3f00_3f00) >> 2;
    let bits = bits & 0x0000_0fff_0000_0fff | (bits & 0x0fff_0000_0fff_0000) >> 4;
    let bits = bits & 0x0000_0000_00ff_ffff | (bits & 0x00ff_ffff_0000_0000) >> 8;
    let [_, _, bytes @ ..] = bits.to_be_bytes();
    bytes
}

/// One line without an end.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Lines of 64 characters, each ended by `end`.
pub(crate) fn encode_wrapped(bytes: &[u8], end: &str) -> String {
    let line = encode(bytes);
    let mut rest = line.as_str();
    let mut wrapped = String::with_capacity(line.len() + line.len() / LINE * end.len() + end.len());
    while !rest.is_empty() {
        // Base64 is ASCII: every index is a boundary.
        let (first, others) = rest.split_at(rest.len().min(LINE));
        wrapped.push_str(first);
        wrapped.push_str(end);
        rest = others;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn blocks_are_read_as_single_characters_are() {
        for length in 0..100 {
            let bytes = bytes(length);
            assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }
        let good = encode(&bytes(52)).into_bytes();
        assert!(good.len() > 4 * BLOCK && good.ends_with(b"="));
        let mut read = [0, 0];
        for index in 0..good.len() {
            for byte in 0..=u8::MAX {
                let mut bent = good.clone();
                bent[index] = byte;
                let singly = std::str::from_utf8(&bent).ok().and_then(|text| Base64::decode_vec(text).ok());
                assert_eq!(decode_line(&bent), singly, "{byte:#x} at {index}");
                read[usize::from(singly.is_some())] += 1;
            }
            assert_eq!(decode_line(&good[..index]).is_some(), index % 4 == 0, "{index}");
        }
        assert!(read.iter().all(|count| *count > 1000), "{read:?}");
    }

    #[test]
    fn blanks_do_not_matter_and_padding_in_the_middle_does() {
        let bytes = bytes(100);
        let line = encode(&bytes);
        for text in [format!(" {line}\r\n"), encode_wrapped(&bytes, "\r\n"), line.replace('/', "\t/ ")] {
            assert_eq!(decode(text.as_bytes()).as_ref(), Some(&bytes), "{text}");
        }
        assert_eq!(decode(b" \r\n"), Some(Vec::new()));
        assert_eq!(decode(format!("{line}{line}").as_bytes()), None);
        assert_eq!(decode("ä".repeat(32).as_bytes()), None);
    }
}
