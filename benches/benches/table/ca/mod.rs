//! Twin transactions of the reference CA, beside the bare signatures, verifications and handshakes that they cannot do without.
//!
//! The server is the reference CA in a process of its own: TLS, HTTP, CMC, the rules, and SQLite that flushes every commit. A
//! transaction is an order of two requests under two old keys, its answer with two certificates, and the confirmed receipt.
//! Orders are made before; what loads the server only sends, and reads what it has to repeat in the receipt.
//!
//! Both sides are given twice:
//!
//! - *by the clock*: transactions in a second, the bare primitives on as many threads as there are processors, the server while
//!   connections load it. What the load itself computed, on the same processors, is taken off; waiting for the disk counts.
//! - *by processor time*: what the processor time of one transaction allows on all processors. What else the machine does, and
//!   the disk, count on neither side.

mod bare;
mod load;
mod orders;
mod process;
mod server;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::{Report, Row, Unit, median};

use bare::Bare;
use orders::{Holders, Keys};
use process::Cpu;

const ROUNDS: usize = 3;
/// What part of the bare bound is wanted.
const TARGET: f64 = 0.5;

pub fn measure(report: &mut Report) {
    // The reference CA has a P-256 key unless it is told otherwise; so have its holders here.
    let keys = Keys::generate(KeyAlgorithm::P256, 4_096);
    compare(report, "keep-alive", &keys, Connections { at_once: 128, transactions: 32 });
    compare(report, "a connection for each", &keys, Connections { at_once: 128, transactions: 1 });
    let keys = Keys::generate(KeyAlgorithm::Rsa2048, 128);
    compare(report, "keep-alive", &keys, Connections { at_once: 32, transactions: 4 });
    report.add(Row::new(GROUP, "one flush to this disk", Unit::Time, flush()));
}

/// How many there are at once, enough that one flush to disk serves many, and how many transactions each is for.
#[derive(Clone, Copy)]
struct Connections {
    at_once: usize,
    transactions: usize,
}

fn compare(report: &mut Report, name: &str, keys: &Keys, connections: Connections) {
    let processors = std::thread::available_parallelism().unwrap().get();
    let bare = Bare::new(keys.algorithm(), 1.0 / connections.transactions as f64);
    let [mut ours, mut bound] = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        bound.push(bare.run(processors, BARE_TURN));
        ours.push(transactions(processors, keys, connections));
        bound.push(bare.run(processors, BARE_TURN));
    }
    let mut add = |how, rate: &dyn Fn(&Spent) -> f64| {
        let [ours, bound] = [&ours, &bound].map(|spent| median(&mut spent.iter().map(rate).collect::<Vec<_>>()));
        let row = Row::new(GROUP, format!("{}, {name}, {how}", keys.algorithm()), Unit::Rate("per s"), ours);
        report.add(row.beside(BARE, Some(bound)).target(BARE, TARGET));
    };
    add("by the clock", &|spent| 1.0 / spent.time);
    add("by processor time", &|spent| processors as f64 / spent.processor);
}

const GROUP: &str = "twin transactions of the CA, durable, over TLS";
const BARE: &str = "bare aws-lc-rs";
const BARE_TURN: Duration = Duration::from_millis(500);

/// What one transaction took, in seconds.
struct Spent {
    time: f64,
    processor: f64,
}

fn transactions(processors: usize, keys: &Keys, connections: Connections) -> Spent {
    let holders = Holders::new(keys);
    let server = server::Child::start(holders.home());
    let orders = holders.orders(server.address);
    let load = load::Load::new(&holders, server.address);
    let (mine, its) = (Cpu::of_this_process(), server.cpu());
    let begin = Instant::now();
    load.run(&orders, connections.at_once, connections.transactions);
    let (time, server, load) = (begin.elapsed(), server.cpu() - its, Cpu::of_this_process() - mine);
    holders.check(orders.len());
    let count = orders.len() as f64;
    let left = time.as_secs_f64() - load.as_secs_f64() / processors as f64;
    Spent { time: left / count, processor: server.as_secs_f64() / count }
}

/// Nanoseconds to append to a file and flush it, where the databases are.
fn flush() -> f64 {
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut once = || {
        let begin = Instant::now();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        begin.elapsed().as_nanos() as f64
    };
    median(&mut (0..64).map(|_| once()).collect::<Vec<_>>())
}
