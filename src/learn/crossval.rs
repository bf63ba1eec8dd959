//! Chances for every row from a model that has not seen it: five folds, by row number.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::metrics::{self, Metrics};
use super::table::Table;
use super::train::{Recipe, train};

pub const FOLDS: usize = 5;

/// What was held out, put together again, and each fold by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// By row: the chance from the model trained on the other folds.
    pub chances: Vec<f64>,
    pub folds: Vec<Metrics>,
}

/// Which rows are held out together.
#[derive(Clone, Debug, PartialEq)]
pub enum Folds {
    /// Row n is in fold n modulo five.
    ByRow,
    /// Rows of one group are in one fold; by row, a number that is the group's own.
    ByGroup(Vec<u64>),
}

impl Folds {
    pub fn of(&self, row: usize) -> usize {
        match self {
            Self::ByRow => row % FOLDS,
            Self::ByGroup(groups) => groups.get(row).map_or(0, |group| (group % FOLDS as u64) as usize),
        }
    }

    /// The folds within some rows; groups are dealt out anew, for one fold of them is not there.
    pub fn within(&self, rows: &[u32]) -> Self {
        match self {
            Self::ByRow => Self::ByRow,
            Self::ByGroup(groups) => Self::ByGroup(
                rows.iter().map(|row| groups.get(*row as usize).copied().unwrap_or_default() / FOLDS as u64).collect(),
            ),
        }
    }
}

/// Everything a recipe learns, it learns without the fold it is held against.
pub fn cross_validate(table: &Table, labels: &[bool], recipe: Recipe, by: &Folds) -> CrossValidated {
    let folds: Vec<usize> = (0..table.len()).map(|row| by.of(row)).collect();
    let held_out = in_parallel(FOLDS, |fold| {
        let side = |inside: bool| -> Vec<u32> {
            folds.iter().enumerate().filter(|(_, of)| (**of == fold) == inside).map(|(row, _)| row as u32).collect()
        };
        let (training, held_out) = (side(false), side(true));
        let trained = train(&table.rows(&training), &labels_of(labels, &training), recipe, &by.within(&training));
        trained.chances(&table.rows(&held_out))
    });
    let mut parts: Vec<_> = held_out.iter().map(|chances| chances.iter()).collect();
    let chances: Vec<f64> =
        folds.iter().map(|fold| parts.get_mut(*fold).and_then(Iterator::next).copied().unwrap_or(f64::NAN)).collect();
    let by_fold = held_out.iter().enumerate().map(|(fold, chances)| {
        let labels: Vec<bool> = folds.iter().zip(labels).filter(|(of, _)| **of == fold).map(|(_, yes)| *yes).collect();
        metrics::metrics(chances, &labels)
    });
    CrossValidated { folds: by_fold.collect(), chances }
}

/// The labels of some rows.
pub fn labels_of(labels: &[bool], rows: &[u32]) -> Vec<bool> {
    rows.iter().map(|row| labels.get(*row as usize).copied().unwrap_or_default()).collect()
}

/// Does jobs 0 to `count` on as many threads as there are processors; the results stand in the order of the jobs.
pub fn in_parallel<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return mine;
                }
                mine.push((at, job(at)));
            }
        };
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        done.extend(work());
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
