//! The PKCS#11 driver is stopped before and after every call of the module, over SoftHSM 2; another program goes on with what
//! is there.
#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{
    certificate, installation, order, pin,
    report::report,
    softhsm::{MODULE, PIN, open, uri, with_token},
};
use cryptoki::{
    context::Pkcs11,
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, key_id, verify};
use obnova_card::{
    KeyRole, Pkcs11Call, Pkcs11Count, Pkcs11Observer, Pkcs11Token, Pkcs11Trace, Removal, SignDigest, SlotId, Token,
    TokenError,
};
use obnova_transport::TransportError;

/// Ends a process, as far as the module is concerned: at one point everything ends. Point 2n is before call n, 2n + 1 after.
#[derive(Clone, Default)]
struct Stop(Arc<Mutex<Point>>);

#[derive(Default)]
struct Point {
    at: Option<u64>,
    passed: u64,
    stopped: bool,
    functions: Vec<&'static str>,
}

impl Stop {
    fn pass(&self) -> Result<(), TransportError> {
        let mut point = self.0.lock().unwrap();
        point.stopped |= point.at == Some(point.passed);
        point.passed += 1;
        if point.stopped { Err(TransportError::CardRemoved) } else { Ok(()) }
    }

    fn at(point: Option<u64>) -> Self {
        Self(Arc::new(Mutex::new(Point { at: point, ..Point::default() })))
    }
}

impl Pkcs11Observer for Stop {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        self.0.lock().unwrap().functions.push(call.function);
        self.pass()
    }

    fn after(&mut self, _: &Pkcs11Call<'_>, _: Result<(), &TokenError>) -> Result<(), TransportError> {
        self.pass()
    }
}

/// Stops `act` at every point, and hands over to `then`; returns how many points that were. `prepare` comes before each.
fn at_every_point(
    what: &str,
    mut prepare: impl FnMut(&mut dyn Token),
    act: impl Fn(&mut dyn Token) -> Result<(), TokenError>,
    mut then: impl FnMut(&mut dyn Token, u64),
) {
    prepare(&mut open());
    let recorded = Stop::at(None);
    act(&mut Pkcs11Token::open_observed(&uri(), recorded.clone()).unwrap()).unwrap();
    let points = recorded.0.lock().unwrap().passed;
    then(&mut open(), points);
    for point in 0..points {
        prepare(&mut open());
        let stop = Stop::at(Some(point));
        let token = Pkcs11Token::open_observed(&uri(), stop.clone());
        let outcome = token.and_then(|mut token| act(&mut token));
        let ended = stop.0.lock().unwrap();
        assert!(ended.stopped, "{what}: point {point} is not reached");
        let last = ended.functions.last().copied();
        // What closes a conversation cannot be refused.
        let refused = matches!(outcome, Err(TokenError::Transport(TransportError::CardRemoved)));
        let closing = matches!(last, Some("C_CloseSession" | "C_Logout"));
        assert!(refused || (closing && outcome.is_ok()), "{what}: {point}, {last:?}: {outcome:?}");
        drop(ended);
        then(&mut open(), point);
    }
    report(&format!("{what}: stopped at {points} points"));
}

/// Public keys, private keys and certificates that are on the token, whatever the driver says.
fn objects() -> [usize; 3] {
    let module = Pkcs11::new(MODULE).unwrap();
    let session = module.open_ro_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let count = |class| session.find_objects(&[Attribute::Token(true), Attribute::Class(class)]).unwrap().len();
    let found = [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY, ObjectClass::CERTIFICATE].map(count);
    session.logout().unwrap();
    found
}

fn signs(token: &mut dyn Token, slot: u32, key: &SubjectPublicKeyInfoOwned) {
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let job = SignDigest { slot: SlotId(slot), algorithm, digest: Digest::Sha256.of(b"x") };
    let signature = token.sign(&[job], &pin()).unwrap().remove(0);
    verify(key, algorithm, b"x", &signature).unwrap();
}

fn keys(token: &mut dyn Token) -> Vec<(u32, SubjectPublicKeyInfoOwned)> {
    let slots = token.slots().unwrap().into_iter();
    slots.filter_map(|slot| Some((slot.id.0, slot.key?.public_key.unwrap()))).collect()
}

