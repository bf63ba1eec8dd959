//! merges
