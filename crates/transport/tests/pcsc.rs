//! Real PC/SC: a private pcscd with two virtual readers, and a card that is a few lines of this file. Each test runs itself
//! again under `scripts/with-pcscd`, so that the tests meet neither each other nor the readers of this machine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../card/tests/common/reader.rs"]
mod reader;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use obnova_transport::{
    CardConnection, TransportError,
    pcsc::{PcscConnection, Reader, ReaderChoice},
};

const FIRST_READER: u16 = 35963;
const SECOND_READER: u16 = 35964;
const SELECT: &[u8] = &[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00];
const VERIFY: &[u8] = b"\x00\x20\x00\x01\x041234";
const IS_VERIFIED: &[u8] = &[0x00, 0x20, 0x00, 0x01];

/// Runs `test` where a pcscd of its own is.
fn inside(name: &str, test: impl FnOnce()) {
    if reader::inside(name).is_some() {
        test();
    }
}

/// A card in a virtual reader (the protocol of vsmartcard's vpcd). It answers 9000, an empty VERIFY by its state; a reset
/// takes the state away.
struct VirtualCard {
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
    resets: Arc<Mutex<u32>>,
}

const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

impl VirtualCard {
    fn insert(port: u16) -> Self {
        let stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let resets = Arc::new(Mutex::new(0));
        let (mut card_side, counted) = (stream.try_clone().unwrap(), Arc::clone(&resets));
        let thread = std::thread::spawn(move || {
            let _ = serve(&mut card_side, &counted);
        });
        wait_until("the reader shows the card", || readers().iter().any(|reader| reader.card.as_deref() == Some(ATR)));
        Self { stream, thread: Some(thread), resets }
    }

    fn resets(&self) -> u32 {
        *self.resets.lock().unwrap()
    }
}

impl Drop for VirtualCard {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        let _ = self.thread.take().unwrap().join();
    }
}

fn serve(stream: &mut TcpStream, resets: &Mutex<u32>) -> io::Result<()> {
    let mut verified = false;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message)?;
        let answer = match message.as_slice() {
            [0 | 1] => continue,
            [2] => {
                *resets.lock().unwrap() += 1;
                verified = false;
                continue;
            }
            [4] => ATR.to_vec(),
            [_, 0x20, _, _] | [_, 0x20, _, _, _] if verified => vec![0x90, 0x00],
            [_, 0x20, _, _] | [_, 0x20, _, _, _] => vec![0x63, 0xC3],
            [_, 0x20, ..] => {
                verified = true;
                vec![0x90, 0x00]
            }
            // READ BINARY answers as much as an extended answer holds here.
            [_, 0xB0, ..] => [vec![0x55; 65_000], vec![0x90, 0x00]].concat(),
            _ => vec![0x90, 0x00],
        };
        stream.write_all(&[&(answer.len() as u16).to_be_bytes(), answer.as_slice()].concat())?;
    }
}

fn readers() -> Vec<Reader> {
    Reader::list().unwrap_or_default()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("in vain: {what}");
}

fn say(connection: &mut dyn CardConnection, commands: &[&[u8]]) -> Result<Vec<Vec<u8>>, TransportError> {
    let mut card = connection.begin()?;
    let mut answers = Vec::new();
    for command in commands {
        let mut answer = Vec::new();
        card.transmit(command, &mut answer)?;
        answers.push(answer);
    }
    Ok(answers)
}

#[test]
fn readers_are_listed_and_chosen() {
    inside("readers_are_listed_and_chosen", || {
        let list = readers();
        assert!(!list.is_empty() && list.iter().all(|reader| reader.card.is_none()), "{list:?}");
        let error = PcscConnection::open(&ReaderChoice::Named("Nobody".to_owned())).err();
        assert!(matches!(error, Some(TransportError::ReaderNotFound { present, .. }) if present.len() == list.len()));
        let empty = ReaderChoice::Named(list[0].name.clone());
        assert_eq!(PcscConnection::open(&empty).err(), Some(TransportError::NoCard { reader: list[0].name.clone() }));

        let _card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        assert_eq!(connection.description(), list[0].name);
        assert_eq!(connection.atr(), ATR);
        assert_eq!(say(&mut connection, &[SELECT]).unwrap(), [[0x90, 0x00]]);
        let part = ReaderChoice::Containing("virtual pcd 00 00".to_owned());
        assert_eq!(PcscConnection::open(&part).unwrap().description(), list[0].name);
    });
}

