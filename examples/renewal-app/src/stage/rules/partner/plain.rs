//! The other road to a first certificate.

use std::time::SystemTime;

use obnova_client::Turn;

use super::World;
use crate::stage::{
    newcomer::{Asked, one},
    rules::{Broken, Verdict, so},
};

/// By plain EST: the one-time password goes to the CA inside TLS, the same request is sent again until the certificate is there,
/// and the card logs in with it. No password is picked on this road, and none is in the journal.
pub fn plain_est(world: &mut World<'_>) -> Verdict {
    let mut who = world.newcomer()?;
    who.plain = true;
    let password = who.password(SystemTime::now())?;
    let (mut turn, mut waited) = (who.run(&password)?, 0);
    if world.expects.waits && matches!(turn, Turn::Waits(_)) {
        world.stage.approve_at(who.now())?;
        waited += 1;
        // Who asks is said each time.
        turn = who.with_runner(Some(&password), None, |runner| runner.run())?;
    }
    let Turn::Done(summary) = turn else { return Err(Broken(format!("the order was not finished: {turn:?}"))) };
    let certificate = one(&summary.certificates)?.clone();
    let journal = serde_json::to_string(&who.journal.0)?;
    let written =
        [password.to_text().to_string(), password.to_text().replace('-', "")].iter().any(|text| journal.contains(text));
    let picked = who.asked.iter().any(
        |asked| matches!(asked, Asked::Credential(one) if one.what == obnova_client::Credential::RevocationPassword),
    );
    let asked = world.stage.wire().iter().any(|access| access.path.ends_with("/simpleenroll") && access.status == 200);
    let saw = who.log_in(&certificate)?;
    // The login says that it arrived, which the protocol has no word for.
    who.mailed_link()?.map_or(Ok(()), |link| who.link_is_spent(&link))?;
    so(
        asked && !written && !picked && waited == usize::from(world.expects.waits),
        format!("simpleenroll brought it after {waited} waits; the server saw {saw}; no password is in the journal"),
    )
}
