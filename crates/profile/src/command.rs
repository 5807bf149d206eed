//! A function for every command of the profile (§5). Responses are wanted whole: with N<sub>e</sub> 65,536, which a card or
//! a channel that knows short lengths only turns into `61xx` and GET RESPONSE.

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_apdu::tlv::{Tag, VecWriter};
use obnova_apdu::{Command, CommandApdu, ins};

use crate::{
    CertificateFile, DirectoryLayout, FileId, KeyRole, PasswordReference, ShortFileId, SlotNumber, application,
    reference,
};

/// P1-P2 of MANAGE SECURITY ENVIRONMENT: SET for computation, digital signature template (ISO/IEC 7816-4 §11.5.11).
pub const SET_SIGNATURE: (u8, u8) = (0x41, 0xB6);
/// P1-P2 of PERFORM SECURITY OPERATION: compute digital signature (ISO/IEC 7816-8 §5.4).
pub const COMPUTE_SIGNATURE: (u8, u8) = (0x9E, 0x9A);
/// P1 of GENERATE ASYMMETRIC KEY PAIR: make one.
pub const GENERATE: u8 = 0x80;
/// P1 of GENERATE ASYMMETRIC KEY PAIR: tell the public key of the one that is there.
pub const READ_PUBLIC_KEY: u8 = 0x81;
/// Data object around a certificate in PUT DATA, and around what READ BINARY with an [`OFFSET`] reads: discretionary data
/// (ISO/IEC 7816-4 §11.4.3, §11.3.3).
pub const DISCRETIONARY_DATA: Tag = Tag::new(0x53);
/// Data object with an offset into a file (ISO/IEC 7816-4 §11.3.3).
pub const OFFSET: Tag = Tag::new(0x54);

const ALL: u32 = Command::NE_EXTENDED_MAX;

/// SELECT by the profile's own name; the answer is the [status](crate::CardStatus::from_fci) (§5.1).
#[must_use]
pub fn select() -> CommandApdu {
    CommandApdu::new(0x00, ins::SELECT, 0x04, 0x00).with_data(application::AID).with_ne(ALL)
}

/// SELECT by the name of PKCS#15.
#[must_use]
pub fn select_pkcs15() -> CommandApdu {
    CommandApdu::new(0x00, ins::SELECT, 0x04, 0x00).with_data(application::PKCS15_AID).with_ne(ALL)
}

/// SELECT a file by its identifier, with its control information.
#[must_use]
pub fn select_file(file: FileId) -> CommandApdu {
    CommandApdu::new(0x00, ins::SELECT, 0x00, 0x00).with_data(file.to_bytes()).with_ne(ALL)
}

/// GET DATA: the [status template](crate::CardStatus::from_template), without selecting anything, so that what was verified
/// stays verified.
#[must_use]
pub fn read_status() -> CommandApdu {
    let [p1, p2] = application::DATA_STATUS.to_be_bytes();
    CommandApdu::new(0x00, ins::GET_DATA, p1, p2).with_ne(ALL)
}

/// READ BINARY by short file identifier: `length` bytes from the start of the file.
#[must_use]
pub fn read_file(file: ShortFileId, length: u16) -> CommandApdu {
    CommandApdu::new(0x00, ins::READ_BINARY, file.p1(), 0x00).with_ne(length.into())
}

/// READ BINARY of the selected file, from `offset` (at most `7FFF`).
#[must_use]
pub fn read_selected(offset: u16, ne: u32) -> CommandApdu {
    let [p1, p2] = (offset & 0x7FFF).to_be_bytes();
    CommandApdu::new(0x00, ins::READ_BINARY, p1, p2).with_ne(ne)
}

/// READ BINARY of the selected file, from an `offset` that may be beyond `7FFF`: the answer, of `ne` bytes at most, is a data
/// object [`DISCRETIONARY_DATA`] with what is there (§5.2).
#[must_use]
pub fn read_selected_far(offset: u16, ne: u32) -> CommandApdu {
    let [high, low] = offset.to_be_bytes();
    CommandApdu::new(0x00, ins::READ_BINARY_TLV, 0x00, 0x00)
        .with_data([OFFSET.number() as u8, 0x02, high, low])
        .with_ne(ne)
}

/// READ BINARY: the whole [directory file](crate::Directory).
#[must_use]
pub fn read_directory(layout: DirectoryLayout) -> CommandApdu {
    read_file(ShortFileId::DIRECTORY, layout.length())
}

