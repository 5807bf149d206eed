//! Answers that are none, and requests that should not have been sent: each has its own name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{CA, Key, World, certificate, craft, noon};
use const_oid::ObjectIdentifier;
use der::Encode;
use obnova_algorithm::{Digest, SignatureAlgorithm, VerifyError};
use obnova_enroll::{
    FramingError, MessageError, SignatureError, certs_only,
    cmc::{
        Answer, Asked, BuildError, ControlError, Expected, FailInfo, FollowUp, FullRequest, FullRequestBuilder,
        FullResponse, FullResponseBuilder, IdError, Nonce, PendToken, RequestError, ResponseError, Signer,
        TransactionId,
    },
    limits,
};

/// What is made of `response` when certificates were asked for.
fn verdict(world: &World, response: &[u8]) -> Result<Answer, ResponseError> {
    FullResponse::parse(response, &world.expected(Asked::Certificates)).map(|response| response.answer)
}

/// A response with these controls, signed by the CA as it should be.
fn said(world: &World, controls: &[Vec<u8>]) -> Result<Answer, ResponseError> {
    let content = craft::pki_response(controls);
    verdict(world, &craft::signed(craft::PKI_RESPONSE, &content, &world.ca, &world.ca_key))
}

fn status(fields: &[&[u8]]) -> Vec<u8> {
    craft::control(1, craft::STATUS, &craft::seq(fields))
}

const FAILED: &[u8] = &[2, 1, 2];
const PENDING: &[u8] = &[2, 1, 3];
const WHOLE: &[u8] = &[0x30, 3, 2, 1, 0];

fn transaction(world: &World) -> Vec<u8> {
    craft::control(2, craft::TRANSACTION, &craft::tlv(2, &[world.transaction.as_bytes()]))
}

fn nonce(world: &World) -> Vec<u8> {
    craft::control(3, craft::RECIPIENT_NONCE, &craft::octets(world.nonce.as_bytes()))
}

#[test]
fn an_answer_to_another_message_or_transaction_is_none() {
    let world = World::new();
    let response = world.respond(&world.request(), &Answer::Pending { token: token(), check_at: noon() });
    let expected = world.expected(Asked::Certificates);
    let (other_nonce, other_transaction) = (Nonce::from_random([8; 16]), TransactionId::from_random([8; 16]));
    let wrong = Expected { nonce: &other_nonce, ..expected };
    assert_eq!(FullResponse::parse(&response, &wrong), Err(ResponseError::WrongNonce));
    let wrong = Expected { transaction: &other_transaction, ..expected };
    assert_eq!(FullResponse::parse(&response, &wrong), Err(ResponseError::WrongTransaction));
}

#[test]
fn an_answer_that_leaves_something_out_is_none() {
    let world = World::new();
    let no = || status(&[FAILED, WHOLE]);
    let refused = Answer::Refused { reason: FailInfo::Unspecified, text: String::new() };
    assert_eq!(said(&world, &[no(), transaction(&world), nonce(&world)]), Ok(refused.clone()));
    // The nonce is enough, as django-ca-cmc has it.
    assert_eq!(said(&world, &[no(), nonce(&world)]), Ok(refused));
    assert_eq!(said(&world, &[no(), transaction(&world)]), Err(ResponseError::NoNonce));
    assert_eq!(said(&world, &[transaction(&world), nonce(&world)]), Err(ResponseError::NoStatus));
    assert_eq!(said(&world, &[]), Err(ResponseError::NoNonce));
    let wait = status(&[PENDING, WHOLE]);
    assert_eq!(said(&world, &[wait, transaction(&world), nonce(&world)]), Err(ResponseError::NoToken));
    let success = world.respond(&world.request(), &Answer::Confirmed);
    assert_eq!(verdict(&world, &success), Err(ResponseError::NoCertificates));
}

