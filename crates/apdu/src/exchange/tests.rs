use alloc::{vec, vec::Vec};
use core::convert::Infallible;

use super::*;
use crate::{Command, EncodeError, LengthForm, ResponseError, StatusWord};

const OK: &[u8] = &[0x90, 0x00];

/// Plays answers to a command, checks that exactly these APDUs were sent, and says how it ended.
fn play(command: Command<'_>, limits: Limits, script: &[(&[u8], &[u8])]) -> Result<(Vec<u8>, u16), ExchangeError> {
    let mut exchange = Exchange::new(command, limits)?;
    let mut buffer = vec![0; exchange.buffer_len()];
    let mut script = script.iter();
    let mut data = Vec::new();
    loop {
        match exchange.step(&mut buffer)? {
            Step::Send(apdu) => {
                let (expected, answer) = script.next().expect("one APDU more than the script has");
                assert_eq!(apdu, *expected);
                data.extend_from_slice(exchange.receive(answer)?);
            }
            Step::Done(status) => {
                assert_eq!(script.len(), 0, "the exchange ended early");
                assert_eq!(exchange.received(), data.len());
                return Ok((data, status.0));
            }
        }
    }
}

#[test]
fn a_short_command_is_one_apdu() {
    let command = Command::new(0x00, 0xB0, 0x00, 0x00).with_ne(2);
    let end = play(command, Limits::SHORT, &[(&[0x00, 0xB0, 0, 0, 2], &[1, 2, 0x90, 0])]);
    assert_eq!(end, Ok((vec![1, 2], 0x9000)));
}

#[test]
fn the_card_status_is_handed_on_whatever_it_is() {
    let command = Command::new(0x00, 0xA4, 0x00, 0x00);
    for status in [0x9000_u16, 0x6A82, 0x6283, 0x63C2, 0x6100, 0x6C00, 0x0000, 0xFFFF] {
        let end = play(command, Limits::SHORT, &[(&[0x00, 0xA4, 0, 0], &status.to_be_bytes())]);
        assert_eq!(end, Ok((vec![], status)));
    }
}

#[test]
fn more_data_is_fetched_until_there_is_no_more() {
    let command = Command::new(0x02, 0xCB, 0x3F, 0xFF).with_data(&[0x5C, 0x00]).with_ne(256);
    let full: Vec<u8> = [&[7; 256][..], &[0x61, 0x01]].concat();
    let end = play(
        command,
        Limits::SHORT,
        &[
            (&[0x02, 0xCB, 0x3F, 0xFF, 2, 0x5C, 0, 0], &[0x61, 0x00]),
            (&[0x02, 0xC0, 0, 0, 0], &full),
            (&[0x02, 0xC0, 0, 0, 1], &[8, 0x90, 0]),
        ],
    );
    let (data, status) = end.unwrap();
    assert_eq!((data.len(), data.last(), status), (257, Some(&8), 0x9000));
}

#[test]
fn a_warning_at_the_end_of_the_fetched_data_is_handed_on() {
    let command = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
    let end = play(
        command,
        Limits::SHORT,
        &[(&[0x00, 0xB0, 0, 0, 0], &[1, 0x61, 1]), (&[0x00, 0xC0, 0, 0, 1], &[2, 0x62, 0x82])],
    );
    assert_eq!(end, Ok((vec![1, 2], 0x6282)));
}

#[test]
fn the_class_of_get_response_keeps_the_channel_only() {
    for (cla, expected) in [(0x0C, 0x00), (0x03, 0x03), (0x65, 0x45), (0x4F, 0x4F), (0x80, 0x00), (0x84, 0x00)] {
        let command = Command::new(cla, 0xCA, 0, 0).with_ne(256);
        let end = play(
            command,
            Limits::SHORT,
            &[(&[cla, 0xCA, 0, 0, 0], &[0x61, 1]), (&[expected, 0xC0, 0, 0, 1], &[9, 0x90, 0])],
        );
        assert_eq!(end, Ok((vec![9], 0x9000)));
    }
    let command = Command::new(0x80, 0xCA, 0, 0).with_ne(256);
    let end = play(
        command,
        Limits::SHORT.with_get_response_cla(0x80),
        &[(&[0x80, 0xCA, 0, 0, 0], &[0x61, 1]), (&[0x80, 0xC0, 0, 0, 1], &[9, 0x90, 0])],
    );
    assert_eq!(end, Ok((vec![9], 0x9000)));
}

