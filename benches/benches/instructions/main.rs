//! How many instructions the codecs take, ours and each peer's in one build, counted by callgrind, and their ratios held against
//! `benches/baseline.txt`. A change of compiler or machine moves both sides alike.
//!
//!     scripts/instructions            counts, and fails when a ratio is worse than the baseline by more than five percent
//!     scripts/instructions --renew    counts, and writes the baseline anew

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "the table uses the rest")]
#[path = "../table/apdus.rs"]
mod apdus;
mod callgrind;
#[allow(dead_code, reason = "the table uses the rest")]
#[path = "../table/encoding.rs"]
mod encoding;
mod tasks;
#[allow(dead_code, reason = "the table uses the rest")]
#[path = "../table/tlv.rs"]
mod tlv;

use std::process::ExitCode;

use obnova_benches::{Baseline, Ratio};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

/// By what part a ratio may be worse than the baseline.
const TOLERANCE: f64 = 0.05;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // This is how callgrind is given one side of one task.
        [callgrind::CHILD, task, side] => {
            tasks::run(task, side);
            ExitCode::SUCCESS
        }
        [] => compare(&counted()),
        ["--renew"] => {
            std::fs::write(BASELINE, Baseline::new(counted()).to_string())
                .expect("benches/baseline.txt can be written");
            println!("written: {BASELINE}");
            ExitCode::SUCCESS
        }
        _ => panic!("scripts/instructions takes --renew, or nothing"),
    }
}

/// Every peer's ratio: our instructions by theirs.
fn counted() -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for (task, sides) in tasks::all() {
        let [ours, peers @ ..] = &sides[..] else { panic!("{task} has no sides") };
        let ours = callgrind::count(&task, ours);
        for peer in peers {
            let theirs = callgrind::count(&task, peer);
            println!("{task:<23} {ours:>9} instructions, {peer} {theirs:>9}: {:.2} times as many", theirs / ours);
            ratios.push(Ratio { task: task.clone(), peer: (*peer).to_owned(), ratio: ours / theirs });
        }
    }
    ratios
}

fn compare(counted: &[Ratio]) -> ExitCode {
    let text = std::fs::read_to_string(BASELINE).expect("benches/baseline.txt can be read");
    let baseline: Baseline = text.parse().expect("benches/baseline.txt is as scripts/instructions --renew writes it");
    let findings = baseline.compare(counted, TOLERANCE);
    for finding in &findings {
        eprintln!("scripts/instructions: {finding}");
    }
    if findings.iter().any(|finding| finding.is_bad()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
