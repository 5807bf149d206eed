//! What comes after the first certificate: the next one, and the end.

use std::time::{Duration, SystemTime};

use obnova_card::{PasswordKind, PasswordState, Pin, Secret};
use obnova_client::Turn;
use obnova_renewal::{AskStatus, ByRole, Failure, Method, ParsedCertificate, Plan, Protocol, Reason};

use super::{Expects, World, first::days_of, is_refused};
use crate::{
    stage::{
        Newcomer,
        newcomer::{Asked, Certified, one},
        rules::{Broken, Verdict, keys_on, so, there, want},
    },
    tokens,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Somebody who renewed, with the certificates before and after.
pub struct Renewed<'s> {
    who: Newcomer<'s>,
    old: ByRole<ParsedCertificate>,
    new: ByRole<ParsedCertificate>,
}

impl<'s> World<'s> {
    /// Somebody who got the first certificates so long ago that half of the window is left, and has renewed them today.
    fn renewed(&mut self) -> Result<&Renewed<'s>, Broken> {
        if self.renewed.is_none() {
            self.renewed = Some(self.renew()?);
        }
        there(self.renewed.as_ref(), "renewal")
    }

    fn renew(&self) -> Result<Renewed<'s>, Broken> {
        let Certified { mut who, certificates: old } = self.due()?;
        let plan = Plan::make(&who.view()?, &self.stage.service.policy, SystemTime::now())?;
        let turn = who.with_runner(None, Some(plan), |runner| runner.run())?;
        let new = who.finished(turn)?;
        Ok(Renewed { who, old, new })
    }

    /// Somebody who got the first certificates so long ago that half of the window is left.
    pub(super) fn due(&self) -> Result<Certified<'s>, Broken> {
        Newcomer::certified_ago(self.stage, self.joints, self.due_after())
    }

    /// How long after they were issued.
    fn due_after(&self) -> Duration {
        let left = self.expects.window.min(self.shortest()) / 2;
        self.shortest().saturating_sub(left)
    }

    /// Somebody whose certificates are due, and were revoked; with the plan to renew them.
    fn revoked(&self) -> Result<(Certified<'s>, Plan), Broken> {
        let holder = self.due()?;
        for (_, one) in holder.certificates.iter() {
            self.stage.revoke(one)?;
        }
        let plan = Plan::make(&holder.who.view()?, &self.stage.service.policy, SystemTime::now())?;
        Ok((holder, plan))
    }

    /// The name by which a client is refused that renews by this plan all the same: by a message that the old keys sign, or over a
    /// login with the old certificate where the service's orders go by plain EST, which may have another name for it.
    fn not_renewed(&self, mut holder: Certified<'s>, plan: Plan, [signed, logged_in]: [&str; 2]) -> Verdict {
        if self.stage.service.policy.protocol == Protocol::Est {
            let request = holder.who.request_with(&holder.who.email)?;
            is_refused((self.joints.reenroll)(&holder, &request)?, logged_in)?;
            return Ok(format!("{logged_in} (simplereenroll)"));
        }
        self.refused(&holder.who.sealed(plan)?, signed)?;
        Ok(signed.to_owned())
    }

    /// Somebody whose certificates ended an hour ago.
    fn expired(&mut self) -> Result<&mut Certified<'s>, Broken> {
        if self.expired.is_none() {
            let policy = self.stage.house().ca().policy();
            let longest = policy.authentication.validity.max(policy.signature.validity);
            self.expired = Some(Newcomer::certified_ago(self.stage, self.joints, longest + HOUR)?);
        }
        there(self.expired.as_mut(), "certificate that is over")
    }

    /// How long the certificate is valid that ends first, as the CA issues them.
    fn shortest(&self) -> Duration {
        let policy = self.stage.house().ca().policy();
        let all = policy.first.profiles.iter().map(|profile| policy.profile(*profile).validity);
        all.min().unwrap_or_default()
    }
}

