//! Waiting, and the ways on which certificates come.

use std::time::SystemTime;

use obnova_client::{LinkError, Turn, install_completion, read_mailed};
use obnova_renewal::{
    ByRole, Completion, Fact, Loose, Method, Pair, ParsedCertificate, Record, Source, Stage as Reached, Terms,
    Vouching, match_loose,
};

use super::World;
use crate::{
    files,
    stage::{
        Event, Stage, Trial,
        rules::{Broken, Verdict, there, want},
    },
};

/// The window was closed; what went on had nothing but the journal, and did nothing twice.
pub fn resume_journal(world: &mut World<'_>) -> Verdict {
    let stage = world.stage;
    if !stage.service.waits() {
        return resumed_at_once(stage);
    }
    let resumed = there(world.witness.first(|event| matches!(event, Event::Resumed)), "process that was resumed")?;
    let facts = |is: fn(&Fact) -> bool| world.witness.facts().filter(|fact| is(fact)).count();
    let keys = facts(|fact| matches!(fact, Fact::KeyMade { .. }));
    let sent = facts(|fact| matches!(fact, Fact::Sealed(_)));
    let after = world.witness.seen.iter().skip(resumed);
    let installed = after.filter(|event| matches!(event, Event::Fact(Fact::Installed))).count();
    want((keys, sent) == (new_keys(stage), 1), format!("{keys} keys were made and {sent} orders sent"))?;
    want(installed == 1, format!("{installed} installations after it was resumed"))?;
    Ok(format!("{keys} keys and {sent} order, all before; {installed} installation after it was resumed"))
}

/// Where nobody waits the window is closed before the certificates are on the card.
fn resumed_at_once(stage: &Stage) -> Verdict {
    let mut trial = Trial::ordered(stage)?;
    let before = trial.journal.0.len();
    let turn = trial.run()?;
    want(matches!(turn, Turn::Done(_)), format!("it was not finished: {turn:?}"))?;
    let facts = |is: fn(&Fact) -> bool| {
        let count = |records: &[Record]| records.iter().filter(|one| is(&one.fact)).count();
        let (first, then) = trial.journal.0.split_at(before);
        (count(first), count(then))
    };
    let keys = facts(|fact| matches!(fact, Fact::KeyMade { .. }));
    let sent = facts(|fact| matches!(fact, Fact::Sealed(_)));
    let installed = facts(|fact| matches!(fact, Fact::Installed));
    let right = keys == (new_keys(stage), 0) && sent == (1, 0) && installed == (0, 1);
    want(right, format!("before and after: {keys:?} keys, {sent:?} orders, {installed:?} installations"))?;
    Ok(format!("{} keys and 1 order, all before; 1 installation after it was resumed", keys.0))
}

fn new_keys(stage: &Stage) -> usize {
    if stage.service.told.holder.method == Method::ReKey { 2 } else { 0 }
}

/// Another machine: the card, the link, and no journal.
pub fn resume_link(world: &mut World<'_>) -> Verdict {
    let trial = Trial::ordered(world.stage)?;
    let came = world.ca.link(&trial.link()?)?;
    let found = complete(world, &trial, &came)?;
    both_are_there(&trial, &found)?;
    Ok("card and link, no journal: both certificates are on the card".to_owned())
}

/// Another machine: the card, and files that were mailed.
pub fn resume_files(world: &mut World<'_>) -> Verdict {
    let trial = Trial::ordered(world.stage)?;
    let folder = mailed(world, &trial)?;
    let came = read_mailed(&[folder.path().join("signature.cer")])?;
    let found = complete(world, &trial, &came)?;
    both_are_there(&trial, &found)?;
    Ok("card and mailed files, no journal: both certificates are on the card".to_owned())
}

fn both_are_there(trial: &Trial<'_>, found: &ByRole<ParsedCertificate>) -> Result<(), Broken> {
    let shown = trial.shows(found)?;
    want(shown == 2, format!("{shown} of both certificates are on the card"))
}

