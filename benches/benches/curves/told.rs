//! What a process that measures tells the one that draws: a line a figure.

use std::time::{Duration, Instant};

use obnova_benches::{Curve, Curves, Growth, Measure, lower_quartile};

pub struct Told;

impl Told {
    pub fn figure(&mut self, task: &str, measure: Measure, growth: Growth, value: f64) {
        let measure = match measure {
            Measure::Time => "time",
            Measure::Bytes => "bytes",
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

    /// The bytes that one run reads from files (proc(5): rchar), and the hundred that it takes to count them.
    pub fn bytes_read<T>(&mut self, task: &str, growth: Growth, work: impl FnOnce() -> T) {
        let read = || own("io", "rchar:").parse::<f64>().unwrap();
        let before = read();
        drop(work());
        self.figure(task, Measure::Bytes, growth, read() - before);
    }

    /// The most memory that this process has had (proc(5): VmHWM).
    pub fn memory(&mut self, growth: Growth) {
        let kibibytes: f64 = own("status", "VmHWM:").trim_end_matches(" kB").parse().unwrap();
        self.figure("memory of the process", Measure::Bytes, growth, kibibytes * 1024.0);
    }

    pub fn read(lines: &str, group: &str, size: f64, curves: &mut Curves) {
        for line in lines.lines() {
            let [task, measure, growth, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let measure = match measure {
                "time" => Measure::Time,
                "bytes" => Measure::Bytes,
                _ => Measure::Count("APDUs"),
            };
            let growths = [Growth::Flat, Growth::Logarithmic, Growth::Linear];
            let growth = growths.into_iter().find(|known| known.name() == growth).unwrap();
            curves.add(Curve::new(group, task, measure, growth), size, value.parse().unwrap());
        }
    }
}

/// What the system says of this process under a name.
fn own(file: &str, name: &str) -> String {
    let lines = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap();
    lines.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}
