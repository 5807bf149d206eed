//! HTTP/1.1 (RFC 9112) as far as one request and its answer need it. What is sent, and what was read and not taken yet, stands
//! in buffers that are wiped, and nothing of it is logged: a password, a link or the token of an order may be in any part of it.

use std::{
    fmt::Write as _,
    io::{self, ErrorKind, Read, Write},
};

use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use zeroize::Zeroizing;

use super::Https;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request cannot be written down.
    Order(&'static str),
    /// The connection.
    Io(io::Error),
    /// More than so many bytes.
    TooLarge(usize),
    /// What came is no HTTP.
    Protocol(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<httparse::Error> for Failure {
    fn from(error: httparse::Error) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// Sends a request, and reads its answer; whether another request may follow on the same connection.
pub(super) fn exchange(
    stream: &mut (impl Read + Write),
    host: &str,
    request: &HttpRequest,
) -> Result<(HttpResponse, bool), Failure> {
    stream.write_all(&written(host, request)?)?;
    stream.flush()?;
    Answer { stream, input: Input::new(), is_bare: request.method.as_str() == "HEAD" }.read()
}

/// What a request may not say itself: where it ends, and what becomes of the connection (RFC 9112 §6, RFC 9110 §7.2, §7.6.1).
const OURS: [&str; 10] = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
];

/// A request as it is sent.
fn written(host: &str, request: &HttpRequest) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let is_value = |text: &str| text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F));
    // What follows a # is not for the server (RFC 9110 §4.2.5).
    let is_path = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if !request.path.starts_with('/') || !request.path.bytes().all(is_path) {
        return Err(Failure::Order("the path of a request is none"));
    }
    if !is_token(request.method.as_str())
        || !request.headers.iter().all(|(name, value)| is_token(name) && is_value(value))
    {
        return Err(Failure::Order("a method or a header field of a request is none"));
    }
    if request.headers.iter().any(|(name, _)| OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))) {
        return Err(Failure::Order("a header field of a request is the connection's own"));
    }
    // What follows its answer is no HTTP (RFC 9110 §9.3.6).
    if request.method.as_str() == "CONNECT" {
        return Err(Failure::Order("no tunnel is asked for here"));
    }
    let body: &[u8] = if request.method == Method::Get { &[] } else { &request.body };
    let fields: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    // It does not grow: that would leave copies behind.
    let room = 256 + request.method.as_str().len() + request.path.len() + host.len() + fields;
    let mut head = Zeroizing::new(String::with_capacity(room));
    let Ok(()) = (|| {
        write!(head, "{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method.as_str(), request.path)?;
        write!(head, "User-Agent: obnova/{}\r\n", env!("CARGO_PKG_VERSION"))?;
        if request.headers.get("Accept").is_none() {
            head.write_str("Accept: */*\r\n")?;
        }
        request.headers.iter().try_for_each(|(name, value)| write!(head, "{name}: {value}\r\n"))?;
        if request.method != Method::Get {
            write!(head, "Content-Length: {}\r\n", body.len())?;
        }
        head.write_str("\r\n")
    })() else {
        return Err(Failure::Order("a request cannot be written"));
    };
    let mut whole = Zeroizing::new(Vec::with_capacity(head.len() + body.len()));
    whole.extend_from_slice(head.as_bytes());
    whole.extend_from_slice(body);
    Ok(whole)
}

fn is_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(known)
}

/// What came and was not taken yet: from one place of the buffer to another.
struct Input {
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
    end: usize,
}

/// The most header fields of an answer.
const MAX_FIELDS: usize = 128;
const CHUNK: usize = 16 * 1024;
/// What may stand between parts of a field (RFC 9110 §5.6.3): no other whitespace of Unicode.
const WHITESPACE: [char; 2] = [' ', '\t'];