#[test]
fn an_answer_nobody_or_somebody_else_signed_is_none() {
    let world = World::new();
    assert_eq!(verdict(&world, &certs_only::encode(&world.issued()).unwrap()), Err(ResponseError::Unsigned));
    let content = craft::pki_response(&[status(&[FAILED, WHOLE]), transaction(&world), nonce(&world)]);
    let unsigned = craft::message(craft::PKI_RESPONSE, &content, &[&world.ca], &[]);
    assert_eq!(verdict(&world, &unsigned), Err(ResponseError::Unsigned));

    let other = Key::p256();
    let stranger = certificate("CN=Stranger", &other, "CN=Stranger", &other, 1, true);
    let by_a_stranger = craft::signed(craft::PKI_RESPONSE, &content, &stranger, &other);
    assert_eq!(verdict(&world, &by_a_stranger), Err(ResponseError::WrongSigner));
    // A certificate that the CA issued is not the CA.
    let by_the_holder = craft::signed(craft::PKI_RESPONSE, &content, &world.old[0], &world.old_keys[0]);
    assert_eq!(verdict(&world, &by_the_holder), Err(ResponseError::WrongSigner));
    // The CA's name and number in a certificate of one's own making.
    let double = certificate(CA, &other, CA, &other, 1, true);
    let by_a_double = craft::signed(craft::PKI_RESPONSE, &content, &double, &other);
    let wrong_signature = ResponseError::Signature(VerifyError::WrongSignature.into());
    assert_eq!(verdict(&world, &by_a_double), Err(wrong_signature));
}

#[test]
fn an_answer_altered_after_it_was_signed_is_none() {
    let world = World::new();
    let refused = Answer::Refused { reason: FailInfo::BadRequest, text: "denied".into() };
    let response = world.respond(&world.request(), &refused);
    let mut altered = response.clone();
    let word = altered.windows(6).position(|window| window == b"denied").unwrap();
    altered[word] ^= 1;
    assert_eq!(verdict(&world, &altered), Err(ResponseError::Signature(SignatureError::WrongDigest)));
    // A request is no response, though its signature is fine.
    let content_type = |dotted| ObjectIdentifier::new_unwrap(dotted);
    let wrong =
        MessageError::WrongContent { found: content_type(craft::PKI_DATA), wanted: content_type(craft::PKI_RESPONSE) };
    assert_eq!(verdict(&world, &world.request()), Err(ResponseError::Message(wrong)));
}

#[test]
fn signed_attributes_are_held_to_the_rules() {
    let world = World::new();
    let content = craft::pki_response(&[status(&[FAILED, WHOLE]), transaction(&world), nonce(&world)]);
    let good = craft::attributes(&world.ca_key, craft::PKI_RESPONSE, &content);
    let signed_with = |attributes: &[Vec<u8>]| {
        let signer = craft::signer(&world.ca, &world.ca_key, attributes);
        verdict(&world, &craft::message(craft::PKI_RESPONSE, &content, &[], &[signer]))
    };
    assert!(signed_with(&good).is_ok());
    let reversed = good.iter().rev().cloned().collect::<Vec<_>>();
    assert!(signed_with(&reversed).is_ok(), "what was signed is what was received, sorted or not");

    let oid = ObjectIdentifier::new_unwrap;
    let wrong = |error| Err(ResponseError::Signature(error));
    let missing = SignatureError::MissingAttribute { oid: oid(craft::CONTENT_TYPE) };
    assert_eq!(signed_with(&good[1..]), wrong(missing));
    let missing = SignatureError::MissingAttribute { oid: oid(craft::MESSAGE_DIGEST) };
    assert_eq!(signed_with(&good[..1]), wrong(missing));
    let twice = SignatureError::MalformedAttribute { oid: oid(craft::MESSAGE_DIGEST) };
    assert_eq!(signed_with(&[&good[..], &good[1..]].concat()), wrong(twice));
    let other_type = craft::attributes(&world.ca_key, craft::PKI_DATA, &content);
    assert_eq!(signed_with(&other_type), wrong(SignatureError::WrongContentType));
    let other_content = craft::attributes(&world.ca_key, craft::PKI_RESPONSE, b"another");
    assert_eq!(signed_with(&other_content), wrong(SignatureError::WrongDigest));
    let hash = craft::seq(&[&craft::octets(&[7; 32])]);
    let other = craft::attribute("1.2.840.113549.1.9.16.2.47", &craft::seq(&[&craft::seq(&[&hash])]));
    assert_eq!(signed_with(&[good, vec![other]].concat()), wrong(SignatureError::OtherCertificate));
}

