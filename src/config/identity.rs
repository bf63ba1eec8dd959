//! `[identity]`: what identifies a person (`cdp-semantics` §2.2, §2.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder, RegexSet};
use rust_decimal::prelude::ToPrimitive;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::survivorship::survivorship;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::model::{
    Blocked, Bridge, CustomRule, Family, IdentityRules, OnConflict, Region, blocking, is_custom_name, named_pattern,
};

/// Bytes of a compiled pattern, and its states.
const PATTERN_SIZE: usize = 1 << 20;

pub fn identity(root: &Reader<'_>) -> Option<IdentityRules> {
    const CONFLICTS: &[(&str, OnConflict)] = &[("detach", OnConflict::Detach), ("keep", OnConflict::Keep)];
    const BRIDGES: &[(&str, Bridge)] = &[("within_limits", Bridge::WithinLimits), ("strict", Bridge::Strict)];
    let section = root.section("identity")?;
    section.check(keys::IDENTITY);
    let built_in = IdentityRules::default();
    let default_region = match section.entry("default_region") {
        Some(_) => section.value("default_region", "\"DE\"", region).map(Some),
        None => Some(None),
    };
    let names = built_in.priority.iter().map(|family| Value::Text(family.as_str().into()));
    let names = Value::Array(names.map(plain_node).collect());
    let priority = section.value_or("priority", names, priority);
    let on_conflict =
        section.value_or("on_conflict", Value::Text("detach".into()), value::choice("E006", "on_conflict", CONFLICTS));
    let bridge =
        section.value_or("bridge", Value::Text("within_limits".into()), value::choice("E006", "bridge", BRIDGES));
    let threshold = section.value_or("review_threshold", Value::Float("0.90".into()), value::share);
    let any = section.value_or("block", Value::Array(Vec::new()), patterns);
    let email = section.value_or("block_email", Value::Array(Vec::new()), patterns);
    let limits = limits(&section, built_in.limits);
    let custom = custom(&section, built_in.custom);
    let survivorship = survivorship(&section);
    Some(IdentityRules {
        priority: priority?,
        limits: limits?,
        custom: custom?,
        on_conflict: on_conflict?,
        bridge: bridge?,
        default_region: default_region?,
        blocked: Blocked { any: any?, email: email? },
        survivorship: survivorship?,
        review_threshold: threshold?.to_f64().unwrap_or(1.0),
    })
}

fn plain_node(value: Value) -> Node {
    let text = Arc::new(crate::config::text::SourceText::new("the built-in default", ""));
    Node::new(value, &text, 0..0)
}

fn region(node: &Node) -> Result<Region, Bad> {
    let text = value::text(node)?;
    Region::of_code(&text).filter(|_| text.len() == 2).ok_or_else(|| {
        Bad::value("E006", format!("`default_region` {} is no country", quoted(&text))).help("two letters, like \"DE\"")
    })
}

/// Strongest first; what is left out keeps its place behind those named.
fn priority(node: &Node) -> Result<Vec<Family>, Bad> {
    let names = value::texts(node)?;
    let words = Family::ALL.map(Family::as_str);
    let mut order: Vec<Family> = Vec::with_capacity(words.len());
    for name in &names {
        let Some(family) = Family::named(name) else {
            let near = crate::expr::nearest(name, words.iter().copied());
            return Err(Bad::Value(
                Diagnostic::new("E081", format!("`identity.priority` lists {}", quoted(name)))
                    .suggest(near)
                    .help(format!("one of: {}", words.join(", "))),
            ));
        };
        if order.contains(&family) {
            return Err(Bad::value("E081", format!("`identity.priority` lists {} twice", quoted(name))));
        }
        order.push(family);
    }
    let rest: Vec<Family> = Family::ALL.into_iter().filter(|family| !order.contains(family)).collect();
    order.extend(rest);
    Ok(order)
}

