//! Chance, passed in like time: jitter and fresh ids.

use std::fmt;

use uuid::Uuid;

use crate::Timestamp;

/// A source of random bits.
pub trait Entropy: fmt::Debug + Send + Sync {
    fn next_u64(&self) -> u64;

    /// A number in `[0, 1)`.
    fn unit(&self) -> f64 {
        // 53 bits are what an f64 mantissa holds.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A UUIDv7 for the instant `now`: time-ordered outside, so that new rows land at the end of an index.
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut tail = [0u8; 10];
        tail[..8].copy_from_slice(&self.next_u64().to_be_bytes());
        tail[8..].copy_from_slice(&self.next_u64().to_be_bytes()[..2]);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

/// The operating system's randomness. The only place that reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[allow(clippy::disallowed_methods)]
    fn next_u64(&self) -> u64 {
        let bytes = Uuid::new_v4().into_bytes();
        // Bytes 8..16 of a v4 UUID hold two fixed bits; fold the halves so that all 64 bits vary.
        let (mut high, mut low) = ([0u8; 8], [0u8; 8]);
        high.copy_from_slice(&bytes[..8]);
        low.copy_from_slice(&bytes[8..]);
        u64::from_be_bytes(high) ^ u64::from_be_bytes(low).rotate_left(32)
    }

    /// One question to the operating system instead of two.
    #[allow(clippy::disallowed_methods)]
    fn uuid(&self, now: Timestamp) -> Uuid {
        let random = Uuid::new_v4().into_bytes();
        let mut tail = [0u8; 10];
        // The bytes of a v4 UUID around the version, all random.
        tail[..6].copy_from_slice(&random[..6]);
        tail[6..].copy_from_slice(&random[12..]);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

/// SplitMix64 from a seed: same seed, same sequence.
#[cfg(any(test, feature = "test-util"))]
#[derive(Debug)]
pub struct SeededEntropy(std::sync::atomic::AtomicU64);

#[cfg(any(test, feature = "test-util"))]
impl SeededEntropy {
    pub fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(STEP, std::sync::atomic::Ordering::Relaxed).wrapping_add(STEP);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
