//! Applying checked writes: stamps, computed values, history, unique values, workflows, and the ledger line.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::check::Values;
use super::deals;
use super::kind::Kind;
use super::portal::Portal;
use super::records::{Past, Source, View};
use super::refusal::Refusal;
use super::schema::Name;
use crate::clock::Millis;
use crate::desk::Core;
use crate::ledger::{By, Change};

/// Who writes, and under which stamp.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    pub source: Source,
    pub at: Millis,
    /// When search shows it; `None` follows the knobs.
    pub visible_at: Option<Millis>,
}

impl Pen {
    pub const SOURCE_API: Source = Source::Integration;

    pub fn api(core: &Core) -> Self {
        Self { source: Source::Integration, at: core.now, visible_at: None }
    }

    pub fn rep(core: &Core) -> Self {
        Self { source: Source::Rep, at: core.now, visible_at: None }
    }

    fn by(self) -> By {
        match self.source {
            Source::Integration => By::Api,
            Source::Rep | Source::Import => By::Rep,
            Source::Workflow => By::Workflow,
        }
    }
}

impl Portal {
    /// Makes a record and returns its id.
    pub fn create(
        &mut self,
        core: &mut Core,
        kind: Kind,
        given: &Map<String, Value>,
        pen: Pen,
    ) -> Result<u64, Refusal> {
        let mut values = self.check(kind, None, given, pen.source)?;
        self.check_required(kind, &values)?;
        self.check_unique(kind, None, &values)?;
        if kind == Kind::Contact && !values.iter().any(|(name, _)| &**name == "lifecyclestage") {
            values.push(("lifecyclestage".into(), "lead".into()));
        }
        if kind == Kind::Lead && !values.iter().any(|(name, _)| &**name == "hs_pipeline") {
            let first =
                self.pipelines(kind).first().and_then(|one| Some((one.id.clone(), one.stages.first()?.id.clone())));
            let (pipeline, stage) = first.unwrap_or_default();
            values.extend([("hs_pipeline".into(), pipeline), ("hs_pipeline_stage".into(), stage)]);
        }
        let id = self.table_mut(kind).fresh_id();
        let view = View { created: pen.at, modified: pen.at, ..View::default() };
        self.apply(core, (kind, id), view, &values, pen, "create");
        Ok(id)
    }

    /// Changes a live record.
    pub fn update(
        &mut self,
        core: &mut Core,
        kind: Kind,
        id: u64,
        given: &Map<String, Value>,
        pen: Pen,
    ) -> Result<(), Refusal> {
        let seen = self.live(kind, id).ok_or_else(Refusal::not_found)?;
        let values = self.check(kind, Some(seen), given, pen.source)?;
        let view = seen.to_view();
        self.check_unique(kind, Some(id), &values)?;
        self.apply(core, (kind, id), view, &values, pen, "update");
        Ok(())
    }

