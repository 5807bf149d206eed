use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, Uint};
use zeroize::Zeroizing;

use super::pair::random;
use crate::key_pair::KeyFailure;

/// Miller-Rabin (FIPS 186-5 B.3.1) for numbers whose highest bit is set: once with base 2, which nearly no composite passes,
/// then with random bases.
pub(super) fn is_prime<const LIMBS: usize>(number: &Uint<LIMBS>, rounds: u32) -> Result<bool, KeyFailure> {
    let Some(odd) = Odd::new(*number).into_option() else {
        return Ok(false);
    };
    let test = MillerRabin::new(odd);
    if !test.passes(&Uint::from(2_u8)) {
        return Ok(false);
    }
    for _ in 0..rounds {
        // Below the number, since its own highest bit is set, and neither 0 nor 1.
        let base = random::<LIMBS>(|bytes, last| {
            bytes[0] &= 0x7F;
            bytes[last] |= 2;
        })?;
        if !test.passes(&base) {
            return Ok(false);
        }
    }
    Ok(true)
}

struct MillerRabin<const LIMBS: usize> {
    params: Zeroizing<FixedMontyParams<LIMBS>>,
    /// number - 1 = odd part · 2^twos
    odd_part: Zeroizing<Uint<LIMBS>>,
    twos: u32,
}

impl<const LIMBS: usize> MillerRabin<LIMBS> {
    fn new(number: Odd<Uint<LIMBS>>) -> Self {
        let less_one = number.wrapping_sub(&Uint::ONE);
        let twos = less_one.trailing_zeros();
        let params = Zeroizing::new(FixedMontyParams::new(number));
        Self { params, odd_part: Zeroizing::new(less_one.shr(twos)), twos }
    }

    fn passes(&self, base: &Uint<LIMBS>) -> bool {
        let one = FixedMontyForm::one(&self.params);
        let minus_one = -one;
        let mut power = FixedMontyForm::new(base, &self.params).pow(&self.odd_part);
        if power == one || power == minus_one {
            return true;
        }
        for _ in 1..self.twos {
            power = power.square();
            if power == minus_one {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::U64;

    use super::*;

    #[test]
    fn of_the_bases_of_a_composite_a_quarter_passes_at_most_and_of_a_prime_all() {
        // Strong pseudoprimes to base 2 (OEIS A001262), Carmichael numbers (A002997).
        for number in [2047_u64, 3277, 4033, 4681, 8321, 15_841, 29_341, 561, 1105, 1729, 2465] {
            let test = MillerRabin::<{ U64::LIMBS }>::new(Odd::new(Uint::from(number)).unwrap());
            let liars = (1..number).filter(|base| test.passes(&Uint::from(*base))).count() as u64;
            assert!(liars * 4 <= number, "{number}: {liars} bases are passed, a quarter may be");
        }
        for number in [5_u64, 17, 257, 3571, 8191] {
            let test = MillerRabin::<{ U64::LIMBS }>::new(Odd::new(Uint::from(number)).unwrap());
            assert!((1..number).all(|base| test.passes(&Uint::from(base))), "{number}");
        }
    }

    #[test]
    fn the_first_primes_behind_a_power_of_two_are_found() {
        let high = (1_u64 << 63) + 1;
        let found = (high..).step_by(2).filter(|number| is_prime(&U64::from(*number), 5).unwrap());
        // By `openssl prime`.
        let found: Vec<u64> = found.take(4).map(|prime| prime - (1 << 63)).collect();
        assert_eq!(found, [29, 99, 123, 131]);
        assert!(!is_prime(&U64::from(high - 1), 5).unwrap());
    }
}
