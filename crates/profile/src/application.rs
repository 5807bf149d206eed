//! Names of the application, and what the card answers to middleware that knows it as a MyEID card (§1).

/// Answer to reset. The historical bytes `4F 73 45 49 44` ("OsEID") bind OpenSC's MyEID driver, which needs no
/// configuration then.
pub const ATR: [u8; 9] = [0x3B, 0x85, 0x01, 0x4F, 0x73, 0x45, 0x49, 0x44, 0xF0];

/// The profile's own door: `F0` (proprietary, ISO/IEC 7816-4 §12.3.4), "obnova", major version. SELECT by it answers
/// with the [status](crate::CardStatus).
pub const AID: [u8; 8] = *b"\xF0obnova\x01";

/// The same application for everybody else: the application identifier of PKCS#15.
pub const PKCS15_AID: [u8; 12] = *b"\xA0\x00\x00\x00\x63PKCS-15";

/// GET DATA tag of the status template, without the file control information around it.
pub const DATA_STATUS: u16 = 0x01B0;

/// GET DATA tag by which MyEID cards tell applet version, serial number and change counter: 20 bytes.
pub const DATA_MYEID_INFO: u16 = 0x01A0;

/// GET DATA tag by which MyEID cards tell what algorithms they know: 11 bytes, [`MYEID_CAPABILITIES`].
pub const DATA_MYEID_CAPABILITIES: u16 = 0x01AA;

/// Answer to [`DATA_MYEID_CAPABILITIES`]: structure 1, features, largest RSA, DES, AES and elliptic-curve key in bits.
pub const MYEID_CAPABILITIES: [u8; 11] = [0x01, 0x00, 0x1F, 0x10, 0x00, 0x01, 0x00, 0x01, 0x00, 0x02, 0x09];

/// Applet version in the answer to [`DATA_MYEID_INFO`]: OpenSC asks for the capabilities from 4.0.0 on.
pub const MYEID_VERSION: [u8; 3] = [4, 5, 5];

/// Manufacturer as TokenInfo names it.
pub const MANUFACTURER: &str = "Obnova";

/// Answer to [`DATA_MYEID_INFO`]: version in bytes 5 to 7, serial number in 8 to 17 (cut or filled with zeros), change
/// counter in 18 and 19.
#[must_use]
pub fn myeid_info(serial: &str, changes: u16) -> [u8; 20] {
    let mut info = [0; 20];
    info[5..8].copy_from_slice(&MYEID_VERSION);
    for (to, from) in info[8..18].iter_mut().zip(serial.bytes()) {
        *to = from;
    }
    info[18..].copy_from_slice(&changes.to_be_bytes());
    info
}
