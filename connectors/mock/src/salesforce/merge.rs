//! Merging two or three records of one object: the winner keeps its Id and its values, the losers go to the recycle bin
//! naming it, and whatever pointed at them points at it.

use serde_json::{Value, json};

use super::datum::Datum;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::rep_request::{Body, number, object};
use crate::desk::Core;
use crate::ledger::Change;

const MOST_LOSERS: usize = 2;

impl Org {
    /// `{object, primary, secondary, properties?}`; `secondary` may be a list of two.
    pub fn merge_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        if !kind.is_mergeable() {
            return Err(format!("records of {} cannot be merged", kind.name()));
        }
        let winner = number(body, "primary", kind)?;
        let losers: Vec<u64> = match body.get("secondary") {
            Some(Value::Array(ids)) => {
                let parse = |value: &Value| value.as_str().and_then(Id::parse).filter(|id| id.kind() == Some(kind));
                let numbers: Option<Vec<u64>> = ids.iter().map(|value| parse(value).map(|id| id.number)).collect();
                numbers.ok_or_else(|| format!("secondary: not all are Ids of {}", kind.name()))?
            }
            _ => vec![number(body, "secondary", kind)?],
        };
        let mut distinct = losers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if losers.is_empty() || losers.len() > MOST_LOSERS || distinct.len() < losers.len() || losers.contains(&winner)
        {
            return Err("a merge is of two or three different records".into());
        }
        for number in losers.iter().chain([&winner]) {
            if self.live(kind, *number, Sight::Latest).is_none() {
                return Err(format!("{} does not exist or is deleted", Id::new(kind, *number)));
            }
            if kind == Kind::Lead && self.is_converted(*number) {
                return Err(format!("{} is converted", Id::new(kind, *number)));
            }
        }
        let given = self.properties(kind, body)?;
        for loser in losers {
            self.merge(core, &pen, kind, winner, loser);
        }
        let id = Id::new(kind, winner);
        if !given.0.is_empty() {
            self.change(core, &pen, id, &given)?;
        }
        Ok(json!({ "id": id.to_string() }))
    }

    /// Both live and of one object.
    fn merge(&mut self, core: &mut Core, pen: &Pen, kind: Kind, winner: u64, loser: u64) {
        let (winner_id, loser_id) = (Id::new(kind, winner), Id::new(kind, loser));
        self.point_children(core, pen, loser_id, winner_id);
        self.remove(core, pen, kind, loser, Some(winner_id));
        self.touch(core, pen, kind, winner);
        let record = winner_id.to_string();
        let before = json!({ "primary": record, "secondary": loser_id.to_string() });
        let after = json!({ "survivor": record });
        core.log(Change { op: "merge", object: kind.name(), record: &record, before, after, by: pen.by });
    }

    /// Makes every live record that points at `from` point at `to`; a role or membership that `to` has already goes.
    fn point_children(&mut self, core: &mut Core, pen: &Pen, from: Id, to: Id) {
        let Some(kind) = from.kind() else { return };
        for child in Kind::ALL {
            // Where a converted lead went is history: nobody rewrites it.
            let fields: Vec<(u16, String)> = self
                .schema(child)
                .all_fields()
                .filter(|(_, field)| field.reference_to.contains(&kind))
                .filter(|(_, field)| &*field.name != "MasterRecordId" && !field.name.starts_with("Converted"))
                .map(|(id, field)| (id, field.name.to_string()))
                .collect();
            for (field, name) in fields {
                for number in self.all_with(child, &name, &Datum::Id(from)) {
                    if self.stands_twice(child, number, &name, to) {
                        self.remove(core, pen, child, number, None);
                        continue;
                    }
                    let Some(row) = self.live(child, number, Sight::Latest).map(|seen| seen.to_row()) else { continue };
                    self.store(core, pen, "update", (child, number), row, vec![(field, Datum::Id(to))]);
                }
            }
        }
    }

    /// Whether `to` already has what this role or membership would give it.
    fn stands_twice(&self, child: Kind, number: u64, name: &str, to: Id) -> bool {
        let whole = match child {
            Kind::OpportunityContactRole => "OpportunityId",
            Kind::CampaignMember => "CampaignId",
            _ => return false,
        };
        let Some(row) = self.live(child, number, Sight::Latest) else { return false };
        let mut others = self.all_with(child, name, &Datum::Id(to)).into_iter();
        others.any(|other| {
            let other = self.live(child, other, Sight::Latest);
            other.is_some_and(|other| other.named(whole) == row.named(whole))
        })
    }
}
