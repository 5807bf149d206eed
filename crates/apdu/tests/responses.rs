//! Response APDUs: read, cut short, too long, written again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use obnova_apdu::{Response, ResponseApdu, ResponseError, StatusWord};

#[test]
fn data_and_status_are_told_apart_at_every_length() {
    let bytes: Vec<u8> = (0..=255).cycle().take(65_538).collect();
    for len in (2..600).chain([65_537, 65_538]) {
        let response = Response::parse(&bytes[..len]).unwrap();
        assert_eq!(response.data, &bytes[..len - 2]);
        assert_eq!(response.status.to_bytes(), bytes[len - 2..len]);

        let owned = ResponseApdu::parse(&bytes[..len]).unwrap();
        assert_eq!(owned.as_response(), response);
        assert_eq!(owned.encode(), &bytes[..len]);
    }
}

#[test]
fn too_few_and_too_many_bytes_are_refused() {
    assert_eq!(Response::parse(&[]), Err(ResponseError::Truncated { len: 0 }));
    assert_eq!(Response::parse(&[0x90]), Err(ResponseError::Truncated { len: 1 }));
    assert_eq!(Response::parse(&vec![0; 65_539]), Err(ResponseError::TooLong { len: 65_537 }));
    assert_eq!(ResponseApdu::parse(&vec![0; 1 << 20]), Err(ResponseError::TooLong { len: (1 << 20) - 2 }));
}

#[test]
fn only_9000_is_success() {
    let response = ResponseApdu::new([1, 2], StatusWord::SUCCESS);
    assert_eq!(response.as_response().success(), Ok(&[1, 2][..]));
    assert_eq!(response.success(), Ok(vec![1, 2]));
    for status in [0x6100, 0x6282, 0x63C3, 0x6A82, 0x9001].map(StatusWord) {
        let response = ResponseApdu::new([1, 2], status);
        assert_eq!(response.as_response().success(), Err(status));
        assert_eq!(response.success(), Err(status));
    }
}

#[test]
fn what_is_printed_shows_the_status_and_no_data() {
    let response = ResponseApdu::new(*b"SECRET", StatusWord(0x6282));
    assert_eq!(
        format!("{response:?}"),
        "Response(6 bytes of data, 6282: end of file or record reached before Ne bytes)"
    );
}
