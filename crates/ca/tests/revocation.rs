//! Holders end their certificates: by the certificate's own key, logged in with the revocation password, or by that alone; and whoever
//! only says that he may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    DAY, Draft, Pair, World,
    first::{First, USER, automatic, issue},
    first_pair, issued, nonce, now, rule, token,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    AskedRevocation, AuditLog, Ca, CaError, CaKey, English, FirstError, IssuedCertificate, MailKind, Outbox, Policy,
    Refusal, RevocationDesk, StatusError, Transaction, store::KeptStatus,
};
use obnova_enroll::{
    Secret,
    cmc::{
        Answer, Asked, CertificateId, Revocation, RevocationRequestBuilder, SealedPassphrase, Signer, TransactionId,
    },
};
use obnova_status::RevocationReason;
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
    ext::pkix::CrlReason,
};

const PASSWORD: &str = "planted revocation password";

/// Jana with two certificates, whose revocation password is hers, and a CA that ends certificates.
struct Desk {
    world: World,
    ca: Ca,
    jana: Pair,
}

fn desk(policy: &str) -> Desk {
    desk_with(policy, Some(PASSWORD))
}

fn desk_with(policy: &str, password: Option<&str>) -> Desk {
    let world = World::with(policy, KeyAlgorithm::P256);
    let mut first = First::of(&issue(&world.ca, USER, "main", now()), 1);
    first.revocation_password = password.map(|password| world.sealed(password));
    let certificates = issued(world.first(&first));
    let read = |index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap();
    let jana =
        Pair { keys: [first.requests[0].key.clone(), first.requests[1].key.clone()], certificates: [read(0), read(1)] };
    let policy = world.ca.policy().revocation.clone();
    let desk = RevocationDesk::new(policy, Arc::new(world.store()), Arc::new(English));
    let ca = world.remembering(world.store()).with_revocations(desk);
    Desk { world, ca, jana }
}

fn alone() -> String {
    automatic().replace("password_alone = false", "password_alone = true")
}

fn secret(text: &str) -> Secret {
    Secret::from_bytes(text.as_bytes()).unwrap()
}

fn id(certificate: &IssuedCertificate) -> CertificateId {
    CertificateId::from(&certificate.certificate)
}

impl Desk {
    fn passphrase(&self, of: &IssuedCertificate, password: &str) -> SealedPassphrase {
        let encryption = self.ca.first().unwrap().encryption_certificate().unwrap();
        SealedPassphrase::seal(&secret(password), &id(of), encryption).unwrap()
    }

    /// What the CA answers; signed by these, or by nobody.
    fn ask(&self, revocations: &[Revocation], signers: &[(&Certificate, &CaKey)]) -> Answer {
        let transaction = TransactionId::from_random([9; 16]);
        let builder = RevocationRequestBuilder::new(transaction.clone(), nonce());
        let builder = revocations.iter().cloned().fold(builder, RevocationRequestBuilder::revoke);
        let message = match signers {
            [] => builder.finalize_unsigned().unwrap(),
            _ => {
                let signer = |(certificate, key): &(&Certificate, &CaKey)| Signer {
                    certificate: (*certificate).clone(),
                    algorithm: key.algorithm(),
                };
                let to_sign = builder.finalize(&signers.iter().map(signer).collect::<Vec<_>>()).unwrap();
                to_sign.sign_with(|to_sign| signers[to_sign.signer].1.sign(&to_sign.bytes)).unwrap()
            }
        };
        let response = self.ca.answer(&message, None, now()).unwrap();
        self.world.read(&response.message, &transaction, Asked::Confirmation)
    }

    fn own(&self, index: usize) -> (&Certificate, &CaKey) {
        (&self.jana.certificates[index].certificate, &self.jana.keys[index])
    }

    fn revoke(
        &self,
        index: usize,
        reason: RevocationReason,
        password: &str,
        peer: Option<&IssuedCertificate>,
        after: u64,
    ) -> Result<(), String> {
        let serial = self.jana.certificates[index].serial();
        let asked = AskedRevocation { serial, reason, password: &secret(password) };
        let peer = peer.map(|peer| &peer.certificate);
        match self.ca.revoke(&asked, peer, now() + Duration::from_secs(after)) {
            Ok(()) => Ok(()),
            Err(CaError::Refused(refusal)) => Err(refusal.name().into()),
            Err(error) => panic!("{error}"),
        }
    }

    fn status(&self, index: usize) -> Option<RevocationReason> {
        match self.world.store().status(self.jana.certificates[index].serial()).unwrap() {
            KeptStatus::Good => None,
            KeptStatus::Revoked(revocation) => Some(revocation.reason),
            KeptStatus::Unknown => panic!("unknown"),
        }
    }

