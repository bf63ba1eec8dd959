//! `[traits.NAME]`: traits computed from events.

use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::model::is_reserved;
use crate::config::origin::{Origin, quote};
use crate::config::reader::{Bad, Reader};
use crate::config::settings::Preset;
use crate::config::tree::{Entry, Node};
use crate::config::{expression, value};
use crate::enrich::{EventMatch, ModelSpec, TouchPart, TraitRule, TraitSpec};
use crate::expr::{Scope, nearest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Count,
    Exists,
    Sum,
    First,
    Last,
    UniqueCount,
    DaysSince,
}

const KINDS: &[(&str, Kind)] = &[
    ("count", Kind::Count),
    ("exists", Kind::Exists),
    ("sum", Kind::Sum),
    ("first", Kind::First),
    ("last", Kind::Last),
    ("unique_count", Kind::UniqueCount),
    ("days_since", Kind::DaysSince),
];

/// Kinds of the format that this version cannot compute.
const LATER_KINDS: [&str; 8] = ["avg", "min", "max", "most_frequent", "unique_list", "ratio", "trend", "formula"];

/// Puts the file's traits into the model: in the place of the preset's of the same name, or after them. Returns the names
/// of those that are wrong.
pub fn traits(root: &Reader<'_>, preset: Preset, spec: &mut ModelSpec) -> Vec<String> {
    let Some(section) = root.section("traits") else { return vec![String::new()] };
    for known in &spec.traits {
        section.notes().resolution.add(section.path_of(&known.name), show(known), Origin::Preset(preset.as_str()));
    }
    let mut broken = Vec::new();
    for entry in section.entries() {
        match one(&section, entry) {
            Some(new) => match spec.traits.iter_mut().find(|have| have.name == new.name) {
                Some(have) => *have = new,
                None => spec.traits.push(new),
            },
            None => broken.push(entry.key.clone()),
        }
    }
    broken
}

fn one(section: &Reader<'_>, entry: &Entry) -> Option<TraitSpec> {
    let name = entry.key.as_str();
    let mut named_right = true;
    if !value::is_name(name) {
        section.report(
            Diagnostic::new("E006", format!("{} is not a name", quoted(name)))
                .at(&entry.key_place)
                .help(value::NAME_HELP),
        );
        named_right = false;
    } else if is_reserved(name) {
        section.report(
            Diagnostic::new("E010", format!("two traits are called \"{name}\": one is built in"))
                .at(&entry.key_place)
                .help("names must be unique"),
        );
        named_right = false;
    }
    let table = section.inside(&entry.node, name, format!("`[traits.{name}]`"), section.path_of(name))?;
    table.check(keys::TRAIT);
    let missing = || {
        Diagnostic::new("E005", format!("missing `kind` in {}", table.named()))
            .help(format!("one of: {}", kind_names().join(", ")))
    };
    let kind = table.required("kind", "\"count\"", missing, kind);
    let on = events(&table);
    let window = optional(&table, "window", "\"30d\"", value::duration);
    let property = optional(&table, "property", "\"category\"", value::filled_text);
    let (kind, on, window, property) = (kind?, on?, window?, property?);
    let rule = rule(&table, kind, on, property.map(Into::into))?;
    named_right.then(|| TraitSpec { name: name.into(), rule, window })
}

fn kind_names() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

fn kind(node: &Node) -> Result<Kind, Bad> {
    let word = value::text(node)?;
    if LATER_KINDS.contains(&word.as_str()) {
        let message = format!("trait kind {} is not in this version", quoted(&word));
        return Err(Bad::value("E008", message).help(format!("one of: {}", kind_names().join(", "))));
    }
    value::choice("E006", "kind", KINDS)(node)
}

fn rule(table: &Reader<'_>, kind: Kind, on: EventMatch, property: Option<Arc<str>>) -> Option<TraitRule> {
    let needs = matches!(kind, Kind::Sum | Kind::First | Kind::Last | Kind::UniqueCount);
    let word = KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word);
    match property {
        Some(property) => match kind {
            Kind::Sum => Some(TraitRule::Sum(on, property)),
            Kind::First => Some(TraitRule::First(on, property)),
            Kind::Last => Some(TraitRule::Last(on, property)),
            Kind::UniqueCount => Some(TraitRule::UniqueCount(on, property)),
            Kind::Count | Kind::Exists | Kind::DaysSince => {
                let place = table.entry("property").map(|entry| &entry.key_place);
                let problem =
                    Diagnostic::new("E003", format!("unknown key `property` in {} of kind \"{word}\"", table.named()));
                table.report(match place {
                    Some(place) => problem.at(place),
                    None => problem,
                });
                None
            }
        },
        None if needs => {
            table.report_here(
                Diagnostic::new("E005", format!("missing `property` in {} of kind \"{word}\"", table.named()))
                    .help("`property = \"category\"`"),
            );
            None
        }
        None => match kind {
            Kind::Exists => Some(TraitRule::Exists(on)),
            Kind::DaysSince => Some(TraitRule::DaysSince(on)),
            _ => Some(TraitRule::Count(on)),
        },
    }
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

/// A trait as the file would write it; the built-in ones by what they are.
fn show(spec: &TraitSpec) -> String {
    let (kind, on, property) = match &spec.rule {
        TraitRule::Visits => ("visits", None, None),
        TraitRule::LastSeen => ("last_seen", None, None),
        TraitRule::FirstTouch(part) => (first_touch(*part), None, None),
        TraitRule::LastTouch(part) => (last_touch(*part), None, None),
        TraitRule::WonDeals => ("won_deals", None, None),
        TraitRule::WonRevenue => ("won_revenue", None, None),
        TraitRule::LastWon => ("last_won", None, None),
        TraitRule::Count(on) => ("count", Some(on), None),
        TraitRule::Exists(on) => ("exists", Some(on), None),
        TraitRule::DaysSince(on) => ("days_since", Some(on), None),
        TraitRule::Sum(on, property) => ("sum", Some(on), Some(property)),
        TraitRule::First(on, property) => ("first", Some(on), Some(property)),
        TraitRule::Last(on, property) => ("last", Some(on), Some(property)),
        TraitRule::UniqueCount(on, property) => ("unique_count", Some(on), Some(property)),
    };
    let mut text = format!("{{ kind = \"{kind}\"");
    if let Some(on) = on {
        text.push_str(&show_events(on));
    }
    if let Some(property) = property {
        text.push_str(&format!(", property = {}", quote(property)));
    }
    if let Some(window) = spec.window {
        text.push_str(&format!(", window = \"{}\"", show_duration(window)));
    }
    text.push_str(" }");
    text
}

fn first_touch(part: TouchPart) -> &'static str {
    match part {
        TouchPart::Source => "first_touch_source",
        TouchPart::Medium => "first_touch_medium",
        TouchPart::Campaign => "first_touch_campaign",
        TouchPart::Channel => "first_touch_channel",
    }
}

fn last_touch(part: TouchPart) -> &'static str {
    match part {
        TouchPart::Source => "last_touch_source",
        TouchPart::Medium => "last_touch_medium",
        TouchPart::Campaign => "last_touch_campaign",
        TouchPart::Channel => "last_touch_channel",
    }
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
