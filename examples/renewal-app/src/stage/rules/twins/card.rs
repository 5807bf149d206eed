//! What is on the card, before, between and after.

use std::time::SystemTime;

use obnova_card::Pin;
use obnova_client::{Login, LoginProof as _, Turn, look};
use obnova_renewal::{Because, Fact, Stage as Reached, removable, removals};
use obnova_simulator::{Fault, FaultPlan};

use super::{World, order::new_certificates};
use crate::{
    stage::{
        Event, Moment, Trial,
        rules::{Broken, Verdict, there, want},
        trial,
    },
    tokens,
};

/// Both new certificates are read back beside their keys.
pub fn installed(world: &mut World<'_>) -> Verdict {
    let card = there(world.witness.card(Moment::Renewed), "card to look at")?;
    let new = new_certificates(world)?;
    let shown = new.iter().filter(|(_, one)| {
        card.slots.iter().any(|slot| slot.holds(one) && slot.certificates.iter().all(|entry| entry.fits_key))
    });
    let count = shown.count();
    want(count == 2, format!("{count} of two new certificates are on the card beside their keys"))?;
    Ok("both new certificates are on the card, beside their keys".to_owned())
}

/// Power is lost at every command of the installation: both are there or none, and the old pair works.
pub fn installed_torn(world: &mut World<'_>) -> Verdict {
    let mut ready = Trial::ordered(world.stage)?;
    ready.reach(Reached::Install, true)?;
    let (mut torn, mut both) = (0, 0);
    for at in 1.. {
        let mut trial = ready.fork();
        trial.card.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearInside)));
        let broke_off = trial.reach(Reached::Acknowledge, true).is_err();
        let met = trial.card.with_card(|card| card.faults().waiting() == 0);
        trial.card.with_card(|card| card.set_faults(FaultPlan::new()));
        if !met {
            break;
        }
        torn += 1;
        trial.old_pair_works().map_err(|Broken(why)| Broken(format!("torn at command {at}: {why}")))?;
        let new = there(ready.process()?.certificates().cloned(), "new pair")?;
        match trial.shows(&new)? {
            0 => {}
            2 => both += 1,
            one => return Err(Broken(format!("torn at command {at}: {one} of two is on the card"))),
        }
        if broke_off {
            let turn = trial.run()?;
            if !matches!(turn, Turn::Done(_)) || trial.shows(&new)? != 2 {
                return Err(Broken(format!("torn at command {at}, then resumed: {turn:?}")));
            }
        }
    }
    want(torn > 3, format!("{torn} commands only were there to tear"))?;
    Ok(format!(
        "torn at each of {torn} commands: {both} times both were there, else none; the old pair worked each time"
    ))
}

/// One certificate alone is not put on the card.
pub fn installed_half(world: &mut World<'_>) -> Verdict {
    let (ordered, came) = if world.stage.service.waits() {
        let ordered = Trial::ordered(world.stage)?;
        let came = world.ca.link(&ordered.link()?)?.into_iter().map(|one| one.certificate).collect();
        (ordered, came)
    } else {
        let mut about_to = Trial::new(world.stage)?;
        about_to.reach(Reached::Send, true)?;
        let came = about_to.certified_elsewhere()?;
        (about_to, came)
    };
    for (role, key) in ordered.keys()?.iter() {
        let mut trial = ordered.fork();
        let only: Vec<_> = came.iter().filter(|one| one.public_key() == key).collect();
        want(only.len() == 1, format!("{} {role} certificates came", only.len()))?;
        let only = only.iter().map(|one| one.der().to_vec()).collect();
        let before = trial.view()?;
        match trial.with_runner(true, |runner| Ok((world.client.take_files)(runner, only)))? {
            Err(error) if error.to_string().contains("only one of the two came") => {}
            other => return Err(Broken(format!("the {role} certificate alone: {other:?}"))),
        }
        if trial.view()? != before {
            return Err(Broken(format!("the {role} certificate alone changed the card")));
        }
        trial.old_pair_works()?;
    }
    Ok("either alone is refused; the card is as it was and the old pair works".to_owned())
}

