//! Who belongs to whom: what every CRM calls an association is a lookup here, or a record of its own between the two.

use serde_json::{Value, json};

use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::rep_request::{Body, flag, id, number, object, say, word};
use crate::desk::Core;

/// What stands between two records.
enum Tie {
    /// A lookup of the first record at the second.
    Lookup(Id, &'static str, Id),
    /// A record with a lookup at each.
    Between(Kind, (&'static str, Id), (&'static str, Id)),
}

fn tie(one: Id, other: Id) -> Option<Tie> {
    let straight = |one: Id, other: Id| {
        Some(match (one.kind()?, other.kind()?) {
            (Kind::Contact | Kind::Opportunity, Kind::Account) => Tie::Lookup(one, "AccountId", other),
            (Kind::Opportunity, Kind::Contact) => {
                Tie::Between(Kind::OpportunityContactRole, ("OpportunityId", one), ("ContactId", other))
            }
            (Kind::Campaign, Kind::Contact) => {
                Tie::Between(Kind::CampaignMember, ("CampaignId", one), ("ContactId", other))
            }
            (Kind::Campaign, Kind::Lead) => Tie::Between(Kind::CampaignMember, ("CampaignId", one), ("LeadId", other)),
            (Kind::Task | Kind::Event, Kind::Contact | Kind::Lead) => Tie::Lookup(one, "WhoId", other),
            (Kind::Task | Kind::Event, Kind::Account | Kind::Opportunity | Kind::Campaign) => {
                Tie::Lookup(one, "WhatId", other)
            }
            _ => return None,
        })
    };
    straight(one, other).or_else(|| straight(other, one))
}

fn reference(name: &str, id: Option<Id>) -> (String, Raw) {
    (name.to_owned(), Raw::Json(id.map_or(Value::Null, |id| json!(id.to_string()))))
}

impl Org {
    /// `{from, from_id, to, to_id, remove?}`, in either direction.
    pub fn associate_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let side = |object_key: &str, key: &str| -> Result<Id, String> {
            let kind = object(body, object_key)?;
            Ok(Id::new(kind, number(body, key, kind)?))
        };
        let (one, other, pen) = (side("from", "from_id")?, side("to", "to_id")?, self.pen(core, body)?);
        if flag(body, "remove") {
            self.part(core, &pen, one, other)?;
        } else {
            self.join(core, &pen, one, other)?;
        }
        Ok(json!({}))
    }

    /// Links two records; linked ones stay as they are.
    pub fn join(&mut self, core: &mut Core, pen: &Pen, one: Id, other: Id) -> Result<(), String> {
        match tie(one, other).ok_or_else(|| unrelated(one, other))? {
            Tie::Lookup(child, field, parent) => {
                self.change(core, pen, child, &Given(vec![reference(field, Some(parent))]))
            }
            Tie::Between(kind, left, right) => {
                if self.between(kind, left, right).is_none() {
                    let given = Given(vec![reference(left.0, Some(left.1)), reference(right.0, Some(right.1))]);
                    self.insert(core, pen, kind, &given).map_err(|refusal| say(&refusal))?;
                }
                Ok(())
            }
        }
    }

    fn part(&mut self, core: &mut Core, pen: &Pen, one: Id, other: Id) -> Result<(), String> {
        match tie(one, other).ok_or_else(|| unrelated(one, other))? {
            Tie::Lookup(child, field, parent) => {
                let linked =
                    self.by_id(child, super::records::Sight::Latest).and_then(|seen| seen.named(field).as_id());
                if linked == Some(parent) {
                    self.change(core, pen, child, &Given(vec![reference(field, None)]))?;
                }
            }
            Tie::Between(kind, left, right) => {
                if let Some(number) = self.between(kind, left, right) {
                    self.remove(core, pen, kind, number, None);
                }
            }
        }
        Ok(())
    }

    fn between(&self, kind: Kind, left: (&str, Id), right: (&str, Id)) -> Option<u64> {
        let candidates = self.all_with(kind, left.0, &super::datum::Datum::Id(left.1)).into_iter();
        let mut candidates = candidates.filter_map(|number| self.live(kind, number, super::records::Sight::Latest));
        candidates.find(|row| row.named(right.0).as_id() == Some(right.1)).map(|row| row.number)
    }

    /// `{opportunity, contact, role?, primary?, remove?}`: a person's part in a deal. Changes the one there is.
    pub fn role_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let kind = Kind::OpportunityContactRole;
        let deal = ("OpportunityId", id(body, "opportunity")?);
        let person = ("ContactId", id(body, "contact")?);
        let known = self.between(kind, deal, person);
        if flag(body, "remove") {
            let number = known.ok_or("there is no such role")?;
            self.remove(core, &pen, kind, number, None);
            return Ok(json!({ "id": Id::new(kind, number).to_string() }));
        }
        let mut given = Given::default();
        given.0.extend(word(body, "role").map(|role| ("Role".to_owned(), Raw::Json(json!(role)))));
        given.0.extend(body.get("primary").map(|primary| ("IsPrimary".to_owned(), Raw::Json(primary.clone()))));
        let id = match known {
            Some(number) => {
                self.change(core, &pen, Id::new(kind, number), &given)?;
                Id::new(kind, number)
            }
            None => {
                given.0.extend([reference(deal.0, Some(deal.1)), reference(person.0, Some(person.1))]);
                self.insert(core, &pen, kind, &given).map_err(|refusal| say(&refusal))?.id
            }
        };
        Ok(json!({ "id": id.to_string() }))
    }
}

fn unrelated(one: Id, other: Id) -> String {
    format!("nothing links {one} and {other} here")
}
