//! Rows to learn from: what was known of a person or company on the day a lead or deal was made, and how it ended
//! (`cdp-semantics` §4.3). The caller computes the facts with the trait code and that day's `as_of`; what may be used, and which
//! rows say how it ended, is decided here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::table::{Cell, Growing, Table};

/// One snapshot of one profile.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadRow {
    /// Colleagues share it: a company, or the person where there is none. Rows of one group never stand on both sides of a
    /// split.
    pub group: String,
    /// When the lead or deal was made; facts are as known then.
    pub at: Timestamp,
    pub won: bool,
    /// By name. What is absent is a gap.
    pub facts: Vec<(Arc<str>, Fact)>,
    /// What the rules said then, where there are any.
    pub rule_score: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Number(f64),
    Text(Arc<str>),
    Flag(bool),
}

/// How a snapshot ended: won where a deal is won after it and within the horizon, else not; `None` while the horizon is open.
/// A deal won early does not close the horizon: else recent rows would all be won ones.
pub fn outcome(at: Timestamp, wins: &[Timestamp], horizon: Duration, now: Timestamp) -> Option<bool> {
    let end = at.saturating_add(horizon);
    (end <= now).then(|| wins.iter().any(|won| at < *won && *won <= end))
}

/// The value that was known at an instant: the last one recorded by then. `history` ascends by when it was recorded.
pub fn as_known_at<T>(history: &[(Timestamp, T)], at: Timestamp) -> Option<&T> {
    let known = history.partition_point(|(recorded, _)| *recorded <= at);
    history.get(known.checked_sub(1)?).map(|(_, value)| value)
}

/// Words of names that tell the outcome or are written because of it.
const OUTCOME_WORDS: &[&[&str]] = &[
    &["lifecycle"],
    &["lead", "status"],
    &["status"],
    &["stage"],
    &["owner"],
    &["amount"],
    &["probability"],
    &["close"],
    &["closed"],
    &["won"],
    &["lost"],
    &["revenue"],
    &["last", "modified"],
    &["last", "login"],
    &["contract"],
    &["win", "probability"],
];
/// Names that hold such a word and are honest: they speak of earlier deals.
const HONEST: &[&str] = &["previously_won", "previously_lost"];

/// Whether a fact of this name may be learnt from. `pushed` are the names that we write because of an outcome.
pub fn may_be_known(name: &str, pushed: &BTreeSet<String>) -> bool {
    if HONEST.contains(&name) {
        return true;
    }
    let lower = name.to_lowercase();
    let words: BTreeSet<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    !pushed.contains(name) && !OUTCOME_WORDS.iter().any(|told| told.iter().all(|word| words.contains(word)))
}

/// The rows as a table, in their order; columns by name. Facts that tell the outcome by their name are left out.
pub fn table(rows: &[&LeadRow], pushed: &BTreeSet<String>) -> Table {
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.facts.iter().map(|(name, _)| &**name)).collect();
    let columns = names.into_iter().filter(|name| may_be_known(name, pushed)).map(|name| {
        let mut growing = Growing::default();
        for row in rows {
            let fact = row.facts.iter().find(|(own, _)| **own == *name).map(|(_, fact)| fact);
            growing.push(fact.map_or(Cell::Gap, Fact::cell));
        }
        growing.finish(name.to_owned())
    });
    Table::of_columns(columns.collect(), rows.len())
}

impl Fact {
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Number(number) => Cell::Number(*number),
            Self::Text(text) => Cell::of_text(text),
            Self::Flag(flag) => Cell::Number(f64::from(u8::from(*flag))),
        }
    }
}

/// A number that is always the same for the same group, for folds.
pub fn group_number(group: &str) -> u64 {
    xxh3_64(group.as_bytes())
}

/// Older rows to learn from and newer ones to hold the model against.
#[derive(Clone, Debug, PartialEq)]
pub struct Split<'a> {
    pub training: Vec<&'a LeadRow>,
    pub test: Vec<&'a LeadRow>,
    /// Older rows of groups that are in the test: neither.
    pub straddling: usize,
}

