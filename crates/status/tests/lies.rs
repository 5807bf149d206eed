//! What a client must not believe: one lie a line, each with its own error.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{CA, DAY, Key, LONG, RESPONDER, Wanted, World, extension, nonce, noon, sequence, tlv};
use const_oid::{
    ObjectIdentifier,
    db::{
        rfc5280::{
            ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_INHIBIT_ANY_POLICY, ID_CE_KEY_USAGE,
            ID_CE_NAME_CONSTRAINTS,
        },
        rfc6960::{ID_PKIX_OCSP_NOCHECK, ID_PKIX_OCSP_NONCE, ID_PKIX_OCSP_RESPONSE},
    },
};
use der::{Decode, Encode, asn1::Any};
use obnova_algorithm::VerifyError;
use obnova_status::{
    ExtensionError, NotIssued, Rules, SignatureError, Status, TimeError,
    limits::{MAX_CERTIFICATES, MAX_RESPONSE},
    ocsp::{CertStatus, DelegateError, OcspError, Question, Verdict, responder_extensions},
};
use x509_cert::ext::{
    Extension,
    pkix::{KeyUsage, KeyUsages},
};

/// A `BasicOCSPResponse`, to be put together otherwise.
#[derive(Clone)]
struct Basic {
    tbs: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    certificates: Vec<Vec<u8>>,
}

impl Basic {
    fn take_apart(response: &[u8]) -> Self {
        let fields = |der: &[u8]| Vec::<Any>::from_der(der).unwrap();
        // OCSPResponse, [0], ResponseBytes, OCTET STRING, BasicOCSPResponse.
        let bytes = fields(fields(response)[1].value());
        let basic = fields(bytes[1].value());
        let der = |any: &Any| any.to_der().unwrap();
        let certificates =
            basic.get(3).map_or_else(Vec::new, |certificates| fields(certificates.value()).iter().map(der).collect());
        Self { tbs: der(&basic[0]), algorithm: der(&basic[1]), signature: der(&basic[2]), certificates }
    }

    fn put_together(&self) -> Vec<u8> {
        let certificates = tlv(0xa0, &sequence(&self.certificates.concat()));
        let basic = sequence(&[&self.tbs[..], &self.algorithm, &self.signature, &certificates].concat());
        wrapped(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1"), &basic)
    }

    /// Other content, truly signed.
    fn resigned(mut self, key: &Key, change: impl FnOnce(&mut Vec<Any>)) -> Vec<u8> {
        let mut fields = Vec::<Any>::from_der(&self.tbs).unwrap();
        change(&mut fields);
        self.tbs = fields.to_der().unwrap();
        let signed = Vec::<Any>::from_der(&sequence(&key.signed(&self.tbs))).unwrap();
        (self.algorithm, self.signature) = (signed[1].to_der().unwrap(), signed[2].to_der().unwrap());
        self.put_together()
    }

    fn with(&self, certificates: &[&[u8]]) -> Vec<u8> {
        Self { certificates: certificates.iter().map(|der| der.to_vec()).collect(), ..self.clone() }.put_together()
    }
}

fn wrapped(kind: ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    let bytes = sequence(&[kind.to_der().unwrap(), tlv(0x04, content)].concat());
    sequence(&[&[0x0a, 1, 0][..], &tlv(0xa0, &bytes)].concat())
}

fn any(der: &[u8]) -> Any {
    Any::from_der(der).unwrap()
}

/// The SingleResponse as fields, changed.
fn in_single(fields: &mut [Any], change: impl FnOnce(&mut Vec<Any>)) {
    let responses = fields.iter_mut().find(|field| field.header().tag() == der::Tag::Sequence).unwrap();
    let mut single = Vec::<Vec<Any>>::from_der(&responses.to_der().unwrap()).unwrap();
    change(&mut single[0]);
    *responses = any(&single.to_der().unwrap());
}

struct Case {
    world: World,
    question: Question,
    honest: Vec<u8>,
}

impl Case {
    fn new() -> Self {
        let world = World::new();
        let question = world.question();
        let honest = world.answer(&question.to_der().unwrap(), CertStatus::Good);
        Self { world, question, honest }
    }

    fn told(&self, response: &[u8]) -> Result<Verdict, OcspError> {
        self.question.check(response, noon(), &Rules::default())
    }

