//! Somebody without a certificate asks for his first ones, by a user id and a one-time password; and whoever only says so.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fmt::{Debug, Display},
    sync::LazyLock,
};

use common::{Key, World, craft, openssl::openssl};
use const_oid::ObjectIdentifier;
use der::{EncodePem, pem::LineEnding};
use obnova_algorithm::{Digest, SubjectPublicKeyInfoOwned, UnknownAlgorithm, VerifyError};
use obnova_enroll::{
    Secret, SignatureError,
    cmc::{
        Answer, Asked, BuildError, ControlError, FailInfo, FirstRequest, FirstRequestBuilder, FullRequest,
        FullResponse, FullResponseBuilder, IdError, IdentityProof, Nonce, ProofError, ProofKey, Received, RequestError,
        UserId, UserIdError,
    },
};
use proptest::{collection::vec, prelude::*};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use zeroize::ZeroizeOnDrop;

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fn user() -> UserId {
    UserId::new("jana.nováková").unwrap()
}

/// 80 random bits in Base32, as a CA would hand them over.
fn password() -> Secret {
    Secret::from_bytes(b"MZXW6YTBOI5FA2LC").unwrap()
}

fn key() -> ProofKey {
    ProofKey::derive(Digest::Sha256, &password(), &user())
}

fn first(message: &[u8]) -> FirstRequest {
    let Received::First(request) = Received::parse(message).unwrap() else { panic!("not a first request") };
    request
}

#[test]
fn both_requests_arrive_with_a_proof_of_who_asks() {
    for world in [World::new(), World::with(Key::p256(), [Key::p256(), Key::p256()], [Key::rsa(), Key::rsa_pss()])] {
        for digest in Digest::ALL {
            let made = ProofKey::derive(digest, &password(), &user());
            let received = first(&world.first_request(&user(), &made));
            assert_eq!((&received.transaction, &received.nonce), (&world.transaction, &world.nonce));
            assert_eq!(received.user.as_str(), "jana.nováková");
            // What a CA keeps is the key, as bytes.
            assert_eq!(received.proof.hash(), digest);
            let kept = ProofKey::from_bytes(digest, made.as_bytes()).unwrap();
            assert!(kept == made && kept.digest() == digest);
            assert_eq!(received.proof.verify(&kept), Ok(()));
            for ((part, request), key) in received.requests.iter().zip(&world.new_keys) {
                assert_ne!(*part, 0);
                request.verify().unwrap();
                assert_eq!(*request.public_key(), key.public());
            }
            assert_eq!(received.requests.len(), 2);
        }
    }
}

#[test]
fn it_is_answered_as_any_other() {
    let received = Received::parse(&WORLD.first_request(&user(), &key())).unwrap();
    let builder = FullResponseBuilder::reply_to_any(&received, Nonce::from_random([9; 16]));
    let issued = Answer::Issued { certificates: WORLD.issued(), chain: Vec::new(), confirm: true };
    let answer = WORLD.sign_response(builder, &issued);
    let answer = FullResponse::parse(&answer, &WORLD.expected(Asked::Certificates)).unwrap().answer;
    assert!(matches!(answer, Answer::Issued { certificates, .. } if certificates.len() == 2));
    // A renewal is answered with the same bytes by either name.
    let renewal = WORLD.request();
    let Received::Known(known) = Received::parse(&renewal).unwrap() else { panic!("not a renewal") };
    let nonce = || Nonce::from_random([9; 16]);
    let either = [
        FullResponseBuilder::reply_to(&known, nonce()),
        FullResponseBuilder::reply_to_any(&Received::Known(known), nonce()),
    ];
    let to_sign = either.map(|builder| builder.finalize(&Answer::Confirmed, &WORLD.ca_signer()).unwrap().to_sign());
    assert_eq!(to_sign[0], to_sign[1]);
}

#[test]
fn who_does_not_know_the_password_is_refused_by_name() {
    let received = first(&WORLD.first_request(&user(), &key()));
    let refused = |password: &[u8], user: &str| {
        let (password, user) = (Secret::from_bytes(password).unwrap(), UserId::new(user).unwrap());
        received.proof.verify(&ProofKey::derive(Digest::Sha256, &password, &user))
    };
    assert_eq!(refused(b"MZXW6YTBOI5FA2LC", "jana.nováková"), Ok(()));
    assert_eq!(refused(b"MZXW6YTBOI5FA2LD", "jana.nováková"), Err(ProofError::Wrong));
    assert_eq!(refused(b"MZXW6YTBOI5FA2LC", "jana.novakova"), Err(ProofError::Wrong), "the key is the user's");
    let other = ProofKey::derive(Digest::Sha384, &password(), &user());
    let wrong = ProofError::OtherHash { proof: Digest::Sha256, key: Digest::Sha384 };
    assert_eq!(received.proof.verify(&other), Err(wrong));
    let short = ProofError::KeySize { size: 31, wanted: 32 };
    assert_eq!(ProofKey::from_bytes(Digest::Sha256, &[1; 31]).err(), Some(short));
}

