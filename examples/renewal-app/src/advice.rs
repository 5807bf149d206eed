//! Whether a text says what to do: in its words, and not only by having more of them.

use std::collections::BTreeSet;

use clap::Command;

use crate::{cli, texts::t};

/// What keeps a text from being of use to who reads it; nothing where it says what to do, or whom to ask.
pub fn lacks(text: &str) -> Option<String> {
    let mut program = cli::command();
    program.build();
    let mentioned: Vec<_> = text.split("obnova ").skip(1).collect();
    if let Some(unknown) = mentioned.iter().find_map(|words| unknown_command(&program, words)) {
        return Some(format!("there is no command {unknown}"));
    }
    let mut options = BTreeSet::new();
    options_of(&program, &mut options);
    let named =
        text.split(|one: char| !one.is_ascii_lowercase() && one != '-').filter_map(|word| word.strip_prefix("--"));
    if let Some(unknown) = named.filter(|name| !name.is_empty()).find(|name| !options.contains(*name)) {
        return Some(format!("there is no option --{unknown}"));
    }
    let verbs = t!("advice-verbs");
    let verbs: BTreeSet<_> = verbs.split_whitespace().collect();
    let asks = first_words(text).any(|word| verbs.contains(word.as_str()));
    (mentioned.is_empty() && !asks).then(|| "it does not say what to do".to_owned())
}

/// Words that sentences and parts of them begin with: there an order stands, if anywhere.
fn first_words(text: &str) -> impl Iterator<Item = String> {
    let mut begins = true;
    text.split_whitespace().filter_map(move |word| {
        let plain = word.trim_matches(|one: char| !one.is_alphanumeric());
        let is_first = begins || word.starts_with(|one: char| one.is_uppercase() || !one.is_alphanumeric());
        begins = !word.ends_with(char::is_alphanumeric) || ["and", "or", "then"].contains(&plain);
        is_first.then(|| plain.to_lowercase())
    })
}

/// The words after the program's name that are none of its commands.
fn unknown_command(program: &Command, words: &str) -> Option<String> {
    let (mut command, mut said) = (program, Vec::new());
    for word in words.split_whitespace() {
        let name = word.trim_end_matches(|one: char| !one.is_ascii_lowercase());
        if command.get_subcommands().next().is_none() || word.starts_with('-') {
            break;
        }
        said.push(name);
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => return Some(said.join(" ")),
        }
        if name != word {
            break;
        }
    }
    None
}

fn options_of(command: &Command, found: &mut BTreeSet<String>) {
    found.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned));
    command.get_subcommands().for_each(|one| options_of(one, found));
}

#[cfg(test)]
mod tests {
    use super::lacks;

    #[test]
    fn advice_is_known_by_what_it_says() {
        for sound in [
            "The card is not in the reader: insert it.",
            "It is blocked (obnova pin unblock).",
            "Which CA? Name it with --ca.",
            "It failed. If it stays, ask the issuer.",
            "Go on with \"obnova renew --resume\".",
        ] {
            assert_eq!(lacks(sound), None, "{sound}");
        }
        for (mute, why) in [
            ("It does not work.", "does not say"),
            ("No reader: none was found anywhere.", "does not say"),
            ("The card: it has an advice.", "does not say"),
            ("It is blocked (obnova pin open).", "no command pin open"),
            ("Run obnova fix-it.", "no command fix-it"),
            ("Say so with --anyway.", "no option --anyway"),
        ] {
            assert!(lacks(mute).is_some_and(|lacking| lacking.contains(why)), "{mute}: {:?}", lacks(mute));
        }
    }
}