/// The valid certificate speaks for its holder: no password, and a life more.
pub fn renewal(world: &mut World<'_>) -> Verdict {
    let (expects, old_for) = (world.expects.clone(), world.due_after());
    let Renewed { who, old, new } = world.renewed()?;
    let (before, after) = (one(old)?, one(new)?);
    let typed = who.asked.iter().filter(|asked| matches!(asked, Asked::Credential(_))).count();
    let same_key = before.public_key() == after.public_key();
    let life = after.not_after() >= before.not_after() + old_for && after.subject() == before.subject();
    for (role, one) in new.iter() {
        let days = days_of(one);
        if expects.days.get(role) != Some(&days) {
            return Err(Broken(format!(
                "the renewed one is valid for other days than the service says: {role}, {days}"
            )));
        }
    }
    if expects.has_login() && who.log_in(after)? != before.subject().to_string() {
        return Err(Broken("the server does not know the holder by the new certificate".to_owned()));
    }
    so(
        typed == 0 && life && same_key == (expects.method == Method::SameKey),
        format!(
            "renewed and used, {typed} passwords of the service typed, the same key: \
             {same_key}, in the same name and for longer: {life}"
        ),
    )
}

/// What is shown is what was shown for the first certificate, but for what one of the two has no need of.
pub fn steps(world: &mut World<'_>) -> Verdict {
    let Expects { method, waits, renewals_wait, .. } = world.expects;
    let first = shown(&world.story()?.steps);
    let renewal = shown(&world.renewed()?.who.steps);
    let only_in = |these: &[&'static str], others: &[&str]| {
        these.iter().filter(|step| !others.contains(step)).copied().collect::<Vec<_>>()
    };
    let (missing, mut new) = (only_in(&first, &renewal), only_in(&renewal, &first));
    // There is an old certificate, which may be revoked.
    new.retain(|step| *step != "standing");
    // The key that is there already is not made again, and who is answered at once picks nothing up.
    let unneeded = [("generate", method == Method::SameKey), ("pick-up", waits && !renewals_wait)];
    let unneeded: Vec<_> = unneeded.into_iter().filter(|(_, left_out)| *left_out).map(|(step, _)| step).collect();
    let needed: &[_] = if renewals_wait && !waits { &["pick-up"] } else { &[] };
    so(
        missing == unneeded && new == needed,
        format!("not in a renewal: {missing:?}; in a renewal only: {new:?}; in both: {}", first.len() - missing.len()),
    )
}

/// Each step once.
fn shown(steps: &[&'static str]) -> Vec<&'static str> {
    let mut seen = Vec::new();
    for step in steps {
        if !seen.contains(step) {
            seen.push(*step);
        }
    }
    seen
}

/// Before the window no plan is made.
pub fn early_client(world: &mut World<'_>) -> Verdict {
    not_due(world, &world.story()?.holder.who)
}

/// Whoever got the certificates today.
pub fn not_due(world: &World<'_>, who: &Newcomer<'_>) -> Verdict {
    let (policy, now) = (&world.stage.service.policy, (world.joints.clock)());
    match Plan::make(&who.view()?, policy, now) {
        Err(refused) if refused.reasons.iter().any(|one| matches!(one, Reason::NotDue { .. })) => {
            Ok(refused.to_string())
        }
        Err(refused) => Err(Broken(format!("on the first day it is refused, but not for that: {refused}"))),
        Ok(_) => Err(Broken("on the first day a renewal is begun".to_owned())),
    }
}

/// An order of a client whose clock was put forward; the same comes within the window by a client that does not lie.
pub fn early_ca(world: &mut World<'_>) -> Verdict {
    let ahead = world.shortest().saturating_sub(world.expects.window / 2);
    let holder = elsewhere(&world.certified()?)?;
    let plan = Plan::make(&holder.who.view()?, &world.stage.service.policy, SystemTime::now() + ahead)?;
    let name = world.not_renewed(holder, plan, ["too-early"; 2])?;
    world.renewed()?;
    Ok(format!("on the first day it is refused by name: {name}; within the window it is taken"))
}

pub fn expired_client(world: &mut World<'_>) -> Verdict {
    let (policy, now) = (&world.stage.service.policy, (world.joints.clock)());
    match Plan::make(&world.expired()?.who.view()?, policy, now) {
        Err(refused) if refused.reasons.iter().any(|one| matches!(one, Reason::Expired { .. })) => {
            Ok(refused.to_string())
        }
        Err(refused) => Err(Broken(format!("an hour after the end it is refused, but not for that: {refused}"))),
        Ok(_) => Err(Broken("an hour after the end a renewal is begun".to_owned())),
    }
}

/// An order of a client whose clock was put back.
pub fn expired_ca(world: &mut World<'_>) -> Verdict {
    let (policy, behind) = (&world.stage.service.policy, 2 * HOUR);
    let mut holder = elsewhere(world.expired()?)?;
    holder.who.behind = behind;
    let plan = Plan::make(&holder.who.view()?, policy, holder.who.now())?;
    let name = world.not_renewed(holder, plan, ["expired", "peer-expired"])?;
    Ok(format!("an hour after the end it is refused by name: {name}"))
}

/// The same holder without the journal.
fn elsewhere<'s>(holder: &Certified<'s>) -> Result<Certified<'s>, Broken> {
    Ok(Certified { who: holder.who.elsewhere()?, certificates: holder.certificates.clone() })
}

