//! A house with a CA key of its own, that certifies whatever a test asks for; and a card with a pair of its certificates.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use const_oid::{
    ObjectIdentifier,
    db::{rfc4519::CN, rfc5280},
};
use der::{
    Decode, Encode, Sequence, Tag,
    asn1::{Any, BitString, Ia5String, OctetString},
    flagset::FlagSet,
};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::CaKey;
use obnova_card::{InstallCertificate, KeyRole, Pin, ProfileToken, Secret, Token, TokenError};
use obnova_profile::{Label, SlotNumber};
use obnova_renewal::{
    CardView, Method, NewKey, Pair, ParsedCertificate, Plan, Policy, QC_COMPLIANCE, QC_SSCD, Reason, Terms, Vouching,
};
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::{
        Extension,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierOwned,
    time::{Time, Validity},
};

pub mod play;

pub const AUTHENTICATION_PIN: &str = "auth-PIN";
pub const SIGNATURE_PIN: &str = "sign-PIN";
pub const HOLDER: &str = "CN=Jana Nováková,serialNumber=PNOCZ-0001,C=CZ";
pub const EMAIL: &str = "jana@example.cz";

/// The moment at which the tests play: 2026-11-21, 12:00 UTC.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400)
}

pub const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

pub fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

/// A common name as PrintableString, where [`name`] writes UTF8String.
pub fn printable(common_name: &str) -> Name {
    let value = Any::new(Tag::PrintableString, common_name.as_bytes()).unwrap();
    let relative = RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid: CN, value }]).unwrap();
    Name::from_der(&RdnSequence::from(vec![relative]).to_der().unwrap()).unwrap()
}

/// An issuer.
pub struct House {
    pub key: CaKey,
    pub root: ParsedCertificate,
}

impl House {
    pub fn new(common_name: &str) -> Self {
        let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let root = Draft::ca(common_name, key.public_key().clone()).issue(&name(common_name), &key);
        Self { key, root }
    }

    /// An issuer below this one.
    pub fn below(&self, common_name: &str, change: impl FnOnce(&mut Draft)) -> Self {
        let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let mut draft = Draft::ca(common_name, key.public_key().clone());
        change(&mut draft);
        Self { root: draft.issue(self.root.subject(), &self.key), key }
    }

    pub fn issue(&self, draft: &Draft) -> ParsedCertificate {
        draft.issue(self.root.subject(), &self.key)
    }

    pub fn terms(&self) -> Terms {
        Terms { anchors: vec![self.root.clone()], intermediates: Vec::new(), vouching: Vouching::OldKeys }
    }
}

/// What a certificate will say.
#[derive(Clone)]
pub struct Draft {
    pub subject: Name,
    pub email: Option<String>,
    pub key: SubjectPublicKeyInfoOwned,
    pub from: SystemTime,
    pub until: SystemTime,
    pub usage: Option<FlagSet<KeyUsages>>,
    pub extended: Vec<ObjectIdentifier>,
    pub statements: Vec<ObjectIdentifier>,
    pub constraints: Option<BasicConstraints>,
    pub critical: Option<ObjectIdentifier>,
    /// This extension stands there twice.
    pub twice: Option<ObjectIdentifier>,
    /// This extension has a content that nobody can read.
    pub hollow: Option<ObjectIdentifier>,
}

impl Draft {
    /// As the house certifies a holder's key: valid for a year from yesterday on.
    pub fn new(role: KeyRole, key: SubjectPublicKeyInfoOwned) -> Self {
        let signature = role == KeyRole::Signature;
        Self {
            subject: name(HOLDER),
            email: Some(EMAIL.into()),
            key,
            from: now() - days(1),
            until: now() + days(364),
            usage: Some(if signature { KeyUsages::NonRepudiation.into() } else { KeyUsages::DigitalSignature.into() }),
            extended: if signature { Vec::new() } else { vec![rfc5280::ID_KP_CLIENT_AUTH] },
            statements: if signature { vec![QC_COMPLIANCE, QC_SSCD] } else { Vec::new() },
            constraints: None,
            critical: None,
            twice: None,
            hollow: None,
        }
    }

