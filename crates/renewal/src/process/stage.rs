use obnova_card::KeyRole;

/// How far a process has come: what it will do next, unless the card has to be looked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The risk must be accepted.
    AskRisk,
    /// The plan must be agreed to.
    AskPlan,
    /// The link must be used up, or the answer to that was lost.
    UseLink,
    /// The CA's terms are not known.
    Terms,
    /// A key must be made.
    Generate(KeyRole),
    /// A request must be signed by its key.
    Request(KeyRole),
    /// The order must be made ready.
    Prepare,
    /// Old keys must sign.
    Vouch,
    /// The signatures must be put in.
    Seal,
    /// The order must be sent, or may not have arrived.
    Send,
    /// Accepted; to be fetched.
    PickUp,
    /// The certificates must be agreed to.
    AskCertificates,
    /// To be written to the card and read back.
    Install,
    /// The CA must be told.
    Acknowledge,
    /// A login is due.
    ProveLogin,
    /// A signature is due.
    ProveSignature,
    /// Done: the certificates are on the card, put there by this process, or, as was found out, on another way.
    Done,
    /// Ended without new certificates.
    Failed,
}

impl Stage {
    /// Its name, which is a message id too.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::AskRisk => "stage-ask-risk",
            Self::AskPlan => "stage-ask-plan",
            Self::UseLink => "stage-use-link",
            Self::Terms => "stage-terms",
            Self::Generate(KeyRole::Authentication) => "stage-generate-authentication",
            Self::Generate(KeyRole::Signature) => "stage-generate-signature",
            Self::Request(KeyRole::Authentication) => "stage-request-authentication",
            Self::Request(KeyRole::Signature) => "stage-request-signature",
            Self::Prepare => "stage-prepare",
            Self::Vouch => "stage-vouch",
            Self::Seal => "stage-seal",
            Self::Send => "stage-send",
            Self::PickUp => "stage-pick-up",
            Self::AskCertificates => "stage-ask-certificates",
            Self::Install => "stage-install",
            Self::Acknowledge => "stage-acknowledge",
            Self::ProveLogin => "stage-prove-login",
            Self::ProveSignature => "stage-prove-signature",
            Self::Done => "stage-done",
            Self::Failed => "stage-failed",
        }
    }

    /// Whether the journal says that nothing more will happen. A process can be [over](crate::Process::is_over) without it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id().trim_start_matches("stage-"))
    }
}