impl Input {
    fn new() -> Self {
        // All that is kept here is no longer than the longest head, so there is always room for more.
        Self { bytes: Zeroizing::new(vec![0; Https::MAX_HEAD + CHUNK]), at: 0, end: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }

    /// Takes what came next; nothing when the other side has ended.
    fn more(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        let room = &mut self.bytes[self.end..][..CHUNK];
        let read = loop {
            match from.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end += read;
        Ok(read)
    }
}

/// An answer that is being read.
struct Answer<'a, S> {
    stream: &'a mut S,
    input: Input,
    /// To a HEAD: the body that its head speaks of does not come (RFC 9112 §6.3).
    is_bare: bool,
}

/// The head of one, and how its body ends.
struct Head {
    status: u16,
    headers: Headers,
    keeps_open: bool,
    body: Framing,
}

enum Framing {
    Length(usize),
    Chunks,
    UntilClosed,
}

impl<S: Read> Answer<'_, S> {
    fn read(mut self) -> Result<(HttpResponse, bool), Failure> {
        let head = self.head()?;
        let mut body = Vec::new();
        let keeps_open = match head.body {
            Framing::Length(length) => {
                self.take(length, &mut body)?;
                head.keeps_open
            }
            Framing::Chunks => {
                self.chunks(&mut body)?;
                head.keeps_open
            }
            Framing::UntilClosed => {
                while self.take_some(usize::MAX, &mut body)? > 0 {}
                false
            }
        };
        // What comes unasked belongs to no request.
        let keeps_open = keeps_open && self.input.rest().is_empty();
        Ok((HttpResponse { status: head.status, headers: head.headers, body }, keeps_open))
    }

    /// Interim answers are passed over (RFC 9110 §15.2), but for the one after which there is no HTTP any more.
    fn head(&mut self) -> Result<Head, Failure> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut response = httparse::Response::new(&mut fields);
            let length = match response.parse(self.input.rest())? {
                httparse::Status::Complete(length) if length <= Https::MAX_HEAD => length,
                httparse::Status::Partial if self.input.rest().len() <= Https::MAX_HEAD => {
                    self.wanted()?;
                    continue;
                }
                _ => return Err(Failure::TooLarge(Https::MAX_HEAD)),
            };
            let interim = response.code.is_some_and(|code| (100..200).contains(&code) && code != 101);
            let head = if interim { None } else { Some(Head::of(&response, self.is_bare)?) };
            self.input.at += length;
            if let Some(head) = head {
                return Ok(head);
            }
        }
    }

    /// More, of which there has to be some.
    fn wanted(&mut self) -> Result<(), Failure> {
        match self.input.more(self.stream)? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the answer ends too early").into()),
            _ => Ok(()),
        }
    }

    /// Takes so many bytes of the body.
    fn take(&mut self, mut length: usize, body: &mut Vec<u8>) -> Result<(), Failure> {
        if length > Https::MAX_ANSWER - body.len() {
            return Err(Failure::TooLarge(Https::MAX_ANSWER));
        }
        while length > 0 {
            match self.take_some(length, body)? {
                0 => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the answer ends too early").into()),
                taken => length -= taken,
            }
        }
        Ok(())
    }

    /// Takes what is there of the body, up to so many bytes; nothing when the other side has ended.
    fn take_some(&mut self, most: usize, body: &mut Vec<u8>) -> Result<usize, Failure> {
        if self.input.rest().is_empty() && self.input.more(self.stream)? == 0 {
            return Ok(0);
        }
        let taken = self.input.rest().len().min(most);
        if taken > Https::MAX_ANSWER - body.len() {
            return Err(Failure::TooLarge(Https::MAX_ANSWER));
        }
        body.extend_from_slice(&self.input.rest()[..taken]);
        self.input.at += taken;
        Ok(taken)
    }

    /// The chunked coding (RFC 9112 §7.1). Its extensions and trailers say nothing here.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let length = self.chunk_length()?;
            if length == 0 {
                return self.trailers();
            }
            self.take(length, body)?;
            while b"\r".starts_with(self.input.rest()) {
                self.wanted()?;
            }
            if !self.input.rest().starts_with(b"\r\n") {
                return Err(Failure::Protocol("a chunk is longer than it says".into()));
            }
            self.input.at += 2;
        }
    }

    /// The line before a chunk. A CR or LF by itself ends it for one reader and not for another, and no number is none.
    fn chunk_length(&mut self) -> Result<usize, Failure> {
        let end = loop {
            match self.input.rest().iter().position(|byte| *byte == b'\n') {
                Some(end) if end <= Https::MAX_HEAD => break end,
                Some(_) => return Err(Failure::TooLarge(Https::MAX_HEAD)),
                None => self.line_goes_on()?,
            }
        };
        let line = &self.input.rest()[..end];
        let length = line.strip_suffix(b"\r").filter(|line| !line.contains(&b'\r')).and_then(length_in);
        self.input.at += end + 1;
        length.ok_or_else(|| Failure::Protocol("chunk length cannot be read as a number".into()))
    }

    fn trailers(&mut self) -> Result<(), Failure> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            match httparse::parse_headers(self.input.rest(), &mut fields)? {
                httparse::Status::Complete((length, _)) if length <= Https::MAX_HEAD => {
                    self.input.at += length;
                    return Ok(());
                }
                httparse::Status::Complete(_) => return Err(Failure::TooLarge(Https::MAX_HEAD)),
                httparse::Status::Partial => self.line_goes_on()?,
            }
        }
    }

    fn line_goes_on(&mut self) -> Result<(), Failure> {
        if self.input.rest().len() > Https::MAX_HEAD {
            return Err(Failure::TooLarge(Https::MAX_HEAD));
        }
        self.wanted()
    }
}

