//! `[scores.NAME]`: scores by rules and scores of scores, with grades and bands.

use std::sync::Arc;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::model::Names;
use crate::config::origin::Origin;
use crate::config::reader::{Bad, Reader};
use crate::config::score_rule::{decay, groups, points, rules, show_decay, show_rule, unknown_score};
use crate::config::settings::{ConnectionMode, ConnectionSettings, Preset};
use crate::config::traits::{optional, show_duration};
use crate::config::tree::{Entry, Node, Value};
use crate::config::value;
use crate::enrich::{
    BandSpec, COOLDOWN, Decay, EXIT_SHARE, GradeAxis, GradeSpec, Made, ModelSpec, PredictedSpec, Rules, ScoreSpec,
    Weighed, predicted_outputs,
};

/// Fourteen days (`cdp-semantics` §4.2).
const DEFAULT_DECAY: Decay = Decay::HalfLife(std::time::Duration::from_secs(14 * 86_400));

/// Names that `score_NAME` would collide with.
const TAKEN: [&str; 2] = ["reasons", "change"];

/// Puts the file's scores into the model: over the preset's, key by key, or beside them.
pub fn scores(root: &Reader<'_>, preset: Preset, spec: &mut ModelSpec, names: &Names) -> Option<()> {
    let section = root.section("scores")?;
    for known in &spec.scores {
        show(&section, known, &Origin::Preset(preset.as_str()));
    }
    let mut known: Vec<String> = spec.scores.iter().map(|score| score.name.to_string()).collect();
    known.extend(section.entries().iter().map(|entry| entry.key.clone()));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut complete = true;
    for entry in section.entries() {
        let before = spec.scores.iter().find(|score| *score.name == *entry.key).cloned();
        match one(&section, entry, before.as_ref(), names, &known) {
            Some(score) => match spec.scores.iter_mut().find(|have| have.name == score.name) {
                Some(have) => *have = score,
                None => spec.scores.push(score),
            },
            None => complete = false,
        }
    }
    if !complete {
        return None;
    }
    chances_stand_alone(&section, spec)?;
    bands_are_named_once(&section, spec)?;
    in_order(&section, spec)
}

fn one(
    section: &Reader<'_>,
    entry: &Entry,
    before: Option<&ScoreSpec>,
    names: &Names,
    known: &[&str],
) -> Option<ScoreSpec> {
    let name = entry.key.as_str();
    let problem = if value::is_name(name) {
        TAKEN.contains(&name).then(|| Diagnostic::new("E010", format!("a score cannot be called \"{name}\"")))
    } else {
        Some(Diagnostic::new("E006", format!("{} is not a name", quoted(name))).help(value::NAME_HELP))
    };
    let is_named_right = problem.is_none();
    if let Some(problem) = problem {
        section.report(problem.at(&entry.key_place));
    }
    let table = section.inside(&entry.node, name, format!("`[scores.{name}]`"), section.path_of(name))?;
    if table.entry("predictive").is_some() || before.is_some_and(|before| before.predicted().is_some()) {
        return predicted(&table, name).filter(|_| is_named_right);
    }
    table.check(keys::SCORE);
    let max = optional(&table, "max", "100", points);
    let made = made(&table, before, names, known);
    let grade = grade(&table, known);
    let bands = bands(&table);
    let (max, made, grade, bands) = (max?, made?, grade?, bands?);
    let max = max.or(before.map(|before| before.max)).unwrap_or(100.0);
    if max <= 0.0 {
        table.report_here(Diagnostic::new("E006", format!("`max` of {} must be above 0", table.named())));
        return None;
    }
    is_named_right.then(|| ScoreSpec {
        name: name.into(),
        max,
        made,
        grade: grade.or_else(|| before.and_then(|before| before.grade.clone())),
        bands: bands.unwrap_or_else(|| before.map(|before| before.bands.clone()).unwrap_or_default()),
    })
}

