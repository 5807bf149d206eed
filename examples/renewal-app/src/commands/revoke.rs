use std::{path::Path, time::SystemTime};

use obnova_card::KeyRole;
use obnova_client::{
    Confirmation, ConfirmedBy, OnSameKey, PlainHttp, Revocation, RevocationError, RevocationPlan, RevocationReason,
    Revoked, Told, look, revoke_by_password, revoke_with_card,
};
use obnova_renewal::{AskStatus, CardView, ParsedCertificate, Policy, RevocationRefusal, chosen_pair, date};

use crate::{
    authority::Authority,
    beforehand::Beforehand,
    cli::{CredentialOptions, Ending, Global, RevokeOptions, Why},
    failure::{Errand, Failure, Kind},
    files,
    holder::{Face, Holder},
    journals,
    pins::{Asked, Pins},
    service::Service,
    texts::t,
    tokens,
    ui::{Mark, Screen, ask_yes, sits_there},
    view,
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
    let (rules, reason) = (Service::revocation(&options.service)?, RevocationReason::from(options.why));
    rules.as_ref().map_or(Ok(()), |rules| rules.check(reason, !options.without_card))?;
    let own_key_alone = rules.is_none_or(|rules| rules.own_key_alone);
    let (serial, given) = match &options.revoked {
        Ending::Serial(serial) => (serial.clone(), None),
        Ending::File(file) => read(file).map(|one| (one.serial(), Some(one)))?,
    };
    let mut half = None;
    let card = match options.without_card {
        true => None,
        false => {
            let token = tokens::open_shared(global)?;
            let seen = look(tokens::lock(&token).as_mut())?;
            let plan = plan(global, &seen, &serial, given)?;
            half = other_half(&authority, &Service::asked_for(&options.service)?, &seen, &plan);
            Some((token, plan))
        }
    };
    let face = Face::new(Errand::Revocation);
    let same_key = card.as_ref().map_or(&[][..], |(_, plan)| plan.same_key());
    announce(&mut face.borrow_mut().screen, &serial, reason, same_key, half.as_ref());
    if !options.yes && !ask_yes(&t!("ask-plan"), Beforehand::Yes)? {
        return Err(Failure::new(Kind::Declined, t!("error-declined")));
    }
    let mut ca = authority.connection()?;
    let servers = PlainHttp::default();
    let mut wanted = Revocation { serial: &serial, reason, password: None };
    let outcome = if let Some((token, plan)) = card {
        let password = match plan.wants_password() {
            true => {
                face.borrow_mut().screen.detail(&match plan.revoked() {
                    Some(_) => t!("revoke-another-key"),
                    None => t!("revoke-unknown-key"),
                });
                Some(password(&pins)?)
            }
            false => {
                face.borrow_mut().screen.detail(&t!("revoke-own-key"));
                match pins.given(Asked::RevocationPassword) {
                    // A certificate may have none even so, and then nobody is asked where nobody is there.
                    None if !own_key_alone && sits_there() => {
                        face.borrow_mut().screen.detail(&t!("revoke-password-beside"));
                        Some(password(&pins)?).filter(|typed| !typed.is_empty())
                    }
                    given => given,
                }
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
    } else {
        let password = password(&pins)?;
        wanted.password = Some(&password);
        revoke_by_password(&mut ca, &servers, &wanted)
    };
    show(&mut face.borrow_mut().screen, &serial, reason, outcome?)
}

/// The one certificate in a file.
fn read(file: &Path) -> Result<ParsedCertificate, Failure> {
    let problem = match files::certificates(file) {
        Ok(found) => match <[_; 1]>::try_from(found) {
            Ok([one]) => return Ok(one),
            Err(found) => t!("revoke-several", count = found.len()),
        },
        Err(problem) => problem,
    };
    Err(Failure::new(Kind::Usage, t!("error-revoke-named", named = file.display().to_string(), problem = problem)))
}

/// Who speaks for it. What was taken from the card is known by its file, or by the journal of what it was renewed or ordered with:
/// its key may be on the card still.
fn plan(
    global: &Global,
    card: &CardView,
    serial: &str,
    given: Option<ParsedCertificate>,
) -> Result<RevocationPlan, RevocationError> {
    let now = SystemTime::now();
    let by_number = RevocationPlan::make(card, serial, now);
    if given.is_none() && by_number.as_ref().is_ok_and(|plan| plan.revoked().is_some()) {
        return by_number;
    }
    match given.or_else(|| journals::certificate(global, serial)) {
        Some(certificate) => RevocationPlan::of_certificate(card, &certificate, now),
        None => by_number,
    }
}

/// The other one of the pair, where it lives: it is not renewed without this one.
fn other_half(
    authority: &Authority,
    policy: &Policy,
    card: &CardView,
    plan: &RevocationPlan,
) -> Option<(KeyRole, ParsedCertificate)> {
    let (revoked, now) = (plan.revoked()?.serial(), SystemTime::now());
    let mut ca = authority.road().ok()?;
    let pair = chosen_pair(card, policy, &ca.terms().ok()?.issuers(), now)?;
    pair.iter().find(|(_, one)| one.serial() == revoked)?;
    let (role, other) = pair.iter().find(|(_, one)| one.serial() != revoked)?;
    let told = ca.standing(other, now).ok()?;
    (other.is_valid_at(now) && !told.stops(AskStatus::Try)).then(|| (role, other.clone()))
}

/// What will end, and that it is for good.
fn announce(
    screen: &mut Screen,
    serial: &str,
    reason: RevocationReason,
    same_key: &[ParsedCertificate],
    half: Option<&(KeyRole, ParsedCertificate)>,
) {
    screen.say(&t!("revoke-what", serial = serial));
    if reason.ends_key() {
        for other in same_key {
            let (name, until) = (other.subject().to_string(), date(other.not_after()));
            screen.mark(Mark::Item, &t!("revoke-same-key", serial = other.serial(), name = name, until = until));
        }
        screen.detail(&t!("revoke-same-key-all"));
        screen.detail(&t!("revoke-ordered-with-key"));
    }
    if let Some((role, other)) = half {
        let (serial, until) = (other.serial(), date(other.not_after()));
        screen.detail(&t!("revoke-half", serial = serial, role = view::role(*role), until = until));
    }
    screen.detail(&t!("revoke-for-good"));
}

fn password(pins: &Pins) -> Result<obnova_card::Secret, Failure> {
    match pins.given(Asked::RevocationPassword) {
        Some(given) => Ok(given),
        None => Pins::ask(Asked::RevocationPassword, &t!("credential-revocation-password")),
    }
}

/// What became of it, and of the others on the card with the same key. That nobody else says so is a failure of its own.
fn show(screen: &mut Screen, serial: &str, why: RevocationReason, revoked: Revoked) -> Result<(), Failure> {
    let named = match revoked.confirmation {
        Ok(confirmation) if !confirmation.covers(why) => {
            let (serial, reason) = (serial.to_owned(), confirmation.reason.to_string());
            let text = match revoked.already {
                true => t!("error-revoke-not-taken", serial = serial, reason = reason),
                false => t!("error-revoke-not-told", serial = serial, reason = reason),
            };
            Err(Failure::new(Kind::Unconfirmed, text))
        }
        Ok(confirmation) => {
            tell(screen, serial, revoked.already, confirmation);
            Ok(())
        }
        Err(problems) => {
            let (serial, problems) = (serial.to_owned(), problems.to_string());
            Err(Failure::new(Kind::Unconfirmed, t!("error-revoke-unconfirmed", serial = serial, problems = problems)))
        }
    };
    let mut open = Vec::new();
    for OnSameKey { serial, told } in revoked.same_key {
        let problem = match told {
            Told::Revoked(confirmation) => {
                screen.mark(Mark::Good, &t!("revoke-same-key-done", serial = serial));
                screen.detail(&confirmed(confirmation));
                continue;
            }
            Told::Instead { place, what } => t!("revoke-same-key-instead", place = place, instead = what),
            Told::Nothing(problems) => problems.to_string(),
        };
        screen.mark(Mark::Bad, &t!("revoke-same-key-open", serial = serial.as_str(), problem = problem));
        open.push(serial);
    }
    named?;
    match open.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Unconfirmed, t!("error-revoke-same-key", serials = open.join(", ")))),
    }
}

