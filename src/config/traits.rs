//! `[traits.NAME]`: computed traits.

use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Diagnostic;
use crate::config::formulas::{self, Written};
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::model::is_reserved;
use crate::config::origin::{Origin, quote};
use crate::config::reader::{Bad, Reader};
use crate::config::settings::Preset;
use crate::config::trait_kinds::{self, Given};
use crate::config::tree::{Entry, Node};
use crate::config::{expression, value};
use crate::enrich::{EventMatch, ModelSpec, TopicMap, TraitSpec, normal_event_name};
use crate::expr::{Scope, nearest};

/// Puts the file's traits into the model: in the place of the preset's of the same name, or after them; formulas after all
/// others. Returns the names of those that are wrong.
pub fn traits(root: &Reader<'_>, preset: Preset, spec: &mut ModelSpec) -> Vec<String> {
    let Some(section) = root.section("traits") else { return vec![String::new()] };
    for known in &spec.traits {
        section.notes().resolution.add(section.path_of(&known.name), show(known), Origin::Preset(preset.as_str()));
    }
    let (mut broken, mut written) = (Vec::new(), Vec::new());
    for entry in section.entries() {
        match one(&section, entry) {
            Read::Trait(new) => match spec.traits.iter_mut().find(|have| have.name == new.name) {
                Some(have) => *have = new,
                None => spec.traits.push(new),
            },
            Read::Formula(formula) => written.push(formula),
            Read::Wrong => broken.push(entry.key.clone()),
        }
    }
    formulas::formulas(&section, written, spec, &mut broken);
    broken
}

/// One entry of the section.
enum Read<'a> {
    Trait(TraitSpec),
    Formula(Written<'a>),
    /// Reported.
    Wrong,
}

fn one<'a>(section: &Reader<'a>, entry: &'a Entry) -> Read<'a> {
    let name = entry.key.as_str();
    let named_right = is_named_right(section, entry);
    let named = format!("`[traits.{name}]`");
    let Some(table) = section.inside(&entry.node, name, named, section.path_of(name)) else { return Read::Wrong };
    table.check(keys::TRAIT);
    let missing = || {
        Diagnostic::new("E005", format!("missing `kind` in {}", table.named()))
            .help(format!("one of: {}", trait_kinds::names().join(", ")))
    };
    let Some(kind) = table.required("kind", "\"count\"", missing, kind) else { return Read::Wrong };
    let fits = keys_fit(&table, kind);
    if kind == "formula" {
        let missing = || {
            Diagnostic::new("E005", format!("missing `formula` in {}", table.named()))
                .help("`formula = \"ltv / max(visits_30d, 1)\"`")
        };
        let is_right = named_right && fits;
        return match table.entry("formula") {
            Some(formula) => {
                table.resolve("formula", &formula.node);
                Read::Formula(Written { name: name.to_owned(), node: &formula.node, is_right })
            }
            None => {
                table.report_here(missing());
                Read::Wrong
            }
        };
    }
    let window = optional(&table, "window", "\"30d\"", value::duration);
    let (Some(given), Some(window)) = (given(&table, kind), window) else { return Read::Wrong };
    match trait_kinds::rule(kind, given) {
        Some(rule) if named_right && fits => Read::Trait(TraitSpec { name: name.into(), rule, window }),
        _ => Read::Wrong,
    }
}

fn is_named_right(section: &Reader<'_>, entry: &Entry) -> bool {
    let name = entry.key.as_str();
    let problem = if !value::is_name(name) {
        Diagnostic::new("E006", format!("{} is not a name", quoted(name))).help(value::NAME_HELP)
    } else if is_reserved(name) {
        Diagnostic::new("E010", format!("two traits are called \"{name}\": one is built in"))
            .help("names must be unique")
    } else {
        return true;
    };
    section.report(problem.at(&entry.key_place));
    false
}

fn kind(node: &Node) -> Result<&'static str, Bad> {
    let word = value::text(node)?;
    let known = trait_kinds::names();
    known
        .iter()
        .find(|name| **name == word)
        .copied()
        .ok_or_else(|| Bad::Value(value::not_valid("E006", "kind", &word, &known)))
}

