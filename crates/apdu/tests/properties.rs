//! What holds for every command, response, data object and exchange.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::VecDeque, convert::Infallible};

use obnova_apdu::exchange::{self, Limits};
use obnova_apdu::tlv::{Reader, Tag, Tlv, VecWriter, Walk, Writer, find};
use obnova_apdu::{Class, CommandApdu, CommandView, EncodeError, LengthForm, Response, ResponseApdu, StatusWord, ins};
use proptest::{collection::vec, prelude::*};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_command_is_read_as_it_was_written(command in command(600), form in form()) {
        match command.encode(form) {
            Ok(bytes) => {
                prop_assert_eq!(bytes.len(), command.as_command().encoded_len(form).unwrap());
                let view = CommandView::parse(&bytes).unwrap();
                prop_assert_eq!(view.to_command(), command.as_command());
                let has_lengths = !command.data().is_empty() || command.ne > 0;
                prop_assert!(view.form() == form || !has_lengths);
                prop_assert_eq!(&CommandApdu::parse(&bytes).unwrap(), &command);
            }
            Err(EncodeError::DataTooLong { len, max }) => prop_assert!(form == LengthForm::Short && len > max),
            Err(EncodeError::NeTooLarge { ne, max }) => prop_assert!(form == LengthForm::Short && ne > max),
            Err(error) => prop_assert!(false, "{}", error),
        }
        prop_assert!(command.encode(command.as_command().shortest_form()).is_ok());
    }

    #[test]
    fn bytes_that_are_read_as_a_command_are_written_as_the_same_bytes(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(view) = CommandView::parse(&bytes) {
            prop_assert_eq!(&*view.to_command().to_vec(view.form()).unwrap(), &bytes);
        }
    }

    #[test]
    fn a_buffer_one_byte_too_short_is_left_alone(command in command(300), form in form()) {
        if let Ok(needed) = command.as_command().encoded_len(form) {
            let mut buffer = std::vec![0xEE; needed - 1];
            let refused = command.as_command().encode(&mut buffer, form).map(<[u8]>::len);
            prop_assert_eq!(refused, Err(EncodeError::BufferTooSmall { needed, available: needed - 1 }));
            prop_assert!(buffer.iter().all(|byte| *byte == 0xEE));
        }
    }

    #[test]
    fn a_response_is_read_as_it_was_written(data in vec(any::<u8>(), 0..600), status in any::<u16>()) {
        let owned = ResponseApdu::new(data.clone(), StatusWord(status));
        let bytes = owned.encode();
        let response = Response::parse(&bytes).unwrap();
        prop_assert_eq!((response.data, response.status), (&data[..], StatusWord(status)));
        prop_assert_eq!(response.to_owned(), owned);
        prop_assert_eq!(response.success().is_ok(), status == 0x9000);
    }

    #[test]
    fn data_objects_are_read_as_they_were_written(tree in vec(object(), 0..6)) {
        let bytes = written(&tree);
        let read = Reader::new(&bytes).collect::<Result<Vec<_>, _>>().unwrap();
        prop_assert_eq!(read.len(), tree.len());
        prop_assert!(read.iter().zip(&tree).all(|(read, object)| object.is(read)));

        let mut flat = Vec::new();
        tree.iter().for_each(|object| object.flatten(0, &mut flat));
        let walked = Walk::<8>::new(&bytes).map(|node| node.map(|node| (node.depth, node.tag)));
        prop_assert_eq!(walked.collect::<Result<Vec<_>, _>>().unwrap(), flat);

        let mut buffer = std::vec![0; bytes.len()];
        let mut writer = Writer::new(&mut buffer);
        for object in &read {
            writer.primitive(object.tag, object.value).unwrap();
        }
        prop_assert_eq!(writer.finish(), &bytes[..]);

        if let Some(first) = tree.first() {
            let mut path = Vec::new();
            let leaf = first.first_leaf(&mut path);
            prop_assert!(leaf.is(&find(&bytes, &path).unwrap().unwrap()));
        }
    }

    #[test]
    fn bytes_cut_short_are_never_read_as_all_of_the_objects(tree in vec(object(), 1..4), cut in any::<prop::sample::Index>()) {
        let bytes = written(&tree);
        let cut = cut.index(bytes.len());
        let read = Reader::new(&bytes[..cut]).collect::<Result<Vec<_>, _>>();
        prop_assert!(read.is_err() || read.unwrap().len() < tree.len());
    }

    #[test]
    fn reader_and_walk_come_to_an_end_inside_the_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let mut covered = 0;
        for object in Reader::new(&bytes).map_while(Result::ok) {
            covered += object.encoded().len();
        }
        prop_assert!(covered <= bytes.len());
        prop_assert!(Walk::<4>::new(&bytes).count() <= bytes.len() + 1);
        let padded: usize = Reader::padded(&bytes).map_while(Result::ok).map(|object| object.encoded().len()).sum();
        prop_assert!(padded <= bytes.len());
    }

    #[test]
    fn whatever_a_sound_card_is_able_to_do_the_answer_is_the_same(
        command in command(1500),
        answer in vec(any::<u8>(), 0..1500),
        extended in any::<bool>(),
        max_data in 1..400_usize,
        max_ne in 1..400_u32,
        omit_le in any::<bool>(),
        manners in vec(manner(), 0..40),
    ) {
        // The card could not tell it from one that fetches more.
        prop_assume!(command.ins != ins::GET_RESPONSE);
        prop_assume!(!command.as_command().class().is_chained());
        prop_assume!(command.as_command().class().chained().range() != obnova_apdu::ClassRange::Invalid);
        let mut limits = if extended { Limits::EXTENDED } else { Limits::SHORT };
        limits = limits.with_max_command_data(max_data).with_max_ne(max_ne).with_max_apdus(100_000);
        if omit_le {
            limits = limits.without_le_after_data();
        }
        let wanted = &answer[..answer.len().min(command.ne as usize)];
        let mut card = SoundCard::new(wanted, limits, manners);
        let response = exchange::run(command.as_command(), limits, |apdu, out| card.transmit(apdu, out)).unwrap();
        prop_assert_eq!(response.status, StatusWord::SUCCESS);
        let got = card.received.expect("the command arrived");
        prop_assert_eq!((got.cla, got.ins, got.p1, got.p2), (command.cla, command.ins, command.p1, command.p2));
        prop_assert_eq!(got.data(), command.data());
        // A card without 61xx gives what fits into one answer, which is what was asked for.
        let complete = response.data == wanted;
        prop_assert!(complete, "{} bytes of {}", response.data.len(), wanted.len());
    }

    #[test]
    fn any_card_comes_to_an_end_within_the_limits(
        command in command(700),
        answers in vec(vec(any::<u8>(), 0..40), 1..20),
        turns in any::<bool>(),
    ) {
        let limits = Limits::SHORT.with_max_apdus(50).with_max_response(500);
        let (mut sent, mut answers) = (0, answers.into_iter().cycle());
        let end = exchange::run(command.as_command(), limits, |_, out| {
            sent += 1;
            out.extend(answers.next().unwrap());
            if turns {
                out.extend(if sent % 2 == 0 { [0x61, 0x05] } else { [0x6C, 0x05] });
            }
            Ok::<(), Infallible>(())
        });
        prop_assert!(sent <= 50);
        prop_assert!(end.map_or(true, |response| response.data.len() <= 500));
    }
}

