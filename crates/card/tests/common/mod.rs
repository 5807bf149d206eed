//! A card to test with, and certificates: of any key, signed by nobody.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test uses a part of it")]

#[cfg(feature = "pkcs11")]
pub mod apart;
pub mod arrived;
pub mod liar;
pub mod pad;
pub mod reader;
pub mod report;
mod row;
mod setup;
#[cfg(feature = "pkcs11")]
pub mod softhsm;

use der::{Encode, oid::ObjectIdentifier};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_apdu::tlv::{Tag, VecWriter};

pub(crate) use row::by;
pub use row::{Refused, Row};
pub use setup::{AUTHENTICATION, PUK, SIGNATURE, Setup, digest, installation, order, pin};

const SEQUENCE: Tag = Tag::new(0x30);
const SET: Tag = Tag::new(0x31);
const INTEGER: Tag = Tag::new(0x02);
const BIT_STRING: Tag = Tag::new(0x03);
const OCTET_STRING: Tag = Tag::new(0x04);
const BOOLEAN: Tag = Tag::new(0x01);
const UTF8_STRING: Tag = Tag::new(0x0C);
const UTC_TIME: Tag = Tag::new(0x17);

/// A certificate with the parts that a token looks at. Its signature is none: a token does not check it.
pub fn certificate(name: &str, serial: u8, key: &SubjectPublicKeyInfoOwned, padding: usize) -> Vec<u8> {
    let ecdsa_sha256 = oid("1.2.840.10045.4.3.2");
    let mut writer = VecWriter::new();
    writer.constructed(SEQUENCE, |certificate| {
        certificate.constructed(SEQUENCE, |signed| {
            signed.constructed(Tag::new(0xA0), |version| {
                version.primitive(INTEGER, &[2]);
            });
            signed.primitive(INTEGER, &[serial]);
            signed.constructed(SEQUENCE, |algorithm| {
                algorithm.raw(&ecdsa_sha256);
            });
            write_name(signed, "Nobody");
            signed.constructed(SEQUENCE, |validity| {
                validity.primitive(UTC_TIME, b"260101000000Z").primitive(UTC_TIME, b"270101000000Z");
            });
            write_name(signed, name);
            signed.raw(&key.to_der().unwrap());
            signed.constructed(Tag::new(0xA3), |extensions| {
                extensions.constructed(SEQUENCE, |extensions| {
                    // Key usage: digitalSignature and nonRepudiation.
                    extensions.constructed(SEQUENCE, |usage| {
                        usage.raw(&oid("2.5.29.15")).primitive(BOOLEAN, &[0xFF]);
                        usage.primitive(OCTET_STRING, &[0x03, 0x02, 0x06, 0xC0]);
                    });
                    extensions.constructed(SEQUENCE, |comment| {
                        comment.raw(&oid("2.16.840.1.113730.1.13")).primitive(OCTET_STRING, &vec![0x05; padding]);
                    });
                });
            });
        });
        certificate.constructed(SEQUENCE, |algorithm| {
            algorithm.raw(&ecdsa_sha256);
        });
        certificate.primitive(BIT_STRING, &[0x00, 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01]);
    });
    writer.into_vec()
}

fn write_name(writer: &mut VecWriter, text: &str) {
    writer.constructed(SEQUENCE, |name| {
        name.constructed(SET, |set| {
            set.constructed(SEQUENCE, |attribute| {
                attribute.raw(&oid("2.5.4.3")).primitive(UTF8_STRING, text.as_bytes());
            });
        });
    });
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}
