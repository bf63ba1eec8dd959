//! Acts 4 and 5: the evening's cycle with its plan, and the echo, a second cycle that must write nothing.

use std::collections::{BTreeMap, BTreeSet};

use connector::{FieldName, Object, ReadKey, ReadRequest, RecordId, Value};

use super::day::{REP_TITLE, rep_first_name};
use super::portal::Done;
use super::stage::{Cast, Stage};
use crate::app::{Computing, Plan, Pulling, Pushing};
use crate::cli::exit::Failure;
use crate::cli::runs::plain_value;
use crate::cli::terminal::Tone;

/// Columns a value may take in the diff.
const VALUE: usize = 44;

/// Most characters shown of a value that is replaced.
const WAS: usize = 20;

pub async fn evening(stage: &mut Stage<'_>, cast: &Cast) -> Result<Done, Failure> {
    stage.teller.act("Tue 17:00", "Pull, compute, plan, push").await;
    let pulled = stage.app.pull(stage.connection()?, Pulling::default(), &()).await?;
    stage.ended_well("the evening's pull ended well", &pulled);
    let computed = stage.app.compute(Computing::default(), &()).await?;
    stage.ended_well("the evening's computation ended well", std::slice::from_ref(&computed));
    let buyer = stage.profile(&format!("crm:hubspot:contact:{}", cast.buyer.record)).await?.profile;
    let (revenue, amount) =
        (plain_value(buyer.value("won_revenue")), cast.deal.facts.amount.map(|amount| amount.normalize()));
    let paid = amount.map(|amount| amount.to_string()).unwrap_or_default();
    stage.claims.same("the won deal is the buyer's revenue, to the cent", &revenue, &paid);
    stage
        .teller
        .pair("pulled", &format!("the rep's edit, and the deal: {} has bought for {revenue}", cast.buyer.name()))
        .await;
    stage.teller.pair("computed", &format!("{} profiles changed", computed.run.counts.updated)).await;
    stage.teller.tell("").await;
    let plans = stage.app.plan(stage.connection()?).await??;
    let (creates, updates) = plans
        .iter()
        .fold((0, 0), |(creates, updates), plan| (creates + plan.forecast.creates, updates + plan.forecast.updates));
    let calls: u64 = plans.iter().map(|plan| plan.forecast.api_calls).sum();
    let sums = format!("{creates} to create, {updates} to update, {calls} API calls");
    stage.teller.tell(&format!("  {} {sums}", stage.teller.heading("plan:"))).await;
    show(stage, cast, &plans).await;

    let mark = stage.portal.mark()?;
    let pushed = stage.app.push(stage.connection()?, Pushing::default(), &()).await?;
    stage.ended_well("the evening's push ended well", &pushed);
    let done = stage.portal.since(mark)?;
    let planned: BTreeSet<(String, String)> = plans
        .iter()
        .flat_map(|plan| &plan.forecast.changes)
        .map(|change| (change.record.as_ref().map(ToString::to_string).unwrap_or_default(), change.field.to_string()))
        .collect();
    let ours: BTreeSet<(String, String)> = done
        .fields()
        .filter(|(_, field, _)| planned.iter().any(|(_, one)| one == field))
        .map(|(record, field, _)| (record.to_owned(), field.to_owned()))
        .collect();
    stage.claims.same("the push wrote exactly the fields of the plan", &ours, &planned);
    stage.claims.same("each planned record was written once", &(done.writes() as u64), &(creates + updates));
    stage.claims.same("no contact was created: nobody is there twice", &done.creates(), &0);
    stage.teller.tell("").await;
    let what = format!("{} records, {} fields, {} requests", done.records(), ours.len(), done.requests);
    stage.teller.pair("pushed", &what).await;
    edit_survives(stage, cast).await?;
    Ok(done)
}

async fn show(stage: &Stage<'_>, cast: &Cast, plans: &[Plan]) {
    let mut records: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    for change in plans.iter().flat_map(|plan| &plan.forecast.changes) {
        let record = change.record.as_ref().map_or_else(|| "new".to_owned(), ToString::to_string);
        // Of what was only enough to know it again: the line has room for one long value.
        let (from, to) = (short(&change.from, WAS), short(&change.to, VALUE));
        records.entry(record).or_default().push((change.field.to_string(), from, to));
    }
    for (record, changes) in records {
        let people = [&cast.visitor, &cast.buyer, &cast.reader];
        let name = people.iter().find(|person| person.record == record).map_or_else(String::new, |one| one.name());
        stage.teller.item(Tone::Heading, &format!("{name} · contact {record}")).await;
        for (field, from, to) in changes {
            stage.teller.change(&field, &from, &to).await;
        }
    }
}

/// The rep's edit against the form's spelling: the CRM wins, here and there.
async fn edit_survives(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), Failure> {
    let names = ["firstname", "jobtitle"];
    let wanted = [rep_first_name(cast), REP_TITLE.to_owned()];
    let live = at_crm(stage, &cast.visitor.record, &names).await?;
    let detail = stage.profile(&format!("crm:hubspot:contact:{}", cast.visitor.record)).await?.profile;
    let here = ["first_name", "title"].map(|name| detail.value(name).as_text().unwrap_or_default().to_owned());
    let there: Vec<String> = live.iter().map(plain_value).collect();
    stage.claims.same("the rep's edit stands at the CRM", &there, &wanted.to_vec());
    stage.claims.same("the rep's edit has reached the store", &here.to_vec(), &wanted.to_vec());
    stage.teller.pair("the rep's edit", &format!("stands in both: {}, {}", here[0], here[1])).await;
    Ok(())
}

/// Live values of a contact, in the order asked for.
pub async fn at_crm(stage: &Stage<'_>, record: &str, fields: &[&str]) -> Result<Vec<Value>, Failure> {
    let request = ReadRequest {
        object: Object::Contact,
        fields: fields.iter().map(|field| FieldName::from(*field)).collect(),
        by: ReadKey::Ids(vec![RecordId::from(record)]),
    };
    let found = stage.connection()?.connector.read(&request).await?;
    let record = found.first().ok_or_else(|| Failure::new(format!("the CRM has no contact {record}")))?;
    Ok(request.fields.iter().map(|field| record.fields.get(field).cloned().unwrap_or(Value::Null)).collect())
}

pub async fn echo(stage: &mut Stage<'_>) -> Result<Done, Failure> {
    stage.at("17:05")?;
    stage.teller.act("Tue 17:05", "The echo").await;
    stage.teller.tell("What was just written comes back as changed. A second cycle sees its own writes:").await;
    let mark = stage.portal.mark()?;
    let pulled = stage.app.pull(stage.connection()?, Pulling::default(), &()).await?;
    let computed = stage.app.compute(Computing::default(), &()).await?;
    let pushed = stage.app.push(stage.connection()?, Pushing::default(), &()).await?;
    stage.ended_well("the second pull ended well", &pulled);
    stage.ended_well("the second computation ended well", std::slice::from_ref(&computed));
    stage.ended_well("the second push ended well", &pushed);
    let done = stage.portal.since(mark)?;
    stage.claims.same("the second cycle writes nothing", &done.writes(), &0);
    stage.teller.pair("second cycle", &format!("{} requests, {} writes", done.requests, done.writes())).await;
    Ok(done)
}

fn short(value: &Value, most: usize) -> String {
    let text = plain_value(value);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
