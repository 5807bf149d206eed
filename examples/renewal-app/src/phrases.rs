//! The words of the renewal's own types.

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{BrokenRule, KeyRole, Offer, PasswordKind, Tries};
use obnova_client::{CaError, Credential, CredentialProblem, RunError, enroll::est::EstError};
use obnova_renewal::{
    ByRole, ChainProblem, LinkRefusal, Phase, PinUse, Reason, Refusal, Risk, Standing, WeakPassword, date,
};

use crate::{
    texts::t,
    view::{self, password, role},
};

/// What a password is sent to the card for.
pub fn pin_use(one: PinUse) -> String {
    match one {
        PinUse::MakeKey(KeyRole::Authentication) => t!("use-make-authentication-key"),
        PinUse::MakeKey(KeyRole::Signature) => t!("use-make-signature-key"),
        PinUse::SignRequest(KeyRole::Authentication) => t!("use-sign-authentication-request"),
        PinUse::SignRequest(KeyRole::Signature) => t!("use-sign-signature-request"),
        PinUse::Vouch(KeyRole::Authentication) => t!("use-vouch-authentication"),
        PinUse::Vouch(KeyRole::Signature) => t!("use-vouch-signature"),
        PinUse::SignOrder(KeyRole::Authentication) => t!("use-sign-order-authentication"),
        PinUse::SignOrder(KeyRole::Signature) => t!("use-sign-order-signature"),
        PinUse::Install => t!("use-install"),
        PinUse::Login => t!("use-login"),
        PinUse::TestSignature => t!("use-test-signature"),
        PinUse::SeeLeftOvers => t!("use-see-left-overs"),
        PinUse::Remove => t!("use-remove"),
        PinUse::Repair => t!("use-repair"),
        PinUse::Revoke => t!("use-revoke"),
        PinUse::Receipt => t!("use-receipt"),
        PinUse::SetPassword => t!("use-set-password"),
    }
}

/// That the CA is asked in vain, and again.
pub fn away(error: &RunError, first: bool) -> String {
    let problem = match error {
        RunError::Ca(CaError::Unreachable { problem, .. }) => t!("away-unreachable", problem = problem.as_str()),
        RunError::Ca(CaError::Timeout { .. }) => t!("away-timeout"),
        RunError::Ca(CaError::Status { status, .. }) => t!("away-status", status = *status),
        RunError::Ca(CaError::Server(EstError::TooOften { .. })) => t!("away-too-often"),
        _ => t!("away-busy"),
    };
    t!(
        "progress-away",
        problem = problem,
        command = if first { "obnova first --resume" } else { "obnova renew --resume" }
    )
}

/// Why a link begins nothing.
pub fn link_refusal(refusal: LinkRefusal) -> String {
    match refusal {
        LinkRefusal::Unknown => t!("error-link-unknown"),
        LinkRefusal::OtherCard => t!("error-link-other-card"),
        LinkRefusal::OnHold => t!("error-link-on-hold"),
        LinkRefusal::Revoked => t!("error-link-revoked"),
        _ => t!("error-link-over"),
    }
}

/// What is told of a certificate that is to be renewed, and what to do.
pub fn standing(of: KeyRole, standing: &Standing) -> String {
    let role = role(of);
    match standing {
        Standing::Good { by, place } => {
            t!("standing-good", role = role, by = by.as_str(), place = place.as_str())
        }
        Standing::Revoked { since, reason, place } => {
            t!("standing-revoked", role = role, since = date(*since), reason = reason.as_str(), place = place.as_str())
        }
        Standing::OnHold { since, place } => {
            t!("standing-on-hold", role = role, since = date(*since), place = place.as_str())
        }
        Standing::NeverIssued { place } => t!("standing-never-issued", role = role, place = place.as_str()),
        Standing::Unknown { problems } => t!("standing-unknown", role = role, problems = problems.as_str()),
    }
}

/// The same where it stops a renewal: nobody says then that it goes on.
pub fn standing_stops(of: KeyRole, told: &Standing) -> String {
    match told {
        Standing::Unknown { problems } => {
            t!("standing-unknown-stops", role = role(of), problems = problems.as_str())
        }
        told => standing(of, told),
    }
}

