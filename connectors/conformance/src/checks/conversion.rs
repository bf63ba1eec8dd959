//! A record that goes on as a record of another object: a lead becomes a contact.

use connector::{Link, Object, Outcome, Reason, RecordId, Stream, Write};

use super::steps::{ask, ensure, failed, push_one, settle, update, walk};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [4] a_conversion_is_told_with_the_object_it_goes_on_as,
        [7] an_update_of_a_converted_record_says_that_it_goes_on_and_creates_nothing,
    ]
}

async fn a_conversion_is_told_with_the_object_it_goes_on_as(s: &dyn Subject) -> Checked {
    let (lead, other) = (s.seed_lead(1).await?, s.seed_lead(2).await?);
    settle(s).await?;
    let mut streams = vec![ask(Stream::Records(Object::Lead), &[])];
    if s.connector().capability().deletions.contains(&Object::Lead) {
        streams.push(ask(Stream::Deletions(Object::Lead), &[]));
    }
    let mut next = Vec::new();
    for stream in &streams {
        next.push(walk(s, stream).await?.next(stream));
    }
    let contact = s.convert(&lead).await?;
    settle(s).await?;
    let mut told = Vec::new();
    for stream in &next {
        let walked = walk(s, stream).await?;
        ensure!(!walked.ids().contains(&lead), "a converted lead was delivered as if it lived");
        told.extend(walked.tombstones().cloned());
    }
    let into = Some(Link { object: Object::Contact, id: contact });
    let mine: Vec<_> = told.iter().filter(|stone| stone.id == lead).collect();
    ensure!(!mine.is_empty(), "nothing told of the conversion");
    let wrong = mine.iter().find(|stone| stone.merged_into != into);
    ensure!(wrong.is_none(), "the lead goes on as {into:?}, its tombstone is {wrong:?}");
    ensure!(told.iter().all(|stone| stone.id != other), "a live lead was called gone");
    Ok(())
}

async fn an_update_of_a_converted_record_says_that_it_goes_on_and_creates_nothing(s: &dyn Subject) -> Checked {
    let lead: RecordId = s.seed_lead(1).await?;
    let contact = s.convert(&lead).await?;
    let (leads, contacts) = (s.count(&Object::Lead).await?, s.count(&Object::Contact).await?);
    let write = Write { object: Object::Lead, ..update(s, &lead, [(s.words().text.clone(), "too late")]) };
    match push_one(s, &write).await? {
        Outcome::Rejected(rejection) => match rejection.reason {
            Reason::Merged { into: None } => {}
            Reason::Merged { into: Some(into) } if into == (Link { object: Object::Contact, id: contact }) => {}
            other => return failed(format!("the update of a converted lead was told as {other:?}")),
        },
        other => return failed(format!("the update of a converted lead was told as {other:?}")),
    }
    let (now_leads, now_contacts) = (s.count(&Object::Lead).await?, s.count(&Object::Contact).await?);
    ensure!((now_leads, now_contacts) == (leads, contacts), "an update of a converted lead made a record");
    Ok(())
}
