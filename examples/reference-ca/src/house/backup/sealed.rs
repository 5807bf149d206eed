//! A stream sealed under a passphrase: pieces of 64 KiB, each with its own tag, none of which can be left out, put in or moved.

use std::io::{self, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::Passphrase;

/// What a sealed stream begins with; salt and cost of the passphrase's hash follow.
pub(super) const MAGIC: &[u8] = b"obnova-ca backup, sealed 1\n";

const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
const SALT: usize = 16;
const HEADER: usize = SALT + 12;
/// Argon2id as RFC 9106 §4 recommends it where memory is short: 64 MiB, three passes; one lane, since one processor does it.
const COST: [u32; 3] = [64 * 1024, 3, 1];
/// The most that a file may demand of whoever opens it.
const MOST: [u32; 3] = [1024 * 1024, 16, 16];

/// Seals what is written to it.
pub(super) struct Sealer<W> {
    out: W,
    pieces: Pieces,
    /// At most a piece; the last one is sealed as such, so that nothing can be cut off.
    waiting: Zeroizing<Vec<u8>>,
}

/// Opens what was sealed.
pub(super) struct Opener<R> {
    from: R,
    pieces: Pieces,
    /// The piece after the one that is read, still sealed: empty at the end.
    next: Vec<u8>,
    open: Zeroizing<Vec<u8>>,
    at: usize,
    ended: bool,
}

struct Pieces {
    key: LessSafeKey,
    /// Bound to every piece.
    header: [u8; HEADER],
    number: u64,
}

impl<W: Write> Sealer<W> {
    pub fn new(out: W, passphrase: &Passphrase) -> io::Result<Self> {
        Self::with_cost(out, passphrase, COST)
    }

    fn with_cost(mut out: W, passphrase: &Passphrase, cost: [u32; 3]) -> io::Result<Self> {
        let mut header = [0; HEADER];
        aws_lc_rs::rand::fill(&mut header[..SALT]).map_err(|_| crypto())?;
        for (field, cost) in header[SALT..].chunks_mut(4).zip(cost) {
            field.copy_from_slice(&cost.to_be_bytes());
        }
        let pieces = Pieces::new(header, passphrase)?;
        out.write_all(MAGIC)?;
        out.write_all(&header)?;
        Ok(Self { out, pieces, waiting: Zeroizing::new(Vec::with_capacity(PIECE + TAG)) })
    }

    /// Seals the last piece.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.out)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        self.pieces.seal(&mut self.waiting, last)?;
        self.out.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() == PIECE {
            self.seal(false)?;
        }
        let taken = bytes.len().min(PIECE - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<R: Read> Opener<R> {
    /// Opens a stream whose [`MAGIC`] was read already.
    pub fn new(mut from: R, passphrase: &Passphrase) -> io::Result<Self> {
        let mut header = [0; HEADER];
        from.read_exact(&mut header)?;
        let pieces = Pieces::new(header, passphrase)?;
        let next = piece(&mut from)?;
        Ok(Self { from, pieces, next, open: Zeroizing::default(), at: 0, ended: false })
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut current = std::mem::take(&mut self.next);
        if current.len() == PIECE + TAG {
            self.next = piece(&mut self.from)?;
        }
        self.ended = self.next.is_empty();
        self.pieces.open(&mut current, self.ended)?;
        self.open = Zeroizing::new(current);
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.open.len() && !self.ended {
            self.refill()?;
        }
        let some = into.len().min(self.open.len() - self.at);
        into[..some].copy_from_slice(&self.open[self.at..self.at + some]);
        self.at += some;
        Ok(some)
    }
}

impl Pieces {
    fn new(header: [u8; HEADER], passphrase: &Passphrase) -> io::Result<Self> {
        let mut cost =
            header[SALT..].chunks(4).map(|field| field.iter().fold(0, |all, &one| all << 8 | u32::from(one)));
        let cost: [u32; 3] = std::array::from_fn(|_| cost.next().unwrap_or_default());
        if cost.iter().zip(MOST).any(|(cost, most)| *cost > most) {
            return Err(altered("its beginning was altered: no backup has such a passphrase"));
        }
        let params =
            Params::new(cost[0], cost[1], cost[2], Some(32)).map_err(|_| altered("its beginning was altered"))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&passphrase.0, &header[..SALT], key.as_mut_slice())
            .map_err(|_| crypto())?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| crypto())?);
        Ok(Self { key, header, number: 0 })
    }

    /// Of the next piece: its number, and whether it is the last. The key is of this stream alone.
    fn nonce(&mut self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(last);
        self.number += 1;
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&mut self, piece: &mut Vec<u8>, last: bool) -> io::Result<()> {
        let nonce = self.nonce(last);
        self.key.seal_in_place_append_tag(nonce, Aad::from(self.header), piece).map_err(|_| crypto())
    }

    fn open(&mut self, piece: &mut Vec<u8>, last: bool) -> io::Result<()> {
        let first = self.number == 0;
        let nonce = self.nonce(last);
        let opened = self.key.open_in_place(nonce, Aad::from(self.header), piece).map(|open| open.len());
        let length = opened.map_err(|_| match first {
            true => altered("the passphrase is another one, or its beginning was altered"),
            false => altered("it was altered, or cut off"),
        })?;
        piece.truncate(length);
        Ok(())
    }
}

/// A whole piece, or what is left.
fn piece(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE + TAG);
    from.take((PIECE + TAG) as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

fn altered(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn crypto() -> io::Error {
    io::Error::other("the cryptographic library failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        // A hash that costs next to nothing.
        let mut sealer = Sealer::with_cost(Vec::new(), &passphrase("correct horse"), [8, 1, 1]).unwrap();
        sealer.write_all(content).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(sealed: &[u8], with: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Opener::new(sealed.strip_prefix(MAGIC).unwrap(), &passphrase(with))?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn streams_of_every_length_survive_and_are_not_seen() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7] {
            let content: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let sealed = sealed(&content);
            let pieces = length.div_ceil(PIECE).max(1);
            assert_eq!(sealed.len(), MAGIC.len() + HEADER + length + pieces * TAG, "{length}");
            assert!(!sealed.windows(64).any(|window| content.starts_with(window)), "{length}");
            assert_eq!(opened(&sealed, "correct horse").unwrap(), content, "{length}");
        }
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let content = vec![7; 2 * PIECE + 9];
        let good = sealed(&content);
        assert!(opened(&good, "correct hors").unwrap_err().to_string().contains("passphrase"));
        let begin = MAGIC.len() + HEADER;
        let middle = begin + PIECE + TAG;
        let bad = |what: &str, bytes: Vec<u8>| assert!(opened(&bytes, "correct horse").is_err(), "{what}");
        for position in [MAGIC.len(), begin - 1, begin, middle - 1, middle, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[position] ^= 1;
            bad(&format!("byte {position}"), bytes);
        }
        bad("the last piece is cut off", good[..middle + PIECE + TAG].to_vec());
        bad("the end is cut off", good[..good.len() - 1].to_vec());
        bad("only the beginning", good[..begin].to_vec());
        bad("something behind it", [&good[..], b"x"].concat());
        bad("a piece is left out", [&good[..begin], &good[middle..]].concat());
        let (one, two) = (&good[begin..middle], &good[middle..middle + PIECE + TAG]);
        bad("pieces are swapped", [&good[..begin], two, one, &good[middle + PIECE + TAG..]].concat());
        let mut greedy = good.clone();
        greedy[MAGIC.len() + SALT] = 0xff;
        bad("a hash that takes all memory", greedy);
    }
}
