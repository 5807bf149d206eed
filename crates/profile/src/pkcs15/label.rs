use std::fmt;

use obnova_algorithm::text;

/// What the label of a superseded certificate ends with, so that every program that lists the card shows it.
pub const SUPERSEDED_SUFFIX: &str = " (superseded)";

/// Label of an object: 1 to 60 bytes of UTF-8 without characters that act on a terminal ([`text::is_unseen`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// Most bytes of a label.
    pub const MAX: usize = 60;
    /// Most bytes of a label that can be [marked](Self::superseded) without being cut.
    pub const MAX_UNMARKED: usize = Self::MAX - SUPERSEDED_SUFFIX.len();

    /// Takes a label.
    ///
    /// # Errors
    /// [`LabelError`] when it is empty, longer than [`Self::MAX`] or has characters in it that act on a terminal.
    pub fn new(label: impl Into<String>) -> Result<Self, LabelError> {
        let label = label.into();
        match label.len() {
            0 => Err(LabelError::Empty),
            length if length > Self::MAX => Err(LabelError::TooLong { length }),
            _ if label.contains(text::is_unseen) => Err(LabelError::Control),
            _ => Ok(Self(label)),
        }
    }

    /// Takes a label and makes it fit: cuts it to [`Self::MAX_UNMARKED`] at the end of a character, and replaces control
    /// characters.
    #[must_use]
    pub fn fitting(label: &str) -> Self {
        let label = label.replace(text::is_unseen, " ");
        match cut(&label, Self::MAX_UNMARKED) {
            "" => Self("-".to_owned()),
            label => Self(label.to_owned()),
        }
    }

    /// The label with the [suffix](SUPERSEDED_SUFFIX); one that has it stays as it is, a long one is cut to make room.
    #[must_use]
    pub fn superseded(&self) -> Self {
        if self.is_superseded() {
            return self.clone();
        }
        Self(format!("{}{SUPERSEDED_SUFFIX}", cut(&self.0, Self::MAX_UNMARKED)))
    }

    /// Whether it has the suffix.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.0.ends_with(SUPERSEDED_SUFFIX)
    }

    /// The label without the suffix.
    #[must_use]
    pub fn unmarked(&self) -> &str {
        self.0.strip_suffix(SUPERSEDED_SUFFIX).unwrap_or(&self.0)
    }

    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn cut(label: &str, most: usize) -> &str {
    let end = (0..=most.min(label.len())).rev().find(|end| label.is_char_boundary(*end));
    &label[..end.unwrap_or(0)]
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Label {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why a label cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// It is empty.
    #[error("a label cannot be empty")]
    Empty,
    /// It is too long.
    #[error("a label of {length} bytes is too long: {} are the most", Label::MAX)]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// It has control characters in it, or others that act on a terminal instead of being seen.
    #[error("a label cannot have control characters, or others that are not seen")]
    Control,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_put_once_and_taken_off_again() {
        let label = Label::new("Signature 2026").unwrap();
        let marked = label.superseded();
        assert_eq!(marked.as_str(), "Signature 2026 (superseded)");
        assert!(marked.is_superseded() && !label.is_superseded());
        assert_eq!(marked.superseded(), marked);
        assert_eq!(marked.unmarked(), label.as_str());
    }

    #[test]
    fn a_long_label_is_cut_at_a_character() {
        let label = Label::new("ž".repeat(30)).unwrap();
        let marked = label.superseded();
        assert_eq!(marked.unmarked(), "ž".repeat(23));
        assert!(marked.as_str().len() <= Label::MAX);
        assert_eq!(Label::fitting(&"ž".repeat(99)).as_str(), "ž".repeat(23));
        assert_eq!(Label::fitting("").as_str(), "-");
        assert_eq!(Label::fitting("a\0b").as_str(), "a b");
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        assert_eq!(Label::new(""), Err(LabelError::Empty));
        assert_eq!(Label::new("x".repeat(61)), Err(LabelError::TooLong { length: 61 }));
        for unseen in ['\n', '\u{1b}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{2029}'] {
            let text = format!("a{unseen}b");
            assert_eq!(Label::new(&*text), Err(LabelError::Control), "{unseen:?}");
            assert_eq!(Label::fitting(&text).as_str(), "a b", "{unseen:?}");
        }
        assert!(Label::new("x".repeat(60)).is_ok());
    }
}
