use obnova_profile::{KeyRole, SlotNumber, command};

use super::{
    conversation::{Conversation, malformed},
    known_keys::KnownKeys,
    names,
};
use crate::{
    Pin, SignDigest, TokenError,
    check::{check_algorithm, check_signature},
};

/// A job in the card's words.
struct Job<'j> {
    slot: SlotNumber,
    role: KeyRole,
    order: &'j SignDigest,
}

pub(super) fn sign(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    orders: &[SignDigest],
    pin: &Pin,
) -> Result<Vec<Vec<u8>>, TokenError> {
    card.must_be_active()?;
    let jobs = jobs(card, known, orders)?;
    let mut signatures = Vec::with_capacity(jobs.len());
    let mut verified = false;
    let mut chosen = None;
    for job in &jobs {
        // A signature PIN is consumed by one signature; the authentication PIN lasts for the conversation.
        if !verified || job.role == KeyRole::Signature {
            card.verify(job.role.password(), pin)?;
            verified = true;
        }
        let choice = (job.slot, job.order.algorithm);
        if chosen != Some(choice) {
            card.ask(&command::set_signature(job.slot, job.order.algorithm))?;
            chosen = Some(choice);
        }
        let compute = command::sign(job.order.digest.as_bytes());
        let signature = card.ask(&compute)?;
        check(card, known, job, &signature)?;
        signatures.push(signature);
    }
    Ok(signatures)
}

/// The jobs, checked; and every public key that is needed to check their signatures, read before a PIN is spent.
fn jobs<'j>(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    orders: &'j [SignDigest],
) -> Result<Vec<Job<'j>>, TokenError> {
    let mut jobs: Vec<Job<'j>> = Vec::with_capacity(orders.len());
    for order in orders {
        let wrong = |problem| TokenError::Slot { slot: order.slot, problem };
        let slot = names::slot_number(order.slot)?;
        let record = card.status.slot(slot).ok_or(wrong("there is no such slot: take one that Token::slots names"))?;
        let key = record.key.ok_or(wrong("there is no key in it: take a slot with a key"))?;
        if jobs.first().is_some_and(|first| first.role != key.role) {
            return Err(wrong(
                "its key is guarded by another password than the key of the first job: sign with it in a call of its own",
            ));
        }
        if known.get(slot).is_none() {
            known.read(card, slot, key)?;
        }
        check_algorithm(order, key.algorithm, order.algorithm.fits(key.algorithm))?;
        jobs.push(Job { slot, role: key.role, order });
    }
    Ok(jobs)
}

/// Verifies a signature before it is handed out. A key that was known from before may have been replaced by another
/// program, so it is read again before the card is blamed.
fn check(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    job: &Job<'_>,
    signature: &[u8],
) -> Result<(), TokenError> {
    if known.verify(job.order, job.slot, signature) {
        return Ok(());
    }
    let record = card.status.slot(job.slot).and_then(|record| record.key);
    let record = record.ok_or_else(|| malformed(&command::sign(&[]), "the slot has no key"))?;
    let key = known.read(card, job.slot, record)?;
    check_signature("PERFORM SECURITY OPERATION", &key, job.order.algorithm, &job.order.digest, signature)
}
