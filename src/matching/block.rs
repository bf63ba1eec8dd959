//! Which pairs are worth comparing: those that share all keys of some block.

use std::collections::{HashMap, HashSet};

use super::Pair;
use super::spec::{Block, BlockingKey, MatchSpec};
use super::table::Table;

/// The pairs of every block, and what was left out.
#[derive(Debug, Default)]
pub struct Candidates {
    /// By block, in the order of the match file; a pair may be in several.
    pub by_block: Vec<Vec<Pair>>,
    /// Every pair once, in order.
    pub all: Vec<Pair>,
    /// Keys that more than `largest_block` records share; their records are not compared by them.
    pub oversized: u64,
}

/// All pairs that some block puts side by side.
pub fn candidates(table: &Table, spec: &MatchSpec) -> Candidates {
    let mut found = Candidates::default();
    let mut seen: HashSet<Pair> = HashSet::new();
    for block in &spec.blocks {
        let mut pairs = Vec::new();
        for records in groups(table, block).into_values() {
            if records.len() > spec.largest_block {
                found.oversized += 1;
                continue;
            }
            for (at, a) in records.iter().enumerate() {
                pairs.extend(records.iter().skip(at + 1).map(|b| (*a, *b)));
            }
        }
        pairs.sort_unstable();
        seen.extend(pairs.iter().copied());
        found.by_block.push(pairs);
    }
    found.all = seen.into_iter().collect();
    found.all.sort_unstable();
    found
}

/// Records by their key; a record without one of the parts has no key.
fn groups(table: &Table, block: &Block) -> HashMap<String, Vec<u32>> {
    let parts: Vec<(usize, &BlockingKey)> =
        block.keys.iter().filter_map(|key| Some((table.field(key.field())?, key))).collect();
    let mut groups: HashMap<String, Vec<u32>> = HashMap::new();
    for record in 0..table.len() as u32 {
        let key: Option<Vec<String>> =
            parts.iter().map(|(field, key)| table.text(*field, record).and_then(|text| part(text, key))).collect();
        if let Some(key) = key {
            groups.entry(key.join("\u{1f}")).or_default().push(record);
        }
    }
    groups
}

/// The part of a value that a key takes; a value shorter than the part has none.
fn part(text: &str, key: &BlockingKey) -> Option<String> {
    let BlockingKey::Part(wanted) = key else { return Some(text.to_owned()) };
    let mut kept: Vec<char> = text.chars().collect();
    if let Some(prefix) = wanted.prefix {
        (kept.len() >= prefix).then(|| kept.truncate(prefix))?;
    }
    if let Some(suffix) = wanted.suffix {
        let from = kept.len().checked_sub(suffix)?;
        kept.drain(..from);
    }
    Some(kept.into_iter().collect())
}
