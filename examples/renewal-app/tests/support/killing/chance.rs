/// Numbers by chance, and the same ones again from the same seed (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    /// What is drawn for a start of a round.
    pub fn of(seed: u64, round: usize, start: usize) -> Self {
        Self(seed ^ ((round as u64) << 32) ^ ((start as u64) << 48))
    }

    /// A number from 0, below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
