//! Reading what a control action asks for: objects by any of their names, Ids, whose pen it is. The shapes are those of
//! every mock, so that one test can drive several.

use serde_json::{Map, Value};

use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::RowError;
use crate::clock::parse_iso;
use crate::desk::Core;

pub type Body = Map<String, Value>;

/// An object by its API name or by what every CRM calls it, singular or plural, in any capitals.
pub fn kind_of(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "contact" | "contacts" => Kind::Contact,
        "company" | "companies" | "account" | "accounts" => Kind::Account,
        "deal" | "deals" | "opportunity" | "opportunities" => Kind::Opportunity,
        "lead" | "leads" => Kind::Lead,
        "owner" | "owners" | "user" | "users" => Kind::User,
        "role" | "roles" => Kind::OpportunityContactRole,
        "task" | "tasks" => Kind::Task,
        "event" | "events" => Kind::Event,
        "campaign" | "campaigns" => Kind::Campaign,
        other => return Kind::parse(other),
    })
}

pub fn object(body: &Body, key: &str) -> Result<Kind, String> {
    let name = word(body, key).ok_or_else(|| format!("{key} is required, e.g. Contact"))?;
    kind_of(name).ok_or_else(|| format!("unknown object `{name}`"))
}

pub fn word<'a>(body: &'a Body, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub fn flag(body: &Body, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The Id under `key`, whatever object it is of.
pub fn id(body: &Body, key: &str) -> Result<Id, String> {
    let text = word(body, key).ok_or_else(|| format!("{key} is required"))?;
    Id::parse(text).ok_or_else(|| format!("{key}: `{text}` is not an Id"))
}

/// The number of the record of `kind` whose Id stands under `key`.
pub fn number(body: &Body, key: &str, kind: Kind) -> Result<u64, String> {
    let id = id(body, key)?;
    if id.kind() == Some(kind) { Ok(id.number) } else { Err(format!("{key}: {id} is no {}", kind.name())) }
}

/// What a refused row says, for whoever pulled the lever.
pub fn say(refusal: &RowError) -> String {
    let problems: Vec<String> =
        refusal.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
    problems.join("; ")
}

impl Org {
    /// A sales person's pen. `at` sets the stamp (the past makes a row that turns up late), `visible_in_ms` when readers see
    /// it.
    pub fn pen(&self, core: &Core, body: &Body) -> Result<Pen, String> {
        let mut pen = Pen::rep(core, self.rep(0));
        if let Some(at) = body.get("at") {
            pen.at = at.as_str().and_then(parse_iso).ok_or("at must be an RFC 3339 instant")?;
        }
        if let Some(lag) = body.get("visible_in_ms") {
            let lag = lag.as_i64().ok_or("visible_in_ms must be a whole number")?;
            pen.visible_at = Some(core.now.saturating_add(lag));
        }
        Ok(pen)
    }

    /// The `properties` of an action as field values. A field may go without its `__c`; an empty text clears.
    pub fn properties(&self, kind: Kind, body: &Body) -> Result<Given, String> {
        let Some(Value::Object(properties)) = body.get("properties") else { return Ok(Given::default()) };
        let mut given = Given::default();
        for (name, value) in properties {
            let known =
                [name.clone(), format!("{name}__c")].into_iter().find(|each| self.schema(kind).any(each).is_some());
            let name = known.ok_or_else(|| format!("{} has no field {name}", kind.name()))?;
            let value = match value {
                Value::String(text) if text.is_empty() => Value::Null,
                Value::Object(_) | Value::Array(_) => return Err(format!("{name} must be a plain value")),
                plain => plain.clone(),
            };
            given.0.push((name, Raw::Json(value)));
        }
        Ok(given)
    }

    /// The records an action is about: `id`, `ids`, the `first` so many live ones, or `all` of them.
    pub fn chosen(&self, kind: Kind, body: &Body) -> Result<Vec<u64>, String> {
        let count = match body.get("first").and_then(Value::as_u64) {
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => flag(body, "all").then_some(usize::MAX),
        };
        if let Some(count) = count {
            let live = self.numbers(kind, None).filter(|number| self.live(kind, *number, Sight::Latest).is_some());
            return Ok(live.take(count).collect());
        }
        if let Some(Value::Array(ids)) = body.get("ids") {
            let parse = |value: &Value| value.as_str().and_then(Id::parse).filter(|id| id.kind() == Some(kind));
            let number =
                |value| parse(value).map(|id| id.number).ok_or_else(|| format!("{value} is no {}", kind.name()));
            return ids.iter().map(number).collect();
        }
        Ok(vec![number(body, "id", kind)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_go_by_every_name() {
        for (name, kind) in [
            ("contacts", Kind::Contact),
            ("Company", Kind::Account),
            ("deals", Kind::Opportunity),
            ("OpportunityContactRole", Kind::OpportunityContactRole),
        ] {
            assert_eq!(kind_of(name), Some(kind), "{name}");
        }
        assert_eq!(kind_of("tickets"), None);
    }
}
