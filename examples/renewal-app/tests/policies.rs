#![allow(clippy::unwrap_used, clippy::expect_used)]
//! policies/README.md says of each field of a policy file what the two readers of such files do with it: no field more and no field less,
//! with the ranges and with what is meant where it is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use obnova_ca::Policy;
use obnova_renewal::Service;
use toml::{Table, Value};

const README: &str = include_str!("../../../policies/README.md");
/// Every field that there is.
const WHOLE: &str = include_str!("whole.toml");

/// One row of a table in the README.
#[derive(Debug)]
struct Row<'t> {
    field: &'t str,
    values: &'t str,
    left_out: &'t str,
}

/// The rows of each heading, by the tables of a policy file that it names; "" for the file itself.
fn documented() -> BTreeMap<&'static str, Vec<Row<'static>>> {
    let mut documented = BTreeMap::new();
    let mut tables = Vec::new();
    for line in README.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            tables = match heading.trim_matches(['#', ' ']) {
                "The file" => vec![""],
                heading => quoted(heading).filter_map(|name| name.strip_prefix('[')?.strip_suffix(']')).collect(),
            };
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let &["", field, .., values, left_out, ""] = &cells[..] else { continue };
        let Some(field) = quoted(field).next() else { continue };
        for table in &tables {
            let row = Row { field: field.trim_matches(['[', ']']), values, left_out };
            documented.entry(*table).or_insert_with(Vec::new).push(row);
        }
    }
    documented
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn whole() -> Table {
    WHOLE.parse().unwrap()
}

/// The whole file, as one in which a field means something: what is demanded of a signature certificate is nothing to a service by plain
/// EST, which has none.
fn whole_with(field: &str) -> Table {
    let mut file = whole();
    if field == "qualified" {
        let holder = at(&mut file, "holder");
        holder.insert("certificates".into(), Value::Array(vec!["signature".into()]));
        holder.insert("protocol".into(), "cmc".into());
    }
    file
}

/// A table of the whole file, by its dotted name.
fn at<'t>(root: &'t mut Table, table: &str) -> &'t mut Table {
    let names = table.split('.').filter(|name| !name.is_empty());
    names.fold(root, |table, name| table[name].as_table_mut().unwrap())
}

/// Every table of the whole file, and what stands in it.
fn tables(name: &str, table: &Table, found: &mut BTreeMap<String, BTreeSet<String>>) {
    found.insert(name.to_owned(), table.keys().cloned().collect());
    for (key, value) in table {
        if let Value::Table(inner) = value {
            tables(format!("{name}.{key}").trim_start_matches('.'), inner, found);
        }
    }
}

/// Which of the two sides reads a file, and what it makes of it: only to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Holder,
    Ca,
}

impl Side {
    fn of(table: &str) -> &'static [Self] {
        match table {
            "service" | "holder" => &[Self::Holder],
            "" | "revocation_password" | "revocation" => &[Self::Holder, Self::Ca],
            _ => &[Self::Ca],
        }
    }

    /// The CA by its own tables alone: whether the two agree is another test's.
    fn read(self, file: &Table) -> Result<String, String> {
        let mut file = file.clone();
        match self {
            Self::Holder => {
                let read = Service::from_toml(&file.to_string()).map_err(|error| error.to_string())?;
                Ok(format!("{read:?}"))
            }
            Self::Ca => {
                file.retain(|table, _| !matches!(table, "service" | "holder"));
                let read = Policy::from_toml(&file.to_string()).map_err(|error| error.to_string())?;
                Ok(format!("{read:?}"))
            }
        }
    }

    /// The names that this side knows in a table: it tells them when it meets another.
    fn knows(self, table: &str) -> BTreeSet<String> {
        let mut file = whole();
        at(&mut file, table).insert("zzz".into(), Value::Boolean(true));
        let problem = self.read(&file).expect_err(table);
        let (_, expected) = problem.split_once("unknown field `zzz`, expected").unwrap_or_else(|| panic!("{problem}"));
        quoted(expected).map(str::to_owned).collect()
    }
}

#[test]
fn the_readme_has_a_row_for_every_field_that_is_known_and_for_no_other() {
    let documented = documented();
    let mut whole_has = BTreeMap::new();
    tables("", &whole(), &mut whole_has);
    let headings: BTreeSet<_> = documented.keys().copied().collect();
    assert!(Policy::from_toml(WHOLE).is_ok_and(|_| Service::from_toml(WHOLE).is_ok()), "both sides, as it stands");
    assert_eq!(headings, whole_has.keys().map(String::as_str).collect());
    for (table, rows) in &documented {
        let named: Vec<_> = rows.iter().map(|row| row.field.to_owned()).collect();
        let names: BTreeSet<_> = named.iter().cloned().collect();
        assert_eq!(named.len(), names.len(), "[{table}]: a field has two rows");
        for side in Side::of(table) {
            assert_eq!(names, side.knows(table), "[{table}] as {side:?} knows it");
        }
        assert_eq!(names, whole_has[*table], "[{table}] in whole.toml, which has every field");
    }
}

