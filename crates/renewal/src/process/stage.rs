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

    /// Whether what the order is made ready with is still to be had: who asks, and the passwords of a first order, are asked for up
    /// to [`Prepare`](Self::Prepare) and not any more when keys sign what came of that.
    #[must_use]
    pub const fn is_before_vouch(self) -> bool {
        match self {
            Self::AskRisk
            | Self::AskPlan
            | Self::UseLink
            | Self::Terms
            | Self::Generate(_)
            | Self::Request(_)
            | Self::Prepare => true,
            Self::Vouch
            | Self::Seal
            | Self::Send
            | Self::PickUp
            | Self::AskCertificates
            | Self::Install
            | Self::Acknowledge
            | Self::ProveLogin
            | Self::ProveSignature
            | Self::Done
            | Self::Failed => false,
        }
    }

    /// Whether the order is not ready to go out: until then the old certificates have to be valid; from then on the CA decides.
    #[must_use]
    pub const fn is_before_send(self) -> bool {
        self.is_before_vouch() || matches!(self, Self::Vouch | Self::Seal)
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

#[cfg(test)]
mod tests {
    use obnova_card::KeyRole::{Authentication, Signature};

    use super::Stage::{self, *};

    #[test]
    fn what_keys_sign_is_made_ready_and_has_not_gone_out() {
        let asks = [AskRisk, AskPlan, UseLink, Terms, Generate(Authentication), Generate(Signature), Prepare];
        let asks = asks.into_iter().chain([Request(Authentication), Request(Signature)]);
        assert!(asks.into_iter().all(|stage| stage.is_before_vouch() && stage.is_before_send()));
        assert!([Vouch, Seal].into_iter().all(|stage| !stage.is_before_vouch() && stage.is_before_send()));
        let out = [Send, PickUp, AskCertificates, Install, Acknowledge, ProveLogin, ProveSignature, Done, Failed];
        assert!(out.into_iter().all(|stage: Stage| !stage.is_before_vouch() && !stage.is_before_send()));
    }
}
