//! OpenSC's tools, as a user calls them.

use std::net::SocketAddr;

use obnova_algorithm::{KeyAlgorithm, key_id};
use obnova_card::{ProfileToken, Token};
use obnova_transport::Counts;

use super::{
    Task, counts,
    ours::{self, AUTHENTICATION_PIN, PUK},
    reader::{run, run_with_log, with_card},
};

/// Tells the costs of every task, one a line: APDUs, bytes out, bytes in, or a dash for what OpenSC cannot do.
pub fn serve() {
    let address = std::env::var("OBNOVA_VPCD").unwrap().parse().unwrap();
    for task in Task::ALL {
        match cost(task, address) {
            Some(cost) => println!("{} {} {}", cost.apdus, cost.bytes_out, cost.bytes_in),
            None => println!("-"),
        }
    }
}

/// What a task costs; `None` when OpenSC cannot do it on this card.
fn cost(task: Task, address: SocketAddr) -> Option<Counts> {
    let card = ours::card(task.algorithm());
    let slots = ProfileToken::new(card.clone()).slots().unwrap();
    let id: String = key_id(&ours::first_key(&card)).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let desk = tempfile::tempdir().unwrap();
    let [input, output] = ["input", "output"].map(|name| desk.path().join(name).to_str().unwrap().to_owned());
    // What is written, or signed: a certificate, or a hash.
    let content = if task == Task::WriteCertificate { &slots[0].certificates[0].der[..] } else { &[7; 32] };
    std::fs::write(&input, content).unwrap();

    let (program, arguments) = command(task, &id, &input, &output);
    let mut cost = None;
    with_card(&card, address, || {
        if cannot(task) {
            let outcome = run_with_log(program, &arguments);
            let said = String::from_utf8_lossy(&[outcome.stdout, outcome.stderr].concat()).into_owned();
            let why = !outcome.status.success() && WHY.iter().all(|why| said.contains(why));
            assert!(why, "{program} {arguments:?}: not {WHY:?}, but {said}");
            return;
        }
        let before = counts(&card);
        let outcome = run(program, &arguments);
        assert!(outcome.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&outcome.stderr));
        cost = Some(counts(&card) - before);
    });
    cost
}

/// OpenSC makes a file for each key and certificate, which nobody may: the card's files are made at personalisation.
fn cannot(task: Task) -> bool {
    matches!(task, Task::KeyPair(_) | Task::WriteCertificate)
}

/// What OpenSC tells of such a task.
const WHY: [&str; 2] = ["sc_pkcs15init_create_file", "never allowed"];

fn command<'a>(task: Task, id: &'a str, input: &'a str, output: &'a str) -> (&'static str, Vec<&'a str>) {
    let pin = ["--auth-id", "01", "--pin", AUTHENTICATION_PIN];
    match task {
        Task::List => ("pkcs15-tool", vec!["--list-certificates"]),
        Task::ReadCertificate => ("pkcs15-tool", vec!["--read-certificate", id, "--output", output]),
        Task::Sign(key) => {
            let padding: &[&str] = if key.is_rsa() { &["--pkcs1"] } else { &["--signature-format", "openssl"] };
            let fixed = ["--sign", "--sha-256", "--key", id, "--pin", AUTHENTICATION_PIN];
            ("pkcs15-crypt", [&fixed[..], padding, &["--raw", "--input", input, "--output", output]].concat())
        }
        Task::KeyPair(key) => {
            let kind = if key == KeyAlgorithm::P256 { "ec/prime256v1" } else { "rsa/2048" };
            ("pkcs15-init", [&["--generate-key", kind][..], &pin].concat())
        }
        Task::WriteCertificate => {
            ("pkcs15-init", [&["--store-certificate", input, "--format", "der", "--id", "99"][..], &pin].concat())
        }
        Task::ChangePin => ("pkcs15-tool", [&["--change-pin"][..], &pin, &["--new-pin", "4321"]].concat()),
        Task::Unblock => ("pkcs15-tool", vec!["--unblock-pin", "--auth-id", "02", "--puk", PUK, "--new-pin", "111111"]),
    }
}