/// That it ended, now or before.
fn tell(screen: &mut Screen, serial: &str, already: bool, confirmation: Confirmation) {
    let since = date(confirmation.since);
    match already {
        true => screen.mark(Mark::Good, &t!("revoke-already", serial = serial, since = since.as_str())),
        false => screen.mark(Mark::Good, &t!("revoke-done", serial = serial)),
    }
    screen.detail(&confirmed(confirmation));
}

/// How whoever asks is told.
fn confirmed(confirmation: Confirmation) -> String {
    let Confirmation { since, reason, by, place } = confirmation;
    let (since, reason) = (date(since), reason.to_string());
    match by {
        ConfirmedBy::Ocsp => t!("revoke-confirmed-by-ocsp", since = since, reason = reason, place = place),
        ConfirmedBy::Crl => t!("revoke-confirmed-by-crl", since = since, reason = reason, place = place),
    }
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

/// Nothing was asked of anybody.
impl From<RevocationRefusal> for Failure {
    fn from(refusal: RevocationRefusal) -> Self {
        let rule = refusal.rule();
        let text = match refusal {
            RevocationRefusal::Reason { given, taken } => {
                let taken: Vec<_> = taken.iter().map(ToString::to_string).collect();
                t!("error-revoke-reason", given = given.to_string(), taken = taken.join(", "), rule = rule)
            }
            RevocationRefusal::PasswordAlone => t!("error-revoke-password-alone", rule = rule),
            other => t!("error-other", detail = other.to_string()),
        };
        Self::new(Kind::NotEligible, text)
    }
}

impl From<RevocationError> for Failure {
    fn from(error: RevocationError) -> Self {
        let (kind, text) = match error {
            RevocationError::Refused { rule, text } => {
                (Kind::Refused, t!("error-revoke-refused", text = text, rule = rule))
            }
            RevocationError::NotKnown { place, rule, text } => {
                (Kind::Refused, t!("error-revoke-not-known", text = text, rule = rule, place = place))
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
            RevocationError::Run(error) => return Self::of_run(error, Errand::Revocation),
            RevocationError::Ca(error) => {
                let failure = Failure::of_ca(error, Errand::Revocation);
                (failure.kind(), format!("{} {}", failure.message(), t!("error-revoke-ca")))
            }
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
            let revoked = Revoked { already, confirmation: Err(NotConfirmed(Vec::new())), same_key: Vec::new() };
            let why = RevocationReason::KeyCompromise;
            assert_eq!(show(&mut Screen::new(), "01ab", why, revoked).unwrap_err().kind().code(), 10);
        }
        let revoked = Revoked { already: false, confirmation: Err(NotConfirmed(problems)), same_key: Vec::new() };
        let failure = show(&mut Screen::new(), "01ab", RevocationReason::Superseded, revoked).unwrap_err();
        for part in
            ["01ab is revoked", "http://status.example/ocsp", "not on the list yet", "Run the same command again"]
        {
            assert!(failure.message().contains(part), "{part}: {}", failure.message());
        }
    }

    #[test]
    fn another_certificate_of_the_key_that_did_not_end_is_a_failure_that_names_it() {
        let confirmation = || Confirmation {
            since: SystemTime::UNIX_EPOCH,
            reason: obnova_status::RevocationReason::KeyCompromise,
            by: ConfirmedBy::Ocsp,
            place: "http://status.example/ocsp".to_owned(),
        };
        let after = |told| {
            let same_key = vec![OnSameKey { serial: "02cd".to_owned(), told }];
            let revoked = Revoked { already: false, confirmation: Ok(confirmation()), same_key };
            show(&mut Screen::new(), "01ab", RevocationReason::KeyCompromise, revoked)
        };
        assert!(after(Told::Revoked(confirmation())).is_ok());
        let good = Told::Instead { place: "there".to_owned(), what: "good" };
        for told in [good, Told::Nothing(NotConfirmed(Vec::new()))] {
            let failure = after(told).unwrap_err();
            assert_eq!(failure.kind().code(), 10);
            assert!(failure.message().contains("02cd") && !failure.message().contains("01ab"), "{}", failure.message());
        }
    }

    /// A CA that keeps to why it ended at first, or whose answers are behind.
    #[test]
    fn a_compromise_that_nobody_is_told_of_is_a_failure_that_says_so() {
        let told = |already, why| {
            let confirmation = Ok(Confirmation {
                since: SystemTime::UNIX_EPOCH,
                reason: obnova_status::RevocationReason::Superseded,
                by: ConfirmedBy::Ocsp,
                place: "http://status.example/ocsp".to_owned(),
            });
            show(&mut Screen::new(), "01ab", why, Revoked { already, confirmation, same_key: Vec::new() })
        };
        for (already, advice) in [(true, "Call the CA"), (false, "Run the same command again")] {
            assert!(told(already, RevocationReason::Unspecified).is_ok(), "why it ended is of no account");
            let failure = told(already, RevocationReason::KeyCompromise).unwrap_err();
            assert_eq!(failure.kind().code(), 10);
            for part in ["01ab", "superseded", advice] {
                assert!(failure.message().contains(part), "{part}: {}", failure.message());
            }
        }
    }

    /// Nothing is begun that could be kept, and the CA may have done it all the same.
    #[test]
    fn of_a_ca_that_is_away_it_is_said_that_the_certificate_is_not_known_to_be_revoked() {
        let down = || CaError::Unreachable { server: "https://ca.example".into(), problem: "refused".into() };
        for error in [down(), CaError::Timeout { server: "https://ca.example".into() }] {
            let failure = Failure::from(RevocationError::Ca(error));
            assert_eq!(failure.kind().code(), 7);
            let text = failure.message();
            assert!(text.contains("not known to be revoked: run the same command again"), "{text}");
            assert!(!text.contains("What was begun"), "{text}");
        }
        for errand in [Errand::Renewal, Errand::First] {
            let failure = Failure::of_run(down().into(), errand);
            assert!(failure.message().ends_with("What was begun is kept."), "{}", failure.message());
        }
    }

    #[test]
    fn every_error_has_the_exit_code_of_its_kind() {
        let text = String::new;
        for (error, code) in [
            (RevocationError::Refused { rule: text(), text: text() }, 6),
            (RevocationError::NotKnown { place: text(), rule: text(), text: text() }, 6),
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
