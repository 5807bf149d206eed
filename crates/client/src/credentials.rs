use std::fmt;

use obnova_card::Secret;
use obnova_enroll::{OneTimePassword, TypingError, cmc::UserId};
use obnova_renewal::{OneTimePasswords, PasswordRules, WeakPassword};

use crate::{Prompt, RunError};

/// What speaks for somebody who asks for first certificates, and what will revoke them. It is not written down anywhere, and
/// like all that holds a secret it has no `Debug`.
pub struct Credentials {
    /// The name under which the issuer knows him.
    pub user: UserId,
    /// The password that he was given for this once.
    pub one_time_password: obnova_enroll::Secret,
    /// The password that he picked, by which the certificates can be revoked; `None` where the house has none, or he left it out.
    pub revocation_password: Option<obnova_enroll::Secret>,
}

/// One thing that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// The name under which the issuer knows the holder. No secret.
    UserId,
    /// The password that the issuer gave him.
    OneTimePassword,
    /// A password of his own, by which the certificates can be revoked.
    RevocationPassword,
    /// The same once more: nobody can tell him later what he typed.
    RevocationPasswordAgain,
    /// The one that stands, where another one is to take its place.
    OldRevocationPassword,
}

impl Credential {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::UserId => "credential-user-id",
            Self::OneTimePassword => "credential-one-time-password",
            Self::RevocationPassword => "credential-revocation-password",
            Self::RevocationPasswordAgain => "credential-revocation-password-again",
            Self::OldRevocationPassword => "credential-old-revocation-password",
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId => "user id",
            Self::OneTimePassword => "one-time password",
            Self::RevocationPassword => "revocation password",
            Self::RevocationPasswordAgain => "revocation password once more",
            Self::OldRevocationPassword => "revocation password that is set now",
        })
    }
}

/// Something that is asked for, and why it is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// What.
    pub what: Credential,
    /// What it has to be like, where the holder picks it.
    pub rules: Option<PasswordRules>,
    /// What was wrong with what was given before.
    pub problem: Option<CredentialProblem>,
    /// It may be left out: nothing is an answer too.
    pub optional: bool,
    /// The order was made with it already. The issuer wants to be told each time who asks, and it is written down nowhere.
    pub again: bool,
}

/// Why something that was given is no good. None of it was sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialProblem {
    /// Nothing was given, or too much, or what nobody can have been handed.
    #[error("this cannot be it: copy it as it was handed over")]
    Form,
    /// It is a password with characters that tell whether it was typed right, and they say that it was not.
    #[error("it was mistyped: look at it once more; no guess was spent")]
    Mistyped,
    /// It has more or fewer characters than the issuer's one-time passwords.
    #[error("it has 20 letters and digits: look whether one is missing or stands there twice; no guess was spent")]
    Length,
    /// It has a character that stands in none of the issuer's one-time passwords.
    #[error("its character {position} is none that stands there: digits and letters do, but no U; no guess was spent")]
    Character {
        /// From 1.
        position: usize,
    },
    /// A password that was picked is too weak.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The two typings differ.
    #[error("the two typings are not the same")]
    Differ,
    /// The password that revokes is the one that was handed over, which others have seen.
    #[error("take another one than the one-time password")]
    SameAsOneTime,
}

impl CredentialProblem {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Form => "credential-form",
            Self::Mistyped => "credential-mistyped",
            Self::Length => "credential-length",
            Self::Character { .. } => "credential-character",
            Self::Weak(weak) => weak.id(),
            Self::Differ => "credential-differ",
            Self::SameAsOneTime => "credential-same-as-one-time",
        }
    }
}

impl Credentials {
    /// Asks for everything, and again for what is no good, up to three times each, and as often as two typings differ; `one_time` says what can be a one-time password
    /// of this issuer, `revocation` has the rules for the password that the holder picks, where there is one, and `optional` says that he may
    /// leave that out, by an empty answer.
    ///
    /// # Errors
    /// [`RunError::Prompt`]; [`RunError::Credential`] when what is given stays no good.
    pub fn ask(
        prompt: &mut dyn Prompt,
        one_time: OneTimePasswords,
        revocation: Option<PasswordRules>,
        optional: bool,
    ) -> Result<Self, RunError> {
        let credentials = Self::ask_who(prompt, one_time, false)?;
        let Some(rules) = revocation else { return Ok(credentials) };
        let request = CredentialRequest { optional, ..to_pick(rules) };
        let revocation_password = ask(prompt, request, |prompt, given| match optional && given.is_empty() {
            true => Ok(Ok(None)),
            false => Ok(picked(prompt, given, Some(&credentials.one_time_password), rules)?.map(Some)),
        })?;
        Ok(Self { revocation_password, ..credentials })
    }

