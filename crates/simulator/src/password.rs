use aws_lc_rs::{digest, rand};
use obnova_profile::PasswordState;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hex::Hex;

/// A password as the card keeps it: never the value, only what is needed to compare with one, and not shown either: a short
/// PIN can be guessed from it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredPassword {
    value: Option<Verifier>,
    /// The value is the transport PIN.
    transport: bool,
    /// Tries left.
    left: u8,
    /// Tries after a success.
    tries: u8,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verifier {
    /// CHANGE REFERENCE DATA and RESET RETRY COUNTER send two values back to back: the card must know where to cut.
    length: usize,
    salt: Hex,
    hash: Hex,
}

impl StoredPassword {
    /// A password without a value.
    pub(crate) fn unset(tries: u8) -> Self {
        Self { value: None, transport: false, left: tries, tries }
    }

    /// Gives it a value, and all its tries.
    pub(crate) fn set(&mut self, value: &[u8], transport: bool) {
        let mut salt = [0; 16];
        // The salt keeps equal PINs apart; without random numbers they would only look equal in the file.
        _ = rand::fill(&mut salt);
        self.value =
            Some(Verifier { length: value.len(), salt: salt.to_vec().into(), hash: hash(&salt, value).into() });
        self.transport = transport;
        self.left = self.tries;
    }

    /// Counts down. The caller writes that to memory before he compares.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Leaves no try: it was good for once.
    pub(crate) fn use_up(&mut self) {
        self.left = 0;
    }

    /// Compares, in a time that does not depend on either value.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        let Some(verifier) = &self.value else {
            return false;
        };
        hash(&verifier.salt, value).ct_eq(&verifier.hash).into()
    }

    /// Gives back all tries.
    pub(crate) fn restore(&mut self) {
        self.left = self.tries;
    }

    pub(crate) fn state(&self) -> PasswordState {
        match (&self.value, self.left) {
            (None, _) => PasswordState::Unset,
            (Some(_), 0) if self.transport => PasswordState::TransportBlocked,
            (Some(_), 0) => PasswordState::Blocked,
            (Some(_), left) if self.transport => PasswordState::Transport { left },
            (Some(_), left) => PasswordState::Active { left },
        }
    }

    pub(crate) fn is_transport(&self) -> bool {
        self.transport
    }

    pub(crate) fn left(&self) -> u8 {
        self.left
    }

    pub(crate) fn tries(&self) -> u8 {
        self.tries
    }

    /// Bytes of the value.
    pub(crate) fn length(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.length)
    }

    /// Whether what was read from a file can be true.
    pub(crate) fn is_sound(&self) -> bool {
        // Without a value nothing is in place of one.
        let value = match &self.value {
            None => !self.transport,
            Some(value) => value.hash.len() == 32 && (1..=8).contains(&value.length),
        };
        value && self.left <= self.tries && self.tries > 0
    }
}

fn hash(salt: &[u8], value: &[u8]) -> Vec<u8> {
    let mut salted = Zeroizing::new(Vec::with_capacity(salt.len() + value.len()));
    salted.extend_from_slice(salt);
    salted.extend_from_slice(value);
    // This one wipes the block that it works in.
    digest::digest(&digest::SHA256, &salted).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_matches_and_the_value_is_not_kept() {
        let mut password = StoredPassword::unset(3);
        assert_eq!(password.state(), PasswordState::Unset);
        assert!(!password.matches(b""));
        password.set(b"4711", false);
        assert!(password.matches(b"4711"));
        for wrong in [&b"4712"[..], b"471", b"47110", b""] {
            assert!(!password.matches(wrong));
        }
        let kept = serde_json::to_string(&password).unwrap();
        assert!(!kept.contains("4711") && !kept.contains("34373131"), "{kept}");
    }

    #[test]
    fn tries_run_out_and_come_back() {
        let mut password = StoredPassword::unset(2);
        password.set(b"4711", false);
        password.spend();
        assert_eq!(password.state(), PasswordState::Active { left: 1 });
        password.spend();
        password.spend();
        assert_eq!(password.state(), PasswordState::Blocked);
        password.restore();
        assert_eq!(password.state(), PasswordState::Active { left: 2 });
    }
}
