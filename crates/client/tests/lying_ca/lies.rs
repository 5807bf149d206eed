//! What a CA can lie, or whoever stands between: one line each.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use const_oid::db::rfc5280;
use obnova_algorithm::{UnknownAlgorithm, VerifyError};
use obnova_ca::CaKey;
use obnova_card::KeyRole::{self, Authentication, Signature};
use obnova_client::{
    CaError, Https, RunError,
    enroll::{
        FramingError, MessageError, SignatureError, certs_only,
        cmc::{Answer, ControlError, FullRequest, FullResponseBuilder, Nonce, ResponseError, TransactionId},
        est::{EstError, Headers, HttpResponse, RedirectError, Server},
    },
};
use obnova_renewal::{
    ChainProblem, Pair,
    Stage::{self, Acknowledge, PickUp, Send, Terms},
};
use x509_cert::{
    Certificate,
    der::{
        Encode,
        asn1::{Ia5String, UintRef},
    },
    ext::pkix::{BasicConstraints, KeyUsages, name::GeneralName},
};

use super::{
    common::support::{Draft, House, days, name},
    house::{self, Ca, Identity, fresh_nonce, now, refusal, say_as, token},
    server::Wire,
};

#[path = "../../../enroll/tests/common/craft.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod craft;

/// What the careless writer signs with.
struct Key(CaKey);

impl Key {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).unwrap()
    }

    fn algorithm(&self) -> obnova_algorithm::SignatureAlgorithm {
        self.0.algorithm()
    }
}

/// Everything that a lie can be made of.
pub struct Scene<'a> {
    pub ca: &'a Ca,
    /// Bears the same names, and is trusted by nobody here.
    pub impostor: &'a Ca,
    pub request: &'a FullRequest,
    /// What was answered truly before, in this transaction and in others.
    pub earlier: &'a [(TransactionId, Vec<u8>)],
}

pub type Tell<T> = Arc<dyn Fn(T) -> Wire + std::marker::Send + Sync>;

