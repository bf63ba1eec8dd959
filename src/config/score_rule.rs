//! The rules of a score by points: for events, or while a condition on traits holds.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::origin::{Origin, quote};
use crate::config::reader::{Bad, Reader};
use crate::config::traits::{events, optional, show_duration, show_events};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::enrich::{Decay, EventPoints, Gives, RuleGroup, ScoreRule, TraitRow};
use crate::expr::{Scope, nearest};
use crate::schedule::parse_duration;

/// The ways points fade: the keys that say so, of which a score or a rule has at most one.
const DECAY_KEYS: [&str; 4] = ["half_life", "linear", "expires", "decay"];

/// What only rules on events have.
const OF_EVENTS: [&str; 6] = ["where", "per_day", "half_life", "linear", "expires", "decay"];

/// `groups = { firm = 30 }`: rules that together never give more.
pub(super) fn groups(table: &Reader<'_>) -> Option<Vec<RuleGroup>> {
    let Some(entry) = table.entry("groups") else { return Some(Vec::new()) };
    table
        .value("groups", "{ firm = 30 }", |node| {
            let Value::Table(groups) = &node.value else {
                return Err(Bad::Shape("a table of groups, each with its maximum"));
            };
            groups
                .entries
                .iter()
                .map(|one| Ok(RuleGroup { name: one.key.as_str().into(), max: points(&one.node)? }))
                .collect()
        })
        .inspect(|groups: &Vec<RuleGroup>| {
            let shown: Vec<String> = groups.iter().map(|group| format!("{} = {}", group.name, group.max)).collect();
            let origin = Origin::of(&entry.key_place);
            table.notes().resolution.add(table.path_of("groups"), format!("{{ {} }}", shown.join(", ")), origin);
        })
}

/// `rules = [ … ]`.
pub(super) fn rules(table: &Reader<'_>, node: &Node, groups: &[RuleGroup], scope: &Scope) -> Option<Vec<ScoreRule>> {
    let Value::Array(items) = &node.value else {
        table.read("rules", node, "[{ label = \"Page view\", event = \"page\", points = 1 }]", |_| {
            Err::<(), _>(Bad::Shape("an array of rules"))
        });
        return None;
    };
    let mut complete = true;
    let mut rules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let named = format!("rule {} of {}", index + 1, table.named());
        let path = format!("{}.{}", table.path_of("rules"), index + 1);
        match table.inside(item, "rules", named, path).and_then(|rule| one(&rule, groups, scope)) {
            Some(rule) => rules.push(rule),
            None => complete = false,
        }
    }
    let shown: Vec<String> = rules.iter().map(|rule| show_rule(rule, groups)).collect();
    let origin = Origin::of(&node.place);
    table.notes().resolution.add(table.path_of("rules"), format!("[{}]", shown.join(", ")), origin);
    complete.then_some(rules)
}

fn missing(rule: &Reader<'_>, key: &str, example: &str) -> Diagnostic {
    Diagnostic::new("E005", format!("missing `{key}` in {}", rule.named())).help(format!("`{key} = {example}`"))
}

