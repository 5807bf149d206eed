//! Puts a simulated card into the virtual reader of a running pcscd: `cargo run -p obnova-simulator --example serve card.json`.
//! A card that is not there yet is made, with PINs 1234 and 567890 and PUK 12345678.

use std::path::Path;

use obnova_simulator::{Card, Personalisation, SimulatorConnection, vpcd};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: serve STATE-FILE")?;
    let card = if Path::new(&path).exists() {
        Card::open(&path)?
    } else {
        Personalisation::new("OBN00000001").active(b"1234", b"567890", b"12345678").create(&path)?
    };
    let address = std::env::var("OBNOVA_VPCD").map_or(Ok(vpcd::DEFAULT_ADDRESS), |address| address.parse())?;
    let attached = vpcd::Attached::new(&SimulatorConnection::new(card), address)?;
    println!("the card is attached to {address}; press Enter to take it out");
    std::io::stdin().read_line(&mut String::new())?;
    attached.detach();
    Ok(())
}
