//! Trees as terms that can be shown: those over the same columns add up to the cells of one grid.

use super::encode::{By, Cut, Together};
use super::tree::Tree;

/// Trees over the same columns, and which of the columns' borders between groups any of them tells apart.
struct Sheaf<'a> {
    /// Ascending.
    columns: Vec<usize>,
    borders: Vec<u64>,
    trees: Vec<&'a Tree>,
    /// Cells of one grid for each tree.
    apart: u32,
}

/// Grids, each with what its cells add, and what is added to every row. Trees share a grid as long as that is no larger than
/// one for each would be.
pub fn merge(trees: &[Tree], cuts: &[Cut]) -> (Vec<(Together, Vec<f64>)>, f64) {
    let (sheaves, everywhere) = bind(trees, cuts);
    (sheaves.iter().filter_map(|sheaf| sheaf.grid(cuts)).collect(), everywhere)
}

/// How many cells the grids of these trees have.
pub fn cells(trees: &[Tree], cuts: &[Cut]) -> u64 {
    let (sheaves, _) = bind(trees, cuts);
    sheaves.iter().map(|sheaf| u64::from(width(&sheaf.columns, &sheaf.borders, cuts))).sum()
}

fn bind<'a>(trees: &'a [Tree], cuts: &[Cut]) -> (Vec<Sheaf<'a>>, f64) {
    let mut everywhere = 0.0;
    let mut sheaves: Vec<Sheaf<'_>> = Vec::new();
    for tree in trees {
        let one = Sheaf::of(tree, cuts);
        if one.columns.is_empty() {
            everywhere += tree.adds(|_| 0);
        } else if !sheaves.iter_mut().any(|sheaf| sheaf.takes(&one, cuts)) {
            sheaves.push(one);
        }
    }
    (sheaves, everywhere)
}

