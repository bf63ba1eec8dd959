//! A large Hessian that is never written out: products with it are products with the design, and systems are solved by
//! conjugate gradients. The part of it where columns lean on each other is factored, from a sample of the rows, to show the
//! way; the result does not depend on that, only how soon it is there.

use super::cholesky::{Factor, Symmetric, dot};
use super::design::{Design, Penalty};

/// Rows that show the way.
const SAMPLE: usize = 5_000;
/// Columns that are factored.
const HEAD: usize = 640;
/// How far what is left over must shrink.
const CLOSE: f64 = 1e-2;
const STEPS: usize = 60;

/// What shows the way: it may be of an earlier step, as the weights move little from one to the next.
#[derive(Debug)]
pub struct Guide {
    head: Factor,
    /// One by the diagonal, of the columns after the head.
    tail: Vec<f64>,
}

impl Guide {
    /// `None` where the sample is no guide: a weight is no number.
    pub fn new(design: &Design, penalty: &Penalty, weights: &[f64]) -> Option<Self> {
        let stride = design.rows().div_ceil(SAMPLE).max(1);
        let mut head = Symmetric::zero(design.columns().min(HEAD));
        let raised: Vec<f64> = weights.iter().map(|weight| weight * stride as f64).collect();
        design.add_gram(&raised, stride, &mut head);
        penalty.add_to(&mut head);
        (0..head.size()).for_each(|at| head.add(at, at, 1e-6));
        let mut diagonal = design.squares(weights);
        penalty.add_diagonal(&mut diagonal);
        let tail = diagonal.iter().skip(head.size()).map(|cell| 1.0 / cell.max(1e-9)).collect();
        Some(Self { head: head.factor()?, tail })
    }

    fn way(&self, r: &[f64]) -> Vec<f64> {
        let (head, tail) = r.split_at(r.len() - self.tail.len().min(r.len()));
        let mut way = self.head.solve(head);
        way.extend(tail.iter().zip(&self.tail).map(|(r, scale)| r * scale));
        way
    }
}

#[derive(Debug)]
pub struct Hessian<'a> {
    pub design: &'a Design,
    pub penalty: &'a Penalty,
    pub weights: &'a [f64],
    pub guide: &'a Guide,
}

impl Hessian<'_> {
    /// H·v.
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let along: Vec<f64> = self.design.times(v).iter().zip(self.weights).map(|(z, weight)| z * weight).collect();
        let mut product = self.design.transposed_times(&along);
        self.penalty.add_gradient(v, &mut product);
        product
    }

    /// x of H·x = b, near enough for a step of Newton's.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; right.len()];
        let mut left_over = right.to_vec();
        let mut way = self.guide.way(&left_over);
        let mut direction = way.clone();
        let mut height = dot(&left_over, &way);
        let enough = height * CLOSE * CLOSE;
        for _ in 0..STEPS {
            if height <= enough || height.is_nan() {
                break;
            }
            let product = self.times(&direction);
            let curvature = dot(&direction, &product);
            if curvature <= 0.0 || curvature.is_nan() {
                break;
            }
            let share = height / curvature;
            x.iter_mut().zip(&direction).for_each(|(x, by)| *x += share * by);
            left_over.iter_mut().zip(&product).for_each(|(r, by)| *r -= share * by);
            way = self.guide.way(&left_over);
            let next = dot(&left_over, &way);
            let turn = next / height;
            height = next;
            direction.iter_mut().zip(&way).for_each(|(at, way)| *at = way + turn * *at);
        }
        x
    }
}
