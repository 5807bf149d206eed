//! Edges and names: what a reader of the standard looks up, and the last value before and the first behind each bound.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;

use obnova_apdu::exchange::{self, Exchange, ExchangeError, Limits, RunError, Step};
use obnova_apdu::tlv::{Reader, Tag, TagClass, Tlv, TlvError, VecWriter, Walk, Writer};
use obnova_apdu::{Class, Command, CommandApdu, CommandView, LengthForm, ResponseApdu, Status, StatusWord, ins};

#[test]
fn every_listed_instruction_has_the_name_of_the_standard() {
    let names = [
        (0x04, "DEACTIVATE FILE"),
        (0x0E, "ERASE BINARY"),
        (0x20, "VERIFY"),
        (0x21, "VERIFY"),
        (0x22, "MANAGE SECURITY ENVIRONMENT"),
        (0x24, "CHANGE REFERENCE DATA"),
        (0x26, "DISABLE VERIFICATION REQUIREMENT"),
        (0x28, "ENABLE VERIFICATION REQUIREMENT"),
        (0x2A, "PERFORM SECURITY OPERATION"),
        (0x2C, "RESET RETRY COUNTER"),
        (0x44, "ACTIVATE FILE"),
        (0x46, "GENERATE ASYMMETRIC KEY PAIR"),
        (0x47, "GENERATE ASYMMETRIC KEY PAIR"),
        (0x70, "MANAGE CHANNEL"),
        (0x82, "EXTERNAL AUTHENTICATE"),
        (0x84, "GET CHALLENGE"),
        (0x86, "GENERAL AUTHENTICATE"),
        (0x87, "GENERAL AUTHENTICATE"),
        (0x88, "INTERNAL AUTHENTICATE"),
        (0xA4, "SELECT"),
        (0xB0, "READ BINARY"),
        (0xB1, "READ BINARY"),
        (0xB2, "READ RECORD"),
        (0xC0, "GET RESPONSE"),
        (0xCA, "GET DATA"),
        (0xCB, "GET DATA"),
        (0xD0, "WRITE BINARY"),
        (0xD6, "UPDATE BINARY"),
        (0xD7, "UPDATE BINARY"),
        (0xDA, "PUT DATA"),
        (0xDB, "PUT DATA"),
        (0xDC, "UPDATE RECORD"),
        (0xE0, "CREATE FILE"),
        (0xE2, "APPEND RECORD"),
        (0xE4, "DELETE FILE"),
        (0xE6, "TERMINATE DF"),
        (0xE8, "TERMINATE EF"),
        (0xFE, "TERMINATE CARD USAGE"),
    ];
    let named: Vec<_> = (0..=255).filter_map(|byte| Some((byte, ins::name(byte)?))).collect();
    assert_eq!(named, names);
}

#[test]
fn a_class_that_is_chained_already_stays_so() {
    for byte in [0x00, 0x0C, 0x40, 0x80] {
        let chained = Class::new(byte).chained();
        assert_eq!((chained.byte(), chained.chained()), (byte | 0x10, chained));
        assert_eq!(u8::from(chained.last()), byte);
    }
    assert_eq!(format!("{:?}", Class::new(0x8C)), "Class(8C)");
    assert_eq!(u16::from(StatusWord::FILE_NOT_FOUND), 0x6A82);
    assert_eq!(format!("{:?}", StatusWord::FILE_NOT_FOUND), "StatusWord(6A82)");
    assert_eq!(format!("{:X} {:06X}", StatusWord::FILE_NOT_FOUND, StatusWord::SUCCESS), "6A82 009000");
}

#[test]
fn the_shortest_form_changes_behind_255_bytes_and_behind_256() {
    let (data, command) = ([0; 256], Command::new(0x00, ins::PUT_DATA, 0, 0));
    for (len, ne, form) in [
        (255, 256, LengthForm::Short),
        (256, 0, LengthForm::Extended),
        (0, 257, LengthForm::Extended),
        (256, 257, LengthForm::Extended),
        (0, 0, LengthForm::Short),
    ] {
        assert_eq!(command.with_data(&data[..len]).with_ne(ne).shortest_form(), form, "{len} bytes, Ne {ne}");
    }
}

