//! Seeded chance: every draw is a pure function of the seed and of what is drawn for, so that a mock started twice with
//! the same seed tells the same story, whatever order the questions come in.

/// Sixty-four well-mixed bits for `(seed, topic, index)` (the finaliser of SplitMix64 over both words).
pub fn bits(seed: u64, topic: u64, index: u64) -> u64 {
    let first = mix(seed ^ topic.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mix(first.wrapping_add(index.wrapping_mul(0xd1b5_4a32_d192_ed03)))
}

/// A number in `0..bound`; 0 when `bound` is 0.
pub fn below(seed: u64, topic: u64, index: u64, bound: u64) -> u64 {
    if bound == 0 { 0 } else { bits(seed, topic, index) % bound }
}

/// A number in `0.0..1.0`.
pub fn unit(seed: u64, topic: u64, index: u64) -> f64 {
    (bits(seed, topic, index) >> 11) as f64 / (1u64 << 53) as f64
}

/// One of `choices`; the empty string when there are none.
pub fn pick<'a>(seed: u64, topic: u64, index: u64, choices: &[&'a str]) -> &'a str {
    let at = below(seed, topic, index, choices.len() as u64) as usize;
    choices.get(at).copied().unwrap_or("")
}

/// A UUID (version 4 in form) for correlation and request ids.
pub fn uuid(seed: u64, topic: u64, index: u64) -> String {
    let high = u128::from(bits(seed, topic, index));
    let low = u128::from(bits(seed, topic ^ 0x55aa, index));
    uuid::Builder::from_random_bytes(((high << 64) | low).to_be_bytes()).into_uuid().to_string()
}

fn mix(mut word: u64) -> u64 {
    word ^= word >> 30;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 27;
    word = word.wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer_and_another_seed_another() {
        assert_eq!(bits(7, 1, 42), bits(7, 1, 42));
        assert_ne!(bits(7, 1, 42), bits(8, 1, 42));
        assert_ne!(bits(7, 1, 42), bits(7, 2, 42));
        assert_ne!(bits(7, 1, 42), bits(7, 1, 43));
    }

    #[test]
    fn draws_fill_their_range() {
        let low = (0..1000).filter(|i| unit(3, 9, *i) < 0.5).count();
        assert!((400..600).contains(&low), "{low} of 1000 draws were below one half");
        assert!((0..1000).all(|i| below(3, 9, i, 7) < 7));
        assert_eq!(below(3, 9, 1, 0), 0);
    }
}