/// Nothing is asked of the holder, and the card stays as it was.
pub fn revoked_client(world: &mut World<'_>) -> Verdict {
    let (Certified { mut who, .. }, plan) = world.revoked()?;
    let (before, asked) = (who.view()?, who.asked.len());
    let turn = who.with_runner(None, Some(plan), |runner| runner.run())?;
    let (asked, more) = (who.asked.len() - asked, keys_on(&who.view()?).saturating_sub(keys_on(&before)));
    match turn {
        Turn::Failed(failure @ Failure::Unfit(_)) if asked == 0 && who.view()? == before => Ok(failure.to_string()),
        turn => Err(Broken(format!(
            "a renewal of a revoked certificate is begun: {asked} times something was asked for, {more} keys were made, and it came to {turn:?}"
        ))),
    }
}

/// An order of a client that did not ask.
pub fn revoked_ca(world: &mut World<'_>) -> Verdict {
    let (holder, plan) = world.revoked()?;
    let plan = Plan { ask_status: AskStatus::Never, ..plan };
    let name = world.not_renewed(holder, plan, ["revoked", "peer-revoked"])?;
    Ok(format!("refused by name: {name}"))
}

/// Whoever let it expire gets a new one-time password, and with it another certificate.
pub fn begins_again(world: &mut World<'_>) -> Verdict {
    let has_login = world.expects.has_login();
    let Certified { who, certificates } = world.expired()?;
    let refused = match has_login {
        true => Some(refused(who, one(certificates)?, "the server lets in the certificate that is over")?),
        false => None,
    };
    who.forget();
    let password = who.password(SystemTime::now())?;
    let new = who.certify(&password)?;
    works_in_place_of(who, one(certificates)?, one(&new)?, refused)
}

/// The same for who can use a valid certificate no more: the PIN is blocked, and the card of no use.
pub fn forgotten(world: &mut World<'_>) -> Verdict {
    let has_login = world.expects.has_login();
    let Certified { who, certificates } = world.certified()?;
    let kind = PasswordKind::AuthenticationPin;
    let blocked = |who: &Newcomer<'_>| {
        let statuses = tokens::lock(&who.token).passwords()?;
        Ok::<_, Broken>(statuses.iter().any(|one| one.kind == kind && one.state == PasswordState::Blocked))
    };
    let mut guesses = 0;
    while !blocked(&who)? && guesses < 20 {
        guesses += 1;
        let guess = Pin::with_last_try("000999".into());
        if tokens::lock(&who.token).change_password(kind, &guess, &Secret::from("640281")).is_ok() {
            return Err(Broken("the card takes any PIN".to_owned()));
        }
    }
    want(blocked(&who)?, format!("the PIN is not blocked after {guesses} wrong ones"))?;
    let old = one(&certificates)?;
    let refused = match has_login {
        true => Some(refused(&who, old, "the certificate is used without the PIN")?),
        false => None,
    };
    let mut again = who.with_another_card()?;
    let password = again.password(SystemTime::now())?;
    let new = again.certify(&password)?;
    works_in_place_of(&again, old, one(&new)?, refused)
}

/// Why nobody is let in with a certificate any more.
fn refused(who: &Newcomer<'_>, old: &ParsedCertificate, otherwise: &str) -> Result<String, Broken> {
    match who.log_in(old) {
        Err(Broken(why)) => Ok(why),
        Ok(_) => Err(Broken(otherwise.to_owned())),
    }
}

/// After it was refused, where it is one to log in with.
fn works_in_place_of(
    who: &Newcomer<'_>,
    old: &ParsedCertificate,
    new: &ParsedCertificate,
    refused: Option<String>,
) -> Verdict {
    let seen = if refused.is_some() { who.log_in(new)? } else { new.subject().to_string() };
    let refused = refused.map_or(String::new(), |why| format!("the old one works no more ({why}); "));
    so(
        new != old && seen == old.subject().to_string() && new.public_key() != old.public_key(),
        format!("{refused}by another password {seen} has another certificate, for another key"),
    )
}
