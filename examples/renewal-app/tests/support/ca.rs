//! The reference CA as its operator runs it: the program `obnova-ca`, in a process of its own.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::{Desk, Said};

/// A CA in the folder `ca` of a desk, and its server.
pub struct House<'a> {
    desk: &'a Desk,
    server: Child,
    pub url: String,
}

impl<'a> House<'a> {
    /// `obnova-ca init`, then `obnova-ca serve`, whose log is the file `ca.log`.
    pub fn open(desk: &'a Desk) -> Self {
        operator(desk, &["init", "ca"]).ends_with(0);
        let mut server = Command::new(program())
            .args(["serve", "ca", "--listen", "127.0.0.1:0"])
            .current_dir(desk.path())
            .stdout(Stdio::piped())
            .stderr(File::create(desk.file("ca.log")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap().to_owned();
        // It says no more there, and if it did it must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { desk, server, url }
    }

    /// A command of the operator.
    pub fn operator(&self, arguments: &[&str]) -> Said {
        operator(self.desk, arguments)
    }

    /// The one order that waits.
    pub fn pending(&self) -> String {
        let list = self.operator(&["list", "ca", "--state", "pending"]).ends_with(0);
        let orders: Vec<_> = list.out.lines().filter(|line| line.contains("pending")).collect();
        assert_eq!(orders.len(), 1, "{}", list.out);
        orders[0].split_whitespace().next().unwrap().to_owned()
    }

    /// Approves the one order that waits, and tells which it was.
    pub fn approve(&self) -> String {
        let order = self.pending();
        self.operator(&["approve", "ca", &order]).ends_with(0);
        order
    }

    /// The options that name this CA to a holder.
    pub fn options(&self) -> [&str; 4] {
        ["--ca", &self.url, "--trust", "ca/root.pem"]
    }
}

impl Drop for House<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn operator(desk: &Desk, arguments: &[&str]) -> Said {
    Said::from(Command::new(program()).args(arguments).current_dir(desk.path()).output().unwrap())
}

/// The program, beside ours. `cargo test --workspace` has built it; where only this package is tested it is built now.
pub fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = PathBuf::from(env!("CARGO_BIN_EXE_obnova")).with_file_name("obnova-ca");
        if !path.exists() {
            let target = path.ancestors().nth(2).unwrap();
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--package", "obnova-reference-ca", "--bin", "obnova-ca", "--target-dir"]);
            assert!(build.arg(target).status().unwrap().success(), "obnova-ca cannot be built");
        }
        assert!(path.exists(), "{} is missing", path.display());
        path
    })
}
