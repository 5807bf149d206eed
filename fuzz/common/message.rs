//! Certification requests and CMC messages that say whatever an input wants, truly signed.

use arbitrary::Arbitrary;
use obnova_algorithm::Digest;
use x509_cert::{
    Certificate,
    der::{self, Decode, Reader, SliceReader, asn1::AnyRef},
};

use super::{
    certificate::{DIGITAL_SIGNATURE, NON_REPUDIATION, Names, Subject, bend, extension, key_usage},
    keys::Whose,
    tlv::{bits, der, octets, oid, seq, small, tlv},
};

/// A PKCS#10 request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub key: Whose,
    pub signed_by: Whose,
    pub subject: Subject,
    pub names: Names,
    pub usage: Option<u16>,
    pub version: u8,
    pub challenge_password: bool,
    /// The attribute with the extensions stands there twice, or has its value twice.
    pub doubled_attribute: bool,
    pub two_values: bool,
    pub doubled_extension: Option<u8>,
    /// An extension that asks for more than a holder gets.
    pub asks_to_be_a_ca: bool,
    pub bent: Option<(u16, u8)>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum RequestChange {
    Key(Whose),
    SignedBy(Whose),
    Both(Whose),
    Subject(Subject),
    Names(Names),
    Usage(Option<u16>),
    Version(u8),
    ChallengePassword,
    DoubledAttribute,
    TwoValues,
    DoubledExtension(u8),
    AsksToBeACa,
    Bent(u16, u8),
}

impl Request {
    pub fn authentication() -> Self {
        Self::new(Whose::NewAuthentication, DIGITAL_SIGNATURE)
    }

    pub fn signature() -> Self {
        Self::new(Whose::NewSignature, NON_REPUDIATION)
    }

    fn new(key: Whose, usage: u16) -> Self {
        Self {
            key,
            signed_by: key,
            subject: Subject::Holder,
            names: Names::Holder,
            usage: Some(usage),
            version: 0,
            challenge_password: false,
            doubled_attribute: false,
            two_values: false,
            doubled_extension: None,
            asks_to_be_a_ca: false,
            bent: None,
        }
    }

    pub fn change(&mut self, change: RequestChange) {
        match change {
            RequestChange::Key(to) => self.key = to,
            RequestChange::SignedBy(to) => self.signed_by = to,
            RequestChange::Both(to) => (self.key, self.signed_by) = (to, to),
            RequestChange::Subject(to) => self.subject = to,
            RequestChange::Names(to) => self.names = to,
            RequestChange::Usage(to) => self.usage = to.map(|usage| usage & 0x1ff),
            RequestChange::Version(to) => self.version = to,
            RequestChange::ChallengePassword => self.challenge_password = true,
            RequestChange::DoubledAttribute => self.doubled_attribute = true,
            RequestChange::TwoValues => self.two_values = true,
            RequestChange::DoubledExtension(at) => self.doubled_extension = Some(at),
            RequestChange::AsksToBeACa => self.asks_to_be_a_ca = true,
            RequestChange::Bent(at, by) => self.bent = Some((at, by)).filter(|_| by != 0),
        }
    }

    /// Whether it is well formed and made by who has the key.
    pub fn proves_possession(&self) -> bool {
        let has_extensions = self.usage.is_some() || self.names != Names::None || self.asks_to_be_a_ca;
        self.signed_by == self.key
            && self.version == 0
            && self.bent.is_none()
            && !self.challenge_password
            && !(has_extensions && (self.doubled_attribute || self.two_values || self.doubled_extension.is_some()))
    }

    pub fn der(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        if let Some(usage) = self.usage {
            extensions.push(extension("2.5.29.15", true, &key_usage(usage)));
        }
        if let Some(names) = self.names.value() {
            extensions.push(extension("2.5.29.17", false, &names));
        }
        if self.asks_to_be_a_ca {
            extensions.push(extension("2.5.29.19", true, &seq(&[&[1, 1, 0xff]])));
        }
        let mut attributes = Vec::new();
        if !extensions.is_empty() {
            if let Some(at) = self.doubled_extension {
                extensions.push(extensions[usize::from(at) % extensions.len()].clone());
            }
            let list = seq(&[&extensions.concat()]);
            let again: &[u8] = if self.two_values { &list } else { &[] };
            let attribute = seq(&[&oid("1.2.840.113549.1.9.14"), &tlv(0x31, &[&list, again])]);
            if self.doubled_attribute {
                attributes.push(attribute.clone());
            }
            attributes.push(attribute);
        }
        if self.challenge_password {
            attributes.insert(0, seq(&[&oid("1.2.840.113549.1.9.7"), &tlv(0x31, &[&tlv(12, &[b"secret"])])]));
        }
        let info = seq(&[
            &small(self.version),
            &der(&self.subject.name()),
            &der(self.key.key().public_key()),
            &tlv(0xa0, &[&attributes.concat()]),
        ]);
        let algorithm = der(&self.signed_by.key().algorithm().identifier());
        let mut request = seq(&[&info, &algorithm, &bits(&self.signed_by.sign(&info))]);
        bend(&mut request, self.bent);
        request
    }
}

