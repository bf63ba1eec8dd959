//! How long to wait after a failure. Pure.

use std::time::Duration;

/// After the first failure.
pub const FIRST: Duration = Duration::from_secs(30);
/// However often it has failed.
pub const LONGEST: Duration = Duration::from_secs(3_600);

/// The wait after so many failures in a row (from 1): doubled each time, half of it fixed and half by `chance` in
/// `[0, 1)`, so that jobs that failed together do not come back together.
pub fn delay(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let most: Vec<u64> = (1..=9).map(|failures| delay(failures, 1.0).as_secs()).collect();
        assert_eq!(most, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(delay(u32::MAX, 0.0), LONGEST / 2);
        assert_eq!(delay(0, 0.0), FIRST / 2);
    }
}
