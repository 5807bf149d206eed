//! Any bytes as a command APDU: refused, or read as the crate `iso7816` reads them and encoded to the same bytes again.
#![no_main]

use iso7816::command::{CommandBuilder, CommandView as IsoView, ExpectedLen};
use libfuzzer_sys::fuzz_target;
use obnova_apdu::{CommandApdu, CommandError, CommandView, LengthForm};

fuzz_target!(|bytes: &[u8]| {
    let theirs = IsoView::try_from(bytes);
    match CommandView::parse(bytes) {
        Ok(ours) => {
            let theirs = theirs.expect("accepted by one, refused by the other");
            assert_eq!(ours.cla(), theirs.class().into_inner());
            assert_eq!(ours.ins(), u8::from(theirs.instruction()));
            assert_eq!((ours.p1(), ours.p2()), (theirs.p1, theirs.p2));
            assert_eq!((ours.data(), ours.ne() as usize), (theirs.data(), theirs.expected()));
            assert_eq!(ours.form() == LengthForm::Extended, theirs.extended);

            let again = ours.to_command().to_vec(ours.form()).expect("what was read can be written");
            assert_eq!(*again, bytes);
            assert_eq!(CommandApdu::from(ours).as_command(), ours.to_command());
            // In its shortest form it is the same command.
            let short = ours.to_command().to_vec(ours.to_command().shortest_form()).expect("it fits");
            assert!(short.len() <= bytes.len());
            assert_eq!(CommandView::parse(&short).expect("it is one").to_command(), ours.to_command());
            // The other crate writes it so, too; of no data and more than 256 bytes wanted it has only the longest form.
            let ne = u16::try_from(ours.ne()).map_or(ExpectedLen::Max, ExpectedLen::Ne);
            let (class, ins) = (theirs.class(), theirs.instruction());
            let written = CommandBuilder::new(class, ins, theirs.p1, theirs.p2, ours.data(), ne).serialize_to_vec();
            assert_eq!(written, *short);
        }
        // An extended Lc of zero must be left out where something follows it; the other crate takes it.
        Err(CommandError::ZeroLc { found }) => {
            assert!(bytes[4..7] == [0; 3] && found == bytes.len() - 7 && found > 0, "it is another fault");
        }
        Err(error) => {
            assert!(theirs.is_err(), "refused by one, accepted by the other: {error}");
            let _ = error.to_string();
        }
    }
});
