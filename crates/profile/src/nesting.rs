//! Objects within objects, deeper than anything of the profile.

use obnova_apdu::tlv::{TlvError, Walk};

/// Levels that anything here can have: an entry of a directory has five, with room for what others put in.
const LEVELS: usize = 8;

/// Names the nesting, when it is what is wrong with something that was refused. Nothing is read by descending as deep as the
/// card says, so what can be read needs no such look.
pub(crate) fn too_deep(bytes: &[u8]) -> Option<TlvError> {
    let refused = Walk::<LEVELS>::new(bytes).find_map(Result::err)?;
    matches!(refused, TlvError::TooDeep { .. }).then_some(refused)
}
