//! Merging two or three records of one module: the master keeps its id, the others are seen as deleted and nothing else,
//! and whatever pointed at them points at it.

use serde_json::{Map, Value, json};

use super::datum::Datum;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::Refusal;
use super::rep::{Body, id, object, of_kind, say};
use super::schema::{FieldId, FieldType};
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

const MOST_LOSERS: usize = 2;

impl Org {
    /// `{object, primary, secondary, properties?}`; `secondary` may be a list of two.
    pub fn merge_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let winner = id(body, "primary", kind)?;
        let losers = match body.get("secondary") {
            Some(Value::Array(ids)) => ids.iter().map(|id| of_kind(kind, id)).collect::<Result<Vec<u64>, _>>()?,
            _ => vec![id(body, "secondary", kind)?],
        };
        let given = self.properties(kind, body)?;
        self.merge(core, &pen, kind, winner, &losers, &given).map_err(|refusal| say(&refusal))?;
        Ok(json!({ "id": winner.to_string() }))
    }

    /// `POST /{module}/{master}/actions/merge` with `{"merge":[{"data":[{"id":…}],"master_record_fields":[…]}]}`.
    pub fn merge_call(&mut self, core: &mut Core, call: &Call, kind: Kind, master: &str) -> Result<Reply, Refusal> {
        let body = super::write_api::object(call)?;
        let winner = self.named_record(call, kind, master)?.unwrap_or(0);
        let rows = body.get("merge").map_or(&Value::Null, |merge| &merge[0]["data"]);
        let losers: Option<Vec<u64>> =
            rows.as_array().map(|rows| rows.iter().filter_map(|row| ids::from_json(&row["id"])).collect());
        let losers = losers.ok_or_else(|| Refusal::missing_key("merge"))?;
        self.merge(core, &Pen::api(core), kind, winner, &losers, &Map::new())?;
        let job = ids::job(core.request.unwrap_or(0));
        let row = json!({ "code": "SUCCESS", "details": { "job_id": job.to_string() }, "status": "success",
                          "message": "merge scheduled successfully" });
        Ok(Reply::json(200, &json!({ "merge": [row] })))
    }

    fn merge(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        winner: u64,
        losers: &[u64],
        given: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let mut distinct = losers.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let few = (1..=MOST_LOSERS).contains(&losers.len()) && distinct.len() == losers.len();
        if !kind.is_mergeable() || !few || losers.contains(&winner) {
            return Err(Refusal::invalid("a merge is of two or three different records of one module"));
        }
        for id in losers.iter().chain([&winner]) {
            if self.live(kind, *id, Sight::Latest).is_none() {
                return Err(Refusal::invalid("the id given seems to be invalid").with("id", id.to_string()));
            }
        }
        for loser in losers {
            self.repoint(core, pen, (kind, *loser), winner);
            self.recycle(core, pen, kind, *loser, false);
            let record = winner.to_string();
            let before = json!({ "primary": record, "secondary": loser.to_string() });
            let after = json!({ "survivor": record });
            core.log(Change { op: "merge", object: kind.name(), record: &record, before, after, by: pen.by });
        }
        self.update(core, pen, (kind, winner), given, "$")
    }

    /// Makes every live record that points at one record point at another.
    pub fn repoint(&mut self, core: &mut Core, pen: &Pen, (kind, from): (Kind, u64), to: u64) {
        if kind == Kind::Contacts {
            self.roles.repoint(from, to);
        }
        for child in Kind::ALL {
            let points = |ty: FieldType| match ty {
                FieldType::Lookup(target) => target == kind,
                FieldType::AnyLookup => true,
                _ => false,
            };
            // What a lead was converted to is history: nobody rewrites it.
            let fields: Vec<FieldId> = self
                .schema(child)
                .all()
                .filter(|(_, field)| points(field.ty) && !field.name.starts_with("Converted"))
                .map(|(id, _)| id)
                .collect();
            for field in fields {
                for id in self.find(child, field, &from.to_string()) {
                    let Some(row) = self.live(child, id, Sight::Latest).map(|seen| seen.to_row()) else { continue };
                    self.store(core, pen, "update", (child, id), row, vec![(field, Datum::Ref(to))]);
                }
            }
        }
    }
}
