//! What people do in the CRM, through `POST /__mock/{action}`: the table is in the documentation of [`super`].

use serde_json::{Value, json};

use super::actions_api::Outcome;
use super::convert::Qualify;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::Given;
use super::pen::Pen;
use super::rep_request::{Body, flag, id, object, say, word};
use super::setup::{FIRST_REP, user};
use crate::desk::Core;
use crate::ledger::By;
use crate::versions::Sight;

const ACTIONS: &str = "edit, delete, erase, restore, merge, convert, associate, close, reopen, touch, purge-deleted, owner, \
    property, key, tracking, usage, expire-tokens, reset";

impl Org {
    pub fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let empty = Body::new();
        let body = body.as_object().unwrap_or(&empty);
        match action {
            "edit" => self.edit_by_rep(core, body),
            "delete" | "erase" => self.delete_by_rep(core, body),
            "restore" => {
                let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
                let id = id(body, "id")?;
                if !self.restore(core, &pen, kind, id) {
                    return Err(format!("{id} is not among the deleted rows"));
                }
                Ok(json!({ "id": id.to_string() }))
            }
            "merge" => self.merge_by_rep(core, body),
            "convert" => self.convert_by_rep(core, body),
            "associate" => self.associate_by_rep(core, body),
            "close" => self.close_by_rep(core, body),
            "reopen" => self.reopen_by_rep(core, body),
            "touch" => {
                let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
                let pen = Pen { by: By::Workflow, ..pen };
                let chosen = self.chosen(kind, body)?;
                for id in &chosen {
                    self.touch(core, &pen, kind, *id);
                }
                Ok(ids(&chosen))
            }
            "purge-deleted" => {
                let kinds =
                    if body.contains_key("object") { vec![object(body, "object")?] } else { Kind::ALL.to_vec() };
                let version = self.version;
                for kind in kinds {
                    self.table_mut(kind).forgotten = version + 1;
                }
                // A token given from now on is good again.
                self.version += 1;
                Ok(json!({ "expired_before": self.version }))
            }
            "owner" => self.add_user(core, body),
            "property" => self.change_column(core, body),
            "key" => self.add_key(core, body),
            "tracking" => {
                let kind = object(body, "object")?;
                let on = body.get("enabled").and_then(Value::as_bool).unwrap_or(true);
                self.schema_mut(kind).tracked = on && kind.can_be_tracked();
                Ok(json!({ "enabled": self.schema(kind).tracked }))
            }
            "usage" => {
                let used = body.get("used").and_then(Value::as_u64).ok_or("used is required, a number of requests")?;
                self.limits.set_used(core.now, &self.knobs, used);
                Ok(json!({ "used": used }))
            }
            "expire-tokens" => {
                self.tokens.expire(flag(body, "refresh"));
                Ok(json!({}))
            }
            other => Err(format!("unknown action `{other}`: {ACTIONS}")),
        }
    }

    fn edit_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let given = self.properties(kind, body)?;
        if !["id", "ids", "first", "all"].iter().any(|key| body.contains_key(*key)) {
            let made = self.insert(core, &pen, kind, given).map_err(|refusal| say(&refusal))?;
            if let Some(Value::Array(links)) = body.get("associations") {
                for link in links {
                    let other = link["to"]["id"].as_str().and_then(Guid::parse);
                    let other = other.ok_or_else(|| format!("{link} names no record: {{\"to\": {{\"id\": …}}}}"))?;
                    self.join(core, &pen, (kind, made), (self.table_of(other)?, other), false)?;
                }
            }
            return Ok(ids(&[made]));
        }
        let chosen = self.chosen(kind, body)?;
        for id in &chosen {
            self.change(core, &pen, kind, *id, given.clone())?;
        }
        Ok(ids(&chosen))
    }

    /// One update by a person; the error names the row.
    fn change(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid, given: Given) -> Result<(), String> {
        self.update(core, pen, kind, id, given).map_err(|refusal| format!("{id}: {}", say(&refusal)))
    }

    fn table_of(&self, id: Guid) -> Result<Kind, String> {
        let mut kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::ActivityPointer);
        let found = kinds.find(|kind| self.row(*kind, id, Sight::Latest).is_some());
        found.ok_or_else(|| format!("{id} is not there"))
    }

    fn delete_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let mut gone = Vec::new();
        for id in self.chosen(kind, body)? {
            self.cascade(core, &pen, kind, id);
            if self.remove(core, &pen, kind, id) {
                gone.push(id);
            }
        }
        Ok(ids(&gone))
    }

    fn merge_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let winner = id(body, "primary")?;
        let losers = match body.get("secondary") {
            Some(Value::Array(all)) => all
                .iter()
                .map(|each| each.as_str().and_then(Guid::parse).ok_or("secondary: not all are ids"))
                .collect::<Result<Vec<_>, _>>()?,
            _ => vec![id(body, "secondary")?],
        };
        let given = self.properties(kind, body)?;
        for loser in losers {
            self.merge(core, &pen, kind, winner, loser).map_err(|refusal| say(&refusal))?;
        }
        if !given.cells.is_empty() {
            self.change(core, &pen, kind, winner, given)?;
        }
        Ok(json!({ "id": winner.to_string() }))
    }

    /// `{id, account?, contact?, opportunity?, map?}`: an account and a contact are made unless rows are named.
    fn convert_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let lead = id(body, if body.contains_key("id") { "id" } else { "lead" })?;
        let named = |key: &str| body.contains_key(key).then(|| id(body, key)).transpose();
        let (opportunity, name) = match body.get("opportunity") {
            None | Some(Value::Null | Value::Bool(false)) => (false, None),
            Some(Value::String(name)) => (true, Some(name.clone())),
            Some(_) => (true, None),
        };
        let map = match body.get("map") {
            Some(Value::Object(map)) => {
                map.iter().filter_map(|(from, to)| Some((from.clone(), to.as_str()?.to_owned()))).collect()
            }
            _ => Vec::new(),
        };
        let into_contact = named("contact")?;
        let wanted = Qualify {
            account: into_contact.is_none(),
            contact: true,
            opportunity,
            status: 3,
            into_account: named("account")?,
            into_contact,
            opportunity_name: name,
            map,
        };
        let made = self.qualify(core, &pen, lead, &wanted).map_err(|refusal| say(&refusal))?;
        let text = |id: Option<Guid>| id.map(|id| id.to_string());
        Ok(json!({ "id": lead.to_string(), "contact": text(made.contact), "account": text(made.account),
                   "opportunity": text(made.opportunity) }))
    }

    /// `{from, from_id, to, to_id, remove?}`, in either direction.
    fn associate_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let side =
            |kind: &str, key: &str| -> Result<(Kind, Guid), String> { Ok((object(body, kind)?, id(body, key)?)) };
        let (one, other, pen) = (side("from", "from_id")?, side("to", "to_id")?, self.pen(core, body)?);
        self.join(core, &pen, one, other, flag(body, "remove"))?;
        Ok(json!({}))
    }

    /// Links two rows by the lookup there is between their tables, or takes the link away.
    fn join(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        one: (Kind, Guid),
        other: (Kind, Guid),
        remove: bool,
    ) -> Result<(), String> {
        let straight = |from: (Kind, Guid), to: (Kind, Guid)| {
            let lookup = match (from.0, to.0) {
                (Kind::Contact, Kind::Account) => "parentcustomerid",
                (Kind::Opportunity, Kind::Account) => "parentaccountid",
                (Kind::Opportunity, Kind::Contact) | (Kind::Lead, Kind::Contact) => "parentcontactid",
                (Kind::Lead, Kind::Account) => "parentaccountid",
                (Kind::Annotation, _) => "objectid",
                (from, _) if from.is_activity() => "regardingobjectid",
                _ => return None,
            };
            Some((from, lookup, to))
        };
        let found = straight(one, other).or_else(|| straight(other, one));
        let ((kind, id), lookup, (target, parent)) =
            found.ok_or_else(|| format!("nothing links {} and {} here", one.0.logical(), other.0.logical()))?;
        let now = self.row(kind, id, Sight::Latest).and_then(|row| row.reference(lookup)).map(|(_, id)| id);
        let mut given = Given::default();
        match remove {
            true if now != Some(parent) => return Ok(()),
            true => self.give(kind, &mut given, lookup, Datum::Null),
            false => self.give(kind, &mut given, lookup, Datum::Ref(target, parent)),
        }
        if kind == Kind::Opportunity && lookup == "parentaccountid" {
            let customer = if remove { Datum::Null } else { Datum::Ref(target, parent) };
            self.give(kind, &mut given, "customerid", customer);
        }
        self.change(core, pen, kind, id, given)
    }

    fn close_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let won = body.get("won").and_then(Value::as_bool).unwrap_or(true);
        let (state, status) = if won { (1, 3) } else { (2, 4) };
        let text =
            |key: &str| body.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let revenue = text("amount").map(|text| text.parse().map(Datum::Number).map_err(|_| "amount must be a number"));
        let revenue = revenue.transpose()?;
        let day = text("close_date").map(|text| text.parse().map(Datum::Date).map_err(|_| "close_date must be a date"));
        let day = day.transpose()?;
        let chosen = self.chosen(Kind::Opportunity, body)?;
        for id in &chosen {
            let outcome = Outcome { state, status, revenue: revenue.clone(), closed_on: day.clone() };
            self.close_deal(core, &pen, *id, outcome).map_err(|refusal| say(&refusal))?;
        }
        Ok(ids(&chosen))
    }

    fn reopen_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let chosen = self.chosen(Kind::Opportunity, body)?;
        for id in &chosen {
            let mut given = Given::default();
            for (name, datum) in [
                ("statecode", Datum::Int(0)),
                ("statuscode", Datum::Int(1)),
                ("actualclosedate", Datum::Null),
                ("actualvalue", Datum::Null),
            ] {
                self.give(Kind::Opportunity, &mut given, name, datum);
            }
            self.change(core, &pen, Kind::Opportunity, *id, given)?;
        }
        Ok(ids(&chosen))
    }

    fn add_user(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let mut given = Given::default();
        self.give(Kind::SystemUser, &mut given, "isdisabled", Datum::Bool(flag(body, "archived")));
        if body.contains_key("id") {
            let user = id(body, "id")?;
            self.change(core, &pen, Kind::SystemUser, user, given)?;
            return Ok(json!({ "id": user.to_string() }));
        }
        let email = word(body, "email").ok_or("email is required")?;
        let (first, last) = (word(body, "first_name").unwrap_or(""), word(body, "last_name").unwrap_or("Unnamed"));
        for (name, datum) in user(email, first, last) {
            self.give(Kind::SystemUser, &mut given, name, datum);
        }
        // After those who came with the org.
        let taken =
            |number: u64| self.row(Kind::SystemUser, Guid::made(Kind::SystemUser, number), Sight::Latest).is_some();
        given.id = (FIRST_REP..).find(|number| !taken(*number)).map(|number| Guid::made(Kind::SystemUser, number));
        let made = self.insert(core, &pen, Kind::SystemUser, given).map_err(|refusal| say(&refusal))?;
        Ok(json!({ "id": made.to_string() }))
    }
}

pub fn ids(all: &[Guid]) -> Value {
    let texts: Vec<String> = all.iter().map(Guid::to_string).collect();
    json!({ "id": texts.first(), "ids": texts })
}
