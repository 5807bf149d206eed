//! How many instructions the codecs take, ours and the peer's in one build, counted by callgrind. `scripts/instructions` runs
//! this and compares the ratios with `benches/baseline.toml`: a change of compiler or machine moves both sides alike.
//!
//! A function is a task; it has one benchmark `obnova`, and others named after the peers.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "table/apdus.rs"]
mod apdus;
#[allow(dead_code)]
#[path = "table/encoding.rs"]
mod encoding;
#[allow(dead_code)]
#[path = "table/tlv.rs"]
mod tlv;

use std::hint::black_box;

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use gungraun::{library_benchmark, library_benchmark_group, main};
use iso7816_tlv::ber::Tlv as IsoTlv;
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_apdu::{Command, CommandView};
use x509_cert::der::Decode;

use encoding::{Given, Wanted};

library_benchmark_group!(
    name = codecs,
    benchmarks = [
        select_read,
        update_read,
        select_written,
        update_written,
        objects_walked,
        objects_by_level,
        objects_written,
        request_encoded
    ]
);
main!(library_benchmark_groups = codecs);

#[library_benchmark]
#[bench::obnova(hundred_read, select())]
#[bench::iso7816(hundred_read_by_iso7816, select())]
fn select_read(read: fn(&[u8]) -> usize, apdu: Vec<u8>) -> usize {
    read(&apdu)
}

#[library_benchmark]
#[bench::obnova(hundred_read, update())]
#[bench::iso7816(hundred_read_by_iso7816, update())]
fn update_read(read: fn(&[u8]) -> usize, apdu: Vec<u8>) -> usize {
    read(&apdu)
}

#[library_benchmark]
#[bench::obnova(hundred_written, select())]
#[bench::iso7816(hundred_written_by_iso7816, select())]
fn select_written(write: fn(Command<'_>) -> usize, apdu: Vec<u8>) -> usize {
    write(CommandView::parse(&apdu).unwrap().to_command())
}

#[library_benchmark]
#[bench::obnova(hundred_written, update())]
#[bench::iso7816(hundred_written_by_iso7816, update())]
fn update_written(write: fn(Command<'_>) -> usize, apdu: Vec<u8>) -> usize {
    write(CommandView::parse(&apdu).unwrap().to_command())
}

#[library_benchmark]
#[bench::obnova(tlv::walk, tlv::directory())]
#[bench::iso7816_tlv(tlv::iso7816_tlv, tlv::directory())]
#[bench::der_any(tlv::der_any, tlv::directory())]
#[bench::der_headers(tlv::der_headers, tlv::directory())]
fn objects_walked(walk: fn(&[u8]) -> usize, bytes: Vec<u8>) -> usize {
    walk(&bytes)
}

#[library_benchmark]
#[bench::obnova(tlv::levels, tlv::directory())]
#[bench::der_any(tlv::der_any, tlv::directory())]
#[bench::der_headers(tlv::der_headers, tlv::directory())]
fn objects_by_level(walk: fn(&[u8]) -> usize, bytes: Vec<u8>) -> usize {
    walk(&bytes)
}

#[library_benchmark]
#[bench::obnova(|_| tlv::directory(), tree())]
#[bench::iso7816_tlv(|tree| tree.to_vec(), tree())]
fn objects_written(write: fn(&IsoTlv) -> Vec<u8>, tree: IsoTlv) -> Vec<u8> {
    write(&tree)
}

#[library_benchmark]
#[bench::obnova(|wanted, _| wanted.obnova().bytes().len(), request())]
#[bench::rcgen(|wanted, given| wanted.rcgen(given).der().len(), request())]
fn request_encoded(encode: fn(&Wanted, &Given) -> usize, (wanted, given): (Wanted, Given)) -> usize {
    encode(&wanted, &given)
}

fn select() -> Vec<u8> {
    apdus::commands()[0].1.clone()
}

fn update() -> Vec<u8> {
    apdus::commands()[1].1.clone()
}

fn tree() -> IsoTlv {
    IsoTlv::parse_all(&tlv::directory()).remove(0)
}

/// The key and the signature do not matter: neither is used.
fn request() -> (Wanted, Given) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = SubjectPublicKeyInfoOwned::from_der(pair.public_key().as_der().unwrap().as_ref()).unwrap();
    let given = Given {
        public: pair.public_key().as_ref().to_vec(),
        algorithm: &rcgen::PKCS_ECDSA_P256_SHA256,
        signature: vec![0; 71],
    };
    let wanted = Wanted::new(public, SignatureAlgorithm::Ecdsa(Digest::Sha256));
    // What is set up once in a process is not counted.
    wanted.obnova();
    wanted.rcgen(&given);
    (wanted, given)
}

// A hundred times, so that what is around it does not count.

fn hundred_read(apdu: &[u8]) -> usize {
    (0..100).map(|_| apdus::obnova_read(black_box(apdu))).sum()
}

fn hundred_read_by_iso7816(apdu: &[u8]) -> usize {
    (0..100).map(|_| apdus::iso7816_read(black_box(apdu))).sum()
}

fn hundred_written(command: Command<'_>) -> usize {
    let mut buffer = [0; 2048];
    (0..100).map(|_| apdus::obnova_written(black_box(&command), black_box(&mut buffer))).sum()
}

fn hundred_written_by_iso7816(command: Command<'_>) -> usize {
    let mut data = iso7816::Data::<2048>::new();
    (0..100).map(|_| apdus::iso7816_written(black_box(&command), black_box(&mut data))).sum()
}
