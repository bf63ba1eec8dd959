//! Associations over the wire: batches of up to 2,000, one record's list, labels. Changing one never moves the stamp of
//! a record.

use serde_json::{Map, Value, json};

use super::associations::{Link, inverse, plain_type};
use super::input;
use super::kind::Kind;
use super::portal::Portal;
use super::refusal::Refusal;
use crate::clock::iso;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

const MAX_READ: usize = 1_000;
const MAX_WRITE: usize = 2_000;
const PAGE: usize = 500;

/// A link a new record is to be born with.
pub type NewLink = (Kind, u64, Vec<u32>);

impl Portal {
    /// `/crm/associations/{from}/{to}/…`.
    pub fn associations_route(
        &mut self,
        core: &mut Core,
        call: &Call,
        (from, to): (Kind, Kind),
        version: &str,
        rest: &[&str],
    ) -> Result<Reply, Refusal> {
        // Dated paths answer 200 where v4 answers 201 or 204.
        let dated = !version.starts_with('v');
        match (call.method.as_str(), rest) {
            ("POST", ["batch", "read"]) => self.read_links(core, call, from, to, version),
            ("POST", ["batch", "create"]) => {
                self.create_links(core, call, from, to, if version == "2026-09" { 200 } else { 201 })
            }
            ("POST", ["batch", "associate", "default"]) => self.create_default_links(core, call, from, to),
            ("POST", ["batch", "archive"]) => self.archive_links(core, call, from, to, if dated { 200 } else { 204 }),
            ("GET", ["labels"]) => Ok(Reply::json(200, &json!({ "results": self.labels_json(from, to) }))),
            ("POST", ["labels"]) => {
                let body = input::object(call)?;
                let label = input::text(&body, "label").ok_or_else(|| Refusal::validation("label is required"))?;
                let id = self.associations.define_label(label);
                let made = json!({ "category": "USER_DEFINED", "typeId": id, "label": label });
                Ok(Reply::json(200, &json!({ "results": [made] })))
            }
            _ => Err(Refusal::unknown_route(&call.path)),
        }
    }

    /// `/crm/objects/{type}/{id}/associations/…`.
    pub fn record_associations_route(
        &mut self,
        core: &mut Core,
        call: &Call,
        (from, id): (Kind, &str),
        rest: &[&str],
    ) -> Result<Reply, Refusal> {
        let id: u64 = id.parse().map_err(|_| Refusal::not_found())?;
        let known = |name: &str| Kind::parse(name).ok_or_else(|| unknown_object(name));
        match (call.method.as_str(), rest) {
            ("GET", [to]) => self.list_links(core, call, (from, id, known(to)?)),
            ("PUT", ["default", to, other]) => {
                let (to, other) = (known(to)?, other.parse().map_err(|_| Refusal::not_found())?);
                self.join(core, (from, id, to), other, &[])?;
                let result = default_link_json(from, to, id, other);
                Ok(Reply::json(200, &complete(core, vec![result], Vec::new())))
            }
            ("PUT", [to, other]) => {
                let (to, other) = (known(to)?, other.parse().map_err(|_| Refusal::not_found())?);
                let types: Vec<Value> = serde_json::from_slice(&call.body).map_err(|why| Refusal::bad_json(&why))?;
                let types = self.types(from, to, Some(&Value::Array(types)))?;
                self.join(core, (from, id, to), other, &types)?;
                Ok(Reply::json(201, &self.link_json(from, to, id, other, &types)))
            }
            ("DELETE", [to, other]) => {
                if let Ok(other) = other.parse() {
                    self.part(core, (from, id, known(to)?), other);
                }
                Ok(Reply::empty(204))
            }
            _ => Err(Refusal::unknown_route(&call.path)),
        }
    }

    /// A record's links to live records.
    pub fn live_links(&self, from: Kind, id: u64, to: Kind) -> Vec<Link> {
        let mut links = self.associations.links(&self.people, (from, id, to));
        links.retain(|link| self.live(to, link.to).is_some());
        links
    }

