//! What this connection writes into the journal, to be handed back on another day: length-prefixed fields, each kind with a
//! mark of its own in front.

use obnova_enroll::cmc::{Nonce, PendToken, TransactionId};
use obnova_renewal::{PickUp, Receipt};
use x509_cert::{Certificate, der::Decode};

use crate::CaError;

/// Transaction and nonce: what ties an answer to its question.
pub(super) struct Thread {
    pub(super) transaction: TransactionId,
    pub(super) nonce: Nonce,
}

impl Thread {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        write(THREAD, [self.transaction.as_bytes(), self.nonce.as_bytes()])
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CaError> {
        let fields = read(THREAD, bytes)?;
        let [transaction, nonce] = fields.as_slice() else { return Err(FOREIGN) };
        Ok(Self { transaction: transaction_id(transaction)?, nonce: nonce_of(nonce)?.ok_or(FOREIGN)? })
    }
}

/// The content of a first request that waits for the signatures of its keys. The proof of the one-time password is in it, as
/// it is in the message that goes out.
pub(super) struct FirstContent(pub(super) Vec<u8>);

impl FirstContent {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        write(FIRST, [self.0.as_slice()])
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CaError> {
        let [content] = read(FIRST, bytes)?[..] else { return Err(FOREIGN) };
        Ok(Self(content.to_vec()))
    }
}

/// How an order is fetched later.
pub(super) enum Fetch<'a> {
    /// By the token of a pending answer.
    Token { transaction: &'a TransactionId, reply_to: Option<&'a Nonce>, token: &'a PendToken },
    /// By sending the same message once more.
    Again(&'a [u8]),
}

impl Fetch<'_> {
    pub(super) fn to_pick_up(&self) -> PickUp {
        PickUp(match self {
            Self::Token { transaction, reply_to, token } => {
                write(TOKEN, [transaction.as_bytes(), reply_to.map_or(&[], |nonce| nonce.as_bytes()), token.as_bytes()])
            }
            Self::Again(message) => write(AGAIN, [*message]),
        })
    }
}

/// [`Fetch`], read back.
pub(super) enum OwnedFetch {
    Token { transaction: TransactionId, reply_to: Option<Nonce>, token: PendToken },
    Again(Vec<u8>),
}

impl OwnedFetch {
    pub(super) fn from_pick_up(pick_up: &PickUp) -> Result<Self, CaError> {
        if let Ok(fields) = read(AGAIN, &pick_up.0) {
            let [message] = fields.as_slice() else { return Err(FOREIGN) };
            return Ok(Self::Again(message.to_vec()));
        }
        let fields = read(TOKEN, &pick_up.0)?;
        let [transaction, reply_to, token] = fields.as_slice() else { return Err(FOREIGN) };
        Ok(Self::Token {
            transaction: transaction_id(transaction)?,
            reply_to: nonce_of(reply_to)?,
            token: PendToken::from_bytes(token).map_err(|_| FOREIGN)?,
        })
    }
}

/// What was received, to be confirmed.
pub(super) struct Taken<'a> {
    pub(super) transaction: &'a TransactionId,
    pub(super) reply_to: Option<&'a Nonce>,
    pub(super) token: Option<&'a PendToken>,
    pub(super) certificates: &'a [Vec<u8>],
}

impl Taken<'_> {
    pub(super) fn to_receipt(&self) -> Receipt {
        let reply_to = self.reply_to.map_or(&[][..], Nonce::as_bytes);
        let token = self.token.map_or(&[][..], PendToken::as_bytes);
        let fields = [self.transaction.as_bytes(), reply_to, token];
        Receipt(write(TAKEN, fields.into_iter().chain(self.certificates.iter().map(Vec::as_slice))))
    }
}

/// [`Taken`], read back.
pub(super) struct OwnedTaken {
    pub(super) transaction: TransactionId,
    pub(super) reply_to: Option<Nonce>,
    pub(super) token: Option<PendToken>,
    pub(super) certificates: Vec<Certificate>,
}

impl OwnedTaken {
    pub(super) fn from_receipt(receipt: &Receipt) -> Result<Self, CaError> {
        let fields = read(TAKEN, &receipt.0)?;
        let [transaction, reply_to, token, certificates @ ..] = fields.as_slice() else { return Err(FOREIGN) };
        let token = (!token.is_empty()).then(|| PendToken::from_bytes(token)).transpose();
        let certificates = certificates.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>();
        Ok(Self {
            transaction: transaction_id(transaction)?,
            reply_to: nonce_of(reply_to)?,
            token: token.map_err(|_| FOREIGN)?,
            certificates: certificates.map_err(|_| FOREIGN)?,
        })
    }
}

const THREAD: u8 = b'P';
const FIRST: u8 = b'F';
const TOKEN: u8 = b'T';
const AGAIN: u8 = b'A';
const TAKEN: u8 = b'R';
const FOREIGN: CaError = CaError::Foreign("not written by a CMC connection");

fn write<'a>(mark: u8, fields: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = vec![mark];
    for field in fields {
        bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

fn read(mark: u8, bytes: &[u8]) -> Result<Vec<&[u8]>, CaError> {
    let mut rest = bytes.strip_prefix(&[mark]).ok_or(FOREIGN)?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>().ok_or(FOREIGN)?;
        let (field, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(FOREIGN)?;
        fields.push(field);
        rest = tail;
    }
    Ok(fields)
}

fn transaction_id(bytes: &[u8]) -> Result<TransactionId, CaError> {
    TransactionId::from_bytes(bytes).map_err(|_| FOREIGN)
}

/// A nonce; an empty field is none.
fn nonce_of(bytes: &[u8]) -> Result<Option<Nonce>, CaError> {
    if bytes.is_empty() { Ok(None) } else { Nonce::from_bytes(bytes).map(Some).map_err(|_| FOREIGN) }
}

#[cfg(test)]
mod tests;
