//! That certificates arrived, said by who did not order them there: signed for a link, or by a login.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use common::{
    DAY, Draft, EMAIL, HOLDER, RequestDraft, World,
    first::{USER, automatic, issue, one_certificate},
    issued, nonce, now, rule,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AnswerError, CaError, CaKey, English, IssuedCertificate, Outbox, Outcome, PickUpToken, Policy, Refusal,
    RetentionDesk, store::OrderState,
};
use obnova_enroll::{
    Secret,
    cmc::{Answer, Asked, FollowUp, Signer, TransactionId, UserId},
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{Certificate, der::Encode as _, ext::pkix::KeyUsages};

type Signing<'a> = (&'a Certificate, &'a Arc<CaKey>);

/// A receipt for these certificates, by these keys, in a transaction that the CA has never seen.
fn receipt(got: &[Certificate], signers: &[Signing<'_>]) -> Vec<u8> {
    let named: Vec<_> = signers
        .iter()
        .map(|(certificate, key)| Signer { certificate: (*certificate).clone(), algorithm: key.algorithm() })
        .collect();
    let to_sign = FollowUp::new(transaction(), nonce()).sign_acceptance(got, &named).unwrap();
    to_sign.sign_with(|to_sign| signers[to_sign.signer].1.sign(&to_sign.bytes)).unwrap()
}

fn transaction() -> TransactionId {
    TransactionId::from_random([99; 16])
}

/// An order of a pair that is issued, with the link's token.
struct Issued {
    world: World,
    draft: Draft,
    got: Vec<Certificate>,
    token: PickUpToken,
}

impl Issued {
    fn new() -> Self {
        let world = World::automatic();
        let draft = Draft::renewing(&world.old, 1);
        let got = issued(world.send(&draft));
        let token = world.ca.token(&world.ca.list(None, 1).unwrap()[0]);
        Self { world, draft, got, token }
    }

    fn key(&self, certificate: &Certificate) -> &Arc<CaKey> {
        let key = certificate.tbs_certificate().subject_public_key_info();
        &self.draft.requests.iter().find(|request| request.key.public_key() == key).unwrap().key
    }

    /// A sound receipt by the key of one of them.
    fn by(&self, index: usize) -> Vec<u8> {
        receipt(&self.got, &[(&self.got[index], self.key(&self.got[index]))])
    }

    fn close(&self, message: &[u8]) -> Result<Answer, AnswerError> {
        let response = self.world.ca.answer_receipt(&self.token, message, None, now())?;
        Ok(self.world.read(&response.message, &transaction(), Asked::Confirmation))
    }

    fn is_open(&self) -> bool {
        let state = self.world.ca.list(None, 1).unwrap()[0].state;
        let open = matches!(self.world.ca.pick_up(&self.token), Ok(Outcome::Issued(_)));
        assert_eq!(open, state == OrderState::Issued, "{state}");
        open
    }
}

fn refused(answer: Result<Answer, AnswerError>) -> Refusal {
    match answer {
        Err(AnswerError::Ca(CaError::Refused(refusal))) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn either_key_of_what_arrived_closes_the_link_once() {
    for index in 0..2 {
        let issued = Issued::new();
        assert!(issued.is_open());
        assert_eq!(issued.close(&issued.by(index)).unwrap(), Answer::Confirmed);
        assert!(!issued.is_open());
        assert_eq!(refused(issued.close(&issued.by(index))), Refusal::TokenSpent);
    }
}

#[test]
fn both_keys_may_sign_and_the_same_goes_to_fullcmc_as_often_as_one_likes() {
    let issued = Issued::new();
    let both: Vec<_> = issued.got.iter().map(|one| (one, issued.key(one))).collect();
    for _ in 0..2 {
        let answer = issued.world.ask(&receipt(&issued.got, &both), &transaction(), Asked::Confirmation, now());
        assert_eq!(answer, Answer::Confirmed);
        assert!(!issued.is_open());
    }
}

/// Who found the mail has the link and the certificates, and none of their keys.
#[test]
fn nobody_else_closes_it() {
    let issued = Issued::new();
    let (world, got) = (&issued.world, &issued.got);
    let old = (&world.old.certificates[0].certificate, &world.old.keys[0]);
    let other = common::first_pair(&world.ca, "CN=Eva Malá,C=CZ", "eva@example.cz", 20);
    let others = (&other.certificates[0].certificate, &other.keys[0]);
    let foreign = Draft::renewing(&world.old, 2);
    // The holder's certificate, and a key that is not its own.
    let named = Signer { certificate: got[0].clone(), algorithm: foreign.requests[0].key.algorithm() };
    let to_sign = FollowUp::new(transaction(), nonce()).sign_acceptance(got, &[named]).unwrap();
    let forged = to_sign.sign_with_trusted(|to_sign| foreign.requests[0].key.sign(&to_sign.bytes)).unwrap();
    assert!(matches!(issued.close(&forged), Err(AnswerError::Malformed(_))));
    let unsigned = |token| FollowUp::new(transaction(), nonce()).confirm_acceptance(token, got).unwrap();
    let query = FollowUp::new(transaction(), nonce());
    let pend = obnova_enroll::cmc::PendToken::from_bytes(issued.token.as_bytes()).unwrap();
    for (what, message) in [
        ("the old key", receipt(got, &[old])),
        ("somebody else's key", receipt(got, &[others])),
        ("nobody", unsigned(None)),
        ("nobody, with the token", unsigned(Some(&pend))),
        ("a question", query.query_pending(&pend).unwrap()),
        ("an order", Draft::renewing(&other, 3).message()),
        ("one's own and another's", receipt(got, &[(&got[0], issued.key(&got[0])), others])),
    ] {
        assert_eq!(refused(issued.close(&message)), Refusal::WrongReceipt, "{what}");
        assert!(issued.is_open(), "{what}");
    }
    for garbage in [&b""[..], b"<html>", &[0x30, 0x80]] {
        assert!(matches!(issued.close(garbage), Err(AnswerError::Malformed(_))));
    }
    // And the same on the road of all messages.
    for message in [receipt(got, &[old]), receipt(got, &[others]), unsigned(None)] {
        let answer = world.ask(&message, &transaction(), Asked::Confirmation, now());
        assert!(["wrong-receipt", "unknown-token"].contains(&rule(&answer)), "{answer:?}");
    }
    assert!(issued.is_open());
}

#[test]
fn who_has_one_of_two_says_nothing_of_the_other() {
    let issued = Issued::new();
    let one = &issued.got[..1];
    assert_eq!(rule(&issued.close(&receipt(one, &[(&one[0], issued.key(&one[0]))])).unwrap()), "wrong-receipt");
    let more = [&issued.got[..], &[issued.world.old.certificates[0].certificate.clone()]].concat();
    let signer = [(&issued.got[0], issued.key(&issued.got[0]))];
    assert_eq!(rule(&issued.close(&receipt(&more, &signer)).unwrap()), "wrong-receipt");
    // A login with one of two neither.
    let authentication = |one: &&Certificate| issued.world.ca.login(one, now()).is_ok();
    assert_eq!(issued.got.iter().filter(authentication).count(), 1);
    assert!(issued.is_open());
}

#[test]
fn a_receipt_for_another_link_closes_neither() {
    let first = Issued::new();
    let other = common::first_pair(&first.world.ca, HOLDER, EMAIL, 20);
    issued(first.world.send(&Draft::renewing(&other, 2)));
    let orders = first.world.ca.list(None, 2).unwrap();
    let link = first.world.ca.token(&orders[0]);
    assert_ne!(link.as_bytes(), first.token.as_bytes());
    let answer = first.world.ca.answer_receipt(&link, &first.by(0), None, now());
    assert!(matches!(answer, Err(AnswerError::Ca(CaError::Refused(Refusal::WrongReceipt)))), "{answer:?}");
    assert!(orders.iter().all(|order| first.world.ca.order(&order.transaction).unwrap().unwrap().state == order.state));
    assert!(first.is_open());
    let unknown = PickUpToken::new(&[1; PickUpToken::SIZE]).unwrap();
    let answer = first.world.ca.answer_receipt(&unknown, &first.by(0), None, now());
    assert!(matches!(answer, Err(AnswerError::Ca(CaError::Refused(Refusal::UnknownToken)))), "{answer:?}");
}

#[test]
fn an_order_that_waits_or_was_turned_down_takes_none() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    world.send(&draft);
    let order = world.ca.list(None, 1).unwrap().remove(0);
    let old = (&world.old.certificates[0].certificate, &world.old.keys[0]);
    let message = receipt(std::slice::from_ref(old.0), &[old]);
    let close = || world.ca.answer_receipt(&world.ca.token(&order), &message, None, now());
    assert!(matches!(close(), Err(AnswerError::Ca(CaError::Refused(Refusal::WrongReceipt)))));
    world.ca.reject(&order.transaction, "no", now()).unwrap();
    assert!(matches!(close(), Err(AnswerError::Ca(CaError::Refused(Refusal::Rejected(_))))));
}

#[test]
fn plain_est_has_no_receipt_but_the_login() {
    let world = World::with(&one_certificate(&automatic()), KeyAlgorithm::P256);
    let password = issue(&world.ca, USER, "main", now());
    let request = RequestDraft::of(KeyUsages::DigitalSignature).request();
    let (user, secret) = (UserId::new(USER).unwrap(), password.password.secret());
    let enroll = |secret: &Secret| world.ca.enroll(&request, (&user, secret), None, now());
    let Outcome::Issued(got) = enroll(&secret).unwrap() else { panic!("it waits") };
    let state = || world.ca.list(None, 1).unwrap()[0].state;
    // That it was sent does not say that it arrived.
    assert!(matches!(enroll(&secret), Ok(Outcome::Issued(_))));
    assert_eq!(state(), OrderState::Issued);
    let certificate: &IssuedCertificate = &got[0];
    for _ in 0..2 {
        world.ca.login(&certificate.certificate, now()).unwrap();
        assert_eq!(state(), OrderState::Confirmed);
    }
    assert!(matches!(enroll(&secret), Err(CaError::Refused(Refusal::TokenSpent))));
    let token = world.ca.token(&world.ca.list(None, 1).unwrap()[0]);
    assert!(matches!(world.ca.pick_up(&token), Err(CaError::Refused(Refusal::TokenSpent))));
    assert_eq!(certificate.certificate.to_der().unwrap(), certificate.der);
}

/// The answer may have been lost: who ordered is never without what was issued, whatever the program says of it.
#[test]
fn a_link_of_plain_est_stays_open_until_somebody_has_logged_in_with_what_it_opens() {
    let world = World::with(&one_certificate(Policy::TEMPLATE), KeyAlgorithm::P256);
    let ca = world.another().with_letters(Arc::new(English));
    let password = issue(&ca, USER, "main", now());
    let enroll = |request: &CertificationRequest, at| {
        ca.enroll(request, (&UserId::new(USER).unwrap(), &password.password.secret()), None, at)
    };
    let first = RequestDraft::of(KeyUsages::DigitalSignature).request();
    assert!(matches!(enroll(&first, now()), Ok(Outcome::Pending { .. })));
    let order = ca.list(None, 1).unwrap().remove(0);
    ca.approve(&order.transaction, now()).unwrap();
    let mail = Outbox::new(Arc::new(world.store())).take(now(), 9).unwrap().remove(0);
    assert!(mail.body.contains("not every program tells it, and then the link stays open"), "{}", mail.body);

    let opened = |at: &str| match ca.pick_up(&ca.token(&order)) {
        Ok(Outcome::Issued(got)) => got[0].certificate.clone(),
        other => panic!("{at}: {other:?}"),
    };
    let certificate = opened("before it was fetched");
    assert!(matches!(enroll(&first, now()), Ok(Outcome::Issued(_))));
    assert_eq!(opened("fetched"), certificate);
    let retention = RetentionDesk::new(Arc::new(world.store()), ca.policy().retention.clone());
    assert_eq!(retention.forget(now() + 91 * DAY).unwrap().orders, 1);
    assert_eq!(opened("forgotten what was sent"), certificate);

    // Who comes back for the next one has this one.
    let next = RequestDraft::of(KeyUsages::DigitalSignature).request();
    assert!(matches!(ca.reenroll(&next, &certificate, now() + 350 * DAY), Ok(Outcome::Pending { .. })));
    assert!(matches!(ca.pick_up(&ca.token(&order)), Err(CaError::Refused(Refusal::TokenSpent))));
}
