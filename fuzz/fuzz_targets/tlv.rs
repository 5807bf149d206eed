//! Any bytes as data objects: all readers agree, and what was read is written again as the same objects, which `iso7816-tlv` reads
//! alike.
#![no_main]

use iso7816_tlv::ber::{Tlv as IsoTlv, Value as IsoValue};
use libfuzzer_sys::fuzz_target;
use obnova_apdu::tlv::{self, Node, Reader, Tag, Tlv, TlvError, VecWriter, Walk, Writer};

const DEPTH: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let walk: Result<Vec<Node<'_>>, TlvError> = Walk::<DEPTH>::new(bytes).collect();
    let mut nodes = Vec::new();
    let levels = read_levels(Reader::new(bytes), 0, &mut nodes);
    match &walk {
        Ok(walked) => {
            assert_eq!(levels, Ok(()));
            let walked: Vec<_> = walked.iter().map(|node| (node.depth, node.tag, node.value)).collect();
            assert_eq!(walked, nodes);
            rewrite(bytes, &nodes);
        }
        Err(error) => {
            assert!(levels.is_err(), "{error}");
            let _ = error.to_string();
        }
    }
    for (_, tag, value) in &nodes {
        assert_eq!(Tag::try_new(tag.number()), Some(*tag));
        assert!(value.len() < bytes.len());
    }
    if let Some((_, tag, value)) = nodes.first() {
        let found = tlv::find(bytes, &[*tag]).expect("it was read").expect("it is there");
        assert_eq!(found.value, *value);
    }
    if let Ok(object) = Tlv::parse(bytes) {
        assert_eq!(object.encoded(), bytes);
        let _ = object.as_u32();
    }
    // Padding ends: the reader always comes to an end, and never yields more than the bytes can hold.
    assert!(Reader::padded(bytes).count() <= bytes.len());
});

/// Level by level, with a recursion that the limit bounds.
fn read_levels<'a>(reader: Reader<'a>, depth: usize, nodes: &mut Vec<(usize, Tag, &'a [u8])>) -> Result<(), TlvError> {
    for object in reader {
        let object = object?;
        if depth == DEPTH {
            return Err(TlvError::TooDeep { offset: 0, limit: DEPTH });
        }
        nodes.push((depth, object.tag, object.value));
        if object.tag.is_constructed() {
            read_levels(object.children(), depth + 1, nodes)?;
        }
    }
    Ok(())
}

fn rewrite(bytes: &[u8], nodes: &[(usize, Tag, &[u8])]) {
    let mut in_vec = VecWriter::new();
    write_vec(Reader::new(bytes), &mut in_vec);
    let written = in_vec.into_vec();
    assert!(written.len() <= bytes.len());

    let mut buffer = vec![0; written.len()];
    let mut in_slice = Writer::new(&mut buffer);
    write_slice(Reader::new(bytes), &mut in_slice).expect("the buffer is long enough");
    assert_eq!(in_slice.finish(), written);

    let again: Vec<_> = Walk::<DEPTH>::new(&written).map(|node| node.expect("just written")).collect();
    assert_eq!(again.len(), nodes.len());
    for (again, (depth, tag, value)) in again.iter().zip(nodes) {
        assert_eq!((again.depth, again.tag), (*depth, *tag));
        assert!(tag.is_constructed() || again.value == *value);
    }
    // The crate reads tags of at most three bytes.
    if nodes.iter().all(|(_, tag, _)| tag.encoded_len() <= 3) {
        iso7816_tlv_reads(&written, &again);
    }
}

/// Where every length is in its shortest form: inside an object the crate counts by the lengths that it would write itself.
fn iso7816_tlv_reads(mut bytes: &[u8], nodes: &[Node<'_>]) {
    let mut theirs = Vec::new();
    while !bytes.is_empty() {
        let (object, rest) = IsoTlv::parse(bytes);
        flatten(&object.expect("we read it"), 0, &mut theirs);
        bytes = rest;
    }
    let value = |node: &Node<'_>| (!node.tag.is_constructed()).then(|| node.value.to_vec());
    let ours: Vec<_> = nodes.iter().map(|node| (node.depth, node.tag.number(), value(node))).collect();
    assert_eq!(ours, theirs);
}

/// Depth, tag and, where it is primitive, value of an object and of all that stand in it.
fn flatten(object: &IsoTlv, depth: usize, nodes: &mut Vec<(usize, u32, Option<Vec<u8>>)>) {
    let tag = object.tag().to_bytes().iter().fold(0, |tag, byte| tag << 8 | u32::from(*byte));
    match object.value() {
        IsoValue::Primitive(value) => nodes.push((depth, tag, Some(value.clone()))),
        IsoValue::Constructed(inner) => {
            nodes.push((depth, tag, None));
            inner.iter().for_each(|object| flatten(object, depth + 1, nodes));
        }
    }
}

fn write_vec(reader: Reader<'_>, writer: &mut VecWriter) {
    for object in reader.map(|object| object.expect("it was read before")) {
        if object.tag.is_constructed() {
            writer.constructed(object.tag, |inner| write_vec(object.children(), inner));
        } else {
            writer.primitive(object.tag, object.value);
        }
    }
}

fn write_slice(reader: Reader<'_>, writer: &mut Writer<'_>) -> Result<(), TlvError> {
    for object in reader {
        let object = object?;
        if object.tag.is_constructed() {
            writer.constructed(object.tag, |inner| write_slice(object.children(), inner))?;
        } else {
            writer.primitive(object.tag, object.value)?;
        }
    }
    Ok(())
}
