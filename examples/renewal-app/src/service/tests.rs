//! One file, two programs: what the holder's refuses, no CA is made of, and the other way round. Each says in which line, and of what.

use std::collections::BTreeSet;

use clap::ValueEnum as _;
use obnova_card::KeyRole;

use super::*;

/// Every field that there is.
const WHOLE: &str = include_str!("../../tests/whole.toml");

/// Words by which it is said that two fields do not fit to each other, in the line of one of them.
const DISAGREE: [&str; 10] = [
    "the holder asks for",
    "the holder keeps the keys",
    "the holder renews",
    "the holder takes only",
    "holders are told",
    "shows how a pair is renewed",
    "plain EST is for one certificate",
    "plain EST has no place",
    "without compliance",
    "is less than free_guesses",
];

/// What is wrong with a file, for a program of the holder and for `obnova-ca init`; nothing where it is taken.
fn verdicts(text: &str) -> [Option<String>; 2] {
    [both(text).err(), CaPolicy::from_toml(text).err().map(|error| error.to_string())]
}

/// A line of the file in which a field stands, and the table that it is in.
struct Field {
    line: usize,
    table: &'static str,
    name: &'static str,
    value: &'static str,
}

/// All of them. An inline table is one value here, and its fields are looked at too.
fn fields() -> Vec<Field> {
    let (mut table, mut fields) = ("", Vec::new());
    for (at, text) in WHOLE.lines().enumerate() {
        if let Some(name) = text.strip_prefix('[') {
            table = name.trim_end_matches(']');
        } else if let Some((name, value)) = text.split_once(" = ").filter(|_| !text.starts_with('#')) {
            fields.push(Field { line: at + 1, table, name, value });
        }
    }
    fields
}

/// The file with another text in one line.
fn with(line: usize, text: &str) -> String {
    let lines = WHOLE.lines().enumerate().map(|(at, other)| if at + 1 == line { text } else { other });
    lines.collect::<Vec<_>>().join("\n")
}

/// Other values than one of this kind: of other types first, then some that are out of most bounds.
fn others(value: &str) -> Vec<&'static str> {
    let (number, text, list) = ("7", "\"Zzz 9!\"", "[{ zzz = 1 }]");
    match value.chars().next() {
        Some('"') => vec![number, "true", list, text, "\"\"", "\"re-key\"", "\"twins\"", "\"null\"", "\"p-256\""],
        Some('[') => vec![
            number,
            text,
            list,
            "[]",
            "[\"zzz\"]",
            "[0]",
            "[7, 7]",
            "[\"signature\", \"signature\"]",
            "[\"p-256\"]",
        ],
        Some('{') => vec![number, text, list, "{}", "{ url = \"https://ca.example\", language = \"cs\", zzz = 1 }"],
        Some('t' | 'f') => vec![number, text, list, "true", "false"],
        _ => vec![
            "true",
            text,
            list,
            "1.5",
            "-1",
            "0",
            "1",
            "5",
            "6",
            "64",
            "65",
            "366",
            "3661",
            "86401",
            "100001",
            "999999999999",
        ],
    }
}