    fn list_links(&self, core: &Core, call: &Call, (from, id, to): (Kind, u64, Kind)) -> Result<Reply, Refusal> {
        let id = self.table(from).survivor(id);
        self.live(from, id).ok_or_else(Refusal::not_found)?;
        let limit = call.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
        let after = call.parameter("after").and_then(|text| text.parse().ok()).unwrap_or(0);
        let links = self.live_links(from, id, to);
        let mut rest = links.iter().filter(|link| link.to > after);
        let page: Vec<&Link> = rest.by_ref().take(limit).collect();
        let results: Vec<Value> = page.iter().map(|link| self.to_json(link)).collect();
        let mut body = json!({ "results": results });
        if let (Some(_), Some(last)) = (rest.next(), page.last()) {
            let link = format!("{}{}?limit={limit}&after={}", core.base_url, call.path, last.to);
            body["paging"] = json!({ "next": { "after": last.to.to_string(), "link": link } });
        }
        Ok(Reply::json(200, &body))
    }

    fn read_links(&self, core: &Core, call: &Call, from: Kind, to: Kind, version: &str) -> Result<Reply, Refusal> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for row in input::inputs(&input::object(call)?, MAX_READ)? {
            let text = input::id_text(row.get("id"))
                .ok_or_else(|| Refusal::validation("Some required fields were not set: [id]"))?;
            let after = input::id_text(row.get("after")).and_then(|text| text.parse().ok()).unwrap_or(0);
            let links = match text.parse().ok().filter(|id| self.live(from, *id).is_some()) {
                Some(id) => self.live_links(from, id, to),
                None => Vec::new(),
            };
            let mut rest = links.iter().filter(|link| link.to > after);
            let page: Vec<&Link> = rest.by_ref().take(PAGE).collect();
            if page.is_empty() {
                errors.push(no_associations(from, to, &text));
                continue;
            }
            let shown: Vec<Value> = if version == "v3" {
                let each =
                    |link: &&Link| json!({ "id": link.to.to_string(), "type": super::render::type_name(from, to, 0) });
                page.iter().map(each).collect()
            } else {
                page.iter().map(|link| self.to_json(link)).collect()
            };
            let mut result = json!({ "from": { "id": text }, "to": shown });
            if let (Some(_), Some(last)) = (rest.next(), page.last()) {
                result["paging"] = json!({ "next": { "after": last.to.to_string() } });
            }
            results.push(result);
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        Ok(Reply::json(status, &complete(core, results, errors)))
    }