    fn lie(&self, response: &[u8]) -> OcspError {
        self.told(response).unwrap_err()
    }

    /// The honest answer, by the responder's key, with another certificate for that key.
    fn by(&self, extensions: Vec<Extension>, change: impl FnOnce(&mut Wanted<'_>), signer: &Key) -> Vec<u8> {
        let key = self.world.responder_key.public();
        let mut wanted = Wanted { subject: RESPONDER, key, issuer: CA, serial: 3, extensions, validity: LONG };
        change(&mut wanted);
        Basic::take_apart(&self.honest).with(&[&wanted.signed_by(signer)])
    }

    fn delegate(
        &self,
        extensions: Vec<Extension>,
        change: impl FnOnce(&mut Wanted<'_>),
        signer: &Key,
    ) -> DelegateError {
        match self.lie(&self.by(extensions, change, signer)) {
            OcspError::Delegate(error) => error,
            other => panic!("{other}"),
        }
    }
}

/// The sound extensions without one, and with another.
fn but(without: ObjectIdentifier, with: Option<Extension>) -> Vec<Extension> {
    let kept = responder_extensions().unwrap().into_iter().filter(|extension| extension.extn_id != without);
    kept.chain(with).collect()
}

#[test]
fn the_honest_answer_is_believed_also_when_it_is_put_together_again() {
    let case = Case::new();
    assert_eq!(case.told(&case.honest).unwrap().status, Status::Good);
    assert_eq!(Basic::take_apart(&case.honest).put_together(), case.honest);
    let same = Basic::take_apart(&case.honest).resigned(&case.world.responder_key, |_| ());
    assert!(case.told(&same).is_ok());
    assert!(case.told(&case.by(responder_extensions().unwrap(), |_| (), &case.world.ca_key)).is_ok());
}

#[test]
fn another_key_signed() {
    let case = Case::new();
    let wrong = OcspError::Signature(SignatureError::Verify(VerifyError::WrongSignature));
    let by_another = Basic::take_apart(&case.honest).resigned(&Key::p256(), |_| ());
    assert_eq!(case.lie(&by_another), wrong);
    // The CA's key may, but then the answer has to say that it is the CA's.
    assert_eq!(case.lie(&Basic::take_apart(&case.honest).resigned(&case.world.ca_key, |_| ())), wrong);
    let mut basic = Basic::take_apart(&case.honest);
    basic.algorithm = sequence(&ObjectIdentifier::new_unwrap("1.2.840.10045.4.1").to_der().unwrap());
    let sha1 = case.lie(&basic.put_together());
    assert!(matches!(sha1, OcspError::Signature(SignatureError::Algorithm(_))), "{sha1}");
}

#[test]
fn the_answer_is_by_a_stranger() {
    let case = Case::new();
    let stranger = World::new();
    let response = stranger.answer(&stranger.question().to_der().unwrap(), CertStatus::Good);
    let said = case.lie(&response);
    assert!(matches!(said, OcspError::Delegate(DelegateError::Issuer(NotIssued::Signature(_)))), "{said}");
    assert_eq!(case.lie(&Basic::take_apart(&case.honest).with(&[])), OcspError::UnknownResponder);
    let others = [&case.world.ca[..], &case.world.jana];
    assert_eq!(case.lie(&Basic::take_apart(&case.honest).with(&others)), OcspError::UnknownResponder);
}

#[test]
fn the_responder_may_not_answer_for_the_ca() {
    let case = Case::new();
    let ca = &case.world.ca_key;
    let sound = || responder_extensions().unwrap();
    assert_eq!(case.delegate(but(ID_CE_EXT_KEY_USAGE, None), |_| (), ca), DelegateError::NoOcspSigning);
    assert_eq!(case.delegate(but(ID_PKIX_OCSP_NOCHECK, None), |_| (), ca), DelegateError::NoCheckMissing);
    let other_usage = extension(ID_CE_KEY_USAGE, true, &KeyUsage(KeyUsages::KeyCertSign.into()));
    assert_eq!(case.delegate(but(ID_CE_KEY_USAGE, Some(other_usage)), |_| (), ca), DelegateError::KeyUsage);
    let odd = extension(ID_CE_NAME_CONSTRAINTS, true, &5_u8);
    assert_eq!(
        case.delegate(but(ID_CE_NAME_CONSTRAINTS, Some(odd)), |_| (), ca),
        DelegateError::Extension(ExtensionError::Critical { oid: ID_CE_NAME_CONSTRAINTS })
    );
    let again = sound()[2].clone();
    assert_eq!(
        case.delegate(but(ID_CE_NAME_CONSTRAINTS, Some(again)), |_| (), ca),
        DelegateError::Extension(ExtensionError::Twice { oid: ID_CE_EXT_KEY_USAGE })
    );
    let garbled = extension(ID_CE_EXT_KEY_USAGE, false, &5_u8);
    assert_eq!(
        case.delegate(but(ID_CE_EXT_KEY_USAGE, Some(garbled)), |_| (), ca),
        DelegateError::Extension(ExtensionError::Malformed { oid: ID_CE_EXT_KEY_USAGE })
    );
    let skew = Rules::default().skew.as_secs();
    let noon = noon().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let over = |wanted: &mut Wanted<'_>| wanted.validity.1 = noon - skew - 1;
    assert_eq!(case.delegate(sound(), over, ca), DelegateError::Validity);
    let early = |wanted: &mut Wanted<'_>| wanted.validity.0 = noon + skew + 1;
    assert_eq!(case.delegate(sound(), early, ca), DelegateError::Validity);
    let other_name = |wanted: &mut Wanted<'_>| wanted.issuer = "CN=Other CA";
    assert!(matches!(case.delegate(sound(), other_name, ca), DelegateError::Issuer(NotIssued::OtherName { .. })));
    let signed_by_itself = case.delegate(sound(), |_| (), &case.world.responder_key);
    assert!(matches!(signed_by_itself, DelegateError::Issuer(NotIssued::Signature(_))), "{signed_by_itself}");
}

#[test]
fn what_the_rules_let_pass_is_only_what_they_name() {
    let case = Case::new();
    let ca = &case.world.ca_key;
    let lenient = Rules { without_no_check: true, ..Rules::default() };
    let response = case.by(but(ID_PKIX_OCSP_NOCHECK, None), |_| (), ca);
    assert!(case.question.check(&response, noon(), &lenient).is_ok());
    assert!(case.question.check(&case.by(but(ID_CE_EXT_KEY_USAGE, None), |_| (), ca), noon(), &lenient).is_err());
    // Nobody has to say what is not a CA, or restrict its key.
    assert!(case.told(&case.by(but(ID_CE_BASIC_CONSTRAINTS, None), |_| (), ca)).is_ok());
    assert!(case.told(&case.by(but(ID_CE_KEY_USAGE, None), |_| (), ca)).is_ok());
}

#[test]
fn of_many_certificates_only_the_first_of_the_responder_counts() {
    let case = Case::new();
    let key = case.world.responder_key.public();
    let lying = Wanted { subject: RESPONDER, key, issuer: CA, serial: 3, extensions: Vec::new(), validity: LONG };
    let lying = lying.signed_by(&case.world.ca_key);
    let sound = &case.world.responder[..];
    let basic = Basic::take_apart(&case.honest);
    assert_eq!(case.lie(&basic.with(&[&lying, sound])), OcspError::Delegate(DelegateError::NoOcspSigning));
    assert!(case.told(&basic.with(&[sound, &lying])).is_ok());
    assert!(case.told(&basic.with(&[&case.world.jana, sound])).is_ok());
    assert!(case.told(&basic.with(&[sound; MAX_CERTIFICATES])).is_ok());
    let count = MAX_CERTIFICATES + 1;
    assert_eq!(case.lie(&basic.with(&vec![sound; count])), OcspError::TooManyCertificates { count });
    // One that cannot be read is nobody's; it is told only when the responder's is not there.
    assert!(case.told(&basic.with(&[&sequence(b""), sound])).is_ok());
    let unreadable = case.lie(&basic.with(&[&sequence(b""), &case.world.jana]));
    assert!(matches!(unreadable, OcspError::Certificate(_)), "{unreadable}");
}

#[test]
fn the_answer_is_to_another_request() {
    let case = Case::new();
    let authority = case.world.authority();
    let plain = Question::about(&case.world.jana, &authority).unwrap();
    let played_back = case.world.answer(&plain.clone().nonce(nonce(2)).to_der().unwrap(), CertStatus::Good);
    assert_eq!(case.lie(&played_back), OcspError::WrongNonce);
    let stored = case.world.answer(&plain.to_der().unwrap(), CertStatus::Good);
    assert_eq!(case.lie(&stored), OcspError::NoNonce);
    let lenient = Rules { without_nonce: true, ..Rules::default() };
    assert!(case.question.check(&stored, noon(), &lenient).is_ok());
    assert_eq!(case.question.check(&played_back, noon(), &lenient), Err(OcspError::WrongNonce));
    assert!(plain.check(&stored, noon(), &Rules::default()).is_ok(), "none was asked for");
    assert!(plain.check(&played_back, noon(), &Rules::default()).is_ok(), "none was asked for");

    let petr = Question::about(&case.world.petr, &authority).unwrap().nonce(nonce(1));
    let about_petr = case.world.answer(&petr.to_der().unwrap(), CertStatus::Good);
    assert_eq!(case.lie(&about_petr), OcspError::OtherCertificate);

    let basic = Basic::take_apart(&case.honest);
    let garbled = basic.resigned(&case.world.responder_key, |fields| {
        let bad = extension(ID_PKIX_OCSP_NONCE, false, &5_u8).to_der().unwrap();
        *fields.last_mut().unwrap() = any(&tlv(0xa1, &sequence(&bad)));
    });
    assert_eq!(case.lie(&garbled), OcspError::Extension(ExtensionError::Malformed { oid: ID_PKIX_OCSP_NONCE }));
}

#[test]
fn the_answer_is_old_or_from_the_future() {
    let case = Case::new();
    let rules = Rules::default();
    let told = |now| case.question.check(&case.honest, now, &rules);
    let (second, valid) = (Duration::from_secs(1), Duration::from_secs(3600));
    assert!(told(noon() + valid + rules.skew).is_ok());
    assert_eq!(told(noon() + valid + rules.skew + second), Err(OcspError::Time(TimeError::Expired)));
    assert!(told(noon() - rules.skew).is_ok());
    assert_eq!(told(noon() - rules.skew - second), Err(OcspError::Time(TimeError::NotYet)));

    let basic = Basic::take_apart(&case.honest);
    let key = &case.world.responder_key;
    let time = |at| any(&der::asn1::GeneralizedTime::from_system_time(at).unwrap().to_der().unwrap());
    let produced_later = basic.clone().resigned(key, |fields| fields[1] = time(noon() + DAY));
    assert_eq!(case.lie(&produced_later), OcspError::Time(TimeError::NotYet));
    let known_later = basic.clone().resigned(key, |fields| in_single(fields, |single| single[2] = time(noon() + DAY)));
    assert_eq!(case.lie(&known_later), OcspError::Time(TimeError::Inverted));

    let endless = basic.resigned(key, |fields| in_single(fields, |single| drop(single.remove(3))));
    let told = |now| case.question.check(&endless, now, &rules);
    assert_eq!(told(noon() + rules.max_age + rules.skew).unwrap().next_update, None);
    assert_eq!(told(noon() + rules.max_age + rules.skew + second), Err(OcspError::Time(TimeError::TooOld)));
    assert_eq!(told(noon() - rules.skew - second), Err(OcspError::Time(TimeError::NotYet)));
}

#[test]
fn the_answer_says_two_things_or_says_more_than_is_understood() {
    let case = Case::new();
    let key = &case.world.responder_key;
    let basic = Basic::take_apart(&case.honest);
    let twice = basic.clone().resigned(key, |fields| {
        let one = Vec::<Any>::from_der(&fields[2].to_der().unwrap()).unwrap().remove(0);
        fields[2] = any(&vec![one.clone(), one].to_der().unwrap());
    });
    assert_eq!(case.lie(&twice), OcspError::AnsweredTwice);
    let none = basic.clone().resigned(key, |fields| fields[2] = any(&sequence(b"")));
    assert_eq!(case.lie(&none), OcspError::OtherCertificate);

    let critical = OcspError::Extension(ExtensionError::Critical { oid: ID_CE_INHIBIT_ANY_POLICY });
    for (is_critical, in_response) in [(true, true), (true, false), (false, true), (false, false)] {
        let odd = extension(ID_CE_INHIBIT_ANY_POLICY, is_critical, &5_u8).to_der().unwrap();
        let response = basic.clone().resigned(key, |fields| {
            if in_response {
                let mut extensions = Vec::<Any>::from_der(fields[3].value()).unwrap();
                extensions.push(any(&odd));
                fields[3] = any(&tlv(0xa1, &extensions.to_der().unwrap()));
            } else {
                in_single(fields, |single| single.push(any(&tlv(0xa1, &sequence(&odd)))));
            }
        });
        let said = case.told(&response);
        assert_eq!(said.err(), is_critical.then(|| critical.clone()), "{is_critical} {in_response}");
    }
    let version_2 = basic.clone().resigned(key, |fields| fields.insert(0, any(&tlv(0xa0, &[2, 1, 1]))));
    assert_eq!(case.lie(&version_2), OcspError::Version { version: 1 });
    let removed = basic.resigned(key, |fields| {
        let revoked = [&b"\x18\x0f20270115000000Z"[..], &tlv(0xa0, &[0x0a, 1, 8])].concat();
        in_single(fields, |single| single[1] = any(&tlv(0xa1, &revoked)));
    });
    assert!(matches!(case.lie(&removed), OcspError::Malformed(_)), "removeFromCRL is no reason");
}

#[test]
fn never_issued_is_said_in_one_way_only() {
    let case = Case::new();
    let told = |at, reason| {
        // As for what was never issued, but for one thing.
        let never = case.world.answer(&case.question.to_der().unwrap(), CertStatus::NeverIssued);
        let response = Basic::take_apart(&never).resigned(&case.world.responder_key, |fields| {
            let time = der::asn1::GeneralizedTime::from_system_time(at).unwrap().to_der().unwrap();
            let revoked = [&time[..], &tlv(0xa0, &[0x0a, 1, reason])].concat();
            in_single(fields, |single| single[1] = any(&tlv(0xa1, &revoked)));
        });
        case.told(&response).unwrap().status
    };
    let begin = std::time::UNIX_EPOCH;
    assert_eq!(told(begin, 6), Status::NeverIssued);
    assert!(matches!(told(begin, 1), Status::Revoked(_)));
    assert!(matches!(told(begin + Duration::from_secs(1), 6), Status::Revoked(_)));
}

#[test]
fn the_answer_is_none() {
    let case = Case::new();
    assert_eq!(case.lie(&sequence(&[0x0a, 1, 0])), OcspError::Empty);
    assert_eq!(case.lie(&wrapped(ID_PKIX_OCSP_RESPONSE, b"")), OcspError::ResponseType { oid: ID_PKIX_OCSP_RESPONSE });
    for status in [4_u8, 7, 255] {
        assert!(matches!(case.lie(&sequence(&[0x0a, 1, status])), OcspError::Malformed(_)), "{status}");
    }
    let unknown = case.world.answer(&case.question.to_der().unwrap(), CertStatus::Unknown);
    assert_eq!(case.lie(&unknown), OcspError::Unknown);
    for garbage in [&b""[..], b"<html>", &[0x30, 0x80, 0, 0], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]] {
        assert!(matches!(case.lie(garbage), OcspError::Malformed(_)), "{garbage:?}");
    }
    for length in 0..case.honest.len() {
        assert!(matches!(case.lie(&case.honest[..length]), OcspError::Malformed(_)), "cut off after {length}");
    }
    assert!(matches!(case.lie(&[&case.honest[..], &[0]].concat()), OcspError::Malformed(_)));
    let nested = (0..1000).fold(Vec::new(), |inner, _| sequence(&inner));
    assert!(matches!(case.lie(&nested), OcspError::Malformed(_)));
    let deep = wrapped(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1"), &nested);
    assert!(matches!(case.lie(&deep), OcspError::Malformed(_)));
    assert!(matches!(case.lie(&vec![0x30; MAX_RESPONSE]), OcspError::Malformed(_)));
    let size = MAX_RESPONSE + 1;
    assert_eq!(case.lie(&vec![0x30; size]), OcspError::TooLong { size });
}

#[test]
fn no_bit_of_an_answer_can_be_changed() {
    let case = Case::new();
    for bit in 0..case.honest.len() * 8 {
        let mut changed = case.honest.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // The certificate's signature algorithm could be any that means the same; nothing else may pass.
        assert!(case.told(&changed).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
    }
}
