//! What is written into labels.

use crate::{KeyRole, SlotId};

/// Label of a key pair: text, role and slot when the pair was made by this driver, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyLabel {
    pub(super) text: String,
    pub(super) place: Option<(KeyRole, SlotId)>,
    pub(super) stage: Stage,
}

/// How far a key pair has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody was told of it yet.
    BeingMade,
    Whole,
    /// Parts of it are gone.
    BeingRemoved,
}

const UNFINISHED: &str = "unfinished";
const REMOVED: &str = "removed";

impl KeyLabel {
    pub(super) fn parse(label: &str) -> Self {
        let tagged = || {
            let (text, tag) = label.strip_suffix(']')?.rsplit_once(" [")?;
            let text = text.to_owned();
            if tag == REMOVED {
                return Some(Self { text, place: None, stage: Stage::BeingRemoved });
            }
            let (role, number) = tag.split_once(' ')?;
            let role = [KeyRole::Authentication, KeyRole::Signature].into_iter().find(|it| it.to_string() == role)?;
            let (number, stage) = match number.split_once(' ') {
                None => (number, Stage::Whole),
                Some((number, UNFINISHED)) => (number, Stage::BeingMade),
                Some((number, REMOVED)) => (number, Stage::BeingRemoved),
                Some(_) => return None,
            };
            let number = number.parse().ok().filter(|number| *number > 0)?;
            Some(Self { text, place: Some((role, SlotId(number))), stage })
        };
        tagged().unwrap_or_else(|| Self { text: label.to_owned(), place: None, stage: Stage::Whole })
    }
}

impl std::fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = &self.text;
        match (self.place, self.stage) {
            (Some((role, slot)), Stage::Whole) => write!(f, "{text} [{role} {slot}]"),
            (Some((role, slot)), Stage::BeingMade) => write!(f, "{text} [{role} {slot} {UNFINISHED}]"),
            (Some((role, slot)), Stage::BeingRemoved) => write!(f, "{text} [{role} {slot} {REMOVED}]"),
            (None, Stage::BeingRemoved) => write!(f, "{text} [{REMOVED}]"),
            (None, Stage::Whole | Stage::BeingMade) => f.write_str(text),
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
        let text = "Jana [x] y".to_owned();
        for role in [KeyRole::Authentication, KeyRole::Signature] {
            for stage in [Stage::BeingMade, Stage::Whole, Stage::BeingRemoved] {
                let label = KeyLabel { text: text.clone(), place: Some((role, SlotId(12))), stage };
                assert_eq!(KeyLabel::parse(&label.to_string()), label);
            }
        }
        let label = KeyLabel { text, place: None, stage: Stage::BeingRemoved };
        assert_eq!(KeyLabel::parse(&label.to_string()), label);
        for superseded in [true, false] {
            let label = CertificateLabel { text: "Jana".to_owned(), superseded };
            assert_eq!(CertificateLabel::parse(&label.to_string()), label);
        }
    }

    #[test]
    fn labels_of_other_programs_stay_as_they_are() {
        for label in [
            "",
            "]",
            " []",
            "a [authentication]",
            "a [signature 0]",
            "a [signature -1]",
            "a [signature 1] ",
            "a [signature 1 other]",
            "a [signature 1  removed]",
            "a[removed]",
        ] {
            let plain = KeyLabel { text: label.to_owned(), place: None, stage: Stage::Whole };
            assert_eq!(KeyLabel::parse(label), plain);
        }
    }
}
