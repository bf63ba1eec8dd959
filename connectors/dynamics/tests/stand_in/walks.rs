//! Walking streams to their end.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use connector::{Connector, FieldName, Fields, Object, Page, PullRequest, RecordId, Stream, Tombstone};

pub fn ask(stream: Stream, fields: &[&str]) -> PullRequest {
    let fields = fields.iter().map(|name| FieldName::from(*name)).collect();
    PullRequest { stream, fields, links: Vec::new(), cursor: None, since: None }
}

pub fn contacts() -> PullRequest {
    ask(Stream::Records(Object::Contact), &["emailaddress1", "lastname"])
}

/// Pages until a page says that there is no more; the request then goes on from there.
pub async fn walk(connector: &dyn Connector, request: &mut PullRequest) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = connector.pull(request).await.expect("a page");
        request.cursor = Some(page.resume.clone());
        pages.push(page);
        if !pages.last().unwrap().more {
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

pub fn emails(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("person.{number}@behaviour.example")).collect()
}
