/// Folds a paragraph at spaces, its own indent kept on every line. A word longer than the line stands alone (addresses are
/// copied whole).
pub fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let indent: String = text.chars().take_while(|character| *character == ' ').collect();
    let mut lines = Vec::new();
    let mut line = indent.clone();
    for word in text.split_whitespace() {
        let used = line.chars().count();
        let is_empty = used == indent.chars().count();
        if !is_empty && used + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        } else if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn folds_at_spaces_and_keeps_the_indent() {
        assert_eq!(wrap("  one two three", Some(9)), ["  one two", "  three"]);
    }

    #[test]
    fn a_long_word_stands_alone_and_nothing_is_lost() {
        assert_eq!(
            wrap("see https://ca.example/renew/abc now", Some(10)),
            ["see", "https://ca.example/renew/abc", "now"]
        );
    }

    #[test]
    fn counts_characters_not_bytes() {
        assert_eq!(wrap("žluťoučký kůň", Some(13)), ["žluťoučký kůň"]);
    }

    #[test]
    fn without_a_width_a_line_is_a_line() {
        assert_eq!(wrap("a  b   c", None), ["a  b   c"]);
        assert_eq!(wrap("", Some(10)), [""]);
    }
}
