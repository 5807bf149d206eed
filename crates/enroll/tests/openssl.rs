//! Messages written here, read and verified by OpenSSL; messages written by OpenSSL, read and verified here.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::Path;

use common::{
    Key, World, noon,
    openssl::{openssl, try_openssl},
};
use der::{Decode, EncodePem, pem::LineEnding};
use obnova_enroll::{
    MessageError, SignatureError, certs_only,
    cmc::{Answer, Asked, FailInfo, FollowUp, FullRequest, FullResponse, Kind, PendToken, RequestError, ResponseError},
};

fn worlds() -> [World; 2] {
    [World::new(), World::with(Key::rsa(), [Key::rsa(), Key::rsa_pss()], [Key::rsa(), Key::p384()])]
}

/// A directory with `message` and the CA's certificate.
fn prepared(world: &World, message: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("message.der"), message).unwrap();
    std::fs::write(directory.path().join("ca.pem"), world.ca.to_pem(LineEnding::LF).unwrap()).unwrap();
    directory
}

const VERIFY: [&str; 13] = [
    "cms",
    "-verify",
    "-binary",
    "-inform",
    "DER",
    "-in",
    "message.der",
    "-CAfile",
    "ca.pem",
    "-purpose",
    "any",
    "-out",
    "content.der",
];

#[test]
fn openssl_verifies_both_signers_of_a_request() {
    for world in worlds() {
        let directory = prepared(&world, &world.request());
        let directory = directory.path();
        let said = openssl(directory, &[&VERIFY[..], &["-cades", "-signer", "signers.pem"]].concat());
        assert!(String::from_utf8_lossy(&said).contains("CAdES Verification successful"));
        let signers = certs_only::read_file(&std::fs::read(directory.join("signers.pem")).unwrap()).unwrap();
        assert_eq!(signers.len(), 2);
        assert!(world.old.iter().all(|old| signers.contains(old)));

        let content = openssl(directory, &["asn1parse", "-inform", "DER", "-in", "content.der"]);
        let content = String::from_utf8(content).unwrap();
        for part in ["id-cmc-transactionId", "id-cmc-senderNonce", "Jana Novakova", "cont [ 0 ]"] {
            assert!(content.contains(part), "no {part} in {content}");
        }
        let printed = openssl(directory, &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "message.der"]);
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("eContentType: id-cct-PKIData"), "{printed}");
        assert!(printed.contains("version: 3"), "{printed}");
    }
}

#[test]
fn openssl_takes_the_requests_out_and_verifies_them() {
    let world = World::new();
    let received = FullRequest::parse(&world.request()).unwrap();
    let Kind::Enroll(requests) = received.kind else { panic!("no requests") };
    for (_, request) in requests {
        let directory = prepared(&world, request.der());
        let said = openssl(directory.path(), &["req", "-verify", "-noout", "-inform", "DER", "-in", "message.der"]);
        assert!(String::from_utf8_lossy(&said).contains("verify OK"));
    }
}

#[test]
fn openssl_sees_that_a_request_was_altered() {
    let world = World::new();
    let mut request = world.request();
    let name = request.windows(4).position(|window| window == b"Jana").unwrap();
    request[name] ^= 1;
    let directory = prepared(&world, &request);
    assert!(!try_openssl(directory.path(), &VERIFY).0);
    assert!(FullRequest::parse(&request).is_err());
}

#[test]
fn openssl_verifies_every_kind_of_response() {
    for world in worlds() {
        let request = world.request();
        let token = PendToken::from_bytes(&[1; 16]).unwrap();
        let answers = [
            Answer::Issued { certificates: world.issued(), chain: vec![world.ca.clone()], confirm: true },
            Answer::Pending { token, check_at: noon() },
            Answer::Refused { reason: FailInfo::BadIdentity, text: "odvoláno".into() },
            Answer::Confirmed,
        ];
        for answer in answers {
            let directory = prepared(&world, &world.respond(&request, &answer));
            let directory = directory.path();
            openssl(directory, &VERIFY);
            let content = openssl(directory, &["asn1parse", "-inform", "DER", "-in", "content.der"]);
            let content = String::from_utf8(content).unwrap();
            for part in ["id-cmc-transactionId", "id-cmc-recipientNonce", "1.3.6.1.5.5.7.7.25"] {
                assert!(content.contains(part), "no {part} in {content}");
            }
            if let Answer::Pending { .. } = answer {
                assert!(content.contains("GENERALIZEDTIME   :20261121120000Z"), "{content}");
            }
        }
    }
}