#[test]
fn two_cards_are_told_apart_by_name_only() {
    inside("two_cards_are_told_apart_by_name_only", || {
        if readers().len() < 2 {
            panic!("scripts/with-pcscd starts two virtual readers");
        }
        let _first = VirtualCard::insert(FIRST_READER);
        let _second = VirtualCard::insert(SECOND_READER);
        wait_until("both cards are there", || readers().iter().filter(|reader| reader.card.is_some()).count() == 2);
        let error = PcscConnection::open(&ReaderChoice::Only).err();
        assert!(matches!(error, Some(TransportError::ReaderAmbiguous { candidates }) if candidates.len() == 2));
        for reader in readers() {
            let chosen = PcscConnection::open(&ReaderChoice::Named(reader.name.clone())).unwrap();
            assert_eq!(chosen.description(), reader.name);
        }
    });
}

#[test]
fn what_a_pin_opened_is_not_inherited_and_reading_resets_nothing() {
    inside("what_a_pin_opened_is_not_inherited_and_reading_resets_nothing", || {
        let card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let before = card.resets();
        say(&mut connection, &[SELECT, IS_VERIFIED]).unwrap();
        assert_eq!(card.resets(), before);
        let answers = say(&mut connection, &[VERIFY, IS_VERIFIED]).unwrap();
        assert_eq!(answers, [[0x90, 0x00], [0x90, 0x00]]);
        assert_eq!(card.resets(), before + 1);
        let mut other = PcscConnection::open(&ReaderChoice::Only).unwrap();
        assert_eq!(say(&mut other, &[IS_VERIFIED]).unwrap(), [[0x63, 0xC3]]);
        // The first program finds its card again although the card was reset.
        assert_eq!(say(&mut connection, &[IS_VERIFIED]).unwrap(), [[0x63, 0xC3]]);
    });
}

#[test]
fn another_program_waits_for_the_end_of_a_conversation() {
    inside("another_program_waits_for_the_end_of_a_conversation", || {
        let _card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut conversation = connection.begin().unwrap();
        let other = std::thread::spawn({
            let order = Arc::clone(&order);
            move || {
                order.lock().unwrap().push("the other comes");
                let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
                let answers = say(&mut connection, &[IS_VERIFIED]).unwrap();
                order.lock().unwrap().push("the other spoke");
                answers
            }
        });
        wait_until("the other program is there", || !order.lock().unwrap().is_empty());
        let mut answer = Vec::new();
        conversation.transmit(VERIFY, &mut answer).unwrap();
        conversation.transmit(IS_VERIFIED, &mut answer).unwrap();
        assert_eq!(answer, [0x90, 0x00]);
        order.lock().unwrap().push("this one spoke");
        drop(conversation);
        assert_eq!(other.join().unwrap(), [[0x63, 0xC3]]);
        assert_eq!(*order.lock().unwrap(), ["the other comes", "this one spoke", "the other spoke"]);
    });
}

#[test]
fn a_card_for_itself_is_a_sharing_error() {
    inside("a_card_for_itself_is_a_sharing_error", || {
        let _card = VirtualCard::insert(FIRST_READER);
        let context = ::pcsc::Context::establish(::pcsc::Scope::User).unwrap();
        let name = std::ffi::CString::new(readers()[0].name.clone()).unwrap();
        let taken = context.connect(&name, ::pcsc::ShareMode::Exclusive, ::pcsc::Protocols::ANY).unwrap();
        assert!(readers()[0].taken);
        assert_eq!(PcscConnection::open(&ReaderChoice::Only).err(), Some(TransportError::Sharing));
        drop(taken);
        PcscConnection::open(&ReaderChoice::Only).unwrap();
    });
}

#[test]
fn a_reset_by_another_program_ends_a_conversation_and_the_next_one_works() {
    inside("a_reset_by_another_program_ends_a_conversation_and_the_next_one_works", || {
        let _card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let mut other = PcscConnection::open(&ReaderChoice::Only).unwrap();
        say(&mut connection, &[SELECT]).unwrap();
        say(&mut other, &[VERIFY]).unwrap();
        assert_eq!(say(&mut connection, &[SELECT]).unwrap(), [[0x90, 0x00]]);
        assert_eq!(say(&mut other, &[SELECT]).unwrap(), [[0x90, 0x00]]);
    });
}