#[test]
fn a_wrong_le_is_corrected_once_for_each_apdu() {
    let command = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
    let end = play(
        command,
        Limits::SHORT,
        &[
            (&[0x00, 0xB0, 0, 0, 0], &[0x6C, 2]),
            (&[0x00, 0xB0, 0, 0, 2], &[1, 2, 0x61, 5]),
            (&[0x00, 0xC0, 0, 0, 5], &[0x6C, 1]),
            (&[0x00, 0xC0, 0, 0, 1], &[3, 0x90, 0]),
        ],
    );
    assert_eq!(end, Ok((vec![1, 2, 3], 0x9000)));
}

#[test]
fn a_card_that_plays_ping_pong_with_the_length_is_told_so() {
    let command = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
    let end =
        play(command, Limits::SHORT, &[(&[0x00, 0xB0, 0, 0, 0], &[0x6C, 2]), (&[0x00, 0xB0, 0, 0, 2], &[0x6C, 0])]);
    assert_eq!(end, Err(ExchangeError::WrongLeAgain { status: StatusWord(0x6C00) }));
}

#[test]
fn a_command_without_le_is_never_sent_twice() {
    let verify = Command::new(0x00, 0x20, 0, 1).with_data(b"1234");
    let end = play(verify, Limits::SHORT, &[(&[0x00, 0x20, 0, 1, 4, 0x31, 0x32, 0x33, 0x34], &[0x6C, 4])]);
    assert_eq!(end, Ok((vec![], 0x6C04)));
}

#[test]
fn data_beside_a_wrong_le_is_an_error() {
    let command = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
    let end = play(command, Limits::SHORT, &[(&[0x00, 0xB0, 0, 0, 0], &[1, 0x6C, 2])]);
    assert_eq!(end, Err(ExchangeError::DataBesideWrongLe { got: 1, status: StatusWord(0x6C02) }));
}

#[test]
fn long_data_is_chained_and_only_the_last_command_has_le() {
    let data: Vec<u8> = (0..=255).chain(0..=255).collect();
    let command = Command::new(0x01, 0x2A, 0x9E, 0x9A).with_data(&data).with_ne(256);
    let first = [&[0x11, 0x2A, 0x9E, 0x9A, 255][..], &data[..255]].concat();
    let second = [&[0x11, 0x2A, 0x9E, 0x9A, 255][..], &data[255..510]].concat();
    let last = [0x01, 0x2A, 0x9E, 0x9A, 2, 0xFE, 0xFF, 0];
    let end = play(command, Limits::SHORT, &[(&first, OK), (&second, OK), (&last, &[5, 0x90, 0])]);
    assert_eq!(end, Ok((vec![5], 0x9000)));
}

#[test]
fn data_that_just_fits_is_not_chained() {
    for len in [254, 255, 256] {
        let data = vec![0x5A; len];
        let exchange = Exchange::new(Command::new(0, 0xD6, 0, 0).with_data(&data), Limits::SHORT).unwrap();
        let mut transmitted = 0;
        run(Command::new(0, 0xD6, 0, 0).with_data(&data), Limits::SHORT, |apdu, answer| {
            assert_eq!(apdu[0] & 0x10 != 0, len == 256 && transmitted == 0);
            assert!(apdu.len() <= exchange.buffer_len());
            transmitted += 1;
            answer.extend_from_slice(OK);
            Ok::<(), Infallible>(())
        })
        .unwrap();
        assert_eq!(transmitted, if len > 255 { 2 } else { 1 });
    }
}

#[test]
fn an_error_in_the_chain_ends_it() {
    let data = [0; 300];
    let command = Command::new(0x00, 0x2A, 0, 0).with_data(&data);
    let first = [&[0x10, 0x2A, 0, 0, 255][..], &data[..255]].concat();
    for status in [0x6884_u16, 0x6982, 0x6700, 0x6F00] {
        assert_eq!(play(command, Limits::SHORT, &[(&first, &status.to_be_bytes())]), Ok((vec![], status)));
    }
    for status in [0x6100_u16, 0x6C00, 0x6200, 0x63C2, 0x1234] {
        let error = ExchangeError::UnexpectedInChain { index: 0, status: StatusWord(status) };
        assert_eq!(play(command, Limits::SHORT, &[(&first, &status.to_be_bytes())]), Err(error));
    }
    let end = play(command, Limits::SHORT, &[(&first, &[1, 0x90, 0])]);
    assert_eq!(end, Err(ExchangeError::TooMuchData { asked: 0, got: 1 }));
}