/// UPDATE BINARY: the whole [directory file](crate::Directory::encode), in one atomic command.
#[must_use]
pub fn update_directory(content: Vec<u8>) -> CommandApdu {
    CommandApdu::new(0x00, ins::UPDATE_BINARY, ShortFileId::DIRECTORY.p1(), 0x00).with_data(content)
}

/// READ BINARY: the certificate of a slot, at the length that the status told.
#[must_use]
pub fn read_certificate(slot: SlotNumber, certificate: &CertificateFile) -> CommandApdu {
    read_file(ShortFileId::certificate(slot), certificate.length)
}

/// VERIFY. Wrong data spends a try. The PUK is compared, and opens nothing.
#[must_use]
pub fn verify(password: PasswordReference, value: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::VERIFY, 0x00, password.code()).with_data(value)
}

/// In P2 of VERIFY: the password is compared for the command right behind it, which sets a new value.
pub const FOR_NEW_VALUE: u8 = 0x80;

/// VERIFY for a new value (since version 1.2). It opens nothing but the command right behind it: [`set_password`] of this password, or
/// of the PUK [`unblock_verified`]. Wrong data spends a try.
#[must_use]
pub fn verify_for_new_value(password: PasswordReference, value: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::VERIFY, 0x00, FOR_NEW_VALUE | password.code()).with_data(value)
}

/// VERIFY without data: `63Cx` tells the tries left, `9000` that it is verified, and no try is spent.
#[must_use]
pub fn password_status(password: PasswordReference) -> CommandApdu {
    CommandApdu::new(0x00, ins::VERIFY, 0x00, password.code())
}

/// CHANGE REFERENCE DATA, old and new value back to back. Spends a try of `password` unless the old value is right. The card cuts by the
/// length that it keeps: [VERIFY](verify) the old value first, lest a digit too many of it becomes the first one of `new` (§3.2).
#[must_use]
pub fn change_password(password: PasswordReference, old: &[u8], new: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::CHANGE_REFERENCE_DATA, 0x00, password.code()).with_data([old, new].concat())
}

/// CHANGE REFERENCE DATA, new value only: sets a password of a card that is being activated (§6), or, since version 1.2, one of an active
/// card right behind [VERIFY for it](verify_for_new_value).
#[must_use]
pub fn set_password(password: PasswordReference, new: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::CHANGE_REFERENCE_DATA, 0x01, password.code()).with_data(new)
}

/// RESET RETRY COUNTER, new PIN only, right behind [VERIFY of the PUK for it](verify_for_new_value).
#[must_use]
pub fn unblock_verified(pin: PasswordReference, new: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::RESET_RETRY_COUNTER, 0x02, pin.code()).with_data(new)
}

/// RESET RETRY COUNTER, PUK and new PIN back to back. Spends a try of the PUK unless it is right, which [VERIFY](verify) has to tell first
/// as in [`change_password`].
#[must_use]
pub fn unblock_password(pin: PasswordReference, puk: &[u8], new: &[u8]) -> CommandApdu {
    CommandApdu::new(0x00, ins::RESET_RETRY_COUNTER, 0x00, pin.code()).with_data([puk, new].concat())
}

/// ACTIVATE FILE: ends the activation of the [separate](crate::TransportPinModel::Separate) model.
#[must_use]
pub fn activate() -> CommandApdu {
    CommandApdu::new(0x00, ins::ACTIVATE_FILE, 0x00, 0x00)
}

/// GENERATE ASYMMETRIC KEY PAIR in an empty slot; the answer is a [public key](crate::PublicKeyTemplate). `None` for an
/// algorithm the profile has not.
#[must_use]
pub fn generate(slot: SlotNumber, role: KeyRole, algorithm: KeyAlgorithm) -> Option<CommandApdu> {
    let algorithm = reference::key(algorithm)?;
    Some(key_pair(GENERATE, role, &[0x80, 0x01, algorithm, 0x84, 0x01, slot.get()]))
}

/// GENERATE ASYMMETRIC KEY PAIR, reading: the [public key](crate::PublicKeyTemplate) of a slot. Needs no PIN.
#[must_use]
pub fn read_public_key(slot: SlotNumber) -> CommandApdu {
    key_pair(READ_PUBLIC_KEY, KeyRole::Signature, &[0x84, 0x01, slot.get()])
}

fn key_pair(p1: u8, role: KeyRole, template: &[u8]) -> CommandApdu {
    let data = [&[role.template(), template.len() as u8], template].concat();
    CommandApdu::new(0x00, ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, p1, 0x00).with_data(data).with_ne(ALL)
}