fn one(rule: &Reader<'_>, groups: &[RuleGroup], scope: &Scope) -> Option<ScoreRule> {
    rule.check(keys::SCORE_RULE);
    let label = rule.required("label", "\"Page view\"", || missing(rule, "label", "\"Page view\""), value::filled_text);
    let max = optional(rule, "max", "15", points);
    let group = optional(rule, "group", "\"firm\"", |node| {
        let name = value::text(node)?;
        groups.iter().position(|group| *group.name == *name).ok_or_else(|| {
            let names: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
            Bad::Value(value::not_valid("E006", "group", &name, &names).at(&node.place))
        })
    });
    let gives = match (rule.entry("when").is_some(), rule.entry("one_of").is_some()) {
        (false, false) => of_events(rule),
        (on_traits, list) => {
            let foreign: &[&str] = if list { &["event", "points", "when"] } else { &["event"] };
            let mut foreign = foreign.iter().chain(&OF_EVENTS).filter(|key| **key != "when" || on_traits && list);
            let found = foreign.find_map(|key| rule.entry(key));
            match found {
                Some(entry) => {
                    let kind = if list { "one_of" } else { "when" };
                    rule.report(
                        Diagnostic::new(
                            "E003",
                            format!("unknown key `{}` beside `{kind}` in {}", entry.key, rule.named()),
                        )
                        .at(&entry.key_place)
                        .help("a rule is about events (`event`), or about traits (`when`, `one_of`)"),
                    );
                    None
                }
                None if list => one_of(rule, scope),
                None => row(rule, scope).map(|row| Gives::Traits(vec![row])),
            }
        }
    };
    Some(ScoreRule { label: label?.into(), gives: gives?, max: max?, group: group? })
}

fn of_events(rule: &Reader<'_>) -> Option<Gives> {
    let on = events(rule);
    let points = rule.required("points", "5", || missing(rule, "points", "5"), points);
    let per_day = optional(rule, "per_day", "5", |node| {
        let most = value::count(1_000_000)(node)?;
        u32::try_from(most).ok().filter(|most| *most > 0).ok_or(Bad::Shape("at least 1"))
    });
    let decay = decay(rule);
    Some(Gives::Events(EventPoints { on: on?, points: points?, per_day: per_day?, decay: decay? }))
}

/// `when` and `points`; the label is the rule's.
fn row(rule: &Reader<'_>, scope: &Scope) -> Option<TraitRow> {
    const EXAMPLE: &str = "'company.employees >= 50'";
    let when = rule.required("when", EXAMPLE, || missing(rule, "when", EXAMPLE), expression::condition(scope));
    let points = rule.required("points", "25", || missing(rule, "points", "25"), points);
    Some(TraitRow { label: None, when: when?, points: points? })
}

/// `one_of = [{ when = '…', points = 30 }, …]`: the first row that holds counts, once.
fn one_of(rule: &Reader<'_>, scope: &Scope) -> Option<Gives> {
    let entry = rule.entry("one_of")?;
    let Value::Array(items) = &entry.node.value else {
        rule.read("one_of", &entry.node, "[{ when = 'title == \"CEO\"', points = 30 }]", |_| {
            Err::<(), _>(Bad::Shape("an array of rows"))
        });
        return None;
    };
    let mut rows = Vec::with_capacity(items.len());
    let mut complete = true;
    for (index, item) in items.iter().enumerate() {
        let named = format!("row {} of {}", index + 1, rule.named());
        let path = format!("{}.{}", rule.path_of("one_of"), index + 1);
        let read = rule.inside(item, "one_of", named, path).and_then(|table| {
            table.check(keys::SCORE_ROW);
            let label = optional(&table, "label", "\"Board\"", value::filled_text);
            let row = row(&table, scope);
            Some(TraitRow { label: label?.map(Into::into), ..row? })
        });
        match read {
            Some(row) => rows.push(row),
            None => complete = false,
        }
    }
    complete.then_some(Gives::Traits(rows))
}

/// Points are written with at most a few decimals; they are weights, not money.
pub(super) fn points(node: &Node) -> Result<f64, Bad> {
    let most = Decimal::from(1_000_000);
    let points = value::decimal(node)?;
    points.to_f64().filter(|_| points.abs() <= most).ok_or(Bad::Shape("a number of points up to 1000000"))
}

