//! One logical command against a card: a sound one, which must get the command whole and whose answer must arrive whole, or
//! a hostile one, which answers what it likes and must not keep the exchange going for ever. The crate `iso7816` reads each
//! APDU the same and puts our chain together to the same command; and the chain that it makes itself is read as that command.
//!
//! The first nine bytes choose: 0 limits and which card, 1 how the sound card answers, 2-3 N<sub>e</sub>, 4 data bytes in an
//! APDU, 5 CLA, 6 INS, 7-8 length of the command data. Then the command data, then what the card has to say.
#![no_main]

use std::convert::Infallible;

use iso7816::command::class::Class as IsoClass;
use iso7816::command::{CommandBuilder, CommandView as IsoView};
use libfuzzer_sys::fuzz_target;
use obnova_apdu::exchange::{self, Exchange, ExchangeError, Limits, RunError, Step};
use obnova_apdu::{ClassRange, Command, CommandView, StatusWord, ins};

const MAX_APDUS: u32 = 600;
const MAX_RESPONSE: usize = 16_384;
/// Data of the longest command that the other crate puts together.
const LONGEST_CHAIN: usize = 4_096;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, manner, ne_hi, ne_lo, max_data, cla, ins, len_hi, len_lo], rest)) = bytes.split_first_chunk()
    else {
        return;
    };
    let len = usize::from(u16::from_be_bytes([len_hi, len_lo])).min(rest.len());
    let (data, says) = rest.split_at(len);
    let ne = u32::from(u16::from_be_bytes([ne_hi, ne_lo])) + u32::from(choice & 1);
    let command = Command::new(cla, ins, ne_hi, ne_lo).with_data(data).with_ne(ne);

    let limits = if choice & 2 == 0 { Limits::SHORT } else { Limits::EXTENDED };
    let limits = limits.with_chaining(choice & 4 == 0).with_max_apdus(MAX_APDUS).with_max_response(MAX_RESPONSE);
    let limits = if max_data == 0 { limits } else { limits.with_max_command_data(max_data.into()) };

    if choice & 8 == 0 { sound(command, limits, says, manner) } else { hostile(command, limits, says) }
});

/// A card that follows the rules.
struct Card<'a> {
    /// What it answers to the whole command.
    says: &'a [u8],
    /// The most it sends at once.
    piece: usize,
    /// Whether it names the right length before it sends, and whether it just did.
    insists: bool,
    insisted: bool,
    /// Whether it announces its answer before it sends any of it.
    announces: bool,
    announced: bool,
    /// The command's data so far, and its header once it is whole.
    received: Vec<u8>,
    header: Option<[u8; 4]>,
    /// The same, as the other crate puts it together.
    theirs: Option<iso7816::Command<LONGEST_CHAIN>>,
}

impl Card<'_> {
    fn answer(&mut self, apdu: &[u8]) -> (Vec<u8>, StatusWord) {
        let view = CommandView::parse(apdu).expect("the exchange sends commands only");
        let theirs = IsoView::try_from(apdu).expect("the other crate reads them too");
        assert_eq!((view.data(), view.ne() as usize), (theirs.data(), theirs.expected()));
        if self.header.is_some() {
            assert!(self.insisted || self.announced && view.ins() == ins::GET_RESPONSE, "nobody asked for this APDU");
            return self.send(view.ne() as usize);
        }
        self.received.extend_from_slice(view.data());
        self.put_together(theirs);
        if view.class().is_chained() {
            assert_eq!(view.ne(), 0, "a command that is not the last of its chain has an Le");
            return (Vec::new(), StatusWord::SUCCESS);
        }
        self.header = Some([view.cla(), view.ins(), view.p1(), view.p2()]);
        match view.ne() {
            0 => (Vec::new(), StatusWord::SUCCESS),
            _ if self.announces => self.announce(0),
            ne => self.send(ne as usize),
        }
    }

    fn put_together(&mut self, part: IsoView<'_>) {
        if self.received.len() > LONGEST_CHAIN {
            return;
        }
        match &mut self.theirs {
            None => self.theirs = Some(part.to_owned().expect("there is room")),
            Some(whole) => whole.extend_from_command_view(part).expect("there is room"),
        }
    }

    fn send(&mut self, ne: usize) -> (Vec<u8>, StatusWord) {
        let sendable = self.says.len().min(self.piece);
        if self.insists && !self.insisted && sendable > 0 && sendable != ne {
            self.insisted = true;
            self.piece = self.piece.min(256);
            return (Vec::new(), StatusWord::wrong_le(sendable));
        }
        self.insisted = false;
        self.announce(sendable.min(ne))
    }

    fn announce(&mut self, sent: usize) -> (Vec<u8>, StatusWord) {
        let (now, later) = self.says.split_at(sent);
        self.says = later;
        self.announced = !later.is_empty();
        (now.to_vec(), if later.is_empty() { StatusWord::SUCCESS } else { StatusWord::more_data(later.len()) })
    }
}

