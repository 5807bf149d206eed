//! What a service takes no revocation for: its holders' client does not begin with it, and the CA refuses a client that does.

use obnova_status::RevocationReason;
use x509_cert::ext::pkix::CrlReason;

use super::{
    World, is_refused,
    revocation::{works, works_no_more},
};
use crate::stage::{
    newcomer::{Ending, NO_REASON},
    rules::{Broken, Verdict, there, want},
};

/// Reasons (RFC 5280 §5.3.1) as holders type them, and as a CA is told. The last three are an operator's or the CA's own, and no service lets
/// holders give them.
const REASONS: [(&str, RevocationReason, CrlReason); 8] = [
    ("unspecified", RevocationReason::Unspecified, CrlReason::Unspecified),
    ("key-compromise", RevocationReason::KeyCompromise, CrlReason::KeyCompromise),
    ("affiliation-changed", RevocationReason::AffiliationChanged, CrlReason::AffiliationChanged),
    ("superseded", RevocationReason::Superseded, CrlReason::Superseded),
    ("cessation-of-operation", RevocationReason::CessationOfOperation, CrlReason::CessationOfOperation),
    ("certificate-hold", RevocationReason::CertificateHold, CrlReason::CertificateHold),
    ("privilege-withdrawn", RevocationReason::PrivilegeWithdrawn, CrlReason::PrivilegeWithdrawn),
    ("ca-compromise", RevocationReason::CaCompromise, CrlReason::CaCompromise),
];

impl World<'_> {
    /// The name by which the holder's client refuses this before it asks anybody for anything.
    pub(super) fn foreseen(&self, why: &str, with_card: bool) -> Result<Option<String>, Broken> {
        let rules = there(self.stage.service.revocation.as_ref(), "rule for revocations")?;
        Ok((self.joints.foresee_end)(rules, why, with_card))
    }
}

/// The client takes those that the service does, and no other.
pub fn reason_client(world: &mut World<'_>) -> Verdict {
    let mut told = Vec::new();
    for (why, reason, _) in REASONS {
        let wanted = match reason {
            RevocationReason::CertificateHold
            | RevocationReason::PrivilegeWithdrawn
            | RevocationReason::CaCompromise => Some(NO_REASON),
            reason if world.expects.holder_reasons.contains(&reason) => None,
            _ => Some("revocation-reason"),
        };
        let heard = world.foreseen(why, true)?;
        want(heard.as_deref() == wanted, format!("{why}: {heard:?}"))?;
        told.push(format!("{why}: {}", wanted.unwrap_or("goes on")));
    }
    Ok(told.join(", "))
}

/// By the certificate's own key, and with the password where there is one; for a reason that is one the same is taken.
pub fn reason_ca(world: &mut World<'_>) -> Verdict {
    let holder = world.certified()?;
    let mut told = Vec::new();
    for (why, reason, code) in REASONS {
        if !world.expects.holder_reasons.contains(&reason) {
            let refused = is_refused((world.joints.end_for)(&holder, code)?, "revocation-reason");
            refused.map_err(|Broken(seen)| Broken(format!("{why}: {seen}")))?;
            told.push(why);
        }
    }
    works(&holder)?;
    if let Some(name) = (world.joints.end_for)(&holder, CrlReason::KeyCompromise)? {
        return Err(Broken(format!("key-compromise is refused: {name}")));
    }
    let seen = works_no_more(&holder)?;
    Ok(format!("refused by name: revocation-reason ({}); for key-compromise {seen}", told.join(", ")))
}

/// Whoever has the card goes on, and whoever has not is told so.
pub fn password_alone_client(world: &mut World<'_>) -> Verdict {
    let heard = [world.foreseen("key-compromise", true)?, world.foreseen("key-compromise", false)?];
    let [with_card, without] = heard.each_ref().map(Option::as_deref);
    want(
        (with_card, without) == (None, Some("password-alone")),
        format!("with the card: {with_card:?}; without it: {without:?}"),
    )?;
    Ok("without the card: password-alone; with it the client goes on".to_owned())
}

/// The right password, by a client that does not look; then the operator is asked.
pub fn password_alone_ca(world: &mut World<'_>) -> Verdict {
    let holder = world.certified()?;
    let (certificate, password) = (holder.one()?, holder.who.revocation.as_str());
    is_refused((world.joints.end)(&Ending { stage: world.stage, by: None, certificate, password })?, "password-alone")?;
    works(&holder)?;
    (world.joints.revoke)(world.stage, certificate)?;
    let seen = works_no_more(&holder)?;
    Ok(format!("the right password is refused by name: password-alone; by the operator {seen}"))
}
