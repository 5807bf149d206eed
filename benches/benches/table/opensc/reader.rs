//! A PC/SC service of the benchmark's own, and a card in its reader.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use obnova_simulator::{SimulatorConnection, vpcd};

/// What OpenSC spends on each task, told by this program run again where a PC/SC service listens.
pub fn inside() -> Vec<Option<[f64; 3]>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/with-pcscd");
    let mut command = Command::new(script);
    let output = command.arg(std::env::current_exe().unwrap()).arg(super::INSIDE).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| {
        let figures: Vec<f64> = line.split(' ').filter_map(|figure| figure.parse().ok()).collect();
        <[f64; 3]>::try_from(figures).ok()
    };
    said.lines().map(line).collect()
}

/// Does something while a card is in the reader, and waits until the reader is empty again.
pub fn with_card(card: &SimulatorConnection, address: SocketAddr, work: impl FnOnce()) {
    let sees_a_card = || run("opensc-tool", &["--atr"]).status.success();
    let attached = vpcd::Attached::new(card, address).unwrap();
    while !sees_a_card() {
        std::thread::sleep(Duration::from_millis(20));
    }
    work();
    attached.detach();
    while sees_a_card() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a program of others.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    output(Command::new(program).args(arguments))
}

/// Runs a program of OpenSC that tells at each step why it goes no further.
pub fn run_with_log(program: &str, arguments: &[&str]) -> Output {
    output(Command::new(program).args(arguments).env("OPENSC_DEBUG", "3"))
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
