//! New passwords, as a holder types them: looked at and typed twice before a token is touched.

use crate::{PasswordKind, PasswordStatus, Secret};

/// What a token says that its passwords are made of. It may take more than it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The digits 0 to 9: what every PIN pad has.
    Digits,
    /// Any bytes.
    Any,
}

/// What a house asks of new passwords beside what the token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Holds new passwords to the token's [`Alphabet`], so that they can be entered wherever it is used.
    pub hold_to_alphabet: bool,
    /// Refuses what is tried first: one character again and again, a short piece repeated, a row up or down.
    pub refuse_trivial: bool,
    /// Refuses a value that another of the new passwords has, or one that is [known](NewPasswords::beside) of those that stay, so that who
    /// learns one does not know the other.
    pub all_different: bool,
}

impl PasswordPolicy {
    /// Whatever the token takes.
    pub const NONE: Self = Self { hold_to_alphabet: false, refuse_trivial: false, all_different: false };
    /// All of it.
    pub const CAREFUL: Self = Self { hold_to_alphabet: true, refuse_trivial: true, all_different: true };
}

/// The rules for one new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Which one.
    pub kind: PasswordKind,
    /// Shortest length in bytes.
    pub minimum: usize,
    /// Longest length in bytes.
    pub maximum: usize,
    /// What the token says that it is made of.
    pub alphabet: Alphabet,
    /// What the house asks.
    pub policy: PasswordPolicy,
}

impl PasswordRules {
    /// The token's rules for a password, and those of the house.
    #[must_use]
    pub const fn of(status: &PasswordStatus, policy: PasswordPolicy) -> Self {
        let PasswordStatus { kind, minimum, maximum, alphabet, .. } = *status;
        Self { kind, minimum, maximum, alphabet, policy }
    }

    /// Looks at one value.
    ///
    /// # Errors
    /// [`BrokenRule`], the first one.
    pub fn check(&self, value: &Secret) -> Result<(), BrokenRule> {
        let (minimum, maximum) = (self.minimum, self.maximum);
        if !(minimum..=maximum).contains(&value.len()) {
            return Err(BrokenRule::Length { minimum, maximum });
        }
        let digits_only = self.policy.hold_to_alphabet && self.alphabet == Alphabet::Digits;
        if digits_only && !value.expose().iter().all(u8::is_ascii_digit) {
            return Err(BrokenRule::NotDigits);
        }
        if self.policy.refuse_trivial && is_trivial(value.expose()) {
            return Err(BrokenRule::Trivial);
        }
        Ok(())
    }

    /// Takes a value that was typed twice. The two are compared in constant time; that they are of different length is no
    /// secret.
    ///
    /// # Errors
    /// [`BrokenRule`], the first one; before the second typing is compared, so that it can be told after the first.
    pub fn accept(&self, first: Secret, second: &Secret) -> Result<Secret, BrokenRule> {
        self.check(&first)?;
        if first == *second { Ok(first) } else { Err(BrokenRule::NotTheSame) }
    }
}

/// Every new password of a token, collected one by one. What comes out has been checked, and goes to
/// [`Token::activate`](crate::Token::activate).
///
/// ```
/// use obnova_card::{NewPasswords, PasswordPolicy, ProfileToken, Secret, Token};
/// use obnova_profile::TransportPinModel;
/// use obnova_simulator::{Personalisation, SimulatorConnection};
///
/// let card = Personalisation::new("OBN1").inactive(TransportPinModel::Separate, b"135790").finish()?;
/// let mut token = ProfileToken::new(SimulatorConnection::new(card));
///
/// let mut new = NewPasswords::new(&token.passwords()?, PasswordPolicy::CAREFUL);
/// let typed = ["482915", "730264", "91827364"]; // from hidden prompts, each one twice
/// for value in typed {
///     println!("{:?}", new.wanted());
///     new.take(Secret::from(value), &Secret::from(value))?;
/// }
/// let transport = obnova_card::Pin::new(Secret::from("135790"));
/// token.activate(&transport, &new.finish().ok_or("one is missing")?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NewPasswords {
    rules: Vec<PasswordRules>,
    known: Vec<(PasswordKind, Secret)>,
    taken: Vec<(PasswordKind, Secret)>,
}

