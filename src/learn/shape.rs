//! How one column speaks in a model: a line, a curve through knots, or a number per level; each with a word for a gap.

use serde::{Deserialize, Serialize};

use super::table::Cell;

/// What a column's values are turned into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One coefficient for (x − mean) / sd, with the population's sd.
    Line { mean: f64, sd: f64 },
    /// A coefficient per knot, straight between two, flat beyond the first and the last. `log` measures the way between two
    /// knots by ln(1 + x). `quantiles` are the shares of rows below each knot.
    Curve { log: bool, knots: Vec<f64>, quantiles: Vec<f64> },
    /// A coefficient per level. Others share one where `other` is set, and have none where it is not.
    Levels { levels: Vec<String>, other: bool },
}

/// A value as its shape sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    Gap,
    Number(f64),
    Level(u32),
    Other,
}

impl Shape {
    /// Coefficients, that of a gap not counted.
    pub fn width(&self) -> u32 {
        match self {
            Self::Line { .. } => 1,
            Self::Curve { knots, .. } => knots.len() as u32,
            Self::Levels { levels, other } => levels.len() as u32 + u32::from(*other),
        }
    }

    pub fn see(&self, cell: Cell<'_>) -> Seen {
        match (self, cell) {
            (Self::Levels { .. }, Cell::Gap) => Seen::Gap,
            (Self::Levels { levels, .. }, Cell::Text(text)) => {
                let text = super::table::shortened(text);
                levels
                    .binary_search_by(|level| level.as_str().cmp(text))
                    .map_or(Seen::Other, |at| Seen::Level(at as u32))
            }
            (Self::Levels { .. }, Cell::Number(number)) => self.see(Cell::Text(&number.to_string())),
            (Self::Line { .. } | Self::Curve { .. }, cell) => {
                let number = cell.number();
                if number.is_nan() { Seen::Gap } else { Seen::Number(number) }
            }
        }
    }

    /// Appends the coefficients that a value calls on, counted from `start`, ascending. A gap calls on none.
    pub fn terms(&self, seen: Seen, start: u32, into: &mut Vec<(u32, f64)>) {
        match (self, seen) {
            (Self::Line { mean, sd }, Seen::Number(x)) => {
                let value = if *sd > 0.0 { (x - mean) / sd } else { 0.0 };
                into.push((start, value));
            }
            (Self::Curve { log, knots, .. }, Seen::Number(x)) => {
                let above = knots.partition_point(|knot| *knot <= x);
                let below = knots.get(above.wrapping_sub(1));
                match (below, knots.get(above)) {
                    (Some(below), Some(next)) => {
                        let way = |x: f64| if *log { x.max(0.0).ln_1p() } else { x };
                        let share = (way(x) - way(*below)) / (way(*next) - way(*below));
                        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
                        into.push((start + above as u32 - 1, 1.0 - share));
                        if share > 0.0 {
                            into.push((start + above as u32, share));
                        }
                    }
                    (None, Some(_)) => into.push((start, 1.0)),
                    (Some(_), None) => into.push((start + above as u32 - 1, 1.0)),
                    (None, None) => {}
                }
            }
            (Self::Levels { .. }, Seen::Level(level)) => into.push((start + level, 1.0)),
            (Self::Levels { levels, other: true }, Seen::Other) => into.push((start + levels.len() as u32, 1.0)),
            _ => {}
        }
    }

    /// What each coefficient stands for.
    pub fn names(&self, column: &str) -> Vec<String> {
        match self {
            Self::Line { .. } => vec![column.to_owned()],
            Self::Curve { knots, .. } => knots.iter().map(|knot| format!("{column} @ {}", short(*knot))).collect(),
            Self::Levels { levels, other } => levels
                .iter()
                .map(|level| format!("{column} = {level}"))
                .chain(other.then(|| format!("{column} = (other)")))
                .collect(),
        }
    }
}

/// A number with at most six digits that matter.
pub fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let digits = 5 - number.abs().log10().floor() as i32;
    if !(0..=12).contains(&digits) {
        return if number.abs() >= 1e9 || digits > 12 { format!("{number:e}") } else { format!("{number:.0}") };
    }
    let text = format!("{number:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(shape: &Shape, cell: Cell<'_>) -> Vec<(u32, f64)> {
        let mut into = Vec::new();
        shape.terms(shape.see(cell), 10, &mut into);
        into
    }

    #[test]
    fn a_curve_is_straight_between_knots_and_flat_beyond() {
        let curve = Shape::Curve { log: false, knots: vec![0.0, 10.0, 30.0], quantiles: vec![0.1, 0.5, 0.9] };
        assert_eq!(terms(&curve, Cell::Number(-5.0)), [(10, 1.0)]);
        assert_eq!(terms(&curve, Cell::Number(2.5)), [(10, 0.75), (11, 0.25)]);
        assert_eq!(terms(&curve, Cell::Number(10.0)), [(11, 1.0)]);
        assert_eq!(terms(&curve, Cell::Text("99")), [(12, 1.0)]);
        assert_eq!(terms(&curve, Cell::Text("many")), []);
    }

    #[test]
    fn levels_are_found_and_strangers_are_others() {
        let levels = Shape::Levels { levels: vec!["1".into(), "a".into()], other: true };
        assert_eq!(terms(&levels, Cell::Text("a")), [(11, 1.0)]);
        assert_eq!(terms(&levels, Cell::Number(1.0)), [(10, 1.0)]);
        assert_eq!(terms(&levels, Cell::Text("zz")), [(12, 1.0)]);
        assert_eq!(terms(&levels, Cell::Gap), []);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 12.0, 0.1 + 0.2, 1234567.0, 1e-20, 3.25, -100.0].map(short);
        assert_eq!(shown, ["0", "12", "0.3", "1234567", "1e-20", "3.25", "-100"]);
    }
}
