//! DER, as it is told.

use x509_cert::der::{Encode, oid::ObjectIdentifier};

pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTETS: u8 = 0x04;

pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        0x100..=0xffff => out.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => out.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(OCTETS, &[bytes])
}

pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes])
}

pub fn small(number: u8) -> Vec<u8> {
    if number < 0x80 { tlv(INTEGER, &[&[number]]) } else { tlv(INTEGER, &[&[0, number]]) }
}

pub fn oid(dotted: &str) -> Vec<u8> {
    der(&ObjectIdentifier::new_unwrap(dotted))
}

pub fn der(value: &impl Encode) -> Vec<u8> {
    value.to_der().expect("it is small")
}
