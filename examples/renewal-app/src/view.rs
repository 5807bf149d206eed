//! What is on a card, in words: tables and summaries, the same for every command.

use std::time::{Duration, SystemTime};

use obnova_card::{
    Capabilities, Dead, Identity, KeyRole, Offer, PasswordKind, PasswordState, PasswordStatus, PasswordStep, Tries,
};
use obnova_renewal::{CertificateView, SlotView, date};
use x509_cert::name::Name;

use crate::{texts::t, ui::Table};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Who a card is, in a line.
pub fn title(identity: &Identity) -> String {
    t!(
        "card-title",
        label = identity.label.as_str(),
        serial = identity.serial.as_str(),
        place = identity.place.as_str()
    )
}

/// The slots as a table; free ones are counted in its last line.
pub fn slots<'a>(slots: impl IntoIterator<Item = &'a SlotView>, now: SystemTime) -> Table {
    let mut table = Table::new([
        t!("card-column-slot"),
        t!("card-column-use"),
        t!("card-column-key"),
        t!("card-column-name"),
        t!("card-column-until"),
        t!("card-column-state"),
    ]);
    let mut free = 0;
    for slot in slots {
        let Some(key) = &slot.key else {
            if slot.left_over {
                let empty = std::iter::repeat_n(String::new(), 4);
                table.row([slot.id.to_string()].into_iter().chain(empty).chain([t!("card-state-left-over")]));
            } else {
                free += 1;
            }
            continue;
        };
        let lead = [slot.id.to_string(), role(key.role), key.algorithm.to_string()];
        if slot.certificates.is_empty() {
            table.row(lead.iter().cloned().chain([String::new(), String::new(), t!("card-state-waiting")]));
        }
        for entry in &slot.certificates {
            table.row(lead.iter().cloned().chain(certificate(entry, now)));
        }
    }
    if free > 0 {
        table.remark(t!("card-free", count = free));
    }
    table
}

fn certificate(entry: &CertificateView, now: SystemTime) -> [String; 3] {
    match &entry.certificate {
        Some(certificate) => {
            let until = certificate.not_after();
            [name(certificate.subject()), date(until), state(entry.superseded, days(now, until))]
        }
        None => [entry.label.clone(), String::new(), t!("card-state-unreadable")],
    }
}

fn state(superseded: bool, days: i64) -> String {
    match days {
        _ if superseded => t!("card-state-superseded"),
        days if days < 0 => t!("card-state-expired"),
        days if days <= 30 => t!("card-state-expires", days = days),
        _ => t!("card-state-valid"),
    }
}

/// What a key is for.
pub fn role(role: KeyRole) -> String {
    match role {
        KeyRole::Authentication => t!("word-authentication"),
        KeyRole::Signature => t!("word-signature"),
    }
}

/// A password's name.
pub fn password(kind: PasswordKind) -> String {
    match kind {
        PasswordKind::AuthenticationPin => t!("word-authentication-pin"),
        PasswordKind::SignaturePin => t!("word-signature-pin"),
        PasswordKind::Puk => t!("word-puk"),
        PasswordKind::TransportPin => t!("word-transport-pin"),
    }
}

/// How many characters a password has.
pub fn length(minimum: usize, maximum: usize) -> String {
    match minimum == maximum {
        true => t!("word-length", count = minimum),
        false => t!("word-lengths", minimum = minimum, maximum = maximum),
    }
}

/// How a password stands, its name first.
pub fn password_state(status: &PasswordStatus) -> String {
    let name = password(status.kind);
    match status.state {
        PasswordState::Transport => t!("card-password-transport", name = name),
        PasswordState::Empty => t!("card-password-empty", name = name),
        PasswordState::Active(left) => tries(&name, left),
        PasswordState::Blocked => t!("card-password-blocked", name = name),
        PasswordState::Disabled => t!("card-password-disabled", name = name),
    }
}

/// Something that can be done about passwords now, what it takes, and how many tries that one has.
pub fn offer(offer: &Offer) -> String {
    let what = match offer.step {
        PasswordStep::Activate => t!("step-activate"),
        PasswordStep::Change(kind) => t!("step-change", name = password(kind), which = argument(kind)),
        PasswordStep::Unblock(kind) => t!("step-unblock", name = password(kind), which = argument(kind)),
    };
    match offer.takes {
        Some((kind, left)) => t!("step-takes", what = what, takes = tries(&password(kind), left)),
        None => what,
    }
}

/// Whether there is a PUK with tries left that the card takes none of from here.
pub fn keeps_puk(capabilities: &Capabilities, passwords: &[PasswordStatus]) -> bool {
    let is_puk = |one: &PasswordStatus| one.kind == PasswordKind::Puk && matches!(one.state, PasswordState::Active(_));
    capabilities.activation.is_none() && !capabilities.takes_puk && passwords.iter().any(is_puk)
}

/// What nothing helps against any more.
pub fn dead(dead: Dead) -> String {
    match dead {
        Dead::Token(kind) => t!("error-card-finished", name = password(kind)),
        Dead::Puk => t!("error-puk-blocked"),
        Dead::Pin(kind) => t!("error-pin-dead", name = password(kind)),
    }
}

/// How a password is named on the command line.
const fn argument(kind: PasswordKind) -> &'static str {
    match kind {
        PasswordKind::AuthenticationPin => "authentication",
        PasswordKind::SignaturePin => "signature",
        PasswordKind::Puk => "puk",
        PasswordKind::TransportPin => "transport",
    }
}

fn tries(name: &str, left: Tries) -> String {
    match left {
        Tries::Known(left) => t!("card-password-tries", name = name, tries = left),
        Tries::Low => t!("card-password-low", name = name),
        Tries::Last => t!("card-password-last", name = name),
        Tries::Unknown => t!("card-password-unknown", name = name),
    }
}

/// The common name, or the whole name where there is none.
pub fn name(name: &Name) -> String {
    match name.common_name() {
        Ok(Some(common)) => common.value().into_owned(),
        _ => name.to_string(),
    }
}

/// Whole days from `now` until `then`; negative when it is over.
pub fn days(now: SystemTime, then: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs() / DAY).unwrap_or(i64::MAX);
    match then.duration_since(now) {
        // A certificate that is valid for 20 days has 19.99 left a moment later; nobody would say 19.
        Ok(left) => whole(left + Duration::from_secs(DAY / 2)),
        Err(over) => -whole(over.duration()) - 1,
    }
}
