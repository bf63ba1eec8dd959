//! The org's automation: rules that rewrite a column as part of a write or after it, or that only move the stamp.

use serde_json::Value;

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::rep_request::kind_of;
use super::schema::{Column, ColumnId};
use super::values;
use crate::automation::{Action, Workflow};
use crate::desk::Core;
use crate::ledger::By;
use crate::versions::Sight;

/// A row that was written: the columns, and what each held before.
#[derive(Clone, Debug)]
pub struct Written {
    pub kind: Kind,
    pub id: Guid,
    pub changed: Vec<(ColumnId, Datum)>,
}

fn concerns(rule: &Workflow, kind: Kind, column: &Column) -> bool {
    kind_of(&rule.object) == Some(kind) && rule.concerns(&column.logical)
}

/// What the text of a rule is as a value; none where the column cannot hold it.
fn retyped(column: &Column, text: &str) -> Option<Datum> {
    if text.is_empty() {
        return Some(Datum::Null);
    }
    let plain: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let candidates = [Value::from(text), plain];
    candidates.iter().find_map(|value| values::convert(column, value).ok())
}

impl Org {
    /// What the rules that are part of a write make of its cells. A value they cannot make stays as it was written.
    pub fn rewrite_at_once(&self, pen: &Pen, kind: Kind, id: Option<Guid>, cells: &mut [(ColumnId, Datum)]) {
        if pen.by == By::Workflow || self.knobs.workflows.is_empty() {
            return;
        }
        for (at, datum) in cells.iter_mut() {
            let Some(column) = self.schema(kind).get(*at) else { continue };
            let rules = self.knobs.workflows.iter().filter(|rule| rule.immediate && concerns(rule, kind, column));
            let before = id.and_then(|id| self.row(kind, id, Sight::Latest)).map_or(Datum::Null, |row| row.get(*at));
            let text = rules.fold(datum.plain(), |text, rule| rule.rewrite(&text, &before.plain()));
            if text != datum.plain()
                && let Some(rewritten) = retyped(column, &text)
            {
                *datum = rewritten;
            }
        }
    }

    /// Runs what today's writes set off, once they are answered. What that writes sets off nothing more.
    pub fn run_workflows(&mut self, core: &mut Core) {
        let written = std::mem::take(&mut self.written);
        let rules: Vec<Workflow> = self.knobs.workflows.iter().filter(|rule| !rule.immediate).cloned().collect();
        for each in written.iter().filter(|_| !rules.is_empty()) {
            for rule in &rules {
                self.run_rule(core, rule, each);
            }
        }
        self.written.clear();
    }

    fn run_rule(&mut self, core: &mut Core, rule: &Workflow, written: &Written) {
        let (kind, id) = (written.kind, written.id);
        let schema = self.schema(kind);
        let concerned = |at: &ColumnId| schema.get(*at).is_some_and(|column| concerns(rule, kind, column));
        let Some((at, before)) = written.changed.iter().find(|(at, _)| concerned(at)) else { return };
        let Some(row) = self.row(kind, id, Sight::Latest) else { return };
        let later = rule.after_s.saturating_mul(1000);
        let mut pen = Pen::workflow(core);
        pen.at = pen.at.saturating_add(later);
        pen.visible_at = (later > 0).then_some(pen.at);
        if rule.action == Action::Touch {
            self.touch(core, &pen, kind, id);
            return;
        }
        let now = row.get(*at).plain();
        let after = rule.rewrite(&now, &before.plain());
        let Some(datum) = schema.get(*at).and_then(|column| retyped(column, &after)) else { return };
        if after != now {
            let stored = row.to_row();
            self.store(core, &pen, "update", (kind, id), stored, vec![(*at, datum)]);
        }
    }
}
