//! One-time passwords and revocation passwords.

use std::time::{Duration, SystemTime};

use obnova_client::{Credential, CredentialProblem, Turn};
use obnova_enroll::Secret;
use obnova_renewal::PasswordRules;

use super::{World, is_refused};
use crate::stage::{
    Newcomer,
    newcomer::{Asked, Bent, MODULE, Types},
    rules::{Broken, Verdict, so, there, want},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// One that could be, and is nobody's.
const NOBODYS: &str = "K7QWM-2F9TD-0XYHR-4CBBT";

/// The rules of a client that takes any revocation password.
const ANY: PasswordRules = PasswordRules { minimum: 1, distinct: 1 };

/// The password is on a paper without the user id, the user id in a mail without the password; together they are taken.
pub fn handed_over(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let (user, before) = (who.user.as_str().to_owned(), who.mails()?);
    let handed = who.handed_over(SystemTime::now())?;
    let password = handed.password.to_text();
    let has = |text: &str| {
        let plain = |text: &str| text.replace('-', "").to_lowercase();
        (plain(text).contains(&plain(password)), text.contains(&user))
    };
    let mails: Vec<_> = who.mails()?.into_iter().filter(|mail| !before.contains(mail)).collect();
    let mailed: Vec<_> = mails.iter().map(|mail| has(mail)).collect();
    let paper = has(&handed.paper);
    if paper != (true, false) || mailed != [(false, true)] {
        return Err(Broken(format!("(password, user id) on the paper: {paper:?}; in mails: {mailed:?}")));
    }
    let right = world.taken(&who, &handed.password)?;
    Ok(format!("the password on paper, the user id in a mail, neither with the other; {right}"))
}

/// What cannot be it is told, and no guess is spent on it; and it is taken as people type it.
pub fn mistyped(world: &mut World<'_>) -> Verdict {
    let mut who = world.newcomer()?;
    let password = who.password(SystemTime::now())?;
    let stray = CredentialProblem::Character { position: 1 };
    for (what, types, problem) in [
        ("a wrong character", Types::Mistypes, CredentialProblem::Mistyped),
        ("all but the last character", Types::Piece(19), CredentialProblem::Length),
        ("its first half", Types::Piece(10), CredentialProblem::Length),
        ("a character twice", Types::Doubles, CredentialProblem::Length),
        ("a character that stands in none", Types::Strays, stray),
    ] {
        let (told, sent) = stopped(&mut who, types, problem, &password)?;
        want(told && sent == 0, format!("{what} was noticed: {told}; orders that were sent: {sent}"))?;
    }
    who.types = Types::Loosely;
    let taken = matches!(who.run(&password)?, Turn::Waits(_) | Turn::Went | Turn::Done(_));
    so(
        taken,
        format!(
            "noticed before anything was sent: a wrong character, one missing, half of it, one twice, one that stands in none; \
             in small letters with blanks it is {}",
            if taken { "taken" } else { "not taken" }
        ),
    )
}

/// Whether a holder who types like this was told so, and how many orders were sent all the same.
fn stopped(
    who: &mut Newcomer<'_>,
    types: Types,
    problem: CredentialProblem,
    password: &obnova_enroll::OneTimePassword,
) -> Result<(bool, usize), Broken> {
    let stage = who.stage;
    let orders = || {
        stage
            .wire()
            .iter()
            .filter(|access| ["/fullcmc", "/simpleenroll"].iter().any(|end| access.path.ends_with(end)))
            .count()
    };
    who.types = types;
    let before = orders();
    // Whatever becomes of it is seen by what was told and sent.
    let _ = who.run(password);
    let sent = orders() - before;
    who.types = Types::Right;
    let same = |asked: &Asked| {
        let Asked::Credential(one) = asked else { return false };
        one.problem.is_some_and(|told| std::mem::discriminant(&told) == std::mem::discriminant(&problem))
    };
    Ok((who.asked.iter().any(same), sent))
}

pub fn wrong(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    who.password(SystemTime::now())?;
    world.refused(&who.order_with(NOBODYS)?, "wrong-password")?;
    let other = world.newcomer()?;
    let right = world.taken(&other, &other.password(SystemTime::now())?)?;
    Ok(format!("refused by name: wrong-password; {right}"))
}

/// One that was issued an hour too long ago, and one with an hour left.
pub fn days(world: &mut World<'_>) -> Verdict {
    let (now, life) = (SystemTime::now(), DAY * u32::try_from(world.expects.password_days)?);
    let who = world.newcomer()?;
    world.refused(&who.order(&who.password(now - life - HOUR)?)?, "password-expired")?;
    let who = world.newcomer()?;
    let young = world.taken(&who, &who.password(now - life + HOUR)?)?;
    let days = world.expects.password_days;
    Ok(format!("an hour after {days} days refused by name: password-expired; an hour before {young}"))
}

pub fn once(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let password = who.password(SystemTime::now())?;
    world.taken(&who, &password)?;
    world.refused(&who.order(&password)?, "password-used")?;
    Ok("the first order is taken; another one with the same password is refused by name: password-used".to_owned())
}

pub fn again(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let old = who.password(SystemTime::now())?;
    who.password(SystemTime::now())?;
    world.refused(&who.order(&old)?, "wrong-password")?;
    let who = world.newcomer()?;
    who.password(SystemTime::now())?;
    let new = world.taken(&who, &who.password(SystemTime::now())?)?;
    Ok(format!("the one before is refused by name: wrong-password; {new}"))
}

/// As many wrong guesses as cost nothing; then even the right one waits.
pub fn guessed(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let right = who.password(SystemTime::now())?;
    for _ in 0..world.expects.free_guesses {
        world.refused(&who.order_with(NOBODYS)?, "wrong-password")?;
    }
    match world.joints.sent(world.stage, &who.order(&right)?)?.as_deref() {
        Some(name @ ("password-slowed" | "password-locked")) => {
            Ok(format!("{} guesses are free; then the right one too is refused: {name}", world.expects.free_guesses))
        }
        heard => Err(Broken(format!("after {} wrong guesses: {heard:?}", world.expects.free_guesses))),
    }
}

pub fn module(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let order = who.order(&who.password(SystemTime::now())?)?;
    let other = (world.joints.send)(world.stage, "archive", &order)?;
    let own = (world.joints.send)(world.stage, MODULE, &order)?;
    so(
        other.as_deref() == Some("other-module") && own.is_none(),
        format!("in another module: {other:?}; in its own: {}", own.as_deref().unwrap_or("taken")),
    )
}

/// Typed twice; typed differently, or too short, it goes nowhere.
pub fn revocation_client(world: &mut World<'_>) -> Verdict {
    let rules = there(world.expects.revocation_password, "rule for revocation passwords")?;
    let asked = &world.story()?.asked;
    let count = |what| asked.iter().filter(|asked| matches!(asked, Asked::Credential(one) if one.what == what)).count();
    let typed = (count(Credential::RevocationPassword), count(Credential::RevocationPasswordAgain));
    let mut who = world.newcomer()?;
    let password = who.password(SystemTime::now())?;
    let differs = stopped(&mut who, Types::Differs, CredentialProblem::Differ, &password)?;
    who.asked.clear();
    let short = obnova_renewal::WeakPassword::TooShort { minimum: rules.minimum };
    let short = stopped(&mut who, Types::Short, short.into(), &password)?;
    so(
        typed == (1, 1) && differs == (true, 0) && short == (true, 0),
        format!(
            "asked for {} time, and {} time again; (told, orders sent) when typed differently: {differs:?}, too short: {short:?}",
            typed.0, typed.1
        ),
    )
}

/// Sealed by a client that asks nobody: one that is too short, and one that is the same few characters all over. With the order, or over
/// a login afterwards where that has no place for it.
pub fn revocation_ca(world: &mut World<'_>) -> Verdict {
    let rules = there(world.expects.revocation_password, "rule for revocation passwords")?;
    let weak = |who: &Newcomer<'_>, refused: &dyn Fn(&str, &str) -> Result<(), Broken>| {
        let short: String = who.revocation.chars().take(rules.minimum - 1).collect();
        refused(&short, "short-password")?;
        let few = rules.distinct.saturating_sub(1);
        if few > 0 {
            let plain: String = ('a'..='z').take(few).cycle().take(rules.minimum.max(few)).collect();
            refused(&plain, "plain-password")?;
        }
        Ok::<_, Broken>(few)
    };
    let (few, right) = if world.expects.password_sent {
        let who = world.newcomer()?;
        let password = who.password(SystemTime::now())?;
        let few = weak(&who, &|revocation, by| {
            let bent = Bent { password: password.to_text(), email: &who.email, revocation };
            world.refused(&who.bent_order(&bent)?, by)
        })?;
        (few, world.taken(&who, &password)?)
    } else {
        let who = world.certified_plainly()?.who;
        let set = |password: &str| (world.joints.set_password)(&who, password, None, ANY);
        let few = weak(&who, &|password, by| is_refused(set(password)?, by))?;
        match set(&who.revocation)? {
            None => (few, "the right one is set over a login".to_owned()),
            Some(name) => return Err(Broken(format!("the right one is refused: {name}"))),
        }
    };
    let short = rules.minimum - 1;
    Ok(format!("{short} characters are refused by name: short-password; {few} different ones: plain-password; {right}"))
}

