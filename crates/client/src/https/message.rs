//! HTTP/1.1 (RFC 9112) as far as one request and its answer need it. What is sent and read stands in buffers that are wiped, and
//! nothing of it is logged: a password, a link or the token of an order may be in any part of it.

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
    Answer { stream, input: Input::new() }.read()
}

/// A request as it is sent.
fn written(host: &str, request: &HttpRequest) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let is_value = |text: &str| text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F));
    if !request.path.starts_with('/') || !request.path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Order("the path of a request is none"));
    }
    if !is_token(request.method.as_str())
        || !request.headers.iter().all(|(name, value)| is_token(name) && is_value(value))
    {
        return Err(Failure::Order("a method or a header field of a request is none"));
    }
    let body: &[u8] = if request.method == Method::Get { &[] } else { &request.body };
    let fields: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    // It does not grow: that would leave copies behind.
    let room = 256 + request.method.as_str().len() + request.path.len() + host.len() + fields;
    let mut head = Zeroizing::new(String::with_capacity(room));
    let Ok(()) = (|| {
        write!(head, "{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method.as_str(), request.path)?;
        write!(head, "User-Agent: obnova/{}\r\nAccept: */*\r\n", env!("CARGO_PKG_VERSION"))?;
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

/// What came and was not taken yet.
struct Input {
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
}

/// The most header fields of an answer.
const MAX_FIELDS: usize = 128;
const CHUNK: usize = 16 * 1024;

impl Input {
    fn new() -> Self {
        // All that is kept here is shorter than the longest head, so it never grows.
        Self { bytes: Zeroizing::new(Vec::with_capacity(Https::MAX_HEAD + CHUNK)), at: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Takes what came next; nothing when the other side has ended.
    fn more(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let had = self.bytes.len();
        self.bytes.resize(had + CHUNK, 0);
        let read = loop {
            match from.read(&mut self.bytes[had..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.bytes.truncate(had + *read.as_ref().unwrap_or(&0));
        read
    }
}

/// An answer that is being read.
struct Answer<'a, S> {
    stream: &'a mut S,
    input: Input,
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
            let head = if interim { None } else { Some(Head::of(&response)?) };
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
            let (length, size) = match httparse::parse_chunk_size(self.input.rest()) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) => {
                    self.line_goes_on()?;
                    continue;
                }
                Err(_) => return Err(Failure::Protocol("chunk length cannot be read as a number".into())),
            };
            self.input.at += length;
            if size == 0 {
                break;
            }
            self.take(usize::try_from(size).unwrap_or(usize::MAX), body)?;
            if !self.line()?.is_empty() {
                return Err(Failure::Protocol("a chunk is longer than it says".into()));
            }
        }
        while !self.line()?.is_empty() {}
        Ok(())
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = self.input.rest().windows(2).position(|two| two == b"\r\n") {
                let line = self.input.rest()[..end].to_vec();
                self.input.at += end + 2;
                return Ok(line);
            }
            self.line_goes_on()?;
        }
    }

    fn line_goes_on(&mut self) -> Result<(), Failure> {
        if self.input.rest().len() > Https::MAX_HEAD {
            return Err(Failure::TooLarge(Https::MAX_HEAD));
        }
        self.wanted()
    }
}

impl Head {
    fn of(response: &httparse::Response<'_, '_>) -> Result<Self, Failure> {
        let status = response.code.unwrap_or_default();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers: Headers = response.headers.iter().map(|field| (field.name, text(field.value))).collect();
        let all = |name: &str| {
            let named: Vec<_> = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect();
            named.into_iter().flat_map(|(_, value)| value.split(',')).map(str::trim).collect::<Vec<_>>()
        };
        let says = |what: &str| all("Connection").iter().any(|one| one.eq_ignore_ascii_case(what));
        let (codings, lengths) = (all("Transfer-Encoding"), all("Content-Length"));
        let body = match (codings.as_slice(), lengths.as_slice()) {
            _ if status < 200 || matches!(status, 204 | 304) => Framing::Length(0),
            ([], []) => Framing::UntilClosed,
            ([], [length, others @ ..]) => {
                let is_number = !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
                if !is_number || others.iter().any(|other| other != length) {
                    return Err(Failure::Protocol("the length of the answer is none".into()));
                }
                // A longer number is too long in any case.
                Framing::Length(length.parse().unwrap_or(usize::MAX))
            }
            ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunks,
            _ => return Err(Failure::Protocol("the coding of the answer is not known".into())),
        };
        let keeps_open = response.version == Some(1) && status >= 200 && !says("close");
        Ok(Self { status, headers, keeps_open, body })
    }
}

#[cfg(test)]
mod tests;
