//! FLOOR 2 — what does the past say about the next one? Penalised logistic regression on any table (`cdp-semantics` §4.3).
//! Pure: a table in, a model with its metrics and reasons out. Nothing here knows a store, a CRM or a clock.

pub mod calibrate;
pub mod cholesky;
pub mod crossval;
pub mod design;
pub mod encode;
pub mod logistic;
pub mod metrics;
pub mod plain;
pub mod read;
pub mod rich;
pub mod shape;
pub mod table;
pub mod target;
pub mod train;
pub mod tune;

pub use calibrate::Platt;
pub use crossval::{CrossValidated, FOLDS, cross_validate};
pub use encode::Encoder;
pub use metrics::{Bin, Decile, Metrics, calibration_error, deciles, metrics, reliability};
pub use read::{ReadError, from_csv};
pub use table::{Cell, Column, Data, Growing, Table};
pub use target::{Target, TargetError, target};
pub use train::{Recipe, Trained, train};
