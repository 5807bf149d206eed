#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Somebody looks at what the program offers.

mod support;

use std::{fs::File, process::Stdio};

use support::{Desk, Said};

#[test]
fn every_command_explains_itself() {
    let desk = Desk::new();
    for command in [
        &["--help"][..],
        &["demo", "--help"],
        &["scenario", "--help"],
        &["doctor", "--help"],
        &["card", "clean", "--help"],
        &["card", "repair", "--help"],
        &["pin", "change", "--help"],
        &["renew", "--help"],
        &["install", "--help"],
        &["export", "--help"],
        &["simulator", "tear", "--help"],
        &["completions", "--help"],
    ] {
        desk.run(command).ends_with(0).says(&["Usage: obnova"]);
    }
    let said = desk.run(["--help"]);
    said.says(&["Tokens (--token):", "Exit codes:", "0  done", "8  pending", "9  declined"]);
    // The README has the same table.
    let readme = include_str!("../README.md");
    for code in 0..=9 {
        let meaning = said.out.lines().find_map(|line| line.trim().strip_prefix(&format!("{code}  "))).unwrap();
        let first = meaning.split([':', ',']).next().unwrap();
        assert!(readme.contains(&format!("| {code} | {first}")), "{code}: {first}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        desk.run(["completions", shell]).ends_with(0).says(&["obnova"]);
    }
    desk.run(["completions", "tcsh"]).ends_with(2);
}

/// On a full disk, and read by a program that wants the first lines only.
#[test]
fn what_programs_read_is_whole_or_missed_unless_nobody_wants_more() {
    let desk = Desk::new();
    for command in [&["completions", "bash"][..], &["scenario", "partner", "--json"]] {
        let run = |out: Stdio| Said::from(desk.command(command).stdout(out).stderr(Stdio::piped()).output().unwrap());
        let full = run(File::options().write(true).open("/dev/full").unwrap().into()).ends_with(1);
        assert!(full.err.contains("No space left"), "{}", full.err);
        let (_, nobody) = std::io::pipe().unwrap();
        run(nobody.into()).ends_with(0);
    }
}

/// Also what people read: it is not taken for read where nothing came of it.
#[test]
fn what_could_not_be_told_is_missed_at_the_end() {
    let desk = Desk::new();
    desk.run(["simulator", "new", "card"]).ends_with(0);
    for command in [&["status", "--journal", "j"][..], &["card", "list", "--token", "sim:card"]] {
        let run = |out: Stdio| Said::from(desk.command(command).stdout(out).stderr(Stdio::piped()).output().unwrap());
        let full = run(File::options().write(true).open("/dev/full").unwrap().into()).ends_with(1);
        assert!(full.err.contains("not all of it could be told") && full.err.contains("No space left"), "{}", full.err);
        let (_, nobody) = std::io::pipe().unwrap();
        run(nobody.into()).ends_with(0);
    }
}

#[test]
fn nothing_typed_and_nonsense_typed_are_usage_errors() {
    let desk = Desk::new();
    for wrong in [&[][..], &["nonsense"], &["card"], &["renew", "--pin", "1234"], &["install"]] {
        desk.run(wrong).ends_with(2);
    }
}

#[test]
fn an_option_that_a_command_cannot_use_is_refused_and_not_passed_over() {
    let desk = Desk::new();
    for (command, option) in [
        (&["demo", "--trace", "t"][..], "--trace"),
        (&["status", "--ca", "https://127.0.0.1:1"], "--ca"),
        (&["card", "list", "--journal", "j"], "--journal"),
        (&["completions", "bash", "--token", "pcsc"], "--token"),
    ] {
        assert!(desk.run(command).ends_with(2).err.contains(option));
    }
}

#[test]
fn a_module_that_is_not_there_is_a_missing_card() {
    let desk = Desk::new();
    desk.run(["card", "list", "--token", "pkcs11:token=t?module-path=/nowhere/module.so"]).ends_with(5);
}

#[test]
fn a_scenario_is_traced_without_its_pins() {
    let desk = Desk::new();
    desk.run(["scenario", "twins", "--trace", "talk"]).ends_with(0);
    let talk = std::fs::read_to_string(desk.file("talk")).unwrap();
    assert!(talk.lines().filter(|line| line.starts_with('>')).count() > 60);
    // In the commands that carry one: elsewhere, say in a certificate's time, its digits may stand by chance.
    let verifying: Vec<_> = talk.lines().filter(|line| line.starts_with("> 00 20 00 0")).collect();
    assert!(verifying.len() > 5 && verifying.iter().all(|line| !line.contains("31 32 33 34")), "{verifying:?}");
}

#[test]
fn a_file_that_is_no_card_is_told_and_left_alone() {
    let desk = Desk::new();
    desk.write("letter", "Dear holder");
    for command in [&["card", "list", "--token", "sim:letter"][..], &["simulator", "tear", "letter", "--at", "1"]] {
        assert!(desk.run(command).ends_with(5).err.contains("letter"));
    }
    assert!(desk.run(["simulator", "new", "letter"]).ends_with(2).err.contains("exists"));
    desk.run(["simulator", "serve", "letter"]).ends_with(5);
    assert_eq!(std::fs::read_to_string(desk.file("letter")).unwrap(), "Dear holder");
}

#[test]
fn a_card_without_a_reader_to_put_it_in_is_told() {
    let desk = Desk::new();
    desk.run(["simulator", "new", "card.state", "--empty"]).ends_with(0);
    // Port 9 (discard) of this computer: nobody listens there.
    assert!(desk.run(["simulator", "serve", "card.state", "--port", "9"]).ends_with(5).err.contains("vpcd"));
}

#[test]
fn what_was_printed_into_a_closed_pipe_is_nobody_s_error() {
    use std::process::Stdio;
    let desk = Desk::new();
    let mut child = desk.command(["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
