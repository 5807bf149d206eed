use std::{
    fmt::{Debug, Display},
    fs,
};

use static_assertions::assert_not_impl_any;

use super::{Asked, Lines, Pins};
use crate::{
    cli::{NewPasswordOptions, PinOptions},
    failure::Kind,
    holder::Holder,
    stage::PlayPins,
};

fn file(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pin");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn exposed(pins: &Pins, wanted: Asked) -> Option<Vec<u8>> {
    pins.given(wanted).map(|secret| secret.expose().to_vec())
}

#[test]
fn the_line_end_is_no_part_of_a_password() {
    for content in [&b"1234"[..], b"1234\n", b"1234\r\n"] {
        let (_folder, path) = file(content);
        let pins = Pins::read(&PinOptions { pin_file: Some(path), ..PinOptions::default() }).unwrap();
        assert_eq!(exposed(&pins, Asked::AuthenticationPin).as_deref(), Some(&b"1234"[..]));
        assert_eq!(exposed(&pins, Asked::SignaturePin), None);
    }
}

#[test]
fn passwords_from_one_place_stand_on_lines_of_their_own() {
    let (_folder, path) = file(b"1111\n2222\n");
    let options =
        PinOptions { pin_file: Some(path.clone()), signature_pin_file: Some(path.clone()), ..PinOptions::default() };
    let pins = Pins::read(&options).unwrap();
    assert_eq!(exposed(&pins, Asked::AuthenticationPin).as_deref(), Some(&b"1111"[..]));
    assert_eq!(exposed(&pins, Asked::SignaturePin).as_deref(), Some(&b"2222"[..]));
    let third = NewPasswordOptions { new_pin_file: Some(path), ..NewPasswordOptions::default() };
    let third = Pins::read_for_new(&options, &third).err().unwrap();
    assert_eq!(third.kind(), Kind::Usage);
}

#[test]
fn empty_missing_and_endless_places_are_told() {
    let (folder, path) = file(b"\n");
    for path in [path, folder.path().join("nowhere"), folder.path().to_owned()] {
        let failure = Pins::read(&PinOptions { pin_file: Some(path), ..PinOptions::default() }).err().unwrap();
        assert_eq!(failure.kind(), Kind::Usage);
    }
    let endless = PinOptions { pin_file: Some("/dev/zero".into()), ..PinOptions::default() };
    assert!(exposed(&Pins::read(&endless).unwrap(), Asked::AuthenticationPin).unwrap().len() <= 4096);
}

#[test]
fn what_holds_a_password_cannot_be_shown_copied_or_compared_and_wipes_it() {
    fn wiped(_: &impl zeroize::ZeroizeOnDrop) {}
    assert_not_impl_any!(Pins: Debug, Display, Clone, PartialEq);
    assert_not_impl_any!(Lines: Debug, Display, Clone, PartialEq);
    assert_not_impl_any!(PlayPins: Debug, Display, Clone, PartialEq);
    assert_not_impl_any!(Holder: Debug, Display, Clone, PartialEq);
    let (_folder, path) = file(b"1111\n2222\n");
    let lines = Lines::open(&path).unwrap();
    wiped(&lines.0);
    let (first, rest) = lines.next(&path).unwrap();
    wiped(&first);
    wiped(&rest.0);
}
