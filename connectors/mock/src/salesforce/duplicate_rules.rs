//! Duplicate rules: a write that makes a record look like another is reported, or refused for good.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::datum::Datum;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Seen, Sight};
use super::refusal::{Detail, Refusal, RowError};

/// `PUT /__mock/config {"duplicate_rules": [{…}]}`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRule {
    pub object: String,
    /// Fields that must all be equal, in any capitals, and none of them empty.
    pub fields: Vec<String>,
    /// `alert`: refused unless the caller sends `allowSave=true`. `block`: refused in any case.
    #[serde(default)]
    pub action: Action,
    /// Whether updates are checked too, of whatever field.
    #[serde(default = "yes")]
    pub on_update: bool,
    #[serde(default = "message")]
    pub message: String,
    /// Its API name in answers; made from the object when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    #[default]
    Alert,
    Block,
}

fn yes() -> bool {
    true
}

fn message() -> String {
    "Use one of these records?".into()
}

/// Matches shown at most.
const MAX_MATCHES: usize = 5;

impl DuplicateRule {
    /// # Errors
    /// What it names that is not there.
    pub fn check(&self) -> Result<(), String> {
        match Kind::parse(&self.object) {
            None => Err(format!("duplicate_rules: unknown object `{}`", self.object)),
            Some(_) if self.fields.is_empty() => Err("duplicate_rules: a rule needs at least one field".into()),
            Some(_) => Ok(()),
        }
    }
}

impl Org {
    /// Holds a record about to be written against the rules; `value` gives its fields as they would be.
    ///
    /// # Errors
    /// `DUPLICATES_DETECTED`, with the matches for those who see them.
    pub fn check_duplicates(
        &self,
        kind: Kind,
        number: Option<u64>,
        value: &dyn Fn(&str) -> Datum,
        pen: &Pen,
    ) -> Result<(), RowError> {
        if pen.system {
            return Ok(());
        }
        for rule in &self.knobs.duplicate_rules {
            let concerns = rule.object.eq_ignore_ascii_case(kind.name()) && (number.is_none() || rule.on_update);
            let allowed = rule.action == Action::Alert && pen.duplicates.allow_save;
            if !concerns || allowed {
                continue;
            }
            let matches = self.lookalikes(rule, kind, number, value);
            if !matches.is_empty() {
                return Err(self.detected(rule, kind, &matches, pen));
            }
        }
        Ok(())
    }

    fn lookalikes(
        &self,
        rule: &DuplicateRule,
        kind: Kind,
        number: Option<u64>,
        value: &dyn Fn(&str) -> Datum,
    ) -> Vec<Seen<'_>> {
        let wanted: Vec<(&str, Option<String>)> =
            rule.fields.iter().map(|field| (field.as_str(), value(field).key(false))).collect();
        if wanted.iter().any(|(_, key)| key.is_none()) {
            return Vec::new();
        }
        let indexed = rule.fields.iter().find_map(|field| {
            self.schema(kind).any(field).filter(|(_, definition)| definition.is_indexed()).map(|(id, _)| (id, field))
        });
        let candidates = match indexed {
            Some((id, field)) => self.find(kind, id, &value(field), Sight::Latest),
            None => self.numbers(kind, None).collect(),
        };
        let same = |seen: &Seen<'_>| wanted.iter().all(|(field, key)| seen.named(field).key(false) == *key);
        let others = candidates.into_iter().filter(|each| Some(*each) != number);
        let live = others.filter_map(|each| self.live(kind, each, Sight::Latest));
        live.filter(same).take(MAX_MATCHES).collect()
    }

    fn detected(&self, rule: &DuplicateRule, kind: Kind, matches: &[Seen<'_>], pen: &Pen) -> RowError {
        let object = kind.name();
        let records: Vec<Value> = matches
            .iter()
            .map(|seen| {
                let id = seen.id();
                let mut record = json!({
                    "attributes": { "type": object, "url": format!("/services/data/v67.0/sobjects/{object}/{id}") },
                    "Id": id.to_string(),
                });
                if pen.duplicates.include_record_details {
                    for field in &rule.fields {
                        record[field.as_str()] = seen.named(field).json();
                    }
                }
                json!({ "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record })
            })
            .collect();
        let name = rule.name.clone().unwrap_or_else(|| format!("Standard_{object}_Duplicate_Rule"));
        let result = json!({
            "allowSave": rule.action == Action::Alert,
            "duplicateRule": name,
            "duplicateRuleEntityType": object,
            "errorMessage": rule.message,
            "matchResults": [{
                "entityType": object,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "size": records.len(),
                "matchRecords": records,
                "rule": format!("Standard_{object}_Match_Rule_v1_1"),
                "success": true,
            }],
        });
        let key = if self.knobs.correct_duplicate_key { "duplicateResult" } else { "duplicateResut" };
        let refusal = Refusal::new(400, "DUPLICATES_DETECTED", rule.message.clone());
        Refusal { detail: Detail::Duplicates(key, result), ..refusal }
    }
}
