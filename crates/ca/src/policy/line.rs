//! Where a field stands in its file.

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// The line, counted from 1, of a field named as `signature.validity_days`; that of its table where it is left out.
pub(super) fn of(text: &str, field: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let (mut table, mut found) = (root.get_ref(), None);
    for name in field.split('.') {
        let Some((key, value)) = entry(table, name) else { break };
        found = Some(key.span().start);
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    found.and_then(|at| text.get(..at)).map(|before| before.matches('\n').count() + 1)
}

type Entry<'t, 'i> = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>);

fn entry<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<Entry<'t, 'i>> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_field_is_found_where_it_stands() {
        let text = "version = 1\n\n# renewal\n[renewal]\nwindow_days = 3\n\n[first]\n[a.b]\nc = { d = 1 }\ne.f = 2\n";
        for (field, line) in
            [("version", 1), ("renewal", 4), ("renewal.window_days", 5), ("a.b.c.d", 9), ("a.b.e.f", 10)]
        {
            assert_eq!(of(text, field), Some(line), "{field}");
        }
        assert_eq!(of(text, "first.profiles"), Some(7), "what is left out is said of its table");
        assert_eq!((of(text, "notices.days"), of("= =", "version")), (None, None));
    }
}
