use std::time::SystemTime;

use obnova_client::{PasswordWanted, RunError, SetPasswordError, look, set_revocation_password};

use crate::{
    authority::Authority,
    cli::{Global, RevocationPasswordOptions},
    failure::{Errand, Failure, Kind},
    holder::{Face, Holder},
    journals,
    pins::{Asked, Pins},
    service::Service,
    texts::t,
    tokens,
    ui::Mark,
};

/// `revocation-password`: sets the password that ends the certificate on the card, or another one in its place.
pub fn run(global: &Global, options: &RevocationPasswordOptions) -> Result<(), Failure> {
    let authority = Authority::named(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-which-ca")))?;
    let rules = Service::asked_for(&options.service)?.revocation_password;
    let rules = rules.ok_or_else(|| Failure::new(Kind::NotEligible, t!("error-no-revocation-password")))?;
    let face = Face::new(Errand::RevocationPassword);
    let pins = Pins::read_for_password(&options.pins, options)?;
    let mut holder = Holder { gives_credentials: true, ..Holder::new(&face, pins) };
    let token = tokens::open_shared(global)?;
    face.borrow_mut().speaks_to(&token);
    let card = look(tokens::lock(&token).as_mut())?;
    let (mut ca, login) = (authority.connection()?, authority.login());
    let (seams, old) = ((&mut ca, &login as _), holder.pins.given(Asked::OldRevocationPassword));
    let wanted = PasswordWanted { rules, old: old.as_ref() };
    let set = set_revocation_password(&token, &mut holder, seams, &card, &wanted, SystemTime::now());
    let set = match set {
        Err(SetPasswordError::Run(error)) => return holder.outcome(Err(error)),
        set => set?,
    };
    let mut face = face.borrow_mut();
    face.screen.mark(Mark::Good, &t!("revocation-password-set"));
    set.serials.iter().for_each(|serial| face.screen.detail(&t!("revocation-password-of", serial = serial.as_str())));
    // It is set, whatever becomes of the note.
    let noted = journals::folder(global).and_then(|folder| journals::note_password(&folder, &set.serials));
    if let Err(failure) = noted {
        face.screen.mark(Mark::Caution, &t!("revocation-password-not-noted", problem = failure.message()));
    }
    Ok(())
}

/// How our CAs call it that the password that stands was given wrong.
const WRONG: &str = "wrong-revocation-password";

impl From<SetPasswordError> for Failure {
    fn from(error: SetPasswordError) -> Self {
        match error {
            SetPasswordError::NoLogin => Self::new(Kind::NotEligible, t!("error-revocation-password-no-login")),
            SetPasswordError::Refused { rule, text } => {
                let refused = t!("error-revocation-password-refused", text = text, rule = rule.as_str());
                match rule.as_str() {
                    WRONG => Self::new(Kind::Refused, format!("{refused} {}", t!("error-revocation-password-wrong"))),
                    _ => Self::new(Kind::Refused, refused),
                }
            }
            SetPasswordError::Run(RunError::Ca(error)) | SetPasswordError::Ca(error) => {
                let failure = Self::of_ca(error, Errand::RevocationPassword);
                Self::new(failure.kind(), format!("{} {}", failure.message(), t!("error-revocation-password-ca")))
            }
            SetPasswordError::Run(error) => Self::of_run(error, Errand::RevocationPassword),
            other => Self::new(Kind::Internal, t!("error-other", detail = other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use obnova_client::CaError;

    use super::*;

    #[test]
    fn every_error_has_the_exit_code_of_its_kind() {
        for (error, code) in [
            (SetPasswordError::NoLogin, 3),
            (SetPasswordError::Refused { rule: String::new(), text: String::new() }, 6),
            (SetPasswordError::Ca(CaError::OtherIssuer), 7),
        ] {
            assert_eq!(Failure::from(error).kind().code(), code);
        }
    }
}
