use std::time::SystemTime;

use obnova_card::KeyRole;
use obnova_renewal::{Action, Stage, date};

use crate::{
    cli::Global,
    failure::Failure,
    journals::{self, Known},
    texts::t,
    ui::{Mark, Screen},
    view,
};

/// `status`: how far each renewal has come. Reads journals, and nothing else.
pub fn run(global: &Global) -> Result<(), Failure> {
    let mut screen = Screen::new();
    let folder = journals::folder(global)?;
    let known = journals::all(&folder)?;
    if known.is_empty() {
        screen.say(&t!("status-none"));
    }
    let offered = journals::declined(&folder)?;
    let is_offered = |known: &Known| offered.as_ref().is_some_and(|offered| offered.name == known.name);
    known.iter().for_each(|known| show(&mut screen, known, is_offered(known)));
    Ok(())
}

fn show(screen: &mut Screen, known: &Known, is_offered: bool) {
    let process = &known.process;
    let card = &process.plan().card;
    screen.title(&t!(
        "status-title",
        name = known.name.as_str(),
        label = card.label.as_str(),
        serial = card.serial.as_str()
    ));
    let mark = match process.stage() {
        Stage::Done => Mark::Good,
        Stage::Failed => Mark::Bad,
        _ => Mark::Item,
    };
    screen.mark(mark, &stage(process.stage(), process.plan().is_first()));
    let now = SystemTime::now();
    match process.next(now) {
        Action::Failed(failure) => {
            let before = if is_offered { None } else { Failure::declined_before(process) };
            screen.detail(before.unwrap_or_else(|| Failure::of_end(process, failure)).message());
        }
        Action::Done(summary) if summary.came_elsewhere => screen.detail(&t!("fact-done-elsewhere")),
        _ => {}
    }
    if let Some(pair) = process.certificates() {
        for (role, certificate) in pair.iter() {
            let until = date(certificate.not_after());
            screen.detail(&t!("status-certificate", role = view::role(role), until = until));
        }
    }
    if let Some(until) = process.plan().old_ends().filter(|_| !process.is_over(now)) {
        screen.detail(&t!("status-old", count = process.plan().old.len(), until = date(until)));
    }
}

/// What happens next, or how it ended.
fn stage(stage: Stage, first: bool) -> String {
    let command = if first { "obnova first --resume" } else { "obnova renew --resume" };
    match stage {
        Stage::AskRisk | Stage::AskPlan => t!("stage-ask", command = command),
        Stage::UseLink => t!("stage-use-link"),
        Stage::Terms => t!("stage-terms"),
        Stage::Generate(KeyRole::Authentication) => t!("stage-generate-authentication"),
        Stage::Generate(KeyRole::Signature) => t!("stage-generate-signature"),
        Stage::Request(_) => t!("stage-request"),
        Stage::Prepare if first => t!("stage-prepare-first", command = command),
        Stage::Prepare | Stage::Vouch | Stage::Seal => t!("stage-prepare"),
        Stage::Send => t!("stage-send"),
        Stage::PickUp => t!("stage-pick-up", command = command),
        Stage::AskCertificates => t!("stage-ask-certificates"),
        Stage::Install => t!("stage-install", command = command),
        Stage::Acknowledge => t!("stage-acknowledge"),
        Stage::ProveLogin | Stage::ProveSignature => t!("stage-prove"),
        Stage::Done => t!("stage-done"),
        Stage::Failed => t!("stage-failed"),
    }
}
