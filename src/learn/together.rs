//! Which columns say more together: what a fit leaves over, gathered in the cells of a grid.

use super::encode::{By, Cut, Encoder, Together};
use super::logistic::probability;
use super::plain::level_rows;
use super::table::{Data, GAP, Table};

/// Columns of which pairs are tried.
const PAIR_COLUMNS: usize = 64;
/// Columns of which triples are tried.
const TRIPLE_COLUMNS: usize = 12;
/// Groups that a column of a pair is cut into, gaps not counted, and of a triple: coarse ones first.
const PAIR_GROUPS: [usize; 2] = [8, 20];
const TRIPLE_GROUPS: [usize; 2] = [5, 9];
/// The same for trees; and levels of a text, which are a row of cells each.
const TREE_GROUPS: usize = 32;
const TREE_LEVELS: usize = 16;
/// Cells are taken to be held back by this when what they would gain is judged.
const HELD: f64 = 10.0;

/// Every column of a table cut into groups, with the group of every row.
#[derive(Debug)]
pub struct Groups {
    cuts: Vec<Cut>,
    of_rows: Vec<Vec<u32>>,
}

/// What is left over in each row: how far off the chance is, and how much that weighs.
struct LeftOver {
    row: u32,
    off: f64,
    weight: f64,
}

impl Groups {
    pub fn for_pairs(encoder: &Encoder, table: &Table) -> Vec<Self> {
        PAIR_GROUPS.into_iter().map(|most| Self::new(encoder, table, most, most)).collect()
    }

    pub fn for_triples(encoder: &Encoder, table: &Table) -> Vec<Self> {
        TRIPLE_GROUPS.into_iter().map(|most| Self::new(encoder, table, most, most)).collect()
    }

    pub fn for_trees(encoder: &Encoder, table: &Table) -> Self {
        Self::new(encoder, table, TREE_GROUPS, TREE_LEVELS)
    }

    fn new(encoder: &Encoder, table: &Table, most: usize, most_levels: usize) -> Self {
        let cuts: Vec<Cut> = encoder
            .parts
            .iter()
            .filter_map(|part| {
                let by = match &table.column(&part.column)?.data {
                    Data::Numbers(numbers) => By::Edges(edges(numbers, most)),
                    Data::Texts { codes, levels } => By::Levels(frequent(codes, levels, most_levels)),
                };
                let cut = Cut { column: part.column.clone(), by };
                (cut.groups() > 2).then_some(cut)
            })
            .collect();
        let of_rows = cuts.iter().map(|cut| cut.groups_of(table)).collect();
        Self { cuts, of_rows }
    }

    /// Every column's groups, and the group of each row.
    pub fn by_column(&self) -> impl Iterator<Item = (&Cut, &Vec<u32>)> {
        self.cuts.iter().zip(&self.of_rows)
    }

    /// The group of a row in one column.
    pub fn of_row(&self, column: usize, row: u32) -> u32 {
        self.of_rows.get(column).and_then(|of| of.get(row as usize)).copied().unwrap_or_default()
    }

    /// The cell of every row.
    pub fn cells(&self, together: &Together) -> Vec<u32> {
        let places = together.cuts.iter().filter_map(|cut| self.cuts.iter().position(|one| one == cut));
        let groups: Vec<&Vec<u32>> = places.filter_map(|at| self.of_rows.get(at)).collect();
        together.cells(&groups, self.of_rows.first().map_or(0, Vec::len))
    }

    /// The pairs with most left over, best first. `z` are the log-odds of `rows`, `labels` their answers.
    pub fn pairs(&self, rows: &[u32], z: &[f64], labels: &[bool], most: usize) -> Vec<Together> {
        let columns = self.cuts.len().min(PAIR_COLUMNS);
        let pairs = (0..columns).flat_map(|left| (left + 1..columns).map(move |right| vec![left, right]));
        self.best(pairs, rows, z, labels, most)
    }

