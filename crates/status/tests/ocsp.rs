//! A client asks, a CA answers: both sides of OCSP, and what responders refuse.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::{Duration, SystemTime};

use common::{CA, JANA, Key, LONG, PETR, Wanted, World, ca_extensions, extension, nonce, noon, sequence, tlv};
use const_oid::db::{
    rfc5280::ID_CE_SUBJECT_ALT_NAME,
    rfc6960::{ID_PKIX_OCSP_NONCE, ID_PKIX_OCSP_SERVICE_LOCATOR},
};
use der::{Encode, asn1::OctetString};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_status::{
    Authority, AuthorityError, CertificateError, NotIssued, Revocation, RevocationReason, Rules, SerialNumber, Status,
    limits::{MAX_ASKED, MAX_CERTIFICATE, MAX_REQUEST},
    ocsp::{
        Answer, AnswerError, CertId, CertStatus, DelegateError, ErrorStatus, IdDigest, Nonce, OcspError, Question,
        QuestionError, Request, RequestError, Responder, ResponderError, Unavailable, responder_extensions,
    },
};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

fn revoked(reason: RevocationReason) -> Revocation {
    Revocation::new(noon() - Duration::from_secs(3600), reason)
}

#[test]
fn every_status_arrives_as_it_was_said() {
    for (ca, responder) in [
        (KeyAlgorithm::P256, KeyAlgorithm::P256),
        (KeyAlgorithm::P384, KeyAlgorithm::Rsa2048),
        (KeyAlgorithm::Rsa2048, KeyAlgorithm::P384),
    ] {
        let world = World::with(ca, responder);
        let question = world.question();
        let told = |status| {
            let response = world.answer(&question.to_der().unwrap(), status);
            question.check(&response, noon(), &Rules::default())
        };
        let good = told(CertStatus::Good).unwrap();
        assert!(good.status.is_good());
        assert_eq!((good.this_update, good.produced_at), (noon(), noon()));
        assert_eq!(good.next_update, Some(noon() + Duration::from_secs(3600)));
        for reason in RevocationReason::ALL {
            let plain = revoked(reason);
            let dated = Revocation { invalid_since: Some(noon() - Duration::from_secs(9000)), ..plain };
            for revocation in [plain, dated] {
                let status = told(CertStatus::Revoked(revocation)).unwrap().status;
                assert_eq!(status, Status::Revoked(revocation));
                assert!(!status.is_good());
            }
        }
        assert_eq!(told(CertStatus::NeverIssued).unwrap().status, Status::NeverIssued);
        assert_eq!(told(CertStatus::Unknown), Err(OcspError::Unknown));
    }
}

#[test]
fn a_hold_since_1970_is_a_hold_unless_the_responder_says_what_it_means() {
    let world = World::new();
    let question = world.question();
    let hold = Revocation::new(SystemTime::UNIX_EPOCH, RevocationReason::CertificateHold);
    let response = world.answer(&question.to_der().unwrap(), CertStatus::Revoked(hold));
    assert_eq!(question.check(&response, noon(), &Rules::default()).unwrap().status, Status::Revoked(hold));
}

#[test]
fn the_ca_itself_can_answer_and_sends_no_certificate() {
    let world = World::new();
    let question = world.question();
    let answer = world.direct().answer(&question.to_der().unwrap(), noon(), |_| Ok(CertStatus::Good)).unwrap();
    let Answer::ToSign(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.public_key(), &world.ca_key.public());
    assert_eq!(answer.digest(), answer.algorithm().digest().of(answer.bytes()));
    let response = answer.assemble(&world.ca_key.sign(&answer.digest())).unwrap();
    assert!(question.check(&response, noon(), &Rules::default()).unwrap().status.is_good());
    let longer = world.answer(&question.to_der().unwrap(), CertStatus::Good);
    assert!(response.len() + world.responder.len() <= longer.len());
    let wrong = answer.assemble(&world.responder_key.sign(&answer.digest()));
    assert!(matches!(wrong, Err(AnswerError::Signature(_))), "what its key did not sign never leaves");
}

#[test]
fn a_responder_can_sign_otherwise_than_by_default_but_not_by_what_its_key_cannot() {
    let world = World::with(KeyAlgorithm::P256, KeyAlgorithm::Rsa2048);
    let pss = SignatureAlgorithm::RsaPss(Digest::Sha256);
    let responder = world.delegated().algorithm(pss).unwrap();
    let answer = responder.answer(&world.question().to_der().unwrap(), noon(), |_| Ok(CertStatus::Good)).unwrap();
    let Answer::ToSign(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.algorithm(), pss);
    let ecdsa = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    assert!(matches!(world.delegated().algorithm(ecdsa), Err(ResponderError::Key(_))));
}