/// The newest fifth of the rows is the test. Rows of one instant are on one side.
pub fn split(rows: &[LeadRow]) -> Split<'_> {
    let mut by_time: Vec<&LeadRow> = rows.iter().collect();
    by_time.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.group.cmp(&b.group)));
    let cut = by_time.get(by_time.len() * 4 / 5).map(|row| row.at);
    let (test, older): (Vec<&LeadRow>, Vec<&LeadRow>) = by_time.into_iter().partition(|row| Some(row.at) >= cut);
    let tested: BTreeSet<&str> = test.iter().map(|row| row.group.as_str()).collect();
    let before = older.len();
    let training: Vec<&LeadRow> = older.into_iter().filter(|row| !tested.contains(row.group.as_str())).collect();
    Split { straddling: before - training.len(), training, test }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_secs(day * 86_400)
    }

    #[test]
    fn only_what_is_over_has_an_outcome() {
        let horizon = DAY * 90;
        assert_eq!(outcome(day(0), &[day(90)], horizon, day(90)), Some(true));
        assert_eq!(outcome(day(0), &[day(91)], horizon, day(200)), Some(false));
        assert_eq!(outcome(day(0), &[day(0)], horizon, day(200)), Some(false));
        assert_eq!(outcome(day(0), &[day(5)], horizon, day(89)), None);
    }

    #[test]
    fn nothing_is_known_before_it_was_recorded() {
        let history = [(day(1), "a"), (day(3), "b")];
        assert_eq!(as_known_at(&history, day(0)), None);
        assert_eq!(as_known_at(&history, day(2)), Some(&"a"));
        assert_eq!(as_known_at(&history, day(3)), Some(&"b"));
    }

    #[test]
    fn names_that_tell_the_outcome_are_not_learnt_from() {
        let pushed = BTreeSet::from(["cdp_segment".to_owned()]);
        for told in ["lifecycle_stage", "Lead Status", "hubspot_owner_id", "deal.amount", "close_date", "cdp_segment"] {
            assert!(!may_be_known(told, &pushed), "{told}");
        }
        for honest in
            ["visits_30d", "previously_won", "country", "company.employees", "first_touch_channel", "disclosed"]
        {
            assert!(may_be_known(honest, &pushed), "{honest}");
        }
    }

    #[test]
    fn rows_become_a_table_with_gaps() {
        let row = |facts: Vec<(&str, Fact)>| LeadRow {
            group: "g".into(),
            at: day(0),
            won: false,
            facts: facts.into_iter().map(|(name, fact)| (name.into(), fact)).collect(),
            rule_score: None,
        };
        let rows = [
            row(vec![
                ("visits", Fact::Number(3.0)),
                ("country", Fact::Text("DE".into())),
                ("owner", Fact::Text("x".into())),
            ]),
            row(vec![("demo", Fact::Flag(true))]),
        ];
        let table = table(&rows.iter().collect::<Vec<_>>(), &BTreeSet::new());
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["country", "demo", "visits"]);
        assert_eq!(table.columns[0].data.cell(1), Cell::Gap);
        assert_eq!(table.columns[1].data.cell(1), Cell::Number(1.0));
    }

    proptest! {
        #[test]
        fn no_group_is_on_both_sides_and_the_test_is_newer(
            rows in proptest::collection::vec((0u8..12, 0i64..60), 1..80)
        ) {
            let rows: Vec<LeadRow> = rows.into_iter().map(|(group, at)| LeadRow {
                group: group.to_string(), at: day(at), won: false, facts: Vec::new(), rule_score: None,
            }).collect();
            let split = split(&rows);
            prop_assert_eq!(split.training.len() + split.test.len() + split.straddling, rows.len());
            prop_assert!(split.test.len() * 5 >= rows.len());
            for old in &split.training {
                prop_assert!(split.test.iter().all(|new| new.group != old.group && new.at > old.at));
            }
        }
    }
}
