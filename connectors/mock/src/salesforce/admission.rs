//! What may still stop a row that is right in itself: a planned fault, a lock another transaction holds, a duplicate rule.

use super::check::Draft;
use super::datum::Datum;
use super::ids::Id;
use super::kind::Kind;
use super::locks;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::{Refusal, RowError};
use crate::desk::Core;
use crate::row_faults::{self, Row, RowFault};

/// Codes a planned fault may carry.
const CODES: [&str; 18] = [
    "UNABLE_TO_LOCK_ROW",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "APEX_ERROR",
    "STORAGE_LIMIT_EXCEEDED",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "ENTITY_IS_LOCKED",
    "ENTITY_IS_DELETED",
    "DUPLICATES_DETECTED",
    "DUPLICATE_VALUE",
    "FIELD_INTEGRITY_EXCEPTION",
    "INVALID_CROSS_REFERENCE_KEY",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "UNKNOWN_EXCEPTION",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
];

/// The code of that name; one not known is `UNKNOWN_EXCEPTION`.
fn code(name: &str) -> &'static str {
    CODES.into_iter().find(|code| *code == name).unwrap_or("UNKNOWN_EXCEPTION")
}

/// # Errors
/// A code no row is refused with.
pub fn check_fault(fault: &RowFault) -> Result<(), String> {
    match CODES.contains(&fault.code.as_str()) {
        true => Ok(()),
        false => Err(format!("row_faults: unknown code `{}`; one of {}", fault.code, CODES.join(", "))),
    }
}

/// References whose target is locked with the row.
fn parent_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contact => &["AccountId"],
        Kind::Opportunity => &["AccountId", "CampaignId"],
        Kind::OpportunityContactRole => &["OpportunityId", "ContactId"],
        Kind::OpportunityLineItem => &["OpportunityId"],
        Kind::Task | Kind::Event => &["WhoId", "WhatId"],
        Kind::CampaignMember => &["CampaignId", "ContactId", "LeadId"],
        _ => &[],
    }
}

impl Org {
    /// Lets a row that is about to be written pass, or not. The CRM's own writes and people's always pass.
    ///
    /// # Errors
    /// The planned refusal, `UNABLE_TO_LOCK_ROW` or `DUPLICATES_DETECTED`.
    pub fn admit(&mut self, core: &Core, draft: &Draft, pen: &Pen) -> Result<(), RowError> {
        if pen.system {
            return Ok(());
        }
        self.strike(draft)?;
        self.lock(core, draft.kind, draft.number, Some(draft))?;
        let rules = &self.knobs.duplicate_rules;
        if rules.iter().any(|rule| rule.object.eq_ignore_ascii_case(draft.kind.name())) {
            self.check_duplicates(draft.kind, draft.number, &|field| self.drafted(draft, field), pen)?;
        }
        Ok(())
    }

    /// The same for a deletion, which no rule looks at.
    ///
    /// # Errors
    /// As [`Org::admit`].
    pub fn admit_deletion(&mut self, core: &Core, kind: Kind, number: u64, pen: &Pen) -> Result<(), RowError> {
        if pen.system {
            return Ok(());
        }
        self.strike(&Draft { kind, number: Some(number), cells: Vec::new() })?;
        self.lock(core, kind, Some(number), None)
    }

    fn strike(&mut self, draft: &Draft) -> Result<(), RowError> {
        if self.knobs.row_faults.is_empty() {
            return Ok(());
        }
        // Taken out while they are matched: they look at the org they are part of.
        let mut faults = std::mem::take(&mut self.knobs.row_faults);
        let written = |field: &str| {
            let (id, _) = self.schema(draft.kind).any(field)?;
            draft.written(id).map(Datum::csv)
        };
        let id = draft.number.map(|number| Id::new(draft.kind, number).to_string());
        let row = Row { object: draft.kind.name(), id, written: &written };
        let struck = row_faults::strike(&mut faults, &row).map(|fault| {
            let fields: Vec<&str> = fault.fields.iter().map(String::as_str).collect();
            Refusal::row(code(&fault.code), fault.message.clone(), &fields)
        });
        self.knobs.row_faults = faults;
        struck.map_or(Ok(()), Err)
    }

    fn lock(&mut self, core: &Core, kind: Kind, number: Option<u64>, draft: Option<&Draft>) -> Result<(), RowError> {
        if !self.knobs.locks.is_on() {
            return Ok(());
        }
        let mut parents = Vec::new();
        for name in parent_fields(kind) {
            let now = number.and_then(|number| self.seen(kind, number, Sight::Latest)).map(|seen| seen.named(name));
            let then = draft.map(|draft| self.drafted(draft, name));
            parents.extend([now, then].into_iter().flatten().filter_map(|datum| datum.as_id()));
        }
        let transaction = self.locks.transaction(core.request);
        let record = number.map(|number| Id::new(kind, number));
        let knobs = &self.knobs.locks;
        let taken = self.locks.take(knobs, (core.seed, core.now, transaction), record, &parents);
        taken.map_err(|held| Refusal::row("UNABLE_TO_LOCK_ROW", locks::message(held), &[]))
    }
}