/// `predictive = true`, with `horizon`, `min_won` and `min_lost`: a chance, which has no rules, grade or bands.
fn predicted(table: &Reader<'_>, name: &str) -> Option<ScoreSpec> {
    table.check(keys::PREDICTIVE);
    let is_meant = table.value_or("predictive", Value::Bool(true), value::flag)?;
    if !is_meant {
        table.report_here(
            Diagnostic::new("E006", format!("`predictive = false` in {} leaves nothing", table.named()))
                .help("leave the section out, or give it `rules`"),
        );
        return None;
    }
    let usual = PredictedSpec::default();
    let horizon = optional(table, "horizon", "\"90d\"", value::duration);
    let (won, lost) = (optional(table, "min_won", "50", rows), optional(table, "min_lost", "50", rows));
    let (horizon, won, lost) = (horizon?, won?, lost?);
    let made = PredictedSpec {
        horizon: horizon.unwrap_or(usual.horizon),
        min_won: won.unwrap_or(usual.min_won),
        min_lost: lost.unwrap_or(usual.min_lost),
    };
    Some(ScoreSpec { name: name.into(), max: 100.0, made: Made::Predicted(made), grade: None, bands: Vec::new() })
}

/// W101 for every score that is learnt and that no CRM is told, in no form.
pub fn warn_unpushed(root: &Reader<'_>, connections: &[ConnectionSettings], spec: &ModelSpec) {
    let pushed: Vec<&str> = connections
        .iter()
        .filter(|connection| connection.mode != ConnectionMode::PullOnly)
        .flat_map(|connection| &connection.objects)
        .flat_map(|mapping| mapping.pushes().map(|field| &*field.attribute))
        .collect();
    for score in spec.scores.iter().filter(|score| score.predicted().is_some()) {
        let own = predicted_outputs(score).into_iter().map(|(name, _)| name).chain([score.trait_name()]);
        if connections.is_empty() || own.into_iter().any(|name| pushed.contains(&&*name)) {
            continue;
        }
        let message = format!("nothing pushes score \"{}\" to any CRM", score.name);
        let help = format!("map it in [crm.fields.contact], e.g. `{} = \"…\"`", score.trait_name());
        root.report_here(Diagnostic::new("W101", message).help(help));
    }
}

/// With fewer rows than this nothing can be learnt, whatever one hopes.
const FEWEST_ROWS: i64 = 20;

fn rows(node: &Node) -> Result<u32, Bad> {
    match &node.value {
        Value::Integer(rows) if *rows >= FEWEST_ROWS => {
            u32::try_from(*rows).map_err(|_| Bad::Shape("a whole number from 20 up"))
        }
        _ => Err(Bad::Shape("a whole number from 20 up")),
    }
}

/// By rules, or of other scores.
fn made(table: &Reader<'_>, before: Option<&ScoreSpec>, names: &Names, known: &[&str]) -> Option<Made> {
    let given: Vec<&str> = ["rules", "combine", "sum"].into_iter().filter(|key| table.entry(key).is_some()).collect();
    if let [one, other, ..] = given.as_slice() {
        table.report_here(
            Diagnostic::new("E063", format!("{one} and {other} are both set in {}", table.named())).help("choose one"),
        );
        return None;
    }
    if let Some(key) = given.first().filter(|key| **key != "rules") {
        return combination(table, key, known).map(Made::Combination);
    }
    let before_rules = before.and_then(ScoreSpec::rules);
    if given.is_empty()
        && let Some(Made::Combination(of)) = before.map(|before| &before.made)
    {
        return Some(Made::Combination(of.clone()));
    }
    let decay = decay(table);
    let groups = groups(table);
    let scope = names.of_people();
    let rules = match (table.entry("rules"), before_rules) {
        (None, None) => {
            table.report_here(
                Diagnostic::new("E005", format!("missing `rules` in {}", table.named()))
                    .help("`rules = [{ label = \"Page view\", event = \"page\", points = 1 }]`"),
            );
            None
        }
        (None, Some(known)) => Some(known.rules.clone()),
        (Some(entry), _) => rules(table, &entry.node, groups.as_deref().unwrap_or_default(), &scope),
    };
    let (decay, groups, rules) = (decay?, groups?, rules?);
    let kept = |known: &Rules| if table.entry("rules").is_none() { known.groups.clone() } else { Vec::new() };
    let groups = if groups.is_empty() { before_rules.map(kept).unwrap_or_default() } else { groups };
    Some(Made::Rules(Rules {
        decay: decay.or(before_rules.map(|known| known.decay)).unwrap_or(DEFAULT_DECAY),
        rules,
        groups,
    }))
}

