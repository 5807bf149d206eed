//! Text of others, which ends in logs and on terminals.

/// Whether this character does something there instead of being seen: controls, what turns the direction of writing
/// (Unicode Bidi_Control), and what ends a line or paragraph.
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first `most` characters, each that [`is_unseen`] as a space.
pub(crate) fn printable(text: &str, most: usize) -> String {
    text.chars().take(most).map(|character| if is_unseen(character) { ' ' } else { character }).collect()
}
