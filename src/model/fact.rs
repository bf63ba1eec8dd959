//! Facts: what an event means for one rule, noted on arrival so that a score never reads event bodies again.

use std::sync::Arc;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

/// A rule's fingerprint: a 64-bit hash of everything that decides what it matches. A changed rule is another rule, whose
/// facts are matched from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleId(pub i64);

/// One match: this rule, this event, this time. `(rule, event)` is unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub rule: RuleId,
    /// The event's place in the log. Ties of `at` are broken by the event's message id through this.
    pub event: i64,
    pub at: Timestamp,
    /// What the rule keeps of the event: a stream key, a count, a flag. Its meaning is the rule's.
    pub number: i64,
    /// What the rule keeps as text, e.g. a touch's source.
    pub text: Option<Arc<str>>,
}
