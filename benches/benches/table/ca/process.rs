//! What the system says of a process.

use std::time::Duration;

/// Clock ticks a second in `/proc`: fixed by Linux for programs.
const TICKS: u64 = 100;

/// Processor time of processes, from `/proc/PID/stat` (proc(5): utime and stime).
pub struct Cpu;

impl Cpu {
    pub fn of_this_process() -> Duration {
        Self::of("self")
    }

    pub fn of(process: &str) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        // The second field is a name in parentheses, with anything in it.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
        Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS)
    }
}
