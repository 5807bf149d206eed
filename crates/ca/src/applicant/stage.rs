/// What has been done for an applicant, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The form came; its address is not confirmed.
    Registered,
    /// The address is confirmed. Data can be corrected until here.
    Confirmed,
    /// An operator has seen who it is.
    Identified,
    /// The contract is signed.
    Contracted,
    /// It is paid.
    Paid,
    /// In place of a card: a one-time password can be issued for a user id, and first certificates asked for by it.
    Admitted,
    /// A card has keys, certificates and a transport PIN.
    Personalised,
    /// The applicant has the card.
    HandedOver,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The applicant opens the link that was mailed.
    Confirm,
    /// The data are corrected: by the applicant, or by an operator.
    Correct,
    /// The mail that asks to confirm the address is sent once more.
    Remind,
    /// An operator looks at the applicant's papers.
    Identify,
    /// The contract is signed.
    Contract,
    /// The payment arrives.
    Pay,
    /// The applicant is taken down as somebody who may ask for first certificates.
    Enter,
    /// A card is made.
    Personalise,
    /// The card is handed over.
    HandOver,
    /// The applicant looks at the transport PIN.
    ShowPin,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Registered,
        Self::Confirmed,
        Self::Identified,
        Self::Contracted,
        Self::Paid,
        Self::Admitted,
        Self::Personalised,
        Self::HandedOver,
    ];

    /// Name in lists and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Confirmed => "confirmed",
            Self::Identified => "identified",
            Self::Contracted => "contracted",
            Self::Paid => "paid",
            Self::Admitted => "admitted",
            Self::Personalised => "personalised",
            Self::HandedOver => "handed-over",
        }
    }

    /// Where a step leads from here.
    ///
    /// # Errors
    /// [`StepRefused`] when it is not its turn.
    pub fn after(self, step: Step) -> Result<Self, StepRefused> {
        let (from, to) = step.between();
        if (from..=step.until()).contains(&self) {
            return Ok(to.unwrap_or(self));
        }
        Err(if self < from {
            StepRefused::TooEarly { step, stage: self }
        } else {
            StepRefused::Done { step, stage: self }
        })
    }
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Confirm,
        Self::Correct,
        Self::Remind,
        Self::Identify,
        Self::Contract,
        Self::Pay,
        Self::Enter,
        Self::Personalise,
        Self::HandOver,
        Self::ShowPin,
    ];

    /// Name in messages and in the audit log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Correct => "correct",
            Self::Remind => "confirm-mail",
            Self::Identify => "identity",
            Self::Contract => "contract",
            Self::Pay => "payment",
            Self::Enter => "enter",
            Self::Personalise => "card",
            Self::HandOver => "hand-over",
            Self::ShowPin => "transport-pin",
        }
    }

    /// The first stage in which it may be done, and the stage that it leads to, if to another.
    const fn between(self) -> (Stage, Option<Stage>) {
        match self {
            Self::Confirm => (Stage::Registered, Some(Stage::Confirmed)),
            Self::Correct | Self::Remind => (Stage::Registered, None),
            Self::Identify => (Stage::Confirmed, Some(Stage::Identified)),
            Self::Contract => (Stage::Identified, Some(Stage::Contracted)),
            Self::Pay => (Stage::Contracted, Some(Stage::Paid)),
            Self::Enter => (Stage::Paid, Some(Stage::Admitted)),
            Self::Personalise => (Stage::Paid, Some(Stage::Personalised)),
            Self::HandOver => (Stage::Personalised, Some(Stage::HandedOver)),
            Self::ShowPin => (Stage::HandedOver, None),
        }
    }

    /// The last one.
    const fn until(self) -> Stage {
        match self {
            Self::Correct => Stage::Confirmed,
            // Under another user id, or for another module.
            Self::Enter => Stage::Admitted,
            // Another link, where the PIN is kept; and where it is not, another card.
            Self::HandOver | Self::Personalise => Stage::HandedOver,
            other => other.between().0,
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a step is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// Others come before it.
    #[error("it is too early for this step ({step}): the applicant is {stage}")]
    TooEarly {
        /// What was to be done.
        step: Step,
        /// What has been done.
        stage: Stage,
    },
    /// Its time is over.
    #[error("it is too late for this step ({step}): the applicant is {stage}")]
    Done {
        /// What was to be done.
        step: Step,
        /// What has been done.
        stage: Stage,
    },
}

impl StepRefused {
    /// Name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooEarly { .. } => "too-early",
            Self::Done { .. } => "too-late",
        }
    }
}
