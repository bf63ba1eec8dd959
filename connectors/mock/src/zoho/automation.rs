//! The org's automation at work: rules run after a write that let them, and what they write sets off nothing more.

use serde_json::Map;

use super::check::Cells;
use super::datum::Datum;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Seen, Sight};
use super::values;
use crate::automation::{Action, Workflow};
use crate::desk::Core;
use crate::ledger::By;

/// A field that was written: its name, what it held before, and what it holds now.
pub type Written = (String, Datum, Datum);

fn concerns(rule: &Workflow, kind: Kind, field: &str) -> bool {
    Kind::by_any_name(&rule.object) == Some(kind) && rule.concerns(field)
}

impl Org {
    /// Whether a rule is about a field.
    pub fn is_automated(&self, kind: Kind, field: &str) -> bool {
        self.knobs.workflows.iter().any(|rule| concerns(rule, kind, field))
    }

    /// What the rules that are part of the write make of checked cells. A value they cannot make stays as it was written.
    pub fn rewrite_at_once(&self, pen: &Pen, kind: Kind, cells: &mut Cells, current: Option<&Seen<'_>>) {
        if !pen.triggers || pen.by == By::Workflow || self.knobs.workflows.is_empty() {
            return;
        }
        for (id, datum) in cells {
            let Some(field) = self.schema(kind).field(*id) else { continue };
            let rules = self.knobs.workflows.iter().filter(|rule| rule.immediate && concerns(rule, kind, &field.name));
            let before = current.map_or(Datum::Null, |seen| seen.get(*id)).plain(0);
            let now = datum.plain(0);
            let text = rules.fold(now.clone(), |text, rule| rule.rewrite(&text, &before));
            if text != now
                && let Ok(rewritten) = values::convert(self, field, &values::from_text(field, &text))
            {
                *datum = rewritten;
            }
        }
    }

    /// Runs the other rules a write set off.
    pub fn automate(&mut self, core: &mut Core, pen: &Pen, (kind, id): (Kind, u64), written: &[Written]) {
        if !pen.triggers || pen.by == By::Workflow {
            return;
        }
        let rules: Vec<Workflow> = self.knobs.workflows.iter().filter(|rule| !rule.immediate).cloned().collect();
        for rule in rules {
            let Some((name, before, now)) = written.iter().find(|(name, ..)| concerns(&rule, kind, name)) else {
                continue;
            };
            let later = rule.after_s.saturating_mul(1_000);
            let at = pen.at.saturating_add(later);
            let visible_at = if later > 0 { Some(at) } else { pen.visible_at };
            let pen = Pen { by: By::Workflow, at, visible_at, triggers: false, ..*pen };
            if rule.action == Action::Touch {
                let row = self.live(kind, id, Sight::Latest).map(|seen| seen.to_row());
                if let Some(row) = row {
                    self.keep_stamped(core, &pen, (kind, id), row);
                }
                continue;
            }
            let (now, before) = (now.plain(0), before.plain(0));
            let after = rule.rewrite(&now, &before);
            let Some((_, field)) = self.schema(kind).get(name) else { continue };
            if after != now {
                let given = Map::from_iter([(name.clone(), values::from_text(field, &after))]);
                // A rule whose value the field cannot hold has failed: the write it follows stands.
                let _ = self.update(core, &pen, (kind, id), &given, "$");
            }
        }
    }
}
