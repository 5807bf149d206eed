use zeroize::Zeroizing;

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
/// Values are wiped when dropped, since one may be a password; `Debug` leaves that one out.
#[derive(Clone, Default, PartialEq, Eq)]
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

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |name: &str, value| if name.eq_ignore_ascii_case(AUTHORIZATION) { ".." } else { value };
        f.debug_map().entries(self.iter().map(|(name, value)| (name, shown(name, value)))).finish()
    }
}

/// A request as a value. Host, Content-Length and the connection are the carrier's business.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A response as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
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
