//! Instruction bytes by name (ISO 7816-4:2013 §5.1.2, table 4; 7816-8 and -9 for the marked ones).
//!
//! They are plain `u8`: a card may define any other.

/// DEACTIVATE FILE, ISO 7816-9.
pub const DEACTIVATE_FILE: u8 = 0x04;
/// ERASE BINARY.
pub const ERASE_BINARY: u8 = 0x0E;
/// VERIFY. With data it spends a try unless the password is right; without, it reads the state and spends none.
pub const VERIFY: u8 = 0x20;
/// VERIFY with data objects.
pub const VERIFY_TLV: u8 = 0x21;
/// MANAGE SECURITY ENVIRONMENT.
pub const MANAGE_SECURITY_ENVIRONMENT: u8 = 0x22;
/// CHANGE REFERENCE DATA. P1=00: old and new back to back; P1=01: new only.
pub const CHANGE_REFERENCE_DATA: u8 = 0x24;
/// DISABLE VERIFICATION REQUIREMENT.
pub const DISABLE_VERIFICATION_REQUIREMENT: u8 = 0x26;
/// ENABLE VERIFICATION REQUIREMENT.
pub const ENABLE_VERIFICATION_REQUIREMENT: u8 = 0x28;
/// PERFORM SECURITY OPERATION, ISO 7816-8: sign, decipher, hash and more, by P1-P2.
pub const PERFORM_SECURITY_OPERATION: u8 = 0x2A;
/// RESET RETRY COUNTER. P1: 00 PUK and new, 01 PUK, 02 new, 03 none.
pub const RESET_RETRY_COUNTER: u8 = 0x2C;
/// ACTIVATE FILE, ISO 7816-9.
pub const ACTIVATE_FILE: u8 = 0x44;
/// GENERATE ASYMMETRIC KEY PAIR, ISO 7816-8.
pub const GENERATE_ASYMMETRIC_KEY_PAIR: u8 = 0x46;
/// GENERATE ASYMMETRIC KEY PAIR with data objects, ISO 7816-8.
pub const GENERATE_ASYMMETRIC_KEY_PAIR_TLV: u8 = 0x47;
/// MANAGE CHANNEL.
pub const MANAGE_CHANNEL: u8 = 0x70;
/// EXTERNAL AUTHENTICATE.
pub const EXTERNAL_AUTHENTICATE: u8 = 0x82;
/// GET CHALLENGE.
pub const GET_CHALLENGE: u8 = 0x84;
/// GENERAL AUTHENTICATE.
pub const GENERAL_AUTHENTICATE: u8 = 0x86;
/// GENERAL AUTHENTICATE with data objects.
pub const GENERAL_AUTHENTICATE_TLV: u8 = 0x87;
/// INTERNAL AUTHENTICATE.
pub const INTERNAL_AUTHENTICATE: u8 = 0x88;
/// SELECT.
pub const SELECT: u8 = 0xA4;
/// READ BINARY.
pub const READ_BINARY: u8 = 0xB0;
/// READ BINARY with an offset data object.
pub const READ_BINARY_TLV: u8 = 0xB1;
/// READ RECORD.
pub const READ_RECORD: u8 = 0xB2;
/// GET RESPONSE: fetches what `61xx` announced.
pub const GET_RESPONSE: u8 = 0xC0;
/// GET DATA.
pub const GET_DATA: u8 = 0xCA;
/// GET DATA with a tag list.
pub const GET_DATA_TLV: u8 = 0xCB;
/// WRITE BINARY.
pub const WRITE_BINARY: u8 = 0xD0;
/// UPDATE BINARY.
pub const UPDATE_BINARY: u8 = 0xD6;
/// UPDATE BINARY with offset and data objects.
pub const UPDATE_BINARY_TLV: u8 = 0xD7;
/// PUT DATA.
pub const PUT_DATA: u8 = 0xDA;
/// PUT DATA with data objects.
pub const PUT_DATA_TLV: u8 = 0xDB;
/// UPDATE RECORD.
pub const UPDATE_RECORD: u8 = 0xDC;
/// CREATE FILE, ISO 7816-9.
pub const CREATE_FILE: u8 = 0xE0;
/// APPEND RECORD.
pub const APPEND_RECORD: u8 = 0xE2;
/// DELETE FILE, ISO 7816-9.
pub const DELETE_FILE: u8 = 0xE4;
/// TERMINATE DF, ISO 7816-9.
pub const TERMINATE_DF: u8 = 0xE6;
/// TERMINATE EF, ISO 7816-9.
pub const TERMINATE_EF: u8 = 0xE8;
/// TERMINATE CARD USAGE, ISO 7816-9.
pub const TERMINATE_CARD_USAGE: u8 = 0xFE;

