//! The password transform (section 2.2).

/// Characters of a password: the transform wants exactly so many.
pub const PASSWORD_CHARACTERS: usize = 8;

/// What is sent in place of a transformed password to open a meter far enough for its serial number and its scheme's
/// name (section 2.1, level 3).
pub const OPENING: [u8; 8] = [0; 8];

/// Mixes a password with the seed of the session. This hides it from nobody who listens: with the seed, which is sent
/// in the clear, the password can be reckoned back.
#[must_use]
pub fn transform(password: [u8; PASSWORD_CHARACTERS], seed: [u8; 8]) -> [u8; 8] {
    let mixed: [u8; 8] = std::array::from_fn(|at| password[at] ^ seed[at]);
    let mut sent = [0; 8];
    let mut before = mixed[7];
    for (out, one) in sent.iter_mut().zip(mixed) {
        before = one.wrapping_add(before);
        *out = before;
    }
    sent
}
