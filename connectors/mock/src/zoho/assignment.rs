//! Assignment rules: they give a record that is made under one its owner. `lar_id` in an insert or upsert names the rule;
//! without it no rule runs, and the record is its maker's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::datum::stamp;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::render;
use crate::crowd::FIRST_STAMP;
use crate::exchange::{Call, Reply};

/// One rule of the org: whose turn it is goes round.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRule {
    pub name: String,
    #[serde(default = "leads")]
    pub module: String,
    /// Ids of users, in turn; none: every active user but the integration's own.
    #[serde(default)]
    pub users: Vec<String>,
}

fn leads() -> String {
    Kind::Leads.name().to_owned()
}

/// What a new org has.
pub fn usual() -> Vec<AssignmentRule> {
    vec![AssignmentRule { name: "Inbound leads".to_owned(), module: leads(), users: Vec::new() }]
}

fn rule_id(at: usize) -> u64 {
    ids::setting(9, at as u64 + 1)
}

impl Org {
    /// `GET /settings/automation/assignment_rules?module=…`.
    pub fn assignment_rules(&self, call: &Call) -> Result<Reply, Refusal> {
        let only = match call.parameter("module").filter(|name| !name.is_empty()) {
            Some(_) => Some(self.module_param(call)?),
            None => None,
        };
        let of_module = |rule: &AssignmentRule| only.is_none_or(|kind| kind.name() == rule.module);
        let rules: Vec<Value> = self
            .knobs
            .assignment_rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| of_module(rule))
            .map(|(at, rule)| self.rule_json(at, rule))
            .collect();
        if rules.is_empty() {
            return Ok(Reply::empty(204));
        }
        Ok(Reply::json(200, &json!({ "assignment_rules": rules })))
    }

    fn rule_json(&self, at: usize, rule: &AssignmentRule) -> Value {
        let module = Kind::parse(&rule.module).map(|kind| render::module_id(kind).to_string());
        let made = stamp(FIRST_STAMP, self.knobs.offset_min);
        let by = render::user(self, ids::SYNC_USER);
        json!({
            "id": rule_id(at).to_string(),
            "name": rule.name,
            "api_name": rule.name.replace(' ', "_"),
            "description": null,
            "module": { "api_name": rule.module, "id": module },
            "default_assignee": by,
            "created_time": made,
            "modified_time": made,
            "created_by": by,
            "modified_by": by,
        })
    }

    /// The rule a body names, if it names one.
    pub fn named_rule(&self, kind: Kind, body: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
        let Some(given) = body.get("lar_id").filter(|given| !given.is_null()) else { return Ok(None) };
        let id = ids::from_json(given);
        let of_module = |(at, rule): (usize, &AssignmentRule)| (rule.module == kind.name()).then_some(at);
        let mut known = self.knobs.assignment_rules.iter().enumerate().filter_map(of_module);
        let rule = known.find(|at| Some(rule_id(*at)) == id);
        rule.map(Some).ok_or_else(|| {
            let refusal = Refusal::invalid("the assignment rule id given seems to be invalid");
            refusal.with("api_name", "lar_id").with("json_path", "$.lar_id")
        })
    }

    /// The row with the owner a rule gives it, whatever owner it named.
    pub fn assigned(&mut self, rule: Option<usize>, row: &Map<String, Value>) -> Map<String, Value> {
        let mut row = row.clone();
        let Some(rule) = rule.and_then(|at| self.knobs.assignment_rules.get(at)) else { return row };
        let mut users: Vec<u64> = rule.users.iter().filter_map(|id| ids::parse(id)).collect();
        if users.is_empty() {
            let colleagues = self.users.iter().filter(|user| user.active && user.id != ids::SYNC_USER);
            users.extend(colleagues.map(|user| user.id));
        }
        let turn = usize::try_from(self.assigned).unwrap_or(0);
        if let Some(user) = turn.checked_rem(users.len()).and_then(|at| users.get(at)) {
            self.assigned += 1;
            row.insert("Owner".to_owned(), json!({ "id": user.to_string() }));
        }
        row
    }
}
