//! The PKCS#11 driver against SoftHSM 2, a module that nobody here wrote.
#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::process::Command;

use common::{
    certificate, installation, order, pin,
    softhsm::{MODULE, PIN, open, uri, with_token},
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, key_id, verify};
use obnova_card::{
    KeyRole, PasswordKind, PasswordState, Pin, Pkcs11Options, Pkcs11Token, Removal, Secret, SignDigest, Slot, SlotId,
    Token, TokenError, Tries,
};

fn slot(token: &mut Pkcs11Token, id: u32) -> Slot {
    token.slots().unwrap().into_iter().find(|slot| slot.id == SlotId(id)).unwrap()
}

#[test]
fn a_token_says_who_it_is_and_what_it_can_do() {
    with_token("a_token_says_who_it_is_and_what_it_can_do", |mut token| {
        let identity = token.identity().unwrap();
        assert_eq!(identity.kind, "PKCS#11: SoftHSM v2");
        assert_eq!(identity.label, "a token");
        assert_eq!(identity.serial.len(), 16);
        let capabilities = token.capabilities().unwrap();
        assert_eq!(capabilities.generate, KeyAlgorithm::ALL);
        assert!(!capabilities.atomic_install && !capabilities.in_place_only && capabilities.marks_superseded);
        let slots = token.slots().unwrap();
        assert_eq!(slots.iter().map(|slot| slot.id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(slots.iter().all(|slot| slot.key.is_none()));
        let passwords = token.passwords().unwrap();
        assert_eq!(passwords.len(), 1);
        assert_eq!(passwords[0].state, PasswordState::Active(Tries::Unknown));
    });
}

#[test]
fn keys_of_every_kind_are_made_and_sign_by_every_algorithm() {
    with_token("keys_of_every_kind_are_made_and_sign_by_every_algorithm", |mut token| {
        let kinds = [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::P256, KeyAlgorithm::P384];
        for (number, algorithm) in (1..).zip(kinds) {
            let key = token.generate(&order(number, KeyRole::Signature, algorithm), &pin()).unwrap();
            assert_eq!(KeyAlgorithm::try_from(&key).unwrap(), algorithm);
            let entry = slot(&mut token, number).key.unwrap();
            assert_eq!(entry.role, KeyRole::Signature);
            assert_eq!(entry.id, key_id(&key).unwrap());
            assert_eq!(entry.public_key.as_ref(), Some(&key));
            let message = b"what is signed";
            let jobs: Vec<_> = entry
                .signs
                .iter()
                .map(|&algorithm| SignDigest {
                    slot: SlotId(number),
                    algorithm,
                    digest: algorithm.digest().of(message),
                })
                .collect();
            // SoftHSM has ECDSA, RSA PKCS#1 and PSS, each with every digest.
            assert_eq!(jobs.len(), if algorithm.is_rsa() { 6 } else { 3 });
            let signatures = token.sign(&jobs, &pin()).unwrap();
            for (job, signature) in jobs.iter().zip(&signatures) {
                verify(&key, job.algorithm, message, signature).unwrap();
            }
        }
    });
}

#[test]
fn a_pair_is_renewed_beside_the_old_one_and_the_old_one_is_marked_then_removed() {
    with_token("a_pair_is_renewed_beside_the_old_one_and_the_old_one_is_marked_then_removed", |_| {
        let mut token = open();
        let mut certificates = Vec::new();
        for number in 1..=4 {
            let role = if number % 2 == 1 { KeyRole::Authentication } else { KeyRole::Signature };
            let key = token.generate(&order(number, role, KeyAlgorithm::P256), &pin()).unwrap();
            certificates.push(certificate("Jana", number as u8, &key, 10));
        }
        let old = [installation(1, certificates[0].clone()), installation(2, certificates[1].clone())];
        token.install(&old, &[], &pin()).unwrap();
        let new = [installation(3, certificates[2].clone()), installation(4, certificates[3].clone())];
        token.install(&new, &[SlotId(1), SlotId(2)], &pin()).unwrap();
        // The same again changes nothing: a torn installation is repeated.
        token.install(&new, &[SlotId(1), SlotId(2)], &pin()).unwrap();
        // Another program, that remembers nothing.
        let mut token = open();
        for number in 1..=4 {
            let slot = slot(&mut token, number);
            assert_eq!(slot.certificates.len(), 1);
            assert_eq!(slot.certificates[0].superseded, number <= 2);
            assert_eq!(slot.certificates[0].label, "Jana Nováková");
            assert_eq!(slot.certificates[0].der, certificates[number as usize - 1]);
        }
        token.remove(&[Removal::Slot(SlotId(1)), Removal::Certificate(SlotId(2), 0)], &pin()).unwrap();
        assert_eq!(slot(&mut token, 1).key, None);
        let orphan = slot(&mut token, 2);
        assert!(orphan.key.is_some() && orphan.certificates.is_empty());
        let error = token.remove(&[Removal::Slot(SlotId(1))], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(1), .. }));
    });
}

