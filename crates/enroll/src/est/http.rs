use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::basic::AUTHORIZATION;

/// A request line's method, of those that EST uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// Any other.
    Other(String),
}

impl Method {
    /// As it stands in the request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "POST" => Self::Post,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Header fields, in order; names compare without regard to case (RFC 9110 §5.1).
/// Values are wiped when dropped and compared in constant time, since one may be a password, or lead to a link; `Debug` leaves these out.
#[derive(Clone, Default)]
pub struct Headers(Vec<(String, Zeroizing<String>)>);

impl Headers {
    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Adds a field, in place of those with the same name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.0.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), Zeroizing::new(value.into()))).collect())
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        let names = || self.iter().map(|(name, _)| name).eq(other.iter().map(|(name, _)| name));
        let values = self.iter().zip(other.iter()).map(|((_, one), (_, another))| same(one, another));
        names() && values.fold(Choice::from(1), |all, one| all & one).into()
    }
}

impl Eq for Headers {}

impl ZeroizeOnDrop for Headers {}

/// In constant time, of texts of one length.
fn same(one: impl AsRef<[u8]>, another: impl AsRef<[u8]>) -> Choice {
    one.as_ref().ct_eq(another.as_ref())
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A link that was asked for may be sent on to.
        let is_secret = |name: &str| [AUTHORIZATION, "Location"].iter().any(|one| name.eq_ignore_ascii_case(one));
        let shown = |name: &str, value| if is_secret(name) { ".." } else { value };
        f.debug_map().entries(self.iter().map(|(name, value)| (name, shown(name, value)))).finish()
    }
}

/// A request as a value. Host, Content-Length and the connection are the carrier's business.
///
/// A password may be in its header, a link in its path, and what opens an order in its body: all of it is wiped when dropped and compared
/// in constant time, and `Debug` shows of a path only where it is one of EST, and of a body how long it is.
#[derive(Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The path, absolute.
    pub path: String,
    /// Header fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// Whether its path is one of EST, in which there is no secret.
    pub(super) fn is_public(&self) -> bool {
        self.path.starts_with("/.well-known/est/")
    }
}

impl Drop for HttpRequest {
    fn drop(&mut self) {
        self.path.zeroize();
        self.body.zeroize();
    }
}

impl ZeroizeOnDrop for HttpRequest {}

impl PartialEq for HttpRequest {
    fn eq(&self, other: &Self) -> bool {
        let whole = same(&self.path, &other.path) & same(&self.body, &other.body);
        self.method == other.method && self.headers == other.headers && bool::from(whole)
    }
}

impl Eq for HttpRequest {}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.is_public() {
            self.path.clone()
        } else {
            // What a path begins with says what it is for.
            let first = self.path.strip_prefix('/').and_then(|path| path.split_once('/'));
            first.map_or_else(|| "..".to_owned(), |(first, _)| format!("/{first}/.."))
        };
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &path)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// A response as a value. What opens an order may be in its body: `Debug` shows how long it is, and it is compared in constant time.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl PartialEq for HttpResponse {
    fn eq(&self, other: &Self) -> bool {
        let whole = same(&self.body, &other.body);
        self.status == other.status && self.headers == other.headers && bool::from(whole)
    }
}

impl Eq for HttpResponse {}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// What the body is, as far as EST tells kinds apart (RFC 7030 §3.2.4, §4.2 to §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    CmcRequest,
    CmcResponse,
    CertsOnly,
    /// `application/pkcs7-mime` without a kind.
    Pkcs7,
    CsrAttrs,
    Pkcs10,
    Text,
    Other,
}

impl Media {
    pub(super) fn of(headers: &Headers) -> Self {
        let value = headers.get("Content-Type").unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        if kind.eq_ignore_ascii_case("text/plain") {
            return Self::Text;
        }
        for (name, media) in [("application/pkcs10", Self::Pkcs10), ("application/csrattrs", Self::CsrAttrs)] {
            if kind.eq_ignore_ascii_case(name) {
                return media;
            }
        }
        if !kind.eq_ignore_ascii_case("application/pkcs7-mime") {
            return Self::Other;
        }
        let parameters = parts.filter_map(|parameter| parameter.split_once('='));
        let mut smime = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("smime-type"));
        let Some((_, smime)) = smime.next() else { return Self::Pkcs7 };
        match smime.trim().trim_matches('"').to_ascii_lowercase().as_str() {
            "cmc-request" => Self::CmcRequest,
            "cmc-response" => Self::CmcResponse,
            "certs-only" => Self::CertsOnly,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_impl_all;

    use super::*;

    assert_impl_all!(Headers: ZeroizeOnDrop);
    assert_impl_all!(HttpRequest: ZeroizeOnDrop);

    fn request(path: &str, password: &str, body: &str) -> HttpRequest {
        let headers = Headers::from_iter([("Content-Type", "text/plain"), ("authorization", password)]);
        HttpRequest { method: Method::Post, path: path.into(), headers, body: body.into() }
    }

    #[test]
    fn no_secret_is_shown() {
        for path in ["/pickup/planted", "/planted", "planted", "/renew/planted/more?planted"] {
            let shown = format!("{:?} {:#?}", request(path, "planted", "planted"), request(path, "planted", "planted"));
            assert!(!shown.contains("planted") && shown.contains("text/plain") && shown.contains("7 bytes"), "{shown}");
        }
        let shown = format!("{:?}", request("/.well-known/est/simpleenroll", "", ""));
        assert!(shown.contains("\"/.well-known/est/simpleenroll\""), "{shown}");
        assert!(format!("{:?}", request("/pickup/planted", "", "")).contains("\"/pickup/..\""));
        let answer = HttpResponse { status: 200, headers: Headers::default(), body: b"planted".to_vec() };
        assert!(!format!("{answer:?}").contains("planted"));
        let headers = Headers::from_iter([("location", "https://ca.example/pickup/planted"), ("Allow", "GET")]);
        let shown = format!("{headers:?}");
        assert!(!shown.contains("planted") && shown.contains("GET"), "{shown}");
    }

    #[test]
    fn what_differs_anywhere_is_another_request() {
        let one = request("/a", "b", "c");
        assert_eq!(one, request("/a", "b", "c"));
        for other in [request("/x", "b", "c"), request("/a", "x", "c"), request("/a", "b", "x"), request("/a", "b", "")]
        {
            assert_ne!(one, other);
        }
        let mut more = one.clone();
        more.headers.set("More", "");
        assert_ne!(one, more);
        let mut other = one.clone();
        other.method = Method::Get;
        assert_ne!(one, other);
    }

    #[test]
    fn what_differs_anywhere_is_another_response() {
        let response = |status, kind: &str, body: &[u8]| {
            let headers = Headers::from_iter([("Content-Type", kind)]);
            HttpResponse { status, headers, body: body.to_vec() }
        };
        let one = response(200, "a", b"c");
        assert_eq!(one, response(200, "a", b"c"));
        let other = [(202, "a", &b"c"[..]), (200, "x", b"c"), (200, "a", b"x"), (200, "a", b""), (200, "a", b"cc")];
        for (status, kind, body) in other {
            assert_ne!(one, response(status, kind, body));
        }
    }
}
