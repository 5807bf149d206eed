use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that are hexadecimal digits in the state file, and wiped when dropped. They may be a private key, so they cannot be
/// shown.
#[derive(Clone)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Drop for Hex {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Hex {}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0x0F)]);
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in &self.0 {
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
        bytes.map(Self).ok_or_else(|| de::Error::custom("not a string of hexadecimal digits"))
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
        let bytes = Hex((0..=255).collect());
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(serde_json::from_str::<Hex>(&text).unwrap().0, bytes.0);
        for text in ["\"0\"", "\"0g\"", "\"+1\"", "7", "\"ž\""] {
            assert!(serde_json::from_str::<Hex>(text).is_err(), "{text}");
        }
    }
}
