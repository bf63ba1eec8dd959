//! What people do in the CRM, through `POST /__mock/{action}`: the table is in the documentation of [`super`].

use serde_json::{Map, Value, json};

use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Fate, Sight};
use super::refusal::Refusal;
use super::values;
use crate::clock::{parse_iso, whole_second};
use crate::desk::Core;

pub type Body = Map<String, Value>;

const ACTIONS: &str = "edit, delete, restore, merge, convert, associate, role, close, reopen, touch, property, stage, \
    owner, usage, expire-tokens, reset";

impl Org {
    pub fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let empty = Body::new();
        let body = body.as_object().unwrap_or(&empty);
        match action {
            "edit" => self.edit_by_rep(core, body),
            "delete" => self.delete_by_rep(core, body),
            "restore" => {
                let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
                let restored = self.chosen(kind, body)?;
                for id in &restored {
                    if !self.restore(core, &pen, kind, *id) {
                        return Err(format!("{id} is not in the recycle bin"));
                    }
                }
                Ok(said(&restored))
            }
            "merge" => self.merge_by_rep(core, body),
            "convert" => self.convert_by_rep(core, body),
            "associate" => self.associate_by_rep(core, body),
            "role" => self.role_by_rep(core, body),
            "close" => self.move_deals(core, body, true),
            "reopen" => self.move_deals(core, body, false),
            "touch" => self.touch_by_rep(core, body),
            "property" => self.change_property(body),
            "stage" => self.change_stage(body),
            "owner" => self.change_user(core, body),
            "usage" => {
                let used = body.get("used").and_then(Value::as_u64).ok_or("used is required, a number of credits")?;
                self.limits.set_used(core.now, used);
                Ok(json!({ "used": used }))
            }
            "expire-tokens" => {
                if flag(body, "refresh") {
                    self.tokens.revoke_refresh();
                } else {
                    self.tokens.expire_all();
                }
                Ok(json!({}))
            }
            other => Err(format!("unknown action `{other}`: {ACTIONS}")),
        }
    }

    fn edit_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let given = self.properties(kind, body)?;
        if !["id", "ids", "first", "all"].iter().any(|key| body.contains_key(*key)) {
            let id = self.insert(core, &pen, kind, &given, "$").map_err(|refusal| say(&refusal))?;
            return Ok(said(&[id]));
        }
        let ids = self.chosen(kind, body)?;
        for id in &ids {
            self.update(core, &pen, (kind, *id), &given, "$").map_err(|refusal| format!("{id}: {}", say(&refusal)))?;
        }
        Ok(said(&ids))
    }

    /// The CRM itself moves `Last_Activity_Time`, and `Modified_Time` with `modified: true`; no field changes.
    fn touch_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let ids = self.chosen(kind, body)?;
        for id in &ids {
            let Some(mut row) = self.live(kind, *id, Sight::Latest).map(|seen| seen.to_row()) else { continue };
            row.active = whole_second(pen.at);
            if flag(body, "modified") {
                row.modified = row.active;
            }
            self.keep(core, &pen, kind, *id, row);
        }
        Ok(said(&ids))
    }

    fn delete_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen, erase) = (object(body, "object")?, self.pen(core, body)?, flag(body, "erase"));
        let mut gone = Vec::new();
        for id in self.chosen(kind, body)? {
            match self.seen(kind, id, Sight::Latest).map(|seen| seen.fate()) {
                // What lies in the recycle bin can still be erased.
                Some(Fate::Live | Fate::Recycled { .. }) if erase => self.erase(core, &pen, kind, id),
                Some(Fate::Live) => self.recycle(core, &pen, kind, id, true),
                _ => continue,
            }
            gone.push(id);
        }
        Ok(said(&gone))
    }

    /// A sales person's pen. `at` sets the stamp (the past makes a row that turns up late), `visible_in_ms` when readers
    /// see it.
    pub fn pen(&self, core: &Core, body: &Body) -> Result<Pen, String> {
        let seller = self.users.iter().filter(|user| user.active).nth(1).or(self.users.first());
        let mut pen = Pen::rep(core, seller.map_or(ids::SYNC_USER, |user| user.id));
        if let Some(at) = body.get("at") {
            pen.at = at.as_str().and_then(parse_iso).ok_or("at must be an RFC 3339 instant")?;
        }
        if let Some(lag) = body.get("visible_in_ms") {
            let lag = lag.as_i64().ok_or("visible_in_ms must be a whole number")?;
            pen.visible_at = Some(core.now.saturating_add(lag));
        }
        Ok(pen)
    }

    /// The `properties` of an action in the shape a body would have them; an empty text clears.
    pub fn properties(&self, kind: Kind, body: &Body) -> Result<Map<String, Value>, String> {
        let Some(Value::Object(properties)) = body.get("properties") else { return Ok(Map::new()) };
        let mut given = Map::new();
        for (name, value) in properties {
            let known = self.schema(kind).get(name).ok_or_else(|| format!("{} has no field {name}", kind.name()));
            if !name.starts_with('$') {
                let value = match value {
                    Value::String(text) => values::from_text(known?.1, text),
                    other => other.clone(),
                };
                given.insert(name.clone(), value);
            } else {
                given.insert(name.clone(), value.clone());
            }
        }
        Ok(given)
    }

    /// The records an action is about: `id`, `ids`, the `first` so many live ones, or `all` of them.
    pub fn chosen(&self, kind: Kind, body: &Body) -> Result<Vec<u64>, String> {
        let count = match body.get("first").and_then(Value::as_u64) {
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => flag(body, "all").then_some(usize::MAX),
        };
        if let Some(count) = count {
            let ids = self.table(kind).all_ids(&self.people);
            return Ok(ids.filter(|id| self.live(kind, *id, Sight::Latest).is_some()).take(count).collect());
        }
        if let Some(Value::Array(ids)) = body.get("ids") {
            return ids.iter().map(|id| of_kind(kind, id)).collect();
        }
        Ok(vec![id(body, "id", kind)?])
    }
}

pub fn object(body: &Body, key: &str) -> Result<Kind, String> {
    let name = word(body, key).ok_or_else(|| format!("{key} is required, e.g. Contacts"))?;
    Kind::by_any_name(name).ok_or_else(|| format!("unknown object `{name}`"))
}

pub fn word<'a>(body: &'a Body, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub fn flag(body: &Body, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The id of a record of `kind` under `key`.
pub fn id(body: &Body, key: &str, kind: Kind) -> Result<u64, String> {
    of_kind(kind, body.get(key).ok_or_else(|| format!("{key} is required"))?)
}

pub fn of_kind(kind: Kind, value: &Value) -> Result<u64, String> {
    let id = ids::from_json(value).filter(|id| ids::kind_of(*id) == Some(kind));
    id.ok_or_else(|| format!("{value} is no id of {}", kind.name()))
}

pub fn said(ids: &[u64]) -> Value {
    let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
    json!({ "id": texts.first(), "ids": texts })
}

/// What a refused row says, for whoever pulled the lever.
pub fn say(refusal: &Refusal) -> String {
    format!("{}: {} {}", refusal.code, refusal.message, Value::Object(refusal.details.clone()))
}