fn sound(command: Command<'_>, limits: Limits, says: &[u8], manner: u8) {
    let command = command.with_class(command.class().last());
    let mut card = Card {
        says,
        piece: [usize::MAX, 256, 255, 300, 64, 7, 2, 1][usize::from(manner >> 2 & 7)],
        insists: manner & 1 != 0,
        insisted: false,
        announces: manner & 2 != 0,
        announced: false,
        received: Vec::new(),
        header: None,
        theirs: None,
    };
    their_chain(command);
    let per_apdu = limits.max_command_data.min(if limits.extended { 65_535 } else { 255 });
    let fits = command.data.len() <= per_apdu;
    let result = exchange::run_counted(command, limits, |apdu, answer| {
        let (data, status) = card.answer(apdu);
        answer.extend_from_slice(&data);
        answer.extend_from_slice(&status.to_bytes());
        Ok::<(), Infallible>(())
    });
    match result {
        Ok((response, counts)) => {
            assert_eq!(response.status, StatusWord::SUCCESS);
            assert_eq!(response.data, if command.ne == 0 { &[][..] } else { says });
            assert_eq!(card.received, command.data);
            assert_eq!(card.header, Some([command.cla, command.ins, command.p1, command.p2]));
            if let Some(theirs) = card.theirs.filter(|_| command.data.len() <= LONGEST_CHAIN) {
                assert_eq!(theirs.data().as_slice(), command.data);
                assert_eq!(theirs.class().into_inner(), command.cla);
                assert_eq!(
                    (u8::from(theirs.instruction()), theirs.p1, theirs.p2),
                    (command.ins, command.p1, command.p2)
                );
            }
            assert!(counts.apdus as usize >= command.data.len().div_ceil(per_apdu).max(1));
        }
        Err(RunError::Exchange(error)) => match error {
            ExchangeError::DataTooLong { .. } => assert!(!fits && !limits.chaining),
            ExchangeError::NotChainable { cla } => assert!(!fits && cla == 0xEF),
            ExchangeError::ResponseTooLong { .. } => assert!(says.len() > MAX_RESPONSE),
            ExchangeError::TooManyApdus { .. } => assert!(command.data.len() + 2 * says.len() > MAX_APDUS as usize),
            ExchangeError::Encode(_) => assert_eq!(command.cla, 0xFF),
            error => panic!("a sound card was blamed: {error}"),
        },
        Err(error) => panic!("{error}"),
    }
}

/// The other crate splits the command into short APDUs of its own; put together they are it, too.
fn their_chain(command: Command<'_>) {
    let Ok(class) = IsoClass::try_from(command.cla) else { return };
    if command.class().range() != ClassRange::FirstInterindustry {
        return;
    }
    let ne = command.ne.min(Command::NE_SHORT_MAX);
    let (ins, p1, p2) = (command.ins.into(), command.p1, command.p2);
    let chain = CommandBuilder::new_non_extended(class, ins, p1, p2, command.data, ne as u16, Some(4 + 1 + 255 + 1));
    let apdus: Vec<Vec<u8>> = chain.map(CommandBuilder::serialize_to_vec).collect();
    let views: Vec<_> = apdus.iter().map(|apdu| CommandView::parse(apdu).expect("the other crate writes it")).collect();
    let (last, parts) = views.split_last().expect("a chain has a last part");
    assert!(parts.iter().all(|part| part.class() == command.class().chained() && part.ne() == 0));
    assert_eq!((last.class(), last.ne()), (command.class(), ne));
    assert!(views.iter().all(|part| (part.ins(), part.p1(), part.p2()) == (command.ins, command.p1, command.p2)));
    assert_eq!(views.iter().flat_map(|part| part.data()).copied().collect::<Vec<_>>(), command.data);
}

/// `says` is a list of answers, each with its length before it. The last one is given again and again.
fn hostile(command: Command<'_>, limits: Limits, mut says: &[u8]) {
    let Ok(mut exchange) = Exchange::new(command, limits) else { return };
    let mut buffer = vec![0; exchange.buffer_len()];
    let mut answer: &[u8] = &[0x61, 0x00];
    let mut received = 0;
    let mut apdus = 0;
    let end = loop {
        match exchange.step(&mut buffer) {
            Ok(Step::Send(apdu)) => {
                apdus += 1;
                CommandView::parse(apdu).expect("the exchange sends commands only");
            }
            end => break end.map(|_| ()),
        }
        if let Some((&len, rest)) = says.split_first() {
            (answer, says) = rest.split_at(usize::from(len).min(rest.len()));
        }
        match exchange.receive(answer) {
            Ok(data) => received += data.len(),
            Err(error) => {
                assert_eq!(exchange.step(&mut buffer), Err(error), "an error stays");
                break Err(error);
            }
        }
    };
    assert!(apdus <= MAX_APDUS && received <= MAX_RESPONSE);
    assert_eq!((exchange.counts().apdus, exchange.received()), (apdus, received));
    if command.ne == 0 {
        let chain = command.data.len().div_ceil(limits.max_command_data.max(1)).max(1);
        assert!(limits.extended || apdus as usize <= chain.max(command.data.len().div_ceil(255)), "sent twice");
    }
    if let Err(error) = end {
        assert!(!error.to_string().is_empty());
    }
}
