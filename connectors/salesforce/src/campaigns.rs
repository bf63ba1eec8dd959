//! Places on lists, which Salesforce calls campaigns: one member row for each person. A second row for the same person is refused, and
//! taken for done; a place is given up by deleting its row, which is looked for by campaign and person.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{
    Error, Fields, ListFacts, ListKind, ListMembers, Object, Operation, Outcome, Reason, RecordId, Rejection, Value,
    Write,
};
use connector_http::{Call, Priority, Repeat};
use http::Method;
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::choice::COLLECTION;
use crate::delivery::Delivery;
use crate::dialect::CALL;
use crate::ids;
use crate::lookup::{self, Fate};
use crate::outgoing::{How, Lane, Sent};
use crate::paths::sobject_of;
use crate::push::{deadline, in_order};
use crate::refusal::{ErrorRow, RowRefusal};
use crate::reject::{Meaning, Naming, meaning, refused, rejection};
use crate::soql::{Comparison, Field, Literal, Query};

const MEMBER: &str = "CampaignMember";
/// Members of one page.
const PAGE: usize = 2_000;

/// A campaign's row is locked by its members' inserts: more than one call at a time would only wait for itself.
pub(crate) fn kinds() -> Vec<ListKind> {
    [Object::Contact, Object::Lead].map(|object| ListKind { object, batch: COLLECTION }).to_vec()
}

/// Whether these are writes for this file.
pub(crate) fn is_membership(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write.operation, Operation::ListMembership { .. }))
}

/// One write, read; ids in their long form.
struct Wish<'a> {
    place: usize,
    campaign: String,
    record: String,
    member: bool,
    /// The row it would be.
    row: Write,
    write: &'a Write,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    id: String,
    contact_id: Option<String>,
    lead_id: Option<String>,
    name: Option<String>,
}

impl Row {
    fn person(&self, object: &Object) -> Option<String> {
        let id = if *object == Object::Lead { &self.lead_id } else { &self.contact_id };
        id.as_deref().and_then(ids::long)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rows {
    records: Vec<Row>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deleted {
    success: bool,
    errors: Option<Vec<ErrorRow>>,
}

type Outcomes = BTreeMap<usize, Outcome>;

/// An `Err` says that nothing was written.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Outcomes::new();
    let (mut gives, mut takes): (BTreeMap<String, Vec<Wish<'_>>>, BTreeMap<String, Vec<Wish<'_>>>) = Default::default();
    let object = writes.first().map_or(Object::Contact, |write| write.object.clone());
    for (place, write) in writes.iter().enumerate() {
        match wish(place, write) {
            Ok(wish) => {
                let of = if wish.member { &mut gives } else { &mut takes };
                of.entry(wish.campaign.clone()).or_default().push(wish);
            }
            Err(rejection) => drop(outcomes.insert(place, Outcome::Rejected(rejection))),
        }
    }
    let mut has_written = !outcomes.is_empty();
    for (campaign, wishes) in &takes {
        match take(api, &object, campaign, wishes, &mut outcomes).await {
            Ok(()) => has_written = true,
            Err(error) if !has_written => return Err(error),
            Err(error) => defer(wishes, &error, &mut outcomes),
        }
    }
    for wishes in gives.values() {
        match give(api, &object, wishes, &mut outcomes).await {
            Ok(()) => has_written = true,
            Err(error) if !has_written => return Err(error),
            Err(error) => defer(wishes, &error, &mut outcomes),
        }
    }
    Ok(in_order(writes.len(), outcomes))
}

fn defer(wishes: &[Wish<'_>], error: &Error, outcomes: &mut Outcomes) {
    for wish in wishes {
        outcomes.entry(wish.place).or_insert_with(|| Outcome::Deferred(error.clone()));
    }
}

fn wish(place: usize, write: &Write) -> Result<Wish<'_>, Rejection> {
    let Operation::ListMembership { list, record, member } = &write.operation else {
        return Err(refused(Reason::Unsupported, "UNSUPPORTED", "another operation among places on campaigns"));
    };
    let person = match &write.object {
        Object::Contact => "ContactId",
        Object::Lead => "LeadId",
        _ => return Err(refused(Reason::Unsupported, "UNSUPPORTED", "only people are members of campaigns")),
    };
    let Some(campaign) = campaign(list) else { return Err(no_campaign()) };
    let Some(record) = ids::long(record.as_str()) else {
        let message = "Salesforce's ids have 15 or 18 characters: this names no record";
        return Err(refused(Reason::Gone, "MALFORMED_ID", message));
    };
    let fields = Fields::from([("CampaignId", Value::from(campaign.as_str())), (person, Value::from(record.as_str()))]);
    let object = Object::Other(MEMBER.into());
    let row = Write { object, operation: Operation::Create, fields, ..write.clone() };
    Ok(Wish { place, campaign, record, member: *member, row, write })
}

/// The long form of a campaign's id.
fn campaign(list: &str) -> Option<String> {
    ids::long(list).filter(|id| id.starts_with("701"))
}

/// Makes member rows. The status is the campaign's default.
async fn give(api: &Api, object: &Object, wishes: &[Wish<'_>], outcomes: &mut Outcomes) -> Result<(), Error> {
    let sent: Vec<Sent<'_>> = wishes
        .iter()
        .map(|wish| Sent {
            place: wish.place,
            write: &wish.row,
            key: String::new(),
            fields: Cow::Borrowed(&wish.row.fields),
        })
        .collect();
    let member = Object::Other(MEMBER.into());
    let lane = Lane { object: member, sobject: MEMBER.to_owned(), how: How::Insert { key: None }, assigns: false };
    let mut delivery = Delivery::new(api, Outcomes::new(), deadline(api));
    delivery.run(&lane, sent).await;
    let (told, stopped) = delivery.finish();
    if let Some(error) = stopped.filter(|_| told.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)))) {
        return Err(error);
    }
    let mut unclear = Vec::new();
    for wish in wishes {
        let outcome = match told.get(&wish.place).cloned() {
            Some(Outcome::Done { .. }) => done(wish, true),
            // The row is there, whoever made it.
            Some(Outcome::Rejected(rejection)) if matches!(rejection.reason, Reason::Duplicate { .. }) => {
                done(wish, false)
            }
            Some(Outcome::Rejected(rejection)) if matches!(rejection.reason, Reason::Invalid | Reason::Gone) => {
                unclear.push((wish, rejection));
                continue;
            }
            Some(other) => other,
            None => continue,
        };
        outcomes.insert(wish.place, outcome);
    }
    if !unclear.is_empty() {
        explain(api, object, unclear, outcomes).await;
    }
    Ok(())
}