#[test]
fn what_is_left_out_means_what_the_readme_says() {
    let mut literal = 0;
    for (table, rows) in &documented() {
        for row in rows {
            for side in Side::of(table) {
                let name = format!("{table}.{} ({side:?}): {}", row.field, row.left_out);
                let mut without = whole_with(row.field);
                at(&mut without, table).remove(row.field).unwrap();
                let read = side.read(&without);
                let needed = match (row.left_out, side) {
                    ("must be there", _) => true,
                    ("must be there for a CA", side) => *side == Side::Ca,
                    (left_out, side) if left_out.starts_with("must be there for a holder") => *side == Side::Holder,
                    _ => false,
                };
                if needed {
                    let problem = read.expect_err(&name);
                    assert!(problem.contains(&format!("missing field `{}`", row.field)), "{name}: {problem}");
                    continue;
                }
                let read = read.unwrap_or_else(|problem| panic!("{name}: {problem}"));
                let Some(value) = row.left_out.strip_prefix('`') else { continue };
                let value: Table = format!("it = {}", value.strip_suffix('`').unwrap()).parse().unwrap();
                let mut with = whole_with(row.field);
                at(&mut with, table).insert(row.field.into(), value["it"].clone());
                assert_eq!(read, side.read(&with).unwrap(), "{name}");
                assert_ne!(read, side.read(&whole_with(row.field)).unwrap(), "{name}: whole.toml says the same");
                literal += 1;
            }
        }
    }
    assert!(literal > 25, "{literal}");
}

/// Of the tables of the certificates the holder's side reads the keys, and nothing else.
#[test]
fn keys_are_for_both_and_the_rest_of_their_tables_for_the_ca() {
    let (ca, holder) = (Policy::from_toml(WHOLE).unwrap(), Service::from_toml(WHOLE).unwrap());
    let keys = holder.policy.keys;
    assert_eq!((keys.authentication, keys.signature), (Some(ca.authentication.keys), Some(ca.signature.keys)));
    let read = Side::Holder.read(&whole()).unwrap();
    for table in ["authentication", "signature"] {
        for row in &documented()[table] {
            let mut file = whole();
            at(&mut file, table).remove(row.field).unwrap();
            assert_eq!(Side::Holder.read(&file).unwrap() == read, row.field != "keys", "{table}.{}", row.field);
        }
    }
}

#[test]
fn numbers_are_taken_up_to_the_ends_that_the_readme_names_and_no_further() {
    let mut ranges = 0;
    for (table, rows) in &documented() {
        for row in rows {
            let words: Vec<_> = row.values.split([' ', ',']).collect();
            let ends = words.windows(3).find_map(|three| match three {
                [least, "to", most] => Some((least.parse::<i64>().ok()?, most.parse::<i64>().ok()?)),
                _ => None,
            });
            let Some((least, most)) = ends else { continue };
            for side in Side::of(table) {
                let takes = |number: i64| {
                    let mut file = whole();
                    let value = at(&mut file, table).get_mut(row.field).unwrap();
                    *value = match value {
                        Value::Integer(_) => Value::Integer(number),
                        Value::Array(_) => Value::Array(vec![Value::Integer(number)]),
                        Value::String(_) => Value::String("a".repeat(usize::try_from(number).unwrap())),
                        other => panic!("{other}"),
                    };
                    side.read(&file)
                };
                for end in [least, most] {
                    assert!(takes(end).is_ok(), "{table}.{} = {end}: {:?}", row.field, takes(end));
                }
                for out in [least - 1, most + 1] {
                    let problem = takes(out).expect_err(row.field);
                    assert!(problem.contains(row.field), "{table}.{} = {out}: {problem}", row.field);
                }
                ranges += 1;
            }
        }
    }
    assert!(ranges > 20, "{ranges}");
}

/// The three services, in numbers: what is known of them, whatever code expects.
#[test]
fn the_files_that_are_built_in_are_what_these_services_are() {
    const DAY: u64 = 86_400;
    for name in ["twins", "activation", "partner"] {
        let text = fs::read_to_string(format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let (ca, holder) = (Policy::from_toml(&text).unwrap(), Service::from_toml(&text).unwrap());
        assert_eq!((holder.name.as_str(), holder.plays.as_deref()), (name, Some(name)));
        assert_eq!([&ca.authentication, &ca.signature].map(|one| one.validity.as_secs()), [365 * DAY; 2]);
        assert_eq!(ca.notices.days(), [7, 21], "a week before the end, and three");
        assert_eq!(ca.approval, obnova_ca::Approval::Manual);
        let pair = name != "partner";
        assert_eq!(ca.first.profiles.len(), if pair { 2 } else { 1 });
        assert_eq!(ca.registration.open, name == "activation");
        assert_eq!(ca.revocation.password_alone, name == "partner");
        assert_eq!(ca.revocation.own_key_alone, name != "partner");
        assert_eq!(ca.first.revocation_password.required, name == "partner");
        assert_eq!(ca.first.password_life.as_secs(), 21 * DAY);
        assert_eq!(ca.registration.transport_pin.as_secs(), 21 * DAY);
    }
}
