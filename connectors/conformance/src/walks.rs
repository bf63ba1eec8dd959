//! Walking streams to their end.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Connector, FieldName, Fields, Page, PullRequest, RecordId, Stream, Tombstone};

/// A stream from its beginning.
pub fn ask(stream: Stream, fields: &[&str]) -> PullRequest {
    let fields = fields.iter().map(|name| FieldName::from(*name)).collect();
    PullRequest { stream, fields, links: Vec::new(), cursor: None, since: None }
}

/// Pages until a page says that there is no more; the request then goes on from there.
///
/// # Panics
/// Where a page fails, or the stream does not end.
#[allow(clippy::expect_used)]
pub async fn walk(connector: &dyn Connector, request: &mut PullRequest) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = connector.pull(request).await.expect("a page");
        request.cursor = Some(page.resume.clone());
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
        assert!(pages.len() < 1_000, "the stream does not end");
    }
}

pub fn ids(pages: &[Page]) -> BTreeSet<RecordId> {
    pages.iter().flat_map(|page| &page.records).map(|record| record.id.clone()).collect()
}

/// The values of every record, as they were told last.
pub fn values(pages: &[Page]) -> BTreeMap<RecordId, Fields> {
    pages.iter().flat_map(|page| &page.records).map(|record| (record.id.clone(), record.fields.clone())).collect()
}

pub fn tombstones(pages: &[Page]) -> BTreeMap<RecordId, Tombstone> {
    let stones = pages.iter().flat_map(|page| &page.tombstones);
    stones.map(|stone| (stone.id.clone(), stone.clone())).collect()
}

/// So many addresses, each another.
pub fn emails(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("person.{number}@behaviour.example")).collect()
}