#[test]
fn parts_of_a_command_are_told_and_its_data_is_not_shown() {
    let command = CommandApdu::new(0x00, ins::VERIFY, 0x12, 0x34).with_data(b"secret".to_vec());
    assert_eq!(command.data(), b"secret");
    assert_eq!(format!("{command:?}"), "Command(00 20 12 34, a secret, Ne 0)");
    let harmless = CommandApdu::new(0x00, ins::PUT_DATA, 0x12, 0x34).with_data(b"secret".to_vec());
    assert_eq!(format!("{harmless:?}"), "Command(00 DA 12 34, 6 bytes of data, Ne 0)");
    let bytes = command.encode(LengthForm::Short).unwrap();
    assert_eq!(CommandView::parse(&bytes).unwrap().p1p2(), 0x1234);
}

#[test]
fn numbers_in_status_words_are_cut_at_their_bounds() {
    assert_eq!(StatusWord::tries_left(15).0, 0x63CF);
    assert_eq!(StatusWord::tries_left(16).0, 0x63CF);
    assert_eq!((StatusWord::more_data(255).0, StatusWord::more_data(256).0), (0x61FF, 0x6100));
    assert_eq!((StatusWord::wrong_le(255).0, StatusWord::wrong_le(256).0), (0x6CFF, 0x6C00));
    assert_eq!((Status::Query(0x80).to_word().0, Status::QueryAborted(0x80).to_word().0), (0x6280, 0x6480));
}

#[test]
fn a_length_of_80_is_indefinite_however_many_bytes_follow() {
    let mut bytes = vec![0x04, 0x80];
    bytes.extend([0; 128]);
    assert_eq!(Tlv::parse(&bytes), Err(TlvError::IndefiniteLength { offset: 0 }));
    assert_eq!(Reader::new(&bytes).next(), Some(Err(TlvError::IndefiniteLength { offset: 0 })));
    bytes[1] = 0x7F;
    bytes.pop();
    assert_eq!(Tlv::parse(&bytes).map(|object| object.value.len()), Ok(127));
}

#[test]
fn tags_say_who_gave_them_their_meaning_and_objects_do_not_show_their_value() {
    let classes = [
        (0x04, TagClass::Universal),
        (0x6F, TagClass::Application),
        (0x7F49, TagClass::Application),
        (0x80, TagClass::ContextSpecific),
        (0xA5, TagClass::ContextSpecific),
        (0xC1, TagClass::Private),
        (0xDF_8101, TagClass::Private),
    ];
    for (number, class) in classes {
        assert_eq!(Tag::new(number).class(), class, "{number:X}");
    }
    assert_eq!(format!("{:?}", Tag::new(0x7F49)), "Tag(7F49)");
    let object = Tlv::parse(&[0x81, 0x02, 0xAB, 0xCD]).unwrap();
    assert_eq!(object.as_u32(), Some(0xABCD));
    assert_eq!(format!("{object:?}"), "Tlv(81, 2 bytes)");
}

#[test]
fn writers_say_what_they_hold() {
    let (mut buffer, mut vector) = ([0; 8], VecWriter::new());
    let mut writer = Writer::new(&mut buffer);
    assert_eq!((writer.is_empty(), writer.len(), vector.as_slice()), (true, 0, &[][..]));
    writer.primitive(Tag::new(0x80), &[1, 2]).unwrap();
    vector.primitive(Tag::new(0x80), &[1, 2]);
    assert!(!writer.is_empty());
    assert_eq!((writer.len(), vector.as_slice()), (4, &[0x80, 0x02, 1, 2][..]));
}

#[test]
fn a_walk_goes_as_deep_as_allowed_and_no_deeper() {
    let nested = [0x61, 0x04, 0x61, 0x02, 0x61, 0x00];
    assert!(Walk::<3>::new(&nested).all(|node| node.is_ok()));
    assert_eq!(Walk::<2>::new(&nested).last(), Some(Err(TlvError::TooDeep { offset: 4, limit: 2 })));
}