#[test]
fn what_no_sequence_of_apdus_can_carry_is_refused_before_anything_is_sent() {
    let data = [0; 300];
    let command = Command::new(0x00, 0x2A, 0, 0).with_data(&data);
    let refused = |command, limits| Exchange::new(command, limits).unwrap_err();
    let error = ExchangeError::DataTooLong { len: 300, max: 255 };
    assert_eq!(refused(command, Limits::SHORT.with_chaining(false)), error);
    for cla in [0x10, 0xEF] {
        let error = ExchangeError::NotChainable { cla };
        assert_eq!(refused(Command { cla, ..command }, Limits::SHORT), error);
    }
    assert_eq!(refused(Command::new(0xFF, 0x2A, 0, 0), Limits::SHORT), EncodeError::InvalidClass.into());
    let error = EncodeError::NeTooLarge { ne: 65_537, max: 65_536 };
    assert_eq!(refused(command.with_ne(65_537), Limits::EXTENDED), error.into());
    assert!(Exchange::new(command, Limits::EXTENDED.with_chaining(false)).is_ok());
}

#[test]
fn extended_length_is_used_only_where_it_is_needed() {
    let data = [3; 300];
    let long = Command::new(0x00, 0xD6, 0, 0).with_data(&data);
    let apdu = [&[0x00, 0xD6, 0, 0, 0, 0x01, 0x2C][..], &data].concat();
    assert_eq!(play(long, Limits::EXTENDED, &[(&apdu, OK)]), Ok((vec![], 0x9000)));

    let short = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
    assert_eq!(play(short, Limits::EXTENDED, &[(&[0x00, 0xB0, 0, 0, 0], OK)]), Ok((vec![], 0x9000)));

    let all = Command::new(0x00, 0xB0, 0, 0).with_ne(65_536);
    assert_eq!(play(all, Limits::EXTENDED, &[(&[0x00, 0xB0, 0, 0, 0, 0, 0], OK)]), Ok((vec![], 0x9000)));
    assert_eq!(play(all, Limits::SHORT, &[(&[0x00, 0xB0, 0, 0, 0], OK)]), Ok((vec![], 0x9000)));
    let limits = Limits::EXTENDED.with_max_ne(2048);
    assert_eq!(play(all, limits, &[(&[0x00, 0xB0, 0, 0, 0, 8, 0], OK)]), Ok((vec![], 0x9000)));
}

#[test]
fn a_card_with_a_small_buffer_gets_small_chained_commands() {
    let command = Command::new(0x00, 0xDB, 0, 0).with_data(&[1, 2, 3, 4, 5]);
    let script: [(&[u8], &[u8]); 3] =
        [(&[0x10, 0xDB, 0, 0, 2, 1, 2], OK), (&[0x10, 0xDB, 0, 0, 2, 3, 4], OK), (&[0x00, 0xDB, 0, 0, 1, 5], OK)];
    for limits in [Limits::SHORT, Limits::EXTENDED] {
        assert_eq!(play(command, limits.with_max_command_data(2), &script), Ok((vec![], 0x9000)));
    }
}

#[test]
fn extended_commands_are_chained_where_the_card_takes_less_than_there_is() {
    let data = [6; 700];
    let command = Command::new(0x00, 0xDB, 0, 0).with_data(&data).with_ne(256);
    let first = [&[0x10, 0xDB, 0, 0, 0, 0x01, 0xF4][..], &data[..500]].concat();
    let last = [&[0x00, 0xDB, 0, 0, 0, 0x00, 0xC8][..], &data[500..], &[0x01, 0x00]].concat();
    let limits = Limits::EXTENDED.with_max_command_data(500);
    assert_eq!(play(command, limits, &[(&first, OK), (&last, OK)]), Ok((vec![], 0x9000)));
}

#[test]
fn le_is_left_out_behind_data_where_t0_needs_it() {
    let command = Command::new(0x00, 0xA4, 4, 0).with_data(&[0xA0]).with_ne(256);
    let end = play(
        command,
        Limits::SHORT.without_le_after_data(),
        &[(&[0x00, 0xA4, 4, 0, 1, 0xA0], &[0x61, 1]), (&[0x00, 0xC0, 0, 0, 1], &[7, 0x90, 0])],
    );
    assert_eq!(end, Ok((vec![7], 0x9000)));
}

