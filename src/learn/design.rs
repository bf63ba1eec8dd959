//! The matrix a model is fitted on, by rows, without its zeros; and what large coefficients cost.

use super::cholesky::Symmetric;

/// Rows of (column, value); every row begins with column 0, the intercept.
#[derive(Clone, Debug, Default)]
pub struct Design {
    columns: usize,
    starts: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f64>,
}

impl Design {
    /// A matrix without rows, `columns` wide, the intercept among them.
    pub fn new(columns: usize) -> Self {
        Self { columns, starts: vec![0], places: Vec::new(), values: Vec::new() }
    }

    /// Appends a row; terms must ascend by column and not name column 0, which is put before them.
    pub fn push(&mut self, terms: &[(u32, f64)]) {
        self.places.push(0);
        self.values.push(1.0);
        for (place, value) in terms {
            self.places.push(*place);
            self.values.push(*value);
        }
        self.starts.push(self.places.len());
    }

    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The terms of one row, the intercept first.
    pub fn row(&self, row: usize) -> (&[u32], &[f64]) {
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(start), Some(end)) => {
                (self.places.get(*start..*end).unwrap_or_default(), self.values.get(*start..*end).unwrap_or_default())
            }
            _ => (&[], &[]),
        }
    }

    /// Some of the rows.
    pub fn some(&self, rows: &[u32]) -> Self {
        let mut some = Self::new(self.columns);
        for row in rows {
            let (places, values) = self.row(*row as usize);
            some.places.extend_from_slice(places);
            some.values.extend_from_slice(values);
            some.starts.push(some.places.len());
        }
        some
    }

    /// The places and values of each row.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], &[f64])> {
        self.starts.windows(2).map(|ends| match ends {
            [start, end] => {
                (self.places.get(*start..*end).unwrap_or_default(), self.values.get(*start..*end).unwrap_or_default())
            }
            _ => (&[][..], &[][..]),
        })
    }

    /// X·β.
    pub fn times(&self, coefficients: &[f64]) -> Vec<f64> {
        self.iter().map(|(places, values)| along(places, values, coefficients)).collect()
    }

    /// Adds Xᵀ·diag(w)·X to the lower triangle, as far as the matrix goes; only every `stride`th row is taken.
    pub fn add_gram(&self, weights: &[f64], stride: usize, into: &mut Symmetric) {
        for ((places, values), weight) in self.iter().zip(weights).step_by(stride) {
            for (at, (place, value)) in places.iter().zip(values).enumerate() {
                // Places ascend: what follows is beyond the matrix, too.
                let Some(row) = into.row_mut(*place as usize) else { break };
                let factor = weight * value;
                for (other, value) in places.iter().zip(values).take(at + 1) {
                    if let Some(cell) = row.get_mut(*other as usize) {
                        *cell += factor * value;
                    }
                }
            }
        }
    }

    /// The diagonal of Xᵀ·diag(w)·X.
    pub fn squares(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        for ((places, values), weight) in self.iter().zip(weights) {
            for (place, value) in places.iter().zip(values) {
                if let Some(sum) = sums.get_mut(*place as usize) {
                    *sum += weight * value * value;
                }
            }
        }
        sums
    }

    /// Xᵀ·r.
    pub fn transposed_times(&self, right: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        for ((places, values), right) in self.iter().zip(right) {
            for (place, value) in places.iter().zip(values) {
                if let Some(sum) = sums.get_mut(*place as usize) {
                    *sum += value * right;
                }
            }
        }
        sums
    }
}

fn along(places: &[u32], values: &[f64], coefficients: &[f64]) -> f64 {
    places
        .iter()
        .zip(values)
        .map(|(place, value)| coefficients.get(*place as usize).copied().unwrap_or(0.0) * value)
        .sum()
}

/// ½·βᵀ·P·β, where P is a sum of squares: of single coefficients and of weighted sums of neighbours.
#[derive(Clone, Debug, Default)]
pub struct Penalty {
    /// Each is a weight and the (column, factor) of what is squared.
    squares: Vec<(f64, Vec<(u32, f64)>)>,
}

impl Penalty {
    /// Adds ½·weight·(Σ factor·β)².
    pub fn square(&mut self, weight: f64, of: impl IntoIterator<Item = (u32, f64)>) {
        self.squares.push((weight, of.into_iter().collect()));
    }

    pub fn cost(&self, coefficients: &[f64]) -> f64 {
        0.5 * self.squares.iter().map(|(weight, of)| weight * sum(of, coefficients).powi(2)).sum::<f64>()
    }

    /// Adds P·β.
    pub fn add_gradient(&self, coefficients: &[f64], gradient: &mut [f64]) {
        for (weight, of) in &self.squares {
            let pull = weight * sum(of, coefficients);
            for (place, factor) in of {
                if let Some(slope) = gradient.get_mut(*place as usize) {
                    *slope += pull * factor;
                }
            }
        }
    }

    /// Adds the diagonal of P.
    pub fn add_diagonal(&self, diagonal: &mut [f64]) {
        for (weight, of) in &self.squares {
            for (place, factor) in of {
                if let Some(cell) = diagonal.get_mut(*place as usize) {
                    *cell += weight * factor * factor;
                }
            }
        }
    }

    /// Adds P.
    pub fn add_to(&self, matrix: &mut Symmetric) {
        for (weight, of) in &self.squares {
            for (at, (place, factor)) in of.iter().enumerate() {
                for (other, theirs) in of.iter().take(at + 1) {
                    matrix.add(*place as usize, *other as usize, weight * factor * theirs);
                }
            }
        }
    }
}

fn sum(of: &[(u32, f64)], coefficients: &[f64]) -> f64 {
    of.iter().map(|(place, factor)| coefficients.get(*place as usize).copied().unwrap_or(0.0) * factor).sum()
}
