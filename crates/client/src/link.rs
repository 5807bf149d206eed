mod pick_up;
pub(crate) mod renewal;

use obnova_renewal::{Loose, ParsedCertificate};

use crate::CaError;

pub use pick_up::PickUpLink;
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
/// so it can be followed as often as the issuer lets it; [`PickUpLink`] can close it too.
///
/// # Errors
/// [`LinkError`].
pub fn follow_link(link: &str, anchors: &[ParsedCertificate]) -> Result<Vec<Loose>, LinkError> {
    Ok(PickUpLink::open(link, anchors)?.certificates())
}

/// Address of the server, and the path there. What comes after `#` is for browsers.
fn parts(link: &str) -> Option<(&str, &str)> {
    let link = link.split('#').next()?;
    let sound = link.bytes().all(|byte| byte.is_ascii_graphic());
    let scheme = "https://".len();
    let at = scheme + link.get(scheme..)?.find('/')?;
    (sound && link.starts_with("https://")).then_some(link.split_at(at))
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
    /// A link that a renewal was begun by (this one too, once its order is out), or whose certificates were renewed or revoked, are on
    /// hold, or have ended.
    #[error(
        "this link begins nothing any more: a renewal was begun by it, this one or another, the issuer ended it, or the certificates are renewed, revoked, on hold or over"
    )]
    Over,
    /// A link to the renewal of certificates of which one is on hold: it works again when the hold ends.
    #[error(
        "a certificate that would be renewed by this link is on hold: ask the issuer to end the hold, and come back with the same link"
    )]
    OnHold,
    /// A link to the renewal of certificates of which one is revoked.
    #[error(
        "a certificate that would be renewed by this link is revoked, and without it nothing is: ask the issuer for new certificates"
    )]
    Revoked,
    /// A link to the renewal of certificates that are not those on this card, or not all that would be renewed.
    #[error("this link is for the certificates of another card, or not for all that would be renewed on this one")]
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
}
