//! How strongly to hold back, and which columns earn a place together: chosen by cross-validation within the rows.

use serde::{Deserialize, Serialize};

use super::blend::{self, Blend};
use super::calibrate::Platt;
use super::cells::{self, Grid};
use super::crossval::{FOLDS, Folds, labels_of};
use super::design::Design;
use super::encode::{Encoder, Together};
use super::logistic::{self, Patience, probability};
use super::metrics;
use super::rich::{self, Strength};
use super::table::Table;
use super::together::Groups;
use super::train::Trained;

/// Rows that are enough to choose by.
pub const CHOICE_ROWS: usize = 12_000;
/// Strengths of the curves, from stiff to loose.
const CURVES: &[f64] = &[300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1];
const BENDS: &[f64] = &[1000.0, 100.0, 10.0, 1.0, 0.1];
/// Strengths of the levels by that of the curves.
const LEVELS: &[f64] = &[0.3, 0.1, 1.0];
/// Strengths of the cells of a grid.
const CELLS: &[f64] = &[100.0, 30.0, 10.0, 3.0, 1.0];
/// Grids that are tried at once.
const COUNTS: &[usize] = &[2, 4, 8, 16, 32];

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub strength: Strength,
    pub pairs: Layer,
    pub triples: Layer,
    #[serde(default)]
    pub trees: Blend,
    pub calibration: Platt,
}

/// A number of grids, and how strongly their cells are held back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub grids: usize,
    pub held: f64,
    /// Which of the ways to cut a column into groups: 0 is the coarsest.
    #[serde(default)]
    pub fineness: usize,
}

/// Standard errors by which grids, or trees, must be better to be kept.
const SURE: f64 = 1.5;

const NO_LAYER: Layer = Layer { grids: 0, held: 100.0, fineness: 0 };

/// Everything that depends on the rows but not on what is chosen.
struct Bench<'a> {
    labels: &'a [bool],
    encoder: Encoder,
    design: Design,
    /// By fineness.
    pairs: Vec<Groups>,
    triples: Vec<Groups>,
    trees: Groups,
}

/// One fold within: its rows, the answers, and the log-odds of what is fitted so far.
#[derive(Clone)]
pub struct Side {
    pub training: Vec<u32>,
    pub held_out: Vec<u32>,
    pub labels: Vec<bool>,
    pub held_out_labels: Vec<bool>,
    pub z: Vec<f64>,
    pub z_held_out: Vec<f64>,
}

/// Chooses by five folds within the rows, or within every so manieth where there are many.
pub fn choose(table: &Table, labels: &[bool], folds: &Folds) -> Choice {
    let stride = table.len().div_ceil(CHOICE_ROWS).max(1);
    if stride == 1 {
        return Bench::new(table, labels).choose(folds);
    }
    let rows: Vec<u32> = (0..table.len() as u32).step_by(stride).collect();
    Bench::new(&table.rows(&rows), &labels_of(labels, &rows)).choose(&folds.within(&rows))
}

/// Fits all rows with what was chosen.
pub fn finish(table: &Table, labels: &[bool], choice: &Choice) -> Trained {
    Bench::new(table, labels).finish(choice)
}

pub fn train(table: &Table, labels: &[bool], folds: &Folds) -> Trained {
    if table.len() > CHOICE_ROWS {
        return finish(table, labels, &choose(table, labels, folds));
    }
    let bench = Bench::new(table, labels);
    let choice = bench.choose(folds);
    bench.finish(&choice)
}

impl<'a> Bench<'a> {
    fn new(table: &Table, labels: &'a [bool]) -> Self {
        let encoder = rich::encoder(table);
        let (pairs, triples) = (Groups::for_pairs(&encoder, table), Groups::for_triples(&encoder, table));
        let trees = Groups::for_trees(&encoder, table);
        Self { labels, design: encoder.encode(table), pairs, triples, trees, encoder }
    }

    fn choose(&self, folds: &Folds) -> Choice {
        let mut sides: Vec<Side> = (0..FOLDS).map(|fold| self.side(fold, folds)).collect();
        let (strength, _) = self.choose_strength(&mut sides);
        let (pairs, chosen) = choose_fineness(&mut sides, &self.pairs, |groups, _, side| best_pairs(groups, side));
        let triples = if pairs.grids == 0 {
            NO_LAYER
        } else {
            let among = |at: usize| chosen.get(at).map(Vec::as_slice).unwrap_or_default();
            choose_fineness(&mut sides, &self.triples, |groups, at, side| best_triples(groups, side, among(at))).0
        };
        let trees = blend::choose(&self.trees, &mut sides);
        let (z, labels): (Vec<f64>, Vec<bool>) = sides
            .iter()
            .flat_map(|side| side.z_held_out.iter().copied().zip(side.held_out_labels.iter().copied()))
            .unzip();
        let calibration = Platt::fit(&z, &labels).if_worth_it();
        Choice { strength, pairs, triples, trees, calibration }
    }