/// What keeps these from being renewed, a line each.
pub fn unfit(unfit: &ByRole<Standing>) -> String {
    let texts: Vec<_> = unfit.iter().map(|(role, told)| standing_stops(role, told)).collect();
    texts.join("\n")
}

/// The reason a part of the renewal needs its password for.
pub fn phase(phase: Phase) -> String {
    match phase {
        Phase::NewKeys => t!("phase-new-keys"),
        Phase::Requests => t!("phase-requests"),
        Phase::Finish => t!("phase-finish"),
    }
}

/// What it means to spend the last try of a password.
pub fn last_try(kind: PasswordKind, tries: Tries) -> String {
    match kind {
        PasswordKind::TransportPin => t!("pin-last-try-transport"),
        PasswordKind::Puk => t!("pin-last-try-puk"),
        PasswordKind::AuthenticationPin | PasswordKind::SignaturePin if tries.may_be_last() => {
            t!("pin-last-try", name = password(kind))
        }
        PasswordKind::AuthenticationPin | PasswordKind::SignaturePin => {
            t!("pin-may-be-last-try", name = password(kind))
        }
    }
}

/// The last try was kept, and what can be done about it on this card. First what it cost, where the one before was wrong.
pub fn last_try_kept(kind: PasswordKind, tries: Tries, was_wrong: bool, instead: Option<&Offer>) -> String {
    let name = password(kind);
    let sure = if was_wrong { t!("last-try-sure-of-another", name = &*name) } else { t!("last-try-sure") };
    let kept = match (instead, kind) {
        (Some(offer), _) => t!("error-last-try-kept-or", name = &*name, sure = sure, instead = view::offer(offer)),
        (None, PasswordKind::TransportPin) => t!("error-last-try-kept-transport", name = &*name, sure = sure),
        (None, PasswordKind::Puk) => t!("error-last-try-kept-puk", name = &*name, sure = sure),
        (None, PasswordKind::AuthenticationPin | PasswordKind::SignaturePin) => {
            t!("error-last-try-kept-pin", name = &*name, sure = sure)
        }
    };
    match (was_wrong, tries.may_be_last()) {
        (false, _) => kept,
        (true, true) => format!("{} {kept}", t!("last-try-was-wrong", name = name)),
        (true, false) => format!("{} {kept}", t!("last-try-was-wrong-untold", name = name)),
    }
}

/// Why a new password is not taken.
pub fn broken_rule(broken: BrokenRule) -> String {
    match broken {
        BrokenRule::Length { minimum, maximum } => t!("rule-length", length = view::length(minimum, maximum)),
        BrokenRule::NotDigits => t!("rule-digits"),
        BrokenRule::Trivial => t!("rule-trivial"),
        BrokenRule::SameAs { other } => t!("rule-same-as", name = password(other)),
        BrokenRule::NotTheSame => t!("rule-not-the-same"),
        other => t!("error-other", detail = other.to_string()),
    }
}

/// What is asked of the holder for a first order.
pub fn credential(what: Credential) -> String {
    match what {
        Credential::UserId => t!("credential-user-id"),
        Credential::OneTimePassword => t!("credential-one-time-password"),
        Credential::RevocationPassword => t!("credential-revocation-password"),
        Credential::RevocationPasswordAgain => t!("credential-revocation-password-again"),
        Credential::OldRevocationPassword => t!("credential-old-revocation-password"),
        other => other.to_string(),
    }
}

