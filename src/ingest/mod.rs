//! FLOOR 3 — events come in: lines are read, messages decoded and checked. What is stored was valid.

mod address;
#[cfg(test)]
mod agreement;
mod body;
mod canonical;
mod csv;
mod decode;
mod flow;
mod identity;
mod inbox;
mod jsonl;
mod live;
#[cfg(test)]
mod live_tests;
mod message_id;
mod named;
mod parting;
mod records;
mod room;
mod said;
mod sample;
#[cfg(test)]
mod tests;
mod traits;
mod when;

pub use address::{Network, sender};
pub use csv::{BadHeader, Cell, CsvFormat, CsvRecords, Mapped, MessagePath, NumberFormat, PathError};
pub use decode::{DecodeError, DecodeOptions, MAX_MESSAGE, decode};
pub use flow::{Failed, Ingest, LINE_READ, Refuse, Resolver};
pub use inbox::{Inbox, Looks, Sight, free_name};
pub use jsonl::{BadLine, JsonLines};
pub use live::{Live, LiveSource, Sent, Taken, Tally};
pub use parting::Parting;
pub use records::{Record, Records};
pub use room::{Claim, Room};
