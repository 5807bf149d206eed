//! What holds for every request, answer and list.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::LazyLock, time::Duration};

use common::{DAY, World, at, noon};
use obnova_status::{
    Revocation, RevocationReason, Rules, SerialNumber, Status,
    crl::{Crl, Entry},
    ocsp::{CertId, CertStatus, IdDigest, Nonce, OcspError, Question, Request, http},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fn serial() -> impl Strategy<Value = SerialNumber> {
    (1..0x80_u8, vec(any::<u8>(), 0..=19))
        .prop_map(|(first, rest)| SerialNumber::new(&[&[first][..], &rest].concat()).unwrap())
}

fn revocation() -> impl Strategy<Value = Revocation> {
    // 1970 to 2100: both ways to write a date.
    let time = || (0..4_102_444_800_u64).prop_map(at);
    (time(), select(&RevocationReason::ALL[..]), option::of(time()))
        .prop_map(|(at, reason, invalid_since)| Revocation { at, reason, invalid_since })
}

fn request() -> impl Strategy<Value = Request> {
    let id = (serial(), select(&IdDigest::ALL[..]))
        .prop_map(|(serial, digest)| CertId::new(&WORLD.authority(), serial, digest).unwrap());
    let nonce = vec(any::<u8>(), 1..=Nonce::MAX_SIZE).prop_map(|bytes| Nonce::new(&bytes).unwrap());
    (vec(id, 1..8), option::of(nonce)).prop_map(|(certificates, nonce)| Request { certificates, nonce, signed: false })
}

fn status() -> impl Strategy<Value = CertStatus> {
    prop_oneof![
        Just(CertStatus::Good),
        Just(CertStatus::Unknown),
        Just(CertStatus::NeverIssued),
        revocation().prop_map(CertStatus::Revoked),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_request_is_read_as_it_was_written(request in request()) {
        let der = request.to_der().unwrap();
        prop_assert_eq!(Request::parse(&der), Ok(request));
        if let Some(path) = http::get_path(&der) {
            prop_assert_eq!(http::request_in_path(&path), Some(der));
        }
    }

    #[test]
    fn an_answer_says_what_the_table_says(status in status(), nonce in vec(any::<u8>(), 1..=Nonce::MAX_SIZE)) {
        let nonce = Nonce::new(&nonce).unwrap();
        let question = Question::about(&WORLD.jana, &WORLD.authority()).unwrap().nonce(nonce);
        let response = WORLD.answer(&question.to_der().unwrap(), status);
        let said = question.check(&response, noon(), &Rules::default()).map(|verdict| verdict.status);
        let wanted = match status {
            CertStatus::Good => Ok(Status::Good),
            CertStatus::Revoked(revocation) => Ok(Status::Revoked(revocation)),
            CertStatus::NeverIssued => Ok(Status::NeverIssued),
            CertStatus::Unknown => Err(OcspError::Unknown),
        };
        prop_assert_eq!(said, wanted);
    }

    #[test]
    fn a_list_has_what_was_put_in(revoked in vec((serial(), revocation()), 0..20)) {
        let entries: Vec<_> = revoked.into_iter().map(|(serial, revocation)| Entry::new(serial, revocation)).collect();
        let der = WORLD.crl(&entries);
        let list = Crl::parse(&der).unwrap().verify(&WORLD.authority(), noon(), &Rules::default()).unwrap();
        prop_assert_eq!(list.entries().collect::<Result<Vec<_>, _>>().unwrap(), entries.clone());
        for entry in &entries {
            let first = entries.iter().find(|other| other.serial == entry.serial).unwrap();
            prop_assert_eq!(list.find(&entry.serial).unwrap(), Some(first.revocation));
        }
    }

    #[test]
    fn dates_are_kept_to_the_second(nanos in 0..2_000_000_000_u32) {
        let now = noon() + Duration::from_nanos(nanos.into());
        let der = WORLD.crl_at(now, &[]);
        let seconds = u64::from(nanos / 1_000_000_000);
        let list = Crl::parse(&der).unwrap();
        prop_assert_eq!(list.this_update(), noon() + Duration::from_secs(seconds));
        prop_assert_eq!(list.next_update(), Some(noon() + DAY + Duration::from_secs(seconds)));
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(request) = Request::parse(&bytes) {
            prop_assert!(!request.certificates.is_empty());
        }
        prop_assert!(WORLD.question().check(&bytes, noon(), &Rules::default()).is_err());
        prop_assert!(Crl::parse(&bytes).is_err());
    }

    #[test]
    fn bent_requests_are_refused_or_read(request in request(), bends in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut der = request.to_der().unwrap();
        for (at, byte) in bends {
            let at = at.index(der.len());
            der[at] = byte;
        }
        if let Ok(read) = Request::parse(&der) {
            // What was read can be written, and means the same.
            let again = Request::parse(&read.to_der().unwrap()).unwrap();
            prop_assert_eq!(again, Request { signed: false, ..read });
        }
    }
}
