//! Writes that name their row by a key. Dataverse keeps a row that was merged away, or a lead that became a contact, with its keys:
//! an upsert by such a key would write the dead row and be told as done. Those rows are looked for before.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, ErrorKind, FieldKind, Link, Object, Outcome, Reason, Rejection};
use connector_http::Priority;

use crate::api::Api;
use crate::merges::ended;
use crate::odata::{chunks, one_of};
use crate::outgoing::{Row, Sent};
use crate::schema::Described;
use crate::tables::merges;
use crate::values::refused;
use crate::wanted::Wanted;

/// Bytes and values of a list in one address.
const LIST: usize = 24_000;
const VALUES: usize = 400;

type Dead = BTreeMap<(String, String), Link>;

/// Those whose key no dead row holds; the others are told which record it goes on as.
pub(crate) async fn alive<'a>(
    api: &Api,
    object: &Object,
    described: &Described,
    keyed: Vec<Sent<'a>>,
    outcomes: &mut BTreeMap<usize, Outcome>,
) -> Result<Vec<Sent<'a>>, Error> {
    if keyed.is_empty() || !merges(&described.table) || !described.has("merged") || !described.has("masterid") {
        return Ok(keyed);
    }
    let dead = match dead(api, object, described, &keyed).await {
        Ok(dead) => dead,
        // Nobody knows, after several tries: what cannot be asked can hardly be written, and an answer to a write is told as it is.
        Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Protocol) => return Ok(keyed),
        Err(error) => return Err(error),
    };
    let mut left = Vec::with_capacity(keyed.len());
    for sent in keyed {
        let holder = key(&sent).and_then(|(column, value)| dead.get(&(column.to_owned(), value.to_lowercase())));
        match holder {
            Some(into) => drop(outcomes.insert(sent.place, Outcome::Rejected(told(object, into)))),
            None => left.push(sent),
        }
    }
    Ok(left)
}

/// Where the rows went that hold these keys and are not themselves any more, by column and value.
async fn dead(api: &Api, object: &Object, described: &Described, keyed: &[Sent<'_>]) -> Result<Dead, Error> {
    let mut columns: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (column, value) in keyed.iter().filter_map(key) {
        columns.entry(column).or_default().insert(value.to_owned());
    }
    let mut dead = Dead::new();
    for (column, values) in columns {
        // Keys of numbers are nobody's of ours.
        if described.column(column).is_none_or(|known| known.spec.kind != FieldKind::Text) {
            continue;
        }
        let wanted = Wanted::only(described, &[column]);
        let values: Vec<String> = values.into_iter().collect();
        let mut held = Vec::new();
        for some in chunks(&values, LIST, VALUES) {
            let filter = format!("{} and {}", one_of(column, &some), ended(object));
            let rows = api.rows_where(described, &wanted, &filter, Priority::Push).await?;
            held.extend(
                rows.iter().filter_map(|row| Some((row.id(&wanted)?, row.text(&wanted, column)?.to_lowercase()))),
            );
        }
        let ids: Vec<String> = held.iter().map(|(id, _)| id.clone()).collect();
        let went = match ids.is_empty() {
            true => BTreeMap::new(),
            false => api.gone_on(object, described, &ids, Priority::Push).await?,
        };
        for (id, value) in held {
            if let Some(into) = went.get(&id) {
                dead.insert((column.to_owned(), value), into.clone());
            }
        }
    }
    Ok(dead)
}

fn key<'s>(sent: &'s Sent<'_>) -> Option<(&'s str, &'s str)> {
    match &sent.row {
        Row::Key { column, value, .. } => Some((column, value)),
        _ => None,
    }
}

fn told(object: &Object, into: &Link) -> Rejection {
    // The one to go on with is the one that lives; as another object it is no duplicate of this one.
    let reason = match into.object == *object {
        true => Reason::Duplicate { existing: Some(into.id.clone()) },
        false => Reason::Merged { into: Some(into.clone()) },
    };
    refused(reason, "GONE_ON", "a row that goes on as another record holds the key", "")
}