/// `combine = { fit = 0.4, engagement = 0.6 }` or `sum = ["fit", "engagement"]`.
fn combination(table: &Reader<'_>, key: &str, known: &[&str]) -> Option<Vec<Weighed>> {
    let entry = table.entry(key)?;
    let own = table.named().to_owned();
    let exists = |name: &str| match known.contains(&name) && own != format!("`[scores.{name}]`") {
        true => Ok(()),
        false => Err(Bad::Value(unknown_score(name, "combine", known))),
    };
    let of: Vec<Weighed> = if key == "sum" {
        table.value(key, "[\"fit\", \"engagement\"]", |node| {
            let names = value::texts(node)?;
            names.iter().try_for_each(|name| exists(name))?;
            Ok(names.into_iter().map(|score| Weighed { score: score.into(), weight: 1.0 }).collect())
        })?
    } else {
        table.value(key, "{ fit = 0.4, engagement = 0.6 }", |node| {
            let Value::Table(weights) = &node.value else { return Err(Bad::Shape("a table of weights")) };
            weights.entries.iter().map(|one| weighed(one, &exists)).collect()
        })?
    };
    let sum: f64 = of.iter().map(|one| one.weight).sum();
    if of.is_empty() || (key == "combine" && (sum - 1.0).abs() > 1e-9) {
        // Written as a person would: 1.1, not 1.1000000000000001.
        let sum = (sum * 1e6).round() / 1e6;
        table.report(
            Diagnostic::new("E060", format!("combine weights add up to {sum}"))
                .at(&entry.node.place)
                .help("they must add up to 1.0"),
        );
        return None;
    }
    Some(of)
}

fn weighed(one: &Entry, exists: &dyn Fn(&str) -> Result<(), Bad>) -> Result<Weighed, Bad> {
    match exists(&one.key) {
        Ok(()) => {}
        Err(Bad::Value(problem)) => return Err(Bad::Value(problem.at(&one.key_place))),
        Err(other) => return Err(other),
    }
    let weight = points(&one.node)?;
    if weight < 0.0 {
        return Err(Bad::Shape("weights of 0 or more"));
    }
    Ok(Weighed { score: one.key.as_str().into(), weight })
}

/// `grade = { fit = [75, 50, 25], engagement = [75, 50, 25] }`: letter, then number.
fn grade(table: &Reader<'_>, known: &[&str]) -> Option<Option<GradeSpec>> {
    const EXAMPLE: &str = "{ fit = [75, 50, 25], engagement = [75, 50, 25] }";
    optional(table, "grade", EXAMPLE, |node| {
        const SHAPE: Bad = Bad::Shape("two scores, each with its thresholds");
        let Value::Table(axes) = &node.value else { return Err(SHAPE) };
        let [letter, number] = axes.entries.as_slice() else { return Err(SHAPE) };
        Ok(GradeSpec { letter: axis(letter, known)?, number: axis(number, known)? })
    })
}

fn axis(entry: &Entry, known: &[&str]) -> Result<GradeAxis, Bad> {
    if !known.contains(&entry.key.as_str()) {
        return Err(Bad::Value(unknown_score(&entry.key, "grade", known).at(&entry.key_place)));
    }
    let Value::Array(items) = &entry.node.value else { return Err(Bad::Shape("an array of thresholds")) };
    let thresholds: Vec<f64> = items.iter().map(points).collect::<Result<_, _>>()?;
    if thresholds.is_empty() || thresholds.len() > 25 {
        return Err(Bad::Shape("1 to 25 thresholds"));
    }
    if thresholds.windows(2).any(|pair| matches!(pair, [a, b] if b >= a)) {
        let shown: Vec<String> = thresholds.iter().map(f64::to_string).collect();
        let message = format!("grade thresholds must fall: [{}]", shown.join(", "));
        return Err(Bad::Value(Diagnostic::new("E064", message).at(&entry.node.place)));
    }
    Ok(GradeAxis { score: entry.key.as_str().into(), thresholds })
}