/// The length in the line before a chunk, which an extension may follow. A longer number than there are is too long in any case.
fn length_in(line: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(line.split(|byte| *byte == b';').next()?).ok()?;
    let digits = digits.trim_end_matches(WHITESPACE);
    let is_number = (1..=16).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| usize::from_str_radix(digits, 16).unwrap_or(usize::MAX))
}

impl Head {
    fn of(response: &httparse::Response<'_, '_>, is_bare: bool) -> Result<Self, Failure> {
        let status = response.code.unwrap_or_default();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers: Headers = response.headers.iter().map(|field| (field.name, text(field.value))).collect();
        let all = |name: &str| {
            let named: Vec<_> = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect();
            let values = named.into_iter().flat_map(|(_, value)| value.split(','));
            values.map(|value| value.trim_matches(WHITESPACE)).collect::<Vec<_>>()
        };
        let says = |what: &str| all("Connection").iter().any(|one| one.eq_ignore_ascii_case(what));
        let (codings, lengths) = (all("Transfer-Encoding"), all("Content-Length"));
        let is_bare = is_bare || status < 200 || matches!(status, 204 | 304);
        // Who speaks of a body that may not come may send it all the same, and it would be the next answer.
        let is_clear = !is_bare || (codings.is_empty() && lengths.iter().all(|length| *length == "0"));
        let is_current = response.version == Some(1);
        let body = match (codings.as_slice(), lengths.as_slice()) {
            _ if is_bare => Framing::Length(0),
            ([], []) => Framing::UntilClosed,
            ([], [length, others @ ..]) => {
                let is_number = !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
                if !is_number || others.iter().any(|other| other != length) {
                    return Err(Failure::Protocol("the length of the answer is none".into()));
                }
                // A longer number is too long in any case.
                Framing::Length(length.parse().unwrap_or(usize::MAX))
            }
            // HTTP/1.0 has no codings: what passed it on understood none of it (RFC 9112 §6.1).
            ([coding], []) if is_current && coding.eq_ignore_ascii_case("chunked") => Framing::Chunks,
            _ => return Err(Failure::Protocol("the coding of the answer is not known".into())),
        };
        let keeps_open = is_current && is_clear && status >= 200 && !says("close");
        Ok(Self { status, headers, keeps_open, body })
    }
}

#[cfg(test)]
mod tests;
