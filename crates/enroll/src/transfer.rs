//! Base64 as it is met in bodies and PEM files: with line ends, without, or with blanks.

use base64ct::{Base64, Encoding};

/// Line length of wrapped bodies and of PEM (RFC 7468 §2).
const LINE: usize = 64;

/// Reads Base64 (RFC 4648 §4, padded), whatever blanks and line ends are in it.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Most is one line, perhaps with an end.
    line(text.trim_ascii()).or_else(|| {
        let compact = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
        line(&compact)
    })
}

/// Characters that are read at once: as many as a compiler has them computed side by side.
const BLOCK: usize = 32;

/// Reads what has no blanks in it. Which characters they are takes no different time, as in [`Base64`], which reads the end.
fn line(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    // The padding stands in the last four.
    let (blocks, _) = text[..text.len().saturating_sub(4)].as_chunks::<BLOCK>();
    let mut good = u8::MAX;
    for block in blocks {
        let mut values = [0; BLOCK];
        for (value, &character) in values.iter_mut().zip(block) {
            let known;
            (*value, known) = value_of(character);
            good &= known;
        }
        let mut read = [0; BLOCK / 4 * 3];
        for (three, four) in read.as_chunks_mut().0.iter_mut().zip(values.as_chunks().0) {
            let [a, b, c, d] = *four;
            *three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        }
        bytes.extend_from_slice(&read);
    }
    let rest = std::str::from_utf8(&text[blocks.len() * BLOCK..]).ok()?;
    bytes.append(&mut Base64::decode_vec(rest).ok()?);
    (good == u8::MAX).then_some(bytes)
}

/// What a character stands for, and 255 when it is one of the 64.
const fn value_of(character: u8) -> (u8, u8) {
    const fn among(character: u8, first: u8, last: u8) -> u8 {
        let is = character.wrapping_sub(first) <= last - first;
        0u8.wrapping_sub(is as u8)
    }
    let upper = among(character, b'A', b'Z');
    let lower = among(character, b'a', b'z');
    let digit = among(character, b'0', b'9');
    let (plus, slash) = (among(character, b'+', b'+'), among(character, b'/', b'/'));
    let value = upper & character.wrapping_sub(b'A')
        | lower & character.wrapping_sub(b'a' - 26)
        | digit & character.wrapping_add(52 - b'0')
        | plus & 62
        | slash & 63;
    (value, upper | lower | digit | plus | slash)
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
    use super::*;

    #[test]
    fn what_is_read_is_what_another_reader_reads() {
        let bytes: Vec<u8> = (0..200u8).map(|number| number.wrapping_mul(89)).collect();
        for length in 0..bytes.len() {
            let text = encode(&bytes[..length]);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(&bytes[..length]));
            assert_eq!(decode(encode_wrapped(&bytes[..length], "\r\n").as_bytes()).as_deref(), Some(&bytes[..length]));
        }
        for length in [4, 8, 36, 40, 68, 72, 100] {
            let text = encode(&bytes[..length / 4 * 3 - 1]).into_bytes();
            for place in 0..length {
                for other in 0..=u8::MAX {
                    let mut bent = text.clone();
                    bent[place] = other;
                    let theirs = std::str::from_utf8(&bent).ok().and_then(|text| Base64::decode_vec(text).ok());
                    assert_eq!(line(&bent), theirs, "{other} at {place} of {length}");
                }
            }
        }
    }
}
