//! The same bytes and the same chains, as the crate `iso7816` sees them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use iso7816::command::CommandView as IsoView;
use obnova_apdu::exchange::{self, Limits};
use obnova_apdu::{Command, CommandError, CommandView, LengthForm};

fn assert_same(apdu: &[u8]) {
    match (CommandView::parse(apdu), IsoView::try_from(apdu)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.cla(), theirs.class().into_inner());
            assert_eq!(ours.ins(), u8::from(theirs.instruction()));
            assert_eq!((ours.p1(), ours.p2()), (theirs.p1, theirs.p2));
            assert_eq!(ours.data(), theirs.data());
            assert_eq!(ours.ne() as usize, theirs.expected());
            assert_eq!(ours.form() == LengthForm::Extended, theirs.extended);
        }
        // An Lc of zero must be left out (ISO 7816-3 §12.1.3); the other crate takes it.
        (Err(CommandError::ZeroLc { .. }), _) => {}
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{apdu:02X?}: {ours:?} against {theirs:?}"),
    }
}

#[test]
fn all_short_bodies_over_a_small_alphabet_are_read_the_same() {
    const ALPHABET: [u8; 6] = [0, 1, 2, 3, 4, 0xFF];
    for len in 0..=7_u32 {
        for number in 0..ALPHABET.len().pow(len) {
            let mut apdu = vec![0x00, 0xB0, 0x00, 0x00];
            apdu.extend((0..len).map(|digit| ALPHABET[number / ALPHABET.len().pow(digit) % ALPHABET.len()]));
            assert_same(&apdu);
        }
    }
}

#[test]
fn all_lengths_of_data_are_written_and_read_the_same() {
    let data = vec![0x5A; 65_535];
    for len in (0..520).chain(65_530..=65_535) {
        for ne in [0, 1, 255, 256, 257, 65_535, 65_536] {
            let command = Command::new(0x0C, 0xDB, 0x3F, 0xFF).with_data(&data[..len]).with_ne(ne);
            for form in [LengthForm::Short, LengthForm::Extended] {
                match command.to_vec(form) {
                    Ok(apdu) => assert_same(&apdu),
                    Err(_) => assert_eq!(form, LengthForm::Short),
                }
            }
        }
    }
}

#[test]
fn chains_are_put_together_again_to_the_command_they_were_made_from() {
    let data: Vec<u8> = (0..=255).cycle().take(1100).collect();
    for len in 0..=data.len() {
        let mut together: Option<iso7816::Command<1100>> = None;
        let mut finished = false;
        let command = Command::new(0x00, 0xDB, 0x3F, 0xFF).with_data(&data[..len]).with_ne(256);
        exchange::run(command, Limits::SHORT, |apdu, answer| {
            assert!(!finished, "an APDU after the last one");
            let view = IsoView::try_from(apdu).unwrap();
            finished = view.class().chain().last_or_only();
            match &mut together {
                None => together = Some(view.to_owned().unwrap()),
                Some(together) => together.extend_from_command_view(view).unwrap(),
            }
            answer.extend_from_slice(&[0x90, 0x00]);
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap();
        let together = together.unwrap();
        assert!(finished);
        assert_eq!(together.data().as_slice(), &data[..len]);
        assert_eq!((together.class().into_inner(), together.expected()), (0x00, 256));
    }
}
