//! Places on lists. Putting on and taking off change nothing where it is so already, so both may be sent twice; HubSpot tells who was
//! put on and which ids name no record. Only lists that are filled by hand (`MANUAL`, `SNAPSHOT`) take members from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{
    Error, ErrorKind, Fields, Link, ListFacts, ListKind, ListMembers, Object, Operation, Outcome, Reason, RecordId,
    Rejection, Write,
};
use connector_http::{Answer, Call, Priority, redact};
use http::Method;
use serde::{Deserialize, Serialize};

use crate::api::{Api, json, refusal};
use crate::convert::is_id;
use crate::dialect::PLAIN_CALL;
use crate::paths::type_id;
use crate::reject::rejection;
use crate::wire::{Envelope, Id, Paging};

/// Most members of one page.
const PAGE: usize = 250;
/// HubSpot takes 100,000 ids in a call; fewer leave room for others between two calls.
const MEMBERS: usize = 10_000;

/// Objects that are put on lists.
pub(crate) fn kinds() -> Vec<ListKind> {
    vec![ListKind { object: Object::Contact, batch: MEMBERS }]
}

/// Whether these are writes for this file.
pub(crate) fn is_membership(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write.operation, Operation::ListMembership { .. }))
}

/// Writes that are one call: by place in the push and id.
#[derive(Default)]
struct Group<'a> {
    add: Vec<(usize, &'a RecordId)>,
    remove: Vec<(usize, &'a RecordId)>,
}

impl<'a> Group<'a> {
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.add.iter().chain(&self.remove).map(|(place, _)| *place)
    }
}

type Outcomes = BTreeMap<usize, Outcome>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    record_ids_to_add: Vec<&'a str>,
    record_ids_to_remove: Vec<&'a str>,
}

/// HubSpot writes `recordsIdsAdded`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Changed {
    #[serde(alias = "recordIdsAdded")]
    records_ids_added: Vec<Id>,
    record_ids_missing: Vec<Id>,
}

#[derive(Debug, Deserialize)]
struct Named {
    list: Listed,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    name: String,
    object_type_id: String,
    processing_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Members {
    results: Vec<Member>,
    paging: Paging,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    record_id: Id,
}

/// An `Err` says that nothing was written.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Outcomes::new();
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    let object = writes.first().map_or(Object::Contact, |write| write.object.clone());
    let is_listed = kinds().iter().any(|kind| kind.object == object);
    for (place, write) in writes.iter().enumerate() {
        let Operation::ListMembership { list, record, member } = &write.operation else {
            outcomes
                .insert(place, refused(Reason::Unsupported, "UNSUPPORTED", "another operation among places on lists"));
            continue;
        };
        if !is_listed {
            let message = "the connector puts no records of this object on lists";
            outcomes.insert(place, refused(Reason::Unsupported, "UNSUPPORTED", message));
        } else if !is_id(list) {
            outcomes
                .insert(place, refused(Reason::NotThere, "LIST_NOT_FOUND", "HubSpot's lists are called by a number"));
        } else if !is_id(record.as_str()) {
            let message = "HubSpot's ids are numbers: this one names no record";
            outcomes.insert(place, refused(Reason::Gone, "OBJECT_NOT_FOUND", message));
        } else {
            let group = groups.entry(list).or_default();
            if *member { &mut group.add } else { &mut group.remove }.push((place, record));
        }
    }
    let mut is_first = outcomes.is_empty();
    for (list, group) in groups {
        match change(api, list, &group).await {
            Ok(Ok(changed)) => settle(api, &object, &group, &changed, &mut outcomes).await,
            Ok(Err(rejection)) => {
                outcomes.extend(group.places().map(|place| (place, Outcome::Rejected(rejection.clone()))));
            }
            Err(error) if error.maybe_applied => {
                outcomes.extend(group.places().map(|place| (place, Outcome::Ambiguous(error.clone()))));
            }
            Err(error) if error.kind == ErrorKind::Forbidden => {
                // The scope for lists is one that fields do without: the connection is good all the same.
                let rejection = Rejection {
                    reason: Reason::Forbidden,
                    code: "MISSING_SCOPES".into(),
                    message: error.fix.unwrap_or(error.cause).into(),
                    fields: Vec::new(),
                };
                outcomes.extend(group.places().map(|place| (place, Outcome::Rejected(rejection.clone()))));
            }
            Err(error) if is_first => return Err(error),
            Err(error) => outcomes.extend(group.places().map(|place| (place, Outcome::Deferred(error.clone())))),
        }
        is_first = false;
    }
    let silent = || {
        let error = Error::new(ErrorKind::Protocol, "change a list", "HubSpot's answer does not mention it");
        Outcome::Ambiguous(error.maybe_applied())
    };
    Ok((0..writes.len()).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect())
}