impl NewPasswords {
    /// One for each password that stays: all but the transport PIN.
    #[must_use]
    pub fn new(passwords: &[PasswordStatus], policy: PasswordPolicy) -> Self {
        let lasting = passwords.iter().filter(|status| status.kind != PasswordKind::TransportPin);
        let rules = lasting.map(|status| PasswordRules::of(status, policy)).collect();
        Self { rules, known: Vec::new(), taken: Vec::new() }
    }

    /// The same beside passwords that stay as they are: a PIN beside the PUK that sets it. Of one that is wanted itself the old value is
    /// left out.
    #[must_use]
    pub fn beside(mut self, known: impl IntoIterator<Item = (PasswordKind, Secret)>) -> Self {
        let stays = |kind| self.rules.iter().all(|rules| rules.kind != kind);
        self.known = known.into_iter().filter(|(kind, _)| stays(*kind)).collect();
        self
    }

    /// The one that is to be typed next; `None` when all are there.
    #[must_use]
    pub fn wanted(&self) -> Option<&PasswordRules> {
        self.rules.get(self.taken.len())
    }

    /// Looks at a value for the one that is [wanted](Self::wanted), before it is typed once more.
    ///
    /// # Errors
    /// [`BrokenRule`], the first one.
    pub fn check(&self, value: &Secret) -> Result<(), BrokenRule> {
        let rules = self.wanted().ok_or(BrokenRule::OneTooMany)?;
        rules.check(value)?;
        let mut others = self.taken.iter().chain(&self.known);
        let other = others.find(|(_, other)| rules.policy.all_different && other == value);
        other.map_or(Ok(()), |(kind, _)| Err(BrokenRule::SameAs { other: *kind }))
    }

    /// Takes the one that is [wanted](Self::wanted), typed twice.
    ///
    /// # Errors
    /// [`BrokenRule`], the first one; it is still wanted then.
    pub fn take(&mut self, first: Secret, second: &Secret) -> Result<(), BrokenRule> {
        self.check(&first)?;
        let rules = self.wanted().ok_or(BrokenRule::OneTooMany)?;
        let taken = (rules.kind, rules.accept(first, second)?);
        self.taken.push(taken);
        Ok(())
    }

    /// All of them; `None` while one is wanted.
    #[must_use]
    pub fn finish(self) -> Option<Vec<(PasswordKind, Secret)>> {
        (self.taken.len() == self.rules.len()).then_some(self.taken)
    }
}

/// Why a new password is not taken. It does not say what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenRule {
    /// It is too short or too long.
    #[error("it must have {minimum} to {maximum} characters")]
    Length {
        /// Shortest length in bytes.
        minimum: usize,
        /// Longest length in bytes.
        maximum: usize,
    },
    /// There is something in it that is no digit.
    #[error("it must have digits only")]
    NotDigits,
    /// It is one of those that are tried first.
    #[error("it is too easy to guess: no repetitions, no rows")]
    Trivial,
    /// Another new password has the value, or one that stays.
    #[error("it must not be the same as the {other}")]
    SameAs {
        /// Which one.
        other: PasswordKind,
    },
    /// The second typing was another one.
    #[error("it was typed differently the second time")]
    NotTheSame,
    /// No other is wanted.
    #[error("no other password is wanted")]
    OneTooMany,
}

/// A piece that is repeated to the end (of one character: all the same), or a row by one up or down, where 0 follows 9.
fn is_trivial(value: &[u8]) -> bool {
    let repeats = |length: usize| value.iter().zip(value.iter().skip(length)).all(|(one, next)| one == next);
    let goes_by = |step: u8| {
        let mut pairs = value.iter().zip(value.iter().skip(1));
        value.iter().all(u8::is_ascii_digit) && pairs.all(|(one, next)| (one - b'0' + step) % 10 == next - b'0')
    };
    (1..=value.len() / 2).any(repeats) || goes_by(1) || goes_by(9)
}

#[cfg(test)]
mod tests;
