//! The profile driver with a card whose answers are lies: every operation ends, after a bounded number of commands, by a typed
//! error or by what is so; what is said to be done was confirmed by the card; signatures verify; no PIN is sent after a wrong
//! one or below the limit of tries; and no error names a secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use obnova_apdu::{CommandView, ins};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, ProfileToken, Removal, SignDigest, SlotId, Token,
    TokenError,
};
use obnova_fuzz::cards::{Kind, PLANTED, VALUES, certificate, public_key};
use obnova_fuzz::liar::{Exchange, Liar};
use obnova_fuzz::play::{LAST_TRY, Operation, Play, Task, right, secret};
use obnova_profile::{
    CardStatus, LifeCycle, PasswordReference, PasswordState, PublicKeyTemplate, SlotNumber, StatusError,
    TransportPinModel,
};
use obnova_simulator::Card;

/// Commands of the longest conversation that the driver lets a card draw it into.
const MOST_APDUS: usize = 8_192;

type Driver = ProfileToken<Liar>;

fuzz_target!(|play: Play| {
    let wire = Liar::new(play.kind.card(), play.lies, MOST_APDUS + 1);
    let token = ProfileToken::new(wire.clone());
    let mut token = if play.short_only { token.short_only() } else { token };
    let mut ever_lied = false;
    for operation in &play.operations {
        let before = wire.card().status();
        let result = perform(&mut token, &wire, play.kind, operation);
        let (said, lied, conversations) = wire.take();
        // What was believed once may stand in the directory.
        ever_lied |= lied;
        assert!(conversations <= 1, "an operation is one conversation");
        passwords_are_spared(operation, &said);
        uses_no_key(operation, &said);
        match result {
            Ok(changes) => is_confirmed(operation, changes, &said),
            Err(error) => {
                let text = format!("{error} {error:?}");
                assert!(!PLANTED.iter().any(|value| text.contains(to_text(value))), "{text}");
                assert!(ever_lied || is_honest(&error), "{operation:?} on a sound card: {error}");
            }
        }
        if !lied {
            counts_are_true(operation, &before, &wire.card().status());
        }
    }
});

fn to_text(value: &[u8]) -> &str {
    std::str::from_utf8(value).expect("they are digits")
}

/// Does it; `Ok(true)` when something was changed.
fn perform(token: &mut Driver, wire: &Liar, card: Kind, operation: &Operation) -> Result<bool, TokenError> {
    let slot = SlotId(operation.slot.into());
    let content = operation.pin(card, PasswordKind::AuthenticationPin);
    let kind =
        [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk, PasswordKind::TransportPin]
            [usize::from(operation.slot) % 4];
    let new = secret(VALUES[usize::from(operation.detail) % VALUES.len()]);
    match operation.what {
        Task::Overview => token.overview().map(|_| false),
        Task::Passwords => token.passwords().map(|_| false),
        Task::Sign => sign(token, wire, card, operation).map(|()| true),
        Task::Generate => {
            let role = if operation.detail & 1 == 0 { KeyRole::Authentication } else { KeyRole::Signature };
            let request = GenerateKey { slot, role, algorithm: KeyAlgorithm::P256, label: "Jana".to_owned() };
            token.generate(&request, &content).map(|_| true)
        }
        Task::Install => {
            // Of the slot's key, or of another one.
            let key = key(&mut wire.card(), operation.detail).or_else(|| key(&mut wire.card(), 1));
            let Some(key) = key.and_then(|key| key.to_spki().ok()) else { return Ok(false) };
            let job = InstallCertificate { slot, certificate: certificate(&key, 9, 10), label: "Jana".to_owned() };
            let superseded = SlotId(u32::from(operation.detail >> 4));
            let superseded = if superseded.0 == 0 { &[][..] } else { &[superseded] };
            token.install(&[job], superseded, &content).map(|()| true)
        }
        Task::Remove => {
            let removal = match operation.detail & 1 {
                0 => Removal::Slot(slot),
                _ => Removal::Certificate(slot, usize::from(operation.detail >> 1)),
            };
            token.remove(&[removal], &content).map(|()| true)
        }
        Task::Change => token.change_password(kind, &operation.pin(card, kind), &new).map(|()| true),
        Task::Unblock => token.unblock_password(kind, &operation.pin(card, PasswordKind::Puk), &new).map(|()| true),
        Task::Activate => {
            let lasting = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
            let new = lasting.map(|kind| (kind, secret(right(card, kind))));
            token.activate(&operation.pin(card, PasswordKind::TransportPin), &new).map(|()| true)
        }
        Task::Repair => token.repair(&content).map(|repairs| !repairs.is_empty()),
        Task::Compare => token.compare_password(kind, &operation.pin(card, kind)).map(|()| false),
    }
}

