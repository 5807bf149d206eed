//! A card that lies while it is activated, line by line: each lie is refused by its own name in a bounded number of commands, or, where
//! it is about what only a use can show, by the first use; and what an honest driver finds afterwards is as it should be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use common::{
    AUTHENTICATION, Refused,
    arrived::{arrived, everything_can_be_used, good, nothing_can_be_used, state, transport, wrong},
    by, digest,
    report::report,
};
use obnova_algorithm::{Digest, SignatureAlgorithm};
use obnova_apdu::ins;
use obnova_card::{Activation, PasswordKind, Pin, ProfileToken, Secret, SignDigest, SlotId, Token, TokenError, Tries};
use obnova_profile::{CardStatus, LifeCycle, PasswordRecord, PasswordReference, PasswordState, TransportPinModel};
use obnova_simulator::SimulatorConnection;
use obnova_transport::{CardTransport, Decorated, Decorator, TransportError};

use TransportPinModel::{Empty, FiveDigits, InPlace, MustChange, Null, Separate, SingleUse};

type Lied = ProfileToken<Decorated<SimulatorConnection, Liar>>;
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

struct Liar {
    lie: Arc<Lie>,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    apdus: u32,
    told: u32,
}

impl Decorator for Liar {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        let mut log = self.log.lock().unwrap();
        log.apdus += 1;
        let is = |instruction| command[1] == instruction;
        let is_deaf = match *self.lie {
            Deaf(instruction) => is(instruction),
            DeadAndSays(_) => is(ins::ACTIVATE_FILE),
            _ => false,
        };
        if is_deaf {
            log.told += 1;
            *response = vec![0x90, 0x00];
            return Ok(());
        }
        card.transmit(command, response)?;
        let status = |change: fn(&mut CardStatus), response: &mut Vec<u8>| {
            let body = &response[..response.len() - 2];
            let body = if is(ins::SELECT) {
                let mut status = CardStatus::from_fci(body).unwrap();
                change(&mut status);
                status.to_fci()
            } else {
                let mut status = CardStatus::from_template(body).unwrap();
                change(&mut status);
                status.to_template()
            };
            *response = [body, vec![0x90, 0x00]].concat();
        };
        match *self.lie {
            Says(instruction, change) if is(instruction) => status(change, response),
            DeadAndSays(change) if is(ins::GET_DATA) => status(change, response),
            Lie::Tries(left) if response[0] == 0x63 => *response = vec![0x63, 0xC0 | left],
            _ => return Ok(()),
        }
        log.told += 1;
        Ok(())
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
            Says(ins::SELECT, |status| status.transport_pin = Separate),
            by!(TokenError::Finished { password: PasswordKind::TransportPin }),
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
        let lie = Arc::new(lie);
        for &model in models {
            let what = format!("{name}, {model:?}");
            let (card, mut honest) = arrived(model);
            let log = Arc::new(Mutex::new(Log::default()));
            let liar = Liar { lie: lie.clone(), log: log.clone() };
            let mut token = ProfileToken::new(Decorated::new(card.clone(), liar));
            let error = asked(&mut token, model).expect_err(&what);
            let log = log.lock().unwrap();
            assert!(log.told > 0, "{what}: the lie was never told");
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
