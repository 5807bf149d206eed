//! Lines, tables and progress: restrained on a terminal, plain in a pipe.

mod hidden;
mod progress;
mod screen;
mod table;
mod tty;
mod wrap;

pub use hidden::ask_hidden;
pub use progress::Progress;
pub use screen::{Mark, Screen};
pub use table::Table;
pub use tty::sits_there;

use std::{
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _, stdin, stdout},
    sync::OnceLock,
};

use crate::{
    beforehand::Beforehand,
    failure::{Failure, Kind},
    texts::t,
};

/// The longest standard input that is read for links, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Asks for a line of text, shown as it is typed. What was typed before the question is there does not answer it.
pub fn ask_line(question: &str, beforehand: Beforehand) -> Result<String, Failure> {
    if !sits_there() {
        return Err(beforehand.nobody(question));
    }
    let mut line = String::new();
    if stdin().is_terminal() {
        let mut out = anstream::stdout();
        tty::drop_typed(stdin())?;
        write!(out, "   {question} ")?;
        out.flush()?;
        stdin().read_line(&mut line)?;
    } else {
        let (input, mut output) = tty::open()?;
        tty::drop_typed(&input)?;
        write!(output, "   {question} ")?;
        BufReader::new(input).read_line(&mut line)?;
    }
    Ok(line.trim().to_owned())
}

/// How often a yes or a no is asked for before it is given up.
const ATTEMPTS: usize = 3;

/// Asks for a clear yes or no, and again where the answer is neither.
pub fn ask_yes(question: &str, beforehand: Beforehand) -> Result<bool, Failure> {
    for _ in 0..ATTEMPTS {
        let answer = ask_line(question, beforehand)?.to_lowercase();
        let is = |words: String| words.split_whitespace().any(|word| word == answer);
        if is(t!("words-yes")) {
            return Ok(true);
        }
        if is(t!("words-no")) {
            return Ok(false);
        }
        Screen::new().mark(Mark::Caution, &t!("ask-yes-or-no"));
    }
    Err(Failure::new(Kind::Usage, t!("error-no-answer", question = question)))
}

/// The link that is pasted at a terminal, or those on standard input, one a line. What is asked afterwards is asked at the
/// terminal even so.
pub fn ask_links() -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    if stdin().is_terminal() {
        text = ask_line(&t!("ask-link"), Beforehand::Nothing)?;
    } else {
        stdin().take(LONGEST).read_to_string(&mut text)?;
        tty::input_is_spent();
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Exactly this on standard output, for programs to read. Who reads only the beginning has it; what is missing otherwise is an error.
pub fn data(text: &[u8]) -> io::Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// The first thing that could not be said.
static UNSAID: OnceLock<String> = OnceLock::new();

/// What a command does goes on where nobody hears of it; but that something could not be said is told at the end.
fn said(done: io::Result<()>) {
    if let Err(error) = done
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = UNSAID.set(error.to_string());
    }
}

/// That a command did what it should, and could not say all of it.
pub fn unsaid() -> Option<Failure> {
    said(stdout().flush());
    UNSAID.get().map(|problem| Failure::new(Kind::Internal, t!("error-unsaid", problem = problem.as_str())))
}

/// Says on standard error why a command failed.
pub fn report(failure: &Failure) {
    let mut out = anstream::stderr();
    let width = std::io::stderr().is_terminal().then(screen::width);
    let fold = |text: &str| text.lines().flat_map(|line| wrap::wrap(line, width)).collect::<Vec<_>>().join("\n");
    let _ = match failure.kind() {
        Kind::Pending | Kind::Declined | Kind::Interrupted => {
            let style = screen::CAUTION;
            writeln!(out, "{style}{}{style:#}", fold(failure.message()))
        }
        _ => {
            let (style, word) = (screen::BAD, t!("word-error"));
            let text = fold(&format!("{word} {}", failure.message()));
            writeln!(out, "{style}{word}{style:#}{}", text.strip_prefix(&word).unwrap_or(&text))
        }
    };
}
