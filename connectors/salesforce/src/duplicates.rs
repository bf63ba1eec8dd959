//! Records that are there already, as duplicate rules and unique fields name them.

use connector::RecordId;
use serde::Deserialize;

use crate::ids;

/// The part of a duplicate rule's answer that names the records it matched. Any of it may be missing: only refusals of
/// single records carry it, and a rule may hide what the user cannot see.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DuplicateResult {
    match_results: Option<Vec<MatchResult>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MatchResult {
    match_records: Option<Vec<MatchRecord>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MatchRecord {
    record: Option<Matched>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Matched {
    #[serde(rename = "Id", alias = "id")]
    id: Option<String>,
}

impl DuplicateResult {
    /// Every record matched, each once, in the rule's order.
    pub fn into_ids(self) -> Vec<RecordId> {
        let records = self.match_results.unwrap_or_default().into_iter();
        let records = records.flat_map(|result| result.match_records.unwrap_or_default());
        let mut found: Vec<RecordId> = Vec::new();
        for id in records.filter_map(|matched| matched.record?.id).filter_map(|id| ids::long(&id)) {
            let id = RecordId::from(&*id);
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }
}

/// `duplicate value found: Cdp_Id__c duplicates value on record with id: 003…`: the record that holds the value.
pub(crate) fn holder(message: &str) -> Option<RecordId> {
    let (_, after) = message.split_once("record with id:")?;
    let after = after.trim_start();
    let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
    ids::long(after.get(..end)?).map(|id| RecordId::from(&*id))
}

/// The unique field such a refusal is about.
pub(crate) fn field_held(message: &str) -> Option<&str> {
    let (_, after) = message.split_once("duplicate value found:")?;
    after.split_whitespace().next().filter(|name| *name != "<unknown>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::RowRefusal;

    const MATCHED: &str = r#""allowSave":true,"duplicateRule":"R","matchResults":[{"errors":[],"matchRecords":[
        {"fieldDiffs":[],"matchConfidence":100.0,"record":{"attributes":{"type":"Contact"},"Id":"003xx000004TmiQAAS"}},
        {"record":{"Id":"003xx000004TmiQ"}},{"record":{"Id":"nonsense"}},{"record":null}],"size":1},{"matchRecords":null}]"#;

    #[test]
    fn both_spellings_name_the_match_once() {
        for spelling in ["duplicateResut", "duplicateResult"] {
            let body = format!(
                r#"[{{"{spelling}":{{{MATCHED}}},"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}}]"#
            );
            let refusal = RowRefusal::read(body.as_bytes());
            assert_eq!(refusal.code, "DUPLICATES_DETECTED");
            assert_eq!(refusal.matches, [RecordId::from("003xx000004TmiQAAS")], "{spelling}");
        }
    }

    #[test]
    fn a_match_may_be_missing() {
        let refusal =
            RowRefusal::read(br#"[{"duplicateResut":{"matchResults":null},"errorCode":"DUPLICATES_DETECTED"}]"#);
        assert_eq!((refusal.code.as_str(), refusal.matches.len()), ("DUPLICATES_DETECTED", 0));
    }

    #[test]
    fn the_holder_of_a_unique_value_is_read_from_the_text() {
        let text = "duplicate value found: Cdp_Id__c duplicates value on record with id: 003xx000004TmiQ";
        assert_eq!(holder(text), Some("003xx000004TmiQAAS".into()));
        assert_eq!(field_held(text), Some("Cdp_Id__c"));
        assert_eq!(holder("duplicate value found: <unknown> duplicates value on record with id: <unknown>"), None);
        assert_eq!(field_held("duplicate value found: <unknown> duplicates"), None);
        assert_eq!(holder("Already a campaign member."), None);
    }
}
