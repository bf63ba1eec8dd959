//! The CRM's own automation: rules that rewrite a field after it was written, or that only move the stamp.

use serde_json::json;

use super::check::Draft;
use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::rep_request::kind_of;
use super::schema::FieldId;
use super::values;
use crate::automation::{Action, Workflow};
use crate::desk::Core;

/// A field that was written, and what it held before.
pub type Was = (FieldId, Datum);

fn concerns(rule: &Workflow, kind: Kind, field: &str) -> bool {
    kind_of(&rule.object) == Some(kind) && rule.concerns(field)
}

fn raw(text: &str) -> Raw {
    Raw::Json(if text.is_empty() { serde_json::Value::Null } else { json!(text) })
}

impl Org {
    /// What the rules that are part of the write make of a draft. A value they cannot make stays as it was written.
    pub fn rewrite_at_once(&self, draft: &mut Draft, pen: &Pen) {
        if pen.by == crate::ledger::By::Workflow || self.knobs.workflows.is_empty() {
            return;
        }
        for (field, datum) in draft.cells.clone() {
            let Some(definition) = self.schema(draft.kind).field(field) else { continue };
            let rules = self.knobs.workflows.iter().filter(|rule| rule.immediate);
            let mut rules = rules.filter(|rule| concerns(rule, draft.kind, &definition.name)).peekable();
            if rules.peek().is_none() {
                continue;
            }
            let before = self.before(draft, field).csv();
            let text = rules.fold(datum.csv(), |text, rule| rule.rewrite(&text, &before));
            if let Ok(rewritten) = values::convert(definition, &raw(&text)) {
                draft.set(field, rewritten);
            }
        }
    }

    /// Runs the automation that today's writes set off, once they are answered. What it writes sets off nothing more.
    pub fn run_workflows(&mut self, core: &mut Core) {
        let written = std::mem::take(&mut self.written);
        let rules: Vec<Workflow> = self.knobs.workflows.iter().filter(|rule| !rule.immediate).cloned().collect();
        if rules.is_empty() {
            return;
        }
        for (kind, number, fields) in written {
            for rule in &rules {
                self.run_rule(core, rule, kind, number, &fields);
            }
        }
        self.written.clear();
    }

    fn run_rule(&mut self, core: &mut Core, rule: &Workflow, kind: Kind, number: u64, fields: &[Was]) {
        let schema = self.schema(kind);
        let concerned = fields.iter().find(|(field, _)| {
            let name = schema.field(*field).map(|field| &*field.name);
            name.is_some_and(|name| concerns(rule, kind, name))
        });
        let Some((field, before)) = concerned else { return };
        let Some(seen) = self.live(kind, number, Sight::Latest) else { return };
        let later = rule.after_s.saturating_mul(1000);
        let mut pen = Pen::workflow(core);
        pen.at = pen.at.saturating_add(later);
        pen.visible_at = (later > 0).then_some(pen.at);
        if rule.action == Action::Touch {
            self.touch(core, &pen, kind, number);
            return;
        }
        let now = seen.get(*field).csv();
        let after = rule.rewrite(&now, &before.csv());
        let name = self.schema(kind).field(*field).map_or_else(String::new, |field| field.name.to_string());
        if after != now {
            let given = Given(vec![(name, raw(&after))]);
            // A rule whose value the field cannot hold has failed, as flows do: the write it follows stands.
            let _ = self.update(core, &pen, kind, &Id::new(kind, number).to_string(), &given);
        }
    }
}
