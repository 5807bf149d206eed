//! Data objects from the vector files: read, walk, write again, cut short, nest too deep.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{bytes, lines};
use obnova_apdu::tlv::{self, Node, Reader, Tag, Tlv, TlvError, VecWriter, Walk, Writer};

const VALID: &str = include_str!("vectors/tlv.txt");
const INVALID: &str = include_str!("vectors/tlv-invalid.txt");

fn walk(bytes: &[u8]) -> Result<Vec<Node<'_>>, TlvError> {
    Walk::<16>::new(bytes).collect()
}

#[test]
fn vectors_walk_to_the_nodes_they_list() {
    for line in lines(VALID) {
        let [object, nodes, name] = line[..] else { panic!("three fields: {line:?}") };
        let object = bytes(object);
        let seen = walk(&object).expect(name);
        let seen = seen.iter().map(|node| format!("{}:{}:{}", node.depth, node.tag, node.value.len()));
        assert_eq!(seen.collect::<Vec<_>>().join(" "), nodes, "{name}");
    }
}

#[test]
fn what_is_no_data_object_is_refused_with_the_reason() {
    for line in lines(INVALID) {
        let [object, message, name] = line[..] else { panic!("three fields: {line:?}") };
        let object = bytes(object);
        assert_eq!(walk(&object).expect_err(name).to_string(), message, "{name}");
    }
}

/// Reads with every reader there is. What the walk accepts, level by level reading accepts, with the same nodes.
fn read_every_way(bytes: &[u8]) {
    fn level(reader: Reader<'_>, depth: usize, nodes: &mut Vec<(usize, Tag, Vec<u8>)>) -> Result<(), TlvError> {
        for object in reader {
            let object = object?;
            nodes.push((depth, object.tag, object.value.to_vec()));
            if object.tag.is_constructed() {
                level(object.children(), depth + 1, nodes)?;
            }
        }
        Ok(())
    }
    let mut nested = Vec::new();
    let by_level = level(Reader::new(bytes), 0, &mut nested);
    match walk(bytes) {
        Ok(nodes) => {
            assert_eq!(by_level, Ok(()));
            let nodes: Vec<_> = nodes.into_iter().map(|node| (node.depth, node.tag, node.value.to_vec())).collect();
            assert_eq!(nodes, nested);
        }
        Err(_) => assert!(by_level.is_err()),
    }
    let _ = Tlv::parse(bytes);
    let _ = Reader::padded(bytes).count();
}

#[test]
fn every_prefix_and_every_single_changed_byte_reads_the_same_on_every_way() {
    for line in lines(VALID).chain(lines(INVALID)) {
        let object = bytes(line[0]);
        for len in 0..object.len() {
            read_every_way(&object[..len]);
        }
        for at in 0..object.len().min(80) {
            for value in [0x00, 0x01, 0x1F, 0x20, 0x3F, 0x7F, 0x80, 0x81, 0x84, 0x85, 0xFE, 0xFF] {
                let mut changed = object.clone();
                changed[at] = value;
                read_every_way(&changed);
            }
        }
    }
}

/// Writes the nodes of a walk again, in both writers, with the shortest lengths.
fn rewrite(object: &[u8]) -> Vec<u8> {
    fn into_slice(reader: Reader<'_>, writer: &mut Writer<'_>) -> Result<(), TlvError> {
        reader.into_iter().try_for_each(|object| {
            let object = object?;
            if object.tag.is_constructed() {
                writer.constructed(object.tag, |inner| into_slice(object.children(), inner))
            } else {
                writer.primitive(object.tag, object.value)
            }
        })
    }
    fn into_vec(reader: Reader<'_>, writer: &mut VecWriter) {
        for object in reader.map(Result::unwrap) {
            if object.tag.is_constructed() {
                writer.constructed(object.tag, |inner| into_vec(object.children(), inner));
            } else {
                writer.primitive(object.tag, object.value);
            }
        }
    }
    let mut vec_writer = VecWriter::new();
    into_vec(Reader::new(object), &mut vec_writer);
    let written = vec_writer.into_vec();

    let mut buffer = vec![0; written.len()];
    let mut writer = Writer::new(&mut buffer);
    into_slice(Reader::new(object), &mut writer).unwrap();
    assert_eq!(writer.finish(), written);

    for len in 0..written.len().min(300) {
        let result = into_slice(Reader::new(object), &mut Writer::new(&mut buffer[..len]));
        assert!(matches!(result, Err(TlvError::BufferTooSmall { available, .. }) if available == len));
    }
    written
}

#[test]
fn what_was_read_is_written_again_with_the_shortest_lengths() {
    let mut shortened = 0;
    for line in lines(VALID) {
        let object = bytes(line[0]);
        let written = rewrite(&object);
        let nodes = |bytes| walk(bytes).unwrap().iter().map(|n| (n.depth, n.tag)).collect::<Vec<_>>();
        assert_eq!(nodes(&object), nodes(&written), "{}", line[2]);
        assert!(written.len() <= object.len());
        shortened += usize::from(written.len() < object.len());
        if written.len() == object.len() {
            assert_eq!(written, object);
        }
        assert_eq!(rewrite(&written), written);
    }
    assert_eq!(shortened, 2, "the two vectors with longer lengths than necessary");
}

/// `depth` constructed objects, each inside the one before.
fn nested(depth: usize) -> Vec<u8> {
    let mut object = Vec::new();
    for _ in 0..depth {
        let mut writer = VecWriter::new();
        writer.primitive(Tag::new(0x30), &object);
        object = writer.into_vec();
    }
    object
}

