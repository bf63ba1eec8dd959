//! Decisions by example, and what must hold for any: people share devices, and rules never make one person of two.

mod examples;
mod properties;
mod replaying;
mod world;