#[test]
fn a_key_whose_making_was_stopped_is_found_or_made_again_and_never_twice() {
    with_token("a_key_whose_making_was_stopped_is_found_or_made_again_and_never_twice", |_| {
        let wanted = order(3, KeyRole::Signature, KeyAlgorithm::P256);
        let (mut found, mut taken_up) = (0, 0);
        at_every_point(
            "generate",
            |token| {
                for (slot, _) in keys(token) {
                    token.remove(&[Removal::Slot(SlotId(slot))], &pin()).unwrap();
                }
                assert_eq!(objects(), [0; 3]);
            },
            |token| token.generate(&wanted, &pin()).map(drop),
            |token, point| {
                let [publics, privates, _] = objects();
                assert_eq!(publics, privates, "point {point}");
                let key = match keys(token).as_slice() {
                    [] => {
                        taken_up += publics;
                        token.generate(&wanted, &pin()).unwrap()
                    }
                    [(3, key)] => {
                        found += 1;
                        let taken = token.generate(&wanted, &pin()).unwrap_err();
                        assert!(matches!(taken, TokenError::Slot { slot: SlotId(3), .. }), "{taken}");
                        key.clone()
                    }
                    several => panic!("{several:?}"),
                };
                assert_eq!(objects(), [1, 1, 0], "point {point}");
                let slots = token.slots().unwrap();
                let entry = slots.iter().find(|slot| slot.id == SlotId(3)).unwrap().key.as_ref().unwrap();
                assert_eq!((entry.role, entry.id.as_slice()), (KeyRole::Signature, &key_id(&key).unwrap()[..]));
                signs(token, 3, &key);
            },
        );
        assert!(found >= 2, "a key that was whole is found");
        assert!(taken_up >= 4, "a key that was not is gone on with: {taken_up}");
    });
}

#[test]
fn half_a_key_and_one_for_something_else_give_way() {
    with_token("half_a_key_and_one_for_something_else_give_way", |mut token| {
        // What is left where a module dies inside of C_GenerateKeyPair, or where another order was stopped.
        let wanted = order(3, KeyRole::Signature, KeyAlgorithm::P256);
        let others =
            [order(3, KeyRole::Authentication, KeyAlgorithm::P256), order(3, KeyRole::Signature, KeyAlgorithm::P384)];
        let left = |order: &obnova_card::GenerateKey| {
            let mut token = Pkcs11Token::open_observed(&uri(), AfterGeneration).unwrap();
            assert!(token.generate(order, &pin()).is_err());
            assert_eq!(objects(), [1, 1, 0]);
        };
        left(&wanted);
        let told = |token: &mut Pkcs11Token| -> Vec<_> {
            let slots = token.slots().unwrap().into_iter().filter(|slot| slot.left_over);
            slots.map(|slot| (slot.id.0, slot.key)).collect()
        };
        assert_eq!(told(&mut token), [(3, None)]);
        token.remove(&[Removal::Slot(SlotId(3))], &pin()).unwrap();
        assert_eq!((objects(), told(&mut token)), ([0; 3], vec![]));
        left(&wanted);
        let module = Pkcs11::new(MODULE).unwrap();
        let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
        session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
        let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
        session.destroy_object(private[0]).unwrap();
        session.logout().unwrap();
        drop(session);
        assert_eq!((keys(&mut token), told(&mut token)), (vec![], vec![(3, None)]));
        let mut made = token.generate(&wanted, &pin()).unwrap();
        for other in others {
            assert_eq!(objects(), [1, 1, 0]);
            signs(&mut token, 3, &made);
            token.remove(&[Removal::Slot(SlotId(3))], &pin()).unwrap();
            left(&other);
            assert_eq!(keys(&mut token), []);
            made = token.generate(&wanted, &pin()).unwrap();
        }
        assert_eq!(objects(), [1, 1, 0]);
    });
}

/// Ends a process when a pair was made, before it is whole.
struct AfterGeneration;
impl Pkcs11Observer for AfterGeneration {
    fn after(&mut self, call: &Pkcs11Call<'_>, _: Result<(), &TokenError>) -> Result<(), TransportError> {
        if call.function == "C_GenerateKeyPair" { Err(TransportError::CardRemoved) } else { Ok(()) }
    }
}

/// Another program, which does something to the public keys on the token after a call of ours.
struct Other(&'static str, fn(&Session, ObjectHandle));

impl Pkcs11Observer for Other {
    fn after(&mut self, call: &Pkcs11Call<'_>, _: Result<(), &TokenError>) -> Result<(), TransportError> {
        if call.function == self.0 {
            // Logged in by then: that is the whole process's.
            let module = Pkcs11::new(MODULE).unwrap();
            let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
            for public in session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY)]).unwrap() {
                self.1(&session, public);
            }
        }
        Ok(())
    }
}

