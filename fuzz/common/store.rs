//! A store of a CA in memory, written from what the trait promises, that can be looked into and set back.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use obnova_ca::{
    KeyHash, Profile, Store, StoreError, Transaction,
    store::{CertificateRecord, NewOrder, OrderRecord, OrderState, Repeat, RequestRecord, Submission},
};

#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

/// Everything it knows; of orders, the oldest first.
#[derive(Clone, Default)]
pub struct Kept {
    pub orders: Vec<OrderRecord>,
    pub certificates: Vec<CertificateRecord>,
    /// Messages that asked again for what an order asks for.
    pub repeats: Vec<Again>,
}

#[derive(Clone)]
pub struct Again {
    pub name: Transaction,
    pub order: Transaction,
    repeat: Repeat,
}

impl MemoryStore {
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(
        &self,
        transaction: &Transaction,
        change: impl FnOnce(&mut OrderRecord) -> Vec<CertificateRecord>,
    ) -> Result<OrderRecord, StoreError> {
        let mut kept = self.kept();
        let name = kept.order(transaction).map(|order| order.transaction.clone());
        let name = name.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))?;
        let found = kept.orders.iter_mut().find(|order| order.transaction == name);
        let order = found.ok_or_else(|| StoreError::NoSuchOrder(name))?;
        let certificates = change(order);
        let order = order.clone();
        kept.certificates.extend(certificates);
        Ok(order)
    }
}

impl Kept {
    fn is_taken(&self, key: &KeyHash) -> bool {
        let certified = self.certificates.iter().any(|one| one.key == *key);
        certified || self.open().flat_map(|order| &order.requests).any(|request| request.key == *key)
    }

    /// By its name, or by that of one of its repeats.
    pub fn order(&self, name: &Transaction) -> Option<&OrderRecord> {
        let name = self.again(name).map_or(name, |again| &again.order);
        self.orders.iter().find(|order| order.transaction == *name)
    }

    fn again(&self, name: &Transaction) -> Option<&Again> {
        self.repeats.iter().find(|again| again.name == *name)
    }

    fn open(&self) -> impl Iterator<Item = &OrderRecord> {
        self.orders.iter().filter(|order| order.state != OrderState::Rejected)
    }
}

impl Store for MemoryStore {
    fn submit(&self, new: NewOrder) -> Result<Submission, StoreError> {
        let mut kept = self.kept();
        if let Some(known) = kept.order(&new.transaction) {
            let message = kept.again(&new.transaction).map_or(&known.message, |again| &again.repeat.message);
            let same = *message == new.message;
            return Ok(if same { Submission::Known(known.clone()) } else { Submission::TransactionTaken });
        }
        let stands = kept.open().find(|order| asks(&order.requests) == asks(&new.requests)).cloned();
        if let Some(stands) = stands {
            let repeat = Repeat { message: new.message, confirmed: None };
            kept.repeats.push(Again { name: new.transaction, order: stands.transaction.clone(), repeat });
            return Ok(Submission::Repeated(stands));
        }
        for request in &new.requests {
            let replaces = |order: &&OrderRecord| order.requests.iter().any(|one| one.replaces == request.replaces);
            if let Some(other) = kept.open().find(replaces) {
                return Ok(Submission::AlreadyOrdered(other.transaction.clone()));
            }
            if !request.same_key && kept.is_taken(&request.key) {
                return Ok(Submission::KeyTaken(request.profile));
            }
        }
        let issued = !new.certificates.is_empty();
        let order = OrderRecord {
            transaction: new.transaction,
            message: new.message,
            holder: new.holder,
            state: if issued { OrderState::Issued } else { OrderState::Pending },
            reason: None,
            lapse: None,
            on_hold: None,
            token_salt: new.token_salt,
            token_hash: new.token_hash,
            received: new.received,
            decided: issued.then_some(new.received),
            confirmed: None,
            requests: new.requests,
            certificates: new.certificates.clone(),
        };
        kept.orders.push(order.clone());
        kept.certificates.extend(new.certificates);
        Ok(Submission::Accepted(order))
    }

    fn issue(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        self.decide(transaction, |order| {
            if order.state != OrderState::Pending {
                return Vec::new();
            }
            (order.state, order.decided) = (OrderState::Issued, Some(now));
            order.certificates = certificates.clone();
            certificates
        })
    }

    fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, StoreError> {
        self.decide(transaction, |order| {
            if order.state == OrderState::Pending {
                (order.state, order.decided) = (OrderState::Rejected, Some(now));
                order.reason = Some(reason.to_owned());
            }
            Vec::new()
        })
    }

    fn confirm(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let order = self.decide(transaction, |order| {
            if order.state == OrderState::Issued {
                (order.state, order.confirmed) = (OrderState::Confirmed, Some(now));
            }
            Vec::new()
        })?;
        if order.state == OrderState::Confirmed {
            let mut kept = self.kept();
            if let Some(again) = kept.repeats.iter_mut().find(|again| again.name == *transaction) {
                again.repeat.confirmed.get_or_insert(now);
            }
        }
        Ok(order)
    }

    fn add(&self, certificates: Vec<CertificateRecord>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for one in &certificates {
            if kept.is_taken(&one.key) {
                return Err(StoreError::KeyTaken(one.profile));
            }
        }
        kept.certificates.extend(certificates);
        Ok(())
    }

    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
        Ok(self.kept().order(transaction).cloned())
    }

    fn repeat(&self, name: &Transaction) -> Result<Option<Repeat>, StoreError> {
        Ok(self.kept().again(name).map(|again| again.repeat.clone()))
    }

    fn order_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
        Ok(self.kept().orders.iter().find(|order| order.token_hash == *token_hash).cloned())
    }

    fn order_of_certificate(&self, serial: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
        let is_its = |order: &&OrderRecord| order.certificates.iter().any(|one| one.serial == serial);
        Ok(self.kept().orders.iter().find(is_its).cloned())
    }

    fn orders(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, StoreError> {
        let kept = self.kept();
        let wanted = kept.orders.iter().rev().filter(|order| state.is_none_or(|state| order.state == state));
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(self.kept().certificates.iter().find(|one| one.serial == serial).cloned())
    }

    fn ending(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<CertificateRecord>, StoreError> {
        let kept = self.kept();
        let replaced = |serial: &Vec<u8>| {
            kept.open().flat_map(|order| &order.requests).any(|one| one.replaces.as_ref() == Some(serial))
        };
        let ending = kept.certificates.iter().filter(|one| (from..until).contains(&one.not_after));
        let mut ending: Vec<_> = ending.filter(|one| !replaced(&one.serial)).cloned().collect();
        ending.sort_by_key(|one| one.not_after);
        ending.truncate(limit as usize);
        Ok(ending)
    }

    fn key_is_taken(&self, key: &KeyHash) -> Result<bool, StoreError> {
        Ok(self.kept().is_taken(key))
    }

    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What they ask for, in whatever order they stand.
fn asks(requests: &[RequestRecord]) -> Vec<(Profile, KeyHash, bool, Option<&[u8]>)> {
    let mut asks: Vec<_> =
        requests.iter().map(|one| (one.profile, one.key, one.same_key, one.replaces.as_deref())).collect();
    asks.sort_unstable();
    asks
}
