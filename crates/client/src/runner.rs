use std::time::SystemTime;

use obnova_card::{KeyEntry, SlotId, TokenError};
use obnova_card_rustls::SharedToken;
use obnova_renewal::{
    Action, CardView, Event, Failure, Plan, Process, Question as Asked, Record, SlotView, Stage, Summary,
};

use crate::{
    CaConnection, Credentials, Journal, Login, LoginProof, Progress, Prompt, Question, RunError,
    look::{lock, look},
};

mod patience;
mod pins;

pub use patience::Pause;
use pins::Pins;

/// What a runner works with.
pub struct Seams<'a> {
    /// The card; `None` is enough for waiting and fetching.
    pub token: Option<SharedToken>,
    /// The way to the CA.
    pub ca: &'a mut dyn CaConnection,
    /// The holder.
    pub prompt: &'a mut dyn Prompt,
    /// Where it is written down.
    pub journal: &'a mut dyn Journal,
    /// How a login is proven, where the policy asks for it.
    pub login: Option<&'a mut dyn LoginProof>,
    /// What time it is: [`SystemTime::now`], outside of tests.
    pub clock: &'a dyn Fn() -> SystemTime,
}

/// Runs a renewal for real, one action at a time.
///
/// It can be dropped after any step, and in the middle of one by whatever ends the program: what was begun is in the journal,
/// and [`resume`](Self::resume) goes on from there. It blocks; on a card that makes keys slowly one step takes half a minute.
pub struct Runner<'a> {
    seams: Seams<'a>,
    process: Process,
    /// Records that could not be written yet. Nothing that follows from them is done before they are.
    unwritten: Vec<Record>,
    pins: Pins,
    /// The card was seen to be the one of the plan.
    card_is_right: bool,
    /// There was room for the new certificates when this runner looked first.
    has_room: bool,
    /// The slots as they were seen last.
    slots: Vec<SlotView>,
    /// The holder said no in this run: what he declined he is not asked about once more.
    said_no: bool,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something was done; there is more to do.
    Went,
    /// There is nothing to do before this moment. The program may end meanwhile. The moment is not written down: a process
    /// that is resumed before it asks the CA at once, since its holder came back.
    Waits(SystemTime),
    /// It is done. Where the CA refuses an order whose certificates are on the card already, since they came on another way, that is
    /// done too ([`Summary::came_elsewhere`]).
    Done(Box<Summary>),
    /// It came to an end without new certificates. Where the CA refused, and no card was there to look at, it can be resumed with the
    /// card; and where the holder said no to first certificates, it can be resumed too, and he is asked once more.
    Failed(Failure),
}

impl<'a> Runner<'a> {
    /// Begins a renewal; the plan is in the journal when this returns, and nothing else has happened.
    ///
    /// # Errors
    /// [`RunError::Begun`] when the journal holds a process already; [`RunError::Journal`].
    pub fn begin(seams: Seams<'a>, id: &str, plan: Plan) -> Result<Self, RunError> {
        if !seams.journal.records()?.is_empty() {
            return Err(RunError::Begun);
        }
        let (process, records) = Process::start(id, plan, (seams.clock)());
        let mut runner = Self::new(seams, process);
        runner.unwritten = records;
        runner.write_down()?;
        Ok(runner)
    }

    /// Goes on with what the journal holds.
    ///
    /// # Errors
    /// [`RunError::Journal`], [`RunError::Replay`].
    pub fn resume(seams: Seams<'a>) -> Result<Self, RunError> {
        let process = Process::replay(&seams.journal.records()?)?;
        Ok(Self::new(seams, process))
    }

    fn new(seams: Seams<'a>, process: Process) -> Self {
        Self {
            seams,
            process,
            unwritten: Vec::new(),
            pins: Pins::default(),
            card_is_right: false,
            has_room: false,
            slots: Vec::new(),
            said_no: false,
        }
    }

    /// The process, to look at.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// The slots of the card as they were seen last; none before the first look.
    #[must_use]
    pub fn slots(&self) -> &[SlotView] {
        &self.slots
    }

    /// What the next step will do.
    #[must_use]
    pub fn upcoming(&self) -> Action {
        self.process.next((self.seams.clock)())
    }

    /// Does one thing. A look at the card, which a resumed process needs before it writes, is part of that one thing: so
    /// even a program that ends after each step comes to the end of the renewal.
    ///
    /// # Errors
    /// [`RunError`]. Nothing is lost: mend the cause and call again, or resume another day.
    pub fn step(&mut self) -> Result<Turn, RunError> {
        let turn = self.advance();
        if turn.is_err() {
            self.pins.forget_all();
        }
        turn
    }

    /// The same, without forgetting the passwords that were given where it goes wrong.
    fn advance(&mut self) -> Result<Turn, RunError> {
        self.write_down()?;
        let looked = self.upcoming() == Action::Look;
        let turn = self.act()?;
        let may_write_now = matches!(self.upcoming(), Action::Generate { .. } | Action::Install { .. });
        if looked && may_write_now { self.act() } else { Ok(turn) }
    }

