//! CSV → messages of the Segment format: rows are cut (`rows`), columns found by their header, cells read by their format
//! (`number`, local times), and each row written as the message it stands for (`message`). What follows is the same as for
//! JSON lines: the same limits, message ids, dedupe and dead letters.

mod message;
mod number;
mod path;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono_tz::Tz;

pub use message::{BadHeader, CsvRecords};
pub use number::NumberFormat;
pub use path::{MessagePath, PathError};

/// How the files of one source are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFormat {
    /// Between fields: one ASCII character, no quote and no line break.
    pub delimiter: u8,
    /// What local times without an offset are in. A time that does not exist there (the hour that clocks skip) is moved on by
    /// what they skip; one that is there twice is the first.
    pub time_zone: Tz,
    /// What goes where in the message. No two paths are the same or inside one another.
    pub columns: Vec<Mapped>,
}

/// One value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    pub path: MessagePath,
    pub cell: Cell,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A column by its header; an empty cell leaves the value out. Text, or a number in this format.
    Column {
        name: Arc<str>,
        number: Option<NumberFormat>,
    },
    /// The same for every row.
    Text(Arc<str>),
    Number(rust_decimal::Decimal),
    Flag(bool),
}
