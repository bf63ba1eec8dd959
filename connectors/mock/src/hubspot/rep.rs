//! What people do in the CRM, through `POST /__mock/{action}`: the table is in the documentation of [`super`]. Objects go
//! by any of their names, ids as text or numbers. `at` sets the stamp of a change (the past makes a late-visible row),
//! `visible_in_ms` when search shows it.

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::owners::{self, Owner};
use super::portal::Portal;
use super::records::Seen;
use super::refusal::Refusal;
use super::schema::{Choice, Property};
use super::write::Pen;
use crate::clock::parse_iso;
use crate::desk::Core;

impl Portal {
    pub fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let empty = Map::new();
        let body = body.as_object().unwrap_or(&empty);
        match action {
            "edit" => self.edit_by_rep(core, body),
            "delete" => {
                let kind = object(body, "object")?;
                let (pen, erase) = (pen(core, body)?, flag(body, "erase"));
                let gone: Vec<String> = self
                    .chosen(kind, body)?
                    .into_iter()
                    .filter(|id| self.archive(core, kind, *id, pen, erase))
                    .map(|id| id.to_string())
                    .collect();
                Ok(json!({ "ids": gone }))
            }
            "restore" => {
                let (kind, id) = (object(body, "object")?, id(body, "id")?);
                let pen = pen(core, body)?;
                self.restore(core, kind, id, pen).map_err(|refusal| refusal.message)?;
                Ok(json!({ "id": id.to_string() }))
            }
            "merge" => {
                let (kind, pen) = (object(body, "object")?, pen(core, body)?);
                let merged = self.merge(core, kind, id(body, "primary")?, id(body, "secondary")?, pen);
                Ok(json!({ "id": merged.map_err(|refusal| refusal.message)?.to_string() }))
            }
            "associate" => self.associate_by_rep(core, body),
            "property" => self.change_field(core, body),
            "list" => self.list_by_rep(core, body),
            "expire-tokens" => {
                self.tokens.expire_all(core.now);
                if flag(body, "refresh") {
                    self.tokens.revoke_refresh();
                }
                Ok(json!({}))
            }
            "owner" => {
                let word = |key: &str| input::text(body, key).unwrap_or_default();
                let email = input::text(body, "email").ok_or("email is required")?;
                let at = owners::next_position(&self.owners);
                let made = owners::owner(at, word("first_name"), word("last_name"), "Sales", flag(body, "archived"));
                let id = made.id.to_string();
                self.owners.push(Owner { email: email.to_owned(), ..made });
                Ok(json!({ "id": id }))
            }
            "convert" => Err("HubSpot has no lead conversion: edit lifecyclestage instead".into()),
            other => Err(format!(
                "unknown action `{other}`: edit, delete, restore, merge, associate, property, list, owner, expire-tokens, reset"
            )),
        }
    }

    fn edit_by_rep(&mut self, core: &mut Core, body: &Map<String, Value>) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, pen(core, body)?);
        let properties = input::properties(body).map_err(|refusal| refusal.message)?;
        let say = |refusal: Refusal| refusal.message;
        if !["id", "ids", "first"].iter().any(|key| body.contains_key(*key)) {
            let links = self.new_links(kind, body).map_err(say)?;
            let id = self.create(core, kind, &properties, pen).map_err(say)?;
            self.link_new(core, kind, id, &links);
            return Ok(json!({ "id": id.to_string(), "ids": [id.to_string()] }));
        }
        let ids = self.chosen(kind, body)?;
        for id in &ids {
            self.update(core, kind, *id, &properties, pen)
                .map_err(|r| format!("{} {id}: {}", kind.singular(), r.message))?;
        }
        let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
        Ok(json!({ "id": texts.first(), "ids": texts }))
    }

    /// The records an action is about.
    fn chosen(&self, kind: Kind, body: &Map<String, Value>) -> Result<Vec<u64>, String> {
        if let Some(count) = body.get("first").and_then(Value::as_u64) {
            let table = self.table(kind);
            let live = table.ids_from(&self.people, 0).filter_map(|id| table.live(&self.people, id));
            return Ok(live.map(|seen: Seen<'_>| seen.id).take(usize::try_from(count).unwrap_or(usize::MAX)).collect());
        }
        if let Some(Value::Array(ids)) = body.get("ids") {
            let parse = |value: &Value| input::id_text(Some(value)).and_then(|text| text.parse().ok());
            return ids.iter().map(|value| parse(value).ok_or_else(|| format!("{value} is not an id"))).collect();
        }
        Ok(vec![id(body, "id")?])
    }

    fn associate_by_rep(&mut self, core: &mut Core, body: &Map<String, Value>) -> Result<Value, String> {
        let side = (object(body, "from")?, id(body, "from_id")?, object(body, "to")?);
        let other = id(body, "to_id")?;
        if flag(body, "remove") {
            self.part(core, side, other);
            return Ok(json!({}));
        }
        let types = body.get("types").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let types: Vec<u32> = types.iter().filter_map(Value::as_u64).filter_map(|id| u32::try_from(id).ok()).collect();
        self.join(core, side, other, &types).map_err(|refusal| refusal.message)?;
        Ok(json!({}))
    }

    fn change_field(&mut self, core: &mut Core, body: &Map<String, Value>) -> Result<Value, String> {
        let kind = object(body, "object")?;
        if let Some(Value::Object(definition)) = body.get("create") {
            return self.add_property(core, kind, definition).map_err(|refusal| refusal.message);
        }
        let name = input::text(body, "name").ok_or("name is required")?.to_owned();
        if flag(body, "remove") {
            self.drop_property(core, kind, &name).map_err(|refusal| refusal.message)?;
            return Ok(json!({ "name": name, "archived": true }));
        }
        let schema = self.schema(kind);
        let property = schema.properties.get(name.as_str()).ok_or_else(|| format!("no property {name}"))?;
        let before = property.json();
        let mut property: Property = property.clone();
        property.updated = core.now;
        if flag(body, "restore") {
            property.archived = false;
        }
        if let Some(read_only) = body.get("read_only").and_then(Value::as_bool) {
            property.read_only = read_only;
        }
        if let Some(Value::Array(options)) = body.get("options") {
            property.choices =
                options.iter().filter_map(Value::as_str).map(|value| Choice::plain(value, value)).collect();
        }
        let after = property.json();
        self.schema_mut(kind).add(property);
        self.log_property(core, kind, "update", &name, before, after.clone());
        Ok(after)
    }
}

fn object(body: &Map<String, Value>, key: &str) -> Result<Kind, String> {
    let name = input::text(body, key).ok_or_else(|| format!("{key} is required, e.g. contacts"))?;
    Kind::parse(name).ok_or_else(|| format!("unknown object `{name}`"))
}

fn id(body: &Map<String, Value>, key: &str) -> Result<u64, String> {
    let text = input::id_text(body.get(key)).ok_or_else(|| format!("{key} is required"))?;
    text.parse().map_err(|_| format!("{key}: `{text}` is not an id"))
}

fn flag(body: &Map<String, Value>, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn pen(core: &Core, body: &Map<String, Value>) -> Result<Pen, String> {
    let mut pen = Pen::rep(core);
    if let Some(at) = body.get("at") {
        let instant = at.as_str().and_then(parse_iso);
        pen.at = instant.ok_or("at must be an RFC 3339 instant")?;
    }
    if let Some(lag) = body.get("visible_in_ms") {
        let lag = lag.as_i64().ok_or("visible_in_ms must be a whole number")?;
        pen.visible_at = Some(core.now.saturating_add(lag));
    }
    Ok(pen)
}
