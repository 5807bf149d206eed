//! Which pair has which slot number.

use std::collections::BTreeMap;

use super::objects::Pair;
use crate::SlotId;

/// Numbers that were given to pairs, by CKA_ID. A number stays a pair's own for as long as this lives, whatever else comes
/// and goes, so that what was listed is what is removed.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<Vec<u8>, SlotId>);

impl Numbers {
    /// The pairs by their numbers. First come those that have one, by their label or from before; the others get the lowest
    /// that are free, in their order.
    pub(super) fn assign(&mut self, mut pairs: Vec<Pair>) -> Vec<(SlotId, Pair)> {
        // Of two pairs with one identifier the one whose label has the number is the one that has it.
        pairs.sort_by_key(|pair| pair.label.place.is_none());
        let mut numbers: BTreeMap<Vec<u8>, SlotId> = BTreeMap::new();
        for pair in &pairs {
            let own = pair.label.place.map(|(_, slot)| slot).or_else(|| self.0.get(&pair.id).copied());
            if let Some(own) = own
                && !numbers.values().any(|taken| *taken == own)
            {
                numbers.entry(pair.id.clone()).or_insert(own);
            }
        }
        let mut numbered: Vec<(SlotId, Pair)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let known = numbers.get(&pair.id).copied();
            let number = known.filter(|known| !numbered.iter().any(|(taken, _)| taken == known));
            let number = number.unwrap_or_else(|| {
                lowest_free(numbers.values().copied().chain(numbered.iter().map(|(taken, _)| *taken)))
            });
            numbers.entry(pair.id.clone()).or_insert(number);
            numbered.push((number, pair));
        }
        numbered.sort_by_key(|(number, _)| *number);
        self.0 = numbers;
        numbered
    }
}

/// The lowest number that is not taken.
pub(super) fn lowest_free(taken: impl Iterator<Item = SlotId>) -> SlotId {
    let taken: Vec<_> = taken.collect();
    SlotId((1..).find(|number| !taken.contains(&SlotId(*number))).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use obnova_algorithm::KeyAlgorithm;

    use super::*;
    use crate::{
        KeyRole,
        pkcs11::{
            convention::{KeyLabel, Stage},
            keys,
        },
    };

    fn pair(id: &[u8], number: Option<u32>) -> Pair {
        Pair {
            id: id.to_vec(),
            public: None,
            key: keys::rsa(&[0xC1; 256], &[1, 0, 1]).unwrap(),
            algorithm: KeyAlgorithm::Rsa2048,
            label: KeyLabel {
                text: "a key".to_owned(),
                place: number.map(|number| (KeyRole::Authentication, SlotId(number))),
                stage: Stage::Whole,
            },
            certificates: Vec::new(),
        }
    }

    fn assigned(numbers: &mut Numbers, pairs: &[(&[u8], Option<u32>)]) -> Vec<(u32, Vec<u8>)> {
        let pairs = pairs.iter().map(|(id, number)| pair(id, *number)).collect();
        numbers.assign(pairs).into_iter().map(|(number, pair)| (number.0, pair.id)).collect()
    }

    #[test]
    fn pairs_with_a_number_have_it_and_the_others_fill_the_gaps() {
        let pairs: [(&[u8], _); 4] = [(b"a", None), (b"b", Some(1)), (b"c", None), (b"d", Some(3))];
        let expected = [(1, b"b"), (2, b"a"), (3, b"d"), (4, b"c")].map(|(number, id)| (number, id.to_vec()));
        assert_eq!(assigned(&mut Numbers::default(), &pairs), expected);
    }

    #[test]
    fn a_number_stays_when_others_come_and_go() {
        let mut numbers = Numbers::default();
        assigned(&mut numbers, &[(b"a", None), (b"b", None), (b"c", None)]);
        assert_eq!(assigned(&mut numbers, &[(b"0", None), (b"c", None)]), [(1, b"0".to_vec()), (3, b"c".to_vec())]);
        // A pair that was made since, and took number 1 by its label.
        let now = assigned(&mut numbers, &[(b"0", None), (b"c", None), (b"z", Some(2))]);
        assert_eq!(now.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_pair_keeps_its_number_beside_another_with_its_identifier() {
        for pairs in [[(b"a".as_slice(), Some(3)), (b"a", None)], [(b"a", None), (b"a", Some(3))]] {
            let pairs = pairs.map(|(id, number)| pair(id, number)).into();
            let assigned = Numbers::default().assign(pairs);
            let places: Vec<_> = assigned.iter().map(|(number, pair)| (number.0, pair.label.place.is_some())).collect();
            assert_eq!(places, [(1, false), (3, true)]);
        }
    }

    #[test]
    fn no_two_pairs_have_one_number() {
        let mut numbers = Numbers::default();
        for pairs in [
            [(b"".as_slice(), None), (b"", None), (b"x", None)],
            [(b"a", Some(1)), (b"b", Some(1)), (b"c", None)],
            [(b"a", Some(2)), (b"a", Some(1)), (b"c", Some(2))],
        ] {
            for _ in 0..2 {
                let assigned = assigned(&mut numbers, &pairs);
                assert!(assigned.windows(2).all(|two| two[0].0 < two[1].0), "{assigned:?}");
                assert_eq!(assigned.len(), 3);
            }
        }
    }
}
