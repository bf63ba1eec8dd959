//! One record by its id, or by the key another system knows it by, and the records that hang on it.

use super::ids;
use super::kind::Kind;
use super::list_api::{MOST_FIELDS, if_modified_since};
use super::org::Org;
use super::records::Sight;
use super::refusal::Refusal;
use super::render::{json_text, listed, whole};
use super::schema::FieldId;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

impl Org {
    /// `GET /{module}/{id}`.
    pub fn read_one(&self, core: &Core, call: &Call, kind: Kind, text: &str) -> Result<Reply, Refusal> {
        let Some(id) = self.named_record(call, kind, text)? else { return Ok(Reply::empty(204)) };
        let Some(seen) = self.live(kind, id, Sight::At(core.now)) else { return Ok(Reply::empty(204)) };
        if if_modified_since(call)?.is_some_and(|since| seen.modified() <= since) {
            return Ok(Reply::empty(304));
        }
        let names = call.list("fields");
        if names.len() > MOST_FIELDS {
            return Err(Refusal::limit("fields", MOST_FIELDS as u64));
        }
        let record = if names.is_empty() {
            whole(self, &seen)
        } else {
            let fields: Vec<FieldId> =
                names.iter().filter_map(|name| self.schema(kind).visible(name).map(|(id, _)| id)).collect();
            let mut out = String::new();
            listed(&mut out, self, &seen, &fields);
            out
        };
        Ok(json_text(200, format!("{{\"data\":[{record}]}}")))
    }

    /// The record a path names, by its id or, under `X-EXTERNAL: {module}.{field}`, by that field's value. None when
    /// nothing has the key.
    ///
    /// # Errors
    /// `INVALID_DATA` for an id of another module, `INVALID_URL_PATTERN` for what is no id at all.
    pub fn named_record(&self, call: &Call, kind: Kind, text: &str) -> Result<Option<u64>, Refusal> {
        if let Some(field) = self.external_field(call, kind)? {
            return Ok(self.find(kind, field, &text.to_lowercase()).first().copied());
        }
        let id = ids::parse(text).ok_or_else(Refusal::no_such_url)?;
        match ids::kind_of(id) {
            Some(other) if other != kind => {
                Err(Refusal::invalid("the id given seems to be invalid").with("resource_path_index", 1))
            }
            _ => Ok(Some(id)),
        }
    }

    /// The key field an `X-EXTERNAL` header names.
    pub fn external_field(&self, call: &Call, kind: Kind) -> Result<Option<FieldId>, Refusal> {
        let Some(header) = call.headers.get("x-external").and_then(|value| value.to_str().ok()) else {
            return Ok(None);
        };
        let wrong = || Refusal::invalid("invalid data").with("header", "X-EXTERNAL");
        let (module, name) = header.split_once('.').ok_or_else(wrong)?;
        let field = self.schema(kind).visible(name).filter(|(_, field)| field.external && module == kind.name());
        field.map(|(id, _)| Some(id)).ok_or_else(wrong)
    }
}
