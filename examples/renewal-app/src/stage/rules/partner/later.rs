//! Plain EST has no place for a revocation password: where one is required it comes later, or there is no such order.

use std::time::SystemTime;

use obnova_renewal::PasswordRules;

use super::{
    World,
    revocation::{works, works_no_more},
};
use crate::stage::{
    Newcomer,
    newcomer::{Certified, Ending, Joints, keys, regardless},
    rules::{Broken, Verdict, there, want},
};

/// What came by plain EST no password ends, until the operator hands one out.
pub fn later(world: &mut World<'_>) -> Verdict {
    let mut who = world.newcomer()?;
    who.plain = true;
    let password = who.password(SystemTime::now())?;
    let certificates = who.certify_only(&password)?;
    let holder = Certified { who, certificates };
    let certificate = holder.one()?;
    let by = (!world.expects.password_alone).then_some(&holder);
    let end = |password: &str| (world.joints.end)(&Ending { stage: world.stage, by, certificate, password });
    // What he would have picked, if he could have.
    let heard = end(&holder.who.revocation)?;
    want(heard.as_deref() == Some("wrong-revocation-password"), format!("a password before there is one: {heard:?}"))?;
    works(&holder)?;
    let serial = certificate.certificate().tbs_certificate().serial_number().as_bytes().to_vec();
    let before = holder.who.mails()?;
    let handed = (world.joints.replace)(&holder.who.desk()?.revocation_passwords(), &serial)?;
    let mut mails = holder.who.mails()?;
    mails.retain(|mail| !before.contains(mail));
    let telling = mails.iter().filter(|mail| mail.contains(&*handed)).count();
    want((mails.len(), telling) == (1, 0), format!("{} mails came of it, {telling} with the password", mails.len()))?;
    if let Some(name) = end(&handed)? {
        return Err(Broken(format!("the one that the operator handed out is refused: {name}")));
    }
    let seen = works_no_more(&holder)?;
    Ok(format!("none ends it before the operator hands one out; with that {seen}; one mail says so, without it"))
}

/// Who is logged in sets one himself; another one takes the one that stands.
pub fn own(world: &mut World<'_>) -> Verdict {
    let rules = there(world.expects.revocation_password, "rule for revocation passwords")?;
    let mut who = world.newcomer()?;
    who.plain = true;
    let password = who.password(SystemTime::now())?;
    let certificates = who.certify_only(&password)?;
    let holder = Certified { who, certificates };
    let set = |new: &str, old: Option<&str>, rules| (world.joints.set_password)(&holder.who, new, old, rules);
    let own = holder.who.revocation.as_str();
    let another = format!("{own}, a ještě něco");
    let weak: String = own.chars().take(rules.minimum - 1).collect();
    want(set(&weak, None, rules).is_err(), "a weak one is taken by the client")?;
    let regardless = PasswordRules { minimum: 1, distinct: 1 };
    let heard = set(&weak, None, regardless)?;
    want(heard.as_deref() == Some("short-password"), format!("a weak one by a client that lies: {heard:?}"))?;
    let before = holder.who.mails()?;
    let heard = set(own, None, rules)?;
    want(heard.is_none(), format!("the first one is refused: {heard:?}"))?;
    // Each of these is a guess, after which he would have to wait where fewer are free.
    if world.expects.free_guesses > 2 {
        let heard = [set(&another, None, rules)?, set(&another, Some("a guess at it"), rules)?];
        let heard = heard.each_ref().map(|name| name.as_deref().unwrap_or("taken"));
        want(
            heard == ["revocation-password-stands", "wrong-revocation-password"],
            format!("another one without the one that stands, and with a wrong one: {heard:?}"),
        )?;
    }
    let heard = set(&another, Some(own), rules)?;
    want(heard.is_none(), format!("another one with the one that stands is refused: {heard:?}"))?;
    let mut mails = holder.who.mails()?;
    mails.retain(|mail| !before.contains(mail));
    let telling = mails.iter().filter(|mail| mail.contains(own)).count();
    want((mails.len(), telling) == (2, 0), format!("{} mails came of it, {telling} with the password", mails.len()))?;
    let by = (!world.expects.password_alone).then_some(&holder);
    let end =
        |password: &str| (world.joints.end)(&Ending { stage: world.stage, by, certificate: holder.one()?, password });
    if world.expects.free_guesses > 2 {
        let heard = end(own)?;
        want(heard.as_deref() == Some("wrong-revocation-password"), format!("the one before ends it: {heard:?}"))?;
    }
    if let Some(name) = end(&another)? {
        return Err(Broken(format!("the one that he set is refused: {name}")));
    }
    Ok("set by login, then another with the one that stood, which ends it; a weak one goes nowhere, another alone is refused".to_owned())
}

/// The client sees that the order would be refused before it makes a key.
pub fn at_once_client(world: &mut World<'_>) -> Verdict {
    let tried = tried(world, world.joints)?;
    let told = tried.told.as_deref().is_some_and(|told| told.contains("no place for a revocation password"));
    want(
        told && (tried.keys, tried.orders) == (0, 0),
        format!("it was told {:?}; {} keys were made and {} orders sent", tried.told, tried.keys, tried.orders),
    )?;
    Ok("told that plain EST has no place for the password, before a key was made or anything sent".to_owned())
}

/// Whose client does not look.
pub fn at_once_ca(world: &mut World<'_>) -> Verdict {
    let tried = tried(world, Joints { plan: regardless, ..world.joints })?;
    let refused = tried.refused.unwrap_or_default();
    want(
        tried.orders > 0 && refused == "no-revocation-password",
        format!("{} orders were sent by a client that lies; the CA's last refusal: {refused:?}", tried.orders),
    )?;
    Ok(format!("refused by name: {refused}"))
}

/// What came of an order by plain EST.
struct Tried {
    told: Option<String>,
    keys: usize,
    orders: usize,
    refused: Option<&'static str>,
}

fn tried(world: &World<'_>, joints: Joints) -> Result<Tried, Broken> {
    let stage = world.stage;
    let mut who = Newcomer::new(stage, joints)?;
    who.plain = true;
    let password = who.password(SystemTime::now())?;
    let sent = || stage.wire().iter().filter(|access| access.path.ends_with("/simpleenroll")).count();
    let before = sent();
    let told = match who.run(&password) {
        Err(Broken(told)) => Some(told),
        Ok(_) => None,
    };
    let refused = stage.wire().last().and_then(|access| access.refused);
    Ok(Tried { told, keys: keys(&who)?, orders: sent() - before, refused })
}