#[test]
fn the_worst_status_counts() {
    let world = World::new();
    let rest = || [transaction(&world), nonce(&world)];
    let success: &[u8] = &[2, 1, 0];
    let half = [vec![status(&[success, WHOLE]), status(&[FAILED, WHOLE, &[2, 1, 9]])], rest().to_vec()].concat();
    let refused = |reason| Ok(Answer::Refused { reason, text: String::new() });
    assert_eq!(said(&world, &half), refused(FailInfo::PopFailed));
    for (number, reason) in [(4, FailInfo::Unspecified), (6, FailInfo::PopRequired), (7, FailInfo::Unspecified)] {
        let status = status(&[&[2, 1, number], WHOLE]);
        assert_eq!(said(&world, &[vec![status], rest().to_vec()].concat()), refused(reason), "status {number}");
    }
    // extendedFailInfo, and the older statusInfo.
    let extended = craft::tlv(0xa1, &[&craft::oid("1.2.3"), &[5, 0]]);
    let status_v2 = status(&[FAILED, WHOLE, &extended]);
    assert_eq!(said(&world, &[vec![status_v2], rest().to_vec()].concat()), refused(FailInfo::Unspecified));
    let old = craft::control(1, "1.3.6.1.5.5.7.7.1", &craft::seq(&[FAILED, WHOLE, &[2, 1, 12]]));
    assert_eq!(said(&world, &[vec![old], rest().to_vec()].concat()), refused(FailInfo::TryLater));
}

#[test]
fn malformed_controls_are_named() {
    let world = World::new();
    let malformed =
        |kind| Err(ResponseError::Control(ControlError::Malformed { oid: ObjectIdentifier::new_unwrap(kind) }));
    let cases: [(&str, Vec<u8>); 9] = [
        (craft::TRANSACTION, craft::octets(b"text")),
        (craft::TRANSACTION, vec![2, 1, 0xff]),
        (craft::TRANSACTION, craft::tlv(2, &[&[1; 33]])),
        (craft::RECIPIENT_NONCE, craft::octets(b"")),
        (craft::RECIPIENT_NONCE, craft::octets(&[1; 65])),
        (craft::RECIPIENT_NONCE, [craft::octets(b"a"), craft::octets(b"b")].concat()),
        (craft::STATUS, craft::seq(&[&[2, 1, 1], WHOLE])),
        (craft::STATUS, craft::seq(&[FAILED, WHOLE, &[5, 0]])),
        (craft::STATUS, craft::seq(&[PENDING, WHOLE, &craft::seq(&[&craft::octets(b""), &[5, 0]])])),
    ];
    for (kind, value) in cases {
        assert_eq!(said(&world, &[craft::control(1, kind, &value)]), malformed(kind), "{value:x?}");
    }
    let twice = ControlError::Twice { oid: ObjectIdentifier::new_unwrap(craft::TRANSACTION) };
    assert_eq!(said(&world, &[transaction(&world), transaction(&world)]), Err(ResponseError::Control(twice)));
    let many = (0..=limits::MAX_CONTROLS as u8).map(|part| craft::control(part, "1.2.3", &[5, 0]));
    assert_eq!(said(&world, &many.collect::<Vec<_>>()), Err(ResponseError::Control(ControlError::TooMany)));
}

#[test]
fn framing_is_checked_before_anything_else() {
    let world = World::new();
    let response = world.respond(&world.request(), &Answer::Confirmed);
    let framing = |error: FramingError| Err(ResponseError::Message(error.into()));
    let long = vec![0x30; limits::MAX_MESSAGE + 1];
    assert_eq!(verdict(&world, &long), framing(FramingError::TooLong { size: long.len() }));
    assert_eq!(verdict(&world, &[&response[..], b"!"].concat()), framing(FramingError::TrailingData { size: 1 }));
    assert_eq!(verdict(&world, b""), framing(FramingError::Truncated));
    assert_eq!(verdict(&world, &[0x30, 0x80].repeat(9000)), framing(FramingError::TooDeep));
    let not_signed = craft::seq(&[&craft::oid("1.2.840.113549.1.7.1"), &craft::tlv(0xa0, &[&craft::octets(b"x")])]);
    let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
    assert_eq!(verdict(&world, &not_signed), Err(ResponseError::Message(MessageError::NotSignedData { oid })));
}

