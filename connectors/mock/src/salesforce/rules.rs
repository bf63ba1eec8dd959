//! What the CRM itself knows about its objects: who may stand beside whom, what is derived from what, and what is done
//! after a save.

use serde_json::json;

use super::check::Draft;
use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::knobs::Assignment;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::{Refusal, RowError};
use crate::chance;
use crate::clock::whole_second;
use crate::desk::Core;

const ASSIGNED: u64 = 0xa551;

impl Org {
    /// Checks and completes a draft by the rules of its object. Duplicate rules and row locks have their say here, too.
    pub fn before_save(&mut self, core: &mut Core, draft: &mut Draft, pen: &Pen) -> Result<(), RowError> {
        match draft.kind {
            Kind::Lead => self.assign(core, draft, pen),
            Kind::Opportunity => self.derive_stage(draft, pen),
            Kind::Task => return self.check_task(draft, pen),
            Kind::Event => return self.check_event(draft),
            Kind::CampaignMember => return self.check_member(draft),
            Kind::FieldPermissions => return self.check_permission(draft),
            Kind::PermissionSet | Kind::PermissionSetAssignment => return self.check_setup_unique(draft),
            _ => {}
        }
        Ok(())
    }

    /// A lead's owner, where assignment rules may touch it: by the rule, whatever the caller sent.
    fn assign(&self, core: &Core, draft: &mut Draft, pen: &Pen) {
        if pen.system || !pen.auto_assign {
            return;
        }
        let owner = match self.knobs.lead_assignment {
            Assignment::Off => return,
            Assignment::DefaultOwner => self.rep(0),
            Assignment::Rule => {
                let which = draft.number.unwrap_or(self.table(Kind::Lead).revision);
                // Never the default owner, so that a test can tell the two apart.
                self.rep(1 + chance::below(core.seed, ASSIGNED, which, (self.reps.len() as u64).saturating_sub(1)))
            }
        };
        self.draft_set(draft, "OwnerId", Datum::Id(owner));
    }

    fn derive_stage(&self, draft: &mut Draft, pen: &Pen) {
        if !self.writes(draft, "StageName") {
            return;
        }
        let stage = self.drafted(draft, "StageName");
        let stages = self.numbers(Kind::OpportunityStage, None);
        let known = stages
            .filter_map(|number| self.live(Kind::OpportunityStage, number, Sight::Latest))
            .find(|row| row.named("MasterLabel").key(false) == stage.key(false));
        let of = |name: &str, other: Datum| known.map_or(other, |row| row.named(name));
        let closed = of("IsClosed", Datum::Bool(false));
        let won = of("IsWon", Datum::Bool(false));
        let probability = of("DefaultProbability", Datum::Number(0.into()));
        let category = of("ForecastCategory", Datum::text("Pipeline"));
        let changed = self.schema(Kind::Opportunity).any("StageName").map(|(field, _)| self.before(draft, field));
        self.draft_set(draft, "IsClosed", closed);
        self.draft_set(draft, "IsWon", won);
        self.draft_set(draft, "ForecastCategory", category);
        if !self.writes(draft, "Probability") {
            self.draft_set(draft, "Probability", probability);
        }
        if !draft.is_new() && changed.is_some_and(|before| before != stage) {
            self.draft_set(draft, "LastStageChangeDate", Datum::Instant(whole_second(pen.at)));
        }
    }

    fn check_task(&self, draft: &mut Draft, pen: &Pen) -> Result<(), RowError> {
        self.check_who_and_what(draft)?;
        let was = draft.number.and_then(|number| self.seen(Kind::Task, number, Sight::Latest));
        let was_closed = was.is_some_and(|seen| seen.named("IsClosed").is_true());
        let closed = self.drafted(draft, "Status").as_str() == Some("Completed");
        let high = self.drafted(draft, "Priority").as_str() == Some("High");
        self.draft_set(draft, "IsClosed", Datum::Bool(closed));
        self.draft_set(draft, "IsHighPriority", Datum::Bool(high));
        if closed && !was_closed {
            self.draft_set(draft, "CompletedDateTime", Datum::Instant(whole_second(pen.at)));
        }
        Ok(())
    }

