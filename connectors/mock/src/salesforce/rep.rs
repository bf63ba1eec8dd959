//! What people do in the CRM, through `POST /__mock/{action}`: the table is in the documentation of [`super`].

use serde_json::{Value, json};

use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::rep_request::{Body, flag, number, object, say, word};
use crate::clock::{Millis, parse_iso};
use crate::desk::Core;

/// Activities closed longer ago than this are archived when nobody names a day.
const ARCHIVED_AFTER: Millis = 365 * 86_400_000;
const ACTIONS: &str = "edit, delete, erase, restore, merge, convert, associate, role, close, reopen, touch, \
    archive-activities, purge-deleted, owner, property, field-security, usage, expire-tokens, reset";

impl Org {
    pub fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let empty = Body::new();
        let body = body.as_object().unwrap_or(&empty);
        match action {
            "edit" => self.edit_by_rep(core, body),
            "delete" => self.delete_by_rep(core, body, flag(body, "erase")),
            "erase" => self.delete_by_rep(core, body, true),
            "restore" => {
                let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
                let number = number(body, "id", kind)?;
                if !self.undelete(core, &pen, kind, number) {
                    return Err(format!("{} is not in the recycle bin", Id::new(kind, number)));
                }
                Ok(json!({ "id": Id::new(kind, number).to_string() }))
            }
            "merge" => self.merge_by_rep(core, body),
            "convert" => self.convert_by_rep(core, body),
            "associate" => self.associate_by_rep(core, body),
            "role" => self.role_by_rep(core, body),
            "close" => self.close_deals(core, body),
            "reopen" => self.reopen_deals(core, body),
            "touch" => {
                let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
                let pen = Pen { by: crate::ledger::By::Workflow, ..pen };
                let numbers = self.chosen(kind, body)?;
                for number in &numbers {
                    self.touch(core, &pen, kind, *number);
                }
                Ok(ids(kind, &numbers))
            }
            "archive-activities" => self.archive_activities(core, body),
            "purge-deleted" => self.purge_deletions(core, body),
            "owner" => self.add_user(core, body),
            "property" => self.change_field(core, body),
            "field-security" => self.change_access(core, body),
            "usage" => {
                let used =
                    body.get("used").and_then(Value::as_u64).ok_or("used is required, a whole number of calls")?;
                self.limits.set_used(core.now, used);
                Ok(json!({ "used": used }))
            }
            "expire-tokens" => {
                self.sessions.expire(flag(body, "refresh"));
                Ok(json!({}))
            }
            other => Err(format!("unknown action `{other}`: {ACTIONS}")),
        }
    }

    fn edit_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let given = self.properties(kind, body)?;
        if !["id", "ids", "first", "all"].iter().any(|key| body.contains_key(*key)) {
            let made = self.insert(core, &pen, kind, &given).map_err(|refusal| say(&refusal))?;
            for other in linked(body)? {
                self.join(core, &pen, made.id, other)?;
            }
            return Ok(ids(kind, &[made.id.number]));
        }
        let numbers = self.chosen(kind, body)?;
        for number in &numbers {
            self.change(core, &pen, Id::new(kind, *number), &given)?;
        }
        Ok(ids(kind, &numbers))
    }

    /// One update by a person; the error names the record.
    pub fn change(&mut self, core: &mut Core, pen: &Pen, id: Id, given: &Given) -> Result<(), String> {
        let kind = id.kind().ok_or_else(|| format!("{id} is of no object here"))?;
        self.update(core, pen, kind, &id.to_string(), given).map_err(|refusal| format!("{id}: {}", say(&refusal)))?;
        Ok(())
    }

    fn delete_by_rep(&mut self, core: &mut Core, body: &Body, erase: bool) -> Result<Value, String> {
        let (kind, pen) = (object(body, "object")?, self.pen(core, body)?);
        let mut gone = Vec::new();
        for number in self.chosen(kind, body)? {
            let live = self.live(kind, number, Sight::Latest).is_some();
            // What lies in the recycle bin can still be erased.
            if erase && self.erase(core, &pen, kind, number) {
                gone.push(number);
                self.cascade(core, &pen, kind, number);
            } else if !erase && live {
                self.remove(core, &pen, kind, number, None);
                gone.push(number);
            }
        }
        Ok(ids(kind, &gone))
    }

    fn close_deals(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let won = body.get("won").and_then(Value::as_bool).unwrap_or(true);
        let stage = self.stage_name(|row| row("IsClosed") && row("IsWon") == won);
        self.move_deals(core, body, &stage.ok_or("no such stage")?)
    }

    fn reopen_deals(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let stage = word(body, "stage").map(str::to_owned).or_else(|| self.stage_name(|row| !row("IsClosed")));
        self.move_deals(core, body, &stage.ok_or("no open stage")?)
    }

    fn move_deals(&mut self, core: &mut Core, body: &Body, stage: &str) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let mut given = Given(vec![("StageName".into(), Raw::Json(json!(stage)))]);
        for (key, name) in [("amount", "Amount"), ("close_date", "CloseDate")] {
            given.0.extend(body.get(key).map(|value| (name.to_owned(), Raw::Json(value.clone()))));
        }
        let numbers = self.chosen(Kind::Opportunity, body)?;
        for number in &numbers {
            self.change(core, &pen, Id::new(Kind::Opportunity, *number), &given)?;
        }
        Ok(ids(Kind::Opportunity, &numbers))
    }

    /// The first stage of which `wanted` holds, given its flags by name.
    fn stage_name(&self, wanted: impl Fn(&dyn Fn(&str) -> bool) -> bool) -> Option<String> {
        let stages = self.numbers(Kind::OpportunityStage, None);
        let mut rows = stages.filter_map(|number| self.live(Kind::OpportunityStage, number, Sight::Latest));
        let row = rows.find(|row| wanted(&|name: &str| row.named(name).is_true()))?;
        row.named("MasterLabel").as_str().map(str::to_owned)
    }

    /// Old closed activities leave the sight of plain queries. No stamp moves and nothing counts as deleted.
    fn archive_activities(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let before = match word(body, "before") {
            Some(text) => parse_iso(text).ok_or("before must be a date or an RFC 3339 instant")?,
            None => core.now - ARCHIVED_AFTER,
        };
        let mut archived = Vec::new();
        for kind in [Kind::Task, Kind::Event] {
            let Some((field, _)) = self.schema(kind).any("IsArchived") else { continue };
            let old: Vec<u64> = self
                .numbers(kind, None)
                .filter(|number| {
                    self.live(kind, *number, Sight::Latest).is_some_and(|seen| {
                        let closed = kind == Kind::Event || seen.named("IsClosed").is_true();
                        let day = match seen.named("ActivityDate") {
                            Datum::Date(day) => day.and_hms_opt(0, 0, 0).map(|at| at.and_utc().timestamp_millis()),
                            _ => Some(seen.stamp()),
                        };
                        closed && !seen.get(field).is_true() && day.is_some_and(|day| day < before)
                    })
                })
                .collect();
            for number in old {
                let Some(mut row) = self.live(kind, number, Sight::Latest).map(|seen| seen.to_row()) else { continue };
                row.set(field, Datum::Bool(true));
                self.put(core, kind, number, row, core.now);
                archived.push(Id::new(kind, number).to_string());
            }
        }
        Ok(json!({ "ids": archived }))
    }

    /// Empties the log of deletions up to now, of one object or of all: who was not here in time has missed them.
    fn purge_deletions(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let kinds = if body.contains_key("object") { vec![object(body, "object")?] } else { Kind::ALL.to_vec() };
        let mut purged = 0;
        for kind in kinds {
            let table = self.table_mut(kind);
            purged += table.deletions.len();
            table.deletions.clear();
            table.purged_before = core.now;
        }
        Ok(json!({ "purged": purged }))
    }

    fn add_user(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let mut pen = self.pen(core, body)?;
        pen.user = super::ids::SYNC_USER;
        let active = !flag(body, "archived");
        if let Some(user) = word(body, "id") {
            let user = Id::parse(user).filter(|id| id.kind() == Some(Kind::User)).ok_or("id is no User")?;
            let given = Given(vec![("IsActive".into(), Raw::Json(json!(active)))]);
            self.change(core, &pen, user, &given)?;
            return Ok(json!({ "id": user.to_string() }));
        }
        let email = word(body, "email").ok_or("email is required")?;
        let last = word(body, "last_name").unwrap_or("Unnamed");
        let first = word(body, "first_name").unwrap_or("");
        let fields = [
            ("Username", json!(email)),
            ("Email", json!(email)),
            ("FirstName", json!(first)),
            ("LastName", json!(last)),
            ("UserType", json!("Standard")),
            ("IsActive", json!(active)),
        ];
        let given = Given(fields.map(|(name, value)| (name.to_owned(), Raw::Json(value))).to_vec());
        let made = self.insert(core, &pen, Kind::User, &given).map_err(|refusal| say(&refusal))?;
        Ok(json!({ "id": made.id.to_string() }))
    }
}

/// The records a new one is linked to at once: `[{"to": {"id": …}}]`.
fn linked(body: &Body) -> Result<Vec<Id>, String> {
    let Some(Value::Array(links)) = body.get("associations") else { return Ok(Vec::new()) };
    let to = |link: &Value| link["to"]["id"].as_str().and_then(Id::parse);
    links
        .iter()
        .map(|link| to(link).ok_or_else(|| format!("{link} names no record: {{\"to\": {{\"id\": …}}}}")))
        .collect()
}

pub fn ids(kind: Kind, numbers: &[u64]) -> Value {
    let texts: Vec<String> = numbers.iter().map(|number| Id::new(kind, *number).to_string()).collect();
    json!({ "id": texts.first(), "ids": texts })
}
