//! Exponentially distributed numbers, several at a time.
//!
//! A hot loop draws them by the million. Taken together, with nothing to decide on the way, a processor works on several at
//! once.

use super::Draw;

/// Exponential numbers with mean 1, to the last bit those that [`Draw::exponential`] gives.
#[inline]
pub fn exponentials<const N: usize>(draws: [Draw; N]) -> [f64; N] {
    draws.map(|draw| -logarithm(draw.open_unit_of_bits()))
}

impl Draw {
    /// The same as [`Draw::open_unit`], from the bits of a number between 1 and 2.
    #[inline]
    fn open_unit_of_bits(self) -> f64 {
        const ONE: u64 = 1023 << 52;
        const HALF_A_STEP: f64 = 0.5 / (1u64 << 52) as f64;
        // Both differences are exact.
        f64::from_bits(ONE | self.0 >> 12) - (1.0 - HALF_A_STEP)
    }
}

/// The natural logarithm of a number above 0 and below 1 that is not subnormal.
///
/// The method of fdlibm's `e_log.c`, as `libm` has it, with the same steps and so the same last bit, without the branches for
/// numbers that do not occur here: x = 2^k (1 + f) with 1 + f around 1, and log(1 + f) by a polynomial in s = f / (2 + f).
#[inline]
fn logarithm(x: f64) -> f64 {
    const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
    const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
    const COEFFICIENTS: [f64; 7] = [
        f64::from_bits(0x3fe5_5555_5555_5593),
        f64::from_bits(0x3fd9_9999_9997_fa04),
        f64::from_bits(0x3fd2_4924_9422_9359),
        f64::from_bits(0x3fcc_71c5_1d8e_78af),
        f64::from_bits(0x3fc7_4664_96cb_03de),
        f64::from_bits(0x3fc3_9a09_d078_c69f),
        f64::from_bits(0x3fc2_f112_df3e_5244),
    ];
    /// The bits of the square root of 1/2, cut off behind the upper half.
    const ROOT: u64 = 0x3fe6_a09e << 32;
    /// From there to 1.
    const TO_ONE: u64 = (0x3ff0_0000 << 32) - ROOT;
    let bits = x.to_bits() + TO_ONE;
    // The exponent as a number: added to the bits of 2^52 it is what lies behind the point of 2^52.
    const TWO_TO_52: u64 = 0x4330_0000 << 32;
    let exponent = f64::from_bits(TWO_TO_52 | bits >> 52) - (f64::from_bits(TWO_TO_52) + 1023.0);
    let f = f64::from_bits((bits & ((1 << 52) - 1)) + ROOT) - 1.0;
    let [c1, c2, c3, c4, c5, c6, c7] = COEFFICIENTS;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (c2 + w * (c4 + w * c6));
    let odd = z * (c1 + w * (c3 + w * (c5 + w * c7)));
    let rest = odd + even;
    s * (half_square + rest) + exponent * LN2_LOW - half_square + f + exponent * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_those_drawn_one_by_one(bits in any::<u64>(), shift in 0u32..64) {
            let draws = [bits, bits >> shift, !(bits >> shift), bits << shift, !(bits << shift)].map(Draw);
            let expected = draws.map(|draw| draw.exponential().to_bits());
            prop_assert_eq!(exponentials(draws).map(f64::to_bits), expected);
        }
    }

    #[test]
    fn the_ends_of_the_scale_are_the_same_too() {
        let draws =
            [0, 1 << 12, u64::MAX, u64::MAX - (1 << 12), 1 << 63, (1 << 63) - 1, 0x6a09e667f3bcc908 << 1].map(Draw);
        assert_eq!(exponentials(draws).map(f64::to_bits), draws.map(|draw| draw.exponential().to_bits()));
    }
}
