//! FLOOR 2 — could these two be one person? Fellegi–Sunter record matching (`cdp-semantics` §2.7). Pure: a table in, pairs
//! with probabilities and reasons out. It only ever proposes; people or rules decide.
//!
//! A [`MatchSpec`] says which columns make which fields, at which levels two values of a field may agree, and which records
//! are worth comparing at all. How much each level is worth is learnt from the table itself, without labels.

mod assess;
mod block;
mod clean;
mod cluster;
mod estimate;
mod level;
mod metrics;
mod pattern;
pub mod people;
mod score;
mod spec;
mod table;
#[cfg(test)]
mod tests;

pub use assess::{Assessment, Verdict, assess, assess_with};
pub use estimate::{ComparisonWeights, Weights};
pub use metrics::{Quality, Rates};
pub use score::{Reason, ScoredPair};
pub use spec::{MatchSpec, SpecError};
pub use table::{Table, TableError};

/// Two records by their places in the table, the smaller first.
pub type Pair = (u32, u32);
