//! Platt's calibration: chances that come true, by a straight line through the log-odds (`cdp-semantics` §4.3).

use serde::{Deserialize, Serialize};

use super::design::{Design, Penalty};
use super::logistic::{self, Patience, probability};

/// Calibrated log-odds are `offset + slope · z`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    pub offset: f64,
    pub slope: f64,
}

/// A slope further from one than this is worth correcting.
const WORTH: f64 = 0.1;

impl Platt {
    pub const NONE: Self = Self { offset: 0.0, slope: 1.0 };

    pub fn chance(self, z: f64) -> f64 {
        probability(self.offset + self.slope * z)
    }

    /// The line that fits held-out log-odds best.
    pub fn fit(held_out: &[f64], labels: &[bool]) -> Self {
        let mut design = Design::new(2);
        held_out.iter().for_each(|z| design.push(&[(1, *z)]));
        // Held-out log-odds that tell all apart would have an endless slope.
        let mut penalty = Penalty::default();
        penalty.square(1e-3, [(1, 1.0)]);
        let fit = logistic::fit(&design, labels, &penalty, &[0.0, 1.0], Patience::EXACT);
        match fit.coefficients.as_slice() {
            [offset, slope] if offset.is_finite() && slope.is_finite() => Self { offset: *offset, slope: *slope },
            _ => Self::NONE,
        }
    }

    /// The same line where it is worth it, else none. A slope at or below zero would turn the order round: that is chance.
    pub fn if_worth_it(self) -> Self {
        if (self.slope - 1.0).abs() > WORTH && self.slope > 0.0 { self } else { Self::NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_twice_too_bold_are_halved() {
        let mut held_out = Vec::new();
        let mut labels = Vec::new();
        for at in 0..4_000 {
            let truth = f64::from(at % 40 - 20) / 10.0;
            held_out.push(2.0 * truth);
            labels.push(f64::from(at / 40) / 100.0 < probability(truth));
        }
        let platt = Platt::fit(&held_out, &labels);
        assert!((platt.slope - 0.5).abs() < 0.03 && platt.offset.abs() < 0.05, "{platt:?}");
        assert_eq!(platt.if_worth_it(), platt);
        assert_eq!(Platt { offset: 0.3, slope: 1.05 }.if_worth_it(), Platt::NONE);
        assert_eq!(Platt { offset: 0.3, slope: -0.4 }.if_worth_it(), Platt::NONE);
    }
}