    fn create_links(&mut self, core: &mut Core, call: &Call, from: Kind, to: Kind, ok: u16) -> Result<Reply, Refusal> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for row in input::inputs(&input::object(call)?, MAX_WRITE)? {
            let types = self.types(from, to, row.get("types"))?;
            let (id, other) = (end(&row, "from")?, end(&row, "to")?);
            match self.join(core, (from, id, to), other, &types) {
                Ok(()) => results.push(self.link_json(from, to, id, other, &types)),
                Err(refusal) => errors
                    .push(refusal.row(json!({ "fromObjectId": [id.to_string()], "toObjectId": [other.to_string()] }))),
            }
        }
        let status = if errors.is_empty() { ok } else { 207 };
        Ok(Reply::json(status, &complete(core, results, errors)))
    }

    fn create_default_links(&mut self, core: &mut Core, call: &Call, from: Kind, to: Kind) -> Result<Reply, Refusal> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for row in input::inputs(&input::object(call)?, MAX_WRITE)? {
            let (id, other) = (end(&row, "from")?, end(&row, "to")?);
            match self.join(core, (from, id, to), other, &[]) {
                Ok(()) => results.push(default_link_json(from, to, id, other)),
                Err(refusal) => errors
                    .push(refusal.row(json!({ "fromObjectId": [id.to_string()], "toObjectId": [other.to_string()] }))),
            }
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        Ok(Reply::json(status, &complete(core, results, errors)))
    }

    fn archive_links(&mut self, core: &mut Core, call: &Call, from: Kind, to: Kind, ok: u16) -> Result<Reply, Refusal> {
        for row in input::inputs(&input::object(call)?, MAX_WRITE)? {
            let id = end(&row, "from")?;
            for other in row.get("to").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
                if let Some(other) = input::id_text(other.get("id")).and_then(|text| text.parse().ok()) {
                    self.part(core, (from, id, to), other);
                }
            }
        }
        if ok == 204 { Ok(Reply::empty(204)) } else { Ok(Reply::json(ok, &complete(core, Vec::new(), Vec::new()))) }
    }

    /// Links two live records. No types: the plain one.
    pub fn join(
        &mut self,
        core: &mut Core,
        (from, id, to): (Kind, u64, Kind),
        other: u64,
        types: &[u32],
    ) -> Result<(), Refusal> {
        let (id, other) = (self.table(from).survivor(id), self.table(to).survivor(other));
        if self.live(from, id).is_none() || self.live(to, other).is_none() {
            let text = format!("{} {id} or {} {other} does not exist", from.singular(), to.singular());
            return Err(Refusal::new(404, "OBJECT_NOT_FOUND", text));
        }
        self.associations.link(&self.people, (from, id, to), other, types);
        self.follow_primary(from, id, to, other);
        let record = format!("{}:{id}", from.plural());
        let after = json!({ "to": format!("{}:{other}", to.plural()), "types": types });
        let by = core.by();
        core.log(Change { op: "associate", object: from.plural(), record: &record, before: Value::Null, after, by });
        Ok(())
    }

    pub fn part(&mut self, core: &mut Core, (from, id, to): (Kind, u64, Kind), other: u64) {
        if !self.associations.unlink(&self.people, (from, id, to), other) {
            return;
        }
        self.follow_primary(from, id, to, other);
        let record = format!("{}:{id}", from.plural());
        let before = json!({ "to": format!("{}:{other}", to.plural()) });
        let by = core.by();
        core.log(Change { op: "associate", object: from.plural(), record: &record, before, after: Value::Null, by });
    }

    /// `associatedcompanyid` follows the primary company, without moving the contact's stamp.
    fn follow_primary(&mut self, from: Kind, id: u64, to: Kind, other: u64) {
        let contact = match (from, to) {
            (Kind::Contact, Kind::Company) => id,
            (Kind::Company, Kind::Contact) => other,
            _ => return,
        };
        let links = self.associations.links(&self.people, (Kind::Contact, contact, Kind::Company));
        let primary = links.iter().find(|link| link.types.contains(&1)).map(|link| link.to.to_string());
        let Some(seen) = self.live(Kind::Contact, contact) else { return };
        if seen.get("associatedcompanyid").as_deref() == primary.as_deref() {
            return;
        }
        let (mut view, modified) = (seen.to_view(), seen.modified());
        if !self.table(Kind::Contact).is_held(contact) {
            self.adopt(Kind::Contact, contact);
        }
        view.values.insert("associatedcompanyid".into(), primary.unwrap_or_default().into());
        self.table_mut(Kind::Contact).put(contact, view, modified, modified);
    }

    /// `associations` of a record about to be made, checked before it is.
    pub fn new_links(&self, from: Kind, body: &Map<String, Value>) -> Result<Vec<NewLink>, Refusal> {
        let rows = body.get("associations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut links = Vec::new();
        for row in rows {
            let id = input::id_text(row.get("to").and_then(|to| to.get("id")));
            let id: u64 =
                id.and_then(|text| text.parse().ok()).ok_or_else(|| Refusal::validation("associations need to.id"))?;
            let wanted = row.get("types");
            let to = Kind::ALL.into_iter().find(|to| self.types(from, *to, wanted).is_ok());
            let to = to.ok_or_else(|| Refusal::validation("associationTypeId is not one of this object's"))?;
            if self.live(to, id).is_none() {
                return Err(Refusal::new(404, "OBJECT_NOT_FOUND", format!("{} {id} does not exist", to.singular())));
            }
            links.push((to, id, self.types(from, to, wanted)?));
        }
        if from == Kind::Lead && !links.iter().any(|(to, _, _)| *to == Kind::Contact) {
            return Err(Refusal::validation("a lead must be associated with an existing contact"));
        }
        Ok(links)
    }

    pub fn link_new(&mut self, core: &mut Core, from: Kind, id: u64, links: &[NewLink]) {
        for (to, other, types) in links {
            // Checked by `new_links` a moment ago.
            let _ = self.join(core, (from, id, *to), *other, types);
        }
    }

    /// The association types of a request, each one that joins these two objects.
    fn types(&self, from: Kind, to: Kind, given: Option<&Value>) -> Result<Vec<u32>, Refusal> {
        let given = given.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut types = Vec::new();
        for each in given {
            let id = each.get("associationTypeId").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            let valid = id.filter(|id| inverse(from, to, *id).is_some() || self.associations.is_user_defined(*id));
            types.push(valid.ok_or_else(|| {
                Refusal::validation(format!(
                    "{each} is not an association type from {} to {}",
                    from.singular(),
                    to.singular()
                ))
            })?);
        }
        if types.is_empty() {
            Err(Refusal::validation("Some required fields were not set: [types]"))
        } else {
            Ok(types)
        }
    }

    fn to_json(&self, link: &Link) -> Value {
        let types: Vec<Value> = link.types.iter().map(|id| self.type_json(*id)).collect();
        // A number on the wire, whatever the vendor's file says.
        json!({ "toObjectId": link.to, "associationTypes": types })
    }

    fn type_json(&self, id: u32) -> Value {
        let category = if self.associations.is_user_defined(id) { "USER_DEFINED" } else { "HUBSPOT_DEFINED" };
        json!({ "category": category, "typeId": id, "label": self.associations.label(id) })
    }

    fn link_json(&self, from: Kind, to: Kind, id: u64, other: u64, types: &[u32]) -> Value {
        let labels: Vec<&str> = types.iter().filter_map(|id| self.associations.label(*id)).collect();
        json!({ "fromObjectTypeId": from.type_id(), "fromObjectId": id, "toObjectTypeId": to.type_id(),
                "toObjectId": other, "labels": labels })
    }

    fn labels_json(&self, from: Kind, to: Kind) -> Vec<Value> {
        let fixed = [super::associations::primary_type(from, to), plain_type(from, to)];
        let user = self.associations.user_labels().map(|(id, _)| id);
        fixed.into_iter().flatten().chain(user).map(|id| self.type_json(id)).collect()
    }
}

