//! The reference CA in a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use obnova_reference_ca::{House, Server, ServerConfig};

use super::process::Cpu;

/// Serves until its standard input ends.
pub fn serve(home: &Path) {
    let house = Arc::new(House::open(home).unwrap());
    let server = Server::start(ServerConfig::new(house)).unwrap();
    println!("{}", server.address);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    server.stop();
}

/// The process.
pub struct Child {
    process: std::process::Child,
    pub address: SocketAddr,
}

impl Child {
    pub fn start(home: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(super::SERVE).arg(home).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, address: line.trim().parse().unwrap() }
    }

    pub fn cpu(&self) -> Duration {
        Cpu::of(&self.process.id().to_string())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}
