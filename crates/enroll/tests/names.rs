//! Whoever writes a name as his program does has that name; and nobody else has it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use const_oid::{
    ObjectIdentifier,
    db::{
        rfc3280::EMAIL_ADDRESS,
        rfc4519::{CN, COUNTRY_NAME, SERIAL_NUMBER, X_500_UNIQUE_IDENTIFIER},
    },
};
use der::{
    Decode, Encode, Tag,
    asn1::{Any, Ia5String},
};
use obnova_enroll::names::{same_alt_names, same_mailbox, same_name, same_name_in_any_order};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::pkix::{SubjectAltName, name::GeneralName},
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

type Attribute<'a> = (ObjectIdentifier, Tag, &'a [u8]);

/// A name of relative names, each of its attributes.
fn name(relative: &[&[Attribute<'_>]]) -> Name {
    let attribute =
        |(oid, tag, value): &Attribute<'_>| AttributeTypeAndValue { oid: *oid, value: Any::new(*tag, *value).unwrap() };
    let set = |one: &&[Attribute<'_>]| {
        RelativeDistinguishedName::try_from(one.iter().map(attribute).collect::<Vec<_>>()).unwrap()
    };
    Name::from_der(&RdnSequence::from(relative.iter().map(set).collect::<Vec<_>>()).to_der().unwrap()).unwrap()
}

fn common_name(tag: Tag, value: &[u8]) -> Name {
    name(&[&[(COUNTRY_NAME, Tag::PrintableString, b"CZ")], &[(CN, tag, value)]])
}

/// In both directions.
fn same(one: &Name, other: &Name) -> bool {
    let same = same_name(one, other);
    assert_eq!(same_name(other, one), same, "{one}, {other}");
    same
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[test]
fn a_name_is_the_same_in_every_string_type() {
    let known = common_name(Tag::Utf8String, b"Petr Novak");
    for tag in [Tag::PrintableString, Tag::TeletexString, Tag::Ia5String] {
        assert!(same(&known, &common_name(tag, b"Petr Novak")), "{tag}");
        assert!(!same(&known, &common_name(tag, b"Petr Nowak")), "{tag}");
        // No letter of this type.
        let latin1 = common_name(tag, b"Nov\xE1k");
        assert!(!same(&common_name(Tag::Utf8String, "Novák".as_bytes()), &latin1), "{tag}");
        assert!(same(&latin1, &latin1));
    }
    assert!(same(&known, &common_name(Tag::BmpString, &utf16("Petr Novak"))));
    let jana = common_name(Tag::Utf8String, "Jana Nováková".as_bytes());
    assert!(same(&jana, &common_name(Tag::BmpString, &utf16("Jana Nováková"))));
    assert!(!same(&jana, &common_name(Tag::BmpString, &utf16("Jana Novákova"))));
}

#[test]
fn case_and_spaces_make_no_other_name() {
    let jana = common_name(Tag::Utf8String, "Jana Nováková".as_bytes());
    for written in ["JANA NOVÁKOVÁ", "jana nováková", "  Jana   Nováková ", "Jana\u{a0}Nováková", "Jana\tNováková"]
    {
        assert!(same(&jana, &common_name(Tag::Utf8String, written.as_bytes())), "{written:?}");
    }
}

#[test]
fn a_name_that_differs_in_a_letter_is_another_name() {
    let jana = common_name(Tag::Utf8String, "Jana Nováková".as_bytes());
    for other in
        ["Jan Nováková", "Jana Novákova", "JanaNováková", "Jana N ováková", "Jana Nováková.", "J\0ana Nováková", ""]
    {
        assert!(!same(&jana, &common_name(Tag::Utf8String, other.as_bytes())), "{other:?}");
    }
    // Cyrillic letters of the same looks, a Turkish one, and what is no UTF-8.
    for other in ["Jаna Nováková", "Jana Novákovа́"] {
        assert!(!same(&jana, &common_name(Tag::Utf8String, other.as_bytes())), "{other:?}");
    }
    let dotted = [("Ivan", "ıvan"), ("Ivan", "İvan"), ("\u{fffd}", "\u{fffe}")];
    for (one, other) in dotted {
        let [one, other] = [one, other].map(|text| common_name(Tag::Utf8String, text.as_bytes()));
        assert!(!same(&one, &other), "{one}, {other}");
    }
    assert!(!same(&common_name(Tag::Utf8String, b"\xFF"), &common_name(Tag::Utf8String, b"\xFE")));
}

#[test]
fn what_is_no_text_is_compared_byte_for_byte() {
    let unique = |tag, value: &[u8]| name(&[&[(X_500_UNIQUE_IDENTIFIER, tag, value)]]);
    assert!(same(&unique(Tag::BitString, b"\0A"), &unique(Tag::BitString, b"\0A")));
    assert!(!same(&unique(Tag::BitString, b"\0A"), &unique(Tag::BitString, b"\0a")));
    assert!(!same(&unique(Tag::BitString, b"\0A"), &unique(Tag::Utf8String, b"\0A")));
    // Half a letter.
    assert!(!same(&common_name(Tag::BmpString, b"\0AB"), &common_name(Tag::Utf8String, b"A")));
}

#[test]
fn the_attributes_are_the_same_ones_and_stand_in_the_same_order() {
    let (country, person) =
        ((COUNTRY_NAME, Tag::PrintableString, &b"CZ"[..]), (CN, Tag::Utf8String, &b"Petr Novak"[..]));
    let known = name(&[&[country], &[person]]);
    for other in [
        name(&[&[person], &[country]]),
        name(&[&[person]]),
        name(&[&[country]]),
        name(&[&[country, person]]),
        name(&[&[country], &[person], &[person]]),
        name(&[&[country], &[(SERIAL_NUMBER, person.1, person.2)]]),
        Name::default(),
    ] {
        assert!(!same(&known, &other), "{other}");
    }
    // Within a relative name DER sorts by the bytes: by the string type too.
    let pair = |tag, value: &[u8]| name(&[&[(CN, tag, b"Petr Novak"), (CN, Tag::PrintableString, value)]]);
    assert!(same(&pair(Tag::Utf8String, b"Petr"), &pair(Tag::TeletexString, b"PETR")));
    assert!(!same(&pair(Tag::Utf8String, b"Petr"), &pair(Tag::Utf8String, b"Petra")));
    assert!(!same(&pair(Tag::Utf8String, b"Petr Novak"), &pair(Tag::Utf8String, b"Petr")), "one for two");
    let mail = |value: &[u8]| name(&[&[(EMAIL_ADDRESS, Tag::Ia5String, value)]]);
    assert!(same(&mail(b"petr@example.cz"), &mail(b"Petr@EXAMPLE.cz")), "no case there (RFC 5280 4.1.2.6)");
}

/// Who compares what was entered with what was issued leaves the order out, and nothing else.
#[test]
fn in_any_order_it_is_still_the_same_relative_names() {
    let country = (COUNTRY_NAME, Tag::PrintableString, &b"CZ"[..]);
    let (person, printed) =
        ((CN, Tag::Utf8String, &b"Petr Novak"[..]), (CN, Tag::PrintableString, &b"petr  novak"[..]));
    let same = |one: &Name, other: &Name| {
        let same = same_name_in_any_order(one, other);
        assert_eq!(same_name_in_any_order(other, one), same, "{one}, {other}");
        same
    };
    let known = name(&[&[country], &[person]]);
    for other in [name(&[&[country], &[person]]), name(&[&[person], &[country]]), name(&[&[printed], &[country]])] {
        assert!(same(&known, &other), "{other}");
    }
    for other in [
        name(&[&[person]]),
        name(&[&[country, person]]),
        name(&[&[person], &[country], &[person]]),
        name(&[&[person], &[person]]),
        name(&[&[country], &[(CN, Tag::Utf8String, b"Petra Novak")]]),
        Name::default(),
    ] {
        assert!(!same(&known, &other), "{other}");
    }
}

fn alt_names(names: &[GeneralName]) -> Vec<u8> {
    SubjectAltName(names.to_vec()).to_der().unwrap()
}

fn ia5(text: &str) -> Ia5String {
    Ia5String::new(text).unwrap()
}

#[test]
fn the_host_of_an_address_has_no_case_and_what_stands_before_it_has() {
    let mail = |address| alt_names(&[GeneralName::Rfc822Name(ia5(address))]);
    let known = mail("petr@example.cz");
    assert!(same_alt_names(&known, &mail("petr@EXAMPLE.cz")));
    for other in ["Petr@example.cz", "petr@example.cy", "petra@example.cz", "petr", "", "petr@x@example.cz"] {
        assert!(!same_alt_names(&known, &mail(other)), "{other:?}");
    }
    assert!(!same_alt_names(&mail("petr"), &mail("Petr")));
    assert!(same_mailbox("petr@example.cz", "petr@EXAMPLE.cz") && !same_mailbox("petr@example.cz", "Petr@example.cz"));
}

#[test]
fn other_names_are_the_same_ones_in_the_same_order() {
    let mail = || GeneralName::Rfc822Name(ia5("petr@example.cz"));
    let known = alt_names(&[mail()]);
    let dns = |host| alt_names(&[mail(), GeneralName::DnsName(ia5(host))]);
    assert!(same_alt_names(&dns("petr.example.cz"), &dns("PETR.example.cz")));
    assert!(!same_alt_names(&dns("petr.example.cz"), &dns("petra.example.cz")));
    let person = |tag, value| alt_names(&[GeneralName::DirectoryName(common_name(tag, value))]);
    let petr = person(Tag::Utf8String, b"Petr Novak");
    assert!(same_alt_names(&petr, &person(Tag::PrintableString, b"Petr Novak")));
    assert!(!same_alt_names(&petr, &person(Tag::PrintableString, b"Petr Nowak")));
    let site = |at| alt_names(&[GeneralName::UniformResourceIdentifier(ia5(at))]);
    assert!(!same_alt_names(&site("https://example.cz/a"), &site("https://example.cz/A")));
    let both = [mail(), GeneralName::DnsName(ia5("example.cz"))];
    let [one, other] = both.clone();
    for others in [vec![], vec![mail(), mail()], vec![one.clone()], vec![other, one]] {
        assert!(!same_alt_names(&alt_names(&both), &alt_names(&others)), "{others:?}");
    }
    let cut = &known[..known.len() - 1];
    assert!(same_alt_names(cut, cut) && !same_alt_names(&known, cut) && !same_alt_names(cut, &known));
    assert!(!same_alt_names(b"", &known) && !same_alt_names(cut, b"\x30\x01"));
}
