use der::asn1::{Uint, UintRef};

/// The number of a CRL (RFC 5280 §5.2.3): a later one has a greater. Up to 20 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrlNumber([u8; 20]);

impl CrlNumber {
    /// The number after this one; `None` after the greatest.
    #[must_use]
    pub fn next(mut self) -> Option<Self> {
        for byte in self.0.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                // The first bit stays clear, so that 20 bytes are enough.
                return (self.0[0] < 0x80).then_some(self);
            }
        }
        None
    }

    pub(super) fn from_uint(number: UintRef<'_>) -> Option<Self> {
        let bytes = number.as_bytes();
        let mut padded = [0; 20];
        padded.get_mut(20_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        (padded[0] < 0x80).then_some(Self(padded))
    }

    pub(super) fn to_uint(self) -> der::Result<Uint> {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        Uint::new(&self.0[zeros.min(19)..])
    }
}

impl From<u64> for CrlNumber {
    fn from(number: u64) -> Self {
        let mut padded = [0; 20];
        padded[12..].copy_from_slice(&number.to_be_bytes());
        Self(padded)
    }
}

impl std::fmt::Display for CrlNumber {
    /// In hexadecimal digits, as OpenSSL shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count().min(19);
        f.write_str("0x")?;
        self.0[zeros..].iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_and_shown() {
        assert_eq!(CrlNumber::default().to_string(), "0x00");
        assert_eq!(CrlNumber::from(255).next(), Some(CrlNumber::from(256)));
        assert_eq!(CrlNumber::from(256).to_string(), "0x0100");
        assert!(CrlNumber::from(u64::MAX).next().unwrap() > CrlNumber::from(u64::MAX));
        let mut greatest = [0xff; 20];
        greatest[0] = 0x7f;
        assert_eq!(CrlNumber(greatest).next(), None);
        for number in [CrlNumber::default(), CrlNumber::from(1), CrlNumber::from(128), CrlNumber(greatest)] {
            let uint = number.to_uint().unwrap();
            assert_eq!(CrlNumber::from_uint(UintRef::new(uint.as_bytes()).unwrap()), Some(number));
        }
        let mut too_great = [0; 20];
        too_great[0] = 0x80;
        for bytes in [too_great, [0xff; 20]] {
            assert_eq!(CrlNumber::from_uint(UintRef::new(&bytes).unwrap()), None);
        }
        assert_eq!(CrlNumber::from_uint(UintRef::new(&[1; 21]).unwrap()), None);
    }
}
