//! FLOOR 2 — what does the past say about the next one? Penalised logistic regression on any table (`cdp-semantics` §4.3).
//! Pure: a table in, a model with its metrics and reasons out. Nothing here knows a store, a CRM or a clock.
//!
//! A file or rows of deals become a [`Table`]; [`target`] says how each ended; [`evaluate`] trains by a [`Recipe`], holds the
//! model against rows it has not seen and makes a [`Model`], which scores a row and says why.

mod backtest;
mod blend;
mod boost;
mod calibrate;
mod card;
mod cells;
mod chart;
mod cholesky;
mod crossval;
mod design;
mod encode;
mod evaluate;
mod guard;
mod hessian;
mod leads;
mod logistic;
mod merged;
mod metrics;
mod model;
mod plain;
mod read;
mod rich;
mod shape;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod together;
mod train;
mod tree;
mod tune;
mod win;

pub use backtest::{Backtest, Gain, Replayed, RuleEffect, RuleWorth, Threshold, at_or_above, backtest};
pub use blend::Blend;
pub use calibrate::Platt;
pub use card::{Card, RecipeCard, Weight};
pub use chart::{gains_in_characters, svg};
pub use crossval::{CrossValidated, FOLDS, Folds, cross_validate};
pub use encode::Encoder;
pub use evaluate::evaluate;
pub use guard::{TOO_GOOD, single_auc, too_good};
pub use leads::{Fact, LeadRow, as_known_at, group_number, may_be_known, outcome};
pub use metrics::{Bin, Decile, Metrics, auc, calibration_error, deciles, metrics, pr_auc, reliability};
pub use model::{Model, ModelError, Reason, Scored};
pub use read::{ReadError, from_csv};
pub use rich::Strength;
pub use table::{Cell, Column, Data, Growing, Table, number};
pub use target::{Target, TargetError, target};
pub use train::{Recipe, Trained, train};
pub use tune::{Choice, Layer};
pub use win::{Drift, Limits, Standing, TestReport, WinTraining, drift, train_win};
