//! EST on both sides: any bytes as a body, and messages whose status, headers and body an input chooses. Each for all
//! operations.
//!
//! What the client takes has the status and the kind that RFC 7030 wants, and is within the limits; what it refuses says so in
//! words that can be shown; what the server takes is what its path, method and kind say. What one side writes the other reads.
#![no_main]

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_enroll::{
    certs_only,
    est::{
        Client, FullCmcReply, Headers, HttpRequest, HttpResponse, MAX_BODY, MAX_RETRY_AFTER, Method, Operation,
        RetryAfter, Server, Transfer,
    },
    limits,
};
use x509_cert::der::Encode;

#[path = "../common/mod.rs"]
mod common;
#[path = "est/simple.rs"]
mod simple;

use common::{ca::CHAIN, now};

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(exchange) = Exchange::arbitrary(&mut Unstructured::new(input)) {
                exchange.happens();
            }
        }
        Some((b'H', head)) => head_and_body(head),
        _ => {
            for kind in [CERTS_ONLY, CMC_RESPONSE] {
                let headers = Headers::from_iter([("Content-Type", kind)]);
                answered(&Client::new(), &HttpResponse { status: 200, headers, body: bytes.to_vec() });
            }
            received(
                &Server::new(),
                None,
                &HttpRequest {
                    method: Method::Post,
                    path: format!("{WELL_KNOWN}/fullcmc"),
                    headers: Headers::from_iter([("Content-Type", CMC_REQUEST)]),
                    body: bytes.to_vec(),
                },
            );
        }
    }
});

const WELL_KNOWN: &str = "/.well-known/est";
const CMC_REQUEST: &str = "application/pkcs7-mime; smime-type=CMC-request";
const CMC_RESPONSE: &str = "application/pkcs7-mime; smime-type=CMC-response";
const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";

/// A status, a path and header lines, an empty line, a body: as a message on the wire, read leniently.
fn head_and_body(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let headers: Headers = lines.filter_map(|line| line.split_once(": ")).collect();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let status = path.parse().unwrap_or(200);
    answered(&Client::new(), &HttpResponse { status, headers: headers.clone(), body: body.to_vec() });
    received(
        &Server::new(),
        None,
        &HttpRequest { method: Method::from(method), path: path.into(), headers, body: body.to_vec() },
    );
}