/// Signatures that are handed out are those of a key in the card, over what was asked for.
fn sign(token: &mut Driver, wire: &Liar, card: Kind, operation: &Operation) -> Result<(), TokenError> {
    let digest = if operation.detail & 1 == 0 { Digest::Sha256 } else { Digest::Sha384 };
    let algorithm = match operation.detail >> 1 & 3 {
        0 | 1 => SignatureAlgorithm::Ecdsa(digest),
        2 => SignatureAlgorithm::RsaPkcs1(digest),
        _ => SignatureAlgorithm::RsaPss(digest),
    };
    let jobs: Vec<_> = (0..=operation.detail >> 3 & 1)
        .map(|number| SignDigest { slot: SlotId(operation.slot.into()), algorithm, digest: digest.of(&[number]) })
        .collect();
    let kind = if operation.detail & 0x10 == 0 { PasswordKind::AuthenticationPin } else { PasswordKind::SignaturePin };
    let signatures = token.sign(&jobs, &operation.pin(card, kind))?;
    assert_eq!(signatures.len(), jobs.len());
    let keys: Vec<_> = (1..=SlotNumber::MOST).filter_map(|slot| key(&mut wire.card(), slot)?.to_spki().ok()).collect();
    for (job, signature) in jobs.iter().zip(&signatures) {
        let verifies = keys.iter().any(|key| verify_digest(key, algorithm, &job.digest, signature).is_ok());
        assert!(verifies, "a signature was handed out that is none");
    }
    Ok(())
}

/// The key in a slot, as the card tells it when nobody lies.
fn key(card: &mut Card, slot: u8) -> Option<PublicKeyTemplate> {
    let answer = card.process(&[0x00, 0x47, 0x81, 0x00, 0, 0, 5, 0xB6, 3, 0x84, 1, slot, 0, 0]).ok()?;
    PublicKeyTemplate::from_spki(&public_key(answer.strip_suffix(&[0x90, 0x00])?)).ok()
}

/// A command that presents a password: which one, and whether the card said that it is right. Where the card said that its
/// transport PIN works once, that one is the old value of the first change.
fn presented(exchange: &Exchange, single_use: bool) -> Option<(PasswordReference, bool)> {
    let view = CommandView::parse(&exchange.command).expect("the driver sends commands only");
    let password = match (view.ins(), view.p1()) {
        (ins::CHANGE_REFERENCE_DATA, 0x00) if single_use => PasswordReference::TransportPin.code(),
        (ins::VERIFY | ins::CHANGE_REFERENCE_DATA, 0x00) if !view.data().is_empty() => view.p2(),
        (ins::RESET_RETRY_COUNTER, _) => PasswordReference::Puk.code(),
        _ => return None,
    };
    Some((PasswordReference::from_code(password)?, exchange.answer.as_deref() == Some(&[0x90, 0x00])))
}

/// What the card said of itself at the beginning.
fn told(said: &[Exchange]) -> Result<CardStatus, StatusError> {
    let begun = said.iter().take_while(|it| matches!(it.command[1], ins::SELECT | ins::GET_RESPONSE));
    let answers =
        begun.filter_map(|it| it.answer.as_deref()).filter(|answer| matches!(answer, [.., 0x90, 0x00] | [.., 0x61, _]));
    let fci = answers.flat_map(|answer| &answer[..answer.len() - 2]).copied().collect::<Vec<_>>();
    CardStatus::from_fci(&fci)
}

