//! Any bytes as a PKCS#10 request: refused, or kept byte for byte; and when it is signed by its key, it is no longer once
//! its signature is another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_pkcs10::{CertificationRequest, Rejected};

fuzz_target!(|bytes: &[u8]| {
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
});
