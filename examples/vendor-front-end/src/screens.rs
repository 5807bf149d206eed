use std::{
    io::{self, Write},
    time::SystemTime,
};

use obnova_client::{
    PinRequest, Progress, Prompt, PromptError, Question, RunError,
    card::{PasswordKind, PasswordSteps, Secret},
    renewal::{CardView, Failure, Plan, SlotView, Summary},
};

use crate::texts;

/// The vendor's screens. The engine asks through [`Prompt`]; what it looks like, and in which language, is decided here.
pub struct Screens<'a> {
    out: &'a mut dyn Write,
    holder: &'a mut dyn Holder,
}

/// Who sits in front of the screens: fields and buttons of a window, or a demonstration that answers by itself.
pub trait Holder {
    /// The holder types a password; `None` is the button "Zrušit".
    fn types(&mut self, password: PasswordKind) -> Option<Secret>;

    /// The holder presses "Ano" or "Ne".
    fn agrees(&mut self) -> bool;
}

const WIDTH: usize = 74;

impl<'a> Screens<'a> {
    /// On this output, in front of this holder.
    pub fn new(out: &'a mut dyn Write, holder: &'a mut dyn Holder) -> Self {
        Self { out, holder }
    }

    /// What is on the card.
    ///
    /// # Errors
    /// As the output.
    pub fn card(&mut self, card: &CardView) -> io::Result<()> {
        let mut lines = vec![format!("{}, karta číslo {}", card.identity.label, card.identity.serial), String::new()];
        lines.extend(card.slots.iter().filter(|slot| !slot.is_empty()).map(slot_line));
        self.screen("Vaše karta", &lines)
    }

    /// The order was taken; there is nothing to do for now.
    ///
    /// # Errors
    /// As the output.
    pub fn waiting(&mut self, until: SystemTime) -> io::Result<()> {
        let lines = [
            "Objednávka je podána. Registrační místo ji vyřídí; nemusíte čekat.".into(),
            format!("Okno můžete zavřít. Podívejte se znovu {} nebo později.", texts::date(until)),
        ];
        self.screen("Podáno", &lines)
    }

    /// It is done.
    ///
    /// # Errors
    /// As the output.
    pub fn done(&mut self, summary: &Summary) -> io::Result<()> {
        let mut lines = vec!["Na kartě jsou dva nové certifikáty:".to_owned()];
        lines.extend(summary.certificates.iter().map(|(role, certificate)| {
            format!(
                "  {} č. {}…, platí do {}",
                texts::role(role),
                short(&certificate.serial()),
                texts::date(certificate.not_after())
            )
        }));
        lines.push("Dosavadní dvojice na kartě zůstává, označená jako nahrazená.".into());
        self.screen("Hotovo", &lines)
    }

    /// It ended without new certificates.
    ///
    /// # Errors
    /// As the output.
    pub fn failed(&mut self, failure: &Failure) -> io::Result<()> {
        self.screen("Nepodařilo se", &[texts::failure(failure), "S dosavadními certifikáty se nic nestalo.".into()])
    }

    /// It cannot be begun.
    ///
    /// # Errors
    /// As the output.
    pub fn not_eligible(&mut self, refused: &obnova_client::renewal::NotEligible) -> io::Result<()> {
        self.screen("Teď to nejde", &texts::not_eligible(refused))
    }

    /// A step was not done; it can be tried again. With what can be done about the card's passwords, where it still tells.
    ///
    /// # Errors
    /// As the output.
    pub fn trouble(&mut self, error: &RunError, steps: Option<&PasswordSteps>) -> io::Result<()> {
        self.screen("Krok se nepodařil", &[texts::error(error, steps)])
    }

    fn screen(&mut self, title: &str, lines: &[String]) -> io::Result<()> {
        let title = format!("─ Registrační místo Sever · {title} ");
        writeln!(self.out, "\n┌{title:─<WIDTH$}┐")?;
        for line in lines.iter().flat_map(|line| wrapped(line)) {
            writeln!(self.out, "│ {line:<width$} │", width = WIDTH - 2)?;
        }
        writeln!(self.out, "└{}┘", "─".repeat(WIDTH))
    }

    fn ask(&mut self, title: &str, lines: &[String]) -> io::Result<bool> {
        self.screen(title, lines)?;
        let yes = self.holder.agrees();
        writeln!(self.out, "  Pokračovat? » {}", if yes { "Ano" } else { "Ne" })?;
        Ok(yes)
    }
}

