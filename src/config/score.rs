//! `[scores.engagement]`: rules that give points for events, and how points fade.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::origin::{Origin, quote};
use crate::config::reader::{Bad, Reader};
use crate::config::settings::Preset;
use crate::config::traits::{events, optional, show_duration, show_events};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::enrich::{Decay, EventPoints, Gives, Made, ModelSpec, Rules, ScoreRule, ScoreSpec};
use crate::schedule::parse_duration;

/// The ways points fade: the keys that say so, of which a score or a rule has at most one.
const DECAY_KEYS: [&str; 4] = ["half_life", "linear", "expires", "decay"];

/// Puts the file's score into the model: over the preset's, key by key.
pub fn scores(root: &Reader<'_>, preset: Preset, spec: &mut ModelSpec) -> Option<()> {
    let section = root.section("scores")?;
    section.check(keys::SCORES);
    let path = section.path_of("engagement");
    let known = spec.scores.iter().find(|score| &*score.name == "engagement").cloned();
    let known_rules = known.as_ref().and_then(ScoreSpec::rules);
    if let (Some(score), Some(rules)) = (&known, known_rules) {
        let origin = Origin::Preset(preset.as_str());
        let resolution = &section.notes().resolution;
        resolution.add(format!("{path}.max"), score.max.to_string(), origin.clone());
        resolution.add(format!("{path}.decay"), show_decay(rules.decay), origin.clone());
        let rules: Vec<String> = rules.rules.iter().map(show_rule).collect();
        resolution.add(format!("{path}.rules"), format!("[{}]", rules.join(", ")), origin);
    }
    let Some(entry) = section.entry("engagement") else { return Some(()) };
    let table = section.inside(&entry.node, "engagement", "`[scores.engagement]`".into(), path)?;
    table.check(keys::SCORE);
    let decay = decay(&table);
    let max = optional(&table, "max", "100", points);
    let rules = match (table.entry("rules"), known_rules) {
        (None, None) => {
            table.report_here(
                Diagnostic::new("E005", format!("missing `rules` in {}", table.named()))
                    .help("`rules = [{ label = \"Page view\", event = \"page\", points = 1 }]`"),
            );
            None
        }
        (None, Some(known)) => Some(known.rules.clone()),
        (Some(entry), _) => rules(&table, &entry.node),
    };
    let (decay, max, rules) = (decay?, max?, rules?);
    let rules = Rules {
        decay: decay.or(known_rules.map(|known| known.decay)).unwrap_or(DEFAULT_DECAY),
        rules,
        groups: Vec::new(),
    };
    let score = ScoreSpec {
        name: "engagement".into(),
        max: max.or(known.as_ref().map(|known| known.max)).unwrap_or(100.0),
        made: Made::Rules(rules),
        grade: None,
        bands: Vec::new(),
    };
    if score.max <= 0.0 {
        table.report_here(Diagnostic::new("E006", format!("`max` of {} must be above 0", table.named())));
        return None;
    }
    spec.scores = vec![score];
    Some(())
}

/// Fourteen days (`cdp-semantics` §4.2).
const DEFAULT_DECAY: Decay = Decay::HalfLife(std::time::Duration::from_secs(14 * 86_400));

fn rules(table: &Reader<'_>, node: &Node) -> Option<Vec<ScoreRule>> {
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
        match table.inside(item, "rules", named, path).and_then(|rule| one(&rule)) {
            Some(rule) => rules.push(rule),
            None => complete = false,
        }
    }
    let shown: Vec<String> = rules.iter().map(show_rule).collect();
    let origin = Origin::of(&node.place);
    table.notes().resolution.add(table.path_of("rules"), format!("[{}]", shown.join(", ")), origin);
    complete.then_some(rules)
}

fn one(rule: &Reader<'_>) -> Option<ScoreRule> {
    rule.check(keys::SCORE_RULE);
    let missing = |key: &str, example: &str| {
        Diagnostic::new("E005", format!("missing `{key}` in {}", rule.named())).help(format!("`{key} = {example}`"))
    };
    let label = rule.required("label", "\"Page view\"", || missing("label", "\"Page view\""), value::filled_text);
    let on = events(rule);
    let given = rule.required("points", "5", || missing("points", "5"), points);
    let max = optional(rule, "max", "15", points);
    let per_day = optional(rule, "per_day", "5", |node| {
        let most = value::count(1_000_000)(node)?;
        u32::try_from(most).ok().filter(|most| *most > 0).ok_or(Bad::Shape("at least 1"))
    });
    let decay = decay(rule);
    let gives = Gives::Events(EventPoints { on: on?, points: given?, per_day: per_day?, decay: decay? });
    Some(ScoreRule { label: label?.into(), gives, max: max?, group: None })
}

/// Points are written with at most a few decimals; they are weights, not money.
fn points(node: &Node) -> Result<f64, Bad> {
    let most = Decimal::from(1_000_000);
    let points = value::decimal(node)?;
    points.to_f64().filter(|_| points.abs() <= most).ok_or(Bad::Shape("a number of points up to 1000000"))
}

/// `Some(None)` where nothing is said; E063 where two things are.
fn decay(table: &Reader<'_>) -> Option<Option<Decay>> {
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

fn show_rule(rule: &ScoreRule) -> String {
    let mut text = format!("{{ label = {}", quote(&rule.label));
    if let Gives::Events(events) = &rule.gives {
        text.push_str(&format!("{}, points = {}", show_events(&events.on), events.points));
        if let Some(per_day) = events.per_day {
            text.push_str(&format!(", per_day = {per_day}"));
        }
        if let Some(decay) = events.decay {
            text.push_str(&format!(", decay = {}", show_decay(decay)));
        }
    }
    if let Some(max) = rule.max {
        text.push_str(&format!(", max = {max}"));
    }
    text.push_str(" }");
    text
}

fn show_decay(decay: Decay) -> String {
    match decay {
        Decay::HalfLife(time) => format!("{{ half_life = \"{}\" }}", show_duration(time)),
        Decay::Linear { share, every } => format!("{{ linear = \"{}%/{}\" }}", share * 100.0, show_duration(every)),
        Decay::Expires(time) => format!("{{ expires = \"{}\" }}", show_duration(time)),
        Decay::Never => "\"none\"".into(),
    }
}
