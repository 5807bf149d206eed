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
    let holder = world.certified_plainly()?;
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

/// Who is logged in sets one himself; another one takes the one that stands. Each wrong one is a guess, and there may be one that is
/// free: each is tried by somebody else.
pub fn own(world: &mut World<'_>) -> Verdict {
    let rules = there(world.expects.revocation_password, "rule for revocation passwords")?;
    let set = |holder: &Certified<'_>, new: &str, old: Option<&str>, rules| {
        (world.joints.set_password)(&holder.who, new, old, rules)
    };
    let holder = world.certified_plainly()?;
    let weak: String = holder.who.revocation.chars().take(rules.minimum - 1).collect();
    want(set(&holder, &weak, None, rules).is_err(), "a weak one is taken by the client")?;
    let regardless = PasswordRules { minimum: 1, distinct: 1 };
    let heard = set(&holder, &weak, None, regardless)?;
    want(heard.as_deref() == Some("short-password"), format!("a weak one by a client that lies: {heard:?}"))?;

    let first = |holder: &Certified<'_>| match set(holder, &holder.who.revocation, None, rules)? {
        None => Ok(()),
        Some(name) => Err(Broken(format!("the first one is refused: {name}"))),
    };
    let second = |holder: &Certified<'_>| match set(holder, &another(holder), Some(&holder.who.revocation), rules)? {
        None => Ok(()),
        Some(name) => Err(Broken(format!("another one with the one that stands is refused: {name}"))),
    };
    let lies = [
        ("without the one that stands", None, "revocation-password-stands"),
        ("with a wrong one", Some("a guess at it"), "wrong-revocation-password"),
    ];
    for (how, old, refused) in lies {
        let other = world.certified_plainly()?;
        first(&other)?;
        let heard = set(&other, &another(&other), old, rules)?;
        want(heard.as_deref() == Some(refused), format!("another one {how}: {heard:?}"))?;
    }

    let before = holder.who.mails()?;
    first(&holder)?;
    second(&holder)?;
    let mut mails = holder.who.mails()?;
    mails.retain(|mail| !before.contains(mail));
    let telling = mails.iter().filter(|mail| mail.contains(&holder.who.revocation)).count();
    want((mails.len(), telling) == (2, 0), format!("{} mails came of it, {telling} with the password", mails.len()))?;
    let end = |holder: &Certified<'_>, password: &str| {
        let by = (!world.expects.password_alone).then_some(holder);
        (world.joints.end)(&Ending { stage: world.stage, by, certificate: holder.one()?, password })
    };
    if let Some(name) = end(&holder, &another(&holder))? {
        return Err(Broken(format!("the one that he set is refused: {name}")));
    }
    let other = world.certified_plainly()?;
    first(&other)?;
    second(&other)?;
    let heard = end(&other, &other.who.revocation)?;
    want(heard.as_deref() == Some("wrong-revocation-password"), format!("the one before ends it: {heard:?}"))?;
    Ok("set by login, then another with the one that stood, which ends it; a weak one goes nowhere; another alone, and with a wrong one, \
        is refused, and so is the one before"
        .to_owned())
}

/// What a holder picks next.
fn another(holder: &Certified<'_>) -> String {
    format!("{}, a ještě něco", holder.who.revocation)
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
