//! Any bytes as a PKCS#10 request, and requests whose fields an input chooses, truly signed: refused, or kept byte for byte;
//! accepted when it is well formed and its own key signed it, and not otherwise; and no longer once its signature is another.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_pkcs10::{CertificationRequest, Rejected};

#[path = "../common/mod.rs"]
mod common;

use common::message::{Request, RequestChange};

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(changes) = Vec::<RequestChange>::arbitrary(&mut Unstructured::new(input)) {
                made(&changes);
            }
        }
        _ => any(bytes),
    }
});

/// What a CA is to make of it is known before it is asked.
fn made(changes: &[RequestChange]) {
    let mut request = Request::authentication();
    changes.iter().take(12).for_each(|change| request.change(*change));
    let der = request.der();
    any(&der);
    let verdict = CertificationRequest::from_der(&der).map(|read| read.verify());
    let accepted = matches!(verdict, Ok(Ok(_)));
    assert_eq!(accepted, request.proves_possession(), "{request:?}: {verdict:?}");
}

fn any(bytes: &[u8]) {
    let Ok(request) = CertificationRequest::from_der(bytes) else { return };
    assert!(bytes.len() <= CertificationRequest::MAX_SIZE);
    assert_eq!(request.der(), bytes);
    let pem = request.to_pem().expect("any bytes can be PEM");
    assert!(CertificationRequest::from_pem(&pem) == Ok(request.clone()));
    assert!(request.extensions().is_empty() || request.attribute_types().next().is_some());

    match request.verify() {
        Ok(_) => {
            assert!(!request.has_challenge_password());
            // The signature is the last field.
            let mut bent = bytes.to_vec();
            *bent.last_mut().expect("it was read") ^= 1;
            let bent = CertificationRequest::from_der(&bent).expect("a signature can have any value");
            assert!(matches!(bent.verify(), Err(Rejected::Signature(_))), "a bent signature passes");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
