use obnova_algorithm::{KeyAlgorithm, text};
use obnova_apdu::tlv::{Tag, Tlv, TlvError, VecWriter};

use crate::{
    CertificateFile, DirectoryLayout, FileId, KeyRecord, KeyRole, LifeCycle, Limits, PasswordRecord, PasswordReference,
    PasswordState, SlotNumber, SlotRecord, TransportPinModel, application, nesting, reference,
};

/// Everything the card tells about itself in one answer: of SELECT by [`application::AID`], or of GET DATA
/// [`application::DATA_STATUS`] (§5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// Version of the profile.
    pub version: ProfileVersion,
    /// Whether the card was activated.
    pub life_cycle: LifeCycle,
    /// Serial number as printed, 1 to 16 printable ASCII characters.
    pub serial: String,
    /// Label as its holder knows it, 1 to 32 bytes of UTF-8.
    pub label: String,
    /// What it takes and gives at a time.
    pub limits: Limits,
    /// How it is activated.
    pub transport_pin: TransportPinModel,
    /// Bytes of the transport PIN that [stands in the place](TransportPinModel::stands_in_place) of passwords, while it does. Of one
    /// that is a password of its own the record tells.
    pub transport_pin_length: Option<u8>,
    /// Algorithms it makes keys for.
    pub algorithms: Vec<KeyAlgorithm>,
    /// Its passwords in the order of their references. The transport PIN is among them only while there is one.
    pub passwords: Vec<PasswordRecord>,
    /// Its slots, in order, all of them.
    pub slots: Vec<SlotRecord>,
}

/// Version of the profile. A higher minor version may add data objects, which readers skip; a higher major version has an
/// application identifier of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileVersion {
    /// Major version; it is the last byte of the application identifier, too.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
}

impl ProfileVersion {
    /// The version that is described here.
    pub const CURRENT: Self = Self { major: 1, minor: 2 };
}

const FCI: Tag = Tag::new(0x6F);
const FILE_ID: Tag = Tag::new(0x83);
const DF_NAME: Tag = Tag::new(0x84);
const LIFE_CYCLE: Tag = Tag::new(0x8A);
const PROPRIETARY: Tag = Tag::new(0xA5);

const VERSION: Tag = Tag::new(0x80);
const SERIAL: Tag = Tag::new(0x81);
const LABEL: Tag = Tag::new(0x82);
const STATE: Tag = Tag::new(0x83);
const LIMITS: Tag = Tag::new(0x84);
const ALGORITHMS: Tag = Tag::new(0x85);
const PASSWORD: Tag = Tag::new(0x86);
const SLOT: Tag = Tag::new(0x87);
const TRANSPORT_PIN_LENGTH: Tag = Tag::new(0x88);
const TRANSPORT_PIN_BLOCKED: Tag = Tag::new(0x89);

/// Certificates that a reader takes in one slot.
const MOST_CERTIFICATES: usize = FileId::MOST_CERTIFICATES as usize;

impl CardStatus {
    /// The layout of the directory file, which follows from the number of slots.
    #[must_use]
    pub fn directory(&self) -> DirectoryLayout {
        DirectoryLayout::for_slots(self.slots.len() as u8)
    }

    /// The record of a slot.
    #[must_use]
    pub fn slot(&self, slot: SlotNumber) -> Option<&SlotRecord> {
        self.slots.iter().find(|record| record.slot == slot)
    }

    /// The record of a password.
    #[must_use]
    pub fn password(&self, reference: PasswordReference) -> Option<&PasswordRecord> {
        self.passwords.iter().find(|record| record.reference == reference)
    }

    /// Shortest and longest value of the transport PIN in bytes: the same number twice where the card tells how long it is, and
    /// (0, 0) where there is none.
    #[must_use]
    pub fn transport_pin_lengths(&self) -> (u8, u8) {
        let own = self.password(PasswordReference::TransportPin).map(|record| (record.minimum, record.maximum));
        let in_place = self.transport_pin_length.map(|length| (length, length));
        own.or(in_place).unwrap_or_else(|| self.transport_pin.lengths(PasswordReference::TransportPin))
    }

    /// Whether a transport PIN is still to go before a new value in one data field, and nobody can know where the card will cut.
    fn cuts_at_an_unknown_place(&self) -> bool {
        let (minimum, maximum) = self.transport_pin_lengths();
        let state = |password| self.password(password).map(|record| record.state);
        let waits = match self.transport_pin.is_own_password() {
            true => matches!(state(PasswordReference::TransportPin), Some(PasswordState::Active { .. })),
            false => PasswordReference::LASTING
                .into_iter()
                .any(|password| matches!(state(password), Some(PasswordState::Transport { .. }))),
        };
        self.life_cycle == LifeCycle::Inactive && self.transport_pin.is_joined() && waits && minimum != maximum
    }

