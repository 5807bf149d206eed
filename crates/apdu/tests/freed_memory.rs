//! What is in the memory of the process after an exchange: commands and answers stand nowhere but where their owner has them.
//!
//! The memory is read as the system shows it to the process itself (proc(5): maps, mem). What an allocator is given back it
//! leaves as it was, but for the words that it keeps its lists in.
#![cfg(all(feature = "alloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{convert::Infallible, fs::File, hint::black_box, io::Read, ops::Range, os::unix::fs::FileExt};

use obnova_apdu::{
    Command,
    exchange::{self, Limits},
    ins,
};
use zeroize::{Zeroize, Zeroizing};

/// Bytes in an answer of the card, and how many answers there are.
const PIECE: usize = 100;
const PIECES: usize = 8;
/// The part of the first answer, of a command too, that is looked for: behind the words in which an allocator keeps its lists.
const FIRST: Range<usize> = 40..80;
/// The same part of the last answer.
const LAST: Range<usize> = (PIECES - 1) * PIECE + FIRST.start..(PIECES - 1) * PIECE + FIRST.end;

/// Something to look for. It is computed, so that it stands nowhere by itself.
#[derive(Clone, Copy)]
struct Plant(u32);

impl Plant {
    fn byte(self, index: usize) -> u8 {
        let mixed = (self.0 ^ index as u32).wrapping_mul(0x9E37_79B1);
        ((mixed ^ mixed >> 15).wrapping_mul(0x85EB_CA6B) >> 24) as u8
    }

    fn bytes(self, range: Range<usize>) -> impl Iterator<Item = u8> {
        range.map(move |index| self.byte(index))
    }
}

/// The memory of this process, and what is needed to look through it, so that nothing more is allocated for it.
struct Memory {
    bytes: File,
    maps: String,
    part: Vec<u8>,
    /// What takes the room behind a vector, so that it has to move when it grows. Nothing is written into it.
    beside: Vec<Vec<u8>>,
}

impl Memory {
    fn new() -> Self {
        Self {
            bytes: File::open("/proc/self/mem").unwrap(),
            maps: String::with_capacity(1 << 20),
            part: vec![0; 1 << 16],
            beside: Vec::with_capacity(1 << 14),
        }
    }

    fn take_the_room_beside(&mut self) {
        self.beside.extend((1..=100).map(|count| Vec::with_capacity(16 * count)));
    }

    /// How often this part of it stands in memory that can be written, apart from where memory is read to.
    fn count(&mut self, plant: Plant, searched: Range<usize>) -> usize {
        self.maps.clear();
        File::open("/proc/self/maps").unwrap().read_to_string(&mut self.maps).unwrap();
        let own = self.part.as_ptr() as usize..self.part.as_ptr() as usize + self.part.len();
        let mut count = 0;
        for line in self.maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [mut at, end] = [begin, end].map(|address| usize::from_str_radix(address, 16).unwrap());
            while at + searched.len() <= end {
                let len = self.part.len().min(end - at);
                let part = &mut self.part[..len];
                self.bytes.read_exact_at(part, at as u64).unwrap();
                let is_planted = |window: &[u8]| {
                    window.iter().zip(plant.bytes(searched.clone())).all(|(is, planted)| *is == planted)
                };
                let places = part.windows(searched.len()).enumerate().filter(|(_, window)| is_planted(window));
                count += places.filter(|(place, _)| !own.contains(&(at + place))).count();
                // One that stands across the end of a part stands whole in the next.
                at += len + 1 - searched.len();
            }
        }
        count
    }
}

// One test, since it looks at the memory of all of them.
#[test]
fn commands_and_answers_are_left_nowhere() {
    let mut memory = Memory::new();

    // What is not wiped when it moves is found.
    let plant = Plant(0x5EED_0001);
    let mut data = Vec::new();
    for piece in 0..PIECES {
        memory.take_the_room_beside();
        data.extend(plant.bytes(piece * PIECE..(piece + 1) * PIECE));
    }
    assert!(memory.count(plant, FIRST) > 1, "the allocator leaves nothing of what it is given back");
    data.zeroize();

    let [command, answer] = [Plant(0x5EED_1001), Plant(0x5EED_2001)];
    let content: Zeroizing<Vec<u8>> = Zeroizing::new(command.bytes(0..PIECE).collect());
    let mut pieces = 0;
    let card = |_: &[u8], response: &mut Vec<u8>| -> Result<(), Infallible> {
        memory.take_the_room_beside();
        response.extend(answer.bytes(pieces * PIECE..(pieces + 1) * PIECE));
        pieces += 1;
        response.extend_from_slice(if pieces < PIECES { &[0x61, PIECE as u8] } else { &[0x90, 0x00] });
        Ok(())
    };
    let order = Command::new(0x00, ins::GET_DATA, 0, 0).with_data(&content).with_ne(256);
    let mut response = exchange::run(order, Limits::SHORT, card).unwrap();
    assert!(response.data.iter().copied().eq(answer.bytes(0..PIECES * PIECE)));

    assert_eq!(memory.count(answer, FIRST), 1, "an answer is left where it was before the response had to grow");
    assert_eq!(memory.count(answer, LAST), 1, "an answer is left where the card's answers came in");
    assert_eq!(memory.count(command, FIRST), 1, "a command is left where it was sent from");
    black_box(&content);
    response.data.zeroize();
    assert_eq!((memory.count(answer, FIRST), memory.count(answer, LAST)), (0, 0));
}
