use obnova_apdu::tlv::{Tlv, VecWriter};

use super::Label;
use super::fields::{CONTEXT_1, Common, EntryError, Fields, OCTET_STRING, SEQUENCE, bad, id, path, write_path};
use crate::{FileId, SlotNumber};

/// An X.509 certificate in the CDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEntry {
    /// Label. A superseded certificate's has the [suffix](super::SUPERSEDED_SUFFIX).
    pub label: Label,
    /// Identifier shared with the keys.
    pub id: Vec<u8>,
    /// The file that holds it.
    pub file: FileId,
}

impl CertificateEntry {
    /// The entry for the first certificate of a slot.
    #[must_use]
    pub fn new(label: Label, slot: SlotNumber, id: &[u8]) -> Self {
        Self::in_file(label, FileId::certificate(slot), id)
    }

    /// The entry for the certificate in a file.
    #[must_use]
    pub fn in_file(label: Label, file: FileId, id: &[u8]) -> Self {
        Self { label, id: id.to_vec(), file }
    }

    /// The slot that holds it.
    #[must_use]
    pub fn slot(&self) -> Option<SlotNumber> {
        self.file.slot_of_certificate()
    }

    /// The entry as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let common = Common { label: self.label.clone(), auth_id: None, user_consent: false };
        let mut writer = VecWriter::new();
        writer.constructed(SEQUENCE, |entry| {
            common.write(entry);
            entry.constructed(SEQUENCE, |attributes| {
                attributes.primitive(OCTET_STRING, &self.id);
            });
            entry.constructed(CONTEXT_1, |attributes| {
                attributes.constructed(SEQUENCE, |attributes| write_path(attributes, self.file));
            });
        });
        writer.into_vec()
    }

    /// Reads one entry, to the last byte.
    ///
    /// # Errors
    /// [`EntryError`] says which field is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry = Tlv::parse(bytes)?;
        if entry.tag != SEQUENCE {
            return Err(bad("kind of certificate"));
        }
        let mut fields = Fields::of(&entry)?;
        let common = Common::read(&fields.required(SEQUENCE, "common attributes")?)?;
        let mut class = Fields::of(&fields.required(SEQUENCE, "certificate attributes")?)?;
        let id = id(&class.required(OCTET_STRING, "identifier")?)?;
        class.skip_rest()?;
        let attributes = fields.required(CONTEXT_1, "type attributes")?;
        let attributes = Fields::of(&attributes)?.required(SEQUENCE, "type attributes")?;
        fields.skip_rest()?;
        let mut attributes = Fields::of(&attributes)?;
        let file = path(&attributes.required(SEQUENCE, "path")?)?;
        attributes.skip_rest()?;
        Ok(Self { label: common.label, id, file })
    }
}
