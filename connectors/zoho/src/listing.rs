//! Lists of records: pages in the order of changes or of ids, and records by their ids, each with the columns that one
//! call cannot hold brought by further ones.

use std::collections::BTreeMap;

use connector::{Error, RecordId, Timestamp};
use connector_http::{Call, Priority};
use http::HeaderValue;
use sha2::{Digest, Sha256};

use crate::api::{Api, Refusal};
use crate::dialect::CALL;
use crate::instant;
use crate::paths;
use crate::rows::{Row, Rows};
use crate::wanted::Wanted;

/// Most ids of one list.
pub(crate) const MOST_IDS: usize = 100;

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub attempted: &'a str,
    pub module: &'a str,
    pub order: &'static str,
    /// Only what changed after this.
    pub since: Option<i64>,
    pub token: Option<&'a str>,
}

/// Refusals that say that a token is of no use (any more): the walk goes on from its last record.
pub(crate) fn is_token_refusal(refusal: &Refusal) -> bool {
    ["TOKEN_BOUND_DATA_MISMATCH", "EXPIRED_VALUE", "PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED"]
        .iter()
        .any(|code| refusal.is(code))
        || refusal.fault.details.param_name.as_deref() == Some("page_token")
        || refusal.fault.details.api_name.as_deref() == Some("page_token")
}

impl Api {
    /// A page, of the first call's columns.
    pub async fn listed(&self, listing: &Listing<'_>, wanted: &Wanted) -> Result<Result<Rows, Refusal>, Error> {
        let calls = wanted.calls();
        let fields = calls.first().map(Vec::as_slice).unwrap_or_default();
        let mut path = paths::list(listing.module, fields.iter().copied());
        path.push_str(&format!("&per_page={}&sort_by={}&sort_order=asc", self.limits.page, listing.order));
        if let Some(token) = listing.token {
            path = paths::with(path, "page_token", token);
        }
        let mut call = Call::get(listing.attempted, path, CALL);
        if let Some(since) = listing.since {
            call = since_header(call, since);
        }
        self.try_ask(&call, |answer| Rows::decode(answer, wanted)).await
    }

    /// What a token is bound to, beside since when.
    pub fn fingerprint(&self, wanted: &Wanted) -> String {
        let mut digest = Sha256::new();
        for name in wanted.calls().first().into_iter().flatten() {
            digest.update(name.as_bytes());
            digest.update(b",");
        }
        digest.update(self.limits.page.to_string().as_bytes());
        hex::encode(digest.finalize().get(..8).unwrap_or_default())
    }

    /// Records by their ids, with every column; what is not there is left out.
    pub async fn by_ids(
        &self,
        attempted: &str,
        priority: Priority,
        module: &str,
        ids: &[&str],
        wanted: &Wanted,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MOST_IDS) {
            let mut found = Vec::new();
            for (at, fields) in wanted.calls().iter().enumerate() {
                let page = self.of_ids(attempted, priority, module, ids, fields, wanted).await?;
                if at == 0 { found = page } else { join(&mut found, page) }
            }
            rows.append(&mut found);
        }
        Ok(rows)
    }

    /// Brings the columns that one call cannot hold.
    pub async fn complete(
        &self,
        attempted: &str,
        priority: Priority,
        module: &str,
        rows: &mut Vec<Row>,
        wanted: &Wanted,
    ) -> Result<(), Error> {
        let calls = wanted.calls();
        for fields in calls.iter().skip(1) {
            let ids: Vec<RecordId> = rows.iter().map(|row| row.id.clone()).collect();
            let mut page = Vec::with_capacity(ids.len());
            for ids in ids.chunks(MOST_IDS) {
                let ids: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
                page.extend(self.of_ids(attempted, priority, module, &ids, fields, wanted).await?);
            }
            join(rows, page);
        }
        Ok(())
    }

    async fn of_ids(
        &self,
        attempted: &str,
        priority: Priority,
        module: &str,
        ids: &[&str],
        fields: &[&str],
        wanted: &Wanted,
    ) -> Result<Vec<Row>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let path = paths::with_ids(paths::list(module, fields.iter().copied()), ids.iter().copied());
        let call = Call::get(attempted, path, CALL).with_priority(priority);
        Ok(self.ask(&call, |answer| Rows::decode(answer, wanted)).await?.rows)
    }

    /// How many records a module has.
    pub async fn count(&self, module: &str) -> Result<u64, Error> {
        #[derive(serde::Deserialize)]
        struct Counted {
            count: u64,
        }
        let attempted = format!("count the records of {module}");
        let call = Call::get(&attempted, paths::count(module), CALL);
        let counted: Option<Counted> = self.ask(&call, crate::api::decode_or_nothing).await?;
        Ok(counted.map_or(0, |counted| counted.count))
    }
}

/// A record that is missing in the second answer was deleted between the two.
fn join(rows: &mut Vec<Row>, more: Vec<Row>) {
    let mut more: BTreeMap<RecordId, Row> = more.into_iter().map(|row| (row.id.clone(), row)).collect();
    rows.retain_mut(|row| match more.remove(&row.id) {
        Some(other) => {
            row.join(other);
            true
        }
        None => false,
    });
}

/// Only what changed after this second.
pub(crate) fn since_header(call: Call<'_>, since: i64) -> Call<'_> {
    match HeaderValue::from_str(&instant::text(Timestamp::from_secs(since))) {
        Ok(value) => call.with_header("if-modified-since", value),
        // Digits and dashes are always a header.
        Err(_) => call,
    }
}