#[test]
fn nothing_is_left_of_a_key_whose_public_half_another_program_removes_and_no_card_is_blamed() {
    const NAME: &str = "nothing_is_left_of_a_key_whose_public_half_another_program_removes_and_no_card_is_blamed";
    with_token(NAME, |mut token| {
        let other = Other("C_GenerateKeyPair", |session, public| session.destroy_object(public).unwrap());
        let mut disturbed = Pkcs11Token::open_observed(&uri(), other).unwrap();
        let wanted = order(3, KeyRole::Signature, KeyAlgorithm::P256);
        let error = disturbed.generate(&wanted, &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(3), .. }), "{error}");
        assert!(error.to_string().contains("other program") && !error.to_string().contains("do not use"), "{error}");
        assert_eq!(objects(), [0; 3]);
        let made = token.generate(&wanted, &pin()).unwrap();
        signs(&mut token, 3, &made);
    });
}

#[test]
fn what_was_left_unfinished_and_is_somebodys_key_now_stays() {
    with_token("what_was_left_unfinished_and_is_somebodys_key_now_stays", |mut token| {
        let wanted = order(3, KeyRole::Signature, KeyAlgorithm::P256);
        let mut stopped = Pkcs11Token::open_observed(&uri(), AfterGeneration).unwrap();
        assert!(stopped.generate(&order(3, KeyRole::Signature, KeyAlgorithm::P384), &pin()).is_err());
        assert_eq!((objects(), keys(&mut token)), ([1, 1, 0], Vec::new()));
        let other = Other("C_Login", |session, public| {
            session.update_attributes(public, &[Attribute::Label(b"mine".to_vec())]).unwrap();
        });
        let error = Pkcs11Token::open_observed(&uri(), other).unwrap().generate(&wanted, &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(3), .. }), "{error}");
        assert_eq!(objects(), [1, 1, 0]);
        let kept = keys(&mut token);
        assert_eq!(kept.len(), 1);
        let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha384);
        let job = SignDigest { slot: SlotId(kept[0].0), algorithm, digest: Digest::Sha384.of(b"x") };
        token.sign(&[job], &pin()).unwrap();
    });
}

