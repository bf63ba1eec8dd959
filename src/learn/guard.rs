//! Columns that say too much or nothing: what is known only after the outcome, and what is different in every row.

use super::metrics::auc;
use super::table::{Column, Data, GAP, Table};

/// A column that ranks better than this alone was probably written after the outcome (`cdp-semantics` §4.3).
pub const TOO_GOOD: f64 = 0.95;
/// How strongly the share of yes in a level leans on that of all rows.
const LEAN: f64 = 5.0;

/// How well one column ranks by itself, whichever way round: 0.5 to 1.
///
/// A level's score is its share of yes among the rows of the other parity, so that rare levels do not tell themselves.
pub fn single_auc(data: &Data, labels: &[bool]) -> f64 {
    let scores: Vec<f64> = match data {
        Data::Numbers(numbers) => {
            let present: Vec<(f64, bool)> =
                numbers.iter().zip(labels).filter(|(x, _)| !x.is_nan()).map(|(x, yes)| (*x, *yes)).collect();
            let (numbers, present_labels): (Vec<f64>, Vec<bool>) = present.into_iter().unzip();
            let there: Vec<f64> = match data {
                Data::Numbers(all) => all.iter().map(|x| f64::from(u8::from(!x.is_nan()))).collect(),
                Data::Texts { .. } => Vec::new(),
            };
            // That a value is there at all may tell the outcome, too.
            let of_gaps = either_way(auc(&there, labels));
            // What few rows have says little of all.
            let share = numbers.len() as f64 / labels.len().max(1) as f64;
            let of_values = either_way(auc(&numbers, &present_labels));
            return of_gaps.max(0.5 + (of_values - 0.5) * share);
        }
        Data::Texts { codes, levels } => {
            let all = labels.iter().filter(|yes| **yes).count() as f64 / labels.len().max(1) as f64;
            let place = |code: u32| (code as usize).min(levels.len());
            let mut counts = vec![[(0.0, 0.0); 2]; levels.len() + 1];
            for (row, (code, yes)) in codes.iter().zip(labels).enumerate() {
                if let Some((yeses, rows)) = counts.get_mut(place(*code)).and_then(|both| both.get_mut(row % 2)) {
                    *rows += 1.0;
                    *yeses += f64::from(u8::from(*yes));
                }
            }
            let score = |(row, code): (usize, &u32)| {
                let other = counts.get(place(*code)).and_then(|both| both.get(1 - row % 2));
                let (yeses, rows) = other.copied().unwrap_or_default();
                (yeses + LEAN * all) / (rows + LEAN)
            };
            codes.iter().enumerate().map(score).collect()
        }
    };
    // Scores of the two halves are of different counts; within a half they rank alike.
    let halves = [0, 1].map(|parity| {
        let of = |from: usize| (from..scores.len()).step_by(2);
        let scores: Vec<f64> = of(parity).filter_map(|at| scores.get(at).copied()).collect();
        let labels: Vec<bool> = of(parity).filter_map(|at| labels.get(at).copied()).collect();
        auc(&scores, &labels)
    });
    halves.into_iter().sum::<f64>() / 2.0
}

fn either_way(auc: f64) -> f64 {
    auc.max(1.0 - auc)
}

/// Columns that rank better alone than an honest one would, with how well.
pub fn too_good(table: &Table, labels: &[bool]) -> Vec<(String, f64)> {
    let each = table.columns.iter().map(|column| (column.name.clone(), single_auc(&column.data, labels)));
    each.filter(|(_, auc)| *auc > TOO_GOOD).collect()
}

/// Why nothing can be learnt from a column, where that is so.
pub fn nothing_in(column: &Column) -> Option<&'static str> {
    match &column.data {
        Data::Numbers(numbers) => {
            let mut present = numbers.iter().filter(|x| !x.is_nan());
            let Some(first) = present.next() else { return Some("is empty") };
            if numbers.iter().all(|x| x == first) {
                return Some("is the same in every row");
            }
            let counts_rows = numbers.iter().zip(numbers.iter().skip(1)).all(|(a, b)| (b - a - 1.0).abs() < 1e-9);
            (counts_rows && numbers.len() > 20).then_some("counts the rows")
        }
        Data::Texts { codes, levels } => {
            let filled = codes.iter().filter(|code| **code != GAP).count();
            if levels.len() == 1 && filled == codes.len() {
                return Some("is the same in every row");
            }
            (filled > 20 && levels.len() * 10 > filled * 9).then_some("is different in nearly every row")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::table::{Cell, Growing};

    fn column(cells: impl Iterator<Item = String>) -> Column {
        let mut growing = Growing::default();
        cells.for_each(|text| growing.push(Cell::of_text(&text)));
        growing.finish("c".into())
    }

    #[test]
    fn what_is_written_after_the_outcome_is_too_good() {
        let labels: Vec<bool> = (0..200).map(|row| row % 3 == 0).collect();
        let outcome = |row: usize| if row.is_multiple_of(3) { "signed" } else { "gone" }.to_owned();
        assert!(single_auc(&column((0..200).map(outcome)).data, &labels) > TOO_GOOD);
        let amount = |row: usize| if row.is_multiple_of(3) { "500".to_owned() } else { String::new() };
        assert!(single_auc(&column((0..200).map(amount)).data, &labels) > TOO_GOOD);
        let noise = |row: usize| ((row * 7919) % 101).to_string();
        assert!(single_auc(&column((0..200).map(noise)).data, &labels) < 0.7);
    }

    #[test]
    fn names_of_single_rows_say_nothing_however_they_are_counted() {
        let labels: Vec<bool> = (0..200).map(|row| row % 3 == 0).collect();
        let names = column((0..200).map(|row| format!("id-{row}")));
        assert!((single_auc(&names.data, &labels) - 0.5).abs() < 0.05);
        assert_eq!(nothing_in(&names), Some("is different in nearly every row"));
        assert_eq!(nothing_in(&column((0..50).map(|row| row.to_string()))), Some("counts the rows"));
        assert_eq!(nothing_in(&column((0..50).map(|_| "x".to_owned()))), Some("is the same in every row"));
        assert_eq!(nothing_in(&column((0..50).map(|row| (row % 4).to_string()))), None);
    }
}
