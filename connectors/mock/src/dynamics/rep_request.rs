//! Reading what a control action asks for: objects by any of their names, ids, whose pen it is. The shapes are those of
//! every mock, so that one test can drive several.

use serde_json::{Map, Value};

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::Given;
use super::pen::Pen;
use super::refusal::Refusal;
use super::values;
use crate::clock::parse_iso;
use crate::desk::Core;
use crate::versions::Sight;

pub type Body = Map<String, Value>;

/// A table by its logical name, its set, or what every CRM calls it, in any capitals.
pub fn kind_of(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "company" | "companies" => Kind::Account,
        "deal" | "deals" => Kind::Opportunity,
        "owner" | "owners" | "user" | "users" => Kind::SystemUser,
        "event" | "events" | "meeting" | "meetings" => Kind::Appointment,
        "call" | "calls" => Kind::PhoneCall,
        "note" | "notes" => Kind::Annotation,
        other => return Kind::of_logical(other).or_else(|| Kind::of_set(other)),
    })
}

pub fn object(body: &Body, key: &str) -> Result<Kind, String> {
    let name = word(body, key).ok_or_else(|| format!("{key} is required, e.g. contact"))?;
    kind_of(name).ok_or_else(|| format!("unknown object `{name}`"))
}

pub fn word<'a>(body: &'a Body, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub fn flag(body: &Body, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub fn id(body: &Body, key: &str) -> Result<Guid, String> {
    let text = word(body, key).ok_or_else(|| format!("{key} is required"))?;
    Guid::parse(text).ok_or_else(|| format!("{key}: `{text}` is no id"))
}

/// What a refused row says, for whoever pulled the lever.
pub fn say(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.code, refusal.message)
}

impl Org {
    /// A sales person's pen. `at` sets the stamp, `visible_in_ms` when readers see it.
    pub fn pen(&self, core: &Core, body: &Body) -> Result<Pen, String> {
        let mut pen = Pen::rep(core, self.first_rep());
        if let Some(at) = body.get("at") {
            pen.at = at.as_str().and_then(parse_iso).ok_or("at must be an RFC 3339 instant")?;
        }
        if let Some(lag) = body.get("visible_in_ms") {
            let lag = lag.as_i64().ok_or("visible_in_ms must be a whole number")?;
            pen.visible_at = Some(core.now.saturating_add(lag));
        }
        Ok(pen)
    }

    /// The `properties` of an action as values. Names are logical names, `_x_value`, or go without the publisher's prefix;
    /// an empty text clears; choices may be said by their label, lookups by id.
    pub fn properties(&self, kind: Kind, body: &Body) -> Result<Given, String> {
        let mut given = Given::default();
        let Some(Value::Object(properties)) = body.get("properties") else { return Ok(given) };
        let schema = self.schema(kind);
        for (name, value) in properties {
            let bare = name.strip_prefix('_').and_then(|rest| rest.strip_suffix("_value")).unwrap_or(name);
            let lower = bare.to_lowercase();
            let custom = || {
                let ending = format!("_{lower}");
                schema.columns().find(|(_, each)| each.custom && each.logical.ends_with(&ending))
            };
            let (column, definition) = schema
                .column(bare)
                .or_else(|| schema.column(&lower))
                .or_else(custom)
                .ok_or_else(|| format!("{} has no column {name}", kind.logical()))?;
            let label = value
                .as_str()
                .and_then(|label| definition.choices.iter().find(|choice| choice.label.eq_ignore_ascii_case(label)));
            let datum = match (value, label) {
                (Value::String(text), _) if text.is_empty() => Datum::Null,
                (_, Some(choice)) if definition.ty.is_choice() => Datum::Int(choice.value),
                (Value::String(text), _) if definition.ty.is_lookup() => self.target(definition, text)?,
                _ => retyped(definition, value).map_err(|why| format!("{name}: {why}"))?,
            };
            given.set(column, datum);
        }
        Ok(given)
    }

    /// The row a lookup is to lead to: the target table that has it.
    fn target(&self, column: &super::schema::Column, text: &str) -> Result<Datum, String> {
        let id = Guid::parse(text).ok_or_else(|| format!("{}: `{text}` is no id", column.logical))?;
        let mut targets = column.navs.iter().map(|nav| nav.target);
        let kind = targets.find(|target| self.row(*target, id, Sight::Latest).is_some());
        kind.map(|kind| Datum::Ref(kind, id)).ok_or_else(|| format!("{}: {id} is not there", column.logical))
    }

    /// The rows an action is about: `id`, `ids`, the `first` so many live ones, or `all` of them.
    pub fn chosen(&self, kind: Kind, body: &Body) -> Result<Vec<Guid>, String> {
        let count = match body.get("first").and_then(Value::as_u64) {
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => flag(body, "all").then_some(usize::MAX),
        };
        if let Some(count) = count {
            let live = self.ids(kind, None).filter(|id| self.row(kind, *id, Sight::Latest).is_some());
            return Ok(live.take(count).collect());
        }
        let each = |value: &Value| value.as_str().and_then(Guid::parse).ok_or_else(|| format!("{value} is no id"));
        match body.get("ids") {
            Some(Value::Array(ids)) => ids.iter().map(each).collect(),
            _ => Ok(vec![id(body, "id")?]),
        }
    }
}

/// A value as a form would send it: texts that are numbers, yes or no count as such.
fn retyped(column: &super::schema::Column, value: &Value) -> Result<Datum, String> {
    values::convert(column, value).or_else(|why| {
        let plain = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let text = (!value.is_string()).then(|| Value::from(value.to_string()));
        plain.or(text).and_then(|value| values::convert(column, &value).ok()).ok_or(why)
    })
}