/// Where in the conversation it is told.
#[derive(Clone)]
pub enum Lie {
    /// Before anything was asked.
    Greeting(fn() -> Wire),
    /// No TLS at all.
    Plain,
    /// Another server's certificate.
    Identity(fn(&Ca, &Ca) -> Identity),
    /// To what the stage of the process asks: at the first one for the CA's certificates, later by a message.
    Http(Tell<()>),
    /// As the CA's certificates.
    CaCerts(fn(&Ca, &Ca) -> HttpResponse),
    /// To a CMC message.
    Cmc(Arc<dyn Fn(&Scene<'_>) -> HttpResponse + std::marker::Send + Sync>),
}

/// How it ends.
pub enum End {
    /// By this error; with an honest CA the process goes on.
    Error(&'static str, fn(&RunError) -> bool),
    /// By this name, once and for all.
    Failed(&'static str),
    /// By the name of a chain that leads to nobody, for this reason.
    Chain(ChainProblem),
    /// It waits: not for ever, and not for no time at all.
    Waits(Duration),
    /// What is too much is left aside.
    Done,
    /// Only the holder can know: the certificates are shown and go onto the card when the answer is yes.
    Shown,
}

impl End {
    /// In what was reported of a table.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Error(..) | Self::Failed(_) | Self::Chain(_) => "refused by name",
            Self::Waits(_) => "waited out",
            Self::Done => "harmless",
            Self::Shown => "left to the holder",
        }
    }
}

pub struct Row {
    pub name: &'static str,
    pub lie: Lie,
    /// At each of these stages of a renewal.
    pub at: &'static [Stage],
    pub end: End,
    /// The client has little patience.
    pub hurried: bool,
}

/// An error by its pattern.
macro_rules! ca {
    ($($pattern:tt)+) => {
        End::Error(stringify!($($pattern)+), |error| matches!(error, RunError::Ca($($pattern)+)))
    };
}

/// An error that has words for what is wrong, by these.
macro_rules! saying {
    ($($variant:ident)::+ $words:literal) => {
        End::Error(concat!(stringify!($($variant)::+), " ", $words), |error| {
            matches!(error, RunError::Ca(error) if matches!(error, $($variant)::+ { .. }) && error.to_string().contains($words))
        })
    };
}

pub fn table() -> Vec<Row> {
    [connections(), http(), cacerts(), messages(), orders(), certificates(), receipts()].into_iter().flatten().collect()
}

/// `id-data`.
const DATA: &str = "1.2.840.113549.1.7.1";
const PACKED_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime; smime-type=CMC-response\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n";
const PACKED: &[u8] = &[31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 201, 4, 0, 216, 79, 219, 51, 2, 0, 0, 0];
const EVERYWHERE: &[Stage] = &[Terms, Send, PickUp, Acknowledge];

fn row(name: &'static str, at: &'static [Stage], lie: Lie, end: End) -> Row {
    Row { name, lie, at, end, hurried: false }
}

fn hurried(row: Row) -> Row {
    Row { hurried: true, ..row }
}

pub fn connections() -> Vec<Row> {
    let elsewhere: fn(&Ca, &Ca) -> Identity =
        |ca, _| ca.server_for(GeneralName::DnsName(Ia5String::new("elsewhere.example").unwrap()), now() + days(100));
    vec![
        row(
            "a server of another root",
            EVERYWHERE,
            Lie::Identity(|_, other| other.server.copy()),
            saying!(CaError::Tls "invalid peer certificate: BadSignature"),
        ),
        row(
            "a server for another name",
            EVERYWHERE,
            Lie::Identity(elsewhere),
            saying!(CaError::Tls "certificate not valid for name"),
        ),
        row(
            "a server whose certificate is over",
            &[Send],
            Lie::Identity(|ca, _| ca.server_for(house::address(), now() - days(1))),
            saying!(CaError::Tls "certificate expired"),
        ),
        row(
            "a holder in the server's place",
            &[Send],
            Lie::Identity(|ca, _| ca.other_holder.copy()),
            saying!(CaError::Tls "does not allow extended key usage for server authentication"),
        ),
        row("no TLS", EVERYWHERE, Lie::Plain, saying!(CaError::Tls "InvalidContentType")),
        row(
            "noise in place of TLS",
            &[Send],
            Lie::Greeting(|| Wire::Bytes(vec![0xFF; 2_000])),
            saying!(CaError::Tls "InvalidContentType"),
        ),
        row("hung up", EVERYWHERE, Lie::Greeting(|| Wire::Bytes(Vec::new())), ca!(CaError::Unreachable { .. })),
        hurried(row("silence before TLS", EVERYWHERE, Lie::Greeting(|| Wire::Silence), ca!(CaError::Timeout { .. }))),
        hurried(row(
            "a handshake byte by byte without end",
            &[Send],
            Lie::Greeting(|| Wire::Drip(vec![0x16, 3, 3, 0x3F, 0xFF, 2, 0, 0x3F, 0xF0])),
            ca!(CaError::Timeout { .. }),
        )),
    ]
}

pub fn http() -> Vec<Row> {
    let said = |wire: fn() -> Wire| Lie::Http(Arc::new(move |()| wire()));
    let head = |lines: &'static str| Lie::Http(Arc::new(move |()| Wire::head(lines)));
    vec![
        row(
            "noise",
            EVERYWHERE,
            said(|| Wire::Bytes(vec![0xFF; 2_000])),
            saying!(CaError::Protocol "invalid HTTP version"),
        ),
        row("nothing", EVERYWHERE, said(|| Wire::Bytes(Vec::new())), ca!(CaError::Unreachable { .. })),
        row(
            "a body without end that says its length",
            EVERYWHERE,
            said(|| endless("Content-Length: 100000000000")),
            ca!(CaError::TooLarge { limit: Https::MAX_ANSWER }),
        ),
        row(
            "a body without end that says none",
            EVERYWHERE,
            said(|| endless("Connection: close")),
            ca!(CaError::TooLarge { limit: Https::MAX_ANSWER }),
        ),
        row(
            "chunks without end",
            EVERYWHERE,
            said(|| match endless("Transfer-Encoding: chunked") {
                Wire::Endless(first, more) => Wire::Endless(first, [b"1000\r\n", &more[..], b"\r\n"].concat()),
                other => other,
            }),
            ca!(CaError::TooLarge { limit: Https::MAX_ANSWER }),
        ),
        row(
            "chunks of one byte without end",
            &[Send],
            said(|| match endless("Transfer-Encoding: chunked") {
                Wire::Endless(first, _) => Wire::Endless(first, b"1\r\nA\r\n".repeat(800)),
                other => other,
            }),
            ca!(CaError::TooLarge { limit: Https::MAX_WIRE }),
        ),
        row(
            "go on, without end",
            EVERYWHERE,
            said(|| Wire::Endless(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(200))),
            ca!(CaError::TooLarge { limit: Https::MAX_WIRE }),
        ),
        row(
            "hints without end",
            &[Send, PickUp],
            said(|| Wire::Endless(Vec::new(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(100))),
            ca!(CaError::TooLarge { limit: Https::MAX_WIRE }),
        ),
        row(
            "another protocol",
            &[Send],
            head("101 Switching Protocols\r\nUpgrade: other"),
            ca!(CaError::Status { status: 101, .. }),
        ),
        row(
            "one chunk that is longer than numbers are",
            &[PickUp],
            said(|| match endless("Transfer-Encoding: chunked") {
                Wire::Endless(first, more) => Wire::Endless([&first[..], b"FFFFFFFFFFFFFFFFFF\r\n"].concat(), more),
                other => other,
            }),
            saying!(CaError::Protocol "chunk length cannot be read as a number"),
        ),
        row(
            "an error's body without end",
            &[Send, PickUp],
            said(|| match endless("Content-Length: 100000000000") {
                Wire::Endless(first, more) => Wire::Endless(replaced(first, b"200", b"500"), more),
                other => other,
            }),
            ca!(CaError::TooLarge { limit: Https::MAX_ANSWER }),
        ),
        row(
            "headers without end",
            EVERYWHERE,
            said(|| Wire::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: AAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n".repeat(32))),
            saying!(CaError::Protocol "too many headers"),
        ),
        row(
            "one header without end",
            &[Send],
            said(|| Wire::Endless(b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'A'; 4096])),
            ca!(CaError::TooLarge { limit: 16_384 }),
        ),
        row(
            "a status line without end",
            &[Send],
            said(|| Wire::Endless(b"HTTP/1.1 200 ".to_vec(), vec![b'A'; 4096])),
            ca!(CaError::TooLarge { limit: 16_384 }),
        ),
        row(
            "more than any message has",
            &[Send, PickUp],
            said(|| long(obnova_client::enroll::est::MAX_BODY + 1)),
            ca!(CaError::Server(EstError::TooLong { .. })),
        ),
        hurried(row("silence", EVERYWHERE, said(|| Wire::Silence), ca!(CaError::Timeout { .. }))),
        hurried(row(
            "a body byte by byte without end",
            EVERYWHERE,
            said(|| match endless("Connection: close") {
                Wire::Endless(first, _) => Wire::Drip(first),
                other => other,
            }),
            ca!(CaError::Timeout { .. }),
        )),
        hurried(row(
            "headers byte by byte",
            &[Send],
            said(|| Wire::Drip(b"HTTP/1.1 200 OK\r\nA: ".to_vec())),
            ca!(CaError::Timeout { .. }),
        )),
        row(
            "a body that is cut off",
            EVERYWHERE,
            said(|| {
                Wire::Bytes(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: 10\r\n\r\nMII"
                        .to_vec(),
                )
            }),
            ca!(CaError::Unreachable { .. }),
        ),
        row(
            "a body that is packed",
            &[Send, PickUp],
            said(|| Wire::Bytes([PACKED_HEAD, PACKED].concat())),
            ca!(CaError::Server(EstError::Base64)),
        ),
        row(
            "elsewhere on the same server, on and on",
            EVERYWHERE,
            head("307 Elsewhere\r\nLocation: /other"),
            ca!(CaError::Redirect(RedirectError::Endless)),
        ),
        row(
            "elsewhere, on another server",
            EVERYWHERE,
            head("307 Elsewhere\r\nLocation: https://evil.example/"),
            ca!(CaError::Redirect(RedirectError::OtherOrigin { .. })),
        ),
        row(
            "elsewhere, on another port",
            &[Send],
            head("308 Elsewhere\r\nLocation: https://127.0.0.1:1/"),
            ca!(CaError::Redirect(RedirectError::OtherOrigin { .. })),
        ),
        row(
            "elsewhere, without TLS",
            EVERYWHERE,
            head("308 Elsewhere\r\nLocation: http://127.0.0.1/"),
            ca!(CaError::Redirect(RedirectError::OtherOrigin { .. })),
        ),
        row(
            "elsewhere, as another request",
            &[Send, PickUp],
            head("302 Elsewhere\r\nLocation: /other"),
            ca!(CaError::Redirect(RedirectError::OtherRequest { status: 302 })),
        ),
        row(
            "elsewhere, nowhere",
            &[Send],
            head("308 Elsewhere"),
            ca!(CaError::Redirect(RedirectError::OtherOrigin { .. })),
        ),
        row(
            "a page",
            EVERYWHERE,
            head("200 OK\r\nContent-Type: text/html"),
            ca!(CaError::Server(EstError::ContentType { .. })),
        ),
        row("failed", EVERYWHERE, head("500 Failed"), ca!(CaError::Status { status: 500, .. })),
        row("not found", EVERYWHERE, head("404 Not Found"), ca!(CaError::Status { status: 404, .. })),
        row("who are you", EVERYWHERE, head("401 Who"), ca!(CaError::Server(EstError::Unauthorized))),
        row("you may not", EVERYWHERE, head("403 No"), ca!(CaError::Server(EstError::Forbidden { .. }))),
        row(
            "busy",
            EVERYWHERE,
            head("503 Busy\r\nRetry-After: 999999"),
            ca!(CaError::Server(EstError::Unavailable { .. })),
        ),
        row("a status that means nothing", &[Send], head("299 Strange"), ca!(CaError::Status { status: 299, .. })),
        row(
            "no, says nobody",
            &[Send, PickUp, Acknowledge],
            head("400 No\r\nContent-Type: text/plain"),
            ca!(CaError::Status { status: 400, .. }),
        ),
        row("later, and not when", &[Send, PickUp], cmc_http(202, &[]), ca!(CaError::Server(EstError::NoRetryAfter))),
        row(
            "later, and before now",
            &[Send],
            cmc_http(202, &[("Retry-After", "-5")]),
            ca!(CaError::Server(EstError::NoRetryAfter)),
        ),
        row(
            "later, in the next age",
            &[Send, PickUp],
            cmc_http(202, &[("Retry-After", "99999999999999999999999")]),
            End::Waits(days(1)),
        ),
        row("later, at once, for ever", &[PickUp], cmc_http(202, &[("Retry-After", "0")]), End::Waits(days(1))),
    ]
}

pub fn cacerts() -> Vec<Row> {
    vec![
        row(
            "another issuer of the same name",
            &[Terms, Send, PickUp, Acknowledge],
            Lie::CaCerts(|_, other| other.cacerts()),
            ca!(CaError::OtherIssuer),
        ),
        row(
            "no certificate",
            &[Terms],
            Lie::CaCerts(|_, _| body("certs-only", &with_certificates(DATA, &[]))),
            ca!(CaError::Server(EstError::Message(MessageError::NoCertificates))),
        ),
        row(
            "forty certificates",
            &[Terms],
            Lie::CaCerts(|ca, _| {
                let root = ca.root.certificate();
                body("certs-only", &with_certificates(DATA, &vec![root.to_der().unwrap(); 40].concat()))
            }),
            ca!(CaError::Server(EstError::Message(MessageError::TooMany { .. }))),
        ),
        row(
            "nests without end",
            &[Terms],
            Lie::CaCerts(|_, _| body("certs-only", &[0x30, 0x80].repeat(9_000))),
            ca!(CaError::Server(EstError::Message(MessageError::Framing(FramingError::TooDeep)))),
        ),
        row(
            "not Base64",
            &[Terms],
            Lie::CaCerts(|ca, _| HttpResponse { body: vec![0xFF; 100], ..ca.cacerts() }),
            ca!(CaError::Server(EstError::Base64)),
        ),
    ]
}

/// Answers that are not the CA's, or not to this message.
pub fn messages() -> Vec<Row> {
    const ASKED: &[Stage] = &[Send, PickUp, Acknowledge];
    let said = |name, tell: fn(&Scene<'_>) -> Vec<u8>, end| {
        row(name, ASKED, Lie::Cmc(Arc::new(move |scene| body("CMC-response", &tell(scene)))), end)
    };
    vec![
        said(
            "to another message",
            |scene| scene.addressed(&scene.request.transaction, &fresh_nonce()),
            ca!(CaError::Answer(ResponseError::WrongNonce)),
        ),
        said(
            "to no message",
            |scene| scene.crafted(&[failed(), scene.transaction()]),
            ca!(CaError::Answer(ResponseError::NoNonce)),
        ),
        said(
            "in another transaction",
            |scene| scene.addressed(&TransactionId::from_random([9; 16]), &scene.request.nonce),
            ca!(CaError::Answer(ResponseError::WrongTransaction)),
        ),
        said(
            "played again, of another holder",
            |scene| scene.replayed(|transaction| *transaction != scene.request.transaction),
            ca!(CaError::Answer(ResponseError::WrongTransaction)),
        ),
        said("a no that nobody signed", |scene| scene.unsigned(), ca!(CaError::Answer(ResponseError::Unsigned))),
        said(
            "a no of the impostor, with his certificate",
            |scene| {
                say_as(scene.builder(), &refusal(), scene.impostor.house.root.certificate(), &scene.impostor.house.key)
            },
            ca!(CaError::Answer(ResponseError::WrongSigner)),
        ),
        said(
            "a no of the impostor, with the CA's certificate",
            |scene| {
                let content = craft::pki_response(&[failed(), scene.transaction(), scene.nonce()]);
                craft::signed(
                    craft::PKI_RESPONSE,
                    &content,
                    scene.ca.house.root.certificate(),
                    &scene.key_of(scene.impostor),
                )
            },
            ca!(CaError::Answer(ResponseError::Signature(SignatureError::Signature(VerifyError::WrongSignature)))),
        ),
        said(
            "a no of a holder",
            |scene| {
                say_as(scene.builder(), &refusal(), scene.ca.other_holder.certificate(), &scene.ca.other_holder.key)
            },
            ca!(CaError::Answer(ResponseError::WrongSigner)),
        ),
        said(
            "a no of the TLS server",
            |scene| say_as(scene.builder(), &refusal(), scene.ca.server.chain[0].certificate(), &scene.ca.server.key),
            ca!(CaError::Answer(ResponseError::WrongSigner)),
        ),
        said(
            "altered after it was signed",
            |scene| {
                replaced(
                    scene.ca.reply(
                        scene.request,
                        &Answer::Refused {
                            text: "alter me".into(),
                            reason: obnova_client::enroll::cmc::FailInfo::BadRequest,
                        },
                    ),
                    b"alter me",
                    b"altered!",
                )
            },
            ca!(CaError::Answer(ResponseError::Signature(SignatureError::WrongDigest))),
        ),
        said(
            "signed with SHA-1",
            |scene| scene.by_sha1(),
            ca!(CaError::Answer(ResponseError::Signature(SignatureError::Algorithm(UnknownAlgorithm { .. })))),
        ),
        said(
            "cut off",
            |scene| {
                let whole = scene.ca.reply(scene.request, &refusal());
                whole[..whole.len() / 2].to_vec()
            },
            ca!(CaError::Answer(ResponseError::Message(MessageError::Framing(FramingError::Truncated)))),
        ),
        said(
            "with more behind it",
            |scene| [scene.ca.reply(scene.request, &refusal()), vec![0; 9]].concat(),
            ca!(CaError::Answer(ResponseError::Message(MessageError::Framing(FramingError::TrailingData { .. })))),
        ),
        said(
            "noise that is Base64",
            |_| vec![0xA5; 500],
            ca!(CaError::Answer(ResponseError::Message(MessageError::Framing(FramingError::Truncated)))),
        ),
        said(
            "nests that never end",
            |_| [0x30, 0x80].repeat(9_000),
            ca!(CaError::Answer(ResponseError::Message(MessageError::Framing(FramingError::TooDeep)))),
        ),
        said(
            "the question itself",
            |scene| {
                craft::signed(
                    craft::PKI_DATA,
                    &craft::pki_data(&[], &[]),
                    scene.ca.house.root.certificate(),
                    &scene.key_of(scene.ca),
                )
            },
            ca!(CaError::Answer(ResponseError::Message(MessageError::WrongContent { .. }))),
        ),
        said(
            "neither yes nor no",
            |scene| scene.crafted(&[scene.transaction(), scene.nonce()]),
            ca!(CaError::Answer(ResponseError::NoStatus)),
        ),
        said(
            "one thing said twice",
            |scene| scene.crafted(&[scene.transaction(), scene.nonce(), scene.transaction()]),
            ca!(CaError::Answer(ResponseError::Control(ControlError::Twice { .. }))),
        ),
        said(
            "wait, and nothing to wait with",
            |scene| {
                let wait = craft::control(1, craft::STATUS, &craft::seq(&[&[2, 1, 3], &[0x30, 3, 2, 1, 0]]));
                scene.crafted(&[wait, scene.transaction(), scene.nonce()])
            },
            ca!(CaError::Answer(ResponseError::NoToken)),
        ),
    ]
}

/// Answers that fit an order or a pick-up only.
fn orders() -> Vec<Row> {
    const ASKED: &[Stage] = &[Send, PickUp];
    let cmc = |name, at, tell: fn(&Scene<'_>) -> Vec<u8>, end| {
        row(name, at, Lie::Cmc(Arc::new(move |scene| body("CMC-response", &tell(scene)))), end)
    };
    let loose = |name, at, tell: fn(&Scene<'_>) -> Vec<Certificate>, end| {
        let tell = move |scene: &Scene<'_>| body("certs-only", &certs_only::encode(&tell(scene)).unwrap());
        row(name, at, Lie::Cmc(Arc::new(tell)), end)
    };
    vec![
        cmc(
            "a yes without certificates",
            ASKED,
            |scene| scene.ca.reply(scene.request, &Answer::Confirmed),
            ca!(CaError::Answer(ResponseError::NoCertificates)),
        ),
        cmc(
            "played again, of this very transaction",
            &[PickUp],
            |scene| scene.replayed(|transaction| *transaction == scene.request.transaction),
            ca!(CaError::Answer(ResponseError::WrongNonce)),
        ),
        cmc(
            "a certificate that is none",
            ASKED,
            |_| with_certificates(craft::PKI_RESPONSE, &craft::seq(&[&[2, 1, 1]])),
            ca!(CaError::Answer(ResponseError::Message(MessageError::Certificate(_)))),
        ),
        cmc(
            "a certificate of 80 KB",
            ASKED,
            |_| with_certificates(craft::PKI_RESPONSE, &craft::seq(&[&craft::octets(&vec![1; 80_000])])),
            ca!(CaError::Answer(ResponseError::Message(MessageError::LongCertificate { .. }))),
        ),
        cmc(
            "wait until the world ends",
            ASKED,
            |scene| {
                let check_at = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_000);
                scene.ca.reply(scene.request, &Answer::Pending { token: token(), check_at })
            },
            End::Waits(days(1)),
        ),
        cmc(
            "come at once, for ever",
            &[PickUp],
            |scene| scene.ca.reply(scene.request, &Answer::Pending { token: token(), check_at: now() }),
            End::Waits(days(1)),
        ),
        cmc("no, says the CA", ASKED, |scene| scene.ca.reply(scene.request, &refusal()), End::Failed("refused")),
        loose(
            "certificates that nobody signed for, of another issuer",
            &[Send],
            |scene| scene.impostor.pair(&scene.ca.ordered(scene.request), |_, _| {}),
            ca!(CaError::Unvouched),
        ),
        loose(
            "certificates that nobody signed for, of another holder",
            &[Send],
            |scene| scene.ca.pair(&scene.ca.ordered_by_another(scene.request), |_, _| {}),
            ca!(CaError::Unvouched),
        ),
        loose(
            "half a pair that nobody signed for",
            &[Send],
            |scene| scene.ca.pair(&scene.ca.ordered(scene.request), |_, _| {})[1..].to_vec(),
            ca!(CaError::Unvouched),
        ),
        loose(
            "certificates that nobody signed for, for a token",
            &[PickUp],
            |scene| scene.ca.pair(&scene.ca.ordered(scene.request), |_, _| {}),
            ca!(CaError::Answer(ResponseError::Unsigned)),
        ),
    ]
}

/// Certificates that the CA signs, and that are not what was ordered. They come at once, or when they are picked up.
fn certificates() -> Vec<Row> {
    const ASKED: &[Stage] = &[Send, PickUp];
    let issued = |name, tell: fn(&Scene<'_>) -> Vec<Certificate>, end| {
        let tell = move |scene: &Scene<'_>| {
            let answer = scene.ca.issued(tell(scene));
            body("CMC-response", &scene.ca.reply(scene.request, &answer))
        };
        row(name, ASKED, Lie::Cmc(Arc::new(tell)), end)
    };
    /// The pair with a change to one of the two.
    macro_rules! changed {
        ($role:expr, $change:expr) => {
            |scene: &Scene<'_>| {
                let change: fn(&mut Draft) = $change;
                let change = |role: KeyRole, draft: &mut Draft| {
                    if role == $role {
                        change(draft);
                    }
                };
                scene.ca.pair(&scene.ca.ordered(scene.request), change)
            }
        };
    }
    vec![
        issued(
            "for the keys of another order",
            |scene| scene.ca.pair(&scene.ca.ordered_by_another(scene.request), |_, _| {}),
            End::Failed("refusal-another-key"),
        ),
        issued(
            "for one key of another order",
            changed!(Signature, |draft| draft.key = some_key()),
            End::Failed("refusal-only-one-of-two"),
        ),
        issued(
            "for the other key of another order",
            changed!(Authentication, |draft| draft.key = some_key()),
            End::Failed("refusal-only-one-of-two"),
        ),
        issued(
            "another holder's old one",
            |scene| vec![scene.ca.other_holder.certificate().clone()],
            End::Failed("refusal-another-key"),
        ),
        issued(
            "for somebody else",
            changed!(Signature, |draft| draft.subject = name("CN=Jan Novák,C=CZ")),
            End::Failed("refusal-another-subject"),
        ),
        issued(
            "for somebody else's login",
            changed!(Authentication, |draft| draft.subject = name("CN=Jan Novák,C=CZ")),
            End::Failed("refusal-another-subject"),
        ),
        issued(
            "with another address",
            changed!(Authentication, |draft| draft.email = Some("jan@example.cz".into())),
            End::Failed("refusal-other-alt-names"),
        ),
        issued(
            "with another address for signatures",
            changed!(Signature, |draft| draft.email = Some("jan@example.cz".into())),
            End::Failed("refusal-other-alt-names"),
        ),
        issued(
            "without an address",
            changed!(Signature, |draft| draft.email = None),
            End::Failed("refusal-other-alt-names"),
        ),
        issued(
            "without an address for logins",
            changed!(Authentication, |draft| draft.email = None),
            End::Failed("refusal-other-alt-names"),
        ),
        issued(
            "by an impostor",
            |scene| scene.impostor.pair(&scene.ca.ordered(scene.request), |_, _| {}),
            End::Chain(ChainProblem::Signature),
        ),
        row(
            "by another holder, whose own certificate the CA issued",
            ASKED,
            Lie::Cmc(Arc::new(|scene| {
                let holder = &scene.ca.other_holder;
                let house = House { key: house::copy(&holder.key), root: holder.chain[0].clone() };
                let ordered = scene.ca.ordered(scene.request);
                let issue = |role| house.issue(&scene.ca.draft(role, &ordered)).certificate().clone();
                let pair = Pair::ROLES.map(issue).to_vec();
                let mut answer = scene.ca.issued(pair);
                if let Answer::Issued { chain, .. } = &mut answer {
                    chain.insert(0, holder.certificate().clone());
                }
                body("CMC-response", &scene.ca.reply(scene.request, &answer))
            })),
            End::Chain(ChainProblem::NotAnIssuer),
        ),
        issued(
            "with a critical extension that nobody knows",
            changed!(Authentication, |draft| draft.critical = Some(rfc5280::ID_CE_NAME_CONSTRAINTS)),
            End::Chain(ChainProblem::CriticalExtension),
        ),
        issued(
            "with a critical extension that nobody knows, for signatures",
            changed!(Signature, |draft| draft.critical = Some(rfc5280::ID_CE_NAME_CONSTRAINTS)),
            End::Chain(ChainProblem::CriticalExtension),
        ),
        issued(
            "a login that is over already",
            changed!(Authentication, |draft| draft.until = now() - Duration::from_secs(60)),
            End::Failed("refusal-expired"),
        ),
        issued(
            "over already",
            changed!(Signature, |draft| draft.until = now() - Duration::from_secs(60)),
            End::Failed("refusal-expired"),
        ),
        issued(
            "a login that has not begun",
            changed!(Authentication, |draft| draft.from = now() + days(30)),
            End::Failed("refusal-not-yet-valid"),
        ),
        issued(
            "not begun",
            changed!(Signature, |draft| draft.from = now() + days(30)),
            End::Failed("refusal-not-yet-valid"),
        ),
        issued("without key usage", changed!(Signature, |draft| draft.usage = None), End::Failed("refusal-key-usage")),
        issued(
            "a login without key usage",
            changed!(Authentication, |draft| draft.usage = None),
            End::Failed("refusal-key-usage"),
        ),
        issued(
            "a login that may sign certificates",
            changed!(Authentication, |draft| draft.usage = Some(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign)),
            End::Failed("refusal-key-usage"),
        ),
        issued(
            "that may sign certificates",
            changed!(Signature, |draft| draft.usage = Some(KeyUsages::NonRepudiation | KeyUsages::KeyCertSign)),
            End::Failed("refusal-key-usage"),
        ),
        issued(
            "a login that binds",
            changed!(Authentication, |draft| draft.usage =
                Some(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)),
            End::Failed("refusal-key-usage"),
        ),
        issued(
            "not for logins",
            changed!(Authentication, |draft| draft.extended.clear()),
            End::Failed("refusal-extended-key-usage"),
        ),
        issued(
            "without the statements of a qualified one",
            changed!(Signature, |draft| draft.statements.clear()),
            End::Failed("refusal-qc-statement"),
        ),
        issued(
            "with one statement of two",
            changed!(Signature, |draft| draft.statements.truncate(1)),
            End::Failed("refusal-qc-statement"),
        ),
        issued("one of two", |scene| scene.pair()[..1].to_vec(), End::Failed("refusal-only-one-of-two")),
        issued("the other of two", |scene| scene.pair()[1..].to_vec(), End::Failed("refusal-only-one-of-two")),
        issued(
            "two for one key",
            |scene| {
                [
                    scene.pair(),
                    scene.ca.pair(&scene.ca.ordered(scene.request), |_, draft| draft.until = now() + days(9))[1..]
                        .to_vec(),
                ]
                .concat()
            },
            End::Failed("refusal-twice"),
        ),
        issued(
            "seventeen",
            |scene| {
                let others = (0..16).map(|_| {
                    scene.ca.pair(&scene.ca.ordered(scene.request), |_, draft| draft.key = some_key())[0].clone()
                });
                scene.pair().into_iter().chain(others).collect()
            },
            End::Failed("refusal-too-many"),
        ),
        issued(
            "with a stranger's among them",
            |scene| {
                let stranger = scene.ca.pair(&scene.ca.ordered_by_another(scene.request), |_, _| {})[0].clone();
                [vec![stranger], scene.pair()].concat()
            },
            End::Done,
        ),
        issued(
            "swapped",
            |scene| {
                let ordered = scene.ca.ordered(scene.request);
                let swap = |role: KeyRole, draft: &mut Draft| {
                    let other = if role == Signature { Authentication } else { Signature };
                    draft.key = ordered.get(other).clone();
                };
                scene.ca.pair(&ordered, swap)
            },
            End::Failed("refusal-swapped"),
        ),
        issued(
            "an issuer's, that passes for the chain",
            changed!(Signature, |draft| draft.constraints = an_issuer()),
            End::Failed("refusal-is-ca"),
        ),
        issued(
            "a login that is an issuer's",
            changed!(Authentication, |draft| draft.constraints = an_issuer()),
            End::Failed("refusal-is-ca"),
        ),
    ]
}

