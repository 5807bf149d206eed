//! A certificate that came with a request: where its parts are, and that all of it is read only when it is DER.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Key, World};
use obnova_enroll::{
    MessageError,
    cmc::{ReceivedCertificate, ReceivedExtension},
    limits,
};
use x509_cert::{Certificate, der::Encode};

fn certificates() -> Vec<Certificate> {
    let world = World::with(Key::rsa(), [Key::p256(), Key::p384()], [Key::rsa(), Key::p256()]);
    let mut all = world.issued();
    all.extend(world.old.clone());
    all.push(world.ca);
    all
}

#[test]
fn what_is_found_is_what_stands_there() {
    for certificate in certificates() {
        let received = ReceivedCertificate::try_from(&certificate).unwrap();
        let tbs = certificate.tbs_certificate();
        assert_eq!(received.der(), certificate.to_der().unwrap());
        assert_eq!(received.serial(), tbs.serial_number().as_bytes());
        assert_eq!(received.issuer(), tbs.issuer().to_der().unwrap());
        assert_eq!(received.subject(), tbs.subject().to_der().unwrap());
        assert_eq!(received.validity(), tbs.validity());
        assert_eq!(received.public_key(), tbs.subject_public_key_info());
        let extensions = tbs.extensions().unwrap();
        assert!(!extensions.is_empty());
        for extension in extensions {
            let der = extension.to_der().unwrap();
            let found = received.extension(extension.extn_id).unwrap();
            assert_eq!(found, ReceivedExtension { der: &der, value: extension.extn_value.as_bytes() });
        }
        assert_eq!(received.extension("1.2.3.4".parse().unwrap()), None);
        assert_eq!(received.read().unwrap(), certificate);
        assert_eq!(ReceivedCertificate::from_der(received.der()).unwrap(), received);
    }
}

#[test]
fn what_is_no_certificate_is_none() {
    for certificate in certificates() {
        let der = certificate.to_der().unwrap();
        for length in 0..der.len() {
            let cut = ReceivedCertificate::from_der(&der[..length]);
            assert!(matches!(cut, Err(MessageError::Certificate(_))), "{length}");
        }
        let followed = ReceivedCertificate::from_der(&[&der[..], &[0]].concat());
        assert!(matches!(followed, Err(MessageError::Certificate(_))));
    }
    let size = limits::MAX_CERTIFICATE + 1;
    assert_eq!(ReceivedCertificate::from_der(&vec![0x30; size]), Err(MessageError::LongCertificate { size }));
}

/// Whatever stands there is looked at, and nothing else: with any bit flipped the parts are those of what can be read.
#[test]
fn a_certificate_with_any_bit_flipped_is_taken_as_it_came() {
    let der = certificates()[0].to_der().unwrap();
    let (mut read, mut refused) = (0, 0);
    for position in 0..der.len() * 8 {
        let mut flipped = der.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        let Ok(received) = ReceivedCertificate::from_der(&flipped) else {
            refused += 1;
            continue;
        };
        assert_eq!(received.der(), flipped);
        let Ok(certificate) = received.read() else { continue };
        read += 1;
        let tbs = certificate.tbs_certificate();
        assert_eq!(received.serial(), tbs.serial_number().as_bytes(), "bit {position}");
        assert_eq!(received.subject(), tbs.subject().to_der().unwrap(), "bit {position}");
        assert_eq!(received.issuer(), tbs.issuer().to_der().unwrap(), "bit {position}");
        assert_eq!(received.public_key(), tbs.subject_public_key_info(), "bit {position}");
        assert_eq!(certificate.to_der().unwrap(), flipped, "bit {position}");
    }
    assert!(read > 1000 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn what_would_be_written_otherwise_is_not_read() {
    let ca = certificates().pop().unwrap();
    let mut der = ca.to_der().unwrap();
    // critical FALSE, written out: DER leaves a default value out.
    let critical = der.windows(5).position(|window| window == [0x1d, 0x13, 1, 1, 0xff]).unwrap() + 4;
    der[critical] = 0;
    let received = ReceivedCertificate::from_der(&der).unwrap();
    assert_eq!(received.der(), der);
    assert!(matches!(received.read(), Err(MessageError::CertificateNotDer | MessageError::Certificate(_))));
}