#[test]
fn openssl_reads_a_follow_up() {
    let world = World::new();
    let token = PendToken::from_bytes(&[1; 16]).unwrap();
    let follow_up = FollowUp::new(world.transaction.clone(), world.nonce.clone());
    for message in
        [follow_up.query_pending(&token).unwrap(), follow_up.confirm_acceptance(Some(&token), &world.issued()).unwrap()]
    {
        let directory = prepared(&world, &message);
        let printed = openssl(directory.path(), &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "message.der"]);
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("eContentType: id-cct-PKIData"), "{printed}");
    }
}

#[test]
fn openssl_reads_a_list_of_certificates_and_the_other_way_round() {
    let world = World::new();
    let pair = world.issued();
    let directory = prepared(&world, &certs_only::encode(&pair).unwrap());
    let directory = directory.path();
    let pem = openssl(directory, &["pkcs7", "-inform", "DER", "-in", "message.der", "-print_certs"]);
    let read = certs_only::read_file(&pem).unwrap();
    assert!(read.len() == 2 && pair.iter().all(|certificate| read.contains(certificate)));

    std::fs::write(directory.join("pair.p7b"), certs_only::encode_pem(&pair).unwrap()).unwrap();
    openssl(directory, &["pkcs7", "-in", "pair.p7b", "-print_certs", "-out", "pair.pem"]);
    for form in ["PEM", "DER"] {
        let arguments =
            ["crl2pkcs7", "-nocrl", "-certfile", "pair.pem", "-certfile", "ca.pem", "-outform", form, "-out", "list"];
        openssl(directory, &arguments);
        let read = certs_only::read_file(&std::fs::read(directory.join("list")).unwrap()).unwrap();
        assert_eq!(read.len(), 3);
        assert!(read.contains(&world.ca));
    }
}

