//! The rules of identity as the log keeps them: a replay of years must know which rules decided what.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use crate::model::normal::Region;
use crate::model::{Blocked, Bridge, CustomRule, Family, IdentityRules, OnConflict, Survival, Survivorship};

/// Bytes of a compiled pattern, and its states.
const PATTERN_SIZE: usize = 1 << 20;

/// Every key in one order, so that the same rules are the same text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    priority: Vec<String>,
    limits: BTreeMap<String, u32>,
    custom: BTreeMap<String, CustomText>,
    keep_on_conflict: bool,
    strict_bridge: bool,
    default_region: Option<String>,
    block: Vec<String>,
    block_email: Vec<String>,
    survivorship: SurvivorshipText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomText {
    limit: u32,
    pattern: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SurvivorshipText {
    traits: BTreeMap<String, String>,
    sources: Vec<String>,
}

/// Only what a merge of two profiles needs.
#[derive(Debug, Deserialize)]
struct OfMerges {
    survivorship: SurvivorshipText,
}

impl IdentityRules {
    /// Everything that decides who is who and what survives; from which probability on a pair is shown does not.
    pub fn to_text(&self) -> String {
        let name = |family: &Family| family.as_str().to_owned();
        let custom = |(name, rule): (&Arc<str>, &CustomRule)| {
            let pattern = rule.pattern.as_ref().map(|pattern| pattern.as_str().to_owned());
            (name.to_string(), CustomText { limit: rule.limit, pattern })
        };
        let text = Text {
            priority: self.priority.iter().map(name).collect(),
            limits: self.limits.iter().map(|(family, limit)| (name(family), *limit)).collect(),
            custom: self.custom.iter().map(custom).collect(),
            keep_on_conflict: self.on_conflict == OnConflict::Keep,
            strict_bridge: self.bridge == Bridge::Strict,
            default_region: self.default_region.map(Region::code),
            block: self.blocked.any.patterns().to_vec(),
            block_email: self.blocked.email.patterns().to_vec(),
            survivorship: SurvivorshipText {
                traits: self
                    .survivorship
                    .traits
                    .iter()
                    .map(|(name, rule)| (name.to_string(), rule.as_str().to_owned()))
                    .collect(),
                sources: self.survivorship.sources.iter().map(ToString::to_string).collect(),
            },
        };
        serde_json::to_string(&text).unwrap_or_default()
    }

    /// Reads back what [`Self::to_text`] wrote; what is not in it is the default.
    pub fn from_text(text: &str) -> Option<Self> {
        let text: Text = serde_json::from_str(text).ok()?;
        let custom = |(name, rule): (String, CustomText)| {
            let pattern = match rule.pattern {
                Some(pattern) => Some(named_pattern(&pattern)?),
                None => None,
            };
            Some((Arc::from(name), CustomRule { limit: rule.limit, pattern }))
        };
        let limit = |(name, limit): (String, u32)| Some((Family::named(&name)?, limit));
        Some(Self {
            priority: text.priority.iter().map(|name| Family::named(name)).collect::<Option<_>>()?,
            limits: text.limits.into_iter().map(limit).collect::<Option<_>>()?,
            custom: text.custom.into_iter().map(custom).collect::<Option<_>>()?,
            on_conflict: if text.keep_on_conflict { OnConflict::Keep } else { OnConflict::Detach },
            bridge: if text.strict_bridge { Bridge::Strict } else { Bridge::WithinLimits },
            default_region: match text.default_region {
                Some(code) => Some(Region::of_code(&code)?),
                None => None,
            },
            blocked: Blocked { any: blocking(&text.block)?, email: blocking(&text.block_email)? },
            survivorship: survivorship(text.survivorship)?,
            ..Self::default()
        })
    }

    /// A short name for these rules.
    pub fn hash(&self) -> String {
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(self.to_text().as_bytes()))
    }
}

impl Survivorship {
    /// Reads the part about traits of what [`IdentityRules::to_text`] wrote.
    pub fn of_rules_text(text: &str) -> Option<Self> {
        survivorship(serde_json::from_str::<OfMerges>(text).ok()?.survivorship)
    }
}

fn survivorship(text: SurvivorshipText) -> Option<Survivorship> {
    let rule = |(name, word): (String, String)| {
        let rule = Survival::ALL.into_iter().find(|rule| rule.as_str() == word)?;
        Some((Arc::from(name), rule))
    };
    Some(Survivorship {
        traits: text.traits.into_iter().map(rule).collect::<Option<_>>()?,
        sources: text.sources.into_iter().map(Arc::from).collect(),
    })
}

/// Patterns of blocked values, in any case.
pub fn blocking(patterns: &[String]) -> Option<RegexSet> {
    RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(PATTERN_SIZE).build().ok()
}

/// What a named id must look like: ids are case-sensitive, and so are their patterns.
pub fn named_pattern(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_and_the_same_rules_are_the_same_text() {
        let plain = IdentityRules::default();
        assert_eq!(IdentityRules::from_text(&plain.to_text()).unwrap().to_text(), plain.to_text());
        let mut other = IdentityRules {
            on_conflict: OnConflict::Keep,
            bridge: Bridge::Strict,
            default_region: Region::of_code("de"),
            blocked: Blocked {
                any: blocking(&["^internal-".into()]).unwrap(),
                email: blocking(&["@acme\\.example$".into()]).unwrap(),
            },
            survivorship: Survivorship {
                traits: BTreeMap::from([("title".into(), Survival::SourceRank), ("tags".into(), Survival::Union)]),
                sources: vec!["pos".into()],
            },
            ..plain.clone()
        };
        other.priority.reverse();
        other.limits.insert(Family::Email, 2);
        other.custom.insert("member".into(), CustomRule { limit: 2, pattern: named_pattern("^M[0-9]+$") });
        let text = other.to_text();
        let read = IdentityRules::from_text(&text).unwrap();
        assert_eq!((read.to_text(), read.survivorship), (text.clone(), other.survivorship.clone()));
        assert_eq!(Survivorship::of_rules_text(&text).unwrap(), other.survivorship);
        assert!(
            read.blocked.any.is_match("INTERNAL-7") && !read.custom["member"].pattern.as_ref().unwrap().is_match("m7")
        );
        assert_ne!(other.hash(), plain.hash());
        let threshold = IdentityRules { review_threshold: 0.5, ..plain.clone() };
        assert_eq!(threshold.hash(), plain.hash(), "what is shown to a person decides nothing");
        for broken in ["", "{}", &plain.to_text().replace("user_id", "usr_id")] {
            assert!(IdentityRules::from_text(broken).is_none());
        }
    }
}
