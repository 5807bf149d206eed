use obnova_client::{
    Https, Revocation, RevocationError, RevocationReason, revoke_by_password, revoke_logged_in, tls_config,
};

use crate::{
    authority::Authority,
    cli::{CredentialOptions, Global, RevokeOptions, Why},
    failure::{Failure, Kind},
    holder::{Face, Holder},
    pins::{Asked, Pins},
    texts::t,
    tokens,
    ui::{Mark, ask_line},
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
    if !options.yes && !ask_line(&t!("ask-plan"))?.eq_ignore_ascii_case(&t!("word-yes")) {
        return Err(Failure::new(Kind::Declined, t!("error-declined")));
    }
    let password = match pins.given(Asked::RevocationPassword) {
        Some(given) => given,
        None => Pins::ask(&t!("credential-revocation-password"))?,
    };
    let wanted = Revocation { serial: &options.revoked, reason: options.why.into(), password: &password };
    let outcome = if options.without_card {
        let https = Https::new(&authority.url, tls_config(&authority.anchors)?)?;
        revoke_by_password(&https, &wanted)
    } else {
        let token = tokens::open_shared(global)?;
        let mut holder = Holder::new(&face, pins);
        match revoke_logged_in(&token, &mut holder, &authority.login(), &wanted) {
            Err(RevocationError::Run(error)) => return holder.outcome(Err(error)),
            outcome => outcome,
        }
    };
    outcome?;
    face.borrow_mut().screen.mark(Mark::Good, &t!("revoke-done", serial = options.revoked.as_str()));
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
        match error {
            RevocationError::Refused { rule, text } => {
                Self::new(Kind::Refused, t!("error-revoke-refused", text = text, rule = rule))
            }
            RevocationError::NoLogin => Self::new(Kind::NotEligible, t!("error-revoke-no-login")),
            RevocationError::Run(error) => error.into(),
            RevocationError::Ca(error) => error.into(),
            other => Self::new(Kind::Internal, t!("error-other", detail = other.to_string())),
        }
    }
}
