//! CRLs from both sides: what is written is read, and what must not be believed is not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    cell::Cell,
    io,
    time::{Duration, SystemTime},
};

use common::{CA, DAY, JANA, Key, LONG, PETR, Wanted, World, ca_extensions, extension, noon, sequence, tlv};
use const_oid::{
    ObjectIdentifier,
    db::rfc5280::{
        ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS,
        ID_CE_DELTA_CRL_INDICATOR, ID_CE_FRESHEST_CRL, ID_CE_HOLD_INSTRUCTION_CODE, ID_CE_INVALIDITY_DATE,
        ID_CE_ISSUING_DISTRIBUTION_POINT,
    },
};
use der::{Decode, Encode, asn1::Any};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, VerifyError};
use obnova_status::{
    Authority, ExtensionError, Revocation, RevocationReason, Rules, SerialNumber, SignatureError, Status, TimeError,
    crl::{BuildError, Crl, CrlBuilder, CrlError, CrlNumber, Entry, NotListed, ParseError, WriteError},
    limits::MAX_CRL,
};
use x509_cert::ext::{
    Extension,
    pkix::{KeyUsage, KeyUsages},
};

const HOUR: Duration = Duration::from_secs(3600);

fn entry(serial: u64, reason: RevocationReason) -> Entry {
    Entry::new(SerialNumber::from(serial), Revocation::new(noon() - HOUR, reason))
}

fn status(world: &World, crl: &[u8], certificate: &[u8]) -> Status {
    let list = Crl::parse(crl).unwrap().verify(&world.authority(), noon(), &Rules::default()).unwrap();
    list.status(certificate).unwrap()
}

#[test]
fn what_is_in_the_list_is_revoked_and_nothing_else() {
    for kind in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
        let world = World::with(kind, KeyAlgorithm::P256);
        for reason in RevocationReason::ALL {
            for invalid_since in [None, Some(noon() - DAY)] {
                let mut petr = entry(PETR, reason);
                petr.revocation.invalid_since = invalid_since;
                let list = [entry(7, RevocationReason::Superseded), petr.clone()];
                let der = world.crl(&list);
                assert_eq!(status(&world, &der, &world.petr), Status::Revoked(petr.revocation));
                assert_eq!(status(&world, &der, &world.jana), Status::Good);
                let parsed = Crl::parse(&der).unwrap();
                assert_eq!(parsed.number(), Some(CrlNumber::from(7)));
                assert_eq!((parsed.this_update(), parsed.next_update()), (noon(), Some(noon() + DAY)));
                assert_eq!(parsed.issuer().to_string(), CA);
                let trusted = parsed.verify(&world.authority(), noon(), &Rules::default()).unwrap();
                assert_eq!(trusted.number(), Some(CrlNumber::from(7)));
                assert_eq!((trusted.this_update(), trusted.next_update()), (noon(), Some(noon() + DAY)));
                assert_eq!(trusted.entries().collect::<Result<Vec<_>, _>>().unwrap(), list);
            }
        }
    }
}

#[test]
fn a_hold_is_released_by_the_next_list() {
    let world = World::new();
    let held = world.crl(&[entry(JANA, RevocationReason::CertificateHold)]);
    let Status::Revoked(revocation) = status(&world, &held, &world.jana) else { panic!("not held") };
    assert!(revocation.is_hold());
    let released = world.crl(&[]);
    assert_eq!(status(&world, &released, &world.jana), Status::Good);
    let fields = Vec::<Any>::from_der(&Vec::<Any>::from_der(&released).unwrap()[0].to_der().unwrap()).unwrap();
    assert_eq!(fields.len(), 6, "no revokedCertificates where there are none");
}

