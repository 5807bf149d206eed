//! A token of SoftHSM's for each test.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Mutex, MutexGuard, PoisonError},
};

use obnova_card::{Pkcs11Token, Pkcs11Uri};

use super::apart::{ADDRESS, Apart};

pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const INSIDE: &str = "OBNOVA_TEST_INSIDE_SOFTHSM";
const TRUTH: &str = "OBNOVA_TEST_TRUE_TOKEN";
pub const PIN: &str = super::AUTHENTICATION;
/// SoftHSM does not like to be asked by two threads that log in and out at will: login is the process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `test` in a process whose module is p11-kit's client, which asks at the first path; the token is served at the second.
/// Whoever stands between can say what he likes.
pub fn with_somebody_between(name: &str, test: impl FnOnce(&Path, &Path)) {
    let paths = [ADDRESS, TRUTH].map(|name| std::env::var(name).map(|address| address.replace("unix:path=", "")));
    if let [Ok(between), Ok(truth)] = &paths {
        return test(between.as_ref(), truth.as_ref());
    }
    inside(name, |directory, configuration, run| {
        let (apart, address) = Apart::serve(directory, configuration, "a%20token");
        let between = format!("unix:path={}", directory.join("between").display());
        let output = run.env(ADDRESS, between).env(TRUTH, address).output().unwrap();
        drop(apart);
        output
    });
}

/// Runs `test` in a process whose SoftHSM has an empty token directory of its own, with one token.
pub fn with_token(name: &str, test: impl FnOnce(Pkcs11Token)) {
    if std::env::var_os(INSIDE).is_some() {
        return test(open());
    }
    inside(name, |_, _, run| run.output().unwrap());
}

fn inside(name: &str, run: impl FnOnce(&Path, &Path, &mut Command) -> Output) {
    assert!(Path::new(MODULE).exists(), "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2");
    let _one: MutexGuard<'_, ()> = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        directory.path().display()
    );
    std::fs::write(&configuration, text).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "a token", "--pin", PIN, "--so-pin", "5678"])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .expect("SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    let run = run(directory.path(), &configuration, command.env("SOFTHSM2_CONF", &configuration).env(INSIDE, "1"));
    let text = [run.stdout, run.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(run.status.success(), "{text}");
    text.lines().filter(|line| line.contains(" points") || line.contains(" lies")).for_each(|line| println!("{line}"));
}

pub fn open() -> Pkcs11Token {
    Pkcs11Token::open(&uri()).unwrap()
}

pub fn uri() -> Pkcs11Uri {
    format!("pkcs11:token=a%20token?module-path={MODULE}").parse().unwrap()
}