/// `bands = { mql = { enter = 50, exit = 35, cooldown = "30d" } }`.
fn bands(table: &Reader<'_>) -> Option<Option<Vec<BandSpec>>> {
    let Some(entry) = table.entry("bands") else { return Some(None) };
    let Value::Table(all) = &entry.node.value else {
        table.read("bands", &entry.node, "{ mql = { enter = 50, exit = 35 } }", |_| {
            Err::<(), _>(Bad::Shape("a table of bands"))
        });
        return None;
    };
    let read: Vec<Option<BandSpec>> = all.entries.iter().map(|one| band(table, one)).collect();
    let mut bands: Vec<BandSpec> = read.into_iter().collect::<Option<_>>()?;
    bands.sort_by(|a, b| a.enter.total_cmp(&b.enter));
    let shown: Vec<String> = bands.iter().map(show_band).collect();
    let origin = Origin::of(&entry.key_place);
    table.notes().resolution.add(table.path_of("bands"), format!("{{ {} }}", shown.join(", ")), origin);
    Some(Some(bands))
}

fn band(scores: &Reader<'_>, entry: &Entry) -> Option<BandSpec> {
    let name = entry.key.as_str();
    if !value::is_name(name) {
        scores.report(
            Diagnostic::new("E006", format!("{} is not a name", quoted(name)))
                .at(&entry.key_place)
                .help(value::NAME_HELP),
        );
        return None;
    }
    let path = format!("{}.{name}", scores.path_of("bands"));
    let table = scores.inside(&entry.node, name, format!("band \"{name}\" of {}", scores.named()), path)?;
    table.check(keys::BAND);
    let missing = || {
        Diagnostic::new("E005", format!("missing `enter` in {}", table.named()))
            .at(&entry.key_place)
            .help("`enter = 50`")
    };
    let enter = table.required("enter", "50", missing, points);
    let exit = optional(&table, "exit", "35", points);
    let cooldown = optional(&table, "cooldown", "\"30d\"", value::duration);
    let (enter, exit, cooldown) = (enter?, exit?, cooldown?);
    let exit = exit.unwrap_or(enter * EXIT_SHARE);
    if exit >= enter {
        let problem = Diagnostic::new("E061", format!("band \"{name}\": exit {exit} must be below enter {enter}"));
        let place = table.entry("exit").map_or(&entry.key_place, |entry| &entry.node.place);
        table.report(problem.at(place));
        return None;
    }
    Some(BandSpec { name: name.into(), enter, exit, cooldown: cooldown.unwrap_or(COOLDOWN) })
}

/// A chance is only there while a model is good enough: no other score is made of it.
fn chances_stand_alone(section: &Reader<'_>, spec: &ModelSpec) -> Option<()> {
    let is_chance = |name: &str| spec.scores.iter().any(|one| &*one.name == name && one.predicted().is_some());
    for score in &spec.scores {
        let of: Vec<&Arc<str>> = match &score.made {
            Made::Combination(of) => of.iter().map(|one| &one.score).collect(),
            Made::Rules(_) | Made::Predicted(_) => Vec::new(),
        };
        let graded = score.grade.iter().flat_map(|grade| [&grade.letter.score, &grade.number.score]);
        if let Some(chance) = of.into_iter().chain(graded).find(|name| is_chance(name)) {
            section.report_here(
                Diagnostic::new("E062", format!("score \"{}\" is made of \"{chance}\", which is learnt", score.name))
                    .help("its number is only there while a model is good enough; use scores by rules"),
            );
            return None;
        }
    }
    Some(())
}

