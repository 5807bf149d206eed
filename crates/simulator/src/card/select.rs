use obnova_apdu::StatusWord;
use obnova_apdu::tlv::{Tag, VecWriter};
use obnova_profile::{FileId, KeyRole, application};

use super::{Card, Outcome, Refusal, Request, answer, done};
use crate::session::Session;

/// Shortest prefix of a name that selects: the registered part (ISO/IEC 7816-4 §12.3.4).
const SHORTEST_NAME: usize = 5;

impl Card {
    /// SELECT (§5.1).
    pub(super) fn select(&mut self, request: &Request<'_>) -> Outcome {
        let information = match request.p2 {
            0x00 => Some(Tag::new(0x6F)),
            0x04 => Some(Tag::new(0x62)),
            0x0C => None,
            _ => return Err(StatusWord::INCORRECT_P1_P2.into()),
        };
        if request.p1 == 0x04 {
            let own = select_name(request.data)?;
            self.session = Session::default();
            self.session.file = Some(FileId::APPLICATION);
            return match information {
                None => done(),
                Some(_) if own => answer(self.status().to_fci()),
                Some(tag) => answer(self.control_information(FileId::APPLICATION, tag)),
            };
        }
        let file = self.find(request)?;
        self.session.file = Some(file);
        information.map_or_else(done, |tag| answer(self.control_information(file, tag)))
    }

    /// The file that SELECT by identifier or path names. Identifiers are unique on the card, so the last one tells.
    fn find(&self, request: &Request<'_>) -> Result<FileId, Refusal> {
        let path = match (request.p1, request.data) {
            (0x00, []) => return Ok(FileId::MASTER),
            (0x03, []) => return Ok(self.parent()),
            (0x00..=0x02, path @ [_, _]) | (0x08 | 0x09, path) => path,
            (0x00..=0x03, _) => return Err(StatusWord::INCORRECT_DATA.into()),
            _ => return Err(StatusWord::INCORRECT_P1_P2.into()),
        };
        let (ids, rest) = path.as_chunks::<2>();
        let ids: Vec<_> = ids.iter().map(|id| FileId(u16::from_be_bytes(*id))).collect();
        let (Some((file, parents)), []) = (ids.split_last(), rest) else {
            return Err(StatusWord::INCORRECT_DATA.into());
        };
        let way_is_right = parents.iter().all(|parent| matches!(*parent, FileId::MASTER | FileId::APPLICATION));
        if way_is_right && self.exists(*file) { Ok(*file) } else { Err(StatusWord::FILE_NOT_FOUND.into()) }
    }

    fn parent(&self) -> FileId {
        match self.session.file {
            None | Some(FileId::MASTER | FileId::APPLICATION | FileId::EF_DIR) => FileId::MASTER,
            Some(_) => FileId::APPLICATION,
        }
    }

    fn exists(&self, file: FileId) -> bool {
        matches!(file, FileId::MASTER | FileId::APPLICATION)
            || self.content(file).is_some()
            || file
                .slot_of_key()
                .is_some_and(|slot| self.keys.get(usize::from(slot.get()) - 1).is_some_and(Option::is_some))
    }

    /// File control information (ISO/IEC 7816-4 §7.4), with access conditions as MyEID writes them in `86`: one digit an
    /// operation, 0 always, 1 to E the password, F never.
    fn control_information(&self, file: FileId, tag: Tag) -> Vec<u8> {
        let is_directory = matches!(file, FileId::MASTER | FileId::APPLICATION);
        let key = file.slot_of_key().and_then(|slot| self.state.slot(slot)?.key.as_ref());
        let (descriptor, access) = match (is_directory, key) {
            (true, _) => (0x38, [0xFF, 0xFF, 0xFF]),
            (_, Some(key)) if key.role() == KeyRole::Signature => (0x11, [0x2F, 0x1F, 0xFF]),
            (_, Some(_)) => (0x11, [0x1F, 0x1F, 0xFF]),
            _ if file == FileId::DIRECTORY => (0x01, [0x01, 0xFF, 0xFF]),
            _ if file.slot_of_certificate().is_some() => (0x01, [0x0F, 0x1F, 0xFF]),
            _ => (0x01, [0x0F, 0xFF, 0xFF]),
        };
        let mut writer = VecWriter::new();
        writer.constructed(tag, |information| {
            if let Some(content) = self.content(file) {
                information.primitive(Tag::new(0x80), &(content.len() as u16).to_be_bytes());
            }
            information.primitive(Tag::new(0x82), &[descriptor]).primitive(Tag::new(0x83), &file.to_bytes());
            if file == FileId::APPLICATION {
                information.primitive(Tag::new(0x84), &application::PKCS15_AID);
            }
            information.primitive(Tag::new(0x86), &access);
            information.primitive(Tag::new(0x8A), &[self.state.life_cycle().code()]);
        });
        writer.into_vec()
    }
}

/// Whether the name is the profile's own; an error when it is none of ours.
fn select_name(name: &[u8]) -> Result<bool, Refusal> {
    let is = |full: &[u8]| name.len() >= SHORTEST_NAME && full.starts_with(name);
    if is(&application::AID) {
        Ok(true)
    } else if is(&application::PKCS15_AID) {
        Ok(false)
    } else {
        Err(StatusWord::FILE_NOT_FOUND.into())
    }
}
