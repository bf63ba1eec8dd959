//! FLOOR 6 — words to and from people: the command line, its tables, its exit codes. One file per command; a command
//! reads or asks, and decides nothing about anybody's data.

pub mod clean;
pub mod exit;
pub mod failures;
pub mod moment;
pub mod profile;
pub mod runs;
pub mod status;
pub mod terminal;
pub mod timeline;