    /// Asks once more who asks, for an order that was made already.
    pub(crate) fn ask_again(prompt: &mut dyn Prompt, one_time: OneTimePasswords) -> Result<Self, RunError> {
        Self::ask_who(prompt, one_time, true)
    }

    fn ask_who(prompt: &mut dyn Prompt, one_time: OneTimePasswords, again: bool) -> Result<Self, RunError> {
        let request = |what| CredentialRequest { what, rules: None, problem: None, optional: false, again };
        let user = ask(prompt, request(Credential::UserId), |_, given| Ok(user_id(given)))?;
        let one_time_password =
            ask(prompt, request(Credential::OneTimePassword), |_, given| Ok(handed_over(given, one_time)))?;
        Ok(Self { user, one_time_password, revocation_password: None })
    }

    /// Has a password picked that revokes, and typed twice.
    pub(crate) fn pick_revocation_password(
        prompt: &mut dyn Prompt,
        rules: PasswordRules,
    ) -> Result<obnova_enroll::Secret, RunError> {
        ask(prompt, to_pick(rules), |prompt, given| picked(prompt, given, None, rules))
    }
}

const fn to_pick(rules: PasswordRules) -> CredentialRequest {
    let what = Credential::RevocationPassword;
    CredentialRequest { what, rules: Some(rules), problem: None, optional: false, again: false }
}

/// How often a thing is asked for before it is given up.
const ATTEMPTS: usize = 3;

type Judged<T> = Result<Result<T, CredentialProblem>, RunError>;

fn ask<T>(
    prompt: &mut dyn Prompt,
    mut request: CredentialRequest,
    mut judge: impl FnMut(&mut dyn Prompt, &Secret) -> Judged<T>,
) -> Result<T, RunError> {
    let mut left = ATTEMPTS;
    loop {
        let given = prompt.credential(&request)?;
        let problem = match judge(prompt, &given)? {
            Ok(good) => return Ok(good),
            Err(problem) => problem,
        };
        // A slip of the fingers says nothing against what was picked.
        left -= usize::from(problem != CredentialProblem::Differ);
        if left == 0 {
            return Err(RunError::Credential { what: request.what, problem });
        }
        request.problem = Some(problem);
    }
}

pub(crate) fn user_id(given: &Secret) -> Result<UserId, CredentialProblem> {
    let text = std::str::from_utf8(given.expose()).map(str::trim);
    text.ok().and_then(|text| UserId::new(text).ok()).ok_or(CredentialProblem::Form)
}

pub(crate) fn handed_over(given: &Secret, are: OneTimePasswords) -> Result<obnova_enroll::Secret, CredentialProblem> {
    let typed = given.expose().trim_ascii();
    match std::str::from_utf8(typed).map(OneTimePassword::typed) {
        Ok(Ok(password)) => Ok(password.secret()),
        _ if are == OneTimePasswords::Any => {
            obnova_enroll::Secret::from_bytes(typed).map_err(|_| CredentialProblem::Form)
        }
        Err(_) => Err(CredentialProblem::Form),
        Ok(Err(_)) if typed.is_empty() => Err(CredentialProblem::Form),
        Ok(Err(TypingError::Length)) => Err(CredentialProblem::Length),
        Ok(Err(TypingError::Character { position })) => Err(CredentialProblem::Character { position }),
        Ok(Err(TypingError::Mistyped)) => Err(CredentialProblem::Mistyped),
    }
}

fn picked(
    prompt: &mut dyn Prompt,
    given: &Secret,
    one_time: Option<&obnova_enroll::Secret>,
    rules: PasswordRules,
) -> Judged<obnova_enroll::Secret> {
    let password = match pickable(given, one_time, rules) {
        Ok(password) => password,
        Err(problem) => return Ok(Err(problem)),
    };
    let what = Credential::RevocationPasswordAgain;
    let request = CredentialRequest { what, rules: None, problem: None, optional: false, again: false };
    let twice = prompt.credential(&request)?;
    Ok(if twice == *given { Ok(password) } else { Err(CredentialProblem::Differ) })
}

/// What can be a revocation password, beside a one-time password.
pub(crate) fn pickable(
    given: &Secret,
    one_time: Option<&obnova_enroll::Secret>,
    rules: PasswordRules,
) -> Result<obnova_enroll::Secret, CredentialProblem> {
    rules.check(given.expose())?;
    let password = obnova_enroll::Secret::from_bytes(given.expose()).map_err(|_| CredentialProblem::Form)?;
    if one_time == Some(&password) { Err(CredentialProblem::SameAsOneTime) } else { Ok(password) }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::assert_not_impl_any;

    use super::Credentials;

    #[test]
    fn what_is_held_cannot_be_shown_copied_or_compared() {
        assert_not_impl_any!(Credentials: Debug, Display, Clone, PartialEq);
    }
}