pub const PKI_DATA: &str = "1.3.6.1.5.5.7.12.2";
pub const PKI_RESPONSE: &str = "1.3.6.1.5.5.7.12.3";
const DATA: &str = "1.2.840.113549.1.7.1";
const TRANSACTION: &str = "1.3.6.1.5.5.7.7.5";
const SENDER_NONCE: &str = "1.3.6.1.5.5.7.7.6";
const RECIPIENT_NONCE: &str = "1.3.6.1.5.5.7.7.7";
const QUERY_PENDING: &str = "1.3.6.1.5.5.7.7.21";
const CONFIRM: &str = "1.3.6.1.5.5.7.7.24";
const STATUS: &str = "1.3.6.1.5.5.7.7.25";
const STATUS_1: &str = "1.3.6.1.5.5.7.7.1";

/// One control, with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub part: u8,
    pub kind: &'static str,
    pub value: Vec<u8>,
    /// Its value stands there so many times.
    pub values: u8,
}

impl Control {
    fn new(kind: &'static str, value: Vec<u8>) -> Self {
        Self { part: 0, kind, value, values: 1 }
    }

    pub fn transaction(number: &[u8]) -> Self {
        Self::new(TRANSACTION, tlv(2, &[number]))
    }

    pub fn sender_nonce(nonce: &[u8]) -> Self {
        Self::new(SENDER_NONCE, octets(nonce))
    }

    pub fn recipient_nonce(nonce: &[u8]) -> Self {
        Self::new(RECIPIENT_NONCE, octets(nonce))
    }

    pub fn query_pending(token: &[u8]) -> Self {
        Self::new(QUERY_PENDING, octets(token))
    }

    pub fn confirm(certificate: &Certificate) -> Self {
        let tbs = certificate.tbs_certificate();
        Self::new(CONFIRM, seq(&[&der(tbs.issuer()), &der(tbs.serial_number())]))
    }

    /// CMCStatusInfoV2, or the first kind, about the whole message.
    pub fn status(status: u8, text: Option<&str>, other: &[u8], second_kind: bool) -> Self {
        let text = text.map(|text| tlv(12, &[text.as_bytes()])).unwrap_or_default();
        let kind = if second_kind { STATUS } else { STATUS_1 };
        Self::new(kind, seq(&[&small(status), &seq(&[&small(0)]), &text, other]))
    }

    /// What nobody knows.
    pub fn unknown(value: &[u8]) -> Self {
        Self::new("1.3.6.1.5.5.7.7.99", octets(value))
    }

    /// A known control with any content.
    pub fn hollow(kind: u8, value: &[u8]) -> Self {
        let kinds = [
            TRANSACTION,
            SENDER_NONCE,
            RECIPIENT_NONCE,
            QUERY_PENDING,
            CONFIRM,
            STATUS,
            STATUS_1,
            "1.3.6.1.5.5.7.7.18",
        ];
        Self::new(kinds[usize::from(kind) % kinds.len()], value.to_vec())
    }

    fn der(&self) -> Vec<u8> {
        let values = self.value.repeat(self.values.into());
        seq(&[&small(self.part), &oid(self.kind), &tlv(0x31, &[&values])])
    }
}

/// Controls numbered from 1, where they have no number yet.
pub fn numbered(mut controls: Vec<Control>) -> Vec<Control> {
    (1..).zip(&mut controls).filter(|(_, control)| control.part == 0).for_each(|(part, control)| control.part = part);
    controls
}

pub fn pki_data(controls: &[Control], requests: &[(u8, Vec<u8>)], nested: &[u8]) -> Vec<u8> {
    let controls: Vec<_> = controls.iter().map(Control::der).collect();
    let requests: Vec<_> = requests.iter().map(|(part, der)| tlv(0xa0, &[&small(*part), der])).collect();
    seq(&[&seq(&[&controls.concat()]), &seq(&[&requests.concat()]), &seq(&[nested]), &seq(&[])])
}

