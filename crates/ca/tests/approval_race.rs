//! What happens between the moment an operator's approval looks and the moment it is kept.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::SystemTime;

use common::{DAY, Draft, World, now, token};
use obnova_ca::{
    CaError, KeyHash, Profile, Refusal, RevocationDesk, SqliteStore, Store, StoreError, Transaction,
    store::{CertificateRecord, NewOrder, OrderRecord, OrderState, Repeat, Submission},
};
use obnova_status::RevocationReason;

/// A store before which somebody revokes a certificate when new ones are signed and are to be kept.
struct Meanwhile {
    store: SqliteStore,
    desk: RevocationDesk,
    revoked: Vec<u8>,
}

impl Store for Meanwhile {
    fn issue(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        self.desk.by_operator(&self.revoked, RevocationReason::CertificateHold, now).unwrap();
        self.store.issue(transaction, certificates, now)
    }

    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
        self.store.order(transaction)
    }

    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
        self.store.certificate(serial)
    }

    fn submit(&self, _: NewOrder) -> Result<Submission, StoreError> {
        unreachable!()
    }

    fn reject(&self, _: &Transaction, _: &str, _: SystemTime) -> Result<OrderRecord, StoreError> {
        unreachable!()
    }

    fn confirm(&self, _: &Transaction, _: SystemTime) -> Result<OrderRecord, StoreError> {
        unreachable!()
    }

    fn add(&self, _: Vec<CertificateRecord>) -> Result<(), StoreError> {
        unreachable!()
    }

    fn repeat(&self, _: &Transaction) -> Result<Option<Repeat>, StoreError> {
        unreachable!()
    }

    fn order_by_token(&self, _: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
        unreachable!()
    }

    fn order_of_certificate(&self, _: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
        unreachable!()
    }

    fn orders(&self, _: Option<OrderState>, _: u32) -> Result<Vec<OrderRecord>, StoreError> {
        unreachable!()
    }

    fn ending(&self, _: SystemTime, _: SystemTime, _: u32) -> Result<Vec<CertificateRecord>, StoreError> {
        unreachable!()
    }

    fn key_is_taken(&self, _: &KeyHash) -> Result<bool, StoreError> {
        unreachable!()
    }

    fn check(&self) -> Result<(), StoreError> {
        unreachable!()
    }
}

#[test]
fn who_is_revoked_while_an_approval_signs_gets_nothing_and_the_order_waits_on() {
    for profile in Profile::ALL {
        let world = World::new();
        token(&world.send(&Draft::renewing(&world.old, 1)));
        let order = world.ca.list(None, 10).unwrap().remove(0);
        let revoked = world.old.certificates[profile as usize].serial().to_vec();
        let meanwhile = Meanwhile { store: world.store(), desk: world.revocations(), revoked: revoked.clone() };
        let refused = world.remembering(meanwhile).approve(&order.transaction, now());
        assert!(matches!(refused, Err(CaError::Refused(Refusal::Revoked(of))) if of == profile), "{refused:?}");
        let on_hold = OrderRecord { on_hold: Some(profile), ..order.clone() };
        assert_eq!(world.ca.order(&order.transaction).unwrap(), Some(on_hold), "it waits on");

        world.desk().release(&revoked).unwrap();
        let issued = world.ca.approve(&order.transaction, now()).unwrap();
        assert_eq!(issued.certificates.len(), 2);
        // What is decided stays so, whoever is revoked.
        world.revoke(&revoked, RevocationReason::Superseded);
        assert_eq!(world.store().issue(&order.transaction, Vec::new(), now() + DAY), Ok(issued));
    }
}
