//! A revocation password travels sealed to the CA; a certificate ends by its key, by its password, or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use common::{Key, World, craft, for_encryption, openssl::openssl};
use const_oid::ObjectIdentifier;
use der::{Encode, EncodePem, pem::LineEnding};
use obnova_algorithm::Digest;
use obnova_enroll::{
    MessageError, Secret, SignatureError,
    cmc::{
        Answer, Asked, BuildError, CertificateId, ControlError, FailInfo, FirstRequestBuilder, FullRequest,
        FullRequestBuilder, FullResponse, FullResponseBuilder, Nonce, PasswordError, ProofKey, Received, RequestError,
        Revocation, RevocationRequest, RevocationRequestBuilder, SealedPassphrase, SealedPassword, UserId,
    },
    envelope::{OpenError, OpeningKey, seal},
    limits,
};
use proptest::prelude::*;
use x509_cert::{Certificate, ext::pkix::CrlReason};

static WORLD: LazyLock<World> = LazyLock::new(World::new);
static CA: LazyLock<(Certificate, OpeningKey)> = LazyLock::new(|| for_encryption(&Key::p256()));

const PASSWORD: &[u8] = "kočka na střeše 17".as_bytes();

fn password() -> Secret {
    Secret::from_bytes(PASSWORD).unwrap()
}

fn sealed() -> SealedPassword {
    SealedPassword::seal(&password(), &CA.0).unwrap()
}

fn passphrase(certificate: &CertificateId) -> SealedPassphrase {
    SealedPassphrase::seal(&password(), certificate, &CA.0).unwrap()
}

fn ids() -> [CertificateId; 2] {
    WORLD.old.each_ref().map(CertificateId::from)
}

fn builder() -> RevocationRequestBuilder {
    RevocationRequestBuilder::new(WORLD.transaction.clone(), WORLD.nonce.clone())
}

fn revocation(message: &[u8]) -> RevocationRequest {
    let Received::Revocation(request) = Received::parse(message).unwrap() else { panic!("not a revocation") };
    request
}

/// Signed by both old keys.
fn signed(builder: RevocationRequestBuilder) -> Vec<u8> {
    let to_sign = builder.finalize(&WORLD.signers()).unwrap();
    to_sign.sign_with(|to_sign| Ok::<_, ()>(WORLD.old_keys[to_sign.signer].sign(&to_sign.bytes))).unwrap()
}

#[test]
fn a_password_is_set_with_a_first_request_and_with_a_renewal() {
    let user = UserId::new("jana").unwrap();
    let key = ProofKey::derive(Digest::Sha256, &Secret::from_bytes(b"MZXW6YTBOI5FA2LC").unwrap(), &user);
    let [first, second] = WORLD.first_requests();
    let builder = FirstRequestBuilder::new(WORLD.transaction.clone(), WORLD.nonce.clone());
    let to_sign = builder.request(first).request(second).revocation_password(sealed()).finalize(&user, &key).unwrap();
    let message =
        to_sign.sign_with(|to_sign| Ok::<_, ()>(WORLD.new_keys[to_sign.signer].sign(&to_sign.bytes))).unwrap();
    let Received::First(request) = Received::parse(&message).unwrap() else { panic!("not a first request") };
    assert_eq!(request.proof.verify(&key), Ok(()));
    let opened = request.revocation_password.unwrap().open(&CA.1).unwrap_or_else(|error| panic!("{error}"));
    assert!(opened == password());

    let message = renewal(sealed());
    let Received::Known(request) = Received::parse(&message).unwrap() else { panic!("not a renewal") };
    assert!(request.revocation_password.unwrap().open(&CA.1).is_ok_and(|opened| opened == password()));
    // Whoever has no use for it does not lose it in silence.
    assert_eq!(FullRequest::parse(&message), Err(RequestError::NotOffered { what: "revocation passwords" }));
    assert!(!message.windows(PASSWORD.len()).any(|window| window == PASSWORD));
    assert!(!format!("{:?}", Received::parse(&message)).contains("kočka"));
}

fn renewal(password: SealedPassword) -> Vec<u8> {
    let [first, second] = WORLD.requests();
    let builder = FullRequestBuilder::new(WORLD.transaction.clone(), WORLD.nonce.clone());
    let to_sign =
        builder.request(first).request(second).revocation_password(password).finalize(&WORLD.signers()).unwrap();
    to_sign.sign_with(|to_sign| Ok::<_, ()>(WORLD.old_keys[to_sign.signer].sign(&to_sign.bytes))).unwrap()
}