/// No card, no PIN: the certificates are there, and the card was not touched.
pub fn waiting(world: &mut World<'_>) -> Verdict {
    let fetched = world.report.steps.iter().filter(|step| ["send", "pick-up"].contains(&step.name));
    let (found, apdus) = fetched.fold((0, 0), |(found, apdus), step| (found + 1, apdus + step.apdus));
    want(found == 2, format!("{found} of both steps that ask the CA were measured"))?;
    let mut trial = Trial::ordered(world.stage)?;
    trial.asked.clear();
    trial.reach(Reached::Install, false)?;
    let arrived = trial.process()?.certificates().is_some();
    want(arrived, "with the card taken out they were not fetched")?;
    want(trial.asked.is_empty(), format!("{} PINs were asked for", trial.asked.len()))?;
    want(apdus == 0, format!("{apdus} commands went to the card"))?;
    Ok("fetched with the card taken out; no PIN asked for, no command to the card".to_owned())
}

/// The link opens until the CA knows that the certificates are on the card, and nothing after that: from a client with a journal, and
/// from one without.
pub fn single_use(world: &mut World<'_>) -> Verdict {
    let mut trial = Trial::ordered(world.stage)?;
    let link = trial.link()?;
    world.ca.link(&link)?;
    let Turn::Done(_) = trial.run()? else { return Err(Broken("the renewal was not finished".to_owned())) };
    let with_journal = spent(world, &link, "with a journal")?;
    let trial = Trial::ordered(world.stage)?;
    let link = trial.link()?;
    let came = world.ca.link(&link)?;
    let found = complete(world, &trial, &came)?;
    world.ca.receive(&link, &trial, &found)?;
    spent(world, &link, "without a journal")?;
    Ok(format!("with a journal, and without: {with_journal}"))
}

fn spent(world: &World<'_>, link: &str, road: &str) -> Verdict {
    match world.ca.link(link) {
        Err(error @ LinkError::Spent) => Ok(error.to_string()),
        Err(error) => Err(error.into()),
        Ok(came) => Err(Broken(format!("{road} the link opened {} certificates once more", came.len()))),
    }
}

/// One of the two is named, each in its turn; the other comes with it.
pub fn one_brings_other(world: &mut World<'_>) -> Verdict {
    let ordered = Trial::ordered(world.stage)?;
    let folder = mailed(world, &ordered)?;
    for named in ["authentication.cer", "signature.cer"] {
        let mut trial = ordered.fork();
        let keys = trial.keys()?;
        let came =
            match_loose(read_mailed(&[folder.path().join(named)])?, &Pair::from_fn(|role| keys.get(role)).into())
                .into_certificates();
        let turn = trial.with_runner(true, |runner| {
            runner.take_files(came)?;
            runner.run()
        })?;
        let Turn::Done(summary) = turn else { return Err(Broken(format!("{named}: {turn:?}"))) };
        if trial.shows(&summary.certificates)? != 2 {
            return Err(Broken(format!("{named}: one certificate of two is on the card")));
        }
    }
    let by_link = world.witness.facts().filter(
        |fact| matches!(fact, Fact::Arrived { from: Source::PickUp(_), certificates, .. } if certificates.len() >= 2),
    );
    want(by_link.count() == 1, "the pick-up in the open window did not bring both at once")?;
    Ok("either file brought the other; the pick-up in the open window brought both at once".to_owned())
}

/// Puts certificates on a card whose journal is not here.
fn complete(world: &World<'_>, trial: &Trial<'_>, came: &[Loose]) -> Result<ByRole<ParsedCertificate>, Broken> {
    let anchors = world.stage.authority.anchors.clone();
    let terms = Terms { anchors, intermediates: Vec::new(), vouching: Vouching::Elsewhere };
    let came: Vec<_> = came.iter().map(|one| one.certificate.der().to_vec()).collect();
    let completion = Completion::make(&trial.view()?, &came, &world.stage.service.policy, &terms, SystemTime::now())?;
    let mut asked = Vec::new();
    install_completion(&trial.token, &mut crate::stage::trial::Face { asked: &mut asked }, &completion)?;
    Ok(completion.certificates)
}

/// A folder with the certificates of an order, and with that of the issuer.
fn mailed(world: &World<'_>, trial: &Trial<'_>) -> Result<tempfile::TempDir, Broken> {
    let folder = tempfile::tempdir_in(world.stage.folder())?;
    let keys = trial.keys()?;
    for one in world.ca.link(&trial.link()?)? {
        let role = keys.iter().find(|(_, key)| *key == one.certificate.public_key()).map(|(role, _)| role);
        let name = role.map_or_else(|| "issuer".to_owned(), |role| role.to_string());
        std::fs::write(folder.path().join(format!("{name}.cer")), files::pem(one.certificate.der()))?;
    }
    Ok(folder)
}
