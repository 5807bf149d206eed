//! Messages that Bouncy Castle 1.72 wrote (indefinite lengths, its default), read and verified here; `data/bouncycastle`
//! has the program that wrote them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use der::Decode;
use obnova_algorithm::KeyAlgorithm;
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FailInfo, FullRequest, FullResponse, Kind, Nonce, PendToken, ResponseError, TransactionId,
};
use x509_cert::Certificate;

fn parse(response: &[u8]) -> Result<FullResponse, ResponseError> {
    let ca = Certificate::from_der(include_bytes!("data/bouncycastle/ca.der")).unwrap();
    FullResponse::parse(
        response,
        &Expected {
            transaction: &TransactionId::from_bytes(&424_242_u32.to_be_bytes()).unwrap(),
            nonce: &Nonce::from_bytes(b"a nonce by BC ..").unwrap(),
            ca: &[ca],
            asked: Asked::Certificates,
        },
    )
}

#[test]
fn its_request_with_two_signers_is_read() {
    let message = include_bytes!("data/bouncycastle/request.ber");
    assert_eq!(message[1], 0x80, "of indefinite length");
    let request = FullRequest::parse(message).unwrap();
    assert_eq!(request.transaction.to_string(), "067932");
    assert_eq!(request.nonce.as_bytes(), b"a nonce by BC ..");
    assert_eq!(request.signers.len(), 2);
    let Kind::Enroll(requests) = request.kind else { panic!("no requests") };
    for (wanted, (part, request)) in (10..12).zip(&requests) {
        assert_eq!(*part, wanted);
        assert_eq!(request.verify(), Ok(KeyAlgorithm::P256));
        assert_eq!(request.subject().to_string(), "CN=Jana");
    }
}

#[test]
fn its_answers_are_read() {
    let issued = parse(include_bytes!("data/bouncycastle/issued.ber")).unwrap();
    let Answer::Issued { certificates, chain, confirm } = issued.answer else { panic!("not issued") };
    assert!(certificates.len() == 2 && chain.is_empty() && confirm);

    let token = PendToken::from_bytes(b"token by BC").unwrap();
    let pending = parse(include_bytes!("data/bouncycastle/pending.ber")).unwrap();
    assert_eq!(pending.answer, Answer::Pending { token, check_at: common::noon() });

    let refused = parse(include_bytes!("data/bouncycastle/refused.ber")).unwrap();
    assert_eq!(refused.answer, Answer::Refused { reason: FailInfo::BadIdentity, text: "nelze".into() });
    assert_eq!(refused.nonce, None, "it sent none of its own");
}

#[test]
fn its_messages_cut_anywhere_are_refused() {
    let (request, response) =
        (include_bytes!("data/bouncycastle/request.ber"), include_bytes!("data/bouncycastle/issued.ber"));
    for length in 0..request.len() {
        assert!(FullRequest::parse(&request[..length]).is_err(), "{length}");
    }
    for length in 0..response.len() {
        assert!(parse(&response[..length]).is_err(), "{length}");
    }
}

/// Its signers do not say which certificate they mean (signing-certificate-v2), so a certificate that was altered, and not
/// in its key, is noticed by the CA only, that looks for it among its own. Everything else is the same or refused.
#[test]
fn its_request_with_any_bit_flipped_says_the_same_or_nothing() {
    let keys = |request: &FullRequest| {
        let keys = request.signers.iter().map(|signer| signer.public_key().clone());
        keys.collect::<Vec<_>>()
    };
    let message = include_bytes!("data/bouncycastle/request.ber");
    let honest = FullRequest::parse(message).unwrap();
    for (position, flipped) in flipped(message) {
        if let Ok(request) = FullRequest::parse(&flipped) {
            assert_eq!(keys(&request), keys(&honest), "bit {position}");
            assert_eq!(FullRequest { signers: honest.signers.clone(), ..request }, honest, "bit {position}");
        }
    }
}

#[test]
fn its_answer_with_any_bit_flipped_says_the_same_or_nothing() {
    let message = include_bytes!("data/bouncycastle/pending.ber");
    let honest = parse(message).unwrap();
    for (position, flipped) in flipped(message) {
        if let Ok(response) = parse(&flipped) {
            assert_eq!(response, honest, "bit {position}");
        }
    }
}

fn flipped(message: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..message.len() * 8).map(|position| {
        let mut flipped = message.to_vec();
        flipped[position / 8] ^= 1 << (position % 8);
        (position, flipped)
    })
}
