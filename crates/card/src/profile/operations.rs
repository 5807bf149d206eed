//! Keys and certificates made, written and removed.

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_apdu::StatusWord;
use obnova_profile::{
    Directory, FileId, KeyRecord, PasswordReference, PublicKeyTemplate, SlotNumber, SlotRecord, command, pkcs15::Label,
};

use super::{
    conversation::{Conversation, name},
    directory::{
        drop_dangling, encode, enter_certificate, enter_key, has_key, identifier, mark_superseded, read, remove_slot,
        write,
    },
    known_keys::KnownKeys,
    listing::{certificate, key_entry},
    names,
};
use crate::{
    GenerateKey, InstallCertificate, Pin, Removal, Slot, SlotId, TokenError,
    check::{check_generated, check_install},
};

pub(super) fn generate(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    request: &GenerateKey,
    pin: &Pin,
) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
    card.must_be_active()?;
    let taken = TokenError::Slot {
        slot: request.slot,
        problem: "there is a key in it already: take an empty one, or remove the key first",
    };
    let (slot, record) = record(card, request.slot)?;
    if record.key.is_some() {
        return Err(taken);
    }
    let unsupported = || TokenError::Unsupported { what: format!("make {} keys", request.algorithm) };
    if !card.status.algorithms.contains(&request.algorithm) {
        return Err(unsupported());
    }
    let role = names::profile_role(request.role);
    let generate = command::generate(slot, role, request.algorithm).ok_or_else(unsupported)?;
    let label = Label::fitting(&request.label);
    let key = KeyRecord { algorithm: request.algorithm, role };

    let mut directory = read(card)?;
    drop_dangling(&mut directory, &card.status);
    enter_key(&mut directory, slot, key, &[0; 20], &label);
    encode(card, &directory)?;

    card.verify(PasswordReference::CONTENT, pin)?;
    known.forget(slot);
    let answer = card.send(&generate)?;
    if !answer.status.is_success() {
        let slot_is_taken = answer.status == StatusWord::FILE_EXISTS;
        return Err(if slot_is_taken { taken } else { card.refused(&generate, answer.status) });
    }
    let public = PublicKeyTemplate::decode(&answer.data).and_then(|template| template.to_spki());
    let public = public.map_err(|problem| TokenError::PublicKey { command: name(&generate), problem })?;
    check_generated(name(&generate), &public, request.algorithm)?;
    let id = identifier(&public)?;
    if directory.public_keys.iter().any(|entry| entry.id == id) {
        return Err(TokenError::KeyNotNew { command: name(&generate) });
    }
    enter_key(&mut directory, slot, key, &id, &label);
    write(card, &directory)?;
    known.learn(slot, public.clone());
    Ok(public)
}

pub(super) fn install(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    jobs: &[InstallCertificate],
    superseded: &[SlotId],
    pin: &Pin,
) -> Result<(), TokenError> {
    card.must_be_active()?;
    let mut directory = read(card)?;
    let mut slots: Vec<Slot> = Vec::new();
    for id in jobs.iter().map(|job| &job.slot).chain(superseded) {
        if slots.iter().any(|slot| slot.id == *id) {
            continue;
        }
        let (slot, record) = record(card, *id)?;
        let key = match record.key {
            None => None,
            Some(key) => {
                // Of a slot that is superseded it is enough that there is a key.
                let takes_certificate = jobs.iter().any(|job| job.slot == *id);
                let public = match takes_certificate {
                    true => Some(known.of_slot(card, slot, key, &directory)?),
                    false => None,
                };
                Some(key_entry(key, None, public)?)
            }
        };
        slots.push(Slot { id: *id, key, certificates: Vec::new(), left_over: false });
    }
    check_install(&slots, jobs, superseded, card.status.limits.certificate.into())?;

    drop_dangling(&mut directory, &card.status);
    let (mut commands, mut files) = (Vec::new(), Vec::new());
    for (index, job) in jobs.iter().enumerate() {
        if jobs[..index].iter().any(|earlier| earlier.slot == job.slot) {
            return Err(TokenError::Slot {
                slot: job.slot,
                problem: "it takes one certificate only: install one for each key",
            });
        }
        let (slot, record) = record(card, job.slot)?;
        let (file, is_there) = place(card, &directory, &record, job)?;
        if !is_there {
            commands.push(command::put_certificate_in(file, &job.certificate));
        }
        files.push((job.slot, file));
        let entry = slots.iter().find(|slot| slot.id == job.slot).and_then(|slot| slot.key.as_ref());
        if let (Some(key), Some(entry)) = (record.key, entry) {
            let label = Label::fitting(&job.label);
            if !has_key(&directory, slot, key, &entry.id) {
                enter_key(&mut directory, slot, key, &entry.id, &label);
            }
            enter_certificate(&mut directory, file, &entry.id, label);
        }
    }
    for id in superseded {
        let new = files.iter().find(|(slot, _)| slot == id).map(|(_, file)| *file);
        mark_superseded(&mut directory, names::slot_number(*id)?, new);
    }
    encode(card, &directory)?;

    card.verify(PasswordReference::CONTENT, pin)?;
    for command in &commands {
        card.ask(command)?;
    }
    write(card, &directory)
}

