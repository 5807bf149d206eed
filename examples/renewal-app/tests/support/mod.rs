//! What the tests of the commands share: running `obnova` as a user would, in a folder of its own.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod ca;
pub mod dump;
pub mod killing;
pub mod peers;
pub mod planted;
#[path = "../../../../crates/card/tests/common/report.rs"]
pub mod report;
pub mod terminal;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// A user's folder, and the commands typed in it.
pub struct Desk {
    folder: TempDir,
}

/// What a command printed, and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk in memory, where that can be had: for what is not about disks, and would wait for them all the time.
    pub fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { folder: folder.unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Path of a file on the desk.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file on the desk.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `obnova` with these arguments, here: journal, locks and temporary files stay on the desk, nobody is at the keyboard.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obnova"));
        fs::create_dir_all(self.file("tmp")).unwrap();
        command
            .args(arguments)
            .current_dir(self.path())
            .env("TMPDIR", self.file("tmp"))
            .env("OBNOVA_LOCKS", self.file("tmp"))
            .env("XDG_STATE_HOME", self.file("state"))
            .env("HOME", self.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("LC_ALL")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    /// Runs it to its end where no terminal is, whoever runs the tests at one, with this file as standard input.
    pub fn without_terminal(&self, arguments: &[&str], input: &Path) -> Said {
        let command = self.command(arguments);
        let mut apart = Command::new("setsid");
        apart.arg("--wait").arg(command.get_program()).args(command.get_args()).current_dir(self.path());
        share_environment(&command, &mut apart);
        let output = apart.stdin(fs::File::open(input).unwrap()).output();
        Said::from(output.expect("setsid: apt-get install -y util-linux"))
    }

    /// Every file below the desk, as paths relative to it.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found.iter().map(|path| path.strip_prefix(self.path()).unwrap().to_owned()).collect()
    }
}

/// `obnova` that runs until this is dropped.
pub struct Running(pub Child);

impl Running {
    /// Returns when a line of its output has the text.
    pub fn until(desk: &Desk, arguments: &[&str], text: &str) -> Self {
        let mut child = desk.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let shown: Vec<_> = lines.by_ref().take_while(|line| !line.contains(text)).collect();
        std::thread::spawn(move || lines.for_each(drop));
        let this = Self(child);
        assert!(fs::exists(format!("/proc/{}", this.0.id())).unwrap(), "it ended: {shown:#?}");
        this
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Fails with everything that was printed unless it ended with `code`.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Fails unless all of these stand in the output, in this order.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) {
        let mut rest = self.out.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else { panic!("no {part:?} (or not in this order) in:\n{}", self.out) };
            rest = &rest[at + part.len()..];
        }
    }
}

/// What one command is told by its environment is told to the other.
pub fn share_environment(of: &Command, with: &mut Command) {
    for (name, value) in of.get_envs() {
        match value {
            Some(value) => with.env(name, value),
            None => with.env_remove(name),
        };
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}
