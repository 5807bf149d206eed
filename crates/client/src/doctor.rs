use std::{path::Path, time::SystemTime};

use obnova_card::{KeyRole, TokenError};
use obnova_card_rustls::{CardKey, SharedToken};
use obnova_renewal::{
    AskStatus, ByRole, CardView, NotEligible, ParsedCertificate, Plan, Policy, Reason, Standing, chosen_pair,
};

use crate::{CaConnection, FileJournal, look::lock};

/// What the computer check looks at.
pub struct Checkup<'a> {
    /// The card, or why there is none.
    pub token: Result<SharedToken, TokenError>,
    /// The way to the CA, where one is configured.
    pub ca: Option<&'a mut dyn CaConnection>,
    /// Where journals are kept.
    pub journals: Option<&'a Path>,
    /// What the house asks.
    pub policy: &'a Policy,
    /// Whose certificates are meant, where a card may carry those of several CAs: all that the CA has or had ([`Terms::issuers`](obnova_renewal::Terms::issuers)).
    /// Where there are none, whoever issued them.
    pub issuers: &'a [ParsedCertificate],
}

/// One line of the computer check. Ids and data; the texts of problems are English and say what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub subject: Subject,
    /// What came out.
    pub outcome: Outcome,
}

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Reader, driver and card.
    Card,
    /// The card is active and its PINs can be used.
    Passwords,
    /// Both certificates are there.
    Pair,
    /// They are valid, and due.
    Validity,
    /// There is room for new keys.
    Room,
    /// The card makes the keys that are wanted, and can vouch and log in.
    Algorithms,
    /// No renewal was left half done, on the card or on this computer.
    Unfinished,
    /// The journal can be written.
    Journal,
    /// The CA answers, and is the right one.
    Issuer,
    /// The certificates are not revoked, as everybody is told.
    Status,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Card,
        Self::Passwords,
        Self::Pair,
        Self::Validity,
        Self::Room,
        Self::Algorithms,
        Self::Unfinished,
        Self::Journal,
        Self::Issuer,
        Self::Status,
    ];

    /// Message id, for translations and for machines.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Card => "check-card",
            Self::Passwords => "check-passwords",
            Self::Pair => "check-pair",
            Self::Validity => "check-validity",
            Self::Room => "check-room",
            Self::Algorithms => "check-algorithms",
            Self::Unfinished => "check-unfinished",
            Self::Journal => "check-journal",
            Self::Issuer => "check-issuer",
            Self::Status => "check-status",
        }
    }
}

