//! Objects of a token that somebody wrote over, by SoftHSM itself.

use cryptoki::{
    context::Pkcs11,
    object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{KeyRole, Pkcs11Token, SlotId, Token, TokenError};

use super::{
    MEMORY, MOST_MEMORY, Refused, assert_works,
    common::{
        Setup, certificate, installation, order, pin,
        softhsm::{MODULE, PIN, open, with_token},
    },
    install, sign_in, slots,
};

/// Another program, that has the PIN.
fn other_program(act: impl FnOnce(&Session)) {
    let module = Pkcs11::new(MODULE).unwrap();
    let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    act(&session);
    session.logout().unwrap();
}

/// The object of a class whose label says this.
fn find(session: &Session, class: ObjectClass, label: &str) -> ObjectHandle {
    let all = session.find_objects(&[Attribute::Token(true), Attribute::Class(class)]).unwrap();
    let named = |object: &ObjectHandle| {
        let found = session.get_attributes(*object, &[AttributeType::Label]).unwrap();
        matches!(&found[..], [Attribute::Label(text)] if String::from_utf8_lossy(text).contains(label))
    };
    all.into_iter().find(named).unwrap()
}

fn id_of(session: &Session, object: ObjectHandle) -> Attribute {
    session.get_attributes(object, &[AttributeType::Id]).unwrap().remove(0)
}

/// A public key of somebody else, with this identifier and this label.
fn write_public_key(session: &Session, id: Attribute, label: &str) {
    let mut other = Setup::new();
    let key = other.token.generate(&order(1, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    let point = [&[0x04, 0x41][..], key.subject_public_key.raw_bytes()].concat();
    let parameters = [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
    let template = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC),
        Attribute::Token(true),
        Attribute::Private(false),
        id,
        Attribute::Label(label.into()),
        Attribute::EcParams(parameters.to_vec()),
        Attribute::EcPoint(point),
    ];
    session.create_object(&template).unwrap();
}

fn write_certificate(session: &Session, id: Attribute, label: &[u8], value: Vec<u8>) {
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        id,
        Attribute::Label(label.to_vec()),
        Attribute::Subject(vec![0x30, 0]),
        Attribute::Value(value),
    ];
    session.create_object(&template).unwrap();
}

const KEY_3: &str = "[authentication 3]";

fn id_3(session: &Session) -> Attribute {
    id_of(session, find(session, ObjectClass::PUBLIC_KEY, KEY_3))
}

/// What is written over, what is asked then, and how that is refused; `None`: it is not, and nothing comes of it.
type Case = (&'static str, fn(&Session), fn(&mut Pkcs11Token) -> Result<(), TokenError>, Option<Refused>);

macro_rules! by {
    ($($pattern:tt)+) => {
        Some((stringify!($($pattern)+), |error| matches!(error, $($pattern)+)))
    };
}

/// Slots 1 and 2 hold the pair that works, slot 3 a key that waits for its certificate. It is that one that is written over.
const CASES: &[Case] = &[
    (
        "the public key of somebody else in the place of a key's",
        |session| {
            let id = id_3(session);
            session.destroy_object(find(session, ObjectClass::PUBLIC_KEY, KEY_3)).unwrap();
            write_public_key(session, id, KEY_3);
        },
        |token| sign_in(token, 3),
        by!(TokenError::WrongSignature { .. }),
    ),
    (
        "the public key of somebody else beside a key's",
        |session| write_public_key(session, id_3(session), "other"),
        // It comes to the first slot that is free, and takes nobody's.
        |token| {
            sign_in(token, 3).unwrap();
            sign_in(token, 4)
        },
        by!(TokenError::WrongSignature { .. }),
    ),
    (
        "a private key under another identifier",
        |session| {
            let private = find(session, ObjectClass::PRIVATE_KEY, KEY_3);
            session.update_attributes(private, &[Attribute::Id(vec![9; 20])]).unwrap();
        },
        |token| sign_in(token, 3),
        by!(TokenError::Slot { slot: SlotId(3), .. }),
    ),
    (
        "two private keys under one identifier",
        |session| {
            let other = find(session, ObjectClass::PRIVATE_KEY, "[signature 5]");
            session.update_attributes(other, &[id_3(session)]).unwrap();
        },
        |token| sign_in(token, 3),
        by!(TokenError::Slot { slot: SlotId(3), .. }),
    ),
    (
        "a private key that is gone",
        |session| session.destroy_object(find(session, ObjectClass::PRIVATE_KEY, KEY_3)).unwrap(),
        |token| sign_in(token, 3),
        by!(TokenError::Slot { slot: SlotId(3), .. }),
    ),
    (
        "a certificate of 100,000 bytes",
        |session| write_certificate(session, id_3(session), b"long", vec![7; 100_000]),
        slots,
        by!(TokenError::TooLongObject { length: 100_000, .. }),
    ),
    (
        "a certificate of another key",
        |session| {
            let mut other = Setup::new();
            let key = other.token.generate(&order(1, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
            write_certificate(session, id_3(session), b"other", certificate("Jan", 7, &key, 10));
        },
        |token| {
            assert!(token.slots()?[2].certificates.is_empty(), "it is none of the key's");
            install(token)
        },
        None,
    ),
    (
        "a certificate that is none",
        |session| write_certificate(session, id_3(session), b"none", vec![0x30, 0x82, 0xFF, 0xFF, 1]),
        |token| {
            assert_eq!(token.slots()?[2].certificates.len(), 1, "what is there is shown");
            install(token)
        },
        None,
    ),
    (
        "labels that are no text",
        |session| {
            let public = find(session, ObjectClass::PUBLIC_KEY, KEY_3);
            let label = [&[0xFF, 0xFE, 0xC3][..], KEY_3.as_bytes()].concat();
            session.update_attributes(public, &[Attribute::Label(label)]).unwrap();
        },
        |token| sign_in(token, 3).and_then(|()| install(token)),
        None,
    ),
    (
        "a label that names the slot of the old pair",
        |session| {
            let public = find(session, ObjectClass::PUBLIC_KEY, "[signature 5]");
            session.update_attributes(public, &[Attribute::Label(b"a key [signature 2]".to_vec())]).unwrap();
        },
        // The pair that was there by its identifier before is not moved out of it by one that only says so.
        |token| sign_in(token, 2),
        None,
    ),
];

#[test]
fn what_somebody_wrote_over_is_not_believed() {
    with_token("objects::what_somebody_wrote_over_is_not_believed", |mut token| {
        for (number, role) in [(1, KeyRole::Authentication), (2, KeyRole::Signature)] {
            let key = token.generate(&order(number, role, KeyAlgorithm::P256), &pin()).unwrap();
            token.install(&[installation(number, certificate("Jana", number as u8, &key, 10))], &[], &pin()).unwrap();
        }
        let old = token.slots().unwrap();
        for (name, write_over, asked, refused) in CASES {
            token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
            token.generate(&order(5, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
            other_program(write_over);
            MEMORY.reset_peak_usage();
            let held = MEMORY.current_usage();
            let outcome = asked(&mut open());
            let memory = MEMORY.peak_usage().saturating_sub(held);
            assert!(memory < MOST_MEMORY, "{name}: {memory} bytes of memory");
            match (refused, outcome) {
                (Some((pattern, is)), Err(error)) => assert!(is(&error), "{name}: {error:?} is not {pattern}"),
                (None, Ok(())) => {}
                (_, outcome) => panic!("{name}: {outcome:?}"),
            }
            clear(&old, name);
        }
        let refused = CASES.iter().filter(|(.., refused)| refused.is_some()).count();
        let harmless = CASES.len() - refused;
        crate::report(&format!(
            "lies in objects that were written over: {refused} refused by name, {harmless} harmless"
        ));
    });
}

/// Everything but the old pair goes, which works.
fn clear(old: &[obnova_card::Slot], name: &str) {
    other_program(|session| {
        let kept: Vec<_> = old.iter().filter_map(|slot| slot.key.as_ref()).map(|key| key.id.clone()).collect();
        let all = session.find_objects(&[Attribute::Token(true)]).unwrap();
        for object in all {
            let id = id_of(session, object);
            if !matches!(&id, Attribute::Id(id) if kept.contains(id)) {
                session.destroy_object(object).unwrap();
            }
        }
        // The installation marks what it supersedes.
        let all = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).unwrap();
        for object in all {
            session.update_attributes(object, &[Attribute::Label("Jana Nováková".into())]).unwrap();
        }
    });
    assert_works(&mut open(), &old[..2], name);
}
