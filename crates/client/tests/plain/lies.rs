//! What a CA that speaks plain EST can lie, or whoever stands between: each has its name, sends no password a second time, and
//! brings nothing onto the card.

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, Profile, Refusal as Rule};
use obnova_card::KeyRole;
use obnova_client::{
    CaConnection as _, CaError, EstConnection, FileJournal, RunError, Turn,
    enroll::{
        cmc::FailInfo,
        est::{CsrAttributes, EstError, HttpResponse, MAX_BODY, RedirectError, Server, Site},
    },
};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{ByRole, ChainProblem, Failure, Plan, Process, Refusal};
use x509_cert::{
    der::{Encode as _, asn1::OctetString, flagset::FlagSet},
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsages},
    },
    name::Name,
};

use super::{
    Mortal, Order, Place, PlanError, Reason,
    common::support::{Draft, House, days, now},
    office::{Lie, Office},
    typed,
};

const CERTIFICATES: &str = "application/pkcs7-mime; smime-type=certs-only";

fn said(status: u16, headers: &[(&str, &str)], body: &[u8]) -> HttpResponse {
    HttpResponse { status, headers: headers.iter().copied().collect(), body: body.to_vec() }
}

/// How it ends.
enum End {
    /// Nothing is lost, and it goes on with a CA that is honest.
    Error(fn(&CaError) -> bool),
    /// By what came, or by what was said: for good.
    Failed(fn(&Failure) -> bool),
    /// It waits, for a day at most.
    Waits,
}

use End::{Error, Failed, Waits};

struct Row {
    name: &'static str,
    lie: fn(&Office, &CertificationRequest) -> HttpResponse,
    end: End,
    /// How often it is asked before it is noticed: where it is sent on, there too.
    asked: usize,
}

const fn row(name: &'static str, lie: fn(&Office, &CertificationRequest) -> HttpResponse, end: End) -> Row {
    Row { name, lie, end, asked: 1 }
}

