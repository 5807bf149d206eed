//! Command APDUs read and written, beside `iso7816` on the same bytes.

use std::hint::black_box;

use iso7816::command::{CommandBuilder, CommandView as IsoView};
use obnova_apdu::{Command, CommandView};
use obnova_benches::{Report, Row, Sides};

const GROUP: &str = "APDUs";
const ROUNDS: usize = 31;

pub fn measure(report: &mut Report) {
    for (name, apdu) in commands() {
        report.add(read(name, &apdu));
    }
    for (name, apdu) in commands() {
        report.add(written(name, &apdu));
    }
}

/// SELECT by AID, and UPDATE BINARY of 1,024 bytes in an extended APDU.
pub fn commands() -> [(&'static str, Vec<u8>); 2] {
    let select = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x00, 0x63, 0x00].to_vec();
    let mut update = vec![0x00, 0xD6, 0x00, 0x00, 0x00, 0x04, 0x00];
    update.resize(update.len() + 1024, 0x5A);
    [("SELECT", select), ("extended UPDATE BINARY", update)]
}

fn read(name: &str, apdu: &[u8]) -> Row {
    let (ours, theirs) = (CommandView::parse(apdu).unwrap(), IsoView::try_from(apdu).unwrap());
    assert_eq!((ours.data(), ours.ne() as usize), (theirs.data(), theirs.expected()));
    let sides =
        Sides::new().side("obnova", || obnova_read(black_box(apdu))).side("iso7816", || iso7816_read(black_box(apdu)));
    Row::times(GROUP, format!("{name} read"), &sides.medians(ROUNDS)).target("iso7816", 1.5)
}

fn written(name: &str, apdu: &[u8]) -> Row {
    let view = CommandView::parse(apdu).unwrap();
    let command = view.to_command();
    let mut data = iso7816::Data::<2048>::new();
    let mut buffer = [0; 2048];
    iso7816_written(&command, &mut data);
    assert_eq!(command.encode(&mut buffer, view.form()).unwrap(), data.as_slice());
    let sides = Sides::new()
        .side("obnova", || obnova_written(black_box(&command), &mut buffer))
        .side("iso7816", || iso7816_written(black_box(&command), &mut data));
    Row::times(GROUP, format!("{name} written"), &sides.medians(ROUNDS)).target("iso7816", 1.0)
}

#[inline]
pub fn obnova_read(apdu: &[u8]) -> usize {
    CommandView::parse(apdu).unwrap().data().len()
}

#[inline]
pub fn iso7816_read(apdu: &[u8]) -> usize {
    IsoView::try_from(apdu).unwrap().data().len()
}

#[inline]
pub fn obnova_written(command: &Command<'_>, out: &mut [u8]) -> usize {
    command.encode(out, command.shortest_form()).unwrap().len()
}

#[inline]
pub fn iso7816_written(command: &Command<'_>, out: &mut iso7816::Data<2048>) -> usize {
    let class = command.cla.try_into().unwrap();
    let builder =
        CommandBuilder::new(class, command.ins.into(), command.p1, command.p2, command.data, command.ne as u16);
    out.clear();
    builder.serialize_into(out).unwrap();
    out.len()
}
