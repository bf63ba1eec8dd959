//! Whether a mapping makes sense: direction, conflict rule, transforms and map must fit the trait and each other.

use connector::Object;

use crate::config::catalogue::is_only_pulled;
use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::fields::Line;
use crate::config::reader::Reader;
use crate::config::tree::{Entry, Value};
use crate::mapping::{FieldMapping, Source, Transform};
use crate::model::{Direction, Rule};

/// Reports what does not go together in one mapping; whether nothing was found.
pub fn fits(section: &Reader<'_>, entry: &Entry, object: &Object, mapping: &FieldMapping) -> bool {
    let problems = [
        direction(section, entry, object, mapping),
        rule(entry, mapping),
        reversible(entry, mapping),
        only_pushed(entry, mapping),
        consent(entry, mapping),
    ];
    let mut fits = true;
    for problem in problems.into_iter().flatten() {
        section.report(problem);
        fits = false;
    }
    fits
}

/// Where a key of the long form stands; the trait's name where the short form left it out.
fn place_of<'e>(entry: &'e Entry, key: &str) -> &'e Place {
    match &entry.node.value {
        Value::Table(table) => table.get(key).map_or(&entry.key_place, |inner| &inner.node.place),
        _ => &entry.key_place,
    }
}

fn direction(section: &Reader<'_>, entry: &Entry, object: &Object, mapping: &FieldMapping) -> Option<Diagnostic> {
    let place = place_of(entry, "direction");
    let is_ours = matches!(mapping.source, Source::Computed | Source::ProfileId);
    if is_ours && mapping.direction.pulls() {
        let what = if mapping.source == Source::ProfileId { "the profile's id" } else { "computed trait" };
        return Some(
            Diagnostic::new("E042", format!("{what} \"{}\" cannot be pulled", mapping.attribute))
                .at(place)
                .help("use direction = \"push\""),
        );
    }
    (is_only_pulled(object) && mapping.direction.pushes()).then(|| {
        Diagnostic::new(
            "E008",
            format!("direction \"{}\" in {} is not in this version", mapping.direction.as_str(), section.named()),
        )
        .at(place)
        .help("use direction = \"pull\"")
    })
}

fn rule(entry: &Entry, mapping: &FieldMapping) -> Option<Diagnostic> {
    if mapping.kind.suits(mapping.rule) {
        return None;
    }
    let needs = match mapping.rule {
        Rule::Max | Rule::Min => "numbers or dates",
        Rule::Union => "lists",
        Rule::Append => "text or lists",
        _ => "yes/no values",
    };
    let message =
        format!("conflict = \"{}\" needs {needs}; \"{}\" is {}", mapping.rule, mapping.attribute, mapping.kind.word());
    Some(Diagnostic::new("E044", message).at(place_of(entry, "conflict")))
}

/// In a both-way mapping each side's value must be told from the other's.
fn reversible(entry: &Entry, mapping: &FieldMapping) -> Option<Diagnostic> {
    if mapping.direction != Direction::Both || matches!(mapping.source, Source::Consent(_)) {
        return None;
    }
    let problem = |message: String, key: &str| {
        Some(Diagnostic::new("E046", message).at(place_of(entry, key)).help("make it pull or push"))
    };
    if let Some(map) = &mapping.map {
        if let Some((one, other, same)) = map.collision() {
            let message = format!(
                "`map` for a both-way field must be reversible: \"{one}\" and \"{other}\" both become \"{same}\""
            );
            return problem(message, "map");
        }
        if map.other.is_some() {
            return problem("`map` for a both-way field must be reversible: \"*\" has no way back".into(), "map");
        }
    }
    if mapping.transforms.iter().any(|transform| !transform.is_idempotent()) {
        let message = "`transform` for a both-way field must leave what it has made as it is".into();
        return problem(message, "transform");
    }
    None
}

/// An opt-out is no value to be bargained about, and only a yes or no.
fn consent(entry: &Entry, mapping: &FieldMapping) -> Option<Diagnostic> {
    if !matches!(mapping.source, Source::Consent(_)) {
        return None;
    }
    if mapping.rule != Rule::MostRestrictive {
        let message = format!("conflict rule \"{}\" is not valid for \"{}\"", mapping.rule, mapping.attribute);
        return Some(
            Diagnostic::new("E041", message)
                .at(place_of(entry, "conflict"))
                .help("an opt-out on either side stands: most_restrictive, always"),
        );
    }
    let key = if mapping.map.is_some() {
        "map"
    } else if mapping.clear {
        "clear"
    } else if !matches!(mapping.transforms.as_slice(), [] | [Transform::Not]) {
        "transform"
    } else {
        return None;
    };
    let message = format!("`{key}` does not fit \"{}\", which is a yes or no", mapping.attribute);
    let help = "transform = \"not\" where the CRM's field is an opt-out; nothing where it is an opt-in";
    Some(Diagnostic::new("E045", message).at(place_of(entry, key)).help(help))
}

fn only_pushed(entry: &Entry, mapping: &FieldMapping) -> Option<Diagnostic> {
    if mapping.direction.pushes() {
        return None;
    }
    let key = if mapping.clear {
        "clear"
    } else if mapping.max_length.is_some() {
        "max_length"
    } else {
        return None;
    };
    let message = format!("`{key}` is for fields that are written, and direction is \"pull\"");
    Some(Diagnostic::new("E040", message).at(place_of(entry, key)).help(format!("remove `{key}`, or push the field")))
}

/// Reports CRM fields that two mappings write (E043); whether there are none.
pub fn written_once(section: &Reader<'_>, lines: &[Line]) -> bool {
    let mut once = true;
    let pushed: Vec<&Line> = lines.iter().filter(|line| line.mapping.direction.pushes()).collect();
    for (index, line) in pushed.iter().enumerate() {
        let Some(earlier) = pushed.iter().take(index).find(|earlier| earlier.mapping.field == line.mapping.field)
        else {
            continue;
        };
        once = false;
        // A preset does not map a field twice: at least one of the two is in the file.
        let Some(place) = line.place.as_ref().or(earlier.place.as_ref()) else { continue };
        let message = format!(
            "field \"{}\" is written by two mappings ({}, {})",
            line.mapping.field,
            written_at(earlier),
            written_at(line)
        );
        section.report(Diagnostic::new("E043", message).at(place).help("keep one"));
    }
    once
}

fn written_at(line: &Line) -> String {
    match &line.place {
        Some(place) => {
            let at = place.position();
            format!("{}:{}", at.line, at.column)
        }
        None => format!("the preset's `{}`", line.mapping.attribute),
    }
}