fn form() -> impl Strategy<Value = LengthForm> {
    prop_oneof![Just(LengthForm::Short), Just(LengthForm::Extended)]
}

/// A command with up to `max` data bytes, often of a length at an edge.
fn command(max: usize) -> impl Strategy<Value = CommandApdu> {
    let data = prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 253..258), vec(any::<u8>(), 0..max)];
    let ne = prop_oneof![Just(0), 1..300_u32, 254..260_u32, 65_533..=65_536_u32];
    (0..0xFF_u8, any::<[u8; 3]>(), data, ne)
        .prop_map(|(cla, [ins, p1, p2], data, ne)| CommandApdu::new(cla, ins, p1, p2).with_data(data).with_ne(ne))
}

/// A data object, by what it holds.
#[derive(Clone, Debug)]
enum Object {
    Primitive(Tag, Vec<u8>),
    Constructed(Tag, Vec<Object>),
}

fn object() -> impl Strategy<Value = Object> {
    let leaf = (tag(false), prop_oneof![vec(any::<u8>(), 0..12), vec(any::<u8>(), 120..300)])
        .prop_map(|(tag, value)| Object::Primitive(tag, value));
    leaf.prop_recursive(5, 24, 4, |inner| {
        (tag(true), vec(inner, 0..4)).prop_map(|(tag, inside)| Object::Constructed(tag, inside))
    })
}

/// A tag of one to four bytes.
fn tag(constructed: bool) -> impl Strategy<Value = Tag> {
    let bit = if constructed { 0x20 } else { 0 };
    let first = move |class: u32, low: u32| class << 6 | bit | low;
    prop_oneof![
        (0..4_u32, 1..0x1F_u32).prop_map(move |(class, low)| Tag::new(first(class, low))),
        (0..4_u32, 0x1F..0x80_u32).prop_map(move |(class, last)| Tag::new(first(class, 0x1F) << 8 | last)),
        (0..4_u32, 0x81..0x100_u32, 0..0x80_u32)
            .prop_map(move |(class, middle, last)| Tag::new((first(class, 0x1F) << 8 | middle) << 8 | last)),
        (0..4_u32, 0x81..0x100_u32, 0x80..0x100_u32, 0..0x80_u32).prop_map(move |(class, second, third, last)| {
            Tag::new(((first(class, 0x1F) << 8 | second) << 8 | third) << 8 | last)
        }),
    ]
}