    /// Stores `values` into `view` as a new version of the record.
    pub fn apply(
        &mut self,
        core: &mut Core,
        (kind, id): (Kind, u64),
        mut view: View,
        values: &Values,
        pen: Pen,
        op: &'static str,
    ) {
        let first_touch = !self.table(kind).is_held(id);
        if first_touch && op != "create" {
            self.adopt(kind, id);
        }
        let values = self.after_immediate_workflows(kind, id, values);
        let mut all = values.clone();
        if kind == Kind::Deal {
            let before = |name: &str| self.seen(kind, id).and_then(|seen| seen.get(name)).map(|v| v.to_string());
            all.extend(deals::computed(self.pipelines(kind), &values, before, pen.at));
        }
        let completes = |(name, value): &(Name, String)| &**name == "hs_task_status" && value == "COMPLETED";
        if kind == Kind::Task && values.iter().any(completes) {
            all.push(("hs_task_completion_date".into(), crate::clock::iso(pen.at)));
        }
        let (mut was, mut is) = (Map::new(), Map::new());
        let mut changed = false;
        for (at, (name, value)) in all.iter().enumerate() {
            let before = self.seen(kind, id).filter(|_| op != "create").and_then(|seen| seen.get(name));
            let same = before.as_deref().unwrap_or("") == value;
            // Written values are logged even when equal: a needless write is a thing to see.
            if !same || at < values.len() {
                was.insert(name.to_string(), before.as_deref().map_or(Value::Null, |text| json!(text)));
                is.insert(name.to_string(), if value.is_empty() { Value::Null } else { json!(value) });
            }
            let value: Arc<str> = value.as_str().into();
            if !same {
                changed = true;
                self.note_value((kind, id), name, before.as_deref(), &value, pen);
            }
            view.values.insert(name.clone(), value);
        }
        if op == "create" || changed || self.knobs.bump_unchanged {
            view.modified = pen.at;
        }
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core, kind, id));
        self.table_mut(kind).put(id, view, core.now, visible);
        let (before, after) = if op == "create" { (Value::Null, Value::Object(is)) } else { (was.into(), is.into()) };
        let record = id.to_string();
        core.log(Change { op, object: kind.plural(), record: &record, before, after, by: pen.by() });
        self.await_workflows(kind, id, &values, pen);
    }

    /// A generated record that is touched for the first time becomes a held one; its address moves to the index.
    pub fn adopt(&mut self, kind: Kind, id: u64) {
        if kind != Kind::Contact {
            return;
        }
        if let Some(email) = self.seen(kind, id).and_then(|seen| seen.get("email")) {
            self.table_mut(kind).claim(&"email".into(), &email, id);
        }
    }

    /// History and uniqueness of one changed value.
    fn note_value(&mut self, (kind, id): (Kind, u64), name: &Name, before: Option<&str>, value: &Arc<str>, pen: Pen) {
        let unique = self.schema(kind).get(name).is_some_and(|property| property.unique);
        let created = self.seen(kind, id).map(|seen| seen.created());
        let table = self.table_mut(kind);
        if table.history(id, name).is_empty()
            && let (Some(before), Some(created)) = (before, created)
        {
            table.remember(id, name.clone(), Past { value: before.into(), at: created, source: Source::Import });
        }
        table.remember(id, name.clone(), Past { value: value.clone(), at: pen.at, source: pen.source });
        if unique {
            if let Some(before) = before {
                table.release(name, before, id);
            }
            if !value.is_empty() {
                table.claim(name, value, id);
            }
        }
    }

    fn after_immediate_workflows(&self, kind: Kind, id: u64, values: &Values) -> Values {
        let rewrite = |(name, value): &(Name, String)| {
            let before = self.seen(kind, id).and_then(|seen| seen.get(name));
            let rules = self.knobs.workflows.iter().filter(|rule| rule.immediate);
            let value = rules
                .filter(|rule| rule.concerns(kind, name))
                .fold(value.clone(), |value, rule| rule.rewrite(&value, before.as_deref().unwrap_or("")));
            (name.clone(), value)
        };
        values.iter().map(rewrite).collect()
    }

    /// Notes the values a workflow will rewrite once the write has been answered.
    fn await_workflows(&mut self, kind: Kind, id: u64, written: &Values, pen: Pen) {
        if pen.source == Source::Workflow {
            return;
        }
        for (name, value) in written {
            let before = self.table(kind).history(id, name).get(1).map(|past| past.value.to_string());
            let rules = self.knobs.workflows.iter().filter(|rule| !rule.immediate && rule.concerns(kind, name));
            let after = rules.fold(value.clone(), |v, rule| rule.rewrite(&v, before.as_deref().unwrap_or("")));
            if after != *value {
                self.awaiting.push((kind, id, name.clone(), after, pen));
            }
        }
    }

    /// Runs the workflows of the writes just made: changes of their own, by the CRM.
    pub fn run_workflows(&mut self, core: &mut Core) {
        for (kind, id, name, value, pen) in std::mem::take(&mut self.awaiting) {
            if let Some(view) = self.live(kind, id).map(|seen| seen.to_view()) {
                let pen = Pen { source: Source::Workflow, ..pen };
                self.apply(core, (kind, id), view, &vec![(name, value)], pen, "update");
            }
        }
    }

    /// Archives a live record; an unknown or archived one is left as it is.
    pub fn archive(&mut self, core: &mut Core, kind: Kind, id: u64, pen: Pen, erase: bool) -> bool {
        let Some(mut view) = self.live(kind, id).map(|seen| seen.to_view()) else { return false };
        if !self.table(kind).is_held(id) {
            self.adopt(kind, id);
        }
        self.release_unique(kind, id);
        let before = if erase { Value::Null } else { json!({ "archived": false }) };
        let after = if erase { Value::Null } else { json!({ "archived": true }) };
        view.archived = Some(pen.at);
        view.modified = pen.at;
        if erase {
            view.erased = true;
            view.values.clear();
        }
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core, kind, id));
        self.table_mut(kind).put(id, view, core.now, visible);
        let record = id.to_string();
        core.log(Change { op: "delete", object: kind.plural(), record: &record, before, after, by: pen.by() });
        true
    }

    /// Gives up the unique values of a record that leaves.
    pub fn release_unique(&mut self, kind: Kind, id: u64) {
        let names: Vec<Name> =
            self.schema(kind).properties.values().filter(|p| p.unique).map(|p| p.name.clone()).collect();
        for name in names {
            if let Some(value) = self.seen(kind, id).and_then(|seen| seen.get(&name)) {
                self.table_mut(kind).release(&name, &value, id);
            }
        }
        if let Some(others) = self.seen(kind, id).and_then(|seen| seen.get("hs_additional_emails")) {
            for email in others.split(';') {
                self.table_mut(kind).release("email", email, id);
            }
        }
    }
}
