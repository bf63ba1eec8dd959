//! FLOOR 3 — events come in: lines are read, messages decoded and checked. What is stored was valid.

mod body;
mod decode;
mod flow;
mod identity;
mod jsonl;
mod live;
mod message_id;
#[cfg(test)]
mod tests;
mod traits;
mod when;

pub use decode::{DecodeError, DecodeOptions, MAX_MESSAGE, decode};
pub use flow::{Failed, Ingest};
pub use jsonl::{BadLine, JsonLines};
pub use live::{Live, LiveSource, SourceCounts, Taken, Tally};
