//! Outcomes: one for each write, in order; refusals that harm nobody else; no record created by accident.

use connector::{ErrorKind, FieldName, Fields, Object, Operation, Outcome, Reason, Value, Write};

use super::steps::{
    create, email, ensure, failed, holds, is_done, is_rejected, people, person, push, push_one, skipped, update, upsert,
};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [5] outcomes_come_in_the_order_of_the_writes,
        [5] an_empty_push_sends_nothing,
        [5] the_largest_batch_is_taken_whole,
        [5] one_bad_write_does_not_fail_its_neighbours,
        [5] an_unknown_field_is_refused,
        [5] a_read_only_field_is_refused,
        [5] a_value_somebody_else_holds_is_refused,
        [7] an_update_of_a_missing_record_is_gone_and_creates_nothing,
        [7] an_update_of_a_deleted_record_is_gone_and_creates_nothing,
        [4, 5] an_update_of_a_merged_record_finds_or_names_the_survivor,
        [7] an_upsert_creates_once,
        [6] an_upsert_of_an_existing_key_updates_it,
        [7] a_create_is_refused_where_the_capability_does_not_allow_it,
    ]
}

/// Ferry's own key on people, where the connector can create by it.
pub(super) fn creatable(s: &dyn Subject) -> Checked<FieldName> {
    let words = s.words();
    let declared = s.connector().capability().creates.iter().any(|key| key.object == words.person);
    match &words.key {
        _ if !declared => skipped(format!("the connector creates no {}", words.person)),
        Some(key) => Ok(key.clone()),
        None => skipped("the subject names no unique key field"),
    }
}

/// What a new person is created with, beside the key: a name as well, without which some CRMs create nobody.
pub(super) fn newcomer(s: &dyn Subject, number: usize) -> Fields {
    let words = s.words();
    Fields::from([
        (words.email.clone(), Value::from(email(number).as_str())),
        (words.text.clone(), Value::from("newcomer")),
        (words.other_text.clone(), Value::from("Newcomer")),
    ])
}

async fn outcomes_come_in_the_order_of_the_writes(s: &dyn Subject) -> Checked {
    let mut ids = people(s, 9).await?;
    // Neither the order of the ids nor its reverse.
    ids.rotate_left(4);
    ids.swap(0, 2);
    let text = &s.words().text;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), format!("of {id}").as_str())])).collect();
    for (outcome, id) in push(s, &writes).await?.iter().zip(&ids) {
        let (told, _) = is_done(outcome)?;
        ensure!(told == *id, "the outcome of {id} names {told}");
        holds(s, id, text, &format!("of {id}").as_str().into()).await?;
    }
    Ok(())
}

async fn an_empty_push_sends_nothing(s: &dyn Subject) -> Checked {
    super::steps::works("check", s.connector().check().await)?;
    let before = s.requests().await?;
    let outcomes = push(s, &[]).await?;
    ensure!(outcomes.is_empty(), "no write gave {} outcomes", outcomes.len());
    ensure!(s.requests().await? == before, "an empty push sent a request");
    Ok(())
}

async fn the_largest_batch_is_taken_whole(s: &dyn Subject) -> Checked {
    let most = s.connector().capability().push_batch;
    ensure!(most > 0, "the connector declares a batch of nothing");
    let ids = people(s, most).await?;
    let text = &s.words().text;
    // Whatever is asked once and remembered is asked now.
    push_one(s, &update(s, &ids[0], [(text.clone(), "first")])).await?;
    let before = s.requests().await?;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), "batch")])).collect();
    push(s, &writes).await?.iter().try_for_each(|outcome| is_done(outcome).map(drop))?;
    let (spent, forecast) = (s.requests().await? - before, s.connector().forecast(most));
    ensure!(spent <= forecast as u64, "{most} writes cost {spent} requests, the forecast was {forecast}");
    for id in [&ids[0], &ids[most - 1]] {
        holds(s, id, text, &"batch".into()).await?;
    }
    Ok(())
}

