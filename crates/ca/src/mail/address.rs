/// An e-mail address that can stand in a certificate and in the head of a mail: ASCII, the dot-atom form (RFC 5321 §4.1.2) and a
/// host name.
///
/// Narrower than the standards allow: no quoted local part, no address in brackets, and names beyond ASCII (RFC 6531) only where
/// the domain is written in its ASCII form (`xn--`), since rfc822Name (RFC 5280 §4.2.1.6) has no other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailAddress(String);

impl MailAddress {
    /// The longest address, in bytes (RFC 5321 §4.5.3.1.3).
    pub const MAX_SIZE: usize = 254;

    /// Reads an address, as it is: nothing is trimmed.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control);
        }
        if !text.is_ascii() {
            return Err(AddressError::NotAscii);
        }
        if text.len() > Self::MAX_SIZE {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        let atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_atom);
        if local.len() > 64 || !local.split('.').all(atom) {
            return Err(AddressError::Local);
        }
        if !domain.split('.').all(is_label) {
            return Err(AddressError::Domain);
        }
        Ok(Self(text.to_owned()))
    }

    /// `jana@example.cz`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `example.cz`
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// atext (RFC 5322 §3.2.3)
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl std::fmt::Display for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for MailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::new(text)
    }
}

/// Why a text is no e-mail address. It is not repeated: it may be somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A line break or another control character.
    #[error("there is a control character in the e-mail address")]
    Control,
    /// Letters beyond ASCII.
    #[error("the e-mail address has letters beyond ASCII: write the domain in its ASCII form (xn--...)")]
    NotAscii,
    /// Too long.
    #[error("the e-mail address is too long: it may have {max} characters", max = MailAddress::MAX_SIZE)]
    TooLong,
    /// No @.
    #[error("the e-mail address has no @")]
    NoAt,
    /// What stands before the @.
    #[error("what stands before the @ of the e-mail address cannot be there")]
    Local,
    /// What stands behind it.
    #[error("what stands behind the @ of the e-mail address is no host name")]
    Domain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_it_is_or_refused_by_name() {
        for good in ["jana@example.cz", "a@localhost", "j.n+card@sub.example.cz", "o'hara/x=1@xn--hkyrky-ptac70bc.cz"] {
            assert_eq!(MailAddress::new(good).unwrap().as_str(), good);
        }
        assert_eq!(MailAddress::new("jana@example.cz").unwrap().domain(), "example.cz");
        let long = format!("{}@example.cz", "a".repeat(65));
        for (bad, why) in [
            ("jana@example.cz\r\nBcc: all@example.cz", AddressError::Control),
            ("jana\0@example.cz", AddressError::Control),
            ("jána@example.cz", AddressError::NotAscii),
            ("jana@háčkyčárky.cz", AddressError::NotAscii),
            ("jana@example.cz\u{2028}x", AddressError::NotAscii),
            ("", AddressError::NoAt),
            ("jana", AddressError::NoAt),
            ("@example.cz", AddressError::Local),
            ("a@b@example.cz", AddressError::Local),
            ("a..b@example.cz", AddressError::Local),
            (".a@example.cz", AddressError::Local),
            ("a b@example.cz", AddressError::Local),
            ("<a@example.cz", AddressError::Local),
            ("\"a b\"@example.cz", AddressError::Local),
            ("a,b@example.cz", AddressError::Local),
            (&long, AddressError::Local),
            ("a@", AddressError::Domain),
            ("a@[127.0.0.1]", AddressError::Domain),
            ("a@example..cz", AddressError::Domain),
            ("a@-example.cz", AddressError::Domain),
            ("a@example-.cz", AddressError::Domain),
            ("a@example.cz>", AddressError::Domain),
            ("a@exa mple.cz", AddressError::Domain),
            (&format!("a@{}", "a".repeat(253)), AddressError::TooLong),
            (&format!("a@{}", "a".repeat(64)), AddressError::Domain),
        ] {
            assert_eq!(MailAddress::new(bad), Err(why), "{bad:?}");
        }
    }
}
