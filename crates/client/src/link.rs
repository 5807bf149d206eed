mod renewal;

use obnova_enroll::{
    certs_only,
    est::{Headers, HttpRequest, Method},
};
use obnova_renewal::{Loose, ParsedCertificate};

use crate::{CaError, HttpExchange, Https, tls_config};

pub use renewal::RenewalLink;

/// Whether this is a link, and not the name of a file.
#[must_use]
pub fn is_link(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)))
}

/// Certificates from the link that an issuer mailed: for a holder who has it and the card, and no journal any more.
///
/// The server is recognised by `anchors`; no redirect leads to another. A link opens nothing but certificates, which are public,
/// so it can be followed as often as the issuer lets it.
///
/// # Errors
/// [`LinkError`].
pub fn follow_link(link: &str, anchors: &[ParsedCertificate]) -> Result<Vec<Loose>, LinkError> {
    let (server, path) = parts(link).ok_or(LinkError::NoLink)?;
    let https = Https::new(server, tls_config(anchors)?).map_err(|_| LinkError::NoLink)?;
    ask(&https, server, path)
}

/// Address of the server, and the path there. What comes after `#` is for browsers.
fn parts(link: &str) -> Option<(&str, &str)> {
    let link = link.split('#').next()?;
    let sound = link.bytes().all(|byte| byte.is_ascii_graphic());
    let scheme = "https://".len();
    let at = scheme + link.get(scheme..)?.find('/')?;
    (sound && link.starts_with("https://")).then_some(link.split_at(at))
}

fn ask(https: &dyn HttpExchange, server: &str, path: &str) -> Result<Vec<Loose>, LinkError> {
    let headers = Headers::from_iter([("Accept", "application/pkcs7-mime, application/x-pem-file")]);
    let question = HttpRequest { method: Method::Get, path: path.to_owned(), headers, body: Vec::new() };
    let answer = https.exchange(&question)?;
    match answer.status {
        200 => {}
        202 => return Err(LinkError::Undecided),
        403 => return Err(LinkError::Rejected),
        404 => return Err(LinkError::Unknown),
        410 => return Err(LinkError::Spent),
        status => return Err(CaError::Status { status, text: String::new() }.into()),
    }
    let unreadable = |problem: String| LinkError::NoCertificate { problem };
    let certificates = certs_only::read_file(&answer.body).map_err(|error| unreadable(error.to_string()))?;
    let loose = certificates.iter().map(|certificate| {
        let certificate = ParsedCertificate::try_from(certificate).map_err(|error| unreadable(error.to_string()))?;
        Ok(Loose { name: server.to_owned(), certificate })
    });
    loose.collect()
}

/// Why a link gave no certificates. Nothing was done to the card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It is none.
    #[error("this is not a link like https://ca.example/...: copy all of it from the mail")]
    NoLink,
    /// The issuer has not decided yet.
    #[error("the issuer has not decided yet: try again later")]
    Undecided,
    /// The issuer decided against it.
    #[error("the issuer rejected the order: ask the issuer why")]
    Rejected,
    /// The issuer does not know the link.
    #[error("the issuer does not know this link: copy all of it from the mail, or ask the issuer for another")]
    Unknown,
    /// The receipt of the certificates was confirmed, and the link opens nothing any more.
    #[error("this link was used up when the certificates were put on a card: look whether they are on this one")]
    Spent,
    /// A link to a renewal that was begun with another card, or whose certificates were renewed, revoked, or have ended.
    #[error(
        "this link begins nothing any more: the renewal was begun, or the certificates are renewed, revoked or over"
    )]
    Over,
    /// A link to the renewal of certificates that are not those on this card.
    #[error("this link is for the certificates of another card")]
    OtherCard,
    /// A link that leads to no renewal.
    #[error("this link does not begin a renewal: copy all of it from the mail that says that certificates end")]
    NotRenewal,
    /// What it opens are no certificates.
    #[error("what the link opens cannot be used as certificates ({problem}): tell the issuer")]
    NoCertificate {
        /// What is wrong.
        problem: String,
    },
    /// The server.
    #[error(transparent)]
    Ca(#[from] CaError),
}

#[cfg(test)]
mod tests {
    use obnova_enroll::est::HttpResponse;

    use super::*;

    #[test]
    fn a_link_is_taken_apart_or_refused() {
        assert_eq!(
            parts("https://ca.example:8443/pickup/ab?x=1#top"),
            Some(("https://ca.example:8443", "/pickup/ab?x=1"))
        );
        for none in ["https://ca.example", "http://ca.example/pickup/ab", "https:///a b", "mail/a.pem", "https://š/\n"]
        {
            assert_eq!(parts(none), None, "{none}");
        }
        assert!(is_link("HTTPS://ca.example/a") && is_link("http://ca.example/a"));
        assert!(!is_link("https.pem") && !is_link("mail/https://a") && !is_link("ž"));
        for none in ["https:///pickup/ab", "https://user@ca.example/a"] {
            assert!(
                matches!(follow_link(none, &[]), Err(LinkError::NoLink | LinkError::Ca(CaError::Order(_)))),
                "{none}"
            );
        }
    }

    struct Says(u16, &'static str);

    impl HttpExchange for Says {
        fn exchange(&self, question: &HttpRequest) -> Result<HttpResponse, CaError> {
            assert_eq!((question.method.clone(), question.path.as_str()), (Method::Get, "/pickup/ab"));
            Ok(HttpResponse { status: self.0, headers: Headers::default(), body: self.1.as_bytes().to_vec() })
        }
    }

    #[test]
    fn each_answer_without_certificates_is_told_by_its_name() {
        let asked = |status, body| ask(&Says(status, body), "https://ca.example", "/pickup/ab").unwrap_err();
        assert!(matches!(asked(202, ""), LinkError::Undecided));
        assert!(matches!(asked(403, ""), LinkError::Rejected));
        assert!(matches!(asked(404, ""), LinkError::Unknown));
        assert!(matches!(asked(410, ""), LinkError::Spent));
        assert!(matches!(asked(302, ""), LinkError::Ca(CaError::Status { status: 302, .. })));
        for body in ["", "<html>Log in</html>", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(asked(200, body), LinkError::NoCertificate { .. }), "{body}");
        }
    }
}
