//! Any bytes as data objects: all readers agree, and what was read is written again as the same objects.
#![no_main]

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
