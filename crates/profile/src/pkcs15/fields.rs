//! The fields that entries are made of.

use obnova_apdu::tlv::{Reader, Tag, Tlv, TlvError, VecWriter};

use super::{Label, LabelError, MAX_ID};
use crate::FileId;

pub(super) const SEQUENCE: Tag = Tag::new(0x30);
pub(super) const INTEGER: Tag = Tag::new(0x02);
pub(super) const BIT_STRING: Tag = Tag::new(0x03);
pub(super) const OCTET_STRING: Tag = Tag::new(0x04);
pub(super) const ENUMERATED: Tag = Tag::new(0x0A);
pub(super) const UTF8_STRING: Tag = Tag::new(0x0C);
/// `[0]`, constructed: subclass attributes, and the private and public keys on elliptic curves.
pub(super) const CONTEXT_0: Tag = Tag::new(0xA0);
/// `[1]`, constructed: type attributes.
pub(super) const CONTEXT_1: Tag = Tag::new(0xA1);

/// Why an entry of a directory cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The encoding is broken.
    #[error("the encoding is broken: {0}")]
    Tlv(#[from] TlvError),
    /// Something else stands where a field belongs, or nothing.
    #[error("the {field} is missing or malformed")]
    Field {
        /// Which field.
        field: &'static str,
    },
    /// The label cannot be used.
    #[error("the label is unusable: {0}")]
    Label(#[from] LabelError),
    /// The object is elsewhere than the profile puts it.
    #[error("the path leads out of the application")]
    Path,
}

pub(super) const fn bad(field: &'static str) -> EntryError {
    EntryError::Field { field }
}

/// Takes the fields of a sequence one by one.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
    next: Option<Tlv<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(sequence: &Tlv<'a>) -> Result<Self, EntryError> {
        let mut fields = Self { reader: sequence.children(), next: None };
        fields.advance()?;
        Ok(fields)
    }

    /// The next field, when it has this tag.
    pub(super) fn optional(&mut self, tag: Tag) -> Result<Option<Tlv<'a>>, EntryError> {
        match self.next {
            Some(field) if field.tag == tag => {
                self.advance()?;
                Ok(Some(field))
            }
            _ => Ok(None),
        }
    }

    /// The next field, which must have this tag.
    pub(super) fn required(&mut self, tag: Tag, field: &'static str) -> Result<Tlv<'a>, EntryError> {
        self.optional(tag)?.ok_or(bad(field))
    }

    /// Checks that what is left, which nobody here uses, is at least well formed.
    pub(super) fn skip_rest(mut self) -> Result<(), EntryError> {
        while self.next.is_some() {
            self.advance()?;
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), EntryError> {
        self.next = self.reader.next().transpose()?;
        Ok(())
    }
}

/// CommonObjectAttributes (ISO/IEC 7816-15 §8.2.8).
pub(super) struct Common {
    pub label: Label,
    /// The password that protects the object; without one it is public.
    pub auth_id: Option<u8>,
    pub user_consent: bool,
}

impl Common {
    pub(super) fn write(&self, out: &mut VecWriter) {
        out.constructed(SEQUENCE, |common| {
            common.primitive(UTF8_STRING, self.label.as_str().as_bytes());
            // private (bit 0) and modifiable (bit 1), six bits unused.
            common.primitive(BIT_STRING, if self.auth_id.is_some() { &[6, 0xC0] } else { &[6, 0x40] });
            if let Some(auth_id) = self.auth_id {
                common.primitive(OCTET_STRING, &[auth_id]);
            }
            if self.user_consent {
                common.primitive(INTEGER, &[1]);
            }
        });
    }

    pub(super) fn read(object: &Tlv<'_>) -> Result<Self, EntryError> {
        let mut fields = Fields::of(object)?;
        let label = fields.required(UTF8_STRING, "label")?;
        let label = std::str::from_utf8(label.value).map_err(|_| bad("label"))?;
        let label = Label::new(label)?;
        fields.optional(BIT_STRING)?.map(|flags| bits(&flags)).transpose()?;
        let auth_id = match fields.optional(OCTET_STRING)?.map(|id| id.value) {
            None => None,
            Some([id]) => Some(*id),
            Some(_) => return Err(bad("authentication identifier")),
        };
        let user_consent = match fields.optional(INTEGER)? {
            None => false,
            Some(uses) => uses.as_u32().ok_or(bad("user consent"))? > 0,
        };
        fields.skip_rest()?;
        Ok(Self { label, auth_id, user_consent })
    }
}

/// The bits of a BIT STRING of up to 16, bit 0 of the standard as the lowest.
pub(super) fn bits(object: &Tlv<'_>) -> Result<u16, EntryError> {
    let (first, second) = match *object.value {
        [0] => (0, 0),
        [0..=7, first] => (first, 0),
        [0..=7, first, second] => (first, second),
        _ => return Err(bad("bit string")),
    };
    Ok(u16::from_le_bytes([first.reverse_bits(), second.reverse_bits()]))
}

/// Writes the bits that are set, bit 0 of the standard as the lowest, without trailing zeros.
pub(super) fn write_bits(out: &mut VecWriter, bits: u16) {
    let [first, second] = bits.to_le_bytes();
    let (bytes, last): (&[u8], u8) = if second == 0 {
        (&[first.reverse_bits()], first)
    } else {
        (&[first.reverse_bits(), second.reverse_bits()], second)
    };
    let unused = if last == 0 { 0 } else { last.leading_zeros() as u8 };
    out.primitive(BIT_STRING, &[&[unused][..], bytes].concat());
}

/// An identifier of 1 to [`MAX_ID`] bytes.
pub(super) fn id(object: &Tlv<'_>) -> Result<Vec<u8>, EntryError> {
    if (1..=MAX_ID).contains(&object.value.len()) { Ok(object.value.to_vec()) } else { Err(bad("identifier")) }
}

/// A whole file of the application by its absolute path (ISO/IEC 7816-15 §8.2.5).
pub(super) fn write_path(out: &mut VecWriter, file: FileId) {
    out.constructed(SEQUENCE, |path| {
        path.primitive(OCTET_STRING, &file.path());
    });
}

pub(super) fn path(object: &Tlv<'_>) -> Result<FileId, EntryError> {
    let mut fields = Fields::of(object)?;
    let path = fields.required(OCTET_STRING, "path")?;
    fields.skip_rest()?;
    FileId::from_path(path.value).ok_or(EntryError::Path)
}

/// A small number as the shortest DER INTEGER.
pub(super) fn write_integer(out: &mut VecWriter, number: u16) {
    let [high, low] = number.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7F) => out.primitive(INTEGER, &[low]),
        (0..=0x7F, _) => out.primitive(INTEGER, &[high, low]),
        _ => out.primitive(INTEGER, &[0, high, low]),
    };
}