    /// To whom mails went that a certificate was revoked, and who the audit log says did it.
    fn told(&self) -> (Vec<String>, Vec<String>) {
        let mails = Outbox::new(Arc::new(self.world.store())).list(None, 9).unwrap();
        assert!(mails.iter().all(|mail| mail.kind == MailKind::Revoked));
        let mut actors = Vec::new();
        let revoked = |record: obnova_ca::AuditRecord| {
            if record.event == "revoked" {
                actors.push(record.actor);
            }
            true
        };
        AuditLog::new(self.world.store()).read(1, revoked).unwrap();
        (mails.into_iter().map(|mail| mail.to).collect(), actors)
    }

    fn assert_nothing_happened(&self, what: &str) {
        assert_eq!((self.status(0), self.status(1)), (None, None), "{what}");
        assert_eq!(self.told(), (vec![], vec![]), "{what}");
    }
}

fn lost(certificate: &IssuedCertificate) -> Revocation {
    Revocation::new(id(certificate), CrlReason::KeyCompromise)
}

#[test]
fn a_key_ends_its_own_certificate_and_a_mail_says_so() {
    let desk = desk(&automatic());
    assert_eq!(desk.ask(&[lost(&desk.jana.certificates[0])], &[desk.own(0)]), Answer::Confirmed);
    assert_eq!((desk.status(0), desk.status(1)), (Some(RevocationReason::KeyCompromise), None));
    let told = desk.told();
    assert_eq!(told, (vec![common::EMAIL.into()], vec!["holder, by the certificate's own key".into()]));
    assert_eq!(rule(&desk.ask(&[lost(&desk.jana.certificates[0])], &[desk.own(0)])), "revoked-already");
    assert_eq!(desk.told(), told, "nothing is told twice");
    // Both at once by both keys, on another card.
    let both = self::desk(&automatic());
    let wanted = both.jana.certificates.each_ref().map(lost);
    assert_eq!(both.ask(&wanted, &[both.own(0), both.own(1)]), Answer::Confirmed);
    assert!(both.status(0).is_some() && both.status(1).is_some() && both.told().0.len() == 2);
}

#[test]
fn where_the_own_key_alone_is_not_enough_the_password_is_asked_for_too() {
    let policy = alone().replace("own_key_alone = true", "own_key_alone = false");
    let desk = desk(&policy);
    let [login, signature] = &desk.jana.certificates;
    let both = [desk.own(0), desk.own(1)];
    assert_eq!(rule(&desk.ask(&[lost(login)], &[desk.own(0)])), "own-key-alone");
    let with = |of: &IssuedCertificate, password| lost(of).passphrase(desk.passphrase(of, password));
    assert_eq!(rule(&desk.ask(&[with(login, "a guess of mine")], &[desk.own(0)])), "wrong-revocation-password");
    // All or nothing: one password does not speak for the other certificate.
    assert_eq!(rule(&desk.ask(&[with(login, PASSWORD), lost(signature)], &both)), "own-key-alone");
    desk.assert_nothing_happened("without the right password");
    // Wrong ones are slowed; that none was there is no guess.
    for _ in 0..9 {
        assert_eq!(rule(&desk.ask(&[lost(login)], &[desk.own(0)])), "own-key-alone");
    }
    assert_eq!(desk.ask(&[with(login, PASSWORD)], &[desk.own(0)]), Answer::Confirmed);
    assert_eq!(desk.told().1, ["holder, by the certificate's own key and by password"]);
    for _ in 0..3 {
        let wrong = with(signature, "a guess of mine");
        assert_eq!(rule(&desk.ask(&[wrong], &[desk.own(1)])), "wrong-revocation-password");
    }
    assert_eq!(rule(&desk.ask(&[with(signature, PASSWORD)], &[desk.own(1)])), "password-slowed");
    // The password alone is a road of its own, which nobody else's guesses close.
    assert_eq!(desk.ask(&[with(signature, PASSWORD)], &[]), Answer::Confirmed);
    // Who never had a password ends his certificates by their keys.
    let old = &desk.world.old;
    let own = (&old.certificates[0].certificate, &*old.keys[0]);
    assert_eq!(desk.ask(&[lost(&old.certificates[0])], &[own]), Answer::Confirmed);
}

#[test]
fn a_message_notes_for_each_certificate_who_ended_it() {
    let desk = desk(&automatic());
    let [login, signature] = &desk.jana.certificates;
    let by_password = lost(signature).passphrase(desk.passphrase(signature, PASSWORD));
    assert_eq!(desk.ask(&[by_password, lost(login)], &[desk.own(0)]), Answer::Confirmed);
    assert_eq!(desk.told().1, ["holder, logged in, by password", "holder, by the certificate's own key"]);
}

