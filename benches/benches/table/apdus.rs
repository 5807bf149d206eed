//! Command APDUs read and written, beside `iso7816` on the same bytes.

use std::hint::black_box;

use iso7816::command::{CommandBuilder, CommandView as IsoView};
use obnova_apdu::{Command, CommandView, LengthForm};
use obnova_benches::{Report, Row, Sides};

const GROUP: &str = "APDUs";
const ROUNDS: usize = 251;

pub fn measure(report: &mut Report) {
    for (name, apdu) in commands() {
        report.add(read(name, &apdu));
    }
    for (name, apdu) in commands() {
        report.add(written(name, &apdu));
    }
}

/// Every shape that a command has (ISO 7816-4 §5.1): a case from 1 to 4, with short or extended lengths, in a chain.
pub fn commands() -> [(&'static str, Vec<u8>); 8] {
    let with = |head: &[u8], data: usize, le: &[u8]| [head, &vec![0x5A; data], le].concat();
    [
        // ACTIVATE FILE.
        ("case 1", with(&[0x00, 0x44, 0x00, 0x00], 0, &[])),
        // READ BINARY.
        ("case 2", with(&[0x00, 0xB0, 0x81, 0x00], 0, &[0x00])),
        // MANAGE SECURITY ENVIRONMENT.
        ("case 3", with(&[0x00, 0x22, 0x41, 0xB6, 0x06], 6, &[])),
        // SELECT by AID.
        ("case 4", with(&[0x00, 0xA4, 0x04, 0x00, 0x0C], 12, &[0x00])),
        // READ BINARY of 2,048 bytes.
        ("extended case 2", with(&[0x00, 0xB0, 0x81, 0x00, 0x00], 0, &[0x08, 0x00])),
        // UPDATE BINARY of 1,024 bytes.
        ("extended case 3", with(&[0x00, 0xD6, 0x00, 0x00, 0x00, 0x04, 0x00], 1024, &[])),
        // PERFORM SECURITY OPERATION: decipher.
        ("extended case 4", with(&[0x00, 0x2A, 0x80, 0x86, 0x00, 0x01, 0x01], 257, &[0x01, 0x00])),
        // UPDATE BINARY, with more to come.
        ("chained case 3", with(&[0x10, 0xD6, 0x00, 0x00, 0xFF], 255, &[])),
    ]
}

fn read(name: &str, apdu: &[u8]) -> Row {
    let (ours, theirs) = (CommandView::parse(apdu).unwrap(), IsoView::try_from(apdu).unwrap());
    assert_eq!((ours.cla(), ours.ins()), (theirs.class().into_inner(), theirs.instruction().into()));
    assert_eq!((ours.p1(), ours.p2()), (theirs.p1, theirs.p2));
    assert_eq!((ours.data(), ours.ne() as usize), (theirs.data(), theirs.expected()));
    assert_eq!(ours.form() == LengthForm::Extended, theirs.extended);
    let sides =
        Sides::new().side("obnova", || obnova_read(black_box(apdu))).side("iso7816", || iso7816_read(black_box(apdu)));
    Row::times(GROUP, format!("{name} read"), &sides.quartiles(ROUNDS)).target("iso7816", 1.5)
}

fn written(name: &str, apdu: &[u8]) -> Row {
    let command = CommandView::parse(apdu).unwrap().to_command();
    let builder = iso7816_builder(&command);
    let mut data = iso7816::Data::<2048>::new();
    let mut buffer = [0; 2048];
    assert_eq!(obnova_written(&command, &mut buffer), apdu);
    assert_eq!(iso7816_written(&builder, &mut data), apdu);
    let sides = Sides::new()
        .side("obnova", || obnova_written(black_box(&command), &mut buffer).len())
        .side("iso7816", || iso7816_written(black_box(&builder), &mut data).len());
    Row::times(GROUP, format!("{name} written"), &sides.quartiles(ROUNDS)).target("iso7816", 1.0)
}

/// All that was read has to be there, whether somebody looks at it or not.
#[inline]
pub fn obnova_read(apdu: &[u8]) -> usize {
    black_box(CommandView::parse(apdu).unwrap()).data().len()
}

#[inline]
pub fn iso7816_read(apdu: &[u8]) -> usize {
    black_box(IsoView::try_from(apdu).unwrap()).data().len()
}

#[inline]
pub fn obnova_written<'b>(command: &Command<'_>, out: &'b mut [u8]) -> &'b [u8] {
    black_box(command.encode(out, command.shortest_form()).unwrap())
}

pub fn iso7816_builder<'a>(command: &Command<'a>) -> CommandBuilder<&'a [u8]> {
    let class = command.cla.try_into().unwrap();
    CommandBuilder::new(class, command.ins.into(), command.p1, command.p2, command.data, command.ne as u16)
}

#[inline]
pub fn iso7816_written<'b>(command: &CommandBuilder<&[u8]>, out: &'b mut iso7816::Data<2048>) -> &'b [u8] {
    out.clear();
    command.serialize_into(out).unwrap();
    black_box(out.as_slice())
}
