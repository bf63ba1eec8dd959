//! Deleting people's records for good. For connectors whose capability names objects that can be.

use connector::{Operation, Outcome, Reason, RecordId, Write};

use super::steps::{beside, ensure, failed, is_done, people, person, push, push_one, skipped, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [6] an_erased_record_is_gone_and_erasing_it_again_is_done,
        [6, 10] an_erasure_whose_answer_was_lost_is_sent_again_and_done,
        [5] erasures_of_several_leave_the_others_alone,
        [6] an_id_that_was_merged_away_deletes_nothing,
    ]
}

fn erase(s: &dyn Subject, id: &RecordId) -> Write {
    beside(s, Operation::Erase { id: id.clone() })
}

fn can_erase(s: &dyn Subject) -> Checked {
    match s.connector().capability().erases.contains(&s.words().person) {
        true => Ok(()),
        false => skipped("the connector deletes nobody's record"),
    }
}

async fn is_there(s: &dyn Subject, id: &RecordId) -> Checked<bool> {
    let words = s.words();
    Ok(s.truth(&words.person, id, std::slice::from_ref(&words.email)).await?.is_some())
}

async fn an_erased_record_is_gone_and_erasing_it_again_is_done(s: &dyn Subject) -> Checked {
    can_erase(s)?;
    let id = person(s, 0).await?;
    let (told, created) = is_done(&push_one(s, &erase(s, &id)).await?)?;
    ensure!(told == id && !created, "erasing {id} is told as {told}, created: {created}");
    ensure!(!is_there(s, &id).await?, "an erased record is still there");
    let changes = s.changes().await?;
    is_done(&push_one(s, &erase(s, &id)).await?)?;
    ensure!(s.changes().await? == changes, "erasing what is gone changed something");
    Ok(())
}

async fn an_erasure_whose_answer_was_lost_is_sent_again_and_done(s: &dyn Subject) -> Checked {
    can_erase(s)?;
    let id = person(s, 0).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = erase(s, &id);
    match s.connector().push(std::slice::from_ref(&write)).await {
        Ok(outcomes) => {
            let told = matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]);
            ensure!(told, "an erasure without an answer was told as {outcomes:?}");
        }
        // The look before it may be what failed.
        Err(error) => ensure!(!error.maybe_applied, "the push failed, and says it may be applied: {error}"),
    }
    s.mend().await?;
    is_done(&push_one(s, &write).await?)?;
    ensure!(!is_there(s, &id).await?, "an erased record is still there");
    Ok(())
}

async fn erasures_of_several_leave_the_others_alone(s: &dyn Subject) -> Checked {
    can_erase(s)?;
    let ids = people(s, 3).await?;
    let [first, kept, last] = ids.as_slice() else { return failed("three people were seeded and others came") };
    let writes = [erase(s, first), erase(s, &s.words().no_such_id), erase(s, last)];
    for outcome in &push(s, &writes).await? {
        is_done(outcome)?;
    }
    for gone in [first, last] {
        ensure!(!is_there(s, gone).await?, "{gone} was erased and is still there");
    }
    ensure!(is_there(s, kept).await?, "a record that nobody erased is gone");
    Ok(())
}

async fn an_id_that_was_merged_away_deletes_nothing(s: &dyn Subject) -> Checked {
    can_erase(s)?;
    let ids = people(s, 2).await?;
    let [one, other] = ids.as_slice() else { return failed("two people were seeded and others came") };
    let survivor = s.merge(&s.words().person, one, other).await?;
    let outcome = push_one(s, &erase(s, other)).await?;
    let told = match &outcome {
        Outcome::Rejected(rejection) => matches!(rejection.reason, Reason::Merged { .. }),
        _ => false,
    };
    ensure!(told, "erasing a record that was merged away was told as {outcome:?}");
    ensure!(is_there(s, &survivor).await?, "the survivor was deleted by an id that it took over");
    Ok(())
}