#[test]
fn where_the_password_alone_is_enough_no_other_certificate_takes_that_away() {
    let desk = desk(&alone());
    let eva = first_pair(&desk.world.ca, "CN=Eva,C=CZ", "eva@example.cz", 20).certificates;
    let [login, signature] = desk.jana.certificates.clone();
    assert_eq!(desk.revoke(0, RevocationReason::KeyCompromise, PASSWORD, Some(&eva[0]), 0), Ok(()));
    // Her own does not log in any more; and another one never did.
    let wrong = desk.revoke(1, RevocationReason::KeyCompromise, "another password", Some(&login), 0);
    assert_eq!(wrong, Err("wrong-revocation-password".into()));
    assert_eq!(desk.revoke(1, RevocationReason::KeyCompromise, PASSWORD, Some(&signature), 0), Ok(()));
    assert_eq!(desk.told().1, ["holder, by password alone"; 2]);
}

/// Jana's pair renewed, all rules kept, with these keys or new ones; the old pair stays valid.
fn renewed(desk: &Desk, keys: Option<[Arc<CaKey>; 2]>) -> [IssuedCertificate; 2] {
    let mut draft = Draft::renewing(&desk.jana, 2);
    for (request, key) in draft.requests.iter_mut().zip(keys.into_iter().flatten()) {
        request.key = key;
    }
    let at = now() + 350 * DAY;
    let certificates = issued(desk.world.ask(&draft.message(), &draft.transaction, Asked::Certificates, at));
    [0, 1].map(|index| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap())
}

/// One order after the other, each signed with the keys that the one before brought: the key of the first certificate made all of them.
#[test]
fn what_was_ordered_with_a_key_is_named_through_every_key_that_came_so() {
    let desk = desk(&automatic());
    let renew = |pair: &Pair, number: u8, days: u32| {
        let draft = Draft::renewing(pair, number);
        let at = now() + days * DAY;
        let certificates = issued(desk.world.ask(&draft.message(), &draft.transaction, Asked::Certificates, at));
        let read = |index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap();
        Pair { keys: [0, 1].map(|index| draft.requests[index].key.clone()), certificates: [read(0), read(1)] }
    };
    let ordered = |certificate: &IssuedCertificate| {
        let found = desk.world.revocations().ordered_with_key_of(certificate.serial()).unwrap();
        found.iter().map(|order| order.transaction.as_bytes()[0]).collect::<Vec<_>>()
    };
    let revoked = |certificate: &IssuedCertificate| {
        let found = desk.world.revocations().ordered_with_key_of(certificate.serial()).unwrap();
        found
            .iter()
            .map(|order| order.certificates.iter().map(|one| one.revoked).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let first = &desk.jana;
    assert_eq!(ordered(&first.certificates[0]), []);
    let second = renew(first, 2, 350);
    let third = renew(&second, 3, 700);
    // Somebody else's is nobody's of these.
    renew(&desk.world.old, 4, 0);
    for certificate in &first.certificates {
        assert_eq!(ordered(certificate), [3, 2]);
    }
    assert_eq!(ordered(&second.certificates[1]), [3]);
    assert_eq!(ordered(&third.certificates[0]), []);
    assert_eq!(ordered(&desk.world.old.certificates[0]), [4]);
    let unknown = desk.world.revocations().ordered_with_key_of(&[1, 2, 3]);
    assert!(matches!(unknown, Err(StatusError::Unknown)), "{unknown:?}");
    // The key ends with what is on it, and what was ordered with it is named as it is now.
    desk.world.revoke(first.certificates[0].serial(), RevocationReason::KeyCompromise);
    desk.world.revoke(third.certificates[1].serial(), RevocationReason::Superseded);
    assert_eq!(revoked(&first.certificates[0]), [[false, true], [false, false]]);
}

/// Whose key may be in other hands hears of what was ordered with it, where something of that lives; not of what was turned down with it.
#[test]
fn the_mail_speaks_of_what_was_ordered_with_the_key_only_where_something_lives() {
    let ends = |order: &dyn Fn(&World)| {
        let world = World::with(Policy::TEMPLATE, KeyAlgorithm::P256);
        order(&world);
        world.revoke(world.old.certificates[0].serial(), RevocationReason::KeyCompromise);
        let mails = Outbox::new(Arc::new(world.store())).take(now() + DAY, 9).unwrap();
        let compromised = mails.iter().filter(|mail| mail.body.contains("Reason: keyCompromise"));
        let [mail] = compromised.collect::<Vec<_>>().try_into().unwrap();
        mail.body.contains("have the ones revoked that are not yours")
    };
    let name = |draft: &Draft| Transaction::new(draft.transaction.as_bytes()).unwrap();
    let approved = |world: &World| {
        let draft = Draft::renewing(&world.old, 1);
        token(&world.send(&draft));
        world.ca.approve(&name(&draft), now()).unwrap()
    };
    assert!(!ends(&|_| ()), "nothing was ordered");
    assert!(!ends(&|world| drop(token(&world.send(&Draft::renewing(&world.old, 1))))), "it is turned down with it");
    assert!(ends(&|world| drop(approved(world))));
    assert!(!ends(&|world| {
        for certificate in approved(world).certificates {
            world.revoke(&certificate.serial, RevocationReason::AffiliationChanged);
        }
    }));
}

/// The same key in another certificate: by whichever of them it is asked, and what was turned down or waits is named too.
#[test]
fn what_was_ordered_with_a_key_is_named_by_each_certificate_on_it() {
    let world = World::with(&Policy::TEMPLATE.replace("same_key = false", "same_key = true"), KeyAlgorithm::P256);
    let mut same = Draft::renewing(&world.old, 1);
    for (request, key) in same.requests.iter_mut().zip(&world.old.keys) {
        request.key = key.clone();
    }
    token(&world.send(&same));
    let ordered = |serial: &[u8]| {
        let found = world.revocations().ordered_with_key_of(serial).unwrap();
        found.iter().map(|order| (order.transaction.as_bytes()[0], order.state.name())).collect::<Vec<_>>()
    };
    let old = world.old.certificates[0].serial();
    assert_eq!(ordered(old), [(1, "pending")]);
    let name = |draft: &Draft| Transaction::new(draft.transaction.as_bytes()).unwrap();
    world.ca.reject(&name(&same), "later", now()).unwrap();
    assert_eq!(ordered(old), [(1, "rejected")]);
    let again = Draft { transaction: TransactionId::from_random([2; 16]), ..same };
    token(&world.send(&again));
    let made = world.ca.approve(&name(&again), now()).unwrap();
    let both = [(2, "issued"), (1, "rejected")];
    assert_eq!(ordered(old), both);
    assert_eq!(ordered(&made.certificates[0].serial), both);
}

fn same_key() -> String {
    let policy = automatic();
    assert!(policy.contains("same_key = false"));
    policy.replace("same_key = false", "same_key = true")
}

#[test]
fn the_revocation_password_stays_with_who_renews() {
    let mut desk = desk(&alone());
    desk.jana.certificates = renewed(&desk, None);
    assert_eq!(
        desk.revoke(1, RevocationReason::Superseded, "another password", None, 0),
        Err("wrong-revocation-password".into())
    );
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, None, 0), Ok(()));
    let login = desk.jana.certificates[0].clone();
    assert_eq!(desk.revoke(0, RevocationReason::Superseded, PASSWORD, Some(&login), 351 * DAY.as_secs()), Ok(()));
    assert_eq!(
        (desk.status(0), desk.status(1)),
        (Some(RevocationReason::Superseded), Some(RevocationReason::Superseded))
    );
}