/// A proof is about its requests: another's proof is worth nothing for one's own.
#[test]
fn a_proof_that_was_seen_does_not_serve_for_other_keys() {
    let (world, thief) = (World::new(), World::new());
    let seen = first(&world.first_request(&user(), &key()));
    let own = first(&thief.first_request(&user(), &ProofKey::from_bytes(Digest::Sha256, &[7; 32]).unwrap()));
    assert_eq!(own.proof.verify(&key()), Err(ProofError::Wrong));
    assert_eq!(seen.proof.verify(&key()), Ok(()));

    // The stolen control beside the thief's requests, signed by his keys.
    let content = Content { proof: proof_control(&key(), &tagged(&world)), ..Content::of(&thief) };
    let FirstRequest { proof, .. } = first(&content.signed(&thief));
    assert_eq!(proof.verify(&key()), Err(ProofError::Wrong));
}

/// The parts of a first request, written by hand.
struct Content {
    ids: Vec<Vec<u8>>,
    identification: Vec<u8>,
    proof: Vec<u8>,
    requests: Vec<Vec<u8>>,
}

fn tagged(world: &World) -> Vec<Vec<u8>> {
    let requests = world.first_requests();
    (10..).zip(&requests).map(|(part, request)| craft::tlv(0xa0, &[&[2, 1, part], request.der()])).collect()
}

fn algorithm(oid: &str) -> Vec<u8> {
    craft::seq(&[&craft::oid(oid)])
}

const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const HMAC_SHA_256: &str = "1.2.840.113549.2.9";

fn proof_control(key: &ProofKey, requests: &[Vec<u8>]) -> Vec<u8> {
    let sequence = craft::seq(&[&requests.concat()]);
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.as_bytes());
    let witness = aws_lc_rs::hmac::sign(&mac, &sequence);
    let value = craft::seq(&[&algorithm(SHA_256), &algorithm(HMAC_SHA_256), &craft::octets(witness.as_ref())]);
    craft::control(4, craft::IDENTITY_PROOF_V2, &value)
}

