//! How a certificate dies.

use std::time::SystemTime;

use obnova_renewal::ParsedCertificate;
use obnova_status::{
    Authority, Rules, Status,
    ocsp::{Nonce, Question},
};

use super::World;
use crate::stage::{
    Stage,
    newcomer::{Certified, Ending},
    rules::{Broken, Verdict, so, there, want},
};

/// Somebody whose certificate the operator has ended, and the mails that came of it.
pub struct Ended<'s> {
    holder: Certified<'s>,
    mails: Vec<String>,
}

impl<'s> World<'s> {
    fn ended(&mut self) -> Result<&Ended<'s>, Broken> {
        if self.ended.is_none() {
            let holder = self.certified()?;
            works(&holder)?;
            let before = holder.who.mails()?;
            (self.joints.revoke)(self.stage, holder.one()?)?;
            let after = holder.who.mails()?;
            let mails = after.into_iter().filter(|mail| !before.contains(mail)).collect();
            self.ended = Some(Ended { holder, mails });
        }
        there(self.ended.as_ref(), "certificate that was ended")
    }
}

/// The operator's word.
pub fn at_once(world: &mut World<'_>) -> Verdict {
    let Ended { holder, .. } = world.ended()?;
    works_no_more(holder)
}

/// To the holder's address, once, and not before.
pub fn mail(world: &mut World<'_>) -> Verdict {
    let Ended { holder, mails } = world.ended()?;
    told(holder, mails)
}

/// The same of the mails that came after these.
fn told_since(holder: &Certified<'_>, before: &[String]) -> Verdict {
    let mut mails = holder.who.mails()?;
    mails.retain(|mail| !before.contains(mail));
    told(holder, &mails)
}

/// One mail came, which names the certificate.
fn told(holder: &Certified<'_>, mails: &[String]) -> Verdict {
    let serial = holder.one()?.serial().replace(':', "").to_lowercase();
    let named = mails.iter().filter(|mail| mail.to_lowercase().replace(':', "").contains(&serial)).count();
    so(
        (mails.len(), named) == (1, 1),
        format!("{} mail came to {}, {named} names the certificate", mails.len(), holder.who.email),
    )
}

/// Logged in with the certificate, and with the password. With another one nothing happens, nor to somebody else's certificate.
pub fn by_holder(world: &mut World<'_>) -> Verdict {
    let (own, another) = (world.certified()?, world.certified()?);
    let end = |by: &Certified<'_>, whose: &Certified<'_>, password: &str| {
        (world.joints.end)(&Ending { stage: world.stage, by: Some(by), certificate: whose.one()?, password })
    };
    // Where the password alone is enough, nobody looks at whose certificate came with the right one.
    let with_right = match world.expects.password_alone {
        true => None,
        false => Some(end(&own, &another, &another.who.revocation)?),
    };
    let with_own = end(&own, &another, &own.who.revocation)?;
    let wrong = end(&another, &another, "something else entirely")?;
    let others = |refused: &Option<String>| {
        refused.as_deref().is_some_and(|name| ["not-yours", "wrong-revocation-password"].contains(&name))
    };
    let told = format!(
        "with another password: {wrong:?}; another's certificate with one's own password: {with_own:?}, with the other's: {}",
        with_right.as_ref().map_or("enough alone".to_owned(), |heard| format!("{heard:?}"))
    );
    let refused = wrong.as_deref() == Some("wrong-revocation-password")
        && others(&with_own)
        && with_right.as_ref().is_none_or(|heard| heard.as_deref() == Some("not-yours"));
    if !refused {
        return Err(Broken(told));
    }
    works(&another)?;
    let before = own.who.mails()?;
    if let Some(name) = end(&own, &own, &own.who.revocation)? {
        return Err(Broken(format!("with the right password it is refused: {name}")));
    }
    let (seen, mail) = (works_no_more(&own)?, told_since(&own, &before)?);
    Ok(format!("{told}; with the right one {seen}; {mail}"))
}

