use std::sync::LazyLock;

use crypto_bigint::{Limb, NonZero, Reciprocal, Uint};
use zeroize::Zeroizing;

/// How many odd numbers behind a random one are looked at: some eleven primes of 1024 bits are among so many.
const WINDOW: usize = 4096;

/// Which of the odd numbers from `start` on, itself odd, have a small divisor.
pub(super) fn composites_behind<const LIMBS: usize>(start: &Uint<LIMBS>) -> Zeroizing<Vec<bool>> {
    let mut composite = Zeroizing::new(vec![false; WINDOW]);
    for group in SMALL_PRIMES.iter() {
        let rest = remainder(start, &group.product);
        for prime in &group.primes {
            // The first even distance 2i with start + 2i = 0 modulo the prime.
            let distance = prime - rest % prime;
            let even = if distance.is_multiple_of(2) { distance } else { distance + prime };
            let first = even / 2 % prime;
            composite.iter_mut().skip(first as usize).step_by(*prime as usize).for_each(|composite| *composite = true);
        }
    }
    composite
}

/// Odd primes whose product fits into 32 bits: one long division serves them all.
struct Group {
    primes: Vec<u64>,
    product: Reciprocal,
}

/// Those below 2^16. A tenth of the odd numbers has no divisor among them; each further halving would take the square of the
/// bound.
static SMALL_PRIMES: LazyLock<Vec<Group>> = LazyLock::new(|| {
    const BOUND: u32 = 1 << 16;
    let is_prime =
        |number: &u32| (3..).step_by(2).take_while(|by| by * by <= *number).all(|by| !number.is_multiple_of(by));
    let mut groups = Vec::new();
    let mut primes = Vec::new();
    let mut product = 1_u32;
    for prime in (3..BOUND).step_by(2).filter(is_prime) {
        if let Some(larger) = product.checked_mul(prime) {
            product = larger;
        } else {
            groups.push(Group { primes: std::mem::take(&mut primes), product: reciprocal(product) });
            product = prime;
        }
        primes.push(prime.into());
    }
    groups.push(Group { primes, product: reciprocal(product) });
    groups
});

fn reciprocal(number: u32) -> Reciprocal {
    Reciprocal::new(NonZero::new(Limb::from(number)).unwrap_or(NonZero::<Limb>::ONE))
}

fn remainder<const LIMBS: usize>(number: &Uint<LIMBS>, divisor: &Reciprocal) -> u64 {
    // A limb has 32 bits on some machines.
    #[allow(clippy::unnecessary_cast)]
    {
        number.rem_limb_with_reciprocal(divisor).0 as u64
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::{CheckedAdd, U128};

    use super::super::pair::random;
    use super::*;

    #[test]
    fn small_primes_are_all_there_and_nothing_else() {
        let primes: Vec<u64> = SMALL_PRIMES.iter().flat_map(|group| group.primes.clone()).collect();
        assert_eq!((primes.len(), primes[0], primes[6540]), (6541, 3, 65_521));
        let is_prime = |number: u64| (2..).take_while(|by| by * by <= number).all(|by| !number.is_multiple_of(by));
        assert!(primes.iter().all(|prime| is_prime(*prime)));
    }

    #[test]
    fn crossed_out_is_what_has_a_small_divisor() {
        let start = random::<{ U128::LIMBS }>(|bytes, last| bytes[last] |= 1).unwrap();
        for (index, crossed_out) in composites_behind(&start).iter().enumerate() {
            let Some(number) = start.checked_add(&Uint::from(2 * index as u64)).into_option() else {
                break;
            };
            let number = u128::from_str_radix(&number.to_string(), 16).unwrap();
            let mut primes = SMALL_PRIMES.iter().flat_map(|group| &group.primes);
            let divided = primes.any(|prime| number.is_multiple_of(u128::from(*prime)));
            assert_eq!(*crossed_out, divided, "{number}");
        }
    }
}