#[test]
fn openssl_finds_the_envelope_in_the_message_and_opens_it() {
    let key = Key::p256();
    let (certificate, _) = for_encryption(&key);
    let message = renewal(SealedPassword::seal(&password(), &certificate).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    std::fs::write(directory.join("key.der"), key.pkcs8()).unwrap();
    openssl(directory, &["pkey", "-inform", "DER", "-in", "key.der", "-out", "key.pem"]);
    std::fs::write(directory.join("ca.pem"), certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
    std::fs::write(directory.join("message.der"), &message).unwrap();
    let verify =
        ["cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", "message.der", "-out", "content.der"];
    openssl(directory, &verify);
    let listed = String::from_utf8(openssl(directory, &["asn1parse", "-inform", "DER", "-in", "content.der"])).unwrap();
    let mut lines = listed.lines().skip_while(|line| !line.contains("id-cmc-regInfo")).skip(2);
    let offset = lines.next().unwrap().split(':').next().unwrap().trim().to_owned();
    let take =
        ["asn1parse", "-inform", "DER", "-in", "content.der", "-strparse", &offset, "-noout", "-out", "sealed.der"];
    openssl(directory, &take);
    let decrypt = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "sealed.der", "-inkey", "key.pem"];
    openssl(directory, &[&decrypt[..], &["-recip", "ca.pem", "-out", "password"]].concat());
    assert_eq!(std::fs::read(directory.join("password")).unwrap(), PASSWORD);
}

#[test]
fn a_holder_revokes_with_his_key() {
    let [one, two] = ids();
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let first = Revocation {
        invalid_since: Some(since),
        comment: "karta zůstala ve vlaku".into(),
        ..Revocation::new(one, CrlReason::KeyCompromise)
    };
    let second = Revocation::new(two, CrlReason::Superseded);
    let message = signed(builder().revoke(first.clone()).revoke(second.clone()));
    let received = revocation(&message);
    assert_eq!((&received.transaction, &received.nonce), (&WORLD.transaction, &WORLD.nonce));
    assert_eq!(received.revocations, [first, second]);
    for (revocation, old) in received.revocations.iter().zip(&WORLD.old) {
        assert_eq!(received.by_holder(revocation), Some(old));
    }
    let refused = FullRequest::parse(&message).unwrap_err();
    assert_eq!(refused, RequestError::NotOffered { what: "revocation on request" });

    let answer = FullResponseBuilder::reply_to_any(&Received::Revocation(received), Nonce::from_random([9; 16]));
    let answer = WORLD.sign_response(answer, &Answer::Confirmed);
    let answer = FullResponse::parse(&answer, &WORLD.expected(Asked::Confirmation)).unwrap();
    assert_eq!(answer.answer, Answer::Confirmed);
}

#[test]
fn who_lost_his_keys_revokes_with_the_password() {
    let [one, two] = ids();
    let lost = |id: &CertificateId| Revocation::new(id.clone(), CrlReason::KeyCompromise).passphrase(passphrase(id));
    let message = builder().revoke(lost(&one)).revoke(lost(&two)).finalize_unsigned().unwrap();
    assert!(!message.windows(PASSWORD.len()).any(|window| window == PASSWORD));
    let received = revocation(&message);
    assert!(received.signers.is_empty());
    for revocation in &received.revocations {
        assert_eq!(received.by_holder(revocation), None);
        let opened = revocation.passphrase.as_ref().unwrap().open(&CA.1, &revocation.certificate);
        assert!(opened.is_ok_and(|opened| opened == password()));
    }
    // A password that was seen under way revokes nothing else, and one that was set revokes nothing.
    let copied = received.revocations[0].passphrase.as_ref().unwrap();
    assert_eq!(copied.open(&CA.1, &two).err(), Some(PasswordError::OtherCertificate));
    let set = SealedPassphrase::from_der(sealed().der()).unwrap();
    assert_eq!(set.open(&CA.1, &one).err(), Some(PasswordError::NoPassphrase));
    let (_, other) = for_encryption(&Key::p256());
    assert_eq!(copied.open(&other, &one).err(), Some(PasswordError::Open(OpenError::Wrong)));
}

#[test]
fn an_operator_revokes_what_is_not_his() {
    let [one, two] = ids();
    let to_sign = builder().revoke(Revocation::new(one, CrlReason::PrivilegeWithdrawn));
    let to_sign = to_sign.finalize(&WORLD.signers()[1..]).unwrap();
    let message = to_sign.sign_with(|to_sign| Ok::<_, ()>(WORLD.old_keys[1].sign(&to_sign.bytes))).unwrap();
    let received = revocation(&message);
    assert_eq!(received.by_holder(&received.revocations[0]), None, "that he may is the CA's to say");
    assert_eq!(CertificateId::from(&received.signers[0]), two);
}

fn control(part: u8, certificate: &Certificate, more: &[&[u8]]) -> Vec<u8> {
    let tbs = certificate.tbs_certificate();
    let name = [tbs.issuer().to_der().unwrap(), tbs.serial_number().to_der().unwrap()].concat();
    let value = craft::seq(&[&[&name[..], &[10, 1, 1]], more].concat());
    craft::control(part, "1.3.6.1.5.5.7.7.17", &value)
}

fn heads() -> Vec<Vec<u8>> {
    let transaction = craft::control(1, craft::TRANSACTION, &craft::tlv(2, &[WORLD.transaction.as_bytes()]));
    vec![transaction, craft::control(2, craft::SENDER_NONCE, &craft::octets(WORLD.nonce.as_bytes()))]
}

/// What a CA makes of these controls, signed by the first old key or by nobody.
fn asked(controls: &[Vec<u8>], signs: bool) -> Result<Received, RequestError> {
    let content = craft::pki_data(controls, &[]);
    Received::parse(&match signs {
        true => craft::signed(craft::PKI_DATA, &content, &WORLD.old[0], &WORLD.old_keys[0]),
        false => craft::message(craft::PKI_DATA, &content, &[], &[]),
    })
}

#[test]
fn revocations_that_break_the_rules_are_named() {
    let [old, other] = &WORLD.old;
    let with = |more: &[Vec<u8>]| [heads(), more.to_vec()].concat();
    let refused = |controls: &[Vec<u8>], signs| asked(controls, signs).unwrap_err();
    assert!(asked(&with(&[control(3, old, &[])]), true).is_ok());
    let nobody = refused(&with(&[control(3, old, &[])]), false);
    assert_eq!((&nobody, nobody.fail_info()), (&RequestError::NobodyRevokes, FailInfo::BadIdentity));
    let own = passphrase(&CertificateId::from(old));
    let own = craft::octets(own.der());
    assert!(asked(&with(&[control(3, old, &[&own])]), false).is_ok());
    let half = with(&[control(3, old, &[&own]), control(4, other, &[])]);
    assert_eq!(refused(&half, false), RequestError::NobodyRevokes, "one password is not good for two");
    let twice = with(&[control(3, old, &[]), control(4, old, &[])]);
    assert_eq!(refused(&twice, true), RequestError::RevokedTwice);
    let clear = refused(&with(&[control(3, old, &[&craft::octets(PASSWORD)])]), true);
    assert_eq!(clear, RequestError::Control(ControlError::PassphraseInClear));
    assert!(!format!("{clear:?} {clear}").contains("kočka"));
    assert_eq!(refused(&[&heads()[1..], &[control(3, old, &[])]].concat(), true), RequestError::NoTransaction);
    assert_eq!(refused(&[&heads()[..1], &[control(3, old, &[])]].concat(), true), RequestError::NoNonce);
    for kind in [craft::QUERY_PENDING, craft::IDENTIFICATION, craft::REG_INFO] {
        let value = match kind {
            craft::IDENTIFICATION => craft::tlv(12, &[b"jana"]),
            craft::REG_INFO => craft::octets(sealed().der()),
            _ => craft::octets(b"token"),
        };
        let mixed = with(&[control(3, old, &[]), craft::control(4, kind, &value)]);
        assert_eq!(refused(&mixed, true), RequestError::Ambiguous, "{kind}");
    }
    let many = (0..=limits::MAX_REQUESTS as u8).map(|index| {
        let key = &WORLD.old_keys[0];
        let one = common::certificate("CN=x", key, "CN=x", key, index + 1, false);
        control(index + 3, &one, &[])
    });
    let many = with(&many.collect::<Vec<_>>());
    let too_many = MessageError::TooMany { what: "revocations", most: limits::MAX_REQUESTS };
    assert_eq!(refused(&many, true), too_many.into());

    let malformed = |oid| RequestError::Control(ControlError::Malformed { oid: ObjectIdentifier::new_unwrap(oid) });
    let reason = craft::control(3, "1.3.6.1.5.5.7.7.17", &craft::seq(&[&craft::seq(&[]), &[2, 1, 1], &[10, 1, 7]]));
    assert_eq!(refused(&with(&[reason]), true), malformed("1.3.6.1.5.5.7.7.17"), "there is no reason 7");
    let reg_info = |value: &[u8]| with(&[craft::control(3, craft::REG_INFO, &craft::octets(value))]);
    assert_eq!(refused(&reg_info(PASSWORD), true), malformed(craft::REG_INFO));
    assert_eq!(refused(&reg_info(sealed().der()), true), RequestError::Empty, "a password for nothing");
    let pick_up =
        [reg_info(sealed().der()), vec![craft::control(4, craft::QUERY_PENDING, &craft::octets(b"t"))]].concat();
    assert_eq!(refused(&pick_up, true), RequestError::Ambiguous);
    // A signature that is not good is not excused by a password that may be.
    let content = craft::pki_data(&with(&[control(3, old, &[&own])]), &[]);
    let stolen =
        craft::signer(old, &WORLD.new_keys[0], &craft::attributes(&WORLD.new_keys[0], craft::PKI_DATA, &content));
    let message = craft::message(craft::PKI_DATA, &content, &[old], &[stolen]);
    assert!(matches!(Received::parse(&message), Err(RequestError::Signature(SignatureError::Signature(_)))));
}

#[test]
fn what_would_be_refused_is_not_built() {
    let [one, _] = ids();
    let revocation = || Revocation::new(one.clone(), CrlReason::Unspecified);
    assert_eq!(builder().finalize(&WORLD.signers()).unwrap_err(), BuildError::Empty);
    assert_eq!(builder().finalize_unsigned().unwrap_err(), BuildError::Empty);
    assert_eq!(builder().revoke(revocation()).finalize_unsigned().unwrap_err(), BuildError::NoSigner);
    assert_eq!(builder().revoke(revocation()).finalize(&[]).unwrap_err(), BuildError::NoSigner);
    let many = (0..=limits::MAX_REQUESTS).fold(builder(), |builder, _| builder.revoke(revocation()));
    assert_eq!(many.finalize(&WORLD.signers()).unwrap_err(), BuildError::TooMany);
}

#[test]
fn what_is_no_password_in_an_envelope_is_named() {
    let open = |content: &[u8]| SealedPassword::from_der(&seal(content, &CA.0).unwrap()).unwrap().open(&CA.1).err();
    assert_eq!(open(b"x"), None);
    assert!(matches!(open(b""), Some(PasswordError::Size(_))));
    assert!(matches!(open(&[1; 256]), Some(PasswordError::Size(_))));
    assert!(SealedPassword::from_der(PASSWORD).is_err());
    assert!(SealedPassphrase::from_der(PASSWORD).is_err());
    let [one, _] = ids();
    let open =
        |content: &[u8]| SealedPassphrase::from_der(&seal(content, &CA.0).unwrap()).unwrap().open(&CA.1, &one).err();
    let id = one.to_der().unwrap();
    assert_eq!(open(&craft::seq(&[&id, &craft::octets(b"x")])), None);
    assert!(matches!(open(&craft::seq(&[&id, &craft::octets(b"")])), Some(PasswordError::Size(_))));
    for wrong in [&craft::seq(&[&id])[..], b"", PASSWORD, &craft::seq(&[&craft::octets(b"x"), &craft::octets(b"x")])] {
        assert_eq!(open(wrong), Some(PasswordError::NoPassphrase));
    }
}

const REASONS: [CrlReason; 10] = [
    CrlReason::Unspecified,
    CrlReason::KeyCompromise,
    CrlReason::CaCompromise,
    CrlReason::AffiliationChanged,
    CrlReason::Superseded,
    CrlReason::CessationOfOperation,
    CrlReason::CertificateHold,
    CrlReason::RemoveFromCRL,
    CrlReason::PrivilegeWithdrawn,
    CrlReason::AaCompromise,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn a_revocation_is_read_as_it_was_written(
        reason in proptest::sample::select(&REASONS[..]),
        since in proptest::option::of(0..250_000_000_000_u64),
        comment in "[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{0,40}",
        sealed in any::<bool>(),
    ) {
        let [one, _] = ids();
        let since = since.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let revocation = Revocation { invalid_since: since, comment, ..Revocation::new(one.clone(), reason) };
        let revocation = if sealed { revocation.passphrase(passphrase(&one)) } else { revocation };
        let received = self::revocation(&signed(builder().revoke(revocation.clone())));
        prop_assert_eq!(received.revocations, [revocation]);
    }
}

#[test]
fn a_revocation_cut_or_with_any_bit_flipped_says_the_same_or_nothing() {
    let [one, two] = ids();
    let lost = Revocation::new(one.clone(), CrlReason::KeyCompromise).passphrase(passphrase(&one));
    let message = signed(builder().revoke(lost.clone()).revoke(Revocation::new(two, CrlReason::Superseded)));
    let unsigned = builder().revoke(lost).finalize_unsigned().unwrap();
    let honest = revocation(&message);
    for message in [&message, &unsigned] {
        for length in 0..message.len() {
            assert!(Received::parse(&message[..length]).is_err(), "{length}");
        }
    }
    for position in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        if let Ok(request) = Received::parse(&flipped) {
            assert!(request == Received::Revocation(honest.clone()), "bit {position}");
        }
    }
    // Nobody signed the other one: what names another certificate has no password for it.
    for position in 0..unsigned.len() * 8 {
        let mut flipped = unsigned.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        let Ok(Received::Revocation(request)) = Received::parse(&flipped) else { continue };
        for revocation in &request.revocations {
            let opened = revocation.passphrase.as_ref().unwrap().open(&CA.1, &revocation.certificate);
            assert!(opened.is_err() || revocation.certificate == one, "bit {position}");
        }
    }
}