/// The CA can check it, and nothing that it keeps has it.
pub fn revocation_sealed(world: &mut World<'_>) -> Verdict {
    let story = world.story()?;
    let who = &story.holder.who;
    let serial = story.holder.one()?.certificate().tbs_certificate().serial_number().as_bytes().to_vec();
    let check = |text: &str| {
        let typed = Secret::from_bytes(text.as_bytes())?;
        Ok::<_, Broken>(who.desk()?.revocation_passwords().check(&serial, &typed, SystemTime::now()).is_ok())
    };
    let (right, wrong) = (check(&who.revocation)?, check("something else entirely")?);
    if !right || wrong {
        return Err(Broken(format!("the CA takes the right one: {right}; a wrong one: {wrong}")));
    }
    let has = |bytes: &[u8]| bytes.windows(who.revocation.len()).any(|part| part == who.revocation.as_bytes());
    let mut files = 0;
    for entry in std::fs::read_dir(world.stage.folder().join("ca"))?.flatten() {
        if !entry.path().is_file() {
            continue;
        }
        files += 1;
        if has(&std::fs::read(entry.path())?) {
            return Err(Broken(format!("it stands in {}", entry.path().display())));
        }
    }
    if has(&serde_json::to_vec(&who.journal.0)?) {
        return Err(Broken("it stands in the holder's journal".to_owned()));
    }
    Ok(format!(
        "the CA knows the right one from a wrong one; it stands in none of its {files} files, nor in the journal"
    ))
}
