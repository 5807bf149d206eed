use crypto_bigint::{NonZero, Uint};
use zeroize::Zeroizing;

use super::EXPONENT;

/// Whether a prime is long enough, and goes with the exponent: its two highest bits are set, so that it is above √2 · 2^(bits - 1) and
/// the product of two has all its bits (FIPS 186-5 A.1.3, steps 4.4 and 5.4), and gcd(e, prime - 1) = 1 (steps 4.5, 5.5), e
/// being prime itself.
pub(super) fn is_fit<const LIMBS: usize>(prime: &Uint<LIMBS>) -> bool {
    let highest = Uint::<LIMBS>::BITS - 1;
    let long = prime.bit_vartime(highest) && prime.bit_vartime(highest - 1);
    let exponent = NonZero::new(Uint::<LIMBS>::from(EXPONENT)).into_option();
    long && exponent.is_some_and(|exponent| prime.rem(&exponent) != Uint::ONE)
}

/// |p - q| > 2^(bits - 100) (step 5.6): no factors that Fermat's method finds.
pub(super) fn are_far_apart<const LIMBS: usize>(one: &Uint<LIMBS>, other: &Uint<LIMBS>) -> bool {
    let difference = Zeroizing::new(if one > other { one.wrapping_sub(other) } else { other.wrapping_sub(one) });
    // One less, since the power itself is not enough.
    Zeroizing::new(difference.saturating_sub(&Uint::ONE)).bits() > Uint::<LIMBS>::BITS - 100
}

/// A private exponent of so many bits is above 2^bits of a prime (A.1.1, criterion 3b). That it is not would be a wonder, and
/// the key weak.
pub(super) const fn is_long<const LIMBS: usize>(private_exponent_bits: u32) -> bool {
    private_exponent_bits > Uint::<LIMBS>::BITS
}

#[cfg(test)]
mod tests {
    use crypto_bigint::U256;

    use super::*;

    #[test]
    fn neighbours_are_not_far_apart() {
        let p = U256::MAX;
        let step = U256::ONE.shl(156);
        assert!(!are_far_apart(&p, &p));
        assert!(!are_far_apart(&p, &p.wrapping_sub(&step)));
        assert!(!are_far_apart(&p.wrapping_sub(&step), &p));
        assert!(are_far_apart(&p, &p.wrapping_sub(&step).wrapping_sub(&Uint::ONE)));
    }

    #[test]
    fn short_numbers_and_those_that_are_one_modulo_the_exponent_are_not_fit() {
        let highest_two = U256::from(3_u8).shl(254);
        assert!(is_fit(&highest_two));
        assert!(!is_fit(&highest_two.wrapping_sub(&Uint::ONE)));
        assert!(!is_fit(&highest_two.shr(1)));
        let multiple = highest_two.wrapping_sub(&highest_two.rem(&NonZero::new(Uint::from(EXPONENT)).unwrap()));
        let multiple = multiple.wrapping_add(&Uint::from(EXPONENT));
        assert!(is_fit(&multiple) && is_fit(&multiple.wrapping_add(&Uint::from(2_u8))));
        assert!(!is_fit(&multiple.wrapping_add(&Uint::ONE)));
    }
}
