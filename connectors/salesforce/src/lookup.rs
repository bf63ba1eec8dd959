//! Where records went: the winner of a merge, the contact a lead became, the record that holds a key.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, Link, Object, RecordId};
use connector_http::{Answer, Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::dialect::CALL;
use crate::ids;
use crate::outgoing::Lane;
use crate::refusal::RowRefusal;
use crate::soql::{Field, Literal, Query};

/// Ids in one question: with their quotes they stay well below the longest URL.
const IDS: usize = 300;
/// Winners of merges are merged themselves; nobody merges this often.
const GENERATIONS: usize = 5;

/// What became of a record that does not take a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is there.
    Alive,
    /// Deleted, or never there.
    Gone,
    /// It goes on as another record; which one may be hidden from us.
    Into(Option<Link>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    id: String,
    is_deleted: bool,
    master_record_id: Option<String>,
    is_converted: bool,
    converted_contact_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rows {
    records: Vec<Row>,
}

/// What became of these records, by id in its long form; one not in the answer is gone.
pub(crate) async fn fates(
    api: &Api,
    object: &Object,
    sobject: &str,
    ids: &[String],
) -> Result<BTreeMap<String, Fate>, Error> {
    let mut known: BTreeMap<String, Row> = BTreeMap::new();
    let mut wanted: BTreeSet<String> = ids.iter().cloned().collect();
    for _ in 0..GENERATIONS {
        let asked: Vec<String> = std::mem::take(&mut wanted).into_iter().collect();
        for some in asked.chunks(IDS) {
            for row in ask(api, object, sobject, some).await? {
                if let Some(id) = ids::long(&row.id) {
                    let master = row.master_record_id.as_deref().and_then(ids::long);
                    wanted.extend(master.filter(|id| row.is_deleted && !known.contains_key(id)));
                    known.insert(id, row);
                }
            }
        }
        wanted.retain(|id| !known.contains_key(id));
        if wanted.is_empty() {
            break;
        }
    }
    Ok(ids.iter().map(|id| (id.clone(), fate(object, id, &known))).collect())
}

/// Follows a record through its merges and its conversion. Pure.
fn fate(object: &Object, id: &str, known: &BTreeMap<String, Row>) -> Fate {
    let mut at = id.to_owned();
    for _ in 0..=GENERATIONS {
        let Some(row) = known.get(&at) else {
            return if at == id { Fate::Gone } else { Fate::Into(None) };
        };
        if row.is_deleted {
            match row.master_record_id.as_deref().and_then(ids::long) {
                Some(master) => at = master,
                None => return Fate::Gone,
            }
            continue;
        }
        if row.is_converted {
            let contact = row.converted_contact_id.as_deref().and_then(ids::record_id);
            return Fate::Into(contact.map(|id| Link { object: Object::Contact, id }));
        }
        if at == id {
            return Fate::Alive;
        }
        return Fate::Into(Some(Link { object: object.clone(), id: RecordId::from(at) }));
    }
    Fate::Into(None)
}

async fn ask(api: &Api, object: &Object, sobject: &str, ids: &[String]) -> Result<Vec<Row>, Error> {
    let attempted = format!("look where {object} records went");
    let columns: &[&'static str] = match object {
        Object::Lead => &["Id", "IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId"],
        Object::Contact | Object::Company => &["Id", "IsDeleted", "MasterRecordId"],
        _ => &["Id", "IsDeleted"],
    };
    let these = Field::from("Id").one_of(ids.iter().map(|id| Literal::text(id.as_str())).collect());
    let query = Query::select(columns.iter().copied().map(Field::from).collect(), sobject)?.filter(these);
    let call = Call::get(&attempted, api.paths.query(&query.text(), true), CALL).with_priority(Priority::Push);
    let rows: Rows = api.ask(&call, decode).await?;
    Ok(rows.records)
}

/// Which record holds a lane's key: one, none, or more than one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    One(RecordId),
    Nobody,
    Several,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Held {
    #[serde(rename = "Id")]
    id: String,
}

pub(crate) async fn holder(api: &Api, lane: &Lane, field: &str, key: &str) -> Result<Holder, Error> {
    let attempted = format!("look for the {} record that has our key", lane.object);
    let path = format!("{}?fields=Id", api.paths.by_key(&lane.sobject, field, key, false));
    let call = Call::get(&attempted, path, CALL).with_priority(Priority::Push);
    let read = |answer: &Answer| match answer.status.as_u16() {
        404 => Ok(Ok(Holder::Nobody)),
        300 => Ok(Ok(Holder::Several)),
        200..=299 => {
            let held: Held = decode(answer)?;
            ids::record_id(&held.id).map(|id| Ok(Holder::One(id))).ok_or_else(|| "it names no record".to_owned())
        }
        _ => Ok(Err(crate::answer::refused_call(&attempted, &RowRefusal::read(&answer.body)))),
    };
    api.client.fetch(&call, read).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "00Qxx000000000AEAQ";
    const B: &str = "00Qxx000000000BEAQ";

    fn known(rows: &str) -> BTreeMap<String, Row> {
        let rows: Vec<Row> = serde_json::from_str(rows).unwrap();
        rows.into_iter().map(|row| (row.id.clone(), row)).collect()
    }

    #[test]
    fn a_record_is_followed_to_where_it_went() {
        let check = |rows: &str, expected: Fate| assert_eq!(fate(&Object::Lead, A, &known(rows)), expected, "{rows}");
        check("[]", Fate::Gone);
        check(&format!(r#"[{{"Id":"{A}","IsDeleted":false}}]"#), Fate::Alive);
        check(&format!(r#"[{{"Id":"{A}","IsDeleted":true,"MasterRecordId":null}}]"#), Fate::Gone);
        let merged = format!(r#"{{"Id":"{A}","IsDeleted":true,"MasterRecordId":"{B}"}}"#);
        let into = |object, id: &str| Fate::Into(Some(Link { object, id: id.into() }));
        check(&format!(r#"[{merged},{{"Id":"{B}","IsDeleted":false}}]"#), into(Object::Lead, B));
        check(&format!(r#"[{merged}]"#), Fate::Into(None));
        check(&format!(r#"[{merged},{{"Id":"{B}","IsDeleted":true}}]"#), Fate::Gone);
        let converted = r#""IsConverted":true,"ConvertedContactId":"003xx000004TmiQ""#;
        check(&format!(r#"[{merged},{{"Id":"{B}",{converted}}}]"#), into(Object::Contact, "003xx000004TmiQAAS"));
        check(&format!(r#"[{{"Id":"{A}","IsConverted":true}}]"#), Fate::Into(None));
    }

    #[test]
    fn merges_in_a_circle_end() {
        let rows = format!(
            r#"[{{"Id":"{A}","IsDeleted":true,"MasterRecordId":"{B}"}},{{"Id":"{B}","IsDeleted":true,"MasterRecordId":"{A}"}}]"#
        );
        assert_eq!(fate(&Object::Contact, A, &known(&rows)), Fate::Into(None));
    }
}
