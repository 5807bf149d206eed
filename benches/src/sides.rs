use std::hint::black_box;
use std::time::{Duration, Instant};

/// Several ways to do one thing, measured by turns: what else the machine does hits all of them alike.
///
/// Ours comes first.
#[derive(Default)]
pub struct Sides<'a> {
    sides: Vec<Side<'a>>,
}

struct Side<'a> {
    name: String,
    /// Does it so many times and says how long that took.
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
}

/// What one side took.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Who.
    pub side: String,
    /// Nanoseconds for one call.
    pub time: f64,
    /// By what factor at least, and by what at most, the first side was quicker than this one in the middle half of the rounds;
    /// `None` where a round is a matter of luck.
    pub ahead: Option<[f64; 2]>,
}

/// How long one side works before the next takes its turn: less than a system gives a program before another has the processor.
const TURN: Duration = Duration::from_millis(1);
/// How often is tried how long some calls take, in case that something else has the processor.
const TRIES: usize = 3;

impl<'a> Sides<'a> {
    /// Nobody yet; ours comes first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a way, measured as a whole.
    #[must_use]
    pub fn side<T>(self, name: &str, mut work: impl FnMut() -> T + 'a) -> Self {
        self.timed(name, move |count| {
            let begin = Instant::now();
            for _ in 0..count {
                black_box(work());
            }
            begin.elapsed()
        })
    }

    /// Adds a way that does it so many times and measures itself, since there is more to do than what counts.
    #[must_use]
    pub fn timed(mut self, name: &str, run: impl FnMut(u32) -> Duration + 'a) -> Self {
        self.sides.push(Side { name: name.to_owned(), run: Box::new(run) });
        self
    }

    /// For what is quick and always the same: the [lower quartile](lower_quartile) of the means in a turn.
    #[must_use]
    pub fn quartiles(mut self, rounds: usize) -> Vec<Figure> {
        let counts: Vec<u32> = self.sides.iter_mut().map(Side::calls_in_a_turn).collect();
        let times = self.by_turns(rounds, &counts, true);
        let Some((_, ours)) = times.first().cloned() else { return Vec::new() };
        let figure = |(side, mut times): (String, Vec<f64>)| {
            let mut ahead: Vec<f64> = times.iter().zip(&ours).map(|(time, ours)| time / ours).collect();
            let ahead = [quantile(&mut ahead, 0.25), quantile(&mut ahead, 0.75)];
            Figure { side, time: lower_quartile(&mut times), ahead: Some(ahead) }
        };
        times.into_iter().map(figure).collect()
    }

    /// For what is slow or a matter of luck: the median over single calls.
    #[must_use]
    pub fn medians_of_single_calls(self, rounds: usize) -> Vec<Figure> {
        let counts = vec![1; self.sides.len()];
        let times = self.by_turns(rounds, &counts, false);
        times.into_iter().map(|(side, mut times)| Figure { side, time: median(&mut times), ahead: None }).collect()
    }

    /// What every side took in every round, in nanoseconds a call.
    fn by_turns(mut self, rounds: usize, counts: &[u32], warm: bool) -> Vec<(String, Vec<f64>)> {
        let mut times = vec![Vec::with_capacity(rounds); self.sides.len()];
        for round in 0..rounds {
            for turn in 0..self.sides.len() {
                // Nobody always comes after the same one: every other round goes the other way round.
                let turn = if round % 2 == 0 { turn } else { self.sides.len() - 1 - turn };
                let at = (round + turn) % self.sides.len();
                if warm {
                    // What the one before left in the caches counts for nobody.
                    (self.sides[at].run)(1);
                }
                let took = (self.sides[at].run)(counts[at]);
                times[at].push(took.as_nanos() as f64 / f64::from(counts[at]));
            }
        }
        self.sides.into_iter().map(|side| side.name).zip(times).collect()
    }
}

impl Side<'_> {
    fn calls_in_a_turn(&mut self) -> u32 {
        let mut count = 1;
        loop {
            let took = (0..TRIES).map(|_| (self.run)(count)).min().unwrap_or_default();
            if took >= TURN / 2 || count >= u32::MAX / 4 {
                let count = f64::from(count) * TURN.as_secs_f64() / took.as_secs_f64().max(1e-9);
                return (count as u32).max(1);
            }
            count *= 2;
        }
    }
}

/// The middle one.
///
/// # Panics
/// When there is none.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let (middle, odd) = (figures.len() / 2, figures.len() % 2 == 1);
    if odd { figures[middle] } else { figures[middle - 1].midpoint(figures[middle]) }
}

/// The one that a quarter of them does not exceed: for times of the same thing, which what disturbs only makes longer.
///
/// # Panics
/// When there is none.
pub fn lower_quartile(figures: &mut [f64]) -> f64 {
    quantile(figures, 0.25)
}

/// The one that this part of them does not exceed.
fn quantile(figures: &mut [f64], part: f64) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[(part * (figures.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn a_quarter_does_not_exceed_the_lower_quartile() {
        let mut figures = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0.0, 0.25, 0.75, 1.0].map(|part| quantile(&mut figures, part)), [1.0, 2.0, 4.0, 5.0]);
    }

    #[test]
    fn everyone_has_as_many_turns_and_its_own_name() {
        let fixed = |nanos: u64| move |count: u32| Duration::from_nanos(nanos * u64::from(count));
        let times = Sides::new().timed("a", fixed(3)).timed("b", fixed(50_000_000)).quartiles(3);
        assert_eq!(
            times.iter().map(|figure| (&figure.side[..], figure.time)).collect::<Vec<_>>(),
            [("a", 3.0), ("b", 5e7)]
        );
        let mut turns = 0;
        let sides = Sides::new().timed("once", |count| {
            turns += count;
            Duration::from_nanos(u64::from(turns))
        });
        assert_eq!(sides.medians_of_single_calls(5), [Figure { side: "once".into(), time: 3.0, ahead: None }]);
    }

    #[test]
    fn how_far_ahead_is_said_for_the_middle_half_of_the_rounds() {
        let slow = Duration::from_millis(40);
        let mut round = 0;
        let other = move |_| {
            round += 1;
            // The first calls find out how many fill a turn; before each turn there is one that does not count.
            slow * [1, 1, 1, 9, 5, 9, 1, 9, 4, 9, 2, 9, 3][round - 1]
        };
        let times = Sides::new().timed("ours", move |_| slow).timed("other", other).quartiles(5);
        assert_eq!(times[0].ahead, Some([1.0, 1.0]));
        assert_eq!(times[1], Figure { side: "other".into(), time: 8e7, ahead: Some([2.0, 4.0]) });
    }
}