/// Nothing is presented below the limit, by what the card said of its tries; and nothing after it said that a value is wrong.
fn passwords_are_spared(operation: &Operation, said: &[Exchange]) {
    let keep = if operation.secret & LAST_TRY == 0 { 1 } else { 0 };
    let status = told(said);
    let single_use = status.as_ref().is_ok_and(|status| {
        status.transport_pin == TransportPinModel::SingleUse && status.life_cycle == LifeCycle::Inactive
    });
    let presented: Vec<_> = said.iter().filter_map(|exchange| presented(exchange, single_use)).collect();
    let most = match operation.what {
        // What goes before a new value was compared alone.
        Task::Sign | Task::Change | Task::Unblock => 2,
        Task::Activate => 3,
        Task::Overview | Task::Passwords => 0,
        _ => 1,
    };
    assert!(presented.len() <= most, "{} times a password", presented.len());
    let Some((_, before)) = presented.split_last() else { return };
    assert!(before.iter().all(|(_, right)| *right), "a password was sent after a wrong one");

    let status = status.expect("no password is sent to a card whose status cannot be read");
    let was_redeemed =
        presented.first().is_some_and(|(first, _)| single_use && *first == PasswordReference::TransportPin);
    for (index, (password, _)) in presented.iter().enumerate() {
        if was_redeemed && index == 1 {
            assert_eq!(*password, PasswordReference::AuthenticationPin, "what was just set opens the rest");
            continue;
        }
        let record = status.password(*password).expect("it is sent only where the card has it");
        let (PasswordState::Active { left } | PasswordState::Transport { left }) = record.state else {
            panic!("{password} was sent, and the card said that it is of no use");
        };
        assert!(left > keep, "{password} was sent with {left} tries left");
    }
}

/// A password that is compared opens nothing that is made use of, and nothing is changed.
fn uses_no_key(operation: &Operation, said: &[Exchange]) {
    if operation.what == Task::Compare {
        let compares = |it: &Exchange| matches!(it.command[1], ins::SELECT | ins::GET_RESPONSE | ins::VERIFY);
        assert!(said.iter().all(compares), "more was done than to compare a password");
    }
}

/// A command that something takes: its instruction, and the password that it is about, if it is about one. VERIFY presents that; without
/// data it only asks.
type Step = (u8, Option<PasswordReference>);

/// Whether these commands were sent, one after the other, whatever went between them.
fn were_sent(steps: &[Step], said: &[Exchange]) -> bool {
    let mut sent = said.iter().map(|it| CommandView::parse(&it.command).expect("the driver sends commands only"));
    steps.iter().all(|(instruction, password)| {
        sent.any(|view| {
            let is_about = password.is_none_or(|password| view.p2() == password.code());
            let asks = view.ins() == ins::VERIFY && view.data().is_empty();
            view.ins() == *instruction && is_about && !asks
        })
    })
}

/// The commands that activate a card which says this of itself. A password that was set before a tear is compared, where nothing else
/// opens the activation or it does; any other is set. At the end the card is asked how it stands, and one of version 1.0 compares what
/// was set only then.
fn activation(status: &CardStatus) -> Vec<Step> {
    let model = status.transport_pin;
    let set = |password| status.password(password).is_some_and(|it| matches!(it.state, PasswordState::Active { .. }));
    let compared = |password| set(password) && (model.ends_by_itself() || model.opener() == Some(password));
    let compares = |password| (ins::VERIFY, Some(password));
    let opens = (model == TransportPinModel::Separate).then_some(compares(PasswordReference::TransportPin));
    let at_last = |password| compared(password) && model.ends_by_itself() && status.version.minor == 0;
    let (last, passwords): (Vec<_>, Vec<_>) = PasswordReference::LASTING.into_iter().partition(|it| at_last(*it));
    let passwords = passwords.into_iter().map(|password| match compared(password) {
        true => compares(password),
        false => (ins::CHANGE_REFERENCE_DATA, Some(password)),
    });
    let activates = (!model.ends_by_itself()).then_some((ins::ACTIVATE_FILE, None));
    let asks = activates.into_iter().chain([(ins::GET_DATA, None)]);
    opens.into_iter().chain(passwords).chain(asks).chain(last.into_iter().map(compares)).collect()
}