#[test]
fn limits_of_zero_count_as_one() {
    let command = Command::new(0x00, ins::PUT_DATA, 0, 0).with_data(&[1, 2]).with_ne(5);
    let mut sent = Vec::new();
    let limits = Limits::SHORT.with_max_command_data(0).with_max_ne(0);
    exchange::run(command, limits, |apdu, answer| {
        sent.push(apdu.to_vec());
        answer.extend(StatusWord::SUCCESS.to_bytes());
        Ok::<(), Infallible>(())
    })
    .unwrap();
    assert_eq!(sent, [vec![0x10, 0xDA, 0, 0, 1, 1], vec![0x00, 0xDA, 0, 0, 1, 2, 1]]);
}

#[test]
fn a_response_may_be_as_long_as_allowed_and_no_longer() {
    let command = Command::new(0x00, ins::READ_BINARY, 0, 0).with_ne(256);
    let answer = |length: usize| {
        exchange::run(command, Limits::SHORT.with_max_response(10), |_, answer| {
            answer.extend(vec![7; length]);
            answer.extend(StatusWord::SUCCESS.to_bytes());
            Ok::<(), Infallible>(())
        })
    };
    assert_eq!(answer(10).unwrap().data.len(), 10);
    assert_eq!(answer(11), Err(RunError::Exchange(ExchangeError::ResponseTooLong { max: 10 })));
}

#[test]
fn the_command_of_a_chain_that_got_an_odd_answer_is_named() {
    let data = [0; 40];
    let command = Command::new(0x00, ins::PUT_DATA, 0, 0).with_data(&data);
    for odd in 0..3 {
        let mut exchange = Exchange::new(command, Limits::SHORT.with_max_command_data(10)).unwrap();
        let mut buffer = [0; 32];
        for _ in 0..odd {
            assert!(matches!(exchange.step(&mut buffer), Ok(Step::Send(_))));
            exchange.receive(&[0x90, 0x00]).unwrap();
        }
        assert!(matches!(exchange.step(&mut buffer), Ok(Step::Send(_))));
        let error = exchange.receive(&[0x61, 0x05]).unwrap_err();
        assert_eq!(error, ExchangeError::UnexpectedInChain { index: odd, status: StatusWord(0x6105) });
    }
}

/// They are compared by hand, for the sake of a PIN in them: each part counts.
#[test]
fn what_differs_anywhere_is_not_equal() {
    let command = Command::new(0x00, ins::VERIFY, 0x00, 0x01).with_data(b"1234").with_ne(8);
    let others = [
        Command { cla: 0x10, ..command },
        Command { ins: ins::CHANGE_REFERENCE_DATA, ..command },
        Command { p1: 0x01, ..command },
        Command { p2: 0x02, ..command },
        command.with_ne(9),
        command.with_data(b"1235"),
        command.with_data(b"2234"),
        command.with_data(b"123"),
        command.with_data(b"12345"),
        command.with_data(b""),
    ];
    let bytes = |command: &Command<'_>, form| command.to_vec(form).unwrap();
    let same = bytes(&command, LengthForm::Short);
    let view = CommandView::parse(&same).unwrap();
    assert_eq!((command, view), (command.with_data(&[0x31, 0x32, 0x33, 0x34]), CommandView::parse(&same).unwrap()));
    for other in &others {
        assert_ne!(command, *other);
        assert_ne!(command.to_owned(), other.to_owned());
        assert_ne!(view, CommandView::parse(&bytes(other, LengthForm::Short)).unwrap());
    }
    assert_ne!(view, CommandView::parse(&bytes(&command, LengthForm::Extended)).unwrap());

    let done = Step::Done(StatusWord::SUCCESS);
    assert_eq!((Step::Send(&same), done), (Step::Send(&same.clone()), Step::Done(StatusWord::SUCCESS)));
    for other in [Step::Send(b""), Step::Send(&same[1..]), Step::Send(&[0; 10]), done] {
        assert_ne!(Step::Send(&same), other);
    }
    assert_ne!(done, Step::Done(StatusWord(0x6A82)));

    let response = |data: &[u8], status| ResponseApdu::new(data, StatusWord(status));
    assert_eq!(response(b"1234", 0x9000), response(b"1234", 0x9000));
    for other in [response(b"1235", 0x9000), response(b"123", 0x9000), response(b"", 0x9000), response(b"1234", 0x6282)]
    {
        assert_ne!(response(b"1234", 0x9000), other);
        assert_ne!(response(b"1234", 0x9000).as_response(), other.as_response());
    }
}
