//! What is written into labels.

use crate::{KeyRole, SlotId};

/// Label of a key pair: text, and role and slot when the pair was made by this driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyLabel {
    pub(super) text: String,
    pub(super) place: Option<(KeyRole, SlotId)>,
}

impl KeyLabel {
    pub(super) fn parse(label: &str) -> Self {
        let tagged = || {
            let (text, tag) = label.strip_suffix(']')?.rsplit_once(" [")?;
            let (role, number) = tag.split_once(' ')?;
            let role = [KeyRole::Authentication, KeyRole::Signature].into_iter().find(|it| it.to_string() == role)?;
            let number = number.parse().ok().filter(|number| *number > 0)?;
            Some(Self { text: text.to_owned(), place: Some((role, SlotId(number))) })
        };
        tagged().unwrap_or_else(|| Self { text: label.to_owned(), place: None })
    }
}

impl std::fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place {
            Some((role, slot)) => write!(f, "{} [{role} {slot}]", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Label of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertificateLabel {
    pub(super) text: String,
    pub(super) superseded: bool,
}

const SUPERSEDED: &str = " (superseded)";

impl CertificateLabel {
    pub(super) fn parse(label: &str) -> Self {
        match label.strip_suffix(SUPERSEDED) {
            Some(text) => Self { text: text.to_owned(), superseded: true },
            None => Self { text: label.to_owned(), superseded: false },
        }
    }
}

impl std::fmt::Display for CertificateLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        if self.superseded { f.write_str(SUPERSEDED) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_the_round_trip() {
        for role in [KeyRole::Authentication, KeyRole::Signature] {
            let label = KeyLabel { text: "Jana [x] y".to_owned(), place: Some((role, SlotId(12))) };
            assert_eq!(KeyLabel::parse(&label.to_string()), label);
        }
        for superseded in [true, false] {
            let label = CertificateLabel { text: "Jana".to_owned(), superseded };
            assert_eq!(CertificateLabel::parse(&label.to_string()), label);
        }
    }

    #[test]
    fn labels_of_other_programs_stay_as_they_are() {
        for label in ["", "]", " []", "a [authentication]", "a [signature 0]", "a [signature -1]", "a [signature 1] "] {
            assert_eq!(KeyLabel::parse(label), KeyLabel { text: label.to_owned(), place: None });
        }
    }
}
