//! Lines, tables and progress: restrained on a terminal, plain in a pipe.

mod hidden;
mod progress;
mod screen;
mod table;
mod wrap;

pub use hidden::ask_hidden;
pub use progress::Progress;
pub use screen::{Mark, Screen};
pub use table::Table;

use std::io::{IsTerminal as _, Write as _};

use crate::{
    beforehand::Beforehand,
    failure::{Failure, Kind},
    texts::t,
};

/// Asks for a line of text, shown as it is typed.
pub fn ask_line(question: &str, beforehand: Beforehand) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(beforehand.nobody(question));
    }
    let mut out = anstream::stdout();
    write!(out, "   {question} ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Asks for a link that was mailed, where somebody sits at a terminal; nothing where standard input is something else.
pub fn ask_link() -> Result<Option<String>, Failure> {
    let sits_there = std::io::stdin().is_terminal();
    sits_there.then(|| ask_line(&t!("ask-link"), Beforehand::Nothing)).transpose()
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