/// Lets OpenSSL make two keys with certificates and sign `content` with both.
fn signed_by_openssl(directory: &Path, content: &[u8], content_type: &str, more: &[&str]) -> Vec<u8> {
    std::fs::write(directory.join("content"), content).unwrap();
    for (index, key) in ["rsa:2048", "ec"].iter().enumerate() {
        let (key_file, certificate) = (format!("key{index}.pem"), format!("certificate{index}.pem"));
        let subject = format!("/CN=old {index}");
        let mut arguments =
            vec!["req", "-x509", "-config", "/dev/null", "-nodes", "-days", "2", "-subj", &subject, "-newkey", key];
        arguments.extend(["-keyout", &key_file, "-out", &certificate, "-addext", "subjectKeyIdentifier=hash"]);
        if *key == "ec" {
            arguments.extend(["-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        openssl(directory, &arguments);
    }
    let mut arguments = vec!["cms", "-sign", "-binary", "-nodetach", "-in", "content", "-econtent_type", content_type];
    arguments.extend(["-signer", "certificate0.pem", "-inkey", "key0.pem", "-signer", "certificate1.pem"]);
    arguments.extend(["-inkey", "key1.pem", "-outform", "DER", "-out", "signed.der"]);
    arguments.extend(more);
    openssl(directory, &arguments);
    std::fs::read(directory.join("signed.der")).unwrap()
}

const PKI_DATA: &str = "1.3.6.1.5.5.7.12.2";

#[test]
fn requests_signed_by_openssl_are_read_definite_and_streamed() {
    let world = World::new();
    let directory = prepared(&world, &world.request());
    let directory = directory.path();
    openssl(directory, &VERIFY);
    let content = std::fs::read(directory.join("content.der")).unwrap();
    let forms: [&[&str]; 5] = [&[], &["-cades"], &["-keyid"], &["-stream"], &["-stream", "-cades", "-md", "sha384"]];
    for form in forms {
        let message = signed_by_openssl(directory, &content, PKI_DATA, form);
        let streamed = form.contains(&"-stream");
        assert_eq!(message[1] == 0x80, streamed, "indefinite length only where it was asked for");
        let received = FullRequest::parse(&message).unwrap();
        assert_eq!(received.transaction, world.transaction);
        assert_eq!(received.signers.len(), 2);
        let Kind::Enroll(requests) = received.kind else { panic!("no requests") };
        assert_eq!(requests.len(), 2);
    }
}

#[test]
fn a_request_that_openssl_signs_without_attributes_is_refused() {
    let world = World::new();
    let directory = prepared(&world, &world.request());
    let directory = directory.path();
    openssl(directory, &VERIFY);
    let content = std::fs::read(directory.join("content.der")).unwrap();
    let message = signed_by_openssl(directory, &content, PKI_DATA, &["-noattr"]);
    assert_eq!(FullRequest::parse(&message), Err(RequestError::Signature(SignatureError::NoSignedAttributes)));
    let message = signed_by_openssl(directory, &content, PKI_DATA, &["-nocerts"]);
    assert_eq!(FullRequest::parse(&message), Err(RequestError::Signature(SignatureError::UnknownSigner)));
    let message = signed_by_openssl(directory, &content, PKI_DATA, &["-md", "sha1"]);
    assert!(matches!(FullRequest::parse(&message), Err(RequestError::Signature(SignatureError::Algorithm(_)))));
    let message = signed_by_openssl(directory, &content, "1.2.840.113549.1.7.1", &[]);
    assert!(matches!(FullRequest::parse(&message), Err(RequestError::Message(MessageError::WrongContent { .. }))));
}

#[test]
fn a_response_signed_by_openssl_is_the_ca_s_only_when_it_is() {
    let world = World::new();
    let response = world.respond(&world.request(), &Answer::Confirmed);
    let directory = prepared(&world, &response);
    let directory = directory.path();
    openssl(directory, &VERIFY);
    let content = std::fs::read(directory.join("content.der")).unwrap();
    let message = signed_by_openssl(directory, &content, "1.3.6.1.5.5.7.12.3", &["-stream"]);
    let expected = world.expected(Asked::Confirmation);
    assert_eq!(FullResponse::parse(&message, &expected), Err(ResponseError::WrongSigner));
    let other = certs_only::read_file(&std::fs::read(directory.join("certificate1.pem")).unwrap()).unwrap();
    let expected = obnova_enroll::cmc::Expected { ca: &other, ..expected };
    assert_eq!(FullResponse::parse(&message, &expected).unwrap().answer, Answer::Confirmed);
}

/// The `cms` crate is another reader that knows nothing of this one.
#[test]
fn another_library_reads_the_same_structure() {
    let world = World::new();
    let info = cms::content_info::ContentInfo::from_der(&world.request()).unwrap();
    let data = info.content.decode_as::<cms::signed_data::SignedData>().unwrap();
    assert_eq!(data.version, cms::content_info::CmsVersion::V3);
    assert_eq!(data.signer_infos.0.len(), 2);
    assert_eq!(data.certificates.unwrap().0.len(), 2);
    assert_eq!(data.digest_algorithms.len(), 2, "SHA-256 and SHA-384");
    // Same digest twice is named once.
    let world = World::with(Key::p256(), [Key::p256(), Key::p256()], [Key::p256(), Key::p256()]);
    let info = cms::content_info::ContentInfo::from_der(&world.request()).unwrap();
    let data = info.content.decode_as::<cms::signed_data::SignedData>().unwrap();
    assert_eq!(data.digest_algorithms.len(), 1);
}