#[test]
fn a_key_that_others_may_have_ends_with_all_its_certificates() {
    let mut desk = desk(&same_key());
    let new = renewed(&desk, Some(desk.jana.keys.clone()));
    let old = std::mem::replace(&mut desk.jana.certificates, new);
    // Another reason says nothing of the key.
    let operator = desk.ca.revocations().unwrap();
    operator.by_operator(old[1].serial(), RevocationReason::Superseded, now()).unwrap();
    assert_eq!((desk.status(0), desk.status(1)), (None, None));
    operator.by_operator(old[0].serial(), RevocationReason::KeyCompromise, now()).unwrap();
    assert_eq!((desk.status(0), desk.status(1)), (Some(RevocationReason::KeyCompromise), None));
    // A mail and a record for each.
    let (mails, actors) = desk.told();
    assert_eq!((mails.len(), actors.len()), (3, 3));
    assert!(actors.iter().all(|actor| actor.starts_with("user ")), "{actors:?}");
    assert!(operator.by_operator(desk.jana.certificates[0].serial(), RevocationReason::KeyCompromise, now()).is_err());
}

#[test]
fn that_others_may_have_a_key_is_taken_of_what_has_ended_already() {
    let mut desk = desk(&same_key());
    let new = renewed(&desk, Some(desk.jana.keys.clone()));
    let old = std::mem::replace(&mut desk.jana.certificates, new);
    let operator = desk.ca.revocations().unwrap();
    let revoked = |certificate: &IssuedCertificate| match desk.world.store().status(certificate.serial()).unwrap() {
        KeptStatus::Revoked(revocation) => revocation,
        other => panic!("{other:?}"),
    };
    let (compromised, later) = (RevocationReason::KeyCompromise, now() + DAY);
    operator.by_operator(old[0].serial(), RevocationReason::Superseded, now()).unwrap();
    assert!(operator.by_operator(old[0].serial(), RevocationReason::CessationOfOperation, later).is_err());
    // By the operator for one key, by the holder for the other, by a message that names what is over.
    operator.by_operator(old[0].serial(), compromised, later).unwrap();
    operator.by_operator(old[1].serial(), RevocationReason::Superseded, now()).unwrap();
    let own = (&old[1].certificate, &*desk.jana.keys[1]);
    assert_eq!(desk.ask(&[lost(&old[1])], &[own]), Answer::Confirmed);
    assert_eq!((desk.status(0), desk.status(1)), (Some(compromised), Some(compromised)));
    for old in &old {
        let revocation = revoked(old);
        assert_eq!((revocation.reason, revocation.at), (compromised, now()), "it was over since then");
    }
    assert_eq!(revoked(&desk.jana.certificates[0]).at, later, "it ends now");
    // Each end and each change of a reason has its record and its mail.
    let (mails, actors) = desk.told();
    assert_eq!((mails.len(), actors.len()), (6, 6), "{actors:?}");
    let mails = Outbox::new(Arc::new(desk.world.store())).take(later, 9).unwrap();
    let why = "Reason: keyCompromise (before: superseded)";
    assert_eq!(mails.iter().filter(|mail| mail.body.contains(why)).count(), 2);
    // There is no more to say of it, by whatever reason.
    for reason in [compromised, RevocationReason::Superseded] {
        assert!(operator.by_operator(old[0].serial(), reason, later).is_err());
    }
    assert_eq!(rule(&desk.ask(&[lost(&old[1])], &[own])), "revoked-already");
    assert_eq!(desk.told().1.len(), 6);
}

