//! The reference CA of a directory, for `benches/table/ca`: a program of its own, with the allocator of `obnova-ca`, which wipes what
//! is given back. Serves until its standard input ends.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{alloc::System, io::Read, path::Path, sync::Arc};

use obnova_reference_ca::{House, Server, ServerConfig};
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() {
    let home = std::env::args_os().nth(1).expect("the directory of a CA");
    let house = Arc::new(House::open(Path::new(&home)).unwrap());
    let server = Server::start(ServerConfig::new(house)).unwrap();
    println!("{}", server.address);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    server.stop();
}