fn default_link_json(from: Kind, to: Kind, id: u64, other: u64) -> Value {
    json!({ "from": { "id": id.to_string() }, "to": { "id": other.to_string() },
            "associationSpec": { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain_type(from, to) } })
}

fn end(row: &Map<String, Value>, key: &str) -> Result<u64, Refusal> {
    let id = input::id_text(row.get(key).and_then(|end| end.get("id"))).and_then(|text| text.parse().ok());
    id.ok_or_else(|| Refusal::validation(format!("Some required fields were not set: [{key}.id]")))
}

fn complete(core: &Core, results: Vec<Value>, errors: Vec<Value>) -> Value {
    let now = iso(core.now);
    let mut body = json!({ "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now });
    if !errors.is_empty() {
        body["numErrors"] = json!(errors.len());
        body["errors"] = Value::Array(errors);
    }
    body
}

/// Not a failure, though it comes as one.
fn no_associations(from: Kind, to: Kind, id: &str) -> Value {
    json!({ "status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "message": format!("No {} is associated with {} {id}.", to.singular(), from.singular()),
            "context": { "fromObjectId": [id], "fromObjectType": [from.singular()], "toObjectType": [to.singular()] } })
}

pub fn unknown_object(name: &str) -> Refusal {
    Refusal::validation(format!("Unable to infer object type from: {name}"))
}