    /// The answer to SELECT: file control information with the status template inside.
    #[must_use]
    pub fn to_fci(&self) -> Vec<u8> {
        let mut writer = VecWriter::new();
        writer.constructed(FCI, |fci| {
            fci.primitive(FILE_ID, &FileId::APPLICATION.to_bytes())
                .primitive(DF_NAME, &application::AID)
                .primitive(LIFE_CYCLE, &[self.life_cycle.code()])
                .raw(&self.to_template());
        });
        writer.into_vec()
    }

    /// The status template alone, the answer to GET DATA.
    #[must_use]
    pub fn to_template(&self) -> Vec<u8> {
        let algorithms: Vec<u8> = self.algorithms.iter().filter_map(|algorithm| reference::key(*algorithm)).collect();
        let mut writer = VecWriter::new();
        writer.constructed(PROPRIETARY, |status| {
            status
                .primitive(VERSION, &[self.version.major, self.version.minor])
                .primitive(SERIAL, self.serial.as_bytes())
                .primitive(LABEL, self.label.as_bytes())
                .primitive(STATE, &[self.life_cycle.code(), self.transport_pin.code()])
                .primitive(LIMITS, &limits(&self.limits))
                .primitive(ALGORITHMS, &algorithms);
            for password in &self.passwords {
                let [state, left] = password.state.code();
                let code = password.reference.code();
                status.primitive(PASSWORD, &[code, state, left, password.tries, password.minimum, password.maximum]);
            }
            for slot in &self.slots {
                status.primitive(SLOT, &slot_record(slot));
            }
            if let Some(length) = self.transport_pin_length {
                status.primitive(TRANSPORT_PIN_LENGTH, &[length]);
            }
            let blocked = self.passwords.iter().filter(|password| password.state == PasswordState::TransportBlocked);
            let blocked: Vec<u8> = blocked.map(|password| password.reference.code()).collect();
            if !blocked.is_empty() {
                status.primitive(TRANSPORT_PIN_BLOCKED, &blocked);
            }
        });
        writer.into_vec()
    }

    /// Reads the answer to SELECT.
    ///
    /// # Errors
    /// [`StatusError`]: what the card says is no status of this profile.
    pub fn from_fci(bytes: &[u8]) -> Result<Self, StatusError> {
        read_fci(bytes).map_err(|refused| name_nesting(bytes, refused))
    }

    /// Reads the status template alone.
    ///
    /// # Errors
    /// [`StatusError`]: what the card says is no status of this profile.
    pub fn from_template(bytes: &[u8]) -> Result<Self, StatusError> {
        read_template(bytes).map_err(|refused| name_nesting(bytes, refused))
    }
}

fn read_fci(bytes: &[u8]) -> Result<CardStatus, StatusError> {
    let fci = Tlv::parse(bytes)?;
    if fci.tag != FCI {
        return Err(StatusError::NotFileControlInformation { tag: fci.tag });
    }
    let template = fci.children().find_tag(PROPRIETARY)?.ok_or(StatusError::Missing { what: "status template" })?;
    read_template(template.encoded())
}

fn read_template(bytes: &[u8]) -> Result<CardStatus, StatusError> {
    let template = Tlv::parse(bytes)?;
    if template.tag != PROPRIETARY {
        return Err(StatusError::Missing { what: "status template" });
    }
    let mut parts = Parts::default();
    for object in template.children() {
        parts.take(object?)?;
    }
    parts.finish()
}

fn name_nesting(bytes: &[u8], refused: StatusError) -> StatusError {
    nesting::too_deep(bytes).map_or(refused, StatusError::Tlv)
}

fn limits(limits: &Limits) -> [u8; 11] {
    let mut bytes = [0; 11];
    bytes[0] =
        u8::from(limits.extended_length) | u8::from(limits.chaining) << 1 | u8::from(limits.several_certificates) << 2;
    bytes[1..5].copy_from_slice(&limits.command.to_be_bytes());
    bytes[5..9].copy_from_slice(&limits.response.to_be_bytes());
    bytes[9..].copy_from_slice(&limits.certificate.to_be_bytes());
    bytes
}

fn slot_record(record: &SlotRecord) -> Vec<u8> {
    let algorithm = record.key.and_then(|key| reference::key(key.algorithm)).unwrap_or(0);
    let role = record.key.map_or(0, |key| key.role.code());
    let mut bytes = vec![record.slot.get(), algorithm, role];
    for certificate in &record.certificates {
        bytes.extend(certificate.file.to_bytes());
        bytes.extend(certificate.length.to_be_bytes());
    }
    bytes
}