/// The certificate's own key says that it is to end: alone, or with the revocation password where the service asks for both. The key of
/// another certificate, with its holder's password, ends nothing.
pub fn by_key(world: &mut World<'_>) -> Verdict {
    let (own, another) = (world.certified()?, world.certified()?);
    let end = |by: &Certified<'_>, whose: &Certified<'_>, password: &str| {
        let (by, certificate) = (Some(by), whose.one()?);
        (world.joints.end_by_key)(&Ending { stage: world.stage, by, certificate, password })
    };
    let others = end(&own, &another, &own.who.revocation)?;
    let Some(name @ ("not-yours" | "password-alone" | "wrong-revocation-password")) = others.as_deref() else {
        return Err(Broken(format!("the key of another certificate: {others:?}")));
    };
    works(&another)?;
    let both = world.expects.has_revocation_password() && !world.expects.own_key_alone;
    if both {
        let refusals = (end(&own, &own, "")?, end(&another, &another, "something else entirely")?);
        let as_strs = (refusals.0.as_deref(), refusals.1.as_deref());
        if as_strs != (Some("own-key-alone"), Some("wrong-revocation-password")) {
            return Err(Broken(format!("its own key, without a password and with a wrong one: {refusals:?}")));
        }
        works(&own)?;
        works(&another)?;
    }
    let (password, how) = if both {
        (own.who.revocation.as_str(), "with the password, and not without")
    } else {
        ("", "without a password")
    };
    let before = own.who.mails()?;
    if let Some(name) = end(&own, &own, password)? {
        return Err(Broken(format!("its own key, {how}, is refused: {name}")));
    }
    let (seen, mail) = (works_no_more(&own)?, told_since(&own, &before)?);
    Ok(format!("the key of another certificate: {name}; its own, {how}: {seen}; {mail}"))
}

/// Without the card, where the service lets the password alone speak.
pub fn by_password(world: &mut World<'_>) -> Verdict {
    let (first, second) = (world.certified()?, world.certified()?);
    let end = |whose: &Certified<'_>, password: &str| {
        (world.joints.end)(&Ending { stage: world.stage, by: None, certificate: whose.one()?, password })
    };
    let heard = end(&first, "something else entirely")?;
    if heard.as_deref() != Some("wrong-revocation-password") {
        return Err(Broken(format!("a wrong password alone: {heard:?}")));
    }
    works(&first)?;
    let foreseen = world.foreseen("key-compromise", false)?;
    want(foreseen.is_none(), format!("the client does not begin: {foreseen:?}"))?;
    let before = second.who.mails()?;
    if let Some(name) = end(&second, &second.who.revocation)? {
        return Err(Broken(format!("the right password alone is refused: {name}")));
    }
    let seen = works_no_more(&second)?;
    let told = told_since(&second, &before)?;
    Ok(format!("a wrong password: wrong-revocation-password; the right one, without the card: {seen}; {told}"))
}

/// The holder logs in with it, and whoever asks is told that it is good.
pub fn works(holder: &Certified<'_>) -> Result<(), Broken> {
    let Certified { who, certificates } = holder;
    if let Some(certificate) = &certificates.authentication {
        who.log_in(certificate)?;
    }
    match status(who.stage, holder.one()?)? {
        Status::Good => Ok(()),
        other => Err(Broken(format!("the OCSP responder says {other:?} of a good certificate"))),
    }
}

/// The next login is refused, and whoever asks is told.
pub fn works_no_more(holder: &Certified<'_>) -> Verdict {
    let Certified { who, certificates } = holder;
    let login = match certificates.authentication.as_ref().map(|certificate| who.log_in(certificate)) {
        Some(Ok(seen)) => return Err(Broken(format!("the server let in {seen}"))),
        Some(Err(_)) => {
            let rule = who.stage.wire().iter().rev().find_map(|access| access.refused);
            let rule = there(rule, "refusal in the server's log")?;
            if rule != "peer-revoked" {
                return Err(Broken(format!("the next login is refused for another reason: {rule}")));
            }
            format!("the next login is refused ({rule}), and ")
        }
        None => String::new(),
    };
    match status(who.stage, holder.one()?)? {
        Status::Revoked(_) => Ok(format!("{login}OCSP says revoked")),
        other => Err(Broken(format!("{login}OCSP says {other:?}"))),
    }
}

/// What the CA's OCSP responder says, believed as a client believes it.
fn status(stage: &Stage, certificate: &ParsedCertificate) -> Result<Status, Broken> {
    let issuer = there(stage.house().ca().certificates().next(), "issuer")?;
    let ca = Authority::from_der(&issuer.der)?;
    let question = Question::about(certificate.der(), &ca)?.nonce(Nonce::from_random([9; 32]));
    let answer = stage.house().status_desk()?.ocsp(&question.to_der()?, SystemTime::now());
    Ok(question.check(&answer.der, SystemTime::now(), &Rules::default())?.status)
}
