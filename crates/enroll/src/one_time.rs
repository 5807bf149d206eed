use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::Secret;

/// A one-time password that a CA hands over on paper, as `K7QWM-2F9TD-0XYHR-4CBBT`: 90 random bits in 18 characters that are
/// not mistaken for others, and two that tell whether it was typed right, before a guess is spent on it.
///
/// The secret is the text as it is shown, hyphens and all ([`secret`](Self::secret)): both sides make proofs from that, however
/// it was typed. There is no `Debug`, and it is wiped when dropped.
#[derive(Clone)]
pub struct OneTimePassword(Zeroizing<String>);

impl OneTimePassword {
    /// Random bits in it.
    pub const BITS: usize = 90;

    /// From fresh random bytes, of which the last six bits are left out. The caller wipes what it gave.
    #[must_use]
    pub fn from_random(random: &[u8; 12]) -> Self {
        let mut digits = Zeroizing::new([0; DIGITS]);
        for (index, digit) in digits[..RANDOM].iter_mut().enumerate() {
            let bit = index * 5;
            let next = random.get(bit / 8 + 1).copied().unwrap_or_default();
            let two = u16::from(random[bit / 8]) << 8 | u16::from(next);
            *digit = (two >> (11 - bit % 8) & 31) as u8;
        }
        let check = remainder(&digits[..RANDOM]);
        digits[RANDOM] = (check >> 5) as u8;
        digits[RANDOM + 1] = (check & 31) as u8;
        Self::write(&digits)
    }

    /// Reads what was typed: without regard to case, hyphens and blanks, `O` for `0`, `I` and `L` for `1`.
    ///
    /// # Errors
    /// [`TypingError`] when it is no such password, or was mistyped: every single wrong character and every two that changed
    /// places are noticed. A CA of another make hands over other ones, which no check here
    /// fits ([`Secret::from_bytes`]).
    pub fn typed(text: &str) -> Result<Self, TypingError> {
        let mut digits = Zeroizing::new([0; DIGITS]);
        let mut count = 0;
        for (position, character) in text.chars().enumerate() {
            if character == '-' || character.is_whitespace() {
                continue;
            }
            let value = value_of(character).ok_or(TypingError::Character { position: position + 1 })?;
            *digits.get_mut(count).ok_or(TypingError::Length)? = value;
            count += 1;
        }
        if count != DIGITS {
            return Err(TypingError::Length);
        }
        let check = u16::from(digits[RANDOM]) << 5 | u16::from(digits[RANDOM + 1]);
        if remainder(&digits[..RANDOM]) == check { Ok(Self::write(&digits)) } else { Err(TypingError::Mistyped) }
    }

    /// The text to hand over. Whoever sees it can use it: not for logs.
    #[must_use]
    pub fn to_text(&self) -> &Zeroizing<String> {
        &self.0
    }

    /// The password that proofs are made from.
    #[must_use]
    pub fn secret(&self) -> Secret {
        // Its length is fixed, and within what is taken.
        Secret::of(self.0.as_bytes())
    }

    fn write(digits: &[u8; DIGITS]) -> Self {
        // All of it is there before it is filled: a text that grows would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(DIGITS + DIGITS / GROUP));
        for (index, digit) in digits.iter().enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(digit & 31)]));
        }
        Self(text)
    }
}

impl ZeroizeOnDrop for OneTimePassword {}

/// Without I, L, O, which look like digits, and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters that are random.
const RANDOM: usize = OneTimePassword::BITS / 5;
/// Characters.
const DIGITS: usize = RANDOM + 2;
/// Characters between hyphens.
const GROUP: usize = 5;
/// The greatest prime below 1024: no power of 32, and no difference of two digits, is a multiple of it.
const MODULUS: u16 = 1021;

/// The random characters as one number, modulo [`MODULUS`].
fn remainder(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |sum, digit| (sum * 32 + u16::from(*digit)) % MODULUS)
}

fn value_of(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = ALPHABET.iter().position(|known| char::from(*known) == character);
    position.and_then(|position| u8::try_from(position).ok())
}

/// Why a text is no one-time password. What was typed is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypingError {
    /// Too many characters, or too few.
    #[error("a one-time password has 20 letters and digits: look whether one is missing or stands there twice")]
    Length,
    /// A character that stands in none.
    #[error("character {position} stands in no one-time password: it has digits and letters, but no U")]
    Character {
        /// From 1.
        position: usize,
    },
    /// The check characters say that something else is meant.
    #[error("the one-time password was mistyped: look at each character again")]
    Mistyped,
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_not_impl_any;

    use super::*;

    fn some() -> impl Iterator<Item = OneTimePassword> {
        (0..64_u8).map(|seed| {
            OneTimePassword::from_random(&std::array::from_fn(|at| seed.wrapping_mul(at as u8 + 59) ^ 0xA5))
        })
    }

    #[test]
    fn all_random_bits_are_in_it_and_nothing_else() {
        let text = |random| OneTimePassword::from_random(&random).to_text().to_string();
        assert_eq!(text([0; 12]), "00000-00000-00000-00000");
        assert_eq!(&text([0xFF; 12])[..21], "ZZZZZ-ZZZZZ-ZZZZZ-ZZZ");
        let zero = text([0; 12]);
        for bit in 0..96 {
            let mut random = [0; 12];
            random[bit / 8] = 0x80 >> (bit % 8);
            assert_eq!(text(random) != zero, bit < OneTimePassword::BITS, "bit {bit}");
        }
    }

    #[test]
    fn it_is_read_however_it_is_typed() {
        for password in some() {
            let text = password.to_text();
            let loose = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            for typed in
                [text.as_str(), &loose, &text.replace('-', ""), &text.replace('1', "I"), &format!(" {loose}\n")]
            {
                let read = OneTimePassword::typed(typed).unwrap();
                assert!(read.secret() == password.secret(), "{typed}");
                assert_eq!(read.secret().as_bytes(), text.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_mistyped_is_noticed_before_it_costs_a_guess() {
        for password in some() {
            let text = password.to_text().replace('-', "");
            for position in 0..text.len() {
                for other in ALPHABET.iter().map(|other| char::from(*other)) {
                    let mut typed = text.clone();
                    typed.replace_range(position..=position, &other.to_string());
                    assert_eq!(OneTimePassword::typed(&typed).is_ok(), typed == text, "{position} {other}");
                }
            }
            for position in 1..text.len() {
                let mut typed = text.clone().into_bytes();
                typed.swap(position - 1, position);
                let typed = String::from_utf8(typed).unwrap();
                assert_eq!(OneTimePassword::typed(&typed).is_ok(), typed == text, "{position}");
            }
        }
        let refused = |text: &str| OneTimePassword::typed(text).err();
        assert_eq!(refused(""), Some(TypingError::Length));
        assert_eq!(refused(&"0".repeat(19)), Some(TypingError::Length));
        assert_eq!(refused(&"0".repeat(1000)), Some(TypingError::Length));
        assert_eq!(refused("00U"), Some(TypingError::Character { position: 3 }));
        assert_eq!(refused("0é"), Some(TypingError::Character { position: 2 }));
        assert_eq!(refused("00000-00000-00000-00001"), Some(TypingError::Mistyped));
    }

    #[test]
    fn it_is_wiped_and_not_shown() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        assert_not_impl_any!(OneTimePassword: std::fmt::Debug, std::fmt::Display, PartialEq);
        wiped(&OneTimePassword::from_random(&[1; 12]).0);
    }
}
