use std::{io, path::PathBuf, sync::PoisonError, time::SystemTime};

use obnova_client::{
    CaConnection, FileJournal, RunError, Runner, Seams, SharedToken, Turn,
    card::{PasswordSteps, TokenError},
    look,
    renewal::{CardView, NotEligible, Plan},
};

use crate::{Screens, house_policy};

/// The program with the one button "Obnovit certifikáty". It wires; whatever has to be decided, the engine decides.
pub struct FrontEnd<'a> {
    /// The card.
    pub token: SharedToken,
    /// The way to the registration office.
    pub ca: &'a mut dyn CaConnection,
    /// What the holder sees.
    pub screens: Screens<'a>,
    /// Where renewals are written down, so that a window can be closed at any time.
    pub journals: PathBuf,
    /// What time it is.
    pub clock: &'a dyn Fn() -> SystemTime,
}

/// Why nothing was begun, or a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The pair cannot be renewed now.
    #[error(transparent)]
    NotEligible(#[from] NotEligible),
    /// A step was not done; nothing is lost.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The screens cannot be shown.
    #[error("the screens cannot be shown: {0}")]
    Screen(#[from] io::Error),
}

impl FrontEnd<'_> {
    /// The button: goes on with a renewal that is under way, or plans and begins one; then as far as it goes. What comes
    /// back was shown to the holder already.
    ///
    /// # Errors
    /// [`Trouble`], shown to the holder as well.
    pub fn renew(&mut self) -> Result<Turn, Trouble> {
        let outcome = self.run();
        match &outcome {
            Ok(Turn::Waits(until)) => self.screens.waiting(*until)?,
            Ok(Turn::Done(summary)) => self.screens.done(summary)?,
            Ok(Turn::Failed(failure)) => self.screens.failed(failure)?,
            Ok(_) | Err(Trouble::Screen(_)) => {}
            Err(Trouble::NotEligible(refused)) => self.screens.not_eligible(refused)?,
            Err(Trouble::Run(error)) => self.trouble(error)?,
        }
        outcome
    }

    /// Shows what is on the card.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn show_card(&mut self) -> Result<(), Trouble> {
        let card = self.look()?;
        Ok(self.screens.card(&card)?)
    }

    /// What helps against a blocked PIN is seen on the card as it stands now.
    fn trouble(&mut self, error: &RunError) -> io::Result<()> {
        let steps = self.look().map(|card| PasswordSteps::of(&card.capabilities, &card.passwords));
        self.screens.trouble(error, steps.ok().as_ref())
    }

    fn run(&mut self) -> Result<Turn, Trouble> {
        let now = (self.clock)();
        let under_way = FileJournal::unfinished(&self.journals, now)?;
        if let Some((name, _)) = under_way.first() {
            let mut journal = FileJournal::open(&self.journals, name).map_err(RunError::from)?;
            return Ok(Runner::resume(self.seams(&mut journal))?.run()?);
        }
        // The plan is made from the card, the vendor's policy and the clock, before anything is touched.
        let plan = house_policy::named(Plan::make(&self.look()?, &house_policy::policy(), now)?);
        let taken = FileJournal::list(&self.journals).map_err(RunError::from)?;
        let id = (0..=taken.len()).map(|count| format!("renewal-{count}")).find(|id| !taken.contains(id));
        let id = id.unwrap_or_default();
        let mut journal = FileJournal::create(&self.journals, &id).map_err(RunError::from)?;
        Ok(Runner::begin(self.seams(&mut journal), &id, plan)?.run()?)
    }

    fn seams<'b>(&'b mut self, journal: &'b mut FileJournal) -> Seams<'b> {
        Seams {
            token: Some(self.token.clone()),
            ca: &mut *self.ca,
            prompt: &mut self.screens,
            journal,
            // There is no server to log in to: the policy asks for no login.
            login: None,
            clock: self.clock,
        }
    }

    fn look(&self) -> Result<CardView, RunError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        look(token.as_mut()).map_err(|error: TokenError| error.into())
    }
}