impl Prompt for Screens<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        let mut lines = Vec::new();
        if request.was_wrong {
            lines.push(texts::was_wrong(request.password, request.tries));
        }
        lines.push(format!("{} bude použit, aby bylo možné:", texts::password(request.password)));
        lines.extend(request.uses.iter().map(|one| format!("  – {}", texts::pin_use(*one))));
        self.screen(request.phase.map_or("Zadejte PIN", texts::phase), &lines)?;
        let typed = self.holder.types(request.password).ok_or(PromptError::Cancelled)?;
        writeln!(self.out, "  {} » {}", texts::password(request.password), "•".repeat(typed.len()))?;
        Ok(typed)
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        Ok(match question {
            Question::Risk(risk) => self.ask("Pozor", &[texts::risk(**risk)])?,
            Question::Plan(plan) => self.ask("Co se stane", &plan_lines(plan))?,
            Question::LastTry { password, tries, was_wrong } => {
                let wrong = was_wrong.then(|| texts::was_wrong(*password, *tries));
                let sure = format!("{}: {}. Jste si jisti?", texts::password(*password), texts::last_try(*tries));
                self.ask("Poslední pokus", &wrong.into_iter().chain([sure]).collect::<Vec<_>>())?
            }
            // A question of a newer engine that these screens cannot show is not agreed to.
            _ => false,
        })
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        let line = match progress {
            Progress::Begins(action) => texts::slow(action).map(|text| format!("  · {text}")),
            Progress::Done(action) => texts::done(action).map(|text| format!("  ✓ {text}")),
            Progress::Failed(action) => texts::done(action).map(|text| format!("  ✗ nepodařilo se: {text}")),
            _ => None,
        };
        // That a line cannot be shown is no reason to stop in the middle of a renewal.
        let _ = line.map(|line| writeln!(self.out, "{line}"));
    }
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("Karta {} ({})", plan.card.label, plan.card.serial), String::new()];
    for (role, new) in plan.new.iter() {
        let Some(old) = plan.old.get(role) else { continue };
        lines.push(format!(
            "{} certifikát: {} platí do {} a zůstane na kartě; nový klíč {} přijde na místo {}",
            texts::role(role),
            old.algorithm,
            texts::date(old.certificate.not_after()),
            new.algorithm,
            new.slot,
        ));
    }
    lines.push(String::new());
    lines.push("Budete požádáni:".into());
    for ask in &plan.asks {
        lines.push(format!("  {} – {} ({}×)", texts::phase(ask.phase), texts::password(ask.password), ask.uses.len()));
    }
    lines.push(String::new());
    lines.push("Obnoví se oba certifikáty, nebo žádný.".into());
    lines
}

fn slot_line(slot: &SlotView) -> String {
    let certificate = slot.certificates.first();
    let what = certificate.and_then(|entry| entry.certificate.as_ref()).map_or_else(
        || "klíč bez certifikátu".into(),
        |certificate| {
            format!("č. {}…, platí do {}", short(&certificate.serial()), texts::date(certificate.not_after()))
        },
    );
    let key = slot.key.as_ref().map_or("", |key| texts::role(key.role));
    let state = if certificate.is_some_and(|entry| entry.superseded) { " (nahrazen)" } else { "" };
    format!("  {}  {key:<13} {what}{state}", slot.id)
}

fn short(serial: &str) -> &str {
    serial.get(..8).unwrap_or(serial)
}

/// A line in pieces that fit between the edges; what comes after the first is indented as far.
fn wrapped(line: &str) -> Vec<String> {
    if line.chars().count() <= WIDTH - 2 {
        return vec![line.to_owned()];
    }
    let indent = " ".repeat(line.chars().take_while(|c| *c == ' ').count());
    let mut lines = vec![indent.clone()];
    for word in line.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.chars().count() > WIDTH - 2 {
            lines.push(indent.clone());
        }
        let last = lines.len() - 1;
        lines[last] += word;
        lines[last].push(' ');
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_stay_between_the_edges() {
        let long = format!("  – {}", "Nejneobhospodařovávatelnějšími ".repeat(9));
        let lines = wrapped(&long);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.chars().count() <= WIDTH - 2), "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("  ")));
        assert_eq!(wrapped(""), [""]);
    }
}