#[test]
fn both_programs_take_the_same_files_and_say_where_another_is_wrong() {
    assert_eq!(verdicts(WHOLE), [None, None]);
    let (mut taken, mut refused) = (0, 0);
    let mut compare = |what: &str, text: &str, named: &[String]| {
        let [holder, ca] = verdicts(text);
        assert_eq!(holder.is_some(), ca.is_some(), "{what}: {holder:?}, {ca:?}");
        for said in [&holder, &ca].into_iter().flatten() {
            assert!(named.iter().all(|part| said.contains(part.as_str())), "{what}, {named:?}: {said}");
        }
        if ca.is_some() {
            refused += 1
        } else {
            taken += 1
        };
    };
    for Field { line, table, name, value } in fields() {
        let place = format!("line {line}");
        for other in others(value) {
            let what = format!("[{table}] {name} = {other}");
            let text = with(line, &format!("{name} = {other}"));
            let disagrees = |said: &String| DISAGREE.iter().any(|words| said.contains(words));
            let elsewhere = verdicts(&text).iter().flatten().all(disagrees);
            let named = if elsewhere { vec!["line ".to_owned()] } else { vec![place.clone(), name.to_owned()] };
            compare(&what, &text, &named);
        }
        for (what, text) in [
            ("misspelt", format!("{name}s = {value}")),
            ("unknown", format!("{name} = {value}\nzzz = {value}")),
            ("twice", format!("{name} = {value}\n{name} = {value}")),
        ] {
            let missing = format!("`{name}`");
            let at = format!("line {}", if what == "misspelt" { line } else { line + 1 });
            let text = with(line, &text);
            let said_missing =
                verdicts(&text).iter().flatten().all(|said| said.contains(&missing) && said.contains("missing"));
            let named = if said_missing { vec![missing] } else { vec![at] };
            compare(&format!("[{table}] {name} {what}"), &text, &named);
        }
        compare(&format!("[{table}] without {name}"), &with(line, ""), &[]);
    }
    let tables: BTreeSet<_> = fields().iter().map(|field| field.table).filter(|table| !table.is_empty()).collect();
    for table in tables {
        let head = format!("[{table}]\n");
        compare(&format!("[{table}] misspelt"), &WHOLE.replace(&head, &format!("[{table}s]\n")), &[]);
        let (before, rest) = WHOLE.split_once(&head).unwrap();
        let after = rest.split_once("\n[").map_or(String::new(), |(_, after)| format!("[{after}"));
        let without = format!("{before}{after}");
        // A CA needs no holder's side, and a holder's file no CA's.
        if table != "service" || both(&without).is_ok() {
            compare(&format!("without [{table}]"), &without, &[]);
        }
    }
    println!("{taken} taken by both, {refused} refused by both");
    assert!(taken > 50 && refused > 500, "{taken}, {refused}");
}

/// What is for both sides makes no CA of a holder's file.
#[test]
fn the_keys_of_a_holders_file_need_no_ca() {
    let holders = "version = 1\n[service]\nname = \"mine\"\n";
    let keys = "[authentication]\nkeys = [\"p-384\"]\n[signature]\nkeys = [\"rsa-2048\"]\n";
    let (Holders { policy, .. }, ca) = both(&format!("{holders}{keys}")).unwrap();
    assert!(ca.is_none());
    assert_eq!(policy.keys.get(KeyRole::Authentication), Some(&vec![KeyAlgorithm::P384]));
    // With anything else of a CA it is a CA's.
    for more in ["validity_days = 365\n", "[renewal]\nsame_key = true\n", "[authentication.qualified]\nsscd = true\n"] {
        let said = both(&format!("{holders}[authentication]\nkeys = [\"p-384\"]\n{more}")).map(|_| ()).unwrap_err();
        assert!(said.contains("missing"), "{more}: {said}");
    }
    assert!(both(&format!("{holders}[authentication]\nkeys = [\"p-999\"]\n")).is_err());
}

/// What a file may call plays and transport PINs is what this program knows, and no other.
#[test]
fn a_file_may_name_what_there_is() {
    let takes = |line: &str| {
        let named = with(7, line);
        verdicts(&named).iter().all(Option::is_none)
    };
    for model in Model::value_variants() {
        let name = model.to_possible_value().unwrap().get_name().to_owned();
        let is_secret = TransportPinModel::from(*model).is_secret();
        assert_eq!(takes(&format!("transport_pin = \"{name}\"")), is_secret, "{name}");
    }
    for play in Scenario::value_variants() {
        let name = play.to_possible_value().unwrap().get_name().to_owned();
        let pair = WHOLE.replace("[\"authentication\"]", "[\"authentication\", \"signature\"]");
        let pair = pair.replace("protocol = \"est\"", "protocol = \"cmc\"");
        assert_eq!(
            verdicts(&pair.replace("plays = \"partner\"", &format!("plays = \"{name}\""))),
            [None, None],
            "{name}"
        );
    }
}
