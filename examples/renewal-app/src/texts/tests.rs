use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use fluent_syntax::{ast, parser};

use super::LANGUAGES;
use crate::cli;

/// Message id to the variables that its sentence takes.
type Messages = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_file_parses_and_no_id_is_given_twice() {
    for (tag, files) in LANGUAGES {
        let mut seen = BTreeSet::new();
        for file in *files {
            for entry in parse(file).body {
                if let ast::Entry::Message(message) = entry {
                    assert!(seen.insert(message.id.name.to_owned()), "{tag}: {} is given twice", message.id.name);
                }
            }
        }
    }
}

#[test]
fn what_is_filled_in_does_nothing_to_a_terminal() {
    let mut arguments = fluent_bundle::FluentArgs::new();
    arguments.set("label", "Jana\u{202e}\u{1b}[2J\u{2066}\nNov\u{e1}kov\u{e1}");
    let shown = super::format("card-title", Some(&arguments));
    assert!(shown.contains("Jana  [2J \nNov\u{e1}kov\u{e1}"), "{shown:?}");
}

#[test]
fn every_language_has_the_same_ids_and_variables() {
    let english = messages(LANGUAGES[0].1);
    for (tag, files) in LANGUAGES {
        assert_eq!(messages(files), english, "{tag}");
    }
}

#[test]
fn the_sources_use_exactly_what_the_files_have_with_the_same_variables() {
    let mut used = Messages::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), &mut used);
    let written: Messages = messages(LANGUAGES[0].1).into_iter().filter(|(id, _)| !id.starts_with("help-")).collect();
    let used_ids: BTreeSet<_> = used.keys().collect();
    let written_ids: BTreeSet<_> = written.keys().collect();
    assert_eq!(used_ids, written_ids, "ids in the sources (left) and in the files (right)");
    for (id, variables) in &used {
        assert_eq!(variables, &written[id], "variables of {id}: sources (left), files (right)");
    }
}

#[test]
fn every_command_and_option_has_its_help_and_no_help_is_left_over() {
    let mut ids = BTreeSet::new();
    cli::help_ids(&cli::command(), &mut ids);
    let written: BTreeSet<String> = messages(LANGUAGES[0].1).into_keys().filter(|id| id.starts_with("help-")).collect();
    let optional = |id: &String| id.ends_with("-after") || id.ends_with("-more");
    let missing: Vec<_> = ids.iter().filter(|id| !optional(id) && !written.contains(*id)).collect();
    assert!(missing.is_empty(), "no help for {missing:#?}");
    let left_over: Vec<_> = written.iter().filter(|id| !ids.contains(*id)).collect();
    assert!(left_over.is_empty(), "help for nothing: {left_over:#?}");
}

/// Whatever goes wrong, each way of saying so says what to do, or whom to ask.
#[test]
fn no_sentence_about_what_went_wrong_leaves_its_reader_alone() {
    let (mut sentences, mut mute) = (0, Vec::new());
    for entry in LANGUAGES[0].1.iter().flat_map(|file| parse(file).body) {
        let ast::Entry::Message(message) = entry else { continue };
        let id = message.id.name;
        if !["error-", "ended-", "reason-"].iter().any(|head| id.starts_with(head)) {
            continue;
        }
        for sentence in sentences_of(&message.value.unwrap()) {
            sentences += 1;
            mute.extend(crate::advice::lacks(&sentence).map(|lacks| format!("{id}: {lacks}: {sentence}")));
        }
    }
    assert!(mute.is_empty(), "{mute:#?}");
    assert!(sentences > 150, "{sentences}");
}

/// A pattern in all its variants, with something in the place of its variables.
fn sentences_of(pattern: &ast::Pattern<&str>) -> Vec<String> {
    let mut sentences = vec![String::new()];
    for element in &pattern.elements {
        let parts = match element {
            ast::PatternElement::TextElement { value } => vec![(*value).to_owned()],
            ast::PatternElement::Placeable { expression: ast::Expression::Select { variants, .. } } => {
                variants.iter().flat_map(|variant| sentences_of(&variant.value)).collect()
            }
            ast::PatternElement::Placeable { .. } => vec!["Something".to_owned()],
        };
        sentences =
            sentences.iter().flat_map(|before| parts.iter().map(move |part| format!("{before}{part}"))).collect();
    }
    sentences
}

#[test]
fn an_unknown_id_is_shown_as_it_is() {
    assert_eq!(super::format("no-such-sentence", None), "no-such-sentence");
    assert_eq!(super::find("no-such-sentence"), None);
}

fn parse(file: &str) -> ast::Resource<&str> {
    parser::parse(file).unwrap_or_else(|(_, errors)| panic!("{errors:?}"))
}

fn messages(files: &[&str]) -> Messages {
    let mut found = Messages::new();
    for file in files {
        for entry in parse(file).body {
            if let ast::Entry::Message(message) = entry {
                let mut variables = BTreeSet::new();
                let pattern = message.value.unwrap_or_else(|| panic!("{} has no value", message.id.name));
                pattern_variables(&pattern, &mut variables);
                found.insert(message.id.name.to_owned(), variables);
            }
        }
    }
    found
}

fn pattern_variables(pattern: &ast::Pattern<&str>, into: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let ast::PatternElement::Placeable { expression } = element {
            expression_variables(expression, into);
        }
    }
}

fn expression_variables(expression: &ast::Expression<&str>, into: &mut BTreeSet<String>) {
    match expression {
        ast::Expression::Inline(inline) => inline_variables(inline, into),
        ast::Expression::Select { selector, variants } => {
            inline_variables(selector, into);
            for variant in variants {
                pattern_variables(&variant.value, into);
            }
        }
    }
}

fn inline_variables(inline: &ast::InlineExpression<&str>, into: &mut BTreeSet<String>) {
    match inline {
        ast::InlineExpression::VariableReference { id } => {
            into.insert(id.name.to_owned());
        }
        ast::InlineExpression::Placeable { expression } => expression_variables(expression, into),
        ast::InlineExpression::StringLiteral { .. } => {}
        other => panic!("not used in these files: {other:?}"),
    }
}

/// Finds every `t!("id", name = …)` under `folder`.
fn collect(folder: &Path, used: &mut Messages) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, used);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("texts.rs")
            && !path.ends_with("texts/tests.rs")
        {
            let source = fs::read_to_string(&path).unwrap();
            for (at, _) in source.match_indices("t!(") {
                if source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                    continue;
                }
                let (id, variables) =
                    call(&source[at + 3..]).unwrap_or_else(|| panic!("cannot read a t!() in {path:?}"));
                if let Some(before) = used.insert(id.clone(), variables.clone()) {
                    assert_eq!(before, variables, "{id} is used with different variables ({path:?})");
                }
            }
        }
    }
}

/// Reads the inside of one call: the id, and every `name =` at its top level.
fn call(source: &str) -> Option<(String, BTreeSet<String>)> {
    let source = source.trim_start().strip_prefix('"')?;
    let (id, mut rest) = source.split_once('"')?;
    let mut variables = BTreeSet::new();
    loop {
        rest = rest.trim_start();
        if rest.starts_with(')') {
            return Some((id.to_owned(), variables));
        }
        rest = rest.strip_prefix(',')?.trim_start();
        if rest.starts_with(')') {
            return Some((id.to_owned(), variables));
        }
        let (name, value) = rest.split_once('=')?;
        variables.insert(name.trim().to_owned());
        rest = &value[expression_length(value)?..];
    }
}

/// Bytes up to the comma or bracket that ends an expression.
fn expression_length(source: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, character) in source.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ',' if depth == 0 => return Some(at),
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}
