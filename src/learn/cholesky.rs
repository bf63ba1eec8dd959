//! Solving A·x = b for a symmetric positive definite A: Cholesky's factor in plain Rust, the same on every machine.

/// A square matrix of which only the lower triangle is used, by rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Symmetric {
    size: usize,
    cells: Vec<f64>,
}

impl Symmetric {
    pub fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The row up to the end of the matrix; beyond the diagonal it means nothing.
    pub fn row_mut(&mut self, row: usize) -> Option<&mut [f64]> {
        self.cells.get_mut(row * self.size..(row + 1) * self.size)
    }

    fn row(&self, row: usize) -> &[f64] {
        self.cells.get(row * self.size..(row + 1) * self.size).unwrap_or_default()
    }

    /// Adds to a cell and, as the matrix is symmetric, to its mirror.
    pub fn add(&mut self, row: usize, column: usize, amount: f64) {
        let (row, column) = (row.max(column), row.min(column));
        if let Some(cell) = self.row_mut(row).and_then(|row| row.get_mut(column)) {
            *cell += amount;
        }
    }

    pub fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.size).map(|at| self.row(at).get(at).copied().unwrap_or_default())
    }

    /// Adds the lower triangle of another matrix of the same size.
    pub fn add_all(&mut self, other: &Self) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The factor L with L·Lᵀ = A, or nothing where A is not positive definite (or holds no numbers).
    pub fn factor(mut self) -> Option<Factor> {
        for at in 0..self.size {
            let (above, rest) = self.cells.split_at_mut(at * self.size);
            let row = rest.get_mut(..self.size)?;
            for (column, other) in above.chunks_exact(self.size).enumerate() {
                let (done, open) = row.split_at_mut(column);
                let pivot = *other.get(column)?;
                let cell = open.first_mut()?;
                *cell = (*cell - dot(done, other)) / pivot;
            }
            let (done, open) = row.split_at_mut(at);
            let cell = open.first_mut()?;
            let before = *cell;
            let square = before - dot(done, done);
            // What is left of the diagonal is rounding: the column is a sum of those before it.
            if !(square.is_finite() && square > before.abs() * 1e-14) {
                return None;
            }
            *cell = square.sqrt();
        }
        Some(Factor(self))
    }
}

/// Cholesky's factor of a matrix.
#[derive(Clone, Debug)]
pub struct Factor(Symmetric);

impl Factor {
    /// x of A·x = b.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = right.to_vec();
        x.resize(self.0.size, 0.0);
        for at in 0..self.0.size {
            let row = self.0.row(at);
            let (done, open) = x.split_at_mut(at);
            if let (Some(value), Some(pivot)) = (open.first_mut(), row.get(at)) {
                *value = (*value - dot(done, row)) / pivot;
            }
        }
        for at in (0..self.0.size).rev() {
            let row = self.0.row(at);
            let (before, open) = x.split_at_mut(at);
            if let (Some(value), Some(pivot)) = (open.first_mut(), row.get(at)) {
                *value /= pivot;
                let value = *value;
                before.iter_mut().zip(row).for_each(|(other, weight)| *other -= weight * value);
            }
        }
        x
    }
}

/// The sum of products over the shorter of the two, in four strands so that it need not wait for each sum.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut strands = [0.0; 4];
    let shorter = a.len().min(b.len());
    let (a, b) = (a.get(..shorter).unwrap_or_default(), b.get(..shorter).unwrap_or_default());
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a_fours.remainder().iter().zip(b_fours.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_fours.zip(b_fours) {
        strands.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (x, y))| *sum += x * y);
    }
    let [first, second, third, fourth] = strands;
    (first + second) + (third + fourth) + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_solution_solves(size in 1usize..12, seed in proptest::collection::vec(-3.0f64..3.0, 200)) {
            // A = B·Bᵀ + I is positive definite whatever B is.
            let cell = |row: usize, column: usize| seed[(row * 13 + column) % 160];
            let mut a = Symmetric::zero(size);
            for row in 0..size {
                for column in 0..=row {
                    let product: f64 = (0..size).map(|k| cell(row, k) * cell(column, k)).sum();
                    a.add(row, column, product + if row == column { 1.0 } else { 0.0 });
                }
            }
            let right: Vec<f64> = seed[160..160 + size].to_vec();
            let x = a.clone().factor().unwrap().solve(&right);
            for (row, right) in right.iter().enumerate() {
                let left: f64 = (0..size)
                    .map(|column| a.row(row.max(column))[row.min(column)] * x[column])
                    .sum();
                prop_assert!((left - right).abs() < 1e-8, "{left} {right}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut same = Symmetric::zero(2);
        for (row, column) in [(0, 0), (1, 0), (1, 1)] {
            same.add(row, column, 1.0);
        }
        assert!(same.factor().is_none());
        let mut nothing = Symmetric::zero(1);
        nothing.add(0, 0, f64::NAN);
        assert!(nothing.factor().is_none());
    }
}
