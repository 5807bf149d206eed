//! Text of others, which ends in logs and on terminals.

/// Whether this character does something there instead of being seen: controls, what turns the direction of writing (Unicode
/// `Bidi_Control`), and what ends a line or paragraph.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first `most` characters, each that [`is_unseen`] as a space.
///
/// ```
/// use obnova_algorithm::text::printable;
///
/// assert_eq!(printable("Jana\u{202e}\u{1b}[2J", 6), "Jana  ");
/// ```
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    text.chars().take(most).map(|character| if is_unseen(character) { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unicode 16, PropList.txt: Bidi_Control; and both separators.
    #[test]
    fn what_acts_on_a_terminal_is_not_shown_and_everything_else_is() {
        let bidi = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}'];
        let isolates = ['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'];
        let others = ['\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{2029}'];
        for unseen in bidi.into_iter().chain(isolates).chain(others) {
            assert_eq!(printable(&format!("a{unseen}b"), 10), "a b", "{unseen:?}");
        }
        let seen = "Jana Nov\u{e1}kov\u{e1} \u{627}\u{644} \u{5d0} \u{1f600} \u{200b}\u{200d}\u{2027}\u{202f}\u{2065}";
        assert_eq!(printable(seen, 100), seen);
        assert_eq!(printable("\u{e1}bcd", 2), "\u{e1}b", "characters are counted, not bytes");
    }
}
