//! What tasks cost as things grow: a CA's store, a card, a certificate, a CRL, a journal, a folder of journals.
//!
//! `scripts/bench curves [SUBJECT...]`. The plot goes to `target/bench/curves.svg`, the table beside it and to
//! standard output. Each size is measured in a process of its own, this program once more, so that its memory is its own.
//! Times are printed and never asserted: what is counted is held by tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ca;
mod card;
mod certificate;
mod crl;
mod journal;
mod told;

use std::{env, fs, path::Path, process};

use obnova_benches::{Curves, plot_curves};
use told::Told;

/// Something that grows.
struct Subject {
    name: &'static str,
    /// What its curves stand under.
    group: &'static str,
    sizes: &'static [usize],
    /// Puts things of this size into a folder that is there and empty.
    prepare: fn(usize, &Path),
    /// Measures what was prepared, in a process of its own.
    measure: fn(usize, &Path, &mut Told),
}

const SUBJECTS: [Subject; 6] = [
    Subject {
        name: "ca",
        group: "CA, certificates in its store",
        sizes: &[1_000, 10_000, 100_000, 1_000_000],
        prepare: ca::prepare,
        measure: ca::measure,
    },
    Subject {
        name: "card",
        group: "card, pairs on it",
        sizes: &[1, 2, 4, 6, 8, 10, 12, 14],
        prepare: |_, _| {},
        measure: card::measure,
    },
    Subject {
        name: "certificate",
        group: "certificate, bytes",
        sizes: &[1_024, 4_096, 16_384, 65_535],
        prepare: |_, _| {},
        measure: certificate::measure,
    },
    Subject {
        name: "crl",
        group: "CRL, entries",
        sizes: &[1_000, 10_000, 100_000, 1_000_000],
        prepare: |_, _| {},
        measure: crl::measure,
    },
    Subject {
        name: "journals",
        group: "folder of journals, processes (3 unfinished)",
        sizes: &[10, 100, 1_000],
        prepare: journal::prepare_many,
        measure: journal::measure_many,
    },
    Subject {
        name: "records",
        group: "journal, records",
        sizes: &[20, 100, 1_000, 5_000],
        prepare: |_, _| {},
        measure: journal::measure_long,
    },
];

/// The argument that makes this program the one that measures.
const AT: &str = "at";

fn main() {
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [at, name, size, folder] = wanted.as_slice()
        && at == AT
    {
        let subject = SUBJECTS.iter().find(|subject| subject.name == name).unwrap();
        return (subject.measure)(size.parse().unwrap(), Path::new(folder), &mut Told);
    }
    for name in &wanted {
        if !SUBJECTS.iter().any(|subject| subject.name == *name) {
            let names = SUBJECTS.map(|subject| subject.name).join(", ");
            eprintln!("there is no subject {name}; there are: {names}");
            process::exit(2);
        }
    }
    let mut curves = Curves::new();
    for subject in SUBJECTS.iter().filter(|one| wanted.is_empty() || wanted.iter().any(|name| name == one.name)) {
        subject.sizes.iter().for_each(|size| subject.run(*size, &mut curves));
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&target).unwrap();
    fs::write(target.join("curves.svg"), plot_curves(&curves)).unwrap();
    fs::write(target.join("curves.txt"), curves.to_string()).unwrap();
    print!("{curves}");
    eprintln!("plot: {}", target.join("curves.svg").display());
}

impl Subject {
    fn run(&self, size: usize, curves: &mut Curves) {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let begin = std::time::Instant::now();
        (self.prepare)(size, folder.path());
        let prepared = begin.elapsed();
        let mut command = process::Command::new(env::current_exe().unwrap());
        let output = command.args([AT, self.name, &size.to_string()]).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Told::read(&String::from_utf8(output.stdout).unwrap(), self.group, size as f64, curves);
        eprintln!(
            "measured: {}, {size} in {:.1} s, made in {prepared:.1?}",
            self.name,
            (begin.elapsed() - prepared).as_secs_f64()
        );
    }
}