/// Why something that was given for a first order is no good.
pub fn credential_problem(problem: CredentialProblem) -> String {
    match problem {
        CredentialProblem::Form => t!("credential-form"),
        CredentialProblem::Mistyped => t!("credential-mistyped"),
        CredentialProblem::Length => t!("credential-length"),
        CredentialProblem::Character { position } => t!("credential-character", position = position),
        CredentialProblem::Weak(WeakPassword::NotText) => t!("weak-not-text"),
        CredentialProblem::Weak(WeakPassword::TooLong { maximum }) => t!("weak-too-long", maximum = maximum),
        CredentialProblem::Weak(WeakPassword::TooShort { minimum }) => t!("weak-too-short", minimum = minimum),
        CredentialProblem::Weak(WeakPassword::TooPlain { distinct }) => t!("weak-too-plain", distinct = distinct),
        CredentialProblem::Differ => t!("credential-differ"),
        CredentialProblem::SameAsOneTime => t!("credential-same-as-one-time"),
        other => t!("error-other", detail = other.to_string()),
    }
}

/// What may go wrong by the nature of a card.
pub fn risk(risk: Risk) -> String {
    match risk {
        Risk::InPlaceOnly => t!("risk-in-place-only"),
    }
}

/// What keeps a pair from being renewed, and what to do about it.
pub fn reason(reason: &Reason) -> String {
    match *reason {
        Reason::NotActive => t!("reason-not-active"),
        Reason::CardFinished { password: kind } => t!("reason-card-finished", name = password(kind)),
        Reason::PinDead { password: kind } => t!("reason-pin-dead", name = password(kind)),
        Reason::PinNotSet { password: kind } => t!("reason-pin-not-set", name = password(kind)),
        Reason::PinBlocked { password: kind } => t!("reason-pin-blocked", name = password(kind)),
        Reason::PukNotTaken { password: kind } => t!("reason-puk-not-taken", name = password(kind)),
        Reason::NoCertificates => t!("reason-no-certificates"),
        Reason::OfOtherIssuers => t!("reason-of-other-issuers"),
        Reason::BrokenCertificate { slot } => t!("reason-broken-certificate", slot = slot.to_string()),
        Reason::OnlyOneOfTwo { missing } => t!("reason-only-one-of-two", missing = role(missing)),
        Reason::Expired { role: of, since } => t!("reason-expired", role = role(of), since = date(since)),
        Reason::NotYetValid { role: of, from } => t!("reason-not-yet-valid", role = role(of), from = date(from)),
        Reason::NotDue { from, until } => t!("reason-not-due", from = date(from), until = date(until)),
        Reason::SeveralPairs { pairs } => t!("reason-several-pairs", pairs = pairs),
        Reason::NoFreeSlot { needed, free } => t!("reason-no-free-slot", needed = needed, free = free),
        Reason::OneCertificateOnly => t!("reason-one-certificate-only"),
        Reason::CardFull => t!("reason-card-full"),
        Reason::KeyFull { role: of, most } => t!("reason-key-full", role = role(of), most = most),
        Reason::AlgorithmNotOffered { algorithm, .. } => {
            t!("reason-algorithm-not-offered", algorithm = algorithm.to_string())
        }
        Reason::KeyCannotSign { role: of } => t!("reason-key-cannot-sign", role = role(of)),
        Reason::AlgorithmNotTaken { algorithm, .. } => {
            t!("reason-algorithm-not-taken", algorithm = algorithm.to_string())
        }
        Reason::KeptKeyNotTaken { role: of, kept } => {
            t!("reason-kept-key-not-taken", role = role(of), kept = kept.to_string())
        }
        Reason::KeyNotOfService { role: of, ref certified, ref offered } => {
            t!("reason-key-not-of-service", role = role(of), certified = kinds(certified), offered = kinds(offered))
        }
        Reason::KeptKeyNotOfService { role: of, ref certified, kept } => {
            t!("reason-kept-key-not-of-service", role = role(of), certified = kinds(certified), kept = kept.to_string())
        }
        Reason::IssuerAgainstService { role: of, ref certified, ref taken } => {
            t!("reason-issuer-against-service", role = role(of), certified = kinds(certified), taken = kinds(taken))
        }
        Reason::NotForLogin { role: of } => t!("reason-not-for-login", role = role(of)),
        Reason::ExtensionNotOurs { wanted } => t!("reason-extension-not-ours", wanted = wanted.0.to_string()),
        Reason::OneRequestOnly { count } => t!("reason-one-request-only", count = count),
        Reason::NoPlaceForPassword => t!("reason-no-place-for-password"),
        ref other => other.to_string(),
    }
}

