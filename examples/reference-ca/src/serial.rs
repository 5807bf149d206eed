use std::str::FromStr;

/// The content of a certificate's serial number (RFC 5280 §4.1.2.2), as people and programs write it: hexadecimal digits in any case, with or without
/// colons or blanks between them, behind `0x` or OpenSSL's `serial=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serial(pub Vec<u8>);

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        let text = text.trim().trim_start_matches("serial=");
        let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let digits = text.chars().filter(|one| !": ".contains(*one)).map(|one| one.to_digit(16));
        let digits = digits.collect::<Option<Vec<_>>>().ok_or(SerialError)?;
        let even = if digits.len().is_multiple_of(2) { digits } else { [&[0], digits.as_slice()].concat() };
        let bytes = even.chunks(2).map(|two| (two[0] << 4 | two[1]) as u8);
        let content: Vec<_> = bytes.skip_while(|byte| *byte == 0).collect();
        if (1..=20).contains(&content.len()) { Ok(Self(content)) } else { Err(SerialError) }
    }
}

/// The text is no serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a serial number has up to 40 hexadecimal digits")]
pub struct SerialError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_as_it_is_written_anywhere() {
        for text in [
            "0a1f",
            "A1F",
            "0A:1F",
            "a 1f",
            " 00 0a 1f ",
            "0x0a1f",
            "0XA1F",
            "serial=0A1F",
            "00000000000000000000000a1f",
        ] {
            assert_eq!(text.parse(), Ok(Serial(vec![0x0a, 0x1f])), "{text}");
        }
        assert_eq!("7f".repeat(20).parse(), Ok(Serial(vec![0x7f; 20])));
        for text in ["", "0", "00:00", "xyz", "-1", "+1", "1.f", "0a1fg", "ä1", "serial=", "0x", &"1".repeat(41)] {
            assert_eq!(text.parse::<Serial>(), Err(SerialError), "{text}");
        }
    }
}
