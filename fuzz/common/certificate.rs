//! Certificates that say whatever an input wants, truly signed.

use std::{sync::LazyLock, time::SystemTime};

use arbitrary::Arbitrary;
use x509_cert::{name::Name, time::Time};

use super::{
    EMAIL, HOLDER,
    ca::CHAIN,
    day,
    keys::Whose,
    tlv::{bits, der, octets, oid, seq, small, tlv},
};

/// What a certificate will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub subject: Subject,
    pub names: Names,
    pub key: Whose,
    /// Days from now.
    pub from: i16,
    pub until: i16,
    /// The nine bits of keyUsage, digitalSignature first.
    pub usage: Option<u16>,
    pub extended: Vec<&'static str>,
    pub statements: Vec<&'static str>,
    pub constraints: Option<bool>,
    /// An extension that nobody knows, critical or not.
    pub unknown: Option<bool>,
    pub issuer: Issuer,
    /// An extension that stands there twice.
    pub doubled: Option<u8>,
    /// An extension whose content is nonsense.
    pub hollow: Option<u8>,
    /// A byte of the finished certificate that is another.
    pub bent: Option<(u16, u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Subject {
    Holder,
    Other,
    /// The holder's names the other way round.
    Reordered,
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Names {
    Holder,
    Other,
    None,
}

/// Who signs, and under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Issuer {
    Issuing,
    Root,
    /// The issuing CA's name and another key.
    Impostor,
    /// A holder who certifies.
    NoCa,
    /// A CA below one that may have none below it.
    TooDeep,
    Expired,
    Unknown,
}

/// What becomes of a draft.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum Change {
    Subject(Subject),
    Names(Names),
    Key(Whose),
    From(i16),
    Until(i16),
    Usage(Option<u16>),
    Extended(u8),
    Statements(u8),
    Constraints(Option<bool>),
    Unknown(Option<bool>),
    Issuer(Issuer),
    Doubled(u8),
    Hollow(u8),
    Bent(u16, u8),
}

pub const DIGITAL_SIGNATURE: u16 = 1 << 8;
pub const NON_REPUDIATION: u16 = 1 << 7;
pub const CERT_SIGN: u16 = 1 << 3;
pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub const QC_COMPLIANCE: &str = "0.4.0.1862.1.1";
pub const QC_SSCD: &str = "0.4.0.1862.1.4";
const PURPOSES: [&str; 4] = [CLIENT_AUTH, "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"];
const STATEMENTS: [&str; 4] = [QC_COMPLIANCE, QC_SSCD, "0.4.0.1862.1.6", "1.2.3.4"];

impl Draft {
    pub fn authentication() -> Self {
        Self { usage: Some(DIGITAL_SIGNATURE), extended: vec![CLIENT_AUTH], ..Self::bare(Whose::NewAuthentication) }
    }

    pub fn signature() -> Self {
        Self {
            usage: Some(NON_REPUDIATION),
            statements: vec![QC_COMPLIANCE, QC_SSCD],
            ..Self::bare(Whose::NewSignature)
        }
    }

    fn bare(key: Whose) -> Self {
        Self {
            subject: Subject::Holder,
            names: Names::Holder,
            key,
            from: -1,
            until: 364,
            usage: None,
            extended: Vec::new(),
            statements: Vec::new(),
            constraints: Some(false),
            unknown: None,
            issuer: Issuer::Issuing,
            doubled: None,
            hollow: None,
            bent: None,
        }
    }

    fn ca(key: Whose, issuer: Issuer) -> Self {
        Self { usage: Some(CERT_SIGN), constraints: Some(true), names: Names::None, issuer, ..Self::bare(key) }
    }

    pub fn change(&mut self, change: Change) {
        let picked = |list: [&'static str; 4], bits: u8| {
            (0..4).filter(|bit| bits >> bit & 1 == 1).map(|bit| list[bit]).collect()
        };
        match change {
            Change::Subject(to) => self.subject = to,
            Change::Names(to) => self.names = to,
            Change::Key(to) => self.key = to,
            Change::From(to) => self.from = to,
            Change::Until(to) => self.until = to,
            Change::Usage(to) => self.usage = to.map(|usage| usage & 0x1ff),
            Change::Extended(bits) => self.extended = picked(PURPOSES, bits),
            Change::Statements(bits) => self.statements = picked(STATEMENTS, bits),
            Change::Constraints(to) => self.constraints = to,
            Change::Unknown(to) => self.unknown = to,
            Change::Issuer(to) => self.issuer = to,
            Change::Doubled(at) => self.doubled = Some(at),
            Change::Hollow(at) => self.hollow = Some(at),
            Change::Bent(at, by) => self.bent = Some((at, by)).filter(|_| by != 0),
        }
    }

    /// The certificate; `number` is its serial number.
    pub fn issue(&self, number: u8) -> Vec<u8> {
        let (issuer, signer) = self.issuer.is();
        self.signed_by(number, &der(&self.subject.name()), &issuer, signer)
    }

    fn signed_by(&self, number: u8, subject: &[u8], issuer: &[u8], signer: Whose) -> Vec<u8> {
        let algorithm = der(&signer.key().algorithm().identifier());
        let extensions = self.extensions();
        let extensions = if extensions.is_empty() { Vec::new() } else { tlv(0xa3, &[&seq(&[&extensions.concat()])]) };
        let tbs = seq(&[
            &tlv(0xa0, &[&small(2)]),
            &tlv(2, &[&[0x40, self.key as u8, number]]),
            &algorithm,
            issuer,
            &seq(&[&time(day(self.from)), &time(day(self.until))]),
            subject,
            &der(self.key.key().public_key()),
            &extensions,
        ]);
        let mut certificate = seq(&[&tbs, &algorithm, &bits(&signer.sign(&tbs))]);
        bend(&mut certificate, self.bent);
        certificate
    }

