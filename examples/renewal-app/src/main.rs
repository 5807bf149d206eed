//! `obnova`: the holder's commands, composed of the libraries. Wiring: no decision is made here.
//!
//! - [`cli`] says what can be typed, [`commands`] does it, one file a command.
//! - [`stage`] builds what `demo` and `scenario` play on, and plays it; the two differ in who watches.
//! - [`texts`] has every sentence a holder reads, [`ui`] puts them on a terminal or into a pipe.
//! - [`pins`] gets PINs, [`tokens`] opens cards, [`failure`] turns errors into sentences and exit codes.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod advice;
mod ask;
mod authority;
mod beforehand;
mod checks;
mod cli;
mod commands;
mod compared;
mod failure;
mod files;
mod holder;
mod interrupted;
mod journals;
mod narration;
mod new_password;
mod phrases;
mod pins;
mod plan;
mod service;
mod stage;
mod texts;
mod tokens;
mod told;
mod ui;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(problem) => {
            // Help and version are answers, not errors; clap knows which is which.
            let _ = problem.print();
            return ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(failure::Kind::Usage.code()));
        }
    };
    let outcome = commands::run(cli);
    interrupted::unless_interrupted();
    match outcome.and_then(|()| ui::unsaid().map_or(Ok(()), Err)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui::report(&failure);
            ExitCode::from(failure.kind().code())
        }
    }
}
