//! FLOOR 2 — behaviour becomes traits and a score. Pure.
//!
//! Events are matched once, on arrival, into facts ([`Model::facts`]); a computation reads facts and deals, never bodies
//! ([`Model::compute`]), and says when its result changes by time alone. A rule's id is a hash of all that decides what it
//! matches and keeps: another condition is another rule, whose facts are matched from the log; other points are not.

mod band;
mod compute;
mod condition;
mod evidence;
mod explain;
mod explain_score;
mod grade;
mod judgement;
mod mail;
mod matcher;
mod person;
pub mod preset;
mod rates;
mod reasons;
mod score;
mod score_spec;
mod segment;
mod segment_spec;
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
pub use explain_score::{ExplainedPart, Outlook};
pub use person::Person;
pub use rates::{Rates, minor_digits};
pub use reasons::REASONS_LENGTH;
pub use score::{faded, rounded};
pub use score_spec::{
    BandSpec, COOLDOWN, Decay, EXIT_SHARE, EventPoints, Gives, GradeAxis, GradeSpec, Made, RuleGroup, Rules, ScoreRule,
    ScoreSpec, TraitRow, Weighed,
};
pub use segment::{needs, segment_trait};
pub use segment_spec::{SEGMENTS, SegmentSpec};
pub use semantic::{DataKind, is_conversion, named_kind, normal_event_name};
pub use session::{SESSION_GAP_SECS, Session, sessions};
pub use spec::{EventMatch, GRADE, ModelSpec, Property, SCORE_CHANGE, SCORE_REASONS, TouchPart, TraitRule, TraitSpec};
pub use story::{EventMark, Story, Told, tell};
pub use values::KNOWN;
pub use window::{local_day, next_midnight};
