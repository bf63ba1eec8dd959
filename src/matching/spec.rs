//! What a match file says: fields, comparisons, blocking keys. Read and checked at once, so that nothing later can be absent.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::clean::Clean;

/// A whole match file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchSpec {
    /// Pairs at or above this probability are one person.
    #[serde(default = "default_threshold")]
    pub threshold: f64,
    /// Random pairs looked at to learn how often strangers agree.
    #[serde(default = "default_sample")]
    pub sample_pairs: usize,
    /// A blocking key that more records share than this says nothing and is left out (and counted).
    #[serde(default = "default_block")]
    pub largest_block: usize,
    /// The draw of random pairs.
    #[serde(default)]
    pub seed: u64,
    #[serde(rename = "field")]
    pub fields: BTreeMap<String, FieldSpec>,
    #[serde(rename = "compare")]
    pub comparisons: Vec<Comparison>,
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
}

/// One field of a record: columns of the table, joined by a space, cleaned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    #[serde(default)]
    pub column: Option<String>,
    #[serde(default)]
    pub columns: Vec<String>,
    #[serde(default)]
    pub clean: Vec<Clean>,
}

impl FieldSpec {
    pub fn sources(&self) -> impl Iterator<Item = &String> {
        self.column.iter().chain(&self.columns)
    }
}

/// How two values of a field are compared: the first level that holds is the one that counts; none is disagreement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    pub field: String,
    pub levels: Vec<Level>,
    /// Whether agreeing on a rare value counts for more than on a frequent one.
    #[serde(default)]
    pub term_frequency: bool,
}

/// One degree of agreement.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Exact,
    /// Jaro–Winkler similarity at least this.
    JaroWinkler(f64),
    /// At most this many edits (insert, delete, replace, swap of neighbours).
    Edits(usize),
    /// The first this many characters are equal.
    Prefix(usize),
    /// Both are numbers and differ by at most this.
    Within(f64),
    /// This field equals the other record's field of that name, and that one's equals this one's.
    Swapped(String),
    /// The words of one are all among the words of the other.
    Words,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::JaroWinkler(least) => write!(f, "jaro-winkler ≥ {least}"),
            Self::Edits(most) => write!(f, "≤ {most} edits"),
            Self::Prefix(length) => write!(f, "first {length} equal"),
            Self::Within(most) => write!(f, "within {most}"),
            Self::Swapped(other) => write!(f, "swapped with {other}"),
            Self::Words => f.write_str("same words"),
        }
    }
}

/// Records that agree on all keys of a block are compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    pub keys: Vec<BlockingKey>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum BlockingKey {
    Field(String),
    Part(KeyPart),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPart {
    pub field: String,
    /// Only the first this many characters.
    #[serde(default)]
    pub prefix: Option<usize>,
    /// Only the last this many characters.
    #[serde(default)]
    pub suffix: Option<usize>,
}

impl BlockingKey {
    pub fn field(&self) -> &str {
        match self {
            Self::Field(field) => field,
            Self::Part(part) => &part.field,
        }
    }
}

/// What is wrong with a match file.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("{0}")]
    Meaning(String),
}

/// Levels a comparison may have, so that a level fits a byte with room for "missing".
const MOST_LEVELS: usize = 16;

impl MatchSpec {
    /// Reads and checks a match file.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text)?;
        match spec.mistake() {
            Some(mistake) => Err(SpecError::Meaning(mistake)),
            None => Ok(spec),
        }
    }

    fn mistake(&self) -> Option<String> {
        let unknown = |name: &str, place: &str| {
            let near = nearest(name, self.fields.keys());
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            (!self.fields.contains_key(name)).then(|| format!("{place}: there is no [field.{name}]{hint}"))
        };
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            return Some("threshold must be between 0 and 1".into());
        }
        if self.comparisons.is_empty() || self.blocks.is_empty() {
            return Some("at least one [[compare]] and one [[block]] are needed".into());
        }
        if self.sample_pairs < 1_000 || self.largest_block < 2 {
            return Some("sample_pairs must be at least 1000 and largest_block at least 2".into());
        }
        for (name, field) in &self.fields {
            if field.sources().next().is_none() {
                return Some(format!("[field.{name}] names no column"));
            }
        }
        for comparison in &self.comparisons {
            let place = format!("[[compare]] {}", comparison.field);
            if let Some(mistake) = unknown(&comparison.field, "[[compare]]") {
                return Some(mistake);
            }
            if comparison.levels.is_empty() || comparison.levels.len() > MOST_LEVELS {
                return Some(format!("{place}: between 1 and {MOST_LEVELS} levels"));
            }
            if comparison.term_frequency && comparison.levels.first() != Some(&Level::Exact) {
                return Some(format!("{place}: term_frequency needs \"exact\" as the first level"));
            }
            for level in &comparison.levels {
                match level {
                    Level::JaroWinkler(least) if !(0.0..=1.0).contains(least) => {
                        return Some(format!("{place}: jaro_winkler is between 0 and 1"));
                    }
                    Level::Within(most) if !(*most >= 0.0 && most.is_finite()) => {
                        return Some(format!("{place}: within is a distance, not negative"));
                    }
                    Level::Swapped(other) => {
                        if let Some(mistake) = unknown(other, &place) {
                            return Some(mistake);
                        }
                    }
                    _ => {}
                }
            }
        }
        for block in &self.blocks {
            if block.keys.is_empty() {
                return Some("[[block]]: keys is empty, so everything would be compared with everything".into());
            }
            if let Some(mistake) = block.keys.iter().find_map(|key| unknown(key.field(), "[[block]]")) {
                return Some(mistake);
            }
        }
        None
    }
}

fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    among.map(|each| (strsim::damerau_levenshtein(name, each), each)).filter(|(far, _)| *far <= 2).min().map(|(_, e)| e)
}

fn default_threshold() -> f64 {
    0.9
}

fn default_sample() -> usize {
    1_000_000
}

fn default_block() -> usize {
    1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        threshold = 0.95
        [field.first]
        column = "given_name"
        clean = ["lower", "letters"]
        [field.last]
        columns = ["surname", "suffix"]
        [[compare]]
        field = "first"
        levels = ["exact", { jaro_winkler = 0.9 }, { swapped = "last" }]
        term_frequency = true
        [[block]]
        keys = ["last", { field = "first", prefix = 1 }]
    "#;

    #[test]
    fn a_file_is_read_whole() {
        let spec = MatchSpec::parse(GOOD).unwrap();
        assert_eq!(spec.threshold, 0.95);
        assert_eq!(spec.comparisons[0].levels[1], Level::JaroWinkler(0.9));
        assert_eq!(spec.blocks[0].keys[1].field(), "first");
        assert_eq!(spec.fields["last"].sources().count(), 2);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (
                GOOD.replace("field = \"first\"\n        levels", "field = \"frist\"\n        levels"),
                "did you mean `first`",
            ),
            (GOOD.replace("0.95", "95"), "between 0 and 1"),
            (GOOD.replace("swapped = \"last\"", "swapped = \"middle\""), "there is no [field.middle]"),
            (GOOD.replace("\"exact\", ", ""), "term_frequency needs"),
            (GOOD.replace("column = \"given_name\"", ""), "names no column"),
            (GOOD.replace("jaro_winkler", "jaro"), "unknown variant"),
        ];
        for (text, want) in cases {
            let why = MatchSpec::parse(&text).unwrap_err().to_string();
            assert!(why.contains(want), "{why} does not say {want}");
        }
    }
}