    fn act(&mut self) -> Result<Turn, RunError> {
        let action = self.upcoming();
        match action {
            Action::Wait { until } => return Ok(Turn::Waits(until)),
            Action::Done(summary) => return Ok(Turn::Done(summary)),
            Action::Failed(failure) => {
                let goes_on = self.finds_it_done()? || self.takes_back_no()?;
                return Ok(if goes_on { Turn::Went } else { Turn::Failed(failure) });
            }
            _ => {}
        }
        self.check_room()?;
        self.seams.prompt.progress(&Progress::Begins(&action));
        let outcome = self.perform(&action).and_then(|event| self.take(event));
        let told = if outcome.is_ok() { Progress::Done(&action) } else { Progress::Failed(&action) };
        self.seams.prompt.progress(&told);
        if matches!(outcome, Err(RunError::Token(TokenError::OtherCard { .. }))) {
            self.card_is_right = false;
        }
        outcome.map(|()| Turn::Went)
    }

    /// Goes on until it is done, has failed, or has to wait.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn run(&mut self) -> Result<Turn, RunError> {
        loop {
            match self.step()? {
                Turn::Went => {}
                end => return Ok(end),
            }
        }
    }

    /// Takes certificates that came on another way (files that were mailed). Either both are found good and will be
    /// installed by the next steps, or nothing changes.
    ///
    /// # Errors
    /// [`RunError::Process`] with the refusal by name; [`RunError::Journal`].
    pub fn take_files(&mut self, certificates: Vec<Vec<u8>>) -> Result<(), RunError> {
        self.write_down()?;
        self.take(Event::Files(certificates))
    }

    fn take(&mut self, event: Event) -> Result<(), RunError> {
        let records = self.process.handle(event, (self.seams.clock)())?;
        self.unwritten.extend(records);
        self.write_down()?;
        self.pins.forget_unneeded(&self.process);
        Ok(())
    }

    fn write_down(&mut self) -> Result<(), RunError> {
        if !self.unwritten.is_empty() {
            self.seams.journal.append(&self.unwritten)?;
            self.unwritten.clear();
        }
        Ok(())
    }

    fn perform(&mut self, action: &Action) -> Result<Event, RunError> {
        if action.needs_card() {
            self.check_card()?;
        }
        Ok(match action {
            Action::AskStanding(certificates) => {
                let now = (self.seams.clock)();
                let told = certificates.try_map(|_, certificate| self.seams.ca.standing(certificate, now))?;
                self.seams.prompt.progress(&Progress::Standing(&told));
                Event::Standing(told)
            }
            Action::Ask(asked) => self.ask(asked)?,
            Action::UseLink(link) => Event::Link(self.seams.ca.use_link(link)?),
            Action::LearnTerms => Event::Terms(self.seams.ca.terms()?),
            Action::Prepare(order) if self.process.plan().is_first() => {
                let Plan { one_time_password, revocation_password, revocation_password_optional, .. } =
                    *self.process.plan();
                let credentials = Credentials::ask(
                    self.seams.prompt,
                    one_time_password,
                    revocation_password,
                    revocation_password_optional,
                )?;
                Event::Prepared(self.seams.ca.prepare_first(order, &credentials)?)
            }
            Action::Prepare(order) => Event::Prepared(self.seams.ca.prepare(order)?),
            Action::Seal { order, prepared, signatures } => {
                Event::Sealed(self.seams.ca.seal(order, prepared, signatures)?)
            }
            Action::Send(message) => {
                self.tell_who()?;
                Event::Answered(self.seams.ca.send(message)?)
            }
            Action::PickUp(pick_up) => {
                self.tell_who()?;
                Event::Answered(self.seams.ca.pick_up(pick_up)?)
            }
            Action::OverLogin { asked, slot, certificate, pin } => {
                let key = self.key_entry(*slot)?;
                let token = self.token()?;
                Event::Answered(self.with_pin_for_ca(pin, |ca, pin| {
                    ca.ask_over_login(
                        asked,
                        &Login { token: &token, slot: *slot, key: &key, certificate, pin: pin.clone() },
                    )
                })?)
            }
            Action::Acknowledge(receipt) => {
                self.seams.ca.acknowledge(receipt)?;
                Event::Acknowledged
            }
            Action::Look => {
                let card = self.look()?;
                self.process.check_room(&card).map_err(RunError::NoRoom)?;
                Event::Looked(card.slots)
            }
            Action::Generate { order, pin } => {
                let made = self.with_pin(pin, |token, pin| token.generate(order, pin));
                Event::KeyMade(self.or_uncertain(made)?)
            }
            Action::Sign { jobs, pin } => Event::Signed(self.with_pin(pin, |token, pin| token.sign(jobs, pin))?),
            Action::Install { jobs, superseded, pin } => {
                let written = self.with_pin(pin, |token, pin| token.install(jobs, superseded, pin));
                self.or_uncertain(written)?;
                Event::Installed
            }
            Action::ProveLogin { slot, certificate, pin } => {
                let key = self.key_entry(*slot)?;
                let token = self.token()?;
                Event::LoggedIn(self.with_pin_for_login(pin, |proof, pin| {
                    proof.login(&Login { token: &token, slot: *slot, key: &key, certificate, pin: pin.clone() })
                })?)
            }
            Action::Wait { .. } | Action::Done(_) | Action::Failed(_) => return Err(RunError::NothingToDo),
        })
    }

    /// Says who asks for first certificates, where that is said each time and is not known any more.
    fn tell_who(&mut self) -> Result<(), RunError> {
        if self.process.plan().is_first() && self.seams.ca.asks_who() {
            let credentials = Credentials::ask_again(self.seams.prompt, self.process.plan().one_time_password)?;
            self.seams.ca.is_told_who(&credentials)?;
        }
        Ok(())
    }

    fn ask(&mut self, asked: &Asked) -> Result<Event, RunError> {
        let question = match asked {
            Asked::Risk(risk) => Question::Risk(risk),
            Asked::Plan(plan) => Question::Plan(plan),
            Asked::Certificates(certificates) => Question::Certificates(certificates),
        };
        self.said_no = !self.seams.prompt.confirm(&question)?;
        Ok(if self.said_no { Event::Declined } else { Event::Agreed })
    }

    /// Whether certificates that were declined in an earlier run are agreed to now.
    fn takes_back_no(&mut self) -> Result<bool, RunError> {
        let Some(certificates) = self.process.declined().filter(|_| !self.said_no).cloned() else { return Ok(false) };
        let agreed = self.ask(&Asked::Certificates(Box::new(certificates)))? == Event::Agreed;
        if agreed {
            self.take(Event::Agreed)?;
        }
        Ok(agreed)
    }

    fn look(&mut self) -> Result<CardView, RunError> {
        let token = self.token()?;
        let card = look(lock(&token).as_mut())?;
        self.slots.clone_from(&card.slots);
        Ok(card)
    }

    /// Whether what is ordered will have room, before anything is asked or sent for it. Something else may have come to the card since the
    /// plan was made; and what comes after this is seen when the card is looked at for writing.
    fn check_room(&mut self) -> Result<(), RunError> {
        let stage = self.process.stage();
        let is_ordered = !stage.is_before_send() && stage != Stage::Send;
        if self.has_room || is_ordered || self.seams.token.is_none() {
            return Ok(());
        }
        let card = self.look()?;
        self.process.check_room(&card).map_err(RunError::NoRoom)?;
        self.has_room = self.process.plan().card.is(&card.identity);
        Ok(())
    }

    /// Whether what the CA gives nothing for any more came on another way and is on the card, as far as it can be looked at. Where it
    /// cannot, the refusal is what there is to tell, and whoever resumes with the card is told the rest.
    fn finds_it_done(&mut self) -> Result<bool, RunError> {
        let refused = self.process.may_have_come_elsewhere() && self.seams.token.is_some();
        let Some(card) = refused.then(|| self.check_card().and_then(|()| self.look()).ok()).flatten() else {
            return Ok(false);
        };
        self.take(Event::Looked(card.slots))?;
        Ok(self.process.stage() == Stage::Done)
    }

    /// A writing command that failed may have been carried out. It was not when the card refused the password.
    fn or_uncertain<T>(&mut self, outcome: Result<T, RunError>) -> Result<T, RunError> {
        if let Err(RunError::Token(error)) = &outcome
            && !is_about_the_password(error)
        {
            self.take(Event::Uncertain)?;
        }
        outcome
    }

    fn check_card(&mut self) -> Result<(), RunError> {
        if !self.card_is_right {
            let found = lock(&self.token()?).identity()?;
            let planned = &self.process.plan().card;
            if !planned.is(&found) {
                return Err(RunError::WrongCard { wanted: planned.serial.clone(), found: found.serial });
            }
            self.card_is_right = true;
        }
        Ok(())
    }

    fn key_entry(&mut self, slot: SlotId) -> Result<KeyEntry, RunError> {
        let seen = |slots: &[SlotView]| slots.iter().find(|one| one.id == slot).and_then(|one| one.key.clone());
        if seen(&self.slots).is_none() {
            self.look()?;
        }
        seen(&self.slots).ok_or_else(|| TokenError::Slot { slot, problem: "there is no key in it" }.into())
    }

    fn token(&self) -> Result<SharedToken, RunError> {
        self.seams.token.clone().ok_or(RunError::NoCard)
    }
}

const fn is_about_the_password(error: &TokenError) -> bool {
    matches!(
        error,
        TokenError::WrongSecret { .. }
            | TokenError::TooFewTries { .. }
            | TokenError::TriesWentUp { .. }
            | TokenError::Blocked { .. }
            | TokenError::SecretForm { .. }
            | TokenError::NotActive
    )
}
