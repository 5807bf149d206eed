//! What happens in a renewal, in words: the same for the holder's own and for the one that is played.

use obnova_card::KeyRole;
use obnova_renewal::{Action, AskStatus, Asked, Fact, Prepared, Source};

use crate::{texts::t, view};

/// Tells facts as they are written down; remembers what later ones refer to.
#[derive(Default)]
pub struct Narrator {
    prepared: Option<Prepared>,
    /// No old key vouches.
    pub first: bool,
    /// There is one certificate.
    pub one: bool,
    /// What is renewed is not marked: the card has no place for that.
    pub unmarked: bool,
    /// The server that is spoken to by plain EST: the order is a request and no more, and each time who asks is said again.
    pub plain: Option<String>,
    /// What it means for the renewal that nobody says whether a certificate is revoked.
    pub ask_status: AskStatus,
}

impl Narrator {
    /// A line for what is now known; `None` for what nobody needs to read.
    pub fn fact(&mut self, fact: &Fact) -> Option<String> {
        if let Some(line) = self.by_plain_est(fact) {
            return Some(line);
        }
        Some(match fact {
            Fact::LinkUsed => t!("fact-link-used"),
            Fact::Terms(terms) => {
                let name = terms.anchors.first().map(|anchor| view::name(anchor.subject())).unwrap_or_default();
                t!("fact-terms", name = name)
            }
            Fact::KeyMade { role: KeyRole::Authentication, .. } => t!("fact-authentication-key"),
            Fact::KeyMade { role: KeyRole::Signature, .. } => t!("fact-signature-key"),
            Fact::Requested { role, request } => {
                t!("fact-requested", role = view::role(*role), bytes = request.len())
            }
            Fact::Prepared(prepared) => {
                self.prepared = Some(prepared.clone());
                return None;
            }
            Fact::Vouched { index, .. } => {
                let role = self.prepared.as_ref()?.to_sign.get(*index)?.voucher;
                match self.first {
                    true => t!("fact-signed-order", role = view::role(role)),
                    false => t!("fact-vouched", role = view::role(role)),
                }
            }
            Fact::Sealed(message) if self.first => t!("fact-sealed-first", bytes = message.0.len()),
            Fact::Sealed(message) => t!("fact-sealed", bytes = message.0.len()),
            Fact::Pending(_) => t!("fact-pending"),
            Fact::Arrived { from, .. } => match from {
                Source::Order => t!("fact-arrived", count = self.count()),
                Source::PickUp(_) => t!("fact-picked-up", count = self.count()),
                Source::Files => t!("fact-files"),
            },
            Fact::Installed => installed(self.first, self.one, self.unmarked),
            Fact::Acknowledged => t!("fact-acknowledged"),
            Fact::LoggedIn(who) => t!("fact-logged-in", name = who.as_str()),
            Fact::SignatureProven => t!("fact-signature-proven"),
            _ => return None,
        })
    }

    /// What is another story where the order is a request and no more: it goes to the server as it is, and who asks is said beside
    /// it each time, by the password or over a login.
    fn by_plain_est(&self, fact: &Fact) -> Option<String> {
        let server = self.plain.as_deref()?;
        Some(match (fact, self.first) {
            (Fact::Sealed(_), true) => t!("fact-sealed-plain-first", server = server),
            (Fact::Sealed(_), false) => t!("fact-sealed-plain", server = server),
            (Fact::Pending(_), true) => t!("fact-pending-plain-first"),
            (Fact::Pending(_), false) => t!("fact-pending-plain"),
            (Fact::Arrived { from: Source::PickUp(_), .. }, true) => {
                t!("fact-picked-up-plain-first", count = self.count())
            }
            (Fact::Arrived { from: Source::PickUp(_), .. }, false) => t!("fact-picked-up-plain", count = self.count()),
            _ => return None,
        })
    }

    /// Certificates; two where nobody said that there is one.
    const fn count(&self) -> usize {
        if self.one { 1 } else { 2 }
    }
}

/// What was put on the card, and what became of the old.
pub fn installed(first: bool, one: bool, unmarked: bool) -> String {
    match (first, unmarked, one) {
        (true, ..) => t!("fact-installed-first"),
        (false, true, _) => t!("fact-installed-beside"),
        (false, false, true) => t!("fact-installed-one"),
        (false, false, false) => t!("fact-installed"),
    }
}

/// What is shown while an action takes its time; `None` for what is over at once.
pub fn meanwhile(action: &Action) -> Option<String> {
    Some(match action {
        Action::AskStanding(_) => t!("progress-standing"),
        Action::UseLink(_) => t!("progress-use-link"),
        Action::LearnTerms => t!("progress-terms"),
        Action::Generate { order, .. } => t!("progress-key", algorithm = order.algorithm.to_string()),
        Action::Sign { .. } => t!("progress-sign"),
        Action::OverLogin { asked: Asked::Order(_), .. } => t!("progress-send"),
        Action::OverLogin { .. } => t!("progress-pick-up"),
        Action::Send(_) => t!("progress-send"),
        Action::PickUp(_) => t!("progress-pick-up"),
        Action::Install { .. } => t!("progress-install"),
        Action::ProveLogin { .. } => t!("progress-login"),
        _ => return None,
    })
}
