//! One table of what Obnova costs beside its peers, measured in the same run by turns, and a plot of it.
//!
//! `scripts/bench [SUBJECT...]`, or `cargo bench -p obnova-benches --features openssl --bench table [-- SUBJECT...]`. Without
//! names all subjects are measured. The plot goes to `target/bench/table.svg`, the table beside it and to standard output.
//! Times are printed and never asserted: what guards against becoming slower counts instructions (`benches/instructions/`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod apdus;
mod bare;
mod ca;
mod card;
mod encoding;
mod key_pairs;
mod opensc;
mod openssl;
mod requests;
mod signatures;
mod tlv;

use std::path::Path;
use std::{env, fs, process};

use obnova_benches::{Report, plot};

type Subject = (&'static str, fn(&mut Report));

const SUBJECTS: [Subject; 7] = [
    ("apdus", apdus::measure),
    ("tlv", tlv::measure),
    ("requests", requests::measure),
    ("signatures", signatures::measure),
    ("key-pairs", key_pairs::measure),
    ("tasks", opensc::measure),
    ("ca", ca::measure),
];

fn main() {
    // What runs in a process of its own is this program too.
    match (env::args().nth(1).as_deref(), env::args_os().nth(2)) {
        (Some(opensc::INSIDE), None) => return opensc::serve(),
        (Some(signatures::WITHOUT_IFMA), None) => return signatures::tell(),
        _ => {}
    }
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for name in &wanted {
        if !SUBJECTS.iter().any(|(subject, _)| subject == name) {
            eprintln!("there is no subject {name}; there are: {}", SUBJECTS.map(|(subject, _)| subject).join(", "));
            process::exit(2);
        }
    }
    let mut report = Report::new();
    for (name, measure) in SUBJECTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&mut report);
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("table.svg"), plot(&report)).unwrap();
    fs::write(folder.join("table.txt"), report.to_string()).unwrap();
    print!("{report}");
    eprintln!("plot: {}", folder.join("table.svg").display());
}