impl Object {
    fn write(&self, writer: &mut VecWriter) {
        match self {
            Self::Primitive(tag, value) => {
                writer.primitive(*tag, value);
            }
            Self::Constructed(tag, inside) => {
                writer.constructed(*tag, |writer| inside.iter().for_each(|object| object.write(writer)));
            }
        }
    }

    fn is(&self, read: &Tlv<'_>) -> bool {
        match self {
            Self::Primitive(tag, value) => read.tag == *tag && read.value == value,
            Self::Constructed(tag, inside) => read.tag == *tag && read.value == written(inside),
        }
    }

    fn flatten(&self, depth: usize, into: &mut Vec<(usize, Tag)>) {
        match self {
            Self::Primitive(tag, _) => into.push((depth, *tag)),
            Self::Constructed(tag, inside) => {
                into.push((depth, *tag));
                inside.iter().for_each(|object| object.flatten(depth + 1, into));
            }
        }
    }

    /// The first object of the first object, and so on.
    fn first_leaf(&self, path: &mut Vec<Tag>) -> &Self {
        match self {
            Self::Constructed(tag, inside) if !inside.is_empty() => {
                path.push(*tag);
                inside[0].first_leaf(path)
            }
            Self::Primitive(tag, _) | Self::Constructed(tag, _) => {
                path.push(*tag);
                self
            }
        }
    }
}

fn written(objects: &[Object]) -> Vec<u8> {
    let mut writer = VecWriter::new();
    objects.iter().for_each(|object| object.write(&mut writer));
    writer.into_vec()
}

/// How a card gives its answer to one APDU that wants one.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// As much as was asked for, then 61xx while there is more.
    Fully,
    /// At most so many bytes, then 61xx.
    Part(usize),
    /// 6Cxx first, with a length that it will take.
    WrongLe(u8),
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![Just(Manner::Fully), (1..64_usize).prop_map(Manner::Part), (1..=255_u8).prop_map(Manner::WrongLe)]
}

/// A card that keeps the rules: it puts chains together, and gives its answer in whatever pieces it likes.
struct SoundCard {
    answer: VecDeque<u8>,
    limits: Limits,
    manners: VecDeque<Manner>,
    so_far: Vec<u8>,
    received: Option<CommandApdu>,
    corrected: bool,
}

impl SoundCard {
    fn new(answer: &[u8], limits: Limits, manners: Vec<Manner>) -> Self {
        Self {
            answer: answer.to_vec().into(),
            limits,
            manners: manners.into(),
            so_far: Vec::new(),
            received: None,
            corrected: false,
        }
    }

    fn transmit(&mut self, apdu: &[u8], out: &mut Vec<u8>) -> Result<(), Infallible> {
        let view = CommandView::parse(apdu).expect("a well formed APDU");
        assert!(view.data().len() <= self.limits.max_command_data && view.ne() <= self.limits.max_ne.max(256));
        assert!(self.limits.extended || view.form() == LengthForm::Short);
        match (view.ins(), &self.received) {
            (ins::GET_RESPONSE, Some(_)) => assert!(view.data().is_empty() && view.ne() > 0),
            (_, Some(known)) => assert_eq!((view.ins(), self.corrected), (known.ins, true), "nothing is sent twice"),
            (_, None) => {
                self.so_far.extend_from_slice(view.data());
                if view.class().is_chained() {
                    assert_eq!(view.ne(), 0, "no Le within a chain");
                    out.extend(StatusWord::SUCCESS.to_bytes());
                    return Ok(());
                }
                let whole = view.to_command().to_owned().with_data(std::mem::take(&mut self.so_far));
                self.received = Some(whole);
            }
        }
        self.give(view.ne() as usize, out);
        Ok(())
    }

    fn give(&mut self, asked: usize, out: &mut Vec<u8>) {
        let manner = if self.corrected { Manner::Fully } else { self.manners.pop_front().unwrap_or(Manner::Fully) };
        let most = match manner {
            Manner::WrongLe(len) if asked > 0 && !self.answer.is_empty() => {
                self.corrected = true;
                out.extend([0x6C, len]);
                return;
            }
            Manner::Part(most) => most.min(asked),
            Manner::Fully | Manner::WrongLe(_) => asked,
        };
        self.corrected = false;
        let most = most.min(self.answer.len());
        out.extend(self.answer.drain(..most));
        let more = self.answer.len();
        out.extend(if more == 0 { StatusWord::SUCCESS } else { StatusWord::more_data(more) }.to_bytes());
    }
}

#[test]
fn classes_are_told_apart_as_the_standard_does() {
    for byte in 0..=0xFE_u8 {
        let class = Class::new(byte);
        if let Some(channel) = class.channel() {
            let made = Class::on_channel(channel).unwrap();
            assert_eq!(made.channel(), Some(channel), "{byte:02X}");
        }
    }
}
