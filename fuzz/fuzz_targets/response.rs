//! Any bytes as a response APDU: the status word has a meaning that can be said, and the bytes come out again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_apdu::{Response, ResponseApdu, StatusWord};

fuzz_target!(|bytes: &[u8]| {
    match Response::parse(bytes) {
        Ok(response) => {
            assert_eq!(StatusWord::from(response.status.meaning()), response.status);
            assert!(!response.status.to_string().is_empty());
            assert_eq!(response.success().is_ok(), response.status == StatusWord::SUCCESS);
            assert_eq!(ResponseApdu::from(response).encode(), bytes);
            assert_eq!(iso7816::Status::from_u16(response.status.0), response.status.into());
        }
        Err(error) => assert!(bytes.len() < 2 || bytes.len() > 65_538, "{error}"),
    }
});
