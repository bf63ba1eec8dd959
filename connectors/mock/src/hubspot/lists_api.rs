//! `/crm/lists`: making, finding, filling and reading lists.

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::lists::{Filling, List};
use super::portal::Portal;
use super::refusal::Refusal;
use crate::clock::{Millis, iso};
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

const MAX_IDS: usize = 100_000;
const MAX_MEMBERS_PAGE: usize = 250;

impl Portal {
    pub fn lists_route(&mut self, core: &mut Core, call: &Call, rest: &[&str]) -> Result<Reply, Refusal> {
        let ok = |body: Value| Ok(Reply::json(200, &body));
        match (call.method.as_str(), rest) {
            ("POST", []) => self.make_list(core, call),
            ("POST", ["search"]) => ok(self.search_lists(&input::object(call)?)),
            ("GET", ["object-type-id", kind, "name", name]) => {
                let list = Kind::parse(kind).and_then(|kind| self.lists.named(kind, name));
                let list = list.ok_or_else(|| no_list(&format!("name {name}")))?;
                ok(json!({ "list": list.json() }))
            }
            ("GET", ["records", kind, id, "memberships"]) => ok(self.lists_of_record(kind, id)?),
            ("GET", [id]) => ok(json!({ "list": self.list_called(id)?.json() })),
            ("DELETE", [id]) => {
                let id = self.list_called(id)?.id;
                if let Some(list) = self.lists.get_mut(id) {
                    list.deleted = true;
                }
                Ok(Reply::empty(204))
            }
            ("PUT", [id, "restore"]) => {
                let list = id.parse().ok().and_then(|id| self.lists.any_mut(id));
                list.ok_or_else(|| no_list(&format!("id {id}")))?.deleted = false;
                Ok(Reply::empty(204))
            }
            ("GET", [id, "memberships"]) => ok(self.members_page(core, call, id)?),
            ("PUT", [id, "memberships", what]) => {
                let (add, remove) = asked(call, what)?;
                let id = self.list_called(id)?.id;
                ok(self.change_list(core, id, &add, &remove)?)
            }
            (_, [] | ["search"] | [_] | [_, "memberships" | "restore", ..]) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::unknown_route(&call.path)),
        }
    }

    fn list_called(&self, id: &str) -> Result<&List, Refusal> {
        id.parse().ok().and_then(|id| self.lists.get(id)).ok_or_else(|| no_list(&format!("id {id}")))
    }

    fn make_list(&mut self, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        let required = |key: &str| {
            let word = input::text(&body, key).map(str::trim).filter(|word| !word.is_empty());
            word.ok_or_else(|| Refusal::validation(format!("Some required fields were not set: [{key}]")))
        };
        let (name, kind, filling) = (required("name")?, required("objectTypeId")?, required("processingType")?);
        let kind = Kind::parse(kind).ok_or_else(|| Refusal::validation(format!("Unknown object type {kind}")))?;
        let filling = Filling::parse(filling)
            .ok_or_else(|| Refusal::validation(format!("{filling} is not a valid processingType")))?;
        if self.lists.named(kind, name).is_some() {
            return Err(Refusal::validation(format!("The name {name} is already in use by another list.")));
        }
        let made = self.lists.make(name, kind, filling, core.now);
        let (record, shown, by) = (made.id.to_string(), made.json(), core.by());
        core.log(Change {
            op: "create",
            object: "lists",
            record: &record,
            before: Value::Null,
            after: json!({ "name": name }),
            by,
        });
        Ok(Reply::json(200, &json!({ "list": shown })))
    }

    fn search_lists(&self, body: &Map<String, Value>) -> Value {
        let number = |key: &str, default: u64| body.get(key).and_then(Value::as_u64).unwrap_or(default);
        let (count, offset) = (number("count", 20).clamp(1, 500), number("offset", 0));
        let words = input::text(body, "query").unwrap_or_default().to_lowercase();
        let fillings = input::strings(body, "processingTypes");
        let wanted = |list: &&List| {
            list.name.to_lowercase().contains(&words)
                && (fillings.is_empty() || fillings.iter().any(|word| word == list.filling.as_str()))
        };
        let found: Vec<&List> = self.lists.live().filter(wanted).collect();
        let size = input::strings(body, "additionalProperties").iter().any(|name| name == "hs_list_size");
        let page = found.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        let page: Vec<Value> = page
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .map(|list| {
                let mut shown = list.json();
                if size {
                    shown["additionalProperties"] =
                        json!({ "hs_list_size": self.live_members(list).len().to_string() });
                }
                shown
            })
            .collect();
        let next = offset + page.len() as u64;
        json!({ "lists": page, "hasMore": next < found.len() as u64, "offset": next, "total": found.len() })
    }

    /// Members that are still there, with when they were added.
    pub fn live_members(&self, list: &List) -> Vec<(u64, Millis)> {
        let members = list.members.iter().map(|(id, at)| (*id, *at));
        members.filter(|(id, _)| self.live(list.kind, *id).is_some()).collect()
    }

    fn members_page(&self, core: &Core, call: &Call, id: &str) -> Result<Value, Refusal> {
        let list = self.list_called(id)?;
        let limit = match call.parameter("limit") {
            None => 100,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=MAX_MEMBERS_PAGE).contains(&limit) => limit,
                _ => return Err(Refusal::validation(format!("limit must be between 1 and {MAX_MEMBERS_PAGE}"))),
            },
        };
        let after: u64 = match call.parameter("after") {
            None => 0,
            Some(text) => text.parse().map_err(|_| Refusal::validation("Unable to decode paging cursor"))?,
        };
        let mut members = self.live_members(list).into_iter().filter(|(id, _)| *id > after).peekable();
        let page: Vec<(u64, Millis)> = members.by_ref().take(limit).collect();
        let shown: Vec<Value> = page
            .iter()
            .map(|(id, at)| json!({ "recordId": id.to_string(), "membershipTimestamp": iso(*at) }))
            .collect();
        let mut body = json!({ "results": shown, "total": list.members.len() });
        if let (Some(_), Some((last, _))) = (members.peek(), page.last()) {
            let link = format!("{}{}?after={last}", core.base_url, call.path);
            body["paging"] = json!({ "next": { "after": last.to_string(), "link": link } });
        }
        Ok(body)
    }

    fn lists_of_record(&self, kind: &str, id: &str) -> Result<Value, Refusal> {
        let kind = Kind::parse(kind).ok_or_else(Refusal::not_found)?;
        let id: u64 = id.parse().map_err(|_| Refusal::not_found())?;
        let of = self.lists_with(kind, id);
        let shown: Vec<Value> = of
            .iter()
            .map(|(list, at)| {
                json!({
                    "listId": list.id.to_string(),
                    "listVersion": list.version,
                    "isPublicList": true,
                    "firstAddedTimestamp": iso(*at),
                    "lastAddedTimestamp": iso(*at),
                })
            })
            .collect();
        Ok(json!({ "results": shown, "total": of.len() }))
    }

    /// The lists a record is on, for its page as well.
    pub fn lists_with(&self, kind: Kind, id: u64) -> Vec<(&List, Millis)> {
        let on = self.lists.live().filter(|list| list.kind == kind);
        on.filter_map(|list| Some((list, *list.members.get(&id)?))).collect()
    }

    /// What a person does to lists: makes one, or changes who is on one.
    pub fn list_by_rep(&mut self, core: &mut Core, body: &Map<String, Value>) -> Result<Value, String> {
        let ids = |key: &str| ids(body.get(key)).map_err(|refusal| refusal.message);
        if let Some(list) = input::id_text(body.get("list")) {
            let id = self.list_called(&list).map_err(|refusal| refusal.message)?.id;
            return self.change_list(core, id, &ids("add")?, &ids("remove")?).map_err(|refusal| refusal.message);
        }
        let name = input::text(body, "name").ok_or("name is required")?;
        let kind = input::text(body, "object").unwrap_or("contacts");
        let kind = Kind::parse(kind).ok_or_else(|| format!("unknown object `{kind}`"))?;
        let filling = input::text(body, "filling").unwrap_or("MANUAL");
        let filling = Filling::parse(filling).ok_or("filling is MANUAL, DYNAMIC or SNAPSHOT")?;
        let id = self.lists.make(name, kind, filling, core.now).id;
        Ok(json!({ "id": id.to_string() }))
    }

    /// Adds and removes. Ids that name no record of the list's object are told; ids that change nothing are not.
    pub fn change_list(&mut self, core: &mut Core, id: u64, add: &[u64], remove: &[u64]) -> Result<Value, Refusal> {
        let list = self.lists.get(id).ok_or_else(|| no_list(&format!("id {id}")))?;
        if list.filling == Filling::Dynamic {
            return Err(Refusal::validation(format!(
                "List {id} has processing type DYNAMIC: its memberships cannot be changed"
            )));
        }
        let kind = list.kind;
        let meant = |portal: &Self, id: u64| {
            let now = portal.table(kind).survivor(id);
            portal.live(kind, now).map(|_| now)
        };
        let (mut added, mut removed, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for (ids, done) in [(add, &mut added), (remove, &mut removed)] {
            for id in ids {
                match meant(self, *id) {
                    Some(now) => done.push((*id, now)),
                    None => missing.push(*id),
                }
            }
        }
        let Some(list) = self.lists.get_mut(id) else { return Err(no_list(&format!("id {id}"))) };
        added.retain(|(_, now)| list.members.insert(*now, core.now).is_none());
        removed.retain(|(_, now)| list.members.remove(now).is_some());
        if !(added.is_empty() && removed.is_empty()) {
            (list.updated, list.version) = (core.now, list.version + 1);
        }
        let record = id.to_string();
        for (member, is_in) in added.iter().map(|one| (one, true)).chain(removed.iter().map(|one| (one, false))) {
            let (key, by) = (member.1.to_string(), core.by());
            let before = json!({ key.as_str(): !is_in });
            let after = json!({ key.as_str(): is_in });
            core.log(Change { op: "update", object: "lists", record: &record, before, after, by });
        }
        let texts = |ids: Vec<(u64, u64)>| ids.into_iter().map(|(asked, _)| asked.to_string()).collect::<Vec<_>>();
        let missing: Vec<String> = missing.iter().map(u64::to_string).collect();
        Ok(json!({ "recordsIdsAdded": texts(added), "recordIdsRemoved": texts(removed), "recordIdsMissing": missing }))
    }
}

