//! Tasks and events as what they are to people: calls, meetings, e-mails and tasks. A logged call or e-mail is a task that has
//! been completed; only its subtype, or what somebody chose as its type, says so.

use connector::{ActivityDirection, ActivityFacts, ActivityKind, RecordId, Timestamp, has_own_mark, headline};

use crate::convert::midnight;
use crate::rows::Row;
use crate::wanted::Wanted;

/// Fields of tasks and events; each lacks some.
pub(crate) const NEEDS: &[&str] = &[
    "WhoId",
    "WhatId",
    "OwnerId",
    "Subject",
    "Description",
    "ActivityDate",
    "ActivityDateTime",
    "StartDateTime",
    "IsClosed",
    "CompletedDateTime",
    "TaskSubtype",
    "Type",
    "CallType",
];

pub(crate) fn facts(row: &Row, wanted: &Wanted) -> ActivityFacts {
    let text = |name: &str| row.text(wanted, name).map(|text| &**text);
    // Only tasks can be closed.
    let is_task = wanted.find("IsClosed", 0).is_some();
    let of_type = match text("Type") {
        Some("Call") => Some(ActivityKind::Call),
        Some("Email") => Some(ActivityKind::Email),
        Some("Meeting") => Some(ActivityKind::Meeting),
        _ => None,
    };
    let kind = match text("TaskSubtype") {
        _ if !is_task => of_type.unwrap_or(ActivityKind::Meeting),
        Some("Call") => ActivityKind::Call,
        Some("Email" | "ListEmail") => ActivityKind::Email,
        _ => of_type.unwrap_or(ActivityKind::Task),
    };
    let day = || row.cell(wanted, "ActivityDate").and_then(midnight);
    let done = !is_task || row.flag(wanted, "IsClosed");
    let completed = || row.instant(wanted, "CompletedDateTime").filter(|_| done);
    let starts = || row.instant(wanted, "StartDateTime").or_else(|| row.instant(wanted, "ActivityDateTime"));
    let at: Option<Timestamp> = if is_task { completed().or_else(day) } else { starts().or_else(day) };
    ActivityFacts {
        kind,
        direction: match text("CallType") {
            Some("Inbound") => Some(ActivityDirection::In),
            Some("Outbound") => Some(ActivityDirection::Out),
            _ => None,
        },
        subject: text("Subject").and_then(headline),
        at,
        done,
        owner: text("OwnerId").map(RecordId::from),
        ours: text("Description").is_some_and(has_own_mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;
    use crate::schema::tests::described_from;

    fn read(sobject: &str, fields: &str, record: &str) -> ActivityFacts {
        let wanted = Wanted::new(sobject, &[], &described_from(fields));
        let page = format!(r#"{{"done":true,"records":[{record}]}}"#);
        facts(&Rows::from_json(page.as_bytes(), &wanted).unwrap().rows[0], &wanted)
    }

    const TASK: &str = r#"{"fields":[{"name":"Id","type":"id"},{"name":"Subject","type":"combobox"},
        {"name":"Description","type":"textarea"},{"name":"ActivityDate","type":"date"},{"name":"IsClosed","type":"boolean"},
        {"name":"CompletedDateTime","type":"datetime"},{"name":"TaskSubtype","type":"picklist"},
        {"name":"Type","type":"picklist"},{"name":"CallType","type":"picklist"},{"name":"OwnerId","type":"reference"}]}"#;
    const EVENT: &str = r#"{"fields":[{"name":"Id","type":"id"},{"name":"Subject","type":"combobox"},
        {"name":"StartDateTime","type":"datetime"},{"name":"ActivityDate","type":"date"},{"name":"Type","type":"picklist"}]}"#;

    #[test]
    fn a_logged_call_took_place_when_it_was_completed() {
        let call = read(
            "Task",
            TASK,
            r#"{"Id":"00T1","Subject":"Call","ActivityDate":"2026-03-04","IsClosed":true,"TaskSubtype":"Call",
               "CompletedDateTime":"2026-03-04T10:15:00.000+0000","CallType":"Outbound","OwnerId":"005xx000001SwiU"}"#,
        );
        assert_eq!((call.kind, call.direction, call.done), (ActivityKind::Call, Some(ActivityDirection::Out), true));
        assert_eq!(call.at, Timestamp::parse_rfc3339("2026-03-04T10:15:00Z"));
        assert!(call.owner.is_some() && !call.ours);
    }

    #[test]
    fn an_open_task_is_due_and_knows_whether_ferry_made_it() {
        let text = r#"{"Id":"00T1","Subject":"Follow up","ActivityDate":"2026-03-04","IsClosed":false,"TaskSubtype":"Task",
            "Description":"Visited pricing\n[ferry:t1]"}"#;
        let task = read("Task", TASK, text);
        assert_eq!((task.kind, task.done, task.ours), (ActivityKind::Task, false, true));
        assert_eq!(task.at, Timestamp::parse_rfc3339("2026-03-04T00:00:00Z"));
    }

    #[test]
    fn an_event_is_a_meeting_from_its_beginning_or_of_its_day() {
        let record = |rest: &str| format!(r#"{{"Id":"00U1","Subject":"Demo"{rest}}}"#);
        let at = |rest: &str| read("Event", EVENT, &record(rest)).at;
        assert_eq!(
            at(r#","StartDateTime":"2026-03-04T08:00:00.000+0000""#),
            Timestamp::parse_rfc3339("2026-03-04T08:00:00Z")
        );
        assert_eq!(at(r#","ActivityDate":"2026-03-04""#), Timestamp::parse_rfc3339("2026-03-04T00:00:00Z"));
        let demo = read("Event", EVENT, &record(""));
        assert_eq!((demo.kind, demo.done, demo.subject.as_deref()), (ActivityKind::Meeting, true, Some("Demo")));
    }
}