/// MANAGE SECURITY ENVIRONMENT: the key and the algorithm of the signatures that follow.
#[must_use]
pub fn set_signature(slot: SlotNumber, algorithm: SignatureAlgorithm) -> CommandApdu {
    let (p1, p2) = SET_SIGNATURE;
    let data = [0x80, 0x01, reference::signature(algorithm), 0x84, 0x01, slot.get()];
    CommandApdu::new(0x00, ins::MANAGE_SECURITY_ENVIRONMENT, p1, p2).with_data(data)
}

/// PERFORM SECURITY OPERATION: signs a hash; the card pads. RSA signatures are as long as the modulus, ECDSA signatures
/// are DER.
#[must_use]
pub fn sign(hash: &[u8]) -> CommandApdu {
    let (p1, p2) = COMPUTE_SIGNATURE;
    CommandApdu::new(0x00, ins::PERFORM_SECURITY_OPERATION, p1, p2).with_data(hash).with_ne(ALL)
}

/// PUT DATA: writes the first certificate of a slot that holds a key, in place of the one that was there, in one atomic command.
#[must_use]
pub fn put_certificate(slot: SlotNumber, certificate: &[u8]) -> CommandApdu {
    put_certificate_in(FileId::certificate(slot), certificate)
}

/// PUT DATA: writes a certificate into its [file](FileId::certificate_at), in place of the one that was there.
#[must_use]
pub fn put_certificate_in(file: FileId, certificate: &[u8]) -> CommandApdu {
    let [p1, p2] = file.to_bytes();
    let mut data = VecWriter::new();
    data.primitive(DISCRETIONARY_DATA, certificate);
    CommandApdu::new(0x00, ins::PUT_DATA_TLV, p1, p2).with_data(data.into_vec())
}

/// DELETE FILE: removes the first certificate of a slot; the key and its other certificates stay.
#[must_use]
pub fn delete_certificate(slot: SlotNumber) -> CommandApdu {
    delete_certificate_in(FileId::certificate(slot))
}

/// DELETE FILE: removes the certificate in a [file](FileId::certificate_at); the key stays.
#[must_use]
pub fn delete_certificate_in(file: FileId) -> CommandApdu {
    delete_file(file)
}

/// DELETE FILE: destroys the key of a slot, and removes its certificates with it, in one atomic command.
#[must_use]
pub fn delete_key(slot: SlotNumber) -> CommandApdu {
    delete_file(FileId::key(slot))
}

fn delete_file(file: FileId) -> CommandApdu {
    CommandApdu::new(0x00, ins::DELETE_FILE, 0x00, 0x00).with_data(file.to_bytes())
}

/// GET CHALLENGE: random bytes from the card.
#[must_use]
pub fn challenge(length: u16) -> CommandApdu {
    CommandApdu::new(0x00, ins::GET_CHALLENGE, 0x00, 0x00).with_ne(length.into())
}

#[cfg(test)]
mod tests {
    use obnova_apdu::LengthForm;

    use super::*;

    #[test]
    fn commands_are_the_bytes_of_the_document() {
        let slot = SlotNumber::new(3).unwrap();
        let short = |command: CommandApdu| command.with_ne(0).encode(LengthForm::Short).unwrap().to_vec();
        assert_eq!(short(select()), *b"\x00\xA4\x04\x00\x08\xF0obnova\x01");
        assert_eq!(short(verify(PasswordReference::SignaturePin, b"1234")), *b"\x00\x20\x00\x02\x041234");
        assert_eq!(
            short(change_password(PasswordReference::Puk, b"111111", b"222222")),
            *b"\x00\x24\x00\x03\x0C111111222222"
        );
        let generate = generate(slot, KeyRole::Signature, KeyAlgorithm::P256).unwrap();
        assert_eq!(short(generate), [0x00, 0x47, 0x80, 0x00, 8, 0xB6, 6, 0x80, 1, 0x11, 0x84, 1, 3]);
        assert_eq!(short(put_certificate(slot, &[0x30, 0])), [0x00, 0xDB, 0x43, 0x03, 4, 0x53, 2, 0x30, 0]);
        assert_eq!(short(delete_key(slot)), [0x00, 0xE4, 0x00, 0x00, 2, 0x4B, 3]);
        assert_eq!(short(read_file(ShortFileId::certificate(slot), 5)), [0x00, 0xB0, 0x93, 0x00]);
        assert_eq!(short(read_selected_far(0x8001, 9)), [0x00, 0xB1, 0x00, 0x00, 4, 0x54, 2, 0x80, 0x01]);
        assert!(super::generate(slot, KeyRole::Signature, KeyAlgorithm::Rsa4096).is_none());
    }
}
