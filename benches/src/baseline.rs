use std::{fmt, str::FromStr};

/// Ratios that were found good, to hold later ones against. `Display` is the file, `FromStr` reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    ratios: Vec<Ratio>,
}

/// What a task costs us, by what it costs a peer in the same build; less is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    /// The task, one word.
    pub task: String,
    /// The peer, one word.
    pub peer: String,
    /// Ours by theirs.
    pub ratio: f64,
}

/// How a ratio differs from the baseline. Its `Display` says what to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// It got worse, by this part.
    Worse(Ratio, f64),
    /// It got better, by this part: the baseline can hold that.
    Better(Ratio, f64),
    /// The baseline does not have it.
    New(Ratio),
    /// The baseline has it, and nobody measures it.
    Gone(Ratio),
}

impl Baseline {
    /// These are good.
    #[must_use]
    pub const fn new(ratios: Vec<Ratio>) -> Self {
        Self { ratios }
    }

    /// What differs by more than `tolerance`, a part of the baseline.
    #[must_use]
    pub fn compare(&self, now: &[Ratio], tolerance: f64) -> Vec<Finding> {
        let find = |ratios: &[Ratio], wanted: &Ratio| {
            ratios.iter().find(|ratio| ratio.task == wanted.task && ratio.peer == wanted.peer).map(|ratio| ratio.ratio)
        };
        let judge = |ratio: &Ratio| match find(&self.ratios, ratio).map(|before| ratio.ratio / before - 1.0) {
            None => Some(Finding::New(ratio.clone())),
            Some(change) if change > tolerance => Some(Finding::Worse(ratio.clone(), change)),
            Some(change) if change < -tolerance => Some(Finding::Better(ratio.clone(), -change)),
            Some(_) => None,
        };
        let gone = self.ratios.iter().filter(|ratio| find(now, ratio).is_none()).cloned().map(Finding::Gone);
        now.iter().filter_map(judge).chain(gone).collect()
    }
}

impl Finding {
    /// Whether it must not stay.
    #[must_use]
    pub const fn is_bad(&self) -> bool {
        !matches!(self, Self::Better(..))
    }
}

const HEAD: &str =
    "# Instructions of each task, ours by the peer's in one build; written by: scripts/instructions --renew";

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        self.ratios.iter().try_for_each(|Ratio { task, peer, ratio }| writeln!(f, "{task} {peer} {ratio:.4}"))
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let ratio = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [task, peer, ratio] => {
                let ratio = ratio.parse().ok().filter(|ratio: &f64| ratio.is_normal() && *ratio > 0.0)?;
                Some(Ratio { task: task.to_owned(), peer: peer.to_owned(), ratio })
            }
            _ => None,
        };
        let ratios = lines.map(|line| ratio(line).ok_or(format!("no task, peer and ratio: {line}")));
        Ok(Self { ratios: ratios.collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RENEW: &str = "`scripts/instructions --renew` writes the baseline anew";
        let (Self::Worse(ratio, _) | Self::Better(ratio, _) | Self::New(ratio) | Self::Gone(ratio)) = self;
        write!(f, "{} beside {}: ", ratio.task, ratio.peer)?;
        match self {
            Self::Worse(ratio, by) => {
                let by = by * 100.0;
                write!(
                    f,
                    "worse by {by:.0} percent, at {:.4}. Mend what costs more, or say why it must: {RENEW}",
                    ratio.ratio
                )
            }
            Self::Better(_, by) => write!(f, "better by {:.0} percent. So that it stays so: {RENEW}", by * 100.0),
            Self::New(_) => write!(f, "the baseline does not have it: {RENEW}"),
            Self::Gone(_) => write!(f, "the baseline has it, and it is not counted: {RENEW}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(task: &str, ratio: f64) -> Ratio {
        Ratio { task: task.to_owned(), peer: "peer".to_owned(), ratio }
    }

    #[test]
    fn what_is_written_is_read() {
        let baseline = Baseline::new(vec![ratio("read", 0.125), ratio("walked", 0.0417)]);
        assert_eq!(baseline.to_string().parse(), Ok(baseline));
        for wrong in ["read peer", "read peer much", "read peer 0", "read peer NaN", "read peer 1 2"] {
            assert!(wrong.parse::<Baseline>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn worse_new_and_gone_is_bad_and_what_is_within_the_tolerance_is_not_told() {
        let before = Baseline::new(vec![ratio("a", 0.5), ratio("b", 0.5), ratio("c", 0.5), ratio("d", 0.5)]);
        let now = [ratio("a", 0.54), ratio("b", 0.56), ratio("c", 0.4), ratio("e", 0.1)];
        let findings = before.compare(&now, 0.1);
        let told: Vec<(String, bool)> =
            findings.iter().map(|finding| (finding.to_string(), finding.is_bad())).collect();
        let begins = [
            ("b beside peer: worse by 12 percent, at 0.5600", true),
            ("c beside peer: better by 20 percent", false),
            ("e beside peer: the baseline does not have it", true),
            ("d beside peer: the baseline has it", true),
        ];
        assert_eq!(told.len(), begins.len(), "{told:?}");
        for ((text, bad), (begin, expected)) in told.iter().zip(begins) {
            assert!(text.starts_with(begin) && *bad == expected, "{text}");
        }
    }
}
