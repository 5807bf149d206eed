//! What can be known before a key is made: whether each password that will be asked for can be had, and how many tries it has.

use std::{io::IsTerminal as _, time::SystemTime};

use obnova_card::{PasswordKind, PasswordState, PasswordSteps};
use obnova_client::{CaConnection, Prompt as _, Question, RunError};
use obnova_renewal::{AskStatus, ByRole, CardView, Plan};

use crate::{beforehand::Beforehand, failure::Failure, holder::Holder, pins::Asked, texts::t, ui::Mark, view};

/// Refuses what would come to no end for want of a password, and asks now about the last try of one; of certificates that can be
/// renewed, for others need none.
pub fn foresee(
    holder: &mut Holder,
    card: &CardView,
    plan: &Plan,
    issuer: &mut dyn CaConnection,
) -> Result<(), Failure> {
    let mut kinds: Vec<PasswordKind> = plan.asks.iter().map(|ask| ask.password).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if !std::io::stdin().is_terminal() {
        can_be_had(holder, card, plan, &kinds).or_else(|missing| stands(plan, issuer).and(Err(missing)))?;
    }
    for status in card.passwords.iter().filter(|status| kinds.contains(&status.kind)) {
        let PasswordState::Active(tries) = status.state else { continue };
        if !tries.may_be_last() {
            holder.face.borrow_mut().screen.mark(Mark::Item, &view::password_state(status));
            continue;
        }
        stands(plan, issuer)?;
        if holder.confirm(&Question::LastTry(status.kind))? {
            holder.last_tries.push(status.kind);
        } else {
            let steps = PasswordSteps::of(card.capabilities.activation, &card.passwords);
            return Err(RunError::LastTryKept { password: status.kind, instead: steps.instead_of(status.kind) }.into());
        }
    }
    Ok(())
}

/// Whether the certificates that are to be renewed can be. The process asks it too, and writes down what it is told.
fn stands(plan: &Plan, issuer: &mut dyn CaConnection) -> Result<(), Failure> {
    if plan.ask_status == AskStatus::Never {
        return Ok(());
    }
    let now = SystemTime::now();
    let told = plan.old.try_map(|_, old| issuer.standing(&old.certificate, now))?;
    let unfit = ByRole::from_fn(|role| told.get(role).filter(|one| one.stops(plan.ask_status)).cloned());
    if unfit.is_empty() { Ok(()) } else { Err(obnova_renewal::Failure::Unfit(unfit).into()) }
}

/// Where nobody is there to be asked, everything has to be given by an option.
fn can_be_had(holder: &Holder, card: &CardView, plan: &Plan, kinds: &[PasswordKind]) -> Result<(), Failure> {
    let given = |asked, question: String| match holder.pins.given(asked) {
        Some(_) => Ok(()),
        None => Err(Beforehand::Password(asked).nobody(&question)),
    };
    if plan.is_first() {
        if holder.user.is_none() {
            return Err(Beforehand::User.nobody(&t!("credential-user-id")));
        }
        given(Asked::OneTimePassword, t!("credential-one-time-password"))?;
        if plan.revocation_password.is_some() {
            given(Asked::RevocationPassword, t!("credential-revocation-password"))?;
        }
    }
    let at_pad = card.capabilities.pin_pad && holder.takes_pad();
    kinds.iter().filter(|_| !at_pad).try_for_each(|kind| given(Asked::from(*kind), view::password(*kind)))
}