impl<'a> Sheaf<'a> {
    fn of(tree: &'a Tree, cuts: &[Cut]) -> Self {
        let mut columns: Vec<usize> = tree.splits().map(|split| split.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let of_column = |column: &usize| {
            let splits = tree.splits().filter(|split| split.column == *column);
            splits.fold(0, |all, split| all | cuts.get(*column).map_or(0, |cut| borders(cut, split.left)))
        };
        let borders: Vec<u64> = columns.iter().map(of_column).collect();
        let apart = width(&columns, &borders, cuts);
        Self { columns, borders, trees: vec![tree], apart }
    }

    /// Takes the other's trees, if they are over the same columns and fit.
    fn takes(&mut self, one: &Self, cuts: &[Cut]) -> bool {
        if self.columns != one.columns {
            return false;
        }
        let all: Vec<u64> = self.borders.iter().zip(&one.borders).map(|(mine, theirs)| mine | theirs).collect();
        let apart = self.apart.saturating_add(one.apart);
        let fits = width(&self.columns, &all, cuts) <= apart;
        if fits {
            self.trees.extend(&one.trees);
            (self.borders, self.apart) = (all, apart);
        }
        fits
    }

    fn grid(&self, cuts: &[Cut]) -> Option<(Together, Vec<f64>)> {
        let mut coarse = Vec::new();
        // By column, the group of the fine cut that stands for each group of the coarse one.
        let mut stand_for: Vec<Vec<u32>> = Vec::new();
        for (column, borders) in self.columns.iter().zip(&self.borders) {
            let (cut, groups) = coarser(cuts.get(*column)?, *borders);
            coarse.push(cut);
            stand_for.push(groups);
        }
        let together = Together { cuts: coarse };
        let cells = (0..together.width()).map(|cell| {
            let mut rest = cell;
            let mut groups: Vec<u32> = Vec::new();
            for of in stand_for.iter().rev() {
                let groups_here = of.len().max(1) as u32;
                groups.push(of.get((rest % groups_here) as usize).copied().unwrap_or_default());
                rest /= groups_here;
            }
            groups.reverse();
            let group = |column: usize| {
                let at = self.columns.iter().position(|one| *one == column);
                at.and_then(|at| groups.get(at)).copied().unwrap_or_default()
            };
            self.trees.iter().map(|tree| tree.adds(group)).sum()
        });
        let cells = cells.collect();
        Some((together, cells))
    }
}

/// Bit n: a border between groups n and n + 1 of a number, or between level n and all others of a text.
fn borders(cut: &Cut, left: u64) -> u64 {
    let places = |count: usize| if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    match &cut.by {
        By::Edges(edges) => (left ^ left >> 1) & places(edges.len()),
        By::Levels(levels) => {
            let others_too = left >> levels.len().min(63) & 1 == 1;
            (if others_too { !left } else { left }) & places(levels.len())
        }
    }
}

fn width(columns: &[usize], borders: &[u64], cuts: &[Cut]) -> u32 {
    columns.iter().zip(borders).fold(1, |width: u32, (column, borders)| {
        let more = match cuts.get(*column).map(|cut| &cut.by) {
            Some(By::Edges(_)) => 2,
            _ => 1,
        };
        width.saturating_mul(borders.count_ones() + more)
    })
}

/// The cut with these borders only, and for each of its groups one of the fine cut that lies in it.
fn coarser(cut: &Cut, borders: u64) -> (Cut, Vec<u32>) {
    let kept = |at: usize| borders >> at.min(63) & 1 == 1;
    let (by, groups) = match &cut.by {
        By::Edges(edges) => {
            let places = || (0..edges.len()).filter(|at| kept(*at));
            let groups = [0].into_iter().chain(places().map(|at| at as u32 + 1)).chain([edges.len() as u32 + 1]);
            (By::Edges(places().filter_map(|at| edges.get(at)).copied().collect()), groups.collect())
        }
        By::Levels(levels) => {
            let places = || (0..levels.len()).filter(|at| kept(*at));
            let groups = places().map(|at| at as u32).chain([levels.len() as u32]);
            (By::Levels(places().filter_map(|at| levels.get(at)).cloned().collect()), groups.collect())
        }
    };
    (Cut { column: cut.column.clone(), by }, groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::table::Cell;
    use crate::learn::tree::{Ground, Lane, LeftOver};

    fn cuts() -> Vec<Cut> {
        let edges = || By::Edges((0..9).map(f64::from).collect());
        let levels = By::Levels(["a", "b", "c", "d"].map(str::to_owned).to_vec());
        let cut = |column: &str, by| Cut { column: column.to_owned(), by };
        vec![cut("first", edges()), cut("second", edges()), cut("text", levels), cut("last", edges())]
    }

    /// Trees on 400 rows of four columns; what is left over is another mixture of the columns for each.
    fn trees(cuts: &[Cut], count: usize) -> Vec<Tree> {
        let group =
            |row: usize, column: usize| (row * [7, 13, 29, 31][column] / 3 + row / 11) % cuts[column].groups() as usize;
        let lane = |column: usize| Lane {
            groups: cuts[column].groups() as usize,
            ordered: column != 2,
            of_rows: (0..400).map(|row| group(row, column) as u8).collect(),
        };
        let columns: Vec<Lane> = (0..4).map(lane).collect();
        let grow = |at: usize| {
            let off = |row: usize| {
                let (a, b) = (group(row, at % 4), group(row, (at + 1) % 4));
                LeftOver { off: if (a * b + at) % 5 < 2 { 0.5 } else { -0.5 }, weight: 0.25 }
            };
            let left_over: Vec<LeftOver> = (0..400).map(off).collect();
            let ground = Ground { columns: &columns, left_over: &left_over };
            Tree::grow(&ground, (0..400).collect(), &[0, 1, 2, 3], 0.1)
        };
        (0..count).map(grow).collect()
    }

    #[test]
    fn grids_add_what_the_trees_add_whatever_the_row() {
        let cuts = cuts();
        let trees = trees(&cuts, 40);
        let (grids, everywhere) = merge(&trees, &cuts);
        assert!(grids.len() < trees.len(), "{} grids", grids.len());
        let values = [Cell::Gap, Cell::Number(-3.0), Cell::Number(2.0), Cell::Number(4.5), Cell::Number(99.0)];
        let texts = [Cell::Gap, Cell::Text("a"), Cell::Text("c"), Cell::Text("elsewhere")];
        for at in 0..values.len().pow(3) * texts.len() {
            let number = |place: u32| values[at / 5usize.pow(place) % 5];
            let row = [number(0), number(1), texts[at / 125 % 4], number(2)];
            let of_trees: f64 = trees.iter().map(|tree| tree.adds(|column| cuts[column].group(row[column]))).sum();
            let of_grids: f64 = grids
                .iter()
                .map(|(grid, adds)| {
                    let place = |cut: &Cut| cuts.iter().position(|one| one.column == cut.column).unwrap();
                    adds[grid.cell(grid.cuts.iter().map(|cut| cut.group(row[place(cut)]))) as usize]
                })
                .sum();
            assert!((of_trees - of_grids - everywhere).abs() < 1e-12, "{row:?}: {of_trees} {of_grids}");
        }
        let width: u64 = grids.iter().map(|(_, adds)| adds.len() as u64).sum();
        assert_eq!(cells(&trees, &cuts), width);
        assert!(grids.iter().all(|(grid, adds)| grid.cuts.len() <= 3 && grid.width() as usize == adds.len()));
    }

    #[test]
    fn a_grid_has_no_more_borders_than_its_trees_ask_for() {
        let cuts = cuts();
        let grown = trees(&cuts, 1);
        let (grids, _) = merge(&grown, &cuts);
        let splits = grown[0].splits().count();
        let borders: u32 = grids[0].0.cuts.iter().map(|cut| cut.groups() - 1).sum();
        assert!(borders as usize <= splits * 2 + 3, "{borders} borders, {splits} splits");
    }
}
