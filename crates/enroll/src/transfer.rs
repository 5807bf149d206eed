//! Base64 as it is met in bodies and PEM files: with line ends, without, or with blanks.

use base64ct::{Base64, Encoding};

/// Line length of wrapped bodies and of PEM (RFC 7468 §2).
const LINE: usize = 64;

/// Reads Base64 (RFC 4648 §4, padded), whatever blanks and line ends are in it.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Most is one line, perhaps with an end.
    if !text.trim_ascii().iter().any(u8::is_ascii_whitespace) {
        return Base64::decode_vec(std::str::from_utf8(text.trim_ascii()).ok()?).ok();
    }
    let compact = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
    let compact = std::str::from_utf8(&compact).ok()?;
    Base64::decode_vec(compact).ok()
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
