//! Where every setting came from: what `ferry config show --resolved` style listings print and what the hash is taken of.

use std::cell::RefCell;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::config::diagnostic::Place;
use crate::config::tree::{Node, Value};

/// One resolved setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedLine {
    /// `crm.hubspot.api_version`
    pub path: String,
    /// In TOML. Secrets are references here as in the file.
    pub value: String,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// The preset's name.
    Preset(&'static str),
    /// `sync.toml:12`, or the name of an environment variable.
    File(String),
}

impl Origin {
    pub fn of(place: &Place) -> Self {
        Self::File(format!("{}:{}", place.text.name(), place.position().line))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::File(place) => f.write_str(place),
        }
    }
}

/// `schedule.pull = "5m"  # default`
impl fmt::Display for ResolvedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  # {}", self.path, self.value, self.origin)
    }
}

/// Collects resolved settings while a file is read.
#[derive(Debug, Default)]
pub struct Resolution(RefCell<Vec<ResolvedLine>>);

impl Resolution {
    pub fn add(&self, path: impl Into<String>, value: impl Into<String>, origin: Origin) {
        self.0.borrow_mut().push(ResolvedLine { path: path.into(), value: value.into(), origin });
    }

    /// In the order in which they were read; a later line of the same path replaces the earlier.
    pub fn into_lines(self) -> Vec<ResolvedLine> {
        let mut lines: Vec<ResolvedLine> = Vec::new();
        let mut at = std::collections::HashMap::new();
        for line in self.0.into_inner() {
            match at.get(&line.path).and_then(|index: &usize| lines.get_mut(*index)) {
                Some(earlier) => *earlier = line,
                None => {
                    at.insert(line.path.clone(), lines.len());
                    lines.push(line);
                }
            }
        }
        lines
    }
}

/// SHA-256 over the resolved settings in the order of their paths, in hex. Comments, layout, order and whether a value is
/// written or a default do not count; secrets count by reference.
pub fn hash(lines: &[ResolvedLine]) -> String {
    let mut pairs: Vec<(&str, &str)> = lines.iter().map(|line| (line.path.as_str(), line.value.as_str())).collect();
    pairs.sort_unstable();
    let mut hasher = Sha256::new();
    for (path, value) in pairs {
        for part in [path, value] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hex::encode(hasher.finalize())
}

/// A value in TOML on one line, the same for the same value however it was laid out.
pub fn toml_text(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quote(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Datetime(at) => at.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let entries: Vec<String> =
                table.entries.iter().map(|entry| format!("{} = {}", key(&entry.key), toml_text(&entry.node))).collect();
            if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// A TOML basic string.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { key.to_owned() } else { quote(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_the_settings_not_of_their_layout() {
        let line = |path: &str, value: &str, origin| ResolvedLine { path: path.into(), value: value.into(), origin };
        let one = [line("a", "1", Origin::Default), line("b", "2", Origin::File("f:1".into()))];
        let other = [line("b", "2", Origin::Default), line("a", "1", Origin::Preset("b2b"))];
        assert_eq!(hash(&one), hash(&other));
        assert_eq!(hash(&one).len(), 64);
        assert_ne!(hash(&one), hash(&one[..1]));
        assert_ne!(hash(&[line("ab", "c", Origin::Default)]), hash(&[line("a", "bc", Origin::Default)]));
    }

    #[test]
    fn a_later_line_replaces_an_earlier() {
        let resolution = Resolution::default();
        resolution.add("a", "1", Origin::Preset("b2b"));
        resolution.add("b", "2", Origin::Default);
        resolution.add("a", "3", Origin::File("sync.toml:4".into()));
        let lines: Vec<String> = resolution.into_lines().iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["a = 3  # sync.toml:4", "b = 2  # default"]);
    }
}
