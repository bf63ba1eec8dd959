//! Merging two records, and erasing one for privacy.

use std::sync::Arc;

use serde_json::{Value, json};

use super::input;
use super::kind::Kind;
use super::portal::Portal;
use super::records::{Seen, View};
use super::refusal::Refusal;
use super::render::Wanted;
use super::write::Pen;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

impl Portal {
    /// `POST /crm/objects/{type}/merge`.
    pub fn merge_call(&mut self, core: &mut Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        let field = |key: &str| {
            let id = input::id_text(body.get(key)).and_then(|text| text.parse().ok());
            id.ok_or_else(|| Refusal::validation(format!("Some required fields were not set: [{key}]")))
        };
        let survivor = self.merge(core, kind, field("primaryObjectId")?, field("objectIdToMerge")?, Pen::api(core))?;
        let seen = self.live(kind, survivor).ok_or_else(Refusal::not_found)?;
        Ok(Reply::json(200, &self.render(core, seen, &Wanted::default())))
    }

    /// Merges `secondary` into `primary`. For contacts and companies the survivor is a third record, unless the knob
    /// `merge_keeps_primary_id` is on; both old ids lead to it.
    pub fn merge(
        &mut self,
        core: &mut Core,
        kind: Kind,
        primary: u64,
        secondary: u64,
        pen: Pen,
    ) -> Result<u64, Refusal> {
        if primary == secondary {
            return Err(Refusal::validation("Cannot merge an object with itself"));
        }
        let (first, second) = (self.live(kind, primary), self.live(kind, secondary));
        let (Some(first), Some(second)) = (first, second) else { return Err(Refusal::not_found()) };
        let mut view = self.merged_view(first, second, pen);
        let merged = [first.get("hs_merged_object_ids"), second.get("hs_merged_object_ids")];
        let mut ids: Vec<String> = merged.iter().flatten().flat_map(|ids| ids.split(';')).map(str::to_owned).collect();
        let keeps = self.knobs.merge_keeps_primary_id || !matches!(kind, Kind::Contact | Kind::Company);
        let old_views = [(primary, first.to_view()), (secondary, second.to_view())];
        let survivor = if keeps { primary } else { self.table_mut(kind).fresh_id() };
        ids.extend([primary, secondary].iter().filter(|id| **id != survivor).map(u64::to_string));
        view.values.insert("hs_merged_object_ids".into(), ids.join(";").into());
        let mut links = Vec::new();
        // The primary's links come last, so that its primary company stays the primary one.
        for id in [secondary, primary] {
            self.release_unique(kind, id);
            for to in Kind::ALL {
                links.extend(self.associations.links(&self.people, (kind, id, to)).into_iter().map(|link| (to, link)));
            }
        }
        let before = json!({ "primary": primary.to_string(), "secondary": secondary.to_string() });
        for (id, mut old) in old_views.into_iter().filter(|(id, _)| *id != survivor) {
            old.merged_into = Some(survivor);
            old.modified = pen.at;
            self.store(core, kind, id, old, pen);
        }
        self.claim_unique(kind, survivor, &view);
        self.store(core, kind, survivor, view, pen);
        for (to, link) in links {
            self.associations.link(&self.people, (kind, survivor, to), link.to, &link.types);
        }
        self.lists.merged(kind, &[primary, secondary], survivor);
        let (record, by) = (survivor.to_string(), core.by());
        let after = json!({ "survivor": record });
        core.log(Change { op: "merge", object: kind.plural(), record: &record, before, after, by });
        Ok(survivor)
    }

