use super::*;

/// A reader that answers the control codes it is asked by, one after the other, and has no card.
#[derive(Default)]
struct Reader {
    answers: Vec<Result<Vec<u8>, TransportError>>,
    asked: Vec<(u32, Vec<u8>)>,
}

impl Reader {
    fn answering(answer: &[u8]) -> Self {
        Self { answers: vec![Ok(answer.to_vec())], asked: Vec::new() }
    }
}

impl CardTransport for Reader {
    fn transmit(&mut self, command: &[u8], _: &mut Vec<u8>) -> Result<(), TransportError> {
        panic!("{command:02X?} went past the pad");
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.asked.push((code, data.to_vec()));
        self.answers.remove(0)
    }
}

const ENTRY: PinEntry = PinEntry { minimum: 4, maximum: 8, timeout: 30 };
/// Verify by 0x42330006, modify by 0x42330007, and a feature that nobody knows.
const FEATURES: [u8; 18] = [0x06, 4, 0x42, 0x33, 0, 6, 0x0A, 4, 0x42, 0x33, 0, 10, 0x07, 4, 0x42, 0x33, 0, 7];
const VERIFY: u32 = 0x4233_0006;
const MODIFY: u32 = 0x4233_0007;

fn detect(features: &[u8]) -> Option<PinPad> {
    let mut reader = Reader::answering(features);
    let pad = PinPad::detect(&mut reader).unwrap();
    assert_eq!(reader.asked, [(GET_FEATURE_REQUEST, vec![])]);
    pad
}

#[cfg(not(windows))]
#[test]
fn the_question_is_number_3400() {
    assert_eq!(GET_FEATURE_REQUEST, 0x4200_0D48);
}

#[test]
fn a_pad_is_what_the_reader_says_in_entries_of_six_bytes() {
    assert_eq!(detect(&FEATURES), Some(PinPad { verify: VERIFY, modify: Some(MODIFY) }));
    assert_eq!(detect(&FEATURES[..12]), Some(PinPad { verify: VERIFY, modify: None }));
    // Without a feature to verify, and with what is no list.
    assert_eq!(detect(&FEATURES[6..]), None);
    assert_eq!(detect(&[]), None);
    for length in (0..FEATURES.len()).filter(|length| length % 6 != 0) {
        assert_eq!(detect(&FEATURES[..length]), None, "{length}");
    }
    let mut short = FEATURES;
    short[1] = 3;
    assert_eq!(detect(&short), None);
}

#[test]
fn a_reader_that_cannot_be_asked_has_no_pad_and_one_that_is_gone_is_gone() {
    let ask = |error| PinPad::detect(&mut Reader { answers: vec![Err(error)], asked: Vec::new() });
    assert_eq!(ask(TransportError::NoControl), Ok(None));
    assert_eq!(ask(TransportError::Io("not supported".to_owned())), Ok(None));
    for gone in [TransportError::CardRemoved, TransportError::CardReset, TransportError::ServiceStopped] {
        assert_eq!(ask(gone.clone()), Err(gone));
    }
}

/// The bytes of PC/SC part 10, field by field.
#[cfg(target_endian = "little")]
#[test]
fn the_structures_are_those_of_the_standard() {
    let pad = detect(&FEATURES).unwrap();
    let mut reader = Reader::answering(&[0x90, 0x00]);
    assert_eq!(pad.verify(&mut reader, [0x00, 0x20, 0x00, 0x02], ENTRY), Ok(StatusWord::SUCCESS));
    let verify = [
        30, 30, // bTimerOut, bTimerOut2
        0x82, 0x00, 0x00, // bmFormatString, bmPINBlockString, bmPINLengthFormat
        0x08, 0x04, // wPINMaxExtraDigit: 0408
        0x02, 0x01, // bEntryValidationCondition, bNumberMessage
        0x09, 0x04, // wLangId: 0409
        0x00, // bMsgIndex
        0, 0, 0, // bTeoPrologue
        5, 0, 0, 0, // ulDataLength
        0x00, 0x20, 0x00, 0x02, 0x00, // abData
    ];
    assert_eq!(reader.asked, [(VERIFY, verify.to_vec())]);

    let modify = |confirm: u8, messages: u8, indexes: [u8; 3], header: [u8; 4]| {
        let mut bytes = vec![30, 30, 0x82, 0x00, 0x00];
        bytes.extend([0, 0]); // bInsertionOffsetOld, bInsertionOffsetNew
        bytes.extend([0x08, 0x04, confirm, 0x02, messages, 0x09, 0x04]);
        bytes.extend(indexes);
        bytes.extend([0, 0, 0, 5, 0, 0, 0]);
        bytes.extend(header);
        bytes.push(0);
        assert_eq!(bytes.len(), 24 + 5);
        bytes
    };
    for (entered, confirm, messages, indexes, header) in [
        (Entered::OldAndNew, 3, 3, [0, 1, 2], [0x00, 0x24, 0x00, 0x01]),
        (Entered::New, 1, 2, [1, 2, 0], [0x00, 0x24, 0x01, 0x01]),
    ] {
        let mut reader = Reader::answering(&[0x63, 0xC1]);
        assert_eq!(pad.modify(&mut reader, header, ENTRY, entered), Ok(StatusWord(0x63C1)));
        assert_eq!(reader.asked, [(MODIFY, modify(confirm, messages, indexes, header))]);
    }
}

#[test]
fn what_the_reader_says_is_told_apart_from_what_the_card_says() {
    let pad = detect(&FEATURES).unwrap();
    let said = |answer: &[u8]| {
        let verified = pad.verify(&mut Reader::answering(answer), [0, 0x20, 0, 1], ENTRY);
        let modified = pad.modify(&mut Reader::answering(answer), [0, 0x24, 0, 1], ENTRY, Entered::OldAndNew);
        assert_eq!(verified, modified);
        verified
    };
    assert_eq!(said(&[0x64, 0x00]), Err(PinPadError::Timeout));
    assert_eq!(said(&[0x64, 0x01]), Err(PinPadError::Cancelled));
    assert_eq!(said(&[0x64, 0x02]), Err(PinPadError::NotTheSame));
    assert_eq!(said(&[0x64, 0x03]), Err(PinPadError::Length));
    assert_eq!(said(&[0x6B, 0x80]), Err(PinPadError::Refused));
    for card in [0x9000, 0x63C2, 0x63C0, 0x6983, 0x6984, 0x6982, 0x6700, 0x6404] {
        assert_eq!(said(&u16::to_be_bytes(card)), Ok(StatusWord(card)));
    }
    for odd in [&[][..], &[0x90], &[0x90, 0x00, 0x00], b"1234\x90\x00"] {
        assert_eq!(said(odd), Err(PinPadError::Malformed { length: odd.len() }));
    }
}

#[test]
fn a_pad_that_only_verifies_is_not_asked_to_change() {
    let pad = detect(&FEATURES[..6]).unwrap();
    assert!(!pad.can_change());
    let mut reader = Reader::default();
    let refused = pad.modify(&mut reader, [0, 0x24, 0, 1], ENTRY, Entered::OldAndNew);
    assert_eq!(refused, Err(PinPadError::CannotChange));
    assert!(reader.asked.is_empty());
}
