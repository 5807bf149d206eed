//! Any text as a trace file: refused with the number of a line, or read, written by hand and read as the same again.
#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use obnova_transport::{Redactor, TraceFile, TransportError};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<TraceFile>() {
        Ok(file) => {
            assert!(size(&file) <= text.len(), "more was read than stands there");
            let lines: Vec<_> = lines(&file).collect();
            assert!(lines.is_sorted_by(|a, b| a < b) && lines.last() <= Some(&text.lines().count()));
            let written = write(&file);
            let again = written.parse().expect("just written");
            assert_eq!(unnumbered(again), unnumbered(file), "{written}");
        }
        Err(error) => assert!((1..=text.lines().count().max(1)).contains(&error.line), "{error}"),
    }
});

fn size(file: &TraceFile) -> usize {
    let exchanges = file.conversations.iter().flat_map(|conversation| &conversation.exchanges);
    exchanges.map(|it| it.command.bytes.len() + it.answer.as_ref().map_or(0, Vec::len)).sum()
}

fn lines(file: &TraceFile) -> impl Iterator<Item = usize> {
    file.conversations.iter().flat_map(|conversation| {
        let exchanges = conversation.exchanges.iter().map(|exchange| exchange.line);
        std::iter::once(conversation.line).chain(exchanges)
    })
}

/// Commands and answers are the same wherever their lines stand.
fn unnumbered(mut file: TraceFile) -> TraceFile {
    for conversation in &mut file.conversations {
        conversation.line = 0;
        for exchange in &mut conversation.exchanges {
            exchange.line = 0;
        }
    }
    file
}

fn write(file: &TraceFile) -> String {
    let mut text = "# obnova trace 1\n".to_owned();
    for conversation in &file.conversations {
        text.push_str("@ begin\n");
        let mut redactor = Redactor::new();
        for exchange in &conversation.exchanges {
            let command = &exchange.command;
            let mark = if command.redacted { "[redacted]" } else { "" };
            writeln!(text, "> {} {mark}", hex(&command.bytes)).expect("a string takes it");
            assert!(command.bytes.starts_with(redactor.show(&command.bytes).bytes));
            match &exchange.answer {
                Ok(answer) => writeln!(text, "< {}", hex(answer)),
                Err(TransportError::NoCard { reader }) => writeln!(text, "@ reader {reader}\n! no-card"),
                Err(error) => writeln!(text, "! {}", name(error)),
            }
            .expect("a string takes it");
        }
        text.push_str("@ end\n");
    }
    writeln!(text, "@ reader {}\n@ atr {}", file.reader, hex(&file.atr)).expect("a string takes it");
    text
}

fn name(error: &TransportError) -> String {
    let name = match error {
        TransportError::NoReader => "no-reader",
        TransportError::CardRemoved => "card-removed",
        TransportError::CardReset => "card-reset",
        TransportError::CardMute => "card-mute",
        TransportError::Sharing => "sharing",
        TransportError::ServiceStopped => "service-stopped",
        TransportError::AccessDenied => "access-denied",
        TransportError::Timeout => "timeout",
        TransportError::Io(words) => return format!("io {words}"),
        error => panic!("no line of a trace says this: {error}"),
    };
    name.to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