/// When everything was over, and before the holder tidied up, the old pair was there, marked.
pub fn old_stays(world: &mut World<'_>) -> Verdict {
    let plan = there(world.witness.plan.as_ref(), "plan")?;
    let card = there(world.witness.card(Moment::Renewed), "card to look at")?;
    let mut marked = 0;
    for (role, old) in plan.old.iter() {
        let slot = card.slots.iter().find(|slot| slot.holds(&old.certificate));
        let slot = slot.ok_or_else(|| Broken(format!("the old {role} certificate is gone")))?;
        if slot.key.is_none() {
            return Err(Broken(format!("the old {role} key is gone")));
        }
        let of_old = |entry: &&obnova_renewal::CertificateView| entry.certificate.as_ref() == Some(&old.certificate);
        marked += usize::from(slot.certificates.iter().find(of_old).is_some_and(|entry| entry.superseded));
    }
    let marks = card.capabilities.marks_superseded;
    want(marked == 2 || !marks, format!("{marked} of both old certificates are marked as superseded"))?;
    Ok(format!("both old keys and certificates are there, {marked} marked as superseded"))
}

/// What is valid goes by its name only, nothing goes without the PIN, and nothing else went.
pub fn holder_removes(world: &mut World<'_>) -> Verdict {
    let plan = there(world.witness.plan.as_ref(), "plan")?;
    let clean = there(world.witness.first(|event| matches!(event, Event::Clean)), "tidying up")?;
    let installed = world.witness.first(|event| matches!(event, Event::Fact(Fact::Installed)));
    let card = there(world.witness.card(Moment::Cleaned), "card to look at")?;
    let left = plan.old.iter().filter(|(_, old)| card.slots.iter().any(|slot| slot.holds(&old.certificate))).count();
    let new = new_certificates(world)?;
    let kept = new.iter().filter(|(_, one)| card.slots.iter().any(|slot| slot.holds(one))).count();
    if installed.is_none_or(|installed| installed > clean) || (left, kept) != (0, 2) {
        return Err(Broken(format!(
            "{left} old and {kept} new certificates are left after the holder removed the old"
        )));
    }
    let mut trial = Trial::ordered(world.stage)?;
    let Turn::Done(_) = trial.run()? else { return Err(Broken("the renewal was not finished".to_owned())) };
    let view = trial.view()?;
    let mut old = removable(&view, SystemTime::now());
    old.retain(|one| one.because == Because::Superseded);
    if old.len() != 2 || removals(&view, &old, &[]).is_ok() {
        return Err(Broken(format!("{} certificates would go without being named", old.len())));
    }
    let names: Vec<_> = old.iter().map(|one| one.name.clone()).collect();
    let orders = removals(&view, &old, &names)?;
    let wrong = obnova_card::Pin::new("nobody's".into());
    if tokens::lock(&trial.token).remove(&orders, &wrong).is_ok() || trial.view()?.slots != view.slots {
        return Err(Broken("it went without the holder's PIN".to_owned()));
    }
    tokens::lock(&trial.token).remove(&orders, &trial::pin(obnova_card::PasswordKind::AuthenticationPin))?;
    let left = trial.shows(&trial.old.clone().into())?;
    want(left == 0, format!("{left} old certificates are left after the holder removed them"))?;
    Ok("not without its name, not without the PIN; with both it is gone".to_owned())
}

/// The server knew who it was; and it is the new certificate that it lets in.
pub fn login(world: &mut World<'_>) -> Verdict {
    let seen = world.witness.facts().find_map(|fact| if let Fact::LoggedIn(who) = fact { Some(who) } else { None });
    let seen = there(seen, "login")?;
    let new = new_certificates(world)?.authentication;
    let holder = new.subject().to_string();
    want(*seen == holder, format!("the server let in {seen}, and not {holder}"))?;
    let stage = world.stage;
    let card = look(tokens::lock(&stage.token).as_mut())?;
    let slot = there(card.slots.iter().find(|slot| slot.holds(&new)), "new certificate on the card")?;
    let key = there(slot.key.as_ref(), "key beside the new certificate")?;
    let pin = Pin::new(stage.pins.authentication.clone());
    let login = Login { token: &stage.token, slot: slot.id, key, certificate: &new, pin };
    let again = stage.authority.login().login(&login)?;
    want(again == holder, format!("with the new certificate the server let in {again}, and not {holder}"))?;
    Ok(format!("the server let in {seen}; with the TLS client certificate {} it does so again", new.serial()))
}
