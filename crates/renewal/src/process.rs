use std::time::SystemTime;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{KeyRole, PasswordKind, SlotId};

use crate::{Action, ByRole, CardView, Event, Fact, Message, ParsedCertificate, Phase, PinUse, Plan, Record, Refusal};

mod error;
mod handle;
mod next;
mod stage;
mod state;

pub use error::{ProcessError, ReplayError};
pub use stage::Stage;
use state::State;

/// A renewal on its way: a machine that says what to do next, and writes down before it does.
///
/// 1. [`next`](Self::next) says what to do. It changes nothing and can be asked again.
/// 2. Do it, and hand the outcome to [`handle`](Self::handle).
/// 3. Write the records that come back into the journal, durably, before step 1 comes again: they are written *before* what
///    follows from them is done.
///
/// Whoever is interrupted anywhere reads the journal and calls [`replay`](Self::replay). Where a card may or may not have
/// done what was begun, the machine then asks to look first.
#[derive(Clone, Debug)]
pub struct Process {
    state: State,
    doubt: Doubt,
}

/// What is known for this run only and is not worth a line in the journal.
#[derive(Clone, Debug, Default)]
struct Doubt {
    /// The card must be looked at before it is written to.
    look: bool,
    /// Certificates were written in this run, and the card said so.
    written: bool,
    /// Ask the CA no sooner than this.
    until: Option<SystemTime>,
    /// What a look found to be missing: certificates to write and slots to mark. `None` is everything.
    missing: Option<(Vec<KeyRole>, Vec<SlotId>)>,
}

impl Process {
    /// Begins a process. The records come first into the journal.
    #[must_use]
    pub fn start(id: impl Into<String>, plan: Plan, now: SystemTime) -> (Self, Vec<Record>) {
        let id = id.into();
        let record = Record { at: now, fact: Fact::Started { id: id.clone(), plan: Box::new(plan.clone()) } };
        (Self { state: State::new(id, plan, now), doubt: Doubt::default() }, vec![record])
    }

    /// Rebuilds a process from its journal.
    ///
    /// # Errors
    /// [`ReplayError`] when a record does not follow from those before it, or does not hold what it should.
    pub fn replay(records: &[Record]) -> Result<Self, ReplayError> {
        let (first, rest) = records.split_first().ok_or(ReplayError::Empty)?;
        let Fact::Started { id, plan } = &first.fact else { return Err(ReplayError::NotStarted) };
        let mut state = State::new(id.clone(), (**plan).clone(), first.at);
        for (index, record) in (1..).zip(rest) {
            let fact = record.fact.name();
            state.apply(&record.fact, record.at).map_err(|problem| ReplayError::Record { index, fact, problem })?;
        }
        let doubt = Doubt { look: true, ..Doubt::default() };
        Ok(Self { state, doubt })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.state.id
    }

    /// What was planned.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.state.plan
    }

    /// How far it has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.state.stage()
    }

    /// Whether there is [room](Plan::check_room) on the card for what this process has yet to put there. Another card than the one of the
    /// plan is told when it is needed.
    ///
    /// # Errors
    /// As [`Plan::check_room`].
    pub fn check_room(&self, card: &CardView) -> Result<(), Refusal> {
        let plan = self.plan();
        if self.state.is_on_card() || !plan.card.is(&card.identity) { Ok(()) } else { plan.check_room(card) }
    }

    /// Whether nothing more will happen by itself: it is done, it failed, or what is renewed expired before the order went out.
    /// Ask this, and not [`Stage::is_end`], when looking for something to go on with: no record says that time ran out.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        matches!(self.next(now), Action::Done(_) | Action::Failed(_))
    }

    /// The public halves of the keys that are to be certified, once all are there.
    #[must_use]
    pub fn keys(&self) -> Option<ByRole<&SubjectPublicKeyInfoOwned>> {
        self.state.keys.filter_map(|_, key| key.public.as_ref())
    }

    /// The new certificates, once they arrived and were found good.
    #[must_use]
    pub const fn certificates(&self) -> Option<&ByRole<ParsedCertificate>> {
        self.state.accepted.as_ref()
    }

    /// Whether it ended by a refusal of an order that was made. What was ordered may be on the card all the same, if it came on another
    /// way: [`Event::Looked`] finds that out, and nothing of this process is done that needs a password.
    #[must_use]
    pub const fn may_have_come_elsewhere(&self) -> bool {
        self.state.may_have_come_elsewhere()
    }

    /// The certificates that the holder said no to: it ended by that, and [`Event::Agreed`] takes it back. They were issued and
    /// are valid, unless the CA was told that they are wrong.
    #[must_use]
    pub const fn declined(&self) -> Option<&ByRole<ParsedCertificate>> {
        self.state.declined()
    }

    /// The public halves of keys for which another order brings nothing: the holder said no to their certificates, or the CA takes
    /// them no more (failInfo noKeyReuse, RFC 5272 §6.1.4). Of other keys the next order may be made, beside them.
    pub fn spent_keys(&self) -> impl Iterator<Item = &SubjectPublicKeyInfoOwned> {
        let spent = self.state.keys_are_spent();
        self.state.keys.iter().filter_map(|(_, key)| key.public.as_ref()).filter(move |_| spent)
    }

    /// The order as it was or will be sent, once it was sealed.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        self.state.sealed.as_ref()
    }

    /// The requests that were signed so far, DER.
    pub fn requests(&self) -> impl Iterator<Item = (KeyRole, &[u8])> {
        self.state.keys.iter().filter_map(|(role, key)| Some((role, key.request.as_deref()?)))
    }

    /// What happened so far, by the names of the records.
    pub fn history(&self) -> impl Iterator<Item = (SystemTime, &'static str)> {
        self.state.history.iter().copied()
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self, now: SystemTime) -> Action {
        next::next(&self.state, &self.doubt, now)
    }

    /// Takes the outcome of an action, or what came in from outside. The records must be in the journal before
    /// [`next`](Self::next) is asked again. On an error nothing has changed.
    ///
    /// # Errors
    /// [`ProcessError`]: the event does not fit, or what it brings is not what was asked for.
    pub fn handle(&mut self, event: Event, now: SystemTime) -> Result<Vec<Record>, ProcessError> {
        // Asked at any stage, it leads up to nothing.
        let leads_on = !matches!(event, Event::Standing(_));
        let (facts, doubt) = handle::facts(&self.state, &self.doubt, event, now)?;
        let mut state = self.state.clone();
        let mut records = Vec::new();
        for fact in facts {
            state.apply(&fact, now)?;
            records.push(Record { at: now, fact });
        }
        // An intent goes with what leads up to it, so that the next action may follow at once.
        if let Some(fact) = state.intent().filter(|_| leads_on && !records.is_empty()) {
            state.apply(&fact, now)?;
            records.push(Record { at: now, fact });
        }
        (self.state, self.doubt) = (state, doubt);
        Ok(records)
    }

    /// What a password will be sent to the card for from here on, in one phase: what one prompt may cover.
    #[must_use]
    pub fn uses_ahead(&self, phase: Phase, password: PasswordKind) -> Vec<PinUse> {
        self.state.uses_ahead(phase, password)
    }
}

impl PartialEq for Process {
    /// Whether both know the same. What holds for one run only (a wait, a look that is due) does not count.
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}
