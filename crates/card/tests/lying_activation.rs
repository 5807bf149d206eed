//! A card that lies while it is activated, line by line: each lie is refused by its own name in a bounded number of commands, or, where
//! it is about what only a use can show, by the first use; and what an honest driver finds afterwards is as it should be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use common::{
    AUTHENTICATION, Refused,
    arrived::{arrived, everything_can_be_used, good, nothing_can_be_used, state, transport, wrong},
    by, digest,
    liar::{Liar, Lied, says_of_itself},
    report::report,
};
use obnova_algorithm::{Digest, SignatureAlgorithm};
use obnova_apdu::ins;
use obnova_card::{Activation, PasswordKind, Pin, Secret, SignDigest, SlotId, Token, TokenError, Tries};
use obnova_profile::{
    CardStatus, LifeCycle, PasswordRecord, PasswordReference, PasswordState, StatusError, TransportPinModel,
};

use TransportPinModel::{Empty, FiveDigits, InPlace, MustChange, Null, Separate, SingleUse};

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

/// Models in which ACTIVATE is a command of its own.
const OPENED: &[TransportPinModel] = &[Separate, SingleUse];
/// Models in which each password takes the place of the transport PIN, or of nothing.
const IN_PLACE: &[TransportPinModel] = &[InPlace, Empty, Null, MustChange, FiveDigits];
/// Models whose transport PIN can be wrong more than once.
const GUESSED: &[TransportPinModel] = &[Separate, InPlace, MustChange, FiveDigits];

/// What a lie is about.
enum Lie {
    /// Commands of this instruction are not carried out, and answered with a yes.
    Deaf(u8),
    /// The status is another one: that which the card begins with (SELECT), or that at the end (GET DATA).
    Says(u8, fn(&mut CardStatus)),
    /// As [`Says`](Self::Says), and nothing activates it.
    DeadAndSays(fn(&mut CardStatus)),
    /// To a wrong transport PIN: so many tries are left.
    Tries(u8),
}

use Lie::{DeadAndSays, Deaf, Says};

impl Lie {
    fn liar(&self) -> Liar {
        match *self {
            Deaf(instruction) => Liar::new(|_, _| false).deaf_to(instruction),
            Says(instruction, change) => Liar::new(says_of_itself(instruction, change)),
            DeadAndSays(change) => Liar::new(says_of_itself(ins::GET_DATA, change)).deaf_to(ins::ACTIVATE_FILE),
            Lie::Tries(left) => Liar::new(move |_, response| {
                let is_wrong = response[0] == 0x63;
                if is_wrong {
                    *response = vec![0x63, 0xC0 | left];
                }
                is_wrong
            }),
        }
    }
}

/// What an honest driver finds afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It is activated by doing it again.
    Again,
    /// It is active, with the holder's passwords.
    Active,
    /// A try of the transport PIN is gone, and no more.
    Guessed,
}

struct Row {
    name: &'static str,
    models: &'static [TransportPinModel],
    asked: fn(&mut Lied, TransportPinModel) -> Result<(), TokenError>,
    lie: Lie,
    refused: Refused,
    after: After,
}

fn activate(token: &mut Lied, model: TransportPinModel) -> Result<(), TokenError> {
    token.activate(&transport(model), &good())
}

fn activate_with_a_wrong_pin(token: &mut Lied, model: TransportPinModel) -> Result<(), TokenError> {
    token.activate(&wrong(model), &good())
}

/// The lie is believed, and the first use finds it out.
fn activate_and_sign(token: &mut Lied, model: TransportPinModel) -> Result<(), TokenError> {
    activate(token, model).unwrap();
    let job = SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") };
    token.sign(&[job], &Pin::new(Secret::from(AUTHENTICATION))).map(drop)
}

fn is_active(status: &mut CardStatus) {
    status.life_cycle = LifeCycle::Active;
}

