//! Records that exist and are to be given to somebody: their people entered the band, or whoever had them did not answer. Who it is
//! is decided later, when the record has been looked at; until then the intent holds a wish.

use std::sync::Arc;

use connector::{FieldName, Fields, Object, Value};

use super::Push;
use crate::model::{Cause, Change, LinkedRecord};
use crate::routing::Breach;
use crate::store::StageItem;

/// What a plan shows in place of an owner who is not named yet.
const LATER: &str = "whom routing names";

/// When a record is to be given to somebody.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    owner: FieldName,
    line: Arc<str>,
    band: Option<Arc<str>>,
    keeps_owner: bool,
    reroutes: bool,
}

impl Push<'_> {
    /// `None` where nobody routes records of this object.
    pub(super) fn wishes(&self) -> Option<Wishes> {
        let rules = self.routing.as_ref()?;
        let object = &self.mapping.object;
        let owner = self.connector.capability().owner_field(object)?.clone();
        let by_hand = self.mapping.of_field(&owner).any(|mapping| mapping.direction.pushes());
        (matches!(object, Object::Contact | Object::Lead) && !by_hand).then(|| Wishes {
            line: format!("{object}.owner → {owner}").into(),
            owner,
            band: rules.on.clone(),
            keeps_owner: rules.keep_owner,
            reroutes: rules.sla.is_some_and(|sla| sla.on_breach == Breach::Reroute),
        })
    }
}

impl Wishes {
    pub(super) fn of(&self, item: &StageItem, record: &LinkedRecord, live: Option<&Fields>) -> Option<Change> {
        let has_entered = self.band.as_ref().is_some_and(|band| item.ready.contains(band));
        let is_late = self.reroutes && item.is_late;
        if !has_entered && !is_late {
            return None;
        }
        let seen = || record.mirror.get(&self.owner).and_then(|field| field.seen.clone());
        let from = live.and_then(|fields| fields.get(&self.owner)).cloned().or_else(seen).map_or(Value::Null, owner);
        Some(Change {
            field: self.owner.clone(),
            overwrites: !self.keeps_owner && !is_late && !from.is_null(),
            from,
            to: Value::from(LATER),
            cause: Cause { mapping: self.line.clone(), origin: Cause::ROUTING.into() },
        })
    }
}

/// Whose a record is, nobody's where the CRM says nothing.
pub(super) fn owner(held: Value) -> Value {
    if held.as_text().is_some_and(str::is_empty) { Value::Null } else { held }
}
