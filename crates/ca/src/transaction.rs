/// Name of a transaction: chosen by the client, once, and the same in everything that is sent about it (RFC 5272 §6.6).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transaction(Vec<u8>);

impl Transaction {
    /// The longest name, in bytes.
    pub const MAX_SIZE: usize = 64;

    /// Takes 1 to [`MAX_SIZE`](Self::MAX_SIZE) bytes; `None` for fewer or more.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=Self::MAX_SIZE).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// For what has no name of its own.
    pub(crate) fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash.to_vec())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transaction({self})")
    }
}

impl std::str::FromStr for Transaction {
    type Err = TransactionError;

    /// Reads the hexadecimal form that is shown.
    fn from_str(text: &str) -> Result<Self, TransactionError> {
        from_hex(text, Self::MAX_SIZE).and_then(|bytes| Self::new(&bytes)).ok_or(TransactionError)
    }
}

/// A text that names no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a transaction: it has an even number of hexadecimal digits, at most 128")]
pub struct TransactionError;

/// Bytes in hexadecimal digits, as serial numbers, hashes and names of orders stand in lists and in the audit log.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]));
    text
}

/// Reads hexadecimal digits; `None` when something else stands there, half a byte is left over, or there are too many.
pub(crate) fn from_hex(text: &str, most: usize) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() / 2 > most {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_being_shown() {
        let transaction = Transaction::new(&[0, 0x1f, 0xff]).unwrap();
        assert_eq!(transaction.to_string(), "001fff");
        assert_eq!("001FFF".parse(), Ok(transaction));
        assert!(Transaction::new(&[]).is_none() && Transaction::new(&[1; 65]).is_none());
        for bad in ["", "0", "0g", "+1", "ää", &"00".repeat(65)] {
            assert_eq!(bad.parse::<Transaction>(), Err(TransactionError), "{bad}");
        }
    }
}
