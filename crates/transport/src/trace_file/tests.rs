use super::*;

fn problem(text: &str) -> (usize, TraceProblem) {
    let error = format!("{FIRST_LINE}\n{text}").parse::<TraceFile>().unwrap_err();
    (error.line, error.problem)
}

#[test]
fn the_documented_example_parses() {
    let text = "# obnova trace 1\n@ reader Virtual PCD 00 00\n@ atr 3B85 014F\n\n@ begin\n  > 00 A4 04 00 02 3f 00\n< 6F 00 90 00\n\
        > 00 20 00 01 [redacted]\n! card-removed\n@ end\n";
    let file: TraceFile = text.parse().unwrap();
    assert_eq!(file.reader, "Virtual PCD 00 00");
    assert_eq!(file.atr, [0x3B, 0x85, 0x01, 0x4F]);
    let exchanges = &file.conversations[0].exchanges;
    assert_eq!(exchanges[0].answer, Ok(vec![0x6F, 0, 0x90, 0]));
    assert_eq!(exchanges[1].line, 8);
    assert_eq!(exchanges[1].command, RecordedCommand { bytes: vec![0, 0x20, 0, 1], redacted: true });
    assert_eq!(exchanges[1].answer, Err(TransportError::CardRemoved));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    assert_eq!(problem("hello"), (2, TraceProblem::UnknownLine));
    assert_eq!(problem("@ wait"), (2, TraceProblem::UnknownAnnotation));
    assert_eq!(problem("@ atr 3"), (2, TraceProblem::Hex));
    assert_eq!(problem("@ atr xy"), (2, TraceProblem::Hex));
    assert_eq!(problem("> 00 A4 00 00"), (2, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ begin\n@ begin"), (3, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ end"), (2, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ begin\n< 90 00"), (3, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ begin\n> 00 A4 00 00\n@ end"), (4, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ begin\n> 00 A4 00 00\n> 00 A4 00 00"), (4, TraceProblem::OutOfPlace));
    assert_eq!(problem("@ begin\n> 00 A4 00"), (3, TraceProblem::TooShort));
    assert_eq!(problem("@ begin\n> 00 A4 00 00\n! gone fishing"), (4, TraceProblem::UnknownError));
    let long = format!("@ begin\n> {}", "00".repeat(70_000));
    assert_eq!(problem(&long), (3, TraceProblem::TooLong));
}

#[test]
fn other_files_are_told_apart_at_the_first_line() {
    for text in ["", "\n", "# obnova trace 2\n", "{}", "\u{0}\u{0}"] {
        let error = text.parse::<TraceFile>().unwrap_err();
        assert_eq!(error, TraceFileError { line: 1, problem: TraceProblem::UnknownFormat });
    }
}

#[test]
fn every_error_of_a_conversation_survives_the_file() {
    for error in [
        TransportError::NoReader,
        TransportError::NoCard { reader: "here".to_owned() },
        TransportError::CardRemoved,
        TransportError::CardReset,
        TransportError::CardMute,
        TransportError::Sharing,
        TransportError::ServiceStopped,
        TransportError::AccessDenied,
        TransportError::Timeout,
    ] {
        assert_eq!(error_of_line(&error_line(&error), "here"), Ok(error));
    }
    let io = error_of_line(&error_line(&TransportError::Io("line\nbreak".to_owned())), "").unwrap();
    assert!(io.to_string().contains("line break"));
}

#[test]
fn a_file_cut_anywhere_is_read_or_refused_with_a_line() {
    let text =
        "# obnova trace 1\n@ reader r\n@ atr 3B\n@ begin\n> 00 A4 00 00\n< 90 00\n> 00 B0 00 00 00\n! timeout\n@ end\n";
    for length in 0..text.len() {
        if let Err(error) = text[..length].parse::<TraceFile>() {
            assert!((1..=9).contains(&error.line));
        }
    }
}