#[test]
fn a_card_that_others_reset_again_and_again_is_not_lost() {
    const CONVERSATIONS: usize = 20;
    inside("a_card_that_others_reset_again_and_again_is_not_lost", || {
        let _card = VirtualCard::insert(FIRST_READER);
        let program = || -> Result<(), TransportError> {
            let mut connection = PcscConnection::open(&ReaderChoice::Only)?;
            for round in 0..CONVERSATIONS {
                say(&mut connection, &[VERIFY])?;
                // Who comes anew meets the resets while it connects.
                if round % 5 == 0 {
                    connection = PcscConnection::open(&ReaderChoice::Only)?;
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let programs = [(); 4].map(|()| scope.spawn(program));
            let ended = programs.map(|program| program.join().unwrap());
            assert_eq!(ended, [const { Ok(()) }; 4]);
        });
    });
}

#[test]
fn a_card_that_is_taken_out_is_told_and_found_when_it_is_back() {
    inside("a_card_that_is_taken_out_is_told_and_found_when_it_is_back", || {
        let card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let mut conversation = connection.begin().unwrap();
        let mut answer = Vec::new();
        conversation.transmit(SELECT, &mut answer).unwrap();
        drop(card);
        assert_eq!(conversation.transmit(SELECT, &mut answer), Err(TransportError::CardRemoved));
        assert!(answer.is_empty());
        drop(conversation);
        wait_until("the reader is empty", || readers()[0].card.is_none());
        let error = connection.begin().err().unwrap();
        assert_eq!(error, TransportError::NoCard { reader: readers()[0].name.clone() });
        let _card = VirtualCard::insert(FIRST_READER);
        assert_eq!(say(&mut connection, &[SELECT]).unwrap(), [[0x90, 0x00]]);
    });
}

#[test]
fn a_service_that_stops_is_told_and_found_when_it_is_back() {
    inside("a_service_that_stops_is_told_and_found_when_it_is_back", || {
        let card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let mut conversation = connection.begin().unwrap();
        let pid = std::fs::read_to_string("/run/pcscd/pcscd.pid").unwrap();
        let pid = pid.trim_matches(|c: char| !c.is_ascii_digit());
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
        let error = conversation.transmit(SELECT, &mut Vec::new()).unwrap_err();
        assert_eq!(error, TransportError::ServiceStopped);
        drop(conversation);
        assert_eq!(connection.begin().err(), Some(TransportError::ServiceStopped));
        assert_eq!(Reader::list().err(), Some(TransportError::ServiceStopped));
        let none = ReaderChoice::Only.wait_for_card(Some(Duration::ZERO)).err();
        assert_eq!(none, Some(TransportError::ServiceStopped));
        drop(card);

        let _ = std::fs::remove_file("/run/pcscd/pcscd.comm");
        let _ = std::fs::remove_file("/run/pcscd/pcscd.pid");
        let arguments: Vec<_> = arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).filter(|word: &&str| !word.is_empty()).collect();
        let mut service = Command::new(arguments[0]).args(&arguments[1..]).spawn().unwrap();
        wait_until("the service is back", || !readers().is_empty());
        let _card = VirtualCard::insert(FIRST_READER);
        assert_eq!(say(&mut connection, &[SELECT]).unwrap(), [[0x90, 0x00]]);
        drop(connection);
        service.kill().unwrap();
        service.wait().unwrap();
    });
}

#[test]
fn a_card_is_waited_for() {
    inside("a_card_is_waited_for", || {
        let error = ReaderChoice::Only.wait_for_card(Some(Duration::from_millis(20))).err();
        assert!(matches!(error, Some(TransportError::NoCard { .. })), "{error:?}");
        let name = readers()[0].name.clone();
        let waiting = std::thread::spawn(move || ReaderChoice::Named(name).wait_for_card(None).map(|card| card.atr()));
        let _card = VirtualCard::insert(FIRST_READER);
        assert_eq!(waiting.join().unwrap(), Ok(ATR.to_vec()));
    });
}

#[test]
fn a_long_answer_is_received_whole() {
    inside("a_long_answer_is_received_whole", || {
        let _card = VirtualCard::insert(FIRST_READER);
        let mut connection = PcscConnection::open(&ReaderChoice::Only).unwrap();
        let answers = say(&mut connection, &[&[0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00]]).unwrap();
        assert_eq!(answers[0].len(), 65_002);
    });
}