fn to_orders() -> Vec<Row> {
    vec![
        row(
            "a certificate for a key that is not on the card",
            |office, _| {
                let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
                let draft = Draft::new(KeyRole::Authentication, key.public_key().clone());
                Server::new().issued(office.house.issue(&draft).certificate()).unwrap()
            },
            Error(|error| matches!(error, CaError::Unvouched)),
        ),
        row(
            "nobody's name",
            |office, request| office.issue(request, |draft| draft.subject = Name::default()),
            Failed(|end| matches!(end, Failure::Rejected(Refusal::NoSubject { .. } | Refusal::AnotherSubject { .. }))),
        ),
        row(
            "one that is over",
            |office, request| office.issue(request, |draft| draft.until = now() - days(1) / 2),
            Failed(|end| matches!(end, Failure::Rejected(Refusal::Expired { .. }))),
        ),
        row(
            "one that binds its holder",
            |office, request| {
                let both = FlagSet::from(KeyUsages::DigitalSignature) | KeyUsages::NonRepudiation;
                office.issue(request, |draft| draft.usage = Some(both))
            },
            Failed(|end| matches!(end, Failure::Rejected(Refusal::KeyUsage { .. }))),
        ),
        row(
            "a stranger's signature",
            |_, request| {
                let mut stranger = Office::new();
                stranger.house = House::new("CN=Stranger");
                stranger.issue(request, |_| {})
            },
            Failed(|end| matches!(end, Failure::Rejected(Refusal::Chain { problem: ChainProblem::UnknownIssuer, .. }))),
        ),
        row(
            "noise",
            |_, _| said(200, &[("Content-Type", CERTIFICATES)], &[0xFF; 100]),
            Error(|error| matches!(error, CaError::Server(EstError::Base64))),
        ),
        row(
            "something else in Base64",
            |_, _| said(200, &[("Content-Type", CERTIFICATES)], b"MAMCAQE="),
            Error(|error| matches!(error, CaError::Server(EstError::Message(_)))),
        ),
        row(
            "another kind of answer",
            |_, _| said(200, &[("Content-Type", "text/html")], b"<p>"),
            Error(|error| matches!(error, CaError::Server(EstError::ContentType { .. }))),
        ),
        row(
            "more than is read",
            |_, _| said(200, &[("Content-Type", CERTIFICATES)], &vec![b'A'; MAX_BODY + 1]),
            Error(|error| matches!(error, CaError::Server(EstError::TooLong { .. }))),
        ),
        row(
            "come again, and not when",
            |_, _| said(202, &[], b""),
            Error(|error| matches!(error, CaError::Server(EstError::NoRetryAfter))),
        ),
        row(
            "come again before the beginning of time",
            |_, _| said(202, &[("Retry-After", "-1")], b""),
            Error(|error| matches!(error, CaError::Server(EstError::NoRetryAfter))),
        ),
        row("come again in 2^64 seconds", |_, _| said(202, &[("Retry-After", "18446744073709551616")], b""), Waits),
        row("come again at once", |_, _| said(202, &[("Retry-After", "0")], b""), Waits),
        row(
            "who are you, again and again",
            |_, _| said(401, &[("WWW-Authenticate", "Basic realm=\"again\"")], b""),
            // What the password is told of, and what the card.
            Error(|error| matches!(error, CaError::WrongPassword | CaError::Server(EstError::Unauthorized))),
        ),
        row(
            "no, with a text that turns the terminal round",
            |_, _| said(403, &[("Content-Type", "text/plain")], "no\u{202E}\u{1b}[2J".as_bytes()),
            Failed(|end| {
                matches!(end, Failure::Refused { reason, text }
                    if reason == "HTTP 403" && !text.contains(['\u{202E}', '\u{1b}']))
            }),
        ),
        row("broken", |_, _| said(500, &[], b""), Error(|error| matches!(error, CaError::Status { status: 500, .. }))),
        row(
            "busy, until the end of time",
            |_, _| said(503, &[("Retry-After", "99999999999999999999")], b""),
            Error(|error| matches!(error, CaError::Server(EstError::Unavailable { .. }))),
        ),
        Row {
            asked: 1 + Site::MAX_REDIRECTS,
            ..row(
                "on and on",
                |_, _| said(307, &[("Location", "/.well-known/est/simpleenroll")], b""),
                Error(|error| matches!(error, CaError::Redirect(RedirectError::Endless))),
            )
        },
        row(
            "over there",
            |_, _| said(307, &[("Location", "https://evil.example/.well-known/est/simpleenroll")], b""),
            Error(|error| matches!(error, CaError::Redirect(RedirectError::OtherOrigin { .. }))),
        ),
        row(
            "over there, where everybody reads",
            |_, _| said(308, &[("Location", "http://ca.example/.well-known/est/simpleenroll")], b""),
            Error(|error| matches!(error, CaError::Redirect(RedirectError::OtherOrigin { .. }))),
        ),
        row(
            "over there, without the request",
            |_, _| said(303, &[("Location", "/elsewhere")], b""),
            Error(|error| matches!(error, CaError::Redirect(RedirectError::OtherRequest { status: 303 }))),
        ),
    ]
}

#[test]
fn what_a_lying_ca_answers_is_refused_by_its_name_and_the_password_is_sent_no_second_time() {
    for order in [Order::First, Order::Renewal] {
        for Row { name: told, lie, end, asked } in to_orders() {
            // Where it is sent on to is for the first order.
            if order == Order::Renewal && asked > 1 {
                continue;
            }
            let told = format!("{order:?}: {told}");
            let mut place = Place::new(order);
            let before = place.card().slots.iter().map(|slot| slot.certificates.clone()).collect::<Vec<_>>();
            place.office.lie.replace(Some(Lie::Order(lie)));
            let outcome = place.live(&Mortal::forever());
            let goes_on = match (&end, &outcome) {
                (Error(is), Err(RunError::Ca(error))) => {
                    assert!(is(error), "{told}: {error:?}");
                    assert!(error.to_string().len() < 1_000, "{told}: {error}");
                    true
                }
                (Failed(is), Ok(Turn::Failed(failure))) => {
                    assert!(is(failure), "{told}: {failure:?}");
                    false
                }
                (Waits, Ok(Turn::Waits(until))) => {
                    assert!(*until <= now() + days(1) && *until >= now(), "{told}: {until:?}");
                    true
                }
                _ => panic!("{told}: {outcome:?}"),
            };
            let times = if order == Order::First { place.office.passwords.get() } else { place.office.logins.get() };
            assert_eq!(times, asked, "{told}: who asks is said once for each time that is asked");
            let after = place.card().slots.iter().map(|slot| slot.certificates.clone()).collect::<Vec<_>>();
            assert_eq!(after, before, "{told}: nothing came onto the card");
            place.office.lie.replace(None);
            if goes_on {
                place.later = days(1);
                assert!(matches!(place.finish(), Turn::Done(_)), "{told}: it does not go on");
                place.assert_certified(&told);
            }
        }
    }
}

