//! What a program does with the decorators: watch, record, replay, break and count the talk with a card.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use obnova_transport::{
    Around, CardConnection, CardTransport, Count, Counts, Decorated, Fault, FaultInjector, Patient, Record, Replay,
    Trace, TraceFile, TransportError, When,
};

/// A card that answers each command with its own bytes, and counts what it acted on.
#[derive(Default)]
struct Echo {
    acted: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl CardConnection for Echo {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        Ok(Box::new(EchoTransport(&self.acted)))
    }

    fn description(&self) -> String {
        "an echo".to_owned()
    }

    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0x00]
    }
}

struct EchoTransport<'a>(&'a Mutex<Vec<Vec<u8>>>);

impl CardTransport for EchoTransport<'_> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.lock().unwrap().push(command.to_vec());
        response.clear();
        // A card never sends a secret back, so neither does this one.
        response.extend_from_slice(&command[..4]);
        response.extend_from_slice(&[0x90, 0x00]);
        Ok(())
    }
}

/// A writer whose content can be read while it is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SELECT: &[u8] = &[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00];
const VERIFY: &[u8] = b"\x00\x20\x00\x01\x06SECRET";
const CHAIN: [&[u8]; 2] = [b"\x10\x24\x00\x01\x06SECRET", b"\x00\x24\x00\x01\x06SECRET"];

fn talk(connection: &mut dyn CardConnection) -> Result<(), TransportError> {
    let mut response = Vec::new();
    {
        let mut card = connection.begin()?;
        card.transmit(SELECT, &mut response)?;
        card.transmit(VERIFY, &mut response)?;
    }
    let mut card = connection.begin()?;
    for part in CHAIN {
        card.transmit(part, &mut response)?;
    }
    Ok(())
}

#[test]
fn a_trace_has_every_apdu_and_no_secret() {
    let paper = Paper::default();
    talk(&mut Decorated::new(Echo::default(), Trace::to_writer(paper.clone()))).unwrap();
    let text = paper.text();
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.starts_with("> 00 A4 00 00 02 3F 00\n< 00 A4 00 00 90 00\n> 00 20 00 01 [redacted]\n"), "{text}");
    assert!(!text.contains("53 45 43 52 45 54"), "{text}");
}

#[test]
fn a_record_has_no_secret_and_is_replayed_with_any_secret() {
    let paper = Paper::default();
    let record = Record::to_writer(paper.clone());
    record.note("what a test says");
    talk(&mut Decorated::new(Echo::default(), record.clone())).unwrap();
    record.finish().unwrap();
    let text = paper.text();
    assert!(!text.contains("53 45 43 52 45 54"), "{text}");
    assert_eq!(text.matches("@ begin").count(), 2);
    assert_eq!(text.matches("@ atr 3B 00").count(), 1, "the card is named when it changes");

    let trace: TraceFile = text.parse().unwrap();
    let mut replay = Replay::new(trace);
    assert_eq!(replay.description(), "an echo");
    assert_eq!(replay.atr(), [0x3B, 0x00]);
    talk(&mut replay).unwrap();
    replay.finish().unwrap();
}

#[test]
fn a_replay_that_goes_another_way_says_what_it_expected_and_hides_secrets() {
    let text =
        "# obnova trace 1\n@ begin\n> 00 A4 00 00 02 3F 00\n< 90 00\n@ end\n@ begin\n> 00 B0 00 00 00\n< 6A 82\n";
    let mut replay = Replay::new(text.parse().unwrap());
    let mut response = vec![1, 2, 3];
    {
        let mut card = replay.begin().unwrap();
        let error = card.transmit(VERIFY, &mut response).unwrap_err();
        let expected = "00 A4 00 00 02 3F 00".to_owned();
        let got = "00 20 00 01 [redacted]".to_owned();
        assert_eq!(error, TransportError::ReplayMismatch { line: 3, expected, got });
        assert!(response.is_empty(), "no old answer is taken for a new one");
        card.transmit(SELECT, &mut response).unwrap();
        let error = card.transmit(SELECT, &mut response).unwrap_err();
        assert!(matches!(error, TransportError::ReplayMismatch { line: 3, .. }), "{error}");
    }
    assert!(matches!(replay.finish(), Err(TransportError::ReplayMismatch { line: 6, .. })));
    drop(replay.begin().unwrap());
    assert!(matches!(replay.finish(), Err(TransportError::ReplayMismatch { line: 7, .. })), "one was not sent");
    assert!(matches!(replay.begin().err(), Some(TransportError::ReplayMismatch { line: 7, .. })));
}

#[test]
fn a_recorded_failure_is_replayed_as_the_same_failure() {
    let paper = Paper::default();
    let injector = FaultInjector::new();
    injector.schedule(When::Command(2), Fault::TearAfter);
    let broken = Decorated::new(Echo::default(), injector);
    let mut recorded = Decorated::new(broken, Record::to_writer(paper.clone()));
    assert_eq!(talk(&mut recorded), Err(TransportError::CardRemoved));
    let mut replay = Replay::new(paper.text().parse().unwrap());
    assert_eq!(talk(&mut replay), Err(TransportError::CardRemoved));
    replay.finish().unwrap();
}

#[test]
fn a_card_is_torn_before_or_after_it_acts_and_is_back_in_the_next_conversation() {
    for (fault, acted_on) in [(Fault::TearBefore, 1), (Fault::TearAfter, 2)] {
        let echo = Echo::default();
        let acted = Arc::clone(&echo.acted);
        let injector = FaultInjector::new();
        injector.schedule(When::Instruction(0x20), fault);
        let mut connection = Decorated::new(echo, injector.clone());
        {
            let mut card = connection.begin().unwrap();
            let mut response = Vec::new();
            card.transmit(SELECT, &mut response).unwrap();
            assert_eq!(card.transmit(VERIFY, &mut response), Err(TransportError::CardRemoved));
            assert!(response.is_empty());
            assert_eq!(card.transmit(SELECT, &mut response), Err(TransportError::CardRemoved), "it stays out");
        }
        assert_eq!(acted.lock().unwrap().len(), acted_on);
        assert_eq!((injector.waiting(), injector.seen()), (0, 2));
        talk(&mut connection).unwrap();
    }
}

