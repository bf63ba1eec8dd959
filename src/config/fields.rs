//! `[crm.fields.OBJECT]`: which trait is which field at the CRM.

use std::sync::Arc;

use connector::Object;

use crate::config::catalogue::{Catalogue, is_only_pulled};
use crate::config::create::Creating;
use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::keys;
use crate::config::mapping_check as check;
use crate::config::mask::quoted;
use crate::config::origin::{Origin, quote};
use crate::config::preset;
use crate::config::privacy;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::Preset;
use crate::config::tree::{Entry, Node, Value};
use crate::config::value;
use crate::config::vendor::Vendor;
use crate::expr::nearest;
use crate::mapping::{FieldMapping, ObjectMapping, Transform, ValueMap};
use crate::model::{Direction, Rule};

/// First words of names that are mapped in the format and not in this version.
const LATER_NAMES: [&str; 2] = ["segments", "deal"];

/// One mapping and where it is written; `None` for the preset's.
pub struct Line {
    pub mapping: FieldMapping,
    pub place: Option<Place>,
}

/// All mappings of a connection: the preset's, with the file's in their place or after them.
pub fn objects(
    table: &Reader<'_>,
    vendor: Vendor,
    prefix: Option<&str>,
    preset: Preset,
    people: &Catalogue,
    creating: Option<Creating>,
) -> Option<Vec<ObjectMapping>> {
    let section = table.section("fields")?;
    let names: Vec<&str> = vendor.objects().iter().map(Object::as_str).collect();
    section.check_keys(&names, keys::FIELDS.later);
    let mut complete = true;
    let mut objects = Vec::new();
    for object in vendor.objects() {
        let catalogue = Catalogue::of(object, people);
        let brought = preset::mappings(preset, vendor, prefix, object, &catalogue);
        match lines(&section, object, brought, preset, &catalogue) {
            Some(lines) => {
                complete &= check::written_once(&section, &lines);
                let fields = lines.into_iter().map(|line| line.mapping).collect();
                objects.push(ObjectMapping::new(object.clone(), fields));
            }
            None => complete = false,
        }
    }
    let creating = creating?;
    for mapping in &mut objects {
        (mapping.create, mapping.assignment) = (creating.of(&mapping.object), creating.assignment);
    }
    complete.then_some(objects)
}

fn lines(
    fields: &Reader<'_>,
    object: &Object,
    brought: Vec<FieldMapping>,
    preset: Preset,
    catalogue: &Catalogue,
) -> Option<Vec<Line>> {
    let section = fields.section(object.as_str())?;
    let mut lines: Vec<Line> = brought.into_iter().map(|mapping| Line { mapping, place: None }).collect();
    for line in &lines {
        let path = section.path_of(&line.mapping.attribute);
        section.notes().resolution.add(path, show(&line.mapping), Origin::Preset(preset.as_str()));
    }
    let mut complete = true;
    for entry in in_full(section.entries(), catalogue) {
        let Some(line) = line(&section, &entry, object, catalogue) else {
            complete = false;
            continue;
        };
        let path = section.path_of(&line.mapping.attribute);
        section.notes().resolution.add(path, show(&line.mapping), Origin::of(&entry.key_place));
        match lines.iter_mut().find(|have| have.mapping.attribute == line.mapping.attribute) {
            Some(have) => *have = line,
            None => lines.push(line),
        }
    }
    complete.then_some(lines)
}

/// The entries under their full names: `company.name = "Company"` is a table in a table to TOML and one trait to us.
fn in_full(entries: &[Entry], catalogue: &Catalogue) -> Vec<Entry> {
    let mut full = Vec::with_capacity(entries.len());
    for entry in entries {
        let Value::Table(inner) = &entry.node.value else {
            full.push(entry.clone());
            continue;
        };
        let named = |part: &Entry| format!("{}.{}", entry.key, part.key);
        let family = format!("{}.", entry.key);
        if inner.get("field").is_some() || !catalogue.names().any(|name| name.starts_with(&family)) {
            full.push(entry.clone());
            continue;
        }
        full.extend(inner.entries.iter().map(|part| Entry { key: named(part), ..part.clone() }));
    }
    full
}

fn line(section: &Reader<'_>, entry: &Entry, object: &Object, catalogue: &Catalogue) -> Option<Line> {
    let name = entry.key.as_str();
    let Some((kind, source)) = catalogue.get(name) else {
        section.report(unknown_trait(section, entry, catalogue));
        return None;
    };
    let mut mapping = FieldMapping::new(name, "", kind, source);
    if is_only_pulled(object) {
        mapping.direction = Direction::Pull;
    } else if name.starts_with("first_touch_") {
        mapping.rule = Rule::FillIfEmpty;
    }
    match &entry.node.value {
        Value::Text(_) => mapping.field = section.read(name, &entry.node, "\"Field\"", field_name)?.into(),
        Value::Table(_) => long_form(section, entry, &mut mapping)?,
        _ => {
            section.read(name, &entry.node, "\"Field\"", |_| Err::<(), _>(Bad::Shape("a field's name or a table")));
            return None;
        }
    }
    check::fits(section, entry, object, &mapping).then(|| Line { mapping, place: Some(entry.key_place.clone()) })
}

fn unknown_trait(section: &Reader<'_>, entry: &Entry, catalogue: &Catalogue) -> Diagnostic {
    let name = entry.key.as_str();
    let first = name.split('.').next().unwrap_or(name);
    let is_dotted =
        name.contains('.') || matches!(&entry.node.value, Value::Table(inner) if inner.get("field").is_none());
    let family = format!("{first}.");
    if is_dotted && LATER_NAMES.contains(&first) && !catalogue.names().any(|known| known.starts_with(&family)) {
        return Diagnostic::new("E008", format!("`{first}.…` in {} is not in this version", section.named()))
            .at(&entry.key_place)
            .help("remove it: nothing is accepted and ignored");
    }
    if let Some(purpose) = name.strip_prefix("consent.") {
        return privacy::unknown_purpose(purpose).at(&entry.key_place);
    }
    Diagnostic::new("E030", format!("unknown trait {} in {}", quoted(name), section.named()))
        .at(&entry.key_place)
        .suggest(nearest(name, catalogue.names()))
}

