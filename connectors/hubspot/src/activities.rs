//! Calls, meetings, notes, e-mails and tasks: five objects at HubSpot and one kind of record to everybody else. They are read one
//! object after the other, each with a place of its own; the first load is a search for what was touched since the horizon.

use connector::{
    ActivityDirection, ActivityFacts, ActivityKind, Error, ErrorKind, Object, Page, PullRequest, RecordId, Stream,
    Timestamp, has_own_mark, headline,
};

use crate::api::Api;
use crate::cursor::Place;
use crate::instant;
use crate::rows::Row;
use crate::wanted::Wanted;
use crate::{records, sweep};

const KINDS: [(ActivityKind, &str); 5] = [
    (ActivityKind::Call, "calls"),
    (ActivityKind::Meeting, "meetings"),
    (ActivityKind::Note, "notes"),
    (ActivityKind::Email, "emails"),
    (ActivityKind::Task, "tasks"),
];

fn kind_of(object: &Object) -> Option<ActivityKind> {
    let Object::Other(name) = object else { return None };
    KINDS.iter().find(|(_, plural)| *plural == &**name).map(|(kind, _)| *kind)
}

/// The type id of one of the five, as it stands in addresses.
pub(crate) fn type_id(name: &str) -> Option<&'static str> {
    Some(match name {
        "calls" => "0-48",
        "meetings" => "0-47",
        "notes" => "0-46",
        "emails" => "0-49",
        "tasks" => "0-27",
        _ => return None,
    })
}

/// The properties that facts are made of.
pub(crate) fn needs(object: &Object) -> &'static [&'static str] {
    match kind_of(object) {
        Some(ActivityKind::Call) => &[
            "hs_timestamp",
            "hubspot_owner_id",
            "hs_call_title",
            "hs_call_body",
            "hs_call_direction",
            "hs_call_status",
        ],
        Some(ActivityKind::Meeting) => &[
            "hs_timestamp",
            "hubspot_owner_id",
            "hs_meeting_title",
            "hs_meeting_body",
            "hs_meeting_start_time",
            "hs_meeting_outcome",
        ],
        Some(ActivityKind::Note) => &["hs_timestamp", "hubspot_owner_id", "hs_note_body"],
        Some(ActivityKind::Email) => {
            &["hs_timestamp", "hubspot_owner_id", "hs_email_subject", "hs_email_direction", "hs_email_status"]
        }
        Some(ActivityKind::Task) => &[
            "hs_timestamp",
            "hubspot_owner_id",
            "hs_task_subject",
            "hs_task_body",
            "hs_task_status",
            "hs_task_completion_date",
        ],
        None => &[],
    }
}