    /// The values of a merged record: the primary's, and the secondary's where the primary has none.
    fn merged_view(&self, first: Seen<'_>, second: Seen<'_>, pen: Pen) -> View {
        let kind = first.kind;
        let stamps = [kind.created_property(), kind.modified_property(), "hs_object_id"];
        let mut view = View { created: first.created().min(second.created()), modified: pen.at, ..View::default() };
        let names = self.schema(kind).properties.values().filter(|p| !p.archived).map(|p| &p.name);
        for name in names.filter(|name| !stamps.contains(&&***name)) {
            // Empty is written down too: generated values of a kept primary must not shine through.
            let value = first.get(name).or_else(|| second.get(name)).unwrap_or_else(|| "".into());
            view.values.insert(name.clone(), value);
        }
        if kind == Kind::Contact {
            let (more, email, others) =
                (first.get("hs_additional_emails"), second.get("email"), second.get("hs_additional_emails"));
            let emails =
                other_emails(first.get("email").as_deref(), &[more.as_deref(), email.as_deref(), others.as_deref()]);
            view.values.insert("hs_additional_emails".into(), emails);
            // Misses chained merges, as the vendor's does: `hs_merged_object_ids` is the one to trust.
            let vids = format!("{}:{};{}:{}", first.id, pen.at, second.id, pen.at);
            view.values.insert("hs_calculated_merged_vids".into(), vids.into());
        }
        view
    }

    fn store(&mut self, core: &Core, kind: Kind, id: u64, view: View, pen: Pen) {
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core, kind, id));
        self.table_mut(kind).put(id, view, core.now, visible);
    }

    /// Takes the unique values of a record that comes into being whole; secondary addresses count as well.
    pub fn claim_unique(&mut self, kind: Kind, id: u64, view: &View) {
        let unique: Vec<_> =
            self.schema(kind).properties.values().filter(|p| p.unique).map(|p| p.name.clone()).collect();
        for name in unique {
            if let Some(value) = view.values.get(&name).filter(|value| !value.is_empty()) {
                self.table_mut(kind).claim(&name, value, id);
            }
        }
        let others = view.values.get("hs_additional_emails").cloned().unwrap_or_else(|| "".into());
        for email in others.split(';').filter(|email| !email.is_empty()) {
            self.table_mut(kind).claim(&"email".into(), email, id);
        }
    }

    /// `POST /crm/objects/contacts/gdpr-delete`.
    pub fn erase_call(&mut self, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        let id = input::id_text(body.get("objectId"));
        let id = id.ok_or_else(|| Refusal::validation("Some required fields were not set: [objectId]"))?;
        let id = self.find(Kind::Contact, &id, input::text(&body, "idProperty"))?;
        self.archive(core, Kind::Contact, id, Pen::api(core), true);
        Ok(Reply::empty(204))
    }

    /// Brings an archived record back.
    pub fn restore(&mut self, core: &mut Core, kind: Kind, id: u64, pen: Pen) -> Result<(), Refusal> {
        let seen = self.seen(kind, id).ok_or_else(Refusal::not_found)?;
        let mut view = seen.to_view();
        if view.archived.is_none() || view.erased || view.merged_into.is_some() {
            return Err(Refusal::validation(format!("{} {id} is not archived", kind.singular())));
        }
        view.archived = None;
        view.modified = pen.at;
        self.claim_unique(kind, id, &view);
        if kind == Kind::Contact
            && let Some(email) = seen_email(self, id)
        {
            self.table_mut(kind).claim(&"email".into(), &email, id);
        }
        self.store(core, kind, id, view, pen);
        let (record, by) = (id.to_string(), core.by());
        let (before, after): (Value, Value) = (json!({ "archived": true }), json!({ "archived": false }));
        core.log(Change { op: "update", object: kind.plural(), record: &record, before, after, by });
        Ok(())
    }
}

fn seen_email(portal: &Portal, id: u64) -> Option<Arc<str>> {
    portal.seen(Kind::Contact, id)?.get("email")
}

/// All the addresses but the primary one, each once.
fn other_emails(primary: Option<&str>, lists: &[Option<&str>]) -> Arc<str> {
    let mut kept: Vec<&str> = Vec::new();
    for list in lists.iter().copied().flatten() {
        for email in list.split(';').filter(|email| !email.is_empty() && Some(*email) != primary) {
            if !kept.contains(&email) {
                kept.push(email);
            }
        }
    }
    kept.join(";").into()
}