/// A server that does not let the card in has heard no password.
#[test]
fn only_who_sent_a_password_is_told_that_it_is_wrong() {
    for order in [Order::First, Order::Renewal] {
        let mut place = Place::new(order);
        place.office.lie.replace(Some(Lie::Order(|_, _| said(401, &[], b""))));
        let told = place.live(&Mortal::forever()).unwrap_err();
        match order {
            Order::First => assert!(matches!(told, RunError::Ca(CaError::WrongPassword)), "{told:?}"),
            Order::Renewal => {
                assert!(matches!(told, RunError::Ca(CaError::Server(EstError::Unauthorized))), "{told:?}")
            }
        }
    }
}

/// What is answered to who waits for his order, and says nothing of the order: it stays, and goes on.
#[test]
fn an_order_that_waits_is_ended_by_what_is_said_of_it_and_by_nothing_else() {
    for order in [Order::First, Order::Renewal] {
        let refused = polled(order, |_, _| said(400, &[], b""));
        assert!(matches!(refused, Ok(Turn::Failed(Failure::Refused { .. }))), "{order:?}: {refused:?}");
        let forbidden = polled(order, |_, _| said(403, &[("Content-Type", "text/plain")], b"peer-expired: it ended"));
        assert!(
            matches!(&forbidden, Err(RunError::Ca(CaError::Server(EstError::Forbidden { text }))) if text.contains("ended")),
            "{order:?}: {forbidden:?}"
        );
        let another = polled(order, |_, _| said(403, &[("Content-Type", "text/plain")], b"other-user: it stands"));
        assert!(
            matches!(&another, Err(RunError::Ca(CaError::Server(EstError::Forbidden { text }))) if text.contains("stands")),
            "{order:?}: {another:?}"
        );
        let locked = polled(order, |_, _| said(429, &[("Content-Type", "text/plain")], b"password-locked: ask"));
        assert!(
            matches!(&locked, Err(RunError::Ca(CaError::Server(EstError::TooOften { retry_after: None, text }))) if text.contains("ask")),
            "{order:?}: {locked:?}"
        );
        for status in [429, 503] {
            let busy = polled(
                order,
                match status {
                    429 => |_, _| said(429, &[("Retry-After", "7")], b""),
                    _ => |_, _| said(503, &[("Retry-After", "7")], b""),
                },
            );
            assert!(matches!(busy, Ok(Turn::Waits(_))), "{order:?}, {status}: {busy:?}");
        }
        let busy = polled(order, |_, _| said(503, &[], b""));
        assert!(
            matches!(busy, Err(RunError::Ca(CaError::Server(EstError::Unavailable { .. })))),
            "{order:?}: {busy:?}"
        );
    }
}