#[test]
fn what_does_not_fit_is_refused_before_anything_happens() {
    with_token("what_does_not_fit_is_refused_before_anything_happens", |mut token| {
        let first = token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        token.generate(&order(2, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
        let taken = token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap_err();
        assert!(matches!(taken, TokenError::Slot { slot: SlotId(1), .. }));
        let right = certificate("Jana", 1, &first, 10);
        for (job, slot) in [
            (installation(2, right.clone()), 2),
            (installation(9, right.clone()), 9),
            (installation(1, right[..right.len() - 1].to_vec()), 1),
            (installation(1, certificate("Jana", 1, &first, 20_000)), 1),
        ] {
            // The good one of the two is not installed either.
            let error = token.install(&[installation(1, right.clone()), job], &[], &pin()).unwrap_err();
            assert!(matches!(error, TokenError::Slot { slot: SlotId(it), .. } if it == slot), "{error}");
        }
        let error = token.install(&[], &[SlotId(3)], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(3), .. }));
        assert!(token.slots().unwrap().iter().all(|slot| slot.certificates.is_empty()));
        let algorithm = SignatureAlgorithm::RsaPss(Digest::Sha256);
        let job = SignDigest { slot: SlotId(1), algorithm, digest: Digest::Sha256.of(b"") };
        assert!(matches!(token.sign(&[job], &pin()), Err(TokenError::Unsupported { .. })));
        let job = SignDigest { slot: SlotId(4), algorithm, digest: Digest::Sha256.of(b"") };
        assert!(matches!(token.sign(&[job], &pin()), Err(TokenError::Slot { slot: SlotId(4), .. })));
    });
}

#[test]
fn a_pin_is_wrong_changed_or_of_another_form() {
    with_token("a_pin_is_wrong_changed_or_of_another_form", |mut token| {
        let wrong = Pin::new(Secret::from("654321"));
        let make = order(1, KeyRole::Authentication, KeyAlgorithm::P256);
        let error = token.generate(&make, &wrong).unwrap_err();
        assert!(matches!(error, TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, .. }), "{error}");
        // SoftHSM says so much by a flag, until a PIN is right.
        assert_eq!(token.passwords().unwrap()[0].state, PasswordState::Active(Tries::Low));
        let error = token.generate(&make, &Pin::new(Secret::from("1"))).unwrap_err();
        assert!(matches!(error, TokenError::SecretForm { minimum: 4, .. }), "{error}");
        assert!(!error.to_string().contains(PIN));
        let new = Secret::from("new pin");
        let kind = PasswordKind::AuthenticationPin;
        assert!(matches!(token.change_password(kind, &pin(), &Secret::from("1")), Err(TokenError::SecretForm { .. })));
        assert!(matches!(token.change_password(kind, &wrong, &new), Err(TokenError::WrongSecret { .. })));
        assert!(matches!(token.compare_password(kind, &wrong), Err(TokenError::WrongSecret { .. })));
        token.compare_password(kind, &pin()).unwrap();
        token.change_password(kind, &pin(), &new).unwrap();
        assert!(matches!(token.generate(&make, &pin()), Err(TokenError::WrongSecret { .. })));
        token.generate(&make, &Pin::new(new.clone())).unwrap();
        let puk = PasswordKind::Puk;
        assert!(matches!(token.change_password(puk, &pin(), &new), Err(TokenError::Unsupported { .. })));
        assert!(matches!(token.compare_password(puk, &pin()), Err(TokenError::Unsupported { .. })));
        assert!(matches!(token.unblock_password(kind, &pin(), &new), Err(TokenError::Unsupported { .. })));
        assert!(matches!(token.activate(&pin(), &[(kind, new)]), Err(TokenError::Unsupported { .. })));
    });
}

