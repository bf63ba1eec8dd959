//! Field-level security: which fields the integration user sees, recomputed when permissions change.

use super::datum::Datum;
use super::ids::SYNC_USER;
use super::kind::Kind;
use super::org::Org;
use super::records::Sight;
use super::schema::{Access, Field, FieldId};
use crate::clock::{Millis, whole_second};

impl Org {
    /// Gives an object a field, as an admin or the Tooling API does; indexes and access follow.
    pub fn add_field(&mut self, now: Millis, kind: Kind, field: Field) -> FieldId {
        let indexed = field.is_indexed();
        let schema = self.schema_mut(kind);
        let id = schema.add(field);
        schema.changed_at = whole_second(now);
        if indexed {
            self.reindex(kind);
        }
        self.refresh_access(now);
        id
    }

    /// Sets `access` of every field that waits for a permission set, from the field permissions that are assigned.
    pub fn refresh_access(&mut self, now: Millis) {
        let waiting = Kind::ALL.into_iter().any(|kind| self.schema(kind).all_fields().any(|(_, f)| f.needs_permission));
        if !waiting {
            return;
        }
        let granted = self.granted();
        let open = !self.knobs.field_permissions;
        for kind in Kind::ALL {
            let fields: Vec<_> = self.schema(kind).all_fields().filter(|(_, f)| f.needs_permission).collect();
            let decided: Vec<_> = fields
                .into_iter()
                .map(|(id, field)| {
                    let name = format!("{}.{}", kind.name(), field.name).to_lowercase();
                    let best = granted.iter().filter(|(each, _)| *each == name).map(|(_, access)| *access).max();
                    (id, if open { Access::Edit } else { best.unwrap_or(Access::None) })
                })
                .collect();
            for (id, access) in decided {
                let schema = self.schema_mut(kind);
                let Some(field) = schema.field_mut(id).filter(|field| field.access != access) else { continue };
                field.access = access;
                schema.changed_at = whole_second(now);
            }
        }
    }

    /// `contact.cdp_score__c` and the access granted, once per assigned permission set.
    fn granted(&self) -> Vec<(String, Access)> {
        let live = |kind: Kind| self.numbers(kind, None).filter_map(move |n| self.live(kind, n, Sight::Latest));
        let assigned: Vec<Datum> = live(Kind::PermissionSetAssignment)
            .filter(|row| row.named("AssigneeId") == Datum::Id(SYNC_USER))
            .map(|row| row.named("PermissionSetId"))
            .collect();
        live(Kind::FieldPermissions)
            .filter(|row| assigned.contains(&row.named("ParentId")))
            .filter_map(|row| {
                let access = match (row.named("PermissionsRead").is_true(), row.named("PermissionsEdit").is_true()) {
                    (_, true) => Access::Edit,
                    (true, false) => Access::Read,
                    _ => return None,
                };
                Some((row.named("Field").as_str()?.to_lowercase(), access))
            })
            .collect()
    }
}
