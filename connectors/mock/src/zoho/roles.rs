//! Contacts' parts in deals, beside each deal's first contact: `Deals/{id}/Contact_Roles`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::Refusal;
use super::write_api::object;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

/// The parts there are, the first of them the deal's own contact's.
pub const NAMES: [&str; 6] = [
    "Developer/Evaluator",
    "Decision Maker",
    "Purchasing",
    "Executive Sponsor",
    "Engineering Lead",
    "Economic Decision Maker",
];

#[derive(Debug, Default)]
pub struct Roles {
    /// Deal to contact to the name of the part.
    held: BTreeMap<(u64, u64), String>,
}

impl Roles {
    pub fn has(&self, deal: u64, contact: u64) -> bool {
        self.held.contains_key(&(deal, contact))
    }

    pub fn deals_of(&self, contact: u64) -> Vec<u64> {
        self.held.keys().filter(|(_, each)| *each == contact).map(|(deal, _)| *deal).collect()
    }

    fn of_deal(&self, deal: u64) -> Vec<(u64, &str)> {
        self.held.range((deal, 0)..=(deal, u64::MAX)).map(|((_, contact), name)| (*contact, name.as_str())).collect()
    }

    /// Whatever pointed at one contact points at another.
    pub fn repoint(&mut self, from: u64, to: u64) {
        for deal in self.deals_of(from) {
            if let Some(name) = self.held.remove(&(deal, from)) {
                self.held.entry((deal, to)).or_insert(name);
            }
        }
    }

    pub fn set(&mut self, deal: u64, contact: u64, name: Option<&str>) {
        match name {
            Some(name) => {
                self.held.insert((deal, contact), name.to_owned());
            }
            None => {
                self.held.remove(&(deal, contact));
            }
        }
    }
}

impl Org {
    /// Everybody with a part in a deal: its own contact, then the others.
    pub fn parts(&self, deal: u64, sight: Sight) -> Vec<(u64, String)> {
        let own = self.live(Kind::Deals, deal, sight).and_then(|seen| seen.named("Contact_Name").as_ref_id());
        let mut parts: Vec<(u64, String)> =
            self.roles.of_deal(deal).into_iter().map(|(contact, name)| (contact, name.to_owned())).collect();
        if let Some(own) = own.filter(|own| !self.roles.has(deal, *own)) {
            parts.insert(0, (own, NAMES[1].to_owned()));
        }
        parts.retain(|(contact, _)| self.live(Kind::Contacts, *contact, sight).is_some());
        parts
    }

    /// `GET`, `PUT` and `DELETE` of `Deals/{id}/Contact_Roles[/{contact}]`.
    pub fn contact_roles(
        &mut self,
        core: &mut Core,
        call: &Call,
        deal: &str,
        contact: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let sight = Sight::At(core.now);
        let known = |org: &Self, kind, text: &str| {
            let id = ids::parse(text).filter(|id| org.live(kind, *id, sight).is_some());
            id.ok_or_else(|| Refusal::invalid("the id given seems to be invalid").with("id", text))
        };
        let deal = known(self, Kind::Deals, deal)?;
        match (call.method.as_str(), contact) {
            ("GET", only) => {
                let only = only.map(|text| known(self, Kind::Contacts, text)).transpose()?;
                let mut parts = self.parts(deal, sight);
                parts.retain(|(contact, _)| only.is_none_or(|only| *contact == only));
                if parts.is_empty() {
                    return Ok(Reply::empty(204));
                }
                let rows: Vec<Value> = parts.iter().map(|(contact, name)| self.part_json(*contact, name)).collect();
                let info = json!({ "per_page": 200, "count": rows.len(), "page": 1, "more_records": false });
                Ok(Reply::json(200, &json!({ "data": rows, "info": info })))
            }
            ("PUT", Some(contact)) => {
                let contact = known(self, Kind::Contacts, contact)?;
                let body = object(call)?;
                let role = body.get("data").map_or(&Value::Null, |data| &data[0]["Contact_Role"]);
                let name = NAMES.iter().enumerate().find(|(at, name)| {
                    role["name"] == **name
                        || ids::from_json(&role["id"]) == Some(role_id(*at))
                        || role.as_str() == Some(**name)
                });
                let Some((_, name)) = name else {
                    let refusal = Refusal::invalid("invalid data").with("api_name", "Contact_Role");
                    return Err(refusal.with("json_path", "$.data[0].Contact_Role"));
                };
                self.take_part(core, &Pen::api(core), (deal, contact), Some(name));
                Ok(part_done(contact, "contact role updated"))
            }
            ("DELETE", Some(contact)) => {
                let contact = known(self, Kind::Contacts, contact)?;
                self.take_part(core, &Pen::api(core), (deal, contact), None);
                Ok(part_done(contact, "contact role removed"))
            }
            _ => Err(Refusal::wrong_method()),
        }
    }

    fn part_json(&self, contact: u64, name: &str) -> Value {
        let seen = self.live(Kind::Contacts, contact, Sight::Latest);
        let email = seen.and_then(|seen| seen.named("Email").as_str().map(str::to_owned));
        let at = NAMES.iter().position(|each| *each == name).unwrap_or(0);
        json!({
            "id": contact.to_string(),
            "Full_Name": self.title_of(contact),
            "Email": email,
            "Contact_Role": { "name": name, "id": role_id(at).to_string() },
        })
    }

    /// Gives a contact a part in a deal, or takes it away. No record's stamp moves.
    pub fn take_part(&mut self, core: &mut Core, pen: &Pen, (deal, contact): (u64, u64), name: Option<&str>) {
        let before = json!({ "contact": contact.to_string(), "linked": self.roles.has(deal, contact) });
        self.roles.set(deal, contact, name);
        let after = json!({ "contact": contact.to_string(), "linked": name.is_some(), "role": name });
        let change = Change { op: "associate", object: "Deals", record: &deal.to_string(), before, after, by: pen.by };
        core.log(change);
    }
}

fn role_id(at: usize) -> u64 {
    ids::setting(10, at as u64 + 1)
}

fn part_done(contact: u64, message: &str) -> Reply {
    let row = json!({ "code": "SUCCESS", "details": { "id": contact.to_string() }, "message": message,
                      "status": "success" });
    Reply::json(200, &json!({ "data": [row] }))
}