#[test]
fn a_key_that_others_may_have_is_not_certified_again() {
    let mut desk = desk(&same_key());
    let new = renewed(&desk, Some(desk.jana.keys.clone()));
    let old = std::mem::replace(&mut desk.jana.certificates, new);
    desk.ca.revocations().unwrap().by_operator(old[0].serial(), RevocationReason::KeyCompromise, now()).unwrap();
    // As it stands where only one was revoked: the other certificate on the key lives.
    let database = rusqlite::Connection::open(desk.world.directory.path().join("ca.db")).unwrap();
    assert_eq!(database.execute("DELETE FROM revocations WHERE serial != ?1", [old[0].serial()]).unwrap(), 1);
    drop(database);
    let mut draft = Draft::renewing(&desk.jana, 3);
    let order =
        |draft: &Draft| desk.world.ask(&draft.message(), &draft.transaction, Asked::Certificates, now() + 700 * DAY);
    draft.requests[0].key = desk.jana.keys[0].clone();
    assert_eq!(rule(&order(&draft)), "key-compromised");
    // Its twin's key is nobody else's.
    draft.requests[0].key = common::key();
    draft.requests[1].key = desk.jana.keys[1].clone();
    assert_eq!(issued(order(&draft)).len(), 2);
}

#[test]
fn who_is_logged_in_and_has_the_password_ends_his_certificates() {
    let desk = desk(&automatic());
    let login = desk.jana.certificates[0].clone();
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, Some(&login), 0), Ok(()));
    assert_eq!((desk.status(0), desk.status(1)), (None, Some(RevocationReason::Superseded)));
    assert_eq!(desk.told().1, ["holder, logged in, by password"]);
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, Some(&login), 0), Err("revoked-already".into()));
    assert_eq!(desk.revoke(0, RevocationReason::KeyCompromise, PASSWORD, Some(&login), 0), Ok(()));
    // From here on it does not log in any more.
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, Some(&login), 0), Err("peer-revoked".into()));
}

#[test]
fn a_key_of_the_same_holder_and_the_password_end_a_certificate_by_message() {
    let desk = desk(&automatic());
    let signature = &desk.jana.certificates[1];
    let wanted = lost(signature).passphrase(desk.passphrase(signature, PASSWORD));
    assert_eq!(desk.ask(&[wanted], &[desk.own(0)]), Answer::Confirmed);
    assert_eq!((desk.status(0), desk.status(1)), (None, Some(RevocationReason::KeyCompromise)));
    assert_eq!(desk.told().1, ["holder, logged in, by password"]);
}

#[test]
fn the_password_alone_is_enough_only_where_policy_says_so() {
    let (strict, open) = (desk(&automatic()), desk(&alone()));
    let with = |desk: &Desk, password: &str| {
        let wanted = lost(&desk.jana.certificates[0]);
        desk.ask(&[wanted.passphrase(desk.passphrase(&desk.jana.certificates[0], password))], &[])
    };
    assert_eq!(rule(&with(&strict, PASSWORD)), "password-alone");
    assert_eq!(strict.revoke(0, RevocationReason::KeyCompromise, PASSWORD, None, 0), Err("password-alone".into()));
    strict.assert_nothing_happened("by password alone");
    assert_eq!(rule(&with(&open, "another password")), "wrong-revocation-password");
    open.assert_nothing_happened("by a wrong password");
    assert_eq!(with(&open, PASSWORD), Answer::Confirmed);
    assert_eq!(open.revoke(1, RevocationReason::Unspecified, PASSWORD, None, 0), Ok(()));
    assert_eq!(open.status(1), Some(RevocationReason::Unspecified));
    assert_eq!(open.told().1, ["holder, by password alone"; 2]);
}

