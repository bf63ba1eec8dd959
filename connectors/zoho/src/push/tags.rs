//! Places on lists, which at Zoho are tags of records. A tag is added to what the record has (never in the place of it) and taken off
//! alone; whether a record has it is read first, for the answer to an addition does not tell whether it is new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{
    Error, ErrorKind, Fields, ListFacts, ListKind, ListMembers, Object, Operation, Outcome, Reason, RecordId, Write,
};
use connector_http::{Answer, Call, Priority, redact};
use serde::{Deserialize, Serialize};

use super::in_order;
use super::outgoing::refused;
use crate::api::{Api, decode_or_nothing, json};
use crate::dialect::CALL;
use crate::listing::MOST_IDS;
use crate::paths;
use crate::wire::{Fault, Id, is_id};

/// Records that one call tags.
const MOST_ROWS: usize = 500;
/// Longest name of a tag, and tags of one record (`zoho.md` §3).
const LONGEST_NAME: usize = 25;
const MOST_TAGS: usize = 10;

/// Objects whose records are tagged.
pub(crate) fn kinds() -> Vec<ListKind> {
    [Object::Contact, Object::Lead].map(|object| ListKind { object, batch: MOST_ROWS }).to_vec()
}

/// Whether these writes go this way.
pub(super) fn are_places(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write.operation, Operation::ListMembership { .. }))
}

/// One write, read.
struct Wish<'a> {
    place: usize,
    record: &'a RecordId,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    data: Vec<Tagged>,
    info: Info,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    more_records: bool,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tagged {
    id: Id,
    #[serde(default, rename = "Tag")]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
}

impl Tagged {
    /// Zoho tells no capitals from small letters in tags.
    fn has(&self, name: &str) -> bool {
        self.tags.iter().flatten().any(|tag| tag.name.to_lowercase() == name.to_lowercase())
    }
}

#[derive(Serialize)]
struct Body<'a> {
    tags: [Named<'a>; 1],
    ids: Vec<&'a str>,
    /// Everything else that a record is tagged with would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    over_write: Option<bool>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Fault>,
}

type Outcomes = BTreeMap<usize, Outcome>;

/// One outcome per write in the order given, or an `Err` that says that nothing was written.
pub(super) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Outcomes::new();
    let mut groups: BTreeMap<(&str, bool), Vec<Wish<'_>>> = BTreeMap::new();
    let object = writes.first().map_or(Object::Contact, |write| write.object.clone());
    let is_tagged = kinds().iter().any(|kind| kind.object == object);
    for (place, write) in writes.iter().enumerate() {
        let refuse = |reason, code, message| Outcome::Rejected(refused(reason, code, message, None));
        let outcome = match &write.operation {
            Operation::ListMembership { list, record, member } if is_tagged && is_id(record.as_str()) => {
                if is_name(list) {
                    groups.entry((list, *member)).or_default().push(Wish { place, record });
                    continue;
                }
                refuse(Reason::NotThere, "INVALID_DATA", "this is not the name of a tag")
            }
            Operation::ListMembership { .. } if is_tagged => {
                refuse(Reason::Gone, "INVALID_DATA", "Zoho's ids are numbers: this one names no record")
            }
            _ => refuse(Reason::Unsupported, "UNSUPPORTED", "the connector does not tag records of this object"),
        };
        outcomes.insert(place, outcome);
    }
    let module = paths::module_of(&object)?;
    let mut is_first = outcomes.is_empty();
    for ((tag, member), wishes) in groups {
        match one(api, module, (tag, member), &wishes, &mut outcomes).await {
            Ok(()) => {}
            Err(error) if is_first && !error.maybe_applied => return Err(error),
            Err(error) => {
                for wish in &wishes {
                    outcomes.entry(wish.place).or_insert_with(|| match error.maybe_applied {
                        true => Outcome::Ambiguous(error.clone()),
                        false => Outcome::Deferred(error.clone()),
                    });
                }
            }
        }
        is_first = false;
    }
    Ok(in_order(writes.len(), outcomes))
}

