//! The other road to a certificate.

use std::time::SystemTime;

use obnova_client::Turn;
use obnova_renewal::Plan;

use super::{World, first::days_of, is_refused, renewal::not_due};
use crate::stage::{
    newcomer::{Asked, Certified, one},
    rules::{Broken, Verdict, so, there, want},
};

impl<'s> World<'s> {
    /// Somebody who got the first certificate by plain EST, and no revocation password yet.
    pub(super) fn certified_plainly(&self) -> Result<Certified<'s>, Broken> {
        let mut who = self.newcomer()?;
        who.plain = true;
        let password = who.password(SystemTime::now())?;
        let certificates = who.certify_only(&password)?;
        Ok(Certified { who, certificates })
    }
}

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
    if world.expects.waits {
        who.link_is_spent(&there(who.mailed_link()?, "mail with a link")?)?;
    }
    so(
        asked && !written && !picked && waited == usize::from(world.expects.waits),
        format!("simpleenroll brought it after {waited} waits; the server saw {saw}; no password is in the journal"),
    )
}

/// The next one over a login with the old one, which speaks for its holder each time; before its time no plan is made of it.
pub fn renewal(world: &mut World<'_>) -> Verdict {
    let (expects, policy) = (world.expects.clone(), &world.stage.service.policy);
    if expects.must_wait() {
        not_due(world, &world.certified_plainly()?.who)?;
    }
    let Certified { mut who, certificates: old } = world.due()?;
    who.plain = true;
    let plan = Plan::make(&who.view()?, policy, SystemTime::now())?;
    let turn = who.with_runner(None, Some(plan), |runner| runner.run())?;
    let new = who.finished(turn)?;
    let (before, after) = (one(&old)?, one(&new)?);
    want(
        expects.days.authentication == Some(days_of(after)),
        format!("it is valid for other days than the service says: {}", days_of(after)),
    )?;
    let typed = who.asked.iter().filter(|asked| matches!(asked, Asked::Credential(_))).count();
    let came = world.stage.wire().iter().any(|access| access.path.ends_with("/simplereenroll") && access.status == 200);
    let same = before.subject() == after.subject() && before.not_after() < after.not_after();
    so(
        came && typed == 0 && same,
        format!(
            "simplereenroll over a login with the old one: {came}; {typed} passwords of the service typed; in the same name and for longer: {same}"
        ),
    )
}

/// A client that asks before the time, and one that asks for another name; the same comes where it is right.
pub fn renewal_ca(world: &mut World<'_>) -> Verdict {
    let mut told = Vec::new();
    let mut refused = |holder: &Certified<'_>, email: &str, by: &'static str| {
        told.push(by);
        is_refused((world.joints.reenroll)(holder, &holder.who.request_with(email)?)?, by)
    };
    let due = world.due()?;
    refused(&due, "somebody@else.example", "names-changed")?;
    if world.expects.must_wait() {
        let fresh = world.certified()?;
        refused(&fresh, &fresh.who.email, "too-early")?;
    }
    match (world.joints.reenroll)(&due, &due.who.request_with(&due.who.email)?)? {
        None => Ok(format!("refused by name: {}; the right one is taken", told.join(", "))),
        Some(name) => Err(Broken(format!("the right one is refused: {name}"))),
    }
}