fn patterns(node: &Node) -> Result<RegexSet, Bad> {
    let nothing = |node: &Node| matches!(&node.value, Value::Text(text) if text.trim().is_empty());
    let is_any_empty = match &node.value {
        Value::Array(items) => items.iter().any(nothing),
        _ => nothing(node),
    };
    if is_any_empty {
        return Err(Bad::value("E080", "an empty block pattern would block every identifier"));
    }
    let texts = value::texts(node)?;
    for text in &texts {
        let pattern = pattern(text)?;
        // What matches nothing at all, or everything, would leave nobody with an identifier.
        if pattern.is_match("") && pattern.is_match("a-1") && pattern.is_match("ada@acme.example") {
            return Err(Bad::value("E080", format!("block pattern {} would block every identifier", quoted(text))));
        }
    }
    blocking(&texts)
        .ok_or_else(|| Bad::value("E034", "these patterns are too large together").help("use fewer or simpler ones"))
}

fn pattern(text: &str) -> Result<Regex, Bad> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(PATTERN_SIZE).build().map_err(|error| {
        let why = match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        Bad::value("E034", format!("the pattern {} is not valid: {why}", quoted(text)))
            .help("patterns are matched in linear time: look-around and back-references are not supported")
    })
}

fn limits(section: &Reader<'_>, mut limits: BTreeMap<Family, u32>) -> Option<BTreeMap<Family, u32>> {
    let table = section.section("limits")?;
    table.check(keys::LIMITS);
    let mut complete = true;
    for family in Family::ALL.into_iter().filter(|family| keys::LIMITS.accepted.contains(&family.as_str())) {
        let default = limits.get(&family).copied().unwrap_or(1);
        match table.value_or(family.as_str(), Value::Integer(i64::from(default)), limit) {
            Some(limit) => {
                limits.insert(family, limit);
            }
            None => complete = false,
        }
    }
    complete.then_some(limits)
}

fn limit(node: &Node) -> Result<u32, Bad> {
    let limit = value::count(1_000)(node)?;
    match u32::try_from(limit) {
        Ok(0) => Err(Bad::value("E006", "a limit is at least 1").help("to ignore a value, block it")),
        Ok(limit) => Ok(limit),
        Err(_) => Err(Bad::Shape("a whole number")),
    }
}

fn custom(section: &Reader<'_>, mut custom: BTreeMap<Arc<str>, CustomRule>) -> Option<BTreeMap<Arc<str>, CustomRule>> {
    let table = section.section("custom")?;
    let mut complete = true;
    for entry in table.entries() {
        let name = entry.key.as_str();
        if !is_custom_name(name) {
            table.report(
                Diagnostic::new("E006", format!("{} cannot be the name of an identifier", quoted(name)))
                    .at(&entry.key_place)
                    .help("a small letter, then up to 39 small letters, digits or `_`; builtin kinds keep their names"),
            );
            complete = false;
            continue;
        }
        let named = format!("`[identity.custom.{name}]`");
        let Some(rule) = table.inside(&entry.node, name, named, table.path_of(name)) else {
            complete = false;
            continue;
        };
        rule.check(keys::CUSTOM);
        let limit = rule.value_or("limit", Value::Integer(1), limit);
        let wanted = match rule.entry("pattern") {
            Some(_) => rule.value("pattern", "\"^LOY-[0-9]+$\"", |node| exact(&value::filled_text(node)?)).map(Some),
            None => Some(None),
        };
        match (limit, wanted) {
            (Some(limit), Some(pattern)) => {
                custom.insert(name.into(), CustomRule { limit, pattern });
            }
            _ => complete = false,
        }
    }
    complete.then_some(custom)
}

/// Ids are case-sensitive, and so are their patterns.
fn exact(text: &str) -> Result<Regex, Bad> {
    pattern(text)?;
    named_pattern(text).ok_or(Bad::Shape("a pattern"))
}