pub fn pki_response(controls: &[Control]) -> Vec<u8> {
    let controls: Vec<_> = controls.iter().map(Control::der).collect();
    seq(&[&seq(&[&controls.concat()]), &seq(&[]), &seq(&[])])
}

/// Who signs, with what flaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub certificate: Certificate,
    pub key: Whose,
    pub flaw: Option<Flaw>,
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Flaw {
    WrongDigest,
    WrongType,
    NoDigest,
    NoType,
    DigestTwice,
    NoAttributes,
    OtherCertificate,
    OtherDigestAlgorithm,
    Bent(u8, u8),
}

/// Whether the signatures of one message are as good for the other, in which other versions, another list of digests or other
/// certificates beside may stand.
pub fn says_the_same(one: &[u8], other: &[u8]) -> bool {
    one == other || covered(one).is_some_and(|covered_by_one| covered(other) == Some(covered_by_one))
}

/// What the signatures of a message cover, and what says whose they are: its content, and of its signers all but their versions.
fn covered(message: &[u8]) -> Option<Vec<&[u8]>> {
    let info = fields(message).ok()?;
    let data = fields(fields(info.get(1)?).ok()?.first()?).ok()?;
    let mut covered = vec![*data.get(2)?];
    for signer in fields(data.last()?).ok()? {
        covered.extend_from_slice(fields(signer).ok()?.get(1..)?);
    }
    Some(covered)
}

/// What an element is made of.
fn fields(element: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut inside = SliceReader::new(AnyRef::from_der(element)?.value())?;
    let mut fields = Vec::new();
    while !inside.is_finished() {
        fields.push(inside.tlv_bytes()?);
    }
    Ok(fields)
}

impl Flaw {
    /// Whether it spoils the signature.
    pub fn spoils(self) -> bool {
        !matches!(self, Self::Bent(_, 0))
    }
}

impl Signer {
    fn info(&self, content_type: &str, content: &[u8]) -> Vec<u8> {
        let attribute = |kind: &str, value: &[u8]| seq(&[&oid(kind), &tlv(0x31, &[value])]);
        let flawed = |flaw| self.flaw == Some(flaw);
        let mut digest = Digest::Sha256.of(content).as_bytes().to_vec();
        if flawed(Flaw::WrongDigest) {
            digest[0] ^= 1;
        }
        let kind = if flawed(Flaw::WrongType) { DATA } else { content_type };
        let mut attributes = Vec::new();
        if !flawed(Flaw::NoType) {
            attributes.push(attribute("1.2.840.113549.1.9.3", &oid(kind)));
        }
        if !flawed(Flaw::NoDigest) {
            attributes.push(attribute("1.2.840.113549.1.9.4", &octets(&digest)));
        }
        if flawed(Flaw::DigestTwice) {
            attributes.push(attribute("1.2.840.113549.1.9.4", &octets(&digest)));
        }
        if flawed(Flaw::OtherCertificate) {
            let named = seq(&[&seq(&[&seq(&[&octets(&[7; 32])])])]);
            attributes.push(attribute("1.2.840.113549.1.9.16.2.47", &named));
        }
        attributes.sort();
        let attributes = attributes.concat();
        let mut signature = self.key.sign(&tlv(0x31, &[&attributes]));
        if let Some(Flaw::Bent(at, by)) = self.flaw {
            bend(&mut signature, Some((at.into(), by)));
        }
        let tbs = self.certificate.tbs_certificate();
        let algorithm = if flawed(Flaw::OtherDigestAlgorithm) { Digest::Sha384 } else { Digest::Sha256 };
        let attributes = if flawed(Flaw::NoAttributes) { Vec::new() } else { tlv(0xa0, &[&attributes]) };
        seq(&[
            &small(1),
            &seq(&[&der(tbs.issuer()), &der(tbs.serial_number())]),
            &der(&algorithm.identifier()),
            &attributes,
            &der(&self.key.key().algorithm().identifier()),
            &octets(&signature),
        ])
    }
}

/// SignedData over content of a type, with certificates.
pub fn signed(content_type: &str, content: &[u8], certificates: &[Vec<u8>], signers: &[Signer]) -> Vec<u8> {
    let infos: Vec<_> = signers.iter().map(|signer| signer.info(content_type, content)).collect();
    let certificates = if certificates.is_empty() { Vec::new() } else { tlv(0xa0, &[&certificates.concat()]) };
    let data = seq(&[
        &small(3),
        &tlv(0x31, &[]),
        &seq(&[&oid(content_type), &tlv(0xa0, &[&octets(content)])]),
        &certificates,
        &tlv(0x31, &[&infos.concat()]),
    ]);
    seq(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &[&data])])
}
