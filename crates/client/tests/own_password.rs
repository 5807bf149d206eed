//! A holder sets his revocation password over a login: before a CA that lies, or whose answers are lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::cell::{Cell, RefCell};

use common::{
    Door, Face,
    support::{Draft, Holder, House, days, name, now},
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_card::{KeyRole, ProfileToken, Secret};
use obnova_client::{
    CaError, Credential, EstConnection, HttpExchange, Login, LoginExchange, LoginProof as _, PasswordSet,
    PasswordWanted, RunError, SetPasswordError, SharedToken,
    enroll::est::{HttpRequest, HttpResponse, Operation, Server},
    look, set_revocation_password, share,
};
use obnova_renewal::{PasswordRules, PinUse};
use obnova_simulator::SimulatorConnection;
use x509_cert::{Certificate, der::flagset::FlagSet, ext::pkix::KeyUsages};

const PASSWORD: &str = "planted revocation password";
const RULES: PasswordRules = PasswordRules { minimum: 8, distinct: 5 };

/// What comes back over the login, by how often it was asked.
type Lie = fn(&Desk, usize) -> Result<HttpResponse, CaError>;

/// Whether it is called what it is.
type IsTold = fn(&SetPasswordError) -> bool;

/// A CA with one holder.
struct Desk {
    house: House,
    encryption: Certificate,
    own: RefCell<String>,
    lie: Lie,
    asked: Cell<usize>,
}

impl Desk {
    fn new(lie: Lie) -> Self {
        let house = House::new("CN=Root");
        let opening = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let mut draft = Draft::new(KeyRole::Authentication, opening.public_key().clone());
        (draft.from, draft.until, draft.subject) = (now() - days(400), now() + days(30_000), name("CN=For encryption"));
        (draft.usage, draft.extended) = (Some(FlagSet::from(KeyUsages::KeyAgreement)), Vec::new());
        let encryption = house.issue(&draft).certificate().clone();
        Self { house, encryption, own: RefCell::default(), lie, asked: Cell::default() }
    }
}

impl HttpExchange for &Desk {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        assert!(matches!(Server::new().route(request), Ok(Operation::CaCerts)), "{}", request.path);
        Ok(Server::new().cacerts(&[self.house.root.certificate().clone(), self.encryption.clone()]).unwrap())
    }
}

impl LoginExchange for &Desk {
    fn exchange_as(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        Door.login(login)?;
        assert_eq!(request.path, "/revocation-password");
        let readable = request.body.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!readable, "the password can be read in the request");
        self.asked.set(self.asked.get() + 1);
        (self.lie)(self, self.asked.get())
    }
}

fn said(status: u16, body: &str) -> Result<HttpResponse, CaError> {
    let headers = [("Content-Type", "application/json")].into_iter().collect();
    Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
}

fn done(desk: &Desk) -> Result<HttpResponse, CaError> {
    said(200, &format!("{{\"serials\": [\"{}\"]}}", desk.own.borrow()))
}

fn stands() -> Result<HttpResponse, CaError> {
    said(409, r#"{"error": "revocation-password-stands", "reason": "one is set"}"#)
}

fn card(desk: &Desk) -> SharedToken {
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &desk.house, KeyAlgorithm::P256, [1, 2], |_, _| {});
    let token = share(ProfileToken::new(SimulatorConnection::new(card)));
    let view = look(token.lock().unwrap().as_mut()).unwrap();
    let slot = view.slots.iter().find(|slot| slot.key.as_ref().is_some_and(|key| key.role == KeyRole::Authentication));
    *desk.own.borrow_mut() = slot.unwrap().certificates[0].certificate.as_ref().unwrap().serial();
    token
}

fn set(desk: &Desk, face: &mut Face, old: Option<&Secret>) -> Result<PasswordSet, SetPasswordError> {
    let token = card(desk);
    let view = look(token.lock().unwrap().as_mut()).unwrap();
    let mut ca = EstConnection::new(desk, vec![desk.house.root.clone()]).unwrap();
    let wanted = PasswordWanted { rules: RULES, old };
    let set = set_revocation_password(&token, face, (&mut ca, &desk), &view, &wanted, now());
    // Nothing was written, and no try is lost.
    assert_eq!(look(token.lock().unwrap().as_mut()).unwrap(), view);
    set
}