async fn one_bad_write_does_not_fail_its_neighbours(s: &dyn Subject) -> Checked {
    let Some((field, value)) = s.words().refused.clone() else {
        return skipped("the subject names no value that the CRM refuses");
    };
    let ids = people(s, 5).await?;
    let text = &s.words().text;
    let mut writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), "good")])).collect();
    writes[2] = update(s, &ids[2], [(text.clone(), Value::from("bad")), (field, value)]);
    for (place, outcome) in push(s, &writes).await?.iter().enumerate() {
        if place == 2 {
            let rejection = is_rejected(outcome)?;
            ensure!(rejection.reason == Reason::Invalid, "a refused value was told as {:?}", rejection.reason);
            ensure!(!rejection.code.is_empty(), "the refusal does not carry the CRM's code");
            holds(s, &ids[place], text, &Value::Null).await?;
        } else {
            is_done(outcome)?;
            holds(s, &ids[place], text, &"good".into()).await?;
        }
    }
    Ok(())
}

/// The write at place 1 of 3 is refused for one of the reasons, naming the field; the others are done.
async fn refused_among_three(s: &dyn Subject, field: &FieldName, reasons: &[Reason]) -> Checked {
    let ids = people(s, 3).await?;
    let text = &s.words().text;
    let mut writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), "good")])).collect();
    writes[1] = update(s, &ids[1], [(field.clone(), Value::from("bad"))]);
    let outcomes = push(s, &writes).await?;
    let rejection = is_rejected(&outcomes[1])?;
    ensure!(reasons.contains(&rejection.reason), "the refusal was told as {:?}", rejection.reason);
    ensure!(rejection.fields.contains(field), "the refusal names {:?}, not {field}", rejection.fields);
    for place in [0, 2] {
        is_done(&outcomes[place])?;
        holds(s, &ids[place], text, &"good".into()).await?;
    }
    Ok(())
}

async fn an_unknown_field_is_refused(s: &dyn Subject) -> Checked {
    refused_among_three(s, &"no_such_field_of_the_suite".into(), &[Reason::UnknownField]).await
}

async fn a_read_only_field_is_refused(s: &dyn Subject) -> Checked {
    let Some(field) = s.words().read_only.clone() else {
        return skipped("the subject names no read-only field");
    };
    refused_among_three(s, &field, &[Reason::ReadOnly]).await
}

async fn a_value_somebody_else_holds_is_refused(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    let field = &s.words().email;
    let outcome = push_one(s, &update(s, &ids[1], [(field.clone(), email(0).as_str())])).await?;
    match &is_rejected(&outcome)?.reason {
        Reason::Duplicate { existing } if existing.as_ref().is_none_or(|id| *id == ids[0]) => {}
        other => return failed(format!("the refusal was told as {other:?}; {} holds the value", ids[0])),
    }
    holds(s, &ids[1], field, &email(1).as_str().into()).await
}

/// An update of an id without a live record: `Gone`, and the number of records stays.
async fn update_is_gone(s: &dyn Subject, id: &connector::RecordId) -> Checked {
    let words = s.words();
    let neighbour = person(s, 77).await?;
    let count = s.count(&words.person).await?;
    let writes =
        [update(s, id, [(words.text.clone(), "ghost")]), update(s, &neighbour, [(words.text.clone(), "good")])];
    let outcomes = push(s, &writes).await?;
    let rejection = is_rejected(&outcomes[0])?;
    ensure!(rejection.reason == Reason::Gone, "a record that is not there was told as {:?}", rejection.reason);
    is_done(&outcomes[1])?;
    ensure!(s.count(&words.person).await? == count, "an update of a record that is not there changed their number");
    Ok(())
}

async fn an_update_of_a_missing_record_is_gone_and_creates_nothing(s: &dyn Subject) -> Checked {
    update_is_gone(s, &s.words().no_such_id).await
}

