//! Consent: for what a person's data may be used, decision by decision (`cdp-semantics` §7).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

/// What data may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Ferry may profile: keep behaviour, compute traits and scores.
    Analytics,
    /// Marketing may write to the person, and segments for it may be pushed.
    Marketing,
    /// What Ferry knows may be pushed to a CRM for outreach.
    Sales,
    /// Advertising: sale and sharing.
    Ads,
}

impl Purpose {
    pub const ALL: [Self; 4] = [Self::Analytics, Self::Marketing, Self::Sales, Self::Ads];
    pub const NAMES: [&'static str; 4] = ["analytics", "marketing", "sales", "ads"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analytics => "analytics",
            Self::Marketing => "marketing",
            Self::Sales => "sales",
            Self::Ads => "ads",
        }
    }
}

impl FromStr for Purpose {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    Denied,
    Granted,
    /// Asked for and not confirmed yet: as good as nothing said.
    Pending,
}

impl Choice {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Granted => "granted",
            Self::Pending => "pending",
        }
    }
}

/// One decision, as it is kept: never changed, only followed by others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsentDecision {
    pub purpose: Purpose,
    pub choice: Choice,
    /// Event time, or the CRM's change stamp.
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    /// `source website`, `crm hubspot contact 7`, `gpc website`
    pub source: Arc<str>,
    /// The id of the message that says so.
    pub evidence: Option<Arc<str>>,
}

impl ConsentDecision {
    /// Whether a CRM record says so.
    pub fn is_from_crm(&self) -> bool {
        self.source.starts_with("crm ")
    }

    /// Whether it adds anything to what a person has decided. A browser's standing wish is kept once; a CRM takes back only
    /// what a CRM has said, because an opt-out from elsewhere stands there too.
    pub fn adds_to(&self, decisions: &[ConsentDecision]) -> bool {
        let counts = effective(decisions, self.purpose);
        let denial = counts.filter(|decision| decision.choice == Choice::Denied);
        if self.source.starts_with("gpc ") {
            return denial.is_none();
        }
        !self.is_from_crm() || self.choice == Choice::Denied || denial.is_some_and(Self::is_from_crm)
    }
}

/// The decision that counts for a purpose: the newest explicit one by event time; of two at one time, the denial.
pub fn effective(decisions: &[ConsentDecision], purpose: Purpose) -> Option<&ConsentDecision> {
    decisions
        .iter()
        .filter(|decision| decision.purpose == purpose && decision.choice != Choice::Pending)
        .max_by_key(|decision| (decision.at, decision.choice == Choice::Denied, decision.recorded_at))
}

/// What counts where nobody has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentDefaults {
    pub analytics: bool,
    pub marketing: bool,
    pub sales: bool,
    pub ads: bool,
}

impl Default for ConsentDefaults {
    fn default() -> Self {
        Self { analytics: true, marketing: false, sales: true, ads: false }
    }
}

impl ConsentDefaults {
    pub fn allows(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Analytics => self.analytics,
            Purpose::Marketing => self.marketing,
            Purpose::Sales => self.sales,
            Purpose::Ads => self.ads,
        }
    }
}

/// Everything one person has decided, with what counts for the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consents {
    pub decisions: Vec<ConsentDecision>,
    pub defaults: ConsentDefaults,
}

impl Consents {
    pub fn allows(&self, purpose: Purpose) -> bool {
        match effective(&self.decisions, purpose) {
            Some(decision) => decision.choice == Choice::Granted,
            None => self.defaults.allows(purpose),
        }
    }

    /// What is shown: `granted`, `denied`, `pending` (asked for, not confirmed) or `unknown` (the default counts).
    pub fn shown(&self, purpose: Purpose) -> &'static str {
        match effective(&self.decisions, purpose) {
            Some(decision) => decision.choice.as_str(),
            None if self.decisions.iter().any(|decision| decision.purpose == purpose) => Choice::Pending.as_str(),
            None => "unknown",
        }
    }
}

/// What a message says of consent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageConsent {
    /// Purposes that this message may not be used for, by its own words.
    pub refused: Vec<Purpose>,
    /// Whether the message is about consent: such a one is kept whatever it says.
    pub is_about_consent: bool,
    /// What the person is known to have decided by it.
    pub decisions: Vec<ConsentDecision>,
}

impl MessageConsent {
    /// Whether the message may be counted: its facts feed what is computed and pushed.
    pub fn may_count(&self) -> bool {
        !self.refused.contains(&Purpose::Analytics) && !self.refused.contains(&Purpose::Sales)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(purpose: Purpose, choice: Choice, at: i64) -> ConsentDecision {
        let (at, recorded_at) = (Timestamp::from_secs(at), Timestamp::from_secs(100));
        ConsentDecision { purpose, choice, at, recorded_at, source: "source website".into(), evidence: None }
    }

    fn of(decisions: &[(Choice, i64)]) -> Consents {
        let decisions = decisions.iter().map(|(choice, at)| decision(Purpose::Marketing, *choice, *at)).collect();
        Consents { decisions, defaults: ConsentDefaults::default() }
    }

    #[test]
    fn the_newest_explicit_decision_counts_whatever_order_it_came_in() {
        use Choice::{Denied, Granted, Pending};
        type Case<'a> = (&'a [(Choice, i64)], &'a str, bool);
        let cases: &[Case<'_>] = &[
            (&[], "unknown", false),
            (&[(Pending, 1)], "pending", false),
            (&[(Pending, 1), (Granted, 2)], "granted", true),
            (&[(Granted, 2), (Denied, 1)], "granted", true),
            (&[(Denied, 3), (Granted, 2)], "denied", false),
            (&[(Granted, 5), (Denied, 5)], "denied", false),
            (&[(Denied, 5), (Granted, 5)], "denied", false),
            (&[(Denied, 5), (Pending, 6)], "denied", false),
            (&[(Granted, 5), (Pending, 6)], "granted", true),
        ];
        for (decisions, shown, allowed) in cases {
            let consents = of(decisions);
            assert_eq!((consents.shown(Purpose::Marketing), consents.allows(Purpose::Marketing)), (*shown, *allowed));
        }
        assert!(of(&[(Denied, 5)]).allows(Purpose::Sales), "one purpose says nothing of another");
    }
}
