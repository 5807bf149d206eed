use crate::Figure;

/// One line of the table: a task, what it costs us, and what it costs the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the task belongs to; rows of a group stand together.
    pub group: String,
    /// The task.
    pub task: String,
    /// What the figures are.
    pub unit: Unit,
    /// Our figure.
    pub ours: f64,
    /// Theirs.
    pub peers: Vec<Peer>,
}

/// The figure of somebody who does the same in the same run.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Who.
    pub name: String,
    /// Its figure; `None` when it cannot do the task.
    pub value: Option<f64>,
    /// Between what factors we were ahead in the middle half of the rounds, where there are rounds.
    pub in_rounds: Option<[f64; 2]>,
    /// By what factor we want to be ahead at least; below 1 it says how far behind we may be.
    pub target: Option<f64>,
}

/// What figures count, and which of two is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; less is better. Shown as ns, us, ms or s.
    Time,
    /// Things of this name that are spent; less is better.
    Spent(&'static str),
    /// Things of this name that are done in a second; more is better.
    Rate(&'static str),
}

impl Row {
    /// A line without peers yet.
    pub fn new(group: &str, task: impl Into<String>, unit: Unit, ours: f64) -> Self {
        Self { group: group.to_owned(), task: task.into(), unit, ours, peers: Vec::new() }
    }

    /// A line of times, ours first, as [`Sides`](crate::Sides) gives them.
    #[must_use]
    pub fn times(group: &str, task: impl Into<String>, sides: &[Figure]) -> Self {
        let (ours, peers) = sides.split_first().map_or((f64::NAN, sides), |(ours, peers)| (ours.time, peers));
        let peer = |figure: &Figure| Peer {
            name: figure.side.clone(),
            value: Some(figure.time),
            in_rounds: figure.ahead,
            target: None,
        };
        Self { peers: peers.iter().map(peer).collect(), ..Self::new(group, task, Unit::Time, ours) }
    }

    /// Adds a peer; `None` when it cannot do the task.
    #[must_use]
    pub fn beside(mut self, name: &str, value: Option<f64>) -> Self {
        self.peers.push(Peer { name: name.to_owned(), value, in_rounds: None, target: None });
        self
    }

    /// Sets by what factor we want to be ahead of this peer at least.
    ///
    /// # Panics
    /// When there is no peer of this name.
    #[must_use]
    pub fn target(mut self, name: &str, ahead: f64) -> Self {
        let peer = self.peers.iter_mut().find(|peer| peer.name == name);
        let Some(peer) = peer else { panic!("{}: no peer is called {name}", self.task) };
        peer.target = Some(ahead);
        self
    }

    /// By what factor we are ahead of this peer; below 1 we are behind.
    #[must_use]
    pub fn ahead_of(&self, peer: &Peer) -> Option<f64> {
        let value = peer.value?;
        Some(match self.unit {
            Unit::Time | Unit::Spent(_) => value / self.ours,
            Unit::Rate(_) => self.ours / value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_better_but_for_rates() {
        let spent = Row::new("g", "t", Unit::Spent("APDUs"), 4.0).beside("peer", Some(10.0)).beside("other", None);
        assert_eq!(spent.peers.iter().map(|peer| spent.ahead_of(peer)).collect::<Vec<_>>(), [Some(2.5), None]);
        let rate = Row::new("g", "t", Unit::Rate("orders"), 5.0).beside("bound", Some(10.0)).target("bound", 0.5);
        assert_eq!((rate.ahead_of(&rate.peers[0]), rate.peers[0].target), (Some(0.5), Some(0.5)));
    }

    #[test]
    #[should_panic(expected = "no peer is called")]
    fn a_target_is_for_a_peer_that_is_there() {
        let _ = Row::new("g", "t", Unit::Time, 1.0).target("nobody", 1.0);
    }
}
