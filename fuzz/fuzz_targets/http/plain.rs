//! An answer read once from front to back, with all of it there: what RFC 9112 says, in the fewest words.

use obnova_client::{Https, enroll::est::HttpResponse};

use super::MAX_FIELDS;

#[derive(Debug)]
pub struct Known {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Its length, with the interim answers before it.
    pub end: usize,
    pub stays_open: bool,
}

impl Known {
    pub fn is_same(&self, answer: &HttpResponse) -> bool {
        let headers =
            answer.headers.iter().eq(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.status == answer.status && headers && self.body == answer.body
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Up to an LF, without it and the CR before it; no other CR is in it.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let line = &self.take(end + 1)?[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.contains(&b'\r')).then_some(line)
    }

    /// Fields up to an empty line.
    fn fields(&mut self) -> Option<Vec<(String, Vec<u8>)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return (fields.len() <= MAX_FIELDS).then_some(fields);
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
            if name.is_empty() || !name.iter().all(is_token) || !value.iter().all(is_text) {
                return None;
            }
            fields.push((String::from_utf8(name.to_vec()).ok()?, trimmed(value).to_vec()));
        }
    }
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b'\t' | b' '..=0x7E | 0x80..)
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The answer, to a HEAD or not; `None` where there is none, or not all of it.
pub fn read(to_head: bool, says: &[u8]) -> Option<Known> {
    let mut rest = Rest(says);
    let (is_current, status, fields) = loop {
        let before = rest.0.len();
        let mut line = rest.line()?;
        while line.is_empty() {
            line = rest.line()?;
        }
        let (is_current, status) = status(line)?;
        let fields = rest.fields()?;
        if before - rest.0.len() > Https::MAX_HEAD {
            return None;
        }
        if !(100..200).contains(&status) || status == 101 {
            break (is_current, status, fields);
        }
    };
    let list = |wanted: &str| -> Vec<&[u8]> {
        let named = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.flat_map(|(_, value)| value.split(|byte| *byte == b',')).map(trimmed).collect()
    };
    let closes = list("Connection").iter().any(|option| option.eq_ignore_ascii_case(b"close"));
    let mut stays_open = is_current && !closes && status >= 200;
    let (codings, lengths) = (list("Transfer-Encoding"), list("Content-Length"));
    let body = if to_head || status < 200 || status == 204 || status == 304 {
        stays_open &= codings.is_empty() && lengths.iter().all(|length| *length == b"0");
        Vec::new()
    } else if !codings.is_empty() {
        if !is_current || !lengths.is_empty() || codings.len() > 1 || !codings[0].eq_ignore_ascii_case(b"chunked") {
            return None;
        }
        chunks(&mut rest)?
    } else if let Some((length, others)) = lengths.split_first() {
        if others.iter().any(|other| other != length) {
            return None;
        }
        rest.take(number(length, 10)?)?.to_vec()
    } else {
        stays_open = false;
        rest.take(rest.0.len())?.to_vec()
    };
    let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
    let headers = fields.into_iter().map(|(name, value)| (name, text(value))).collect();
    let end = says.len() - rest.0.len();
    (body.len() <= Https::MAX_ANSWER).then_some(Known { status, headers, body, end, stays_open })
}

/// The version is 1.1, and the code.
fn status(line: &[u8]) -> Option<(bool, u16)> {
    let minor = line.strip_prefix(b"HTTP/1.")?;
    let [minor @ (b'0' | b'1'), b' ', a, b, c, reason @ ..] = minor else { return None };
    let code = [*a, *b, *c];
    let is_reason = reason.first().is_none_or(|first| *first == b' ') && reason.iter().all(is_text);
    let is_code = code.iter().all(u8::is_ascii_digit);
    (is_reason && is_code).then(|| (*minor == b'1', number(&code, 10).unwrap_or_default() as u16))
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    is_number.then(|| usize::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()).flatten()
}

fn chunks(rest: &mut Rest<'_>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.0.windows(2).position(|two| two == b"\r\n")?;
        let line = rest.take(end)?;
        rest.take(2)?;
        let digits = line.split(|byte| *byte == b';').next()?;
        let spaces = digits.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let digits = &digits[..digits.len() - spaces];
        if line.len() >= Https::MAX_HEAD || digits.len() > 16 || line.contains(&b'\r') || line.contains(&b'\n') {
            return None;
        }
        let length = number(digits, 16)?;
        if length == 0 {
            break;
        }
        body.extend(rest.take(length)?);
        if rest.take(2)? != b"\r\n" {
            return None;
        }
        if body.len() > Https::MAX_ANSWER {
            return None;
        }
    }
    let before = rest.0.len();
    rest.fields()?;
    (before - rest.0.len() <= Https::MAX_HEAD).then_some(body)
}
