//! `$batch`: many calls in one multipart body, answered in order; a change set among them happens whole or not at all.

mod parse;
mod run;

pub use run::answer;
