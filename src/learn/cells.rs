//! What the cells of grids add to curves that are already there: block by block, each cell's best step given all others.

use super::logistic::probability;

/// One grid: the cell of every row, and how many cells there are.
#[derive(Clone, Debug)]
pub struct Grid {
    pub cells: Vec<u32>,
    pub width: usize,
}

/// Times that every grid is gone through.
const ROUNDS: usize = 8;
/// No cell moves further than this in the last round.
const SETTLED: f64 = 3e-3;

/// Fits one number per cell, each held back by ½·λ·c². `rows` are the places of `z` and `labels` in the grids; `z` are the
/// log-odds without the grids, and with them afterwards.
pub fn fit(grids: &[Grid], rows: &[u32], z: &mut [f64], labels: &[bool], held: f64) -> Vec<Vec<f64>> {
    let mut effects: Vec<Vec<f64>> = grids.iter().map(|grid| vec![0.0; grid.width]).collect();
    for _ in 0..ROUNDS {
        let mut furthest = 0.0f64;
        for (grid, effect) in grids.iter().zip(&mut effects) {
            let mut sums = vec![(0.0, 0.0); grid.width];
            for (row, (z, yes)) in rows.iter().zip(z.iter().zip(labels)) {
                let p = probability(*z);
                if let Some((off, weight)) = grid.cells.get(*row as usize).and_then(|cell| sums.get_mut(*cell as usize))
                {
                    *off += f64::from(u8::from(*yes)) - p;
                    *weight += p * (1.0 - p);
                }
            }
            let steps: Vec<f64> = sums
                .iter()
                .zip(effect.iter())
                .map(|((off, weight), at)| ((off - held * at) / (weight + held)).clamp(-2.0, 2.0))
                .collect();
            for (at, step) in effect.iter_mut().zip(&steps) {
                *at += step;
                furthest = furthest.max(step.abs());
            }
            for (row, z) in rows.iter().zip(z.iter_mut()) {
                *z += grid.cells.get(*row as usize).and_then(|cell| steps.get(*cell as usize)).copied().unwrap_or(0.0);
            }
        }
        if furthest < SETTLED {
            break;
        }
    }
    effects
}

/// Log-odds with what the cells add.
pub fn add(grids: &[Grid], effects: &[Vec<f64>], rows: &[u32], z: &mut [f64]) {
    for (grid, effect) in grids.iter().zip(effects) {
        for (row, z) in rows.iter().zip(z.iter_mut()) {
            *z += grid.cells.get(*row as usize).and_then(|cell| effect.get(*cell as usize)).copied().unwrap_or(0.0);
        }
    }
}