/// What has been read so far.
#[derive(Default)]
struct Parts {
    version: Option<ProfileVersion>,
    serial: Option<String>,
    label: Option<String>,
    state: Option<(LifeCycle, TransportPinModel)>,
    limits: Option<Limits>,
    algorithms: Option<Vec<KeyAlgorithm>>,
    passwords: Vec<PasswordRecord>,
    slots: Vec<SlotRecord>,
    transport_pin_length: Option<u8>,
    transport_pin_blocked: Option<Vec<PasswordReference>>,
}

impl Parts {
    fn take(&mut self, object: Tlv<'_>) -> Result<(), StatusError> {
        let malformed = StatusError::Malformed { tag: object.tag };
        let value = object.value;
        match object.tag {
            VERSION => once(&mut self.version, object.tag, read_version(value)?),
            SERIAL => once(&mut self.serial, object.tag, read_serial(value).ok_or(malformed)?),
            LABEL => once(&mut self.label, object.tag, read_label(value).ok_or(malformed)?),
            STATE => once(&mut self.state, object.tag, read_state(value).ok_or(malformed)?),
            LIMITS => once(&mut self.limits, object.tag, read_limits(value).ok_or(malformed)?),
            // Algorithms of a later minor version are none that we could ask for.
            ALGORITHMS => {
                let algorithms = value.iter().filter_map(|code| reference::key_from(*code)).collect();
                once(&mut self.algorithms, object.tag, algorithms)
            }
            PASSWORD => {
                let password = read_password(value).ok_or(malformed)?;
                if self.passwords.last().is_some_and(|last| last.reference >= password.reference) {
                    return Err(StatusError::OutOfOrder { tag: object.tag });
                }
                self.passwords.push(password);
                Ok(())
            }
            SLOT => {
                let slot = read_slot(value).ok_or(malformed)?;
                if usize::from(slot.slot.get()) != self.slots.len() + 1 {
                    return Err(StatusError::OutOfOrder { tag: object.tag });
                }
                self.slots.push(slot);
                Ok(())
            }
            TRANSPORT_PIN_LENGTH => {
                let &[length] = value else { return Err(malformed) };
                once(&mut self.transport_pin_length, object.tag, length)
            }
            TRANSPORT_PIN_BLOCKED => {
                let references = value.iter().map(|code| PasswordReference::from_code(*code));
                let references = references.collect::<Option<Vec<_>>>().filter(|references| !references.is_empty());
                once(&mut self.transport_pin_blocked, object.tag, references.ok_or(malformed)?)
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<CardStatus, StatusError> {
        let missing = |what| StatusError::Missing { what };
        if self.slots.is_empty() {
            return Err(missing("slots"));
        }
        for reference in PasswordReference::LASTING {
            if !self.passwords.iter().any(|password| password.reference == reference) {
                return Err(missing("one of the passwords"));
            }
        }
        let (life_cycle, transport_pin) = self.state.ok_or(missing("life cycle"))?;
        let (shortest, longest) = transport_pin.lengths(PasswordReference::TransportPin);
        if let Some(length) = self.transport_pin_length
            && !(transport_pin.stands_in_place() && (shortest..=longest).contains(&length))
        {
            return Err(StatusError::Malformed { tag: TRANSPORT_PIN_LENGTH });
        }
        for reference in self.transport_pin_blocked.take().into_iter().flatten() {
            let mut blocked = self.passwords.iter_mut().filter(|password| password.state == PasswordState::Blocked);
            match blocked.find(|password| password.reference == reference) {
                Some(password) if transport_pin.stands_in_place() => password.state = PasswordState::TransportBlocked,
                _ => return Err(StatusError::Malformed { tag: TRANSPORT_PIN_BLOCKED }),
            }
        }
        let status = CardStatus {
            version: self.version.ok_or(missing("version"))?,
            life_cycle,
            serial: self.serial.ok_or(missing("serial number"))?,
            label: self.label.ok_or(missing("label"))?,
            limits: self.limits.ok_or(missing("limits"))?,
            transport_pin,
            transport_pin_length: self.transport_pin_length,
            algorithms: self.algorithms.ok_or(missing("algorithms"))?,
            passwords: self.passwords,
            slots: self.slots,
        };
        if status.cuts_at_an_unknown_place() {
            return Err(StatusError::TransportPinLength);
        }
        Ok(status)
    }
}

fn once<T>(place: &mut Option<T>, tag: Tag, value: T) -> Result<(), StatusError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(StatusError::Repeated { tag }),
    }
}

fn read_version(value: &[u8]) -> Result<ProfileVersion, StatusError> {
    match *value {
        [major, minor] if major == ProfileVersion::CURRENT.major => Ok(ProfileVersion { major, minor }),
        [major, minor] => Err(StatusError::UnsupportedVersion { version: ProfileVersion { major, minor } }),
        _ => Err(StatusError::Malformed { tag: VERSION }),
    }
}

fn read_serial(value: &[u8]) -> Option<String> {
    let sound = (1..=16).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    sound.then(|| String::from_utf8_lossy(value).into_owned())
}

fn read_label(value: &[u8]) -> Option<String> {
    let label = std::str::from_utf8(value).ok()?;
    ((1..=32).contains(&label.len()) && !label.contains(text::is_unseen)).then(|| label.to_owned())
}

fn read_state(value: &[u8]) -> Option<(LifeCycle, TransportPinModel)> {
    match *value {
        [life_cycle, model] => Some((LifeCycle::from_code(life_cycle)?, TransportPinModel::from_code(model)?)),
        _ => None,
    }
}

fn read_limits(value: &[u8]) -> Option<Limits> {
    let (flags, value) = value.split_first()?;
    let (command, value) = value.split_first_chunk::<4>()?;
    let (response, value) = value.split_first_chunk::<4>()?;
    let certificate = u16::from_be_bytes(value.try_into().ok()?);
    let limits = Limits {
        extended_length: flags & 1 != 0,
        chaining: flags & 2 != 0,
        several_certificates: flags & 4 != 0,
        command: u32::from_be_bytes(*command),
        response: u32::from_be_bytes(*response),
        certificate,
    };
    (limits.command >= 255 && limits.response >= 256 && certificate > 0).then_some(limits)
}

fn read_password(value: &[u8]) -> Option<PasswordRecord> {
    let [reference, state, left, tries, minimum, maximum] = *value else {
        return None;
    };
    let state = PasswordState::from_code([state, left])?;
    let sound = left <= tries && tries > 0 && minimum > 0 && minimum <= maximum;
    sound.then_some(PasswordRecord {
        reference: PasswordReference::from_code(reference)?,
        state,
        tries,
        minimum,
        maximum,
    })
}

fn read_slot(value: &[u8]) -> Option<SlotRecord> {
    let (&[slot, algorithm, role], certificates) = value.split_first_chunk()?;
    let key = match (algorithm, role) {
        (0, 0) => None,
        _ => Some(KeyRecord { algorithm: reference::key_from(algorithm)?, role: KeyRole::from_code(role)? }),
    };
    let (certificates, rest) = certificates.as_chunks::<4>();
    if !rest.is_empty() || certificates.len() > MOST_CERTIFICATES || (key.is_none() && !certificates.is_empty()) {
        return None;
    }
    let certificates = certificates.iter().map(|[high, low, length @ ..]| CertificateFile {
        file: FileId(u16::from_be_bytes([*high, *low])),
        length: u16::from_be_bytes(*length),
    });
    Some(SlotRecord { slot: SlotNumber::new(slot)?, key, certificates: certificates.collect() })
}

/// Why an answer is no status of this profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// The data objects are broken.
    #[error("the card's status cannot be read: {0}")]
    Tlv(#[from] TlvError),
    /// The answer does not start as it should.
    #[error("the card answered SELECT with data object {tag} where file control information (6F) belongs")]
    NotFileControlInformation {
        /// What it starts with.
        tag: Tag,
    },
    /// A part is not there.
    #[error("the card's status lacks its {what}: the card does not follow the profile")]
    Missing {
        /// Which part.
        what: &'static str,
    },
    /// A part is there twice.
    #[error("the card's status has data object {tag} twice: the card does not follow the profile")]
    Repeated {
        /// Which part.
        tag: Tag,
    },
    /// Passwords or slots are not in the order of their numbers, or one is there twice.
    #[error("the card's status has data objects {tag} out of order: the card does not follow the profile")]
    OutOfOrder {
        /// Passwords or slots.
        tag: Tag,
    },
    /// A part does not have the form of the profile.
    #[error("data object {tag} in the card's status is malformed: the card does not follow the profile")]
    Malformed {
        /// Which part.
        tag: Tag,
    },
    /// A transport PIN goes before a new value in one data field, and the card does not say how long it is (minor version 0 did
    /// not): one that was typed a digit too long would make another new value than was chosen.
    #[error(
        "the card's status lacks the length of its transport PIN: nobody can know where the card would cut it from the new PIN that goes behind it"
    )]
    TransportPinLength,
    /// The card follows another major version.
    #[error("the card follows version {}.{} of the profile, which this program does not know: update the program", version.major, version.minor)]
    UnsupportedVersion {
        /// Its version.
        version: ProfileVersion,
    },
}

#[cfg(test)]
mod tests;
