//! BER in, DER framing out.
//!
//! OpenSSL with `-stream` and Bouncy Castle by default write SignedData with indefinite lengths and OCTET STRINGs in
//! pieces. Everything behind this door is read as DER, so messages are re-framed once: lengths become definite and
//! minimal, pieces are joined. Order and content stay, so what was signed (always DER, RFC 5652 §5.4) stays as it was.

use std::borrow::Cow;

use der::{Encode, Length};

use crate::limits::{MAX_DEPTH, MAX_MESSAGE};

/// The first byte of every message and certificate.
pub(crate) const SEQUENCE: u8 = 0x30;

/// `input`, one element and nothing after it, with DER framing.
pub(crate) fn to_der(input: &[u8]) -> Result<Cow<'_, [u8]>, FramingError> {
    if input.len() > MAX_MESSAGE {
        return Err(FramingError::TooLong { size: input.len() });
    }
    let mut rest = input;
    // Almost every message is DER: then nothing is copied.
    if is_der(&mut rest, 0) && rest.is_empty() {
        return Ok(Cow::Borrowed(input));
    }
    let mut rest = input;
    let mut out = Vec::with_capacity(input.len());
    copy_element(&mut rest, &mut out, 0)?;
    if !rest.is_empty() {
        return Err(FramingError::TrailingData { size: rest.len() });
    }
    Ok(Cow::Owned(out))
}

/// Why bytes are not one well-framed BER element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// More than [`MAX_MESSAGE`]; not looked at any further.
    #[error("the message has {size} bytes, at most {MAX_MESSAGE} are read")]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// The end came before the element did.
    #[error("the message is cut off, or a length in it is wrong")]
    Truncated,
    /// Something follows the message.
    #[error("{size} bytes follow the end of the message")]
    TrailingData {
        /// Bytes that follow.
        size: usize,
    },
    /// Nested deeper than any honest message.
    #[error("the message is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A tag or length that BER forbids, or that no CMS message has.
    #[error("the message has a tag or a length that does not belong there")]
    Invalid,
}

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED_OCTET_STRING: u8 = OCTET_STRING | CONSTRUCTED;
const SET: u8 = 0x31;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

/// Takes one element from `input`; whether [`copy_element`] would copy it as it stands there.
fn is_der(input: &mut &[u8], depth: usize) -> bool {
    let whole = *input;
    let Ok((identifier, Some(length))) = read_header(input) else { return false };
    let header = whole.len() - input.len();
    let Ok(mut content) = take(input, length) else { return false };
    let minimal = Length::try_from(length).and_then(|length| length.encoded_len());
    if depth > MAX_DEPTH || minimal.map(usize::try_from) != Ok(Ok(header - 1)) {
        return false;
    }
    if identifier & CONSTRUCTED == 0 {
        return true;
    }
    let universal = identifier & 0xc0 == 0;
    if universal && identifier != SEQUENCE && identifier != SET {
        return false;
    }
    while !content.is_empty() {
        if !is_der(&mut content, depth + 1) {
            return false;
        }
    }
    true
}

fn copy_element(input: &mut &[u8], out: &mut Vec<u8>, depth: usize) -> Result<(), FramingError> {
    if depth > MAX_DEPTH {
        return Err(FramingError::TooDeep);
    }
    let (identifier, length) = read_header(input)?;
    let joined = identifier == CONSTRUCTED_OCTET_STRING;
    if identifier & CONSTRUCTED == 0 {
        let length = length.ok_or(FramingError::Invalid)?;
        return write_element(out, identifier, take(input, length)?);
    }
    let universal = identifier & 0xc0 == 0;
    if universal && !joined && identifier != SEQUENCE && identifier != SET {
        return Err(FramingError::Invalid);
    }
    let mut content = Vec::new();
    let copy_part = |input: &mut &[u8], content: &mut Vec<u8>| {
        if joined { copy_piece(input, content, depth + 1) } else { copy_element(input, content, depth + 1) }
    };
    match length {
        Some(length) => {
            let mut parts = take(input, length)?;
            while !parts.is_empty() {
                copy_part(&mut parts, &mut content)?;
            }
        }
        None => {
            while !input.starts_with(&END_OF_CONTENTS) {
                copy_part(input, &mut content)?;
            }
            take(input, END_OF_CONTENTS.len())?;
        }
    }
    write_element(out, if joined { OCTET_STRING } else { identifier }, &content)
}

fn write_element(out: &mut Vec<u8>, identifier: u8, content: &[u8]) -> Result<(), FramingError> {
    out.push(identifier);
    let length = Length::try_from(content.len()).and_then(|length| length.encode_to_vec(out));
    length.map_err(|_| FramingError::Invalid)?;
    out.extend_from_slice(content);
    Ok(())
}