#[test]
fn guesses_are_slowed_and_nobody_locks_the_holder_out() {
    let desk = desk(&alone());
    let login = desk.jana.certificates[0].clone();
    let guess = |peer, after| desk.revoke(1, RevocationReason::Superseded, "a guess of mine", peer, after);
    let (wrong, slowed) = (Err("wrong-revocation-password".to_owned()), Err("password-slowed".to_owned()));
    for _ in 0..3 {
        assert_eq!(guess(None, 0), wrong);
    }
    assert_eq!(guess(None, 1), slowed);
    // The right one has to wait too; not for who is logged in, whose guesses are counted apart and slowed as well.
    let right = |index, after| desk.revoke(index, RevocationReason::Superseded, PASSWORD, None, after);
    assert_eq!(right(1, 1), slowed);
    for _ in 0..3 {
        assert_eq!(guess(Some(&login), 1), wrong);
    }
    assert_eq!(guess(Some(&login), 2), slowed);
    let by_message = |password: &str| {
        let wanted = lost(&desk.jana.certificates[1]);
        desk.ask(&[wanted.passphrase(desk.passphrase(&desk.jana.certificates[1], password))], &[desk.own(0)])
    };
    assert_eq!(rule(&by_message(PASSWORD)), "password-slowed");
    // However many there are, nobody waits longer than an hour.
    let hour = 3600;
    for count in 1..=30 {
        assert_eq!(guess(None, count * hour), wrong, "{count}");
    }
    assert_eq!(guess(None, 31 * hour - 1), slowed);
    desk.assert_nothing_happened("guessed");
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, Some(&login), 31 * hour - 1), Ok(()));
    // The other certificates of the order have the same password.
    assert_eq!(right(0, 31 * hour - 1), slowed);
    assert_eq!(right(0, 31 * hour), Ok(()));
    // The log tells of the first guess that made others wait, and when there were twice as many: nobody fills it.
    let serial = desk.jana.certificates[1].serial();
    let about: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut told = Vec::new();
    AuditLog::new(desk.world.store())
        .read(1, |record| {
            assert_ne!(record.event, "password-locked");
            if record.event == "revocation-slowed" {
                assert_eq!((record.about.as_str(), record.actor.as_str()), (about.as_str(), "client"));
                told.push(record.detail);
            }
            true
        })
        .unwrap();
    let wanted = [(3, "anybody"), (3, "the holder, logged in"), (6, "anybody"), (12, "anybody"), (24, "anybody")];
    assert_eq!(told, wanted.map(|(count, by)| format!("{count} wrong guesses, by {by}")));
}

/// It went over to the renewals: whoever guesses it at each of them has no more tries than at one.
#[test]
fn a_revocation_password_that_went_over_to_renewals_is_guessed_as_one() {
    let mut desk = desk(&alone());
    let new = renewed(&desk, None);
    let guess = |desk: &Desk, password| desk.revoke(1, RevocationReason::Superseded, password, None, 0);
    assert_eq!(guess(&desk, "another password"), Err("wrong-revocation-password".into()));
    let old = std::mem::replace(&mut desk.jana.certificates, new);
    for _ in 0..2 {
        assert_eq!(guess(&desk, "another password"), Err("wrong-revocation-password".into()));
    }
    let newer = std::mem::replace(&mut desk.jana.certificates, old);
    for certificates in [desk.jana.certificates.clone(), newer] {
        desk.jana.certificates = certificates;
        assert_eq!(guess(&desk, PASSWORD), Err("password-slowed".into()));
    }
    // What was guessed goes with it to who renews later.
    let mut later = self::desk(&alone());
    for _ in 0..3 {
        assert_eq!(guess(&later, "another password"), Err("wrong-revocation-password".into()));
    }
    later.jana.certificates = renewed(&later, None);
    assert_eq!(guess(&later, PASSWORD), Err("password-slowed".into()));
}

/// Her certificate with another key in it: issuer and number are right, and it signs.
fn forged(certificate: &IssuedCertificate, old: &CaKey, new: &CaKey) -> Certificate {
    let [old, new] = [old, new].map(|key| key.public_key().to_der().unwrap());
    let at = certificate.der.windows(old.len()).position(|window| window == old).unwrap();
    let mut der = certificate.der.clone();
    der[at..at + new.len()].copy_from_slice(&new);
    Certificate::from_der(&der).unwrap()
}

