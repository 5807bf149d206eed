use std::time::SystemTime;

use obnova_client::{
    ConfirmedBy, PlainHttp, Revocation, RevocationError, RevocationPlan, RevocationReason, Revoked, look,
    revoke_by_password, revoke_with_card,
};
use obnova_renewal::date;

use crate::{
    authority::Authority,
    beforehand::Beforehand,
    cli::{CredentialOptions, Global, RevokeOptions, Why},
    failure::{Failure, Kind},
    holder::{Face, Holder},
    pins::{Asked, Pins},
    texts::t,
    tokens,
    ui::{Mark, Screen, ask_line},
};

/// `revoke`: ends a certificate for good.
pub fn run(global: &Global, options: &RevokeOptions) -> Result<(), Failure> {
    let authority = Authority::named(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-which-ca")))?;
    let pins = Pins::read_for_first(
        &options.pins,
        &CredentialOptions {
            revocation_password_fd: options.revocation_password_fd,
            revocation_password_file: options.revocation_password_file.clone(),
            ..CredentialOptions::default()
        },
    )?;
    let face = Face::new();
    face.borrow_mut().screen.say(&t!("revoke-what", serial = options.revoked.as_str()));
    face.borrow_mut().screen.detail(&t!("revoke-for-good"));
    if !options.yes && !ask_line(&t!("ask-plan"), Beforehand::Yes)?.eq_ignore_ascii_case(&t!("word-yes")) {
        return Err(Failure::new(Kind::Declined, t!("error-declined")));
    }
    let mut ca = authority.connection()?;
    let servers = PlainHttp::default();
    let mut wanted = Revocation { serial: &options.revoked, reason: options.why.into(), password: None };
    let outcome = if options.without_card {
        let password = password(&pins)?;
        wanted.password = Some(&password);
        revoke_by_password(&mut ca, &servers, &wanted)
    } else {
        let token = tokens::open_shared(global)?;
        let plan = RevocationPlan::make(&look(tokens::lock(&token).as_mut())?, wanted.serial, SystemTime::now())?;
        let password = match plan.wants_password() {
            true => {
                face.borrow_mut().screen.detail(&t!("revoke-another-key"));
                Some(password(&pins)?)
            }
            false => {
                face.borrow_mut().screen.detail(&t!("revoke-own-key"));
                pins.given(Asked::RevocationPassword)
            }
        };
        wanted.password = password.as_ref();
        let mut holder = Holder::new(&face, pins);
        let outcome = revoke_with_card(&token, &mut holder, &mut ca, &servers, &plan, &wanted);
        let asked = match outcome {
            Err(RevocationError::PasswordToo) if wanted.password.is_none() => {
                face.borrow_mut().screen.detail(&t!("revoke-password-too"));
                Some(self::password(&holder.pins)?)
            }
            _ => None,
        };
        let outcome = match &asked {
            Some(password) => {
                wanted.password = Some(password);
                revoke_with_card(&token, &mut holder, &mut ca, &servers, &plan, &wanted)
            }
            None => outcome,
        };
        match outcome {
            Err(RevocationError::Run(error)) => return holder.outcome(Err(error)),
            outcome => outcome,
        }
    };
    show(&mut face.borrow_mut().screen, &options.revoked, outcome?)
}

fn password(pins: &Pins) -> Result<obnova_card::Secret, Failure> {
    match pins.given(Asked::RevocationPassword) {
        Some(given) => Ok(given),
        None => Pins::ask(Asked::RevocationPassword, &t!("credential-revocation-password")),
    }
}

/// What became of it. That nobody else says so is a failure of its own.
fn show(screen: &mut Screen, serial: &str, revoked: Revoked) -> Result<(), Failure> {
    let confirmation = revoked.confirmation.map_err(|problems| {
        let (serial, problems) = (serial.to_owned(), problems.to_string());
        Failure::new(Kind::Unconfirmed, t!("error-revoke-unconfirmed", serial = serial, problems = problems))
    })?;
    let since = date(confirmation.since);
    match revoked.already {
        true => screen.mark(Mark::Good, &t!("revoke-already", serial = serial, since = since.as_str())),
        false => screen.mark(Mark::Good, &t!("revoke-done", serial = serial)),
    }
    let (reason, place) = (confirmation.reason.to_string(), confirmation.place);
    screen.detail(&match confirmation.by {
        ConfirmedBy::Ocsp => t!("revoke-confirmed-by-ocsp", since = since, reason = reason, place = place),
        ConfirmedBy::Crl => t!("revoke-confirmed-by-crl", since = since, reason = reason, place = place),
    });
    Ok(())
}

impl From<Why> for RevocationReason {
    fn from(why: Why) -> Self {
        match why {
            Why::KeyCompromise => Self::KeyCompromise,
            Why::Superseded => Self::Superseded,
            Why::AffiliationChanged => Self::AffiliationChanged,
            Why::CessationOfOperation => Self::CessationOfOperation,
            Why::Unspecified => Self::Unspecified,
        }
    }
}

impl From<RevocationError> for Failure {
    fn from(error: RevocationError) -> Self {
        let (kind, text) = match error {
            RevocationError::Refused { rule, text } => {
                (Kind::Refused, t!("error-revoke-refused", text = text, rule = rule))
            }
            RevocationError::Undecided => (Kind::Pending, t!("error-revoke-undecided")),
            RevocationError::Contradicted { place, instead } => {
                (Kind::Network, t!("error-revoke-contradicted", place = place, instead = instead))
            }
            RevocationError::NoSigner => (Kind::NotEligible, t!("error-revoke-no-signer")),
            RevocationError::PasswordNeeded => (Kind::Usage, t!("error-revoke-password-needed")),
            RevocationError::PasswordToo => (Kind::Usage, t!("error-revoke-password-too")),
            RevocationError::Serial => (Kind::Usage, t!("error-revoke-serial")),
            RevocationError::Issuer(problem) => (Kind::Network, t!("error-revoke-issuer", problem = problem)),
            RevocationError::NotOfIssuer => (Kind::NotEligible, t!("error-revoke-not-of-issuer")),
            RevocationError::Run(error) => return error.into(),
            RevocationError::Ca(error) => return error.into(),
            other => (Kind::Internal, t!("error-other", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}

#[cfg(test)]
mod tests {
    use obnova_client::{CaError, NotConfirmed, StatusProblem};

    use super::*;

    #[test]
    fn what_could_not_be_confirmed_is_a_failure_of_its_own_that_says_what_to_do() {
        let down = CaError::Unreachable { server: "http://status.example".into(), problem: "refused".into() };
        let problems = vec![
            ("http://status.example/ocsp".to_owned(), StatusProblem::Ca(down)),
            ("the issuer's server, /crl".to_owned(), StatusProblem::NotListed),
        ];
        for already in [false, true] {
            let revoked = Revoked { already, confirmation: Err(NotConfirmed(Vec::new())) };
            assert_eq!(show(&mut Screen::new(), "01ab", revoked).unwrap_err().kind().code(), 10);
        }
        let revoked = Revoked { already: false, confirmation: Err(NotConfirmed(problems)) };
        let failure = show(&mut Screen::new(), "01ab", revoked).unwrap_err();
        for part in
            ["01ab is revoked", "http://status.example/ocsp", "not on the list yet", "Run the same command again"]
        {
            assert!(failure.message().contains(part), "{part}: {}", failure.message());
        }
    }

    #[test]
    fn every_error_has_the_exit_code_of_its_kind() {
        let text = String::new;
        for (error, code) in [
            (RevocationError::Refused { rule: text(), text: text() }, 6),
            (RevocationError::Undecided, 8),
            (RevocationError::Contradicted { place: text(), instead: "good" }, 7),
            (RevocationError::NoSigner, 3),
            (RevocationError::PasswordNeeded, 2),
            (RevocationError::PasswordToo, 2),
            (RevocationError::Serial, 2),
            (RevocationError::Issuer(text()), 7),
            (RevocationError::NotOfIssuer, 3),
            (RevocationError::Ca(CaError::OtherIssuer), 7),
        ] {
            assert_eq!(Failure::from(error).kind().code(), code);
        }
    }
}