#[test]
fn keys_of_another_program_get_numbers_that_stay() {
    const NAME: &str = "keys_of_another_program_get_numbers_that_stay";
    with_token(NAME, |mut token| {
        for (id, label) in [("0b", "My signing key"), ("0a", "Login")] {
            let made = Command::new("pkcs11-tool")
                .args(["--module", MODULE, "--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:prime256v1"])
                .args(["--id", id, "--label", label])
                .output()
                .expect("OpenSC is missing: apt-get install -y --no-install-recommends opensc");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let roles = |token: &mut Pkcs11Token, number| slot(token, number).key.map(|key| (key.id, key.role));
        assert_eq!(roles(&mut token, 1), Some((vec![0x0A], KeyRole::Authentication)));
        assert_eq!(roles(&mut token, 2), Some((vec![0x0B], KeyRole::Signature)));
        // A free number in the middle, taken by a pair of ours, and a foreign pair that goes: the other stays where it is.
        token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        token.remove(&[Removal::Slot(SlotId(1))], &pin()).unwrap();
        assert_eq!(roles(&mut token, 1), None);
        assert_eq!(roles(&mut token, 2), Some((vec![0x0B], KeyRole::Signature)));
        let key = slot(&mut token, 2).key.unwrap().public_key.unwrap();
        let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
        let job = SignDigest { slot: SlotId(2), algorithm, digest: Digest::Sha256.of(b"x") };
        let signature = token.sign(&[job], &pin()).unwrap().remove(0);
        verify(&key, algorithm, b"x", &signature).unwrap();
    });
}

/// Programs of one user, and of several, meet at the same file; in a folder of its own a program meets those that have it too.
#[test]
fn a_token_is_kept_from_other_programs_whatever_they_are_told_of_temporary_files() {
    const NAME: &str = "a_token_is_kept_from_other_programs_whatever_they_are_told_of_temporary_files";
    const HOLDER: &str = "OBNOVA_TEST_HAS_THE_TOKEN";
    const LOCKS: &str = "OBNOVA_TEST_LOCKS";
    if let Ok(process) = std::env::var(HOLDER) {
        let locks = std::env::var_os(LOCKS);
        let options = locks.into_iter().fold(Pkcs11Options::new(), |options, folder| options.locks_in(folder));
        let told = options.open(&uri()).err().unwrap();
        let TokenError::InUse { holder, .. } = told else { panic!("{told}") };
        return assert_eq!(holder, process.parse().ok());
    }
    with_token(NAME, |usual| {
        let folder = tempfile::tempdir().unwrap();
        let locks = || std::fs::read_dir(folder.path()).unwrap().count();
        let other = |locks: Option<&std::path::Path>| {
            let mut other = Command::new(std::env::current_exe().unwrap());
            other.args(["--exact", NAME, "--test-threads=1"]).env(HOLDER, std::process::id().to_string());
            let said = other.env("TMPDIR", folder.path()).envs(locks.map(|folder| (LOCKS, folder))).output().unwrap();
            String::from_utf8_lossy(&said.stdout).contains("1 passed")
        };
        assert!(other(None));
        assert_eq!(locks(), 0);
        drop(usual);
        assert!(!other(None), "nobody has it");
        let token = Pkcs11Options::new().locks_in(folder.path()).open(&uri()).unwrap();
        assert_eq!(locks(), 1);
        assert!(other(Some(folder.path())));
        assert!(!other(None), "the two do not meet");
        drop(token);
        assert_eq!(locks(), 0, "nothing is left");
        let nowhere = Pkcs11Options::new().locks_in(folder.path().join("nowhere")).open(&uri()).err().unwrap();
        assert!(matches!(nowhere, TokenError::Lock { .. }), "{nowhere}");
    });
}

#[test]
fn a_token_that_is_not_there_is_told_by_what_to_do() {
    with_token("a_token_that_is_not_there_is_told_by_what_to_do", |_| {
        let error = |uri: &str| Pkcs11Token::open(&uri.parse().unwrap()).err().unwrap().to_string();
        let text = error(&format!("pkcs11:token=nobody?module-path={MODULE}"));
        assert!(text.contains("no token fits"), "{text}");
        let text = error("pkcs11:?module-path=/nowhere/module.so");
        assert!(text.contains("/nowhere/module.so cannot be loaded"), "{text}");
        let text = error("pkcs11:?module-path=/usr/lib/os-release");
        assert!(text.contains("cannot be loaded"), "{text}");
    });
}

#[test]
fn a_key_that_asks_for_its_pin_each_time_is_refused_by_name() {
    with_token("a_key_that_asks_for_its_pin_each_time_is_refused_by_name", |mut token| {
        let made = Command::new("pkcs11-tool")
            .args(["--module", MODULE, "--login", "--pin", PIN, "--keypairgen", "--key-type", "rsa:2048"])
            .args(["--id", "0a", "--label", "Login", "--always-auth"])
            .output()
            .expect("OpenSC is missing: apt-get install -y --no-install-recommends opensc");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let algorithm = SignatureAlgorithm::RsaPkcs1(Digest::Sha256);
        let job = SignDigest { slot: SlotId(1), algorithm, digest: Digest::Sha256.of(b"x") };
        let error = token.sign(&[job], &pin()).unwrap_err();
        assert!(matches!(&error, TokenError::Unsupported { what } if what.contains("at each signature")), "{error}");
    });
}

/// What only its holder sees of a token: how many public and private keys, and what `act` does with them.
fn as_its_holder<T>(act: impl FnOnce(&cryptoki::session::Session) -> T) -> (T, [usize; 2]) {
    use cryptoki::{
        context::Pkcs11,
        object::{Attribute, ObjectClass},
        session::UserType,
        types::AuthPin,
    };
    let module = Pkcs11::new(MODULE).unwrap();
    let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let done = act(&session);
    let count = |class| session.find_objects(&[Attribute::Class(class)]).unwrap().len();
    let counts = [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY].map(count);
    session.logout().unwrap();
    (done, counts)
}

fn left_over(slots: Vec<Slot>) -> Vec<u32> {
    slots.into_iter().filter(|slot| slot.left_over).map(|slot| slot.id.0).collect()
}

#[test]
fn a_private_key_that_was_left_alone_is_seen_with_the_pin_and_removed() {
    use cryptoki::{
        mechanism::Mechanism,
        object::{Attribute, ObjectClass},
    };
    with_token("a_private_key_that_was_left_alone_is_seen_with_the_pin_and_removed", |mut token| {
        assert!(token.capabilities().unwrap().hides);
        let whole = token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        token.generate(&order(3, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
        let public = |session: &cryptoki::session::Session, label: &str| {
            let wanted = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Label(label.as_bytes().to_vec())];
            session.find_objects(&wanted).unwrap()[0]
        };
        let label = order(3, KeyRole::Signature, KeyAlgorithm::P256).label + " [signature 3]";
        let ((), counts) = as_its_holder(|session| {
            session.destroy_object(public(session, &label)).unwrap();
            // One that another program made, and whose certificate may be on its way; and one without any name.
            for name in ["Another's", ""] {
                let id = if name.is_empty() { vec![] } else { vec![7] };
                let names = [Attribute::Token(true), Attribute::Label(name.into()), Attribute::Id(id)];
                let curve = Attribute::EcParams(vec![6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]);
                let template = [&names[..], &[curve]].concat();
                let (public, _) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &template, &names).unwrap();
                session.destroy_object(public).unwrap();
            }
        });
        assert_eq!(counts, [1, 4]);
        assert_eq!(left_over(token.slots().unwrap()), [0; 0], "nobody sees it without the PIN");
        let wrong = token.slots_with_pin(&Pin::new(Secret::from("654321"))).unwrap_err();
        assert!(matches!(wrong, TokenError::WrongSecret { .. }), "{wrong}");
        let slots = token.slots_with_pin(&pin()).unwrap();
        assert_eq!(slots.iter().map(|slot| slot.id.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(left_over(slots), [3]);
        token.remove(&[Removal::Slot(SlotId(3))], &pin()).unwrap();
        assert_eq!(as_its_holder(|_| ()).1, [1, 3]);
        assert_eq!(left_over(token.slots_with_pin(&pin()).unwrap()), [0; 0]);
        let error = token.remove(&[Removal::Slot(SlotId(3))], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(3), .. }), "{error}");
        assert_eq!(slot(&mut token, 1).key.unwrap().public_key, Some(whole));
    });
}

/// As a module leaves them that dies while it makes a pair: some of what was asked for stands there, and no key.
#[test]
fn what_a_module_did_not_write_to_its_end_is_seen_with_the_pin_and_removed() {
    use cryptoki::object::{Attribute, KeyType, ObjectClass};
    with_token("what_a_module_did_not_write_to_its_end_is_seen_with_the_pin_and_removed", |mut token| {
        token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        let named = |label: &str, id: &[u8]| [Attribute::Label(label.into()), Attribute::Id(id.to_vec())];
        let ((), counts) = as_its_holder(|session| {
            let of_class = |class| [Attribute::Token(true), Attribute::Class(class), Attribute::KeyType(KeyType::EC)];
            let empty = [Attribute::EcParams(vec![]), Attribute::EcPoint(vec![])];
            for names in [named("", b""), named("Key [signature 1 unfinished]", b"x"), named("Another's", b"y")] {
                let public = [&of_class(ObjectClass::PUBLIC_KEY)[..], &empty, &names].concat();
                session.create_object(&public).unwrap();
            }
            let value = [Attribute::Private(true), Attribute::EcParams(vec![]), Attribute::Value(vec![])];
            for names in [named("", b""), named("Key [signature 1]", b"x")] {
                let private = [&of_class(ObjectClass::PRIVATE_KEY)[..], &value, &names].concat();
                session.create_object(&private).unwrap();
            }
        });
        assert_eq!(counts, [4, 3]);
        // The number that its label says is taken.
        assert_eq!(left_over(token.slots_with_pin(&pin()).unwrap()), [2, 3]);
        token.remove(&[Removal::Slot(SlotId(2)), Removal::Slot(SlotId(3))], &pin()).unwrap();
        assert_eq!(as_its_holder(|_| ()).1, [2, 1]);
        assert_eq!(left_over(token.slots_with_pin(&pin()).unwrap()), [0; 0]);
        assert!(slot(&mut token, 1).key.is_some());
    });
}

/// Objects of SoftHSM 2.6.1 as two `pkcs11-tool --keypairgen` left them that were killed: their class, and little else, of which some is
/// not true.
const KILLED: [&str; 2] = [
    "0000000000000005 0000000000000000 0000000000000002 0000000000000002 0000000000000001 0000000000000001 \
     0000000000000000 0200000000000000 0100000000000000 0100000000000000 0002000000000000 0003",
    "0000000000000007 0000000000000000 0000000000000002 0000000000000002 0000000000000001 0000000000000001 \
     0000000000000000 0200000000000000 0100000000000000 0003000000000000 0003000000000000 0000000000000000 \
     0100000000000000 0002000000000000 0003000000000000 0170000000000000 0001ff",
];

#[test]
fn what_softhsm_left_that_was_killed_is_seen_with_the_pin_and_removed() {
    with_token("what_softhsm_left_that_was_killed_is_seen_with_the_pin_and_removed", |mut token| {
        token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        let configuration = std::fs::read_to_string(std::env::var_os("SOFTHSM2_CONF").unwrap()).unwrap();
        let folder = configuration.lines().find_map(|line| line.strip_prefix("directories.tokendir = ")).unwrap();
        let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let place = folders.into_iter().find(|folder| folder.join("token.object").exists()).unwrap();
        let before = left_over(token.slots_with_pin(&pin()).unwrap());
        for (number, object) in KILLED.iter().enumerate() {
            let digits: Vec<u8> = object.bytes().filter(u8::is_ascii_hexdigit).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            let name = format!("00000000-0000-0000-0000-00000000000{number}.object");
            std::fs::write(place.join(name), digits.chunks(2).map(byte).collect::<Vec<_>>()).unwrap();
        }
        // SoftHSM looks into its folder again when another process has changed something.
        let note = place.with_file_name("note");
        std::fs::write(&note, "a note").unwrap();
        let made = Command::new("pkcs11-tool")
            .args(["--module", MODULE, "--login", "--pin", PIN, "--type", "data", "--label", "note", "--write-object"])
            .arg(note)
            .output()
            .expect("OpenSC is missing: apt-get install -y --no-install-recommends opensc");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert_eq!((before, left_over(token.slots().unwrap())), (vec![], vec![]));
        assert_eq!(left_over(token.slots_with_pin(&pin()).unwrap()), [2]);
        token.remove(&[Removal::Slot(SlotId(2))], &pin()).unwrap();
        assert_eq!(left_over(token.slots_with_pin(&pin()).unwrap()), [0; 0]);
        assert_eq!(as_its_holder(|_| ()).1, [1, 1]);
        assert!(slot(&mut token, 1).key.is_some());
    });
}

#[test]
fn a_pin_counts_also_where_another_part_of_the_program_is_logged_in() {
    use cryptoki::{context::Pkcs11, session::UserType, types::AuthPin};
    with_token("a_pin_counts_also_where_another_part_of_the_program_is_logged_in", |mut token| {
        let module = Pkcs11::new(MODULE).unwrap();
        let slot = module.get_slots_with_initialized_token().unwrap()[0];
        let other = module.open_rw_session(slot).unwrap();
        other.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
        let make = order(1, KeyRole::Authentication, KeyAlgorithm::P256);
        let error = token.generate(&make, &Pin::new(Secret::from("654321"))).unwrap_err();
        assert!(matches!(error, TokenError::WrongSecret { .. }), "{error}");
        token.generate(&make, &pin()).unwrap();
        assert!(token.slots().unwrap()[0].key.is_some());
    });
}

#[test]
fn of_two_keys_with_one_identifier_neither_is_used_or_removed() {
    with_token("of_two_keys_with_one_identifier_neither_is_used_or_removed", |mut token| {
        for label in ["One", "Other"] {
            let made = Command::new("pkcs11-tool")
                .args(["--module", MODULE, "--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:prime256v1"])
                .args(["--id", "0a", "--label", label])
                .output()
                .expect("OpenSC is missing: apt-get install -y --no-install-recommends opensc");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let before = token.slots().unwrap();
        assert_eq!(before.iter().filter(|slot| slot.key.is_some()).count(), 2);
        let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
        for slot in [SlotId(1), SlotId(2)] {
            let error = token.remove(&[Removal::Slot(slot)], &pin()).unwrap_err();
            assert!(matches!(error, TokenError::Slot { slot: it, .. } if it == slot), "{error}");
            let job = SignDigest { slot, algorithm, digest: Digest::Sha256.of(b"x") };
            assert!(matches!(token.sign(&[job], &pin()), Err(TokenError::Slot { .. })));
        }
        assert_eq!(token.slots().unwrap(), before);
    });
}