    fn ca(common_name: &str, key: SubjectPublicKeyInfoOwned) -> Self {
        Self {
            subject: name(common_name),
            email: None,
            from: now() - days(3650),
            until: now() + days(30_000),
            usage: Some(KeyUsages::KeyCertSign.into()),
            extended: Vec::new(),
            statements: Vec::new(),
            constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
            ..Self::new(KeyRole::Authentication, key)
        }
    }

    fn issue(&self, issuer: &Name, key: &CaKey) -> ParsedCertificate {
        let time = |at: SystemTime| Time::try_from(at).unwrap();
        let serial = self.key.subject_public_key.raw_bytes();
        let tbs = Tbs {
            version: 2,
            serial: SerialNumber::new(&[&[0x40], &serial[serial.len() - 8..]].concat()).unwrap(),
            signature: key.algorithm().identifier(),
            issuer: issuer.clone(),
            validity: Validity::new(time(self.from), time(self.until)),
            subject: self.subject.clone(),
            key: self.key.clone(),
            extensions: self.extensions(),
        };
        let signature = key.sign(&tbs.to_der().unwrap()).unwrap();
        let signed =
            Signed { algorithm: tbs.signature.clone(), tbs, signature: BitString::from_bytes(&signature).unwrap() };
        ParsedCertificate::from_der(&signed.to_der().unwrap()).unwrap()
    }

    fn extensions(&self) -> Vec<Extension> {
        let mut extensions = Vec::new();
        let mut add = |extn_id, critical, value: Vec<u8>| {
            extensions.push(Extension { extn_id, critical, extn_value: OctetString::new(value).unwrap() });
        };
        if let Some(constraints) = &self.constraints {
            add(rfc5280::ID_CE_BASIC_CONSTRAINTS, true, constraints.to_der().unwrap());
        }
        if let Some(usage) = self.usage {
            add(rfc5280::ID_CE_KEY_USAGE, true, KeyUsage(usage).to_der().unwrap());
        }
        if !self.extended.is_empty() {
            add(rfc5280::ID_CE_EXT_KEY_USAGE, false, ExtendedKeyUsage(self.extended.clone()).to_der().unwrap());
        }
        if let Some(email) = &self.email {
            let names = vec![GeneralName::Rfc822Name(Ia5String::new(email).unwrap())];
            add(rfc5280::ID_CE_SUBJECT_ALT_NAME, false, SubjectAltName(names).to_der().unwrap());
        }
        if !self.statements.is_empty() {
            let statements: Vec<_> = self.statements.iter().map(|id| Statement { id: *id }).collect();
            add("1.3.6.1.5.5.7.1.3".parse().unwrap(), false, statements.to_der().unwrap());
        }
        if let Some(oid) = self.critical {
            add(oid, true, vec![5, 0]);
        }
        if let Some(hollow) = extensions.iter_mut().find(|one| Some(one.extn_id) == self.hollow) {
            hollow.extn_value = OctetString::new(vec![0x30, 0x80]).unwrap();
        }
        let twice = extensions.iter().find(|one| Some(one.extn_id) == self.twice).cloned();
        extensions.extend(twice);
        extensions
    }
}

#[derive(Sequence)]
struct Statement {
    id: ObjectIdentifier,
}

#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct Signed {
    tbs: Tbs,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// A card of the simulator, with a pair in slots 1 and 2 that ends in 20 days.
pub struct Holder {
    pub connection: SimulatorConnection,
    pub old: Pair<ParsedCertificate>,
}

impl Holder {
    pub fn new(house: &House) -> Self {
        Self::with(house, KeyAlgorithm::P256, |_, _| {})
    }

    pub fn with(house: &House, algorithm: KeyAlgorithm, change: impl Fn(KeyRole, &mut Draft)) -> Self {
        let mut card = Self::empty_card();
        let old = Self::personalise(&mut card, house, algorithm, [1, 2], change);
        Self { connection: SimulatorConnection::new(card), old }
    }

