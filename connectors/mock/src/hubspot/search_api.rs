//! `POST /crm/objects/{type}/search`: over the search index, which lags, and never past the ten-thousandth record.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::portal::Portal;
use super::refusal::Refusal;
use super::render::Wanted;
use super::search::{Filter, Key, Operator, Question, bad};
use super::search_cache::Found;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const MAX_BODY: usize = 3_000;
const MAX_PAGE: usize = 200;
/// Nobody can page past this many results.
pub const CAP: usize = 10_000;

impl Portal {
    pub fn search(&mut self, core: &Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        if String::from_utf8_lossy(&call.body).chars().count() > MAX_BODY {
            return Err(bad(format!("the body may have {MAX_BODY} characters")));
        }
        let question = Question::parse(&body, self.schema(kind))?;
        let limit = whole(&body, "limit")?.unwrap_or(10);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(bad(format!("limit must be between 1 and {MAX_PAGE}")));
        }
        let after = whole(&body, "after")?.unwrap_or(0);
        if after + limit > CAP {
            return Err(bad(format!("after and limit reach beyond the first {CAP} results")));
        }
        let wanted = Wanted { properties: input::strings(&body, "properties"), ..Wanted::default() };
        let found = self.found(core, kind, &body, &question);
        let page: Vec<Value> = found
            .ids
            .iter()
            .skip(after)
            .take(limit)
            .filter_map(|id| self.table(kind).indexed(&self.people, *id, core.now))
            .map(|seen| self.render(core, seen, &wanted))
            .collect();
        let mut answer = json!({ "total": found.total, "results": page });
        // The last reachable page still points onward; following it is refused.
        if ((after + limit) as u64) < found.total {
            answer["paging"] = json!({ "next": { "after": (after + limit).to_string() } });
        }
        Ok(Reply::json(200, &answer))
    }

    fn found(&mut self, core: &Core, kind: Kind, body: &Map<String, Value>, question: &Question) -> Found {
        let mut key = body.clone();
        for paging in ["after", "limit", "properties"] {
            key.remove(paging);
        }
        let key = Value::Object(key).to_string();
        let (revision, settled_at) = (self.table(kind).revision, self.table(kind).settled_at);
        if let Some(found) = self.searches.get(kind, &key, revision) {
            return found.clone();
        }
        let found = self.evaluate(core, kind, question);
        self.searches.put(kind, key, revision, found.clone(), core.now, settled_at);
        found
    }

    /// Every match is counted; only the first ten thousand in order are kept.
    fn evaluate(&self, core: &Core, kind: Kind, question: &Question) -> Found {
        let (table, schema) = (self.table(kind), self.schema(kind));
        let (mut total, mut plain) = (0u64, Vec::new());
        let mut best: BinaryHeap<Ranked> = BinaryHeap::new();
        let descending = question.sort.as_ref().is_some_and(|sort| sort.descending);
        // Creation order and id order are the order of the walk: no ranking needed.
        let by_walk = question.sort.as_ref().is_none_or(|sort| sort.property == "hs_object_id" && !sort.descending);
        for id in self.candidates(core, kind, question) {
            let Some(seen) = table.indexed(&self.people, id, core.now) else { continue };
            if !question.matches(seen, schema) {
                continue;
            }
            total += 1;
            if by_walk {
                if plain.len() < CAP {
                    plain.push(id);
                }
                continue;
            }
            best.push(Ranked { key: question.key(seen), id, descending });
            if best.len() > CAP {
                best.pop();
            }
        }
        let ids = if by_walk { plain } else { best.into_sorted_vec().into_iter().map(|ranked| ranked.id).collect() };
        Found { ids, total }
    }

    /// The ids that can match: generated records outside the window of stamps and ids asked for are not looked at.
    fn candidates<'a>(&'a self, core: &Core, kind: Kind, question: &Question) -> Box<dyn Iterator<Item = u64> + 'a> {
        let (mut low, mut high) = (u64::MAX, 0u64);
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        let mut direct: Option<Vec<u64>> = Some(Vec::new());
        if question.groups.is_empty() {
            (low, high, from, to, direct) = (0, u64::MAX, i64::MIN, i64::MAX, None);
        }
        for group in &question.groups {
            let ids = bounds(group, "hs_object_id");
            let stamps = bounds(group, kind.modified_property());
            low = low.min(*ids.start() as u64);
            high = high.max(*ids.end() as u64);
            from = from.min(*stamps.start() as i64);
            to = to.max(*stamps.end() as i64);
            direct = direct.zip(self.named_ids(kind, group, core.now)).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        let table = self.table(kind);
        if let Some(mut ids) = direct {
            ids.sort_unstable();
            ids.dedup();
            return Box::new(ids.into_iter());
        }
        let first = kind.first_id();
        let end = first + self.people.count(kind);
        let window = self.people.window(kind, from, to);
        let inside = (first + window.start).max(low)..(first + window.end).min(high.saturating_add(1));
        // Held records may carry any stamp: all of them in the id range are looked at.
        let held: Vec<u64> =
            table.held_ids().filter(|id| *id < end && !inside.contains(id) && (low..=high).contains(id)).collect();
        let made = table.ids_from(&self.people, end.max(low)).take_while(move |id| *id <= high);
        Box::new(merge(held, inside).chain(made))
    }

    /// The few ids a group can match when it names them: by id, or by the value of a unique property.
    fn named_ids(&self, kind: Kind, group: &[Filter], now: Millis) -> Option<Vec<u64>> {
        let names = |filter: &&Filter| matches!(filter.operator, Operator::Eq | Operator::In);
        for filter in group.iter().filter(names) {
            if filter.property == "hs_object_id" {
                let number = |key: &Key| if let Key::Number(id) = key { Some(*id as u64) } else { None };
                return Some(filter.values.iter().filter_map(number).collect());
            }
            let unique = self.schema(kind).get(&filter.property).is_some_and(|property| property.unique);
            if !unique {
                continue;
            }
            let table = self.table(kind);
            let text = |key: &Key| if let Key::Text(text) = key { Some(text.clone()) } else { None };
            let holder = |value: String| table.holder(&self.people, &filter.property, &value);
            let holders = filter.values.iter().filter_map(text).filter_map(holder);
            // While changes are on their way into the index, it may show a value its record no longer has.
            let unsettled = (table.settled_at > now).then(|| table.held_ids().collect::<Vec<u64>>());
            let generated =
                filter.values.iter().filter_map(text).filter_map(|email| self.people.crowd.contact_by_email(&email));
            let generated = generated.filter(|_| kind == Kind::Contact).map(|index| kind.first_id() + index);
            return Some(holders.chain(unsettled.unwrap_or_default()).chain(generated).collect());
        }
        None
    }
}

