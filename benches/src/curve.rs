/// What a task costs as something grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What grows; curves of a group stand together.
    pub group: String,
    /// The task.
    pub task: String,
    /// What the figures are.
    pub measure: Measure,
    /// How it may grow.
    pub growth: Growth,
    /// Size and figure, sizes ascending.
    pub points: Vec<(f64, f64)>,
}

/// What figures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Things of this name.
    Count(&'static str),
}

/// How a figure may grow with the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Not at all.
    Flat,
    /// As the depth of a tree.
    Logarithmic,
    /// As the size itself.
    Linear,
}

/// By what factor a machine that does other things too may stretch a figure.
const NOISE: f64 = 1.6;

impl Curve {
    /// A curve without points yet.
    pub fn new(group: &str, task: impl Into<String>, measure: Measure, growth: Growth) -> Self {
        Self { group: group.to_owned(), task: task.into(), measure, growth, points: Vec::new() }
    }

    /// By what factors size and figure grow from the first point to the last.
    #[must_use]
    pub fn factors(&self) -> Option<(f64, f64)> {
        let ((first, low), (last, high)) = (*self.points.first()?, *self.points.last()?);
        Some((last / first, high / low))
    }

    /// Whether it grows no faster than it may, apart from what the machine does beside.
    #[must_use]
    pub fn is_kept(&self) -> Option<bool> {
        let (_, figure) = self.factors()?;
        let allowed = self.allowed()?;
        // What is counted is the same every time.
        let noise = if matches!(self.measure, Measure::Count(_)) { 1.0 } else { NOISE };
        Some(figure <= allowed * noise)
    }

    /// By what factor the figure may grow.
    fn allowed(&self) -> Option<f64> {
        let (first, last) = (self.points.first()?.0, self.points.last()?.0);
        Some(match self.growth {
            Growth::Flat => 1.0,
            // A tree of one has a root too.
            Growth::Logarithmic => (1.0 + last.ln()) / (1.0 + first.ln()),
            Growth::Linear => last / first,
        })
    }
}

impl Growth {
    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Logarithmic => "logarithmic",
            Self::Linear => "linear",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_faster_than_it_may_is_told() {
        let kept = |growth, measure, points: &[(f64, f64)]| {
            Curve { points: points.to_vec(), ..Curve::new("g", "t", measure, growth) }.is_kept()
        };
        let million = |end| [(1e3, 10.0), (1e6, end)];
        for (growth, least, too_much) in
            [(Growth::Flat, 10.0, 17.0), (Growth::Logarithmic, 18.0, 31.0), (Growth::Linear, 10_000.0, 16_100.0)]
        {
            assert_eq!(kept(growth, Measure::Time, &million(least)), Some(true), "{growth:?}");
            assert_eq!(kept(growth, Measure::Time, &million(too_much)), Some(false), "{growth:?}");
        }
        assert_eq!(kept(Growth::Flat, Measure::Count("APDUs"), &million(11.0)), Some(false));
        assert_eq!(kept(Growth::Flat, Measure::Count("APDUs"), &[]), None);
    }
}
