use obnova_enroll::est::{HttpRequest, HttpResponse, Site};

use super::{Https, Patience, pool::Pool};
use crate::{CaError, StatusExchange};

/// Plain HTTP to whatever server an address in a certificate names, for what is signed and public: with the same bounds as [`Https`],
/// and without redirects and proxies.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainHttp {
    /// How long a server may take.
    pub patience: Patience,
}

impl StatusExchange for PlainHttp {
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        let site = site_of(server)
            .ok_or_else(|| CaError::Order(format!("\"{server}\" is not an address like http://status.example")))?;
        let Self { patience } = *self;
        let server = server.to_owned();
        Https { tls: None, server, site, patience, short: patience, pool: Pool::default() }.exchange_once(request)
    }
}

/// Host and port of `http://host` or `http://host:port`.
fn site_of(server: &str) -> Option<Site> {
    let (scheme, authority) = server.split_once("://")?;
    let authority = authority.trim_end_matches('/');
    if !scheme.eq_ignore_ascii_case("http") || authority.contains('/') {
        return None;
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let port = if has_port { "" } else { ":80" };
    Site::parse(&format!("https://{authority}{port}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_is_that_of_http() {
        let site = |server| site_of(server).map(|site| (site.host().to_owned(), site.port()));
        for (server, host, port) in [
            ("http://status.example", "status.example", 80),
            ("HTTP://status.example:443/", "status.example", 443),
            ("http://[::1]", "[::1]", 80),
            ("http://[::1]:8080", "[::1]", 8080),
        ] {
            assert_eq!(site(server), Some((host.to_owned(), port)), "{server}");
        }
        for server in ["", "http://", "https://status.example", "http://a/b", "http://user@host", "http://host:x"] {
            assert_eq!(site(server), None, "{server}");
        }
    }
}