/// Kinds of keys, one after the other.
fn kinds(keys: &[KeyAlgorithm]) -> String {
    let names: Vec<_> = keys.iter().map(KeyAlgorithm::to_string).collect();
    if names.is_empty() { t!("no-known-keys") } else { names.join(", ") }
}

/// Why certificates that came are not put on the card.
pub fn refusal(refusal: &Refusal) -> String {
    match *refusal {
        Refusal::Malformed => t!("refusal-malformed"),
        Refusal::TooMany { count, limit } => t!("refusal-too-many", count = count, limit = limit),
        Refusal::AnotherKey => t!("refusal-another-key"),
        Refusal::OnlyOneOfTwo { missing } => t!("refusal-only-one-of-two", missing = role(missing)),
        Refusal::Twice { role: of } => t!("refusal-twice", role = role(of)),
        Refusal::Swapped => t!("refusal-swapped"),
        Refusal::NotNew { role: of } => t!("refusal-not-new", role = role(of)),
        Refusal::CardFull => t!("refusal-card-full"),
        Refusal::KeyFull { role: of, most } => t!("refusal-key-full", role = role(of), most = most),
        Refusal::NoSubject { role: of } => t!("refusal-no-subject", role = role(of)),
        Refusal::TwoSubjects => t!("refusal-two-subjects"),
        Refusal::AnotherSubject { role: of } => t!("refusal-another-subject", role = role(of)),
        Refusal::OtherAltNames { role: of } => t!("refusal-other-alt-names", role = role(of)),
        Refusal::Chain { role: of, problem } => t!("refusal-chain", role = role(of), problem = chain_problem(problem)),
        Refusal::Expired { role: of } => t!("refusal-expired", role = role(of)),
        Refusal::NotYetValid { role: of } => t!("refusal-not-yet-valid", role = role(of)),
        Refusal::IsCa { role: of } => t!("refusal-is-ca", role = role(of)),
        Refusal::KeyUsage { role: of } => t!("refusal-key-usage", role = role(of)),
        Refusal::ExtendedKeyUsage { role: of, missing } => {
            t!("refusal-extended-key-usage", role = role(of), missing = missing.0.to_string())
        }
        Refusal::QcStatement { role: of, missing } => {
            t!("refusal-qc-statement", role = role(of), missing = missing.0.to_string())
        }
        ref other => other.to_string(),
    }
}

/// Why a CA refused, by the names of RFC 5272 §6.1.4; other names as they are.
pub fn fail_info(name: &str) -> String {
    match name {
        "badAlg" => t!("ca-bad-alg"),
        "badMessageCheck" => t!("ca-bad-message-check"),
        "badRequest" => t!("ca-bad-request"),
        "badTime" => t!("ca-bad-time"),
        "badCertId" => t!("ca-bad-cert-id"),
        "unsupportedExt" => t!("ca-unsupported-ext"),
        "mustArchiveKeys" => t!("ca-must-archive-keys"),
        "badIdentity" => t!("ca-bad-identity"),
        "popRequired" => t!("ca-pop-required"),
        "popFailed" => t!("ca-pop-failed"),
        "noKeyReuse" => t!("ca-no-key-reuse"),
        "internalCAError" => t!("ca-internal-ca-error"),
        "tryLater" => t!("ca-try-later"),
        "authDataFail" => t!("ca-auth-data-fail"),
        "unspecified" => t!("ca-unspecified"),
        other => other.to_owned(),
    }
}

fn chain_problem(problem: ChainProblem) -> String {
    match problem {
        ChainProblem::UnknownIssuer => t!("chain-unknown-issuer"),
        ChainProblem::Signature => t!("chain-signature"),
        ChainProblem::IssuerValidity => t!("chain-issuer-validity"),
        ChainProblem::NotAnIssuer => t!("chain-not-an-issuer"),
        ChainProblem::TooLong => t!("chain-too-long"),
        ChainProblem::CriticalExtension => t!("chain-critical-extension"),
    }
}
