//! Who writes, under which stamp, and whether the CRM's automation looks on.

use serde_json::{Map, Value};

use super::ids::SYNC_USER;
use super::refusal::Refusal;
use crate::clock::Millis;
use crate::desk::Core;
use crate::ledger::By;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    pub user: u64,
    pub by: By,
    pub at: Millis,
    /// When readers see it; `None` follows the knobs.
    pub visible_at: Option<Millis>,
    /// Whether workflows run after the write.
    pub triggers: bool,
}

impl Pen {
    /// For an API call that names no triggers: all of them run.
    pub fn api(core: &Core) -> Self {
        Self { user: SYNC_USER, by: By::Api, at: core.now, visible_at: None, triggers: true }
    }

    /// For a call with a body: `trigger` absent lets everything run, `[]` nothing, otherwise what it names.
    ///
    /// # Errors
    /// When `trigger` is no list of the words there are.
    pub fn of_body(core: &Core, body: &Map<String, Value>) -> Result<Self, Refusal> {
        const WORDS: [&str; 5] = ["workflow", "approval", "blueprint", "pathfinder", "orchestration"];
        let wrong = || Refusal::invalid("invalid data").with("api_name", "trigger").with("json_path", "$.trigger");
        let triggers = match body.get("trigger") {
            None => true,
            Some(Value::Array(words)) => {
                if words.iter().any(|word| word.as_str().is_none_or(|word| !WORDS.contains(&word))) {
                    return Err(wrong());
                }
                words.iter().any(|word| word == "workflow")
            }
            Some(_) => return Err(wrong()),
        };
        Ok(Self { triggers, ..Self::api(core) })
    }

    /// For a person in the CRM.
    pub fn rep(core: &Core, user: u64) -> Self {
        Self { user, by: By::Rep, ..Self::api(core) }
    }

    /// People and the CRM itself are not bound by the integration user's profile.
    pub fn is_system(&self) -> bool {
        self.by != By::Api
    }
}