/// Keys that are valid of some kind of trait, but not of this one.
fn keys_fit(table: &Reader<'_>, kind: &str) -> bool {
    let mut fit = true;
    let takes = trait_kinds::keys_of(kind);
    for entry in table.entries() {
        let key = entry.key.as_str();
        if key != "kind" && keys::TRAIT.accepted.contains(&key) && !takes.contains(&key) {
            let problem =
                Diagnostic::new("E003", format!("unknown key `{key}` in {} of kind \"{kind}\"", table.named()));
            let problem = problem.at(&entry.key_place);
            table.report(if takes.is_empty() {
                problem
            } else {
                problem.help(format!("it takes: {}", takes.join(", ")))
            });
            fit = false;
        }
    }
    fit
}

/// What the keys say; `None` where one is wrong or missing.
fn given(table: &Reader<'_>, kind: &str) -> Option<Given> {
    let takes = |key: &str| trait_kinds::keys_of(kind).contains(&key);
    let mut given = Given::default();
    let mut complete = true;
    if takes("event") {
        given.on = events(table);
        complete &= given.on.is_some();
    }
    if takes("property") {
        let missing = || {
            Diagnostic::new("E005", format!("missing `property` in {} of kind \"{kind}\"", table.named()))
                .help("`property = \"category\"`")
        };
        given.property = table.required("property", "\"category\"", missing, value::filled_text).map(Into::into);
        complete &= given.property.is_some();
    }
    if takes("over") {
        given.over = over(table);
        complete &= given.over.is_some();
    }
    if takes("currency") {
        let currency = optional(table, "currency", "\"currency\"", value::filled_text)?;
        given.currency = currency.map(Into::into);
    }
    if takes("type") {
        const TYPES: &[(&str, bool)] = &[("text", false), ("number", true)];
        given.number = optional(table, "type", "\"number\"", value::choice("E006", "type", TYPES))?.unwrap_or(false);
    }
    if takes("min_count") {
        let count = optional(table, "min_count", "2", value::count(1_000_000))?;
        given.min_count = count.and_then(|count| u32::try_from(count).ok());
    }
    if takes("source") {
        let choice = value::choice("E006", "source", trait_kinds::LTV_SOURCES);
        given.source = optional(table, "source", "\"both\"", choice)?;
    }
    if takes("weights") {
        match weights(table, given.on.as_ref()) {
            Some(weights) => given.weights = weights,
            None => complete = false,
        }
    }
    if takes("topics") && table.entry("topics").is_some() {
        given.topics = topics(table);
        complete &= given.topics.is_some();
    }
    complete.then_some(given)
}

/// `over` and `over_where`: what a ratio counts against.
fn over(table: &Reader<'_>) -> Option<EventMatch> {
    let missing = || {
        Diagnostic::new("E005", format!("missing `over` in {} of kind \"ratio\"", table.named()))
            .help("`over = \"page\"`: the events that the others are counted against")
    };
    let names = table.required("over", "\"page\"", missing, value::texts);
    let scope = Scope::event();
    let example = "'path.startsWith(\"/pricing\")'";
    let condition = optional(table, "over_where", example, expression::condition(&scope))?;
    Some(EventMatch { events: names?.into_iter().map(Into::into).collect(), condition })
}

/// `weights = { "Product Added" = 3 }`: of the trait's own events, or of those that show interest.
fn weights(table: &Reader<'_>, on: Option<&EventMatch>) -> Option<Vec<(Arc<str>, u32)>> {
    if table.entry("weights").is_none() {
        return Some(Vec::new());
    }
    let known: Vec<&str> = match on {
        Some(on) => on.events.iter().map(|name| &**name).collect(),
        None => trait_kinds::INTEREST_EVENTS.to_vec(),
    };
    let section = table.section("weights")?;
    let mut complete = true;
    let mut weights = Vec::new();
    for entry in section.entries() {
        let name = known.iter().find(|name| normal_event_name(name) == normal_event_name(&entry.key));
        let Some(name) = name else {
            let problem = value::not_valid("E003", "event", &entry.key, &known);
            section.report(problem.at(&entry.key_place));
            complete = false;
            continue;
        };
        match section.read(&entry.key, &entry.node, "3", value::count(1_000)) {
            Some(weight) => {
                section.resolve(&entry.key, &entry.node);
                weights.push((Arc::from(*name), u32::try_from(weight).unwrap_or(1)));
            }
            None => complete = false,
        }
    }
    complete.then_some(weights)
}

