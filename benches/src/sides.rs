use std::hint::black_box;
use std::time::{Duration, Instant};

/// Several ways to do one thing, measured by turns: what else the machine does hits all of them alike.
#[derive(Default)]
pub struct Sides<'a> {
    sides: Vec<Side<'a>>,
}

struct Side<'a> {
    name: String,
    /// Does it so many times and says how long that took.
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
}

/// How long one side works before the next takes its turn.
const TURN: Duration = Duration::from_millis(8);

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

    /// For what is quick and always the same: median over the rounds of the mean in a turn, in nanoseconds.
    #[must_use]
    pub fn medians(mut self, rounds: usize) -> Vec<(String, f64)> {
        let counts: Vec<u32> = self.sides.iter_mut().map(Side::calls_in_a_turn).collect();
        self.by_turns(rounds, &counts)
    }

    /// For what is slow or a matter of luck: median over single calls, in nanoseconds.
    #[must_use]
    pub fn medians_of_single_calls(self, rounds: usize) -> Vec<(String, f64)> {
        let counts = vec![1; self.sides.len()];
        self.by_turns(rounds, &counts)
    }

    fn by_turns(mut self, rounds: usize, counts: &[u32]) -> Vec<(String, f64)> {
        let mut times = vec![Vec::with_capacity(rounds); self.sides.len()];
        for round in 0..rounds {
            // Nobody always comes after the same one.
            for turn in 0..self.sides.len() {
                let at = (round + turn) % self.sides.len();
                let took = (self.sides[at].run)(counts[at]);
                times[at].push(took.as_nanos() as f64 / f64::from(counts[at]));
            }
        }
        self.sides.into_iter().zip(times).map(|(side, mut times)| (side.name, median(&mut times))).collect()
    }
}

impl Side<'_> {
    fn calls_in_a_turn(&mut self) -> u32 {
        let mut count = 1;
        loop {
            let took = (self.run)(count);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn everyone_has_as_many_turns_and_its_own_name() {
        let fixed = |nanos: u64| move |count: u32| Duration::from_nanos(nanos * u64::from(count));
        let times = Sides::new().timed("a", fixed(3)).timed("b", fixed(50_000_000)).medians(3);
        assert_eq!(times, [("a".to_owned(), 3.0), ("b".to_owned(), 50_000_000.0)]);
        let mut turns = 0;
        let sides = Sides::new().timed("once", |count| {
            turns += count;
            Duration::from_nanos(u64::from(turns))
        });
        assert_eq!(sides.medians_of_single_calls(5), [("once".to_owned(), 3.0)]);
    }
}
