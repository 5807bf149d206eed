//! Reads the vector files.

/// The bytes that `text` stands for: hex, spaces without meaning, `NN*xx` for a byte NN times, `-` for none.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace().filter(|word| *word != "-") {
        if let Some((count, byte)) = word.split_once('*') {
            let byte = u8::from_str_radix(byte, 16).unwrap();
            bytes.extend(std::iter::repeat_n(byte, count.parse().unwrap()));
        } else {
            assert!(word.len() % 2 == 0, "odd number of hex digits: {word}");
            bytes.extend((0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap()));
        }
    }
    bytes
}

/// The lines of a vector file, split into their fields. There must be some.
pub fn lines(file: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = file.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    assert!(lines.clone().count() > 0, "no vectors");
    lines.map(|line| line.split('|').map(str::trim).collect())
}