/// `topics = { pricing = ["/pricing", "plans"] }`
fn topics(table: &Reader<'_>) -> Option<TopicMap> {
    let section = table.section("topics")?;
    let mut complete = true;
    let mut topics = Vec::new();
    for entry in section.entries() {
        let means = section.read(&entry.key, &entry.node, "[\"/pricing\", \"plans\"]", |node| {
            let means = value::texts(node)?;
            if means.iter().any(|word| word.trim().is_empty() || word == "/") {
                return Err(Bad::Shape("beginnings of paths (\"/pricing\"), categories or tags"));
            }
            Ok(means)
        });
        match means {
            Some(means) => {
                section.resolve(&entry.key, &entry.node);
                topics.push((Arc::from(entry.key.trim()), means.into_iter().map(Into::into).collect()));
            }
            None => complete = false,
        }
    }
    complete.then(|| TopicMap::new(topics))
}

/// `event` and `where`, as traits and score rules have them.
pub fn events(table: &Reader<'_>) -> Option<EventMatch> {
    let missing = || {
        Diagnostic::new("E005", format!("missing `event` in {}", table.named()))
            .help("`event = \"page\"`, or the name of a track event")
    };
    let names = table.required("event", "\"page\"", missing, |node| {
        let names = value::texts(node)?;
        let is_empty = names.is_empty() || names.iter().any(|name| name.trim().is_empty());
        if is_empty { Err(Bad::Shape("the name of an event, or several")) } else { Ok(names) }
    });
    let scope = Scope::event();
    let condition = optional(table, "where", "'path.startsWith(\"/pricing\")'", expression::condition(&scope));
    if let Some(entry) = table.entry("event")
        && let Some(names) = &names
        && let Some((name, kind)) = names.iter().find_map(|name| Some((name, misspelt_kind(name)?)))
    {
        // A track event may be called anything, so this can only be a warning.
        table.report(
            Diagnostic::new("W106", format!("event {} is a track event of that name", quoted(name)))
                .at(&entry.node.place)
                .suggest(Some(kind)),
        );
    }
    Some(EventMatch { events: names?.into_iter().map(Into::into).collect(), condition: condition? })
}

/// `pages` was probably meant to be `page`.
fn misspelt_kind(name: &str) -> Option<&'static str> {
    nearest(name, ["page", "screen", "identify", "group", "alias"])
}

/// `Some(None)` where the key is absent, `None` where it is wrong.
pub fn optional<'a, T>(
    table: &Reader<'a>,
    key: &str,
    example: &str,
    read: impl FnOnce(&'a Node) -> Result<T, Bad>,
) -> Option<Option<T>> {
    match table.entry(key) {
        None => Some(None),
        Some(_) => table.value(key, example, read).map(Some),
    }
}

/// A trait as the file would write it.
fn show(spec: &TraitSpec) -> String {
    let (kind, rest) = trait_kinds::shown(&spec.rule);
    let window = spec.window.map(|window| format!(", window = \"{}\"", show_duration(window))).unwrap_or_default();
    format!("{{ kind = \"{kind}\"{rest}{window} }}")
}

/// `, event = ["page"], where = "…"`
pub fn show_events(on: &EventMatch) -> String {
    let names: Vec<String> = on.events.iter().map(|name| quote(name)).collect();
    let mut text = format!(", event = [{}]", names.join(", "));
    if let Some(condition) = &on.condition {
        text.push_str(&format!(", where = {}", quote(condition.text())));
    }
    text
}

/// In the largest unit that divides it.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size));
    unit.map_or_else(|| format!("{seconds}s"), |(size, letter)| format!("{}{letter}", seconds / size))
}
