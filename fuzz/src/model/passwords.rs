//! Passwords (PROFILE.md §3, §6): foretold to the status word.

use obnova_apdu::{StatusWord, ins};
use obnova_profile::PasswordState;

use super::{Command, Model, refused};
use crate::cards::{AUTHENTICATION, Kind, PUK, SIGNATURE, TRANSPORT};

/// A password as it must be.
#[derive(Clone)]
pub(super) struct Password {
    pub(super) value: Option<Vec<u8>>,
    pub(super) left: u8,
    tries: u8,
    /// The value is the transport PIN.
    transport: bool,
    shortest: usize,
}

const LONGEST: usize = 8;
/// A transport PIN in the place of every password is what each of them could be.
const SHORTEST_IN_PLACE: usize = 6;
const PUK_INDEX: usize = 2;
const TRANSPORT_INDEX: usize = 3;

/// The passwords of a card that begins like that.
pub(super) fn of(kind: Kind) -> Vec<Password> {
    let values = match kind {
        Kind::Separate => [None, None, None, Some(TRANSPORT)],
        Kind::InPlace => [Some(TRANSPORT), Some(TRANSPORT), Some(TRANSPORT), None],
        Kind::Active | Kind::Rsa | Kind::Empty | Kind::Large => {
            [Some(AUTHENTICATION), Some(SIGNATURE), Some(PUK), None]
        }
    };
    let tries = if kind == Kind::Empty { [1; 4] } else { [3, 3, 5, 3] };
    let count = if kind == Kind::Separate { 4 } else { 3 };
    (0..count)
        .map(|index| Password {
            value: values[index].map(<[u8]>::to_vec),
            left: tries[index],
            tries: tries[index],
            transport: kind == Kind::InPlace,
            shortest: [4, 4, 6, 5][index],
        })
        .collect()
}

impl Password {
    pub(super) fn state(&self) -> PasswordState {
        match (&self.value, self.left) {
            (None, _) => PasswordState::Unset,
            (Some(_), 0) => PasswordState::Blocked,
            (Some(_), left) if self.transport => PasswordState::Transport { left },
            (Some(_), left) => PasswordState::Active { left },
        }
    }

    fn takes(&self, value: &[u8]) -> bool {
        (self.shortest..=LONGEST).contains(&value.len())
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
            (ins::VERIFY, 0x00) => self.verify(command),
            (ins::CHANGE_REFERENCE_DATA, 0x00) => self.change(command),
            (ins::CHANGE_REFERENCE_DATA, 0x01) => self.set(command),
            (ins::RESET_RETRY_COUNTER, 0x00) => self.unblock(command),
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
                PasswordState::Unset => StatusWord(0x6984),
                PasswordState::Blocked => StatusWord(0x6983),
                PasswordState::Transport { .. } => StatusWord(0x62C1),
                PasswordState::Active { left } => StatusWord(0x63C0 | u16::from(left)),
            });
        }
        let opens_something = index == TRANSPORT_INDEX || (self.active && index != PUK_INDEX);
        if !opens_something || !self.passwords[index].takes(&command.data) {
            return Verdict::Refused;
        }
        self.verified[index] = false;
        let verdict = self.attempt(index, Some(&command.data));
        self.verified[index] = matches!(verdict, Verdict::Status(StatusWord::SUCCESS));
        verdict
    }

    fn change(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command).filter(|index| *index != TRANSPORT_INDEX) else {
            return Verdict::Refused;
        };
        if !self.active && !self.in_place {
            return Verdict::Refused;
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
        self.active |= self.passwords.iter().all(|password| !password.transport);
        verdict
    }

    fn set(&mut self, command: &Command) -> Verdict {
        let Some(index) = self.named(command).filter(|index| *index != TRANSPORT_INDEX) else {
            return Verdict::Refused;
        };
        if !self.may_activate() || !self.passwords[index].takes(&command.data) {
            return Verdict::Refused;
        }
        self.passwords[index].set(&command.data);
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
        self.verified[TRANSPORT_INDEX] = false;
        Verdict::Status(StatusWord::SUCCESS)
    }

    fn may_activate(&self) -> bool {
        !self.active && !self.in_place && self.verified[TRANSPORT_INDEX]
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

    /// Two values back to back: that of `index`, and a new one for `target`. The card cuts, since it knows the length.
    fn attempt_with_new(&mut self, index: usize, target: usize, data: &[u8]) -> (Verdict, Vec<u8>, Vec<u8>) {
        let old = &self.passwords[index];
        let shortest = if old.transport { SHORTEST_IN_PLACE } else { old.shortest } + self.passwords[target].shortest;
        if !(shortest..=2 * LONGEST).contains(&data.len()) {
            return (Verdict::Refused, Vec::new(), Vec::new());
        }
        let length = self.passwords[index].value.as_ref().map_or(0, Vec::len).min(data.len());
        let (old, new) = data.split_at(length);
        let fits = self.passwords[target].takes(new);
        (self.attempt(index, fits.then_some(old)), old.to_vec(), new.to_vec())
    }
}
