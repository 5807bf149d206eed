//! One-time password, revocation password, the first certificate.

use std::time::{Duration, SystemTime};

use obnova_client::{Credential, CredentialProblem, Turn, follow_link, install_completion};
use obnova_renewal::{Completion, Terms, Vouching};

use super::World;
use crate::stage::{
    Newcomer,
    newcomer::{Asked, MODULE, PINS, REVOCATION_PASSWORD},
    rules::{Broken, Verdict, so, there},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Well formed, and nobody's.
const NOBODYS: &str = "K7QWM-2F9TD-0XYHR-4CBN8";

pub fn password_ca(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let right = who.password(SystemTime::now())?;
    world.refused(&who, NOBODYS, "wrong-password", right.to_text())
}

/// One that was issued an hour too long ago, and one with an hour left.
pub fn password_days_ca(world: &mut World<'_>) -> Verdict {
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let who = Newcomer::new(world.stage)?;
    let old = who.password(now - 21 * DAY - hour)?;
    match (world.ca)(MODULE, &who.order(old.to_text(), &who.email)?)? {
        Some(name) if name == "password-expired" => {}
        heard => return Err(Broken(format!("after three weeks and an hour: {heard:?}"))),
    }
    let who = Newcomer::new(world.stage)?;
    let young = who.password(now - 21 * DAY + hour)?;
    let heard = (world.ca)(MODULE, &who.order(young.to_text(), &who.email)?)?;
    so(heard.is_none(), "an hour after three weeks refused by name: password-expired; an hour before taken")
}

pub fn password_once_ca(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    let first = (world.ca)(MODULE, &who.order(password.to_text(), &who.email)?)?;
    let second = (world.ca)(MODULE, &who.order(password.to_text(), &who.email)?)?;
    so(
        first.is_none() && second.as_deref() == Some("password-used"),
        format!("the first order is taken; another one with the same password: {second:?}"),
    )
}

pub fn password_again_ca(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let old = who.password(SystemTime::now())?;
    let new = who.password(SystemTime::now())?;
    world.refused(&who, old.to_text(), "wrong-password", new.to_text())
}

pub fn module_ca(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    let order = who.order(password.to_text(), &who.email)?;
    let other = (world.ca)("archive", &order)?;
    let own = (world.ca)(MODULE, &order)?;
    so(
        other.as_deref() == Some("other-module") && own.is_none(),
        format!("in another module: {other:?}; in its own it is taken"),
    )
}

pub fn other_names_ca(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    let heard = (world.ca)(MODULE, &who.order(password.to_text(), "somebody@else.example")?)?;
    so(heard.as_deref() == Some("other-names"), format!("another address in the request: {heard:?}"))
}

/// Typed twice; typed differently it goes nowhere.
pub fn revocation_password_client(world: &mut World<'_>) -> Verdict {
    let mut who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    who.again = "something else entirely";
    let before = world.stage.orders()?.len();
    let refused = who.run(&password).is_err();
    let differ = who
        .asked
        .iter()
        .any(|asked| matches!(asked, Asked::Credential(one) if one.problem == Some(CredentialProblem::Differ)));
    let nothing = world.stage.orders()?.len() == before;
    who.again = REVOCATION_PASSWORD;
    who.asked.clear();
    who.run(&password)?;
    let count =
        |what| who.asked.iter().filter(|asked| matches!(asked, Asked::Credential(one) if one.what == what)).count();
    let twice = (count(Credential::RevocationPassword), count(Credential::RevocationPasswordAgain));
    so(
        refused && differ && nothing && twice == (1, 1),
        "asked for twice; what was typed differently was said so and sent nowhere",
    )
}

/// The CA can check it, and nothing that it keeps has it.
pub fn revocation_password_sealed(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    let serial = certificate.certificate().tbs_certificate().serial_number().as_bytes().to_vec();
    let typed = obnova_enroll::Secret::from_bytes(REVOCATION_PASSWORD.as_bytes())?;
    who.desk()?.revocation_passwords().check(&serial, &typed, SystemTime::now())?;
    let wrong = obnova_enroll::Secret::from_bytes(b"something else entirely")?;
    let refused = who.desk()?.revocation_passwords().check(&serial, &wrong, SystemTime::now()).is_err();
    let mut files = 0;
    for entry in std::fs::read_dir(world.stage.folder().join("ca"))?.flatten() {
        if !entry.path().is_file() {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(entry.path())?;
        if bytes.windows(REVOCATION_PASSWORD.len()).any(|part| part == REVOCATION_PASSWORD.as_bytes()) {
            return Err(Broken(format!("it stands in {}", entry.path().display())));
        }
    }
    let journal = serde_json::to_string(&who.journal.0)?;
    so(
        refused && !journal.contains(REVOCATION_PASSWORD),
        format!(
            "the CA knows the right one from a wrong one; it stands in none of its {files} files, nor in the journal"
        ),
    )
}

/// The certificate is for a key that the card made and shows.
pub fn key_on_card(world: &mut World<'_>) -> Verdict {
    let mut who = Newcomer::new(world.stage)?;
    let before = who.view()?.slots.iter().filter(|slot| slot.key.is_some()).count();
    let password = who.password(SystemTime::now())?;
    let certificate = who.certify(&password)?;
    let card = who.view()?;
    let keys = card.slots.iter().filter(|slot| slot.key.is_some()).count();
    let own = card.slots.iter().find(|slot| slot.holds(&certificate)).and_then(|slot| slot.key.as_ref());
    let fits = own.and_then(|key| key.public_key.as_ref()) == Some(certificate.public_key());
    so((before, keys) == (0, 1) && fits, format!("{before} keys before, {keys} after, and the certificate is for it"))
}

/// The client that waits finishes by itself: nothing is typed but what the card needs.
pub fn waits(world: &mut World<'_>) -> Verdict {
    let mut who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    let turn = who.run(&password)?;
    let Turn::Waits(_) = turn else { return Err(Broken(format!("it does not wait: {turn:?}"))) };
    who.asked.clear();
    world.stage.approve()?;
    // No one-time password is there to be typed any more.
    let turn = who.with_runner(None, None, |runner| runner.run())?;
    let credentials = who.asked.iter().filter(|asked| matches!(asked, Asked::Credential(_))).count();
    let done = matches!(turn, Turn::Done(_));
    so(done && credentials == 0, format!("accepted, then finished; {credentials} passwords were asked for again"))
}

/// Who did not wait has the card and the link.
pub fn link(world: &mut World<'_>) -> Verdict {
    let mut who = Newcomer::new(world.stage)?;
    let password = who.password(SystemTime::now())?;
    who.run(&password)?;
    world.stage.approve()?;
    let who = who.elsewhere()?;
    let path = there(world.stage.mailed_path(&who.email, "pickup")?, "mail with a link")?;
    let link = format!("{}{path}", world.stage.authority.url);
    let anchors = world.stage.authority.anchors.clone();
    let came = follow_link(&link, &anchors)?;
    let came: Vec<_> = came.iter().map(|one| one.certificate.der().to_vec()).collect();
    let terms = Terms { anchors, intermediates: Vec::new(), vouching: Vouching::Elsewhere };
    let policy = &world.stage.service.policy;
    let completion = Completion::make(&who.view()?, &came, policy, &terms, SystemTime::now())?;
    let mut typist = crate::stage::arrived::Typist::types([PINS[0]]);
    install_completion(&who.token, &mut typist, &completion)?;
    let certificate = there(completion.certificates.authentication.as_ref(), "certificate")?;
    let shown = who.view()?.slots.iter().any(|slot| slot.holds(certificate));
    so(shown, "card and the link in the mail, no journal: the certificate is on the card")
}