#[expect(clippy::unnecessary_wraps, reason = "as a draft has it")]
fn an_issuer() -> Option<BasicConstraints> {
    Some(BasicConstraints { ca: true, path_len_constraint: None })
}

/// Answers to the receipt. The new pair is on the card by then, and stays.
fn receipts() -> Vec<Row> {
    vec![
        row(
            "no, says the CA to a receipt",
            &[Acknowledge],
            Lie::Cmc(Arc::new(|scene| body("CMC-response", &scene.ca.reply(scene.request, &refusal())))),
            saying!(CaError::Protocol "it did not take the confirmation: the request is not permitted"),
        ),
        row(
            "wait, says the CA to a receipt",
            &[Acknowledge],
            Lie::Cmc(Arc::new(|scene| {
                body(
                    "CMC-response",
                    &scene.ca.reply(scene.request, &Answer::Pending { token: token(), check_at: now() }),
                )
            })),
            saying!(CaError::Protocol "it did not answer the confirmation"),
        ),
        row(
            "certificates in answer to a receipt",
            &[Acknowledge],
            Lie::Cmc(Arc::new(|scene| body("certs-only", &certs_only::encode(&scene.pair()).unwrap()))),
            saying!(CaError::Protocol "it did not answer the confirmation"),
        ),
    ]
}

