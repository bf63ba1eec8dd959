//! What hangs under `actions/`: tags on and off, one value for many records, another owner, a copy.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::catalogue::TAG;
use super::datum::Datum;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::Refusal;
use super::values;
use super::write::shown;
use super::write_api::{Done, object};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const MOST_IDS: usize = 500;

impl Org {
    /// `POST /{module}/actions/add_tags` and `/{module}/{id}/actions/add_tags`, and the same with `remove_tags`.
    pub fn tag_records(
        &mut self,
        core: &mut Core,
        call: &Call,
        kind: Kind,
        only: Option<&str>,
        add: bool,
    ) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let names: Option<Vec<String>> = match body.get("tags") {
            Some(Value::Array(tags)) => {
                Some(tags.iter().filter_map(|tag| tag["name"].as_str()).map(str::to_owned).collect())
            }
            _ => None,
        };
        let names = names.filter(|names| !names.is_empty()).ok_or_else(|| Refusal::missing_key("tags"))?;
        let over_write = body.get("over_write").and_then(Value::as_bool).unwrap_or(false);
        let ids = self.ids_of(call, kind, &body, only)?;
        let pen = Pen { triggers: false, ..Pen::api(core) };
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let results = self.each_row(core, &rows, |org, core, row, _| {
            let given = row.get("id").cloned().unwrap_or_default();
            let unknown = || Refusal::invalid("the id given seems to be invalid").with("id", given.clone());
            let id = ids::from_json(&given).ok_or_else(unknown)?;
            let seen = org.live(kind, id, Sight::Latest).ok_or_else(unknown)?;
            let mut tags: Vec<Arc<str>> = match seen.get(TAG) {
                Datum::List(tags) if !(add && over_write) => tags.to_vec(),
                _ => Vec::new(),
            };
            for name in &names {
                if add {
                    values::add_tag(&mut tags, name)?;
                } else {
                    tags.retain(|tag| !tag.eq_ignore_ascii_case(name));
                }
            }
            let row = seen.to_row();
            let shown: Vec<Value> = tags.iter().map(|tag| json!({ "name": &**tag })).collect();
            org.store(core, &pen, "update", (kind, id), row, vec![(TAG, Datum::list(tags))]);
            let message = if add { "tags updated successfully" } else { "tags removed successfully" };
            Ok(Done { message, details: json!({ "id": id.to_string(), "tags": shown }), beside: Vec::new() })
        });
        Ok(self.answer(core, 200, results))
    }

    /// The records an action names in its body, in its query or in its path.
    fn ids_of(
        &self,
        call: &Call,
        kind: Kind,
        body: &Map<String, Value>,
        only: Option<&str>,
    ) -> Result<Vec<Value>, Refusal> {
        if let Some(text) = only {
            let id = self.named_record(call, kind, text)?;
            return Ok(vec![json!(id.map_or_else(|| text.to_owned(), |id| id.to_string()))]);
        }
        let ids = match body.get("ids") {
            Some(Value::Array(ids)) => ids.clone(),
            Some(Value::String(ids)) => ids.split(',').map(|id| json!(id.trim())).collect(),
            _ => call.list("ids").into_iter().map(Value::String).collect(),
        };
        if ids.is_empty() {
            return Err(Refusal::missing_key("ids"));
        }
        if ids.len() > MOST_IDS {
            return Err(Refusal::limit("ids", MOST_IDS as u64));
        }
        Ok(ids)
    }

    /// `POST /{module}/actions/mass_update`: one value for many, three of a deal.
    pub fn mass_update(&mut self, core: &mut Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let given = body.get("data").map_or(&Value::Null, |data| &data[0]).as_object().cloned().unwrap_or_default();
        let most = if kind == Kind::Deals { 3 } else { 1 };
        if given.is_empty() || given.len() > most {
            return Err(Refusal::invalid("invalid data").with("api_name", "data").with("maximum_length", most));
        }
        if body.contains_key("cvid") {
            return Err(Refusal::not_supported("cvid"));
        }
        let ids = self.ids_of(call, kind, &body, None)?;
        let pen = Pen::api(core);
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let results = self.each_row(core, &rows, |org, core, row, path| {
            let text = row.get("id").cloned().unwrap_or_default();
            let id = ids::from_json(&text).ok_or_else(|| Refusal::unknown_id(&text, &format!("{path}.id")))?;
            org.update(core, &pen, (kind, id), &given, path)?;
            Ok(org.done(kind, id, "record updated"))
        });
        Ok(self.answer(core, 200, results))
    }

    /// `POST /{module}/{id}/actions/change_owner`.
    pub fn change_owner(&mut self, core: &mut Core, call: &Call, kind: Kind, text: &str) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let owner = body.get("owner").cloned().ok_or_else(|| Refusal::missing_key("owner"))?;
        let given = Map::from_iter([("Owner".to_owned(), owner)]);
        let unknown = || Refusal::unknown_id(&json!(text), "$.id");
        let id = self.named_record(call, kind, text)?.ok_or_else(unknown)?;
        let pen = Pen::api(core);
        let result = self.update(core, &pen, (kind, id), &given, "$");
        let row = result.map(|()| self.done(kind, id, "record updated"));
        Ok(self.answer(core, 200, vec![row]))
    }

    /// `POST /{module}/{id}/actions/clone`: a new record with the same values.
    pub fn clone_record(&mut self, core: &mut Core, call: &Call, kind: Kind, text: &str) -> Result<Reply, Refusal> {
        let unknown = || Refusal::unknown_id(&json!(text), "$.id");
        let id = self.named_record(call, kind, text)?.ok_or_else(unknown)?;
        let seen = self.live(kind, id, Sight::Latest).ok_or_else(unknown)?;
        let mut given = Map::new();
        for (field, definition) in self.schema(kind).all().filter(|(_, each)| each.is_writable() && !each.unique) {
            let datum = seen.get(field);
            if !datum.is_null() && field != TAG {
                let value = match &datum {
                    Datum::Ref(id) => json!({ "id": id.to_string() }),
                    other => shown(other),
                };
                if &*definition.name == "What_Id"
                    && let Some(target) = datum.as_ref_id().and_then(ids::kind_of)
                {
                    given.insert("$se_module".into(), json!(target.name()));
                }
                given.insert(definition.name.to_string(), value);
            }
        }
        let pen = Pen::api(core);
        let made = self.insert(core, &pen, kind, &given, "$");
        let row = made.map(|id| self.done(kind, id, "record added"));
        Ok(self.answer(core, 201, vec![row]))
    }

    /// `POST /{module}/{id}/Notes`.
    pub fn add_notes(&mut self, core: &mut Core, call: &Call, kind: Kind, text: &str) -> Result<Reply, Refusal> {
        let unknown = || Refusal::invalid("the id given seems to be invalid").with("resource_path_index", 1);
        let parent = self.named_record(call, kind, text)?.ok_or_else(unknown)?;
        let body = object(call)?;
        let (rows, pen) = (super::write_api::rows(&body)?, Pen::of_body(core, &body)?);
        let results = self.each_row(core, rows, |org, core, row, path| {
            let mut row = row.clone();
            row.insert("Parent_Id".into(), json!({ "id": parent.to_string() }));
            let id = org.insert(core, &pen, Kind::Notes, &row, path)?;
            Ok(org.done(Kind::Notes, id, "record added"))
        });
        Ok(self.answer(core, 201, results))
    }

    /// `GET /settings/tags?module=`: those in use.
    pub fn list_tags(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let mut names: Vec<Arc<str>> = Vec::new();
        for id in self.table(kind).held_ids() {
            if let Some(Datum::List(tags)) = self.live(kind, id, Sight::Latest).map(|seen| seen.get(TAG)) {
                names.extend(tags.iter().cloned());
            }
        }
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Ok(Reply::empty(204));
        }
        let tags: Vec<Value> = names
            .iter()
            .map(|name| {
                let by = super::render::user(self, ids::SYNC_USER);
                json!({ "name": &**name, "id": super::render::tag_id(name).to_string(), "color_code": null,
                        "created_by": by, "modified_by": by })
            })
            .collect();
        let info = json!({ "count": tags.len(), "allowed_count": 100 });
        Ok(Reply::json(200, &json!({ "tags": tags, "info": info })))
    }
}