impl Content {
    fn of(world: &World) -> Self {
        let transaction = craft::control(1, craft::TRANSACTION, &craft::tlv(2, &[world.transaction.as_bytes()]));
        let nonce = craft::control(2, craft::SENDER_NONCE, &craft::octets(world.nonce.as_bytes()));
        let name = craft::tlv(12, &[user().as_str().as_bytes()]);
        let requests = tagged(world);
        Self {
            ids: vec![transaction, nonce],
            identification: craft::control(3, craft::IDENTIFICATION, &name),
            proof: proof_control(&key(), &requests),
            requests,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let controls = [self.ids.clone(), vec![self.identification.clone(), self.proof.clone()]].concat();
        craft::pki_data(&controls, &self.requests)
    }

    /// Signed by both of the world's new keys.
    fn signed(&self, world: &World) -> Vec<u8> {
        let content = self.bytes();
        craft::message(craft::PKI_DATA, &content, &[], &[0, 1].map(|index| signer(world, index, &content)))
    }

    fn refused(&self, world: &World) -> RequestError {
        Received::parse(&self.signed(world)).unwrap_err()
    }
}

/// By the rule that the key identifiers are made with, looked up in the request.
fn identifier(world: &World, index: usize) -> Vec<u8> {
    let key: SubjectPublicKeyInfoOwned = world.new_keys[index].public();
    Digest::Sha256.of(key.subject_public_key.raw_bytes()).as_bytes()[..20].to_vec()
}

fn signer(world: &World, index: usize, content: &[u8]) -> Vec<u8> {
    let key = &world.new_keys[index];
    craft::key_signer(&identifier(world, index), key, &craft::attributes(key, craft::PKI_DATA, content))
}

#[test]
fn what_a_stranger_writes_is_read() {
    let content = Content::of(&WORLD);
    let received = first(&content.signed(&WORLD));
    assert_eq!(received.proof.verify(&key()), Ok(()));
    assert_eq!(received.user, user());
}

#[test]
fn halves_and_mixtures_are_named() {
    let world = &*WORLD;
    let honest = || Content::of(world);
    let null = |kind| craft::control(4, kind, &[5, 0]);
    let malformed = |kind| {
        let oid = ObjectIdentifier::new_unwrap(kind);
        RequestError::Control(ControlError::Malformed { oid })
    };
    let cases = [
        (Content { identification: Vec::new(), ..honest() }, RequestError::NoIdentification),
        (Content { proof: Vec::new(), ..honest() }, RequestError::NoIdentityProof),
        (Content { ids: honest().ids[1..].to_vec(), ..honest() }, RequestError::NoTransaction),
        (Content { ids: honest().ids[..1].to_vec(), ..honest() }, RequestError::NoNonce),
        (Content { proof: null(craft::IDENTITY_PROOF_V2), ..honest() }, malformed(craft::IDENTITY_PROOF_V2)),
        (Content { identification: null(craft::IDENTIFICATION), ..honest() }, malformed(craft::IDENTIFICATION)),
        (
            Content {
                identification: craft::control(3, craft::IDENTIFICATION, &craft::tlv(12, &[b"\x1b[2J"])),
                ..honest()
            },
            malformed(craft::IDENTIFICATION),
        ),
        (
            Content {
                ids: [honest().ids, vec![craft::control(7, craft::QUERY_PENDING, &craft::octets(b"t"))]].concat(),
                ..honest()
            },
            RequestError::Ambiguous,
        ),
    ];
    for (content, error) in cases {
        assert_eq!(content.refused(world), error);
    }
    for (hash, mac, unknown) in [("1.3.14.3.2.26", HMAC_SHA_256, "1.3.14.3.2.26"), (SHA_256, SHA_256, SHA_256)] {
        let value = craft::seq(&[&algorithm(hash), &algorithm(mac), &craft::octets(&[1; 32])]);
        let content = Content { proof: craft::control(4, craft::IDENTITY_PROOF_V2, &value), ..honest() };
        let error = RequestError::ProofAlgorithm(UnknownAlgorithm { oid: ObjectIdentifier::new_unwrap(unknown) });
        assert_eq!(error.fail_info(), FailInfo::BadAlgorithm);
        assert_eq!(content.refused(world), error);
    }
    // A MAC that was cut short is none.
    let short = craft::seq(&[&algorithm(SHA_256), &algorithm(HMAC_SHA_256), &craft::octets(&[1; 16])]);
    let content = Content { proof: craft::control(4, craft::IDENTITY_PROOF_V2, &short), ..honest() };
    assert_eq!(first(&content.signed(world)).proof.verify(&key()), Err(ProofError::Wrong));
    let empty = Content { requests: Vec::new(), ..honest() };
    let message = craft::message(craft::PKI_DATA, &empty.bytes(), &[], &[]);
    assert_eq!(Received::parse(&message), Err(RequestError::Empty));
}

#[test]
fn every_new_key_signs_and_nobody_else() {
    let world = &*WORLD;
    let content = Content::of(world).bytes();
    let [one, two] = [0, 1].map(|index| signer(world, index, &content));
    let parse = |certificates: &[&x509_cert::Certificate], signers: &[Vec<u8>]| {
        Received::parse(&craft::message(craft::PKI_DATA, &content, certificates, signers)).unwrap_err()
    };
    assert_eq!(parse(&[], &[]), RequestError::KeyDidNotSign { part: 10 });
    assert_eq!(parse(&[], std::slice::from_ref(&one)), RequestError::KeyDidNotSign { part: 11 });
    assert_eq!(parse(&[], std::slice::from_ref(&two)), RequestError::KeyDidNotSign { part: 10 });
    assert_eq!(parse(&[], &[one.clone(), one.clone()]), RequestError::SignerTwice);
    let attributes = |key: &Key| craft::attributes(key, craft::PKI_DATA, &content);
    let old = craft::signer(&world.old[0], &world.old_keys[0], &attributes(&world.old_keys[0]));
    assert_eq!(parse(&[&world.old[0]], &[one.clone(), two.clone(), old]), RequestError::CertificateBesideProof);
    let stranger = craft::key_signer(&[9; 20], &world.old_keys[0], &attributes(&world.old_keys[0]));
    assert_eq!(parse(&[], &[one.clone(), two, stranger]), SignatureError::UnknownSigner.into());
    // Another key under the name of a request's.
    let forged = craft::key_signer(&identifier(world, 1), &world.old_keys[0], &attributes(&world.old_keys[0]));
    let wrong = parse(&[], &[one.clone(), forged]);
    assert_eq!(wrong, SignatureError::Signature(VerifyError::WrongSignature).into());
    assert_eq!(wrong.fail_info(), FailInfo::BadMessageCheck);
    // A signer without a certificate that means one.
    let hash = craft::seq(&[&craft::octets(&[7; 32])]);
    let means = craft::attribute("1.2.840.113549.1.9.16.2.47", &craft::seq(&[&craft::seq(&[&hash])]));
    let key = &world.new_keys[1];
    let means = craft::key_signer(&identifier(world, 1), key, &[attributes(key), vec![means]].concat());
    assert_eq!(parse(&[], &[one, means]), SignatureError::OtherCertificate.into());
}

#[test]
fn one_identifier_for_two_requests_is_refused() {
    let world = World::new();
    let content = Content::of(&world);
    let twice = Content { requests: vec![content.requests[0].clone(), tagged_as(&content.requests[0], 12)], ..content };
    let bytes = twice.bytes();
    let message = craft::message(craft::PKI_DATA, &bytes, &[], &[signer(&world, 0, &bytes)]);
    assert_eq!(Received::parse(&message), Err(RequestError::KeyIdentifierTwice));
}

/// The same request with another number.
fn tagged_as(request: &[u8], part: u8) -> Vec<u8> {
    let mut request = request.to_vec();
    let number = request.windows(3).position(|window| window == [2, 1, 10]).unwrap();
    request[number + 2] = part;
    request
}

#[test]
fn a_ca_that_only_renews_says_so() {
    let refused = FullRequest::parse(&WORLD.first_request(&user(), &key())).unwrap_err();
    assert_eq!(refused, RequestError::NotOffered { what: "a first certificate by a one-time password" });
    assert_eq!(refused.fail_info(), FailInfo::BadRequest);
    assert!(matches!(Received::parse(&WORLD.request()), Ok(Received::Known(_))));
}

#[test]
fn what_would_be_refused_is_not_built() {
    let builder = || FirstRequestBuilder::new(WORLD.transaction.clone(), WORLD.nonce.clone());
    let [first, second] = WORLD.first_requests();
    let refused = |builder: FirstRequestBuilder| builder.finalize(&user(), &key()).unwrap_err();
    assert_eq!(refused(builder()), BuildError::Empty);
    assert_eq!(refused(builder().request(first.clone()).request(first.clone())), BuildError::SignerTwice { index: 1 });
    let plain = WORLD.requests()[1].clone();
    assert_eq!(refused(builder().request(first.clone()).request(plain)), BuildError::NoKeyIdentifier { index: 1 });
    let many = (0..17).fold(builder(), |builder, _| builder.request(second.clone()));
    assert_eq!(refused(many), BuildError::TooMany);

    let to_sign = builder().request(first).request(second).finalize(&user(), &key()).unwrap();
    let swapped =
        to_sign.to_sign().iter().map(|one| WORLD.new_keys[1 - one.signer].sign(&one.bytes)).collect::<Vec<_>>();
    let wrong = BuildError::Signer { index: 0, error: VerifyError::WrongSignature };
    assert_eq!(to_sign.assemble(&swapped).unwrap_err(), wrong);

    let error = |size, most| UserIdError::Size(IdError { size, most });
    assert_eq!(UserId::new(""), Err(error(0, UserId::MAX_SIZE)));
    assert_eq!(UserId::new(&"x".repeat(129)), Err(error(129, UserId::MAX_SIZE)));
    for unseen in ['\n', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{2069}'] {
        assert_eq!(UserId::new(&format!("a{unseen}b")), Err(UserIdError::ControlCharacter), "{unseen:?}");
    }
    assert_eq!(Secret::from_bytes(b"").err(), Some(IdError { size: 0, most: Secret::MAX_SIZE }));
    assert_eq!(Secret::from_bytes(&[1; 256]).err(), Some(IdError { size: 256, most: Secret::MAX_SIZE }));
}

#[test]
fn no_secret_is_shown() {
    assert_not_impl_any!(Secret: Debug, Display, Default, Copy);
    assert_not_impl_any!(ProofKey: Debug, Display, Default, Copy);
    assert_impl_all!(Secret: ZeroizeOnDrop);
    assert_impl_all!(ProofKey: ZeroizeOnDrop);
    // Two typings, compared.
    assert!(password() == password() && password() != Secret::from_bytes(b"MZXW6YTBOI5FA2L").unwrap());
    let shown = format!("{:?}", first(&WORLD.first_request(&user(), &key())).proof);
    assert_eq!(shown, "IdentityProof { hash: Sha256, mac: Sha256, .. }");
    assert_impl_all!(IdentityProof: Debug);
}

/// OpenSSL takes the message apart, hashes password and name, and computes the MAC over the bytes it finds there.
#[test]
fn openssl_computes_the_same_witness_over_the_bytes_that_were_sent() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let message = WORLD.first_request(&user(), &key());
    std::fs::write(directory.join("message.der"), &message).unwrap();
    // It looks for signers among certificates, so it is given one of its own for each new key.
    let requests = WORLD.first_requests();
    let own = WORLD.new_keys.iter().zip(&requests).map(|(key, request)| {
        let own = common::certificate_with("CN=own", key, "CN=own", key, 1, request.extensions().to_vec());
        own.to_pem(LineEnding::LF).unwrap()
    });
    std::fs::write(directory.join("own.pem"), own.collect::<String>()).unwrap();
    let verify = ["cms", "-verify", "-noverify", "-certfile", "own.pem", "-inform", "DER", "-in", "message.der"];
    openssl(directory, &[&verify[..], &["-binary", "-out", "content.der"]].concat());
    let listed = String::from_utf8(openssl(directory, &["asn1parse", "-inform", "DER", "-in", "content.der"])).unwrap();
    // The second element of the outermost sequence.
    let field = |line: &str, name: &str| {
        let after = line.split_once(&format!("{name}=")).unwrap().1;
        after
            .trim_start()
            .split(|character: char| !character.is_ascii_digit())
            .next()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let line = listed.lines().filter(|line| field(line, ":d") == 1).nth(1).unwrap();
    let start = line.split(':').next().unwrap().trim().parse::<usize>().unwrap();
    let content = std::fs::read(directory.join("content.der")).unwrap();
    let sequence = &content[start..start + field(line, " hl") + field(line, " l")];
    std::fs::write(directory.join("requests.der"), sequence).unwrap();
    std::fs::write(directory.join("secret"), "MZXW6YTBOI5FA2LCjana.nováková").unwrap();

    let digest = |more: &[&str], file: &str| {
        let said = String::from_utf8(openssl(directory, &[&["dgst", "-sha256"], more, &[file]].concat())).unwrap();
        said.trim().rsplit(' ').next().unwrap().to_owned()
    };
    let mac_key = format!("hexkey:{}", digest(&[], "secret"));
    let witness = digest(&["-mac", "HMAC", "-macopt", &mac_key], "requests.der");
    assert!(listed.contains(&witness.to_uppercase()), "no {witness} in {listed}");
    for part in ["id-cmc-identification", "jana.nov", "1.3.6.1.5.5.7.7.34", "hmacWithSHA256"] {
        assert!(listed.contains(part), "no {part} in {listed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn a_first_request_is_read_as_it_was_written(
        name in "[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,32}",
        password in vec(any::<u8>(), 1..=Secret::MAX_SIZE),
        others in (vec(any::<u8>(), 1..=Secret::MAX_SIZE), "[a-z]{1,32}"),
        digest in proptest::sample::select(&Digest::ALL[..]),
    ) {
        let (user, password) = (UserId::new(&name).unwrap(), Secret::from_bytes(&password).unwrap());
        let key = ProofKey::derive(digest, &password, &user);
        let received = first(&WORLD.first_request(&user, &key));
        prop_assert_eq!(&received.user, &user);
        prop_assert!(received.proof.verify(&key) == Ok(()));
        let other = (Secret::from_bytes(&others.0).unwrap(), UserId::new(&others.1).unwrap());
        for wrong in [ProofKey::derive(digest, &other.0, &user), ProofKey::derive(digest, &password, &other.1)] {
            prop_assert_eq!(received.proof.verify(&wrong).is_ok(), wrong == key);
        }
    }
}

/// Whatever is altered, the message says the same or is refused, or the proof is.
#[test]
fn a_first_request_cut_or_with_any_bit_flipped_says_the_same_or_nothing() {
    let message = WORLD.first_request(&user(), &key());
    let honest = first(&message);
    for length in 0..message.len() {
        assert!(Received::parse(&message[..length]).is_err(), "{length}");
    }
    for position in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        match Received::parse(&flipped) {
            Err(_) => {}
            Ok(Received::First(request)) => assert_eq!(request, honest, "bit {position}"),
            Ok(other) => panic!("bit {position}: {other:?}"),
        }
    }
}
