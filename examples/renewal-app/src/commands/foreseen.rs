//! Before a key is made: what will be asked for and can be had nowhere, or cannot be right, ends it; and a last try takes a yes.

use std::time::SystemTime;

use obnova_card::{PasswordState, PasswordSteps, Secret};
use obnova_client::{CaConnection, Credential, Foreseen, Prompt as _, Question, RunError, Wanted};
use obnova_renewal::{AskStatus, ByRole, CardView, Plan};

use crate::{
    beforehand::Beforehand,
    failure::Failure,
    holder::Holder,
    phrases,
    pins::Asked,
    ui::{Mark, sits_there},
    view,
};

/// Refuses what would come to no end for want of a password, and asks now about the last try of one; of certificates that can be
/// renewed, for others need none.
pub fn foresee(
    holder: &mut Holder,
    card: &CardView,
    plan: &Plan,
    foreseen: &Foreseen,
    issuer: &mut dyn CaConnection,
) -> Result<(), Failure> {
    let fits = foreseen.check(|wanted| given(holder, wanted)).map_err(Failure::from);
    let fits = if sits_there() { fits } else { can_be_had(holder, card, foreseen).and(fits) };
    fits.or_else(|problem| stands(plan, issuer).and(Err(problem)))?;
    let low: Vec<_> = foreseen.last_tries().collect();
    for status in &foreseen.passwords {
        let (true, PasswordState::Active(tries)) = (low.contains(&status.kind), status.state) else {
            holder.face.borrow_mut().screen.mark(Mark::Item, &view::password_state(status));
            continue;
        };
        stands(plan, issuer)?;
        // Nothing was given yet.
        let (password, was_wrong) = (status.kind, false);
        if holder.confirm(&Question::LastTry { password, tries, was_wrong })? {
            holder.last_tries.push(password);
        } else {
            let steps = PasswordSteps::of(&card.capabilities, &card.passwords);
            let instead = steps.instead_of(password);
            return Err(RunError::LastTryKept { password, tries, was_wrong, instead }.into());
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
fn can_be_had(holder: &Holder, card: &CardView, foreseen: &Foreseen) -> Result<(), Failure> {
    let at_pad = card.capabilities.pin_pad && holder.takes_pad();
    let missing = |wanted: &&Wanted| match wanted {
        Wanted::Password(_) if at_pad => false,
        wanted if foreseen.may_be_left_out(**wanted) => false,
        wanted => given(holder, **wanted).is_none(),
    };
    let Some(missing) = foreseen.wanted.iter().find(missing) else { return Ok(()) };
    let (option, question) = match *missing {
        Wanted::Password(kind) => (Beforehand::Password(kind.into()), view::password(kind)),
        Wanted::Credential(what) => {
            (Asked::of(what).map_or(Beforehand::User, Beforehand::Password), phrases::credential(what))
        }
    };
    Err(match *missing {
        Wanted::Credential(_) if !holder.gives_credentials => option.nobody_but_in_first(&question),
        _ => option.nobody(&question),
    })
}

/// What an option gave.
fn given(holder: &Holder, wanted: Wanted) -> Option<Secret> {
    match wanted {
        Wanted::Password(kind) => holder.pins.given(kind.into()),
        Wanted::Credential(Credential::UserId) => holder.user.as_deref().map(Secret::from),
        Wanted::Credential(what) => holder.pins.given(Asked::of(what)?),
    }
}
