//! Files that are written once, when the card is personalised (§2.1).

use obnova_apdu::tlv::{Tag, Tlv, VecWriter};

use super::fields::{
    BIT_STRING, CONTEXT_1, ENUMERATED, EntryError, Fields, INTEGER, OCTET_STRING, SEQUENCE, UTF8_STRING, bad,
    write_bits, write_integer,
};
use crate::{DirectoryLayout, FileId, PasswordReference, Region, TransportPinModel, application};

/// EF.DIR: the PKCS#15 application and its path (ISO/IEC 7816-4 §12.2.3).
#[must_use]
pub fn ef_dir(label: &str) -> Vec<u8> {
    let mut writer = VecWriter::new();
    writer.constructed(Tag::new(0x61), |template| {
        template
            .primitive(Tag::new(0x4F), &application::PKCS15_AID)
            .primitive(Tag::new(0x50), label.as_bytes())
            .primitive(Tag::new(0x51), &[0x3F, 0x00, 0x50, 0x15]);
    });
    writer.into_vec()
}

/// ODF: private keys, public keys and certificates in their regions of the one directory file, passwords in the AODF
/// (ISO/IEC 7816-15 §8.4.1).
#[must_use]
pub fn odf(layout: DirectoryLayout) -> Vec<u8> {
    let mut writer = VecWriter::new();
    for (tag, region) in [(0xA0, layout.private_keys()), (0xA1, layout.public_keys()), (0xA4, layout.certificates())] {
        odf_entry(&mut writer, tag, FileId::DIRECTORY, Some(region));
    }
    odf_entry(&mut writer, 0xA8, FileId::AODF, None);
    writer.into_vec()
}

fn odf_entry(out: &mut VecWriter, tag: u32, file: FileId, region: Option<Region>) {
    out.constructed(Tag::new(tag), |entry| {
        entry.constructed(SEQUENCE, |path| {
            path.primitive(OCTET_STRING, &file.path());
            if let Some(region) = region {
                write_integer(path, region.offset);
                // Regions are far below 8000 (hexadecimal), so the number takes no leading zero.
                path.primitive(Tag::new(0x80), &region.length.to_be_bytes());
            }
        });
    });
}

/// TokenInfo: serial number, manufacturer and label (ISO/IEC 7816-15 §8.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Serial number.
    pub serial: Vec<u8>,
    /// Manufacturer, if it is told.
    pub manufacturer: Option<String>,
    /// Label, if it is told.
    pub label: Option<String>,
}

const TOKEN_LABEL: Tag = Tag::new(0x80);

impl TokenInfo {
    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = VecWriter::new();
        writer.constructed(SEQUENCE, |info| {
            info.primitive(INTEGER, &[0]).primitive(OCTET_STRING, &self.serial);
            if let Some(manufacturer) = &self.manufacturer {
                info.primitive(UTF8_STRING, manufacturer.as_bytes());
            }
            if let Some(label) = &self.label {
                info.primitive(TOKEN_LABEL, label.as_bytes());
            }
            // loginRequired, prnGeneration.
            write_bits(info, 0b110);
        });
        writer.into_vec()
    }

    /// Reads the file, to the last byte.
    ///
    /// # Errors
    /// [`EntryError`] says which field is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let info = Tlv::parse(bytes)?;
        if info.tag != SEQUENCE {
            return Err(bad("token information"));
        }
        let mut fields = Fields::of(&info)?;
        fields.required(INTEGER, "version")?;
        let serial = fields.required(OCTET_STRING, "serial number")?.value.to_vec();
        let manufacturer = fields.optional(UTF8_STRING)?.map(|text| utf8(&text, "manufacturer")).transpose()?;
        let label = fields.optional(TOKEN_LABEL)?.map(|text| utf8(&text, "label")).transpose()?;
        fields.required(BIT_STRING, "flags")?;
        fields.skip_rest()?;
        Ok(Self { serial, manufacturer, label })
    }
}

fn utf8(object: &Tlv<'_>, field: &'static str) -> Result<String, EntryError> {
    std::str::from_utf8(object.value).map(str::to_owned).map_err(|_| bad(field))
}

