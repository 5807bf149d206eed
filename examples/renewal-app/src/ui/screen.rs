use std::io::{IsTerminal as _, Stdout, Write as _};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::{Progress, Table, said, wrap::wrap};

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const CAUTION: Style = AnsiColor::Yellow.on_default();
pub(super) const QUIET: Style = Style::new().dimmed();
pub(super) const STRONG: Style = Style::new().bold();

/// Widest text that is pleasant to read.
const WIDEST: usize = 100;

/// Standard output for people. Colour and escape sequences are left out by themselves where nobody could see them
/// (no terminal, `NO_COLOR`, `TERM=dumb`); lines are folded on terminals only, so that a pipe gets one sentence a line.
pub struct Screen {
    out: AutoStream<Stdout>,
    width: Option<usize>,
    moves: bool,
}

/// Columns of the terminal, as far as they are used.
pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)).clamp(40, WIDEST)
}

/// What stands before a line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Done, found, right.
    Good,
    /// Wrong.
    Bad,
    /// Works, but look at it.
    Caution,
    /// One of several.
    Item,
}

impl Screen {
    pub fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(width);
        let moves = terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { out: anstream::stdout(), width, moves }
    }

    /// A sentence or paragraph.
    pub fn say(&mut self, text: &str) {
        self.folded("", "", text, Style::new());
    }

    /// A sentence that belongs to what stands above it.
    pub fn detail(&mut self, text: &str) {
        self.folded("   ", "   ", text, Style::new());
    }

    /// A remark that can be skipped.
    pub fn aside(&mut self, text: &str) {
        self.folded("   ", "   ", text, QUIET);
    }

    /// The title of a command's output.
    pub fn title(&mut self, text: &str) {
        self.folded("", "", text, STRONG);
    }

    /// The title of a numbered part.
    pub fn heading(&mut self, number: usize, text: &str) {
        self.blank();
        said(writeln!(self.out, "{STRONG}{number:>2} {text}{STRONG:#}"));
    }

    /// A line of a list.
    pub fn mark(&mut self, mark: Mark, text: &str) {
        let (style, sign) = match mark {
            Mark::Good => (GOOD, "✓"),
            Mark::Bad => (BAD, "✗"),
            Mark::Caution => (CAUTION, "!"),
            Mark::Item => (QUIET, "·"),
        };
        self.signed("   ", style, sign, text);
    }

    /// One of several that belong to the line above.
    pub fn nested(&mut self, text: &str) {
        self.signed("     ", QUIET, "–", text);
    }

    /// A quoted letter or file.
    pub fn quote(&mut self, text: &str) {
        for paragraph in text.lines() {
            for line in wrap(paragraph, self.width.map(|width| width.saturating_sub(5))) {
                said(writeln!(self.out, "   {QUIET}│{QUIET:#} {line}"));
            }
        }
    }

    /// A table, indented like the other details.
    pub fn table(&mut self, table: &Table) {
        let lines = table.lines(self.width.map(|width| width.saturating_sub(3)));
        for (number, line) in lines.iter().enumerate() {
            said(match number {
                0 => writeln!(self.out, "   {QUIET}{line}{QUIET:#}"),
                _ => writeln!(self.out, "   {line}"),
            });
        }
    }

    pub fn blank(&mut self) {
        said(writeln!(self.out));
    }

    /// Shows that something takes its time, until the answer is dropped.
    pub fn progress(&mut self, text: &str) -> Progress {
        said(self.out.flush());
        Progress::start(text, self.moves)
    }

    fn signed(&mut self, indent: &str, style: Style, sign: &str, text: &str) {
        let used = indent.len() + 2;
        let lines = wrap(text, self.width.map(|width| width.saturating_sub(used)));
        for (number, line) in lines.iter().enumerate() {
            said(match number {
                0 => writeln!(self.out, "{indent}{style}{sign}{style:#} {line}"),
                _ => writeln!(self.out, "{:used$}{line}", ""),
            });
        }
    }

    fn folded(&mut self, first: &str, rest: &str, text: &str, style: Style) {
        for paragraph in text.lines() {
            let lines = wrap(paragraph, self.width.map(|width| width.saturating_sub(rest.chars().count())));
            for (number, line) in lines.iter().enumerate() {
                let indent = if number == 0 { first } else { rest };
                said(writeln!(self.out, "{indent}{style}{line}{style:#}"));
            }
        }
    }
}
