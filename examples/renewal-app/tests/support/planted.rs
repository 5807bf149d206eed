//! Secrets that occur nowhere by chance, and every form in which they could be found.

use std::{fs::File, io::Read as _};

use aho_corasick::AhoCorasick;
use base64ct::{Base64, Encoding as _};

/// Looks for secrets in all their forms at once.
pub struct Search {
    automaton: AhoCorasick,
    names: Vec<String>,
}

impl Search {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let forms: Vec<_> = secrets.into_iter().flat_map(forms).collect();
        let automaton = AhoCorasick::new(forms.iter().map(|(_, form)| form)).unwrap();
        Self { automaton, names: forms.into_iter().map(|(name, _)| name).collect() }
    }

    /// Which secrets are in it, and in which form.
    pub fn found(&self, content: impl AsRef<[u8]>) -> Vec<&str> {
        let mut found: Vec<_> = self
            .automaton
            .find_overlapping_iter(content.as_ref())
            .map(|hit| self.names[hit.pattern().as_usize()].as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Fails if any is in it.
    #[track_caller]
    pub fn assert_absent(&self, place: &str, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        assert!(!self.automaton.is_match(content), "in {place}: {:#?}", self.found(content));
    }
}

/// The shortest piece of a longer secret that gives it away, and the shortest secret that is worth planting.
const PIECE: usize = 8;

/// A secret of which nothing is known before.
pub fn random() -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; PIECE];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).unwrap();
    bytes.iter().map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect()
}

fn forms(secret: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -.".contains(byte);
    assert!(bytes.len() >= PIECE && bytes.iter().all(is_plain), "{secret} is no good secret");
    let mut forms: Vec<_> =
        bytes.windows(PIECE).map(|piece| (format!("{secret}, or {PIECE} bytes of it"), piece.to_vec())).collect();
    let mut form = |name: &str, text: Vec<u8>| forms.push((format!("{secret} as {name}"), text));
    form("UTF-16LE", bytes.iter().flat_map(|byte| [*byte, 0]).collect());
    form("UTF-16BE", bytes.iter().flat_map(|byte| [0, *byte]).collect());
    form("backwards", bytes.iter().rev().copied().collect());
    let join = |separator: &str, digits: &dyn Fn(&u8) -> String| {
        bytes.iter().map(digits).collect::<Vec<_>>().join(separator).into_bytes()
    };
    for separator in ["", " ", ":", "-", ", ", "\\x", " 0x", ", 0x"] {
        form("hexadecimal digits", join(separator, &|byte| format!("{byte:02x}")));
        form("HEXADECIMAL digits", join(separator, &|byte| format!("{byte:02X}")));
    }
    let indented: Vec<_> = (0..8).map(|depth| format!(",\n{}", "    ".repeat(depth))).collect();
    for separator in [" ", ",", ", "].into_iter().chain(indented.iter().map(String::as_str)) {
        form("decimal numbers", join(separator, &u8::to_string));
    }
    for before in 0..3 {
        // What stands before and after it changes the first and the last of these digits.
        let text = Base64::encode_string(&[&vec![0; before], bytes, &[0; 3]].concat());
        let (first, last) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
        form("base64", text.as_bytes()[first..last].to_vec());
    }
    forms
}

#[test]
fn each_form_is_found_and_nothing_else_is() {
    let search = Search::new(["Zq7vkW2xT9", "Jh4mXc9T"]);
    for text in ["", "Zq7vkW2", "q7vkW 2xT9", "jh4mxc9t", "SmgbWGM5VA=="] {
        assert_eq!(search.found(text), Vec::<&str>::new(), "{text}");
    }
    let secret = b"Zq7vkW2xT9";
    let encoded = |before: &str| Base64::encode_string(format!("{before}Zq7vkW2xT9 and more").as_bytes());
    for text in [
        "..q7vkW2xT.".to_owned(),
        format!("{secret:?}"),
        format!("{:#?}", Some(Some(secret))),
        format!("{secret:02x?}"),
        format!("{secret:02X?}"),
        "5A:71:37:76:6B:57:32:78:54:39".to_owned(),
        encoded(""),
        encoded("1"),
        encoded("12"),
        secret.iter().flat_map(|&byte| [char::from(byte), '\0']).collect(),
    ] {
        assert_eq!(search.found(&text).len().min(1), 1, "{text}");
    }
    assert_eq!(search.found("Zq7vkW2xT9 Jh4mXc9T").len(), 2);
}
