//! Chance that is none: numbers that follow from a seed, a purpose and a place.

/// A source of numbers that looks like chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    seed: u64,
}

impl Noise {
    /// The source that follows from a seed.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 64 bits for a purpose and a place (the finaliser of SplitMix64, applied twice).
    #[must_use]
    pub(crate) const fn bits(&self, purpose: u32, place: i64) -> u64 {
        let mixed = mix(self.seed ^ mix(purpose as u64 + 0x9E37_79B9_7F4A_7C15));
        mix(mixed ^ (place as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// A number from 0 up to, not including, `limit`.
    #[must_use]
    pub(crate) fn below(&self, purpose: u32, place: i64, limit: u32) -> i64 {
        i64::try_from(self.bits(purpose, place) % u64::from(limit.max(1))).unwrap_or(0)
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
