//! `obnova-ca backup` and `restore`: everything comes back, nothing of what was changed does, and nothing is there by halves.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{SHA256, digest};
use common::{World, first_pair};
use obnova_ca::AuditFinding;
use obnova_reference_ca::{
    House,
    house::{BackupError, Passphrase, restore},
};
use rusqlite::Connection;
use x509_cert::der::{EncodePem as _, pem::LineEnding};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn obnova_ca(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// A CA that serves, and a folder for what is made of it.
struct Kept {
    world: World,
}

impl Kept {
    fn new() -> Self {
        let kept = Self { world: World::new() };
        secret(&kept.path("passphrase"), "correct horse battery\n");
        kept
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn back_up(&self, name: &str, sealed: bool) -> Vec<u8> {
        let passphrase = Passphrase::load(&self.path("passphrase")).unwrap();
        self.world.house.back_up(&self.path(name), sealed.then_some(&passphrase), SystemTime::now()).unwrap();
        fs::read(self.path(name)).unwrap()
    }

    fn restore(&self, content: &[u8], sealed: bool) -> Result<House, BackupError> {
        self.restore_at(content, sealed, SystemTime::now())
    }

    fn restore_at(&self, content: &[u8], sealed: bool, now: SystemTime) -> Result<House, BackupError> {
        let passphrase = Passphrase::load(&self.path("passphrase")).unwrap();
        let (file, home) = (self.path("tried"), self.path("back"));
        fs::write(&file, content).unwrap();
        let _ = fs::remove_dir_all(&home);
        let restored = restore(&file, &home, sealed.then_some(&passphrase), false, now);
        assert_eq!(home.exists(), restored.is_ok(), "all of it or nothing");
        let left = fs::read_dir(self.world.directory.path()).unwrap();
        let left = left.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.'));
        assert_eq!(left.count(), 0, "nothing unfinished is left");
        restored.map(|_| House::open(&home).unwrap())
    }
}

fn secret(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_ca_that_serves_is_backed_up_and_comes_back_from_the_command_line() {
    let kept = Kept::new();
    let (home, file, back) = (kept.text("ca"), kept.text("backup"), kept.text("back"));
    let passphrase = kept.text("passphrase");
    let (code, said) = obnova_ca(&["crl", &home, "--out", &kept.text("list.crl")]);
    assert!(code == Some(0) && said.starts_with("CRL 1 "), "{said}");
    let jana = ["--user", "jana", "--name", "CN=Jana,C=CZ", "--email", "jana@example.cz"];
    assert_eq!(obnova_ca(&[&["password", "issue", &home][..], &jana].concat()).0, Some(0));
    let (code, said) = obnova_ca(&["backup", &home, &file, "--passphrase-file", &passphrase]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(mode(Path::new(&file)), 0o600);
    let list = said.trim().rsplit(' ').next().unwrap();
    let shown = obnova_ca(&["audit", "show", &home]).1;
    let record = shown.lines().find(|line| line.contains(" backed-up ")).unwrap();
    assert!(record.contains(&format!(" list {list} (user")), "{record}");

    // The later is lost, and is not given twice.
    let later = first_pair(&kept.world.house, 20);
    assert!(obnova_ca(&["crl", &home, "--out", &kept.text("list.crl")]).1.starts_with("CRL 2 "));
    let (code, said) = obnova_ca(&["restore", &file, &back, "--passphrase-file", &passphrase]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("CRLs go on from number") && said.contains("Lost is what came after"), "{said}");
    assert!(said.contains(&format!("has the backup as list {list}.")), "{said}");
    let house = House::open(Path::new(&back)).unwrap();
    let serial = |pair: &common::Pair| pair.certificates[0].serial().to_vec();
    assert!(house.ca().certificate(&serial(&kept.world.old)).unwrap().is_some());
    assert!(house.ca().certificate(&serial(&later)).unwrap().is_none());
    let (code, said) = obnova_ca(&["crl", &back, "--out", &kept.text("list.crl")]);
    let number: u64 = said.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(code == Some(0) && number > 1_000_000, "{said}");
    let (code, said) = obnova_ca(&["audit", "verify", &back]);
    assert_eq!(code, Some(0), "{said}");
    assert!(obnova_ca(&["audit", "show", &back]).1.contains("restored"));

    // Whether it was used meanwhile nobody knows.
    let ended = |home: &str| {
        let database = Connection::open(Path::new(home).join("ca.db")).unwrap();
        let sql = "SELECT ended IS NOT NULL AND hash IS NULL AND proof_keys IS NULL FROM credentials";
        database.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    assert!(!ended(&home) && ended(&back));

    // As it was, but for what lives in it.
    for name in ["policy.toml", "root.key", "root.pem", "issuing.key", "issuing.pem", "server.key", "pick-up.secret"] {
        let (one, other) = (kept.path("ca").join(name), kept.path("back").join(name));
        assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap(), "{name}");
        assert_eq!(mode(&one), mode(&other), "{name}");
    }
    assert_eq!(mode(&kept.path("back").join("ca.db")), 0o600);
    assert!(!kept.path("back").join("server.address").exists());
    // They begin on the same day, so that nothing but chance and the clock tells their numbers apart.
    let newest = first_pair(&house, 20);
    assert!(![serial(&kept.world.old), serial(&later)].contains(&serial(&newest)), "a serial number comes twice");
}

/// The link in a notice that waited is dead: the mail does not go, and another one is written.
#[test]
fn a_notice_that_waited_when_a_backup_was_made_is_written_anew() {
    let kept = Kept::new();
    let (home, file, back) = (kept.text("ca"), kept.text("backup"), kept.text("back"));
    assert_eq!(obnova_ca(&["notices", &home]), (Some(0), "1 posted, 0 told before\n".into()));
    kept.back_up("backup", false);
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    assert!(code == Some(0) && said.contains("1 of them") && !said.contains("were given up"), "{said}");
    let (code, said) = obnova_ca(&["mail", &back, "retry", "1"]);
    assert_eq!((code, said.contains("no mail 1 that could be sent again")), (Some(3), true), "{said}");
    assert_eq!(obnova_ca(&["notices", &back]), (Some(0), "1 posted, 0 told before\n".into()));
    assert_eq!(obnova_ca(&["notices", &back]), (Some(0), "0 posted, 1 told before\n".into()));
}

/// It is valid for everybody, and the CA does not have it any more.
#[test]
fn what_was_issued_after_the_backup_ends_by_its_file() {
    let kept = Kept::new();
    kept.back_up("backup", false);
    let [login, signature] = first_pair(&kept.world.house, 20).certificates;
    let (file, back) = (kept.text("backup"), kept.text("back"));
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    assert!(code == Some(0) && said.contains("by its file"), "{said}");
    let hexadecimal = |one: &obnova_ca::IssuedCertificate| obnova_ca::to_hex(one.serial());
    let (serial, other) = (hexadecimal(&login), hexadecimal(&signature));
    let revoke = |named: &str, reason: &str, wanted: i32, part: &str| {
        let (code, said) = obnova_ca(&["revoke", &back, named, "--reason", reason]);
        assert!(code == Some(wanted) && said.contains(part), "{named}: {code:?} {said}");
        said
    };
    let write = |name: &str, content: &[u8]| {
        fs::write(kept.path(name), content).unwrap();
        kept.text(name)
    };
    let head = || obnova_ca(&["audit", "verify", &back]).1;
    revoke(&serial, "superseded", 3, "by its file");

    // What it did not sign, or not for a holder, and what is no certificate, is taken by nobody.
    let before = head();
    let mut forged = login.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    let other_ca = World::new();
    for foreign in [forged, other_ca.old.certificates[0].der.clone()] {
        revoke(&write("foreign.der", &foreign), "superseded", 3, "signed no such certificate");
    }
    revoke(&kept.text("ca/issuing.pem"), "superseded", 3, "signed no such certificate");
    let pem = login.certificate.to_pem(LineEnding::LF).unwrap();
    revoke(&write("two.pem", pem.repeat(2).as_bytes()), "superseded", 2, "it has 2 certificates");
    revoke(&kept.text("passphrase"), "superseded", 2, "hexadecimal");
    assert_eq!(head(), before, "nothing was written");

    let said = revoke(&write("login.pem", pem.as_bytes()), "superseded", 0, "revoked: superseded");
    assert!(said.contains(&format!("taken in: {serial}")), "{said}");
    for named in [kept.text("login.pem"), serial.clone()] {
        revoke(&named, "superseded", 4, "revoked already");
    }
    let said = revoke(&write("signature.der", &signature.der), "key-compromise", 0, "revoked: keyCompromise");
    assert!(said.contains(&format!("taken in: {other}")), "{said}");

    // Everybody is told, its holder too, and the log says how it came.
    let house = House::open(Path::new(&back)).unwrap();
    for one in [&login, &signature] {
        let record = house.ca().certificate(one.serial()).unwrap().unwrap();
        assert!(record.revoked && record.der == one.der);
    }
    assert_eq!(house.ca().certificate(login.serial()).unwrap().unwrap().profile, obnova_ca::Profile::Authentication);
    assert_eq!(obnova_ca(&["crl", &back, "--out", &kept.text("list.crl")]).0, Some(0));
    let list = fs::read(kept.path("list.crl")).unwrap();
    assert!(contains(&list, login.serial()) && contains(&list, signature.serial()));
    let mails = obnova_ca(&["mail", &back, "list", "--json"]).1;
    let shown = obnova_ca(&["audit", "show", &back]).1;
    for serial in [&serial, &other] {
        assert_eq!(mails.matches(&format!("\"revoked/{serial}\"")).count(), 1, "{mails}");
        let events = shown.lines().filter(|line| line.contains(serial.as_str()));
        let events: Vec<_> = events.map(|line| line.contains(" taken-in ")).collect();
        assert_eq!(events, [true, false], "{shown}");
    }
    assert_eq!(obnova_ca(&["audit", "verify", &back]).0, Some(0));
    // One that it has is named as well by its file.
    let known = write("known.der", &kept.world.old.certificates[0].der);
    assert!(!revoke(&known, "superseded", 0, "revoked: superseded").contains("taken in"));
}

/// What waited may have gone before; what is found to have ended only now has not.
#[test]
fn what_ends_with_coming_back_is_named_and_its_holder_is_told() {
    let kept = Kept::new();
    let serial = kept.world.old.certificates[0].serial();
    let database = Connection::open(kept.path("ca").join("ca.db")).unwrap();
    database.execute("INSERT INTO left_on_keys VALUES (?1, 1700000000)", [serial]).unwrap();
    kept.back_up("backup", false);
    let (file, back) = (kept.text("backup"), kept.text("back"));
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    let named = serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(code == Some(0) && said.contains(&format!("revoked now: {named}, on a key")), "{said}");
    assert!(!said.contains("were given up"), "{said}");
    let (_, waiting) = obnova_ca(&["mail", &back, "list", "--state", "waiting", "--json"]);
    assert_eq!(waiting.matches(&format!("\"revoked/{named}\"")).count(), 1, "{waiting}");
    let (code, said) = obnova_ca(&["check", &back]);
    assert!(code == Some(0) && !said.contains("revoked now"), "once: {said}");
    assert_eq!(obnova_ca(&["audit", "verify", &back]).0, Some(0));
}

#[test]
fn commands_say_what_cannot_be_done() {
    let kept = Kept::new();
    let (home, file, back, passphrase) = (kept.text("ca"), kept.text("b"), kept.text("back"), kept.text("passphrase"));
    let said = |arguments: &[&str], code: i32, part: &str| {
        let (found, text) = obnova_ca(arguments);
        assert!(found == Some(code) && text.contains(part), "{arguments:?}: {found:?} {text}");
    };
    said(&["backup", &home, &file], 2, "--unsealed");
    said(&["backup", &home, &file, "--unsealed", "--passphrase-file", &passphrase], 2, "cannot be used with");
    said(&["backup", &home, &file, "--passphrase-file", &kept.text("none")], 1, "none");
    secret(&kept.path("short"), "hello\nand more");
    said(&["backup", &home, &file, "--passphrase-file", &kept.text("short")], 1, "less than 12 bytes");
    fs::write(kept.path("open"), "correct horse battery").unwrap();
    said(&["backup", &home, &file, "--passphrase-file", &kept.text("open")], 1, "chmod 600");
    assert!(!kept.path("b").exists());
    said(&["backup", &home, &file, "--unsealed"], 0, "list");
    said(&["backup", &home, &file, "--unsealed"], 1, "choose another name");
    said(&["restore", &file, &back, "--passphrase-file", &passphrase], 1, "not sealed");
    said(&["backup", &home, &kept.text("s"), "--passphrase-file", &passphrase], 0, "list");
    said(&["restore", &kept.text("s"), &back], 1, "--passphrase-file");
    secret(&kept.path("other"), "battery horse correct");
    said(&["restore", &kept.text("s"), &back, "--passphrase-file", &kept.text("other")], 1, "passphrase");
    said(&["restore", &file, &home], 1, "not empty");
    said(&["restore", &kept.text("ca/ca.db"), &back], 1, "not a backup");
    said(&["restore", &kept.text("passphrase"), &back], 1, "not a backup");
    assert!(!kept.path("back").exists());
    said(&["backup", &home, &kept.text("ca/inside"), "--unsealed"], 1, "own directory");
    fs::create_dir_all(kept.path("ca/mail")).unwrap();
    said(&["backup", &home, &kept.text("ca/mail/../../ca/mail/inside"), "--unsealed"], 1, "own directory");
    // Another one runs.
    let lock = fs::File::open(kept.path("ca").join(".backup.lock")).unwrap();
    lock.lock().unwrap();
    said(&["backup", &home, &kept.text("c"), "--unsealed"], 1, "another backup");
    drop(lock);
    said(&["backup", &home, &kept.text("c"), "--unsealed"], 0, "list");
}

#[test]
fn what_is_sealed_is_not_seen_and_what_is_not_is() {
    let kept = Kept::new();
    let key = fs::read(kept.path("ca").join("issuing.key")).unwrap();
    assert!(contains(&kept.back_up("open", false), &key));
    assert_eq!(mode(&kept.path("open")), 0o600);
    let sealed = kept.back_up("sealed", true);
    assert!(!contains(&sealed, &key) && !contains(&sealed, b"issuing.key") && !contains(&sealed, b"Jana"));
    assert!(kept.restore(&sealed, true).is_ok());
}

#[test]
fn whatever_is_cut_off_or_altered_is_refused() {
    let kept = Kept::new();
    for sealed in [false, true] {
        let good = kept.back_up(&format!("backup-{sealed}"), sealed);
        assert!(kept.restore(&good, sealed).is_ok());
        let length = good.len();
        let lengths = [0, 10, 19, 27, 30, 60, 300, length / 3, length / 2, length - 33, length - 1];
        // To open a seal takes a while; what it holds, it holds everywhere.
        let step = if sealed { 3 } else { 1 };
        for cut in lengths.into_iter().step_by(step) {
            let error = kept.restore(&good[..cut], sealed).unwrap_err();
            let fits = match sealed {
                false => matches!(error, BackupError::Torn | BackupError::Altered(_)),
                true => matches!(error, BackupError::Torn | BackupError::Altered(_) | BackupError::NotABackup { .. }),
            };
            assert!(fits, "{sealed}, {cut} of {length}: {error}");
        }
        let places = [0, 18, 25, 40, 50, 100, length / 4, length / 2, length - 100, length - 40, length - 1];
        for place in places.into_iter().step_by(step) {
            let mut bad = good.clone();
            bad[place] ^= 1;
            let error = kept.restore(&bad, sealed).unwrap_err();
            let fits = matches!(error, BackupError::Altered(_) | BackupError::NotABackup { .. } | BackupError::Torn);
            assert!(fits, "{sealed}, byte {place} of {length}: {error}");
        }
        assert!(matches!(kept.restore(&[&good[..], b"x"].concat(), sealed), Err(BackupError::Altered(_))));
    }
}

/// An unsealed backup with another list of files.
fn relisted(good: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&good[..8192]).into_owned();
    assert!(text.contains(from), "{from}");
    let end = good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0;
    let list = String::from_utf8(good[..end].to_vec()).unwrap().replacen(from, to, 1);
    let content = [list.as_bytes(), &good[end..good.len() - 32]].concat();
    [content.as_slice(), digest(&SHA256, &content).as_ref()].concat()
}

#[test]
fn a_backup_that_somebody_made_up_gets_nowhere() {
    let kept = Kept::new();
    let good = kept.back_up("backup", false);
    assert!(kept.restore(&relisted(&good, "{", "{"), false).is_ok(), "the test's own list");
    let size = |name: &str| fs::metadata(kept.path("ca").join(name)).unwrap().len();
    let policy = format!("\"size\":{}", size("policy.toml"));
    for (from, to) in [
        ("\"policy.toml\"", "\"../policy.toml\""),
        ("\"policy.toml\"", "\"/tmp/policy.toml\""),
        ("\"policy.toml\"", "\"..\""),
        ("\"policy.toml\"", "\"\""),
        ("\"policy.toml\"", "\".policy\""),
        ("\"policy.toml\"", "\"a\\u0000b\""),
        (policy.as_str(), "\"size\":18446744073709551615"),
        (policy.as_str(), "\"size\":-1"),
        ("\"files\":", "\"none\":"),
        ("\"audit\":\"", "\"audit\":\"x"),
        ("\"made\":", "\"made\":-"),
        ("\"made\":", "\"made\":999999999"),
    ] {
        let error = kept.restore(&relisted(&good, from, to), false).unwrap_err();
        assert!(matches!(error, BackupError::Altered(_) | BackupError::Torn), "{to}: {error}");
    }
    // Twice the same name, and a file that is missing.
    assert!(kept.restore(&relisted(&good, "\"policy.toml\"", "\"root.pem\""), false).is_err());
    assert!(kept.restore(&relisted(&good, "\"issuing.key\"", "\"issuing.old\""), false).is_err());
    // Another log than it says.
    let head = kept.world.house.audit().unwrap().head().unwrap().number - 1;
    let error = kept.restore(&relisted(&good, &format!("\"audit\":\"{head}:"), "\"audit\":\"9:"), false).unwrap_err();
    assert!(
        matches!(&error, BackupError::Audit(all) if matches!(all[..], [AuditFinding::CutOff { anchored: 9, .. }])),
        "{error}"
    );
}

#[test]
fn a_clock_that_is_before_the_backup_is_told() {
    let kept = Kept::new();
    let good = kept.back_up("backup", false);
    let error = kept.restore_at(&good, false, SystemTime::now() - DAY).unwrap_err();
    assert!(error.to_string().contains("clock"), "{error}");
    assert!(kept.restore_at(&good, false, SystemTime::now() + 400 * DAY).is_ok());
}

#[test]
fn an_audit_log_that_was_changed_before_is_told_and_taken_only_when_that_is_said() {
    let kept = Kept::new();
    let database = Connection::open(kept.path("ca").join("ca.db")).unwrap();
    database.execute_batch("DROP TRIGGER audit_stays; UPDATE audit SET detail = 'x' WHERE number = 1").unwrap();
    let (file, back) = (kept.text("backup"), kept.text("back"));
    assert_eq!(obnova_ca(&["backup", &kept.text("ca"), &file, "--unsealed"]).0, Some(0));
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    assert!(code == Some(5) && said.contains("changed the audit log") && !kept.path("back").exists(), "{said}");
    let (code, said) = obnova_ca(&["restore", &file, &back, "--with-changed-audit"]);
    assert!(code == Some(5) && said.contains("record 1 does not follow") && kept.path("back").exists(), "{said}");
}

/// Who can write to the database writes a record at its end, chained as it should be. The backup's own record comes behind it.
fn put_in(database: &Connection) {
    let (number, before): (i64, Vec<u8>) = database
        .query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let (number, at) = (number + 1, 1_800_000_000_i64);
    let fields = ["revoked", "put-in", "superseded", "user 0 by obnova-ca"];
    let mut hashed = [&b"obnova audit record 1"[..], &before, &number.to_be_bytes(), &at.to_be_bytes()].concat();
    for field in fields {
        hashed.extend([&(field.len() as u64).to_be_bytes()[..], field.as_bytes()].concat());
    }
    let [event, about, detail, actor] = fields;
    let row = (number, at, event, about, detail, actor, digest(&SHA256, &hashed).as_ref().to_vec());
    database.execute("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", row).unwrap();
}

#[test]
fn a_record_that_was_put_in_before_a_backup_is_told_by_whoever_restores_it() {
    let kept = Kept::new();
    let (file, back) = (kept.text("backup"), kept.text("back"));
    assert_eq!(obnova_ca(&["backup", &kept.text("ca"), &file, "--unsealed"]).0, Some(0));
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    assert_eq!(code, Some(0), "{said}");
    put_in(&Connection::open(kept.path("ca").join("ca.db")).unwrap());
    let (file, back) = (kept.text("backup-2"), kept.text("back-2"));
    assert_eq!(obnova_ca(&["backup", &kept.text("ca"), &file, "--unsealed"]).0, Some(0));
    let (code, said) = obnova_ca(&["restore", &file, &back]);
    assert!(code == Some(5) && said.contains("changed the audit log") && !kept.path("back-2").exists(), "{said}");
    let (code, said) = obnova_ca(&["restore", &file, &back, "--with-changed-audit"]);
    assert!(code == Some(5) && said.contains("changed the audit log") && kept.path("back-2").exists(), "{said}");
    // As `audit verify` says from then on.
    let (code, verified) = obnova_ca(&["audit", "verify", &back]);
    let finding = verified.lines().find(|line| line.starts_with("  ")).unwrap();
    assert!(code == Some(5) && said.contains(finding), "{verified}");
}

/// A number that another run does not have; printed, and `OBNOVA_KILL_SEED=N` takes it again.
fn seed() -> u64 {
    let given = std::env::var("OBNOVA_KILL_SEED").ok().map(|seed| seed.parse().expect("OBNOVA_KILL_SEED is a number"));
    let seed = given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into());
    println!("OBNOVA_KILL_SEED={seed}");
    seed
}

fn killed_after(arguments: &[&str], delay: Duration) -> bool {
    let mut process: Child = Command::new(env!("CARGO_BIN_EXE_obnova-ca"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(delay);
    process.kill().unwrap();
    !process.wait().unwrap().success()
}

#[test]
fn whoever_is_killed_leaves_all_of_it_or_nothing() {
    let kept = Kept::new();
    let (home, passphrase) = (kept.text("ca"), kept.text("passphrase"));
    let sealed = ["--passphrase-file", passphrase.as_str()];
    let begin = SystemTime::now();
    let (code, said) = obnova_ca(&[&["backup", &home, &kept.text("good")], &sealed[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    let whole = begin.elapsed().unwrap().as_micros() as u64;
    let mut random = seed();
    let mut delay = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((random >> 33) % whole)
    };
    let mut killed = 0;
    for round in 0..5 {
        let file = kept.text(&format!("backup-{round}"));
        killed += usize::from(killed_after(&[&["backup", &home, &file], &sealed[..]].concat(), delay()));
        if let Ok(content) = fs::read(&file) {
            assert!(kept.restore(&content, true).is_ok(), "half a backup in round {round}");
        }
        let back = kept.text(&format!("back-{round}"));
        let killed_too = killed_after(&[&["restore", &kept.text("good"), &back], &sealed[..]].concat(), delay());
        killed += usize::from(killed_too);
        if Path::new(&back).exists() {
            let house = House::open(Path::new(&back)).unwrap();
            assert_eq!(house.audit().unwrap().verify(&[]).unwrap().findings, [], "round {round}");
            let log = house.audit().unwrap();
            let mut events = Vec::new();
            log.read(1, |record| {
                events.push(record.event);
                true
            })
            .unwrap();
            assert_eq!(events.last().unwrap(), "restored", "half a CA in round {round}");
        }
        // What a restore left is there with keys until the next one for the same place.
        if killed_too && !Path::new(&back).exists() {
            let (code, said) = obnova_ca(&[&["restore", &kept.text("good"), &back], &sealed[..]].concat());
            assert_eq!(code, Some(0), "{said}");
        }
        assert!(!kept.path(&format!(".back-{round}.unfinished")).exists());
        // What a backup left in the folder of the backups is its own, and hidden.
        for entry in fs::read_dir(kept.world.directory.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_str().unwrap().starts_with('.') {
                let path = entry.path();
                if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
            }
        }
    }
    assert!(killed > 0, "nobody was killed in time");
    assert_eq!(kept.world.house.audit().unwrap().verify(&[]).unwrap().findings, []);
    // The next backup clears away what the killed ones left beside the database.
    kept.back_up("last", false);
    let left = fs::read_dir(kept.path("ca")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name.starts_with('.')).collect();
    assert_eq!(left, [".backup.lock"]);
}