/// A bad reference: the person may be gone, or the campaign.
async fn explain(api: &Api, object: &Object, unclear: Vec<(&Wish<'_>, Rejection)>, outcomes: &mut Outcomes) {
    let records: Vec<String> = unclear.iter().map(|(wish, _)| wish.record.clone()).collect();
    let looked = async {
        let fates = lookup::fates(api, object, sobject_of(object)?, &records).await?;
        let mut there: BTreeSet<&str> = BTreeSet::new();
        for campaign in unclear.iter().map(|(wish, _)| wish.campaign.as_str()).collect::<BTreeSet<_>>() {
            if look(api, campaign).await?.is_some() {
                there.insert(campaign);
            }
        }
        Ok::<_, Error>((fates, there.into_iter().map(str::to_owned).collect::<BTreeSet<String>>()))
    };
    let looked = looked.await;
    for (wish, rejection) in unclear {
        let outcome = match &looked {
            Err(error) => Outcome::Deferred(error.clone()),
            Ok((fates, there)) => Outcome::Rejected(match fates.get(&wish.record) {
                Some(Fate::Into(into)) => {
                    refused(Reason::Merged { into: into.clone() }, "ENTITY_IS_DELETED", "the record goes on as another")
                }
                Some(Fate::Gone) | None => refused(Reason::Gone, "ENTITY_IS_DELETED", "the record is deleted"),
                Some(Fate::Alive) if !there.contains(&wish.campaign) => no_campaign(),
                Some(Fate::Alive) => rejection,
            }),
        };
        outcomes.insert(wish.place, outcome);
    }
}

/// Deletes member rows. Who has none is out already.
async fn take(
    api: &Api,
    object: &Object,
    campaign: &str,
    wishes: &[Wish<'_>],
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    let person = if *object == Object::Lead { "LeadId" } else { "ContactId" };
    let records: Vec<Literal> = wishes.iter().map(|wish| Literal::text(wish.record.as_str())).collect();
    let columns = [Field::from("Id"), Field::from(person)].to_vec();
    let query = Query::select(columns, MEMBER)?.filter(crate::soql::Condition::All(vec![
        Field::from("CampaignId").is(Comparison::Equal, Literal::text(campaign)),
        Field::from(person).one_of(records),
    ]));
    let call = Call::get("look for members of a campaign", api.paths.query(&query.text(), false), CALL);
    let found: Rows = api.ask(&call.with_priority(Priority::Push), decode).await?;
    let rows: BTreeMap<String, String> =
        found.records.iter().filter_map(|row| Some((row.person(object)?, ids::long(&row.id)?))).collect();
    let (there, out): (Vec<_>, Vec<_>) = wishes.iter().partition(|wish| rows.contains_key(&wish.record));
    outcomes.extend(out.into_iter().map(|wish| (wish.place, done(wish, false))));
    for some in there.chunks(COLLECTION) {
        let ids: Vec<&str> = some.iter().filter_map(|wish| rows.get(&wish.record)).map(String::as_str).collect();
        match delete(api, &ids).await {
            Ok(answers) if answers.len() == some.len() => {
                outcomes.extend(some.iter().zip(answers).map(|(wish, answer)| (wish.place, of_deletion(wish, answer))));
            }
            Ok(_) => {
                let error = Error::new(connector::ErrorKind::Protocol, DELETE, "the answer is not of what was asked");
                outcomes
                    .extend(some.iter().map(|wish| (wish.place, Outcome::Ambiguous(error.clone().maybe_applied()))));
            }
            Err(error) if error.maybe_applied => {
                outcomes.extend(some.iter().map(|wish| (wish.place, Outcome::Ambiguous(error.clone()))));
            }
            Err(error) => outcomes.extend(some.iter().map(|wish| (wish.place, Outcome::Deferred(error.clone())))),
        }
    }
    Ok(())
}

const DELETE: &str = "delete members of a campaign";

async fn delete(api: &Api, ids: &[&str]) -> Result<Vec<Deleted>, Error> {
    let path = format!("{}?ids={}&allOrNone=false", api.paths.collections(), ids.join(","));
    let call = Call::get(DELETE, path, CALL)
        .with_method(Method::DELETE)
        .with_repeat(Repeat::OnlyIfNotApplied)
        .with_priority(Priority::Push);
    api.ask(&call, decode).await
}

fn of_deletion(wish: &Wish<'_>, answer: Deleted) -> Outcome {
    if answer.success {
        return done(wish, false);
    }
    let refusal = RowRefusal::first(answer.errors.unwrap_or_default());
    match meaning(&refusal, Naming::ById) {
        Meaning::Missing => done(wish, false),
        Meaning::Locked => Outcome::Rejected(rejection(Reason::Locked { retry_after: None }, &refusal)),
        Meaning::Later(kind) => Outcome::Deferred(Error { kind, ..crate::answer::refused_call(DELETE, &refusal) }),
        Meaning::Final(reason) => Outcome::Rejected(rejection(reason, &refusal)),
        _ => Outcome::Rejected(rejection(Reason::Invalid, &refusal)),
    }
}

/// A campaign, or none.
async fn look(api: &Api, campaign: &str) -> Result<Option<Row>, Error> {
    let columns = ["Id", "Name"].map(Field::from).to_vec();
    let query =
        Query::select(columns, "Campaign")?.filter(Field::from("Id").is(Comparison::Equal, Literal::text(campaign)));
    let call = Call::get("look at a campaign", api.paths.query(&query.text(), false), CALL);
    let mut found: Rows = api.ask(&call.with_priority(Priority::Push), decode).await?;
    Ok(found.records.pop())
}

pub(crate) async fn list(api: &Api, list: &str) -> Result<Option<ListFacts>, Error> {
    let Some(campaign) = campaign(list) else { return Ok(None) };
    let found = look(api, &campaign).await?;
    Ok(found.map(|row| ListFacts {
        name: connector_http::redact::message(row.name.as_deref().unwrap_or_default()).into(),
        closed: None,
    }))
}

/// A page of the members of a campaign, in the order of their rows; `after` is the last row's id.
pub(crate) async fn members(api: &Api, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers, Error> {
    let attempted = "read the members of a campaign";
    let Some(campaign) = campaign(list) else {
        return Err(Error::new(connector::ErrorKind::Config, attempted, "a campaign is called by its id"));
    };
    let mut conditions = vec![Field::from("CampaignId").is(Comparison::Equal, Literal::text(campaign))];
    conditions
        .extend(after.and_then(ids::long).map(|after| Field::from("Id").is(Comparison::Greater, Literal::text(after))));
    let query = Query::select(["Id", "ContactId", "LeadId"].map(Field::from).to_vec(), MEMBER)?
        .filter(crate::soql::Condition::All(conditions))
        .order_by(vec![Field::from("Id")])
        .limit(PAGE);
    let found: Rows = api.ask(&Call::get(attempted, api.paths.query(&query.text(), false), CALL), decode).await?;
    let last = found.records.last().and_then(|row| ids::long(&row.id));
    let members = found.records.iter().filter_map(|row| row.person(object)).map(RecordId::from).collect();
    Ok(ListMembers { members, next: last.filter(|_| found.records.len() == PAGE).map(Arc::from) })
}

fn done(wish: &Wish<'_>, created: bool) -> Outcome {
    let Operation::ListMembership { record, .. } = &wish.write.operation else {
        return Outcome::Rejected(refused(Reason::Unsupported, "UNSUPPORTED", "no place on a campaign"));
    };
    Outcome::Done { id: record.clone(), created, kept: Fields::new(), modified_at: None }
}

fn no_campaign() -> Rejection {
    refused(Reason::NotThere, "CAMPAIGN_NOT_FOUND", "there is no campaign with this id, or the user may not see it")
}
