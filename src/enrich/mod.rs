//! FLOOR 2 — behaviour becomes traits and a score. Pure.
//!
//! Events are matched once, on arrival, into facts ([`Model::facts`]); a computation reads facts and deals, never bodies
//! ([`Model::compute`]), and says when its result changes by time alone. A rule's id is a hash of all that decides what it
//! matches and keeps: another condition is another rule, whose facts are matched from the log; other points are not.

mod compute;
mod explain;
mod grade;
mod mail;
mod matcher;
mod person;
pub mod preset;
mod rates;
mod reasons;
mod score;
mod score_spec;
mod semantic;
mod session;
mod site;
mod spec;
mod story;
#[cfg(test)]
mod tests;
mod touch;
mod traits;
mod values;
mod window;

pub use compute::Model;
pub use explain::{Evidence, EvidenceSource, Explanation};
pub use person::Person;
pub use rates::{Rates, minor_digits};
pub use reasons::REASONS_LENGTH;
pub use score::{faded, rounded};
pub use score_spec::{
    BandSpec, COOLDOWN, Decay, EXIT_SHARE, EventPoints, Gives, GradeAxis, GradeSpec, Made, RuleGroup, Rules, ScoreRule,
    ScoreSpec, TraitRow, Weighed,
};
pub use semantic::{DataKind, is_conversion, named_kind, normal_event_name};
pub use session::{SESSION_GAP_SECS, Session, sessions};
pub use spec::{EventMatch, GRADE, ModelSpec, Property, SCORE_REASONS, TouchPart, TraitRule, TraitSpec};
pub use story::{EventMark, Story, Told, tell};
pub use window::{local_day, next_midnight};