#[test]
fn twenty_thousand_nested_objects_are_a_clean_error() {
    let object = nested(20_000);
    assert_eq!(Walk::<16>::new(&object).filter(Result::is_ok).count(), 16);
    assert!(matches!(walk(&object), Err(TlvError::TooDeep { limit: 16, .. })));
    assert_eq!(Reader::new(&object).count(), 1);
    let path = [Tag::new(0x30); 20_000];
    assert!(tlv::find(&object, &path).unwrap().is_some_and(|innermost| innermost.value.is_empty()));
}

#[test]
fn the_depth_that_is_allowed_is_allowed_and_one_more_is_not() {
    assert_eq!(walk(&nested(16)).unwrap().len(), 16);
    assert!(matches!(walk(&nested(17)), Err(TlvError::TooDeep { limit: 16, .. })));
    assert_eq!(Walk::<1>::new(&nested(1)).filter(Result::is_ok).count(), 1);
}

#[test]
fn a_walk_ends_after_an_error() {
    let object = bytes("6F03 8402AA 8000");
    let mut walk = Walk::<16>::new(&object);
    assert!(walk.next().unwrap().is_ok());
    assert!(walk.next().unwrap().is_err());
    assert_eq!((walk.next(), walk.next()), (None, None));
}

#[test]
fn a_megabyte_of_objects_is_read_to_its_end() {
    let many = [0x80, 0x00].repeat(1 << 19);
    assert_eq!(Reader::new(&many).filter(Result::is_ok).count(), 1 << 19);
    assert_eq!(Walk::<16>::new(&many).filter(Result::is_ok).count(), 1 << 19);
    let padding = vec![0xFF; 1 << 20];
    assert_eq!(Reader::padded(&padding).count(), 0);
}

#[test]
fn padding_is_skipped_only_where_it_is_expected() {
    let file = bytes("0000 8001AA FFFF 8100 00FF00");
    assert_eq!(Reader::padded(&file).map(|object| object.unwrap().tag.number()).collect::<Vec<_>>(), [0x80, 0x81]);
    assert_eq!(Reader::new(&file).next(), Some(Err(TlvError::ZeroTag { offset: 0 })));
    let mut broken = Reader::padded(&file[..4]);
    let error = TlvError::ValueTruncated { offset: 2, length: 1, available: 0 };
    assert_eq!((broken.next(), broken.next()), (Some(Err(error)), None));
}

#[test]
fn objects_are_found_by_path() {
    let fci = bytes("6F0F8408A000000003000000A5039F6500");
    let find = |path: &[u32]| {
        let path: Vec<_> = path.iter().map(|number| Tag::new(*number)).collect();
        tlv::find(&fci, &path).unwrap().map(|object| object.encoded().to_vec())
    };
    assert_eq!(find(&[0x6F, 0xA5, 0x9F65]), Some(bytes("9F6500")));
    assert_eq!(find(&[0x6F, 0x84]), Some(bytes("8408A000000003000000")));
    assert_eq!(find(&[0x6F]), Some(fci.clone()));
    for missing in [&[][..], &[0x84], &[0x6F, 0x9F65], &[0x6F, 0xA5, 0x84]] {
        assert_eq!(find(missing), None, "{missing:X?}");
    }
    // The AID is no data object, so that there is no way into it.
    let into_primitive = [Tag::new(0x6F), Tag::new(0x84), Tag::new(0x9F65)];
    assert_eq!(tlv::find(&fci, &into_primitive), Err(TlvError::ZeroTag { offset: 2 }));
}

#[test]
fn one_object_is_exactly_one() {
    let object = bytes("8302503F");
    let parsed = Tlv::parse(&object).unwrap();
    assert_eq!((parsed.tag, parsed.value, parsed.as_u32()), (Tag::new(0x83), &[0x50, 0x3F][..], Some(0x503F)));
    assert_eq!(parsed.encoded(), object);
    assert_eq!(Tlv::parse(&bytes("8302503F 00")), Err(TlvError::TrailingBytes { offset: 4 }));
    assert_eq!(Tlv::parse(&[]), Err(TlvError::TagTruncated { offset: 0 }));
}

#[test]
fn numbers_are_read_when_they_fit() {
    let number = |hex: &str| Tlv::parse(&bytes(hex)).unwrap().as_u32();
    assert_eq!(number("8000"), None);
    assert_eq!(number("800100"), Some(0));
    assert_eq!(number("8004FFFFFFFF"), Some(u32::MAX));
    assert_eq!(number("80050000000001"), Some(1));
    assert_eq!(number("80050100000000"), None);
}

#[test]
fn only_well_formed_tags_can_be_made() {
    let well_formed = [0x04, 0x30, 0x5F50, 0x7F49, 0xDF8102, 0xDF818201];
    for number in well_formed {
        let tag = Tag::try_new(number).unwrap();
        let mut writer = VecWriter::new();
        writer.primitive(tag, &[]);
        let written = writer.into_vec();
        assert_eq!(Tlv::parse(&written).unwrap().tag, tag);
        assert_eq!(written.len(), tag.encoded_len() + 1);
    }
    for number in [0, 0x1F, 0x5F, 0x3000, 0x5F81, 0x5F5001, 0xDF818281] {
        assert_eq!(Tag::try_new(number), None, "{number:X}");
    }
}