fn token() -> PendToken {
    PendToken::from_bytes(&[1; 16]).unwrap()
}

/// What a CA makes of `content`, signed by both old keys as it should be.
fn asked(world: &World, content: &[u8]) -> Result<FullRequest, RequestError> {
    let signers = [0, 1].map(|index| {
        let key: &Key = &world.old_keys[index];
        craft::signer(&world.old[index], key, &craft::attributes(key, craft::PKI_DATA, content))
    });
    FullRequest::parse(&craft::message(craft::PKI_DATA, content, &world.old.each_ref(), &signers))
}

fn sender_nonce(world: &World) -> Vec<u8> {
    craft::control(3, craft::SENDER_NONCE, &craft::octets(world.nonce.as_bytes()))
}

fn tagged(world: &World, part: u8) -> Vec<u8> {
    craft::tlv(0xa0, &[&craft::tlv(2, &[&[part]]), world.requests()[0].der()])
}

#[test]
fn requests_that_break_the_rules_are_named() {
    let world = World::new();
    let ids = || vec![transaction(&world), sender_nonce(&world)];
    let with = |more: Vec<u8>| [ids(), vec![more]].concat();
    let one = || [tagged(&world, 9)];
    assert!(asked(&world, &craft::pki_data(&ids(), &one())).is_ok());
    let cases = [
        (craft::pki_data(&ids()[1..], &one()), RequestError::NoTransaction),
        (craft::pki_data(&ids()[..1], &one()), RequestError::NoNonce),
        (craft::pki_data(&ids(), &[]), RequestError::Empty),
        (craft::pki_data(&ids(), &[tagged(&world, 9), tagged(&world, 9)]), RequestError::BodyParts),
        (craft::pki_data(&ids(), &[tagged(&world, 2)]), RequestError::BodyParts),
        (craft::pki_data(&ids(), &[tagged(&world, 0)]), RequestError::BodyParts),
        (craft::pki_data(&ids(), &[craft::tlv(0xa1, &[&[5, 0]])]), RequestError::UnsupportedRequest),
        (
            craft::pki_data(&with(craft::control(4, craft::QUERY_PENDING, &craft::octets(b"token"))), &one()),
            RequestError::Ambiguous,
        ),
        (
            craft::pki_data(&with(craft::control(4, "1.3.6.1.5.5.7.7.3", &craft::octets(b"proof"))), &one()),
            RequestError::UnsupportedControl { oid: ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.3") },
        ),
        (
            craft::seq(&[
                &craft::seq(&[&ids().concat()]),
                &craft::seq(&one().each_ref().map(Vec::as_slice)),
                &craft::seq(&[&[5, 0]]),
                &craft::seq(&[]),
            ]),
            RequestError::Nested { what: "cmsSequence" },
        ),
    ];
    for (content, error) in cases {
        assert_eq!(error.fail_info(), FailInfo::BadRequest);
        assert_eq!(asked(&world, &content), Err(error));
    }
    let no_request = craft::tlv(0xa0, &[&[2, 1, 9], &craft::seq(&[])]);
    let refused = asked(&world, &craft::pki_data(&ids(), &[no_request]));
    assert!(matches!(refused, Err(RequestError::Request { part: 9, .. })), "{refused:?}");
    let many = (0..=limits::MAX_REQUESTS as u8).map(|part| tagged(&world, part + 10)).collect::<Vec<_>>();
    let too_many = MessageError::TooMany { what: "requests", most: limits::MAX_REQUESTS };
    assert_eq!(asked(&world, &craft::pki_data(&ids(), &many)), Err(too_many.into()));
}

#[test]
fn requests_that_are_not_signed_as_they_should_be_are_named() {
    let world = World::new();
    let content = craft::pki_data(&[transaction(&world), sender_nonce(&world)], &[tagged(&world, 9)]);
    let parse = |certificates: &[&x509_cert::Certificate], signers: &[Vec<u8>]| {
        let message = craft::message(craft::PKI_DATA, &content, certificates, signers);
        assert_eq!(FullRequest::return_address(&message), Some((world.transaction.clone(), world.nonce.clone())));
        let refused = FullRequest::parse(&message).unwrap_err();
        assert_eq!(refused.fail_info(), FailInfo::BadMessageCheck);
        refused
    };
    let [first, second] = [0, 1].map(|index| {
        let key: &Key = &world.old_keys[index];
        craft::signer(&world.old[index], key, &craft::attributes(key, craft::PKI_DATA, &content))
    });
    let both = world.old.each_ref();
    assert_eq!(parse(&both, &[]), RequestError::Unsigned);
    assert_eq!(parse(&both[..1], &[first.clone(), second]), SignatureError::UnknownSigner.into());
    assert_eq!(parse(&both, &[first.clone(), first.clone()]), RequestError::SignerTwice);
    // One good signature does not excuse a bad one.
    let stolen =
        craft::signer(&world.old[1], &Key::p384(), &craft::attributes(&world.old_keys[1], craft::PKI_DATA, &content));
    assert_eq!(parse(&both, &[first, stolen]), SignatureError::Signature(VerifyError::WrongSignature).into());
    let many = vec![vec![0x30, 0]; limits::MAX_SIGNERS + 1];
    let message = craft::message(craft::PKI_DATA, &content, &both, &many);
    assert!(FullRequest::parse(&message).is_err());
}

#[test]
fn a_certificate_that_is_not_der_or_too_long_is_refused() {
    let world = World::new();
    let der = world.ca.to_der().unwrap();
    let list = |certificate: &[u8]| {
        let data = craft::seq(&[
            &[2, 1, 1],
            &craft::tlv(0x31, &[]),
            &craft::seq(&[&craft::oid("1.2.840.113549.1.7.1")]),
            &craft::tlv(0xa0, &[certificate]),
            &craft::tlv(0x31, &[]),
        ]);
        certs_only::decode(&craft::seq(&[&craft::oid("1.2.840.113549.1.7.2"), &craft::tlv(0xa0, &[&data])]))
    };
    assert_eq!(list(&der), Ok(vec![world.ca.clone()]));
    assert_eq!(list(&[]), Err(MessageError::NoCertificates));
    assert!(matches!(list(&craft::seq(&[])), Err(MessageError::Certificate(_))));
    let long = craft::seq(&[&craft::octets(&vec![0; limits::MAX_CERTIFICATE])]);
    assert_eq!(list(&long), Err(MessageError::LongCertificate { size: long.len() }));
    // critical FALSE, written out: DER leaves a default value out.
    let critical = der.windows(5).position(|window| window == [0x1d, 0x13, 1, 1, 0xff]).unwrap() + 4;
    let mut not_der = der;
    not_der[critical] = 0;
    assert!(matches!(list(&not_der), Err(MessageError::CertificateNotDer | MessageError::Certificate(_))));
    let many = list(&world.issued()[0].to_der().unwrap().repeat(limits::MAX_CERTIFICATES + 1));
    assert_eq!(many, Err(MessageError::TooMany { what: "certificates", most: limits::MAX_CERTIFICATES }));
}

#[test]
fn what_would_be_refused_is_not_built() {
    let world = World::new();
    let builder = || FullRequestBuilder::new(world.transaction.clone(), world.nonce.clone());
    let [request, _] = world.requests();
    let [signer, other] = world.signers();
    assert_eq!(builder().finalize(std::slice::from_ref(&signer)).unwrap_err(), BuildError::Empty);
    let one = || builder().request(request.clone());
    assert_eq!(one().finalize(&[]).unwrap_err(), BuildError::NoSigner);
    let twice = [signer.clone(), other, signer.clone()];
    assert_eq!(one().finalize(&twice).unwrap_err(), BuildError::SignerTwice { index: 2 });
    let misfit = Signer { algorithm: SignatureAlgorithm::RsaPkcs1(Digest::Sha256), ..signer };
    assert!(matches!(
        one().finalize(&[misfit]).unwrap_err(),
        BuildError::Signer { index: 0, error: VerifyError::WrongKind { .. } }
    ));
    let many = (0..=limits::MAX_REQUESTS).fold(builder(), |builder, _| builder.request(request.clone()));
    assert_eq!(many.finalize(&world.signers()).unwrap_err(), BuildError::TooMany);

    let to_sign = world.request_to_sign();
    let [first, second] = [0, 1].map(|index| world.old_keys[index].sign(&to_sign.to_sign()[index].bytes));
    assert!(to_sign.assemble(&[first.clone(), second.clone()]).is_ok());
    let count = BuildError::SignatureCount { wanted: 2, given: 1 };
    assert_eq!(to_sign.assemble(std::slice::from_ref(&first)).unwrap_err(), count);
    let swapped = to_sign.assemble(&[second, first]).unwrap_err();
    assert_eq!(swapped, BuildError::Signer { index: 0, error: VerifyError::WrongSignature });

    let response = FullResponseBuilder::to_address(world.transaction.clone(), world.nonce.clone(), world.nonce.clone());
    let nothing = Answer::Issued { certificates: Vec::new(), chain: Vec::new(), confirm: false };
    assert_eq!(response.finalize(&nothing, &world.ca_signer()).unwrap_err(), BuildError::Empty);
    let follow_up = FollowUp::new(world.transaction.clone(), world.nonce.clone());
    assert_eq!(follow_up.confirm_acceptance(None, &[]).unwrap_err(), BuildError::Empty);
    let many = vec![world.ca.clone(); limits::MAX_CERTIFICATES + 1];
    assert_eq!(follow_up.confirm_acceptance(None, &many).unwrap_err(), BuildError::TooMany);
}

#[test]
fn identifiers_have_a_size() {
    let error = |size, most| Some(IdError { size, most });
    for (size, most) in [(0, TransactionId::MAX_SIZE), (33, TransactionId::MAX_SIZE)] {
        assert_eq!(TransactionId::from_bytes(&vec![1; size]).err(), error(size, most));
    }
    for (size, most) in [(0, Nonce::MAX_SIZE), (65, Nonce::MAX_SIZE)] {
        assert_eq!(Nonce::from_bytes(&vec![1; size]).err(), error(size, most));
    }
    for (size, most) in [(0, PendToken::MAX_SIZE), (257, PendToken::MAX_SIZE)] {
        assert_eq!(PendToken::from_bytes(&vec![1; size]).err(), error(size, most));
    }
}

/// Numbers with leading zeros, high bits and zero itself come back as they were sent.
#[test]
fn transaction_numbers_survive_the_wire() {
    let mut world = World::new();
    for random in [[0; 16], [0xff; 16], [0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0x7f; 16]] {
        world.transaction = TransactionId::from_random(random);
        let again = TransactionId::from_bytes(world.transaction.as_bytes()).unwrap();
        assert_eq!(again, world.transaction);
        let request = world.request();
        assert_eq!(FullRequest::parse(&request).unwrap().transaction, world.transaction);
        let refused = Answer::Refused { reason: FailInfo::BadRequest, text: String::new() };
        assert_eq!(verdict(&world, &world.respond(&request, &refused)), Ok(refused));
    }
    assert_eq!(TransactionId::from_random([0; 16]).to_string(), "00");
}

#[test]
fn reasons_of_a_refusal_have_the_names_and_numbers_of_the_standard() {
    let first: Vec<_> = (0..3).map(|number| FailInfo::from(number).name()).collect();
    assert_eq!(first, ["badAlg", "badMessageCheck", "badRequest"]);
    assert_eq!((FailInfo::from(13).name(), FailInfo::AuthDataFail.number()), ("authDataFail".into(), Some(13)));
    assert_eq!((FailInfo::from(14), FailInfo::from(14).name()), (FailInfo::Other(14), "14".into()));
    assert_eq!((FailInfo::Unspecified.number(), FailInfo::Unspecified.name()), (None, "unspecified".into()));
    for number in 0..20 {
        assert_eq!(FailInfo::from(number).number(), Some(number));
    }
}
