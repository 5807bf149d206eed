use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes that are hexadecimal digits in the state file, and wiped when the last one who has them lets them go. They may be a
/// private key, so they cannot be shown. A clone has the same bytes until one of the two changes them: what is kept of a card
/// from before a command costs no copy of its keys.
#[derive(Clone)]
pub(crate) struct Hex(Arc<Zeroizing<Vec<u8>>>);

impl ZeroizeOnDrop for Hex {}

impl Hex {
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let bytes: &mut Zeroizing<Vec<u8>> = Arc::make_mut(&mut self.0);
        bytes
    }
}

impl From<Vec<u8>> for Hex {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }
}

impl Deref for Hex {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0x0F)]);
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in self.iter() {
            text.push(digit(byte >> 4));
            text.push(digit(*byte));
        }
        let result = serializer.serialize_str(&text);
        text.zeroize();
        result
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let bytes = parse(text.as_bytes());
        text.zeroize();
        bytes.map(Self::from).ok_or_else(|| de::Error::custom("not a string of hexadecimal digits"))
    }
}

fn parse(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_round_trip_and_anything_else_is_refused() {
        let bytes = Hex::from((0..=255).collect::<Vec<u8>>());
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(serde_json::from_str::<Hex>(&text).unwrap()[..], bytes[..]);
        for text in ["\"0\"", "\"0g\"", "\"+1\"", "7", "\"ž\""] {
            assert!(serde_json::from_str::<Hex>(text).is_err(), "{text}");
        }
    }
    #[test]
    fn a_clone_is_the_same_bytes_until_one_of_the_two_changes() {
        let before = Hex::from(vec![1, 2, 3]);
        let mut after = before.clone();
        assert!(std::ptr::eq(&before[..], &after[..]));
        after.bytes_mut()[0] = 4;
        assert_eq!((&before[..], &after[..]), (&[1, 2, 3][..], &[4, 2, 3][..]));
    }
}
