//! BER-TLV walked and written, beside `iso7816-tlv` and `der` on the same bytes.

use std::hint::black_box;

use der::asn1::AnyRef;
use der::{Decode, Header, Reader as _, SliceReader, Tagged};
use iso7816_tlv::ber::{Tlv as IsoTlv, Value as IsoValue};
use obnova_apdu::tlv::{Reader, Tag, VecWriter, Walk};
use obnova_benches::{Report, Row, Sides};

const GROUP: &str = "BER-TLV";
const ROUNDS: usize = 251;

pub fn measure(report: &mut Report) {
    report.add(walked());
    report.add(by_level());
    report.add(written());
}

fn walked() -> Row {
    let bytes = directory();
    for nodes in [walk(&bytes), levels(&bytes), iso7816_tlv(&bytes), der_headers(&bytes), der_any(&bytes)] {
        assert_eq!(nodes, 351);
    }
    let sides = Sides::new()
        .side("obnova", || walk(black_box(&bytes)))
        .side("iso7816-tlv", || iso7816_tlv(black_box(&bytes)))
        .side("der, AnyRef", || der_any(black_box(&bytes)))
        .side("der, headers", || der_headers(black_box(&bytes)));
    let row = Row::times(GROUP, "351 objects walked, depth limited", &sides.quartiles(ROUNDS));
    row.target("iso7816-tlv", 20.0).target("der, AnyRef", 5.0).target("der, headers", 5.0)
}

fn by_level() -> Row {
    let bytes = directory();
    let sides = Sides::new()
        .side("obnova", || levels(black_box(&bytes)))
        .side("der, AnyRef", || der_any(black_box(&bytes)))
        .side("der, headers", || der_headers(black_box(&bytes)));
    let row = Row::times(GROUP, "351 objects, level by level", &sides.quartiles(ROUNDS));
    row.target("der, AnyRef", 5.0).target("der, headers", 5.0)
}

fn written() -> Row {
    let bytes = directory();
    let objects = IsoTlv::parse_all(&bytes);
    assert_eq!(objects[0].to_vec(), bytes);
    let sides =
        Sides::new().side("obnova", directory).side("iso7816-tlv, from its tree", || black_box(&objects[0]).to_vec());
    Row::times(GROUP, "351 objects written", &sides.quartiles(ROUNDS)).target("iso7816-tlv, from its tree", 1.0)
}

/// A directory of fifty entries: 351 data objects in 2,004 bytes, three levels inside the outermost one.
pub fn directory() -> Vec<u8> {
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

pub fn walk(bytes: &[u8]) -> usize {
    let mut nodes = 0;
    for node in Walk::<8>::new(bytes) {
        let node = node.unwrap();
        black_box((node.tag, node.value));
        nodes += 1;
    }
    nodes
}

pub fn levels(bytes: &[u8]) -> usize {
    let mut nodes = 0;
    for object in Reader::new(bytes) {
        let object = object.unwrap();
        black_box((object.tag, object.value));
        nodes += 1;
        if object.tag.is_constructed() {
            nodes += levels(object.value);
        }
    }
    nodes
}

pub fn iso7816_tlv(bytes: &[u8]) -> usize {
    fn count(object: &IsoTlv) -> usize {
        match object.value() {
            IsoValue::Constructed(inner) => 1 + inner.iter().map(count).sum::<usize>(),
            IsoValue::Primitive(_) => 1,
        }
    }
    IsoTlv::parse_all(bytes).iter().map(count).sum()
}

pub fn der_headers(bytes: &[u8]) -> usize {
    let mut reader = SliceReader::new(bytes).unwrap();
    let mut nodes = 0;
    while !reader.is_finished() {
        let header = Header::decode(&mut reader).unwrap();
        let value = reader.read_slice(header.length()).unwrap();
        black_box((header.tag(), value));
        nodes += 1;
        if header.is_constructed() {
            nodes += der_headers(value);
        }
    }
    nodes
}

/// `der` by its type for anything, which looks at each value once more.
pub fn der_any(bytes: &[u8]) -> usize {
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
