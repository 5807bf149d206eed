//! What was said, in the forms of the targets' inputs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use obnova_apdu::{CommandView, Response, ins};
use obnova_fuzz::form::Form;
use obnova_fuzz::script::{Action, MOST_STEPS, Manner, Script, Step};

use crate::recorder::{Conversation, Said};

/// Writes seeds, and none twice.
pub struct Seeds {
    folder: PathBuf,
    written: BTreeSet<(&'static str, Vec<u8>)>,
    shapes: BTreeSet<(&'static str, Vec<u8>)>,
}

impl Seeds {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, written: BTreeSet::new(), shapes: BTreeSet::new() }
    }

    pub fn written(&self) -> usize {
        self.written.len()
    }

    pub fn take(&mut self, conversation: &Conversation) {
        let mut script = Vec::new();
        self::script(conversation).write(&mut script);
        self.write("simulator", conversation.name, &script);
        for (number, (command, answer)) in conversation.commands().enumerate() {
            let name = format!("{}-{number:02}", conversation.name);
            self.command(&name, command);
            self.answer(&name, command, answer);
        }
    }

    /// One of each shape is enough: the same header, length of data and expected answer.
    fn command(&mut self, name: &str, command: &[u8]) {
        let Ok(view) = CommandView::parse(command) else { return };
        let shape = [view.cla(), view.ins(), view.data().len() as u8, u8::from(view.ne() > 0), view.form() as u8];
        if self.shapes.insert(("command", shape.to_vec())) {
            self.write("command", name, command);
        }
    }

    fn answer(&mut self, name: &str, command: &[u8], answer: &[u8]) {
        let Ok(response) = Response::parse(answer) else { return };
        let shape = [response.status.sw1(), u8::from(response.data.is_empty())];
        if self.shapes.insert(("response", shape.to_vec())) {
            self.write("response", name, answer);
        }
        let has_objects = matches!(
            command[1],
            ins::SELECT | ins::READ_BINARY | ins::GET_DATA | ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV
        );
        let shape = response.data.iter().copied().take(2).chain([(response.data.len() / 32) as u8]);
        if has_objects && response.data.len() > 4 && self.shapes.insert(("tlv", shape.collect())) {
            self.write("tlv", name, response.data);
        }
    }

    fn write(&mut self, target: &'static str, name: &str, seed: &[u8]) {
        if self.written.insert((target, seed.to_vec())) {
            let folder = self.folder.join(target);
            std::fs::create_dir_all(&folder).expect("seeds can be written");
            std::fs::write(folder.join(name), seed).expect("seeds can be written");
        }
    }
}

/// What was said as a script for the card. What OpenSC asks again and again is asked twice.
fn script(conversation: &Conversation) -> Script {
    let mut steps: Vec<Step> = Vec::new();
    for said in &conversation.said {
        let step = match said {
            Said::Reset => Step { manner: Manner::Extended, action: Action::Reset },
            Said::Command(command, _) => {
                let action = Action::from(&command[..]);
                let is_short = command.len() <= 5 + 255 + 1 && command.get(4) != Some(&0);
                Step { manner: if is_short { Manner::Short } else { Manner::Extended }, action }
            }
        };
        let looks = matches!(step.action, Action::Read { .. } | Action::SelectFile { .. } | Action::GetData { .. });
        let again = steps.iter().filter(|other| **other == step).count() >= 2;
        let reset_again = step.action == Action::Reset && steps.last().is_none_or(|last| last.action == Action::Reset);
        if !(looks && again || reset_again) {
            steps.push(step);
        }
    }
    steps.truncate(MOST_STEPS);
    Script { kind: conversation.kind, kept: false, steps }
}