/// `Some(None)` where nothing is said; E063 where two things are.
pub(super) fn decay(table: &Reader<'_>) -> Option<Option<Decay>> {
    let given: Vec<&str> = DECAY_KEYS.into_iter().filter(|key| table.entry(key).is_some()).collect();
    if let [one, other, ..] = given.as_slice() {
        let problem = Diagnostic::new("E063", format!("{one} and {other} are both set in {}", table.named()));
        let place = table.entry(other).map(|entry| &entry.key_place);
        table.report(match place {
            Some(place) => problem.at(place).help("choose one"),
            None => problem.help("choose one"),
        });
        return None;
    }
    let Some(key) = given.first() else { return Some(None) };
    match *key {
        "half_life" => table.value(key, "\"14d\"", |node| value::duration(node).map(Decay::HalfLife)),
        "expires" => table.value(key, "\"90d\"", |node| value::duration(node).map(Decay::Expires)),
        "linear" => table.value(key, "\"50%/30d\"", linear),
        _ => table.value(key, "\"none\"", |node| match value::text(node)?.as_str() {
            "none" => Ok(Decay::Never),
            other => Err(Bad::Value(value::not_valid("E006", "decay", other, &["none"]))),
        }),
    }
    .map(Some)
}

/// `50%/30d`.
fn linear(node: &Node) -> Result<Decay, Bad> {
    let text = value::text(node)?;
    let bad = || Bad::value("E053", format!("{} is not a share per time", quoted(&text))).help("like \"50%/30d\"");
    let (share, every) = text.split_once('/').ok_or_else(bad)?;
    let share = share.trim().strip_suffix('%').and_then(|share| Decimal::from_str_exact(share.trim()).ok());
    let share = share.filter(|share| *share > Decimal::ZERO && *share <= Decimal::ONE_HUNDRED).ok_or_else(bad)?;
    let every = parse_duration(every.trim()).map_err(|_| bad())?;
    let share = (share / Decimal::ONE_HUNDRED).to_f64().ok_or_else(bad)?;
    Ok(Decay::Linear { share, every })
}

pub(super) fn show_rule(rule: &ScoreRule, groups: &[RuleGroup]) -> String {
    let mut text = format!("{{ label = {}", quote(&rule.label));
    match &rule.gives {
        Gives::Events(events) => {
            text.push_str(&format!("{}, points = {}", show_events(&events.on), events.points));
            if let Some(per_day) = events.per_day {
                text.push_str(&format!(", per_day = {per_day}"));
            }
            if let Some(decay) = events.decay {
                text.push_str(&format!(", decay = {}", show_decay(decay)));
            }
        }
        Gives::Traits(rows) => match rows.as_slice() {
            [TraitRow { label: None, when, points }] => {
                text.push_str(&format!(", when = {}, points = {points}", quote(when.text())));
            }
            rows => {
                let row = |row: &TraitRow| {
                    let label = row.label.as_ref().map(|label| format!("label = {}, ", quote(label)));
                    let (when, points) = (quote(row.when.text()), row.points);
                    format!("{{ {}when = {when}, points = {points} }}", label.unwrap_or_default())
                };
                let rows: Vec<String> = rows.iter().map(row).collect();
                text.push_str(&format!(", one_of = [{}]", rows.join(", ")));
            }
        },
    }
    if let Some(max) = rule.max {
        text.push_str(&format!(", max = {max}"));
    }
    if let Some(group) = rule.group.and_then(|place| groups.get(place)) {
        text.push_str(&format!(", group = {}", quote(&group.name)));
    }
    text.push_str(" }");
    text
}

pub(super) fn show_decay(decay: Decay) -> String {
    match decay {
        Decay::HalfLife(time) => format!("{{ half_life = \"{}\" }}", show_duration(time)),
        Decay::Linear { share, every } => format!("{{ linear = \"{}%/{}\" }}", share * 100.0, show_duration(every)),
        Decay::Expires(time) => format!("{{ expires = \"{}\" }}", show_duration(time)),
        Decay::Never => "\"none\"".into(),
    }
}

/// E062: a score that is not there.
pub(super) fn unknown_score(name: &str, place: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::new("E062", format!("unknown score {} in {place}", quoted(name)))
        .suggest(nearest(name, known.iter().copied()))
}
