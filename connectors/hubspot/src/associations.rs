//! What records are associated with: read in batches, and swept on their own, because editing an association does not
//! move a record's stamp.

use std::collections::BTreeMap;

use connector::{Error, ErrorKind, Link, Object, PullRequest, Record, RecordId};
use connector_http::{Call, redact};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::api::{Api, json};
use crate::convert::{inline_links, is_id};
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;
use crate::rows::{Row, Rows};
use crate::wanted::Wanted;
use crate::wire::{Envelope, Id, Paging};

/// Most inputs of one batch.
const MOST_INPUTS: usize = 1_000;
/// Most pages of one record's associations; HubSpot's own limits lie below.
const MOST_PAGES: usize = 200;

#[derive(Serialize)]
struct Inputs<'a> {
    inputs: Vec<Input<'a>>,
}

#[derive(Clone, Serialize)]
struct Input<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Batch {
    results: Vec<From>,
    errors: Vec<Envelope>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct From {
    from: Named,
    to: Vec<To>,
    paging: Option<Paging>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Id,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct To {
    to_object_id: Id,
}

/// Links by the id they start from.
pub(crate) type Links = BTreeMap<RecordId, Vec<Link>>;

impl Api {
    /// The associations of these records with each of `targets`; one without any is missing from the answer.
    pub async fn links_of(&self, object: &Object, targets: &[Object], ids: &[RecordId]) -> Result<Links, Error> {
        let reads = targets
            .iter()
            .flat_map(|target| ids.chunks(MOST_INPUTS).map(move |ids| self.links_to(object, target, ids)));
        let mut links = Links::new();
        for part in try_join_all(reads).await? {
            for (id, more) in part {
                links.entry(id).or_default().extend(more);
            }
        }
        for linked in links.values_mut() {
            linked.sort_unstable();
            linked.dedup();
        }
        Ok(links)
    }

    async fn links_to(&self, object: &Object, target: &Object, ids: &[RecordId]) -> Result<Links, Error> {
        let attempted = format!("read which {target} records belong to {object} records");
        let path = self.paths.associations(kind_of(object)?, kind_of(target)?);
        let mut links = Links::new();
        let mut inputs: Vec<Input<'_>> = ids.iter().map(|id| Input { id: id.as_str(), after: None }).collect();
        for _ in 0..MOST_PAGES {
            if inputs.is_empty() {
                return Ok(links);
            }
            let body = json(&attempted, &Inputs { inputs: inputs.clone() })?;
            let call = Call::ask(&attempted, path.clone(), body, PLAIN_CALL);
            let batch: Batch = self
                .ask(&call, |answer| serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error)))
                .await?;
            if let Some(error) = batch.errors.iter().find(|error| !says_none(error)) {
                return Err(Error::new(ErrorKind::Protocol, attempted, error.cause(207)));
            }
            inputs = take(batch, &inputs, target, &mut links);
        }
        Err(Error::new(ErrorKind::Protocol, attempted, "the pages of one record's associations do not end"))
    }

    /// One page of the sweep over an object's associations.
    pub async fn associations_page(
        &self,
        request: &PullRequest,
        object: &Object,
        after: Option<&str>,
    ) -> Result<(Rows, Vec<Record>), Error> {
        let mut page = self.list(object, &Wanted::nothing(), after, false, &request.links).await?;
        let rows = std::mem::take(&mut page.rows);
        let links = self.links_of_rows(object, &request.links, &rows).await?;
        let records = rows
            .iter()
            .zip(links)
            .map(|(row, links)| {
                let mut record = Record::new(row.record_id(), connector::Fields::new());
                record.modified_at = row.updated_at;
                record.links = Some(links);
                record
            })
            .collect();
        page.rows = rows;
        Ok((page, records))
    }

    /// The links of listed rows: those inside the rows, and a batch read for the rows that have too many.
    pub async fn links_of_rows(
        &self,
        object: &Object,
        targets: &[Object],
        rows: &[Row],
    ) -> Result<Vec<Vec<Link>>, Error> {
        let inline: Vec<Option<Vec<Link>>> = rows.iter().map(inline_links).collect();
        let long = rows.iter().zip(&inline).filter(|(_, links)| links.is_none());
        let long: Vec<RecordId> = long.map(|(row, _)| row.record_id()).collect();
        let mut read = self.links_of(object, targets, &long).await?;
        let all = rows.iter().zip(inline);
        Ok(all.map(|(row, links)| links.or_else(|| read.remove(&row.record_id())).unwrap_or_default()).collect())
    }
}

/// A record without associations is reported as an error; it is none.
fn says_none(error: &Envelope) -> bool {
    error.sub_category.as_deref() == Some("crm.associations.NO_ASSOCIATIONS_FOUND")
        || (error.sub_category.is_none() && error.is("OBJECT_NOT_FOUND"))
}

/// Keeps a batch's links; what comes back is to be asked for next.
fn take<'a>(batch: Batch, asked: &[Input<'a>], target: &Object, links: &mut Links) -> Vec<Input<'a>> {
    let mut next = Vec::new();
    for from in batch.results {
        let Some(input) = asked.iter().find(|input| input.id == from.from.id.0) else { continue };
        let linked = from.to.into_iter().filter(|to| is_id(&to.to_object_id.0));
        let linked = linked.map(|to| Link { object: target.clone(), id: RecordId::from(to.to_object_id.0) });
        links.entry(RecordId::from(input.id)).or_default().extend(linked);
        let after = from.paging.and_then(Paging::after);
        if after.is_some() && after != input.after {
            next.push(Input { id: input.id, after });
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pages_and_absences_are_read() {
        let batch: Batch = serde_json::from_str(
            r#"{"status":"COMPLETE","results":[{"from":{"id":"9001"},"to":[{"toObjectId":501,"associationTypes":[]},
                {"toObjectId":"502"}],"paging":{"next":{"after":"MTA%3D"}}}],"numErrors":1,
                "errors":[{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND",
                "context":{"fromObjectId":["9002"]}}]}"#,
        )
        .unwrap();
        assert!(batch.errors.iter().all(says_none));
        let asked = [Input { id: "9001", after: None }, Input { id: "9002", after: None }];
        let mut links = Links::new();
        let next = take(batch, &asked, &Object::Contact, &mut links);
        assert_eq!(next.len(), 1);
        assert_eq!(next[0].after.as_deref(), Some("MTA%3D"));
        let ids: Vec<&str> = links[&RecordId::from("9001")].iter().map(|link| link.id.as_str()).collect();
        assert_eq!(ids, ["501", "502"]);
    }

    #[test]
    fn another_error_is_an_error() {
        let error: Envelope =
            serde_json::from_str(r#"{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.OTHER"}"#).unwrap();
        assert!(!says_none(&error));
    }
}
