/// A table with a head, columns as wide as what is in them.
#[derive(Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
    remark: Option<String>,
}

/// Between columns.
const GAP: usize = 2;
/// No column gets narrower than this.
const NARROWEST: usize = 8;

impl Table {
    pub fn new(head: impl IntoIterator<Item = String>) -> Self {
        Self { rows: vec![head.into_iter().collect()], remark: None }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A last line that is no row.
    pub fn remark(&mut self, text: String) {
        self.remark = Some(text);
    }

    /// The lines, head first. Where they would not fit, the widest column is cut, and shows that it was.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let mut widths = self.widths();
        if let Some(width) = width {
            shrink(&mut widths, width);
        }
        self.rows.iter().map(|row| line(row, &widths)).chain(self.remark.clone()).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cell = |row: &Vec<String>, column| row.get(column).map_or(0, |text: &String| text.chars().count());
        (0..columns).map(|column| self.rows.iter().map(|row| cell(row, column)).max().unwrap_or_default()).collect()
    }
}

fn shrink(widths: &mut [usize], width: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (text, width) in row.iter().zip(widths) {
        let length = text.chars().count();
        if length > *width {
            line.extend(text.chars().take(width.saturating_sub(1)));
            line.push('…');
        } else {
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', width - length));
        }
        line.extend(std::iter::repeat_n(' ', GAP));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn table() -> Table {
        let mut table = Table::new(["SLOT".to_owned(), "NAME".to_owned()]);
        table.row(["1".to_owned(), "Jana Nováková, authentication".to_owned()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(table().lines(None), ["SLOT  NAME", "1     Jana Nováková, authentication"]);
    }

    #[test]
    fn the_widest_column_is_cut_to_fit() {
        assert_eq!(table().lines(Some(20)), ["SLOT  NAME", "1     Jana Nováková…"]);
    }

    #[test]
    fn a_hopeless_width_ends() {
        assert_eq!(table().lines(Some(1)).len(), 2);
    }
}
