//! `[identity.survivorship]` and `identity.source_rank`: which of several values of a declared trait stays (`cdp-semantics` §2.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::SourceSettings;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::enrich::ModelSpec;
use crate::expr::nearest;
use crate::model::{CRM_SOURCE, IdentityRules, Survival, Survivorship, TraitName};

/// The source of files that name none.
const FILE_SOURCE: &str = "file";

/// Reads both. `section` is `[identity]`.
pub fn survivorship(section: &Reader<'_>) -> Option<Survivorship> {
    let sources = section.value_or("source_rank", Value::Array(Vec::new()), sources);
    let table = section.section("survivorship")?;
    let mut traits = BTreeMap::new();
    let complete = rules(&table, "", &mut traits);
    complete.then_some(Survivorship { traits, sources: sources? })
}

/// `title = "oldest"`; `"address.city" = …` and `address.city = …` are one name. `false` where something is wrong.
fn rules(table: &Reader<'_>, before: &str, traits: &mut BTreeMap<TraitName, Survival>) -> bool {
    let mut complete = true;
    for entry in table.entries() {
        let name = format!("{before}{}", entry.key);
        if matches!(entry.node.value, Value::Table(_)) {
            let named = format!("`[identity.survivorship.{name}]`");
            let inner = table.inside(&entry.node, &entry.key, named, table.path_of(&entry.key));
            complete &= inner.is_some_and(|inner| rules(&inner, &format!("{name}."), traits));
            continue;
        }
        match table.value(&entry.key, "\"oldest\"", rule) {
            Some(rule) => {
                traits.insert(name.into(), rule);
            }
            None => complete = false,
        }
    }
    complete
}

fn rule(node: &Node) -> Result<Survival, Bad> {
    let word = value::text(node)?;
    let found = Survival::ALL.into_iter().find(|rule| rule.as_str() == word);
    found.ok_or_else(|| {
        Bad::Value(value::not_valid("E041", "survivorship rule", &word, &Survival::ALL.map(Survival::as_str)))
    })
}

fn sources(node: &Node) -> Result<Vec<Arc<str>>, Bad> {
    let names = value::texts(node)?;
    for (place, name) in names.iter().enumerate() {
        if names.iter().take(place).any(|other| other == name) {
            return Err(Bad::value("E006", format!("`source_rank` lists {} twice", quoted(name))));
        }
    }
    Ok(names.into_iter().map(Arc::from).collect())
}

/// What only the rest of the file tells: whether the sources are there, and whether a trait is somebody's word at all.
pub fn check(root: &Reader<'_>, rules: Option<&IdentityRules>, known: &[SourceSettings], model: &ModelSpec) {
    let Some(rules) = rules.map(|rules| &rules.survivorship) else { return };
    let Some(section) = root.section("identity") else { return };
    let mut words: Vec<&str> = known.iter().map(|source| &*source.name).collect();
    words.extend([CRM_SOURCE, FILE_SOURCE]);
    for name in rules.sources.iter().filter(|name| !words.contains(&&***name)) {
        let problem = Diagnostic::new("E006", format!("`source_rank` lists {}, which is no source", quoted(name)))
            .suggest(nearest(name, words.iter().copied()))
            .help(format!("one of: {}", words.join(", ")));
        match section.entry("source_rank") {
            Some(entry) => section.report(problem.at(&entry.node.place)),
            None => section.report_here(problem),
        }
    }
    let computed = model.outputs();
    for name in rules.traits.keys().filter(|name| computed.iter().any(|(output, _)| output == *name)) {
        let message = format!("`[identity.survivorship]` names {}, which is computed", quoted(name));
        let help = "survivorship chooses among what people and systems have said; a computed trait has one value";
        section.report_here(Diagnostic::new("E042", message).help(help));
    }
}
