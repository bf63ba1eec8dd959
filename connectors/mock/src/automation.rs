//! The CRM's own automation: rules that rewrite a field after it was written, or that only move the stamp.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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
    /// No field changes; the stamp moves all the same.
    Touch,
}

impl Workflow {
    /// Whether a write of the field sets it off, on the object it is for.
    pub fn concerns(&self, field: &str) -> bool {
        let touches_all = self.action == Action::Touch && self.property.is_empty();
        touches_all || self.property.eq_ignore_ascii_case(field)
    }

    /// Why the rule makes no sense, if it does not.
    pub fn fault(&self, is_object: impl Fn(&str) -> bool) -> Option<String> {
        if !is_object(&self.object) {
            return Some(format!("workflows: unknown object `{}`", self.object));
        }
        let needs_field = self.property.is_empty() && self.action != Action::Touch;
        needs_field.then(|| "workflows: property is required".to_owned())
    }

    /// What the rule makes of `written`, where the record had `before`.
    pub fn rewrite(&self, written: &str, before: &str) -> String {
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
