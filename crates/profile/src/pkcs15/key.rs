use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::tlv::{Tlv, VecWriter};

use super::Label;
use super::fields::{
    BIT_STRING, CONTEXT_0, CONTEXT_1, Common, EntryError, Fields, INTEGER, OCTET_STRING, SEQUENCE, bad, bits, id, path,
    write_bits, write_integer, write_path,
};
use crate::{FileId, KeyRole, PasswordReference, SlotNumber};

/// What a key may be used for (ISO/IEC 7816-15 §8.3, `KeyUsageFlags`); bit 0 of the standard is the lowest here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// Signs hashes.
    pub const SIGN: Self = Self(1 << 2);
    /// Verifies signatures.
    pub const VERIFY: Self = Self(1 << 6);
    /// Makes signatures that bind their holder.
    pub const NON_REPUDIATION: Self = Self(1 << 9);

    /// What the private key of a role is for.
    #[must_use]
    pub const fn private(role: KeyRole) -> Self {
        match role {
            KeyRole::Authentication => Self::SIGN,
            KeyRole::Signature => Self(Self::SIGN.0 | Self::NON_REPUDIATION.0),
        }
    }

    /// Whether everything in `other` is in this one.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A private key in the PrKDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKeyEntry {
    /// Label.
    pub label: Label,
    /// The password that guards it.
    pub password: PasswordReference,
    /// The password is asked for at every use (`userConsent`).
    pub user_consent: bool,
    /// Identifier shared with public key and certificate.
    pub id: Vec<u8>,
    /// What it is for.
    pub usage: KeyUsage,
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
    /// The slot that holds it.
    pub slot: SlotNumber,
}

/// A public key in the PuKDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeyEntry {
    /// Label.
    pub label: Label,
    /// Identifier shared with private key and certificate.
    pub id: Vec<u8>,
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
    /// The slot that holds it.
    pub slot: SlotNumber,
}

impl PrivateKeyEntry {
    /// The entry for a key that was made in a slot.
    #[must_use]
    pub fn new(label: Label, role: KeyRole, algorithm: KeyAlgorithm, slot: SlotNumber, id: &[u8]) -> Self {
        Self {
            label,
            password: role.password(),
            user_consent: role == KeyRole::Signature,
            id: id.to_vec(),
            usage: KeyUsage::private(role),
            algorithm,
            slot,
        }
    }

    /// The entry as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let common =
            Common { label: self.label.clone(), auth_id: Some(self.password.code()), user_consent: self.user_consent };
        // sensitive, alwaysSensitive, neverExtractable, local: made on the card, and never leaves it.
        let class = Class { id: &self.id, usage: self.usage, access: Some(0b1_1101), slot: self.slot };
        write_key(&common, &class, FileId::key(self.slot), self.algorithm)
    }

    /// Reads one entry, to the last byte.
    ///
    /// # Errors
    /// [`EntryError`] says which field is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let key = Key::read(bytes)?;
        let password = key.common.auth_id.and_then(PasswordReference::from_code);
        Ok(Self {
            password: password.ok_or(bad("authentication identifier"))?,
            user_consent: key.common.user_consent,
            label: key.common.label,
            id: key.id,
            usage: key.usage,
            algorithm: key.algorithm,
            slot: key.file.slot_of_key().ok_or(EntryError::Path)?,
        })
    }
}

impl PublicKeyEntry {
    /// The entry as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let common = Common { label: self.label.clone(), auth_id: None, user_consent: false };
        let class = Class { id: &self.id, usage: KeyUsage::VERIFY, access: None, slot: self.slot };
        write_key(&common, &class, FileId::public_key(self.slot), self.algorithm)
    }

    /// Reads one entry, to the last byte.
    ///
    /// # Errors
    /// [`EntryError`] says which field is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let key = Key::read(bytes)?;
        let slot = key.file.slot_of_public_key().ok_or(EntryError::Path)?;
        Ok(Self { label: key.common.label, id: key.id, algorithm: key.algorithm, slot })
    }
}

/// CommonKeyAttributes.
struct Class<'a> {
    id: &'a [u8],
    usage: KeyUsage,
    access: Option<u16>,
    slot: SlotNumber,
}

fn write_key(common: &Common, class: &Class<'_>, file: FileId, algorithm: KeyAlgorithm) -> Vec<u8> {
    let mut writer = VecWriter::new();
    writer.constructed(if algorithm.is_rsa() { SEQUENCE } else { CONTEXT_0 }, |entry| {
        common.write(entry);
        entry.constructed(SEQUENCE, |attributes| {
            attributes.primitive(OCTET_STRING, class.id);
            write_bits(attributes, class.usage.0);
            if let Some(access) = class.access {
                write_bits(attributes, access);
            }
            write_integer(attributes, class.slot.get().into());
        });
        entry.constructed(CONTEXT_1, |attributes| {
            attributes.constructed(SEQUENCE, |attributes| {
                write_path(attributes, file);
                write_integer(attributes, algorithm.bits() as u16);
            });
        });
    });
    writer.into_vec()
}

/// What private and public entries have in common.
struct Key {
    common: Common,
    id: Vec<u8>,
    usage: KeyUsage,
    file: FileId,
    algorithm: KeyAlgorithm,
}

impl Key {
    fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry = Tlv::parse(bytes)?;
        let is_rsa = match entry.tag {
            SEQUENCE => true,
            CONTEXT_0 => false,
            _ => return Err(bad("kind of key")),
        };
        let mut fields = Fields::of(&entry)?;
        let common = Common::read(&fields.required(SEQUENCE, "common attributes")?)?;

        let mut class = Fields::of(&fields.required(SEQUENCE, "key attributes")?)?;
        let id = id(&class.required(OCTET_STRING, "identifier")?)?;
        let usage = KeyUsage(bits(&class.required(BIT_STRING, "usage")?)?);
        class.skip_rest()?;

        // Subclass attributes name a subject, which certificates tell better.
        fields.optional(CONTEXT_0)?;
        let attributes = fields.required(CONTEXT_1, "type attributes")?;
        let attributes = Fields::of(&attributes)?.required(SEQUENCE, "type attributes")?;
        fields.skip_rest()?;
        let mut attributes = Fields::of(&attributes)?;
        let file = path(&attributes.required(SEQUENCE, "path")?)?;
        let size = attributes.required(INTEGER, "key size")?.as_u32();
        attributes.skip_rest()?;
        let algorithm = KeyAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.is_rsa() == is_rsa && Some(algorithm.bits()) == size)
            .ok_or(bad("key size"))?;
        Ok(Self { common, id, usage, file, algorithm })
    }
}
