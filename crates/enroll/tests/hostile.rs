//! Every message cut at every length and with every bit flipped: nothing panics, nothing is believed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{World, craft, noon};
use obnova_enroll::{
    MessageError, certs_only,
    cmc::{Answer, Asked, FailInfo, FollowUp, FullRequest, FullResponse, PendToken, RequestError},
};
use x509_cert::Certificate;

fn flipped(message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..message.len() * 8).map(|position| {
        let mut flipped = message.to_vec();
        flipped[position / 8] ^= 1 << (position % 8);
        flipped
    })
}

/// Where the versions of a request's signers are, whom an issuer and a number name: behind everything else.
fn signers(request: &[u8]) -> [usize; 2] {
    let (version, mut found) = ([0x02, 1, 1, 0x30], [0; 2]);
    let places = request.windows(4).enumerate().filter(|(_, bytes)| *bytes == version).map(|(at, _)| at + 2);
    places.for_each(|at| found = [found[1], at]);
    found
}

/// Where the content begins. Before it are the version of the data and the list of digests.
fn content(request: &[u8]) -> usize {
    let kind = craft::oid(craft::PKI_DATA);
    request.windows(kind.len()).position(|bytes| bytes == kind).unwrap()
}

fn responses(world: &World) -> Vec<Vec<u8>> {
    let request = world.request();
    let token = PendToken::from_bytes(&[1; 16]).unwrap();
    let answers = [
        Answer::Issued { certificates: world.issued(), chain: Vec::new(), confirm: true },
        Answer::Pending { token, check_at: noon() },
        Answer::Refused { reason: FailInfo::BadIdentity, text: "revoked".into() },
    ];
    answers.iter().map(|answer| world.respond(&request, answer)).collect()
}

#[test]
fn a_request_cut_anywhere_is_refused() {
    let world = World::new();
    let follow_up = FollowUp::new(world.transaction.clone(), world.nonce.clone());
    let query = follow_up.query_pending(&PendToken::from_bytes(&[1; 16]).unwrap()).unwrap();
    let confirmation = follow_up.confirm_acceptance(None, &world.issued()).unwrap();
    for message in [world.request(), query, confirmation] {
        assert!(FullRequest::parse(&message).is_ok());
        for length in 0..message.len() {
            assert!(FullRequest::parse(&message[..length]).is_err(), "{length}");
            assert!(FullRequest::return_address(&message[..length]).is_none(), "{length}");
        }
    }
}

#[test]
fn a_response_cut_anywhere_is_refused() {
    let world = World::new();
    for response in responses(&world) {
        assert!(FullResponse::parse(&response, &world.expected(Asked::Certificates)).is_ok());
        for length in 0..response.len() {
            let cut = FullResponse::parse(&response[..length], &world.expected(Asked::Certificates));
            assert!(cut.is_err(), "{length}");
        }
    }
}

/// A flipped bit is noticed, or it is one of the few that no signature covers and that say nothing: in versions and in the list
/// of digests. Whatever parses has the same content.
#[test]
fn a_request_with_any_bit_flipped_says_the_same_or_nothing() {
    let world = World::new();
    let message = world.request();
    let honest = FullRequest::parse(&message).unwrap();
    for altered in flipped(&message) {
        let _ = FullRequest::return_address(&altered);
        if let Ok(request) = FullRequest::parse(&altered) {
            assert_eq!(request, honest);
            let at = (0..message.len()).find(|at| message[*at] != altered[*at]).unwrap();
            assert!(at < content(&message) || signers(&message).contains(&at), "{at}");
        }
    }
}

/// No signature covers the versions, and what one of them means that RFC 5652 does not know, nobody knows.
#[test]
fn a_request_of_an_unknown_version_is_refused() {
    let world = World::new();
    let mut message = world.request();
    let honest = FullRequest::parse(&message).unwrap();
    let data = message.windows(4).position(|bytes| bytes == [0x02, 1, 3, 0x31]).unwrap() + 2;
    for at in [data].into_iter().chain(signers(&message)) {
        let own = message[at];
        for version in 0..0x80 {
            message[at] = version;
            let parsed = FullRequest::parse(&message);
            if version <= 5 {
                assert_eq!(parsed.unwrap(), honest);
            } else {
                assert!(matches!(parsed, Err(RequestError::Message(MessageError::Malformed(_)))), "{version} at {at}");
            }
        }
        message[at] = own;
    }
}

/// As above. The certificates in a response stand outside of the CA's signature and bear their own: one that was altered
/// does not match, and one lost is missed by whoever asked.
#[test]
fn a_response_with_any_bit_flipped_says_the_same_or_nothing() {
    let world = World::new();
    for response in responses(&world) {
        let expected = world.expected(Asked::Certificates);
        let honest = FullResponse::parse(&response, &expected).unwrap();
        for altered in flipped(&response) {
            let Ok(parsed) = FullResponse::parse(&altered, &expected) else { continue };
            match (&parsed.answer, &honest.answer) {
                (
                    Answer::Issued { certificates, confirm, .. },
                    Answer::Issued { certificates: all, confirm: confirmed, .. },
                ) => {
                    assert_eq!(confirm, confirmed);
                    for certificate in certificates.iter().filter(|certificate| !all.contains(certificate)) {
                        assert!(!issued_by_the_ca(&world, certificate), "an altered certificate proves nothing");
                    }
                }
                _ => assert_eq!(parsed, honest),
            }
        }
    }
}

fn issued_by_the_ca(world: &World, certificate: &Certificate) -> bool {
    use der::Encode;
    let tbs = certificate.tbs_certificate().to_der().unwrap();
    let algorithm = world.ca_key.algorithm();
    let Some(signature) = certificate.signature().as_bytes() else { return false };
    certificate.signature_algorithm() == certificate.tbs_certificate().signature()
        && certificate.signature_algorithm().oid == algorithm.identifier().oid
        && obnova_algorithm::verify(&world.ca_key.public(), algorithm, &tbs, signature).is_ok()
}

#[test]
fn a_list_of_certificates_cut_or_flipped_does_not_panic() {
    let world = World::new();
    let pair = world.issued();
    let list = certs_only::encode(&pair).unwrap();
    for length in 0..list.len() {
        assert!(certs_only::decode(&list[..length]).is_err(), "{length}");
        assert!(certs_only::read_file(&list[..length]).is_err(), "{length}");
    }
    for altered in flipped(&list) {
        for read in [certs_only::decode(&altered), certs_only::read_file(&altered)].into_iter().flatten() {
            assert!(read.iter().all(|found| pair.contains(found) || !issued_by_the_ca(&world, found)));
        }
    }
    let pem = certs_only::encode_pem(&pair).unwrap();
    for length in 0..pem.len() - 1 {
        assert!(certs_only::read_file(&pem.as_bytes()[..length]).is_err(), "{length}");
    }
    for altered in flipped(pem.as_bytes()) {
        for found in certs_only::read_file(&altered).into_iter().flatten() {
            assert!(pair.contains(&found) || !issued_by_the_ca(&world, &found));
        }
    }
}

/// Bytes that are not even an attempt.
#[test]
fn noise_is_refused() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let world = World::new();
    for length in 0..2000 {
        let noise = (0..length).map(|index| if index == 0 { 0x30 } else { byte() }).collect::<Vec<_>>();
        assert!(FullRequest::parse(&noise).is_err());
        assert!(FullResponse::parse(&noise, &world.expected(Asked::Certificates)).is_err());
        assert!(certs_only::read_file(&noise).is_err());
    }
}
