//! Whether two names are the same, however each is written. Programs write the same name as different string types, and a CA goes on
//! with its own.

use der::{
    Decode, Tag, Tagged,
    asn1::{Any, BmpString},
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::pkix::{SubjectAltName, name::GeneralName},
    name::{Name, RelativeDistinguishedName},
};

/// Whether two distinguished names match (RFC 5280 §7.1): the same attributes in the same order, those within a relative
/// distinguished name in any order. Text matches whatever its string type and case, with runs of spaces as one and none around it
/// (RFC 4518 §2.6.1); values that are no text match byte for byte.
///
/// It is stricter than RFC 4518 where that needs the tables of Unicode: composed and decomposed letters do not match, nor does "ß" match
/// "ss", and TeletexString is read as ASCII.
#[must_use]
pub fn same_name(one: &Name, other: &Name) -> bool {
    one == other
        || one.iter_rdn().count() == other.iter_rdn().count()
            && one.iter_rdn().zip(other.iter_rdn()).all(|(one, other)| same_relative_name(one, other))
}

/// Whether two distinguished names have the same relative distinguished names, each as [`same_name`] compares them, in whatever order: who a
/// name that was entered and one in a certificate are about, which may be written the other way round (RFC 4514 §2.1). It is no match of
/// RFC 5280.
#[must_use]
pub fn same_name_in_any_order(one: &Name, other: &Name) -> bool {
    all_match(one.iter_rdn(), other.iter_rdn(), same_relative_name)
}

/// Whether two subjectAltName extensions, as DER, have the same names in the same order. A mail address matches as [`same_mailbox`] has it,
/// a DNS name in any case (RFC 5280 §7.2), a directory name as [`same_name`] has it, and every other name byte for byte.
#[must_use]
pub fn same_alt_names(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let (Ok(SubjectAltName(one)), Ok(SubjectAltName(other))) =
        (SubjectAltName::from_der(one), SubjectAltName::from_der(other))
    else {
        return false;
    };
    one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same_general_name(one, other))
}

/// "A matching naming attribute" for each one (RFC 5280 §7.1), which no two share.
fn same_relative_name(one: &RelativeDistinguishedName, other: &RelativeDistinguishedName) -> bool {
    all_match(one.iter(), other.iter(), same_attribute)
}

/// Whether there is one of the others for each, which no two share, and none is left.
fn all_match<'n, T: 'n>(
    mut one: impl Iterator<Item = &'n T>,
    other: impl Iterator<Item = &'n T>,
    same: impl Fn(&T, &T) -> bool,
) -> bool {
    let mut others: Vec<_> = other.collect();
    let matched = one.all(|one| {
        let at = others.iter().position(|other| same(one, other));
        at.map(|at| others.swap_remove(at)).is_some()
    });
    matched && others.is_empty()
}

fn same_attribute(one: &AttributeTypeAndValue, other: &AttributeTypeAndValue) -> bool {
    one.oid == other.oid
        && match (text(&one.value), text(&other.value)) {
            (Some(one), Some(other)) => folded(&one) == folded(&other),
            _ => one.value == other.value,
        }
}

/// What a string says; `None` for what is no string, or not one of its type.
fn text(value: &Any) -> Option<String> {
    let ascii = |text: &str| text.is_ascii().then(|| text.to_owned());
    let bytes = || std::str::from_utf8(value.value()).ok();
    match value.tag() {
        Tag::Utf8String => bytes().map(str::to_owned),
        Tag::PrintableString | Tag::Ia5String | Tag::TeletexString => bytes().and_then(ascii),
        Tag::BmpString => value.decode_as::<BmpString>().ok().map(|text| text.to_string()),
        _ => None,
    }
}

fn folded(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().flat_map(char::to_lowercase).collect()
}

fn same_general_name(one: &GeneralName, other: &GeneralName) -> bool {
    match (one, other) {
        (GeneralName::Rfc822Name(one), GeneralName::Rfc822Name(other)) => same_mailbox(one.as_str(), other.as_str()),
        (GeneralName::DnsName(one), GeneralName::DnsName(other)) => one.as_str().eq_ignore_ascii_case(other.as_str()),
        (GeneralName::DirectoryName(one), GeneralName::DirectoryName(other)) => same_name(one, other),
        _ => one == other,
    }
}

/// Whether two mail addresses match (RFC 5280 §7.5): what stands before the "@" as it is, and the host in any case.
#[must_use]
pub fn same_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, host)), Some((other_local, other_host))) => {
            local == other_local && host.eq_ignore_ascii_case(other_host)
        }
        _ => one == other,
    }
}
