//! Passwords (PROFILE.md §3, §6): foretold to the status word.

use obnova_apdu::{StatusWord, ins};
use obnova_profile::{PasswordState, TransportPinModel as Life};

use super::{Command, Model, refused};
use crate::cards::Kind;

/// A password as it must be.
#[derive(Clone)]
pub(super) struct Password {
    pub(super) value: Option<Vec<u8>>,
    pub(super) left: u8,
    tries: u8,
    /// The value is the transport PIN.
    transport: bool,
    shortest: usize,
    longest: usize,
}

const PUK_INDEX: usize = 2;
const TRANSPORT_INDEX: usize = 3;
/// What stands in place of every password where that is no secret.
const NULL_PIN: &[u8] = &[0; 6];

/// The passwords of a card that begins like that.
pub(super) fn of(kind: Kind) -> Vec<Password> {
    let lasting = |value: Option<&'static [u8]>| [value, value, value];
    let own = kind.transport();
    let (values, separate) = match kind.transport_model() {
        None => (kind.lasting().map(Some), None),
        Some(Life::Separate | Life::SingleUse) => (lasting(None), Some(own)),
        Some(Life::Empty) => (lasting(None), None),
        Some(Life::Null) => (lasting(Some(NULL_PIN)), None),
        Some(_) => (lasting(Some(own)), None),
    };
    let tries = match kind {
        Kind::Empty => [1; 4],
        Kind::SingleUse => [3, 3, 5, 1],
        _ => [3, 3, 5, 3],
    };
    let six = kind == Kind::FiveDigits;
    let lengths =
        [if six { (6, 6) } else { (4, 8) }, if six { (6, 6) } else { (4, 8) }, (6, 8), (own.len(), own.len())];
    let all = values.into_iter().map(|value| (value, value.is_some() && kind.transport_model().is_some()));
    let all = all.chain(separate.map(|value| (Some(value), false)));
    let facts = tries.into_iter().zip(lengths);
    all.zip(facts)
        .map(|((value, transport), (tries, (shortest, longest)))| Password {
            value: value.map(<[u8]>::to_vec),
            left: tries,
            tries,
            transport,
            shortest,
            longest,
        })
        .collect()
}

impl Password {
    pub(super) fn state(&self) -> PasswordState {
        match (&self.value, self.left) {
            (None, _) => PasswordState::Unset,
            (Some(_), 0) if self.transport => PasswordState::TransportBlocked,
            (Some(_), 0) => PasswordState::Blocked,
            (Some(_), left) if self.transport => PasswordState::Transport { left },
            (Some(_), left) => PasswordState::Active { left },
        }
    }

    fn takes(&self, value: &[u8]) -> bool {
        (self.shortest..=self.longest).contains(&value.len())
    }

    fn set(&mut self, value: &[u8]) {
        self.value = Some(value.to_vec());
        self.transport = false;
        self.left = self.tries;
    }
}

/// What a command about passwords must answer.
enum Verdict {
    /// This, and nothing else.
    Status(StatusWord),
    /// An error of any kind that says nothing about the value.
    Refused,
}

impl Model {
    pub(super) fn password_command(&mut self, command: &Command, status: StatusWord) {
        let before: Vec<_> = self.passwords.iter().map(|password| password.left).collect();
        let verdict = match (command.ins, command.p1) {
            (ins::VERIFY, 0x00) if command.p2 & 0x80 != 0 => self.verify_for_new_value(command),
            (ins::VERIFY, 0x00) => self.verify(command),
            (ins::CHANGE_REFERENCE_DATA, 0x00) => self.change(command),
            (ins::CHANGE_REFERENCE_DATA, 0x01) => self.set(command),
            (ins::RESET_RETRY_COUNTER, 0x00) => self.unblock(command),
            (ins::RESET_RETRY_COUNTER, 0x02) => match self.named(command).filter(|index| *index < PUK_INDEX) {
                Some(index) if self.active => self.set_behind(index, PUK_INDEX, command),
                _ => Verdict::Refused,
            },
            (ins::ACTIVATE_FILE, 0x00) if command.p2 == 0x00 => self.activate(),
            _ => Verdict::Refused,
        };
        match verdict {
            Verdict::Status(expected) => {
                assert_eq!(status, expected, "{:02X} {:02X} {:02X}", command.ins, command.p1, command.p2)
            }
            Verdict::Refused => refused(&[], status),
        }
        // Whatever else is said here: without a success no counter rises.
        let known = status.is_success() || status == StatusWord::INCORRECT_DATA;
        for (before, after) in before.iter().zip(&self.passwords) {
            assert!(known || after.left <= *before);
        }
        self.finished |= self.is_at_an_end();
    }

