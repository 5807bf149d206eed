//! What was said, in the forms of the targets' inputs.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use obnova_apdu::tlv::Reader;
use obnova_apdu::{CommandView, LengthForm, Response, ins};
use obnova_fuzz::cards::place;
use obnova_fuzz::form::Form;
use obnova_fuzz::script::{Action, MOST_STEPS, Manner, Script, Step};
use obnova_profile::{CardStatus, DirectoryLayout, SlotNumber};
use obnova_transport::{CardTransport, Decorator as _, Record, TraceFile, TransportError};

use crate::plays::plays;
use crate::recorder::{Conversation, Said};

/// Those whose trace is a seed too: of each who speaks one that reads and one with passwords, which are left out.
const TRACED: [&str; 4] = ["driver-look", "driver-passwords", "opensc-certificate", "opensc-change"];

/// Writes seeds, and none twice.
pub struct Seeds {
    folder: PathBuf,
    written: BTreeSet<(&'static str, Vec<u8>)>,
    shapes: BTreeSet<(&'static str, Vec<u8>)>,
    exchanges: BTreeSet<(&'static str, [u8; 4])>,
}

impl Seeds {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, written: BTreeSet::new(), shapes: BTreeSet::new(), exchanges: BTreeSet::new() }
    }

    pub fn written(&self) -> usize {
        self.written.len()
    }

    pub fn take(&mut self, conversation: &Conversation) {
        let mut script = Vec::new();
        let said = self::script(conversation);
        said.write(&mut script);
        assert_eq!(arbitrary::Unstructured::new(&script).arbitrary(), Ok(said), "what is written is read as the same");
        self.write("simulator", conversation.name, &script);
        if TRACED.contains(&conversation.name) {
            self.trace(conversation);
        }
        for (number, (command, answer)) in conversation.commands().enumerate() {
            let name = format!("{}-{number:02}", conversation.name);
            self.command(&name, command);
            self.answer(&name, command, answer);
            self.exchange(conversation.speaker(), &name, command, answer);
        }
    }

    pub fn plays(&mut self) {
        for (name, play) in plays() {
            let mut seed = Vec::new();
            play.write(&mut seed);
            assert_eq!(
                arbitrary::Unstructured::new(&seed).arbitrary(),
                Ok(play),
                "what is written is read as the same"
            );
            self.write("driver", &name, &seed);
        }
    }

    /// As it is written when it is recorded.
    fn trace(&mut self, conversation: &Conversation) {
        let path = place("trace");
        let mut record = Record::to_writer(File::create(&path).expect("there is room for it"));
        for part in conversation.parts() {
            record.began(&conversation.place, &conversation.atr);
            for (command, answer) in part {
                record.transmit(&mut Says(answer), command, &mut Vec::new()).expect("it says what it said");
            }
            record.ended();
        }
        record.finish().expect("there is room for it");
        let trace = std::fs::read_to_string(&path).expect("just written");
        _ = std::fs::remove_file(path);
        let read: TraceFile = trace.parse().expect("what is recorded is read");
        let answers =
            read.conversations.iter().flat_map(|part| &part.exchanges).map(|exchange| exchange.answer.as_deref());
        assert!(
            answers.eq(conversation.commands().map(|(_, answer)| Ok(answer))),
            "what is written is read as the same"
        );
        self.write("trace_file", conversation.name, trace.as_bytes());
    }

    /// One of each shape is enough: the same header, length of data and expected answer.
    fn command(&mut self, name: &str, command: &[u8]) {
        let Ok(view) = CommandView::parse(command) else { return };
        let shape = [view.cla(), view.ins(), view.data().len() as u8, u8::from(view.ne() > 0), view.form() as u8];
        if self.shapes.insert(("command", shape.to_vec())) {
            self.write("command", name, command);
        }
    }

    /// One of each shape for each who speaks. The form is that of `fuzz_targets/exchange.rs`.
    fn exchange(&mut self, speaker: &'static str, name: &str, command: &[u8], answer: &[u8]) {
        let Ok(view) = CommandView::parse(command) else { return };
        let (data, [says @ .., _, _]) = (view.data(), answer) else { return };
        let lengths = [data.len(), says.len()].map(|length| length.min(1_500));
        let extended = view.form() == LengthForm::Extended;
        let shape = [u8::from(extended), (lengths[0] / 128) as u8, (lengths[1] / 128) as u8, u8::from(view.ne() > 256)];
        if !self.exchanges.insert((speaker, shape)) {
            return;
        }
        // One more is wanted where the number does not fit.
        let more = u8::from(view.ne() > 0xFFFF);
        let [high, low] = (view.ne() as u16).wrapping_sub(more.into()).to_be_bytes();
        let [length_high, length_low] = (lengths[0] as u16).to_be_bytes();
        let choice = more | if extended { 2 } else { 0 };
        let mut seed = vec![choice, 0, high, low, 0, view.cla(), view.ins(), length_high, length_low];
        seed.extend(data[..lengths[0]].iter().chain(&says[..lengths[1]]));
        self.write("exchange", name, &seed);
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
        self.file(name, command, response.data);
        let shape = response.data.iter().copied().take(2).chain([(response.data.len() / 32) as u8]);
        if has_objects && response.data.len() > 4 && self.shapes.insert(("tlv", shape.collect())) {
            self.write("tlv", name, response.data);
        }
    }

    /// What stands in files, and what the card says of itself.
    fn file(&mut self, name: &str, command: &[u8], data: &[u8]) {
        let longest = usize::from(DirectoryLayout::for_slots(SlotNumber::MOST).length());
        let per_slot = 3 * usize::from(DirectoryLayout::PER_SLOT);
        match (command[1], command[2], data) {
            (ins::READ_BINARY, 0x81, _) if data.len() <= longest && data.len().is_multiple_of(per_slot) => {
                let regions: Vec<_> = data.chunks(data.len() / 3).collect();
                let used = |region: &&[u8]| region.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let used = regions.iter().map(used).max().unwrap_or(0);
                let mut seed = vec![0, (data.len() / per_slot) as u8 - 1];
                seed.extend(regions.iter().flat_map(|region| &region[..used]));
                self.write("directory", name, &seed);
                for (kind, region) in (1..).zip(&regions) {
                    for (number, entry) in Reader::padded(region).map_while(Result::ok).enumerate() {
                        self.write(
                            "directory",
                            &format!("{name}-{kind}-{number}"),
                            &[&[kind], entry.encoded()].concat(),
                        );
                    }
                }
            }
            (ins::READ_BINARY, _, [0x30, _, 0x30, ..]) if data.len() < 300 => {
                self.write("directory", &format!("{name}-aodf"), &[&[4], data].concat());
            }
            (ins::READ_BINARY, _, [0x30, _, 0x02, 0x01, 0x00, 0x04, ..]) => {
                self.write("directory", &format!("{name}-token-info"), &[&[5], data].concat());
            }
            (ins::SELECT, _, [0x6F, ..]) if CardStatus::from_fci(data).is_ok() => self.write("profile", name, data),
            (ins::GET_DATA, _, [0xA5, ..]) => self.write("profile", name, data),
            (ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, _, [0x7F, 0x49, ..]) => self.write("profile", name, data),
            _ => {}
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

/// A card that says this.
struct Says<'a>(&'a [u8]);

impl CardTransport for Says<'_> {
    fn transmit(&mut self, _: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        *response = self.0.to_vec();
        Ok(())
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
