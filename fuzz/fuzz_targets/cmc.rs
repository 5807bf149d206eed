//! Any bytes as a CMC request of any kind, as an envelope, as a CA's answer, and as a file of certificates: refused, or within
//! the limits and true to what was asked; a CA that only renews takes what is a renewal and refuses the rest by name; certificates
//! that are written are read as the same again, or refused for their form.
//!
//! And whole conversations with a CA: orders, questions and receipts whose controls are missing, doubled, out of order or of
//! another message, whose requests ask for something else, whose signers are others, each truly signed. Whatever was sent,
//! the CA's memory keeps the rules: a certificate for two requests, two signers and one holder of three, once; and the client
//! believes what the CA said to this message and nothing else.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FullRequest, FullResponse, Kind, Nonce, Received, RequestError, TransactionId,
};
use obnova_enroll::{certs_only, limits};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{Certificate, der::Decode, der::Encode};

/// The CA of the seeds, with the transaction and the nonce that its answers are for.
static CA: LazyLock<Certificate> = LazyLock::new(|| {
    let der = include_bytes!("../../crates/enroll/tests/data/bouncycastle/ca.der");
    Certificate::from_der(der).expect("it is one")
});
const TRANSACTION: u32 = 424_242;
const NONCE: &[u8] = b"a nonce by BC ..";

#[path = "cmc/answers.rs"]
mod answers;
#[path = "../common/mod.rs"]
mod common;
#[path = "cmc/first.rs"]
mod first;
#[path = "cmc/orders.rs"]
mod orders;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(conversation) = orders::Conversation::arbitrary(&mut Unstructured::new(input)) {
                conversation.happens();
            }
        }
        Some((b'A', input)) => {
            if let Ok(saying) = answers::Saying::arbitrary(&mut Unstructured::new(input)) {
                saying.is_heard();
            }
        }
        _ => any(bytes),
    }
});

fn any(bytes: &[u8]) {
    let parsed = Received::parse(bytes);
    let renewal = FullRequest::parse(bytes);
    match &parsed {
        Ok(Received::Known(request)) if request.revocation_password.is_none() => {
            assert!(renewal.as_ref() == Ok(request));
            received(bytes, request);
        }
        Ok(other) => {
            assert!(matches!(renewal, Err(RequestError::NotOffered { .. })), "{renewal:?}");
            first::received(bytes, other);
        }
        Err(error) => {
            assert!(renewal.as_ref() == Err(error) && !error.to_string().is_empty());
        }
    }
    first::opened(bytes);
    for asked in [Asked::Certificates, Asked::Confirmation] {
        answered(bytes, asked);
    }
    if let Ok(certificates) = certs_only::read_file(bytes) {
        assert!((1..=limits::MAX_CERTIFICATES).contains(&certificates.len()));
        match certs_only::encode(&certificates).map(|message| certs_only::decode(&message)) {
            Ok(Ok(again)) => assert_eq!(set(&again), set(&certificates)),
            Ok(Err(error)) => panic!("just written: {error}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn received(bytes: &[u8], request: &FullRequest) {
    assert!(bytes.len() <= limits::MAX_MESSAGE && request.signers.len() <= limits::MAX_SIGNERS);
    let address = FullRequest::return_address(bytes);
    assert_eq!(address, Some((request.transaction.clone(), request.nonce.clone())));
    match &request.kind {
        Kind::Enroll(requests) => {
            assert!(!request.signers.is_empty() && (1..=limits::MAX_REQUESTS).contains(&requests.len()));
            for (_, request) in requests {
                assert!(CertificationRequest::from_der(request.der()).as_ref() == Ok(request));
            }
        }
        Kind::QueryPending(token) => assert!(!token.as_bytes().is_empty()),
        Kind::ConfirmAcceptance { certificates, .. } => assert!(!certificates.is_empty()),
    }
}

fn answered(bytes: &[u8], asked: Asked) {
    let transaction = TransactionId::from_bytes(&TRANSACTION.to_be_bytes()).expect("it is one");
    let nonce = Nonce::from_bytes(NONCE).expect("it is one");
    let ca = std::slice::from_ref(&*CA);
    let expected = Expected { transaction: &transaction, nonce: &nonce, ca, asked };
    let Ok(response) = FullResponse::parse(bytes, &expected) else { return };
    match &response.answer {
        Answer::Issued { certificates, .. } => assert!(asked == Asked::Certificates && !certificates.is_empty()),
        Answer::Confirmed => assert_eq!(asked, Asked::Confirmation),
        Answer::Pending { token, .. } => assert!(!token.as_bytes().is_empty()),
        Answer::Refused { text, .. } => assert!(!text.contains(char::is_control), "{text:?}"),
    }
    // The same answer to another message, or of nobody who is known, is none.
    let other = Nonce::from_bytes(&[0x55; 16]).expect("it is one");
    assert!(FullResponse::parse(bytes, &Expected { nonce: &other, ..expected }).is_err());
    assert!(FullResponse::parse(bytes, &Expected { ca: &[], ..expected }).is_err());
}

fn set(certificates: &[Certificate]) -> Vec<Vec<u8>> {
    let mut set: Vec<_> = certificates.iter().map(|it| it.to_der().expect("it was written before")).collect();
    set.sort();
    set.dedup();
    set
}
