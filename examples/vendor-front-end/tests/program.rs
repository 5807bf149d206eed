//! The program as it is started: no terminal, nothing left behind.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    process::{Command, Stdio},
};

#[test]
fn it_plays_in_one_go_without_a_terminal_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_obnova-vendor-front-end"))
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(program.stdout).unwrap();
    assert!(program.status.success(), "{shown}{}", String::from_utf8_lossy(&program.stderr));
    let milestones = [
        "Vaše karta",
        "Co se stane",
        "Nové klíče na kartu",
        "PIN pro přihlašování » ••••",
        "Podpis a podání žádostí",
        "Držitel okno zavřel",
        "vydány oba certifikáty",
        "Držitel okno znovu otevřel",
        "Nové certifikáty na kartu",
        "Hotovo",
        "uzavřeno",
        "(nahrazen)",
    ];
    let mut rest = shown.as_str();
    for milestone in milestones {
        rest = rest.split_once(milestone).unwrap_or_else(|| panic!("no {milestone:?} in order:\n{shown}")).1;
    }
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}