fn field_name(node: &Node) -> Result<String, Bad> {
    let name = value::filled_text(node)?;
    if name.len() > 255 || name.chars().any(char::is_control) {
        return Err(Bad::value("E006", format!("{} is not a field's name", quoted(&name))));
    }
    Ok(name)
}

fn long_form(section: &Reader<'_>, entry: &Entry, mapping: &mut FieldMapping) -> Option<()> {
    const DIRECTIONS: &[(&str, Direction)] =
        &[("pull", Direction::Pull), ("push", Direction::Push), ("both", Direction::Both)];
    let named = format!("`{}` of {}", entry.key, section.named());
    let table = section.inside(&entry.node, &entry.key, named, section.path_of(&entry.key))?;
    table.check(keys::FIELD);
    let missing = || {
        Diagnostic::new("E005", format!("missing `field` in {}", table.named()))
            .at(&entry.key_place)
            .help("`field = \"Field\"`")
    };
    let read = |key: &str| table.entry(key).map(|entry| &entry.node);
    let field = match read("field") {
        Some(node) => table.read("field", node, "\"Field\"", field_name),
        None => {
            table.report(missing());
            None
        }
    };
    let direction = match read("direction") {
        Some(node) => table.read("direction", node, "\"push\"", value::choice("E040", "direction", DIRECTIONS)),
        None => Some(mapping.direction),
    };
    let rule = match read("conflict") {
        Some(node) => table.read("conflict", node, "\"crm_wins\"", rule),
        None => Some(mapping.rule),
    };
    let transforms = match read("transform") {
        Some(node) => table.read("transform", node, "\"lower\"", transforms),
        None => Some(Vec::new()),
    };
    let map = match read("map") {
        Some(node) => table.read("map", node, "{ a = \"b\" }", value_map).map(Some),
        None => Some(None),
    };
    let clear = match read("clear") {
        Some(node) => table.read("clear", node, "true", value::flag),
        None => Some(false),
    };
    let max_length = match read("max_length") {
        Some(node) => table.read("max_length", node, "255", length).map(Some),
        None => Some(None),
    };
    mapping.field = field?.into();
    mapping.direction = direction?;
    mapping.rule = rule?;
    mapping.transforms = transforms?;
    mapping.map = map?;
    mapping.clear = clear?;
    mapping.max_length = max_length?;
    Some(())
}

fn rule(node: &Node) -> Result<Rule, Bad> {
    let word = value::text(node)?;
    word.parse().map_err(|()| {
        let words: Vec<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
        Bad::Value(value::not_valid("E041", "conflict rule", &word, &words))
    })
}

/// One transform or a pipeline of them.
fn transforms(node: &Node) -> Result<Vec<Transform>, Bad> {
    let one = |node: &Node| {
        let word = value::text(node).map_err(|_| Bad::Shape("a transform's name, or an array of them"))?;
        word.parse::<Transform>().map_err(|_| {
            let name = word.split('(').next().unwrap_or(&word).trim();
            Bad::Value(
                Diagnostic::new("E045", format!("transform {} is unknown", quoted(&word)))
                    .at(&node.place)
                    .suggest(nearest(name, Transform::NAMES))
                    .help(format!("one of: {}", Transform::NAMES.join(", "))),
            )
        })
    };
    match &node.value {
        Value::Array(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}

fn value_map(node: &Node) -> Result<ValueMap, Bad> {
    const SHAPE: &str = "a table of values";
    let Value::Table(table) = &node.value else { return Err(Bad::Shape(SHAPE)) };
    let mut map = ValueMap::default();
    for entry in &table.entries {
        let to: Arc<str> = value::text(&entry.node).map_err(|_| Bad::Shape(SHAPE))?.into();
        if entry.key == "*" {
            map.other = Some(to);
        } else {
            map.pairs.push((entry.key.as_str().into(), to));
        }
    }
    Ok(map)
}

fn length(node: &Node) -> Result<u32, Bad> {
    match value::count(65_536)(node)? {
        0 => Err(Bad::Shape("at least 1")),
        length => u32::try_from(length).map_err(|_| Bad::Shape("at most 65536")),
    }
}

/// A mapping in its long form, whatever form it was written in.
pub fn show(mapping: &FieldMapping) -> String {
    let mut text = format!(
        "{{ field = {}, direction = \"{}\", conflict = \"{}\"",
        quote(&mapping.field),
        mapping.direction.as_str(),
        mapping.rule
    );
    if !mapping.transforms.is_empty() {
        text.push_str(&format!(", transform = {}", quote(&format!("{:?}", mapping.transforms))));
    }
    if let Some(map) = &mapping.map {
        let star = map.other.as_ref().map(|other| ("*", other));
        let pairs: Vec<String> = map
            .pairs
            .iter()
            .map(|(from, to)| (&**from, to))
            .chain(star)
            .map(|(from, to)| format!("{} = {}", quote(from), quote(to)))
            .collect();
        text.push_str(&format!(", map = {{ {} }}", pairs.join(", ")));
    }
    if mapping.clear {
        text.push_str(", clear = true");
    }
    if let Some(most) = mapping.max_length {
        text.push_str(&format!(", max_length = {most}"));
    }
    text.push_str(" }");
    text
}
