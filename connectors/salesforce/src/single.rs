//! One record in one call.

use connector::RecordId;
use connector_http::Answer;
use http::Method;
use serde::Deserialize;

use crate::answer::{RowAnswer, of_failure, write_call};
use crate::api::{Api, decode, json};
use crate::ids;
use crate::outgoing::{How, Lane, Sent};
use crate::refusal::RowRefusal;
use crate::values::JsonRecord;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    id: String,
    success: bool,
    /// Only upserts say it.
    created: Option<bool>,
}

/// Whether a key may stand in a path. Salesforce reads an address that ends in something like a file's extension as a
/// format and answers 404; such keys go in a body instead.
pub(crate) fn is_path_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b' ' | b':'))
}

pub(crate) async fn send(api: &Api, lane: &Lane, sent: &Sent<'_>) -> RowAnswer {
    let attempted = lane.attempted();
    let (method, path, named) = match &lane.how {
        How::ById => (Method::PATCH, api.paths.record(&lane.sobject, &sent.key), Some(("Id", sent.key.as_str()))),
        How::ByKey { field, update_only } => (
            Method::PATCH,
            api.paths.by_key(&lane.sobject, field, &sent.key, *update_only),
            Some((&**field, sent.key.as_str())),
        ),
        How::Insert { .. } => (Method::POST, api.paths.sobject(&lane.sobject), None),
    };
    // What the path says must not be said again in the body.
    let mut fields = sent.fields.clone();
    if let Some((name, _)) = named {
        let said = fields.names().find(|have| have.eq_ignore_ascii_case(name)).cloned();
        if let Some(said) = said {
            fields.to_mut().remove(&said);
        }
    }
    let body = match json(&attempted, &JsonRecord { kind: None, named: None, fields: &fields }) {
        Ok(body) => body,
        Err(error) => return RowAnswer::NotSent(error),
    };
    let call = write_call(lane, &attempted, method, path, body);
    api.client.fetch(&call, |answer| read(lane, sent, answer)).await.unwrap_or_else(of_failure)
}

fn read(lane: &Lane, sent: &Sent<'_>, answer: &Answer) -> Result<RowAnswer, String> {
    match answer.status.as_u16() {
        204 if lane.how == How::ById => Ok(RowAnswer::Done { id: RecordId::from(sent.key.as_str()), created: false }),
        200..=299 => {
            let written: Written = decode(answer)?;
            let id = ids::record_id(&written.id).filter(|_| written.success);
            let created = written.created.unwrap_or(matches!(lane.how, How::Insert { .. }));
            Ok(RowAnswer::Done { id: id.ok_or("it names no record")?, created })
        }
        300 => Ok(RowAnswer::Refused(RowRefusal {
            code: "DUPLICATE_EXTERNAL_ID".into(),
            message: "more than one record has this key".into(),
            ..RowRefusal::default()
        })),
        404 => {
            let refusal = RowRefusal::read(&answer.body);
            let bare = RowRefusal { code: "NOT_FOUND".into(), ..RowRefusal::default() };
            Ok(RowAnswer::Refused(if refusal.code.is_empty() { bare } else { refusal }))
        }
        status => {
            let refusal = RowRefusal::read(&answer.body);
            // A gateway's page says nothing about the row.
            if refusal.code.is_empty() {
                Err(format!("status {status} without a code"))
            } else {
                Ok(RowAnswer::Refused(refusal))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_reads_as_a_format_stays_out_of_the_path() {
        for good in ["0192f0c1-7c3e-7000-8000-000000000000", "p/77", "a b"] {
            assert!(is_path_key(good), "{good}");
        }
        for bad in ["", "ada@acme.inc", "a.json", "Zoë", "a%2Fb", "a?b"] {
            assert!(!is_path_key(bad), "{bad}");
        }
    }
}
