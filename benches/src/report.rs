use std::fmt;

use crate::{Row, Unit};

/// All rows of a run. Its `Display` is the table.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// No rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row, and says on standard error that it is measured: the table comes at the end.
    pub fn add(&mut self, row: Row) {
        eprintln!("measured: {}, {}", row.group, row.task);
        self.rows.push(row);
    }

    /// The rows in the order they came.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

const HEAD: [&str; 8] = ["task", "obnova", "", "beside", "", "ahead", "in rounds", "target"];

impl fmt::Display for Report {
    /// One line a peer. *ahead* is by what factor we are better, *in rounds* between what factors it was in the middle half of the
    /// rounds; *target* is what we want it to be at least.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEAD.map(str::to_owned)];
        let mut group = "";
        for row in &self.rows {
            if row.group != group {
                group = &row.group;
                lines.push([group, "", "", "", "", "", "", ""].map(str::to_owned));
            }
            lines.extend(lines_of(row));
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        for line in lines {
            let [task, ours, unit, peer, theirs, ahead, rounds, target] = &line;
            let text = format!(
                "{task:<0$}  {ours:>1$} {unit:<2$}  {peer:<3$}  {theirs:>4$}  {ahead:>5$}  {rounds:<6$}  {target:<7$}",
                widths[0], widths[1], widths[2], widths[3], widths[4], widths[5], widths[6], widths[7]
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

fn lines_of(row: &Row) -> Vec<[String; 8]> {
    let (scale, unit) = scale(row);
    let ours = figure(row.ours / scale);
    let mut lines: Vec<_> = row
        .peers
        .iter()
        .map(|peer| {
            let theirs = peer.value.map_or("-".to_owned(), |value| figure(value / scale));
            let ahead = row.ahead_of(peer);
            let target = peer.target.map_or(String::new(), |target| {
                let met = ahead.is_some_and(|ahead| hundredths(ahead) >= hundredths(target));
                format!("{target:.2} {}", if met { "met" } else { "NOT MET" })
            });
            let ahead = ahead.map_or("-".to_owned(), |ahead| format!("{ahead:.2}x"));
            let rounds = peer.in_rounds.map_or(String::new(), |[least, most]| format!("{least:.2}-{most:.2}"));
            [String::new(), String::new(), String::new(), peer.name.clone(), theirs, ahead, rounds, target]
        })
        .collect();
    if lines.is_empty() {
        lines.push(Default::default());
    }
    lines[0][..3].clone_from_slice(&[format!("  {}", row.task), ours, unit.to_owned()]);
    lines
}

/// What is shown of a factor, so that what is shown as the same is the same.
fn hundredths(factor: f64) -> f64 {
    (factor * 100.0).round()
}

/// By what the figures of a row are divided, and the unit they have then.
fn scale(row: &Row) -> (f64, &'static str) {
    match row.unit {
        Unit::Spent(name) | Unit::Rate(name) => (1.0, name),
        Unit::Time => match row.ours {
            ours if ours < 1e3 => (1.0, "ns"),
            ours if ours < 1e6 => (1e3, "us"),
            ours if ours < 1e9 => (1e6, "ms"),
            _ => (1e9, "s"),
        },
    }
}

/// Three digits that mean something, and no more than are there.
pub(crate) fn figure(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Figure;

    #[test]
    fn the_table_has_a_line_for_each_peer() {
        let mut report = Report::new();
        report.add(
            Row::times("codec", "read", &[("us", 1234.5), ("a", 2469.0), ("b", 617.25)].map(figure)).target("a", 2.0),
        );
        report.add(Row::new("codec", "traffic", Unit::Spent("APDUs"), 4.0).beside("a", None).target("a", 1.0));
        report.add(
            Row::new("server", "orders", Unit::Rate("per s"), 50.0).beside("bound", Some(200.0)).target("bound", 0.5),
        );
        report.add(Row::new("server", "start", Unit::Time, 5.0));
        let table = report.to_string();
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["task", "obnova", "beside", "ahead", "in", "rounds", "target"]);
        assert_eq!(words[1], ["codec"]);
        assert_eq!(words[2], ["read", "1.23", "us", "a", "2.47", "2.00x", "1.98-2.04", "2.00", "met"]);
        assert_eq!(words[3], ["b", "0.62", "0.50x", "1.98-2.04"]);
        assert_eq!(words[4], ["traffic", "4", "APDUs", "a", "-", "-", "1.00", "NOT", "MET"]);
        assert_eq!(words[5], ["server"]);
        assert_eq!(words[6], ["orders", "50", "per", "s", "bound", "200", "0.25x", "0.50", "NOT", "MET"]);
        assert_eq!(words[7], ["start", "5", "ns"]);
    }

    #[test]
    fn a_target_is_met_by_the_digits_that_are_shown() {
        let table = |theirs: f64| {
            let mut report = Report::new();
            let row = Row::new("codec", "read", Unit::Time, 100.0).beside("a", Some(theirs)).target("a", 1.0);
            report.add(row);
            report.to_string()
        };
        assert!(table(99.6).trim_end().ends_with("1.00x             1.00 met"), "{}", table(99.6));
        assert!(table(99.4).trim_end().ends_with("0.99x             1.00 NOT MET"), "{}", table(99.4));
    }

    fn figure((side, time): (&str, f64)) -> Figure {
        Figure { side: side.to_owned(), time, ahead: Some([1.98, 2.04]) }
    }
}
