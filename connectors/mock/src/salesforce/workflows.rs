//! The CRM's own automation: rules that rewrite a field after it was written, or that only move the stamp.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
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
use crate::desk::Core;

/// A rule of the org's automation.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Object, by any of its names.
    pub object: String,
    /// The field that sets it off and that it rewrites; for `touch` it may be left out: any write does.
    #[serde(default)]
    pub property: String,
    pub action: Action,
    /// For `set` and `append`.
    #[serde(default)]
    pub value: String,
    /// For `round`.
    #[serde(default)]
    pub digits: u32,
    /// Whether it runs before the write is answered, as part of it; otherwise only later reads show what it did.
    #[serde(default)]
    pub immediate: bool,
    /// How long after the write it runs: its stamp is that much later, and readers see nothing of it before.
    #[serde(default)]
    pub after_s: i64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Round,
    Trim,
    Upper,
    Lower,
    /// Always `value`.
    Set,
    /// Always the value from before the write.
    Revert,
    Append,
    Clear,
    /// No field changes; `SystemModstamp` moves all the same.
    Touch,
}

/// A field that was written, and what it held before.
pub type Was = (FieldId, Datum);

impl Workflow {
    fn concerns(&self, kind: Kind, field: &str) -> bool {
        let touches_all = self.action == Action::Touch && self.property.is_empty();
        kind_of(&self.object) == Some(kind) && (touches_all || self.property.eq_ignore_ascii_case(field))
    }

    /// Why the rule makes no sense, if it does not.
    pub fn fault(&self) -> Option<String> {
        if kind_of(&self.object).is_none() {
            return Some(format!("workflows: unknown object `{}`", self.object));
        }
        let needs_field = self.property.is_empty() && self.action != Action::Touch;
        needs_field.then(|| "workflows: property is required".to_owned())
    }

    /// What the rule makes of `written`, where the record had `before`.
    fn rewrite(&self, written: &str, before: &str) -> String {
        match self.action {
            Action::Round => match written.parse::<Decimal>() {
                Ok(number) => number.round_dp(self.digits).normalize().to_string(),
                Err(_) => written.to_owned(),
            },
            Action::Trim => written.trim().to_owned(),
            Action::Upper => written.to_uppercase(),
            Action::Lower => written.to_lowercase(),
            Action::Set => self.value.clone(),
            Action::Revert => before.to_owned(),
            Action::Append => format!("{written}{}", self.value),
            Action::Clear => String::new(),
            Action::Touch => written.to_owned(),
        }
    }
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
            let mut rules = rules.filter(|rule| rule.concerns(draft.kind, &definition.name)).peekable();
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
            name.is_some_and(|name| rule.concerns(kind, name))
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
