//! `GET /settings/fields`, and making, changing and deleting custom fields.

use serde_json::{Value, json};

use super::fields_json::{field_id, field_json};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::schema::{Field, FieldId};
use crate::exchange::{Call, Reply};

impl Org {
    pub fn list_fields(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        if call.parameter("type").is_some_and(|kind| kind == "unused") {
            return Ok(Reply::empty(204));
        }
        // What the profile does not see is not described.
        let visible = self.schema(kind).all().filter(|(_, field)| field.is_visible());
        let fields: Vec<Value> = visible.map(|field| field_json(self, kind, field)).collect();
        Ok(Reply::json(200, &json!({ "fields": fields })))
    }

    pub fn read_field(&self, call: &Call, id: &str) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        Ok(match self.field_by_id(kind, id)? {
            Some(field) => Reply::json(200, &json!({ "fields": [field_json(self, kind, field)] })),
            None => Reply::empty(204),
        })
    }

    pub fn field_by_id(&self, kind: Kind, text: &str) -> Result<Option<(FieldId, &Field)>, Refusal> {
        let wanted = ids::parse(text).ok_or_else(Refusal::no_such_url)?;
        Ok(self.schema(kind).all().find(|(id, _)| field_id(kind, *id) == wanted))
    }
}