/// What came out of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order; what was seen, as names and values.
    Good(Vec<(&'static str, String)>),
    /// It works, with a difference that the holder should know.
    Warning(Problem),
    /// It does not work before something is done.
    Bad(Problem),
    /// It could not be looked at, because of what stands above or because nothing is configured.
    Skipped,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Message id.
    pub id: &'static str,
    /// What is wrong and what to do, in English.
    pub text: String,
}

/// Checks whether a renewal can work here, without touching anything: no PIN, no try, and nothing is left on the disk.
pub fn check_up(checkup: Checkup<'_>, now: SystemTime) -> Vec<Check> {
    let (policy, issuers) = (checkup.policy, checkup.issuers);
    let seen = checkup.token.and_then(|token| {
        let card = crate::look(lock(&token).as_mut())?;
        Ok((token, card))
    });
    let mut checks = match &seen {
        Err(error) => no_card(error),
        Ok((token, card)) => card_checks(token, card, policy, issuers, now),
    };
    checks.push((Subject::Journal, checkup.journals.map_or(Outcome::Skipped, journal)));
    let pair = seen.ok().and_then(|(_, card)| chosen_pair(&card, policy, issuers, now));
    let (answers, told) = checkup.ca.map_or((Outcome::Skipped, Outcome::Skipped), |ca| {
        let answers = issuer(ca);
        let told = pair.filter(|_| matches!(answers, Outcome::Good(_)) && policy.ask_status != AskStatus::Never);
        (answers, told.map_or(Outcome::Skipped, |pair| status(ca, &pair, policy.ask_status, now)))
    });
    checks.extend([(Subject::Issuer, answers), (Subject::Status, told)]);
    checks.into_iter().map(|(subject, outcome)| Check { subject, outcome }).collect()
}

/// Whether nothing keeps a renewal from beginning.
#[must_use]
pub fn is_ready(checks: &[Check]) -> bool {
    !checks.iter().any(|check| matches!(check.outcome, Outcome::Bad(_)))
}

fn no_card(error: &TokenError) -> Vec<(Subject, Outcome)> {
    let bad = Outcome::Bad(Problem { id: "problem-card", text: error.to_string() });
    let of_card = Subject::ALL.into_iter().take_while(|subject| *subject != Subject::Journal);
    of_card.map(|subject| (subject, if subject == Subject::Card { bad.clone() } else { Outcome::Skipped })).collect()
}

fn card_checks(
    token: &SharedToken,
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Vec<(Subject, Outcome)> {
    let plan = Plan::make_for(card, policy, issuers, now);
    let reasons = plan.as_ref().err().map_or(&[][..], |NotEligible { reasons }| reasons);
    let of = |subject: Subject| {
        let reason = reasons.iter().find(|reason| subject_of(reason) == subject)?;
        Some(Outcome::Bad(Problem { id: reason.id(), text: reason.to_string() }))
    };
    let identity = &card.identity;
    let seen = vec![
        ("kind", identity.kind.clone()),
        ("label", identity.label.clone()),
        ("serial", identity.serial.clone()),
        ("place", identity.place.clone()),
    ];
    let plan = plan.as_ref().ok();
    let certificates =
        plan.map(|plan| plan.old.iter().map(|(role, old)| (name(role), old.certificate.serial())).collect());
    let until = plan.and_then(Plan::old_ends).map(|until| vec![("until", obnova_renewal::date(until))]);
    let from = |seen: Option<Vec<_>>| seen.map_or(Outcome::Skipped, Outcome::Good);
    vec![
        (Subject::Card, Outcome::Good(seen)),
        (Subject::Passwords, of(Subject::Passwords).unwrap_or(Outcome::Good(Vec::new()))),
        (Subject::Pair, of(Subject::Pair).unwrap_or_else(|| from(certificates))),
        (Subject::Validity, of(Subject::Validity).unwrap_or_else(|| from(until))),
        (Subject::Room, of(Subject::Room).unwrap_or_else(|| room(plan))),
        (Subject::Algorithms, of(Subject::Algorithms).unwrap_or_else(|| algorithms(token, card, plan))),
        (Subject::Unfinished, unfinished(card)),
    ]
}

const fn subject_of(reason: &Reason) -> Subject {
    match reason {
        Reason::NotActive
        | Reason::CardFinished { .. }
        | Reason::PinNotSet { .. }
        | Reason::PinBlocked { .. }
        | Reason::PukNotTaken { .. }
        | Reason::PinDead { .. } => Subject::Passwords,
        Reason::Expired { .. } | Reason::NotYetValid { .. } | Reason::NotDue { .. } => Subject::Validity,
        Reason::NoFreeSlot { .. } | Reason::OneCertificateOnly | Reason::KeyFull { .. } | Reason::CardFull => {
            Subject::Room
        }
        Reason::AlgorithmNotOffered { .. } | Reason::KeyCannotSign { .. } => Subject::Algorithms,
        _ => Subject::Pair,
    }
}

fn room(plan: Option<&Plan>) -> Outcome {
    match plan {
        None => Outcome::Skipped,
        Some(plan) => match plan.risk {
            Some(risk) => Outcome::Warning(Problem { id: risk.id(), text: risk.to_string() }),
            None => {
                let slots = plan.new.iter().map(|(_, new)| new.slot.to_string()).collect::<Vec<_>>();
                Outcome::Good(vec![("slots", slots.join(" "))])
            }
        },
    }
}

/// A card without PSS logs in by TLS 1.2 only: it works, and its holder should know why some server will not have it.
fn algorithms(token: &SharedToken, card: &CardView, plan: Option<&Plan>) -> Outcome {
    let Some(plan) = plan else { return Outcome::Skipped };
    let key = plan.old.authentication.as_ref().and_then(|old| {
        let key = card.slot(old.slot)?.key.as_ref()?;
        CardKey::new(token.clone(), old.slot, key, old.certificate.der().to_vec()).ok()
    });
    match key.as_ref().and_then(CardKey::limitation) {
        Some(limitation) => Outcome::Warning(Problem { id: "problem-tls-1-2-only", text: limitation.to_string() }),
        None => Outcome::Good(plan.new.iter().map(|(role, new)| (name(role), new.algorithm.to_string())).collect()),
    }
}

const fn name(role: KeyRole) -> &'static str {
    match role {
        KeyRole::Authentication => "authentication",
        KeyRole::Signature => "signature",
    }
}

fn unfinished(card: &CardView) -> Outcome {
    let orphans: Vec<_> = obnova_renewal::scan(card).iter().map(|orphan| orphan.slot.to_string()).collect();
    if orphans.is_empty() {
        return Outcome::Good(Vec::new());
    }
    let slots = orphans.join(", ");
    let text = format!(
        "keys without certificates are in slots {slots}: a renewal was begun; resume it, begin again and they are gone on with, or install the certificates that were mailed"
    );
    Outcome::Warning(Problem { id: "problem-unfinished", text })
}

fn journal(directory: &Path) -> Outcome {
    let bad = |text: String| Outcome::Bad(Problem { id: "problem-journal", text });
    match FileJournal::probe(directory) {
        Ok(names) => Outcome::Good(vec![("processes", names.join(" "))]),
        Err(error) => bad(error.to_string()),
    }
}

/// What is worst of what is told: what keeps from renewing, else what nobody knows.
fn status(ca: &mut dyn CaConnection, pair: &ByRole<ParsedCertificate>, ask: AskStatus, now: SystemTime) -> Outcome {
    let told = match pair.try_map(|_, certificate| ca.standing(certificate, now)) {
        Ok(told) => told,
        Err(error) => return Outcome::Warning(Problem { id: "standing-unknown", text: error.to_string() }),
    };
    let problem = |(role, standing): (KeyRole, &Standing)| Problem { id: standing.id(), text: standing.text(role) };
    let unsure = |(_, standing): &(KeyRole, &Standing)| !matches!(standing, Standing::Good { .. });
    if let Some(bad) = told.iter().find(|(_, standing)| standing.stops(ask)) {
        return Outcome::Bad(problem(bad));
    }
    match told.iter().find(unsure) {
        Some(unknown) => Outcome::Warning(problem(unknown)),
        None => Outcome::Good(told.iter().map(|(role, standing)| (name(role), standing.text(role))).collect()),
    }
}

fn issuer(ca: &mut dyn CaConnection) -> Outcome {
    match ca.terms() {
        Ok(terms) => {
            let names: Vec<_> = terms.anchors.iter().map(|anchor| anchor.subject().to_string()).collect();
            Outcome::Good(vec![("anchors", names.join("; "))])
        }
        Err(error) => Outcome::Bad(Problem { id: "problem-issuer", text: error.to_string() }),
    }
}