/// What HubSpot says it changed, or why it changed nothing.
async fn change(api: &Api, list: &str, group: &Group<'_>) -> Result<Result<Changed, Rejection>, Error> {
    let attempted = "change who is on a list";
    let ids = |places: &[(usize, &'_ RecordId)]| -> Vec<String> {
        places.iter().map(|(_, record)| record.as_str().to_owned()).collect()
    };
    let (add, remove) = (ids(&group.add), ids(&group.remove));
    let asked = Asked {
        record_ids_to_add: add.iter().map(String::as_str).collect(),
        record_ids_to_remove: remove.iter().map(String::as_str).collect(),
    };
    let path = format!("{}/{list}/memberships/add-and-remove", api.paths.lists());
    let call = Call::write(attempted, path, json(attempted, &asked)?, PLAIN_CALL).with_method(Method::PUT);
    let decode = |answer: &Answer| {
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            let changed = serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))?;
            return Ok(Ok(Ok(changed)));
        }
        Ok(match status {
            404 => Ok(Err(no_list())),
            400 | 409 | 413 | 422 => Ok(Err(rejection(status, &Envelope::read(&answer.body)))),
            _ => Err(refusal(attempted, answer)),
        })
    };
    let changed = api.client.fetch(&call, decode).await??;
    match changed {
        // HubSpot refuses what is written to a filtered list as it refuses a bad id: the list itself tells which it was.
        Err(rejection) if rejection.reason == Reason::Invalid => match facts(api, list).await? {
            Some(listed) => match listed.closed() {
                Some(why) => Ok(Err(Rejection { reason: Reason::NotThere, message: why, ..rejection })),
                None => Ok(Err(rejection)),
            },
            None => Ok(Err(no_list())),
        },
        other => Ok(other),
    }
}

async fn settle(api: &Api, object: &Object, group: &Group<'_>, changed: &Changed, outcomes: &mut Outcomes) {
    let ids = |ids: &[Id]| -> BTreeSet<String> { ids.iter().map(|id| id.0.clone()).collect() };
    let (added, missing) = (ids(&changed.records_ids_added), ids(&changed.record_ids_missing));
    let done = |record: &RecordId, created| Outcome::Done {
        id: record.clone(),
        created,
        kept: Fields::new(),
        modified_at: None,
    };
    // Whoever is gone is on no list.
    outcomes.extend(group.remove.iter().map(|(place, record)| (*place, done(record, false))));
    for (place, record) in &group.add {
        let id = record.as_str();
        let outcome = if !missing.contains(id) {
            done(record, added.contains(id))
        } else {
            match api.current_id(object, id, Priority::Push).await {
                Ok(None) => refused(Reason::Gone, "OBJECT_NOT_FOUND", "the record is deleted"),
                // The list's index may be behind the record's.
                Ok(Some(now)) if now == **record => {
                    refused(Reason::Conflict, "RECORD_MISSING", "not known to lists yet")
                }
                Ok(Some(now)) => {
                    let into = Some(Link { object: object.clone(), id: now });
                    refused(Reason::Merged { into }, "MERGED", "the record was merged into another")
                }
                Err(error) => Outcome::Deferred(error),
            }
        };
        outcomes.insert(*place, outcome);
    }
}

async fn facts(api: &Api, list: &str) -> Result<Option<Listed>, Error> {
    let attempted = "look at a list";
    let call = Call::get(attempted, format!("{}/{list}", api.paths.lists()), PLAIN_CALL).with_priority(Priority::Push);
    let decode = |answer: &Answer| {
        if answer.status.is_success() {
            let named: Named = serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))?;
            return Ok(Ok(Some(named.list)));
        }
        Ok(if answer.status.as_u16() == 404 { Ok(None) } else { Err(refusal(attempted, answer)) })
    };
    api.client.fetch(&call, decode).await?
}

impl Listed {
    /// Why nobody is put on it from outside.
    fn closed(&self) -> Option<Arc<str>> {
        match self.processing_type.as_str() {
            "DYNAMIC" => Some("it is a DYNAMIC list: HubSpot fills it by its own filter; use a static list".into()),
            _ => None,
        }
    }
}

pub(crate) async fn list(api: &Api, object: &Object, list: &str) -> Result<Option<ListFacts>, Error> {
    if !is_id(list) {
        return Ok(None);
    }
    let Some(listed) = facts(api, list).await? else { return Ok(None) };
    let other = (listed.object_type_id != type_id(object))
        .then(|| format!("it is a list of other records than of {object} records").into());
    Ok(Some(ListFacts { name: redact::message(&listed.name).into(), closed: listed.closed().or(other) }))
}

/// A page of who is on a list.
pub(crate) async fn members(api: &Api, list: &str, after: Option<&str>) -> Result<ListMembers, Error> {
    let attempted = "read who is on a list";
    if !is_id(list) {
        return Err(Error::new(ErrorKind::Config, attempted, "HubSpot's lists are called by a number"));
    }
    let mut path = format!("{}/{list}/memberships?limit={PAGE}", api.paths.lists());
    if let Some(after) = after {
        path.push_str("&after=");
        path.extend(url::form_urlencoded::byte_serialize(after.as_bytes()));
    }
    let page: Members = api
        .ask(&Call::get(attempted, path, PLAIN_CALL), |answer| {
            serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))
        })
        .await?;
    let members = page.results.into_iter().map(|member| RecordId::new(member.record_id.0)).collect();
    Ok(ListMembers { members, next: page.paging.after().map(Arc::from) })
}

fn no_list() -> Rejection {
    Rejection {
        reason: Reason::NotThere,
        code: "LIST_NOT_FOUND".into(),
        message: "there is no list with this id".into(),
        fields: Vec::new(),
    }
}

fn refused(reason: Reason, code: &str, message: &str) -> Outcome {
    Outcome::Rejected(Rejection { reason, code: code.into(), message: message.into(), fields: Vec::new() })
}