fn is_active_with_every_password(status: &mut CardStatus) {
    is_active(status);
    status.passwords.retain(|record| record.reference != PasswordReference::TransportPin);
    for record in &mut status.passwords {
        record.state = PasswordState::Active { left: record.tries };
    }
}

fn with(status: &mut CardStatus, reference: PasswordReference, state: PasswordState) {
    let record = status.passwords.iter_mut().find(|record| record.reference == reference);
    record.unwrap().state = state;
}

fn keeps_its_transport_pin(status: &mut CardStatus) {
    let reference = PasswordReference::TransportPin;
    let state = PasswordState::Active { left: 3 };
    status.passwords.retain(|record| record.reference != reference);
    status.passwords.push(PasswordRecord { reference, state, tries: 3, minimum: 6, maximum: 6 });
}

fn table() -> Vec<Row> {
    use After::{Active, Again, Guessed};
    let all = TransportPinModel::ALL.as_slice();
    let row = |name, models, lie, refused, after| Row { name, models, asked: activate, lie, refused, after };
    vec![
        row(
            "a yes to ACTIVATE, and it is not active",
            OPENED,
            Deaf(ins::ACTIVATE_FILE),
            by!(TokenError::Malformed { command: "GET DATA", .. }),
            Again,
        ),
        row(
            "a yes to each new password, and none is taken",
            IN_PLACE,
            Deaf(ins::CHANGE_REFERENCE_DATA),
            by!(TokenError::Malformed { command: "GET DATA", .. }),
            Again,
        ),
        row(
            "a yes to the transport PIN that was not looked at",
            &[Separate],
            Deaf(ins::VERIFY),
            by!(TokenError::NotGranted { password: PasswordKind::TransportPin, .. }),
            Again,
        ),
        row(
            "it says that it is active, and its transport PIN still stands",
            OPENED,
            DeadAndSays(is_active),
            by!(TokenError::NotActivated { password: PasswordKind::TransportPin }),
            Again,
        ),
        row(
            "it is active, and says that a transport PIN stands",
            all,
            Says(ins::GET_DATA, keeps_its_transport_pin),
            by!(TokenError::NotActivated { password: PasswordKind::TransportPin }),
            Active,
        ),
        row(
            "it is active, and says that the transport PIN stands in the place of the signature PIN",
            all,
            Says(ins::GET_DATA, |status| {
                with(status, PasswordReference::SignaturePin, PasswordState::Transport { left: 3 });
            }),
            by!(TokenError::NotActivated { password: PasswordKind::SignaturePin }),
            Active,
        ),
        row(
            "it is active, and says that it has no PUK",
            all,
            Says(ins::GET_DATA, |status| with(status, PasswordReference::Puk, PasswordState::Unset)),
            by!(TokenError::NotActivated { password: PasswordKind::Puk }),
            Active,
        ),
        row(
            "it is active, and says that the authentication PIN is blocked",
            all,
            Says(ins::GET_DATA, |status| with(status, PasswordReference::AuthenticationPin, PasswordState::Blocked)),
            by!(TokenError::NotActivated { password: PasswordKind::AuthenticationPin }),
            Active,
        ),
        row(
            "it is active, and says that it is not",
            all,
            Says(ins::GET_DATA, |status| status.life_cycle = LifeCycle::Inactive),
            by!(TokenError::Malformed { command: "GET DATA", .. }),
            Active,
        ),
        row(
            "it is of another model in the end",
            all,
            Says(ins::GET_DATA, |status| {
                status.transport_pin = if status.transport_pin == Separate { InPlace } else { Separate };
            }),
            by!(TokenError::Malformed { command: "GET DATA", .. }),
            Active,
        ),
        row(
            "it is another card in the end",
            all,
            Says(ins::GET_DATA, |status| status.serial = "OBN5".into()),
            by!(TokenError::OtherCard { .. }),
            Active,
        ),
        Row {
            asked: activate_and_sign,
            ..row(
                "it says that it is active with every password, and its keys stay dead",
                OPENED,
                DeadAndSays(is_active_with_every_password),
                by!(TokenError::NotActive),
                Again,
            )
        },
        row(
            "it says that it is active before it was activated",
            all,
            Says(ins::SELECT, is_active),
            by!(TokenError::Unsupported { .. }),
            Again,
        ),
        row(
            "it has a transport PIN of its own, and says that it stands in the place of the others",
            &[Separate],
            Says(ins::SELECT, |status| status.transport_pin = InPlace),
            by!(TokenError::SecretForm { password: PasswordKind::TransportPin, .. }),
            Again,
        ),
        row(
            "its transport PIN stands in the place of the others, and it says that it has one of its own",
            &[InPlace, MustChange],
            Says(ins::SELECT, |status| (status.transport_pin, status.transport_pin_length) = (Separate, None)),
            by!(TokenError::Finished { password: PasswordKind::TransportPin }),
            Again,
        ),
        row(
            "it keeps to itself how long the transport PIN is that stands in the place of the others",
            &[InPlace, MustChange],
            Says(ins::SELECT, |status| status.transport_pin_length = None),
            by!(TokenError::Status(StatusError::TransportPinLength)),
            Again,
        ),
        row(
            "it says another length of its transport PIN",
            &[InPlace, MustChange],
            Says(ins::SELECT, |status| status.transport_pin_length = Some(7)),
            by!(TokenError::SecretForm { password: PasswordKind::TransportPin, minimum: 7, maximum: 7 }),
            Again,
        ),
        Row {
            asked: activate_with_a_wrong_pin,
            ..row(
                "as many tries as before",
                GUESSED,
                Lie::Tries(3),
                by!(TokenError::TriesWentUp { password: PasswordKind::TransportPin, before: 3, after: 3 }),
                Guessed,
            )
        },
        Row {
            asked: activate_with_a_wrong_pin,
            ..row(
                "more tries than before",
                GUESSED,
                Lie::Tries(9),
                by!(TokenError::TriesWentUp { password: PasswordKind::TransportPin, before: 3, after: 9 }),
                Guessed,
            )
        },
    ]
}

