//! A relay on loopback: `smtp_server.py`, and what it took.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A relay that does not outlive its test.
pub struct Relay {
    process: Child,
    pub port: u16,
    folder: PathBuf,
}

impl Relay {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        // Debian's, which has Debian's packages.
        let mut process = Command::new("/usr/bin/python3")
            .args(["-c", include_str!("smtp_server.py")])
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is missing: apt-get install python3-aiosmtpd");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the relay does not start: apt-get install python3-aiosmtpd");
        Self { process, port, folder: folder.into() }
    }

    /// What else happens to the next mails, a line each.
    pub fn answers(&self, lines: &str) {
        fs::write(self.folder.join("answers"), lines).unwrap();
    }

    pub fn taken(&self) -> Vec<String> {
        let mail = |number: usize| fs::read_to_string(self.folder.join(format!("{number}.eml"))).ok();
        (1..).map_while(mail).collect()
    }

    /// Sender, recipients, `tls` or `plain`.
    pub fn envelope(&self, number: usize) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join(format!("{number}.to"))).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// From now on whoever logs in waits for the answer, until [`go_on`](Self::go_on).
    pub fn hold(&self) {
        let _ = fs::remove_file(self.folder.join("asked"));
        fs::write(self.folder.join("hold"), "").unwrap();
    }

    /// Whether somebody has logged in, or waits to be.
    pub fn was_asked(&self) -> bool {
        self.folder.join("asked").exists()
    }

    pub fn go_on(&self) {
        fs::remove_file(self.folder.join("hold")).unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a relay is told so that it has TLS with the certificate of the server of the CA in this folder.
pub fn tls(home: &Path) -> [String; 3] {
    let [server, issuing] = ["server.pem", "issuing.pem"].map(|name| fs::read_to_string(home.join(name)).unwrap());
    fs::write(home.join("chain.pem"), server + &issuing).unwrap();
    // Python reads PEM only.
    let done = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in", "server.key", "-out", "relay-key.pem"])
        .current_dir(home)
        .status()
        .expect("openssl is missing: apt-get install openssl");
    assert!(done.success());
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    ["--tls".to_owned(), path("chain.pem"), path("relay-key.pem")]
}
