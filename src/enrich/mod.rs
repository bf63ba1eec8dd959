//! FLOOR 2 — behaviour becomes traits and a score. Pure.
//!
//! Events are matched once, on arrival, into facts ([`Model::facts`]); a computation reads facts and deals, never bodies
//! ([`Model::compute`]), and says when its result changes by time alone. A rule's id is a hash of all that decides what it
//! matches and keeps: another condition is another rule, whose facts are matched from the log; other points are not.

mod around;
mod band;
mod cart;
mod commerce;
mod compute;
mod condition;
mod evidence;
mod explain;
mod explain_score;
mod explain_trait;
mod features;
mod formula;
mod grade;
mod health;
mod interest;
mod judgement;
mod label;
mod lasting;
mod ledger;
mod mail;
mod matcher;
mod needs;
mod person;
mod predicted;
pub mod preset;
pub mod preset_scores;
mod preset_traits;
mod rates;
mod reasons;
mod rollup;
mod sales;
mod score;
mod score_spec;
mod segment;
mod segment_spec;
mod semantic;
mod session;
mod site;
mod sorted;
mod spec;
mod story;
mod tendency;
#[cfg(test)]
mod tests;
mod topics;
mod touch;
mod trait_spec;
mod traits;
mod values;
mod window;
mod without;

pub use crate::model::rounded;
pub use compute::Model;
pub use explain::{Evidence, EvidenceSource, Explanation};
pub use explain_score::{ExplainedPart, Outlook};
pub use health::{HEALTH, LIFECYCLE};
pub use label::Label;
pub use mail::MAIL_STATUS;
pub use person::Person;
pub use predicted::{AVERAGE, Predictors, outputs as predicted_outputs};
pub use rates::{Rates, minor_digits};
pub use reasons::REASONS_LENGTH;
pub use rollup::RollUp;
pub use score::faded;
pub use score_spec::{
    BandSpec, COOLDOWN, Decay, EXIT_SHARE, EventPoints, Gives, GradeAxis, GradeSpec, Made, PredictedSpec, RuleGroup,
    Rules, ScoreRule, ScoreSpec, TraitRow, Weighed,
};
pub use segment::{segment_needs, segment_trait};
pub use segment_spec::{SEGMENTS, SegmentSpec};
pub use semantic::{is_conversion, named_kind, normal_event_name};
pub use session::{SESSION_GAP_SECS, Session, sessions};
pub use spec::{EventMatch, GRADE, ModelSpec, Property, SCORE_CHANGE, SCORE_REASONS};
pub use story::{EventMark, Story, Told, tell};
pub use tendency::TENDENCIES;
pub use topics::TopicMap;
pub use trait_spec::{
    Amount, Contacted, Fold, Frequent, InterestPart, InterestWeights, LtvSource, MailTrait, Sales, TouchPart,
    TraitRule, TraitSpec,
};
pub use values::{DEAL_COUNTS, KNOWN};
pub use window::{local_day, next_midnight};