#[test]
fn several_certificates_are_asked_about_at_once_and_each_has_its_answer() {
    let world = World::new();
    let (authority, other) = (world.authority(), World::new().authority());
    let id = |authority, serial: u64, digest| CertId::new(authority, SerialNumber::from(serial), digest).unwrap();
    let certificates = vec![
        id(&authority, JANA, IdDigest::Sha1),
        id(&authority, PETR, IdDigest::Sha256),
        id(&other, JANA, IdDigest::Sha1),
    ];
    let request = Request { certificates, nonce: Some(nonce(1)), signed: false };
    assert_eq!(Request::parse(&request.to_der().unwrap()), Ok(request.clone()));
    let mut asked = Vec::new();
    let table = |serial: &SerialNumber| {
        asked.push(serial.clone());
        let is_jana = *serial == SerialNumber::from(JANA);
        Ok(if is_jana { CertStatus::Good } else { CertStatus::Revoked(revoked(RevocationReason::Superseded)) })
    };
    let answer = world.delegated().answer(&request.to_der().unwrap(), noon(), table).unwrap();
    let Answer::ToSign(answer) = answer else { panic!("{answer:?}") };
    let response = answer.assemble(&world.responder_key.sign(&answer.digest())).unwrap();
    assert_eq!(asked, [SerialNumber::from(JANA), SerialNumber::from(PETR)], "nobody else's certificate is looked up");
    let check = |question: Question| question.nonce(nonce(1)).check(&response, noon(), &Rules::default());
    let jana = Question::about(&world.jana, &authority).unwrap();
    assert!(check(jana).unwrap().status.is_good());
    let petr = Question::about_with(&world.petr, &authority, IdDigest::Sha256).unwrap();
    assert_eq!(check(petr).unwrap().status, Status::Revoked(revoked(RevocationReason::Superseded)));
    let petr_otherwise = Question::about(&world.petr, &authority).unwrap();
    assert_eq!(check(petr_otherwise), Err(OcspError::OtherCertificate));
}

#[test]
fn an_answer_is_kept_no_longer_than_told_and_than_the_responder_lives() {
    let world = World::new();
    let question = world.question();
    let until = |responder: &Responder, now| {
        let answer = responder.answer(&question.to_der().unwrap(), now, |_| Ok(CertStatus::Good)).unwrap();
        let Answer::ToSign(answer) = answer else { return None };
        let response = answer.assemble(&world.responder_key.sign(&answer.digest())).unwrap();
        question.check(&response, now, &Rules::default()).unwrap().next_update
    };
    let minute = Duration::from_secs(60);
    let responder = world.delegated().valid_for(minute);
    assert_eq!(until(&responder, noon()), Some(noon() + minute));
    let (begin, end) = (common::at(LONG.0), common::at(LONG.1));
    assert_eq!(until(&responder, end - minute / 2), Some(end));
    assert_eq!(until(&responder, end + Duration::from_secs(1)), None, "nobody would believe it");
    assert_eq!(until(&responder, begin - Duration::from_secs(1)), None);
    let answer = responder.answer(&question.to_der().unwrap(), end + minute, |_| Ok(CertStatus::Good)).unwrap();
    assert!(matches!(answer, Answer::Error(ErrorStatus::InternalError)));
}

fn refusal(world: &World, request: &[u8]) -> ErrorStatus {
    match world.delegated().answer(request, noon(), |_| Ok(CertStatus::Good)).unwrap() {
        Answer::Error(status) => status,
        Answer::ToSign(_) => panic!("answered"),
    }
}

#[test]
fn what_cannot_be_answered_gets_the_error_of_the_standard() {
    let (world, stranger) = (World::new(), World::new());
    assert_eq!(refusal(&world, b"garbage"), ErrorStatus::MalformedRequest);
    assert_eq!(refusal(&world, &vec![0x30; MAX_REQUEST + 1]), ErrorStatus::MalformedRequest);
    assert_eq!(refusal(&world, &stranger.question().to_der().unwrap()), ErrorStatus::Unauthorized);
    let unavailable = world.delegated().answer(&world.question().to_der().unwrap(), noon(), |_| Err(Unavailable));
    assert!(matches!(unavailable.unwrap(), Answer::Error(ErrorStatus::TryLater)));
    let names = ErrorStatus::ALL.map(|status| status.to_string()).join(" ");
    assert_eq!(names, "malformedRequest internalError tryLater sigRequired unauthorized");
    for status in ErrorStatus::ALL {
        let said = world.question().check(&status.to_der(), noon(), &Rules::default());
        assert_eq!(said, Err(OcspError::Refused(status)));
    }
    let before_1970 = Revocation::new(SystemTime::UNIX_EPOCH - Duration::from_secs(9), RevocationReason::Superseded);
    let request = world.question().to_der().unwrap();
    let unwritable = world.delegated().answer(&request, noon(), |_| Ok(CertStatus::Revoked(before_1970)));
    assert!(matches!(unwritable, Err(AnswerError::Encode(_))));
}

