use std::time::SystemTime;

use obnova_card::{PasswordSteps, Removal, Repair, SlotId};
use obnova_client::{look, look_closely, remove};
use obnova_renewal::{Because, Guard, Removable, date, keys_lost, removable, removals};

use crate::{
    beforehand::Beforehand,
    cli::{Global, PinOptions},
    failure::{Errand, Failure, Kind},
    holder::{Face, Holder},
    pins::Pins,
    texts::t,
    tokens,
    ui::{Mark, Screen, ask_line, ask_yes},
    view,
};

/// `card list`: the slots, as a table.
pub fn list(global: &Global) -> Result<(), Failure> {
    let card = look(tokens::open(global)?.as_mut())?;
    let mut screen = Screen::new();
    screen.title(&view::title(&card.identity));
    screen.table(&view::slots(&card.slots, SystemTime::now()));
    Ok(())
}

/// `card show`: everything that can be known without a PIN.
pub fn show(global: &Global) -> Result<(), Failure> {
    let card = look(tokens::open(global)?.as_mut())?;
    let mut screen = Screen::new();
    screen.title(&view::title(&card.identity));
    screen.detail(&t!("card-kind", kind = card.identity.kind.as_str()));
    let algorithms: Vec<_> = card.capabilities.generate.iter().map(ToString::to_string).collect();
    screen.detail(&t!("card-makes", algorithms = algorithms.join(", ")));
    screen.detail(&if card.capabilities.in_place_only { t!("card-in-place") } else { t!("card-beside") });
    if card.capabilities.pin_pad {
        screen.detail(&t!("card-pad"));
    }
    for status in &card.passwords {
        screen.mark(Mark::Item, &view::password_state(status));
    }
    let steps = PasswordSteps::of(&card.capabilities, &card.passwords);
    for offer in &steps.offers {
        screen.nested(&view::offer(offer));
    }
    if view::keeps_puk(&card.capabilities, &card.passwords) {
        screen.mark(Mark::Caution, &t!("error-puk-not-taken"));
    }
    for dead in steps.dead {
        screen.mark(Mark::Bad, &view::dead(dead));
    }
    screen.table(&view::slots(&card.slots, SystemTime::now()));
    for slot in &card.slots {
        for certificate in slot.certificates.iter().filter_map(|entry| entry.certificate.as_ref()) {
            screen.blank();
            screen.say(&t!("card-certificate", slot = slot.id.to_string(), name = view::name(certificate.subject())));
            screen.detail(&t!("card-certificate-issuer", issuer = view::name(certificate.issuer())));
            screen.detail(&t!("card-certificate-serial", serial = certificate.serial()));
            screen.detail(&t!("card-certificate-until", until = date(certificate.not_after())));
        }
    }
    Ok(())
}

/// `card clean`: removes what nobody needs any more, confirmed by name.
pub fn clean(global: &Global, confirm: &[String], options: &PinOptions) -> Result<(), Failure> {
    let pins = Pins::read(options)?;
    let token = tokens::open_shared(global)?;
    let face = Face::new(Errand::Other);
    face.borrow_mut().speaks_to(&token);
    let mut holder = Holder::new(&face, pins);
    let seen = look_closely(&token, &mut holder);
    let card = holder.outcome(seen)?;
    let now = SystemTime::now();
    let mut screen = Screen::new();
    let offered = removable(&card, now);
    if offered.is_empty() {
        screen.say(&t!("clean-nothing"));
        return Ok(());
    }
    screen.say(&t!("clean-offer"));
    for one in &offered {
        screen.mark(Mark::Item, &offer(one));
    }
    let picked = if confirm.is_empty() {
        warn(&mut screen, &keys_lost(&card, &offered), false);
        typed(offered)?
    } else {
        let picked: Vec<_> = offered.into_iter().filter(|one| confirm.contains(&one.name)).collect();
        warn(&mut screen, &keys_lost(&card, &picked), true);
        picked
    };
    if picked.is_empty() {
        return Err(Failure::new(Kind::Declined, t!("clean-wrong-name")));
    }
    let names: Vec<_> = picked.iter().map(|one| one.name.clone()).collect();
    let what = removals(&card, &picked, &names)
        .map_err(|problem| Failure::new(Kind::Declined, t!("error-other", detail = problem.to_string())))?;
    let outcome = remove(&token, &mut holder, &what);
    let left = holder.outcome(outcome)?;
    let slots = what.iter().filter(|one| matches!(one, Removal::Slot(_))).count();
    let certificates = what.len() - slots;
    if slots > 0 {
        screen.mark(Mark::Good, &t!("clean-done", count = slots));
    }
    if certificates > 0 {
        screen.mark(Mark::Good, &t!("clean-done-certificates", count = certificates));
    }
    screen.table(&view::slots(&left.slots, now));
    Ok(())
}