impl Scene<'_> {
    fn pair(&self) -> Vec<Certificate> {
        self.ca.pair(&self.ca.ordered(self.request), |_, _| {})
    }

    fn builder(&self) -> FullResponseBuilder {
        FullResponseBuilder::reply_to(self.request, fresh_nonce())
    }

    /// A no that the CA signs, to this address.
    fn addressed(&self, transaction: &TransactionId, nonce: &Nonce) -> Vec<u8> {
        let builder = FullResponseBuilder::to_address(transaction.clone(), nonce.clone(), fresh_nonce());
        self.ca.say(builder, &refusal())
    }

    fn replayed(&self, of: impl Fn(&TransactionId) -> bool) -> Vec<u8> {
        self.earlier.iter().find(|(transaction, _)| of(transaction)).unwrap().1.clone()
    }

    fn key_of(&self, ca: &Ca) -> Key {
        Key(house::copy(&ca.house.key))
    }

    /// Controls as they stand, signed by the CA.
    fn crafted(&self, controls: &[Vec<u8>]) -> Vec<u8> {
        let content = craft::pki_response(controls);
        craft::signed(craft::PKI_RESPONSE, &content, self.ca.house.root.certificate(), &self.key_of(self.ca))
    }

    fn unsigned(&self) -> Vec<u8> {
        let content = craft::pki_response(&[failed(), self.transaction(), self.nonce()]);
        craft::message(craft::PKI_RESPONSE, &content, &[self.ca.house.root.certificate()], &[])
    }

    /// Signed with what nobody takes any more.
    fn by_sha1(&self) -> Vec<u8> {
        let content = craft::pki_response(&[failed(), self.transaction(), self.nonce()]);
        let (tbs, key) = (self.ca.house.root.certificate().tbs_certificate(), self.key_of(self.ca));
        let id = craft::seq(&[&tbs.issuer().to_der().unwrap(), &tbs.serial_number().to_der().unwrap()]);
        let attributes = craft::attributes(&key, craft::PKI_RESPONSE, &content).concat();
        let [sha1, ecdsa_with_sha1] = ["1.3.14.3.2.26", "1.2.840.10045.4.1"].map(|oid| craft::seq(&[&craft::oid(oid)]));
        let signature = craft::octets(&key.sign(&craft::tlv(0x31, &[&attributes])));
        let parts = [&[2, 1, 1], &id[..], &sha1, &craft::tlv(0xa0, &[&attributes]), &ecdsa_with_sha1, &signature];
        craft::message(craft::PKI_RESPONSE, &content, &[], &[craft::seq(&parts)])
    }

    fn transaction(&self) -> Vec<u8> {
        craft::control(
            2,
            craft::TRANSACTION,
            &UintRef::new(self.request.transaction.as_bytes()).unwrap().to_der().unwrap(),
        )
    }

    fn nonce(&self) -> Vec<u8> {
        craft::control(3, craft::RECIPIENT_NONCE, &craft::octets(self.request.nonce.as_bytes()))
    }
}

