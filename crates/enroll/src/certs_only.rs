//! Certificates without a word about them: PKCS#7 "certs-only" (RFC 5272 §4.1, RFC 7030 §4.1.3), and the files they are
//! mailed in.
//!
//! Nobody signs such a message. It is worth what the channel is worth that it came through, and what its certificates
//! prove themselves: match them to keys by public key, and check their chain.

use const_oid::db::rfc5911::ID_DATA;
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;

use crate::{
    ber,
    cmc::BuildError,
    limits::{MAX_CERTIFICATES, MAX_MESSAGE},
    signed::{self, MessageError, SignedMessage, certificate},
    transfer,
};

/// Writes certificates as a certs-only message, DER. They come out in the order of DER, which says nothing.
///
/// # Errors
/// [`BuildError`] when there are none, too many, or they are too long.
pub fn encode(certificates: &[Certificate]) -> Result<Vec<u8>, BuildError> {
    match certificates.len() {
        0 => return Err(BuildError::Empty),
        1..=MAX_CERTIFICATES => {}
        _ => return Err(BuildError::TooMany),
    }
    signed::unsigned(ID_DATA, None, certificates)
}

/// Like [`encode`], as PEM with the label `PKCS7`, which OpenSSL and browsers read.
///
/// # Errors
/// As [`encode`].
pub fn encode_pem(certificates: &[Certificate]) -> Result<String, BuildError> {
    let body = transfer::encode_wrapped(&encode(certificates)?, "\n");
    Ok(format!("-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n"))
}

/// Reads a certs-only message, DER or BER, in the order received.
///
/// # Errors
/// [`MessageError`] when it is none, or has no certificate.
pub fn decode(bytes: &[u8]) -> Result<Vec<Certificate>, MessageError> {
    let framed = signed::framed(bytes)?;
    let message = SignedMessage::parse(&framed)?;
    let certificates = message.read_certificates()?;
    if message.content_type != ID_DATA {
        return Err(MessageError::WrongContent { found: message.content_type, wanted: ID_DATA });
    }
    if certificates.is_empty() { Err(MessageError::NoCertificates) } else { Ok(certificates) }
}

/// Reads a file as it was mailed or downloaded: one certificate or a certs-only message, DER or PEM; in PEM also several
/// of them, and text around them.
///
/// # Errors
/// [`MessageError`] when there is no certificate in it, or one cannot be read.
pub fn read_file(bytes: &[u8]) -> Result<Vec<Certificate>, MessageError> {
    if bytes.len() > 2 * MAX_MESSAGE {
        return Err(crate::FramingError::TooLong { size: bytes.len() }.into());
    }
    if bytes.first() == Some(&ber::SEQUENCE) {
        return read_der(bytes);
    }
    let mut text = std::str::from_utf8(bytes).map_err(|_| MessageError::Pem)?;
    let mut certificates = Vec::new();
    while let Some(block) = next_block(text)? {
        match block.label {
            "CERTIFICATE" | "X509 CERTIFICATE" => certificates.push(certificate(&block.bytes)?),
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => certificates.extend(decode(&block.bytes)?),
            _ => {}
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(MessageError::TooMany { what: "certificates", most: MAX_CERTIFICATES });
        }
        text = block.rest;
    }
    if certificates.is_empty() { Err(MessageError::Pem) } else { Ok(certificates) }
}

/// A certificate and a message both start with a SEQUENCE; the first element inside tells them apart.
fn read_der(bytes: &[u8]) -> Result<Vec<Certificate>, MessageError> {
    match decode(bytes) {
        Ok(certificates) => Ok(certificates),
        Err(no_message) => match certificate(bytes) {
            Ok(certificate) => Ok(vec![certificate]),
            Err(MessageError::Certificate(_)) => Err(no_message),
            Err(error) => Err(error),
        },
    }
}

/// A PEM block (RFC 7468 §3).
struct Block<'a> {
    label: &'a str,
    bytes: Vec<u8>,
    /// The text after it.
    rest: &'a str,
}

fn next_block(text: &str) -> Result<Option<Block<'_>>, MessageError> {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    let Some((_, after)) = text.split_once(BEGIN) else { return Ok(None) };
    let (label, after) = after.split_once(DASHES).ok_or(MessageError::Pem)?;
    let (body, after) = after.split_once("-----END ").ok_or(MessageError::Pem)?;
    let rest = after.strip_prefix(label).and_then(|after| after.strip_prefix(DASHES)).ok_or(MessageError::Pem)?;
    let bytes = transfer::decode(body.as_bytes()).ok_or(MessageError::Pem)?;
    Ok(Some(Block { label, bytes, rest }))
}

/// The certificate for this public key. Names and key identifiers are not looked at: they can be anything (RFC 5280).
#[must_use]
pub fn find_by_key<'a>(certificates: &'a [Certificate], key: &SubjectPublicKeyInfoOwned) -> Option<&'a Certificate> {
    certificates.iter().find(|certificate| certificate.tbs_certificate().subject_public_key_info() == key)
}