/// `card repair`: brings the card's list of what it holds into line with what is there, once it was shown and agreed to.
pub fn repair(global: &Global, agrees: bool, options: &PinOptions) -> Result<(), Failure> {
    let pins = Pins::read(options)?;
    let token = tokens::open_shared(global)?;
    let repairs = tokens::lock(&token).repairs()?;
    let mut screen = Screen::new();
    if repairs.is_empty() {
        screen.say(&t!("repair-nothing"));
        return Ok(());
    }
    screen.say(&t!("repair-offer"));
    for one in &repairs {
        screen.mark(Mark::Item, &repaired(*one));
    }
    screen.detail(&t!("repair-untouched"));
    if !agrees && !ask_yes(&t!("ask-plan"), Beforehand::Yes)? {
        return Err(Failure::new(Kind::Declined, t!("error-declined")));
    }
    let face = Face::new(Errand::Other);
    face.borrow_mut().speaks_to(&token);
    let mut holder = Holder::new(&face, pins);
    let outcome = obnova_client::repair(&token, &mut holder);
    holder.outcome(outcome)?;
    screen.mark(Mark::Good, &t!("repair-done"));
    screen.table(&view::slots(&look(tokens::lock(&token).as_mut())?.slots, SystemTime::now()));
    Ok(())
}

fn repaired(one: Repair) -> String {
    match one {
        Repair::DirectoryRebuilt => t!("repair-rebuilt"),
        Repair::KeyEntered(slot) => t!("repair-key-entered", slot = slot.to_string()),
        Repair::CertificateEntered(slot) => t!("repair-certificate-entered", slot = slot.to_string()),
        Repair::EntriesDropped(slot) => t!("repair-dropped", slot = slot.to_string()),
        _ => t!("repair-other"),
    }
}

/// Which keys go, with all that is offered or with what was named.
fn warn(screen: &mut Screen, lost: &[SlotId], named: bool) {
    let (count, slots) = (lost.len(), lost.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    match named {
        _ if lost.is_empty() => {}
        true => screen.mark(Mark::Caution, &t!("clean-warning-named", count = count, slots = slots)),
        false => screen.mark(Mark::Caution, &t!("clean-warning", count = count, slots = slots)),
    }
}

/// Those whose names are typed now, one by one; an empty line leaves one where it is.
fn typed(offered: Vec<Removable>) -> Result<Vec<Removable>, Failure> {
    let mut picked = Vec::new();
    for one in offered {
        if ask_line(&t!("clean-ask-name", name = one.name.as_str()), Beforehand::Name)? == one.name {
            picked.push(one);
        }
    }
    Ok(picked)
}

/// What it is, why it may go, and why it should not go without a word.
pub fn offer(one: &Removable) -> String {
    let because = match one.because {
        Because::Superseded => t!("because-superseded"),
        Because::Expired => t!("because-expired"),
        Because::LeftOver => t!("because-left-over"),
        Because::NeverCertified => t!("because-never-certified"),
    };
    let line = t!("clean-line", name = one.name.as_str(), slot = one.slot.to_string(), because = because);
    let guards = one.guards.iter().map(|guard| match *guard {
        Guard::StillValid { until } => t!("guard-still-valid", until = date(until)),
        Guard::MayDecrypt => t!("guard-may-decrypt"),
        Guard::MayBeCompleted => t!("guard-may-be-completed"),
    });
    let stays = one.key_stays.then(|| t!("clean-key-stays"));
    std::iter::once(line).chain(stays).chain(guards).collect::<Vec<_>>().join("; ")
}