/// Who is to be added and removed: a bare array for one of both, an object for both at once.
fn asked(call: &Call, what: &str) -> Result<(Vec<u64>, Vec<u64>), Refusal> {
    let bare = || serde_json::from_slice::<Value>(&call.body).map_err(|why| Refusal::bad_json(&why));
    match what {
        "add" => Ok((ids(Some(&bare()?))?, Vec::new())),
        "remove" => Ok((Vec::new(), ids(Some(&bare()?))?)),
        "add-and-remove" => {
            let body = input::object(call)?;
            Ok((ids(body.get("recordIdsToAdd"))?, ids(body.get("recordIdsToRemove"))?))
        }
        _ => Err(Refusal::unknown_route(&call.path)),
    }
}

fn ids(list: Option<&Value>) -> Result<Vec<u64>, Refusal> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let Value::Array(list) = list else {
        return Err(Refusal::validation("Invalid input JSON on line 1, column 1: Cannot deserialize a list of ids"));
    };
    if list.len() > MAX_IDS {
        return Err(Refusal::validation(format!("At most {MAX_IDS} records may be given at once")));
    }
    let one = |id: &Value| {
        let text = input::id_text(Some(id)).and_then(|text| text.parse().ok());
        text.ok_or_else(|| Refusal::validation(format!("{id} is not a valid record id")))
    };
    list.iter().map(one).collect()
}

fn no_list(what: &str) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("List does not exist with {what}."))
}