#[test]
fn a_card_that_only_announces_is_told_so() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(256);
    let end =
        play(command, Limits::SHORT, &[(&[0x00, 0xCA, 0, 0, 0], &[0x61, 0]), (&[0x00, 0xC0, 0, 0, 0], &[0x61, 0])]);
    assert_eq!(end, Err(ExchangeError::NoProgress));
}

#[test]
fn a_long_response_arrives_whole_and_in_order() {
    let says: Vec<u8> = (0..5_000_u32).map(|number| (number * 7 / 3) as u8).collect();
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(256);
    let mut pieces = says.chunks(256).peekable();
    let response = run(command, Limits::SHORT, |_, answer| {
        assert!(answer.is_empty());
        answer.extend_from_slice(pieces.next().unwrap());
        let left = pieces.peek().map_or(StatusWord::SUCCESS, |piece| StatusWord::more_data(piece.len()));
        answer.extend_from_slice(&left.to_bytes());
        Ok::<(), Infallible>(())
    })
    .unwrap();
    assert_eq!(response.data, says);
}

/// A card that answers every command with as much as was asked for, and announces more.
fn endless(apdu: &[u8], answer: &mut Vec<u8>) -> Result<(), Infallible> {
    let ne = crate::CommandView::parse(apdu).unwrap().ne();
    answer.resize(ne as usize, 0xAA);
    answer.extend_from_slice(&[0x61, 0x00]);
    Ok(())
}

#[test]
fn an_endless_response_is_an_error() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(256);
    let error = run(command, Limits::SHORT, endless).unwrap_err();
    assert_eq!(error, RunError::Exchange(ExchangeError::ResponseTooLong { max: 65_536 }));
    let error = run(command, Limits::SHORT.with_max_response(100), endless).unwrap_err();
    assert_eq!(error, RunError::Exchange(ExchangeError::ResponseTooLong { max: 100 }));
    let error = run(command, Limits::SHORT.with_max_apdus(3), endless).unwrap_err();
    assert_eq!(error, RunError::Exchange(ExchangeError::TooManyApdus { max: 3 }));
}

#[test]
fn a_card_that_trickles_is_stopped_by_the_number_of_apdus() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(1);
    let mut apdus = 0;
    let error = run(command, Limits::SHORT, |_, answer| {
        apdus += 1;
        answer.extend_from_slice(&[0xAA, 0x61, 0x01]);
        Ok::<(), Infallible>(())
    });
    assert_eq!(error, Err(RunError::Exchange(ExchangeError::TooManyApdus { max: 2_048 })));
    assert_eq!(apdus, 2_048);
}

#[test]
fn more_than_was_asked_for_is_an_error() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(2);
    let end = play(command, Limits::SHORT, &[(&[0x00, 0xCA, 0, 0, 2], &[1, 2, 3, 0x90, 0])]);
    assert_eq!(end, Err(ExchangeError::TooMuchData { asked: 2, got: 3 }));
    let error = run(command, Limits::SHORT, |_, answer| {
        answer.resize(1 << 20, 0);
        Ok::<(), Infallible>(())
    });
    assert_eq!(error, Err(RunError::Exchange(ResponseError::TooLong { len: (1 << 20) - 2 }.into())));
}

#[test]
fn no_answer_and_half_a_status_word_are_errors_that_stay() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(2);
    for answer in [&[][..], &[0x90]] {
        let mut exchange = Exchange::new(command, Limits::SHORT).unwrap();
        let mut buffer = [0; 16];
        exchange.step(&mut buffer).unwrap();
        let error = ExchangeError::Response(ResponseError::Truncated { len: answer.len() });
        assert_eq!(exchange.receive(answer), Err(error));
        assert_eq!(exchange.step(&mut buffer), Err(error));
        assert_eq!(exchange.receive(OK), Err(ExchangeError::NotExpected));
    }
}

#[test]
fn an_answer_to_nothing_is_an_error_that_changes_nothing() {
    let command = Command::new(0x00, 0xCA, 0, 0);
    let mut exchange = Exchange::new(command, Limits::SHORT).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(exchange.receive(OK), Err(ExchangeError::NotExpected));
    assert!(matches!(exchange.step(&mut buffer), Ok(Step::Send(_))));
    assert_eq!(exchange.receive(OK), Ok(&[][..]));
    assert_eq!(exchange.receive(OK), Err(ExchangeError::NotExpected));
    assert_eq!(exchange.step(&mut buffer), Ok(Step::Done(StatusWord::SUCCESS)));
    assert_eq!(exchange.step(&mut buffer), Ok(Step::Done(StatusWord::SUCCESS)));
}