    pub fn empty_card() -> Card {
        Self::empty_card_with_serial("OBN00000001")
    }

    pub fn empty_card_with_serial(serial: &str) -> Card {
        let card = Personalisation::new(serial).label("Jana Nováková");
        card.active(AUTHENTICATION_PIN.as_bytes(), SIGNATURE_PIN.as_bytes(), b"12345678").finish().unwrap()
    }

    pub fn personalise(
        card: &mut Card,
        house: &House,
        algorithm: KeyAlgorithm,
        slots: [u8; 2],
        change: impl Fn(KeyRole, &mut Draft),
    ) -> Pair<ParsedCertificate> {
        Pair::from_fn(|role| {
            let (number, role_on_card, label) = match role {
                KeyRole::Authentication => (slots[0], obnova_profile::KeyRole::Authentication, "Authentication"),
                KeyRole::Signature => (slots[1], obnova_profile::KeyRole::Signature, "Signature"),
            };
            let (slot, label) = (SlotNumber::new(number).unwrap(), Label::new(label).unwrap());
            let key = card.personalise_key(slot, role_on_card, algorithm, &label).unwrap();
            let mut draft = Draft::new(role, key);
            (draft.from, draft.until) = (now() - days(345), now() + days(20));
            change(role, &mut draft);
            let certificate = house.issue(&draft);
            card.personalise_certificate(slot, certificate.der(), &label).unwrap();
            certificate
        })
    }

    pub fn token(&self) -> ProfileToken<SimulatorConnection> {
        ProfileToken::new(self.connection.clone())
    }

    pub fn view(&self) -> CardView {
        view(&mut self.token())
    }

    /// Certifies the keys as often as the card can list it, and each time holds the plan against what the card takes. The plan and the
    /// certificates that it took no more come back.
    pub fn fill(&self, house: &House) -> (Plan, Pair<ParsedCertificate>) {
        let same_key = Policy { method: Method::SameKey, ..Policy::twins() };
        for renewal in 1.. {
            let mut card = self.view();
            let told = Plan::make(&card, &same_key, now()).map_err(|refused| refused.reasons);
            card.capabilities.directory = None;
            let plan = Plan::make(&card, &same_key, now()).unwrap();
            let new = Pair::from_fn(|role| {
                let mut draft = Draft::new(role, self.old.get(role).public_key().clone());
                (draft.from, draft.until) = (now() - days(345), now() + days(20) + Duration::from_secs(renewal));
                house.issue(&draft)
            });
            let job = |(role, planned): (_, &NewKey)| InstallCertificate {
                slot: planned.slot,
                certificate: new.get(role).der().to_vec(),
                label: planned.label.clone(),
            };
            let jobs: Vec<_> = plan.new.iter().map(job).collect();
            let superseded: Vec<_> = plan.old.iter().map(|(_, old)| old.slot).collect();
            let pin = Pin::new(Secret::from(AUTHENTICATION_PIN));
            match self.token().install(&jobs, &superseded, &pin) {
                Ok(()) => assert_eq!(told.as_ref(), Ok(&plan), "renewal {renewal}"),
                Err(TokenError::Full) => {
                    assert_eq!(told, Err(vec![Reason::CardFull]), "renewal {renewal}");
                    return (plan, new);
                }
                Err(error) => panic!("renewal {renewal}: {error}"),
            }
        }
        unreachable!("no card is endless")
    }
}

pub fn view(token: &mut dyn Token) -> CardView {
    CardView::new(
        token.identity().unwrap(),
        token.capabilities().unwrap(),
        token.passwords().unwrap(),
        token.slots().unwrap(),
    )
}

pub fn pin_for(password: obnova_card::PasswordKind) -> Secret {
    match password {
        obnova_card::PasswordKind::SignaturePin => Secret::from(SIGNATURE_PIN),
        _ => Secret::from(AUTHENTICATION_PIN),
    }
}
