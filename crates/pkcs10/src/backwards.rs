use const_oid::ObjectIdentifier;
use der::{Encode, Tagged, asn1::Any};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use x509_cert::{
    ext::Extension,
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

/// DER that is written from its end to its beginning, into one buffer: the length of a sequence is known when the turn of its
/// header comes, and is not computed beforehand. So the last field of a sequence is written first.
pub(crate) struct Backwards {
    /// Enough for most requests.
    small: [u8; 1024],
    /// Instead of it, when there is more.
    large: Vec<u8>,
    /// Where what is written begins.
    at: usize,
}

const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

impl Backwards {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self { small: [0; 1024], large: Vec::new(), at: 1024 }
    }

    /// What was written, from its beginning to its end.
    pub(crate) fn finish(&self) -> Vec<u8> {
        self.buffer()[self.at..].to_vec()
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> usize {
        self.buffer().len() - self.at
    }

    /// Bytes before what was written.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).copy_from_slice(bytes);
    }

    /// A data object; `write` writes what is in it.
    pub(crate) fn inside(&mut self, tag: u8, write: impl FnOnce(&mut Self) -> der::Result<()>) -> der::Result<()> {
        let end = self.written();
        write(self)?;
        self.length(self.written() - end);
        self.put(&[tag]);
        Ok(())
    }

    /// A data object with this in it.
    pub(crate) fn primitive(&mut self, tag: u8, value: &[u8]) {
        self.put(value);
        self.length(value.len());
        self.put(&[tag]);
    }

    /// What `der` knows how to write.
    pub(crate) fn encoded(&mut self, value: &impl Encode) -> der::Result<()> {
        let length = usize::try_from(value.encoded_len()?)?;
        value.encode_to_slice(self.space(length)).map(drop)
    }

    pub(crate) fn name(&mut self, name: &Name) -> der::Result<()> {
        let names: &RdnSequence = name.as_ref();
        let names: &Vec<RelativeDistinguishedName> = names.as_ref();
        self.inside(SEQUENCE, |all| {
            names.iter().rev().try_for_each(|name| {
                all.inside(SET, |set| {
                    let parts: &der::asn1::SetOfVec<_> = name.as_ref();
                    parts.as_slice().iter().rev().try_for_each(|part: &x509_cert::attr::AttributeTypeAndValue| {
                        set.inside(SEQUENCE, |pair| {
                            pair.any(&part.value)?;
                            pair.oid(part.oid);
                            Ok(())
                        })
                    })
                })
            })
        })
    }

    pub(crate) fn public_key(&mut self, key: &SubjectPublicKeyInfoOwned) -> der::Result<()> {
        self.inside(SEQUENCE, |fields| {
            let bits = &key.subject_public_key;
            fields.bits(bits.unused_bits(), bits.raw_bytes());
            fields.inside(SEQUENCE, |algorithm| {
                key.algorithm.parameters.iter().try_for_each(|parameters| algorithm.any(parameters))?;
                algorithm.oid(key.algorithm.oid);
                Ok(())
            })
        })
    }

    pub(crate) fn bits(&mut self, unused: u8, bits: &[u8]) {
        self.put(bits);
        self.put(&[unused]);
        self.length(1 + bits.len());
        self.put(&[BIT_STRING]);
    }

    /// RFC 5280 §4.1: `critical` is written only when it is true.
    pub(crate) fn extension(&mut self, extension: &Extension) -> der::Result<()> {
        self.inside(SEQUENCE, |fields| {
            fields.primitive(OCTET_STRING, extension.extn_value.as_bytes());
            if extension.critical {
                fields.put(&[0x01, 0x01, 0xFF]);
            }
            fields.oid(extension.extn_id);
            Ok(())
        })
    }

    pub(crate) fn oid(&mut self, oid: ObjectIdentifier) {
        self.primitive(0x06, oid.as_bytes());
    }

    fn any(&mut self, any: &Any) -> der::Result<()> {
        self.put(any.value());
        self.length(any.value().len());
        self.encoded(&any.tag())
    }

    /// ITU-T X.690 §10.1: in as few bytes as it takes.
    fn length(&mut self, length: usize) {
        if length < 0x80 {
            return self.put(&[length as u8]);
        }
        let bytes = length.to_be_bytes();
        let bytes = &bytes[length.leading_zeros() as usize / 8..];
        self.put(bytes);
        self.put(&[0x80 + bytes.len() as u8]);
    }

    /// So many bytes before what was written.
    fn space(&mut self, length: usize) -> &mut [u8] {
        let at = match self.at.checked_sub(length) {
            Some(at) => at,
            None => self.grow(length),
        };
        let end = std::mem::replace(&mut self.at, at);
        let buffer = if self.large.is_empty() { &mut self.small[..] } else { &mut self.large };
        &mut buffer[at..end]
    }

    fn buffer(&self) -> &[u8] {
        if self.large.is_empty() { &self.small } else { &self.large }
    }

    /// Makes room for so many bytes more at least, and says where they begin.
    fn grow(&mut self, length: usize) -> usize {
        let more = length.max(self.buffer().len());
        self.large = [&vec![0; more], self.buffer()].concat();
        self.at += more;
        self.at - length
    }
}

#[cfg(test)]
mod tests {
    use der::asn1::OctetStringRef;

    use super::*;

    #[test]
    fn lengths_are_written_as_der_writes_them() {
        for length in [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x1_0000] {
            let value = vec![7; length];
            let mut writer = Backwards::new();
            writer.primitive(OCTET_STRING, &value);
            assert_eq!(writer.finish(), OctetStringRef::new(&value).unwrap().to_der().unwrap(), "{length} bytes");
        }
    }

    #[test]
    fn the_buffer_grows_before_what_is_written() {
        let mut writer = Backwards::new();
        let mut expected = Vec::new();
        for byte in 0..=255 {
            let bytes = vec![byte; usize::from(byte)];
            writer.put(&bytes);
            expected.splice(..0, bytes);
            assert_eq!(writer.written(), expected.len());
        }
        assert_eq!(writer.finish(), expected);
    }
}
