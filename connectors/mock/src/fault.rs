//! Faults: what goes wrong, how often (a probability per request) and on which request exactly (a plan).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chance;

/// One way for a request to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Answered with this status and the vendor's body for it; nothing is applied.
    Status(u16),
    /// 429 with a `Retry-After` header.
    LimitedWithRetryAfter,
    /// 429 for the daily quota.
    LimitedForTheDay,
    /// Applied, then answered 500: the caller cannot know.
    ErrorAfter,
    /// The connection is reset before anything is applied.
    ResetBefore,
    /// Applied, then the connection is reset without an answer.
    ResetAfter,
    /// Answered late (`slow_ms`).
    Slow,
    /// The connection is closed in the middle of the body.
    Truncate,
    /// A complete HTTP response whose JSON stops half way.
    TruncateJson,
    /// The right body under `Content-Type: text/plain`.
    ContentType,
    /// In a batch write: one row fails while the rest is applied.
    Partial,
    /// In a batch write: one applied row is left out of the answer.
    OmitRow,
    /// Answered with a redirect to the address in the knob `elsewhere`; nothing is applied.
    Elsewhere,
}

impl Fault {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "429_retry_after" => Self::LimitedWithRetryAfter,
            "429_daily" => Self::LimitedForTheDay,
            "500_after" => Self::ErrorAfter,
            "reset_before" => Self::ResetBefore,
            "reset_after" => Self::ResetAfter,
            "slow" => Self::Slow,
            "truncate" => Self::Truncate,
            "truncate_json" => Self::TruncateJson,
            "content_type" => Self::ContentType,
            "partial" => Self::Partial,
            "omit_row" => Self::OmitRow,
            "elsewhere" => Self::Elsewhere,
            status => match status.parse::<u16>() {
                Ok(code) if (400..600).contains(&code) => Self::Status(code),
                _ => return None,
            },
        })
    }

    pub fn name(self) -> String {
        match self {
            Self::Status(code) => code.to_string(),
            Self::LimitedWithRetryAfter => "429_retry_after".into(),
            Self::LimitedForTheDay => "429_daily".into(),
            Self::ErrorAfter => "500_after".into(),
            Self::ResetBefore => "reset_before".into(),
            Self::ResetAfter => "reset_after".into(),
            Self::Slow => "slow".into(),
            Self::Truncate => "truncate".into(),
            Self::TruncateJson => "truncate_json".into(),
            Self::ContentType => "content_type".into(),
            Self::Partial => "partial".into(),
            Self::OmitRow => "omit_row".into(),
            Self::Elsewhere => "elsewhere".into(),
        }
    }
}

/// A fault for particular requests: the `nth` one that matches (from 1), and `times` in a row from there.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// HTTP method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Start of the path; `*` stands for anything, and then the whole path must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default = "one")]
    pub nth: u64,
    #[serde(default = "one")]
    pub times: u64,
    pub fault: String,
    /// Matching requests seen since the plan was put.
    #[serde(default)]
    pub seen: u64,
}

fn one() -> u64 {
    1
}

/// Everything that may go wrong, as `/__mock/config` shows it under `faults` and `plan`.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Probability per request, by fault name.
    odds: BTreeMap<String, f64>,
    pub plan: Vec<Planned>,
    /// Added to every answer.
    pub delay_ms: u64,
    /// How late a `slow` answer is.
    pub slow_ms: Option<u64>,
}

const SLOW_MS: u64 = 3_000;
const TOPIC: u64 = 0xfa17;