fn typed(more: &[(Credential, &'static str)]) -> Face {
    let picked = [(Credential::RevocationPassword, PASSWORD), (Credential::RevocationPasswordAgain, PASSWORD)];
    Face { credentials: [&picked[..], more].concat(), ..Face::default() }
}

#[test]
fn what_a_ca_can_lie_is_no_password_that_is_set() {
    let lies: [(&str, Lie, IsTold); 10] = [
        ("nothing", |_, _| said(200, ""), |error| matches!(error, SetPasswordError::Ca(CaError::Protocol(_)))),
        ("noise", |_, _| said(200, "\u{1}[["), |error| matches!(error, SetPasswordError::Ca(CaError::Protocol(_)))),
        ("no numbers", |_, _| said(200, "{}"), |error| matches!(error, SetPasswordError::Ca(CaError::Protocol(_)))),
        (
            "another certificate's",
            |_, _| said(200, r#"{"serials": ["0badc0de"]}"#),
            |error| matches!(error, SetPasswordError::Ca(CaError::Protocol(why)) if why.contains("other certificates")),
        ),
        (
            "numbers that are none",
            |_, _| said(200, r#"{"serials": [1, null, {}]}"#),
            |error| matches!(error, SetPasswordError::Ca(CaError::Protocol(_))),
        ),
        (
            "it failed",
            |_, _| said(500, "no"),
            |error| matches!(error, SetPasswordError::Ca(CaError::Status { status: 500, .. })),
        ),
        (
            "go elsewhere",
            |_, _| said(302, ""),
            |error| matches!(error, SetPasswordError::Ca(CaError::Status { status: 302, .. })),
        ),
        (
            "a text that turns the terminal round",
            |_, _| said(403, "{\"error\": \"no\u{202e}\", \"reason\": \"no\\u001b[2J\u{202e}\"}"),
            |error| {
                let clean = |text: &str| !text.contains(['\u{1b}', '\u{202e}']);
                matches!(error, SetPasswordError::Refused { rule, text } if clean(rule) && clean(text))
            },
        ),
        (
            "one stands, whatever is given",
            |_, _| stands(),
            |error| matches!(error, SetPasswordError::Refused { rule, .. } if rule == "revocation-password-stands"),
        ),
        (
            "silence",
            |_, _| Err(CaError::Timeout { server: "desk".into() }),
            |error| matches!(error, SetPasswordError::Ca(CaError::Timeout { .. })),
        ),
    ];
    for (told, lie, is) in lies {
        let desk = Desk::new(lie);
        let mut face = typed(&[(Credential::OldRevocationPassword, "something else")]);
        let error = set(&desk, &mut face, None).expect_err(told);
        assert!(is(&error), "{told}: {error:?}");
        assert!(desk.asked.get() <= 2 && !format!("{error:?} {error}").contains(PASSWORD), "{told}");
    }
    println!("{} lies to who sets a revocation password", lies.len());
}

#[test]
fn he_is_asked_for_the_one_that_stands_and_for_nothing_where_it_is_weak() {
    let desk = Desk::new(|desk, time| if time == 1 { stands() } else { done(desk) });
    let mut face = typed(&[(Credential::OldRevocationPassword, "something else")]);
    let set_now = set(&desk, &mut face, None).unwrap();
    assert_eq!((set_now.serials.len(), desk.asked.get()), (1, 2));
    assert_eq!(face.uses(), [PinUse::SetPassword; 2]);
    // Known beforehand it goes along at once.
    let desk = Desk::new(|desk, _| done(desk));
    let _ = set(&desk, &mut typed(&[]), Some(&Secret::from("something else"))).unwrap();
    assert_eq!(desk.asked.get(), 1);

    let desk = Desk::new(|desk, _| done(desk));
    let weak = [(Credential::RevocationPassword, "short"); 3];
    let mut face = Face { credentials: weak.to_vec(), ..Face::default() };
    let refused = set(&desk, &mut face, None).unwrap_err();
    assert!(matches!(refused, SetPasswordError::Run(RunError::Credential { .. })), "{refused:?}");
    assert_eq!((desk.asked.get(), face.uses().len()), (0, 0), "nothing was sent, and no PIN asked for");
}

#[test]
fn a_card_without_a_certificate_of_this_ca_logs_nobody_in() {
    let desk = Desk::new(|desk, _| done(desk));
    let (token, stranger) = (card(&Desk::new(|desk, _| done(desk))), &desk);
    let view = look(token.lock().unwrap().as_mut()).unwrap();
    let mut ca = EstConnection::new(stranger, vec![desk.house.root.clone()]).unwrap();
    let wanted = PasswordWanted { rules: RULES, old: None };
    let refused = set_revocation_password(&token, &mut typed(&[]), (&mut ca, &stranger), &view, &wanted, now());
    assert!(matches!(refused, Err(SetPasswordError::NoLogin)), "{refused:?}");
    assert_eq!(desk.asked.get(), 0);
}
