//! Tasks, phone calls, appointments and notes as what they are to people.

use connector::{ActivityDirection, ActivityFacts, ActivityKind, RecordId, Value, has_own_mark, headline};

use crate::rows::Row;
use crate::wanted::Wanted;

/// What is read of a table's rows; they are told apart by `directioncode`, which only calls have, by `location`, which only
/// appointments have, and by `notetext`, which only notes have.
pub(crate) fn needs(table: &str) -> Option<&'static [&'static str]> {
    Some(match table {
        "task" => &["regardingobjectid", "ownerid", "subject", "description", "statecode", "scheduledend", "actualend"],
        "phonecall" => &[
            "regardingobjectid",
            "ownerid",
            "subject",
            "description",
            "statecode",
            "directioncode",
            "scheduledend",
            "actualend",
        ],
        "appointment" => {
            &["regardingobjectid", "ownerid", "subject", "description", "statecode", "location", "scheduledstart"]
        }
        "annotation" => &["objectid", "ownerid", "subject", "notetext"],
        _ => return None,
    })
}

pub(crate) fn facts(row: &Row, wanted: &Wanted) -> ActivityFacts {
    let text = |name: &str| row.text(wanted, name).map(|text| &**text);
    let state = text("statecode").unwrap_or("0");
    let (is_call, is_meeting) = (row.value(wanted, "directioncode"), wanted.inner("location").is_some());
    let is_note = wanted.inner("notetext").is_some();
    let kind = match (is_call, is_meeting) {
        _ if is_note => ActivityKind::Note,
        (Some(_), _) => ActivityKind::Call,
        (None, true) => ActivityKind::Meeting,
        (None, false) => ActivityKind::Task,
    };
    let done = match kind {
        // Open, scheduled and completed ones take place; cancelled ones do not.
        ActivityKind::Meeting => state != "2",
        ActivityKind::Note => true,
        _ => state == "1",
    };
    let happened = row.instant(wanted, "actualend").filter(|_| done);
    let due = row.instant(wanted, "scheduledstart").or_else(|| row.instant(wanted, "scheduledend"));
    let written = row.instant(wanted, "createdon").filter(|_| is_note);
    let body = text("description").or_else(|| text("notetext"));
    ActivityFacts {
        kind,
        direction: match is_call {
            Some(Value::Bool(true)) => Some(ActivityDirection::Out),
            Some(Value::Bool(false)) => Some(ActivityDirection::In),
            _ => None,
        },
        // A note needs no title.
        subject: text("subject").and_then(headline).or_else(|| text("notetext").and_then(headline)),
        at: written.or(happened).or(due).or_else(|| row.instant(wanted, "modifiedon").filter(|_| done)),
        done,
        owner: text("ownerid").map(|id| RecordId::from(id.to_ascii_lowercase())),
        ours: body.is_some_and(has_own_mark),
    }
}