/// The longest honest activation, a question for the state, and a signature.
const MOST_COMMANDS: u32 = 20;

#[test]
fn each_lie_during_an_activation_is_refused_by_its_name() {
    let (mut names, mut told, mut most) = (BTreeSet::new(), 0, 0);
    for Row { name, models, asked, lie, refused: (pattern, is), after } in table() {
        assert!(names.insert(name), "{name} stands there twice");
        for &model in models {
            let what = format!("{name}, {model:?}");
            let (card, mut honest) = arrived(model);
            let liar = lie.liar();
            let (log, mut token) = (liar.log(), liar.between(&card));
            let error = asked(&mut token, model).expect_err(&what);
            let log = log.lock().unwrap();
            assert!(log.told, "{what}: the lie was never told");
            assert!(is(&error), "{what}: {error:?} is not {pattern}");
            assert!(error.to_string().contains([':', ';', '(']), "{what}: says not what to do: {error}");
            assert!(log.apdus <= MOST_COMMANDS, "{what}: {} commands", log.apdus);
            (told, most) = (told + 1, most.max(log.apdus));
            match after {
                After::Active => everything_can_be_used(&card),
                After::Again | After::Guessed => {
                    if let Some(Activation::TransportPin { tries, .. }) = state(&mut honest) {
                        let left = 3 - u8::from(after == After::Guessed);
                        let left = if model == SingleUse { 1 } else { left };
                        assert_eq!(tries, Tries::Known(left), "{what}");
                    }
                    nothing_can_be_used(&card);
                    honest.activate(&transport(model), &good()).unwrap_or_else(|error| panic!("{what}: {error}"));
                    everything_can_be_used(&card);
                }
            }
        }
    }
    report(&format!(
        "{} lies of a card while it is activated, told in {told} situations, each refused by its name after {most} commands at most",
        names.len()
    ));
}