    fn side(&self, fold: usize, folds: &Folds) -> Side {
        let rows = |inside: bool| {
            (0..self.labels.len()).filter(|row| (folds.of(*row) == fold) == inside).map(|row| row as u32).collect()
        };
        let (training, held_out): (Vec<u32>, Vec<u32>) = (rows(false), rows(true));
        Side {
            labels: labels_of(self.labels, &training),
            held_out_labels: labels_of(self.labels, &held_out),
            training,
            held_out,
            z: Vec::new(),
            z_held_out: Vec::new(),
        }
    }

    /// Goes from stiff to loose while that helps, then tries the levels' share; leaves the best log-odds in the sides.
    fn choose_strength(&self, sides: &mut [Side]) -> (Strength, f64) {
        let designs: Vec<(Design, Design)> =
            sides.iter().map(|side| (self.design.some(&side.training), self.design.some(&side.held_out))).collect();
        let mut starts: Vec<Vec<f64>> = sides.iter().map(|side| vec![logistic::base(&side.labels)]).collect();
        let first = LEVELS.first().copied().unwrap_or(1.0);
        let mut best = (Strength { curve: 1.0, bend: 0.0, level: 1.0 }, f64::INFINITY);
        let mut attempt = |strength: Strength, starts: &mut Vec<Vec<f64>>, best: &mut (Strength, f64)| {
            let penalty = rich::penalty(&self.encoder, strength);
            for (start, (side, (training, _))) in starts.iter_mut().zip(sides.iter().zip(&designs)) {
                *start = logistic::fit(training, &side.labels, &penalty, start, Patience::ROUGH).coefficients;
            }
            let held_out: Vec<Vec<f64>> =
                starts.iter().zip(&designs).map(|(beta, (_, held_out))| held_out.times(beta)).collect();
            let each = sides.iter().zip(&held_out).map(|(side, z)| loss(z, &side.held_out_labels));
            let loss = metrics::mean(each);
            let better = loss < best.1;
            if better {
                *best = (strength, loss);
                for ((side, held_out), (beta, (training, _))) in
                    sides.iter_mut().zip(held_out).zip(starts.iter().zip(&designs))
                {
                    side.z = training.times(beta);
                    side.z_held_out = held_out;
                }
            }
            better
        };
        for curve in CURVES {
            if !attempt(Strength { curve: *curve, bend: 0.0, level: curve * first }, &mut starts, &mut best) {
                break;
            }
        }
        let level = best.0.level;
        let mut lines = (best.0, f64::INFINITY);
        for bend in BENDS {
            let before = lines.1;
            attempt(Strength { curve: 1.0, bend: *bend, level }, &mut starts, &mut best);
            lines.1 = best.1;
            if lines.1 >= before {
                break;
            }
        }
        let found = best.0;
        for share in [0.3, 3.0] {
            attempt(Strength { level: found.level * share, ..found }, &mut starts, &mut best);
        }
        best
    }

    fn finish(&self, choice: &Choice) -> Trained {
        let start = self.start(choice);
        let penalty = rich::penalty(&self.encoder, choice.strength);
        let fit = logistic::fit(&self.design, self.labels, &penalty, &start, Patience::FINE);
        let training: Vec<u32> = (0..self.labels.len() as u32).collect();
        let z = self.design.times(&fit.coefficients);
        let mut side = Side {
            training,
            labels: self.labels.to_vec(),
            z,
            held_out: Vec::new(),
            held_out_labels: Vec::new(),
            z_held_out: Vec::new(),
        };
        let mut encoder = self.encoder.clone();
        let mut coefficients = fit.coefficients;
        let mut pairs = Vec::new();
        if let Some(groups) = self.pairs.get(choice.pairs.fineness).filter(|_| choice.pairs.grids > 0) {
            pairs = best_pairs(groups, &side);
            let chosen: Vec<Together> = pairs.iter().take(choice.pairs.grids).cloned().collect();
            let grids = grids(groups, &chosen);
            let effects = cells::fit(&grids, &side.training, &mut side.z, &side.labels, choice.pairs.held);
            coefficients.extend(effects.into_iter().flatten());
            encoder.together.extend(chosen);
        }
        if let Some(groups) = self.triples.get(choice.triples.fineness).filter(|_| choice.triples.grids > 0) {
            let mut chosen = best_triples(groups, &side, &pairs);
            chosen.truncate(choice.triples.grids);
            let grids = grids(groups, &chosen);
            let effects = cells::fit(&grids, &side.training, &mut side.z, &side.labels, choice.triples.held);
            coefficients.extend(effects.into_iter().flatten());
            encoder.together.extend(chosen);
        }
        blend::add(choice.trees, &self.trees, &side, &mut encoder, &mut coefficients);
        Trained {
            encoder,
            coefficients,
            calibration: choice.calibration,
            converged: fit.converged && !fit.raised,
            steps: fit.steps,
            choice: Some(*choice),
        }
    }

