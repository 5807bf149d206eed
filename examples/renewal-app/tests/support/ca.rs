//! The reference CA as its operator runs it: the program `obnova-ca`, in a process of its own.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::{Desk, Said, dump};

/// A CA in the folder `ca` of a desk, and its server.
pub struct House<'a> {
    desk: &'a Desk,
    server: Child,
    pub url: String,
    /// What the server's process is told beside.
    environment: Option<(&'static str, PathBuf)>,
}

impl<'a> House<'a> {
    /// `obnova-ca init`, then `obnova-ca serve`, whose log is the file `ca.log`.
    pub fn open(desk: &'a Desk) -> Self {
        Self::begin(desk, &["init", "ca"])
    }

    /// As [`open`](Self::open), of the service in this file on the desk.
    pub fn of(desk: &'a Desk, policy: &str) -> Self {
        Self::begin(desk, &["init", "ca", "--policy", policy])
    }

    fn begin(desk: &'a Desk, init: &[&str]) -> Self {
        operator(desk, init).ends_with(0);
        let (server, url) = serve(desk, "127.0.0.1:0", None);
        Self { desk, server, url, environment: None }
    }

    /// Starts it again such that what it gives back is never written over, but by who gives it back.
    pub fn forget_nothing(&mut self) {
        self.environment = Some(("LD_PRELOAD", dump::keep_everything().to_owned()));
        self.kill();
        self.serve_again();
    }

    /// The memory of its server.
    pub fn memory(&self) -> Vec<u8> {
        dump::of(self.server.id())
    }

    /// What other programs see of its server.
    pub fn server_process(&self) -> u32 {
        self.server.id()
    }

    /// Changes its policy, and starts it again.
    pub fn change_policy(&mut self, change: impl FnOnce(String) -> String) {
        let file = self.desk.file("ca/policy.toml");
        let before = std::fs::read_to_string(&file).unwrap();
        let after = change(before.clone());
        assert_ne!(before, after, "nothing was changed");
        std::fs::write(file, after).unwrap();
        self.kill();
        self.serve_again();
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again where it was.
    pub fn serve_again(&mut self) {
        let address = self.url.trim_start_matches("https://").trim_end_matches('/').to_owned();
        (self.server, self.url) = serve(self.desk, &address, self.environment.as_ref());
    }

    /// A command of the operator, to be started.
    pub fn operators_command(&self, arguments: &[&str]) -> Command {
        operators_command(self.desk, arguments)
    }

    /// A command of the operator.
    pub fn operator(&self, arguments: &[&str]) -> Said {
        operator(self.desk, arguments)
    }

    /// The one-time password that the operator hands to this user.
    pub fn hand_out(&self, user: &str) -> String {
        let name = ["--name", "CN=Jana Nováková,C=CZ", "--email", "jana@example.cz"];
        let said = self.operator(&[&["password", "issue", "ca", "--user", user], &name[..]].concat()).ends_with(0);
        let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
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

    /// Whether the CA knows that what was ordered has arrived: what opened it opens nothing any more.
    pub fn is_confirmed(&self, order: &str) -> bool {
        self.operator(&["list", "ca", "--state", "confirmed"]).ends_with(0).out.contains(order)
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

fn serve(desk: &Desk, address: &str, environment: Option<&(&str, PathBuf)>) -> (Child, String) {
    let log = File::options().create(true).append(true).open(desk.file("ca.log")).unwrap();
    let mut server = Command::new(program())
        .args(["serve", "ca", "--listen", address])
        .current_dir(desk.path())
        .envs(environment.map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap().to_owned();
    // It says no more there, and if it did it must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (server, url)
}

fn operators_command(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(desk.path());
    command
}

fn operator(desk: &Desk, arguments: &[&str]) -> Said {
    Said::from(operators_command(desk, arguments).output().unwrap())
}

/// What the CA has mailed, into its folder for that.
pub fn mails(desk: &Desk) -> Vec<String> {
    let Ok(folder) = fs::read_dir(desk.file("ca/mail")) else { return Vec::new() };
    let files = folder.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
    // Lines that are too long are broken (RFC 2045 §6.7).
    files.map(|path| fs::read_to_string(path).unwrap().replace("=\r\n", "")).collect()
}

/// The mail that has these words, once it went out.
pub fn mail_with(desk: &Desk, house: &House<'_>, words: &str) -> String {
    for _ in 0..100 {
        // The server goes its rounds too.
        house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
        let found = mails(desk).into_iter().find(|mail| mail.contains(words));
        if let Some(mail) = found {
            return mail;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no mail has {words:?}")
}

/// The program, beside ours. `cargo test --workspace` has built it; where only this package is tested it is built now, unless it
/// is newer than everything that it was made of.
pub fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = PathBuf::from(env!("CARGO_BIN_EXE_obnova")).with_file_name("obnova-ca");
        if !is_up_to_date(&path) {
            let target = path.ancestors().nth(2).unwrap();
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--package", "obnova-reference-ca", "--bin", "obnova-ca", "--target-dir"]);
            assert!(build.arg(target).status().unwrap().success(), "obnova-ca cannot be built");
        }
        assert!(path.exists(), "{} is missing", path.display());
        path
    })
}

/// Cargo lists beside a program the files of the workspace that it was made of: `PROGRAM: FILE FILE…`.
pub fn is_up_to_date(program: &Path) -> bool {
    let changed = |file: &Path| std::fs::metadata(file).and_then(|file| file.modified()).ok();
    let (Some(made), Ok(list)) = (changed(program), std::fs::read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let (_, files) = list.split_once(": ").expect("cargo writes what it was made of");
    // A blank in a name has a backslash before it.
    let files = files.replace("\\ ", "\0");
    let mut files = files.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " ")));
    files.all(|file| changed(&file).is_some_and(|changed| changed <= made))
}
