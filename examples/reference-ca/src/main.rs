//! `obnova-ca`: the reference CA from the command line.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]
// They panic where nobody reads what they write.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod commands;
mod show;

use std::{alloc::System, process::ExitCode};

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

/// What is given back is wiped: passwords and tokens pass through HTTP and JSON, which do not wipe what they copy.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::say(format!("obnova-ca: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