#[test]
fn who_only_says_that_he_may_is_refused_by_name() {
    let desk = desk(&automatic());
    let [login, signature] = &desk.jana.certificates;
    let eva = first_pair(&desk.world.ca, "CN=Eva,C=CZ", "eva@example.cz", 20);
    let evas = (&eva.certificates[0].certificate, &*eva.keys[0]);
    let own_key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let forged = forged(login, &desk.jana.keys[0], &own_key);
    let forger = (&forged, &own_key);
    let with = |wanted: &IssuedCertificate, password: &str| lost(wanted).passphrase(desk.passphrase(wanted, password));
    let reason = |reason| Revocation::new(id(login), reason);
    let mut elsewhere = lost(login);
    elsewhere.certificate.issuer = "CN=Another CA".parse().unwrap();
    let mut unknown = lost(login);
    unknown.certificate.serial = x509_cert::serial_number::SerialNumber::new(&[1, 2, 3]).unwrap();
    let mut moved = lost(signature);
    moved.passphrase = Some(desk.passphrase(login, PASSWORD));
    type Signers<'a> = Vec<(&'a Certificate, &'a CaKey)>;
    let lies: Vec<(&str, Vec<Revocation>, Signers<'_>, &str)> = vec![
        ("another holder's key", vec![lost(login)], vec![evas], "not-yours"),
        ("her other key, without the password", vec![lost(signature)], vec![desk.own(0)], "not-yours"),
        ("a certificate of his own making", vec![lost(login)], vec![forger], "not-yours"),
        ("the same, with her password", vec![with(login, PASSWORD)], vec![forger], "password-alone"),
        ("another holder's key, with her password", vec![with(login, PASSWORD)], vec![evas], "password-alone"),
        (
            "her key, with a wrong password",
            vec![with(signature, "a guess of mine")],
            vec![desk.own(0)],
            "wrong-revocation-password",
        ),
        ("a password for another certificate", vec![moved], vec![desk.own(0)], "sealed-password"),
        ("another CA's certificate", vec![elsewhere], vec![desk.own(0)], "not-yours"),
        ("a number that nothing has", vec![unknown], vec![desk.own(0)], "not-yours"),
        ("on hold", vec![reason(CrlReason::CertificateHold)], vec![desk.own(0)], "revocation-reason"),
        ("the CA's key is known", vec![reason(CrlReason::CaCompromise)], vec![desk.own(0)], "revocation-reason"),
        ("taken off the list", vec![reason(CrlReason::RemoveFromCRL)], vec![desk.own(0)], "revocation-reason"),
        ("a privilege", vec![reason(CrlReason::PrivilegeWithdrawn)], vec![desk.own(0)], "revocation-reason"),
        ("hers and another's", vec![lost(login), lost(&eva.certificates[0])], vec![desk.own(0)], "not-yours"),
    ];
    for (what, revocations, signers, name) in lies {
        assert_eq!(rule(&desk.ask(&revocations, &signers)), name, "{what}");
        desk.assert_nothing_happened(what);
    }
    let refused = |index, reason, password, peer: Option<&IssuedCertificate>| {
        desk.revoke(index, reason, password, peer, 0).unwrap_err()
    };
    let key = RevocationReason::KeyCompromise;
    assert_eq!(refused(0, key, PASSWORD, Some(&eva.certificates[0])), "not-yours");
    assert_eq!(refused(0, key, PASSWORD, Some(signature)), "peer-not-for-login");
    assert_eq!(refused(0, RevocationReason::PrivilegeWithdrawn, PASSWORD, Some(login)), "revocation-reason");
    assert_eq!(refused(0, RevocationReason::CertificateHold, PASSWORD, Some(login)), "revocation-reason");
    desk.assert_nothing_happened("asked for what is not hers");
    // A pair that was made without an order has no password.
    let asked = AskedRevocation { serial: eva.certificates[0].serial(), reason: key, password: &secret(PASSWORD) };
    let refusal = desk.ca.revoke(&asked, Some(&eva.certificates[0].certificate), now()).unwrap_err();
    assert!(matches!(refusal, CaError::Refused(Refusal::WrongRevocationPassword)), "{refusal}");
}

/// The holder forgot it: the operator's paper has another one, and the one before is worth nothing.
#[test]
fn an_operator_replaces_a_revocation_password_that_was_forgotten() {
    let desk = desk(&alone());
    let serial = desk.jana.certificates[1].serial();
    let wrong = || desk.revoke(1, RevocationReason::Superseded, "a guess of mine", None, 0);
    for _ in 0..3 {
        wrong().unwrap_err();
    }
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, PASSWORD, None, 1), Err("password-slowed".into()));
    let passwords = desk.ca.first().unwrap().revocation_passwords();
    let replaced = passwords.replace(serial, &English, now()).unwrap();
    let mut serials = desk.jana.certificates.each_ref().map(|one| one.serial().to_vec());
    let mut told = replaced.serials.clone();
    serials.sort();
    told.sort();
    assert_eq!(told, serials, "it is that of all certificates of the order");

    let mails = Outbox::new(Arc::new(desk.world.store())).take(now(), 9).unwrap();
    let [mail] = &mails[..] else { panic!("{} mails", mails.len()) };
    let text = replaced.password.to_text();
    assert_eq!((mail.kind, mail.to.as_str()), (MailKind::RevocationPassword, common::EMAIL));
    assert!(!mail.body.contains(text.as_str()), "the password goes another way");
    let mut records = Vec::new();
    let each = |record: obnova_ca::AuditRecord| {
        if record.event == "revocation-password-replaced" {
            records.push((record.about, record.actor));
        }
        true
    };
    AuditLog::new(desk.world.store()).read(1, each).unwrap();
    let about: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(matches!(&records[..], [(named, actor)] if *named == about && actor != "client"), "{records:?}");

    // Nobody waits for guesses of the one before, which is dead; the new one is taken however it is typed.
    let wrong = desk.revoke(1, RevocationReason::Superseded, PASSWORD, None, 1);
    assert_eq!(wrong, Err("wrong-revocation-password".into()));
    let typed = text.to_lowercase().replace('-', " ");
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, &typed, None, 1), Ok(()));
    assert_eq!(desk.revoke(0, RevocationReason::Superseded, text, None, 1), Ok(()));
    // A first pair has no order, and a number that is none has no certificate.
    let first = desk.world.old.certificates[0].serial();
    assert!(matches!(passwords.replace(first, &English, now()), Err(FirstError::NoOrder)));
    assert!(matches!(passwords.replace(b"none", &English, now()), Err(FirstError::NoCertificate)));
}

