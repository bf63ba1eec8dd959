//! The body of a write: properties by their exact names, lookups by their navigation properties.

use serde_json::{Map, Value};

use super::address::{self, Key};
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::records::ID;
use super::refusal::Refusal;
use super::schema::ColumnId;
use super::values;
use crate::clock::Millis;
use crate::versions::Sight;

/// What a body asks for.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub cells: Vec<(ColumnId, Datum)>,
    /// The row's own id, when the body has it.
    pub id: Option<Guid>,
    /// `@odata.id`: how UpsertMultiple names a row.
    pub named: Option<String>,
    pub typed: bool,
}

impl Given {
    pub fn get(&self, column: ColumnId) -> Option<&Datum> {
        self.cells.iter().find(|(each, _)| *each == column).map(|(_, datum)| datum)
    }

    pub fn set(&mut self, column: ColumnId, datum: Datum) {
        match self.cells.iter_mut().find(|(each, _)| *each == column) {
            Some(cell) => cell.1 = datum,
            None => self.cells.push((column, datum)),
        }
    }
}

/// Rows made in this change set, by their Content-ID: `$1`.
pub type Made = Vec<(String, Kind, Guid)>;

pub struct Reader<'a> {
    pub org: &'a Org,
    pub now: Millis,
    pub made: &'a Made,
}

/// The body as an object.
///
/// # Errors
/// 400 for anything else.
pub fn object(set: &str, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refusal::payload(
            set,
            "An unexpected 'StartArray' node was found when reading from the JSON reader. A 'StartObject' node was expected.",
        )),
        Err(_) if body.is_empty() => Err(Refusal::payload(set, "Stream was not readable.")),
        Err(why) => Err(Refusal::payload(set, format!("Invalid JSON. {why}"))),
    }
}

impl Reader<'_> {
    /// # Errors
    /// 400 for names and types the model does not have, 404 where a bound row is not there.
    pub fn read(&self, kind: Kind, body: &Map<String, Value>) -> Result<Given, Refusal> {
        let mut given = Given::default();
        for (name, value) in body {
            match name.split_once('@') {
                Some(("", "odata.type")) => {
                    let wanted = format!("Microsoft.Dynamics.CRM.{}", kind.logical());
                    let said = value.as_str().unwrap_or("").trim_start_matches('#').to_owned();
                    if said != wanted {
                        let message = format!("A type named '{said}' could not be resolved by the model.");
                        return Err(Refusal::payload(kind.set(), message));
                    }
                    given.typed = true;
                }
                Some(("", "odata.id")) => given.named = value.as_str().map(str::to_owned),
                Some((nav, "odata.bind")) => self.bind(kind, nav, value, &mut given)?,
                Some(_) => {}
                None => self.property(kind, name, value, &mut given)?,
            }
        }
        Ok(given)
    }

    fn property(&self, kind: Kind, name: &str, value: &Value, given: &mut Given) -> Result<(), Refusal> {
        let schema = self.org.schema(kind);
        let set = kind.set();
        let Some((column, definition)) = schema.property(name) else {
            if schema.nav(name).is_some() || schema.column(name).is_some_and(|(_, column)| column.ty.is_lookup()) {
                let message = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.";
                return Err(Refusal::payload(set, message));
            }
            let inner = format!(
                "An error occurred while validating input parameters: Microsoft.OData.ODataException: Could not find a \
                 property named '{name}' on type 'Microsoft.Dynamics.CRM.{}'",
                kind.logical()
            );
            return Err(Refusal::payload(set, inner));
        };
        if definition.ty.is_lookup() {
            let message =
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.";
            return Err(Refusal::payload(set, message));
        }
        let datum = values::convert(definition, value).map_err(|message| Refusal::payload(set, message))?;
        if column == ID {
            given.id = match datum {
                Datum::Guid(id) => Some(id),
                _ => None,
            };
            return Ok(());
        }
        given.set(column, datum);
        Ok(())
    }

    /// `"nav@odata.bind": "/accounts(…)"`; null clears.
    fn bind(&self, kind: Kind, nav: &str, value: &Value, given: &mut Given) -> Result<(), Refusal> {
        let schema = self.org.schema(kind);
        let Some((column, _)) = schema.nav(nav) else {
            let message = format!(
                "An undeclared property '{nav}' which only has property annotations in the payload but no property value was \
                 found in the payload. In OData, only declared navigation properties and declared named streams can be \
                 represented as properties without values."
            );
            return Err(Refusal::payload(kind.set(), message));
        };
        let datum = match value {
            Value::Null => Datum::Null,
            Value::String(place) => {
                let (target, id) = self.place(place)?;
                let navs = schema.get(column).map_or(&[][..], |column| column.navs.as_slice());
                if !navs.iter().any(|each| each.name == nav && each.target == target) {
                    let message =
                        format!("The property '{nav}' cannot be set to a row of type '{}'.", target.logical());
                    return Err(Refusal::payload(kind.set(), message));
                }
                Datum::Ref(target, id)
            }
            _ => {
                return Err(Refusal::payload(kind.set(), format!("The value of '{nav}@odata.bind' must be a string.")));
            }
        };
        given.set(column, datum);
        Ok(())
    }

    /// The row an address in a body names: `/accounts(…)`, `accounts(…)`, a whole URL, `$1`.
    ///
    /// # Errors
    /// 400 for an address of nothing, 404 for a row that is not there.
    pub fn place(&self, place: &str) -> Result<(Kind, Guid), Refusal> {
        if let Some(reference) = place.strip_prefix('$') {
            let made = self.made.iter().find(|(content, ..)| content == reference);
            return made.map(|(_, kind, id)| (*kind, *id)).ok_or_else(|| no_reference(place));
        }
        let path =
            place.split_once("/api/data/v").and_then(|(_, rest)| rest.split_once('/')).map_or(place, |(_, rest)| rest);
        let segments = address::segments(path)?;
        let [segment] = segments.as_slice() else {
            return Err(Refusal::query(format!("Invalid URI in a bind: '{place}'.")));
        };
        let kind = Kind::of_set(&segment.name).ok_or_else(|| Refusal::no_segment(&segment.name))?;
        let key = Key::parse(segment.key.as_deref().unwrap_or(""))?;
        Ok((kind, self.org.existing(kind, &key, self.now, Sight::Latest)?))
    }
}

pub fn no_reference(place: &str) -> Refusal {
    Refusal::query(format!("Content-ID Reference: '{place}' does not exist in the batch context."))
}
