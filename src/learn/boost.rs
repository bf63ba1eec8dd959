//! Many small trees, each on what all before it leave over (gradient boosting, Friedman 2001), each on some of the rows and
//! columns (Friedman 2002). Which ones is a matter of the round alone: equal rows give equal trees.

use super::encode::{By, Cut};
use super::logistic::{self, probability};
use super::together::Groups;
use super::tree::{GROUPS, Ground, Lane, LeftOver, Tree};

/// How much of its step a tree takes.
const SHRUNK: f64 = 0.05;
/// The shares of rows and of columns that a tree sees.
const ROWS: f64 = 0.7;
const COLUMN_SHARE: f64 = 0.5;
/// It sees no more than these, however many there are, and no fewer columns: of few each is needed.
const MOST_ROWS: f64 = 20_000.0;
const MOST_COLUMNS: usize = 48;
const FEWEST_COLUMNS: usize = 6;

/// Trees as they are grown on some rows.
#[derive(Debug)]
pub struct Boosted {
    columns: Vec<Lane>,
    labels: Vec<bool>,
    /// By row, with what all trees so far add.
    z: Vec<f64>,
    pub base: f64,
    pub trees: Vec<Tree>,
}

impl Boosted {
    /// Nothing grown yet. `labels` are those of `rows`.
    pub fn new(groups: &Groups, rows: &[u32], labels: &[bool]) -> Self {
        let lane = |cut: &Cut, of_rows: &Vec<u32>| {
            let group = |row: &u32| of_rows.get(*row as usize).map_or(0, |group| (*group).min(GROUPS as u32 - 1) as u8);
            Lane {
                groups: (cut.groups() as usize).min(GROUPS),
                ordered: matches!(cut.by, By::Edges(_)),
                of_rows: rows.iter().map(group).collect(),
            }
        };
        let base = logistic::base(labels);
        Self {
            columns: groups.by_column().map(|(cut, of_rows)| lane(cut, of_rows)).collect(),
            labels: labels.to_vec(),
            z: vec![base; labels.len()],
            base,
            trees: Vec::new(),
        }
    }

    /// Grows until there are so many trees.
    pub fn grow(&mut self, trees: usize) {
        let mut left_over = vec![LeftOver::default(); self.z.len()];
        while self.trees.len() < trees {
            for (left, (z, yes)) in left_over.iter_mut().zip(self.z.iter().zip(&self.labels)) {
                let p = probability(*z);
                *left = LeftOver { off: f64::from(u8::from(*yes)) - p, weight: p * (1.0 - p) };
            }
            let round = self.trees.len() as u64;
            let share = ROWS.min(MOST_ROWS / self.z.len().max(1) as f64);
            let rows = (0..self.z.len() as u32).filter(|row| drawn(round, u64::from(*row)) < share).collect();
            let ground = Ground { columns: &self.columns, left_over: &left_over };
            let tree = Tree::grow(&ground, rows, &some_columns(round, self.columns.len()), SHRUNK);
            for (row, z) in self.z.iter_mut().enumerate() {
                let group = |column: usize| {
                    let lane: Option<&Lane> = self.columns.get(column);
                    lane.and_then(|lane| lane.of_rows.get(row)).map_or(0, |group| u32::from(*group))
                };
                *z += tree.adds(group);
            }
            self.trees.push(tree);
        }
    }
}

/// The columns of a round, ascending.
fn some_columns(round: u64, columns: usize) -> Vec<usize> {
    let wanted = ((columns as f64 * COLUMN_SHARE).ceil() as usize).clamp(FEWEST_COLUMNS, MOST_COLUMNS);
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by(|a, b| {
        let place = |column: usize| drawn(round, (1 << 40) + column as u64);
        place(*a).total_cmp(&place(*b))
    });
    order.truncate(wanted);
    order.sort_unstable();
    order
}

/// A number from 0 to 1 that looks drawn by lot and is the same every time (SplitMix64, Steele, Lea and Flood 2014).
fn drawn(round: u64, of: u64) -> f64 {
    let mut mixed = (round << 41 ^ of).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ mixed >> 31) >> 11) as f64 / (1u64 << 53) as f64
}