#[test]
fn a_certificate_that_two_programs_wrote_is_told_marked_and_removed_once() {
    with_token("a_certificate_that_two_programs_wrote_is_told_marked_and_removed_once", |mut token| {
        let mut jobs = Vec::new();
        for number in [1, 2] {
            let key = token.generate(&order(number, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
            jobs.push(installation(number, certificate("Jana", number as u8, &key, 10)));
        }
        let again = || {
            let module = Pkcs11::new(MODULE).unwrap();
            let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
            session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
            let [certificate] = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).unwrap()[..] else {
                panic!("there is one");
            };
            session.copy_object(certificate, &[Attribute::Token(true)]).unwrap();
            session.logout().unwrap();
        };
        let told = |token: &mut Pkcs11Token| -> Vec<_> {
            let slots = token.slots().unwrap().into_iter();
            slots.flat_map(|slot| slot.certificates).map(|certificate| certificate.superseded).collect()
        };
        token.install(&jobs[..1], &[], &pin()).unwrap();
        again();
        assert_eq!((objects(), told(&mut token)), ([2, 2, 2], vec![false]));
        // It is there: it is not written a third time.
        token.install(&jobs, &[], &pin()).unwrap();
        assert_eq!((objects(), told(&mut token)), ([2, 2, 3], vec![false; 2]));
        token.install(&jobs[1..], &[SlotId(1)], &pin()).unwrap();
        assert_eq!((objects(), told(&mut token)), ([2, 2, 3], vec![true, false]));
        token.remove(&[Removal::Slot(SlotId(2))], &pin()).unwrap();
        assert_eq!((objects(), told(&mut token)), ([1, 1, 2], vec![true]));
        token.remove(&[Removal::Certificate(SlotId(1), 0)], &pin()).unwrap();
        assert_eq!((objects(), told(&mut token)), ([1, 1, 0], vec![]));
    });
}

#[test]
fn a_pair_whose_installation_was_stopped_is_installed_once() {
    with_token("a_pair_whose_installation_was_stopped_is_installed_once", |mut token| {
        let mut certificates = Vec::new();
        for number in 1..=4 {
            let role = if number % 2 == 1 { KeyRole::Authentication } else { KeyRole::Signature };
            let key = token.generate(&order(number, role, KeyAlgorithm::P256), &pin()).unwrap();
            certificates.push(installation(number, certificate("Jana", number as u8, &key, 10)));
        }
        let (old, new) = certificates.split_at(2);
        let marked = [SlotId(1), SlotId(2)];
        at_every_point(
            "install",
            |token| {
                for slot in token.slots().unwrap().into_iter().filter(|slot| !slot.certificates.is_empty()) {
                    token.remove(&[Removal::Certificate(slot.id, 0)], &pin()).unwrap();
                }
                token.install(old, &[], &pin()).unwrap();
            },
            |token| token.install(new, &marked, &pin()),
            |token, point| {
                let held = |token: &mut dyn Token| -> Vec<(usize, bool)> {
                    let slots = token.slots().unwrap().into_iter().filter(|slot| slot.key.is_some());
                    slots
                        .map(|slot| (slot.certificates.len(), slot.certificates.iter().any(|one| one.superseded)))
                        .collect()
                };
                let stopped = held(token);
                // The old pair is there, and is not marked before both of the new are there.
                assert!(stopped[..2].iter().all(|(count, _)| *count == 1), "{point}: {stopped:?}");
                let is_marked = stopped[..2].iter().any(|(_, superseded)| *superseded);
                assert!(!is_marked || stopped[2..] == [(1, false); 2], "{point}: {stopped:?}");
                token.install(new, &marked, &pin()).unwrap();
                assert_eq!(held(token), [(1, true), (1, true), (1, false), (1, false)], "{point}");
                assert_eq!(objects(), [4, 4, 4], "{point}");
            },
        );
    });
}

#[test]
fn a_pair_whose_removal_was_stopped_is_removed_to_the_end() {
    with_token("a_pair_whose_removal_was_stopped_is_removed_to_the_end", |_| {
        let wanted = order(1, KeyRole::Signature, KeyAlgorithm::P256);
        let going = [Removal::Slot(SlotId(1))];
        for repeat_it in [true, false] {
            let mut old = None;
            at_every_point(
                "remove",
                |token| {
                    let key = token.generate(&wanted, &pin()).unwrap();
                    token.install(&[installation(1, certificate("Jana", 1, &key, 10))], &[], &pin()).unwrap();
                    assert_eq!(objects(), [1; 3]);
                    old = Some(key);
                },
                |token| token.remove(&going, &pin()),
                |token, point| {
                    let [publics, privates, certificates] = objects();
                    assert!(publics >= privates && privates >= certificates, "{point}: nothing that nobody sees");
                    let is_there = !keys(token).is_empty();
                    assert_eq!(is_there, certificates == 1, "{point}");
                    if repeat_it || is_there {
                        let _ = token.remove(&going, &pin());
                        assert_eq!(objects(), [0; 3], "{point}");
                    } else {
                        // Or a new key is made there, and is a new one.
                        let new = token.generate(&wanted, &pin()).unwrap();
                        assert_eq!(objects(), [1, 1, 0], "{point}");
                        signs(token, 1, &new);
                        token.remove(&going, &pin()).unwrap();
                    }
                },
            );
        }
    });
}

#[test]
fn calls_are_counted_and_written_down_without_secrets() {
    with_token("calls_are_counted_and_written_down_without_secrets", |_| {
        #[derive(Clone, Default)]
        struct Lines(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (count, lines) = (Pkcs11Count::new(), Lines::default());
        let observers: Vec<Box<dyn Pkcs11Observer>> =
            vec![Box::new(count.clone()), Box::new(Pkcs11Trace::new(lines.clone()))];
        let mut token = Pkcs11Token::open_observed(&uri(), observers).unwrap();
        let wrong = obnova_card::Pin::new("98765432101234".into());
        let wanted = order(1, KeyRole::Signature, KeyAlgorithm::P256);
        assert!(token.generate(&wanted, &wrong).is_err());
        let key = token.generate(&wanted, &pin()).unwrap();
        signs(&mut token, 1, &key);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("> ")).count() as u64, count.calls(), "{text}");
        for line in [
            "> C_GenerateKeyPair P-256 [signature 1]",
            "< C_GenerateKeyPair",
            "! C_Login: the authentication PIN is wrong",
        ] {
            assert!(text.lines().any(|known| known.starts_with(line)), "{line}\n{text}");
        }
        assert!(!text.contains("98765432101234") && !text.contains(PIN), "{text}");
    });
}
