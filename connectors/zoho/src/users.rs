//! Users: the people of the CRM, active and not, because a record may still name one who left.

use connector::{Error, ErrorKind, FieldName, Fields, Page, PullRequest, Record, Timestamp, UserFacts, Value};
use connector_http::{Call, Checkpoint};
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::cursor::Place;
use crate::dialect::CALL;
use crate::paths;
use crate::wire::{Id, is_id};

const ATTEMPTED: &str = "read a page of users";
/// More pages than any organisation has users for.
const MOST_PAGES: u32 = 1_000;

#[derive(Deserialize)]
struct Listed {
    users: Vec<Row>,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    more_records: bool,
}

#[derive(Deserialize)]
struct Row {
    id: Id,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    full_name: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "Modified_Time")]
    modified: Option<String>,
    #[serde(default, alias = "created_time")]
    created: Option<String>,
}

pub(crate) async fn page(api: &Api, request: &PullRequest) -> Result<Page, Error> {
    let number = match request.cursor.as_ref().map(Place::from_cursor).transpose()? {
        None => 1,
        Some(Place::Listed { page }) => page,
        Some(_) => return Err(Checkpoint::foreign()),
    };
    let call = Call::get(ATTEMPTED, paths::users(number), CALL);
    let listed: Option<Listed> = api.ask(&call, decode_or_nothing).await?;
    let (rows, more) = listed.map_or((Vec::new(), false), |listed| (listed.users, listed.info.more_records));
    if more && (rows.is_empty() || number >= MOST_PAGES) {
        return Err(Error::new(ErrorKind::Protocol, ATTEMPTED, "the pages do not end"));
    }
    let records = rows.into_iter().filter_map(|row| record(row, &request.fields)).collect();
    let next = if more { number + 1 } else { 1 };
    let resume = Place::Listed { page: next }.to_cursor()?;
    let known = |name: &&FieldName| value(&Facts::default(), name).is_none();
    let undefined = request.fields.iter().filter(known).cloned().collect();
    Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done: !more, undefined })
}

/// What of a user can be asked for by name.
#[derive(Default)]
struct Facts {
    id: String,
    email: Option<String>,
    name: Option<String>,
}

fn value(facts: &Facts, name: &str) -> Option<Value> {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    match name {
        "id" => Some(text(Some(&facts.id))),
        "email" => Some(text(facts.email.as_deref())),
        "full_name" => Some(text(facts.name.as_deref())),
        _ => None,
    }
}

fn record(row: Row, wanted: &[FieldName]) -> Option<Record> {
    if !is_id(&row.id.0) {
        return None;
    }
    let whole = || {
        let parts: Vec<&str> = [&row.first_name, &row.last_name].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let name = row.full_name.clone().filter(|name| !name.is_empty()).or_else(whole);
    let facts = Facts { id: row.id.0, email: row.email.filter(|email| !email.is_empty()), name };
    let mut fields = Fields::new();
    for name in wanted {
        if let Some(value) = value(&facts, name) {
            fields.set(name.clone(), value);
        }
    }
    let mut record = Record::new(facts.id.as_str(), fields);
    record.modified_at = row.modified.as_deref().and_then(Timestamp::parse_rfc3339);
    record.created_at = row.created.as_deref().and_then(Timestamp::parse_rfc3339);
    record.user = Some(UserFacts {
        email: facts.email.as_deref().map(Into::into),
        name: facts.name.as_deref().map(Into::into),
        active: row.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("active")),
    });
    Some(record)
}