    fn check_event(&self, draft: &mut Draft) -> Result<(), RowError> {
        self.check_who_and_what(draft)?;
        let all_day = self.drafted(draft, "IsAllDayEvent").is_true();
        let start = self.drafted(draft, "StartDateTime");
        if !all_day && start.is_null() {
            let message = "Required fields are missing: [StartDateTime]";
            return Err(Refusal::row("REQUIRED_FIELD_MISSING", message, &["StartDateTime"]));
        }
        let (Datum::Instant(start), end) = (start, self.drafted(draft, "EndDateTime")) else { return Ok(()) };
        match (end, self.drafted(draft, "DurationInMinutes")) {
            (Datum::Instant(end), _) if end < start => {
                let message = "Event duration cannot be negative: the end is before the start";
                return Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &["EndDateTime"]));
            }
            (Datum::Instant(end), _) => self.draft_set(draft, "DurationInMinutes", Datum::Int((end - start) / 60_000)),
            (_, Datum::Int(minutes)) => {
                let end = start.saturating_add(minutes.saturating_mul(60_000));
                self.draft_set(draft, "EndDateTime", Datum::Instant(end));
            }
            _ => {
                let message = "Required fields are missing: [DurationInMinutes]";
                return Err(Refusal::row("REQUIRED_FIELD_MISSING", message, &["DurationInMinutes"]));
            }
        }
        self.draft_set(draft, "ActivityDateTime", Datum::Instant(start));
        Ok(())
    }

    /// A lead stands alone; whose account an activity belongs to follows from the rest.
    fn check_who_and_what(&self, draft: &mut Draft) -> Result<(), RowError> {
        let (who, what) = (self.drafted(draft, "WhoId").as_id(), self.drafted(draft, "WhatId").as_id());
        if who.and_then(Id::kind) == Some(Kind::Lead) && what.is_some() {
            let message = "You can't specify a WhatId when the WhoId is a lead: leads are related to nothing";
            return Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &["WhatId"]));
        }
        let account_of = |id: Id| {
            if id.kind() == Some(Kind::Account) {
                return Some(id);
            }
            self.by_id(id, Sight::Latest)?.named("AccountId").as_id()
        };
        let account = what.and_then(account_of).or_else(|| who.and_then(account_of));
        self.draft_set(draft, "AccountId", account.map_or(Datum::Null, Datum::Id));
        Ok(())
    }

    fn check_member(&self, draft: &mut Draft) -> Result<(), RowError> {
        let campaign = self.drafted(draft, "CampaignId");
        let (contact, lead) = (self.drafted(draft, "ContactId"), self.drafted(draft, "LeadId"));
        if draft.is_new() {
            let key = match (contact.is_null(), lead.is_null()) {
                (false, true) => "ContactId",
                (true, false) => "LeadId",
                _ => {
                    let message = "Exactly one of ContactId and LeadId is needed for a campaign member";
                    return Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &["ContactId", "LeadId"]));
                }
            };
            let person = if key == "LeadId" { &lead } else { &contact };
            if self.first_with(Kind::CampaignMember, &[(key, person), ("CampaignId", &campaign)]).is_some() {
                return Err(Refusal::row("DUPLICATE_VALUE", "Already a campaign member.", &[]));
            }
        }
        let statuses = self.all_with(Kind::CampaignMemberStatus, "CampaignId", &campaign);
        let label = self.drafted(draft, "Status");
        let status =
            statuses.iter().filter_map(|n| self.live(Kind::CampaignMemberStatus, *n, Sight::Latest)).find(|row| {
                if label.is_null() {
                    row.named("IsDefault").is_true()
                } else {
                    row.named("Label").key(false) == label.key(false)
                }
            });
        if let Some(status) = status {
            self.draft_set(draft, "Status", status.named("Label"));
            self.draft_set(draft, "HasResponded", status.named("HasResponded"));
        }
        Ok(())
    }

    fn check_permission(&self, draft: &mut Draft) -> Result<(), RowError> {
        let name = self.drafted(draft, "Field");
        let name = name.as_str().unwrap_or_default();
        let found = name
            .split_once('.')
            .and_then(|(object, field)| Some((Kind::parse(object)?, field)))
            .and_then(|(kind, field)| self.schema(kind).any(field));
        let Some((_, field)) =
            found.filter(|(_, field)| field.nillable || field.ty == super::schema::FieldType::Boolean)
        else {
            let message = format!("Field Name: bad value for restricted picklist field: {name}");
            return Err(Refusal::row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &["Field"]));
        };
        if self.drafted(draft, "PermissionsEdit").is_true() && !self.drafted(draft, "PermissionsRead").is_true() {
            let message = format!("Permission to edit {} needs permission to read it", field.name);
            return Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &["PermissionsEdit"]));
        }
        let parent = self.drafted(draft, "ParentId");
        let field = self.drafted(draft, "Field");
        if draft.is_new()
            && self.first_with(Kind::FieldPermissions, &[("ParentId", &parent), ("Field", &field)]).is_some()
        {
            return Err(Refusal::row(
                "DUPLICATE_VALUE",
                "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
                &[],
            ));
        }
        Ok(())
    }

    fn check_setup_unique(&self, draft: &Draft) -> Result<(), RowError> {
        if !draft.is_new() {
            return Ok(());
        }
        let names: &[&str] =
            if draft.kind == Kind::PermissionSet { &["Name"] } else { &["AssigneeId", "PermissionSetId"] };
        let values: Vec<_> = names.iter().map(|name| (*name, self.drafted(draft, name))).collect();
        let wanted: Vec<_> = values.iter().map(|(name, datum)| (*name, datum)).collect();
        let Some(other) = self.first_with(draft.kind, &wanted) else { return Ok(()) };
        let (field, id) = (names.first().copied().unwrap_or_default(), Id::new(draft.kind, other));
        let message = format!("duplicate value found: {field} duplicates value on record with id: {id}");
        Err(Refusal::row("DUPLICATE_VALUE", message, &[field]))
    }

    /// What follows from a save that was applied.
    pub fn after_save(&mut self, core: &mut Core, draft: &Draft, number: u64, pen: &Pen) -> Result<(), RowError> {
        let own = Pen { system: true, by: crate::ledger::By::Workflow, ..*pen };
        match draft.kind {
            Kind::Campaign if draft.is_new() => {
                for (order, label, default) in [(3, "Sent", true), (4, "Responded", false)] {
                    let given = Given(vec![
                        ("CampaignId".into(), text(Id::new(Kind::Campaign, number))),
                        ("Label".into(), Raw::Json(json!(label))),
                        ("SortOrder".into(), Raw::Json(json!(order))),
                        ("IsDefault".into(), Raw::Json(json!(default))),
                        ("HasResponded".into(), Raw::Json(json!(!default))),
                    ]);
                    self.insert(core, &own, Kind::CampaignMemberStatus, &given)?;
                }
            }
            Kind::Opportunity if draft.is_new() => {
                if let Some(contact) = self.drafted(draft, "ContactId").as_id() {
                    let given = Given(vec![
                        ("OpportunityId".into(), text(Id::new(Kind::Opportunity, number))),
                        ("ContactId".into(), text(contact)),
                        ("IsPrimary".into(), Raw::Json(json!(true))),
                    ]);
                    self.insert(core, &own, Kind::OpportunityContactRole, &given)?;
                }
            }
            Kind::OpportunityLineItem if draft.is_new() => {
                if let Some(deal) = self.drafted(draft, "OpportunityId").as_id() {
                    let given = Given(vec![("HasOpportunityLineItem".into(), Raw::Json(json!(true)))]);
                    self.update(core, &own, Kind::Opportunity, &deal.to_string(), &given)?;
                }
            }
            Kind::OpportunityContactRole if self.writes(draft, "IsPrimary") => {
                self.clear_other_primaries(core, number, &own)?;
            }
            Kind::FieldPermissions | Kind::PermissionSetAssignment => self.refresh_access(core.now),
            _ => {}
        }
        Ok(())
    }

    fn clear_other_primaries(&mut self, core: &mut Core, number: u64, own: &Pen) -> Result<(), RowError> {
        let kind = Kind::OpportunityContactRole;
        let Some(seen) = self.live(kind, number, Sight::Latest).filter(|s| s.named("IsPrimary").is_true()) else {
            return Ok(());
        };
        let siblings = self.all_with(kind, "OpportunityId", &seen.named("OpportunityId"));
        for other in siblings.into_iter().filter(|other| *other != number) {
            if self.live(kind, other, Sight::Latest).is_some_and(|seen| seen.named("IsPrimary").is_true()) {
                let given = Given(vec![("IsPrimary".into(), Raw::Json(json!(false)))]);
                self.update(core, own, kind, &Id::new(kind, other).to_string(), &given)?;
            }
        }
        Ok(())
    }

    /// What goes with a deleted record.
    pub fn cascade(&mut self, core: &mut Core, pen: &Pen, kind: Kind, number: u64) {
        let children: &[(Kind, &str)] = match kind {
            Kind::Account if self.knobs.cascade_account_delete => {
                &[(Kind::Contact, "AccountId"), (Kind::Opportunity, "AccountId")]
            }
            Kind::Contact => &[(Kind::OpportunityContactRole, "ContactId"), (Kind::CampaignMember, "ContactId")],
            Kind::Lead => &[(Kind::CampaignMember, "LeadId")],
            Kind::Opportunity => {
                &[(Kind::OpportunityContactRole, "OpportunityId"), (Kind::OpportunityLineItem, "OpportunityId")]
            }
            Kind::Campaign => &[(Kind::CampaignMember, "CampaignId"), (Kind::CampaignMemberStatus, "CampaignId")],
            Kind::PermissionSet => {
                &[(Kind::FieldPermissions, "ParentId"), (Kind::PermissionSetAssignment, "PermissionSetId")]
            }
            _ => &[],
        };
        let parent = Datum::Id(Id::new(kind, number));
        for (child, field) in children {
            for number in self.all_with(*child, field, &parent) {
                self.remove(core, pen, *child, number, None);
            }
        }
    }

    pub fn after_remove(&mut self, core: &Core, kind: Kind) {
        if matches!(kind, Kind::FieldPermissions | Kind::PermissionSetAssignment | Kind::PermissionSet) {
            self.refresh_access(core.now);
        }
    }

    /// Live records whose indexed field has this value, as the write path sees them.
    pub fn all_with(&self, kind: Kind, field: &str, datum: &Datum) -> Vec<u64> {
        let Some((field, _)) = self.schema(kind).any(field) else { return Vec::new() };
        let mut found = self.find(kind, field, datum, Sight::Latest);
        found.retain(|number| self.live(kind, *number, Sight::Latest).is_some());
        found
    }

    /// The first live record with all these values; looks through an index where the first field has one.
    fn first_with(&self, kind: Kind, wanted: &[(&str, &Datum)]) -> Option<u64> {
        let (first, datum) = wanted.first()?;
        let indexed = self.schema(kind).any(first).is_some_and(|(_, field)| field.is_indexed());
        let candidates = if indexed { self.all_with(kind, first, datum) } else { self.numbers(kind, None).collect() };
        candidates.into_iter().find(|number| {
            self.live(kind, *number, Sight::Latest)
                .is_some_and(|row| wanted.iter().all(|(name, datum)| row.named(name).key(false) == datum.key(false)))
        })
    }
}

fn text(id: Id) -> Raw {
    Raw::Json(json!(id.to_string()))
}
