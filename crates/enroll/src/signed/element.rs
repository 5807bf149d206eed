//! Elements of parts that are DER already.

use std::collections::BTreeSet;

use der::{Encode, Length, Tag};

/// One element around parts of its content.
pub(super) fn element<P: AsRef<[u8]>>(tag: Tag, parts: &[P]) -> der::Result<Vec<u8>> {
    let size = parts.iter().map(|part| part.as_ref().len()).sum::<usize>();
    let mut out = Vec::with_capacity(size + MAX_HEADER);
    tag.encode_to_vec(&mut out)?;
    Length::try_from(size)?.encode_to_vec(&mut out)?;
    parts.iter().for_each(|part| out.extend_from_slice(part.as_ref()));
    Ok(out)
}

/// What is written into one buffer, however deep it is nested.
pub(super) enum Part<'a> {
    /// DER of what stands there.
    Written(&'a [u8]),
    /// An element around others.
    Element(Tag, Vec<Part<'a>>),
}

impl Part<'_> {
    pub(super) fn size(&self) -> der::Result<usize> {
        Ok(match self {
            Self::Written(bytes) => bytes.len(),
            Self::Element(_, parts) => {
                let content = content_size(parts)?;
                1 + usize::try_from(Length::try_from(content)?.encoded_len()?)? + content
            }
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> der::Result<()> {
        match self {
            Self::Written(bytes) => out.extend_from_slice(bytes),
            Self::Element(tag, parts) => {
                tag.encode_to_vec(out)?;
                Length::try_from(content_size(parts)?)?.encode_to_vec(out)?;
                parts.iter().try_for_each(|part| part.write(out))?;
            }
        }
        Ok(())
    }
}

fn content_size(parts: &[Part<'_>]) -> der::Result<usize> {
    parts.iter().map(Part::size).sum()
}

/// Tag and length of all that is written here.
const MAX_HEADER: usize = 6;

/// The members of a SET OF, sorted as DER asks (X.690 §11.6), nothing twice.
pub(super) fn set_of<P: AsRef<[u8]>>(members: &[P]) -> Vec<&[u8]> {
    members.iter().map(AsRef::as_ref).collect::<BTreeSet<_>>().into_iter().collect()
}