fn bands_are_named_once(section: &Reader<'_>, spec: &ModelSpec) -> Option<()> {
    let mut seen: Vec<&Arc<str>> = Vec::new();
    for band in spec.scores.iter().flat_map(|score| &score.bands) {
        if seen.contains(&&band.name) {
            section.report_here(
                Diagnostic::new("E010", format!("two bands are called \"{}\"", band.name)).help("names must be unique"),
            );
            return None;
        }
        seen.push(&band.name);
    }
    Some(())
}

/// Each score after those it is made of; otherwise in the order of the configuration.
fn in_order(section: &Reader<'_>, spec: &mut ModelSpec) -> Option<()> {
    let mut waiting = std::mem::take(&mut spec.scores);
    while !waiting.is_empty() {
        let is_ready = |score: &ScoreSpec| match &score.made {
            Made::Rules(_) => true,
            Made::Combination(of) => of.iter().all(|one| spec.scores.iter().any(|done| done.name == one.score)),
            // They may ask for what all others give.
            Made::Predicted(_) => waiting.iter().all(|one| one.predicted().is_some()),
        };
        let Some(next) = waiting.iter().position(is_ready) else {
            let round = round_of(&waiting);
            let problem = Diagnostic::new("E062", format!("scores are made of each other: {}", round.join(" → ")))
                .help("a combination is made of scores that are not made of it");
            match round.first().and_then(|name| section.entry(name)) {
                Some(entry) => section.report(problem.at(&entry.key_place)),
                None => section.report_here(problem),
            }
            return None;
        };
        let next = waiting.remove(next);
        spec.scores.push(next);
    }
    Some(())
}

/// Of scores of which each waits for another one, some that wait for each other, the first named twice.
fn round_of(waiting: &[ScoreSpec]) -> Vec<&str> {
    let waits_for = |score: &ScoreSpec| match &score.made {
        Made::Combination(of) => of.iter().find_map(|one| waiting.iter().position(|other| other.name == one.score)),
        _ => None,
    };
    let combined = waiting.iter().position(|score| waits_for(score).is_some());
    let mut path: Vec<usize> = Vec::new();
    let mut next = combined;
    while let Some(place) = next {
        if let Some(begin) = path.iter().position(|one| *one == place) {
            path.drain(..begin);
            path.push(place);
            break;
        }
        path.push(place);
        next = waiting.get(place).and_then(waits_for);
    }
    path.iter().filter_map(|place| waiting.get(*place)).map(|score| &*score.name).collect()
}

fn show(section: &Reader<'_>, score: &ScoreSpec, origin: &Origin) {
    let path = section.path_of(&score.name);
    let add = |key: &str, text: String| section.notes().resolution.add(format!("{path}.{key}"), text, origin.clone());
    add("max", score.max.to_string());
    match &score.made {
        Made::Rules(rules) => {
            add("decay", show_decay(rules.decay));
            let shown: Vec<String> = rules.rules.iter().map(|rule| show_rule(rule, &rules.groups)).collect();
            add("rules", format!("[{}]", shown.join(", ")));
        }
        Made::Combination(of) => {
            let shown: Vec<String> = of.iter().map(|one| format!("{} = {}", one.score, one.weight)).collect();
            add("combine", format!("{{ {} }}", shown.join(", ")));
        }
        Made::Predicted(of) => {
            add("predictive", "true".to_owned());
            add("horizon", show_duration(of.horizon));
        }
    }
    if let Some(grade) = &score.grade {
        let axis = |axis: &GradeAxis| {
            let shown: Vec<String> = axis.thresholds.iter().map(f64::to_string).collect();
            format!("{} = [{}]", axis.score, shown.join(", "))
        };
        add("grade", format!("{{ {}, {} }}", axis(&grade.letter), axis(&grade.number)));
    }
    if !score.bands.is_empty() {
        let shown: Vec<String> = score.bands.iter().map(show_band).collect();
        add("bands", format!("{{ {} }}", shown.join(", ")));
    }
}

fn show_band(band: &BandSpec) -> String {
    let cooldown = show_duration(band.cooldown);
    format!("{} = {{ enter = {}, exit = {}, cooldown = \"{cooldown}\" }}", band.name, band.enter, band.exit)
}
