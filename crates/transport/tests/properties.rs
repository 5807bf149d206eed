//! What is recorded is read back and replayed as it was, and never has a secret in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use obnova_transport::{CardConnection, CardTransport, Decorated, Record, Redactor, Replay, TraceFile, TransportError};
use proptest::{collection::vec, prelude::*};

type Answer = Result<Vec<u8>, TransportError>;

/// A card that says what it was told to say.
struct Scripted {
    place: String,
    atr: Vec<u8>,
    answers: std::vec::IntoIter<Answer>,
}

impl CardConnection for Scripted {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        Ok(Box::new(Talk(&mut self.answers)))
    }

    fn description(&self) -> String {
        self.place.clone()
    }

    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }
}

struct Talk<'a>(&'a mut std::vec::IntoIter<Answer>);

impl CardTransport for Talk<'_> {
    fn transmit(&mut self, _: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        response.clear();
        response.extend(self.0.next().expect("an answer for each command")?);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn command() -> impl Strategy<Value = Vec<u8>> {
    let ins = prop_oneof![Just(0x20_u8), Just(0x24), Just(0x2C), Just(0xA4), Just(0xC0), any::<u8>()];
    (prop_oneof![Just(0x00_u8), Just(0x10), any::<u8>()], ins, vec(any::<u8>(), 2..40)).prop_map(|(cla, ins, rest)| {
        let mut bytes = vec![cla, ins];
        bytes.extend(rest);
        bytes
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => vec(any::<u8>(), 2..40).prop_map(Ok),
        1 => Just(Err(TransportError::CardRemoved)),
        1 => Just(Err(TransportError::CardReset)),
        1 => Just(Err(TransportError::Timeout)),
    ]
}

fn talk(connection: &mut dyn CardConnection, conversations: &[Vec<(Vec<u8>, Answer)>]) -> Vec<Answer> {
    let mut heard = Vec::new();
    for conversation in conversations {
        let mut card = connection.begin().unwrap();
        for (command, _) in conversation {
            let mut response = Vec::new();
            heard.push(card.transmit(command, &mut response).map(|()| response));
        }
    }
    heard
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_record_is_read_and_replayed_as_what_was_said(
        place in "[!-~]([ -~]{0,30}[!-~])?",
        atr in vec(any::<u8>(), 2..33),
        conversations in vec(vec((command(), answer()), 0..8), 1..4),
    ) {
        let answers: Vec<Answer> = conversations.iter().flatten().map(|(_, answer)| answer.clone()).collect();
        let paper = Paper::default();
        let record = Record::to_writer(paper.clone());
        let card = Scripted { place: place.clone(), atr: atr.clone(), answers: answers.clone().into_iter() };
        let heard = talk(&mut Decorated::new(card, record.clone()), &conversations);
        prop_assert_eq!(&heard, &answers, "a record changes nothing");
        record.finish().unwrap();

        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let trace: TraceFile = text.parse().unwrap();
        prop_assert_eq!((&trace.reader, &trace.atr), (&place, &atr));
        prop_assert_eq!(trace.conversations.len(), conversations.len());
        for (read, said) in trace.conversations.iter().zip(&conversations) {
            let mut redactor = Redactor::new();
            prop_assert_eq!(read.exchanges.len(), said.len());
            for (read, (command, answer)) in read.exchanges.iter().zip(said) {
                prop_assert!(read.command.matches(redactor.show(command)));
                prop_assert_eq!(&read.answer, answer);
            }
        }
        let again = talk(&mut Replay::new(trace), &conversations);
        prop_assert_eq!(again, answers);
    }

    #[test]
    fn the_data_of_a_password_command_is_never_written(secret in "[A-Z0-9]{12,20}", cla in 0..=3_u8, ins in prop_oneof![Just(0x20_u8), Just(0x24), Just(0x2C)]) {
        let mut command = vec![cla, ins, 0, 1, secret.len() as u8];
        command.extend(secret.as_bytes());
        let paper = Paper::default();
        let record = Record::to_writer(paper.clone());
        let card = Scripted { place: "a reader".into(), atr: vec![0x3B, 0], answers: vec![Ok(vec![0x90, 0])].into_iter() };
        talk(&mut Decorated::new(card, record), &[vec![(command, Ok(Vec::new()))]]);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        prop_assert!(text.contains("[redacted]"));
        prop_assert!(!text.contains(&secret) && !text.contains(&hex.join(" ")) && !text.contains(&hex.concat()));
    }

    #[test]
    fn any_text_is_refused_by_a_line_of_it_or_read(text in "(# obnova trace 1\n)?([@><!#] ?[ -~]{0,20}\n){0,10}") {
        match text.parse::<TraceFile>() {
            Ok(trace) => prop_assert!(trace.conversations.iter().all(|one| one.line <= text.lines().count())),
            Err(error) => prop_assert!(error.line <= text.lines().count().max(1)),
        }
    }
}