/// The standard's name of an instruction, for logs and error messages; `None` for one that is not listed here.
#[must_use]
pub const fn name(ins: u8) -> Option<&'static str> {
    Some(match ins {
        DEACTIVATE_FILE => "DEACTIVATE FILE",
        ERASE_BINARY => "ERASE BINARY",
        VERIFY | VERIFY_TLV => "VERIFY",
        MANAGE_SECURITY_ENVIRONMENT => "MANAGE SECURITY ENVIRONMENT",
        CHANGE_REFERENCE_DATA => "CHANGE REFERENCE DATA",
        DISABLE_VERIFICATION_REQUIREMENT => "DISABLE VERIFICATION REQUIREMENT",
        ENABLE_VERIFICATION_REQUIREMENT => "ENABLE VERIFICATION REQUIREMENT",
        PERFORM_SECURITY_OPERATION => "PERFORM SECURITY OPERATION",
        RESET_RETRY_COUNTER => "RESET RETRY COUNTER",
        ACTIVATE_FILE => "ACTIVATE FILE",
        GENERATE_ASYMMETRIC_KEY_PAIR | GENERATE_ASYMMETRIC_KEY_PAIR_TLV => "GENERATE ASYMMETRIC KEY PAIR",
        MANAGE_CHANNEL => "MANAGE CHANNEL",
        EXTERNAL_AUTHENTICATE => "EXTERNAL AUTHENTICATE",
        GET_CHALLENGE => "GET CHALLENGE",
        GENERAL_AUTHENTICATE | GENERAL_AUTHENTICATE_TLV => "GENERAL AUTHENTICATE",
        INTERNAL_AUTHENTICATE => "INTERNAL AUTHENTICATE",
        SELECT => "SELECT",
        READ_BINARY | READ_BINARY_TLV => "READ BINARY",
        READ_RECORD => "READ RECORD",
        GET_RESPONSE => "GET RESPONSE",
        GET_DATA | GET_DATA_TLV => "GET DATA",
        WRITE_BINARY => "WRITE BINARY",
        UPDATE_BINARY | UPDATE_BINARY_TLV => "UPDATE BINARY",
        PUT_DATA | PUT_DATA_TLV => "PUT DATA",
        UPDATE_RECORD => "UPDATE RECORD",
        CREATE_FILE => "CREATE FILE",
        APPEND_RECORD => "APPEND RECORD",
        DELETE_FILE => "DELETE FILE",
        TERMINATE_DF => "TERMINATE DF",
        TERMINATE_EF => "TERMINATE EF",
        TERMINATE_CARD_USAGE => "TERMINATE CARD USAGE",
        _ => return None,
    })
}

/// Whether the data of a command with this instruction may hold a password or another secret that must never be logged:
/// VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, and the commands that switch verification on and off.
#[must_use]
pub const fn carries_secret(ins: u8) -> bool {
    matches!(
        ins,
        VERIFY
            | VERIFY_TLV
            | CHANGE_REFERENCE_DATA
            | 0x25
            | RESET_RETRY_COUNTER
            | 0x2D
            | DISABLE_VERIFICATION_REQUIREMENT
            | ENABLE_VERIFICATION_REQUIREMENT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_for_the_commands_of_the_house_and_no_status_byte_is_named() {
        for ins in [SELECT, VERIFY, GET_RESPONSE, PUT_DATA_TLV, TERMINATE_CARD_USAGE] {
            assert!(name(ins).is_some());
        }
        // ISO 7816-3 forbids 6X and 9X, which would be mistaken for status bytes.
        assert!((0x60..=0x6F).chain(0x90..=0x9F).all(|ins| name(ins).is_none()));
    }

    #[test]
    fn password_commands_carry_secrets() {
        for ins in [VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER] {
            assert!(carries_secret(ins));
        }
        assert!(!carries_secret(SELECT));
    }
}
