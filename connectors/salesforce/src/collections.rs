//! Up to 200 records in one call, each with an answer of its own in the order sent.

use connector::{Error, RecordId};
use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::{RowAnswer, silent, write_call};
use crate::api::{Api, decode, json};
use crate::ids;
use crate::outgoing::{How, Lane, Sent};
use crate::refusal::{ErrorRow, RowRefusal};
use crate::values::JsonRecord;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    all_or_none: bool,
    records: Vec<JsonRecord<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    id: Option<String>,
    success: bool,
    errors: Option<Vec<ErrorRow>>,
    created: Option<bool>,
}

/// What Salesforce said to a call.
#[derive(Debug)]
pub(crate) enum Told {
    Rows(Vec<RowAnswer>),
    /// Nothing of the call was applied.
    Refused(RowRefusal),
    Failed(Error),
}

pub(crate) async fn send(api: &Api, lane: &Lane, batch: &[Sent<'_>]) -> Told {
    let attempted = lane.attempted();
    let all = api.paths.collections();
    let (method, path, name) = match &lane.how {
        How::ById => (Method::PATCH, all, Some("Id")),
        How::ByKey { field, .. } => (Method::PATCH, format!("{all}/{}/{field}", lane.sobject), Some(&**field)),
        How::Insert { .. } => (Method::POST, all, None),
    };
    let record = |sent| {
        let sent: &Sent<'_> = sent;
        let named = name.map(|name| (name, sent.key.as_str()));
        JsonRecord { kind: Some(&lane.sobject), named, fields: &sent.fields }
    };
    let body = Body { all_or_none: false, records: batch.iter().map(record).collect() };
    let body = match json(&attempted, &body) {
        Ok(body) => body,
        Err(error) => return Told::Failed(error),
    };
    let call = write_call(lane, &attempted, method, path, body);
    let decode = |answer: &connector_http::Answer| {
        if answer.status.is_success() {
            return decode(answer).map(|rows| Told::Rows(settle(lane, batch, rows)));
        }
        let refusal = RowRefusal::read(&answer.body);
        if refusal.code.is_empty() {
            return Err(format!("status {} without a code", answer.status.as_u16()));
        }
        Ok(Told::Refused(refusal))
    };
    api.client.fetch(&call, decode).await.unwrap_or_else(Told::Failed)
}

/// Which answer is whose. The order is the order sent; where the number of rows, or an id that was updated, shows that
/// it is not, only rows that name their record are believed.
fn settle(lane: &Lane, batch: &[Sent<'_>], rows: Vec<Option<Row>>) -> Vec<RowAnswer> {
    let attempted = lane.attempted();
    let told_id = |row: &Row| row.id.as_deref().and_then(ids::long);
    let in_order = rows.len() == batch.len()
        && (lane.how != How::ById
            || rows.iter().zip(batch).all(|(row, sent)| {
                let told = row.as_ref().filter(|row| row.success).and_then(told_id);
                told.is_none_or(|id| id == sent.key)
            }));
    if in_order {
        let of = |(row, sent): (Option<Row>, &Sent<'_>)| match row {
            Some(row) => of_row(lane, &attempted, sent, row),
            None => silent(&attempted),
        };
        return rows.into_iter().zip(batch).map(of).collect();
    }
    let done: Vec<String> =
        rows.iter().flatten().filter(|row| row.success && lane.how == How::ById).filter_map(told_id).collect();
    batch
        .iter()
        .map(|sent| match done.contains(&sent.key) {
            true => RowAnswer::Done { id: RecordId::from(sent.key.as_str()), created: false },
            false => silent(&attempted),
        })
        .collect()
}

fn of_row(lane: &Lane, attempted: &str, sent: &Sent<'_>, row: Row) -> RowAnswer {
    if !row.success {
        let refusal = RowRefusal::first(row.errors.unwrap_or_default());
        return if refusal.code.is_empty() { silent(attempted) } else { RowAnswer::Refused(refusal) };
    }
    let id = row.id.as_deref().and_then(ids::record_id);
    let id = if lane.how == How::ById { Some(RecordId::from(sent.key.as_str())) } else { id };
    let created = row.created.unwrap_or(matches!(lane.how, How::Insert { .. }));
    id.map_or_else(|| silent(attempted), |id| RowAnswer::Done { id, created })
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{Entropy, Fields, Hints, Object, Operation, SeededEntropy, Timestamp, Write};
    use std::borrow::Cow;

    const IDS: [&str; 3] = ["003xx000004TmiQAAS", "003xx000004TmiRAAS", "003xx000004TmiSAAS"];

    fn settled(how: How, body: &str) -> Vec<&'static str> {
        let lane = Lane { object: Object::Contact, sobject: "Contact".into(), how, assigns: false };
        let write = |id: &str| Write {
            key: SeededEntropy::new(1).uuid(Timestamp::EPOCH),
            object: Object::Contact,
            operation: Operation::Update { id: id.into() },
            fields: Fields::new(),
            hints: Hints::default(),
        };
        let writes = IDS.map(write);
        let batch: Vec<Sent<'_>> = writes
            .iter()
            .enumerate()
            .map(|(place, write)| Sent { place, write, key: IDS[place].into(), fields: Cow::Borrowed(&write.fields) })
            .collect();
        settle(&lane, &batch, serde_json::from_str(body).unwrap())
            .iter()
            .map(|answer| match answer {
                RowAnswer::Done { created: true, .. } => "created",
                RowAnswer::Done { .. } => "done",
                RowAnswer::Refused(_) => "refused",
                RowAnswer::Lost(_) => "lost",
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn each_row_has_its_answer() {
        let body = r#"[{"id":"003xx000004TmiQAAS","success":true,"errors":[]},
            {"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"m","fields":["A"]}]},null]"#;
        assert_eq!(settled(How::ById, body), ["done", "refused", "lost"]);
        let body = r#"[{"id":"003xx000004TmiQAAS","success":true,"created":true},
            {"id":"003xx000004TmiRAAS","success":true,"created":false},{"success":true}]"#;
        let by_key = How::ByKey { field: "K__c".into(), update_only: false };
        assert_eq!(settled(by_key, body), ["created", "done", "lost"]);
    }

    #[test]
    fn a_row_left_out_is_nobodys_success() {
        let two = r#"[{"id":"003xx000004TmiQAAS","success":true},{"id":"003xx000004TmiSAAS","success":true}]"#;
        assert_eq!(settled(How::ById, two), ["done", "lost", "done"]);
        assert_eq!(settled(How::Insert { key: None }, two), ["lost", "lost", "lost"]);
        let shuffled = r#"[{"id":"003xx000004TmiSAAS","success":true},
            {"success":false,"errors":[{"statusCode":"X"}]},{"id":"003xx000004TmiQAAS","success":true}]"#;
        assert_eq!(settled(How::ById, shuffled), ["done", "lost", "done"]);
        assert_eq!(settled(How::ById, "[]"), ["lost", "lost", "lost"]);
        assert_eq!(settled(How::ById, r#"[{"success":false},{"success":false,"errors":[]},{}]"#), ["lost"; 3]);
    }
}