/// A password in the AODF (ISO/IEC 7816-15 §8.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinEntry {
    /// Which one; also its identifier, by which keys name it.
    pub reference: PasswordReference,
    /// Label.
    pub label: String,
    /// Shortest value in bytes.
    pub minimum: u16,
    /// Longest value in bytes.
    pub maximum: u16,
}

/// AODF: the two PINs, which name the PUK, and the PUK, with the lengths that they have in use.
#[must_use]
pub fn aodf(model: TransportPinModel) -> Vec<u8> {
    let mut writer = VecWriter::new();
    for reference in PasswordReference::LASTING {
        writer.raw(&PinEntry::of(reference, model).encode());
    }
    writer.into_vec()
}

impl PinEntry {
    /// The entry of a password on a card of this model.
    #[must_use]
    pub fn of(reference: PasswordReference, model: TransportPinModel) -> Self {
        let label = match reference {
            PasswordReference::AuthenticationPin => "Authentication PIN",
            PasswordReference::SignaturePin => "Signature PIN",
            PasswordReference::Puk => "PUK",
            PasswordReference::TransportPin => "Transport PIN",
        };
        let (minimum, maximum) = model.lengths(reference);
        Self { reference, label: label.to_owned(), minimum: minimum.into(), maximum: maximum.into() }
    }

    /// The entry as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let puk = PasswordReference::Puk;
        // case-sensitive (0), local (1), initialized (4), unblockingPin (6).
        let flags = if self.reference == puk { 0b101_0011 } else { 0b1_0011 };
        let mut writer = VecWriter::new();
        writer.constructed(SEQUENCE, |entry| {
            entry.constructed(SEQUENCE, |common| {
                common.primitive(UTF8_STRING, self.label.as_bytes()).primitive(BIT_STRING, &[6, 0xC0]);
                if self.reference.is_pin() {
                    common.primitive(OCTET_STRING, &[puk.code()]);
                }
            });
            entry.constructed(SEQUENCE, |class| {
                class.primitive(OCTET_STRING, &[self.reference.code()]);
            });
            entry.constructed(CONTEXT_1, |attributes| {
                attributes.constructed(SEQUENCE, |attributes| {
                    write_bits(attributes, flags);
                    // ascii-numeric
                    attributes.primitive(ENUMERATED, &[1]);
                    write_integer(attributes, self.minimum);
                    write_integer(attributes, self.maximum);
                    write_integer(attributes, self.maximum);
                    attributes.primitive(Tag::new(0x80), &[self.reference.code()]);
                    attributes.constructed(SEQUENCE, |path| {
                        path.primitive(OCTET_STRING, &[0x3F, 0x00, 0x50, 0x15]);
                    });
                });
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
            return Err(bad("kind of password"));
        }
        let mut fields = Fields::of(&entry)?;
        let common = fields.required(SEQUENCE, "common attributes")?;
        let label = utf8(&Fields::of(&common)?.required(UTF8_STRING, "label")?, "label")?;
        fields.required(SEQUENCE, "identifier")?;
        let attributes = fields.required(CONTEXT_1, "type attributes")?;
        fields.skip_rest()?;
        let attributes = Fields::of(&attributes)?.required(SEQUENCE, "type attributes")?;
        let mut attributes = Fields::of(&attributes)?;
        attributes.required(BIT_STRING, "flags")?;
        attributes.required(ENUMERATED, "type")?;
        let mut length = || {
            let length = attributes.required(INTEGER, "length")?.as_u32();
            length.and_then(|length| u16::try_from(length).ok()).ok_or(bad("length"))
        };
        let (minimum, _stored, maximum) = (length()?, length()?, length()?);
        let reference = attributes.required(Tag::new(0x80), "reference")?;
        let &[reference] = reference.value else {
            return Err(bad("reference"));
        };
        attributes.skip_rest()?;
        let reference = PasswordReference::from_code(reference).ok_or(bad("reference"))?;
        Ok(Self { reference, label, minimum, maximum })
    }
}
