use std::borrow::Cow;

use der::Encode;
use obnova_apdu::tlv::{Tlv, VecWriter};
use obnova_apdu::{ResponseApdu, StatusWord};
use obnova_profile::{FileId, PublicKeyTemplate, ShortFileId, SlotNumber, application, command, pkcs15};

use super::{Card, Outcome, Refusal, Request, answer, done};

impl Card {
    /// READ BINARY (§5.2).
    pub(super) fn read_binary(&mut self, request: &Request<'_>) -> Outcome {
        if !request.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let (file, offset) = self.place(request)?;
        let content = self.content(file).ok_or(StatusWord::INCOMPATIBLE_FILE_STRUCTURE)?;
        let rest = content.get(offset..).ok_or(StatusWord::WRONG_PARAMETERS)?;
        let all_that_is_there = matches!(request.ne, 256 | 0x1_0000);
        if rest.len() >= request.ne || all_that_is_there {
            return answer(rest[..rest.len().min(request.ne)].to_vec());
        }
        if request.ne < 256 && !rest.is_empty() {
            return Err(StatusWord::wrong_le(rest.len()).into());
        }
        Ok(ResponseApdu::new(rest.to_vec(), StatusWord::END_OF_FILE))
    }

    /// READ BINARY with an offset data object (§5.2): of the selected file.
    pub(super) fn read_binary_far(&mut self, request: &Request<'_>) -> Outcome {
        request.expect(0x00, 0x00)?;
        let object = Tlv::parse(request.data).map_err(|_| StatusWord::INCORRECT_DATA)?;
        let digits = Some(object.value).filter(|value| object.tag == command::OFFSET && (1..=4).contains(&value.len()));
        let offset =
            digits.ok_or(StatusWord::INCORRECT_DATA)?.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte));
        let (file, _) = self.place(request)?;
        let content = self.content(file).ok_or(StatusWord::INCOMPATIBLE_FILE_STRUCTURE)?;
        let rest = content.get(offset..).ok_or(StatusWord::WRONG_PARAMETERS)?;
        // A data object of up to 7F, FF and more bytes has a header of 2, 3 and 4.
        let room = match request.ne {
            0..3 => return Err(StatusWord::WRONG_LENGTH.into()),
            ne @ 3..0x82 => ne - 2,
            ne @ 0x82..0x103 => ne - 3,
            ne => ne - 4,
        };
        let mut object = VecWriter::new();
        object.primitive(command::DISCRETIONARY_DATA, &rest[..rest.len().min(room)]);
        answer(object.into_vec())
    }

    /// UPDATE BINARY (§5.3): the directory file.
    pub(super) fn update_binary(&mut self, request: &Request<'_>) -> Outcome {
        let (file, offset) = self.place(request)?;
        if file != FileId::DIRECTORY {
            return Err(StatusWord::COMMAND_NOT_ALLOWED.into());
        }
        self.content_access()?;
        let end = offset + request.data.len();
        let place = self.state.directory_mut().get_mut(offset..end).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
        place.copy_from_slice(request.data);
        self.changed()?;
        done()
    }

    /// PUT DATA (§5.4): a certificate of a slot.
    pub(super) fn put_certificate(&mut self, request: &Request<'_>) -> Outcome {
        let file = FileId(u16::from_be_bytes([request.p1, request.p2]));
        let (slot, place) = file.place_of_certificate().ok_or(StatusWord::INCORRECT_P1_P2)?;
        self.content_access()?;
        let object = Tlv::parse(request.data).map_err(|_| StatusWord::INCORRECT_DATA)?;
        let certificate = Tlv::parse(object.value).map_err(|_| StatusWord::INCORRECT_DATA)?;
        if object.tag != command::DISCRETIONARY_DATA || certificate.tag.number() != 0x30 {
            return Err(StatusWord::INCORRECT_DATA.into());
        }
        if object.value.len() > self.state.largest_certificate.into() {
            return Err(StatusWord::NOT_ENOUGH_SPACE.into());
        }
        self.store_certificate(slot, place, object.value)?;
        done()
    }

    pub(super) fn store_certificate(&mut self, slot: SlotNumber, place: u8, certificate: &[u8]) -> Result<(), Refusal> {
        let stored = self.state.slot_mut(slot).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        if stored.key.is_none() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        stored.put_certificate(place, certificate.to_vec().into());
        self.changed()
    }

    /// DELETE FILE (§5.5): a certificate, or a key with its certificates.
    pub(super) fn delete_file(&mut self, request: &Request<'_>) -> Outcome {
        request.expect(0x00, 0x00)?;
        let id = <[u8; 2]>::try_from(request.data).map_err(|_| StatusWord::INCORRECT_DATA)?;
        let file = FileId(u16::from_be_bytes(id));
        self.content_access()?;
        let (slot, place) = match (file.place_of_certificate(), file.slot_of_key()) {
            (Some((slot, place)), _) => (slot, Some(place)),
            (_, Some(slot)) => (slot, None),
            _ => return Err(StatusWord::FILE_NOT_FOUND.into()),
        };
        let stored = self.state.slot_mut(slot).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let there = match place {
            Some(place) => stored.remove_certificate(place),
            None => stored.remove_key(),
        };
        if !there {
            return Err(StatusWord::FILE_NOT_FOUND.into());
        }
        self.changed()?;
        if place.is_none() {
            self.keys[usize::from(slot.get()) - 1] = None;
            self.session.environment = None;
        }
        done()
    }

    /// What READ BINARY reads; `None` for what cannot be read, or is not there.
    pub(super) fn content(&self, file: FileId) -> Option<Cow<'_, [u8]>> {
        match file {
            FileId::EF_DIR => Some(pkcs15::ef_dir(&self.state.label).into()),
            FileId::ODF => Some(pkcs15::odf(self.state.layout()).into()),
            FileId::AODF => Some(pkcs15::aodf(self.state.model()).into()),
            FileId::TOKEN_INFO => Some(self.token_info().encode().into()),
            FileId::DIRECTORY => Some(self.state.directory().into()),
            _ => match (file.place_of_certificate(), file.slot_of_public_key()) {
                (Some((slot, place)), _) => Some((&self.state.slot(slot)?.certificate_at(place)?[..]).into()),
                (_, Some(slot)) => Some(public_key_file(&self.key(slot)?.public())?.into()),
                _ => None,
            },
        }
    }

    fn token_info(&self) -> pkcs15::TokenInfo {
        pkcs15::TokenInfo {
            serial: self.state.serial.as_bytes().to_vec(),
            manufacturer: Some(application::MANUFACTURER.to_owned()),
            label: Some(self.state.label.clone()),
        }
    }

    /// The file and offset that P1-P2 of READ BINARY and UPDATE BINARY name; a file named short becomes the selected one.
    fn place(&mut self, request: &Request<'_>) -> Result<(FileId, usize), Refusal> {
        if request.p1 & 0x80 == 0 {
            let file = self.session.file.ok_or(StatusWord::NO_CURRENT_FILE)?;
            if matches!(file, FileId::MASTER | FileId::APPLICATION) {
                return Err(StatusWord::NO_CURRENT_FILE.into());
            }
            return Ok((file, u16::from_be_bytes([request.p1, request.p2]).into()));
        }
        let file = ShortFileId::file_of_p1(request.p1).ok_or(StatusWord::FILE_NOT_FOUND)?;
        if self.content(file).is_none() {
            return Err(StatusWord::FILE_NOT_FOUND.into());
        }
        self.session.file = Some(file);
        Ok((file, request.p2.into()))
    }

    /// Counts a change of content and writes it down.
    pub(super) fn changed(&mut self) -> Result<(), Refusal> {
        self.state.changes = self.state.changes.wrapping_add(1);
        self.commit()
    }
}

/// RSAPublicKey for RSA, SubjectPublicKeyInfo for elliptic curves: the forms that OpenSC reads.
fn public_key_file(key: &PublicKeyTemplate) -> Option<Vec<u8>> {
    let spki = key.to_spki().ok()?;
    match key {
        PublicKeyTemplate::Rsa { .. } => Some(spki.subject_public_key.as_bytes()?.to_vec()),
        PublicKeyTemplate::Point(_) => spki.to_der().ok(),
    }
}
