use std::{path::PathBuf, str::FromStr};

/// A PKCS#11 URI (RFC 7512) that names a token: `pkcs11:token=t1;serial=0123?module-path=/usr/lib/softhsm/libsofthsm2.so`.
///
/// Attributes that are absent fit every token. Attributes that name an object (`object`, `type`, `id`) and those that would
/// hold a PIN (`pin-value`, `pin-source`) are refused: a PIN is asked for, and never stands in an argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// CK_TOKEN_INFO label.
    pub token: Option<String>,
    /// CK_TOKEN_INFO serialNumber.
    pub serial: Option<String>,
    /// CK_TOKEN_INFO manufacturerID.
    pub manufacturer: Option<String>,
    /// CK_TOKEN_INFO model.
    pub model: Option<String>,
    /// CK_SLOT_ID.
    pub slot_id: Option<u64>,
    /// CK_SLOT_INFO slotDescription.
    pub slot_description: Option<String>,
    /// CK_SLOT_INFO manufacturerID.
    pub slot_manufacturer: Option<String>,
    /// The module to load; without it p11-kit's proxy, which has every module that is configured on this machine.
    pub module_path: Option<PathBuf>,
}

/// What a PKCS#11 URI cannot be read for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs11UriError {
    /// It begins with something else.
    #[error("a PKCS#11 URI begins with pkcs11:")]
    Scheme,
    /// A part of it is no `name=value`, or `%` is not followed by two hexadecimal digits, or a value is not UTF-8.
    #[error("{0:?} is not written as RFC 7512 asks: name=value, other bytes as %XX")]
    Syntax(String),
    /// An attribute stands there twice.
    #[error("the attribute {0} stands there twice")]
    Twice(String),
    /// An attribute is not for tokens, or not known; ignoring it could choose the wrong token.
    #[error("the attribute {0} is not supported: name a token by token, serial, manufacturer, model or slot-id")]
    Unsupported(String),
    /// A PIN does not belong into an argument.
    #[error("{0} is refused: a PIN does not belong into an argument, it is asked for")]
    Pin(String),
    /// `slot-id` is not a number.
    #[error("slot-id is a number")]
    SlotId,
}

impl FromStr for Pkcs11Uri {
    type Err = Pkcs11UriError;

    fn from_str(text: &str) -> Result<Self, Pkcs11UriError> {
        let is_ours = text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        let rest = if is_ours { &text[SCHEME.len()..] } else { return Err(Pkcs11UriError::Scheme) };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for part in path.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = attribute(part)?;
            let field = match name {
                "token" => &mut uri.token,
                "serial" => &mut uri.serial,
                "manufacturer" => &mut uri.manufacturer,
                "model" => &mut uri.model,
                "slot-description" => &mut uri.slot_description,
                "slot-manufacturer" => &mut uri.slot_manufacturer,
                "slot-id" => {
                    let number = value.parse().map_err(|_| Pkcs11UriError::SlotId)?;
                    once(&mut uri.slot_id, number, name)?;
                    continue;
                }
                name => return Err(Pkcs11UriError::Unsupported(name.to_owned())),
            };
            once(field, value, name)?;
        }
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match attribute(part)? {
                ("module-path", value) => once(&mut uri.module_path, PathBuf::from(value), "module-path")?,
                (name @ ("pin-value" | "pin-source"), _) => return Err(Pkcs11UriError::Pin(name.to_owned())),
                (name @ "module-name", _) => return Err(Pkcs11UriError::Unsupported(name.to_owned())),
                // RFC 7512 §2.4: what a vendor asks besides may be ignored.
                _ => {}
            }
        }
        Ok(uri)
    }
}

const SCHEME: &str = "pkcs11:";

fn once<T>(field: &mut Option<T>, value: T, name: &str) -> Result<(), Pkcs11UriError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Pkcs11UriError::Twice(name.to_owned())),
    }
}

fn attribute(part: &str) -> Result<(&str, String), Pkcs11UriError> {
    // What is wrong is quoted only as far as its name: the value might be a PIN.
    let syntax = |name: &str| Pkcs11UriError::Syntax(name.to_owned());
    let (name, value) = part.split_once('=').ok_or_else(|| syntax(part))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(syntax(name)) };
        bytes.push((high << 4 | low) as u8);
    }
    let value = String::from_utf8(bytes).map_err(|_| syntax(name))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_named_by_what_stands_on_it() {
        let uri: Pkcs11Uri =
            "pkcs11:token=My%20token;serial=12;slot-id=7?module-path=/usr/lib/m.so&x-a=b".parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("My token"));
        assert_eq!(uri.serial.as_deref(), Some("12"));
        assert_eq!(uri.slot_id, Some(7));
        assert_eq!(uri.module_path, Some(PathBuf::from("/usr/lib/m.so")));
        assert_eq!("PKCS11:".parse(), Ok(Pkcs11Uri::default()));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        let error = |text: &str| text.parse::<Pkcs11Uri>().unwrap_err();
        assert_eq!(error("pcsc:x"), Pkcs11UriError::Scheme);
        assert_eq!(error(""), Pkcs11UriError::Scheme);
        assert_eq!(error("pkcs11:token"), Pkcs11UriError::Syntax("token".to_owned()));
        for broken in ["pkcs11:token=%", "pkcs11:token=%4", "pkcs11:token=%zz", "pkcs11:token=%ff"] {
            assert_eq!(error(broken), Pkcs11UriError::Syntax("token".to_owned()));
        }
        assert_eq!(error("pkcs11:token=a;token=b"), Pkcs11UriError::Twice("token".to_owned()));
        assert_eq!(error("pkcs11:object=a"), Pkcs11UriError::Unsupported("object".to_owned()));
        assert_eq!(error("pkcs11:slot-id=a"), Pkcs11UriError::SlotId);
        assert_eq!(error("pkcs11:slot-id=99999999999999999999"), Pkcs11UriError::SlotId);
    }

    #[test]
    fn a_pin_is_refused_and_not_repeated() {
        let error = "pkcs11:token=a?pin-value=1234".parse::<Pkcs11Uri>().unwrap_err();
        assert_eq!(error, Pkcs11UriError::Pin("pin-value".to_owned()));
        assert!(!error.to_string().contains("1234"));
        let error = "pkcs11:token=a?pin-value=1234%".parse::<Pkcs11Uri>().unwrap_err();
        assert!(!error.to_string().contains("1234"));
    }

    #[test]
    fn no_text_breaks_the_parser() {
        for text in ["pkcs11:é", "pkcs1é:", "pkcs11:;;;?&&&", "pkcs11:=?=", "é"] {
            let _ = text.parse::<Pkcs11Uri>();
        }
    }
}
