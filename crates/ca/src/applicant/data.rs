use sha2::{Digest as _, Sha256};

use crate::{AddressError, MailAddress, transaction::to_hex};

/// What applicants say of themselves; an operator compares it with their papers.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplicantData {
    name: String,
    email: MailAddress,
    country: String,
    number: Option<String>,
}

impl ApplicantData {
    /// The longest name, in characters (X.520: ub-common-name).
    pub const MAX_NAME: usize = 64;

    /// Name as on the papers, e-mail address, country (ISO 3166, two letters), and the number of a person or paper, as
    /// `IDCCZ-123456` (ETSI EN 319 412-1 §5.1.3), where the service has one.
    ///
    /// # Errors
    /// [`DataError`] names the field.
    pub fn new(name: &str, email: &str, country: &str, number: Option<&str>) -> Result<Self, DataError> {
        let odd = |char: char| {
            char.is_control()
                || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let length = name.chars().count();
        if !(1..=Self::MAX_NAME).contains(&length) || name.trim() != name || name.chars().any(odd) {
            return Err(DataError::Name);
        }
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(DataError::Country);
        }
        let sound = |number: &str| {
            (1..=64).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if number.is_some_and(|number| !sound(number)) {
            return Err(DataError::Number);
        }
        Ok(Self {
            name: name.to_owned(),
            email: email.parse()?,
            country: country.to_owned(),
            number: number.map(str::to_owned),
        })
    }

    /// `Jana Nováková`
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where mails go, and what stands in the certificates.
    #[must_use]
    pub const fn email(&self) -> &MailAddress {
        &self.email
    }

    /// `CZ`
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// `IDCCZ-123456`
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    /// What is said of exactly these data: an operator who has compared them with papers names it, so that a correction that came
    /// meanwhile is not taken for what was seen.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let number = self.number.as_deref().map(str::as_bytes);
        let fields =
            [Some(self.name.as_bytes()), Some(self.email.as_str().as_bytes()), Some(self.country.as_bytes()), number];
        for field in fields {
            // None has a length that no field has.
            hash.update(field.map_or(u64::MAX, |field| field.len() as u64).to_be_bytes());
            hash.update(field.unwrap_or_default());
        }
        to_hex(&hash.finalize())
    }

    /// The subject of the certificates, as RFC 4514 writes it: `CN=Jana Nováková,SERIALNUMBER=IDCCZ-123456,C=CZ`.
    #[must_use]
    pub fn distinguished_name(&self) -> String {
        let special = |char: char| matches!(char, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' | '#');
        let escaped: String =
            self.name.chars().flat_map(|char| special(char).then_some('\\').into_iter().chain([char])).collect();
        let number = self.number.as_ref().map(|number| format!(",SERIALNUMBER={number}")).unwrap_or_default();
        format!("CN={escaped}{number},C={}", self.country)
    }
}

/// Nobody's name gets into a log by being printed.
impl std::fmt::Debug for ApplicantData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicantData").finish_non_exhaustive()
    }
}

/// What is wrong with the data. The data are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The name.
    #[error("the name has 1 to {max} characters, no control character, and no blank at its ends", max = ApplicantData::MAX_NAME)]
    Name,
    /// The address.
    #[error(transparent)]
    Email(#[from] AddressError),
    /// The country.
    #[error("the country has two capital letters")]
    Country,
    /// The number.
    #[error("the number has 1 to 64 letters, digits and hyphens")]
    Number,
}

impl DataError {
    /// The field, for programs.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email(_) => "email",
            Self::Country => "country",
            Self::Number => "number",
        }
    }
}

#[cfg(test)]
mod tests {
    use x509_cert::name::Name;

    use super::*;

    #[test]
    fn data_are_a_subject_whatever_stands_in_a_name() {
        for name in ["Jana Nováková", "O'Hara, \"Jim\"; <a>+b=c\\d #e", "#1", "=", "\\"] {
            let data = ApplicantData::new(name, "jana@example.cz", "CZ", Some("IDCCZ-1")).unwrap();
            let subject: Name = data.distinguished_name().parse().unwrap();
            assert_eq!(subject.iter_rdn().count(), 3, "{name}");
            let common = subject.common_name().unwrap().unwrap();
            assert_eq!(common.value(), name);
            assert!(!format!("{data:?}").contains("Jana"));
        }
    }

    #[test]
    fn a_fingerprint_is_of_every_field_and_of_where_it_ends() {
        let all = [
            ("Eva", "a@b.cz", "CZ", None),
            ("Eva", "a@b.cz", "CZ", Some("1")),
            ("Eva", "a@b.cz", "SK", None),
            ("Eva", "a@b.czC", "CZ", None),
            ("Ev", "aa@b.cz", "CZ", None),
        ];
        let seen = all.map(|(name, email, country, number)| {
            ApplicantData::new(name, email, country, number).unwrap().fingerprint()
        });
        assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert_eq!(seen[0], ApplicantData::new("Eva", "a@b.cz", "CZ", None).unwrap().fingerprint());
    }

    #[test]
    fn what_is_wrong_is_named() {
        fn new(name: &str, email: &str, country: &str, number: Option<&str>) -> DataError {
            ApplicantData::new(name, email, country, number).unwrap_err()
        }
        for name in ["", " Jana", "Jana\n", "Ja\0na", "Ja\u{202e}na", &"a".repeat(65)] {
            assert_eq!(new(name, "a@b.cz", "CZ", None), DataError::Name, "{name:?}");
        }
        assert_eq!(new("J", "a@b.cz\r\nBcc: x", "CZ", None), DataError::Email(AddressError::Control));
        for country in ["", "cz", "CZE", "Č1"] {
            assert_eq!(new("J", "a@b.cz", country, None), DataError::Country, "{country}");
        }
        for number in ["", "a,b", "1 2", &"1".repeat(65)] {
            assert_eq!(new("J", "a@b.cz", "CZ", Some(number)), DataError::Number, "{number}");
        }
    }
}
