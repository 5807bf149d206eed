use std::net::TcpListener;

use obnova_profile::{CardStatus, application, command};

use super::*;
use crate::{Fault, FaultPlan, Personalisation};

fn card() -> SimulatorConnection {
    SimulatorConnection::new(Personalisation::new("OBN1").active(b"1234", b"567890", b"12345678").finish().unwrap())
}

/// A reader as vpcd is one: length and content in packets of their own.
struct Reader(TcpStream);

impl Reader {
    fn wait(listener: &TcpListener) -> Self {
        Self(listener.accept().unwrap().0)
    }

    fn send(&mut self, message: &[u8]) {
        self.0.write_all(&(message.len() as u16).to_be_bytes()).unwrap();
        self.0.write_all(message).unwrap();
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        let mut length = [0; 2];
        self.0.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0]).unwrap() == 0
    }
}

fn select() -> Vec<u8> {
    command::select().encode(obnova_apdu::LengthForm::Extended).unwrap().to_vec()
}

#[test]
fn the_card_answers_and_a_reset_makes_it_forget() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let attached = Attached::new(&card(), listener.local_addr().unwrap()).unwrap();
    let mut reader = Reader::wait(&listener);
    reader.send(&[POWER_ON]);
    assert_eq!(reader.ask(&[GET_ATR]), application::ATR);
    let answer = reader.ask(&select());
    assert!(CardStatus::from_fci(answer.strip_suffix(&[0x90, 0x00]).unwrap()).is_ok());
    assert_eq!(reader.ask(b"\x00\x20\x00\x01\x041234"), [0x90, 0x00]);
    assert_eq!(reader.ask(&[0x00, 0x20, 0x00, 0x01]), [0x90, 0x00]);
    for control in [RESET, POWER_OFF, POWER_ON] {
        reader.send(&[control]);
        assert_eq!(reader.ask(&[0x00, 0x20, 0x00, 0x01]), [0x63, 0xC3]);
        assert_eq!(reader.ask(b"\x00\x20\x00\x01\x041234"), [0x90, 0x00]);
    }
    assert!(attached.is_connected());
    attached.detach();
    assert!(reader.is_closed());
}

#[test]
fn a_service_that_restarts_gets_the_card_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let attached = Attached::new(&card(), listener.local_addr().unwrap()).unwrap();
    for _ in 0..2 {
        let mut reader = Reader::wait(&listener);
        assert_eq!(reader.ask(&[GET_ATR]), application::ATR);
    }
    drop(attached);
}

#[test]
fn a_torn_card_leaves_the_reader_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let card = card();
    let attached = Attached::new(&card, listener.local_addr().unwrap()).unwrap();
    let mut reader = Reader::wait(&listener);
    card.with_card(|card| card.set_faults(FaultPlan::new().at(1, Fault::TearAfter)));
    reader.send(&select());
    assert!(reader.is_closed());
    let mut reader = Reader::wait(&listener);
    assert!(reader.ask(&select()).ends_with(&[0x90, 0x00]));
    drop(attached);
}

#[test]
fn broken_messages_are_answered_or_end_the_connection_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let attached = Attached::new(&card(), listener.local_addr().unwrap()).unwrap();
    let mut reader = Reader::wait(&listener);
    reader.send(&[]);
    assert_eq!(reader.ask(&[0x07]), [0x67, 0x00]);
    assert_eq!(reader.ask(&[0xFF; 0xFFFF]), [0x6E, 0x00]);
    reader.0.write_all(&[0x00, 0x05, 0x00]).unwrap();
    drop(reader);
    let mut reader = Reader::wait(&listener);
    assert_eq!(reader.ask(&[GET_ATR]), application::ATR);
    drop(attached);
}

#[test]
fn it_can_be_detached_while_nobody_listens() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let attached = Attached::new(&card(), unused).unwrap();
    assert!(!attached.is_connected());
    attached.detach();
}