/// Two rising sequences as one.
fn merge(left: Vec<u64>, right: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
    let before = left.iter().copied().filter(|id| *id < right.start).collect::<Vec<_>>();
    let after = left.into_iter().filter(|id| *id >= right.end).collect::<Vec<_>>();
    before.into_iter().chain(right).chain(after)
}

/// The range a group's AND leaves for one numeric property.
fn bounds(group: &[Filter], property: &str) -> RangeInclusive<f64> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for filter in group.iter().filter(|filter| filter.property == property) {
        let number = |at: usize| match filter.values.get(at) {
            Some(Key::Number(number)) => Some(*number),
            _ => None,
        };
        let Some(value) = number(0) else { continue };
        match filter.operator {
            Operator::Eq => (low, high) = (low.max(value), high.min(value)),
            Operator::Gt | Operator::Gte => low = low.max(value),
            Operator::Lt | Operator::Lte => high = high.min(value),
            Operator::Between => (low, high) = (low.max(value), high.min(number(1).unwrap_or(value))),
            _ => {}
        }
    }
    low..=high
}

fn whole(body: &Map<String, Value>, key: &str) -> Result<Option<usize>, Refusal> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| bad(format!("{key} must be a whole number"))),
        Some(Value::Number(number)) => {
            let number = number.as_u64().ok_or_else(|| bad(format!("{key} must be a whole number")))?;
            Ok(Some(usize::try_from(number).unwrap_or(usize::MAX / 2)))
        }
        Some(_) => Err(bad(format!("{key} must be a whole number"))),
    }
}

/// A match in the order asked for; ties by id.
#[derive(Debug, PartialEq)]
struct Ranked {
    key: Key,
    id: u64,
    descending: bool,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        // Numbers are parsed finite, so the partial order is total here.
        let keys = self.key.partial_cmp(&other.key).unwrap_or(Ordering::Equal);
        let keys = if self.descending { keys.reverse() } else { keys };
        keys.then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