/// Plain EST has no failInfo. A refusal by the name of a rule about the key is told as CMC tells it, and the keys are ordered no more.
#[test]
fn a_key_that_the_ca_certifies_no_more_is_known_by_the_name_of_its_rule() {
    fn no(refusal: &Rule) -> HttpResponse {
        Server::new().refused(false, &format!("{}: {refusal}", refusal.name()))
    }
    const OF: Profile = Profile::Authentication;
    type Row = (Rule, fn(&Office, &CertificationRequest) -> HttpResponse);
    let rows: [Row; 8] = [
        (Rule::SharedKey, |_, _| no(&Rule::SharedKey)),
        (Rule::OldKey(OF), |_, _| no(&Rule::OldKey(OF))),
        (Rule::KeyTaken(OF), |_, _| no(&Rule::KeyTaken(OF))),
        (Rule::KeyCompromised(OF), |_, _| no(&Rule::KeyCompromised(OF))),
        (Rule::OtherUser, |_, _| no(&Rule::OtherUser)),
        (Rule::OtherSubject(OF), |_, _| no(&Rule::OtherSubject(OF))),
        (Rule::NotOfThisService(OF), |_, _| no(&Rule::NotOfThisService(OF))),
        (Rule::Rejected("key-taken: no".into()), |_, _| no(&Rule::Rejected("key-taken: no".into()))),
    ];
    for (rule, lie) in rows {
        let mut place = Place::new(Order::First);
        place.office.lie.replace(Some(Lie::Order(lie)));
        let told = place.live(&Mortal::forever()).unwrap();
        let spent = rule.fail_info() == FailInfo::NoKeyReuse;
        let wanted = if spent { "noKeyReuse" } else { "HTTP 400" };
        let Turn::Failed(Failure::Refused { reason, text }) = told else { panic!("{rule:?}: {told:?}") };
        assert_eq!((reason.as_str(), text), (wanted, format!("{}: {rule}", rule.name())));
        let process = Process::replay(&FileJournal::peek(place.folder.path(), "one").unwrap()).unwrap();
        let (card, keys) = (place.card(), process.spent_keys().cloned().collect::<Vec<_>>());
        let wishes = place.connection().wishes().unwrap();
        let plan = wishes.plan(&card, &place.policy, |policy| Plan::first_beside(&card, policy, &keys, now()));
        let goes_on = plan.unwrap().new.authentication.unwrap().waiting.is_some();
        assert_eq!(goes_on, !spent, "{rule:?}");
    }
}

/// What comes of an order that waits, when this is what is answered; unless it came to an end, an honest answer then brings the
/// certificate.
fn polled(order: Order, lie: fn(&Office, &CertificationRequest) -> HttpResponse) -> Result<Turn, RunError> {
    let mut place = Place::new(order);
    assert!(matches!(place.live(&Mortal::forever()).unwrap(), Turn::Waits(_)));
    place.later = Duration::from_secs(5);
    place.face.credentials = typed();
    let asked = |place: &Place| place.office.passwords.get() + place.office.logins.get();
    place.office.lie.replace(Some(Lie::Order(lie)));
    let outcome = place.live(&Mortal::forever());
    assert_eq!(asked(&place), 2, "asked once more, and once");
    place.office.lie.replace(None);
    if !matches!(outcome, Ok(Turn::Failed(_))) {
        assert!(matches!(place.finish(), Turn::Done(_)), "{order:?}: it does not go on");
        place.assert_certified("");
    }
    outcome
}

fn attributes(body: &[u8]) -> HttpResponse {
    let body = Base64::encode_string(body);
    said(200, &[("Content-Type", "application/csrattrs")], body.as_bytes())
}

