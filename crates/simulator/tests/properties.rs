//! Counters of passwords, against a model of a few lines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_profile::PasswordReference::{AuthenticationPin, Puk, SignaturePin};
use obnova_profile::{PasswordReference, PasswordState, command};
use proptest::{collection::vec, prelude::*};
use support::{Host, PUK, personalisation};

const VALUES: [&[u8]; 3] = [b"1234", b"4321", b"9999"];
const WRONG_PUK: &[u8] = b"87654321";

/// What a holder, or a thief, does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Verify { pin: usize, value: usize },
    Change { pin: usize, old: usize, new: usize },
    Unblock { pin: usize, right: bool, new: usize },
    Ask { pin: usize },
    Reset,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..2_usize, 0..3_usize).prop_map(|(pin, value)| Deed::Verify { pin, value }),
        2 => (0..2_usize, 0..3_usize, 0..3_usize).prop_map(|(pin, old, new)| Deed::Change { pin, old, new }),
        2 => (0..2_usize, any::<bool>(), 0..3_usize).prop_map(|(pin, right, new)| Deed::Unblock { pin, right, new }),
        1 => (0..2_usize).prop_map(|pin| Deed::Ask { pin }),
        1 => Just(Deed::Reset),
    ]
}

/// One password: its value, by number, and its tries.
#[derive(Clone, Copy)]
struct Model {
    value: usize,
    left: u8,
    most: u8,
}

impl Model {
    /// What a comparison answers, and does to the counter.
    fn compare(&mut self, value: usize) -> u16 {
        if self.left == 0 {
            return 0x6983;
        }
        if self.value == value {
            self.left = self.most;
            return 0x9000;
        }
        self.left -= 1;
        0x63C0 | u16::from(self.left)
    }

    const fn state(self) -> PasswordState {
        match self.left {
            0 => PasswordState::Blocked,
            left => PasswordState::Active { left },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn tries_are_counted_as_they_should_be(deeds in vec(deed(), 1..60)) {
        const PINS: [PasswordReference; 2] = [AuthenticationPin, SignaturePin];
        let mut card = personalisation().active(VALUES[0], VALUES[0], PUK).finish().unwrap();
        let most = |card: &mut obnova_simulator::Card, which| card.select().password(which).unwrap().tries;
        let mut pins = PINS.map(|which| {
            let most = most(&mut card, which);
            Model { value: 0, left: most, most }
        });
        let most = most(&mut card, Puk);
        let mut puk = Model { value: 0, left: most, most };
        let mut verified = [false; 2];
        for deed in deeds {
            let (sent, expected) = match deed {
                Deed::Verify { pin, value } => {
                    let status = pins[pin].compare(value);
                    verified[pin] = status == 0x9000;
                    (command::verify(PINS[pin], VALUES[value]), status)
                }
                Deed::Change { pin, old, new } => {
                    let status = pins[pin].compare(old);
                    if status == 0x9000 {
                        pins[pin].value = new;
                    } else {
                        verified[pin] = false;
                    }
                    (command::change_password(PINS[pin], VALUES[old], VALUES[new]), status)
                }
                Deed::Unblock { pin, right, new } => {
                    let status = puk.compare(usize::from(!right));
                    if status == 0x9000 {
                        pins[pin] = Model { value: new, left: pins[pin].most, ..pins[pin] };
                    }
                    let given = if right { PUK } else { WRONG_PUK };
                    (command::unblock_password(PINS[pin], given, VALUES[new]), status)
                }
                Deed::Ask { pin } => {
                    let status = match pins[pin].left {
                        0 => 0x6983,
                        _ if verified[pin] => 0x9000,
                        left => 0x63C0 | u16::from(left),
                    };
                    (command::password_status(PINS[pin]), status)
                }
                Deed::Reset => {
                    card.reset();
                    verified = [false; 2];
                    continue;
                }
            };
            let status = card.send(sent).status.0;
            prop_assert_eq!(status, expected, "{:?}: {:04X}, expected {:04X}", deed, status, expected);
            let told = card.select();
            for (which, model) in PINS.into_iter().zip(pins).chain([(Puk, puk)]) {
                prop_assert_eq!(told.password(which).unwrap().state, model.state(), "after {:?}", deed);
            }
            // SELECT of the application is no reset, but what it does to the security status is for the card to say.
            for (pin, verified) in PINS.into_iter().zip(&mut verified) {
                let says = card.send(command::password_status(pin)).status.0;
                prop_assert!(*verified || says != 0x9000, "verified without a PIN after {:?}", deed);
                *verified = says == 0x9000;
            }
        }
    }
}
