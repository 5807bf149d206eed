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
    /// Bytes that were counted.
    Bytes,
    /// Bytes of memory.
    Memory,
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

/// By what factor a machine that does other things too may stretch a time, or memory.
const NOISE: f64 = 1.6;
/// The same for what is counted and grows with the size: bytes go in whole commands, whose headers have one length or another.
const WHOLE_COMMANDS: f64 = 1.02;

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

    /// Whether it grows no faster than it may, which every point is asked.
    ///
    /// What is flat or logarithmic is nowhere more than the first figure, by as much as the tree is deeper; what is linear is
    /// nowhere above the line from the first figure through the second, which is no more than the first in proportion to its
    /// size. Times and memory may be longer by what the machine does beside; what is counted may not, but where it grows with
    /// the size by the headers of commands.
    #[must_use]
    pub fn is_kept(&self) -> Option<bool> {
        let first = *self.points.first()?;
        let noise = match (self.measure, self.growth) {
            (Measure::Time | Measure::Memory, _) => NOISE,
            (Measure::Bytes | Measure::Count(_), Growth::Linear) => WHOLE_COMMANDS,
            (Measure::Bytes | Measure::Count(_), Growth::Flat | Growth::Logarithmic) => 1.0,
        };
        let most = |size: f64| match self.growth {
            Growth::Flat => noise * first.1,
            // A tree of one has a root too.
            Growth::Logarithmic => noise * first.1 * (1.0 + size.ln()) / (1.0 + first.0.ln()),
            Growth::Linear => self.most_on_the_line(size, noise),
        };
        Some(self.points[1..].iter().all(|&(size, figure)| figure <= most(size)))
    }

    /// The most that a linear figure may be at a later size: what a unit costs is seen in the first step.
    fn most_on_the_line(&self, size: f64, noise: f64) -> f64 {
        let [first, second, ..] = self.points[..] else { return f64::INFINITY };
        if size <= second.0 {
            return noise * first.1 * size / first.0;
        }
        // A first figure above the second was stretched.
        let begin = first.1.min(second.1);
        let unit = (noise * second.1 - begin) / (second.0 - first.0);
        begin + unit * (size - first.0)
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

    fn kept(growth: Growth, measure: Measure, points: &[(f64, f64)]) -> Option<bool> {
        Curve { points: points.to_vec(), ..Curve::new("g", "t", measure, growth) }.is_kept()
    }

    /// The figures of a law at sizes as they are measured.
    fn law(figure: impl Fn(f64) -> f64) -> [(f64, f64); 4] {
        [1e3, 1e4, 1e5, 1e6].map(|size| (size, figure(size)))
    }

    const APDUS: Measure = Measure::Count("APDUs");
    const MEASURES: [Measure; 4] = [Measure::Time, Measure::Memory, Measure::Bytes, APDUS];

    #[test]
    fn each_growth_is_kept_and_one_that_is_faster_is_not() {
        for measure in MEASURES {
            for (growth, kept_one, faster) in [
                (Growth::Flat, law(|_| 10.0), law(f64::ln)),
                (Growth::Logarithmic, law(|size| 1.0 + size.ln()), law(f64::sqrt)),
                (Growth::Linear, law(|size| size), law(|size| size * size)),
            ] {
                assert_eq!(kept(growth, measure, &kept_one), Some(true), "{growth:?} {measure:?}");
                assert_eq!(kept(growth, measure, &faster), Some(false), "{growth:?} {measure:?}");
            }
        }
        assert_eq!(kept(Growth::Flat, APDUS, &[]), None);
        assert_eq!(kept(Growth::Linear, APDUS, &[(3.0, 5.0)]), Some(true));
    }

    #[test]
    fn a_fixed_part_lets_nothing_grow_faster() {
        let megabytes = |growth: fn(f64) -> f64| law(|size| 8e6 + growth(size));
        assert_eq!(kept(Growth::Linear, Measure::Memory, &megabytes(|size| 100.0 * size)), Some(true));
        // In proportion to the sizes, the last figure might be a thousand times the first.
        assert_eq!(kept(Growth::Linear, Measure::Memory, &megabytes(|size| size * size / 1e3)), Some(false));
        assert_eq!(kept(Growth::Linear, Measure::Memory, &megabytes(|size| size * size.sqrt())), Some(false));
        // Four bytes more for each pair; and one more for each pair that was there before.
        let pairs = [1.0, 2.0, 4.0, 8.0, 14.0];
        let by_pair = pairs.map(|pairs| (pairs, 350.0 + 8.0 * pairs));
        let by_pairs = pairs.map(|pairs| (pairs, 350.0 + 4.0 * pairs * pairs));
        assert_eq!(kept(Growth::Linear, Measure::Bytes, &by_pair), Some(true));
        assert_eq!(kept(Growth::Flat, Measure::Bytes, &by_pair), Some(false));
        assert_eq!(kept(Growth::Linear, Measure::Bytes, &by_pairs), Some(false));
    }

    #[test]
    fn every_point_counts() {
        let jump = |at: usize| {
            let mut points = law(|_| 10.0);
            points[at].1 = 17.0;
            points
        };
        for at in 1..4 {
            assert_eq!(kept(Growth::Flat, Measure::Time, &jump(at)), Some(false), "{at}");
        }
        let mut points = law(|size| size);
        points[2].1 *= 1.7;
        assert_eq!(kept(Growth::Linear, Measure::Time, &points), Some(false));
        let mut points = law(|size| size);
        points[1].1 *= 1.7;
        assert_eq!(kept(Growth::Linear, Measure::Time, &points), Some(false));
        let mut points = law(|size| 1.0 + size.ln());
        points[1].1 *= 1.7;
        assert_eq!(kept(Growth::Logarithmic, Measure::Time, &points), Some(false));
    }

    #[test]
    fn a_machine_stretches_times_and_memory_and_not_what_is_counted() {
        for measure in MEASURES {
            let stretched = matches!(measure, Measure::Time | Measure::Memory);
            assert_eq!(kept(Growth::Flat, measure, &[(1.0, 100.0), (2.0, 155.0)]), Some(stretched), "{measure:?}");
            let line = [(1.0, 100.0), (2.0, 200.0), (3.0, 450.0)];
            assert_eq!(kept(Growth::Linear, measure, &line), Some(stretched), "{measure:?}");
        }
        // The first run of a program in a process may be slow.
        let slow = [(1_024.0, 220.0), (4_096.0, 57.0), (16_384.0, 73.0), (65_535.0, 194.0)];
        assert_eq!(kept(Growth::Linear, Measure::Time, &slow), Some(true));
        // One byte more is one too many.
        assert_eq!(kept(Growth::Flat, Measure::Bytes, &[(1.0, 13_733.0), (14.0, 13_734.0)]), Some(false));
    }
}
