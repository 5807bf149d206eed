//! Any bytes as what a server answers over HTTP/1.1, cut anywhere into what one read brings, and any fields as a request.
//!
//! An answer is the same however it comes, within the limits, and the one that a plain reading of RFC 9112 finds; nothing behind it is
//! taken, and a connection stays open only where the answer ends by itself. What a request says is one request, or nothing is sent.
#![no_main]

use std::io::{Read, Result, Write};

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_client::{
    Https,
    enroll::est::{Headers, HttpRequest, HttpResponse, Method},
    exchange_over,
};

#[path = "http/plain.rs"]
mod plain;
#[path = "http/told.rs"]
mod told;

use told::Conversation;

const HOST: &str = "ca.example:8443";
/// Most header fields that are read.
const MAX_FIELDS: usize = 128;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(conversation) = Conversation::arbitrary(&mut Unstructured::new(input)) {
                conversation.happens();
            }
        }
        Some((b'R', input)) => {
            if let Ok(fields) = Fields::arbitrary(&mut Unstructured::new(input)) {
                fields.are_one_request();
            }
        }
        _ => {
            for method in ["GET", "HEAD"] {
                is_read(method, bytes, &[1, 2, 7]);
            }
        }
    }
});

/// Holds an answer, cut into pieces of these lengths again and again, against the same at once, and against a plain reading.
fn is_read(method: &str, says: &[u8], cuts: &[u8]) {
    // A connection takes no more for one answer.
    let says = &says[..says.len().min(Https::MAX_WIRE)];
    let (whole, consumed) = ask(method, says, &[]);
    let known = plain::read(method == "HEAD", says);
    if let Ok((answer, stays_open)) = &whole {
        is_within_limits(method, answer);
        let known = known.as_ref().expect("an answer was read that is none");
        assert!(known.is_same(answer), "{known:?} was read as {answer:?}");
        // What ends by itself ends where it ends, and nothing behind it was taken.
        assert!(!stays_open || (known.stays_open && consumed == known.end), "the next answer was begun");
        assert!(*stays_open || !known.stays_open || known.end < says.len(), "nothing speaks against another request");
    } else {
        assert!(known.is_none(), "{whole:?} was said to {known:?}");
    }
    let pieces = cuts.iter().map(std::slice::from_ref);
    for cuts in pieces.chain([cuts]).filter(|cuts| cuts.iter().any(|cut| *cut > 0)) {
        let (cut, consumed) = ask(method, says, cuts);
        match (&whole, cut) {
            (Ok((whole, _)), Ok((cut, stays_open))) => {
                assert_eq!((whole.status, &whole.headers, &whole.body), (cut.status, &cut.headers, &cut.body));
                let end = known.as_ref().map(|known| known.end);
                assert!(!stays_open || Some(consumed) == end, "the next answer was begun");
            }
            (Err(_), Err(_)) => {}
            (whole, cut) => panic!("{whole:?} at once, {cut:?} in pieces of {cuts:?}"),
        }
    }
}

fn is_within_limits(method: &str, answer: &HttpResponse) {
    let HttpResponse { status, headers, body } = answer;
    assert!(body.len() <= Https::MAX_ANSWER && body.capacity() <= 2 * Https::MAX_ANSWER);
    assert!(headers.iter().count() <= MAX_FIELDS);
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    // A byte that is no UTF-8 becomes three.
    assert!(length <= 3 * Https::MAX_HEAD);
    assert!(body.is_empty() || !(method == "HEAD" || *status < 200 || matches!(status, 204 | 304)));
}

/// Asks who says this; with how much of it was taken.
fn ask(method: &str, says: &[u8], cuts: &[u8]) -> (std::result::Result<(HttpResponse, bool), String>, usize) {
    let mut server = Server { says, taken: 0, cuts: cuts.iter().cycle(), heard: Vec::new() };
    let headers = Headers::from_iter([("Accept", "*/*")]);
    let request = HttpRequest { method: method.into(), path: "/".into(), headers, body: Vec::new() };
    let answer = exchange_over(&mut server, HOST, &request);
    (answer, server.taken)
}

/// Says this in pieces, and ends.
struct Server<'a> {
    says: &'a [u8],
    taken: usize,
    cuts: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    heard: Vec<u8>,
}

impl Read for Server<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        // What is long comes in longer pieces: so many reads say enough.
        let unit = 1 + self.says.len() / 4096;
        let most = self.cuts.find(|cut| **cut > 0).map_or(into.len(), |cut| into.len().min(unit * usize::from(*cut)));
        let read = (&self.says[self.taken..]).read(&mut into[..most])?;
        self.taken += read;
        Ok(read)
    }
}

impl Write for Server<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.heard.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What a request says.
#[derive(Debug, Arbitrary)]
struct Fields {
    method: Verb,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Verb {
    Get,
    Post,
    Other(String),
}

impl Fields {
    fn are_one_request(self) {
        let method = match self.method {
            Verb::Get => Method::Get,
            Verb::Post => Method::Post,
            Verb::Other(name) => Method::Other(name),
        };
        let headers: Headers = self.headers.into_iter().collect();
        let request = HttpRequest { method, path: self.path, headers, body: self.body };
        let mut server =
            Server { says: b"HTTP/1.1 200 OK\r\n\r\n", taken: 0, cuts: [].iter().cycle(), heard: Vec::new() };
        let answer = exchange_over(&mut server, HOST, &request);
        let heard = server.heard;
        if heard.is_empty() {
            assert!(answer.is_err(), "nothing was sent and something answered");
            return;
        }
        let end = heard.windows(4).position(|four| four == b"\r\n\r\n").expect("it has a head");
        let (head, body) = (String::from_utf8_lossy(&heard[..end]).into_owned(), &heard[end + 4..]);
        let mut lines = head.split("\r\n");
        let first = format!("{} {} HTTP/1.1", request.method.as_str(), request.path);
        assert_eq!(lines.next(), Some(first.as_str()));
        assert_eq!(first.split([' ', '\r', '\n', '#']).count(), 3, "{first:?}");
        let fields: Vec<_> = lines.map(|line| line.split_once(": ").expect("each line is a field")).collect();
        let all = |name: &str| {
            let named = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            named.map(|(_, value)| *value).collect::<Vec<_>>()
        };
        assert!(fields.iter().all(|(name, value)| !name.contains(['\r', '\n', ' ']) && !value.contains(['\r', '\n'])));
        for (name, value) in request.headers.iter() {
            assert!(all(name).contains(&value), "{name} was left out");
        }
        assert!(all("Host") == [HOST] && ["Transfer-Encoding", "Connection"].iter().all(|name| all(name).is_empty()));
        if request.method == Method::Get {
            assert!(body.is_empty() && all("Content-Length").is_empty());
        } else {
            assert!(body == request.body && all("Content-Length") == [body.len().to_string()]);
        }
    }
}
