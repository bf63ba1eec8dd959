//! `[segments.NAME]`: people of whom a condition holds.

use std::time::Duration;

use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::model::Names;
use crate::config::origin::{Origin, quote};
use crate::config::reader::Reader;
use crate::config::settings::Preset;
use crate::config::traits::{optional, show_duration};
use crate::config::tree::Entry;
use crate::config::value;
use crate::enrich::{ModelSpec, SegmentSpec, preset_scores as presets, segment_needs};
use crate::expr::{Scope, in_order};

/// Puts the file's segments into the model: in the place of the preset's of the same name, or after them.
pub fn segments(root: &Reader<'_>, preset: Preset, spec: &mut ModelSpec, names: &Names) -> Option<()> {
    let section = root.section("segments")?;
    let own: Vec<&str> = section.entries().iter().map(|entry| entry.key.as_str()).collect();
    let built_in: &[&str] = if preset == Preset::None { &[] } else { presets::SEGMENTS };
    let scope = names.with_segments(built_in.iter().chain(&own).copied());
    if preset != Preset::None {
        let kept = presets::segments(&scope).into_iter().filter(|segment| !own.contains(&&*segment.name));
        spec.segments = kept.collect();
    }
    for known in &spec.segments {
        section.notes().resolution.add(section.path_of(&known.name), show(known), Origin::Preset(preset.as_str()));
    }
    let mut complete = true;
    for entry in section.entries() {
        match one(&section, entry, &scope) {
            Some(segment) => spec.segments.push(segment),
            None => complete = false,
        }
    }
    // A circle is told beside whatever else is wrong.
    let Err(cycle) = in_order(&segment_needs(&spec.segments)) else { return complete.then_some(()) };
    let short = |name: &str| name.split_once('.').map_or(name, |(_, name)| name).to_owned();
    let names: Vec<String> = cycle.iter().map(|name| short(name)).collect();
    let first = names.first().cloned().unwrap_or_default();
    let problem = Diagnostic::new("E036", format!("segment \"{first}\" refers to itself: {}", names.join(" → ")));
    match section.entry(&first) {
        Some(entry) => section.report(problem.at(&entry.key_place)),
        None => section.report_here(problem),
    }
    None
}

fn one(section: &Reader<'_>, entry: &Entry, scope: &Scope) -> Option<SegmentSpec> {
    let name = entry.key.as_str();
    let is_named_right = value::is_name(name);
    if !is_named_right {
        section.report(
            Diagnostic::new("E006", format!("{} is not a name", quoted(name)))
                .at(&entry.key_place)
                .help(value::NAME_HELP),
        );
    }
    let table = section.inside(&entry.node, name, format!("`[segments.{name}]`"), section.path_of(name))?;
    table.check(keys::SEGMENT);
    const EXAMPLE: &str = "'won_deals > 0'";
    let missing =
        || Diagnostic::new("E005", format!("missing `when` in {}", table.named())).help(format!("`when = {EXAMPLE}`"));
    let when = table.required("when", EXAMPLE, missing, expression::condition(scope));
    let exit_when = optional(&table, "exit_when", EXAMPLE, expression::condition(scope));
    let min_stay = optional(&table, "min_stay", "\"7d\"", value::duration);
    let segment = SegmentSpec {
        name: name.into(),
        when: when?,
        exit_when: exit_when?,
        min_stay: min_stay?.unwrap_or(Duration::ZERO),
    };
    section.notes().resolution.add(section.path_of(name), show(&segment), Origin::of(&entry.key_place));
    is_named_right.then_some(segment)
}

fn show(segment: &SegmentSpec) -> String {
    let mut text = format!("{{ when = {}", quote(segment.when.text()));
    if let Some(exit) = &segment.exit_when {
        text.push_str(&format!(", exit_when = {}", quote(exit.text())));
    }
    if segment.min_stay > Duration::ZERO {
        text.push_str(&format!(", min_stay = \"{}\"", show_duration(segment.min_stay)));
    }
    text.push_str(" }");
    text
}
