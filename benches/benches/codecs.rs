//! Command APDUs and BER-TLV: ours beside `iso7816`, `iso7816-tlv` and `der`, on the same bytes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use der::asn1::AnyRef;
use der::{Decode, Header, Reader as _, SliceReader, Tagged};
use iso7816::command::{CommandBuilder, CommandView as IsoView};
use iso7816_tlv::ber::{Tlv as IsoTlv, Value as IsoValue};
use obnova_apdu::tlv::{Reader, Tag, VecWriter, Walk};
use obnova_apdu::{Command, CommandView, LengthForm};

criterion_group!(benches, command_parse, command_encode, tlv_walk, tlv_write);
criterion_main!(benches);

/// SELECT by AID, and UPDATE BINARY of 1,024 bytes in an extended APDU.
fn commands() -> [(&'static str, Vec<u8>); 2] {
    let select = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x00, 0x63, 0x00].to_vec();
    let mut update = vec![0x00, 0xD6, 0x00, 0x00, 0x00, 0x04, 0x00];
    update.resize(update.len() + 1024, 0x5A);
    [("select", select), ("update-extended", update)]
}

fn command_parse(c: &mut Criterion) {
    for (name, apdu) in commands() {
        let (ours, theirs) = (CommandView::parse(&apdu).unwrap(), IsoView::try_from(&apdu[..]).unwrap());
        assert_eq!((ours.data(), ours.ne() as usize), (theirs.data(), theirs.expected()));

        let mut group = c.benchmark_group(format!("command-parse/{name}"));
        group.bench_function("obnova", |b| b.iter(|| CommandView::parse(black_box(&apdu)).unwrap()));
        group.bench_function("iso7816", |b| b.iter(|| IsoView::try_from(black_box(&apdu[..])).unwrap()));
        group.finish();
    }
}

fn command_encode(c: &mut Criterion) {
    for (name, apdu) in commands() {
        let view = CommandView::parse(&apdu).unwrap();
        let command = view.to_command();
        let theirs = |command: &Command<'_>, out: &mut iso7816::Data<2048>| {
            let class = command.cla.try_into().unwrap();
            let le = command.ne as u16;
            let builder = CommandBuilder::new(class, command.ins.into(), command.p1, command.p2, command.data, le);
            out.clear();
            builder.serialize_into(out).unwrap();
        };
        let mut buffer = [0; 2048];
        let mut data = iso7816::Data::<2048>::new();
        theirs(&command, &mut data);
        assert_eq!(command.encode(&mut buffer, view.form()).unwrap(), data.as_slice());

        let mut group = c.benchmark_group(format!("command-encode/{name}"));
        let form = |command: &Command<'_>| -> LengthForm { command.shortest_form() };
        group.bench_function("obnova", |b| {
            b.iter(|| {
                let command = black_box(&command);
                command.encode(&mut buffer, form(command)).unwrap().len()
            })
        });
        group.bench_function("iso7816", |b| b.iter(|| theirs(black_box(&command), &mut data)));
        group.finish();
    }
}

/// A directory of fifty entries: 351 data objects in 2,004 bytes, three levels inside the outermost one.
fn directory() -> Vec<u8> {
    const SEQUENCE: Tag = Tag::new(0x30);
    const UTF8: Tag = Tag::new(0x0C);
    const BITS: Tag = Tag::new(0x03);
    const OCTETS: Tag = Tag::new(0x04);
    let mut writer = VecWriter::new();
    writer.constructed(SEQUENCE, |directory| {
        for entry in 0..50_u8 {
            directory.constructed(SEQUENCE, |object| {
                object.constructed(SEQUENCE, |common| {
                    common.primitive(UTF8, b"Certificat").primitive(BITS, &[6, 0x40]);
                });
                object.constructed(SEQUENCE, |class| {
                    class.primitive(OCTETS, &[entry; 4]);
                });
                object.primitive(OCTETS, &[entry; 10]);
            });
        }
    });
    let bytes = writer.into_vec();
    assert_eq!(bytes.len(), 2004);
    bytes
}

fn obnova_walk(bytes: &[u8]) -> usize {
    let mut nodes = 0;
    for node in Walk::<8>::new(bytes) {
        let node = node.unwrap();
        black_box((node.tag, node.value));
        nodes += 1;
    }
    nodes
}

fn obnova_levels(bytes: &[u8]) -> usize {
    let mut nodes = 0;
    for object in Reader::new(bytes) {
        let object = object.unwrap();
        black_box((object.tag, object.value));
        nodes += 1;
        if object.tag.is_constructed() {
            nodes += obnova_levels(object.value);
        }
    }
    nodes
}

fn iso7816_tlv(bytes: &[u8]) -> usize {
    fn count(object: &IsoTlv) -> usize {
        match object.value() {
            IsoValue::Constructed(inner) => 1 + inner.iter().map(count).sum::<usize>(),
            IsoValue::Primitive(_) => 1,
        }
    }
    IsoTlv::parse_all(bytes).iter().map(count).sum()
}

fn der(bytes: &[u8]) -> usize {
    let mut reader = SliceReader::new(bytes).unwrap();
    let mut nodes = 0;
    while !reader.is_finished() {
        let header = Header::decode(&mut reader).unwrap();
        let value = reader.read_slice(header.length()).unwrap();
        black_box((header.tag(), value));
        nodes += 1;
        if header.is_constructed() {
            nodes += der(value);
        }
    }
    nodes
}

/// `der` by its type for anything, which looks at each value once more.
fn der_any(bytes: &[u8]) -> usize {
    let mut reader = SliceReader::new(bytes).unwrap();
    let mut nodes = 0;
    while !reader.is_finished() {
        let any = AnyRef::decode(&mut reader).unwrap();
        black_box((any.tag(), any.value()));
        nodes += 1;
        if any.tag().is_constructed() {
            nodes += der_any(any.value());
        }
    }
    nodes
}

fn tlv_walk(c: &mut Criterion) {
    let bytes = directory();
    let mut group = c.benchmark_group("tlv-walk/directory");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    type Way = fn(&[u8]) -> usize;
    let ways: [(&str, Way); 5] = [
        ("obnova", obnova_walk),
        ("obnova-by-level", obnova_levels),
        ("iso7816-tlv", iso7816_tlv),
        ("der-headers", der),
        ("der-any", der_any),
    ];
    for (name, walk) in ways {
        assert_eq!(walk(&bytes), 351, "{name}");
        group.bench_function(name, |b| b.iter(|| walk(black_box(&bytes))));
    }
    group.finish();
}

fn tlv_write(c: &mut Criterion) {
    let bytes = directory();
    let objects = IsoTlv::parse_all(&bytes);
    assert_eq!(objects[0].to_vec(), bytes);

    let mut group = c.benchmark_group("tlv-write/directory");
    group.bench_function("obnova", |b| b.iter(directory));
    group.bench_function("iso7816-tlv, tree made before", |b| b.iter(|| black_box(&objects[0]).to_vec()));
    group.finish();
}
