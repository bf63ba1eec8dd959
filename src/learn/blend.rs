//! How far to lean on trees: their number and their share beside the curves, chosen by what both say of rows held out.
//!
//! Trees see steps and spikes, curves what is smooth; the mean of their log-odds ranks better than either, and stays a sum.

use serde::{Deserialize, Serialize};

use super::boost::Boosted;
use super::encode::{Cut, Encoder};
use super::logistic;
use super::merged::{cells, merge};
use super::metrics;
use super::together::Groups;
use super::tune::{Side, is_sure};

/// Trees after which is looked.
const COUNTS: &[usize] = &[25, 50, 100, 200, 400, 800];
/// Fewer rows than this say too little of where to cut.
const FEWEST_ROWS: usize = 120;
/// If so many are of no use, more will be of none.
const ENOUGH_TO_KNOW: usize = 200;
/// Cells of all grids that trees become, about: a model is a file that is kept, read and shown.
const MOST_CELLS: u64 = 60_000;
/// Shares of the trees that are tried.
const SHARES: &[f64] = &[0.25, 0.5, 0.75, 1.0];

/// Trees, and their share of the log-odds; the curves have the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    pub trees: usize,
    pub share: f64,
}

fn mixed(share: f64, curves: &[f64], trees: &[f64]) -> Vec<f64> {
    curves.iter().zip(trees).map(|(curves, trees)| (1.0 - share) * curves + share * trees).collect()
}

fn losses<'a>(sides: &'a [Side], z: &'a [Vec<f64>]) -> impl Iterator<Item = f64> + 'a {
    let of_side = |(side, z): (&'a Side, &'a Vec<f64>)| z.iter().zip(&side.held_out_labels);
    sides.iter().zip(z).flat_map(of_side).map(|(z, yes)| logistic::loss(*z, *yes))
}

/// Grows trees on each side until more of them say no more of what is held out. The best log-odds go into the sides if they
/// are better by more than chance would have it.
pub fn choose(groups: &Groups, sides: &mut [Side]) -> Blend {
    if sides.iter().any(|side| side.training.len() < FEWEST_ROWS) {
        return Blend::default();
    }
    let before: Vec<Vec<f64>> = sides.iter().map(|side| side.z_held_out.clone()).collect();
    let cuts: Vec<Cut> = groups.by_column().map(|(cut, _)| cut.clone()).collect();
    let mut grown: Vec<Boosted> = sides.iter().map(|side| Boosted::new(groups, &side.training, &side.labels)).collect();
    let mut of_trees: Vec<Vec<f64>> =
        sides.iter().zip(&grown).map(|(side, grown)| vec![grown.base; side.held_out.len()]).collect();
    let mut best = (Blend::default(), metrics::mean(losses(sides, &before)), before.clone());
    for count in COUNTS {
        for ((side, grown), z) in sides.iter().zip(&mut grown).zip(&mut of_trees) {
            let so_far = grown.trees.len();
            grown.grow(*count);
            for (row, z) in side.held_out.iter().zip(z) {
                let new = grown.trees.iter().skip(so_far);
                *z += new.map(|tree| tree.adds(|column| groups.of_row(column, *row))).sum::<f64>();
            }
        }
        if grown.iter().any(|grown| cells(&grown.trees, &cuts) > MOST_CELLS) {
            break;
        }
        let mut better = false;
        for share in SHARES {
            let tried: Vec<Vec<f64>> =
                before.iter().zip(&of_trees).map(|(curves, trees)| mixed(*share, curves, trees)).collect();
            let loss = metrics::mean(losses(sides, &tried));
            if loss < best.1 {
                better = true;
                best = (Blend { trees: *count, share: *share }, loss, tried);
            }
        }
        if !better && (best.0.trees > 0 || *count >= ENOUGH_TO_KNOW) {
            break;
        }
    }
    let (blend, _, after) = best;
    let gains = losses(sides, &before).zip(losses(sides, &after)).map(|(before, after)| before - after);
    if blend.trees == 0 || !is_sure(gains) {
        return Blend::default();
    }
    for (side, z) in sides.iter_mut().zip(after) {
        side.z_held_out = z;
    }
    blend
}

/// Puts so many trees, grown on all rows, beside the curves.
pub fn add(blend: Blend, groups: &Groups, side: &Side, encoder: &mut Encoder, coefficients: &mut Vec<f64>) {
    if blend.trees == 0 {
        return;
    }
    let mut grown = Boosted::new(groups, &side.training, &side.labels);
    grown.grow(blend.trees);
    let cuts: Vec<Cut> = groups.by_column().map(|(cut, _)| cut.clone()).collect();
    let (grids, everywhere) = merge(&grown.trees, &cuts);
    coefficients.iter_mut().for_each(|coefficient| *coefficient *= 1.0 - blend.share);
    if let Some(intercept) = coefficients.first_mut() {
        *intercept += blend.share * (grown.base + everywhere);
    }
    for (together, cells) in grids {
        encoder.together.push(together);
        coefficients.extend(cells.into_iter().map(|cell| blend.share * cell));
    }
}
