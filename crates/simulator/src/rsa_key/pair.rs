use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use aws_lc_rs::rand;
use crypto_bigint::{Limb, Uint};
use zeroize::Zeroizing;

use super::{conditions, miller_rabin::is_prime, sieve};
use crate::key_pair::KeyFailure;

/// Two primes of `LIMBS` words each that fulfil the [conditions]. `rounds` is the number of Miller-Rabin tests with random
/// bases.
///
/// Two threads look for them where the machine has two cores, each for the next one that is missing; where it has one, or gives
/// no thread, this one finds both.
pub(super) fn pair<const LIMBS: usize>(rounds: u32) -> Result<[Zeroizing<Uint<LIMBS>>; 2], KeyFailure> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    pair_by(cores.min(2), rounds)
}

fn pair_by<const LIMBS: usize>(threads: usize, rounds: u32) -> Result<[Zeroizing<Uint<LIMBS>>; 2], KeyFailure> {
    let search = Search { found: Mutex::default(), over: AtomicBool::new(false), rounds };
    thread::scope(|scope| {
        for _ in 1..threads {
            _ = thread::Builder::new().spawn_scoped(scope, || search.work());
        }
        search.work();
    });
    let mut found = search.found.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter();
    Ok([found.next().ok_or(KeyFailure)?, found.next().ok_or(KeyFailure)?])
}

/// What the threads share.
struct Search<const LIMBS: usize> {
    found: Mutex<Vec<Zeroizing<Uint<LIMBS>>>>,
    /// Both are found, or there are no random numbers.
    over: AtomicBool,
    rounds: u32,
}

impl<const LIMBS: usize> Search<LIMBS> {
    fn work(&self) {
        while !self.is_over() {
            match self.look_behind_a_random_number() {
                Ok(Some(prime)) => self.take(prime),
                Ok(None) => {}
                Err(KeyFailure) => self.over.store(true, Ordering::Relaxed),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn take(&self, prime: Zeroizing<Uint<LIMBS>>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < 2 && found.iter().all(|other| conditions::are_far_apart(other, &prime)) {
            found.push(prime);
        }
        if found.len() == 2 {
            self.over.store(true, Ordering::Relaxed);
        }
    }

    /// The first prime behind a random number, unless it is very far. So OpenSSL does it, too: it saves most of the
    /// divisions, and makes primes behind a long gap only a little likelier than others.
    fn look_behind_a_random_number(&self) -> Result<Option<Zeroizing<Uint<LIMBS>>>, KeyFailure> {
        let start = random::<LIMBS>(|bytes, last| {
            bytes[0] |= 0xC0;
            bytes[last] |= 1;
        })?;
        let composite = sieve::composites_behind(&start);
        let candidates = composite.iter().enumerate().filter(|(_, composite)| !**composite).map(|(index, _)| index);
        for index in candidates {
            if self.is_over() {
                break;
            }
            let candidate = Zeroizing::new(start.wrapping_add(&Uint::from(2 * index as u64)));
            if conditions::is_fit(&candidate) && is_prime(&candidate, self.rounds)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }
}

/// A random number after `shape` has set bits in its first and last byte.
pub(super) fn random<const LIMBS: usize>(
    shape: impl Fn(&mut [u8], usize),
) -> Result<Zeroizing<Uint<LIMBS>>, KeyFailure> {
    let mut bytes = Zeroizing::new(vec![0; LIMBS * Limb::BYTES]);
    rand::fill(&mut bytes).map_err(|_| KeyFailure)?;
    shape(&mut bytes, LIMBS * Limb::BYTES - 1);
    Ok(Zeroizing::new(Uint::from_be_slice(&bytes)))
}

#[cfg(test)]
mod tests {
    use crypto_bigint::U256;

    use super::*;

    /// Of a size that is searched quickly without optimisation.
    #[test]
    fn pairs_fulfil_the_conditions_by_two_threads_and_by_one() {
        for threads in [1, 2] {
            for _ in 0..20 {
                let [p, q] = pair_by::<{ U256::LIMBS }>(threads, 5).unwrap();
                for prime in [&p, &q] {
                    assert!(conditions::is_fit(prime));
                    assert!(is_prime(prime, 20).unwrap());
                }
                assert!(conditions::are_far_apart(&p, &q));
            }
        }
    }

    #[test]
    fn a_neighbour_of_the_first_is_not_taken() {
        let search = Search::<{ U256::LIMBS }> { found: Mutex::default(), over: AtomicBool::new(false), rounds: 1 };
        let p = U256::MAX;
        search.take(Zeroizing::new(p));
        search.take(Zeroizing::new(p.wrapping_sub(&Uint::from(2_u8))));
        assert!(!search.is_over());
        search.take(Zeroizing::new(p.shr(1)));
        assert!(search.is_over());
    }
}
