use obnova_card::{PasswordKind, PasswordState, PasswordStatus, Secret, TokenError};
use obnova_renewal::{CardView, OneTimePasswords, PasswordRules, Phase, Plan, Process};

use crate::{
    Credential, RunError,
    credentials::{handed_over, pickable, user_id},
};

/// What an order will ask its holder for from where it stands, known before a key is made or anything is sent.
///
/// The [`Runner`](crate::Runner) asks for each thing when it is needed, whatever was foreseen. A front end that looks ahead can have
/// missing things given, [refuse](Self::check) what cannot be right, and ask about [last tries](Self::last_tries), while the card is
/// still as it was: an order that stops halfway for want of a password leaves keys behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// What will be asked for, each once; first what is about the holder.
    pub wanted: Vec<Wanted>,
    /// How those of the card stand.
    pub passwords: Vec<PasswordStatus>,
    one_time_password: OneTimePasswords,
    revocation_password: Option<PasswordRules>,
    revocation_password_optional: bool,
}

/// One thing that will be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A password of the card ([`Prompt::pin`](crate::Prompt::pin)).
    Password(PasswordKind),
    /// What says who asks, or will revoke ([`Prompt::credential`](crate::Prompt::credential)).
    Credential(Credential),
}

impl Foreseen {
    /// By what is planned and not begun.
    #[must_use]
    pub fn of_plan(plan: &Plan, card: &CardView) -> Self {
        let kinds = plan.asks.iter().map(|ask| ask.password);
        Self::new(plan, card, plan.is_first(), kinds.collect())
    }

    /// By what was begun: what is behind it is not asked for any more. A protocol that says with each message who asks
    /// ([`CaConnection::asks_who`](crate::CaConnection::asks_who)) has that asked for later too, when nothing is made any more.
    #[must_use]
    pub fn of(process: &Process, card: &CardView) -> Self {
        let plan = process.plan();
        let is_ahead = |kind| Phase::ALL.iter().any(|phase| !process.uses_ahead(*phase, kind).is_empty());
        let kinds = plan.asks.iter().map(|ask| ask.password).filter(|kind| is_ahead(*kind));
        Self::new(plan, card, plan.is_first() && process.stage().is_before_vouch(), kinds.collect())
    }

    fn new(plan: &Plan, card: &CardView, says_who: bool, mut kinds: Vec<PasswordKind>) -> Self {
        kinds.sort_unstable();
        kinds.dedup();
        let mut wanted = Vec::new();
        if says_who {
            wanted.extend([Credential::UserId, Credential::OneTimePassword].map(Wanted::Credential));
            wanted.extend(plan.revocation_password.map(|_| Wanted::Credential(Credential::RevocationPassword)));
        }
        wanted.extend(kinds.iter().copied().map(Wanted::Password));
        Self {
            wanted,
            passwords: card.passwords.iter().filter(|status| kinds.contains(&status.kind)).copied().collect(),
            one_time_password: plan.one_time_password,
            revocation_password: plan.revocation_password,
            revocation_password_optional: plan.revocation_password_optional,
        }
    }

    /// Whether nothing is an answer too.
    #[must_use]
    pub fn may_be_left_out(&self, wanted: Wanted) -> bool {
        self.revocation_password_optional && wanted == Wanted::Credential(Credential::RevocationPassword)
    }

    /// Passwords of the card whose next wrong attempt may be the last: a clear yes is asked for before they are sent
    /// ([`Question::LastTry`](crate::Question::LastTry)).
    pub fn last_tries(&self) -> impl Iterator<Item = PasswordKind> {
        let may_be_last =
            |status: &&PasswordStatus| matches!(status.state, PasswordState::Active(tries) if tries.may_be_last());
        self.passwords.iter().filter(may_be_last).map(|status| status.kind)
    }

    /// Whether what was handed over beforehand can be right, by the rules of the card and of the issuer; `None` of what was not. It
    /// is compared with nothing and sent nowhere.
    ///
    /// # Errors
    /// [`RunError::Token`] with [`TokenError::SecretForm`]; [`RunError::Credential`].
    pub fn check(&self, given: impl Fn(Wanted) -> Option<Secret>) -> Result<(), RunError> {
        for wanted in &self.wanted {
            let Some(secret) = given(*wanted) else { continue };
            match *wanted {
                Wanted::Password(kind) => self.check_length(kind, &secret)?,
                Wanted::Credential(what) => {
                    let problem = match (what, self.revocation_password) {
                        (Credential::UserId, _) => user_id(&secret).err(),
                        (Credential::RevocationPassword, Some(rules)) => {
                            let handed_over = given(Wanted::Credential(Credential::OneTimePassword))
                                .and_then(|given| handed_over(&given, self.one_time_password).ok());
                            pickable(&secret, handed_over.as_ref(), rules).err()
                        }
                        (Credential::OneTimePassword, _) => handed_over(&secret, self.one_time_password).err(),
                        _ => None,
                    };
                    if let Some(problem) = problem {
                        return Err(RunError::Credential { what, problem });
                    }
                }
            }
        }
        Ok(())
    }

    /// What it is made of is not asked: a card may take more than it says, and this one was set before.
    fn check_length(&self, password: PasswordKind, secret: &Secret) -> Result<(), RunError> {
        let status = self.passwords.iter().find(|status| status.kind == password);
        match status {
            Some(&PasswordStatus { minimum, maximum, .. }) if !(minimum..=maximum).contains(&secret.len()) => {
                Err(TokenError::SecretForm { password, minimum, maximum }.into())
            }
            _ => Ok(()),
        }
    }
}
