//! Tasks, calls, events and notes as what they are to people.

use chrono::NaiveTime;
use connector::{ActivityDirection, ActivityFacts, ActivityKind, RecordId, Timestamp, Value, has_own_mark, headline};

use crate::rows::Row;
use crate::wanted::Wanted;

/// What is read of a module's records beside their links.
pub(crate) fn needs(module: &str) -> Option<&'static [&'static str]> {
    Some(match module {
        "Tasks" => &["Who_Id", "What_Id", "Owner", "Subject", "Description", "Status", "Due_Date", "Closed_Time"],
        "Calls" => &[
            "Who_Id",
            "What_Id",
            "Owner",
            "Subject",
            "Description",
            "Call_Type",
            "Call_Start_Time",
            "Outgoing_Call_Status",
            // As organisations that began long ago have it.
            "Call_Status",
        ],
        "Events" => &["Who_Id", "What_Id", "Owner", "Event_Title", "Description", "Start_DateTime"],
        "Notes" => &["Parent_Id", "Owner", "Note_Title", "Note_Content"],
        _ => return None,
    })
}

/// What a record of one of the four says. Which module it is of shows in the fields that only that one has.
pub(crate) fn facts(row: &Row, wanted: &Wanted) -> ActivityFacts {
    let text = |name: &str| row.text(wanted, name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let asked = |name: &str| wanted.find(name, 0).is_some();
    let kind = if asked("Note_Content") {
        ActivityKind::Note
    } else if asked("Call_Start_Time") {
        ActivityKind::Call
    } else if asked("Start_DateTime") {
        ActivityKind::Meeting
    } else {
        ActivityKind::Task
    };
    let done = match kind {
        ActivityKind::Task => text("Status") == Some("Completed"),
        ActivityKind::Call => {
            let status = text("Outgoing_Call_Status").or_else(|| text("Call_Status"));
            !matches!(status, Some("Scheduled" | "Cancelled" | "Missed" | "Overdue"))
        }
        _ => true,
    };
    let day = |name: &str| match row.cell(wanted, name) {
        Some(Value::Date(day)) => Some(Timestamp::from(day.and_time(NaiveTime::MIN).and_utc())),
        Some(Value::Instant(at)) => Some(*at),
        _ => None,
    };
    let at = match kind {
        ActivityKind::Note => None,
        ActivityKind::Call => day("Call_Start_Time"),
        ActivityKind::Meeting => day("Start_DateTime"),
        _ => day("Closed_Time").filter(|_| done).or_else(|| day("Due_Date")),
    };
    let title = ["Subject", "Event_Title", "Note_Title"].into_iter().find_map(|name| text(name).and_then(headline));
    let body = text("Description").or_else(|| text("Note_Content"));
    ActivityFacts {
        kind,
        direction: match text("Call_Type") {
            Some("Outbound") => Some(ActivityDirection::Out),
            Some("Inbound" | "Missed") => Some(ActivityDirection::In),
            _ => None,
        },
        subject: title.or_else(|| body.and_then(headline)),
        at: at.or_else(|| row.instant(wanted, crate::wanted::CREATED)),
        done: done && text("Call_Type") != Some("Missed"),
        owner: text("Owner").filter(|id| crate::wire::is_id(id)).map(RecordId::from),
        ours: body.is_some_and(has_own_mark),
    }
}
