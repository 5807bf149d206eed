//! What a program has in its memory: dumps of the real program, made by gdb where it is told to stop.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

use super::{Said, share_environment};

const MISSING: &str = "apt-get install -y --no-install-recommends gdb build-essential";

/// What a program printed, how it ended, and what it had in its memory when it made a system call.
pub struct Dumped {
    pub said: Said,
    pub memory: Vec<u8>,
}

/// Runs a program to its end, and takes its memory in the moment when it wants to end: everything was used.
pub fn at_the_end(command: &Command, input: Stdio) -> Dumped {
    at(command, input, "exit_group")
}

/// Runs a program to its end, and takes its memory when it first makes the system call.
pub fn at(command: &Command, input: Stdio, call: &str) -> Dumped {
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    let mut debugger = Command::new("gdb");
    debugger.args(["-nx", "-nh", "--readnever", "-q", "-batch", "-return-child-result"]);
    let stop = format!("catch syscall {call}");
    let dump = format!("gcore {}", core.display());
    let keep = format!("set environment LD_PRELOAD {}", keep_everything().display());
    for line in ["set confirm off", &keep, &stop, "run", &dump, "delete", "continue"] {
        debugger.args(["-ex", line]);
    }
    debugger.arg("--args").arg(command.get_program()).args(command.get_args());
    share_environment(command, &mut debugger);
    if let Some(folder) = command.get_current_dir() {
        debugger.current_dir(folder);
    }
    debugger.env_remove("DEBUGINFOD_URLS").stdin(input);
    let said = Said::from(debugger.output().unwrap_or_else(|error| panic!("gdb: {error}: {MISSING}")));
    let memory = fs::read(&core).unwrap_or_else(|_| panic!("no dump:\n{}{}", said.out, said.err));
    Dumped { said, memory }
}

/// The memory of a process that runs and waits for something.
pub fn of(process: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    let dump = format!("gcore {}", core.display());
    let mut debugger = Command::new("gdb");
    debugger.args(["-nx", "-nh", "--readnever", "-q", "-batch", "-p", &process.to_string(), "-ex", &dump]);
    let output = debugger.env_remove("DEBUGINFOD_URLS").stdin(Stdio::null()).output();
    let said = Said::from(output.unwrap_or_else(|error| panic!("gdb: {error}: {MISSING}")));
    fs::read(&core).unwrap_or_else(|_| panic!("no dump:\n{}{}", said.out, said.err))
}

/// An allocator that forgets nothing, to be loaded before the program's own.
pub fn keep_everything() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("keep_everything.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/keep_everything.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-fno-builtin", "-O1", "-o"]).arg(&library).arg(source);
        let made = compiler.status().unwrap_or_else(|error| panic!("cc: {error}: {MISSING}"));
        assert!(made.success());
        (folder, library)
    });
    library
}