/// An `Err` without `maybe_applied` says that nothing of these was written.
async fn one(
    api: &Api,
    module: &str,
    (tag, member): (&str, bool),
    wishes: &[Wish<'_>],
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    let there = tagged(api, module, wishes).await?;
    let mut open = Vec::new();
    for wish in wishes {
        let outcome = match there.get(wish.record.as_str()) {
            // Whoever is gone has no tags.
            None if member => {
                Outcome::Rejected(refused(Reason::Gone, "RECORD_NOT_FOUND", "there is no such record", None))
            }
            None => done(wish, false),
            Some(row) if row.has(tag) == member => done(wish, false),
            Some(row) if member && row.tags.as_ref().is_some_and(|tags| tags.len() >= MOST_TAGS) => {
                let message = "the record has ten tags already, and Zoho keeps no more";
                Outcome::Rejected(refused(Reason::Invalid, "LIMIT_EXCEEDED", message, None))
            }
            Some(_) => {
                open.push(wish);
                continue;
            }
        };
        outcomes.insert(wish.place, outcome);
    }
    for some in open.chunks(MOST_ROWS) {
        let answers = send(api, module, (tag, member), some).await?;
        if answers.len() != some.len() {
            let cause = "Zoho's answer does not say what became of the records";
            return Err(Error::new(ErrorKind::Protocol, "tag records", cause).maybe_applied());
        }
        for (wish, answer) in some.iter().zip(answers) {
            outcomes.insert(wish.place, of_row(wish, member, &answer));
        }
    }
    Ok(())
}

/// The records as they are tagged, by id; those that are not there are left out.
async fn tagged(api: &Api, module: &str, wishes: &[Wish<'_>]) -> Result<BTreeMap<String, Tagged>, Error> {
    let mut found = BTreeMap::new();
    for some in wishes.chunks(MOST_IDS) {
        let ids = some.iter().map(|wish| wish.record.as_str());
        let path = paths::with_ids(paths::list(module, ["Tag"]), ids);
        let call = Call::get("look how records are tagged", path, CALL).with_priority(Priority::Push);
        let page: Option<Page> = api.ask(&call, decode_or_nothing).await?;
        found.extend(page.unwrap_or_default().data.into_iter().map(|row| (row.id.0.clone(), row)));
    }
    Ok(found)
}

async fn send(api: &Api, module: &str, (tag, member): (&str, bool), wishes: &[&Wish<'_>]) -> Result<Vec<Fault>, Error> {
    let (verb, attempted) =
        if member { ("add_tags", "tag records") } else { ("remove_tags", "take a tag off records") };
    let body = Body {
        tags: [Named { name: tag }],
        ids: wishes.iter().map(|wish| wish.record.as_str()).collect(),
        over_write: member.then_some(false),
    };
    let path = format!("{}/actions/{verb}", paths::module(module));
    let call = Call::write(attempted, path, json(attempted, &body)?, CALL);
    let decode = |answer: &Answer| {
        // Row by row where there are rows, whatever the status.
        match serde_json::from_slice::<Answered>(&answer.body) {
            Ok(answered) if answer.status.is_success() || answered.data.len() == wishes.len() => Ok(Ok(answered.data)),
            _ if answer.status.is_success() => Err("it does not say what became of the records".to_owned()),
            _ => Ok(Err(crate::api::Refusal::of(answer))),
        }
    };
    api.client.fetch(&call, decode).await?.map_err(|refusal| refusal.into_error(attempted))
}

fn of_row(wish: &Wish<'_>, member: bool, answer: &Fault) -> Outcome {
    if answer.is_success() {
        return done(wish, member);
    }
    let is_missing = matches!(answer.code.as_str(), "RECORD_NOT_FOUND" | "RECORD_IN_RECYCLE_BIN")
        || answer.message.contains("id given seems to be invalid");
    match is_missing {
        true if member => Outcome::Rejected(refused(Reason::Gone, "RECORD_NOT_FOUND", "there is no such record", None)),
        true => done(wish, false),
        false => {
            let (code, message) = (redact::message(&answer.code), redact::message(&answer.message));
            Outcome::Rejected(refused(Reason::Invalid, &code, &message, None))
        }
    }
}

fn done(wish: &Wish<'_>, created: bool) -> Outcome {
    Outcome::Done { id: wish.record.clone(), created, kept: Fields::new(), modified_at: None }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(',')
}

/// A tag that nobody has is one all the same: adding it makes it.
pub(crate) fn list(list: &str) -> Option<ListFacts> {
    is_name(list).then(|| ListFacts { name: list.into(), closed: None })
}

/// A page of all records, those with the tag: Zoho's queries do not ask for tags, and its search lags.
pub(crate) async fn members(api: &Api, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers, Error> {
    let mut path = paths::list(paths::module_of(object)?, ["Tag"]);
    path.push_str(&format!("&per_page={}&sort_by=id&sort_order=asc", api.limits.page));
    if let Some(token) = after {
        path = paths::with(path, "page_token", token);
    }
    let call = Call::get("read how records are tagged", path, CALL);
    let page: Option<Page> = api.ask(&call, decode_or_nothing).await?;
    let page = page.unwrap_or_default();
    let members: BTreeSet<RecordId> =
        page.data.iter().filter(|row| row.has(list)).map(|row| RecordId::from(row.id.0.as_str())).collect();
    let next = page.info.next_page_token.filter(|_| page.info.more_records).map(Arc::from);
    Ok(ListMembers { members: members.into_iter().collect(), next })
}
