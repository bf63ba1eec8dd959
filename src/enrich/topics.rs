//! What somebody reads about (`cdp-semantics` §3.2, `intent_topics`): pages, categories and tags map to topics; each look counts
//! for less as time passes, and a topic stays while its looks add up to one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{Timestamp, Value};

use crate::enrich::commerce::{SEPARATOR, text_of};
use crate::enrich::window::Due;
use crate::expr::{EventInput, Json};
use crate::model::Fact;

/// A look counts half after this.
const HALF_LIFE: Duration = Duration::from_secs(14 * 86_400);
/// A topic stays while its looks add up to this.
const STAYS: f64 = 1.0;
/// Topics shown.
const MOST: usize = 5;

/// Topics, each with what means it: the beginning of a path (`/pricing`), or a category or tag, in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicMap(Vec<(Arc<str>, Vec<Arc<str>>)>);

impl TopicMap {
    pub fn new(topics: impl IntoIterator<Item = (Arc<str>, Vec<Arc<str>>)>) -> Self {
        Self(topics.into_iter().collect())
    }

    pub fn topics(&self) -> &[(Arc<str>, Vec<Arc<str>>)] {
        &self.0
    }

    /// The topics of an event, kept apart by a separator; `None` where it has none.
    pub(super) fn keep(&self, input: &EventInput<'_>) -> Option<String> {
        let path = input.path().unwrap_or_default();
        let mut words: Vec<String> = Vec::new();
        let mut word = |value: Option<&Json<'_>>| words.extend(value.and_then(text_of).map(|word| word.to_lowercase()));
        word(input.body.get("category"));
        word(input.body.at(&["properties", "category"]));
        match input.body.at(&["properties", "tags"]) {
            Some(Json::List(tags)) => tags.iter().for_each(|tag| word(Some(tag))),
            tag => word(tag),
        }
        let means = |pattern: &Arc<str>| {
            if pattern.starts_with('/') { begins(path, pattern) } else { words.contains(&pattern.to_lowercase()) }
        };
        let found = self.0.iter().filter(|(_, patterns)| patterns.iter().any(means));
        let topics: Vec<&str> = found.map(|(topic, _)| &**topic).collect();
        (!topics.is_empty()).then(|| topics.join(&SEPARATOR.to_string()))
    }
}

/// `/pricing` begins `/pricing`, `/pricing/eu`, and no `/pricing-old`.
fn begins(path: &str, pattern: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    path.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The topics that stay, the strongest first, five at most; null where none does.
pub(super) fn topics(facts: &[&Fact], as_of: Timestamp, due: &mut Due) -> Value {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for fact in facts {
        let age = as_of.since(fact.at).as_secs_f64();
        let weight = (-age / HALF_LIFE.as_secs_f64()).exp2();
        for topic in fact.text.as_deref().unwrap_or_default().split(SEPARATOR) {
            *sums.entry(topic).or_default() += weight;
        }
    }
    let mut kept: Vec<(&str, f64)> = sums.into_iter().filter(|(_, sum)| *sum >= STAYS).collect();
    // All fade alike, so the order never changes by itself, and the weakest goes first.
    if let Some(weakest) = kept.iter().map(|(_, sum)| *sum).reduce(f64::min) {
        let left = HALF_LIFE.as_secs_f64() * weakest.log2();
        due.note(as_of.saturating_add(Duration::from_secs_f64(left.max(1.0))));
    }
    kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let names: Vec<Arc<str>> = kept.into_iter().take(MOST).map(|(topic, _)| Arc::from(topic)).collect();
    if names.is_empty() { Value::Null } else { Value::List(names) }
}