/// The content of one piece of an OCTET STRING, which may be in pieces itself (X.690 §8.7.3).
fn copy_piece(input: &mut &[u8], content: &mut Vec<u8>, depth: usize) -> Result<(), FramingError> {
    if !matches!(input.first(), None | Some(&OCTET_STRING | &CONSTRUCTED_OCTET_STRING)) {
        return Err(FramingError::Invalid);
    }
    let mut piece = Vec::new();
    copy_element(input, &mut piece, depth)?;
    let mut framed = piece.as_slice();
    let (_, length) = read_header(&mut framed)?;
    content.extend_from_slice(take(&mut framed, length.unwrap_or_default())?);
    Ok(())
}

/// Identifier octet and length; `None` is the indefinite length.
fn read_header(input: &mut &[u8]) -> Result<(u8, Option<usize>), FramingError> {
    let identifier = take(input, 1)?[0];
    let high_tag_number = identifier & 0x1f == 0x1f;
    if identifier == 0 || high_tag_number {
        return Err(FramingError::Invalid);
    }
    let first = take(input, 1)?[0];
    let length = match first {
        0x00..=0x7f => Some(usize::from(first)),
        0x80 => None,
        0xff => return Err(FramingError::Invalid),
        _ => {
            let bytes = take(input, usize::from(first & 0x7f))?;
            let shift = |length: usize, byte: &u8| length.checked_mul(256)?.checked_add(usize::from(*byte));
            Some(bytes.iter().try_fold(0, shift).ok_or(FramingError::Truncated)?)
        }
    };
    Ok((identifier, length))
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], FramingError> {
    let (taken, rest) = input.split_at_checked(count).ok_or(FramingError::Truncated)?;
    *input = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_stays_as_it_is() {
        let der = [0x30, 5, 0x04, 1, 7, 0x05, 0];
        assert!(matches!(to_der(&der), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_is_taken_as_der_is_what_would_be_copied_as_it_is() {
        let copied = |input: &[u8]| {
            let (mut rest, mut out) = (input, Vec::new());
            copy_element(&mut rest, &mut out, 0).map(|()| (out, rest.len()))
        };
        let deep = (0..MAX_DEPTH + 2)
            .map(|depth| (0..depth).fold(vec![5, 0], |inner, _| [&[0x30, inner.len() as u8][..], &inner].concat()));
        let long = [&[0x30, 0x81, 0x85, 4, 0x81, 0x82][..], &[7; 0x82]].concat();
        let mut both = [0, 0];
        for whole in deep.chain([long, vec![0x30, 9, 0xa0, 5, 4, 3, 1, 2, 3, 5, 0]]) {
            for index in 0..whole.len() {
                for byte in [0, 1, 4, 5, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff, whole[index]] {
                    let mut bent = whole.clone();
                    bent[index] = byte;
                    let mut rest = bent.as_slice();
                    let der = is_der(&mut rest, 0);
                    let same = copied(&bent).is_ok_and(|(out, left)| out == bent[..bent.len() - left]);
                    assert_eq!(der, same, "{bent:02x?}");
                    both[usize::from(der)] += 1;
                }
            }
        }
        assert!(both.iter().all(|count| *count > 100), "{both:?}");
    }

    #[test]
    fn indefinite_lengths_and_pieces_are_joined() {
        let ber =
            [0x30, 0x80, 0xa0, 0x80, 0x24, 0x80, 4, 1, 1, 0x24, 4, 4, 2, 2, 3, 4, 0, 0, 0, 0, 0, 5, 0x81, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap().as_ref(), [0x30, 9, 0xa0, 5, 4, 3, 1, 2, 3, 5, 0]);
        for length in 0..ber.len() {
            assert!(to_der(&ber[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn what_has_no_end_no_bottom_or_no_sense_is_refused() {
        let endless = [0x30, 0x80].repeat(1000);
        assert_eq!(to_der(&endless), Err(FramingError::TooDeep));
        let pieces = [0x24, 0x80].repeat(1000);
        assert_eq!(to_der(&pieces), Err(FramingError::TooDeep));
        assert_eq!(to_der(&vec![0x30; MAX_MESSAGE + 1]), Err(FramingError::TooLong { size: MAX_MESSAGE + 1 }));
        assert_eq!(to_der(&[5, 0, 5]), Err(FramingError::TrailingData { size: 1 }));
        for invalid in [&[0, 0][..], &[0x04, 0x80, 0, 0], &[0x23, 0], &[0x1f, 1, 0], &[0x24, 2, 5, 0], &[0x30, 0xff]] {
            assert_eq!(to_der(invalid), Err(FramingError::Invalid), "{invalid:x?}");
        }
        let vast = [&[0x30, 0x8a][..], &[0xff; 10]].concat();
        assert_eq!(to_der(&vast), Err(FramingError::Truncated));
    }
}
