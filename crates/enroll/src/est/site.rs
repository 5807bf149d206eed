use super::http::{HttpRequest, HttpResponse, Method};

/// A web origin (RFC 6454) that TLS leads to: host and port. Nothing else is a place for EST (RFC 7030 §3.3), and nothing
/// else gets a password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    host: String,
    port: u16,
}

impl Site {
    /// Reads `https://host` or `https://host:port`.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn parse(url: &str) -> Result<Self, SiteError> {
        match split(url)? {
            (site, "" | "/") => Ok(site),
            _ => Err(SiteError::Path),
        }
    }

    /// The host, in lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 443 where none was named.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The same request to where `response` sends it on, when that is this site still and nothing has to be asked for in
    /// another way (RFC 7030 §3.2.1: a redirect to another origin would need the user's consent, and is not followed).
    /// Nothing when the response is no redirect.
    ///
    /// The caller counts: at most [`MAX_REDIRECTS`](Self::MAX_REDIRECTS) one after the other.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn redirect(
        &self,
        request: &HttpRequest,
        response: &HttpResponse,
    ) -> Result<Option<HttpRequest>, RedirectError> {
        if !(300..400).contains(&response.status) {
            return Ok(None);
        }
        let location = response.headers.get("Location").unwrap_or_default().trim();
        // Where a link was asked for, it may stand in the answer once more.
        let shown = || super::printable(if request.is_public() { location } else { origin(location) });
        // A 307 and a 308 repeat the request as it was; the others may turn a POST into a GET (RFC 9110 §15.4).
        let kept = match response.status {
            307 | 308 => true,
            301..=303 => request.method == Method::Get,
            _ => false,
        };
        if !kept {
            return Err(RedirectError::OtherRequest { status: response.status });
        }
        let path = if location.starts_with('/') && !location.starts_with("//") {
            location
        } else {
            match split(location) {
                Ok((site, path)) if site == *self => path,
                _ => return Err(RedirectError::OtherOrigin { location: shown() }),
            }
        };
        let plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain || path.len() > MAX_PATH {
            return Err(RedirectError::Location { location: shown() });
        }
        // What follows a # is not for the server.
        let path = path.split('#').next().unwrap_or_default();
        let HttpRequest { method, headers, body, .. } = request;
        let (method, headers, body) = (method.clone(), headers.clone(), body.clone());
        Ok(Some(HttpRequest { method, path: path.to_owned(), headers, body }))
    }

    /// How often a request is sent on before it is given up.
    pub const MAX_REDIRECTS: usize = 3;
}

/// The longest path that is followed.
const MAX_PATH: usize = 1000;

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "https://{}", self.host)?;
        if self.port == 443 { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// The site of a URL, and what comes after it.
fn split(url: &str) -> Result<(Site, &str), SiteError> {
    let (scheme, rest) = url.split_once("://").ok_or(SiteError::NotHttps)?;
    if !scheme.eq_ignore_ascii_case("https") {
        return Err(SiteError::NotHttps);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, number(port).ok_or(SiteError::Host)?),
        _ => (authority, 443),
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let known = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(name),
    };
    if !known || port == 0 {
        return Err(SiteError::Host);
    }
    Ok((Site { host: host.to_ascii_lowercase(), port }, path))
}

/// A port, which has digits only.
fn number(port: &str) -> Option<u16> {
    port.parse().ok().filter(|_| port.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Of a URL what comes before its path; nothing of a path alone.
fn origin(url: &str) -> &str {
    let Some(("" | "http:" | "https:", rest)) = url.split_once("//") else { return "" };
    let path = rest.find(['/', '\\', '?', '#']).map_or("", |end| &rest[end..]);
    &url[..url.len() - path.len()]
}

/// Text that is no [`Site`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Another scheme, or none.
    #[error("the address does not start with https://: EST is spoken inside TLS only")]
    NotHttps,
    /// No host name, or none that can be one; a user name in it is not taken either.
    #[error("the address has no host name, or a port that is none")]
    Host,
    /// More than an origin.
    #[error("the address goes on after the host: EST has its own path, name a CA by its label")]
    Path,
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// To another host or port, or out of TLS.
    #[error(
        "the server sends the request on to another place, {location:?}: not followed, check the address of the CA"
    )]
    OtherOrigin {
        /// Where; of what answers a request that may hold a secret in its path, only to which server.
        location: String,
    },
    /// It would become another request on the way, or the status is no redirect that is known.
    #[error("the server sends the request on with status {status}, after which it would be another request")]
    OtherRequest {
        /// The status code.
        status: u16,
    },
    /// It does not say where, or not in a way that can be followed.
    #[error("the server sends the request on to {location:?}, which is no path")]
    Location {
        /// What it says, as far as [`OtherOrigin`](Self::OtherOrigin) shows it.
        location: String,
    },
    /// More than [`Site::MAX_REDIRECTS`].
    #[error("the server sends the request on and on")]
    Endless,
}
