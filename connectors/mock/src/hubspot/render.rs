//! Records as JSON: which properties an answer shows, and how.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::portal::Portal;
use super::records::Seen;
use super::refusal::PORTAL_ID;
use crate::clock::iso;
use crate::desk::Core;

/// What a reader asked to see.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub properties: Vec<String>,
    pub history: Vec<String>,
    pub associations: Vec<Kind>,
}

impl Portal {
    /// One record. Undefined names are left out; defined and empty ones are `null`.
    pub fn render(&self, core: &Core, seen: Seen<'_>, wanted: &Wanted) -> Value {
        let kind = seen.kind;
        let mut names: BTreeSet<&str> =
            BTreeSet::from(["hs_object_id", kind.created_property(), kind.modified_property()]);
        names.extend(wanted.properties.iter().map(String::as_str));
        names.extend(wanted.history.iter().map(String::as_str));
        if wanted.properties.is_empty() {
            names.extend(kind.default_properties());
        }
        let mut body = self.envelope(core, seen, names.into_iter());
        if !wanted.history.is_empty() {
            body.insert("propertiesWithHistory".into(), self.history_json(seen, &wanted.history));
        }
        if !wanted.associations.is_empty()
            && let Some(found) = self.inline_associations(seen, &wanted.associations)
        {
            body.insert("associations".into(), found);
        }
        Value::Object(body)
    }

    /// The answer to a write: what was written, the defaults, and what the CRM worked out.
    pub fn render_written(&self, core: &Core, seen: Seen<'_>, written: &Map<String, Value>) -> Value {
        let kind = seen.kind;
        let mut names: BTreeSet<&str> =
            BTreeSet::from(["hs_object_id", kind.created_property(), kind.modified_property()]);
        names.extend(written.keys().map(String::as_str));
        if kind == Kind::Deal {
            names.extend(["hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability", "closedate"]);
        }
        let mut body = self.envelope(core, seen, names.into_iter());
        if let Some(Value::Object(properties)) = body.get_mut("properties") {
            properties.retain(|name, value| !value.is_null() || written.contains_key(name));
        }
        Value::Object(body)
    }

    fn envelope<'n>(&self, core: &Core, seen: Seen<'_>, names: impl Iterator<Item = &'n str>) -> Map<String, Value> {
        let schema = self.schema(seen.kind);
        let mut properties = Map::new();
        for name in names.filter(|name| schema.get(name).is_some()) {
            let value = seen.get(name).map_or(Value::Null, |text| json!(&*text));
            properties.insert(name.to_owned(), value);
        }
        let mut body = Map::new();
        body.insert("id".into(), json!(seen.id.to_string()));
        body.insert("properties".into(), Value::Object(properties));
        body.insert("createdAt".into(), json!(iso(seen.created())));
        body.insert("updatedAt".into(), json!(iso(seen.modified())));
        body.insert("archived".into(), json!(seen.archived().is_some()));
        if let Some(at) = seen.archived() {
            body.insert("archivedAt".into(), json!(iso(at)));
        }
        body.insert("url".into(), json!(record_url(core, seen.kind, seen.id)));
        body
    }

    fn history_json(&self, seen: Seen<'_>, names: &[String]) -> Value {
        let mut all = Map::new();
        for name in names.iter().filter(|name| self.schema(seen.kind).get(name).is_some()) {
            let held = self.table(seen.kind).history(seen.id, name);
            let entries: Vec<Value> = if held.is_empty() {
                let import = |value: std::sync::Arc<str>| {
                    json!({ "value": &*value, "timestamp": iso(seen.created()), "sourceType": "IMPORT",
                            "sourceId": "import:1" })
                };
                seen.get(name).map(import).into_iter().collect()
            } else {
                let past = |past: &&super::records::Past| {
                    let mut entry = json!({ "value": &*past.value, "timestamp": iso(past.at),
                                            "sourceType": past.source.type_name(), "sourceId": past.source.id() });
                    if past.source == super::records::Source::Integration {
                        entry["sourceLabel"] = json!("mock-client");
                        entry["updatedByUserId"] = json!(77);
                    }
                    entry
                };
                held.iter().map(past).collect()
            };
            all.insert(name.clone(), Value::Array(entries));
        }
        Value::Object(all)
    }

    /// Ids per object, each id once per association type, as the vendor lists them.
    fn inline_associations(&self, seen: Seen<'_>, kinds: &[Kind]) -> Option<Value> {
        let mut all = Map::new();
        for to in kinds {
            let mut rows = Vec::new();
            for link in self.live_links(seen.kind, seen.id, *to) {
                for type_id in &link.types {
                    rows.push(json!({ "id": link.to.to_string(), "type": type_name(seen.kind, *to, *type_id) }));
                }
            }
            if !rows.is_empty() {
                all.insert(to.plural().into(), json!({ "results": rows }));
            }
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

/// `contact_to_company` for the primary, `contact_to_company_unlabeled` for the plain type where both exist.
pub fn type_name(from: Kind, to: Kind, type_id: u32) -> String {
    let plain = super::associations::plain_type(from, to) == Some(type_id);
    let has_primary = super::associations::primary_type(from, to).is_some();
    let tail = if plain && has_primary { "_unlabeled" } else { "" };
    format!("{}_to_{}{tail}", from.singular(), to.singular())
}

/// Where a person sees the record: on the mock itself, under the vendor's path.
pub fn record_url(core: &Core, kind: Kind, id: u64) -> String {
    format!("{}/contacts/{PORTAL_ID}/record/{}/{id}", core.base_url, kind.type_id())
}