/// Where a certificate goes, and whether this very one is there and entered: an installation that was torn at its end is
/// repeated. Another one that is entered is not written over; one that is not was being written when something tore.
fn place(
    card: &mut Conversation<'_>,
    directory: &Directory,
    record: &SlotRecord,
    job: &InstallCertificate,
) -> Result<(FileId, bool), TokenError> {
    let is_entered = |file| directory.certificates.iter().any(|entry| entry.file == file);
    let full = |problem| TokenError::Slot { slot: job.slot, problem };
    for file in record.certificates.iter().filter(|file| is_entered(file.file)) {
        if certificate(card, record.slot, file)? == job.certificate {
            return Ok((file.file, true));
        }
        if !card.status.limits.several_certificates {
            return Err(full("it holds another certificate: remove that one first"));
        }
    }
    let mut places = (0..FileId::MOST_CERTIFICATES).filter_map(|place| FileId::certificate_at(record.slot, place));
    let free = places.find(|file| !is_entered(*file));
    Ok((free.ok_or(full("its key has as many certificates as it can have: remove one first"))?, false))
}

pub(super) fn remove(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
    what: &[Removal],
    pin: &Pin,
) -> Result<(), TokenError> {
    card.must_be_active()?;
    let mut directory = read(card)?;
    let before = directory.clone();
    let mut commands = Vec::new();
    for removal in what {
        let (Removal::Slot(id) | Removal::Certificate(id, _)) = *removal;
        let wrong = |problem| TokenError::Slot { slot: id, problem };
        let (slot, record) = record(card, id)?;
        match removal {
            Removal::Slot(_) => {
                record.key.ok_or(wrong("there is nothing in it: read the slots again"))?;
                remove_slot(&mut directory, slot);
                known.forget(slot);
                commands.push(command::delete_key(slot));
            }
            Removal::Certificate(_, index) => {
                let is_entered = |file| before.certificates.iter().any(|entry| entry.file == file);
                let mut entered = record.certificates.iter().filter(|file| is_entered(file.file));
                let file =
                    entered.nth(*index).ok_or(wrong("it has no certificate of this number: read the slots again"))?;
                directory.certificates.retain(|entry| entry.file != file.file);
                commands.push(command::delete_certificate_in(file.file));
            }
        }
    }
    drop_dangling(&mut directory, &card.status);
    card.verify(PasswordReference::CONTENT, pin)?;
    if directory != before {
        write(card, &directory)?;
    }
    for command in &commands {
        card.ask(command)?;
    }
    Ok(())
}

fn record(card: &Conversation<'_>, id: SlotId) -> Result<(SlotNumber, SlotRecord), TokenError> {
    let slot = names::slot_number(id)?;
    let record = card
        .status
        .slot(slot)
        .ok_or(TokenError::Slot { slot: id, problem: "there is no such slot: take one that Token::slots names" })?;
    Ok((slot, record.clone()))
}