/// A SEQUENCE in a SEQUENCE, and so on.
fn nested() -> Vec<u8> {
    let mut der = vec![0x30, 0];
    for _ in 0..20_000 {
        let length = der.len();
        let head = match length {
            0..=127 => vec![0x30, length as u8],
            128..=0xFFFF => vec![0x30, 0x82, (length >> 8) as u8, length as u8],
            _ => vec![0x30, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
        };
        der = [head, der].concat();
    }
    der
}

/// What it says that a request has to be like, before anything is planned: no key is made for it.
#[test]
fn what_cannot_be_or_must_not_be_in_a_request_is_refused_by_name_before_a_key_is_made() {
    let cases: [(&str, Says, IsTold); 11] = [
        ("noise", || attributes(&[0xFF; 40]), is_malformed),
        ("nothing that ends", || attributes(&[0x30, 0x80, 0x06]), is_malformed),
        ("twenty thousand deep", || attributes(&nested()), is_malformed),
        (
            "more than is read",
            || said(200, &[("Content-Type", "application/csrattrs")], &vec![b'A'; MAX_BODY + 1]),
            |error| matches!(error, PlanError::Ca(CaError::Server(EstError::TooLong { .. }))),
        ),
        (
            "more than anybody asks for",
            || attributes(&[&[0x30, 0x81, 65 * 3][..], &[0x06, 1, 0x2A].repeat(65)].concat()),
            is_malformed,
        ),
        (
            "a page",
            || said(200, &[("Content-Type", "text/html")], b"<p>"),
            |error| matches!(error, PlanError::Ca(CaError::Server(EstError::ContentType { .. }))),
        ),
        // challengePassword
        (
            "a password in the clear",
            || attributes(&[0x30, 11, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 7]),
            |error| matches!(error, PlanError::Ca(CaError::Order(why)) if why.contains("challengePassword")),
        ),
        // id-ecPublicKey with secp521r1
        (
            "a key that no card has",
            || {
                attributes(&[
                    0x30, 0x14, 0x30, 0x12, 0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 0x31, 7, 0x06, 5, 0x2B, 0x81,
                    4, 0, 0x23,
                ])
            },
            |error| is_against_the_service(error, &[]),
        ),
        (
            "a key that is too weak for anybody",
            || {
                attributes(&[
                    0x30, 0x13, 0x30, 0x11, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 0x31, 4, 2, 2, 4, 0,
                ])
            },
            |error| is_against_the_service(error, &[]),
        ),
        (
            "a key that is weaker than those of the service",
            || Server::new().csrattrs(&CsrAttributes::new().key(KeyAlgorithm::Rsa2048).unwrap()).unwrap(),
            |error| is_against_the_service(error, &[KeyAlgorithm::Rsa2048]),
        ),
        (
            "a CA's certificate",
            || {
                let value = BasicConstraints { ca: true, path_len_constraint: None }.to_der().unwrap();
                let extn_value = OctetString::new(value).unwrap();
                let ca =
                    Extension { extn_id: const_oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS, critical: true, extn_value };
                Server::new().csrattrs(&CsrAttributes::new().extensions(&[ca]).unwrap()).unwrap()
            },
            |error| matches!(error, PlanError::Plan(not) if matches!(not.reasons[..], [Reason::ExtensionNotOurs { .. }])),
        ),
    ];
    for (told, lie, is) in cases {
        let mut place = Place::new(Order::First);
        place.policy.keys = ByRole::one(KeyRole::Authentication, vec![KeyAlgorithm::P256, KeyAlgorithm::P384]);
        place.office.lie.replace(Some(Lie::Attributes(lie)));
        let error = place.plan(&place.card()).unwrap_err();
        assert!(is(&error), "{told}: {error:?}");
        // A CMC message asks for the keys too; what else is to be in a request is nothing to it.
        let mut cmc = EstConnection::new(&place.office, place.office.anchors()).unwrap();
        match place.plan_by(&mut cmc, &place.card()) {
            Err(error) => assert!(is(&error), "{told}, by CMC: {error:?}"),
            Ok(plan) => {
                assert!(["a password in the clear", "a CA's certificate"].contains(&told), "{told}, by CMC: {plan:?}");
                assert!(plan.wanted.is_empty(), "{told}");
            }
        }
        assert!(place.card().slots.iter().all(|slot| slot.key.is_none()), "{told}");
        assert_eq!((place.office.passwords.get(), place.office.orders()), (0, 0), "{told}: nobody was asked for one");
    }
}

/// What a CA answers.
type Says = fn() -> HttpResponse;
/// Whether it is called what it is.
type IsTold = fn(&PlanError) -> bool;

/// By whose lists, that of the service and this one, no key can be made.
fn is_against_the_service(error: &PlanError, lie: &[KeyAlgorithm]) -> bool {
    let PlanError::Plan(not) = error else { return false };
    matches!(&not.reasons[..], [Reason::IssuerAgainstService { certified, taken, .. }] if certified.len() == 2 && taken == lie)
}

fn is_malformed(error: &PlanError) -> bool {
    matches!(error, PlanError::Ca(CaError::Server(EstError::CsrAttrs(_))))
}

/// What it does not say is not asked for: nothing, and who may not be asked before it is known who asks.
#[test]
fn a_ca_that_says_nothing_takes_anything() {
    for status in [204, 404, 401] {
        let mut place = Place::new(Order::First);
        place.office.lie.replace(Some(Lie::Attributes(match status {
            204 => || said(204, &[], b""),
            404 => || said(404, &[], b""),
            _ => || said(401, &[], b""),
        })));
        let plan = place.plan(&place.card()).unwrap();
        assert!(plan.wanted.is_empty() && plan.revocation_password.is_none(), "{status}");
        assert!(matches!(place.finish(), Turn::Done(_)), "{status}");
    }
}
