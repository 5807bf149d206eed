//! A second, careless writer of CMS messages: it writes what it is told, right or wrong.

use const_oid::ObjectIdentifier;
use der::Encode;
use x509_cert::Certificate;

use super::Key;

pub const PKI_DATA: &str = "1.3.6.1.5.5.7.12.2";
pub const PKI_RESPONSE: &str = "1.3.6.1.5.5.7.12.3";
pub const STATUS: &str = "1.3.6.1.5.5.7.7.25";
pub const TRANSACTION: &str = "1.3.6.1.5.5.7.7.5";
pub const SENDER_NONCE: &str = "1.3.6.1.5.5.7.7.6";
pub const RECIPIENT_NONCE: &str = "1.3.6.1.5.5.7.7.7";
pub const QUERY_PENDING: &str = "1.3.6.1.5.5.7.7.21";
pub const IDENTIFICATION: &str = "1.3.6.1.5.5.7.7.2";
pub const IDENTITY_PROOF_V2: &str = "1.3.6.1.5.5.7.7.34";
pub const REG_INFO: &str = "1.3.6.1.5.5.7.7.18";
pub const CONFIRM: &str = "1.3.6.1.5.5.7.7.24";
pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";

pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length @ 0x80..=0xff => out.extend([0x81, length as u8]),
        length @ 0x100..=0xffff => out.extend([0x82, (length >> 8) as u8, length as u8]),
        length => out.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub fn oid(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(dotted).to_der().unwrap()
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, &[bytes])
}

/// A TaggedAttribute.
pub fn control(part: u8, kind: &str, value: &[u8]) -> Vec<u8> {
    seq(&[&tlv(2, &[&[part]]), &oid(kind), &tlv(0x31, &[value])])
}

/// An attribute of a signer.
pub fn attribute(kind: &str, value: &[u8]) -> Vec<u8> {
    seq(&[&oid(kind), &tlv(0x31, &[value])])
}

pub fn pki_data(controls: &[Vec<u8>], requests: &[Vec<u8>]) -> Vec<u8> {
    seq(&[&seq(&[&controls.concat()]), &seq(&[&requests.concat()]), &seq(&[]), &seq(&[])])
}

pub fn pki_response(controls: &[Vec<u8>]) -> Vec<u8> {
    seq(&[&seq(&[&controls.concat()]), &seq(&[]), &seq(&[])])
}

/// One SignerInfo over whatever attributes are given, sorted or not.
pub fn signer(certificate: &Certificate, key: &Key, attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    let signature = key.sign(&tlv(0x31, &[&attributes]));
    let tbs = certificate.tbs_certificate();
    let id = seq(&[&tbs.issuer().to_der().unwrap(), &tbs.serial_number().to_der().unwrap()]);
    let digest = key.algorithm().digest().identifier().to_der().unwrap();
    let algorithm = key.algorithm().identifier().to_der().unwrap();
    seq(&[&tlv(2, &[&[1]]), &id, &digest, &tlv(0xa0, &[&attributes]), &algorithm, &octets(&signature)])
}

/// The same by a key without a certificate, that is named by an identifier.
pub fn key_signer(identifier: &[u8], key: &Key, attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    let signature = key.sign(&tlv(0x31, &[&attributes]));
    let digest = key.algorithm().digest().identifier().to_der().unwrap();
    let algorithm = key.algorithm().identifier().to_der().unwrap();
    let id = tlv(0x80, &[identifier]);
    seq(&[&tlv(2, &[&[3]]), &id, &digest, &tlv(0xa0, &[&attributes]), &algorithm, &octets(&signature)])
}

/// The two attributes that have to be there.
pub fn attributes(key: &Key, content_type: &str, content: &[u8]) -> Vec<Vec<u8>> {
    let digest = key.algorithm().digest().of(content);
    vec![attribute(CONTENT_TYPE, &oid(content_type)), attribute(MESSAGE_DIGEST, &octets(digest.as_bytes()))]
}

pub fn message(content_type: &str, content: &[u8], certificates: &[&Certificate], signers: &[Vec<u8>]) -> Vec<u8> {
    let certificates = certificates.iter().map(|certificate| certificate.to_der().unwrap());
    message_with(content_type, content, &certificates.collect::<Vec<_>>().concat(), signers)
}

/// The same, with whatever bytes in the place of certificates.
pub fn message_with(content_type: &str, content: &[u8], certificates: &[u8], signers: &[Vec<u8>]) -> Vec<u8> {
    let encapsulated = seq(&[&oid(content_type), &tlv(0xa0, &[&octets(content)])]);
    let data = seq(&[
        &tlv(2, &[&[3]]),
        &tlv(0x31, &[]),
        &encapsulated,
        &tlv(0xa0, &[certificates]),
        &tlv(0x31, &[&signers.concat()]),
    ]);
    seq(&[&oid(SIGNED_DATA), &tlv(0xa0, &[&data])])
}

/// `content` properly signed by `key`.
pub fn signed(content_type: &str, content: &[u8], certificate: &Certificate, key: &Key) -> Vec<u8> {
    let signer = signer(certificate, key, &attributes(key, content_type, content));
    message(content_type, content, &[certificate], &[signer])
}