#[test]
fn what_expired_long_ago_is_left_out_when_that_is_wanted() {
    let world = World::new();
    let expires = |serial, expires| Entry { expires, ..entry(serial, RevocationReason::Superseded) };
    let entries = [
        expires(1, Some(noon() - DAY * 8)),
        expires(2, Some(noon() - DAY * 7)),
        expires(3, Some(noon() + DAY)),
        expires(4, None),
    ];
    let builder = CrlBuilder::new(&world.authority(), CrlNumber::from(1), noon(), noon() + DAY);
    let left = |builder: CrlBuilder| {
        let to_sign = builder.finalize(|| entries.iter().cloned().map(Ok)).unwrap();
        let der = to_sign.assemble(&world.ca_key.sign(to_sign.digest())).unwrap();
        let trusted = Crl::parse(&der).unwrap().verify(&world.authority(), noon(), &Rules::default()).unwrap();
        let serials: Vec<_> = trusted.entries().map(|entry| entry.unwrap().serial).collect();
        assert_eq!(to_sign.entries(), serials.len());
        serials
    };
    let serials = |all: &[u64]| all.iter().map(|serial| SerialNumber::from(*serial)).collect::<Vec<_>>();
    assert_eq!(left(builder.clone()), serials(&[1, 2, 3, 4]));
    assert_eq!(left(builder.clone().drop_expired(DAY * 7)), serials(&[2, 3, 4]));
    assert_eq!(left(builder.clone().drop_expired(Duration::ZERO)), serials(&[3, 4]));
    assert_eq!(left(builder.drop_expired(Duration::MAX)), serials(&[1, 2, 3, 4]));
}

#[test]
fn a_list_that_nobody_would_believe_is_not_made() {
    let world = World::new();
    let builder = |authority: &Authority, until| CrlBuilder::new(authority, CrlNumber::from(1), noon(), until);
    let none = || std::iter::empty::<io::Result<Entry>>();
    assert!(matches!(builder(&world.authority(), noon()).finalize(none), Err(BuildError::Validity)));
    let extensions = ca_extensions(KeyUsage(KeyUsages::KeyCertSign.into()), &world.ca_key);
    let key = world.ca_key.public();
    let ca = Wanted { subject: CA, key, issuer: CA, serial: 1, extensions, validity: LONG }.signed_by(&world.ca_key);
    let cannot = Authority::from_der(&ca).unwrap();
    assert!(matches!(builder(&cannot, noon() + DAY).finalize(none), Err(BuildError::KeyUsage)));
    let by_rsa = builder(&world.authority(), noon() + DAY).algorithm(SignatureAlgorithm::RsaPss(Digest::Sha256));
    assert!(matches!(by_rsa.finalize(none), Err(BuildError::Signature(VerifyError::WrongKind { .. }))));
    let early = Revocation::new(SystemTime::UNIX_EPOCH - HOUR, RevocationReason::Superseded);
    let early = || [Ok(Entry::new(SerialNumber::from(1_u8), early))];
    assert!(matches!(builder(&world.authority(), noon() + DAY).finalize(early), Err(BuildError::Encode(_))));
    let broken = || [Err(io::Error::other("the store is gone"))];
    assert!(matches!(builder(&world.authority(), noon() + DAY).finalize(broken), Err(BuildError::Entries(_))));
}

#[test]
fn a_list_is_not_written_by_another_key_or_from_other_entries() {
    let world = World::new();
    let builder = CrlBuilder::new(&world.authority(), CrlNumber::from(1), noon(), noon() + DAY);
    let which = Cell::new(1);
    let changing = || [Ok(entry(which.get(), RevocationReason::Superseded))];
    let to_sign = builder.finalize(changing).unwrap();
    let signature = world.ca_key.sign(to_sign.digest());
    let by_another = world.responder_key.sign(to_sign.digest());
    assert!(matches!(to_sign.assemble(&by_another), Err(WriteError::Build(BuildError::Signature(_)))));
    assert!(to_sign.assemble(&signature).is_ok());
    // As long as before, longer, shorter.
    for other in [2, 0x1234_5678, 0] {
        which.set(other);
        let said = to_sign.assemble(&signature);
        assert!(matches!(said, Err(WriteError::Changed)), "{other}");
    }
    which.set(1);
    assert!(to_sign.assemble(&signature).is_ok(), "a failed try costs nothing");
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(to_sign.write(&signature, &mut Full), Err(WriteError::Io(_))));
}

