//! Plain EST has no place for a revocation password: where one is required it comes later, or there is no such order.

use std::time::SystemTime;

use super::{
    World,
    revocation::{works, works_no_more},
};
use crate::stage::{
    Newcomer,
    newcomer::{Certified, Ending, Joints, keys, regardless},
    rules::{Broken, Verdict, want},
};

/// What came by plain EST no password ends, until the operator hands one out.
pub fn later(world: &mut World<'_>) -> Verdict {
    let mut who = world.newcomer()?;
    who.plain = true;
    let password = who.password(SystemTime::now())?;
    let certificates = who.certify(&password)?;
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
