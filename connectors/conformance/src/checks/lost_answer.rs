//! Answers that never came: neither success nor failure, and no second create.

use connector::{ErrorKind, Outcome, ReadKey, ReadRequest, Value};

use super::outcome::{creatable, newcomer};
use super::steps::{
    ask_people, create, ensure, failed, fails, holds, is_done, people, person, push, push_one, update, upsert, works,
};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [10] a_lost_answer_after_the_write_is_ambiguous,
        [10] a_lost_answer_before_the_write_is_never_success,
        [10] a_broken_off_answer_to_a_write_is_ambiguous,
        [10] a_create_without_an_answer_is_not_sent_again,
        [10, 12] an_upsert_without_an_answer_can_be_looked_up,
        [6, 10] a_write_sent_again_after_a_lost_answer_is_done_once,
        [9] a_broken_off_answer_to_a_read_is_an_error,
        [9] a_lost_answer_to_a_read_is_transient,
    ]
}

/// Every write's answer is gone: each outcome must say so.
fn is_ambiguous(result: connector::Result<Vec<Outcome>>, writes: usize) -> Checked {
    match result {
        Err(error) => failed(format!("the push failed ({error}), which says that nothing was applied")),
        Ok(outcomes) => {
            ensure!(outcomes.len() == writes, "{writes} writes gave {} outcomes", outcomes.len());
            match outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Ambiguous(_))) {
                None => Ok(()),
                Some(other) => failed(format!("a write whose answer was lost was told as {other:?}")),
            }
        }
    }
}

async fn ambiguous_under(s: &dyn Subject, trouble: Trouble) -> Checked {
    let ids = people(s, 3).await?;
    let text = &s.words().text;
    works("check", s.connector().check().await)?;
    s.inject(trouble).await?;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), "applied")])).collect();
    is_ambiguous(s.connector().push(&writes).await, writes.len())?;
    s.mend().await?;
    for id in &ids {
        holds(s, id, text, &"applied".into()).await?;
    }
    Ok(())
}

async fn a_lost_answer_after_the_write_is_ambiguous(s: &dyn Subject) -> Checked {
    ambiguous_under(s, Trouble::LostAnswer { applied: true }).await
}

async fn a_broken_off_answer_to_a_write_is_ambiguous(s: &dyn Subject) -> Checked {
    ambiguous_under(s, Trouble::Truncated).await
}

async fn a_lost_answer_before_the_write_is_never_success(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    let text = &s.words().text;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: false }).await?;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), "not applied")])).collect();
    // Whether the request had left is not for the connector to guess; "nothing was applied" happens to be true here.
    match s.connector().push(&writes).await {
        Err(error) => ensure!(error.kind == ErrorKind::Transient, "the push was a {} error", error.kind.as_str()),
        Ok(outcomes) => {
            ensure!(outcomes.len() == 2, "2 writes gave {} outcomes", outcomes.len());
            let wrong = outcomes.iter().find(|o| !matches!(o, Outcome::Ambiguous(_) | Outcome::Deferred(_)));
            ensure!(wrong.is_none(), "a write that never arrived was told as {wrong:?}");
        }
    }
    s.mend().await?;
    for id in &ids {
        holds(s, id, text, &Value::Null).await?;
    }
    Ok(())
}

async fn a_create_without_an_answer_is_not_sent_again(s: &dyn Subject) -> Checked {
    creatable(s)?;
    let person = &s.words().person;
    let count = s.count(person).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    // Without a unique value on it, a second create would make a second record.
    let words = s.words();
    let fields = [(words.text.clone(), "created once"), (words.other_text.clone(), "and with a name")];
    let write = create(s, person, fields);
    is_ambiguous(s.connector().push(&[write]).await, 1)?;
    s.mend().await?;
    let now = s.count(person).await?;
    ensure!(now == count + 1, "one create without an answer took the number of records from {count} to {now}");
    Ok(())
}

async fn an_upsert_without_an_answer_can_be_looked_up(s: &dyn Subject) -> Checked {
    let key = creatable(s)?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = upsert(s, &key, "conformance-3", newcomer(s, 3));
    is_ambiguous(s.connector().push(std::slice::from_ref(&write)).await, 1)?;
    s.mend().await?;
    let request = ReadRequest {
        object: s.words().person.clone(),
        fields: vec![key.clone()],
        by: ReadKey::Unique { field: key, values: vec!["conformance-3".into()] },
    };
    let found = works("the look-up by key", s.connector().read(&request).await)?;
    ensure!(found.len() == 1, "the look-up by key found {} records", found.len());
    let (again, created) = is_done(&push_one(s, &write).await?)?;
    ensure!(again == found[0].id && !created, "sent again it was told as {again}, created: {created}");
    Ok(())
}

async fn a_write_sent_again_after_a_lost_answer_is_done_once(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    let count = s.count(&words.person).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = update(s, &id, [(words.text.clone(), "once")]);
    is_ambiguous(s.connector().push(std::slice::from_ref(&write)).await, 1)?;
    s.mend().await?;
    for outcome in push(s, &[write]).await? {
        is_done(&outcome)?;
    }
    ensure!(s.count(&words.person).await? == count, "an update sent again changed the number of records");
    holds(s, &id, &words.text, &"once".into()).await
}

async fn read_fails(s: &dyn Subject, trouble: Trouble, kinds: &[ErrorKind]) -> Checked {
    let id = person(s, 1).await?;
    works("check", s.connector().check().await)?;
    s.inject(trouble).await?;
    let request = ReadRequest {
        object: s.words().person.clone(),
        fields: vec![s.words().email.clone()],
        by: ReadKey::Ids(vec![id]),
    };
    let pull = fails("a pull whose answer was broken", s.connector().pull(&ask_people(s)).await)?;
    let read = fails("a read whose answer was broken", s.connector().read(&request).await)?;
    for (door, error) in [("pull", pull), ("read", read)] {
        ensure!(kinds.contains(&error.kind), "the {door} was a {} error", error.kind.as_str());
    }
    Ok(())
}

async fn a_broken_off_answer_to_a_read_is_an_error(s: &dyn Subject) -> Checked {
    read_fails(s, Trouble::Truncated, &[ErrorKind::Protocol, ErrorKind::Transient]).await
}

async fn a_lost_answer_to_a_read_is_transient(s: &dyn Subject) -> Checked {
    read_fails(s, Trouble::LostAnswer { applied: false }, &[ErrorKind::Transient]).await
}
