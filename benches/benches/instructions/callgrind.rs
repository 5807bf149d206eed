//! One side of one task, in a process of its own under callgrind.

use std::{hint::black_box, process::Command};

/// First argument of a process that is counted.
pub const CHILD: &str = "--counted";

/// The work whose instructions count; what comes before is preparation. Callgrind knows it by its name.
#[inline(never)]
pub fn what_is_counted(work: &mut dyn FnMut() -> usize) {
    black_box(work());
}

/// Instructions that one side of a task takes.
pub fn count(task: &str, side: &str) -> f64 {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*what_is_counted*"])
        .arg(program)
        .args([CHILD, task, side])
        .output()
        .unwrap_or_else(|error| panic!("valgrind cannot be run ({error}): apt-get install valgrind"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{task}, {side}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, number)| number.trim());
    let count: f64 = collected.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no count: {said}"));
    assert!(count > 1000.0, "{task}, {side}: nothing was counted: {said}");
    count
}