/// A list by hand: its fields between version and signature.
struct List {
    version: Vec<u8>,
    issuer: Vec<u8>,
    times: Vec<u8>,
    entries: Vec<u8>,
    extensions: Vec<Extension>,
}

fn time(at: SystemTime) -> Vec<u8> {
    x509_cert::time::Time::try_from(at).unwrap().to_der().unwrap()
}

impl List {
    fn new() -> Self {
        Self {
            version: vec![2, 1, 1],
            issuer: CA.parse::<x509_cert::name::Name>().unwrap().to_der().unwrap(),
            times: [time(noon()), time(noon() + DAY)].concat(),
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    fn signed_by(self, key: &Key) -> Vec<u8> {
        let extensions =
            if self.extensions.is_empty() { Vec::new() } else { tlv(0xa0, &self.extensions.to_der().unwrap()) };
        let entries = if self.entries.is_empty() { Vec::new() } else { sequence(&self.entries) };
        let algorithm = key.algorithm().identifier().to_der().unwrap();
        let tbs = [self.version, algorithm, self.issuer, self.times, entries, extensions].concat();
        sequence(&key.signed(&sequence(&tbs)))
    }
}

fn entry_with(extensions: &[Extension]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { Vec::new() } else { extensions.to_vec().to_der().unwrap() };
    sequence(&[&SerialNumber::from(JANA).to_der().unwrap()[..], &time(noon()), &extensions].concat())
}

fn verdict(world: &World, der: &[u8], now: SystemTime) -> Result<(), CrlError> {
    Crl::parse(der).unwrap().verify(&world.authority(), now, &Rules::default()).map(drop)
}

#[test]
fn a_list_of_another_ca_or_key_is_not_believed() {
    let world = World::new();
    let honest = world.crl(&[]);
    assert_eq!(verdict(&world, &honest, noon()), Ok(()));
    let wrong = Err(CrlError::Signature(SignatureError::Verify(VerifyError::WrongSignature)));
    assert_eq!(verdict(&world, &World::new().crl(&[]), noon()), Err(CrlError::OtherKey));
    assert_eq!(verdict(&world, &List::new().signed_by(&world.ca_key), noon()), Ok(()), "by hand");
    assert_eq!(verdict(&world, &List::new().signed_by(&world.responder_key), noon()), wrong);
    let issuer = "CN=Other CA".parse::<x509_cert::name::Name>().unwrap().to_der().unwrap();
    let other = List { issuer, ..List::new() }.signed_by(&world.ca_key);
    assert!(matches!(verdict(&world, &other, noon()), Err(CrlError::OtherIssuer { .. })));

    let extensions = ca_extensions(KeyUsage(KeyUsages::KeyCertSign.into()), &world.ca_key);
    let key = world.ca_key.public();
    let ca = Wanted { subject: CA, key, issuer: CA, serial: 1, extensions, validity: LONG }.signed_by(&world.ca_key);
    let may_not = Authority::from_der(&ca).unwrap();
    let said = Crl::parse(&honest).unwrap().verify(&may_not, noon(), &Rules::default()).map(drop);
    assert_eq!(said, Err(CrlError::KeyUsage));
}

#[test]
fn a_list_says_nothing_of_another_cas_certificates() {
    let (world, stranger) = (World::new(), World::new());
    let der = world.crl(&[entry(JANA, RevocationReason::KeyCompromise)]);
    let trusted = Crl::parse(&der).unwrap().verify(&world.authority(), noon(), &Rules::default()).unwrap();
    assert!(matches!(trusted.status(&stranger.jana), Err(NotListed::Issuer(_))));
    assert!(matches!(trusted.status(b"garbage"), Err(NotListed::Certificate(_))));
    assert!(trusted.find(&SerialNumber::from(JANA)).unwrap().is_some());
    assert_eq!(trusted.find(&SerialNumber::from(JANA + 1)), Ok(None));
}

#[test]
fn a_list_that_is_old_or_from_the_future_is_not_believed() {
    let world = World::new();
    let rules = Rules::default();
    let honest = world.crl(&[]);
    let second = Duration::from_secs(1);
    assert_eq!(verdict(&world, &honest, noon() + DAY + rules.skew), Ok(()));
    let said = verdict(&world, &honest, noon() + DAY + rules.skew + second);
    assert_eq!(said, Err(CrlError::Time(TimeError::Expired)));
    let said = verdict(&world, &honest, noon() - rules.skew - second);
    assert_eq!(said, Err(CrlError::Time(TimeError::NotYet)));
    let endless = List { times: time(noon()), ..List::new() }.signed_by(&world.ca_key);
    assert_eq!(verdict(&world, &endless, noon() + rules.max_age + rules.skew), Ok(()));
    let said = verdict(&world, &endless, noon() + rules.max_age + rules.skew + second);
    assert_eq!(said, Err(CrlError::Time(TimeError::TooOld)));
    let inverted = List { times: [time(noon()), time(noon() - DAY)].concat(), ..List::new() }.signed_by(&world.ca_key);
    assert_eq!(verdict(&world, &inverted, noon()), Err(CrlError::Time(TimeError::Inverted)));
}

#[test]
fn a_part_of_a_list_is_refused_by_name() {
    let world = World::new();
    let with = |extensions| Crl::parse(&List { extensions, ..List::new() }.signed_by(&world.ca_key)).map(drop);
    let of = |oid, critical| extension(oid, critical, &5_u8);
    for critical in [true, false] {
        assert!(
            matches!(with(vec![of(ID_CE_ISSUING_DISTRIBUTION_POINT, critical)]), Err(ParseError::Partial(part)) if part.contains("issuingDistributionPoint"))
        );
        assert!(
            matches!(with(vec![of(ID_CE_DELTA_CRL_INDICATOR, critical)]), Err(ParseError::Partial(part)) if part.contains("delta"))
        );
    }
    assert_eq!(with(vec![of(ID_CE_FRESHEST_CRL, false)]), Ok(()));
    let oid = ID_CE_FRESHEST_CRL;
    assert_eq!(with(vec![of(oid, true)]), Err(ParseError::Extension(ExtensionError::Critical { oid })));
    assert_eq!(with(vec![of(oid, false), of(oid, false)]), Err(ParseError::Extension(ExtensionError::Twice { oid })));
    let oid = ID_CE_AUTHORITY_KEY_IDENTIFIER;
    assert_eq!(with(vec![of(oid, false)]), Err(ParseError::Extension(ExtensionError::Malformed { oid })));
    let oid = ID_CE_CRL_NUMBER;
    for number in [&[2, 1, 0x80][..], &[5, 0], &[&[2, 21, 1][..], &[0; 20]].concat()] {
        let number =
            Extension { extn_id: oid, critical: false, extn_value: der::asn1::OctetString::new(number).unwrap() };
        assert_eq!(with(vec![number]), Err(ParseError::Extension(ExtensionError::Malformed { oid })));
    }

    let parse = |entries: Vec<u8>| Crl::parse(&List { entries, ..List::new() }.signed_by(&world.ca_key)).map(drop);
    assert_eq!(parse(entry_with(&[])), Ok(()));
    let last = |extensions: &[Extension]| parse([entry_with(&[]), entry_with(extensions)].concat());
    let indirect = last(&[of(ID_CE_CERTIFICATE_ISSUER, true)]);
    assert!(matches!(indirect, Err(ParseError::Partial(part)) if part.contains("indirect")));
    let oid = ID_CE_HOLD_INSTRUCTION_CODE;
    assert_eq!(last(&[of(oid, false)]), Ok(()));
    assert_eq!(last(&[of(oid, true)]), Err(ParseError::Extension(ExtensionError::Critical { oid })));
    assert_eq!(last(&[of(oid, false), of(oid, false)]), Err(ParseError::Extension(ExtensionError::Twice { oid })));
    for oid in [ID_CE_CRL_REASONS, ID_CE_INVALIDITY_DATE] {
        assert_eq!(last(&[of(oid, false)]), Err(ParseError::Extension(ExtensionError::Malformed { oid })));
    }
    let remove = extension(ID_CE_CRL_REASONS, false, &x509_cert::ext::pkix::CrlReason::RemoveFromCRL);
    assert_eq!(last(&[remove]), Err(ParseError::RemoveFromCrl));
    let negative = sequence(&[&[2, 2, 0, 1][..], &time(noon())].concat());
    assert!(matches!(parse(negative), Err(ParseError::Malformed(_))), "a serial number that is not minimal");
}

#[test]
fn a_list_has_the_version_of_what_is_in_it() {
    let world = World::new();
    let parse = |version: &[u8], extensions| {
        let list = List { version: version.to_vec(), extensions, ..List::new() };
        Crl::parse(&list.signed_by(&world.ca_key)).map(drop)
    };
    let some = || vec![extension(ID_CE_FRESHEST_CRL, false, &5_u8)];
    assert_eq!(parse(&[], Vec::new()), Ok(()), "v1");
    assert_eq!(parse(&[2, 1, 1], some()), Ok(()));
    assert_eq!(parse(&[], some()), Err(ParseError::Version));
    assert_eq!(parse(&[2, 1, 0], Vec::new()), Err(ParseError::Version));
    assert_eq!(parse(&[2, 1, 2], some()), Err(ParseError::Version));
}

#[test]
fn garbage_is_no_list() {
    let world = World::new();
    let honest = world.crl(&[entry(JANA, RevocationReason::KeyCompromise)]);
    for length in 0..honest.len() {
        assert!(matches!(Crl::parse(&honest[..length]), Err(ParseError::Malformed(_))), "cut off after {length}");
    }
    assert!(matches!(Crl::parse(&[&honest[..], &[0]].concat()), Err(ParseError::Malformed(_))));
    let nested = (0..1000).fold(Vec::new(), |inner, _| sequence(&inner));
    for garbage in [&b"<html>"[..], &[0x30, 0x80, 0, 0], &nested, &world.jana, &[0x30; 10_000]] {
        assert!(Crl::parse(garbage).is_err());
    }
    let in_entries = List { entries: nested, ..List::new() }.signed_by(&world.ca_key);
    assert!(matches!(Crl::parse(&in_entries), Err(ParseError::Malformed(_))));
    let size = MAX_CRL + 1;
    let endless = vec![0x30; size];
    assert_eq!(Crl::parse(&endless).map(drop), Err(ParseError::TooLong { size }));
    assert!(matches!(Crl::parse(&endless[..MAX_CRL]), Err(ParseError::Malformed(_))));
    let mut mixed = honest.clone();
    let ecdsa = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2").to_der().unwrap();
    let at = mixed.windows(ecdsa.len()).rposition(|window| window == ecdsa).unwrap();
    mixed[at + ecdsa.len() - 1] = 3;
    assert_eq!(Crl::parse(&mixed).map(drop), Err(ParseError::MixedAlgorithms));
    for bit in 0..honest.len() * 8 {
        let mut changed = honest.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let believed =
            Crl::parse(&changed).is_ok_and(|crl| crl.verify(&world.authority(), noon(), &Rules::default()).is_ok());
        assert!(!believed, "bit {} of byte {}", bit % 8, bit / 8);
    }
}
