//! A terminal with `obnova` in it, and somebody who reads and types. `script` makes the terminal.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::share_environment;

/// A program in a terminal of its own; it is ended when this is dropped.
pub struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    /// Everything that was shown.
    pub shown: String,
    /// How much of it was waited for already.
    read: usize,
}

impl Terminal {
    /// Ctrl-C is heard, whatever the tests themselves were told: in the background of a shell they are told to ignore it.
    pub fn open(command: &Command) -> Self {
        Self::open_with("--default-signal=INT", command, None)
    }

    /// The program is told to ignore the signal that Ctrl-C is.
    pub fn open_deaf(command: &Command) -> Self {
        Self::open_with("--ignore-signal=INT", command, None)
    }

    /// The program's standard input is this file.
    pub fn open_reading(input: &Path, command: &Command) -> Self {
        Self::open_with("--default-signal=INT", command, Some(input))
    }

    fn open_with(signal: &str, command: &Command, input: Option<&Path>) -> Self {
        let words = [command.get_program()].into_iter().chain(command.get_args()).map(|word| {
            let word = word.to_str().unwrap();
            assert!(!word.contains('\''), "{word}");
            format!("'{word}'")
        });
        // When the terminal goes its program goes too, also where the tests themselves were told not to.
        let input = input.map(|file| format!(" < '{}'", file.to_str().unwrap())).unwrap_or_default();
        let line = format!("exec env {signal} --default-signal=HUP {}{input}", words.collect::<Vec<_>>().join(" "));
        let mut script = Command::new("script");
        script.args(["--quiet", "--flush", "--return", "--command", &line, "typescript"]);
        share_environment(command, &mut script);
        script.current_dir(command.get_current_dir().unwrap()).env("TERM", "xterm");
        let mut script =
            script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script: apt-get install -y bsdutils");
        let (keyboard, screen) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        Self { script, keyboard, screen, shown: String::new(), read: 0 }
    }

    /// Waits until one of these is shown, after what was waited for before, and says which.
    #[track_caller]
    pub fn wait_for(&mut self, texts: &[&str]) -> usize {
        let mut buffer = [0; 4096];
        loop {
            let new = &self.shown[self.read..];
            let found =
                texts.iter().enumerate().filter_map(|(which, text)| Some((new.find(text)? + text.len(), which)));
            if let Some((end, which)) = found.min() {
                self.read += end;
                return which;
            }
            let read = self.screen.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended before any of {texts:?} was shown:\n{}", self.shown);
            self.shown += &String::from_utf8_lossy(&buffer[..read]);
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types lines that nobody asked for, and waits until they are there to be read.
    pub fn type_ahead(&mut self, lines: &[&str]) {
        let all: u64 = lines.iter().map(|line| line.len() as u64 + 1).sum();
        lines.iter().for_each(|line| self.type_line(line));
        let terminal = fs::File::open(format!("/proc/{}/fd/0", self.process())).unwrap();
        while rustix::io::ioctl_fionread(&terminal).unwrap() < all {
            std::thread::yield_now();
        }
    }

    /// Types an answer to each of these questions, whenever it is asked, until this text is shown.
    #[track_caller]
    pub fn answer(&mut self, answers: &[(&str, &str)], until: &str) {
        let asked: Vec<_> = answers.iter().map(|(question, _)| *question).chain([until]).collect();
        while let Some((_, answer)) = answers.get(self.wait_for(&asked)) {
            self.type_line(answer);
        }
    }

    /// Types a key.
    pub fn type_key(&mut self, key: u8) {
        self.keyboard.write_all(&[key]).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Reads until the program ends, and says how it ended.
    pub fn end(mut self) -> (i32, String) {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.shown += &String::from_utf8_lossy(&rest);
        (self.script.wait().unwrap().code().unwrap_or(-1), std::mem::take(&mut self.shown))
    }

    /// The process of the program in the terminal.
    pub fn process(&self) -> u32 {
        let children = descendants(self.script.id());
        let [process] = children.as_slice() else { panic!("{children:?}") };
        *process
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// What other programs see of a process: its arguments, its environment, and those of its children.
pub fn seen_by_others(process: u32) -> Vec<(String, Vec<u8>)> {
    let all = [vec![process], descendants(process)].concat();
    let files = all.iter().flat_map(|process| ["cmdline", "environ"].map(|name| format!("/proc/{process}/{name}")));
    let mut seen: Vec<_> = files.map(|file| (file.clone(), fs::read(&file).unwrap())).collect();
    let list = Command::new("ps").args(["-e", "-ww", "-o", "args"]).output().expect("ps: apt-get install -y procps");
    assert!(list.status.success());
    seen.push(("the list of processes".to_owned(), list.stdout));
    seen
}

/// The children of a process, and theirs.
pub fn descendants(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if parent(id) == Some(process) {
            found.push(id);
            found.extend(descendants(id));
        }
    }
    found
}

/// The parent of a process that is still there.
fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
