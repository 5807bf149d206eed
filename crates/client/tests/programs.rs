#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Programs that nobody here wrote find what was registered: NSS's own tools, and p11-kit.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use obnova_client::{
    programs::{self, CardModule, Changes, NssDatabase, P11Kit, ProgramsError, Registry},
    renewal::ParsedCertificate,
};
use tempfile::TempDir;

const NOTHING: Changes = Changes { module: false, certificates: 0 };

#[test]
fn nss_finds_the_module_and_the_issuers_without_trusting_them() {
    let folder = database();
    let nss = NssDatabase::at(folder.path()).unwrap();
    let (module, issuers) = (CardModule::opensc().unwrap(), issuers(folder.path()));
    assert!(!nss.has_module(&module).unwrap());
    assert_eq!(nss.missing(&issuers).unwrap().len(), 3);

    let changes = nss.register(&module, &issuers).unwrap();
    assert_eq!(changes, Changes { module: true, certificates: 3 });
    let name = database_name(folder.path());
    let listed = said("modutil", &["-dbdir", &name, "-list", module.name()]);
    assert!(listed.contains(&module.library().display().to_string()), "{listed}");
    let listed = said("certutil", &["-d", &name, "-L"]);
    let of_ours: Vec<_> = listed.lines().filter(|line| line.contains("Same Root")).collect();
    assert_eq!(of_ours.len(), 3, "{listed}");
    assert!(of_ours.iter().all(|line| line.trim_end().ends_with(",,")), "{listed}");

    assert_eq!(nss.register(&module, &issuers).unwrap(), NOTHING, "once is enough");
    assert_eq!(nss.unregister(&module, &issuers[..1]).unwrap(), Changes { module: true, certificates: 1 });
    assert!(!nss.has_module(&module).unwrap());
    assert_eq!(nss.missing(&issuers).unwrap(), [&issuers[0]], "the other certificate of the same name stays");
    assert_eq!(nss.unregister(&module, &issuers).unwrap(), Changes { module: false, certificates: 2 });
    assert_eq!(nss.unregister(&module, &issuers).unwrap(), NOTHING);
    assert!(!said("certutil", &["-d", &name, "-L"]).contains("Same Root"));
}

#[test]
fn databases_are_found_in_a_home() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(NssDatabase::found(home.path()).unwrap(), []);
    for folder in [".pki/nssdb", ".mozilla/firefox/abcd.default", ".mozilla/firefox/Crash Reports"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    fs::write(home.path().join(".mozilla/firefox/profiles.ini"), "").unwrap();
    for folder in [".pki/nssdb", ".mozilla/firefox/abcd.default"] {
        said("certutil", &["-N", "--empty-password", "-d", &database_name(&home.path().join(folder))]);
    }
    let found = programs::found(home.path(), P11Kit::of_user(home.path())).unwrap();
    let places: Vec<_> = found.iter().map(|place| place.place()).collect();
    assert_eq!(places.len(), 3, "{places:?}");
    assert!(places[0].ends_with("abcd.default") && places[1].ends_with("nssdb"), "{places:?}");
    assert!(places[2].starts_with("p11-kit"), "{places:?}");
}

#[test]
fn p11_kit_finds_a_module_of_the_user() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config");
    let library = home.path().join("card-of-ours.so");
    fs::copy(CardModule::opensc().unwrap().library(), &library).unwrap();
    let module = CardModule::new(&library).unwrap();
    let p11_kit = P11Kit::of_user(&config);
    assert_eq!(p11_kit.register(&module, &[]).unwrap(), Changes { module: true, certificates: 0 });
    assert_eq!(p11_kit.register(&module, &[]).unwrap(), NOTHING);
    assert!(listed_by_p11_kit(home.path()).contains(&library.display().to_string()));
    assert_eq!(p11_kit.unregister(&module, &[]).unwrap(), Changes { module: true, certificates: 0 });
    assert_eq!(p11_kit.unregister(&module, &[]).unwrap(), NOTHING);
    assert!(!listed_by_p11_kit(home.path()).contains("card-of-ours"));
}

#[test]
fn what_the_system_has_and_what_others_wrote_stays() {
    let folder = tempfile::tempdir().unwrap();
    let [system, user] = ["system", "user"].map(|name| folder.path().join(name));
    fs::create_dir_all(&system).unwrap();
    fs::create_dir_all(&user).unwrap();
    let module = CardModule::opensc().unwrap();
    fs::write(user.join("opensc-pkcs11.module"), "module: something-else.so\n").unwrap();
    let p11_kit = P11Kit::new(&user, vec![system.clone()]);
    assert!(!p11_kit.has_module(&module).unwrap());
    assert_eq!(p11_kit.unregister(&module, &[]).unwrap(), NOTHING);
    assert!(user.join("opensc-pkcs11.module").exists());
    fs::write(system.join("opensc.module"), "# of a package\nmodule: opensc-pkcs11.so\n").unwrap();
    assert!(p11_kit.has_module(&module).unwrap(), "by the name that p11-kit looks for");
    assert_eq!(p11_kit.register(&module, &[]).unwrap(), NOTHING);
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(NssDatabase::at(folder.path()), Err(ProgramsError::NoDatabase { .. })));
    let missing = folder.path().join("no-such.so");
    assert!(matches!(CardModule::new(&missing), Err(ProgramsError::NoLibrary { library }) if library == missing));
    let hidden = folder.path().join("two\nlines.so");
    fs::write(&hidden, "").unwrap();
    assert!(matches!(CardModule::new(&hidden), Err(ProgramsError::Name { .. })));

    // A database that nobody can read: what the tool says is handed on.
    fs::write(folder.path().join("cert9.db"), "no database").unwrap();
    let nss = NssDatabase::at(folder.path()).unwrap();
    let failed = nss.register(&CardModule::opensc().unwrap(), &[]);
    assert!(matches!(failed, Err(ProgramsError::Failed { program: "modutil", .. })), "{failed:?}");
}

fn database() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    said("certutil", &["-N", "--empty-password", "-d", &database_name(folder.path())]);
    folder
}

fn database_name(folder: &Path) -> String {
    format!("sql:{}", folder.display())
}

/// Three roots, of which two have the same name.
fn issuers(folder: &Path) -> Vec<ParsedCertificate> {
    let one = |number: usize, name: &str| {
        let file = folder.join("made.der");
        let (key, file_name) = (folder.join("made.key"), file.to_str().unwrap());
        let serial = format!("0x4{number}");
        let kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"];
        let what = ["-utf8", "-subj", name, "-set_serial", &serial, "-outform", "DER"];
        let to = ["-keyout", key.to_str().unwrap(), "-out", file_name];
        said("openssl", &[&kind[..], &what, &to].concat());
        ParsedCertificate::from_der(&fs::read(&file).unwrap()).unwrap()
    };
    vec![one(1, "/CN=Same Root"), one(2, "/CN=Same Root"), one(3, "/CN=Příbramská: Same Root/C=CZ")]
}

fn listed_by_p11_kit(home: &Path) -> String {
    // The superuser's programs do not look into a user's folder: here nobody is one.
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-user=1000", "p11-kit", "list-modules"])
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join(".config"));
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// What a program says that is expected to be there and to succeed.
#[track_caller]
fn said(program: &str, arguments: &[&str]) -> String {
    let output: Output = Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{program}: {error} (Debian: apt-get install libnss3-tools p11-kit openssl)");
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
