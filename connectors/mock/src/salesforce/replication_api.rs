//! `sobjects/{T}/deleted` and `sobjects/{T}/updated`: Ids of what changed in a window of whole minutes.

use serde_json::{Value, json};

use super::ask::Ask;
use super::datum::json_instant;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::records::Sight;
use super::refusal::Refusal;
use crate::clock::{Millis, parse_iso};
use crate::desk::Core;
use crate::exchange::Reply;

const MINUTE: Millis = 60_000;
const DAY: Millis = 86_400_000;
/// How far back each may ask.
const DELETED_DAYS: i64 = 15;
const UPDATED_DAYS: i64 = 30;
const MAX_IDS: usize = 600_000;

/// `GET sobjects/{object}/deleted|updated?start=…&end=…`.
pub fn route(org: &Org, core: &Core, ask: &Ask<'_>, object: &str, what: &str) -> Result<Reply, Refusal> {
    let kind = Kind::parse(object).ok_or_else(Refusal::not_found)?;
    if !matches!(ask.method(), "GET" | "HEAD") {
        return Err(Refusal::wrong_method(ask.method()));
    }
    if !is_replicateable(kind) {
        let text = format!("Entity type {} is not supported for replication", kind.name());
        return Err(Refusal::new(400, "INVALID_TYPE_FOR_OPERATION", text));
    }
    let days = if what == "deleted" { DELETED_DAYS } else { UPDATED_DAYS };
    let window = window(core, ask, days)?;
    let body = if what == "deleted" { deleted(org, core, kind, window)? } else { updated(org, core, kind, window)? };
    Ok(Reply::json(200, &body))
}

/// The `replicateable` of a describe: what has a log of deletions.
pub fn is_replicateable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Organization
            | Kind::PermissionSet
            | Kind::FieldPermissions
            | Kind::PermissionSetAssignment
            | Kind::LeadStatus
            | Kind::OpportunityStage
            | Kind::AssignmentRule
    )
}

/// From the start's minute to the end's, the end not included: seconds are ignored.
fn window(core: &Core, ask: &Ask<'_>, days: i64) -> Result<(Millis, Millis), Refusal> {
    let start = instant(ask, "start")?;
    let end = instant(ask, "end")?;
    if end - start <= MINUTE {
        return Err(bad_window("startDate must precede endDate by more than one minute"));
    }
    if start < minute(core.now - days * DAY) {
        return Err(bad_window(&format!("startDate cannot be more than {days} days ago")));
    }
    Ok((start, end))
}

fn instant(ask: &Ask<'_>, name: &str) -> Result<Millis, Refusal> {
    let Some(text) = ask.call.parameter(name) else {
        return Err(Refusal::new(400, "MISSING_ARGUMENT", format!("{name} has to be specified")));
    };
    // An instant without an offset, or one whose `+` was sent bare and so became a space, says nothing.
    let normal = match text.len().checked_sub(5).and_then(|at| text.split_at_checked(at)) {
        Some((time, zone)) if zone.starts_with(['+', '-']) && !zone.contains(':') => {
            let (hours, minutes) = zone.split_at_checked(3).unwrap_or((zone, ""));
            format!("{time}{hours}:{minutes}")
        }
        _ => text.clone(),
    };
    let parsed = if normal.contains('T') { parse_iso(&normal) } else { None };
    parsed.map(minute).ok_or_else(|| bad_window(&format!("{name} is not a valid dateTime: {text}")))
}

fn minute(at: Millis) -> Millis {
    at.div_euclid(MINUTE) * MINUTE
}

fn bad_window(text: &str) -> Refusal {
    Refusal::new(400, "INVALID_REPLICATION_DATE", text)
}

fn deleted(org: &Org, core: &Core, kind: Kind, (start, end): (Millis, Millis)) -> Result<Value, Refusal> {
    let table = org.table(kind);
    let logged = table.deletions.iter().filter(|deletion| {
        let seen = org.seen(kind, deletion.number, Sight::At(core.now));
        (start..end).contains(&deletion.at)
            && deletion.at >= table.purged_before
            && deletion.visible_at <= core.now
            && seen.is_none_or(|seen| seen.is_deleted())
    });
    let mut found: Vec<(Millis, u64)> = logged.map(|deletion| (minute(deletion.at), deletion.number)).collect();
    found.sort_unstable();
    // Deleted, undeleted and deleted again: told once, with the last time.
    let mut last = std::collections::HashMap::new();
    last.extend(found.iter().map(|(at, number)| (*number, *at)));
    found.retain(|(at, number)| last.get(number) == Some(at));
    found.dedup();
    enough(found.len())?;
    let row = |(at, number): &(Millis, u64)| json!({ "id": Id::new(kind, *number).to_string(), "deletedDate": json_instant(*at) });
    let records: Vec<Value> = found.iter().map(row).collect();
    // Rounded up: what the purge's own minute lost is lost.
    let kept = minute(table.purged_before.saturating_add(MINUTE - 1)).max(minute(core.now - DELETED_DAYS * DAY));
    Ok(json!({
        "deletedRecords": records,
        "earliestDateAvailable": json_instant(kept),
        "latestDateCovered": json_instant(covered(org, core, kind, end)),
    }))
}

fn updated(org: &Org, core: &Core, kind: Kind, (start, end): (Millis, Millis)) -> Result<Value, Refusal> {
    let sight = Sight::At(core.now);
    let stamped = org.by_stamp(kind, start, end.saturating_sub(1), sight);
    let live = stamped.filter(|(_, number)| org.live(kind, *number, sight).is_some());
    let ids: Vec<String> = live.take(MAX_IDS + 1).map(|(_, number)| Id::new(kind, number).to_string()).collect();
    enough(ids.len())?;
    Ok(json!({ "ids": ids, "latestDateCovered": json_instant(covered(org, core, kind, end)) }))
}

fn enough(found: usize) -> Result<(), Refusal> {
    if found <= MAX_IDS {
        return Ok(());
    }
    Err(Refusal::new(400, "EXCEEDED_ID_LIMIT", format!("the window holds more than {MAX_IDS} ids; use a shorter one")))
}

/// The end, or now if that is earlier, and never past the start of a transaction whose changes cannot be seen yet.
fn covered(org: &Org, core: &Core, kind: Kind, end: Millis) -> Millis {
    let running = core.now.saturating_sub(org.knobs.open_transaction_s.saturating_mul(1_000));
    let hidden = org.table(kind).earliest_hidden(core.now).unwrap_or(Millis::MAX);
    minute(end.min(core.now).min(running).min(hidden))
}