    /// Whether a card that is not active never will be: what it takes has no try left, and nothing unblocks it.
    fn is_at_an_end(&self) -> bool {
        let blocked = |index: usize| {
            matches!(self.passwords[index].state(), PasswordState::Blocked | PasswordState::TransportBlocked)
        };
        match self.life {
            _ if self.active => false,
            Life::Separate => blocked(TRANSPORT_INDEX),
            // Used up it is in any case; what it was used for is the authentication PIN.
            Life::SingleUse => blocked(0) || (self.passwords[0].value.is_none() && blocked(TRANSPORT_INDEX)),
            _ => (0..TRANSPORT_INDEX).any(blocked),
        }
    }

    /// The password whose VERIFY opens the activation, on a card that is not active.
    fn opener(&self) -> Option<usize> {
        match self.life {
            _ if self.active => None,
            Life::Separate => Some(TRANSPORT_INDEX),
            Life::SingleUse => Some(0),
            _ => None,
        }
    }

    /// Where the password that P2 names is.
    fn named(&self, command: &Command) -> Option<usize> {
        let index = usize::from(command.p2).checked_sub(1)?;
        (index < self.passwords.len()).then_some(index)
    }

    fn verify(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command) else { return Verdict::Refused };
        if command.data.is_empty() {
            return Verdict::Status(match self.passwords[index].state() {
                _ if self.verified[index] => StatusWord::SUCCESS,
                PasswordState::Unset if self.life == Life::Empty => StatusWord(0x62C7),
                PasswordState::Unset => StatusWord(0x6984),
                PasswordState::Blocked | PasswordState::TransportBlocked => StatusWord(0x6983),
                PasswordState::Transport { left } => match self.life {
                    Life::Null => StatusWord(0x6985),
                    Life::MustChange => StatusWord(0x6984),
                    Life::FiveDigits => StatusWord(0x63C0 | u16::from(left)),
                    _ => StatusWord(0x62C1),
                },
                PasswordState::Active { left } => StatusWord(0x63C0 | u16::from(left)),
            });
        }
        let opens_something = if self.active { index < PUK_INDEX } else { self.opener() == Some(index) };
        let password = &self.passwords[index];
        // The PUK, and what an activation that was torn goes on with.
        let was_set = self.waits_for_nothing() && password.value.is_some() && !password.transport;
        let is_compared = opens_something || self.active || was_set;
        if !is_compared || !password.takes(&command.data) {
            return Verdict::Refused;
        }
        self.verified[index] = false;
        let verdict = self.attempt(index, Some(&command.data));
        self.verified[index] = opens_something && matches!(verdict, Verdict::Status(StatusWord::SUCCESS));
        verdict
    }

    fn verify_for_new_value(&mut self, command: &Command) -> Verdict {
        let index = usize::from(command.p2 & 0x7F).wrapping_sub(1);
        let takes = self.passwords.get(index).is_some_and(|password| password.takes(&command.data));
        if !takes || !self.active {
            return Verdict::Refused;
        }
        self.verified[index] = false;
        let verdict = self.attempt(index, Some(&command.data));
        self.compared = matches!(verdict, Verdict::Status(StatusWord::SUCCESS)).then_some(index);
        verdict
    }

    /// A new value alone, right behind the comparison that allows it.
    fn set_behind(&mut self, index: usize, allows: usize, command: &Command) -> Verdict {
        if command.compared != Some(allows) || !self.passwords[index].takes(&command.data) {
            return Verdict::Refused;
        }
        self.passwords[index].set(&command.data);
        self.verified[index] = false;
        Verdict::Status(StatusWord::SUCCESS)
    }

    fn change(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command).filter(|index| *index != TRANSPORT_INDEX) else {
            return Verdict::Refused;
        };
        match self.life {
            _ if self.active => {}
            Life::Separate => return Verdict::Refused,
            Life::SingleUse => return self.redeem(index, &command.data),
            _ => {}
        }
        let was_transport = matches!(self.passwords[index].state(), PasswordState::Transport { .. });
        let (verdict, old, new) = self.attempt_with_new(index, index, &command.data);
        if !matches!(verdict, Verdict::Status(StatusWord::SUCCESS)) {
            return verdict;
        }
        if was_transport && old == new {
            return Verdict::Status(StatusWord::INCORRECT_DATA);
        }
        self.passwords[index].set(&new);
        self.verified[index] = false;
        self.ends_by_itself();
        verdict
    }

    /// The transport PIN that works once becomes the authentication PIN.
    fn redeem(&mut self, index: usize, data: &[u8]) -> Verdict {
        if index != 0 || self.passwords[0].value.is_some() {
            return Verdict::Refused;
        }
        let (verdict, _, new) = self.attempt_with_new(TRANSPORT_INDEX, 0, data);
        if matches!(verdict, Verdict::Status(StatusWord::SUCCESS)) {
            self.passwords[TRANSPORT_INDEX].left = 0;
            self.passwords[0].set(&new);
        }
        verdict
    }

    /// Where there is no ACTIVATE FILE to send, the last password that is set activates the card.
    fn ends_by_itself(&mut self) {
        let set = |password: &Password| matches!(password.state(), PasswordState::Active { .. });
        self.active |= self.waits_for_nothing() && self.passwords.iter().all(set);
    }

    /// Whether it takes no ACTIVATE FILE.
    fn waits_for_nothing(&self) -> bool {
        !matches!(self.life, Life::Separate | Life::SingleUse)
    }

    fn set(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command).filter(|index| *index != TRANSPORT_INDEX) else {
            return Verdict::Refused;
        };
        if self.active {
            return self.set_behind(index, index, command);
        }
        let may = match self.life {
            Life::Empty => self.passwords[index].value.is_none(),
            _ => self.may_activate() && self.opener() != Some(index),
        };
        if !may || !self.passwords[index].takes(&command.data) {
            return Verdict::Refused;
        }
        self.passwords[index].set(&command.data);
        self.ends_by_itself();
        Verdict::Status(StatusWord::SUCCESS)
    }

    fn unblock(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command).filter(|index| *index < PUK_INDEX && self.active) else {
            return Verdict::Refused;
        };
        let (verdict, _, new) = self.attempt_with_new(PUK_INDEX, index, &command.data);
        if matches!(verdict, Verdict::Status(StatusWord::SUCCESS)) {
            self.passwords[index].set(&new);
            self.verified[index] = false;
        }
        verdict
    }

    fn activate(&mut self) -> Verdict {
        if !self.may_activate() || self.passwords[..TRANSPORT_INDEX].iter().any(|password| password.value.is_none()) {
            return Verdict::Refused;
        }
        self.active = true;
        self.passwords.truncate(TRANSPORT_INDEX);
        self.verified = [false; 4];
        Verdict::Status(StatusWord::SUCCESS)
    }

    fn may_activate(&self) -> bool {
        self.opener().is_some_and(|opener| self.verified[opener])
    }

    /// Spends a try, and gives all back when the value is right. `None` is a value that cannot be.
    fn attempt(&mut self, index: usize, value: Option<&[u8]>) -> Verdict {
        let password = &mut self.passwords[index];
        if password.value.is_none() {
            return Verdict::Status(StatusWord(0x6984));
        }
        if password.left == 0 {
            return Verdict::Status(StatusWord(0x6983));
        }
        password.left -= 1;
        self.attempted = Some(index);
        if value.is_some() && password.value.as_deref() == value {
            password.left = password.tries;
            return Verdict::Status(StatusWord::SUCCESS);
        }
        Verdict::Status(StatusWord(0x63C0 | u16::from(password.left)))
    }

    /// Two values back to back: that of `index`, and a new one for `target`. The card cuts by the length of the one that it keeps.
    fn attempt_with_new(&mut self, index: usize, target: usize, data: &[u8]) -> (Verdict, Vec<u8>, Vec<u8>) {
        let (old, next) = (&self.passwords[index], &self.passwords[target]);
        // How long a transport PIN is, everybody knows.
        let known = old.value.as_ref().filter(|_| old.transport).map(|value| (value.len(), value.len()));
        let (shortest, longest) = known.unwrap_or((old.shortest, old.longest));
        if !(shortest + next.shortest..=longest + next.longest).contains(&data.len()) {
            return (Verdict::Refused, Vec::new(), Vec::new());
        }
        let length = old.value.as_ref().map_or(0, Vec::len).min(data.len());
        let (old, new) = data.split_at(length);
        let fits = next.takes(new);
        (self.attempt(index, fits.then_some(old)), old.to_vec(), new.to_vec())
    }
}