    fn extensions(&self) -> Vec<Vec<u8>> {
        let mut list: Vec<(&str, bool, Vec<u8>)> = Vec::new();
        if let Some(ca) = self.constraints {
            list.push(("2.5.29.19", true, if ca { seq(&[&[1, 1, 0xff]]) } else { seq(&[]) }));
        }
        if let Some(usage) = self.usage {
            list.push(("2.5.29.15", true, key_usage(usage)));
        }
        let identifiers = |list: &[&str]| list.iter().map(|one| oid(one)).collect::<Vec<_>>();
        if !self.extended.is_empty() {
            list.push(("2.5.29.37", false, seq(&[&identifiers(&self.extended).concat()])));
        }
        if !self.statements.is_empty() {
            let statements: Vec<_> = identifiers(&self.statements).iter().map(|one| seq(&[one])).collect();
            list.push(("1.3.6.1.5.5.7.1.3", false, seq(&[&statements.concat()])));
        }
        if let Some(names) = self.names.value() {
            list.push(("2.5.29.17", false, names));
        }
        if let Some(critical) = self.unknown {
            list.push(("1.2.3.4.5", critical, vec![5, 0]));
        }
        if let Some(at) = self.hollow.filter(|_| !list.is_empty()) {
            let at = usize::from(at) % list.len();
            list[at].2 = vec![0x30, 0x80];
        }
        if let Some(at) = self.doubled.filter(|_| !list.is_empty()) {
            list.push(list[usize::from(at) % list.len()].clone());
        }
        list.into_iter().map(|(kind, critical, value)| extension(kind, critical, &value)).collect()
    }

    /// Whether an extension stands there twice or is nonsense.
    pub fn is_spoiled(&self) -> bool {
        let some = self.constraints.is_some()
            || self.usage.is_some()
            || self.names != Names::None
            || !self.extended.is_empty()
            || !self.statements.is_empty()
            || self.unknown.is_some();
        some && (self.doubled.is_some() || self.hollow.is_some())
    }
}

pub fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    seq(&[&oid(kind), critical, &octets(value)])
}

/// KeyUsage, nine bits with the first one highest; without the zeros at the end, as DER has it.
pub fn key_usage(usage: u16) -> Vec<u8> {
    let bytes = (usage << 7).to_be_bytes();
    let zeros = (usage << 7).trailing_zeros().min(16);
    let length = usize::from(usage != 0) + usize::from(bytes[1] != 0);
    tlv(3, &[&[if usage == 0 { 0 } else { (zeros % 8) as u8 }], &bytes[..length]])
}

/// Changes a byte, if one is to be changed.
pub fn bend(bytes: &mut [u8], bent: Option<(u16, u8)>) {
    if let (Some((at, by)), false) = (bent, bytes.is_empty()) {
        let at = usize::from(at) % bytes.len();
        bytes[at] ^= by;
    }
}

fn time(at: SystemTime) -> Vec<u8> {
    der(&Time::try_from(at).expect("it is in this century"))
}

impl Subject {
    pub fn name(self) -> Name {
        let text = match self {
            Self::Holder => HOLDER,
            Self::Other => "CN=Jan Novák,SERIALNUMBER=IDCCZ-654321,C=CZ",
            Self::Reordered => "C=CZ,SERIALNUMBER=IDCCZ-123456,CN=Jana Nováková",
            Self::Empty => return Name::default(),
        };
        text.parse().expect("it is a name")
    }
}

impl Names {
    pub fn email(self) -> Option<&'static str> {
        match self {
            Self::Holder => Some(EMAIL),
            Self::Other => Some("jan@example.cz"),
            Self::None => None,
        }
    }

    /// The value of subjectAltName.
    pub fn value(self) -> Option<Vec<u8>> {
        self.email().map(|email| seq(&[&tlv(0x81, &[email.as_bytes()])]))
    }
}

impl Issuer {
    /// Name and key.
    fn is(self) -> (Vec<u8>, Whose) {
        let chain = |index: usize| der(CHAIN[index].certificate.tbs_certificate().subject());
        match self {
            Self::Issuing => (chain(0), Whose::Issuing),
            Self::Root => (chain(1), Whose::Root),
            Self::Impostor => (chain(0), Whose::Stranger),
            Self::NoCa => (named("CN=Not a CA"), Whose::OldAuthentication),
            Self::TooDeep => (named("CN=Too deep"), Whose::Stranger),
            Self::Expired => (named("CN=Expired"), Whose::Stranger),
            Self::Unknown => (named("CN=Nobody"), Whose::Stranger),
        }
    }

    pub fn is_good(self) -> bool {
        matches!(self, Self::Issuing | Self::Root)
    }
}

fn named(text: &str) -> Vec<u8> {
    der(&text.parse::<Name>().expect("it is a name"))
}

/// Certificates that lie between: the issuing CA's, and those that should not issue.
pub static BETWEEN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let (issuing, root) = (Issuer::Issuing.is(), Issuer::Root.is());
    let no_ca = Draft { key: Whose::OldAuthentication, ..Draft::authentication() };
    let too_deep = Draft::ca(Whose::Stranger, Issuer::Issuing);
    let expired = Draft { from: -30, until: -1, ..Draft::ca(Whose::Stranger, Issuer::Root) };
    vec![
        CHAIN[0].der.clone(),
        no_ca.signed_by(101, &Issuer::NoCa.is().0, &issuing.0, issuing.1),
        too_deep.signed_by(102, &Issuer::TooDeep.is().0, &issuing.0, issuing.1),
        expired.signed_by(103, &Issuer::Expired.is().0, &root.0, root.1),
    ]
});
