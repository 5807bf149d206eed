use std::string::ToString;

use super::*;

#[test]
fn every_number_has_one_meaning_and_every_meaning_gives_its_number_back() {
    for number in 0..=u16::MAX {
        let word = StatusWord(number);
        assert_eq!(word.meaning().to_word(), word);
        assert_eq!(StatusWord::from(word.to_bytes()), word);
        assert!(!word.meaning().to_string().is_empty());
        let kinds = [word.is_normal(), word.is_warning(), word.is_error()];
        let classified = matches!(word.sw1(), 0x61..=0x6F) || number == 0x9000;
        assert_eq!(kinds.iter().filter(|kind| **kind).count(), usize::from(classified), "{number:04X}");
    }
}

#[test]
fn counts_are_cut_to_what_a_status_word_can_say() {
    assert_eq!(StatusWord::more_data(1), StatusWord(0x6101));
    assert_eq!(StatusWord::more_data(256), StatusWord(0x6100));
    assert_eq!(StatusWord::more_data(70_000), StatusWord(0x6100));
    assert_eq!(StatusWord::wrong_le(255), StatusWord(0x6CFF));
    assert_eq!(StatusWord::wrong_le(257), StatusWord(0x6C00));
    assert_eq!(StatusWord::tries_left(3), StatusWord(0x63C3));
    assert_eq!(StatusWord::tries_left(200), StatusWord(0x63CF));
    assert_eq!(StatusWord(0x6100).meaning(), Status::MoreData(256));
    assert_eq!(StatusWord(0x6C00).meaning(), Status::WrongLe(256));
}

#[test]
fn the_words_say_number_and_meaning() {
    assert_eq!(StatusWord(0x63C1).to_string(), "63C1: not verified, 1 try left");
    assert_eq!(StatusWord(0x6983).to_string(), "6983: authentication method blocked");
    assert_eq!(StatusWord(0x1234).to_string(), "1234: status 1234 has no meaning in ISO 7816-4");
}
