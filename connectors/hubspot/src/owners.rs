//! Owners: the people of the CRM. Listed live first, then deactivated, because a record may still name one of those.

use connector::{Error, ErrorKind, FieldName, Fields, Page, PullRequest, Record, UserFacts, Value};
use connector_http::{Call, redact};
use serde::Deserialize;

use crate::api::Api;
use crate::cursor::Place;
use crate::dialect::PLAIN_CALL;
use crate::instant;
use crate::wire::{Id, Paging};

const ATTEMPTED: &str = "read a page of owners";
/// More pages than any account has owners for.
const MOST_PAGES: u32 = 10_000;

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    results: Vec<OwnerRow>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OwnerRow {
    id: Id,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    user_id: Option<Id>,
    #[serde(rename = "type")]
    kind: Option<String>,
    archived: bool,
    created_at: Option<String>,
    updated_at: Option<String>,
}

pub(crate) async fn page(api: &Api, request: &PullRequest) -> Result<Page, Error> {
    let place = request.cursor.as_ref().map_or_else(|| Ok(Place::sweep()), Place::from_cursor)?;
    let Place::Sweep { after, archived, pages } = place else {
        return Err(Error::new(ErrorKind::Protocol, ATTEMPTED, "the checkpoint belongs to another stream"));
    };
    if pages >= MOST_PAGES {
        return Err(Error::new(ErrorKind::Protocol, ATTEMPTED, "the pages do not end"));
    }
    let mut path = format!("{}?limit=500&archived={archived}", api.paths.owners());
    if let Some(after) = &after {
        path.push_str("&after=");
        path.extend(url::form_urlencoded::byte_serialize(after.as_bytes()));
    }
    let listed: Listed = api
        .ask(&Call::get(ATTEMPTED, path, PLAIN_CALL), |answer| {
            serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))
        })
        .await?;
    let next = listed.paging.and_then(Paging::after);
    if next.is_some() && next == after {
        return Err(Error::new(ErrorKind::Protocol, ATTEMPTED, "HubSpot named the same page as the next one again"));
    }
    let (resume, more) = match next {
        Some(next) => (Place::Sweep { after: Some(next), archived, pages: pages + 1 }, true),
        None if !archived => (Place::Sweep { after: None, archived: true, pages: pages + 1 }, true),
        None => (Place::sweep(), false),
    };
    let records = listed.results.into_iter().filter(|row| !row.id.0.is_empty());
    let records = records.map(|row| record(row, &request.fields, archived)).collect();
    let known = |name: &&FieldName| field(&OwnerRow::default(), name, false).is_none();
    let undefined = request.fields.iter().filter(known).cloned().collect();
    let resume = resume.to_cursor()?;
    Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done: !more, undefined })
}

fn record(row: OwnerRow, wanted: &[FieldName], archived: bool) -> Record {
    let mut fields = Fields::with_capacity(wanted.len());
    for name in wanted {
        if let Some(value) = field(&row, name, archived) {
            fields.set(name.clone(), value);
        }
    }
    let name = [row.first_name.as_deref(), row.last_name.as_deref()];
    let name = name.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let mut record = Record::new(row.id.0, fields);
    record.created_at = row.created_at.as_deref().and_then(instant::parse);
    record.modified_at = row.updated_at.as_deref().and_then(instant::parse);
    record.user = Some(UserFacts {
        email: row.email.filter(|email| !email.is_empty()).map(Into::into),
        name: (!name.is_empty()).then(|| name.into()),
        active: !(archived || row.archived),
    });
    record
}

/// One field of an owner; `None` where owners have no such field.
fn field(row: &OwnerRow, name: &str, archived: bool) -> Option<Value> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or(Value::Null, Value::from);
    Some(match name {
        "email" => text(row.email.as_deref()),
        "firstName" => text(row.first_name.as_deref()),
        "lastName" => text(row.last_name.as_deref()),
        "userId" => text(row.user_id.as_ref().map(|id| id.0.as_str())),
        "type" => text(row.kind.as_deref()),
        "archived" => Value::from(archived || row.archived),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_user() {
        let row: OwnerRow = serde_json::from_str(
            r#"{"id":"9001","email":"o@acme.example","firstName":"Ola","lastName":"","userId":77,"archived":false,"teams":[]}"#,
        )
        .unwrap();
        let wanted: Vec<FieldName> = vec!["email".into(), "lastName".into(), "userId".into(), "nope".into()];
        let record = record(row, &wanted, false);
        assert_eq!(record.user.as_ref().map(|user| (user.name.as_deref(), user.active)), Some((Some("Ola"), true)));
        assert_eq!(record.fields.get("userId"), Some(&Value::from("77")));
        assert_eq!(record.fields.get("lastName"), Some(&Value::Null));
        assert_eq!(record.fields.get("nope"), None);
    }
}
