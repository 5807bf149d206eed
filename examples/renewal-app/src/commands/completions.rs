use clap_complete::{Shell, generate};

use crate::{cli, failure::Failure, ui};

/// Prints what a shell needs to complete `obnova`.
pub fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), "obnova", &mut script);
    Ok(ui::data(&script)?)
}
