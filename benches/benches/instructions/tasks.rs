//! What is counted: the codecs of the table, on the same bytes.

use std::hint::black_box;

use iso7816_tlv::ber::Tlv as IsoTlv;
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_apdu::{Command, CommandView};
use rcgen::{PublicKeyData, SigningKey};
use x509_cert::der::Decode;

use crate::{
    apdus,
    callgrind::what_is_counted,
    encoding::{self, Checked, Given, Wanted},
    tlv,
};

/// Every task with its sides, ours first.
pub fn all() -> Vec<(String, Vec<&'static str>)> {
    let apdus = ["read", "written"]
        .map(|what| apdus::commands().map(|(name, _)| (format!("{}-{what}", slug(name)), vec!["obnova", "iso7816"])));
    let others = [
        ("objects-walked", vec!["obnova", "iso7816-tlv", "der-any", "der-headers"]),
        ("objects-by-level", vec!["obnova", "der-any", "der-headers"]),
        ("objects-written", vec!["obnova", "iso7816-tlv"]),
        ("request-encoded", vec!["obnova", "rcgen"]),
        ("request-assembled", vec!["obnova", "rcgen-checked"]),
        ("request-read", vec!["obnova", "x509-cert"]),
    ];
    let others = others.into_iter().map(|(name, sides)| (name.to_owned(), sides));
    apdus.into_iter().flatten().chain(others).collect()
}

/// Prepares one side of one task, and does it.
pub fn run(task: &str, side: &str) {
    match task {
        "objects-walked" => walked(side, tlv::walk),
        "objects-by-level" => walked(side, tlv::levels),
        "objects-written" => objects_written(side),
        "request-encoded" => request_encoded(side),
        "request-assembled" => request_assembled(side),
        "request-read" => request_read(side),
        _ => apdu(task, side),
    }
}

fn apdu(task: &str, side: &str) {
    for (name, apdu) in apdus::commands() {
        match task.strip_prefix(&slug(name)) {
            Some("-read") => return read(side, &apdu),
            Some("-written") => return written(side, &CommandView::parse(&apdu).unwrap().to_command()),
            _ => {}
        }
    }
    panic!("no task is called {task}")
}

fn slug(name: &str) -> String {
    name.replace(' ', "-")
}

/// So many times, so that what is around it does not count.
fn often(mut work: impl FnMut() -> usize) {
    what_is_counted(&mut || (0..100).map(|_| work()).sum());
}

fn read(side: &str, apdu: &[u8]) {
    match side {
        "obnova" => often(|| apdus::obnova_read(black_box(apdu))),
        "iso7816" => often(|| apdus::iso7816_read(black_box(apdu))),
        _ => nobody(side),
    }
}

fn written(side: &str, command: &Command<'_>) {
    let mut buffer = [0; 2048];
    let mut data = iso7816::Data::<2048>::new();
    match side {
        "obnova" => often(|| apdus::obnova_written(black_box(command), &mut buffer).len()),
        "iso7816" => {
            let builder = apdus::iso7816_builder(command);
            often(|| apdus::iso7816_written(black_box(&builder), &mut data).len());
        }
        _ => nobody(side),
    }
}

fn walked(side: &str, ours: fn(&[u8]) -> usize) {
    let bytes = tlv::directory();
    let walk = match side {
        "obnova" => ours,
        "iso7816-tlv" => tlv::iso7816_tlv,
        "der-any" => tlv::der_any,
        "der-headers" => tlv::der_headers,
        _ => nobody(side),
    };
    what_is_counted(&mut || walk(black_box(&bytes)));
}

fn objects_written(side: &str) {
    let tree = IsoTlv::parse_all(&tlv::directory()).remove(0);
    match side {
        "obnova" => what_is_counted(&mut || tlv::directory().len()),
        "iso7816-tlv" => what_is_counted(&mut || black_box(&tree).to_vec().len()),
        _ => nobody(side),
    }
}

/// The bytes to sign, on both sides without a signature, as in the table.
fn request_encoded(side: &str) {
    let public = SubjectPublicKeyInfoOwned::from_der(&P256).unwrap();
    let point = public.subject_public_key.raw_bytes().to_vec();
    let given = Given { public: point, algorithm: &rcgen::PKCS_ECDSA_P256_SHA256, signature: Vec::new() };
    let wanted = Wanted::new(public, SignatureAlgorithm::Ecdsa(Digest::Sha256));
    let mut work: Box<dyn FnMut() -> usize> = match side {
        "obnova" => Box::new(|| wanted.obnova().bytes().len()),
        "rcgen" => Box::new(|| {
            wanted.rcgen_unsigned(&given, |bytes| {
                black_box(bytes);
            });
            1
        }),
        _ => nobody(side),
    };
    // What is set up once in a process does not count.
    work();
    what_is_counted(&mut work);
}

/// Both check the signature that comes in; most of what is counted is that check, whose count depends a little on the signature.
fn request_assembled(side: &str) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let public = SubjectPublicKeyInfoOwned::from_der(&pair.subject_public_key_info()).unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let wanted = Wanted::new(public.clone(), algorithm);
    let signature = pair.sign(wanted.obnova().bytes()).unwrap();
    let point = public.subject_public_key.raw_bytes().to_vec();
    let given = Given { public: point, algorithm: pair.algorithm(), signature };
    let checked = Checked { key: &given, public: &public, algorithm };
    let mut work: Box<dyn FnMut() -> usize> = match side {
        "obnova" => Box::new(|| wanted.obnova().assemble(&given.signature.clone()).unwrap().der().len()),
        "rcgen-checked" => Box::new(|| wanted.rcgen(&checked).der().len()),
        _ => nobody(side),
    };
    work();
    what_is_counted(&mut work);
}

fn request_read(side: &str) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let public = SubjectPublicKeyInfoOwned::from_der(&pair.subject_public_key_info()).unwrap();
    let request = Wanted::new(public, SignatureAlgorithm::Ecdsa(Digest::Sha256)).rcgen(&pair);
    let read = match side {
        "obnova" => encoding::obnova_read,
        "x509-cert" => encoding::x509_cert_read,
        _ => nobody(side),
    };
    what_is_counted(&mut || read(black_box(request.der())));
}

fn nobody(side: &str) -> ! {
    panic!("no side is called {side}")
}

/// A public key to write into a request: the base point of P-256 (SP 800-186 §3.2.1.3).
const P256: [u8; 91] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6,
    0xE5, 0x63, 0xA4, 0x40, 0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98,
    0xC2, 0x96, 0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B,
    0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,
];
