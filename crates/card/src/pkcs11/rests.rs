//! What an interruption left of key pairs and is no pair any more: a private key alone, of which nobody sees anything who has not logged
//! in, and objects that a module began to write and never finished.

use std::collections::BTreeMap;

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use obnova_algorithm::key_id;

use super::{
    convention::{KeyLabel, Stage},
    conversation::Conversation,
    numbers::lowest_free,
    objects::Pair,
};
use crate::{SlotId, TokenError};

/// What is left of one key pair, as far as the objects tell: those that have one identifier.
pub(super) struct Rest {
    /// CKA_ID; empty where a module did not come to it.
    pub(super) id: Vec<u8>,
    /// Where its label says that it is.
    place: Option<SlotId>,
    pub(super) objects: Vec<ObjectHandle>,
}

/// What is left beside these pairs; needs to be logged in. Only what this driver began is among it, by its label, and what has neither
/// identifier nor label nor key: a private key of another program may wait for its certificate, and one that is on no token is in use.
pub(super) fn find(card: &Conversation, pairs: &[(SlotId, Pair)]) -> Result<Vec<Rest>, TokenError> {
    let is_of_a_pair = |id: &[u8]| {
        let is_its = |pair: &Pair| pair.id == id || key_id(&pair.key).is_ok_and(|of_key| of_key.as_slice() == id);
        pairs.iter().any(|(_, pair)| is_its(pair))
    };
    let mut rests = BTreeMap::<Vec<u8>, Rest>::new();
    for class in [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY] {
        for handle in card.find_wherever(class, &[])? {
            let object = Object::read(card, class, handle)?;
            let is_a_pairs = match class {
                ObjectClass::PUBLIC_KEY => !object.has_no_key,
                _ => is_of_a_pair(&object.id),
            };
            if is_a_pairs || !object.is_left_over() {
                continue;
            }
            let place = object.label.place.map(|(_, slot)| slot);
            let new = || Rest { id: object.id.clone(), place, objects: Vec::new() };
            let rest = rests.entry(object.id.clone()).or_insert_with(new);
            rest.place = rest.place.or(place);
            rest.objects.push(handle);
        }
    }
    Ok(rests.into_values().collect())
}

/// Their slots: those that their labels name, where they are free, and else the lowest that are.
pub(super) fn numbered(rests: Vec<Rest>, taken: &[SlotId]) -> Vec<(SlotId, Rest)> {
    let mut numbered: Vec<(SlotId, Rest)> = Vec::with_capacity(rests.len());
    for rest in rests {
        let taken = || taken.iter().copied().chain(numbered.iter().map(|(slot, _)| *slot));
        let own = rest.place.filter(|place| taken().all(|slot| slot != *place));
        let slot = own.unwrap_or_else(|| lowest_free(taken()));
        numbered.push((slot, rest));
    }
    numbered
}

struct Object {
    id: Vec<u8>,
    label: KeyLabel,
    /// What everybody may know of a key was never written.
    has_no_key: bool,
    is_on_token: bool,
}

impl Object {
    fn read(card: &Conversation, class: ObjectClass, handle: ObjectHandle) -> Result<Self, TokenError> {
        use AttributeType as A;
        let (mut id, mut label, mut kind, mut value) = (Vec::new(), Vec::new(), None, Vec::new());
        let mut is_on_token = false;
        // Of an elliptic private key the point is not known in any case.
        let wanted = match class {
            ObjectClass::PUBLIC_KEY => [A::Token, A::Id, A::Label, A::KeyType, A::Modulus, A::EcPoint],
            _ => [A::Token, A::Id, A::Label, A::KeyType, A::Modulus, A::EcParams],
        };
        for attribute in card.attributes(handle, &wanted)? {
            match attribute {
                Attribute::Token(is) => is_on_token = is,
                Attribute::Id(bytes) => id = bytes,
                Attribute::Label(bytes) => label = bytes,
                Attribute::KeyType(of) => kind = Some(of),
                Attribute::Modulus(bytes) | Attribute::EcPoint(bytes) | Attribute::EcParams(bytes) => {
                    value.extend(bytes)
                }
                _ => {}
            }
        }
        let has_no_key = value.is_empty() && matches!(kind, None | Some(KeyType::RSA | KeyType::EC));
        Ok(Self { id, label: KeyLabel::parse(&String::from_utf8_lossy(&label)), has_no_key, is_on_token })
    }

    /// Whether no other program can mean it.
    fn is_left_over(&self) -> bool {
        let KeyLabel { text, place, stage } = &self.label;
        let is_blank = self.id.is_empty() && text.is_empty() && self.has_no_key;
        let is_ours = self.is_on_token && (place.is_some() || *stage != Stage::Whole);
        is_ours || is_blank
    }
}
