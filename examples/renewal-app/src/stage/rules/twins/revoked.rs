//! What became of certificates before they are renewed.

use std::time::SystemTime;

use obnova_client::Turn;
use obnova_renewal::Failure;

use super::{Heard, World};
use crate::{
    checks,
    stage::{
        Liar, Lie, Trial,
        rules::{Broken, Verdict, keys_on, want},
    },
};

/// The computer check tells it, and a renewal is not begun: no PIN is asked for, and the card stays as it was.
pub fn client(world: &mut World<'_>) -> Verdict {
    let (policy, authority) = (&world.stage.service.policy, &world.stage.authority);
    let mut trial = Trial::new(world.stage)?;
    world.stage.revoke(&trial.old.authentication)?;
    let before = trial.view()?;
    let turn = trial.run()?;
    let (asked, more) = (trial.asked.len(), keys_on(&trial.view()?).saturating_sub(keys_on(&before)));
    let unfit = match turn {
        Turn::Failed(failure @ Failure::Unfit(_)) if asked == 0 && trial.view()? == before => failure,
        turn => {
            return Err(Broken(format!(
                "a renewal of revoked certificates is begun: {asked} PINs were asked for, {more} keys were made, and it came to {turn:?}"
            )));
        }
    };
    let lines = checks::standing(authority, &before, policy, &[], SystemTime::now());
    want(lines.iter().any(|line| line.failure.is_some()), "the computer check calls a revoked certificate fit")?;
    Ok(unfit.to_string())
}

/// An order of a client that did not ask.
pub fn ca(world: &mut World<'_>) -> Verdict {
    let (liar, other) = (Liar::new(world.stage)?, Liar::new(world.stage)?);
    liar.is_revoked(world.stage)?;
    match world.ca.order(&liar.order(Lie::None, &other)?)? {
        Heard::Refused(name) if name == "revoked" => Ok(format!("refused by name: {name}")),
        heard => Err(Broken(format!("the CA said {heard:?} to a client that lies"))),
    }
}
