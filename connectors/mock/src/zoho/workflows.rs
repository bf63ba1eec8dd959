//! The CRM's own automation: rules that rewrite a field after a write that let automation run.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// A rule of the org's automation. It runs after a write whose `trigger` is absent or names `workflow`, and after a
/// person's edit.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Module, by any of its names.
    pub object: String,
    /// The field that sets it off and that it rewrites.
    pub property: String,
    pub action: Action,
    /// For `set` and `append`.
    #[serde(default)]
    pub value: String,
    /// For `round`.
    #[serde(default)]
    pub digits: u32,
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
}

impl Workflow {
    pub fn concerns(&self, kind: Kind, field: &str) -> bool {
        Kind::by_any_name(&self.object) == Some(kind) && self.property == field
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
        }
    }
}
