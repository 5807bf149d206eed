use std::fmt;

use crate::{Curve, Measure, report::figure};

/// All curves of a run. Its `Display` is the table.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    curves: Vec<Curve>,
}

impl Curves {
    /// No curves yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a point to the curve of this group, task and measure, which begins with its first point.
    pub fn add(&mut self, curve: Curve, size: f64, figure: f64) {
        let same = |known: &&mut Curve| {
            (&known.group, &known.task, known.measure) == (&curve.group, &curve.task, curve.measure)
        };
        match self.curves.iter_mut().find(same) {
            Some(known) => known.points.push((size, figure)),
            None => self.curves.push(Curve { points: vec![(size, figure)], ..curve }),
        }
    }

    /// The groups in the order they came, each with its curves.
    #[must_use]
    pub fn groups(&self) -> Vec<(&str, Vec<&Curve>)> {
        let mut groups: Vec<(&str, Vec<&Curve>)> = Vec::new();
        for curve in &self.curves {
            match groups.iter_mut().find(|(group, _)| *group == curve.group) {
                Some((_, curves)) => curves.push(curve),
                None => groups.push((&curve.group, vec![curve])),
            }
        }
        groups
    }
}

impl fmt::Display for Curves {
    /// One line a curve: its figure at each size, by what factor it grows, and how it may grow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (group, curves) in self.groups() {
            let lines = lines_of(group, &curves);
            let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
            let width = |column: usize| {
                lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            };
            let widths: Vec<usize> = (0..columns).map(width).collect();
            for line in &lines {
                let mut text = String::new();
                for (column, cell) in line.iter().enumerate() {
                    let pad = " ".repeat(widths[column] - cell.chars().count());
                    let left = column == 0 || column + 1 == columns;
                    text += &if left { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") };
                }
                writeln!(f, "{}", text.trim_end())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn lines_of(group: &str, curves: &[&Curve]) -> Vec<Vec<String>> {
    let mut sizes: Vec<f64> = curves.iter().flat_map(|curve| curve.points.iter().map(|(size, _)| *size)).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let head = [group.to_owned()].into_iter().chain(sizes.iter().map(|size| count(*size)));
    let mut lines = vec![head.chain(["grows".to_owned(), "may".to_owned()]).collect::<Vec<_>>()];
    for curve in curves {
        let at = |size: &f64| curve.points.iter().find(|(known, _)| known == size);
        let figures = sizes.iter().map(|size| at(size).map_or("-".to_owned(), |(_, figure)| shown(curve, *figure)));
        let grows = curve.factors().map_or("-".to_owned(), |(_, figure)| format!("{figure:.2}x"));
        let kept = match curve.is_kept() {
            Some(true) => " kept",
            Some(false) => " NOT KEPT",
            None => "",
        };
        let name = [format!("  {}", curve.task)];
        lines.push(name.into_iter().chain(figures).chain([grows, curve.growth.name().to_owned() + kept]).collect());
    }
    lines
}

/// A figure with its unit.
fn shown(curve: &Curve, value: f64) -> String {
    let (scale, unit) = match curve.measure {
        Measure::Count(name) => (1.0, name),
        Measure::Time => scaled(value, &[(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")]),
        Measure::Bytes | Measure::Memory => scaled(value, &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")]),
    };
    format!("{} {unit}", figure(value / scale))
}

fn scaled(value: f64, units: &[(f64, &'static str)]) -> (f64, &'static str) {
    units.iter().copied().rev().find(|(scale, _)| value >= *scale).unwrap_or((1.0, units[0].1))
}

/// A size: whole, with its thousands apart.
pub(crate) fn count(size: f64) -> String {
    let digits = format!("{size:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Growth;

    #[test]
    fn each_group_has_a_table_of_its_sizes() {
        let mut curves = Curves::new();
        for (size, figure) in [(1e3, 1500.0), (1e6, 2000.0)] {
            curves.add(Curve::new("CA", "order", Measure::Time, Growth::Logarithmic), size, figure);
            curves.add(Curve::new("CA", "file", Measure::Bytes, Growth::Flat), size, size * 2.5);
        }
        curves.add(Curve::new("card", "list", Measure::Count("APDUs"), Growth::Linear), 3.0, 5.0);
        let table = curves.to_string();
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["CA", "1,000", "1,000,000", "grows", "may"]);
        assert_eq!(words[1], ["order", "1.50", "us", "2", "us", "1.33x", "logarithmic", "kept"]);
        assert_eq!(words[2], ["file", "2.50", "kB", "2.50", "MB", "1000.00x", "flat", "NOT", "KEPT"]);
        assert_eq!(words[4], ["card", "3", "grows", "may"]);
        assert_eq!(words[5], ["list", "5", "APDUs", "1.00x", "linear", "kept"]);
    }
}