impl Faults {
    /// Reads `--chaos "502=0.01,reset_after=0.01,delay_ms=50"`.
    pub fn parse_chaos(spec: &str) -> Result<Self, String> {
        let mut pairs = BTreeMap::new();
        for part in spec.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not NAME=NUMBER, as in 502=0.01"))?;
            let number: f64 =
                value.trim().parse().map_err(|_| format!("`{}` in `{part}` is not a number", value.trim()))?;
            pairs.insert(name.trim().to_owned(), number);
        }
        Self::from_numbers(&pairs)
    }

    /// Reads the `faults` object of the config.
    pub fn from_numbers(pairs: &BTreeMap<String, f64>) -> Result<Self, String> {
        let mut faults = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "delay_ms" | "slow_ms" if !(0.0..=600_000.0).contains(value) => {
                    return Err(format!("{name} must be between 0 and 600000, not {value}"));
                }
                "delay_ms" => faults.delay_ms = *value as u64,
                "slow_ms" => faults.slow_ms = Some(*value as u64),
                _ if Fault::parse(name).is_none() => {
                    return Err(format!(
                        "unknown fault `{name}`: a status such as 502, or one of 429_retry_after, 429_daily, 500_after, \
                         reset_before, reset_after, slow, truncate, truncate_json, content_type, partial, omit_row, elsewhere, \
                         delay_ms, slow_ms"
                    ));
                }
                _ if !(0.0..=1.0).contains(value) => {
                    return Err(format!("{name} is a probability: between 0 and 1, not {value}"));
                }
                _ => {
                    faults.odds.insert(name.clone(), *value);
                }
            }
        }
        Ok(faults)
    }

    /// The `faults` object of the config.
    pub fn numbers(&self) -> BTreeMap<String, f64> {
        let mut pairs = self.odds.clone();
        if self.delay_ms > 0 {
            pairs.insert("delay_ms".into(), self.delay_ms as f64);
        }
        if let Some(ms) = self.slow_ms {
            pairs.insert("slow_ms".into(), ms as f64);
        }
        pairs
    }

    pub fn slow_ms(&self) -> u64 {
        self.slow_ms.unwrap_or(SLOW_MS)
    }

    /// What goes wrong with request `seq`, if anything: the plan first, then chance.
    pub fn draw(&mut self, seed: u64, seq: u64, method: &str, path: &str) -> Option<Fault> {
        let mut planned = None;
        for entry in &mut self.plan {
            if entry.method.as_deref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(method))
                || entry.path.as_deref().is_some_and(|pattern| !path_matches(pattern, path))
            {
                continue;
            }
            entry.seen += 1;
            let due = entry.seen >= entry.nth && entry.seen < entry.nth.saturating_add(entry.times);
            if due && planned.is_none() {
                planned = Fault::parse(&entry.fault);
            }
        }
        if planned.is_some() {
            return planned;
        }
        let mut left = chance::unit(seed, TOPIC, seq);
        for (name, odds) in &self.odds {
            if left < *odds {
                return Fault::parse(name);
            }
            left -= odds;
        }
        None
    }
}

/// A prefix match, or a whole match when the pattern holds a `*`.
fn path_matches(pattern: &str, path: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return path.starts_with(pattern) };
    let Some(mut left) = path.strip_prefix(head) else { return false };
    while let Some((piece, more)) = rest.split_once('*') {
        let Some(at) = left.find(piece) else { return false };
        left = left.get(at + piece.len()..).unwrap_or("");
        rest = more;
    }
    left.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chaos_is_read_and_shown_again() {
        let faults = Faults::parse_chaos("502=0.25, reset_after=0.5,delay_ms=50").unwrap();
        assert_eq!(faults.delay_ms, 50);
        assert_eq!(Faults::from_numbers(&faults.numbers()).unwrap().numbers(), faults.numbers());
        assert!(Faults::parse_chaos("502").unwrap_err().contains("NAME=NUMBER"));
        assert!(Faults::parse_chaos("sloth=0.1").unwrap_err().contains("unknown fault"));
        assert!(Faults::parse_chaos("502=7").unwrap_err().contains("probability"));
    }

    #[test]
    fn chance_keeps_its_proportions() {
        let mut faults = Faults::parse_chaos("502=0.1,reset_before=0.2").unwrap();
        let drawn: Vec<_> = (1..=2000).map(|seq| faults.draw(7, seq, "GET", "/crm")).collect();
        let gateway = drawn.iter().filter(|f| **f == Some(Fault::Status(502))).count();
        let resets = drawn.iter().filter(|f| **f == Some(Fault::ResetBefore)).count();
        assert!((140..260).contains(&gateway), "{gateway}");
        assert!((320..480).contains(&resets), "{resets}");
    }

    #[test]
    fn a_plan_strikes_the_nth_match_only() {
        let plan = Planned {
            method: Some("POST".into()),
            path: Some("/crm/*/batch/update".into()),
            nth: 2,
            times: 1,
            fault: "reset_after".into(),
            seen: 0,
        };
        let mut faults = Faults { plan: vec![plan], ..Faults::default() };
        let path = "/crm/v3/objects/contacts/batch/update";
        assert_eq!(faults.draw(1, 1, "POST", path), None);
        assert_eq!(faults.draw(1, 2, "GET", path), None);
        assert_eq!(faults.draw(1, 3, "POST", "/crm/v3/objects/contacts/search"), None);
        assert_eq!(faults.draw(1, 4, "POST", path), Some(Fault::ResetAfter));
        assert_eq!(faults.draw(1, 5, "POST", path), None);
    }
}