    /// The triples with most left over, of the columns that the given pairs are made of.
    pub fn triples(&self, among: &[Together], rows: &[u32], z: &[f64], labels: &[bool], most: usize) -> Vec<Together> {
        let mut columns: Vec<usize> = Vec::new();
        for cut in among.iter().flat_map(|pair| &pair.cuts) {
            if let Some(at) = self.cuts.iter().position(|one| one.column == cut.column)
                && !columns.contains(&at)
                && columns.len() < TRIPLE_COLUMNS
            {
                columns.push(at);
            }
        }
        columns.sort_unstable();
        let mut triples = Vec::new();
        for (at, first) in columns.iter().enumerate() {
            for (next, second) in columns.iter().enumerate().skip(at + 1) {
                triples.extend(columns.iter().skip(next + 1).map(|third| vec![*first, *second, *third]));
            }
        }
        self.best(triples.into_iter(), rows, z, labels, most)
    }

    fn best(
        &self,
        candidates: impl Iterator<Item = Vec<usize>>,
        rows: &[u32],
        z: &[f64],
        labels: &[bool],
        most: usize,
    ) -> Vec<Together> {
        let left_over: Vec<LeftOver> = rows
            .iter()
            .zip(z.iter().zip(labels))
            .map(|(row, (z, yes))| {
                let p = probability(*z);
                LeftOver { row: *row, off: f64::from(u8::from(*yes)) - p, weight: p * (1.0 - p) }
            })
            .collect();
        let mut found: Vec<(f64, Together)> = Vec::new();
        for places in candidates {
            let cuts = places.iter().filter_map(|at| self.cuts.get(*at)).cloned().collect();
            let groups: Vec<&[u32]> = places.iter().filter_map(|at| self.of_rows.get(*at)).map(Vec::as_slice).collect();
            let together = Together { cuts };
            let gain = gain(&together, &groups, &left_over);
            if gain > 0.0 {
                found.push((gain, together));
            }
        }
        // Sorting keeps the order of equals, which is that of the columns.
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().take(most).map(|(_, together)| together).collect()
    }
}

/// By how much one number per cell would lower the loss, less what chance alone would.
fn gain(together: &Together, groups: &[&[u32]], left_over: &[LeftOver]) -> f64 {
    let mut cells = vec![(0.0, 0.0); together.width() as usize];
    for one in left_over {
        let cell = together.cell(groups.iter().map(|of| of.get(one.row as usize).copied().unwrap_or_default()));
        if let Some((off, weight)) = cells.get_mut(cell as usize) {
            *off += one.off;
            *weight += one.weight;
        }
    }
    cells.iter().map(|(off, weight)| (off * off - weight) / (weight + HELD)).sum()
}

/// Edges half way between two values: what a file rounds away cannot move a value to the other side.
fn edges(numbers: &[f64], most: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut firsts = distinct.clone();
    if firsts.len() > most {
        firsts = (0..most).filter_map(|at| sorted.get(at * sorted.len() / most)).copied().collect();
        firsts.dedup();
    }
    let half_way = |first: &f64| {
        let below = distinct.partition_point(|x| x < first).checked_sub(1).and_then(|at| distinct.get(at))?;
        Some(below + (first - below) / 2.0)
    };
    let mut edges: Vec<f64> = firsts.iter().filter_map(half_way).collect();
    edges.dedup();
    edges
}

fn frequent(codes: &[u32], levels: &[Box<str>], most: usize) -> Vec<String> {
    let mut counts: Vec<(usize, &str)> = levels.iter().map(|level| (0, level.as_ref())).collect();
    for code in codes.iter().filter(|code| **code != GAP) {
        if let Some((count, _)) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    counts.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
    let enough = level_rows(codes.len());
    let frequent = counts.into_iter().take(most).filter(|(count, _)| *count >= enough);
    let mut kept: Vec<String> = frequent.map(|(_, level)| level.to_owned()).collect();
    kept.sort_unstable();
    kept
}