#[derive(Debug, Arbitrary)]
struct Exchange {
    status: Status,
    headers: Vec<Header>,
    body: Body,
    method: Verb,
    path: Path,
    /// Of the server and the client, the same or another.
    labels: (Option<u8>, Option<u8>),
    wrapped: (bool, bool),
    message: Vec<u8>,
    refused: bool,
    wait: (u32, u16),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Status {
    Ok,
    Accepted,
    BadRequest,
    Unavailable,
    Any(u16),
}

#[derive(Debug, Arbitrary)]
enum Header {
    Kind(Kind, Spelling),
    RetryAfter(Wait),
    Location(String),
    Encoding,
    Other(String, String),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Kind {
    CmcRequest,
    CmcResponse,
    CertsOnly,
    Bare,
    Text,
    Html,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Spelling {
    Usual,
    Upper,
    Quoted,
    Spread,
    Twice,
}

#[derive(Debug, Arbitrary)]
enum Wait {
    Seconds(u64),
    Date { day: u8, month: u8, year: u16, hour: u8, minute: u8, second: u8 },
    Text(String),
}

#[derive(Debug, Arbitrary)]
enum Body {
    Raw(Vec<u8>),
    Base64 { bytes: Vec<u8>, line: u8, garbage: Option<(u16, u8)> },
    Certificates { first: u8, count: u8, bent: Option<(u16, u8)> },
    Long(u8),
}

#[derive(Debug, Arbitrary)]
enum Verb {
    Get,
    Post,
    Other(String),
}

#[derive(Debug, Arbitrary)]
enum Path {
    CaCerts,
    FullCmc,
    Labelled(u8, bool),
    Other(String),
}

impl Exchange {
    fn happens(&self) {
        let label = |number: Option<u8>| number.map(|number| format!("ca{}", number % 3));
        let (ours, theirs) = (label(self.labels.0), label(self.labels.1));
        let transfer = |wrapped| if wrapped { Transfer::Wrapped } else { Transfer::Unwrapped };
        let mut client = Client::new().transfer(transfer(self.wrapped.0));
        let mut server = Server::new().transfer(transfer(self.wrapped.1));
        if let Some(label) = &ours {
            client = client.label(label);
        }
        if let Some(label) = &theirs {
            server = server.label(label);
        }
        let headers: Headers = self.headers.iter().map(Header::line).collect();
        let body = self.body.bytes();
        answered(&client, &HttpResponse { status: self.status.code(), headers: headers.clone(), body: body.clone() });
        received(
            &server,
            theirs.as_deref(),
            &HttpRequest { method: self.method.method(), path: self.path.path(), headers, body },
        );
        self.understood(&client, &server, ours == theirs);
    }

    /// What one side writes the other reads, if they are of one label.
    fn understood(&self, client: &Client, server: &Server, same_label: bool) {
        let asked = server.route(&client.cacerts_request());
        assert_eq!(asked.is_ok(), same_label);
        let sent = server.route(&client.fullcmc_request(&self.message));
        if same_label && !self.message.is_empty() {
            assert_eq!(sent, Ok(Operation::FullCmc(self.message.clone())));
        } else {
            assert!(sent.is_err());
        }
        if !self.message.is_empty() {
            let answer = client.fullcmc_response(&server.fullcmc(&self.message, self.refused));
            assert_eq!(answer, Ok(FullCmcReply::Cmc(self.message.clone())));
        }
        let wait = Duration::new(self.wait.0.into(), u32::from(self.wait.1) * 1000);
        match client.fullcmc_response(&server.retry_after(wait)) {
            Ok(FullCmcReply::RetryAfter(RetryAfter::In(told))) => {
                assert!(
                    told >= wait.min(MAX_RETRY_AFTER) && told <= (wait + Duration::from_secs(1)).min(MAX_RETRY_AFTER)
                );
            }
            other => panic!("{other:?}"),
        }
        let certificates: Vec<_> = CHAIN.iter().map(|one| one.certificate.clone()).collect();
        let response = server.cacerts(&certificates).expect("two certificates can be written");
        assert_eq!(client.cacerts_response(&response).map(|came| came.len()), Ok(certificates.len()));
    }
}

/// The client's side of any response.
fn answered(client: &Client, response: &HttpResponse) {
    simple::answered(client, response);
    let refused = (400..600).contains(&response.status);
    match client.cacerts_response(response) {
        Ok(certificates) => {
            assert!(response.status == 200 && (1..=limits::MAX_CERTIFICATES).contains(&certificates.len()));
            assert!(response.body.len() <= MAX_BODY);
            let again = certs_only::encode(&certificates).map(|message| certs_only::decode(&message));
            assert!(matches!(again, Ok(Ok(_))), "what was read cannot be passed on");
        }
        Err(error) => shown(&error.to_string()),
    }
    match client.fullcmc_response(response) {
        Ok(FullCmcReply::Cmc(message)) => {
            assert!(response.status == 200 || refused);
            assert!(!message.is_empty() && message.len() <= response.body.len() && response.body.len() <= MAX_BODY);
        }
        Ok(FullCmcReply::CertsOnly(certificates)) => {
            assert!(response.status == 200 && (1..=limits::MAX_CERTIFICATES).contains(&certificates.len()));
        }
        Ok(FullCmcReply::RetryAfter(later)) => {
            assert!(response.status == 202 && response.headers.get("retry-after").is_some());
            assert!(later.moment(now()) >= now() && later.moment(now()) <= now() + MAX_RETRY_AFTER);
        }
        Err(error) => shown(&error.to_string()),
    }
}

/// What goes to a terminal has no control characters and an end.
fn shown(text: &str) {
    assert!(!text.is_empty() && text.chars().count() < 700, "{} characters", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// The server's side of any request.
fn received(server: &Server, label: Option<&str>, request: &HttpRequest) {
    simple::received(server, label, request);
    let path = |operation: &str| match label {
        None => format!("{WELL_KNOWN}/{operation}"),
        Some(label) => format!("{WELL_KNOWN}/{label}/{operation}"),
    };
    match server.route(request) {
        Ok(Operation::CaCerts) => assert!(request.method == Method::Get && request.path == path("cacerts")),
        Ok(Operation::FullCmc(message)) => {
            assert!(request.method == Method::Post && request.path == path("fullcmc"));
            let kind = request.headers.get("CONTENT-TYPE").unwrap_or_default().to_ascii_lowercase();
            assert!(kind.trim_start().starts_with("application/pkcs7-mime"), "{kind}");
            assert!(!message.is_empty() && request.body.len() <= MAX_BODY);
            // The same bytes in one line come to the same message.
            let mut again = request.clone();
            again.headers = Headers::from_iter([("Content-Type", CMC_REQUEST)]);
            again.body = base64(&message).into_bytes();
            assert_eq!(server.route(&again), Ok(Operation::FullCmc(message)));
        }
        Err(error) => {
            let response = error.response();
            assert!((400..500).contains(&response.status) && !response.body.is_empty());
            assert_eq!(response.status == 405, response.headers.get("Allow").is_some());
            assert!(Client::new().fullcmc_response(&response).is_err());
        }
    }
}

impl Status {
    fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Accepted => 202,
            Self::BadRequest => 400,
            Self::Unavailable => 503,
            Self::Any(code) => code,
        }
    }
}

impl Header {
    fn line(&self) -> (String, String) {
        let (name, value) = match self {
            Self::Kind(kind, spelling) => ("content-type", kind.spelled(*spelling)),
            Self::RetryAfter(wait) => ("Retry-After", wait.text()),
            Self::Location(place) => ("Location", place.clone()),
            Self::Encoding => ("Content-Transfer-Encoding", "base64".into()),
            Self::Other(name, value) => (name.as_str(), value.clone()),
        };
        (name.into(), value)
    }
}

impl Kind {
    fn spelled(self, spelling: Spelling) -> String {
        let (kind, smime) = match self {
            Self::CmcRequest => ("application/pkcs7-mime", "CMC-request"),
            Self::CmcResponse => ("application/pkcs7-mime", "CMC-response"),
            Self::CertsOnly => ("application/pkcs7-mime", "certs-only"),
            Self::Bare => ("application/pkcs7-mime", ""),
            Self::Text => ("text/plain", ""),
            Self::Html => ("text/html", ""),
        };
        match (spelling, smime) {
            (Spelling::Upper, "") => kind.to_uppercase(),
            (_, "") => kind.into(),
            (Spelling::Usual, smime) => format!("{kind}; smime-type={smime}"),
            (Spelling::Upper, smime) => format!("{kind};SMIME-TYPE={smime}").to_uppercase(),
            (Spelling::Quoted, smime) => format!("{kind};smime-type=\"{smime}\";name=a"),
            (Spelling::Spread, smime) => format!("  {kind} ; charset=x ;  smime-type = {smime} "),
            (Spelling::Twice, smime) => format!("{kind}; smime-type=certs-only; smime-type={smime}"),
        }
    }
}

impl Wait {
    fn text(&self) -> String {
        const MONTHS: [&str; 13] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Now"];
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date { day, month, year, hour, minute, second } => {
                let month = MONTHS[usize::from(*month) % MONTHS.len()];
                format!("Sun, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
            }
            Self::Text(text) => text.clone(),
        }
    }
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.clone(),
            Self::Base64 { bytes, line, garbage } => {
                let mut text = base64(bytes).into_bytes();
                if *line > 0 {
                    text = text.chunks(usize::from(*line)).collect::<Vec<_>>().join(&b"\r\n"[..]);
                }
                common::certificate::bend(&mut text, *garbage);
                text
            }
            Self::Certificates { first, count, bent } => {
                let chain = CHAIN.iter().cycle().skip(usize::from(*first % 2)).take(usize::from(*count % 40));
                let list: Vec<_> = chain.map(|one| one.certificate.to_der().expect("it was made")).collect();
                let mut message = common::message::signed("1.2.840.113549.1.7.1", b"", &list, &[]);
                common::certificate::bend(&mut message, *bent);
                base64(&message).into_bytes()
            }
            Self::Long(more) => vec![b'A'; MAX_BODY - 2 + usize::from(*more % 8)],
        }
    }
}

impl Verb {
    fn method(&self) -> Method {
        match self {
            Self::Get => Method::Get,
            Self::Post => Method::Post,
            Self::Other(name) => Method::from(name.as_str()),
        }
    }
}

impl Path {
    fn path(&self) -> String {
        match self {
            Self::CaCerts => format!("{WELL_KNOWN}/cacerts"),
            Self::FullCmc => format!("{WELL_KNOWN}/fullcmc"),
            Self::Labelled(number, post) => {
                format!("{WELL_KNOWN}/ca{}/{}", number % 3, if *post { "fullcmc" } else { "cacerts" })
            }
            Self::Other(path) => path.clone(),
        }
    }
}

/// A second writer of Base64 (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]);
            text.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    text
}