/// A renewal that was asked for before the operator replaced the password has the new one as well: it had the old one, or none.
#[test]
fn a_replaced_revocation_password_reaches_the_renewals_that_were_asked_for_before() {
    for before in [Some(PASSWORD), None] {
        let mut desk = desk_with(&alone(), before);
        let new = renewed(&desk, None);
        let serials = |of: &[IssuedCertificate; 2]| of.each_ref().map(|one| one.serial().to_vec());
        let passwords = desk.ca.first().unwrap().revocation_passwords();
        let replaced = passwords.replace(desk.jana.certificates[0].serial(), &English, now()).unwrap();
        assert_eq!(replaced.serials, [serials(&desk.jana.certificates), serials(&new)].concat());
        // What the holder and the log are told is whether there was one.
        let mails = Outbox::new(Arc::new(desk.world.store())).take(now(), 9).unwrap();
        let bodies: Vec<_> = mails.iter().filter(|mail| mail.kind == MailKind::RevocationPassword).collect();
        let [mail] = &bodies[..] else { panic!("{} mails", bodies.len()) };
        assert_eq!(mail.body.contains("it had none before"), before.is_none(), "{}", mail.body);
        assert_eq!(mail.body.contains("the one before is worth nothing"), before.is_some(), "{}", mail.body);
        let mut details = Vec::new();
        let each = |record: obnova_ca::AuditRecord| {
            if record.event == "revocation-password-replaced" {
                details.push(record.detail);
            }
            true
        };
        AuditLog::new(desk.world.store()).read(1, each).unwrap();
        assert_eq!(details, [if before.is_some() { "" } else { "there was none" }]);
        desk.jana.certificates = new;
        let dead = desk.revoke(1, RevocationReason::Superseded, PASSWORD, None, 0);
        assert_eq!(dead, Err("wrong-revocation-password".into()));
        let text = replaced.password.to_text();
        assert_eq!(desk.revoke(1, RevocationReason::Superseded, text, None, 0), Ok(()));
    }
}

#[test]
fn a_renewal_that_set_a_revocation_password_keeps_it() {
    let mut desk = desk(&alone());
    let draft = Draft::renewing(&desk.jana, 2);
    let message = draft.message_with(Some(desk.world.sealed("her next password")));
    let at = now() + 350 * DAY;
    let certificates = issued(desk.world.ask(&message, &draft.transaction, Asked::Certificates, at));
    let passwords = desk.ca.first().unwrap().revocation_passwords();
    let replaced = passwords.replace(desk.jana.certificates[0].serial(), &English, now()).unwrap();
    assert_eq!(replaced.serials, desk.jana.certificates.each_ref().map(|one| one.serial().to_vec()));
    desk.jana.certificates =
        [0, 1].map(|index| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap());
    assert_eq!(desk.revoke(1, RevocationReason::Superseded, "her next password", None, 0), Ok(()));
}

#[test]
fn a_ca_without_such_a_desk_says_so() {
    let desk = desk(&automatic());
    let asked = AskedRevocation { serial: &[1], reason: RevocationReason::KeyCompromise, password: &secret(PASSWORD) };
    let refusal = desk.world.ca.revoke(&asked, None, now()).unwrap_err();
    assert!(matches!(refusal, CaError::Refused(Refusal::NoRevocation)), "{refusal}");
}

#[test]
fn an_operator_ends_a_certificate_and_the_holder_is_told() {
    let desk = desk(&automatic());
    let operator = desk.ca.revocations().unwrap();
    let serial = desk.jana.certificates[0].serial();
    operator.by_operator(serial, RevocationReason::PrivilegeWithdrawn, now()).unwrap();
    assert!(operator.by_operator(serial, RevocationReason::Superseded, now()).is_err());
    assert!(operator.by_operator(&[1, 2, 3], RevocationReason::Superseded, now()).is_err());
    let (mails, actors) = desk.told();
    assert_eq!(mails, [common::EMAIL]);
    assert!(actors.len() == 1 && actors[0].starts_with("user "), "{actors:?}");
}