async fn an_update_of_a_deleted_record_is_gone_and_creates_nothing(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    s.delete(&s.words().person, &id).await?;
    update_is_gone(s, &id).await
}

async fn an_update_of_a_merged_record_finds_or_names_the_survivor(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    let words = s.words();
    let survivor = s.merge(&words.person, &ids[0], &ids[1]).await?;
    let Some(gone) = ids.iter().find(|id| **id != survivor) else { return failed("both ids survived a merge") };
    let count = s.count(&words.person).await?;
    match push_one(s, &update(s, gone, [(words.text.clone(), "follow")])).await? {
        Outcome::Done { id, created: false, .. } if id == survivor => {
            holds(s, &survivor, &words.text, &"follow".into()).await?;
        }
        Outcome::Rejected(rejection) => match rejection.reason {
            Reason::Merged { into } if into.as_ref().is_none_or(|into| into.id == survivor) => {}
            other => return failed(format!("{gone} was merged into {survivor}, its update was told as {other:?}")),
        },
        other => return failed(format!("{gone} was merged into {survivor}, its update was told as {other:?}")),
    }
    ensure!(s.count(&words.person).await? == count, "an update of a merged id changed the number of records");
    Ok(())
}

async fn an_upsert_creates_once(s: &dyn Subject) -> Checked {
    let key = creatable(s)?;
    let person = &s.words().person;
    let count = s.count(person).await?;
    let write = upsert(s, &key, "conformance-1", newcomer(s, 1));
    let (first, created) = is_done(&push_one(s, &write).await?)?;
    ensure!(created, "the upsert of a new key was not told as created");
    let (second, created) = is_done(&push_one(s, &write).await?)?;
    ensure!(first == second, "the second upsert of a key made {second}, the first {first}");
    ensure!(!created, "the second upsert of a key was told as created");
    let now = s.count(person).await?;
    ensure!(now == count + 1, "one upsert sent twice took the number of records from {count} to {now}");
    holds(s, &first, &key, &"conformance-1".into()).await?;
    holds(s, &first, &s.words().text, &"newcomer".into()).await
}

async fn an_upsert_of_an_existing_key_updates_it(s: &dyn Subject) -> Checked {
    let key = creatable(s)?;
    let words = s.words();
    let fields = Fields::from([
        (words.email.clone(), Value::from(email(1).as_str())),
        (key.clone(), Value::from("conformance-2")),
        (words.other_text.clone(), Value::from("theirs")),
    ]);
    let id = s.seed(&words.person, fields).await?;
    let write = upsert(s, &key, "conformance-2", [(words.text.clone(), "ours")]);
    let (told, created) = is_done(&push_one(s, &write).await?)?;
    ensure!(told == id && !created, "the upsert of {id} was told as {told}, created: {created}");
    holds(s, &id, &words.text, &"ours".into()).await?;
    holds(s, &id, &words.other_text, &"theirs".into()).await
}

async fn a_create_is_refused_where_the_capability_does_not_allow_it(s: &dyn Subject) -> Checked {
    let capability = s.connector().capability();
    let refused: Vec<&Object> = capability
        .objects
        .iter()
        .filter(|object| capability.creates.iter().all(|key| key.object != **object))
        .collect();
    let Some(object) = refused.first() else { return skipped("the connector creates every object it pulls") };
    let count = s.count(object).await?;
    let write: Write = create(s, object, Fields::new());
    match s.connector().push(&[Write { operation: Operation::Create, ..write }]).await {
        Ok(outcomes) => match outcomes.as_slice() {
            [Outcome::Rejected(rejection)] if rejection.reason == Reason::Unsupported => {}
            other => return failed(format!("the create of a {object} was told as {other:?}")),
        },
        Err(error) => ensure!(
            matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Config),
            "the create of a {object} was a {} error",
            error.kind.as_str()
        ),
    }
    ensure!(s.count(object).await? == count, "a {object} was created against the capability");
    Ok(())
}
