//! What can be known before a key is made: whether each password that will be asked for can be had, and how many tries it has.

use std::io::IsTerminal as _;

use obnova_card::{PasswordKind, PasswordState, PasswordSteps};
use obnova_client::{Prompt as _, Question, RunError};
use obnova_renewal::{CardView, Plan};

use crate::{beforehand::Beforehand, failure::Failure, holder::Holder, pins::Asked, texts::t, ui::Mark, view};

/// Refuses what would come to no end for want of a password, and asks now about the last try of one.
pub fn foresee(holder: &mut Holder, card: &CardView, plan: &Plan) -> Result<(), Failure> {
    let mut kinds: Vec<PasswordKind> = plan.asks.iter().map(|ask| ask.password).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if !std::io::stdin().is_terminal() {
        can_be_had(holder, card, plan, &kinds)?;
    }
    for status in card.passwords.iter().filter(|status| kinds.contains(&status.kind)) {
        let PasswordState::Active(tries) = status.state else { continue };
        if !tries.may_be_last() {
            holder.face.borrow_mut().screen.mark(Mark::Item, &view::password_state(status));
        } else if holder.confirm(&Question::LastTry(status.kind))? {
            holder.last_tries.push(status.kind);
        } else {
            let steps = PasswordSteps::of(card.capabilities.activation, &card.passwords);
            return Err(RunError::LastTryKept { password: status.kind, instead: steps.instead_of(status.kind) }.into());
        }
    }
    Ok(())
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