#[test]
fn a_request_is_refused_by_what_is_wrong_with_it() {
    let world = World::new();
    let id = world.question().id().to_der().unwrap();
    let single = |id: &[u8]| sequence(id);
    let list = |count: usize| sequence(&single(&id).repeat(count));
    let request = |fields: &[&[u8]]| sequence(&sequence(&fields.concat()));
    let nonce_of = |bytes: &[u8]| {
        let value = OctetString::new(bytes).unwrap();
        tlv(0xa2, &sequence(&extension(ID_PKIX_OCSP_NONCE, false, &value).to_der().unwrap()))
    };
    let verdict = |der: &[u8]| Request::parse(der).map(|request| request.certificates.len());

    assert_eq!(verdict(&request(&[&list(1)])), Ok(1));
    assert_eq!(verdict(&request(&[&tlv(0xa0, &[2, 1, 0]), &list(MAX_ASKED)])), Ok(MAX_ASKED), "v1 said aloud");
    assert_eq!(verdict(&request(&[&tlv(0xa0, &[2, 1, 1]), &list(1)])), Err(RequestError::Version { version: 1 }));
    assert_eq!(verdict(&request(&[&list(0)])), Err(RequestError::Asked { count: 0 }));
    assert_eq!(verdict(&request(&[&list(MAX_ASKED + 1)])), Err(RequestError::Asked { count: MAX_ASKED + 1 }));
    let requestor = tlv(0xa1, &tlv(0x82, b"holder.example"));
    assert_eq!(verdict(&request(&[&requestor, &list(1)])), Ok(1));

    for length in [1, 16, 32, 33, 128] {
        let read = Request::parse(&request(&[&list(1), &nonce_of(&vec![5; length])])).unwrap();
        assert_eq!(read.nonce, Some(Nonce::new(&vec![5; length]).unwrap()));
        assert_eq!(read.nonce.unwrap().as_bytes(), vec![5; length]);
    }
    for length in [0, 129] {
        let said = verdict(&request(&[&list(1), &nonce_of(&vec![5; length])]));
        assert!(matches!(said, Err(RequestError::Extension(_))), "{length}");
        assert_eq!(Nonce::new(&vec![5; length]).unwrap_err().length, length);
    }
    let extensions = |padding: usize| {
        let value = OctetString::new(vec![5; padding]).unwrap();
        tlv(0xa2, &sequence(&extension(ID_PKIX_OCSP_SERVICE_LOCATOR, false, &value).to_der().unwrap()))
    };
    let of_size = |size: usize| {
        let around = request(&[&list(1), &extensions(size / 2)]).len() - size / 2;
        request(&[&list(1), &extensions(size - around)])
    };
    assert_eq!(of_size(MAX_REQUEST).len(), MAX_REQUEST);
    assert_eq!(verdict(&of_size(MAX_REQUEST)), Ok(1));
    let size = MAX_REQUEST + 1;
    assert_eq!(verdict(&of_size(size)), Err(RequestError::TooLong { size }));

    let raw = tlv(0xa2, &sequence(&extension(ID_PKIX_OCSP_NONCE, false, &5_u8).to_der().unwrap()));
    assert!(matches!(verdict(&request(&[&list(1), &raw])), Err(RequestError::Extension(_))));

    let unknown = |critical| extension(ID_PKIX_OCSP_SERVICE_LOCATOR, critical, &5_u8).to_der().unwrap();
    let with = |extensions: &[u8]| request(&[&list(1), &tlv(0xa2, &sequence(extensions))]);
    assert_eq!(verdict(&with(&unknown(false))), Ok(1));
    assert!(matches!(verdict(&with(&unknown(true))), Err(RequestError::Extension(_))));
    assert!(matches!(verdict(&with(&unknown(false).repeat(2))), Err(RequestError::Extension(_))));
    let in_single = |critical| {
        let extensions = tlv(0xa0, &sequence(&unknown(critical)));
        request(&[&sequence(&single(&[&id[..], &extensions].concat()))])
    };
    assert_eq!(verdict(&in_single(false)), Ok(1));
    assert!(matches!(verdict(&in_single(true)), Err(RequestError::Extension(_))));
}

#[test]
fn a_signed_request_is_answered_like_any_other_and_known_to_be_signed() {
    let world = World::new();
    let request = world.question().to_der().unwrap();
    assert!(!Request::parse(&request).unwrap().signed);
    let tbs = &request[2..];
    let signature = tlv(0xa0, &sequence(&world.ca_key.signed(tbs)[tbs.len()..]));
    let signed = sequence(&[tbs, &signature].concat());
    assert!(Request::parse(&signed).unwrap().signed);
    let response = world.answer(&signed, CertStatus::Good);
    assert!(world.question().check(&response, noon(), &Rules::default()).unwrap().status.is_good());
}

