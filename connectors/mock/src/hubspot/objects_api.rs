//! `/crm/objects/{type}`: list, read, create, change and archive one record.

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::portal::Portal;
use super::records::Seen;
use super::refusal::Refusal;
use super::render::Wanted;
use super::write::Pen;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const MAX_PAGE: usize = 100;
const MAX_PAGE_WITH_HISTORY: usize = 50;

/// What a reader asked for in the query string.
pub fn wanted(call: &Call) -> Wanted {
    Wanted {
        properties: call.list("properties"),
        history: call.list("propertiesWithHistory"),
        associations: call.list("associations").iter().filter_map(|name| Kind::parse(name)).collect(),
    }
}

impl Portal {
    /// `GET /crm/objects/{type}`.
    pub fn list(&self, core: &Core, call: &Call, kind: Kind) -> Result<Value, Refusal> {
        let wanted = wanted(call);
        let most = if wanted.history.is_empty() { MAX_PAGE } else { MAX_PAGE_WITH_HISTORY };
        let limit = match call.parameter("limit") {
            None => 10,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=most).contains(&limit) => limit,
                _ => return Err(Refusal::validation(format!("limit must be between 1 and {most}, not {text}"))),
            },
        };
        let start = match call.parameter("after").filter(|text| !text.is_empty()) {
            None => 0,
            Some(text) => text
                .parse::<u64>()
                .map_err(|_| Refusal::validation(format!("Unable to decode paging cursor: {text}")))?,
        };
        let archived = call.flag("archived");
        let shown = |seen: &Seen<'_>| {
            if archived {
                seen.view().is_some_and(|view| view.archived.is_some() && view.merged_into.is_none() && !view.erased)
            } else {
                seen.is_live()
            }
        };
        let table = self.table(kind);
        let ids: Box<dyn Iterator<Item = u64> + '_> = if archived {
            // Only held records can be archived, so a million generated ones need no look.
            Box::new(table.held_ids().filter(move |id| *id >= start))
        } else {
            Box::new(table.ids_from(&self.people, start))
        };
        let mut page = ids.filter_map(|id| table.seen(&self.people, id)).filter(shown);
        let results: Vec<Value> = page.by_ref().take(limit).map(|seen| self.render(core, seen, &wanted)).collect();
        let mut body = json!({ "results": results });
        if let Some(next) = page.next() {
            let after = next.id.to_string();
            body["paging"] = json!({ "next": { "after": after, "link": next_link(core, call, &after) } });
        }
        Ok(body)
    }

    /// `GET /crm/objects/{type}/{id}`. A merged-away id answers with its survivor.
    pub fn read(&self, core: &Core, call: &Call, kind: Kind, id: &str) -> Result<Value, Refusal> {
        let id = self.find(kind, id, call.parameter("idProperty").as_deref())?;
        let seen = self.seen(kind, id).ok_or_else(Refusal::not_found)?;
        let erased = seen.view().is_some_and(|view| view.erased);
        if erased || seen.archived().is_some() != call.flag("archived") {
            return Err(Refusal::not_found());
        }
        Ok(self.render(core, seen, &wanted(call)))
    }

    /// `POST /crm/objects/{type}`.
    pub fn create_one(&mut self, core: &mut Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        let properties = input::properties(&body)?;
        let links = self.new_links(kind, &body)?;
        let id = self.create(core, kind, &properties, Pen::api(core))?;
        self.link_new(core, kind, id, &links);
        Ok(Reply::json(201, &self.written(core, kind, id, &properties)?))
    }

    /// `PATCH /crm/objects/{type}/{id}`.
    pub fn update_one(&mut self, core: &mut Core, call: &Call, kind: Kind, id: &str) -> Result<Reply, Refusal> {
        let properties = input::properties(&input::object(call)?)?;
        let id = self.find(kind, id, call.parameter("idProperty").as_deref())?;
        self.update(core, kind, id, &properties, Pen::api(core))?;
        Ok(Reply::json(200, &self.written(core, kind, id, &properties)?))
    }

    /// `DELETE /crm/objects/{type}/{id}`: always 204, whether or not there was a record.
    pub fn delete_one(&mut self, core: &mut Core, kind: Kind, id: &str) -> Reply {
        if let Ok(id) = id.parse() {
            self.archive(core, kind, id, Pen::api(core), false);
        }
        Reply::empty(204)
    }

    /// The record a reader means: by id, followed through merges, or by a unique property.
    pub fn find(&self, kind: Kind, id: &str, id_property: Option<&str>) -> Result<u64, Refusal> {
        match id_property {
            None | Some("hs_object_id") => {
                let id: u64 = id.parse().map_err(|_| Refusal::not_found())?;
                Ok(self.table(kind).survivor(id))
            }
            Some(name) => {
                if !self.schema(kind).get(name).is_some_and(|property| property.unique) {
                    return Err(non_unique(kind, name));
                }
                self.table(kind).holder(&self.people, name, id).ok_or_else(Refusal::not_found)
            }
        }
    }

    pub fn written(&self, core: &Core, kind: Kind, id: u64, properties: &Map<String, Value>) -> Result<Value, Refusal> {
        let seen = self.seen(kind, id).ok_or_else(Refusal::not_found)?;
        Ok(self.render_written(core, seen, properties))
    }
}

pub fn non_unique(kind: Kind, name: &str) -> Refusal {
    let type_id = kind.type_id();
    Refusal::validation(format!("Unable to perform update/upsert by non-unique {type_id} property {name}"))
}

/// The next page's address, with every other parameter repeated.
fn next_link(core: &Core, call: &Call, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.parameters().into_iter().filter(|(name, _)| name != "after") {
        query.append_pair(&name, &value);
    }
    query.append_pair("after", after);
    format!("{}{}?{}", core.base_url, call.path, query.finish())
}