#[test]
fn a_buffer_too_small_can_be_replaced_and_a_step_asked_again_counts_once() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(1);
    let mut exchange = Exchange::new(command, Limits::SHORT).unwrap();
    let error = EncodeError::BufferTooSmall { needed: 5, available: 4 };
    assert_eq!(exchange.step(&mut [0; 4]), Err(error.into()));
    let mut buffer = [0; 5];
    for _ in 0..3 {
        assert_eq!(exchange.step(&mut buffer), Ok(Step::Send(&[0x00, 0xCA, 0, 0, 1])));
    }
    exchange.receive(&[9, 0x90, 0x00]).unwrap();
    assert_eq!(exchange.counts(), Counts { apdus: 1, bytes_out: 5, bytes_in: 3 });
}

#[test]
fn every_buffer_is_as_long_as_the_limits_say() {
    let data = vec![0; 70_000];
    for limits in [Limits::SHORT, Limits::EXTENDED, Limits::EXTENDED.with_max_command_data(300)] {
        let exchange = Exchange::new(Command::new(0, 0xD6, 0, 0).with_data(&data).with_ne(65_536), limits).unwrap();
        assert_eq!(exchange.buffer_len(), limits.buffer_len());
        let mut longest = 0;
        run(Command::new(0, 0xD6, 0, 0).with_data(&data).with_ne(65_536), limits, |apdu, answer| {
            longest = longest.max(apdu.len());
            answer.extend_from_slice(OK);
            Ok::<(), Infallible>(())
        })
        .unwrap();
        assert!(longest <= limits.buffer_len() && longest + 2 >= limits.buffer_len());
    }
}

#[test]
fn the_driver_without_allocation_says_when_its_buffer_is_too_small() {
    let command = Command::new(0x00, 0xCA, 0, 0).with_ne(256);
    let mut transmit = |apdu: &[u8], room: &mut [u8]| {
        let answer: &[u8] = if apdu[1] == 0xCA { &[1, 2, 0x61, 0x02] } else { &[3, 4, 0x90, 0x00] };
        if let Some(room) = room.get_mut(..answer.len()) {
            room.copy_from_slice(answer);
        }
        Ok::<usize, Infallible>(answer.len())
    };
    let mut buffer = [0; 5];
    let mut room = [0; 6];
    let (response, counts) = run_into(command, Limits::SHORT, &mut buffer, &mut room, &mut transmit).unwrap();
    assert_eq!((response.data, response.status), (&[1, 2, 3, 4][..], StatusWord::SUCCESS));
    assert_eq!(counts, Counts { apdus: 2, bytes_out: 10, bytes_in: 8 });

    let error = run_into(command, Limits::SHORT, &mut buffer, &mut [0; 5], &mut transmit).unwrap_err();
    assert_eq!(error, RunError::ResponseBuffer { needed: 6, available: 5 });
}

#[test]
fn the_error_of_the_transport_is_handed_on() {
    let command = Command::new(0x00, 0xCA, 0, 0);
    assert_eq!(run(command, Limits::SHORT, |_, _| Err("card removed")), Err(RunError::Transport("card removed")));
}

#[test]
fn nothing_that_is_printed_holds_the_data() {
    let pin = Command::new(0x00, 0x20, 0, 1).with_data(b"SECRETPIN");
    let mut exchange = Exchange::new(pin, Limits::SHORT).unwrap();
    let mut buffer = [0; 32];
    let step = std::format!("{:?}", exchange.step(&mut buffer).unwrap());
    assert_eq!(step, "Send(14 bytes)");
    let printed = std::format!("{exchange:?} {pin:?} {:?}", pin.to_owned());
    for secret in ["SECRET", "83, 69", "53, 45", "534543"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let mut buffer = [0; 14];
    pin.encode(&mut buffer, LengthForm::Short).unwrap();
    let view = std::format!("{:?}", crate::CommandView::parse(&buffer).unwrap());
    assert_eq!(view, "CommandView(Command(00 20 00 01, a secret, Ne 0), Short)");
}
