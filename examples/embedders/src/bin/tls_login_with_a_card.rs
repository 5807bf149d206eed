//! Logs in to a TLS server with the authentication certificate of a card: `tls_login_with_a_card
//! [--card pcsc:READER] [HOST:PORT ROOTS.pem]`, by default with a
//! simulated card, to a reference CA that it starts itself.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use obnova_card::{KeyEntry, KeyRole};
use obnova_card_rustls::{CardKey, HeldPin, Login};
use rustls::{ClientConnection, StreamOwned};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut desk = obnova_embedders::Desk::open()?; // a simulated card, or the one in your reader
    let server = desk.place.server()?;

    let slots = desk.token.slots()?;
    let can_log_in = |key: &KeyEntry| key.role == KeyRole::Authentication;
    let mut candidates = slots.iter().filter(|slot| slot.key.as_ref().is_some_and(can_log_in));
    let slot = candidates.find(|slot| !slot.certificates.is_empty()).ok_or("nothing to log in with on this card")?;
    let key = CardKey::from_slot(Arc::new(Mutex::new(desk.token)), slot)?;
    if let Some(limitation) = key.limitation() {
        println!("note: {limitation}");
    }

    let pin = desk.holder.pin(key.password(), "to log in once")?; // before connecting: a server does not wait for a person
    let login = Login::new(&key, HeldPin::once(pin));
    let config = Arc::new(login.client_config(server.roots.clone())?);
    let tls = ClientConnection::new(config, server.host.clone().try_into()?)?;
    let mut stream = StreamOwned::new(tls, TcpStream::connect((server.host.as_str(), server.port))?);
    let handshake = stream.flush(); // the card signs in here
    let ((), scheme) = login.conclude(handshake)?; // was it us who was let in?
    println!("signed by the card: {scheme:?}");

    write!(stream, "GET /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.host)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");
    if !answer.starts_with("HTTP/1.1 200") {
        return Err("the server did not let the certificate in".into());
    }
    Ok(())
}