#[test]
fn answers_are_spoiled_as_the_script_says() {
    let injector = FaultInjector::new();
    let late = Duration::from_millis(2);
    injector.schedule(When::Command(1), Fault::Answer(vec![0x6F, 0x00]));
    injector.schedule(When::Command(2), Fault::Truncate(1));
    injector.schedule(When::Command(3), Fault::Flip(1));
    injector.schedule(When::Command(4), Fault::Fail(TransportError::Sharing));
    injector.schedule(When::Command(5), Fault::Slow(late));
    let echo = Echo::default();
    let acted = Arc::clone(&echo.acted);
    let mut connection = Decorated::new(echo, injector);
    let mut card = connection.begin().unwrap();
    let mut say = || {
        let mut response = Vec::new();
        card.transmit(SELECT, &mut response).map(|()| response)
    };
    assert_eq!(say(), Ok(vec![0x6F, 0x00]));
    assert_eq!(say(), Ok(vec![0x00]));
    assert_eq!(say(), Ok(vec![0x00, !0xA4, 0x00, 0x00, 0x90, 0x00]));
    assert_eq!(say(), Err(TransportError::Sharing));
    let before = Instant::now();
    assert_eq!(say(), Ok(vec![0x00, 0xA4, 0x00, 0x00, 0x90, 0x00]));
    assert!(before.elapsed() >= late);
    assert_eq!(acted.lock().unwrap().len(), 3);
}

#[test]
fn counts_are_read_while_the_card_works() {
    let count = Count::new();
    let mut connection = Decorated::new(Echo::default(), count.clone());
    talk(&mut connection).unwrap();
    let first = count.counts();
    let bytes_out = (SELECT.len() + VERIFY.len() + CHAIN[0].len() + CHAIN[1].len()) as u64;
    assert_eq!(first, Counts { apdus: 4, bytes_out, bytes_in: 24 });
    talk(&mut connection).unwrap();
    assert_eq!(count.counts() - first, first);
    assert_eq!(first + first, count.counts());
}

#[test]
fn decorators_nest_and_stand_around_single_conversations_too() {
    let (inner, outer) = (Count::new(), Count::new());
    let injector = FaultInjector::new();
    injector.schedule(When::Command(1), Fault::Answer(vec![0x90, 0x00]));
    let mut connection = Echo::default();
    let card = Around::new(connection.begin().unwrap(), inner.clone());
    let mut card = Around::new(Around::new(card, injector), outer.clone());
    card.transmit(SELECT, &mut Vec::new()).unwrap();
    card.transmit(SELECT, &mut Vec::new()).unwrap();
    assert_eq!((inner.counts().apdus, outer.counts().apdus), (1, 2));
}

#[test]
fn a_record_that_cannot_be_written_says_so_at_its_end_and_breaks_nothing() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::StorageFull, "full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let record = Record::to_writer(Full);
    talk(&mut Decorated::new(Echo::default(), record.clone())).unwrap();
    assert_eq!(record.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_connection_is_lent_and_its_owner_has_it_again() {
    let mut owned = Echo::default();
    let count = Count::new();
    let mut borrowed = Decorated::new(&mut owned, count.clone());
    assert_eq!((borrowed.description(), borrowed.atr()), ("an echo".to_owned(), vec![0x3B, 0x00]));
    talk(&mut borrowed).unwrap();
    talk(&mut owned).unwrap();
    assert_eq!((count.counts().apdus, owned.acted.lock().unwrap().len()), (4, 8));
}

/// A card that another program has until something arrives here.
struct Taken(Echo, mpsc::Receiver<()>);

impl CardConnection for Taken {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        self.1.recv().map_err(|_| TransportError::Sharing)?;
        self.0.begin()
    }

    fn description(&self) -> String {
        self.0.description()
    }

    fn atr(&self) -> Vec<u8> {
        self.0.atr()
    }
}

#[test]
fn who_waits_for_another_program_is_told_once_and_goes_on() {
    let (free, wait) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let ends = free.clone();
    let tell = move |place: &str| {
        tell.send(place.to_owned()).unwrap();
        // Only now does the other program end its conversation.
        ends.send(()).unwrap();
    };
    let open = || wait.recv().map(|()| Taken(Echo::default(), wait));
    let mut card = Patient::open("a reader", Duration::from_millis(1), tell, open).unwrap();
    assert_eq!(told.recv().unwrap(), "a reader");
    assert_eq!((card.description(), card.atr()), ("an echo".to_owned(), vec![0x3B, 0x00]));
    card.begin().unwrap();
    assert_eq!(told.recv().unwrap(), "an echo");
    card.begin().unwrap();
    assert_eq!(told.recv().unwrap(), "an echo", "in each conversation");
    assert!(told.try_recv().is_err(), "and once in each");
    drop(free);
}

#[test]
fn who_need_not_wait_is_told_nothing() {
    let (tell, told) = mpsc::channel::<String>();
    let tell = move |place: &str| tell.send(place.to_owned()).unwrap();
    let mut card = Patient::open("", Duration::MAX, tell, || Ok::<_, TransportError>(Echo::default())).unwrap();
    card.begin().unwrap();
    drop(card);
    assert!(told.recv().is_err(), "the thread that watched has ended, and told nothing");
}
