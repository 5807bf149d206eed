//! Makes the seeds that come from real conversations anew: `fuzz/record-seeds` runs this where a private pcscd listens.
//!
//! Our own driver and unmodified OpenSC talk to the simulated card, every command and answer is kept, and what was said is
//! written in the form of each target's input. Keys and signatures are new each time.

mod opensc;
mod own;
mod plays;
mod recorder;
mod seeds;

use std::path::PathBuf;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("seeds"), PathBuf::from);
    let address = std::env::var("OBNOVA_VPCD").expect("run fuzz/record-seeds, which starts a PC/SC service for this");
    let mut conversations = own::conversations();
    conversations.extend(opensc::conversations(address.parse().expect("with-pcscd names an address")));
    let mut seeds = seeds::Seeds::new(folder);
    for conversation in &conversations {
        println!("{}: {} commands", conversation.name, conversation.commands().count());
        seeds.take(conversation);
    }
    seeds.plays();
    println!("{} seeds", seeds.written());
}