fn failed() -> Vec<u8> {
    craft::control(1, craft::STATUS, &craft::seq(&[&[2, 1, 2], &[0x30, 3, 2, 1, 0]]))
}

/// A message that nobody signed, with something in the place of certificates.
fn with_certificates(content_type: &str, certificates: &[u8]) -> Vec<u8> {
    craft::message_with(content_type, b"", certificates, &[])
}

fn body(kind: &str, der: &[u8]) -> HttpResponse {
    let mut response = Server::new().fullcmc(der, false);
    response.headers.set("Content-Type", &format!("application/pkcs7-mime; smime-type={kind}"));
    response
}

/// A CMC message is answered by this status and these headers.
fn cmc_http(status: u16, headers: &'static [(&str, &str)]) -> Lie {
    let headers: Headers = headers.iter().copied().collect();
    Lie::Cmc(Arc::new(move |_| HttpResponse { status, headers: headers.clone(), body: Vec::new() }))
}

fn endless(header: &str) -> Wire {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\n{header}\r\n\r\n");
    Wire::Endless(head.into_bytes(), vec![b'A'; 4096])
}

fn long(length: usize) -> Wire {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: {length}\r\n\r\n");
    Wire::Bytes([head.into_bytes(), vec![b'A'; length]].concat())
}

/// The same bytes with others in one place.
fn replaced(mut bytes: Vec<u8>, what: &[u8], by: &[u8]) -> Vec<u8> {
    let at = bytes.windows(what.len()).position(|window| window == what).unwrap();
    bytes[at..at + by.len()].copy_from_slice(by);
    bytes
}

fn some_key() -> x509_cert::spki::SubjectPublicKeyInfoOwned {
    CaKey::generate(obnova_algorithm::KeyAlgorithm::P256).unwrap().public_key().clone()
}
