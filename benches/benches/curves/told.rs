//! What a process that measures tells the one that draws: a line a figure.

use std::{
    fs,
    time::{Duration, Instant},
};

use obnova_benches::{Curve, Curves, Growth, Measure, lower_quartile};

pub struct Told;

impl Told {
    pub fn figure(&mut self, task: &str, measure: Measure, growth: Growth, value: f64) {
        let measure = match measure {
            Measure::Time => "time",
            Measure::Bytes => "bytes",
            Measure::Memory => "memory",
            Measure::Count(name) => name,
        };
        println!("{task}\t{measure}\t{}\t{value}", growth.name());
    }

    /// The lower quartile of some runs, and what the last of them gave.
    pub fn time<T>(&mut self, task: &str, growth: Growth, runs: usize, mut work: impl FnMut() -> T) -> T {
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..runs {
            // What it takes to throw away what was made is not counted; and what was opened is closed.
            drop(last.take());
            let begin = Instant::now();
            let done = work();
            times.push(begin.elapsed());
            last = Some(done);
        }
        self.times(task, growth, &times);
        last.expect("it ran")
    }

    pub fn times(&mut self, task: &str, growth: Growth, times: &[Duration]) {
        let mut nanos: Vec<f64> = times.iter().map(|time| time.as_nanos() as f64).collect();
        self.figure(task, Measure::Time, growth, lower_quartile(&mut nanos));
    }

    /// The bytes that one run reads from files (proc(5): rchar).
    pub fn bytes_read<T>(&mut self, task: &str, growth: Growth, work: impl FnOnce() -> T) {
        let read = || {
            let text = own("io");
            (value(&text, "rchar:").parse::<usize>().unwrap(), text.len())
        };
        // What it takes to count them is counted behind them.
        let (before, own) = read();
        drop(work());
        let (after, _) = read();
        self.figure(task, Measure::Bytes, growth, (after - before - own) as f64);
    }

    /// The most memory that this process has had (proc(5): VmHWM).
    pub fn memory(&mut self, growth: Growth) {
        let kibibytes: f64 = value(&own("status"), "VmHWM:").trim_end_matches(" kB").parse().unwrap();
        self.figure("memory of the process", Measure::Memory, growth, kibibytes * 1024.0);
    }

    pub fn read(lines: &str, group: &str, size: f64, curves: &mut Curves) {
        for line in lines.lines() {
            let [task, measure, growth, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let measure = match measure {
                "time" => Measure::Time,
                "bytes" => Measure::Bytes,
                "memory" => Measure::Memory,
                _ => Measure::Count("APDUs"),
            };
            let growths = [Growth::Flat, Growth::Logarithmic, Growth::Linear];
            let growth = growths.into_iter().find(|known| known.name() == growth).unwrap();
            curves.add(Curve::new(group, task, measure, growth), size, value.parse().unwrap());
        }
    }
}

/// What the system says of this process.
fn own(file: &str) -> String {
    fs::read_to_string(format!("/proc/self/{file}")).unwrap()
}

fn value<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim()
}
