//! A conversation with the simulated card, held against a model of it after every step: no key is used before activation or
//! without its PIN, no counter rises without the right password, a file gives byte for byte what the model knows to stand in
//! it, of a public key that very key, and a private key none; a torn command has happened as far as the profile says and lost no
//! key, a card that was finished before it came to life stays so, a reset closes everything, and a state file gives the same
//! card again. No RSA keys are made, for which there is no time.
#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use obnova_fuzz::cards::place;
use obnova_fuzz::model::{self, Model};
use obnova_fuzz::script::{Action, Manner, Script, Step};
use obnova_simulator::{Card, Fault, FaultPlan, Torn};

/// APDUs of the longest conversation: what is longer has many long chains of short pieces.
const MOST_APDUS: usize = 1_024;

fuzz_target!(|script: Script| {
    let file = script.kept.then(|| KeptFile::new(script.kind.file()));
    let mut card = match &file {
        Some(file) => Card::open(&file.0).expect("a card wrote it"),
        None => script.kind.card(),
    };
    let mut model = Model::of(script.kind);
    let mut left = MOST_APDUS;
    for step in &script.steps {
        take(&mut card, &mut model, step, &mut left);
    }
    model.hides_its_keys(&mut card.fork());
    reset(&mut card, &mut model);
    if let Some(file) = &file {
        drop(card);
        card = Card::open(&file.0).expect("a card wrote it");
        model.is_like(&card.status());
    }
    model.reads_like(&mut card);
});

fn take(card: &mut Card, model: &mut Model, step: &Step, left: &mut usize) {
    if step.action == Action::Reset {
        model.hides_its_keys(&mut card.fork());
        return reset(card, model);
    }
    let fault = match step.manner {
        Manner::TornBefore => Some(Fault::TearBefore),
        Manner::TornInside => Some(Fault::TearInside),
        Manner::TornAfter => Some(Fault::TearAfter),
        _ => None,
    };
    for apdu in step.apdus(model) {
        if *left == 0 || model.is_slow(&apdu) {
            return;
        }
        *left -= 1;
        match &fault {
            None => {
                let answer = card.process(&apdu).expect("it has power");
                let whole = if model::is_part(&answer) { whole(&mut card.fork(), &answer) } else { answer.clone() };
                model.judge(&apdu, &answer, &whole);
                model.is_open_like(card);
            }
            Some(fault) => tear(card, model, &apdu, fault),
        }
        model.is_like(&card.status());
    }
}

fn tear(card: &mut Card, model: &mut Model, apdu: &[u8], fault: &Fault) {
    if *fault == Fault::TearBefore {
        model.judge_nothing();
    } else {
        let mut ahead = card.fork();
        let answer = ahead.process(apdu).expect("it has power");
        let whole = whole(&mut ahead, &answer);
        match fault {
            Fault::TearInside => model.judge_half(apdu, &answer, &whole),
            _ => model.judge(apdu, &answer, &whole),
        }
    }
    card.set_faults(FaultPlan::new().at(1, fault.clone()));
    assert_eq!(card.process(apdu), Err(Torn));
    assert_eq!(card.process(apdu), Err(Torn), "it answers without power");
    reset(card, model);
    model.knows_keys(card);
}

fn reset(card: &mut Card, model: &mut Model) {
    card.reset();
    model.reset();
    model.is_open_like(card);
    let mut refuses = |apdu: &[u8]| assert_ne!(card.process(apdu).expect("it has power")[0], 0x90, "{apdu:02X?}");
    refuses(&[0x00, 0x2A, 0x9E, 0x9A, 1, 7, 0]);
    refuses(&[0x00, 0xC0, 0, 0, 0]);
    refuses(&[0x00, 0xB0, 0, 0, 0]);
}

/// The answer with what GET RESPONSE fetches; `look` is the card that gave it, or a fork.
fn whole(look: &mut Card, answer: &[u8]) -> Vec<u8> {
    if !model::is_part(answer) {
        return answer.to_vec();
    }
    [&answer[..answer.len() - 2], &look.process(&[0x00, 0xC0, 0, 0, 0, 0, 0]).expect("it has power")].concat()
}

/// A state file, gone at the end.
struct KeptFile(PathBuf);

impl KeptFile {
    fn new(content: &[u8]) -> Self {
        let path = place("card.json");
        std::fs::write(&path, content).expect("there is room for it");
        Self(path)
    }
}

impl Drop for KeptFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
