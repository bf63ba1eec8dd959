//! The checks, by theme. Each is an `async fn` over a fresh subject whose name is the sentence it proves.

mod account;
mod change;
mod conversion;
mod erase;
mod failure;
mod large;
mod lead_object;
mod list;
mod load;
mod lost_answer;
mod note;
mod outcome;
mod record;
mod recover;
mod schema;
mod steps;
mod task;
mod update;

use crate::suite::Check;

/// Checks of notes, for connectors that write them. Optional parts have suites of their own, so that a connector without one
/// names nothing as skipped.
pub fn note_checks() -> Vec<Check> {
    note::checks()
}

/// Checks of places on lists, for connectors that give them.
pub fn list_checks() -> Vec<Check> {
    list::checks()
}

/// Checks of deleting people's records for good.
pub fn erase_checks() -> Vec<Check> {
    erase::checks()
}

/// Checks of lead objects beside people's records, for connectors that make them, and of a clean refusal for the others.
pub fn lead_object_checks() -> Vec<Check> {
    lead_object::checks()
}

/// Checks of tasks, for connectors that make them.
pub fn task_checks() -> Vec<Check> {
    task::checks()
}

/// Every check of what all connectors do, in the order of the report.
pub fn checks() -> Vec<Check> {
    [
        account::checks(),
        load::checks(),
        change::checks(),
        record::checks(),
        update::checks(),
        outcome::checks(),
        lost_answer::checks(),
        failure::checks(),
        schema::checks(),
        large::checks(),
        recover::checks(),
        conversion::checks(),
    ]
    .concat()
}

/// A table of checks: the promises, then the function.
macro_rules! table {
    ($([$($promise:literal),*] $name:ident),* $(,)?) => {
        vec![$($crate::suite::Check {
            name: stringify!($name),
            promises: &[$($promise),*],
            run: |subject| Box::pin($name(subject)),
        }),*]
    };
}
use table;
