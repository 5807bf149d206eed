use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::{StatusWord, exchange::ExchangeError};
use obnova_profile::{DirectoryError, StatusError, TemplateError};
use obnova_transport::{PinPadError, TransportError};

use crate::{PasswordKind, SlotId, Tries};

/// What went wrong with a token, and what to do about it. The texts are for developers and logs; what a holder reads is for
/// the front end to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The way to the card failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The card is of a kind that this driver does not know.
    #[error(
        "the card in {place} is of a kind that is not known here: insert the right card, or use it through its PKCS#11 module"
    )]
    UnknownCard {
        /// Where it is.
        place: String,
    },
    /// The secret was wrong; a try was spent.
    #[error("the {password} is wrong (tries left: {tries}): ask its holder again, do not repeat it")]
    WrongSecret {
        /// Which one.
        password: PasswordKind,
        /// What is left.
        tries: Tries,
    },
    /// Nothing was sent: fewer tries are left than the caller was ready to spend down to.
    #[error(
        "the {password} was not sent, because {}: tell its holder that a wrong entry may block it, and after a clear yes to the last try send it with Pin::with_last_try",
        left(*tries)
    )]
    TooFewTries {
        /// Which one.
        password: PasswordKind,
        /// What is left.
        tries: Tries,
    },
    /// The password is blocked.
    #[error("the {password} is blocked: {}", way_out(*password))]
    Blocked {
        /// Which one.
        password: PasswordKind,
    },
    /// The card was never activated and never will be: what activates it has no try left. A transport PIN that works once has
    /// none after it was sent, too, be it torn or wrong.
    #[error(
        "the card is finished: it is not active, and the {password} has no try left: ask the issuer for a new card"
    )]
    Finished {
        /// Which one.
        password: PasswordKind,
    },
    /// A new password is the transport PIN. Nothing was sent.
    #[error("the new {password} must not be the transport PIN; nothing was sent to the card")]
    TransportPinAgain {
        /// Which one.
        password: PasswordKind,
    },
    /// Nothing was entered at the reader's pad.
    #[error(transparent)]
    PinPad(PinPadError),
    /// The card was never activated.
    #[error("the card is not active yet: activate it first (card activate)")]
    NotActive,
    /// The secret does not have the form the card asks for; nothing was sent.
    #[error("the {password} must have {minimum} to {maximum} characters; nothing was sent to the card")]
    SecretForm {
        /// Which one.
        password: PasswordKind,
        /// Shortest length in bytes.
        minimum: usize,
        /// Longest length in bytes.
        maximum: usize,
    },
    /// The slot does not exist, is empty, or holds something where it should be empty.
    #[error("slot {slot}: {problem}")]
    Slot {
        /// Which one.
        slot: SlotId,
        /// What is the matter with it, and what to do.
        problem: &'static str,
    },
    /// The token cannot do this at all.
    #[error("this token cannot {what} (ask for what Token::capabilities and Token::slots offer, or use another token)")]
    Unsupported {
        /// What was asked for, as a verb phrase.
        what: String,
    },
    /// There is no room left.
    #[error("the card is full: remove superseded certificates first (card clean)")]
    Full,
    /// The card answered a command with an error that has no name of its own here.
    #[error(
        "the card refused {command} ({status}): take it out and in again and try once more; if it stays, ask the issuer, with a trace of the conversation"
    )]
    Refused {
        /// Name of the command.
        command: &'static str,
        /// What it answered.
        status: StatusWord,
    },
    /// The card, or the reader before it, broke the rules of how answers are carried: it announced more without end, asked for
    /// one length after the other, sent more than was asked for.
    #[error(
        "the card does not keep to the rules in answering {command} ({problem}): clean its contacts or try another reader; if it stays, do not use this card"
    )]
    Exchange {
        /// Name of the command.
        command: &'static str,
        /// Which rule.
        problem: ExchangeError,
    },
    /// What the card says of itself is none of its profile.
    #[error("{0}; take the card out and in again, and if it stays, ask the issuer")]
    Status(#[from] StatusError),
    /// The directory cannot be read.
    #[error("{0}; repair it (ProfileToken::repair), which needs the authentication PIN and loses labels")]
    Directory(#[from] DirectoryError),
    /// The directory has two entries where one belongs.
    #[error(
        "the card's directory has two keys for slot {slot}: repair it (ProfileToken::repair), which keeps the first"
    )]
    EnteredTwice {
        /// Which slot.
        slot: SlotId,
    },
    /// The directory names a slot that the card does not have.
    #[error("the card's directory names slot {slot}, which the card does not have: repair it (ProfileToken::repair)")]
    EnteredBeyond {
        /// Which slot.
        slot: SlotId,
    },
    /// A file has more in it than the card said.
    #[error(
        "the card sent more than the {said} bytes that it said are in a file: take it out and in again; if it stays, do not use this card"
    )]
    MoreThanSaid {
        /// Bytes it said.
        said: usize,
    },
    /// What should be a public key is none.
    #[error("the card's answer to {command} is no public key ({problem}): do not use this card")]
    PublicKey {
        /// Name of the command.
        command: &'static str,
        /// What is wrong with it.
        problem: TemplateError,
    },
    /// A public key of another kind came than was ordered, or than is said to be in the slot.
    #[error("a {wanted} key belongs in the answer to {command}, and a {found} key came: do not use this card")]
    OtherKind {
        /// Name of the command.
        command: &'static str,
        /// Which kind it should be.
        wanted: KeyAlgorithm,
        /// Which came.
        found: KeyAlgorithm,
    },
    /// A key came as a new one that was there before, or is not the one that was made. Nothing was done with it.
    #[error("the key that came from {command} is not a new one: do not use this card")]
    KeyNotNew {
        /// Name of the command.
        command: &'static str,
    },
    /// A signature is none of the key in its slot. It was not handed out.
    #[error(
        "the signature that came from {command} does not verify under the slot's public key: try once more; if it stays, do not use this card"
    )]
    WrongSignature {
        /// Name of the command.
        command: &'static str,
    },
    /// The secret was wrong, and the card says that no try was spent for it. Whoever believes that tries for ever.
    #[error(
        "the {password} was refused, and the card says that {after} tries are left where {before} were: do not enter it again, and ask the issuer"
    )]
    TriesWentUp {
        /// Which one.
        password: PasswordKind,
        /// Tries before it was sent.
        before: u8,
        /// Tries after it.
        after: u8,
    },
    /// The card took every new password and says that it is active, and that this password is not as it has to be then: one that was
    /// set is not usable, or the transport PIN still stands.
    #[error(
        "the card says that it is active, and that the {password} is not as it has to be then: take it out and in again; if it stays, do not use this card"
    )]
    NotActivated {
        /// Which one.
        password: PasswordKind,
    },
    /// The card took a secret, and then acted as if it had not.
    #[error(
        "the card took the {password} and refused {command} as if it had not: take it out and in again; if it stays, ask the issuer"
    )]
    NotGranted {
        /// Name of the command.
        command: &'static str,
        /// Which secret it took.
        password: PasswordKind,
    },
    /// This is another card than the one that was asked who it is. No secret was sent to it.
    #[error(
        "this is card {found}, and card {wanted} was there before: insert that one again, or begin anew with this one"
    )]
    OtherCard {
        /// Serial number of the one before.
        wanted: String,
        /// Serial number of this one.
        found: String,
    },
    /// The card's answer does not make sense in another way: the card is faulty or hostile.
    #[error(
        "the card's answer to {command} does not make sense ({problem}): take it out and in again; if it stays, do not use this card"
    )]
    Malformed {
        /// Name of the command.
        command: &'static str,
        /// What is wrong with the answer.
        problem: String,
    },
    /// There are more objects on a token than any sound one has.
    #[error(
        "the token lists more than {most} objects of one kind: remove what is not needed with its own software; if it stays, do not use this token"
    )]
    TooManyObjects {
        /// How many are looked at.
        most: usize,
    },
    /// An object on a token is longer than any sound one. It was not read.
    #[error(
        "the token says that one of its objects has {length} bytes, of which at most {most} are read: remove it with the token's own software; if it stays, do not use this token"
    )]
    TooLongObject {
        /// Bytes that it says it has.
        length: usize,
        /// Bytes that are read.
        most: usize,
    },
    /// Another program has the token. Nothing was read or written.
    #[error("the token {label:?} is in use by another program{}: wait for it or end it first", by(*holder))]
    InUse {
        /// What the token is called.
        label: String,
        /// The process of that program, where it is known.
        holder: Option<u32>,
    },
    /// Whether another program has the token cannot be found out.
    #[error(
        "{path} says which program has the token, and cannot be used ({problem}): remove it, or make its folder writable"
    )]
    Lock {
        /// The file that is locked.
        path: String,
        /// What the system says.
        problem: String,
    },
    /// The PKCS#11 module failed.
    #[error("the PKCS#11 module failed in {call}: {problem}")]
    Module {
        /// Name of the function.
        call: &'static str,
        /// What it said, and what to do.
        problem: String,
    },
}

/// A PUK that is blocked is the end of unblocking, and a transport PIN the end of the card.
fn way_out(blocked: PasswordKind) -> &'static str {
    match blocked {
        PasswordKind::AuthenticationPin | PasswordKind::SignaturePin => {
            "unblock it with the PUK, or ask the issuer for a new card when the PUK is blocked too"
        }
        PasswordKind::Puk => {
            "nothing unblocks a PIN of this card any more; what is not blocked works on; ask the issuer for a new card"
        }
        PasswordKind::TransportPin => "the card can never be activated: ask the issuer for a new one",
    }
}

impl From<PinPadError> for TokenError {
    fn from(error: PinPadError) -> Self {
        match error {
            PinPadError::Transport(error) => Self::Transport(error),
            error => Self::PinPad(error),
        }
    }
}

fn by(holder: Option<u32>) -> String {
    holder.map(|process| format!(" (process {process})")).unwrap_or_default()
}

fn left(tries: Tries) -> String {
    match tries {
        Tries::Known(1) | Tries::Last => "only 1 try is left".to_owned(),
        Tries::Unknown => "the token does not tell how many tries are left".to_owned(),
        tries => format!("only {tries} tries are left"),
    }
}

#[cfg(test)]
mod tests;