/// What a row of one of the five says; `None` for rows of anything else.
pub(crate) fn facts(object: &Object, row: &Row, wanted: &Wanted) -> Option<ActivityFacts> {
    let kind = kind_of(object)?;
    let text = |name: &str| row.inner(wanted, name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let at = |name: &str| text(name).and_then(instant::parse);
    let [title, body, state] = match kind {
        ActivityKind::Call => ["hs_call_title", "hs_call_body", "hs_call_status"],
        ActivityKind::Meeting => ["hs_meeting_title", "hs_meeting_body", "hs_meeting_outcome"],
        ActivityKind::Note => ["", "hs_note_body", ""],
        ActivityKind::Email => ["hs_email_subject", "", "hs_email_status"],
        ActivityKind::Task => ["hs_task_subject", "hs_task_body", "hs_task_status"],
    };
    let done = match (kind, text(state)) {
        (ActivityKind::Task, state) => state == Some("COMPLETED"),
        (_, Some(state)) => !NOT_DONE.contains(&state),
        (_, None) => true,
    };
    let happened = match kind {
        ActivityKind::Meeting => at("hs_meeting_start_time"),
        ActivityKind::Task if done => at("hs_task_completion_date"),
        _ => None,
    };
    Some(ActivityFacts {
        kind,
        direction: match text("hs_call_direction").or_else(|| text("hs_email_direction")) {
            Some("OUTBOUND" | "EMAIL") => Some(ActivityDirection::Out),
            Some("INBOUND" | "INCOMING_EMAIL") => Some(ActivityDirection::In),
            _ => None,
        },
        subject: text(title).and_then(headline).or_else(|| text(body).and_then(headline)),
        at: happened.or_else(|| at("hs_timestamp")),
        done,
        owner: text("hubspot_owner_id").map(RecordId::from),
        ours: text(body).is_some_and(has_own_mark),
    })
}

/// States of calls, meetings and e-mails that did not come about, or not yet.
const NOT_DONE: &[&str] = &[
    "CANCELED",
    "CANCELLED",
    "FAILED",
    "QUEUED",
    "MISSED",
    "NO_SHOW",
    "NO SHOW",
    "RESCHEDULED",
    "BOUNCED",
    "SCHEDULED_SEND",
];

/// One page of the stream over all five.
pub(crate) async fn page(api: &Api, request: &PullRequest) -> Result<Page, Error> {
    let (mut part, mut places) = match request.cursor.as_ref().map(Place::from_cursor).transpose()? {
        None => (0, vec![None; KINDS.len()]),
        Some(Place::Each { part, places }) if part < KINDS.len() && places.len() == KINDS.len() => (part, places),
        Some(_) => return Err(protocol("the checkpoint belongs to another stream")),
    };
    let Some((_, name)) = KINDS.get(part) else { return Err(protocol("there is no such kind of activity")) };
    let object = Object::Other((*name).into());
    let is_records = matches!(request.stream, Stream::Records(_));
    let place = places.get(part).cloned().flatten().or_else(|| is_records.then(|| first(request.since)));
    let inner = PullRequest {
        stream: if is_records { Stream::Records(object.clone()) } else { Stream::Deletions(object.clone()) },
        cursor: place.as_ref().map(Place::to_cursor).transpose()?,
        since: None,
        ..request.clone()
    };
    // Done once is done for good: a later walk goes on from each object's own place.
    let was_full = places.iter().any(Option::is_none);
    let answer = if is_records {
        records::page(api, &inner, &object).await
    } else {
        sweep::deletions(api, &inner, &object).await
    };
    let mut page = match answer {
        Ok(page) => page,
        // Not every app may read every kind; the others are there all the same.
        Err(error) if error.kind == ErrorKind::Forbidden && part > 0 => {
            tracing::warn!(activities = *name, cause = %error, "HubSpot does not let Ferry read these activities: they are left out");
            let resume = place.unwrap_or_else(Place::sweep).to_cursor()?;
            Page {
                records: Vec::new(),
                tombstones: Vec::new(),
                resume,
                more: false,
                full_load_done: false,
                undefined: Vec::new(),
            }
        }
        Err(error) => return Err(error),
    };
    if let Some(place) = places.get_mut(part) {
        *place = Some(Place::from_cursor(&page.resume)?);
    }
    // One object's list of what was archived is no list of all.
    page.full_load_done = false;
    page.undefined.clear();
    if !page.more {
        part += 1;
        page.more = part < KINDS.len();
        page.full_load_done = !page.more && was_full;
    }
    let resume = Place::Each { part: if part < KINDS.len() { part } else { 0 }, places };
    page.resume = resume.to_cursor()?;
    Ok(page)
}

/// Where the first load begins: at what was touched since the horizon.
fn first(since: Option<Timestamp>) -> Place {
    Place::Changes { mark: since.map_or(0, Timestamp::millis).max(0), scan: None }
}

fn protocol(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, "pull activities", why)
        .with_fix("start a full load of activities (ferry pull --object activity --full)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;

    fn read(name: &str, properties: &str) -> ActivityFacts {
        let object = Object::Other(name.into());
        let wanted = Wanted::new(&object, &[], &[]);
        let body = format!(r#"{{"results":[{{"id":"5","properties":{properties}}}]}}"#);
        facts(&object, &Rows::from_json(body.as_bytes(), &wanted).unwrap().rows[0], &wanted).unwrap()
    }

    #[test]
    fn each_kind_is_read_by_its_own_properties() {
        let call = read(
            "calls",
            r#"{"hs_call_direction":"OUTBOUND","hs_call_status":"COMPLETED","hs_call_title":"Intro","hs_timestamp":"2026-03-04T10:00:00Z",
               "hubspot_owner_id":"77"}"#,
        );
        assert_eq!((call.kind, call.direction, call.done), (ActivityKind::Call, Some(ActivityDirection::Out), true));
        assert_eq!((call.subject.as_deref(), call.owner), (Some("Intro"), Some("77".into())));
        assert_eq!(call.at, Timestamp::parse_rfc3339("2026-03-04T10:00:00Z"));
        let meeting = read(
            "meetings",
            r#"{"hs_meeting_outcome":"NO_SHOW","hs_meeting_start_time":"2026-03-05T10:00:00Z","hs_meeting_title":"Demo",
               "hs_timestamp":"2026-03-04T10:00:00Z"}"#,
        );
        assert_eq!((meeting.done, meeting.at), (false, Timestamp::parse_rfc3339("2026-03-05T10:00:00Z")));
        let mail = read(
            "emails",
            r#"{"hs_email_direction":"INCOMING_EMAIL","hs_email_subject":"Re: offer","hs_timestamp":"1772618400000"}"#,
        );
        assert_eq!((mail.direction, mail.done), (Some(ActivityDirection::In), true));
        assert_eq!(mail.at, Timestamp::parse_rfc3339("2026-03-04T10:00:00Z"));
    }

    #[test]
    fn a_note_is_its_first_line_and_says_whether_ferry_wrote_it() {
        let note = read(
            "notes",
            r#"{"hs_note_body":"<div>Likes <b>boats</b></div><div>a lot</div>","hs_timestamp":"2026-03-04T10:00:00Z"}"#,
        );
        assert_eq!((note.subject.as_deref(), note.ours, note.direction), (Some("Likes boats"), false, None));
        assert!(read("notes", r#"{"hs_note_body":"<p>Digest</p>[ferry:note-1]"}"#).ours);
    }

    #[test]
    fn a_task_is_done_when_it_is_completed_and_due_until_then() {
        let open = read(
            "tasks",
            r#"{"hs_task_status":"NOT_STARTED","hs_task_subject":"Call back","hs_timestamp":"2026-03-04T10:00:00Z"}"#,
        );
        assert_eq!((open.done, open.at), (false, Timestamp::parse_rfc3339("2026-03-04T10:00:00Z")));
        let done = read(
            "tasks",
            r#"{"hs_task_completion_date":"2026-03-03T09:00:00Z","hs_task_status":"COMPLETED","hs_timestamp":"2026-03-04T10:00:00Z"}"#,
        );
        assert_eq!((done.done, done.at), (true, Timestamp::parse_rfc3339("2026-03-03T09:00:00Z")));
    }
}