#[test]
fn a_certificate_of_another_ca_is_not_asked_about() {
    let (world, stranger) = (World::new(), World::new());
    let forged = Question::about(&stranger.jana, &world.authority()).unwrap_err();
    assert!(matches!(forged, QuestionError::Issuer(NotIssued::Signature(_))), "{forged}");
    let of = |issuer| {
        let key = Key::p256().public();
        Wanted { subject: "CN=Eva", key, issuer, serial: 9, extensions: Vec::new(), validity: LONG }
            .signed_by(&world.ca_key)
    };
    let named = Question::about(&of("CN=Other CA"), &world.authority()).unwrap_err();
    assert!(matches!(named, QuestionError::Issuer(NotIssued::OtherName { .. })), "{named}");
    assert!(Question::about(&of(CA), &world.authority()).is_ok());
    for wrong in [&b""[..], b"garbage", &world.jana[1..], &[&world.jana[..], &[0]].concat(), &vec![0x30; 70_000]] {
        assert!(matches!(Question::about(wrong, &world.authority()), Err(QuestionError::Certificate(_))));
    }
}

#[test]
fn the_longest_certificate_is_asked_about_and_one_byte_more_is_not() {
    let world = World::with(KeyAlgorithm::Rsa2048, KeyAlgorithm::P256);
    let of_size = |size: usize| {
        let padded = |padding: usize| {
            let value = OctetString::new(vec![0; padding]).unwrap();
            let extensions = vec![extension(ID_PKIX_OCSP_SERVICE_LOCATOR, false, &value)];
            let key = Key::p256().public();
            let wanted = Wanted { subject: "CN=Eva", key, issuer: CA, serial: 9, extensions, validity: LONG };
            wanted.signed_by(&world.ca_key)
        };
        // RSA, since a signature on a curve is now longer, now shorter.
        let around = padded(size / 2).len() - size / 2;
        padded(size - around)
    };
    let ask = |size| {
        let certificate = of_size(size);
        assert_eq!(certificate.len(), size);
        Question::about(&certificate, &world.authority()).map(drop)
    };
    assert_eq!(ask(MAX_CERTIFICATE), Ok(()));
    let size = MAX_CERTIFICATE + 1;
    assert_eq!(ask(size), Err(QuestionError::Certificate(CertificateError::TooLong { size })));
}

#[test]
fn only_a_ca_is_an_authority() {
    let world = World::new();
    assert!(matches!(Authority::from_der(&world.jana), Err(AuthorityError::NotACa { .. })));
    assert!(matches!(Authority::from_der(&world.responder), Err(AuthorityError::NotACa { .. })));
    assert!(matches!(Authority::from_der(b""), Err(AuthorityError::Certificate(_))));
    assert_eq!(world.authority().name().to_string(), CA);
    assert_eq!(world.authority().public_key(), &world.ca_key.public());
}

#[test]
fn a_responder_that_nobody_would_believe_does_not_begin() {
    let world = World::new();
    let begin = |certificate: &[u8]| Responder::delegated(world.authority(), certificate).unwrap_err();
    let said = begin(&world.jana);
    assert_eq!(said, ResponderError::Delegate(DelegateError::NoOcspSigning), "{said}");
    let said = begin(&World::new().responder);
    assert!(matches!(said, ResponderError::Delegate(DelegateError::Issuer(_))), "{said}");
    assert!(matches!(begin(b"garbage"), ResponderError::Certificate(_)));

    let without = |usages: KeyUsage| {
        let extensions = ca_extensions(usages, &world.ca_key);
        let key = world.ca_key.public();
        let ca =
            Wanted { subject: CA, key, issuer: CA, serial: 1, extensions, validity: LONG }.signed_by(&world.ca_key);
        Responder::direct(Authority::from_der(&ca).unwrap())
    };
    assert_eq!(without(KeyUsage(KeyUsages::KeyCertSign.into())).unwrap_err(), ResponderError::KeyUsage);
    assert!(without(common::all_usages()).is_ok());
}

#[test]
fn the_certificate_of_a_responder_says_what_it_must() {
    let extensions = responder_extensions().unwrap();
    assert!(extensions.iter().all(|extension| extension.extn_id != ID_CE_SUBJECT_ALT_NAME));
    assert_eq!(extensions.len(), 4);
    // The whole of id-pkix-ocsp-nocheck, as RFC 6960 §4.2.2.2.1 has it: its OID and NULL.
    let no_check = [0x30, 0x0f, 6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5, 4, 2, 5, 0];
    assert!(extensions.iter().any(|extension| extension.to_der().unwrap() == no_check));
}
