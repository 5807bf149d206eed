//! Two certificates renewed in one transaction: asked for, pending, picked up twice, confirmed; or refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fmt::{Debug, Display},
    time::SystemTime,
};

use common::{Key, World, noon};
use obnova_enroll::cmc::{
    Answer, Asked, CertificateId, FailInfo, FollowUp, FullRequest, FullResponse, Kind, Nonce, PendToken,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use zeroize::ZeroizeOnDrop;

#[test]
fn both_requests_and_both_signers_arrive() {
    for (old, new) in [
        ([Key::p256(), Key::p384()], [Key::p256(), Key::p384()]),
        ([Key::rsa(), Key::rsa_pss()], [Key::rsa(), Key::p256()]),
    ] {
        let world = World::with(Key::p256(), old, new);
        let received = FullRequest::parse(&world.request()).unwrap();
        assert_eq!(received.transaction, world.transaction);
        assert_eq!(received.nonce, world.nonce);
        assert_eq!(received.in_reply_to, None);
        let Kind::Enroll(requests) = &received.kind else { panic!("{:?}", received.kind) };
        for ((part, request), key) in requests.iter().zip(&world.new_keys) {
            assert_ne!(*part, 0);
            request.verify().unwrap();
            assert_eq!(*request.public_key(), key.public());
        }
        assert_eq!(requests.len(), 2);
        assert_eq!(received.signers.len(), 2);
        let signers: Vec<_> = received.signers.iter().map(|signer| signer.read().unwrap()).collect();
        assert!(world.old.iter().all(|old| signers.contains(old)));
    }
}

#[test]
fn pending_then_picked_up_twice_then_confirmed() {
    let world = World::new();
    let token = PendToken::from_bytes(&[0x5a; 16]).unwrap();
    let pending = Answer::Pending { token, check_at: noon() };
    let response = world.respond(&world.request(), &pending);
    let response = FullResponse::parse(&response, &world.expected(Asked::Certificates)).unwrap();
    assert_eq!(response.answer, pending);
    assert_eq!(response.nonce, Some(Nonce::from_random([9; 16])));
    let Answer::Pending { token, .. } = response.answer else { unreachable!() };

    for attempt in 0..2 {
        let nonce = Nonce::from_random([attempt; 16]);
        let follow_up = FollowUp::new(world.transaction.clone(), nonce.clone());
        let query = follow_up.in_reply_to(response.nonce.clone().unwrap()).query_pending(&token).unwrap();
        let received = FullRequest::parse(&query).unwrap();
        assert_eq!(received.kind, Kind::QueryPending(token.clone()));
        assert_eq!(received.in_reply_to, response.nonce);
        assert!(received.signers.is_empty(), "the token speaks");

        let issued = Answer::Issued { certificates: world.issued(), chain: Vec::new(), confirm: true };
        let answer = world.respond(&query, &issued);
        let expected = obnova_enroll::cmc::Expected { nonce: &nonce, ..world.expected(Asked::Certificates) };
        let Answer::Issued { mut certificates, chain, confirm } =
            FullResponse::parse(&answer, &expected).unwrap().answer
        else {
            panic!("not issued")
        };
        certificates.sort_by_key(|certificate| certificate.tbs_certificate().serial_number().clone());
        let Answer::Issued { certificates: wanted, .. } = issued else { unreachable!() };
        let keys = certificates.iter().map(|certificate| certificate.tbs_certificate().subject_public_key_info());
        let wanted_keys = wanted.iter().map(|certificate| certificate.tbs_certificate().subject_public_key_info());
        assert!(keys.eq(wanted_keys));
        assert!(confirm && chain.is_empty(), "the CA that is known already is not in the chain");
    }

    let certificates = world.issued();
    let nonce = Nonce::from_random([3; 16]);
    let follow_up = FollowUp::new(world.transaction.clone(), nonce.clone());
    let confirmation = follow_up.confirm_acceptance(Some(&token), &certificates).unwrap();
    let received = FullRequest::parse(&confirmation).unwrap();
    let wanted = certificates.iter().map(CertificateId::from).collect();
    assert_eq!(received.kind, Kind::ConfirmAcceptance { token: Some(token), certificates: wanted });
    let answer = world.respond(&confirmation, &Answer::Confirmed);
    let expected = obnova_enroll::cmc::Expected { nonce: &nonce, ..world.expected(Asked::Confirmation) };
    assert_eq!(FullResponse::parse(&answer, &expected).unwrap().answer, Answer::Confirmed);
}

#[test]
fn refusals_keep_their_reason_and_their_text() {
    let world = World::new();
    for number in 0..20 {
        let reason = FailInfo::from(number);
        assert_eq!(reason.number(), Some(number));
        let refused = Answer::Refused { reason, text: format!("žádost č. {number} se nevyřizuje") };
        let response = world.respond(&world.request(), &refused);
        let response = FullResponse::parse(&response, &world.expected(Asked::Certificates)).unwrap();
        assert_eq!(response.answer, refused);
    }
    let silent = Answer::Refused { reason: FailInfo::Unspecified, text: String::new() };
    let response = world.respond(&world.request(), &silent);
    assert_eq!(FullResponse::parse(&response, &world.expected(Asked::Certificates)).unwrap().answer, silent);
}

#[test]
fn a_text_of_the_ca_cannot_steer_a_terminal() {
    let world = World::new();
    let text = format!("no\u{1b}[2J\r\n{}", "x".repeat(5000));
    let refused = Answer::Refused { reason: FailInfo::BadRequest, text };
    let response = world.respond(&world.request(), &refused);
    let response = FullResponse::parse(&response, &world.expected(Asked::Certificates)).unwrap();
    let Answer::Refused { text, .. } = response.answer else { panic!("not refused") };
    assert!(text.starts_with("no [2J  xxx"), "{text}");
    assert_eq!(text.chars().count(), 1000);
}

#[test]
fn a_chain_is_told_from_what_was_issued() {
    let world = World::new();
    let root_key = Key::p256();
    let root = common::certificate("CN=Root", &root_key, "CN=Root", &root_key, 9, true);
    let issued = Answer::Issued { certificates: world.issued(), chain: vec![root.clone()], confirm: false };
    let response = world.respond(&world.request(), &issued);
    let response = FullResponse::parse(&response, &world.expected(Asked::Certificates)).unwrap();
    let Answer::Issued { certificates, chain, confirm } = response.answer else { panic!("not issued") };
    assert_eq!((certificates.len(), chain, confirm), (2, vec![root], false));
}

#[test]
fn a_token_is_not_shown() {
    let token = PendToken::from_bytes(b"secret token 123").unwrap();
    assert_not_impl_any!(PendToken: Debug, Display, Default, Copy);
    assert_impl_all!(PendToken: ZeroizeOnDrop);
    let confirmed = Kind::ConfirmAcceptance { token: Some(token.clone()), certificates: Vec::new() };
    let pending = Answer::Pending { token: token.clone(), check_at: SystemTime::UNIX_EPOCH };
    let shown = format!("{:?} {confirmed:?} {pending:?}", Kind::QueryPending(token));
    for form in ["secret", "115, 101", "73 65", "7365"] {
        assert!(!shown.contains(form), "{shown}");
    }
}
