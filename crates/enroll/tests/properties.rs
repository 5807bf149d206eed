//! What one side writes, the other reads as the same; what was changed on the way is refused or means the same.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use common::World;
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FollowUp, FullRequest, FullResponse, Kind, Nonce, PendToken, TransactionId,
};
use proptest::{collection::vec, prelude::*};

static WORLD: LazyLock<World> = LazyLock::new(World::new);
static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| WORLD.request());
static ISSUED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let answer = Answer::Issued { certificates: WORLD.issued(), chain: Vec::new(), confirm: true };
    WORLD.respond(&REQUEST, &answer)
});

/// Answers but for lists of certificates, which come back in another order.
fn answer() -> impl Strategy<Value = Answer> {
    // Whole seconds, before GeneralizedTime ends.
    let moment = (1_000_000_000..250_000_000_000_u64).prop_map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    // A token cannot be shown, so it is made of bytes that can.
    (vec(any::<u8>(), 1..64), moment)
        .prop_map(|(token, check_at)| Answer::Pending { token: PendToken::from_bytes(&token).unwrap(), check_at })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn an_answer_is_read_as_it_was_written(answer in answer()) {
        let message = WORLD.respond(&REQUEST, &answer);
        let read = FullResponse::parse(&message, &WORLD.expected(Asked::Certificates)).unwrap();
        prop_assert_eq!(read.answer, answer);
    }

    #[test]
    fn a_follow_up_is_read_as_it_was_written(
        transaction in any::<[u8; 16]>(),
        nonces in any::<[[u8; 16]; 2]>(),
        token in vec(any::<u8>(), 1..64),
    ) {
        let (transaction, [nonce, earlier]) = (TransactionId::from_random(transaction), nonces.map(Nonce::from_random));
        let token = PendToken::from_bytes(&token).unwrap();
        let follow_up = FollowUp::new(transaction.clone(), nonce.clone()).in_reply_to(earlier.clone());
        let read = FullRequest::parse(&follow_up.query_pending(&token).unwrap()).unwrap();
        prop_assert_eq!((read.transaction, read.nonce, read.in_reply_to), (transaction, nonce, Some(earlier)));
        prop_assert_eq!(read.kind, Kind::QueryPending(token));
    }

    #[test]
    fn an_answer_to_somebody_else_is_refused(transaction in any::<[u8; 16]>(), nonce in any::<[u8; 16]>()) {
        let (transaction, nonce) = (TransactionId::from_random(transaction), Nonce::from_random(nonce));
        let honest = WORLD.expected(Asked::Certificates);
        prop_assume!(transaction != WORLD.transaction && nonce != WORLD.nonce);
        let other = Expected { transaction: &transaction, ..honest };
        prop_assert!(FullResponse::parse(&ISSUED, &other).is_err());
        let other = Expected { nonce: &nonce, ..WORLD.expected(Asked::Certificates) };
        prop_assert!(FullResponse::parse(&ISSUED, &other).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn an_answer_that_was_changed_on_the_way_is_refused_or_means_the_same(
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let expected = WORLD.expected(Asked::Certificates);
        let honest = FullResponse::parse(&ISSUED, &expected).unwrap();
        let mut changed = ISSUED.clone();
        let at = at.index(changed.len());
        changed[at] ^= change;
        if let Ok(read) = FullResponse::parse(&changed, &expected) {
            // Certificates stand outside what is signed: each is measured by whoever asked for it.
            let same = match (&read.answer, &honest.answer) {
                (Answer::Issued { confirm: one, .. }, Answer::Issued { confirm: other, .. }) => one == other,
                (one, other) => one == other,
            };
            prop_assert!(same && read.nonce == honest.nonce, "byte {at}: {:?}", read.answer);
        }
        prop_assert!(FullResponse::parse(&ISSUED[..at], &expected).is_err());
    }

    #[test]
    fn an_order_that_was_changed_on_the_way_is_refused_or_means_the_same(
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let honest = FullRequest::parse(&REQUEST).unwrap();
        let mut changed = REQUEST.clone();
        let at = at.index(changed.len());
        changed[at] ^= change;
        if let Ok(read) = FullRequest::parse(&changed) {
            prop_assert_eq!((&read.transaction, &read.nonce, &read.kind), (&honest.transaction, &honest.nonce, &honest.kind));
            // A certificate that was changed cannot be one that the CA has issued; the keys in it are those that signed.
            let keys = |request: &FullRequest| -> Vec<_> {
                request.signers.iter().map(|one| one.public_key().clone()).collect()
            };
            prop_assert_eq!(keys(&read), keys(&honest));
        }
        prop_assert!(FullRequest::parse(&REQUEST[..at]).is_err());
    }

    #[test]
    fn any_bytes_are_no_message(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(FullRequest::parse(&bytes).is_err());
        prop_assert!(FullResponse::parse(&bytes, &WORLD.expected(Asked::Certificates)).is_err());
    }
}