/// What is said to be done was confirmed: what it takes was sent, and none of it refused.
fn is_confirmed(operation: &Operation, changes: bool, said: &[Exchange]) {
    use PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
    let named = [AuthenticationPin, SignaturePin, Puk, TransportPin][usize::from(operation.slot) % 4];
    let content = (ins::VERIFY, Some(PasswordReference::CONTENT));
    let write = (ins::UPDATE_BINARY, None);
    let needed: Vec<Step> = match operation.what {
        Task::Sign => {
            vec![(ins::VERIFY, None), (ins::MANAGE_SECURITY_ENVIRONMENT, None), (ins::PERFORM_SECURITY_OPERATION, None)]
        }
        Task::Generate => vec![content, (ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, None), write],
        Task::Install | Task::Repair if changes => vec![content, write],
        Task::Remove => vec![content, (ins::DELETE_FILE, None)],
        Task::Change => vec![(ins::VERIFY, Some(named)), (ins::CHANGE_REFERENCE_DATA, Some(named))],
        Task::Unblock => vec![(ins::VERIFY, Some(Puk)), (ins::RESET_RETRY_COUNTER, Some(named))],
        Task::Compare => vec![(ins::VERIFY, Some(named))],
        Task::Activate => activation(&told(said).expect("a card whose status cannot be read is left")),
        _ => Vec::new(),
    };
    assert!(were_sent(&needed, said), "{:?} was done without one of {needed:02X?}", operation.what);
    for exchange in said {
        let instruction = exchange.command[1];
        let looks = matches!(instruction, ins::SELECT | ins::READ_BINARY | ins::READ_BINARY_TLV | ins::GET_RESPONSE);
        let answer = exchange.answer.as_deref();
        // Longer answers come in parts, and a card may name the length that it wants to be asked for.
        let goes_on = matches!(answer, Some([.., 0x61, _] | [0x6C, _]));
        assert!(
            looks || goes_on || matches!(answer, Some([.., 0x90, 0x00])),
            "done, and {instruction:02X} was refused"
        );
    }
}

/// Errors that a sound card gives reason for: what was asked of it cannot be, or the password is wrong.
fn is_honest(error: &TokenError) -> bool {
    matches!(
        error,
        TokenError::WrongSecret { .. }
            | TokenError::TooFewTries { .. }
            | TokenError::Blocked { .. }
            | TokenError::NotActive
            | TokenError::Finished { .. }
            | TokenError::TransportPinAgain { .. }
            | TokenError::SecretForm { .. }
            | TokenError::Slot { .. }
            | TokenError::Unsupported { .. }
    )
}

/// On a sound card no counter falls by more than the one wrong value that was sent.
fn counts_are_true(operation: &Operation, before: &CardStatus, after: &CardStatus) {
    let left = |status: &CardStatus, password: PasswordReference| match status.password(password)?.state {
        PasswordState::Active { left } | PasswordState::Transport { left } => Some(left),
        PasswordState::Blocked | PasswordState::TransportBlocked => Some(0),
        PasswordState::Unset => None,
    };
    for password in PasswordReference::ALL {
        let (Some(before), Some(after)) = (left(before, password), left(after, password)) else { continue };
        assert!(after + 1 >= before, "{operation:?} spent more than a try");
        let keep = u8::from(operation.secret & LAST_TRY == 0);
        assert!(after >= before || after >= keep, "{operation:?} spent the last try of the {password}");
    }
}