    /// Where a sample of the rows leads: a few steps less for all of them.
    fn start(&self, choice: &Choice) -> Vec<f64> {
        let base = vec![logistic::base(self.labels)];
        let stride = self.labels.len() / CHOICE_ROWS;
        if stride < 2 {
            return base;
        }
        let rows: Vec<u32> = (0..self.labels.len() as u32).step_by(stride).collect();
        let shrunk = Strength {
            curve: choice.strength.curve / stride as f64,
            bend: choice.strength.bend / stride as f64,
            level: choice.strength.level / stride as f64,
        };
        let penalty = rich::penalty(&self.encoder, shrunk);
        let labels = labels_of(self.labels, &rows);
        logistic::fit(&self.design.some(&rows), &labels, &penalty, &base, Patience::ROUGH).coefficients
    }
}

fn most() -> usize {
    COUNTS.iter().copied().max().unwrap_or(0)
}

fn loss(z: &[f64], labels: &[bool]) -> f64 {
    let chances: Vec<f64> = z.iter().map(|z| probability(*z)).collect();
    metrics::log_loss(&chances, labels)
}

fn grids(groups: &Groups, together: &[Together]) -> Vec<Grid> {
    together.iter().map(|one| Grid { cells: groups.cells(one), width: one.width() as usize }).collect()
}

fn best_pairs(groups: &Groups, side: &Side) -> Vec<Together> {
    groups.pairs(&side.training, &side.z, &side.labels, most())
}

fn best_triples(groups: &Groups, side: &Side, pairs: &[Together]) -> Vec<Together> {
    groups.triples(pairs, &side.training, &side.z, &side.labels, most())
}

/// Chooses how finely columns are cut, by the grids that each way finds: finer only where that is better by more than chance
/// would have it. Also what was found, by side.
fn choose_fineness(
    sides: &mut [Side],
    ways: &[Groups],
    find: impl Fn(&Groups, usize, &Side) -> Vec<Together>,
) -> (Layer, Vec<Vec<Together>>) {
    let start = sides.to_vec();
    let mut best = (NO_LAYER, Vec::new());
    for (fineness, groups) in ways.iter().enumerate() {
        let mut tried = start.clone();
        let found: Vec<Vec<Together>> = tried.iter().enumerate().map(|(at, side)| find(groups, at, side)).collect();
        let grids: Vec<Vec<Grid>> = found.iter().map(|found| grids(groups, found)).collect();
        let layer = choose_layer(&mut tried, &grids);
        let gains = sides.iter().zip(&tried).flat_map(|(so_far, tried)| {
            let (before, after) = (held_out_losses(so_far), held_out_losses(tried));
            before.into_iter().zip(after).map(|(before, after)| before - after).collect::<Vec<_>>()
        });
        if layer.grids > 0 && is_sure(gains) {
            sides.clone_from_slice(&tried);
            best = (Layer { fineness, ..layer }, found);
        }
    }
    best
}

fn held_out_losses(side: &Side) -> Vec<f64> {
    losses(&side.z_held_out, &side.held_out_labels)
}

/// Tries ever more grids, from stiff to loose. The best log-odds go into the sides if they are better by more than chance
/// would have it.
fn choose_layer(sides: &mut [Side], grids: &[Vec<Grid>]) -> Layer {
    let before: Vec<f64> = sides.iter().flat_map(|side| losses(&side.z_held_out, &side.held_out_labels)).collect();
    let mut best = metrics::mean(before.iter().copied());
    let mut layer = NO_LAYER;
    let mut kept: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for count in COUNTS {
        let mut last = f64::INFINITY;
        for held in CELLS {
            let tried: Vec<(Vec<f64>, Vec<f64>)> = sides
                .iter()
                .zip(grids)
                .map(|(side, grids)| {
                    let grids = grids.get(..*count.min(&grids.len())).unwrap_or_default();
                    let (mut z, mut held_out) = (side.z.clone(), side.z_held_out.clone());
                    let effects = cells::fit(grids, &side.training, &mut z, &side.labels, *held);
                    cells::add(grids, &effects, &side.held_out, &mut held_out);
                    (z, held_out)
                })
                .collect();
            let each = sides.iter().zip(&tried).flat_map(|(side, (_, z))| losses(z, &side.held_out_labels));
            let loss = metrics::mean(each);
            if loss < best {
                best = loss;
                layer = Layer { grids: *count, held: *held, fineness: 0 };
                kept = tried;
            }
            if loss > last {
                break;
            }
            last = loss;
        }
    }
    let after = sides.iter().zip(&kept).flat_map(|(side, (_, z))| losses(z, &side.held_out_labels));
    if !is_sure(before.iter().zip(after).map(|(before, after)| before - after)) {
        return NO_LAYER;
    }
    for (side, (z, held_out)) in sides.iter_mut().zip(kept) {
        (side.z, side.z_held_out) = (z, held_out);
    }
    layer
}

/// Whether the mean of these is above zero by more than its standard error.
pub fn is_sure(gains: impl Iterator<Item = f64>) -> bool {
    let gains: Vec<f64> = gains.collect();
    let mean = metrics::mean(gains.iter().copied());
    let variance = metrics::mean(gains.iter().map(|gain| (gain - mean).powi(2)));
    mean > SURE * (variance / gains.len().max(1) as f64).sqrt()
}

fn losses(z: &[f64], labels: &[bool]) -> Vec<f64> {
    z.iter().zip(labels).map(|(z, yes)| logistic::loss(*z, *yes)).collect()
}
